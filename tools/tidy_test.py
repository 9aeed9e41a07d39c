"""tools/tidy itself: every rule with a sample that it must refuse and one that it must let pass."""

import os
import subprocess
import sys
import unittest

from tool import load

HERE = os.path.dirname(os.path.abspath(__file__))

tidy = load("tidy")

# path, text that is refused, part of the complaint, text that passes there. Words that are refused in every file are
# written in two pieces.
SAMPLES = [
    ("src/io/x.cpp", 'std::printf("x");', "std::printf is banned: the library prints nothing", "// printf(\n"),
    ("src/io/x.cpp", "std::cout << 1;", "std::cout is banned", 'auto text = "std::cout";'),
    ("src/cli/x.cpp", 'printf("x");', "printf is banned: use fmt", 'fmt::print("x");'),
    ("src/cli/x.cpp", "std::cerr << 1;", "std::cerr is banned", 'fmt::print(stderr, "x");'),
    ("src/io/x.cpp", "exit(1);", "exit is banned", "on_exit_of(1);"),
    ("src/io/x.cpp", "throw 1;", "throw is banned: errors are values", "return fail(Errc::end);"),
    ("src/io/x.cpp", "assert(x);", "assert is banned", "static_assert(x);"),
    ("tests/io/x_test.cpp", "usleep(1);", "usleep is banned: move time", "sim.sleep(1);"),
    ("tests/io/x_test.cpp", "std::this_thread::sleep_for(1s);", "this_thread::sleep_for is banned",
     "co_await sleep_for(1s);"),
    ("src/io/x.cpp", "Family unix = {};", "unix is banned", "Family local = {};"),
    ("src/io/x.cpp", "strcpy(a, b);", "strcpy is banned: use std::string", "std::memcpy(a, b, size);"),
    ("src/io/x.cpp", "::sprintf(a, b);", "::sprintf is banned", "format_to(a, b);"),
    ("src/io/x.cpp", "int x = rand();", "rand is banned: use base/random.h", "int x = brand();"),
    ("src/io/x.cpp", "std::mt19937 x;", "std::mt19937 is banned", "Random x;"),
    ("src/io/x.cpp", "int x = atoi(y);", "atoi is banned: use std::from_chars", "std::from_chars(a, b, x);"),
    ("src/io/x.cpp", "int x = std::stoi(y);", "std::stoi is banned", "std::stop_token x;"),
    ("src/cli/x.cpp", "::system(command);", "::system is banned", "system(world);"),
    ("src/io/x.cpp", "inet_addr(x);", "inet_addr is banned", "inet_pton(x);"),
    ("src/io/x.cpp", "::signal(SIGINT, f);", "::signal is banned", "Signals signals(loop);"),
    ("src/cli/x.cpp", "std::regex x;", "std::regex is banned", "std::string x;"),
    ("tests/io/x_test.cpp", "out << std::endl;", "std::endl is banned", "out << '\\n';"),
    ("src/io/x.cpp", "using namespace std;", "using namespace std is banned", "using namespace std::chrono_literals;"),
    ("tests/e2e/x_test.py", "time.sleep(1)", "time.sleep is banned", "wait_for_line()"),
    ("tools/x.py", "run(x, shell" "=True)", "is banned: pass a list of arguments", "run([x])"),

    ("src/io/x.cpp", "auto x = new int;", "new is banned", "auto x = new int;  // owned: by the pool"),
    ("src/io/x.cpp", "delete x;", "delete is banned", "// owned: by the pool\ndelete x;"),
    ("src/io/x.cpp", "new (std::nothrow) T;", "new is banned", "::new (place) T;\nX(X&&) = delete;"),

    ("include/parley/x.h", "#pragma once\n#include <unistd.h>", "unistd.h: a public header includes only",
     "#pragma once\n#include <parley/error.h>\n#include <span>"),
    ("include/parley/x.h", '#pragma once\n#include "error.h"', "error.h: a public header", "#pragma once"),
    ("include/parley/x.h", "int x;", "no #pragma once", "#pragma once\nint x;"),
    ("examples/x.cpp", "#include <fmt/format.h>", "fmt/format.h: an example shows Parley alone", "#include <cstdio>"),
    ("src/base/x.cpp", '#include "io/core.h"', "src/base includes src/io: it may see nothing but itself",
     '#include "base/random.h"\n#include <sys/socket.h>'),
    ("src/io/x.cpp", '#include "transport/tcp.h"', "src/io includes src/transport: it may see base, task",
     '#include "task/frames.h"'),
    ("src/cli/x.cpp", '#include "base/list.h"', "src/cli includes src/base", "#include <parley/error.h>"),
    ("src/new/x.cpp", "int x;", "src/new has no place in the include rule", None),

    ("src/io/x.cpp", "// " + "x" * 118, "121 columns: at most 120", "// " + "x" * 117),
    ("src/io/x.cpp", "int x;\n" * 501, "501 lines in a file", "int x;\n" * 500),
    ("src/io/x.cpp", "// TO" "DO", "TO" "DO: do it, or file an issue", "// TODOS"),
    ("README.md", "FIX" "ME", "do it, or file an issue", "fixed"),
    ("README.md", "see /wo" "rk/main", "is a path of one machine", "see docs/work/main"),
    ("README.md", "x ", "blanks at the end", "x"),
    ("README.md", "x\r", "carriage return", "x"),
    ("README.md", "\tx", "a tab", "    x"),
]


def complaints(path, text):
    return [message for _, message in tidy.check_file(path, text if text.endswith("\n") else text + "\n")]


class Samples(unittest.TestCase):
    def test_each_sample(self):
        for path, bad, complaint, good in SAMPLES:
            with self.subTest(path=path, text=bad[:60]):
                self.assertIn(complaint, "\n".join(complaints(path, bad)))
                if good is not None:
                    self.assertEqual(complaints(path, good), [])

    def test_every_banned_thing_has_a_sample(self):
        said = [message for path, bad, _, _ in SAMPLES for message in complaints(path, bad)]
        for _, what, message in tidy.BANNED:
            self.assertTrue(any(word.endswith(f"is banned: {message}") for word in said), what)

    def test_the_owner_is_named_above(self):
        text = "\n\n#define X\n\n// owned: by its list\nauto x = new X;\n\n\ndelete x;\n"
        self.assertEqual([line for line, _ in tidy.check_file("src/io/x.cpp", text)], [9])

    def test_inputs_of_fuzzers_are_any_bytes(self):
        self.assertEqual(tidy.check_file("fuzz/corpus/x/y", "x \r\t"), [])

    def test_a_file_without_a_last_newline(self):
        self.assertEqual(tidy.check_file("README.md", "x"), [(1, "no newline at the end of the file")])

    def test_the_line_is_the_one_meant(self):
        text = "/* atoi(\n*/\n\n\n#include <new>\n// atoi(\nconst char* s = R\"(\natoi(\n)\";\nint x = atoi(y);\n"
        self.assertEqual(tidy.check_file("src/io/x.cpp", text), [(10, "atoi is banned: use std::from_chars")])


def body(lines):
    return "  x();\n" * lines


class Functions(unittest.TestCase):
    def lengths(self, text):
        return [last - first + 1 for first, last in tidy.cpp_functions(text)]

    def test_functions_of_every_form(self):
        for head in ["void f() {", "auto f() -> Result<int> {", "X::X(int a) : a_(a), b_{a} {", "TEST(A, b) {",
                     "template <class T>\nrequires(sizeof(T) > 1) void f() {", "bool operator()(int) const noexcept {",
                     "X::X() : a_{1} {", "void f(std::vector<int> x = {}) {"]:
            with self.subTest(head=head):
                text = f"namespace n {{\nint x = 1;\n{head}\n{body(3)}  if (x) {{\n  }}\n}}\n}}\n"
                self.assertEqual(self.lengths(text), [7 + head.count("\n")])

    def test_what_is_no_function(self):
        for text in ["struct S {\n  int a{1};\n};\n", "enum class E : int { a, b };\n", "int x[] = {1, 2};\n",
                     "struct alignas(64) S {\n};\n", "#define F(x) \\\n  { x }\n"]:
            with self.subTest(text=text):
                self.assertEqual(self.lengths(text), [])

    def test_a_method_inside_a_class(self):
        self.assertEqual(self.lengths("class C : B {\n public:\n  int f() {\n    return '{';\n  }\n};\n"), [3])

    def test_too_long(self):
        self.assertIn("71 lines in a function", complaints("src/io/x.cpp", "void f() {\n" + body(69) + "}\n")[0])
        self.assertEqual(complaints("src/io/x.cpp", "void f() {\n" + body(68) + "}\n"), [])
        self.assertIn("71 lines in a function", complaints("tools/x.py", "def f():\n" + "    x()\n" * 70)[0])


class Tree(unittest.TestCase):
    def test_every_module_has_its_test(self):
        self.assertEqual(tidy.check_tree(["src/io/x.cpp"]), [("src/io/x.cpp", "no test: write tests/io/x_test.cpp")])
        self.assertEqual(tidy.check_tree(["src/io/x.cpp", "tests/io/x_test.cpp"]), [])
        self.assertEqual(tidy.check_tree(["src/io/x.cpp", "tests/io/x_threads_test.cpp"]), [])
        self.assertEqual(tidy.check_tree(["src/io/sim/x.cpp", "src/io/sim/y.cpp", "tests/io/sim_test.cpp"]), [])
        self.assertEqual(tidy.check_tree(["src/cli/main.cpp", "src/io/x.h"]), [])

    def test_this_file_and_tidy_pass(self):
        run = subprocess.run([sys.executable, os.path.join(HERE, "tidy"), "tools/tidy", "tools/tidy_test.py"],
                             capture_output=True, text=True)
        self.assertEqual((run.stdout, run.returncode), ("", 0))


if __name__ == "__main__":
    unittest.main()
