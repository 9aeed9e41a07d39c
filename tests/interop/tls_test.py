"""`parley` and the TLS of others that speak no WebSocket: openssl(1) and curl(1)."""

import subprocess
import unittest

from peers import InteropCase, Secure

from harness import PARLEY


class Tls(Secure, InteropCase):
    def served(self, *arguments):
        server = self.start(PARLEY, "serve", "--tls", *self.pair, *arguments, "--listen", "any://127.0.0.1:0")
        server.port = int(server.out.wait(r"Bound to https://127\.0\.0\.1:(\d+)")[0][1])
        return server

    def test_s_client_of_each_version(self):
        server = self.served("--text", "over TLS\n")
        for version in ("-tls1_2", "-tls1_3"):
            client = self.start("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile",
                                self.authority.pem, "-verify_return_error", "-verify_hostname", "localhost", version,
                                "-quiet", stdin=subprocess.PIPE)
            client.write(b"a\n")
            client.out.wait("over TLS")
            client.kill()
        self.assertEqual(len([line for line in self.stop(server) if line.startswith("Received a")]), 2)

    def test_s_client_that_wants_another_version_or_renegotiates_gets_an_end(self):
        server = self.served()
        old = self.start("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_1", "-cipher",
                         "ALL:@SECLEVEL=0")
        self.assertEqual(old.wait(), 1)
        again = self.start("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2",
                           stdin=subprocess.PIPE)
        again.out.wait(r".*Verify return code.*")
        again.write(b"R\n")  # asks for a renegotiation
        again.err.wait(r".*no renegotiation.*")
        again.kill()
        self.stop(server)

    def test_s_server_of_each_version(self):
        for version in ("-tls1_2", "-tls1_3"):
            server = self.start("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", self.pair[0], "-key",
                                self.pair[1], version, "-rev")
            port = server.out.wait(r"ACCEPT 127\.0\.0\.1:(\d+)")[0][1]
            client = self.run_parley("connect", f"tls://localhost:{port}", "--ca", self.authority.pem, text=b"abc\n")
            self.assertEqual(client.err.all(), [])
            server.kill()

    def test_curl_fetches_the_page(self):
        server = self.served()
        for version in ("--tlsv1.2", "--tlsv1.3"):
            page = subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", self.authority.pem, version,
                                   f"https://localhost:{server.port}/"], capture_output=True, check=True)
            self.assertIn(b"Parley", page.stdout)
        refused = subprocess.run(["curl", "-sS", "--max-time", "20", f"https://localhost:{server.port}/"],
                                 capture_output=True)
        self.assertEqual(refused.returncode, 60)  # it does not know the authority
        self.stop(server)


if __name__ == "__main__":
    unittest.main()
