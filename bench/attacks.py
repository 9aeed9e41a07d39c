"""What honest clients feel of attacks on their server: bench/attacks.py [SECONDS].

`parley bench` sends at a steady rate and compares every answer, alone and beside each attack; the attacker shares the
core of the load, not the server's. The figure is the p99 of latency, counted from when a message was due.
"""

import json
import os
import pathlib
import select
import socket
import ssl
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("PARLEY_BUILD", ROOT / "build" / "release"))
RATIO_MAX = 2.0
RATE = 2000
REQUEST = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
PAUSE_SECONDS = 0.002  # between two steps: the attacker must leave the load its core


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


def once_each(data):
    """A new connection for each step, of which the last two hundred stay open."""
    def attack(port):
        held = []
        while True:
            held.append(opened(port, data))
            if len(held) > 200:
                held.pop(0).close()
            yield
    return attack


def flooding(data, count=8):
    """Some WebSockets that send the same for ever, and never read."""
    def attack(port):
        peers = []
        while True:
            while len(peers) < count:
                peers.append(opened(port, REQUEST))
            for peer in list(peers):
                try:
                    peer.send(data)
                except BlockingIOError:
                    pass
                except OSError:
                    peers.remove(peer)
                    peer.close()
            yield
    return attack


def handshakes(port):
    """Whole TLS handshakes, each dropped once it is over: what costs a server most for what it costs the attacker."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    while True:
        with socket.create_connection(("127.0.0.1", port), 5) as below, context.wrap_socket(below):
            pass
        yield


ATTACKS = {
    "slow handshakes": once_each(b"GET / HTTP/1.1\r\nHost:"),
    "header floods": once_each(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000),
    "upgrades with a body": once_each(REQUEST[:-2] + b"Content-Length: 5\r\n\r\nhello"),
    "rubbish": once_each(os.urandom(1000)),
    "half TLS hellos": once_each(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
    "TLS handshakes": handshakes,
    "slow readers": flooding(frame(0x82, bytes(1000)) * 20),
    "ping floods": flooding(frame(0x89, b"x" * 100) * 20),
    "fragment floods": flooding(frame(0x02, b"") + frame(0x00, b"") * 200),
    "wrong lengths": flooding(b"\x82\xff" + b"\xff" * 8 + bytes(4)),
    "close floods": flooding(frame(0x88, b"\x03\xe8") * 10),
}


def measure(port, seconds, attack=None):
    load = subprocess.Popen(
        ["taskset", "-c", "1", BUILD / "parley", "bench", f"ws://127.0.0.1:{port}/", "--json", "--connections", "16",
         "--rate", str(RATE), "--warm-up", "0.3", "--duration", str(seconds)], stdout=subprocess.PIPE, text=True)
    steps = attack(port) if attack else None
    while load.poll() is None:
        if steps:
            next(steps)
        select.select([], [], [], PAUSE_SECONDS)
    report = json.loads(load.stdout.read())
    lost = load.returncode != 0 or report["wrong"] > 0
    return report["latency_ns"]["p99"] / 1000, lost


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    os.sched_setaffinity(0, {1})
    server = subprocess.Popen(["taskset", "-c", "0", BUILD / "parley", "serve", "echo", "--quiet", "--tls-self-signed",
                               "--listen", "any://127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    port = int(server.stdout.readline().rsplit(":", 1)[1])
    held = True
    print("| attack | p99 alone, µs | p99 beside it, µs | times | nothing lost | holds |\n|---|---|---|---|---|---|")
    try:
        for name, attack in ATTACKS.items():
            alone = min(measure(port, seconds)[0] for _ in range(2))
            tries = [measure(port, seconds, attack) for _ in range(2)]
            beside, lost = min(tries)[0], any(each[1] for each in tries)
            holds = not lost and beside <= RATIO_MAX * alone
            held = held and holds
            print(f"| {name} | {alone:.0f} | {beside:.0f} | {beside / alone:.2f} | {'no' if lost else 'yes'} | "
                  f"{'yes' if holds else '**no**'} |", flush=True)
    finally:
        server.kill()
        server.wait()
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
