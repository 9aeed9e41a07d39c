"""Each public header compiles alone, twice, and without a warning in the code of users who ask for many."""

import glob
import os
import subprocess
import unittest

from compilers import INCLUDE, compilers

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]


class Headers(unittest.TestCase):
    def compile(self, compiler, standard, text):
        command = [compiler, f"-std={standard}", *WARNINGS, "-fsyntax-only", "-I", INCLUDE, "-x", "c++", "-"]
        run = subprocess.run(command, input=text, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_each_alone(self):
        headers = sorted(glob.glob("**/*.h", root_dir=INCLUDE, recursive=True))
        self.assertIn(os.path.join("parley", "parley.h"), headers)
        for compiler in compilers():
            for header in headers:
                with self.subTest(compiler=compiler, header=header):
                    self.compile(compiler, "c++23", f"#include <{header}>\n#include <{header}>\n")

    def test_all_with_the_extensions_of_gnu(self):
        for compiler in compilers():  # which define `unix` as a macro
            with self.subTest(compiler=compiler):
                self.compile(compiler, "gnu++23", "#include <parley/parley.h>\n")


if __name__ == "__main__":
    unittest.main()
