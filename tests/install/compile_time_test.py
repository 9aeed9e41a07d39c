"""The echo server compiles in less than a second more than an empty file does: user time, the best of several."""

import os
import resource
import subprocess
import unittest

from compilers import HERE, INCLUDE, compilers

SECONDS_MAX = 1.0
TIMES = 5


def user_seconds(compiler, source):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [compiler, "-std=c++23", "-O2", "-I", INCLUDE, "-x", "c++", source, "-c", "-o", os.devnull]
    subprocess.run(command, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


class CompileTime(unittest.TestCase):
    def test_echo_server(self):
        for compiler in compilers():
            with self.subTest(compiler=compiler):
                empty = min(user_seconds(compiler, os.devnull) for _ in range(TIMES))
                echo = min(user_seconds(compiler, os.path.join(HERE, "echo_server.cpp")) for _ in range(TIMES))
                print(f"{compiler}: {echo - empty:.2f} s more than an empty file ({empty:.2f} s)")
                self.assertLess(echo - empty, SECONDS_MAX)


if __name__ == "__main__":
    unittest.main()
