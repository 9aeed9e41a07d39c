"""tools/conformance itself: rows that must pass and rows that must not."""

import os
import tempfile
import unittest

from tool import load

conformance = load("conformance")

SOURCE = """
// "An unmasked frame MUST be refused,
// and its sender [...] told so." (5.1)
int x;
"""
GOOD = '| 5.1 | "An unmasked frame MUST be refused, and its sender [...] told so." | `src/a.cpp` | `Frame.masks` |'


class ConformanceTest(unittest.TestCase):
    def complaints(self, *rows):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "src"))
            os.makedirs(os.path.join(root, "tests", "codec"))
            os.makedirs(os.path.join(root, "tests", "e2e"))
            with open(os.path.join(root, "src", "a.cpp"), "w", encoding="utf-8") as file:
                file.write(SOURCE)
            with open(os.path.join(root, "tests", "codec", "frame_test.cpp"), "w", encoding="utf-8") as file:
                file.write("TEST(Frame, masks) {}\n")
            with open(os.path.join(root, "tests", "e2e", "talk_test.py"), "w", encoding="utf-8") as file:
                file.write("\n")
            page = os.path.join(root, "page.md")
            with open(page, "w", encoding="utf-8") as file:
                file.write("text | of no table\n| § | clause | where | tests |\n|---|---|---|---|\n")
                file.write("\n".join(rows) + "\n")
            return conformance.check(page, root)

    def test_rows_that_pass(self):
        self.assertEqual(self.complaints(GOOD, "| 5.1 | in other words | `src/a.cpp` | `e2e.talk` |",
                                         "| 5.2 | MAY | not done: nobody asked | nothing to test |"), [])

    def test_rows_that_do_not(self):
        for row, complaint in ((GOOD.replace("told so", "told why"), "no file of the row says: told why."),
                               (GOOD.replace("a.cpp", "b.cpp"), "src/b.cpp is no file"),
                               (GOOD.replace("masks", "mask"), "there is no test Frame.mask"),
                               ("| 5.1 | clause | | `Frame.masks` |", "no file"),
                               ("| 5.1 | clause | `src/a.cpp` | |", "no test"),
                               ("| 5.1 | clause | `src/a.cpp` |", "four cells"),
                               ("| | clause | `src/a.cpp` | `Frame.masks` |", "needs a section")):
            with self.subTest(row=row):
                self.assertIn(complaint, self.complaints(row)[0])

    def test_a_page_without_rows(self):
        self.assertEqual(len(self.complaints()), 1)


if __name__ == "__main__":
    unittest.main()
