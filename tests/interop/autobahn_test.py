"""Parley and Python's autobahn (Debian), both ways."""

import unittest

from peers import CODES, HERE, PYTHON, Client, InteropCase, Server


class Autobahn(InteropCase, Client, Server):
    command = (PYTHON, HERE / "autobahn_peer.py")
    closes = accepts = takes = can_close = [code for code in CODES if code != 1014]  # which 22.7 does not know


if __name__ == "__main__":
    unittest.main()
