"""1,000 clients at once, 100 messages each: every answer arrives, in order, none lost or mixed."""

import collections
import socket
import unittest

import load
from harness import ANSWER, Case, raise_descriptor_limit

CLIENTS, MESSAGES = 1000, 100


def numbered(client, index):
    return f"<client {client}, message {index}>".encode()


def same(message):
    return message


def two_parameters(client, index):
    return f"{client},{index}".encode()


def two_answers(_):
    return ANSWER * 2


class Load(Case):
    arguments = ()

    def setUp(self):
        if not raise_descriptor_limit(2 * CLIENTS):
            self.skipTest("this system does not allow enough descriptors")

    def test_reply(self):
        server = self.serve(*self.arguments)
        ports = load.run(server.tcp_port, message=two_parameters, answer=two_answers, clients=CLIENTS, count=MESSAGES)
        received = collections.defaultdict(list)
        for line in self.stop(server):
            if line.startswith("Received "):
                _, parameter, _, peer = line.split(" ")
                received[peer].append(parameter)
        for number, port in enumerate(ports):
            expected = [text for index in range(MESSAGES) for text in (str(number), str(index))]
            self.assertEqual(received[f"127.0.0.1:{port}"], expected)

    def test_echo(self):
        server = self.serve("echo", "--quiet", *self.arguments)
        load.run(server.tcp_port, message=numbered, answer=same, clients=CLIENTS, count=MESSAGES, window=8)
        self.stop(server)

    def test_udp(self):
        server = self.serve("echo", "--quiet", *self.arguments, listen=("udp://127.0.0.1:0",))
        load.run(server.udp_port, message=numbered, answer=same, clients=100, count=MESSAGES,
                 kind=socket.SOCK_DGRAM)  # 100 on their way at most: no queue of the kernel overflows
        self.stop(server)


if __name__ == "__main__":
    unittest.main()
