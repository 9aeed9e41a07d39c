"""`parley serve chat`: what one sends, all others hear that asked for the same path."""

import shutil
import signal
import ssl
import tempfile
import unittest

from certificates import Authority
from harness import PARLEY, Case, receive_all
from websocket import BINARY, CLOSE, TEXT, close_code, frame, head, open_websocket, read_frame


class Chat(Case):
    def chat(self, *words, listen="any://127.0.0.1:0", ways=("ws", "http")):
        server = self.start(PARLEY, "serve", "chat", "--listen", listen, *words)
        urls = [match[1] for match in server.out.wait(r"Bound to (\S+:\S+)", count=len(ways))]
        server.port = int(urls[0].rsplit(":", 1)[1])
        self.assertEqual(urls, [f"{way}://127.0.0.1:{server.port}" for way in ways])
        return server

    def join(self, server, path="/"):
        peer, name = self.tcp(server.port)
        open_websocket(peer, path)
        return peer, name

    def leave(self, server, *peers):
        for peer in peers:
            peer.sendall(frame(CLOSE, b"\x03\xe8"))
            opcode, payload = read_frame(peer)
            self.assertEqual((opcode, close_code(payload)), (CLOSE, 1000))
            peer.close()
        return self.stop(server)

    def test_all_others_in_the_room_hear_it(self):
        server = self.chat()
        (ada, name), (bob, _), (eve, _) = (self.join(server, "/lobby") for _ in range(3))
        elsewhere, _ = self.join(server, "/kitchen?lobby")
        ada.sendall(frame(TEXT, "é".encode()))
        server.out.wait_for(f"Received é from {name}")
        elsewhere.sendall(frame(TEXT, b"nobody is here"))
        bob.sendall(frame(BINARY, bytes(70_000)))
        for peer in (bob, eve):
            self.assertEqual(read_frame(peer), (TEXT, "é".encode()))
        for peer in (ada, eve):
            self.assertEqual(read_frame(peer), (BINARY, bytes(70_000)))
        self.leave(server, ada, bob, eve, elsewhere)

    def test_on_several_threads(self):
        server = self.chat("--threads", "3")
        peers = [self.join(server)[0] for _ in range(12)]
        speaker, listeners = peers[0], peers[1:]
        for peer in listeners:  # each, once it has joined, whichever thread it is on
            peer.settimeout(0.05)
            while True:
                speaker.sendall(frame(TEXT, b"are you there?"))
                try:
                    self.assertEqual(read_frame(peer), (TEXT, b"are you there?"))
                    break
                except TimeoutError:
                    continue
        speaker.sendall(frame(TEXT, b"good bye"))
        for peer in listeners:
            peer.settimeout(60)
            while (heard := read_frame(peer)) == (TEXT, b"are you there?"):
                continue
            self.assertEqual(heard, (TEXT, b"good bye"))
        self.leave(server, *peers)

    def test_those_over_tls_and_in_the_clear_hear_each_other(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        authority = Authority(folder)
        server = self.chat("--tls", *authority.sign("server"), ways=("ws", "http", "wss", "https"))
        context = ssl.create_default_context(cafile=authority.pem)
        secure = context.wrap_socket(self.tcp(server.port)[0], server_hostname="localhost")
        self.addCleanup(secure.close)
        open_websocket(secure)
        plain, _ = self.join(server)
        secure.sendall(frame(TEXT, b"secret?"))
        self.assertEqual(read_frame(plain), (TEXT, b"secret?"))
        for size in (10, 100_000):
            plain.sendall(frame(TEXT, size * b"n"))
            self.assertEqual(read_frame(secure), (TEXT, size * b"n"))
        self.leave(server, plain, secure)

    def test_lines_from_terminals(self):
        server = self.chat()
        url = f"ws://127.0.0.1:{server.port}/lobby"
        first, second = (self.connect("--timeout", "0", url) for _ in range(2))
        for client in (first, second):
            client.out.wait_for(f"Connected to 127.0.0.1:{server.port}")
        first.write(b"hello\n")
        second.out.wait_for("Received hello from server")
        second.write(b"and to you\n")
        first.out.wait_for("Received and to you from server")
        for client in (first, second):
            client.end_input()
            self.assertEqual((client.wait(), client.err.all()), (0, []))
        self.stop(server)

    def test_the_page_is_there_and_bytes_are_refused(self):
        server = self.chat()
        browser, _ = self.tcp(server.port)
        browser.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
        self.assertEqual(head(browser)[0], 200)
        self.assertIn(b"Parley", receive_all(browser))
        for bytes_sent in (b"hello", b"GET"):
            peer, name = self.tcp(server.port)
            peer.sendall(bytes_sent)
            self.assertEqual(receive_all(peer), b"")
            server.out.wait_for(f"{name} disconnected")
        self.stop(server)

    def test_who_stays_is_told_that_the_server_stops(self):
        server = self.chat()
        (ada, _), (bob, _) = self.join(server), self.join(server)
        ada.sendall(frame(TEXT, b"one"))
        self.assertEqual(read_frame(bob), (TEXT, b"one"))
        server.send_signal(signal.SIGTERM)
        for peer in (ada, bob):
            opcode, payload = read_frame(peer)
            self.assertEqual((opcode, close_code(payload)), (CLOSE, 1001))
            peer.sendall(frame(CLOSE, payload))
        self.assertEqual((server.wait(), server.err.all()), (0, []))

    def test_at_a_path_of_the_file_system(self):
        path = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, path)
        server = self.start(PARLEY, "serve", "chat", "--listen", f"unix:{path}/chat")
        server.out.wait_for(f"Bound to unix:{path}/chat")
        client = self.run_parley("connect", f"ws+unix:{path}/chat:/lobby", text=b"")
        self.assertEqual(client.code, 0)
        self.stop(server)

    def test_it_is_only_for_websocket(self):
        for url in ("tcp://127.0.0.1:0", "udp://127.0.0.1:0", "tls://127.0.0.1:0"):
            program = self.run_parley("serve", "chat", "--listen", url)
            self.assert_error(program, 2, f"--listen {url}", "only for WebSocket")
        self.assert_error(self.run_parley("serve", "chat", "--text", "x"), 2, "--text", "only the service reply")


if __name__ == "__main__":
    unittest.main()
