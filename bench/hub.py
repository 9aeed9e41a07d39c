"""Fan-out beside the least that can be done, and beside what others have written: for bench/run.

What one connection says, all others get, and bench/fan_out.cpp verifies every byte of it at each of them. All servers
take turns in each round, in another order each time, as in websocket.py.
"""

import json
import pathlib
import statistics

from pinned import run_load
from websocket import (BUILD, FLOOR, NODE_MODULES, PARLEY, RIVALS, by_turns, head, latency_line, median, number, ratios,
                       serving)


class Row:
    """One kind of traffic; a message goes to all connections but the one that says it."""

    def __init__(self, name, size, connections, speakers=1, in_flight=1):
        self.name = name
        self.load = ["--bytes", size, "--connections", connections, "--speakers", speakers, "--in-flight", in_flight]


ROWS = [
    Row("64 B, 1 speaker, 63 listeners", 64, 64),
    Row("64 B, all of 64 speak", 64, 64, speakers=64),
    Row("64 B, 4 speakers, 16 in flight", 64, 64, speakers=4, in_flight=16),
    Row("1 KiB, 1 speaker, 999 listeners", 1024, 1000),
    Row("64 KiB, 1 speaker, 15 listeners", 65536, 16),
]


def servers():
    """{name: the command}, of what is there."""
    found = {FLOOR: [BUILD / "bench/baseline_epoll_relay"], PARLEY: [BUILD / "bench/ws_hub"]}
    if pathlib.Path(NODE_MODULES, "ws").exists():
        found["Node ws"] = ["/usr/bin/env", "node", RIVALS / "ws_hub.js"]
    found["python3-websockets"] = ["/usr/bin/python3", RIVALS / "websockets_hub.py"]
    return found


def once(name, command, row, seconds):
    """What one run measured, or None."""
    with serving(command) as server:
        printed = run_load([BUILD / "bench/fan_out", server.port, "--server", server.pid, "--seconds", seconds,
                            *row.load, *(["--tcp"] if name == FLOOR else [])])
    if printed is None:
        return None
    report = json.loads(printed)
    return {"cpu_us": report["server_cpu_us"], "p50_us": report["p50_us"], "p99_us": report["p99_us"]}


def measure(row, rounds, seconds, progress):
    """{name of a server: [what each round measured]}"""
    commands = servers()
    return by_turns(row, commands, rounds, progress, lambda name: once(name, commands[name], row, seconds))


def cpu_line(row, results):
    cells = [row.name]
    ours = median(results[PARLEY], "cpu_us")
    for name, found in results.items():
        value = median(found, "cpu_us")
        times = f" ({value / ours:.1f} times)" if value and ours and name not in (FLOOR, PARLEY) else ""
        cells.append(number(value) + times)
    of_floor = ratios(results, FLOOR, "cpu_us")
    cells.append(f"{statistics.median(of_floor):.3f} ({min(of_floor):.3f} – {max(of_floor):.3f})" if of_floor else "–")
    return "| " + " | ".join(cells) + " |"


def tables(rounds, seconds, progress):
    """The lines of the page."""
    names = list(servers())
    cpu = head("CPU µs a delivery", names, ["Parley of the floor (least – most)"])
    latency = head("p50 / p99 to the listener, µs", names)
    for row in ROWS:
        results = measure(row, rounds, seconds, progress)
        cpu.append(cpu_line(row, results))
        print(cpu[-1], flush=True)
        latency.append(latency_line(row, results, names))
    return [*cpu, "", *latency]
