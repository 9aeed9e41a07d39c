"""`parley connect ws://...`: a WebSocket from the command line, as its user and a server see it."""

import unittest

from harness import Case
from websocket import (BINARY, CLOSE, PING, PONG, TEXT, accept_websocket, close_code, frame, read_frame)


def unmasked(opcode, payload=b"", **options):
    return frame(opcode, payload, masked=False, **options)


class ConnectWebSocket(Case):
    def against_serve(self, *arguments, text=b"", service=(), **options):
        server = self.serve(*service, "--quiet", listen=("any://127.0.0.1:0",))
        done = self.run_parley("connect", f"ws://127.0.0.1:{server.tcp_port}/", *arguments, text=text, **options)
        self.stop(server)
        lines = done.out.all()
        self.assertEqual(lines[:1], [f"Connected to 127.0.0.1:{server.tcp_port}"])
        return done, lines[1:]

    def against_test(self, *arguments, path="/", answer=None, **options):
        """A client that has shaken hands with this test: (client, peer, request line, headers)."""
        listener, port = self.listener()
        client = self.connect(f"ws://127.0.0.1:{port}{path}", *arguments, **options)
        peer = self.accept(listener)
        first, headers = accept_websocket(peer, **(answer or {}))
        client.out.wait_for(f"Connected to 127.0.0.1:{port}")
        return client, peer, first, headers

    def test_lines_are_messages_and_the_end_of_input_waits_for_the_answers(self):
        done, lines = self.against_serve(text=b"a,b\nc\n")
        self.assertEqual((done.code, lines), (0, ["Received Echo from server from server"] * 3))
        done, lines = self.against_serve(text="é\n日本\nlast".encode(), service=["echo"])
        self.assertEqual((done.code, lines), (0, [f"Received {line} from server" for line in ("é", "日本", "last")]))

    def test_a_line_of_any_length_arrives_whole(self):
        line = b"0123456789" * 1_500_000
        done, lines = self.against_serve("--compress", text=line + b"\nshort\n", service=["echo"])
        self.assertEqual(done.code, 0)
        self.assertEqual([len(each) for each in lines], [len(line) + len("Received  from server"), 26])

    def test_kinds(self):
        for arguments, typed, opcode, payload in (([], b"text", TEXT, b"text"), (["--binary"], b"b", BINARY, b"b"),
                                                  (["--hex"], b"00 Ff41", BINARY, b"\x00\xffA")):
            client, peer, _, _ = self.against_test(*arguments)
            client.write(typed + b"\n")
            self.assertEqual(read_frame(peer), (opcode, payload))
            peer.sendall(unmasked(BINARY, b"\x01\x02"))
            client.out.wait_for("Received 01 02 from server" if arguments == ["--hex"] else
                                r"Received \x01\x02 from server")
            client.end_input()
            self.assertEqual(read_frame(peer), (CLOSE, b"\x03\xe8"))
            peer.sendall(unmasked(CLOSE, b"\x03\xe8"))
            self.assertEqual(client.wait(), 0)

    def test_what_it_asks_for(self):
        client, peer, first, headers = self.against_test(
            "--header", "X-One: 1", "--header", "X-Two: 2", "--subprotocol", "chat, news",
            "--origin", "http://a.example", "--compress", path="/room?x=1", answer={"Sec_WebSocket_Protocol": "news"})
        self.assertEqual(first, "GET /room?x=1 HTTP/1.1")
        self.assertEqual([headers[name] for name in ("x-one", "x-two", "sec-websocket-protocol", "origin")],
                         ["1", "2", "chat, news", "http://a.example"])
        self.assertTrue(headers["sec-websocket-extensions"].startswith("permessage-deflate"))
        client.kill()
        listener, port = self.listener()
        client = self.connect(f"ws://user:pa:ss@127.0.0.1:{port}/")
        peer = self.accept(listener)
        _, headers = accept_websocket(peer)
        self.assertEqual((headers["authorization"], headers["host"]), ("Basic dXNlcjpwYTpzcw==", f"127.0.0.1:{port}"))
        client.kill()

    def test_pings_both_ways(self):
        client, peer, _, _ = self.against_test("--ping", "0.01")
        for _ in range(2):
            opcode, payload = read_frame(peer)
            self.assertEqual(opcode, PING)
            peer.sendall(unmasked(PONG, payload))
            client.out.wait(r"Pong after [\d.]+ ms")
        client.kill()
        client, peer, _, _ = self.against_test()
        peer.sendall(unmasked(PING, b"?"))
        self.assertEqual(read_frame(peer), (PONG, b"?"))
        client.kill()

    def test_count_and_expect(self):
        for arguments, code in ((["--count", "2"], 0), (["--count", "4"], 3), (["--expect", "^Echo.*server$"], 0),
                                (["--expect", "nothing like it"], 3)):
            with self.subTest(arguments=arguments):
                done, lines = self.against_serve(*arguments, "--timeout", "0.3" if code else "20", text=b"a,b,c\n")
                self.assertEqual(done.code, code)
                if code == 0 and "--count" in arguments:
                    self.assertGreaterEqual(len(lines), 2)
                if code:
                    self.assertIn(arguments[0], done.err.all()[0])

    def test_nothing_is_shown_after_the_last_that_counts(self):
        client, peer, _, _ = self.against_test("--count", "2")
        peer.sendall(b"".join(unmasked(TEXT, b"%d" % i) for i in range(5)))
        self.assertEqual(read_frame(peer), (CLOSE, b"\x03\xe8"))
        peer.close()
        self.assertEqual(client.wait(), 0)
        self.assertEqual(client.out.all()[1:], ["Received 0 from server", "Received 1 from server"])

    def test_a_line_that_could_not_be_sent_is_no_success(self):
        listener, port = self.listener()
        client = self.connect(f"ws://127.0.0.1:{port}/")
        peer = self.accept(listener)
        client.write(b"q\n")
        accept_websocket(peer)
        peer.sendall(unmasked(CLOSE, b"\x03\xf0"))
        self.assertEqual(client.wait(), 1)

    def test_frames(self):
        client, peer, _, _ = self.against_test("--frames")
        client.write(b"hi\n")
        client.out.wait_for("> text FIN masked 2: hi")
        read_frame(peer)
        peer.sendall(unmasked(TEXT, b"he\x1b", fin=False) + unmasked(PING) + unmasked(0, b"llo"))
        client.out.wait_for(r"< text 3: he\x1b")
        client.out.wait_for("< ping FIN 0")
        client.out.wait_for("> pong FIN masked 0")
        client.out.wait_for("< continuation FIN 3: llo")
        peer.sendall(unmasked(CLOSE, b"\x0f\xa0bye"))
        client.out.wait_for("< close FIN 5: 4000 bye")
        self.assertEqual(client.wait(), 1)  # a code that means trouble, or what this program doesn't know
        self.assertEqual(client.err.all(), [f"parley: {self.where(peer)}: closed with 4000: bye"])

    def where(self, peer):
        host, port = peer.getsockname()
        return f"{host}:{port}"

    def test_the_server_speaks_first_and_goes(self):
        client, peer, _, _ = self.against_test()
        peer.sendall(unmasked(TEXT, b"welcome") + unmasked(CLOSE, b"\x03\xe9"))
        client.out.wait_for("Received welcome from server")
        client.out.wait_for("server disconnected")
        self.assertEqual(client.wait(), 0)
        self.assertEqual(client.err.all(), [f"parley: {self.where(peer)}: closed with 1001"])
        client, peer, _, _ = self.against_test()
        client.write(b"unanswered\n")
        read_frame(peer)
        peer.close()
        client.out.wait_for("server disconnected")
        self.assertEqual(client.wait(), 1)

    def test_no_answer_in_time(self):
        client, peer, _, _ = self.against_test("--timeout", "0.2")
        client.write(b"a\n")
        client.end_input()
        self.assert_error(client, 1, "no answer within 0.2 s")

    def test_refusals(self):
        for answer, words in ((b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ["404"]),
                              (b"HTTP/1.1 302 Found\r\nLocation: ws://b\x80.example/\r\n\r\n",
                               ["302", r"ws://b\x80.example"]),
                              (b"SSH-2.0-x\r\n", ["protocol"])):
            listener, port = self.listener()
            client = self.connect(f"ws://127.0.0.1:{port}/")
            peer = self.accept(listener)
            peer.recv(4096)
            peer.sendall(answer)
            self.assert_error(client, 1, f"ws://127.0.0.1:{port}/", *words)
        client = self.connect(f"ws://127.0.0.1:{self.closed_port()}/")
        self.assert_error(client, 1, "connection refused")

    def test_wrong_usage(self):
        for arguments, word in ((["ws://127.0.0.1:x/"], "ws://127.0.0.1:x/"), (["ws://a/#b"], "ws://a/#b"),
                                (["--binary"], "--binary"), (["tcp://127.0.0.1:1", "--count", "1"], "--count"),
                                (["ws://a/", "--count", "0"], "--count"), (["ws://a/", "--expect", "("], "--expect"),
                                (["ws://a/", "--ping", "0"], "--ping"),
                                (["ws://a/", "--expect", r"(a*)*\1b"], "--expect"),
                                (["ws://a/", "--header", "bad"], "--header"),
                                (["ws://a/", "--header", "A: b\r\nInjected: d"], "--header"),
                                (["ws://127.0.0.1:1/", "--header", "Host: x"], "127.0.0.1:1")):
            with self.subTest(arguments=arguments):
                done = self.run_parley("connect", *arguments)
                self.assert_error(done, 2, word)

    def test_a_unix_domain_socket(self):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            server = self.serve("echo", "--quiet", listen=(f"unix:{folder}/x",))
            done = self.run_parley("connect", f"ws+unix:{folder}/x", text=b"over a file\n")
            self.assertEqual((done.code, done.out.all()), (0, [f"Connected to ws+unix:{folder}/x",
                                                                "Received over a file from server"]))
            self.stop(server)


if __name__ == "__main__":
    unittest.main()
