"""An installed Parley, static and shared, is found and used by find_package and by pkg-config."""

import glob
import os
import shutil
import subprocess
import tempfile
import unittest

from compilers import HERE, SOURCE

BUILD = os.environ["PARLEY_BUILD"]
CXX = os.environ["CXX"]
CONSUMER = os.path.join(HERE, "consumer")


def run(*command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def build_shared():
    """The library alone, as a shared one and not optimised; the folder stays, so that this is quick the next time."""
    folder = os.path.join(BUILD, "shared")
    run("cmake", "-S", SOURCE, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DBUILD_SHARED_LIBS=ON",
        "-DPARLEY_CLI=OFF", "-DPARLEY_TESTS=OFF", "-DPARLEY_EXAMPLES=OFF", "-DPARLEY_BENCH=OFF")
    run("cmake", "--build", folder, "--parallel", "2")
    return folder


class Installed:
    static = False

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="parley-install-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = os.path.join(cls.folder, "prefix")
        run("cmake", "--install", BUILD if cls.static else build_shared(), "--prefix", cls.prefix)
        cls.library = glob.glob(cls.prefix + "/lib*/**/libparley.*", recursive=True)
        cls.environment = {
            "CMAKE_PREFIX_PATH": cls.prefix,
            "PKG_CONFIG_PATH": os.path.join(os.path.dirname(cls.library[0]), "pkgconfig"),
            "LD_LIBRARY_PATH": os.path.dirname(cls.library[0]),
        }

    def test_the_library_is_of_the_kind_asked_for(self):
        kinds = {os.path.basename(path).split(".")[1] for path in self.library}
        self.assertEqual(kinds, {"a"} if self.static else {"so"})

    def test_find_package(self):
        build = os.path.join(self.folder, "consumer")
        run("cmake", "-S", CONSUMER, "-B", build, "-G", "Ninja", **self.environment)
        run("cmake", "--build", build)
        self.assertEqual(run(os.path.join(build, "consumer")), "works\n")

    def test_pkg_config(self):
        flags = run("pkg-config", "--cflags", "--libs", *["--static"] * self.static, "parley", **self.environment)
        program = os.path.join(self.folder, "by_pkg_config")
        run(CXX, "-std=c++23", os.path.join(CONSUMER, "main.cpp"), "-o", program, *flags.split())
        self.assertEqual(run(program, **self.environment), "works\n")


class Static(Installed, unittest.TestCase):
    static = True

    def test_the_program_and_its_page(self):
        self.assertTrue(os.access(os.path.join(self.prefix, "bin", "parley"), os.X_OK))
        self.assertTrue(os.path.exists(os.path.join(self.prefix, "share", "man", "man1", "parley.1")))

    def test_nothing_names_the_place_it_was_built_in(self):
        for path in glob.glob(self.prefix + "/lib*/**/*.pc", recursive=True) + \
                glob.glob(self.prefix + "/lib*/cmake/parley/*.cmake", recursive=True):
            with self.subTest(path=path), open(path, encoding="utf-8") as file:
                text = file.read()
                self.assertNotIn(SOURCE, text)
                self.assertNotIn(self.prefix, text)


class Shared(Installed, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main()
