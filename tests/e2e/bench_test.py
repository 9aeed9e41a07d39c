"""`parley bench` against `parley serve`: what is printed, and what the exit code means."""

import csv
import json
import re
import signal
import tempfile
import unittest

from harness import PARLEY, Case


class Bench(Case):
    def echo_server(self):
        return self.serve("echo", "--quiet", listen=("any://127.0.0.1:0",))

    def bench(self, url, *arguments, code=0):
        done = self.run_parley("bench", url, "--warm-up", "0.05", "--duration", "0.2", *arguments)
        self.assertEqual(done.code, code, done.err.all())
        return done

    def test_each_way_in(self):
        server = self.echo_server()
        for url in (f"ws://127.0.0.1:{server.tcp_port}/", f"tcp://127.0.0.1:{server.tcp_port}",
                    f"udp://127.0.0.1:{server.udp_port}"):
            for content in "binary", "text", "utf8", "json":
                lines = self.bench(url, "--connections", "5", "--in-flight", "3", "--content", content,
                                   "--size", "100").out.all()
                self.assertEqual(lines[0], f"{url}: 5 connections, 3 in flight each, 100 bytes {content}")
                self.assertRegex(lines[1], r"^messages   [\d,]+/s, [\d,]+ in 0\.\d s, [\d.]+ MB/s each way$")
                self.assertRegex(lines[2], r"^latency    p50 [\d.]+ p90 [\d.]+ p99 [\d.]+ p99\.9 [\d.]+ p99\.99 [\d.]+ "
                                           r"max [\d.]+ ms$")
                self.assertRegex(lines[3], r"^this end   \d\.\d\d of a core, [\d.]+ us a message$")
        self.stop(server)

    def test_json_and_the_server_s_use(self):
        server = self.echo_server()
        done = self.bench(f"ws://127.0.0.1:{server.tcp_port}/", "--json", "--compress", "--size", "2000",
                          "--server-pid", str(server.process.pid))
        report = json.loads("".join(done.out.all()))
        self.assertTrue(report["compressed"])
        self.assertGreater(report["messages"], 0)
        self.assertEqual((report["wrong"], report["broken_connections"]), (0, 0))
        self.assertGreater(report["server_resident_bytes"], 1_000_000)
        self.stop(server)

    def test_a_storm_beside_idle_connections_and_a_picture(self):
        server = self.echo_server()
        with tempfile.TemporaryDirectory() as folder:
            picture = f"{folder}/latency.svg"
            lines = self.bench(f"ws://127.0.0.1:{server.tcp_port}/", "--connections", "4", "--churn", "--idle", "20",
                               "--csv", "--plot", picture).out.all()
            with open(picture, encoding="utf-8") as file:
                self.assertIn("<polyline", file.read())
            self.assertIn("can't be written", "".join(
                self.bench(f"tcp://127.0.0.1:{server.tcp_port}", "--plot", f"{folder}/no/x.svg", code=1).err.all()))
        [report] = csv.DictReader(lines)
        self.assertEqual((report["churn"], report["idle_connections"], report["wrong"]), ("true", "20", "0"))
        self.assertGreater(int(report["messages"]), 0)
        self.stop(server)

    def test_a_rate(self):
        server = self.echo_server()
        done = self.bench(f"tcp://127.0.0.1:{server.tcp_port}", "--rate", "200", "--json")
        report = json.loads("".join(done.out.all()))
        self.assertEqual(report["rate"], 200)
        self.assertLess(report["messages"], 200)
        self.stop(server)

    def test_what_is_no_echo_server(self):
        server = self.serve("--quiet")
        done = self.bench(f"tcp://127.0.0.1:{server.tcp_port}", code=1)
        self.assertIn("is it an echo server?", "".join(done.err.all()))
        self.stop(server)

    def test_nobody_listens(self):
        self.assert_error(self.run_parley("bench", f"ws://127.0.0.1:{self.closed_port()}/"), 1, "connection refused")

    def test_interrupted_it_reports_what_it_has(self):
        server = self.serve("echo", listen=("any://127.0.0.1:0",))
        url = f"ws://127.0.0.1:{server.tcp_port}/"
        bench = self.start(PARLEY, "bench", url, "--warm-up", "0", "--duration", "60",
                           "--rate", "100")
        server.out.wait(r"Connected by .*", count=64)
        self.assertEqual(bench.stop(signal.SIGINT), 130)
        self.assertTrue(re.match(r"^ws://", bench.out.all()[0]), bench.out.all())
        self.stop(server)

    def test_the_server_goes(self):
        server = self.serve("echo", listen=("any://127.0.0.1:0",))
        bench = self.start(PARLEY, "bench", f"tcp://127.0.0.1:{server.tcp_port}", "--duration", "60",
                           "--rate", "100")
        server.out.wait(r"Connected by .*", count=64)
        server.kill()
        self.assertEqual(bench.wait(), 1)
        self.assertIn("64 connections broke", "".join(bench.err.all()))


if __name__ == "__main__":
    unittest.main()
