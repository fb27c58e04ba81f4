#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge and a node with nothing to do: the edge hardly wakes up, however many nodes are enrolled and away, and a node that has enrolled, reconnected
and been asked for a diagnosis keeps little memory. tests/bench idle prints the figures; the bounds here are wide, as other programs run beside."""
import os
import sys
import time
import unittest

from mesh_case import SOURCE, MeshCase

sys.path.insert(0, os.path.join(SOURCE, "tests", "bench.d", "lib"))
import meters  # noqa: E402

SECONDS = 30
WAKEUPS = 40  # of all threads in that time; a timer of a second that asks the device's thread makes 120 and more
AWAY = 40
ANON_MB, RSS_MB = 5, 24


class Idle(MeshCase):
    def process(self, name):
        return self.mesh.running[name][0].pid

    def test_edge_sleeps(self):
        for number in range(AWAY):
            self.ctl("laptop", "node", "config", f"away-{number}", "--valid", "7d")
        time.sleep(20)  # real time: what was begun by then is over: places are stored, threads have ended
        edge = self.process("edge")
        before, status = meters.wakeups_of(edge), self.status("laptop")
        time.sleep(SECONDS)  # real time: wakeups are of programs as they run
        wakeups = meters.difference(meters.wakeups_of(edge), before)
        self.assertEqual(status["state"], "connected")
        self.assertGreater(wakeups["ew-data"], 0, wakeups)  # a probe comes every 25 s
        self.assertLess(sum(wakeups.values()), WAKEUPS, wakeups)
        self.wait_state("laptop", "connected", 1)
        self.assertTrue(self.edge_says_online())

    def edge_says_online(self):
        nodes = {node["name"]: node for node in self.mesh.ctl_json("laptop", "node", "list")["nodes"]}
        return nodes["laptop"]["online"] and not nodes["away-0"]["online"]

    def test_node_is_small(self):
        self.ctl("laptop", "diagnose", check=False)
        for _ in range(3):  # each makes a new engine, with buffers of its own
            self.ctl("laptop", "disconnect")
            self.ctl("laptop", "connect")
        self.wait_state("laptop", "connected")
        memory = meters.memory_of(self.process("laptop"))
        self.assertLess(memory["anon_mb"], ANON_MB, memory)
        self.assertLess(memory["rss_mb"], RSS_MB, memory)


if __name__ == "__main__":
    unittest.main()
