"""examples/simulated: a handler tested by seed."""

import subprocess
import unittest

from harness import BUILD, Case

PROGRAM = BUILD / "examples" / "simulated"


class Simulated(Case):
    def test_every_seed_passes(self):
        result = subprocess.run([PROGRAM], capture_output=True, check=False, text=True, timeout=60)
        self.assertEqual(result.stderr, "")
        self.assertEqual(result.stdout, "1000 seeds: every line came back, and nothing leaked\n")
        self.assertEqual(result.returncode, 0)

    def test_one_seed_alone(self):
        result = subprocess.run([PROGRAM, "1", "371"], capture_output=True, check=False, text=True, timeout=60)
        self.assertEqual(result.stdout, "1 seeds: every line came back, and nothing leaked\n")


if __name__ == "__main__":
    unittest.main()
