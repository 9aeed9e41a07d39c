"""`parley serve --driver`: what it answers, and that a signal ends it, does not depend on how it waits."""

import signal
import socket
import unittest

from harness import ANSWER, Case, receive_all


class Driver(Case):
    def log_of(self, *options):
        """What it says on standard error from start to SIGINT, having answered two parameters."""
        server = self.serve("--verbose", *options)
        peer, name = self.tcp(server.tcp_port)
        peer.sendall(b"a,b")
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(peer), ANSWER * 2)
        server.out.wait_for(f"{name} disconnected")
        self.assertEqual(server.stop(signal.SIGINT), 0)
        return server.err.all()

    def test_epoll_is_the_default(self):
        self.assertIn("parley: driver epoll", self.log_of())

    # A signal did not end a server over io_uring: only epoll was thought to be a driver of the kernel's.
    def test_io_uring_or_a_word_why_not(self):
        log = self.log_of("--driver", "io_uring")
        if "parley: driver io_uring" not in log:
            self.assertIn("parley: --driver io_uring: refused here; epoll it is", log)
            self.assertIn("parley: driver epoll", log)

    def test_several_threads(self):
        self.log_of("--driver", "io_uring", "--threads", "2")

    def test_another_name(self):
        self.assert_error(self.run_parley("serve", "--driver", "kqueue"), 2, "kqueue", "epoll or io_uring")


if __name__ == "__main__":
    unittest.main()
