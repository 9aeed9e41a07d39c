"""What the tests of this folder share: where things are, and programs that nobody here wrote."""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness import Case  # noqa: E402  (it lies in the other folder)

NODE_MODULES = pathlib.Path(os.environ.get("PARLEY_NODE_MODULES", HERE.parents[1] / "build/npm/node_modules"))
os.environ["NODE_PATH"] = str(NODE_MODULES)


class InteropCase(Case):
    pass
