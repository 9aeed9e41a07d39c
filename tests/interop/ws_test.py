"""Parley and npm's ws, both ways."""

import unittest

from peers import HERE, Client, InteropCase, Secure, Server


class Ws(InteropCase, Client, Server):
    command = ("node", HERE / "ws_peer.js")


class WsOverTls(Secure, Ws):
    pass


if __name__ == "__main__":
    unittest.main()
