"""The console page of `parley serve`, in Debian's Chromium."""

import subprocess
import unittest

from peers import HERE, InteropCase


class Console(InteropCase):
    def test_it_does_all_that_it_shows(self):
        server = self.serve("echo", "--quiet", listen=("any://127.0.0.1:0",))
        url = f"http://127.0.0.1:{server.tcp_port}/"
        done = subprocess.run(["node", HERE / "console.js", url], capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        server.stop()


if __name__ == "__main__":
    unittest.main()
