"""The client that Node.js has built in (npm's undici is its source, for every Node.js) and our server."""

import unittest

from peers import HERE, OF_BROWSERS, Client, InteropCase


class Undici(InteropCase, Client):
    command = ("node", HERE / "undici_peer.js")
    closes = OF_BROWSERS


if __name__ == "__main__":
    unittest.main()
