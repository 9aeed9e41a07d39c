"""The options of `parley serve`, and what wrong usage is told."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest

from harness import ANSWER, DEADLINE_SECONDS, PARLEY, Case, has_ipv6, receive_all, receive_exactly, reset

UDP = "udp://127.0.0.1:0"
TCP = "tcp://127.0.0.1:0"


class Options(Case):
    def unix(self, path):
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.settimeout(DEADLINE_SECONDS)
        peer.connect(path)
        return peer

    def ask(self, peer, message=b"a", answer=ANSWER):
        peer.sendall(message)
        self.assertEqual(receive_exactly(peer, len(answer)), answer)

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    # --- --listen

    def test_listen_several_times(self):
        path = self.folder() + "/echo.sock"
        ipv6 = ["tcp://[::1]:0"] if has_ipv6() else []
        server = self.serve(listen=(UDP, f"unix:{path}", *ipv6, TCP))
        self.assertEqual([url.split(":")[0] for url in server.urls], ["udp", "unix", *["tcp"] * len(ipv6), "tcp"])
        self.assertEqual(server.urls[1], f"unix:{path}")
        self.ask(self.tcp(server.tcp_port)[0])
        self.ask(self.udp(server.udp_port)[0])
        first, second = self.unix(path), self.unix(path)
        self.ask(first)
        self.ask(second, b"b")
        server.out.wait_for(f"Connected by unix:{path}#1")
        server.out.wait_for(f"Received a from unix:{path}#1")
        server.out.wait_for(f"Received b from unix:{path}#2")
        first.close()
        server.out.wait_for(f"unix:{path}#1 disconnected")
        if ipv6:
            port = int(server.urls[2].rsplit(":", 1)[1])
            self.assertEqual(server.urls[2], f"tcp://[::1]:{port}")
            peer, name = self.tcp(port, "::1")
            self.ask(peer)
            server.out.wait_for(f"Connected by {name}")
        self.stop(server)
        self.assertFalse(os.path.exists(path))

    def test_every_address_of_this_machine(self):
        server = self.serve(listen=("tcp://:0",))
        self.assertEqual(server.urls, [f"tcp://:{server.tcp_port}"])
        peer, name = self.tcp(server.tcp_port, "127.0.0.2")
        self.ask(peer)
        server.out.wait_for(f"Connected by {name}")
        if has_ipv6():
            peer, name = self.tcp(server.tcp_port, "::1")
            self.ask(peer)
            server.out.wait_for(f"Connected by {name}")
        self.stop(server)

    def test_a_stale_socket_file_is_replaced_and_a_live_one_is_not(self):
        path = self.folder() + "/echo.sock"
        server = self.serve(listen=(f"unix:{path}",))
        server.kill()
        self.assertTrue(os.path.exists(path))
        server = self.serve(listen=(f"unix:{path}",))
        second = self.start(PARLEY, "serve", "--listen", f"unix:{path}")
        self.assert_error(second, 1, f"unix:{path}", "address already in use")
        self.ask(self.unix(path))
        self.stop(server)

    def test_a_file_that_is_no_socket_is_left_alone(self):
        path = pathlib.Path(self.folder()) / "precious"
        path.write_text("data")
        server = self.start(PARLEY, "serve", "--listen", f"unix:{path}")
        self.assert_error(server, 1, f"unix:{path}")
        self.assertEqual(path.read_text(), "data")

    def test_an_address_in_use(self):
        server = self.serve(listen=(TCP, UDP))
        for url in server.urls:
            for extra in ([], ["--threads", "2"]):
                with self.subTest(url=url, extra=extra):
                    second = self.start(PARLEY, "serve", "--listen", TCP, "--listen", url, *extra)
                    self.assert_error(second, 1, url, "address already in use")
        self.stop(server)

    def test_an_address_of_another_machine(self):
        server = self.start(PARLEY, "serve", "--listen", "tcp://192.0.2.1:9000")
        self.assert_error(server, 1, "tcp://192.0.2.1:9000")

    # --- the service

    def test_echo_sends_the_same_bytes_back(self):
        server = self.serve("echo")
        peer, name = self.tcp(server.tcp_port)
        for message in (b"a,b", b"\xff\x00\x1b[2J\n", "é".encode(), b"\xc3", b"\xa9", b"x" * 100_000):
            self.ask(peer, message, message)
        server.out.wait_for(f"Received a,b from {name}")
        server.out.wait_for(rf"Received \xff\x00\x1b[2J\x0a from {name}")
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(peer), b"")
        server.out.wait_for(f"{name} disconnected")
        self.stop(server)

    def test_text(self):
        for text in ("hello", "ünïcödé, 100 %s {}", ""):
            with self.subTest(text=text):
                server = self.serve("--text", text, listen=(TCP, UDP))
                peer, name = self.tcp(server.tcp_port)
                self.ask(peer, b"a,b", text.encode() * 2)
                peer, _ = self.udp(server.udp_port)
                peer.send(b"a,b")
                self.assertEqual([peer.recv(1000) for _ in range(2)], [text.encode()] * 2)
                server.out.wait_for(f"Received b from {name}")
                self.stop(server)

    def test_separator(self):
        for separator in (";", "--", "→", " "):
            with self.subTest(separator=separator):
                server = self.serve(f"--separator={separator}", listen=(TCP, UDP))
                message = separator.join(["a,b", "c", ""]).encode()
                peer, name = self.tcp(server.tcp_port)
                self.ask(peer, message, ANSWER * 3)
                datagrams, _ = self.udp(server.udp_port)
                datagrams.send(message)
                self.assertEqual([datagrams.recv(1000) for _ in range(3)], [ANSWER] * 3)
                for parameter in ("a,b", "c", ""):
                    server.out.wait_for(f"Received {parameter} from {name}")
                self.stop(server)

    # --- what is printed

    def test_quiet_prints_only_where_it_listens(self):
        server = self.serve("--quiet", listen=(TCP, UDP))
        self.ask(self.tcp(server.tcp_port)[0])
        self.ask(self.udp(server.udp_port)[0])
        self.assertEqual(self.stop(server), [f"Bound to {url}" for url in server.urls])

    def test_verbose_adds_to_standard_error_only(self):
        server = self.serve("--verbose")
        peer, name = self.tcp(server.tcp_port)
        self.ask(peer)
        peer.close()
        server.out.wait_for(f"{name} disconnected")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.out.all(), [
            f"Bound to tcp://127.0.0.1:{server.tcp_port}", f"Connected by {name}", f"Received a from {name}",
            f"{name} disconnected", "Stopping"])
        self.assertIn("epoll", "\n".join(server.err.all()))

    def test_json_has_an_object_a_line(self):
        path = self.folder() + "/echo.sock"
        server = self.start(PARLEY, "serve", "--json", "--listen", TCP, "--listen", UDP, "--listen", f"unix:{path}")
        bound = [json.loads(match[0]) for match in server.out.wait(r".*", count=3)]
        tcp_port, udp_port = bound[0]["port"], bound[1]["port"]
        peer, name = self.tcp(tcp_port)
        self.ask(peer, 'a,"\\é\n'.encode(), ANSWER * 2)
        self.ask(peer, b"\xff")
        peer.close()
        datagrams, sender = self.udp(udp_port)
        self.ask(datagrams, b"\x1b\x9b")
        self.ask(self.unix(path))
        server.out.wait(r'.*"disconnected".*')
        server.stop()
        lines = server.out.all()
        for line in lines:
            self.assertTrue(line.isascii() and line.isprintable(), line)
        events = [json.loads(line) for line in lines]

        def has(**event):
            self.assertTrue(any(event.items() <= other.items() for other in events), (event, events))

        has(event="bound", protocol="tcp", address=f"127.0.0.1:{tcp_port}", port=tcp_port,
            url=f"tcp://127.0.0.1:{tcp_port}")
        has(event="bound", protocol="udp", address=f"127.0.0.1:{udp_port}", port=udp_port,
            url=f"udp://127.0.0.1:{udp_port}")
        has(event="bound", protocol="unix", address=path, url=f"unix:{path}")
        has(event="connected", protocol="tcp", peer=name)
        has(event="received", protocol="tcp", peer=name, text="a")
        has(event="received", protocol="tcp", peer=name, text='"\\é\n')
        has(event="received", protocol="tcp", peer=name, text="\N{REPLACEMENT CHARACTER}")
        has(event="disconnected", protocol="tcp", peer=name, reason="end")
        has(event="received", protocol="udp", peer=sender, text="\x1b\N{REPLACEMENT CHARACTER}")
        has(event="connected", protocol="unix", peer=f"unix:{path}#1")
        has(event="disconnected", protocol="unix", peer=f"unix:{path}#1", reason="stopping")
        has(event="stopping")

    def test_json_tells_why_a_connection_ended(self):
        server = self.start(PARLEY, "serve", "--json", "--idle-timeout", "0.2", "--listen", TCP)
        port = json.loads(server.out.wait(r".*")[0][0])["port"]
        peer, _ = self.tcp(port)
        self.ask(peer)
        reset(peer)
        server.out.wait(r'.*"disconnected".*')
        idle, _ = self.tcp(port)
        self.assertEqual(receive_all(idle), b"")
        server.out.wait(r'.*"disconnected".*', count=2)
        server.stop()
        events = [json.loads(line) for line in server.out.all()]
        self.assertEqual([event["reason"] for event in events if event["event"] == "disconnected"], ["reset", "idle"])

    def test_nobody_reads_what_it_prints(self):
        read, write = os.pipe()
        server = subprocess.Popen([PARLEY, "serve", "--listen", TCP], stdout=write, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (server.kill(), server.wait(), server.stderr.close()))
        os.close(write)
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(read, 1)
        port = int(re.search(rb":(\d+)\n", line)[1])
        os.close(read)
        for _ in range(3):
            self.ask(self.tcp(port)[0])
        server.terminate()
        self.assertEqual(server.wait(DEADLINE_SECONDS), 0)

    # --- limits

    def test_max_connections(self):
        for extra in ([], ["--threads", "2"]):
            with self.subTest(extra=extra):
                server = self.serve("--max-connections", "2", *extra)
                peers = []
                for _ in range(2):
                    peers.append(self.tcp(server.tcp_port))
                    self.ask(peers[-1][0])
                waiting = [self.tcp(server.tcp_port) for _ in range(2)]
                for peer, _ in waiting:
                    peer.sendall(b"waiting")
                for peer, _ in peers:
                    self.ask(peer, b"still served")
                server.out.wait(r"Connected by .*", count=2)
                connected = [line for line in server.out.so_far() if line.startswith("Connected by ")]
                self.assertEqual(len(connected), 2)
                for peer, name in peers:
                    peer.close()
                for peer, name in waiting:
                    self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
                self.stop(server)

    def test_idle_timeout(self):
        server = self.serve("--idle-timeout", "0.5")
        idle, idle_name = self.tcp(server.tcp_port)
        self.ask(idle)
        busy, busy_name = self.tcp(server.tcp_port)
        idle.settimeout(0.05)
        while True:  # busy speaks more often than the limit until idle has been closed
            self.ask(busy)
            try:
                self.assertEqual(idle.recv(100), b"")
                break
            except TimeoutError:
                pass
        server.out.wait_for(f"{idle_name} disconnected")
        self.ask(busy)
        self.assertEqual(receive_all(busy), b"")
        server.out.wait_for(f"{busy_name} disconnected")
        self.stop(server)

    def test_threads(self):
        server = self.serve("--threads", "3", listen=(TCP, UDP))
        peers = [self.tcp(server.tcp_port) for _ in range(30)] + [self.udp(server.udp_port) for _ in range(30)]
        for number, (peer, name) in enumerate(peers):
            self.ask(peer, b"number %d" % number)
            server.out.wait_for(f"Received number {number} from {name}")
        for peer, _ in peers:
            peer.close()
        lines = self.stop(server)
        self.assertEqual(len([line for line in lines if line.startswith("Bound to")]), 2)

    # --- usage

    def test_help_and_version(self):
        for arguments in (["--help"], ["serve", "--help"], ["connect", "--help"]):
            with self.subTest(arguments=arguments):
                program = self.run_parley(*arguments)
                self.assertEqual((program.code, program.err.all()), (0, []))
                text = "\n".join(program.out.all())
                self.assertIn("Exit", text)
        serve = "\n".join(self.run_parley("serve", "--help").out.all())
        for option in ("--listen", "--threads", "--quiet", "--verbose", "--json", "--max-connections",
                       "--idle-timeout", "--drain", "--text", "--separator", "reply", "echo"):
            self.assertIn(option, serve)
        self.assertIn("--timeout", "\n".join(self.run_parley("connect", "--help").out.all()))
        program = self.run_parley("--version")
        self.assertEqual(program.code, 0)
        self.assertRegex("\n".join(program.out.all()), r"^parley \d+\.\d+\.\d+$")

    def test_wrong_usage_is_told_in_one_line(self):
        for arguments, word in [
                ([], ""), (["--nope"], "--nope"), (["serve", "--nope"], "--nope"), (["connect", "--nope"], "--nope"),
                (["dance"], "dance"), (["serve", "dance"], "dance"), (["connect", "a", "b"], "b"),
                (["serve", "--listen"], "--listen"), (["serve", "--listen", "nonsense"], "nonsense"),
                (["serve", "--listen", "tcp://127.0.0.1:65536"], "tcp://127.0.0.1:65536"),
                (["serve", "--listen", "ftp://127.0.0.1:1"], "ftp://127.0.0.1:1"),
                (["connect", "127.0.0.1"], "127.0.0.1"), (["connect", "tcp://127.0.0.1"], "tcp://127.0.0.1"),
                (["serve", "--threads", "0"], "--threads"), (["serve", "--threads", "two"], "two"),
                (["serve", "--max-connections", "0"], "--max-connections"),
                (["serve", "--idle-timeout", "-1"], "--idle-timeout"), (["serve", "--idle-timeout", "1x"], "1x"),
                (["serve", "--drain", "nan"], "--drain"), (["serve", "--drain", "inf"], "--drain"),
                (["serve", "--separator", ""], "--separator"), (["serve", "echo", "--text", "x"], "--text"),
                (["serve", "echo", "--separator", ";"], "--separator"),
                (["connect", "--timeout", "-1"], "--timeout")]:
            with self.subTest(arguments=arguments):
                program = self.run_parley(*arguments)
                self.assert_error(program, 2, word)
                self.assertEqual(program.out.all(), [])

    def test_an_option_takes_one_value(self):
        server = self.start(PARLEY, "serve", "--listen", TCP, "echo")
        port = int(server.out.wait(r"Bound to tcp://127\.0\.0\.1:(\d+)")[0][1])
        self.ask(self.tcp(port)[0], b"same bytes", b"same bytes")
        self.stop(server)


if __name__ == "__main__":
    unittest.main()
