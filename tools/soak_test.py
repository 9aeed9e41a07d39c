"""tools/soak fails when there is nothing to soak. That it passes is for `./dev soak`, which takes its time."""

import os
import pathlib
import subprocess
import sys
import unittest

SOAK = pathlib.Path(__file__).resolve().parent / "soak"


class Soak(unittest.TestCase):
    def test_a_server_that_does_not_start_is_a_failure(self):
        done = subprocess.run([sys.executable, "-B", SOAK, "0"], capture_output=True, text=True,
                              env=os.environ | {"PARLEY": "/bin/false"})
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
