"""`parley serve` at any://: TCP, UDP, WebSocket and a browser at one port, by what comes first."""

import json
import signal
import socket
import threading
import time
import unittest

from harness import ANSWER, Case, receive_all, receive_exactly
from websocket import BINARY, CLOSE, PING, PONG, TEXT, close_code, frame, head, open_websocket, read_frame, request

ANY = ("any://127.0.0.1:0",)


class ServeAny(Case):
    def tcp(self, port, host="127.0.0.1"):
        peer, name = super().tcp(port, host)
        self.peers = getattr(self, "peers", []) + [peer]
        return peer, name

    def stop(self, server, number=signal.SIGINT):
        for peer in getattr(self, "peers", []):
            peer.close()  # else the server waits for the answers to its Close frames
        return super().stop(server, number)

    def websocket(self, server, **headers):
        peer, name = self.tcp(server.tcp_port)
        open_websocket(peer, host=f"127.0.0.1:{server.tcp_port}", **headers)
        return peer, name

    def test_every_way_in_has_a_line(self):
        server = self.serve(listen=ANY)
        port = server.tcp_port
        self.assertEqual(server.urls, [f"{way}://127.0.0.1:{port}" for way in ("tcp", "udp", "ws", "http")])
        self.stop(server)

    def test_all_of_them_at_one_port(self):
        server = self.serve(listen=ANY)
        self.assert_answers(server)
        datagrams, _ = self.udp(server.udp_port)
        datagrams.send(b"u")
        self.assertEqual(datagrams.recv(100), ANSWER)
        peer, name = self.websocket(server)
        peer.sendall(frame(TEXT, "é,b,".encode()))
        for _ in range(3):
            self.assertEqual(read_frame(peer), (TEXT, ANSWER))
        for parameter in ("é", "b", ""):
            server.out.wait_for(f"Received {parameter} from {name}")
        peer.sendall(frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(read_frame(peer), (CLOSE, b"\x03\xe8"))
        self.assertEqual(receive_all(peer), b"")
        server.out.wait_for(f"{name} disconnected")
        browser, _ = self.tcp(server.tcp_port)
        browser.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.tcp_port}\r\n\r\n".encode())
        status, headers = head(browser)
        page = receive_all(browser)
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual(int(headers["content-length"]), len(page))
        self.assertIn(b"Parley", page)
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        self.stop(server)

    def test_what_only_begins_like_a_request_is_plain_tcp(self):
        server = self.serve("echo", listen=ANY)
        for message in (b"GET hello", b"GET hello\n", b"GET / HTTP/1.1\nHost: x\n\n", b"G", b"GET ",
                        b"GET / FTP/1.1\r\n", b"POST /", b"GETTING"):
            with self.subTest(message=message):
                peer, name = self.tcp(server.tcp_port)
                peer.sendall(message)
                self.assertEqual(receive_exactly(peer, len(message)), message)
                peer.sendall(b"GET / HTTP/1.1\r\n\r\n")  # later it is only text
                self.assertEqual(receive_exactly(peer, 18), b"GET / HTTP/1.1\r\n\r\n")
                peer.close()
                server.out.wait_for(f"{name} disconnected")
        peer, _ = self.tcp(server.tcp_port)
        peer.sendall(b"GET /unfinished")
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(peer), b"GET /unfinished")
        self.stop(server)

    def test_whoever_dribbles_is_taken_as_it_is_after_a_moment(self):
        server = self.serve("echo", listen=ANY)
        peer, _ = self.tcp(server.tcp_port)
        peer.settimeout(0.02)  # sends more often than any silence that could be waited for
        sent, received = b"GET /", b""
        started = time.monotonic()
        peer.sendall(sent)
        while not received:
            self.assertLess(time.monotonic() - started, 10)
            try:
                received = peer.recv(1000)
            except TimeoutError:
                peer.sendall(b"x")
                sent += b"x"
        self.assertGreaterEqual(time.monotonic() - started, 0.2)
        peer.settimeout(20)
        received += receive_exactly(peer, len(sent) - len(received))
        self.assertEqual(received, sent)
        self.stop(server)

    def test_a_long_first_message_is_whole(self):
        server = self.serve("echo", listen=ANY)
        for begin in (b"GET /", b"x"):
            message = begin + bytes(range(33, 127)) * 20_000
            peer, _ = self.tcp(server.tcp_port)
            sender = threading.Thread(target=peer.sendall, args=(message,))
            sender.start()
            self.assertEqual(receive_exactly(peer, len(message)), message)
            sender.join()
        self.stop(server)

    def test_a_handshake_byte_by_byte_with_a_frame_behind_it(self):
        server = self.serve("echo", listen=ANY)
        peer, _ = self.tcp(server.tcp_port)
        for byte in request() + frame(TEXT, b"early"):
            peer.send(bytes([byte]))
        self.assertEqual(head(peer)[0], 101)
        self.assertEqual(read_frame(peer), (TEXT, b"early"))
        self.stop(server)

    def test_echo_keeps_the_kind_and_answers_pings(self):
        server = self.serve("echo", listen=ANY)
        peer, _ = self.websocket(server)
        for opcode, payload in ((TEXT, b"a,b"), (BINARY, bytes(range(256))), (TEXT, b""), (BINARY, b"x" * 70000)):
            peer.sendall(frame(opcode, payload))
            self.assertEqual(read_frame(peer), (opcode, payload))
        peer.sendall(frame(PING, b"?"))
        self.assertEqual(read_frame(peer), (PONG, b"?"))
        self.stop(server)

    def test_a_bad_request_or_frame_costs_its_own_connection(self):
        server = self.serve("echo", "--verbose", listen=ANY)
        good, _ = self.websocket(server)
        for sent, status in ((b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404),
                             (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405), (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
                             (request().replace(b"13", b"12"), 426), (request(Origin="http://evil.example"), 403)):
            with self.subTest(sent=sent):
                peer, _ = self.tcp(server.tcp_port)
                peer.sendall(sent)
                self.assertEqual(head(peer)[0], status)
                receive_all(peer)
        bad, name = self.websocket(server)
        bad.sendall(frame(TEXT, b"not masked", masked=False))
        opcode, payload = read_frame(bad)
        self.assertEqual((opcode, close_code(payload)), (CLOSE, 1002))
        receive_all(bad)
        server.err.wait(rf".*{name}.*: closed with 1002 .*")
        good.sendall(frame(TEXT, b"still here"))
        self.assertEqual(read_frame(good), (TEXT, b"still here"))
        good.close()
        server.stop(signal.SIGINT)

    def test_origins(self):
        server = self.serve("--origin", "https://example.org", listen=ANY)
        host = f"127.0.0.1:{server.tcp_port}"
        for origin, status in ((f"http://{host}", 101), ("https://example.org", 101), ("https://example.com", 403)):
            peer, _ = self.tcp(server.tcp_port)
            peer.sendall(request(host=host, Origin=origin))
            self.assertEqual(head(peer)[0], status, origin)
        self.stop(server)
        server = self.serve("--origin", "any", listen=ANY)
        self.websocket(server, Origin="https://anybody.example")
        self.stop(server)

    def test_compression_is_agreed_on_unless_told_not_to(self):
        offer = {"Sec_WebSocket_Extensions": "permessage-deflate"}
        for arguments, expected in (([], True), (["--no-deflate"], False)):
            server = self.serve(*arguments, listen=ANY)
            peer, _ = self.tcp(server.tcp_port)
            headers = open_websocket(peer, **offer)
            self.assertEqual("sec-websocket-extensions" in headers, expected)
            self.stop(server)

    def test_restricted_schemes(self):
        server = self.serve(listen=("ws://127.0.0.1:0",))
        peer, _ = self.tcp(server.ws_port)
        open_websocket(peer)
        page, _ = self.tcp(server.ws_port)
        page.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(head(page)[0], 426)
        plain, _ = self.tcp(server.ws_port)
        plain.sendall(b"hello\r\n\r\n")
        self.assertEqual(head(plain)[0], 400)
        self.stop(server)
        server = self.serve("echo")  # tcp://
        peer, _ = self.tcp(server.tcp_port)
        peer.sendall(request())
        self.assertEqual(receive_exactly(peer, len(request())), request())
        self.stop(server)

    def test_stopping_closes_with_1001(self):
        server = self.serve(listen=ANY)
        peer, name = self.websocket(server)
        server.process.send_signal(signal.SIGTERM)
        opcode, payload = read_frame(peer)
        self.assertEqual((opcode, close_code(payload)), (CLOSE, 1001))
        peer.sendall(frame(CLOSE, payload[:2]))
        self.assertEqual(server.process.wait(30), 0)
        self.assertIn(f"{name} disconnected", server.out.all())

    def test_whoever_answers_no_close_frame_does_not_hold_it_up(self):
        for drain, most in (("0", 4), ("60", 15)):
            with self.subTest(drain=drain):
                server = self.serve("--drain", drain, listen=ANY)
                self.websocket(server)
                silent, name = self.tcp(server.tcp_port)
                server.out.wait_for(f"Connected by {name}")
                started = time.monotonic()
                self.assertEqual((server.stop(signal.SIGTERM), server.err.all()), (0, []))
                self.assertLess(time.monotonic() - started, most)
                self.assertIn(f"{name} disconnected", server.out.all())
                self.assertEqual(silent.recv(1), b"")

    def test_idle_sessions_are_closed(self):
        server = self.serve("--idle-timeout", "0.2", listen=ANY)
        peer, name = self.websocket(server)
        opcode, payload = read_frame(peer)
        self.assertEqual((opcode, close_code(payload)), (CLOSE, 1001))
        server.out.wait_for(f"{name} disconnected")
        peer.close()
        self.stop(server)

    def test_json_tells_an_upgrade(self):
        server = self.start_json()
        peer, name = self.tcp(server.tcp_port)
        open_websocket(peer, "/room?a=1", host=f"127.0.0.1:{server.tcp_port}")
        peer.sendall(frame(TEXT, b"x"))
        self.assertEqual(read_frame(peer), (TEXT, ANSWER))
        peer.sendall(frame(CLOSE, b"\x03\xe8"))
        receive_all(peer)
        server.out.wait(r'.*"disconnected".*')
        events = [json.loads(line) for line in server.out.so_far()]
        self.assertEqual([event["event"] for event in events],
                         ["bound"] * 4 + ["connected", "upgraded", "received", "disconnected"])
        self.assertEqual(events[5], {"event": "upgraded", "protocol": "ws", "peer": name, "target": "/room?a=1"})
        self.assertEqual(events[7]["reason"], "end")
        self.stop(server)

    def start_json(self):
        from harness import PARLEY
        server = self.start(PARLEY, "serve", "--json", "--listen", ANY[0])
        server.tcp_port = json.loads(server.out.wait(r".*bound.*", count=4)[0][0])["port"]
        return server

    def test_over_unix_domain_too(self):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/x.sock"
            server = self.serve("echo", listen=(f"unix:{path}",))
            for speak in (lambda peer: (peer.sendall(b"raw"), self.assertEqual(peer.recv(9), b"raw")),
                          lambda peer: (open_websocket(peer), peer.sendall(frame(TEXT, b"ws")),
                                        self.assertEqual(read_frame(peer), (TEXT, b"ws")))):
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.settimeout(20)
                    peer.connect(path)
                    speak(peer)
            self.stop(server)


if __name__ == "__main__":
    unittest.main()
