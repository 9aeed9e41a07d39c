"""The benchmark programs work: each server echoes what the load verifies. How fast they are is not tested."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import threading
import unittest

PROGRAMS = pathlib.Path(os.environ["PARLEY_BUILD"]) / "bench"
SECONDS = ["--seconds", "0.1", "--warm-up", "0.05"]
TCP_SERVERS = [["echo"], ["echo", "--each", "64"], ["echo", "--buffer", "4096"], ["baseline_epoll_echo"],
               ["baseline_epoll_echo", "--edge", "--buffer", "4096"]]


@contextlib.contextmanager
def running(command):
    """A server; yields its port and its process."""
    with subprocess.Popen([PROGRAMS / command[0], *command[1:]], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip(), server
        finally:
            server.kill()


def run(*command):
    return subprocess.run([PROGRAMS / command[0], *command[1:]], capture_output=True, text=True, timeout=60)


class Traffic(unittest.TestCase):
    def measured(self, *command):
        done = run(*command)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_each_tcp_server_echoes_what_was_sent(self):
        for server in TCP_SERVERS:
            for size, in_flight in ((64, 1), (64, 16), (65536, 1), (1 << 20, 1)):
                with self.subTest(server=server, size=size, in_flight=in_flight), running(server) as (port, process):
                    found = self.measured("load", port, "--connections", "4", "--bytes", str(size), "--in-flight",
                                          str(in_flight), "--server", str(process.pid), *SECONDS)
                    self.assertGreaterEqual(found["messages"], 4 * in_flight)
                    self.assertGreater(found["server_cpu_us"], 0)
                    self.assertLessEqual(found["p50_us"], found["p99_us"])

    def test_each_udp_server_echoes_what_was_sent(self):
        for server in (["udp_echo"], ["baseline_recvfrom_echo"]):
            with self.subTest(server=server), running(server) as (port, process):
                found = self.measured("load", port, "--udp", "--connections", "4", "--in-flight", "8", "--server",
                                      str(process.pid), *SECONDS)
                self.assertGreaterEqual(found["messages"], 32)

    def test_short_connections_and_idle_ones(self):
        for server in (["echo"], ["baseline_epoll_echo"]):
            with self.subTest(server=server), running(server) as (port, process):
                self.assertGreaterEqual(self.measured("accepts", port, "--at-once", "4", *SECONDS)["connections"], 4)
                found = self.measured("accepts", port, "--at-once", "4", "--exchanges", "3", *SECONDS)
                self.assertGreaterEqual(found["connections"], 4)
                options = ["--server", str(process.pid), "--connections", "50", "--first", "10"]
                found = self.measured("idle", port, *options)
                self.assertEqual(found["connections"], 50)

    def test_idle_websockets(self):
        for server, flags in ((["ws_echo"], []), (["ws_echo", "--deflate", "--window-bits", "10"], ["--deflate"])):
            with self.subTest(server=server), running(server) as (port, process):
                options = ["--server", str(process.pid), "--connections", "50", "--first", "10", "--websocket", *flags]
                self.assertEqual(self.measured("idle", port, *options)["connections"], 50)

    def test_each_hub_passes_on_what_was_said(self):
        for server, flags, many in ((["ws_hub"], [], (65536, 3, 2)), (["baseline_epoll_relay"], ["--tcp"], (64, 3, 2)),
                                    (["baseline_epoll_relay", "--buffer", "4096"], ["--tcp"], (65536, 1, 2))):
            for size, speakers, in_flight in ((64, 1, 1), (64, 4, 16), (8, 2, 1), (126, 1, 1), (65536, 1, 1), many):
                with self.subTest(server=server, size=size, speakers=speakers), running(server) as (port, process):
                    found = self.measured("fan_out", port, "--connections", "4", "--speakers", str(speakers), "--bytes",
                                          str(size), "--in-flight", str(in_flight), "--server", str(process.pid),
                                          *flags, *SECONDS)
                    self.assertGreaterEqual(found["messages"], speakers * in_flight)
                    self.assertEqual(found["deliveries"], 3 * found["messages"])
                    self.assertGreater(found["server_cpu_us"], 0)
                    self.assertLessEqual(found["p50_us"], found["p99_us"])


class WrongBytes(unittest.TestCase):
    """A server that answers something else is found out."""

    def answered(self, answer, *options):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                peer, _ = listener.accept()
                with peer, contextlib.suppress(ConnectionError):
                    while received := peer.recv(4096):
                        peer.sendall(answer(received))

            thread = threading.Thread(target=serve)
            thread.start()
            done = run("load", str(listener.getsockname()[1]), "--connections", "1", *SECONDS, *options)
            thread.join()
        return done.returncode, done.stderr

    def test_one_bit(self):
        wrong = lambda received: received[:-1] + bytes([received[-1] ^ 1])
        self.assertEqual(self.answered(wrong), (1, "load: other bytes came back\n"))

    def test_more_than_was_sent(self):
        self.assertEqual(self.answered(lambda received: received + b"x"), (1, "load: more came back than was sent\n"))


class WrongRelay(unittest.TestCase):
    """So is a hub that passes on something else, to somebody else, or not all."""

    FRAME_BYTES = 2 + 64

    def passed_on(self, answer, to=1):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                with contextlib.ExitStack() as open_now:
                    peers = [open_now.enter_context(listener.accept()[0]) for _ in range(2)]
                    with contextlib.suppress(ConnectionError):
                        while received := peers[0].recv(4096):
                            peers[to].sendall(answer(received))

            thread = threading.Thread(target=serve)
            thread.start()
            done = run("fan_out", str(listener.getsockname()[1]), "--tcp", "--connections", "2", "--in-flight", "4",
                       *SECONDS)
            thread.join()
        return done.returncode, done.stderr

    def altered(self, index):
        return self.passed_on(lambda received: received[:index] + bytes([received[index] ^ 1]) + received[index + 1:])

    def test_nothing_wrong(self):
        self.assertEqual(self.passed_on(lambda received: received), (0, ""))

    def test_one_bit(self):
        something = "fan_out: something else than such a message came\n"
        other = "fan_out: other bytes came\n"
        lost = "fan_out: a message was lost, or came twice\n"
        for index, complaint in ((0, something), (1, something), (3, other), (6, lost), (10, other),
                                 (self.FRAME_BYTES - 1, other), (2 * self.FRAME_BYTES - 1, other)):
            with self.subTest(index=index):
                self.assertEqual(self.altered(index), (1, complaint))

    def test_messages_lost_doubled_and_back_at_their_speaker(self):
        lost = (1, "fan_out: a message was lost, or came twice\n")
        self.assertEqual(self.passed_on(lambda received: received[self.FRAME_BYTES:]), lost)
        self.assertEqual(self.passed_on(lambda received: received[:self.FRAME_BYTES] + received), lost)
        self.assertEqual(self.passed_on(lambda received: received, to=0), (1, "fan_out: a speaker heard itself\n"))


class Arguments(unittest.TestCase):
    def test_what_is_not_understood_is_refused(self):
        for arguments, complaint in (([], "PORT: is missing"), (["x"], "x: not a number that fits here"),
                                     (["1", "--bytes"], "--bytes: a number must follow"),
                                     (["1", "--fast"], "--fast: no such argument")):
            with self.subTest(arguments=arguments):
                done = run("load", *arguments)
                self.assertEqual((done.returncode, done.stderr), (2, complaint + "\n"))


if __name__ == "__main__":
    unittest.main()
