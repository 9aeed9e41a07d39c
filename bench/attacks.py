"""What honest clients feel of attacks on their server: bench/attacks.py [SECONDS [ATTACK [CORES]]].

`parley bench` sends at a steady rate and compares every answer, alone and beside each attack. The figure is the p99 of
latency, counted from when a message was due.

What shows is to be what the server does. So the load has a core, on which it goes before all others (SCHED_FIFO, for
which it must be root); the attacker has what is left of that core (SCHED_IDLE); the server has all (CORES: "0,1"), or
only the other ("0").
"""

import json
import os
import pathlib
import resource
import socket
import ssl
import struct
import subprocess
import sys
import time
import zlib

from pinned import LOAD_CORES, Server

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("PARLEY_BUILD", ROOT / "build" / "release"))
RATIO_MAX = 2.0
RATE = 2000
ROUNDS = 4  # of which the best counts, alone and beside: others use the machine, too
REQUEST = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
REQUEST_DEFLATE = REQUEST[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
PAUSE_SECONDS = 0.001  # between two steps
LEAD_SECONDS = 0.2     # the load has connected by then
HELD_MAX = 200
PROTOCOL, TOO_LARGE = b"\x03\xea", b"\x03\xf1"  # of a Close frame: 1002, 1009


def frame(first, payload):
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
    return bytes([first]) + size + bytes(4) + payload


def opened(port, data=b""):
    peer = socket.create_connection(("127.0.0.1", port), 5)
    peer.setblocking(False)
    try:
        peer.send(data)
    except OSError:
        pass
    return peer


def check(port, data, answer):
    """That the server takes the attack for what it is meant to be: it says so in its answer."""
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(data)
        got = b""
        while answer not in got:
            try:
                more = peer.recv(65536)
            except TimeoutError:
                return  # nobody is served any more, as the load will say
            if not more:
                sys.exit(f"bench/attacks.py: {got[-100:]} instead of {answer}")
            got += more


def once_each(data, answer=b""):
    """A new connection for each step, of which the last two hundred stay open."""
    def attack(port):
        check(port, data, answer)
        held = []
        while True:
            held.append(opened(port, data))
            if len(held) > HELD_MAX:
                held.pop(0).close()
            yield
    return attack


def discard(peer):
    while peer.recv(1 << 20):
        pass


def flooding(data, answer, count=8, reads=False):
    """Some WebSockets that send the same for ever, and never read, or all that comes."""
    def attack(port):
        check(port, REQUEST + data * 2, answer)
        peers = []
        while True:
            while len(peers) < count:
                peers.append(opened(port, REQUEST))
            for peer in list(peers):
                try:
                    peer.send(data)
                    if reads:
                        discard(peer)
                except BlockingIOError:
                    pass
                except OSError:
                    peers.remove(peer)
                    peer.close()
            yield
    return attack


def bombs(size):
    """A message that grows a thousandfold, on a new connection each time: the server closes it."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = squeezed.compress(bytes(size)) + squeezed.flush(zlib.Z_SYNC_FLUSH)
    return once_each(REQUEST_DEFLATE + frame(0xc2, data[:-4]), TOO_LARGE)


def handshakes(at_once):
    """Whole TLS handshakes, each dropped once it is over: what costs a server most for what it costs the attacker."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def attack(port):
        peers = []
        while True:
            while len(peers) < at_once:
                below = opened(port)
                peers.append(context.wrap_socket(below, do_handshake_on_connect=False))
            for peer in list(peers):
                try:
                    peer.do_handshake()
                except ssl.SSLWantReadError:
                    continue
                except OSError:
                    pass
                peers.remove(peer)
                peer.close()
            yield
    return attack


ATTACKS = {
    "slow handshakes": once_each(b"GET / HTTP/1.1\r\nHost:"),
    "header floods": once_each(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000, b" 431 "),
    "upgrades with a body": once_each(REQUEST[:-2] + b"Content-Length: 5\r\n\r\nhello", b" 413 "),
    "rubbish": once_each(os.urandom(1000)),
    "half TLS hellos": once_each(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
    "TLS handshakes, one by one": handshakes(1),
    "TLS handshakes, 32 at once": handshakes(32),
    "connections, until no descriptor is left": once_each(b""),
    "slow readers": flooding(frame(0x82, bytes(1000)) * 20, frame(0x82, bytes(1000))[:4].replace(b"\xfe", b"\x7e", 1)),
    "floods of small messages": flooding(frame(0x82, b"") * 10000, b"\x82\x00", reads=True),
    "floods of small pings": flooding(frame(0x89, b"") * 10000, b"\x8a\x00", reads=True),
    "ping floods": flooding(frame(0x89, b"x" * 100) * 20, b"\x8a\x64"),
    "fragment floods": flooding(frame(0x02, b"") + frame(0x00, b"") * 200, PROTOCOL),
    "deflate bombs": bombs(32 << 20),
    "wrong lengths": flooding(b"\x82\xff" + b"\xff" * 8 + bytes(4), PROTOCOL),
    "close floods": flooding(frame(0x88, b"\x03\xe8") * 10, b"\x88\x02\x03\xe8"),
}


# Where the attack is on a limit that a server is seldom given.
DESCRIPTORS_MAX = {"connections, until no descriptor is left": 64}


def serving(cores, descriptors_max):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)

    def prepare():
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors_max or most, most))
    command = [BUILD / "parley", "serve", "echo", "--quiet", "--tls-self-signed", "--listen", "any://127.0.0.1:0"]
    return Server(command, cores, prepare=prepare)


def start_load(words):
    def prepare():
        is_root = os.geteuid() == 0
        os.sched_setaffinity(0, LOAD_CORES)
        os.sched_setscheduler(0, os.SCHED_FIFO if is_root else os.SCHED_OTHER, os.sched_param(1 if is_root else 0))
    return subprocess.Popen([BUILD / "parley", "bench", *words], stdout=subprocess.PIPE, text=True, preexec_fn=prepare)


def measure(port, seconds, attack=None):
    """p99 in µs; whether anything was lost; and how many steps the attacker took in a second."""
    load = start_load([f"ws://127.0.0.1:{port}/", "--json", "--connections", "16", "--rate", str(RATE),
                       "--warm-up", str(2 * LEAD_SECONDS), "--duration", str(seconds)])
    time.sleep(LEAD_SECONDS)
    steps = attack(port) if attack else None
    begun, count = time.monotonic(), 0
    while load.poll() is None:
        if steps:
            next(steps)
            count += 1
        time.sleep(PAUSE_SECONDS)
    rate = count / (time.monotonic() - begun)
    printed = load.stdout.read()
    if not printed:
        return float("inf"), True, rate  # it could not even connect
    report = json.loads(printed)
    lost = load.returncode != 0 or report["wrong"] > 0
    return report["latency_ns"]["p99"] / 1000, lost, rate


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    cores = {int(core) for core in sys.argv[3].split(",")} if len(sys.argv) > 3 else {0, 1}
    os.sched_setaffinity(0, LOAD_CORES)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    held = True
    print("| attack | p99 alone, µs | p99 beside it, µs | times | steps/s | nothing lost | holds |\n"
          "|---|---|---|---|---|---|---|")
    for name, attack in ATTACKS.items():
        if wanted not in name:
            continue
        with serving(cores, DESCRIPTORS_MAX.get(name)) as server:
            both = [(measure(server.port, seconds), measure(server.port, seconds, attack)) for _ in range(ROUNDS)]
        alone = min(calm[0] for calm, _ in both)
        beside, _, rate = min(stormy for _, stormy in both)
        lost = any(stormy[1] for _, stormy in both)
        holds = not lost and beside <= RATIO_MAX * alone
        held = held and holds
        print(f"| {name} | {alone:.0f} | {beside:.0f} | {beside / alone:.2f} | {rate:.0f} | "
              f"{'no' if lost else 'yes'} | {'yes' if holds else '**no**'} |", flush=True)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
