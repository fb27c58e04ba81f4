#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user without any right sends edgewayd as many messages as the bus takes, of each kind: root is still answered within a second, and
edgewayd's memory stays bounded."""
import os
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import private_bus  # noqa: E402
from private_bus import LIB, SOCKET, USERS, Machine, Refused, read, wait_for  # noqa: E402

private_bus.enter()

PROMISE = 1  # s, root's worst answer; a deadline in a test is five times that
GROWTH = 24  # MB
SECONDS = 2


class Flood(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)

    def setUp(self):
        self.root = self.machine.caller()
        # After a flood the bus may still be busy with it, and not know yet that the last edgewayd has exited.
        wait_for("the name", lambda: "false" in self.root.call("NameHasOwner", "('org.edgeway.Daemon1',)", interface="org.freedesktop.DBus"))
        self.daemon = self.machine.daemon()
        self.addCleanup(self.daemon.stop)
        self.root.call("GetStatus")

    def memory(self):
        return int(re.search(r"VmRSS:\s+(\d+)", read(f"/proc/{self.daemon.pid}/status")).group(1)) / 1024

    def flood(self, what, user="ewplain"):
        with open(os.path.join(LIB, "bus_flooder.py")) as file:
            source = file.read()
        uid = str(USERS[user])
        process = subprocess.Popen(["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--pdeathsig", "KILL", sys.executable, "-B", "-c", source, SOCKET, what,
                                    str(SECONDS)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def measure(self, what, call):
        """The worst answer that root waits for while the flood lasts, what was sent, and the memory that it took."""
        before, most, worst, answers = self.memory(), 0, 0, 0
        flooder = self.flood(what)
        while flooder.poll() is None:
            begin = time.monotonic()
            call()
            worst, answers = max(worst, time.monotonic() - begin), answers + 1
            most = max(most, self.memory())
            time.sleep(0.02)
        sent, renewed = map(int, flooder.stdout.read().split())
        begin = time.monotonic()
        call()  # no backlog is left
        worst = max(worst, time.monotonic() - begin)
        print(f"{what}: {sent} sent, {renewed} connections renewed; root: {answers} answers, worst {worst * 1000:.0f} ms; {before:.0f} → {max(most, self.memory()):.0f} MB", file=sys.stderr)
        return sent, worst, max(most, self.memory()) - before

    def check(self, what, call=None, at_least=500):
        sent, worst, growth = self.measure(what, call or (lambda: self.root.call("GetStatus")))
        self.assertGreaterEqual(sent, at_least, "that was no flood")
        self.assertLess(worst, 5 * PROMISE)
        self.assertLess(growth, GROWTH)

    def test_methods(self):
        for what in ("Connect", "GetStatus", "deaf GetStatus", "unknown"):
            with self.subTest(what):
                self.check(what)

    def test_methods_that_want_no_answer(self):
        self.check("silent")

    def test_large_bodies(self):
        """What takes seconds to take apart isn't."""
        self.check("large", at_least=1)

    def test_what_gdbus_answers(self):
        for what in ("Introspect", "Get", "GetAll"):
            with self.subTest(what):
                self.check(what)

    def test_what_nobody_asked_for(self):
        for what in ("signal", "broadcast", "reply"):
            with self.subTest(what):
                self.check(what)

    def test_newcomer(self):
        """Also a program of root's that starts during the flood."""
        def ctl():
            result = self.machine.run_ctl("status", "--json")
            self.assertEqual(result.returncode, 0, result)
        self.check("GetStatus", ctl)

    def test_other_users(self):
        """One user's calls take nothing from another's."""
        other = self.machine.caller("ewyes")
        other.call("GetStatus")
        self.check("Connect", lambda: other.call("Connect"))


class Bounds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)

    def setUp(self):
        self.daemon = self.machine.daemon()
        self.addCleanup(self.daemon.stop)

    def caller(self, user):
        caller = self.machine.caller(user)
        caller.call("GetStatus")  # from here on the bus has said whose it is
        return caller

    def open_calls(self, caller, n):
        for _ in range(n):
            caller.send("Ping", "('slow', uint32 30000)")

    def limited(self, caller, method="GetStatus"):
        with self.assertRaises(Refused) as caught:
            caller.call(method)
        self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.LimitsExceeded")

    def test_large_calls(self):
        caller = self.caller("root")
        with self.assertRaises(Refused) as caught:
            caller.call("Enroll", f"('{'x' * 70000}', '', @a{{sv}} {{}})")
        self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.LimitsExceeded")
        self.assertIn("larger", caught.exception.message)
        with self.assertRaises(Refused) as caught:
            caller.call("Enroll", f"('{'x' * 60000}', '', @a{{sv}} {{}})")
        self.assertEqual(caught.exception.name, "KeyInvalid")

    def test_one_connection(self):
        caller, other = self.caller("ewyes"), self.caller("ewyes")
        self.open_calls(caller, 16)
        self.daemon.wait_log("fake: ping slow", 16)
        self.limited(caller)
        other.call("GetStatus")
        caller.close()
        self.daemon.wait_log("fake: cancelled", 16)

    def test_one_user(self):
        first, second, third = (self.caller("ewyes") for _ in range(3))
        self.open_calls(first, 8)
        self.daemon.wait_log("fake: ping slow", 8)
        self.open_calls(second, 8)
        self.daemon.wait_log("fake: ping slow", 16)
        with self.assertRaises(Refused) as caught:
            third.call("Ping", "('slow', uint32 30000)")
        self.assertEqual(caught.exception.name, "TooManyRequests")
        third.call("GetStatus")
        self.caller("ewtopology").call("ListRoutes")

    def test_a_call_that_wants_no_answer_counts_until_it_is_done(self):
        """Each call releases its place: otherwise the seventeenth would find none."""
        caller = self.caller("ewyes")
        for i in range(40):
            caller.send("Disconnect", silent=True)
            self.daemon.wait_log("fake: disconnect", i + 1)
        self.assertIn("laptop", caller.call("GetStatus"))


if __name__ == "__main__":
    unittest.main()
