"""What every end-to-end test needs: start the real programs, wait for what they print, stop them by their pid.

Nothing here sleeps. A test waits for a line, a byte or an exit, and each wait has a deadline. Ports are the kernel's
choice (port 0) and read from the line that the program prints.

Environment: PARLEY is the program under test, PARLEY_BUILD the build directory.
"""

import ctypes
import fcntl
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARLEY = os.environ.get("PARLEY", str(ROOT / "build" / "release" / "parley"))
BUILD = pathlib.Path(os.environ.get("PARLEY_BUILD", str(pathlib.Path(PARLEY).parent)))

DEADLINE_SECONDS = 60  # for anything that must happen; a healthy program needs a few milliseconds
ANSWER = b"Echo from server"


def sanitized():
    """Whether the program carries a sanitizer: memory and speed say nothing then."""
    code = pathlib.Path(PARLEY).read_bytes()
    return b"__asan_init" in code or b"__tsan_init" in code


class Lines:
    """The lines a program prints, gathered by a thread, so that the program never waits for the test."""

    def __init__(self, pipe):
        self._changed = threading.Condition()
        self._lines = []
        self._ended = False
        self._thread = threading.Thread(target=self._gather, args=(pipe,), daemon=True)
        self._thread.start()

    def _gather(self, pipe):
        rest = b""
        while piece := os.read(pipe.fileno(), 1 << 16):
            *lines, rest = (rest + piece).split(b"\n")
            self._add(lines)
        if rest:
            self._add([rest + b" (no newline)"])
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        pipe.close()

    def _add(self, lines):
        with self._changed:
            self._lines += [line.decode(errors="backslashreplace") for line in lines]
            self._changed.notify_all()

    def so_far(self):
        with self._changed:
            return list(self._lines)

    def wait(self, pattern, count=1, seconds=DEADLINE_SECONDS):
        """The first `count` lines that match the whole pattern, as matches of re."""
        found = []
        deadline = time.monotonic() + seconds
        seen = 0
        with self._changed:
            while True:
                for line in self._lines[seen:]:
                    if match := re.fullmatch(pattern, line):
                        found.append(match)
                seen = len(self._lines)
                if len(found) >= count:
                    return found[:count]
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the program ended its output" if self._ended else f"{seconds} s have passed"
                    shown = "\n  ".join(self._lines[-30:])
                    raise AssertionError(f"{count} × {pattern!r} expected, {len(found)} found, and {why}:\n  {shown}")
                self._changed.wait(left)

    def wait_for(self, text, count=1):
        return self.wait(re.escape(text), count)

    def wait_until(self, what, holds, seconds=DEADLINE_SECONDS):
        """Until holds(lines so far) is true."""
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self._lines) or self._ended, seconds) or not holds(self._lines):
                shown = "\n  ".join(self._lines[-30:])
                raise AssertionError(f"{what} expected, but the program printed:\n  {shown}")

    def all(self):
        """Every line, once the program has closed its output."""
        self._thread.join(DEADLINE_SECONDS)
        if self._thread.is_alive():
            raise AssertionError("the program keeps its output open:\n  " + "\n  ".join(self.so_far()))
        return self.so_far()


class Program:
    """A running program with its output. stop() and kill() go by pid."""

    def __init__(self, *command, stdin=subprocess.DEVNULL, limits=(), cwd=None, env=None):
        def apply_limits():
            for which, value in limits:
                resource.setrlimit(which, (value, value))

        self.command = [str(word) for word in command]
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, cwd=cwd, env=env,
            preexec_fn=apply_limits if limits else None)
        self.pid = self.process.pid
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def write(self, data):
        """Puts bytes on the program's standard input (stdin=subprocess.PIPE)."""
        self.process.stdin.write(data)

    def end_input(self):
        self.process.stdin.close()

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=DEADLINE_SECONDS):
        """The exit code; minus the signal's number when a signal ended it."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            shown = "\n  ".join(self.out.so_far()[-30:] + self.err.so_far()[-30:])
            raise AssertionError(f"{self.command} still runs after {seconds} s:\n  {shown}") from None
        self.seconds = time.monotonic() - self.started
        return code

    def stop(self, number=signal.SIGINT):
        self.send_signal(number)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


WAYS = {"any:": 4}  # how many lines say where a server listens, if it is not one


class Case(unittest.TestCase):
    """A test case that can start programs and open sockets; all of them are gone after each test."""

    maxDiff = None

    def start(self, *command, **options):
        program = Program(*command, **options)
        self.addCleanup(program.kill)
        return program

    def serve(self, *arguments, listen=("tcp://127.0.0.1:0",), **options):
        """`parley serve`, once it has said where it listens. tcp_port, udp_port: the last printed of each."""
        urls = [word for url in listen for word in ("--listen", url)]
        server = self.start(PARLEY, "serve", *arguments, *urls, **options)
        server.urls = [match[1] for match in server.out.wait(
            r"Bound to (\S+:\S+)", count=sum(WAYS.get(url[:4], 1) for url in listen))]
        for url in server.urls:
            if url.startswith("tcp://"):
                server.tcp_port = int(url.rsplit(":", 1)[1])
            elif url.startswith("udp://"):
                server.udp_port = int(url.rsplit(":", 1)[1])
            elif url.startswith("ws://"):
                server.ws_port = int(url.rsplit(":", 1)[1])
        return server

    def connect(self, *arguments, stdin=subprocess.PIPE, **options):
        """`parley connect`, with its standard input open for write()."""
        return self.start(PARLEY, "connect", *arguments, stdin=stdin, **options)

    def run_parley(self, *arguments, text=b"", **options):
        """Runs `parley` to its end with `text` as its input. The Program, with .code."""
        program = self.start(PARLEY, *arguments, stdin=subprocess.PIPE, **options)
        try:
            program.write(text)
            program.end_input()
        except BrokenPipeError:
            pass  # it ended without reading
        program.code = program.wait()
        return program

    def stop(self, server, number=signal.SIGINT):
        """Stops a server and checks that it ends well and complained of nothing (a sanitizer would)."""
        code = server.stop(number)
        self.assertEqual((code, server.err.all()), (0, []))
        return server.out.all()

    def tcp(self, port, host="127.0.0.1"):
        """A connection to a TCP port, and how the server prints it: (socket, "127.0.0.1:54321")."""
        peer = socket.create_connection((host, port), DEADLINE_SECONDS)
        self.addCleanup(peer.close)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return peer, printed(peer.getsockname())

    def udp(self, port, host="127.0.0.1"):
        """A UDP socket that talks to a port, and how the server prints it."""
        peer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.settimeout(DEADLINE_SECONDS)
        peer.connect((host, port))
        return peer, printed(peer.getsockname())

    def listener(self, host="127.0.0.1"):
        """A listening TCP socket of the test's own, and its port."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = socket.create_server((host, 0), family=family)
        self.addCleanup(server.close)
        server.settimeout(DEADLINE_SECONDS)
        return server, server.getsockname()[1]

    def accept(self, server):
        peer, _ = server.accept()
        self.addCleanup(peer.close)
        peer.settimeout(DEADLINE_SECONDS)
        if peer.family != socket.AF_UNIX:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return peer

    def closed_port(self):
        """A TCP port that stays refused: bound by the test, but nobody listens."""
        holder = socket.socket()
        self.addCleanup(holder.close)
        holder.bind(("127.0.0.1", 0))
        return holder.getsockname()[1]

    def assert_answers(self, server):
        """The server still serves: a new client gets its answer."""
        peer, _ = self.tcp(server.tcp_port)
        peer.sendall(b"still there?")
        self.assertEqual(receive_exactly(peer, len(ANSWER)), ANSWER)
        peer.close()

    def assert_error(self, program, code, *words):
        """It ended with `code` and one line on standard error that starts with "parley: " and has all the words."""
        self.assertEqual(program.wait(), code, program.err.so_far())
        lines = program.err.all()
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith("parley: "), lines)
        for word in words:
            self.assertIn(word, lines[0])


def printed(address):
    """A socket's address as Parley prints it."""
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def receive_exactly(peer, size):
    """`size` bytes, or fewer when the peer ends before."""
    data = b""
    while len(data) < size and (piece := peer.recv(size - len(data))):
        data += piece
    return data


def receive_all(peer):
    """Everything up to the end of the stream."""
    data = bytearray()
    while piece := peer.recv(1 << 16):
        data += piece
    return bytes(data)


def reset(peer):
    """Closes a connection with a reset (RST) instead of an orderly end."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def raise_descriptor_limit(count):
    """Lets this process, and the programs it starts, open `count` descriptors. Whether that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        return False
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    return True


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def own_network():
    """Moves this process into a network of its own, where every port is free. Whether the system lets it.

    Call it before any thread starts (setUpModule).
    """
    new_user, new_network = 0x10000000, 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_network) != 0 and libc.unshare(new_user | new_network) != 0:
        return False
    up, get_flags, set_flags = 0x1, 0x8913, 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = fcntl.ioctl(control, get_flags, struct.pack("16sh22x", b"lo", 0))
        flags = struct.unpack("16sh22x", request)[1]
        fcntl.ioctl(control, set_flags, struct.pack("16sh22x", b"lo", flags | up))
    return True
