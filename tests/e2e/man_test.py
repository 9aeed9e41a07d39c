"""The man page: well-formed, and complete beside what `--help` says."""

import re
import shutil
import subprocess
import unittest

from harness import ROOT, Case

PAGE = ROOT / "docs" / "parley.1"


def options(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


class Man(Case):
    def setUp(self):
        source = PAGE.read_text()
        text = re.sub(r"\\f.|\\&", "", source.replace(r"\-", "-"))
        self.text = re.sub(r"(?m)^\.Fl (?=\w)", "--", re.sub(r"\bFl -", "--", text))

    def test_every_option_is_documented_and_no_other(self):
        offered = set()
        for arguments in (["--help"], ["serve", "--help"], ["connect", "--help"], ["bench", "--help"]):
            offered |= options("\n".join(self.run_parley(*arguments).out.all()))
        self.assertIn("--listen", offered)
        self.assertEqual(offered - options(self.text), set(), "offered, but not in the man page")
        self.assertEqual(options(self.text) - offered, set(), "in the man page, but not offered")

    def test_every_exit_code_is_documented(self):
        section = re.search(r"\n\.S[Hh] \"?EXIT STATUS\"?\n(.*?)(\n\.S[Hh] |\Z)", self.text, re.DOTALL)
        self.assertIsNotNone(section)
        for code in (0, 1, 2, 130, 143):
            self.assertRegex(section[1], rf"\b{code}\b")

    @unittest.skipUnless(shutil.which("man") and shutil.which("groff"), "no man here")
    def test_it_is_well_formed(self):
        result = subprocess.run(
            ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", PAGE], capture_output=True, check=False,
            env={"LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80", "PATH": "/usr/bin:/bin"})
        self.assertEqual((result.returncode, result.stderr.decode()), (0, ""))
        self.assertIn(b"parley", result.stdout)


if __name__ == "__main__":
    unittest.main()
