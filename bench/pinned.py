"""Programs on cores of their own: for bench/run, bench/websocket.py and bench/attacks.py."""

import os
import subprocess
import sys

SERVER_CORES, LOAD_CORES = {0}, {1}


class Server:
    """A server that runs, pinned, for as long as the `with` lasts. Its first line ends in its port. `prepare` is called
    in its process before it starts."""

    def __init__(self, command, cores=tuple(SERVER_CORES), variables=None, prepare=lambda: None):
        self.command, self.cores, self.variables = [str(word) for word in command], cores, variables or {}
        self.prepare = prepare

    def __enter__(self):
        def prepare():
            os.sched_setaffinity(0, self.cores)
            self.prepare()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env=dict(os.environ, **self.variables), preexec_fn=prepare)
        self.port = self.process.stdout.readline().strip().rsplit(":", 1)[-1]
        if not self.port:
            sys.exit(f"bench/run: {' '.join(self.command)} did not start")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    @property
    def pid(self):
        return str(self.process.pid)


def run_load(command):
    """What it printed, or None if it failed: what did not come back as it was sent does not count."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, LOAD_CORES))
    return done.stdout if done.returncode == 0 else None
