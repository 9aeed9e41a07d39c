"""A server and a client of the echo system, as a course's page would write them: `socket`, threads, blocking calls.

They know nothing of Parley. The tests let them talk to it, in both directions.

    python3 peers.py server tcp          the first free port of 9000 to 9998
    python3 peers.py server udp 0        a given port; 0: any that is free
    python3 peers.py client tcp 9000     a line at a time from standard input; an empty line or its end ends
"""

import socket
import sys
import threading

HOST = "127.0.0.1"
PORTS = range(9000, 9999)


def say(text):
    print(text, flush=True)


def bind(server, port=None):
    """Binds to the port, or to the first free one of the range."""
    for candidate in PORTS if port is None else [port]:
        try:
            server.bind((HOST, candidate))
        except OSError:
            continue
        return
    sys.exit("no free port")


def say_port(server):
    say(f"Bound to {server.getsockname()[1]}")  # whoever reads this may come at once: not before listen()


def serve_client(client, address):
    name = f"{address[0]}:{address[1]}"
    say(f"Connected by {name}")
    with client:
        try:
            while data := client.recv(1024):
                for parameter in data.decode().split(","):
                    say(f"Received {parameter} from {name}")
                    client.sendall(b"Echo from server")
        except ConnectionError:
            pass
    say(f"{name} disconnected")


def tcp_server(port=None):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bind(server, port)
        server.listen()
        say_port(server)
        while True:
            client, address = server.accept()
            threading.Thread(target=serve_client, args=(client, address), daemon=True).start()


def udp_server(port=None):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        bind(server, port)
        say_port(server)
        while True:
            data, address = server.recvfrom(65535)
            for parameter in data.decode().split(","):
                say(f"Received {parameter} from {address[0]}:{address[1]}")
                server.sendto(b"Echo from server", address)


def answers(line):
    """How many answers the server owes for a line."""
    return len(line.split(","))


def tcp_client(port):
    with socket.create_connection((HOST, port)) as server:
        say(f"Connected to {HOST}:{port}")
        for line in read_lines():
            server.sendall(line.encode())
            missing = answers(line) * len("Echo from server")
            while missing > 0:
                data = server.recv(min(missing, len("Echo from server")))
                if not data:
                    sys.exit("server disconnected")
                missing -= len(data)
                say(f"Received {data.decode()} from server")


def udp_client(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.connect((HOST, port))
        for line in read_lines():
            server.send(line.encode())
            for _ in range(answers(line)):
                say(f"Received {server.recv(65535).decode()} from server")


def read_lines():
    for line in sys.stdin:
        if line == "\n":
            return
        yield line.rstrip("\n")


def main():
    role, protocol, *port = sys.argv[1:]
    run = {"server tcp": tcp_server, "server udp": udp_server,
           "client tcp": tcp_client, "client udp": udp_client}[f"{role} {protocol}"]
    try:
        run(*map(int, port))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
