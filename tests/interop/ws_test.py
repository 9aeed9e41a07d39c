"""Parley and npm's ws, both ways."""

import unittest

from peers import HERE, Client, InteropCase, Server


class Ws(InteropCase, Client, Server):
    command = ("node", HERE / "ws_peer.js")


if __name__ == "__main__":
    unittest.main()
