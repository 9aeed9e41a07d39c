"""Parley and Boost.Beast (Debian), both ways."""

import unittest

from peers import BUILD, CODES, Client, InteropCase, Server, needs


@needs("beast_peer")
class Beast(InteropCase, Client, Server):
    command = (BUILD / "interop/beast_peer",)
    closes = accepts = takes = can_close = [code for code in CODES if code != 1014]  # which 1.81 does not know


if __name__ == "__main__":
    unittest.main()
