"""A page in Debian's Chromium and our server: with deflate, since Chromium always offers it, and without."""

import unittest

from peers import HERE, OF_BROWSERS, Client, InteropCase, Secure


class Chromium(InteropCase, Client):
    command = ("node", HERE / "chromium_peer.js")
    closes = OF_BROWSERS


class ChromiumOverTls(Secure, Chromium):
    pass


if __name__ == "__main__":
    unittest.main()
