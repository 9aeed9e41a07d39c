"""tools/coverage itself: what it says of an export of llvm-cov."""

import unittest

from tool import load

coverage = load("coverage")


def file(name, branches=(), segments=(), functions=1):
    return {"filename": "/clone/" + name, "branches": list(branches), "segments": list(segments),
            "summary": {"functions": {"covered": functions}}}


def report(*files):
    return coverage.report({"data": [{"files": list(files)}]}, "/clone")


class CoverageTest(unittest.TestCase):
    def test_what_is_whole_is_not_mentioned(self):
        self.assertEqual(report(file("src/codec/a.cpp", [[1, 2, 1, 9, 3, 4, 0, 0, 4]], [[1, 1, 7, True, True, False]])),
                         ([], []))

    def test_each_kind_of_gap_has_its_place(self):
        complaints, _ = report(file(
            "src/codec/a.cpp",
            [[9, 2, 9, 9, 0, 4, 0, 0, 4], [5, 2, 5, 9, 4, 0, 0, 0, 4], [6, 2, 6, 9, 0, 0, 0, 0, 4]],
            [[12, 3, 0, True, True, False], [13, 1, 0, True, False, False], [14, 1, 0, True, True, True],
             [15, 1, 0, False, True, False]]))
        self.assertEqual(complaints, ["src/codec/a.cpp:5:2: never false", "src/codec/a.cpp:6:2: never reached",
                                      "src/codec/a.cpp:9:2: never true", "src/codec/a.cpp:12:3: never run"])

    def test_other_folders_do_not_count(self):
        gap = [[9, 2, 9, 9, 0, 4, 0, 0, 4]]
        complaints, _ = report(file("src/codec/a.cpp"), file("src/ws/b.cpp", gap), file("tests/codec/c.cpp", gap),
                               file("src/codec/kernels/choose.cpp", gap))
        self.assertEqual(complaints, [])

    def test_a_kernel_that_never_ran_is_for_another_processor(self):
        gap = [[9, 2, 9, 9, 0, 4, 0, 0, 4]]
        complaints, notes = report(file("src/codec/kernels/avx2.cpp", gap),
                                   file("src/codec/kernels/avx512.cpp", gap, functions=0))
        self.assertEqual(complaints, ["src/codec/kernels/avx2.cpp:9:2: never true"])
        self.assertEqual(notes, ["src/codec/kernels/avx512.cpp: not for this processor"])

    def test_nothing_measured_is_a_complaint(self):
        self.assertEqual(report(file("src/ws/b.cpp"))[0], ["src/codec/: no file of it was measured"])


if __name__ == "__main__":
    unittest.main()
