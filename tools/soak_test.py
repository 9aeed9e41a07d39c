"""tools/soak, as short as it can be. What it is for takes its time: `./dev soak`."""

import os
import pathlib
import subprocess
import sys
import unittest

SOAK = pathlib.Path(__file__).resolve().parent / "soak"


def soak(parley):
    return subprocess.run([sys.executable, "-B", SOAK, "0", "0.5"], capture_output=True, text=True,
                          env=os.environ | {"PARLEY": parley})


class Soak(unittest.TestCase):
    @unittest.skipUnless(os.access(os.environ.get("PARLEY", ""), os.X_OK), "parley was not built")
    def test_one_round_loses_nothing(self):
        done = soak(os.environ["PARLEY"])
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1:]),
                         (0, ["nothing was lost, and nothing has grown"]), done.stderr)

    def test_a_server_that_does_not_start_is_a_failure(self):
        done = soak("/bin/false")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertTrue(done.stderr.startswith("soak: the server did not start"), done.stderr)


if __name__ == "__main__":
    unittest.main()
