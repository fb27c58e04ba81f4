# SPDX-License-Identifier: GPL-3.0-or-later
"""The line with delay and loss that other tests use (tests/lib/delay-line.c) does what it is asked to.

      a 10.0.0.1 ──── line ──── 10.0.0.2 b

Each packet is counted, so that nothing here depends on how fast this computer is.
"""
import os
import subprocess
import sys
import time
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch")]
from delay_line import DelayLine  # noqa: E402
from machines import Failure, World, wait_for  # noqa: E402

# Numbered datagrams, and what arrives of them: run in either namespace.
SEND = "import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\nfor i in range(int(sys.argv[1])): s.sendto(i.to_bytes(4,'big')+bytes(96),('10.0.0.2',9))"
RECEIVE = ("import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.setsockopt(socket.SOL_SOCKET,33,1<<25)\ns.bind(('10.0.0.2',9))\n"
           "print('ready',flush=True)\ngot=[]\nwhile True:\n  d=s.recv(200)\n  if len(d)==1: break\n  got.append(int.from_bytes(d[:4],'big'))\nprint(*got)")
LAST = "import socket\nsocket.socket(socket.AF_INET,socket.SOCK_DGRAM).sendto(b'.',('10.0.0.2',9))"


class TestDelayLine(unittest.TestCase):
    def setUp(self):
        self.world = World("line")
        self.addCleanup(self.world.close)
        self.a, self.b = self.world.machine("a"), self.world.machine("b")
        for machine in (self.a, self.b):
            machine.sysctl("net/ipv6/conf/default/disable_ipv6", "1")  # nothing on the line but what the test sends
        self.line = DelayLine(self.a, "eth0", self.b, "eth0")
        self.addCleanup(self.line.close)
        for machine, other, number in ((self.a, self.b, 1), (self.b, self.a, 2)):
            machine.ip("addr", "add", f"10.0.0.{number}/24", "dev", "eth0")
            address = other.json("ip", "-j", "link", "show", "dev", "eth0")[0]["address"]
            machine.ip("neigh", "replace", f"10.0.0.{3 - number}", "lladdr", address, "dev", "eth0", "nud", "permanent")
            machine.ip("link", "set", "eth0", "txqueuelen", "20000")

    def _receiver(self):
        receiver = subprocess.Popen(self.b.command(["/usr/bin/python3", "-c", RECEIVE]), stdout=subprocess.PIPE, text=True)
        self.assertEqual(receiver.stdout.readline(), "ready\n")
        return receiver

    def _numbers(self, count):
        """Which of `count` datagrams from a came out at b, in the order of their arrival."""
        before, receiver = self.line.count()[0], self._receiver()
        self.a.run("/usr/bin/python3", "-c", SEND, str(count))

        def through():
            now = self.line.count()[0]
            return sum(now[name] - before[name] for name in ("passed", "lost", "dropped")) >= count
        wait_for("all datagrams through the line", through, 20)
        self.line.set(loss=0, cut=0)
        self.a.run("/usr/bin/python3", "-c", LAST)
        output, _ = receiver.communicate(timeout=20)
        return [int(word) for word in output.split()]

    def test_nothing_is_lost_or_reordered(self):
        self.assertEqual(self._numbers(5000), list(range(5000)))

    def test_loss_follows_from_the_seed(self):
        runs = []
        for seed in (7, 7, 8):
            self.line.set(seed=seed, loss=2)
            runs.append(self._numbers(5000))
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])
        for run in runs:  # 100 of 5000, with a standard deviation of 10
            self.assertTrue(50 <= 5000 - len(run) <= 150, len(run))

    def test_delay_is_at_least_that(self):
        self.line.set(delay=40)
        times = [float(word.split("=")[1]) for word in self.a.run("ping", "-n", "-i", "0.01", "-c", "20", "10.0.0.2").stdout.split() if word.startswith("time=")]
        self.assertEqual(len(times), 20)
        self.assertGreaterEqual(min(times), 80)  # never less; more only where this computer is busy
        self.assertLess(min(times), 120)

    def test_rate_and_queue(self):
        """100 packets of 142 bytes into a line of 1 kbit/s with room for ten: the rest is dropped at once."""
        self.line.set(rate=0.001, queue=1420)
        self.a.run("/usr/bin/python3", "-c", SEND, "100")
        wait_for("90 dropped", lambda: self.line.count()[0]["dropped"] == 90, 20)

    def test_rate_takes_its_time(self):
        """1,000 packets of 142 bytes at 1 Mbit/s are 1.136 s: never faster."""
        self.line.set(rate=1)
        begun = time.monotonic()
        self.assertEqual(self._numbers(1000), list(range(1000)))
        self.assertGreaterEqual(time.monotonic() - begun, 1.13)

    def test_cut(self):
        self.line.set(cut=1)
        self.assertEqual(self._numbers(10), [])
        self.assertEqual(self.line.count()[0]["dropped"], 10)
        self.assertEqual(self._numbers(10), list(range(10)))

    def test_unknown_word(self):
        for parameters in ({"dalay": 3}, {"delay": -1}):
            with self.assertRaises(Failure):
                self.line.set(**parameters)


if __name__ == "__main__":
    unittest.main()
