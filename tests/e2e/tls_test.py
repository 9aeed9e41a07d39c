"""`parley serve`, `connect` and `bench` over TLS."""

import pathlib
import shutil
import signal
import ssl
import tempfile
import unittest
import warnings

from certificates import Authority
from harness import ANSWER, PARLEY, Case, receive_all, receive_exactly


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.authority = Authority(cls.folder)
        cls.pair = cls.authority.sign("server")

    def serve_tls(self, *arguments, listen=("tls://127.0.0.1:0",), pair=None):
        server = self.serve("--tls", *(pair or self.pair), *arguments, listen=listen)
        server.port = int(server.urls[0].rsplit(":", 1)[1])
        return server

    def context(self, verify=True):
        context = ssl.create_default_context(cafile=self.authority.pem)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def secure(self, server, context=None, name="localhost"):
        peer = (context or self.context()).wrap_socket(self.tcp(server.port)[0], server_hostname=name)
        self.addCleanup(peer.close)
        return peer

    def test_an_answer_over_tls(self):
        server = self.serve_tls()
        peer = self.secure(server)
        peer.sendall(b"a,b")
        self.assertEqual(receive_exactly(peer, 2 * len(ANSWER)), 2 * ANSWER)
        self.assertEqual(peer.version(), "TLSv1.3")
        peer.unwrap()
        self.stop(server)

    def test_each_version_alone(self):
        server = self.serve_tls()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context()
            context.minimum_version = context.maximum_version = version
            peer = self.secure(server, context)
            peer.sendall(b"x")
            self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
            peer.close()
        self.stop(server)

    def test_an_old_version_and_plain_text_get_a_clean_end(self):
        server = self.start(PARLEY, "serve", "--json", "--tls", *self.pair, "--listen", "tls://127.0.0.1:0")
        server.port = int(server.out.wait(r'.*"event":"bound".*"port":(\d+).*')[0][1])
        peer, _ = self.tcp(server.port)
        peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        receive_all(peer)  # no reset
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname = False
        old.verify_mode = ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(ssl.SSLError):
            self.secure(server, old)
        server.out.wait('.*"reason":"refused".*', count=2)
        peer = self.secure(server)
        peer.sendall(b"x")
        self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
        peer.close()
        self.stop(server)

    def test_everything_at_one_port(self):
        server = self.start_any()
        self.assert_answers(server)
        server.port = server.tcp_port
        peer = self.secure(server)
        peer.sendall(b"x")
        self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
        peer.close()
        browser = self.secure(server)
        browser.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        self.assertTrue(receive_all(browser).startswith(b"HTTP/1.1 200 OK\r\n"))
        client = self.run_parley("connect", f"wss://localhost:{server.port}/", "--ca", self.authority.pem, text=b"a\n")
        self.assertEqual((client.code, client.err.all()), (0, []))
        self.assertIn("Received Echo from server from server", client.out.all())
        self.stop(server)

    def start_any(self):
        server = self.start(PARLEY, "serve", "--tls", *self.pair, "--listen", "any://127.0.0.1:0")
        server.out.wait("Bound to https://.*")
        server.tcp_port = int(server.out.wait(r"Bound to tcp://127.0.0.1:(\d+)")[0][1])
        return server

    def test_a_client_says_why_it_trusts_nobody(self):
        other = Authority(self.folder, "other")
        for pair, words in ((self.authority.sign("old", days=-1), "has expired"),
                            (self.authority.sign("elsewhere", names="DNS:example.org"), "for another name"),
                            (other.sign("stranger"), "issuer of the certificate was not sent")):
            server = self.serve_tls(pair=pair)
            url = f"tls://127.0.0.1:{server.port}"
            self.assert_error(self.run_parley("connect", url, "--ca", self.authority.pem, text=b"x"), 1, url, words)
            self.stop(server)

    def test_insecure_is_said_on_every_connect(self):
        server = self.serve("--tls-self-signed", listen=("tls://127.0.0.1:0",))
        port = int(server.urls[0].rsplit(":", 1)[1])
        self.assertRegex(server.out.wait(r"Certificate SHA-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})")[0][1], "^[0-9A-F]")
        url = f"tls://127.0.0.1:{port}"
        self.assert_error(self.run_parley("connect", url, text=b"x"), 1, "signed by itself")
        for _ in range(2):
            client = self.run_parley("connect", url, "--insecure", text=b"x")
            self.assertEqual(client.code, 0)
            self.assertIn("not verified", client.err.all()[0])
        self.stop(server)

    def test_client_certificates(self):
        server = self.serve_tls("--client-ca", self.authority.pem)
        url = f"tls://localhost:{server.port}"
        trust = ("--ca", self.authority.pem)
        without = self.run_parley("connect", url, *trust, text=b"x")
        self.assertEqual(without.code, 1)
        self.assertIn("a client certificate is required", without.err.all()[-1])
        certificate, key = self.authority.sign("client")
        client = self.run_parley("connect", url, *trust, "--cert", certificate, "--key", key, text=b"x")
        self.assertEqual((client.code, client.err.all()), (0, []))
        self.stop(server)

    def test_servername_chooses_the_certificate(self):
        other = self.authority.sign("elsewhere2", names="DNS:elsewhere.example")
        server = self.serve("--tls", *self.pair, "--tls", *other, listen=("tls://127.0.0.1:0",))
        url = f"tls://127.0.0.1:{int(server.urls[0].rsplit(':', 1)[1])}"
        client = self.run_parley("connect", url, "--ca", self.authority.pem, "--servername", "elsewhere.example",
                                 text=b"x")
        self.assertEqual((client.code, client.err.all()), (0, []))
        self.stop(server)

    def test_sighup_reads_the_certificates_again_and_drops_nobody(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        files = (str(folder / "chain.pem"), str(folder / "key.pem"))
        for source, target in zip(self.pair, files):
            shutil.copy(source, target)
        server = self.serve_tls(pair=files)
        old = self.secure(server)
        first = old.getpeercert(True)
        pathlib.Path(files[0]).write_text("nothing")
        server.send_signal(signal.SIGHUP)
        server.err.wait(".*no certificate in it.*what was read before still counts")
        self.assertEqual(self.secure(server).getpeercert(True), first)
        for source, target in zip(self.authority.sign("next"), files):
            shutil.copy(source, target)
        server.send_signal(signal.SIGHUP)
        server.err.wait(".*certificates read again")
        self.assertNotEqual(self.secure(server).getpeercert(True), first)
        old.sendall(b"x")
        self.assertEqual(receive_exactly(old, len(ANSWER)), ANSWER)
        self.assertEqual(server.stop(), 0)

    def test_bench_over_tls(self):
        server = self.serve("echo", "--tls", *self.pair, listen=("wss://127.0.0.1:0",))
        url = f"wss://localhost:{int(server.urls[0].rsplit(':', 1)[1])}/"
        bench = self.run_parley("bench", url, "--ca", self.authority.pem, "--duration", "0.2", "--warm-up", "0")
        self.assertEqual((bench.code, bench.err.all()), (0, []))
        self.assertEqual(self.run_parley("bench", url, "--duration", "0.2").code, 1)
        self.stop(server)

    def test_what_is_wrong_is_said(self):
        for words, part in ((("serve", "--listen", "tls://127.0.0.1:0"), "it needs --tls CERT KEY"),
                            (("serve", "--client-ca", "x"), "it needs --tls"),
                            (("serve", "--tls-self-signed", "--tls", "a", "b"), "which one?"),
                            (("connect", "tcp://127.0.0.1:1", "--insecure"), "only tls:// and wss:// have it"),
                            (("connect", "tls://127.0.0.1:1", "--cert", "x"), "--cert and --key go together"),
                            (("bench", "tcp://127.0.0.1:1", "--insecure"), "only wss:// and tls:// have them")):
            self.assert_error(self.run_parley(*words), 2, part)
        for words, part in ((("serve", "--tls", "/missing.pem", "/missing.key"), "/missing.pem: No such file"),
                            (("serve", "--tls", self.pair[0], self.authority.pem), "there is no private key in it"),
                            (("connect", "tls://127.0.0.1:1", "--ca", "/missing"), "/missing: No such file")):
            self.assert_error(self.run_parley(*words), 1, part)


if __name__ == "__main__":
    unittest.main()
