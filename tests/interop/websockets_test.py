"""Parley and Python's websockets (Debian), both ways."""

import unittest

from peers import HERE, OF_RFC, PYTHON, Client, InteropCase, Secure, Server


class Websockets(InteropCase, Client, Server):
    command = (PYTHON, HERE / "websockets_peer.py")
    closes = accepts = takes = can_close = OF_RFC  # 10.4 knows no others


class WebsocketsOverTls(Secure, Websockets):
    pass


if __name__ == "__main__":
    unittest.main()
