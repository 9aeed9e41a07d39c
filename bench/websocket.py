"""WebSocket beside the least that can be done, and beside what others have written: for bench/run.

The load is `parley bench`, which compares every message that comes back. All servers take turns in each round, in
another order each time, so that what else the machine does meets all of them.
"""

import json
import os
import pathlib
import random
import statistics

from pinned import LOAD_CORES, SERVER_CORES, Server, run_load

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("PARLEY_BUILD", ROOT / "build" / "release"))
RIVALS = pathlib.Path(__file__).resolve().parent / "rivals"
NODE_MODULES = os.environ.get("PARLEY_NODE_MODULES", str(ROOT / "build/npm/node_modules"))
FLOOR, PARLEY = "floor", "Parley"


class Row:
    """One kind of traffic. The floor echoes `floor_bytes`, a client's frame, over TCP; None: it can't.

    `warm_up`: seconds until buffers and TCP's windows have grown.
    """

    def __init__(self, name, load, floor_bytes=None, limit=None, deflate=False, warm_up=0.3):
        self.name, self.load, self.floor_bytes = name, load.split(), floor_bytes
        self.limit, self.deflate, self.warm_up = limit, deflate, warm_up


ROWS = [
    Row("64 B binary", "--size 64", 70, 1.03),
    Row("64 B binary, 16 in flight", "--size 64 --in-flight 16 --connections 16", 70, 1.08),
    Row("1 KiB UTF-8", "--size 1024 --content utf8", 1032, 1.05),
    Row("16 KiB UTF-8", "--size 16384 --content utf8 --connections 16", 16392, 1.15),
    Row("64 KiB binary", "--size 65536 --connections 8", 65550, 1.10),
    Row("1 MiB binary", "--size 1048576 --connections 4", 1048590, 1.15),
    Row("1 MiB binary, 64 connections", "--size 1048576", 1048590, warm_up=1.0),
    Row("1 KiB JSON, compressed", "--size 1024 --content json --compress", deflate=True),
    Row("1 KiB JSON, compressed, 1,000 connections", "--size 1024 --content json --compress --connections 1000",
        deflate=True),
    Row("connect, upgrade, 64 B, close", "--size 64 --churn --connections 16", 70),
]

VARIANTS = [
    ("loops", ROWS[0], {"one loop": (["--threads", "1"], SERVER_CORES),
                        "two loops": (["--threads", "2"], SERVER_CORES | LOAD_CORES)}),
    ("parts", ROWS[5], {"whole": ([], SERVER_CORES), "in parts, as they come": (["--parts"], SERVER_CORES)}),
]


def servers():
    """{name: the command}, of what is there."""
    found = {FLOOR: [BUILD / "bench/baseline_epoll_echo"], PARLEY: [BUILD / "bench/ws_echo"]}
    for name, command in (("Beast", [BUILD / "bench/rivals/beast_echo"]),
                          ("libwebsockets", [BUILD / "bench/rivals/libwebsockets_echo"]),
                          ("websocketpp", [BUILD / "bench/rivals/websocketpp_echo"]),
                          ("Node ws", ["/usr/bin/env", "node", RIVALS / "ws_echo.js"]),
                          ("python3-websockets", ["/usr/bin/python3", RIVALS / "websockets_echo.py"])):
        if command[0].exists() if isinstance(command[0], pathlib.Path) else pathlib.Path(NODE_MODULES, "ws").exists():
            found[name] = command
    return found


def serving(command, deflate=False, cores=tuple(SERVER_CORES)):
    return Server([*command, "--deflate"] if deflate else command, cores, {"NODE_PATH": NODE_MODULES})


def once(name, command, row, seconds, cores=tuple(SERVER_CORES), authority=None):
    """What one run measured, or None. `authority`: the file that signs the server, which speaks TLS."""
    with serving(command, row.deflate, cores) as server:
        url, load = f"ws://127.0.0.1:{server.port}/", list(row.load)
        if authority:
            url, load = url.replace("ws:", "wss:"), [*load, "--ca", authority]
        if name == FLOOR:
            url = f"tcp://127.0.0.1:{server.port}"
            load[load.index("--size") + 1] = str(row.floor_bytes)
            load = [word for word in load if word not in ("--content", "utf8")]
        printed = run_load([BUILD / "parley", "bench", url, "--json", "--warm-up", row.warm_up, "--duration", seconds,
                            "--server-pid", server.pid, *load])
    if printed is None:
        return None
    report = json.loads(printed)
    return {"cpu_us": report["server_cpu_ns"] / report["messages"] / 1000,
            "idle_bytes": report.get("idle_bytes_each"),
            "p50_us": report["latency_ns"]["p50"] / 1000, "p99_us": report["latency_ns"]["p99"] / 1000}


def measure(row, rounds, seconds, progress, commands=None, authority=None):
    """{name of a server: [what each round measured]}"""
    commands = commands or {name: command for name, command in servers().items() if name != FLOOR or row.floor_bytes}
    return by_turns(row, commands, rounds, progress,
                    lambda name: once(name, commands[name], row, seconds, authority=authority))


def by_turns(row, names, rounds, progress, measured):
    """{name: [measured(name) of each round]}"""
    results = {name: [] for name in names}
    shuffled = random.Random(row.name)  # nobody comes after the same one each time
    for index in range(rounds):
        for name in shuffled.sample(list(names), len(names)):
            results[name].append(measured(name))
        progress(row.name, index + 1, rounds)
    return results


def median(results, key):
    values = [result[key] for result in results if result]
    return statistics.median(values) if values else None


def ratios(results, name, key):
    """Of Parley to `name`, round by round."""
    both = zip(results[PARLEY], results.get(name, []))
    return [ours[key] / theirs[key] for ours, theirs in both if ours and theirs]


def number(value):
    return "–" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def line(row, results, names):
    """A line of the table of CPU time, and whether its target holds."""
    cells = [row.name]
    ours = median(results[PARLEY], "cpu_us")
    for name in names:
        value = median(results.get(name, []), "cpu_us")
        times = f" ({value / ours:.1f} times)" if value and name not in (FLOOR, PARLEY) else ""
        cells.append(number(value) + times)
    of_floor = ratios(results, FLOOR, "cpu_us")
    ratio = round(statistics.median(of_floor), 3) if of_floor else None
    late = ratios(results, FLOOR, "p99_us")
    cells.append("–" if ratio is None else f"{ratio:.3f} ({min(of_floor):.3f} – {max(of_floor):.3f})")
    cells.append(f"{statistics.median(late):.2f}" if late else "–")
    held = ratio is None or row.limit is None or ratio <= row.limit
    cells += ["–", "–"] if row.limit is None else [f"≤ {row.limit}", "yes" if held else "**no**"]
    return "| " + " | ".join(cells) + " |", held


def latency_line(row, results, names):
    cells = [row.name]
    for name in names:
        p50, p99 = (median(results.get(name, []), key) for key in ("p50_us", "p99_us"))
        cells.append("–" if p50 is None else f"{number(p50)} / {number(p99)}")
    return "| " + " | ".join(cells) + " |"


def idle_line(connections):
    """What an idle WebSocket costs each of them."""
    cells = [f"{connections:,} idle connections, bytes each"]
    for name, command in servers().items():
        if name == FLOOR:
            continue
        with serving(command) as server:
            printed = run_load([BUILD / "bench/idle", server.port, "--server", server.pid, "--websocket",
                                "--connections", connections])
        cells.append(f"{json.loads(printed)['bytes_per_connection']:,.0f}" if printed else "–")
    return "| " + " | ".join(cells) + " |"


def variants_lines(row, variants, rounds, seconds):
    """CPU time a message of Parley in two ways; {what it is called: (more words, cores)}."""
    results = {name: [] for name in variants}
    shuffled = random.Random(row.name)
    for _ in range(rounds):
        for name in shuffled.sample(list(variants), len(variants)):
            words, cores = variants[name]
            results[name].append(once(PARLEY, [BUILD / "bench/ws_echo", *words], row, seconds, tuple(cores)))
    cells = [number(median(results[name], "cpu_us")) for name in variants]
    first, second = results.values()
    times = [two["cpu_us"] / one["cpu_us"] for one, two in zip(first, second) if one and two]
    ratio = f"{statistics.median(times):.2f} ({min(times):.2f} – {max(times):.2f})" if times else "–"
    return [*head("CPU µs a message", list(variants), ["the second of the first (least – most)"]),
            f"| {row.name} | " + " | ".join([*cells, ratio]) + " |"]


def head(first, names, last=()):
    cells = [first, *names, *last]
    return ["| " + " | ".join(cells) + " |", "|" + "---|" * len(cells)]


def tables(rounds, seconds, idle_connections, progress, only=""):
    """The lines of the page, what the plot shows, and whether all targets hold."""
    names = list(servers())
    last = ("Parley of the floor (least – most)", "p99, of the floor", "target", "holds")
    cpu, latency, shown, held = head("CPU µs a message", names, last), head("p50 / p99, µs", names), [], True
    for row in ROWS:
        if only not in row.name:
            continue
        results = measure(row, rounds, seconds, progress)
        text, holds = line(row, results, names)
        print(text, flush=True)
        cpu.append(text)
        latency.append(latency_line(row, results, names))
        shown.append((row.name, {name: median(results[name], "cpu_us") for name in results}))
        held = held and holds
    memory = head("memory", [name for name in names if name != FLOOR])
    if only in "idle":
        memory.append(idle_line(idle_connections))
        print(memory[-1], flush=True)
    more = []
    for word, row, variants in VARIANTS:
        if only not in word:
            continue
        more += ["", *variants_lines(row, variants, rounds, seconds)]
        print(more[-1], flush=True)
    return [*cpu, "", *latency, "", *memory, *more], shown, held
