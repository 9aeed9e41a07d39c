"""What the tests of this folder share: where things are, programs that nobody here wrote, and what is asked of each.

A peer is a program that is called in one way, whatever it is written with:
  PEER server plain|deflate                      echoes; "close 4000 why" and "ping" are orders, as in echo_server.cpp
  PEER client URL plain|deflate CODES ASKED      runs the script of script_client.cpp, as far as the peer can
With TLS the environment names PEM files: TLS_CERTIFICATE and TLS_KEY for a server, TLS_CA for a client.
A server prints "Bound to 127.0.0.1:PORT" and "Closed CODE REASON"; a client what went wrong, and ends with 0 or 1.
"""

import os
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from certificates import Authority  # noqa: E402  (it lies in the other folder)
from harness import BUILD, Case  # noqa: E402

NODE_MODULES = pathlib.Path(os.environ.get("PARLEY_NODE_MODULES", HERE.parents[1] / "build/npm/node_modules"))
os.environ["NODE_PATH"] = str(NODE_MODULES)

PYTHON = "/usr/bin/python3"  # which has Debian's modules
DEADLINE_SECONDS = 120  # for a whole script; on an idle machine it needs two

# RFC 6455, 7.4, and what IANA has registered since (1012 to 1014).
CODES = [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 4999]
OF_RFC = [code for code in CODES if code not in (1012, 1013, 1014)]
OF_BROWSERS = [1000, 3000, 4999]  # what the browsers' close() allows


def needs(program):
    """Skips a test whose peer was not built: its library is not on this machine."""
    return unittest.skipUnless((BUILD / "interop" / program).exists(), f"{program} was not built")


class InteropCase(Case):
    command = ()  # of the peer
    scheme = "ws"
    environment = None  # of both


class Secure:
    """A mixin, before the others: all of it over TLS."""

    scheme = "wss"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.authority = Authority(folder)
        cls.pair = cls.authority.sign("server")
        cls.environment = os.environ | {
            "TLS_CERTIFICATE": cls.pair[0], "TLS_KEY": cls.pair[1], "TLS_CA": cls.authority.pem,
            "NODE_EXTRA_CA_CERTS": cls.authority.pem}


class Client:
    """A mixin: the peer is the client of our server."""

    closes = CODES  # with what the peer can close
    accepts = CODES  # with what it lets itself be closed

    def peer_calls(self, *words):
        deflate = [word for word in words if word == "deflate"]
        server = self.start(BUILD / "interop/echo_server", *words, env=self.environment)
        port = server.out.wait(r"Bound to 127\.0\.0\.1:(\d+)")[0][1]
        client = self.start(*self.command, "client", f"{self.scheme}://localhost:{port}/", *(deflate or ["plain"]),
                            listed(self.closes), listed(self.accepts), env=self.environment)
        code = client.wait(DEADLINE_SECONDS)
        self.assertEqual((code, client.out.all(), client.err.all()), (0, [], []))
        for code in self.closes:
            server.out.wait(rf"Closed {code} bye")
        self.assertEqual([line for line in server.out.so_far() if line.startswith("Compresses")], [])
        server.kill()
        self.assertEqual(server.err.all(), [])

    def test_peer_calls(self):
        self.peer_calls()

    def test_peer_calls_and_is_answered_in_fragments(self):
        self.peer_calls("fragments")

    def test_peer_calls_with_deflate(self):
        self.peer_calls("deflate")

    def test_peer_calls_with_deflate_and_is_answered_in_fragments(self):
        self.peer_calls("deflate", "fragments")


class Server:
    """A mixin: the peer is the server of our client."""

    takes = CODES  # with what the peer can be closed
    can_close = CODES  # with what it can close
    least = {"plain": 0, "deflate": 0}  # bytes of the smallest message that it can send

    def peer_serves(self, mode):
        server = self.start(*self.command, "server", mode, env=self.environment)
        port = server.out.wait(r"Bound to 127\.0\.0\.1:(\d+)")[0][1]
        client = self.start(BUILD / "interop/script_client", f"{self.scheme}://127.0.0.1:{port}/", mode,
                            listed(self.takes), listed(self.can_close), str(self.least[mode]), env=self.environment)
        code = client.wait(DEADLINE_SECONDS)
        self.assertEqual((code, client.out.all(), client.err.all()), (0, [], []), server.err.so_far())
        for code in self.takes:
            server.out.wait(rf"Closed {code} bye")

    def test_peer_serves(self):
        self.peer_serves("plain")

    def test_peer_serves_with_deflate(self):
        self.peer_serves("deflate")


def listed(codes):
    return ",".join(map(str, codes))
