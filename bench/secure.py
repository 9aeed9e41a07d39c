"""WebSocket over TLS beside Boost.Beast and Node's ws, and handshakes beside openssl s_server: for bench/run.

All have the same certificate and key (P-256), and every message is compared, as in websocket.py.
"""

import json
import pathlib
import re
import select
import shutil
import socket
import statistics
import subprocess
import tempfile

import websocket
from pinned import LOAD_CORES, SERVER_CORES, Server, run_load
from websocket import BUILD, NODE_MODULES, PARLEY, RIVALS, head, median, number

LIMIT = 0.8
HANDSHAKE_LIMIT = 1.05
ROWS = [("64 B binary, TLS", "--size 64"), ("64 KiB binary, TLS", "--size 65536 --connections 8"),
        ("connect, TLS, upgrade, 64 B, close", "--size 64 --churn --connections 16"),
        ("the same, resumed", "--size 64 --churn --connections 16 --resume")]
IDLE_CONNECTIONS = 2000


class Certificate:
    """A certificate of its own authority, in a folder that goes with it."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        "key.pem", "-out", "chain.pem"], cwd=self.folder, check=True, capture_output=True)
        self.files = ["--certificate", self.folder / "chain.pem", "--key", self.folder / "key.pem"]
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def servers():
    return {name: command for name, command in websocket.servers().items() if name in (PARLEY, "Beast", "Node ws")}


def serving(command, certificate):
    return Server([*command, *certificate.files], tuple(SERVER_CORES), {"NODE_PATH": NODE_MODULES})


def load(port, pid, certificate, words, seconds):
    printed = run_load([BUILD / "parley", "bench", f"wss://127.0.0.1:{port}/", "--ca", certificate.folder / "chain.pem",
                        "--json", "--warm-up", "0.3", "--duration", seconds, "--server-pid", pid, *words])
    return json.loads(printed) if printed else None


def once(command, certificate, words, seconds):
    with serving(command, certificate) as server:
        report = load(server.port, server.pid, certificate, words, seconds)
    if not report:
        return None
    return {"cpu_us": report["server_cpu_ns"] / report["messages"] / 1000, "p99_us": report["latency_ns"]["p99"] / 1000}


def message_lines(certificate, rounds, seconds, progress):
    names = list(servers())
    lines = head("CPU µs a message", names, ["Parley of the better one (least – most)", "target", "holds"])
    for name, words in ROWS:
        results = {each: [] for each in names}
        for index in range(rounds):
            for each in names[index % len(names):] + names[:index % len(names)]:
                results[each].append(once(servers()[each], certificate, words.split(), seconds))
            progress(name, index + 1, rounds)
        better = min((each for each in names if each != PARLEY and median(results[each], "cpu_us")),
                     key=lambda each: median(results[each], "cpu_us"), default=None)
        ratios = [ours["cpu_us"] / theirs["cpu_us"]
                  for ours, theirs in zip(results[PARLEY], results.get(better, [])) if ours and theirs]
        cells = [name, *(number(median(results[each], "cpu_us")) for each in names)]
        ratio = statistics.median(ratios) if ratios else None
        cells.append(f"{ratio:.2f} ({min(ratios):.2f} – {max(ratios):.2f})" if ratios else "–")
        held = "yes" if ratio is not None and ratio <= LIMIT else "**no**"
        cells += ["–", "–"] if "churn" in words else [f"≤ {LIMIT}", held]
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines


def idle_line(certificate):
    """What an idle connection costs each of them, handshake over: growth of resident memory."""
    cells = [f"{IDLE_CONNECTIONS:,} idle connections over TLS, bytes each"]
    for command in servers().values():
        with serving(command, certificate) as server:
            report = load(server.port, server.pid, certificate,
                          ["--idle", str(IDLE_CONNECTIONS), "--connections", "1"], "0.5")
        each = (report or {}).get("idle_bytes_each")
        cells.append(f"{each:,.0f}" if each else "–")
    return "| " + " | ".join(cells) + " |"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


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


def handshake_lines(certificate, rounds, seconds, progress):
    chain, key = str(certificate.folder / "chain.pem"), str(certificate.folder / "key.pem")
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
        held = "yes" if ratio <= HANDSHAKE_LIMIT else "**no**"
        cells += [f"≤ {HANDSHAKE_LIMIT}", held] if name == "full" else ["–", "–"]
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines


def tables(rounds, seconds, progress):
    """The lines of the page."""
    with Certificate() as certificate:
        messages = message_lines(certificate, rounds, seconds, progress)
        memory = head("memory", list(servers())) + [idle_line(certificate)]
        print(memory[-1], flush=True)
        return [*messages, "", *memory, "", *handshake_lines(certificate, rounds, max(1, int(seconds)), progress)]
