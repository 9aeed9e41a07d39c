"""Many clients at once in one process, each checking every byte that it gets back."""

import collections
import selectors
import socket
import time

DEADLINE_SECONDS = 150


class Client:
    """One connection that sends `count` messages, `window` of them on their way at most, and checks the answers."""

    def __init__(self, kind, port, number, count, window, message, answer):
        self.name = f"client {number}"
        self.messages = (message(number, index) for index in range(count))
        self.answer, self.window = answer, window
        self.datagrams = kind == socket.SOCK_DGRAM
        self.owed = collections.deque()  # the answers that have not arrived yet, in order
        self.left = count
        self.finished = False
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))

    def send(self):
        """Fills the window. Messages are small, so a connection whose window is open takes them whole."""
        while self.left and len(self.owed) < self.window:
            message = next(self.messages)
            if self.socket.send(message) != len(message):
                raise AssertionError(f"{self.name}: the socket took a part of a message")
            self.owed.append(self.answer(message))
            self.left -= 1

    def receive(self):
        data = self.socket.recv(65536)
        if not data and not self.datagrams:
            if self.owed or self.left:
                raise AssertionError(f"{self.name}: the server closed, {len(self.owed)} answers are lost")
            self.finished = True
        while data:
            if not self.owed:
                raise AssertionError(f"{self.name}: {data!r} is more than it asked for")
            expected = self.owed[0]
            if data.startswith(expected):
                data = data[len(expected):]
                self.owed.popleft()
            elif not self.datagrams and expected.startswith(data):
                self.owed[0] = expected[len(data):]
                data = b""
            else:
                raise AssertionError(f"{self.name}: {data!r} came instead of {expected!r}")

    def step(self):
        """All that was owed has come: the next messages, or the end."""
        if self.left:
            self.send()
        elif not self.owed and self.datagrams:
            self.finished = True
        elif not self.owed and not self.finished:
            self.socket.shutdown(socket.SHUT_WR)  # now only the end may come


def run(port, *, message, answer, clients, count=100, window=1, kind=socket.SOCK_STREAM):
    """Runs all the clients to their end. The local ports they had, by number."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    everyone = [Client(kind, port, number, count, window, message, answer) for number in range(clients)]
    ports = []
    try:
        with selectors.DefaultSelector() as selector:
            for client in everyone:
                selector.register(client.socket, selectors.EVENT_WRITE, client)
            running = clients
            while running:
                ready = selector.select(deadline - time.monotonic())
                if not ready:
                    raise AssertionError(f"{running} of {clients} clients still wait: " + ", ".join(
                        f"{c.name} ({len(c.owed)} owed)" for c in everyone if not c.finished)[:300])
                for key, events in ready:
                    client = key.data
                    if events & selectors.EVENT_WRITE:  # connected
                        selector.modify(client.socket, selectors.EVENT_READ, client)
                        client.send()
                    else:
                        client.receive()
                        if not client.finished and (client.left or not client.owed):
                            client.step()
                        if client.finished:
                            selector.unregister(client.socket)
                            running -= 1
        ports = [client.socket.getsockname()[1] for client in everyone]
    finally:
        for client in everyone:
            client.socket.close()
    return ports
