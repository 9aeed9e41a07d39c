"""WebSocket over TLS beside Boost.Beast and Node's ws, and handshakes beside openssl s_server: for bench/run.

All have the same certificate and key (P-256), and every message is compared, as in websocket.py.
"""

import os
import pathlib
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

import websocket
from pinned import LOAD_CORES, SERVER_CORES
from websocket import BUILD, PARLEY, ROOT, Row, head, median, number, ratios

sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from certificates import Authority  # noqa: E402  (it lies in the other folder)

HANDSHAKE_LIMIT = 1.05
ROWS = [Row("64 B binary, TLS", "--size 64", limit=0.8),
        Row("64 KiB binary, TLS", "--size 65536 --connections 8", limit=0.8),
        Row("connect, TLS, upgrade, 64 B, close", "--size 64 --churn --connections 16"),
        Row("the same, resumed", "--size 64 --churn --connections 16 --resume")]
IDLE_CONNECTIONS = 2000
IDLE = Row("idle", f"--idle {IDLE_CONNECTIONS} --connections 1")


def verdict(ratio, limit):
    if limit is None:
        return ["–", "–"]
    return [f"≤ {limit}", "yes" if ratio is not None and ratio <= limit else "**no**"]


def servers(pair):
    words = ["--certificate", pair[0], "--key", pair[1]]
    return {name: [*command, *words] for name, command in websocket.servers().items()
            if name in (PARLEY, "Beast", "Node ws")}


def message_lines(pair, authority, rounds, seconds, progress):
    commands = servers(pair)
    lines = head("CPU µs a message", commands, ["Parley of the better one (least – most)", "target", "holds"])
    for row in ROWS:
        results = websocket.measure(row, rounds, seconds, progress, commands, authority)
        medians = {name: median(results[name], "cpu_us") for name in commands}
        better = min((name for name in commands if name != PARLEY and medians[name]), key=medians.get, default=None)
        times = ratios(results, better, "cpu_us")
        ratio = round(statistics.median(times), 3) if times else None
        cells = [row.name, *map(number, medians.values())]
        cells.append(f"{ratio:.2f} ({min(times):.2f} – {max(times):.2f})" if times else "–")
        lines.append("| " + " | ".join([*cells, *verdict(ratio, row.limit)]) + " |")
        print(lines[-1], flush=True)
    return lines


def idle_lines(pair, authority):
    """What an idle connection costs each of them, handshake over: growth of resident memory."""
    cells = [f"{IDLE_CONNECTIONS:,} idle connections over TLS, bytes each"]
    for name, command in servers(pair).items():
        result = websocket.once(name, command, IDLE, "0.5", authority=authority)
        cells.append(f"{result['idle_bytes']:,.0f}" if result and result["idle_bytes"] else "–")
    lines = [*head("memory", servers(pair)), "| " + " | ".join(cells) + " |"]
    print(lines[-1], flush=True)
    return lines


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def handshakes(port, pid, way, seconds):
    """CPU µs a handshake, by `openssl s_time`, which shakes hands one after the other."""
    before = cpu_seconds(pid)
    done = subprocess.run(["taskset", "-c", ",".join(map(str, LOAD_CORES)), "openssl", "s_time", "-connect",
                           f"127.0.0.1:{port}", way, "-time", str(seconds)], capture_output=True, text=True)
    counts = [int(count) for count in re.findall(r"(\d+) connections in \d+ real seconds", done.stdout)]
    return (cpu_seconds(pid) - before) / counts[-1] * 1e6 if counts else None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        return holder.getsockname()[1]


class Listening:
    """A server that tells nobody when it listens: it is asked until it answers."""

    def __init__(self, command, port):
        self.process = subprocess.Popen(["taskset", "-c", ",".join(map(str, SERVER_CORES)), *command],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            select.select([], [], [], 0.01)

    def __enter__(self):
        return self.process.pid

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def handshake_lines(pair, rounds, seconds, progress):
    chain, key = pair
    commands = {"s_server": lambda port: ["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}",
                                          "-cert", chain, "-key", key],
                PARLEY: lambda port: [str(BUILD / "parley"), "serve", "--quiet", "--tls", chain, key,
                                      "--listen", f"tls://127.0.0.1:{port}"]}
    lines = head("CPU µs a handshake", ["openssl s_server", PARLEY],
                 ["Parley of s_server (least – most)", "target", "holds"])
    for name, way in (("full", "-new"), ("resumed", "-reuse")):
        results = {each: [] for each in commands}
        for index in range(rounds):
            for each in sorted(commands, reverse=index % 2 == 1):
                port = free_port()
                with Listening(commands[each](port), port) as pid:
                    results[each].append(handshakes(port, pid, way, seconds))
            progress(name, index + 1, rounds)
        both = [ours / theirs for ours, theirs in zip(results[PARLEY], results["s_server"]) if ours and theirs]
        ratio = statistics.median(both)
        cells = [f"{name} handshake", *(number(statistics.median(filter(None, results[each]))) for each in commands),
                 f"{ratio:.2f} ({min(both):.2f} – {max(both):.2f})"]
        cells += verdict(ratio, HANDSHAKE_LIMIT if name == "full" else None)
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines


def tables(rounds, seconds, progress):
    """The lines of the page, and whether all targets hold."""
    folder = tempfile.mkdtemp()
    try:
        authority = Authority(folder)
        pair = authority.sign("server")
        lines = [*message_lines(pair, authority.pem, rounds, seconds, progress), ""]
        lines += [*idle_lines(pair, authority.pem), ""]
        lines += handshake_lines(pair, rounds, max(1, int(seconds)), progress)
    finally:
        shutil.rmtree(folder)
    return lines, not any("**no**" in line for line in lines)
