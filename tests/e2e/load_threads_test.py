"""The same load as load_test.py on a server with two threads."""

import unittest

import load_test


class LoadThreads(load_test.Load):
    arguments = ("--threads", "2")


if __name__ == "__main__":
    unittest.main()
