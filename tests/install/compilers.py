"""The compilers that users have: the one of this build, and the other one where it is installed."""

import os
import shutil

SOURCE = os.environ["PARLEY_SOURCE"]
INCLUDE = os.path.join(SOURCE, "include")
HERE = os.path.join(SOURCE, "tests", "install")


def compilers():
    found = [os.environ["CXX"]]
    for name in ("g++", "clang++-19"):
        if shutil.which(name) and os.path.basename(found[0]) != name:
            found.append(name)
    return found
