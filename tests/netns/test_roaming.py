#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promised: traffic flows again within 1 s of the network's return, whatever happened to it, and within 10 s of the edge's name having another address,
also where a node is idle; TCP flows stay alive. A NAT that forgets idle nodes is noticed afterwards, and they are probed more often. Deadlines are five times that; tests/bench roam prints the figures. See tests/lib/roaming.py for the drawing."""
import time
import unittest

import roaming
from demo_mesh import SITES
from mesh_case import BUILD, wait_for

DEADLINES_S = {"edge-moves": 50}


class Roaming(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = roaming.RoamingMesh(BUILD, "roaming", 4)
        cls.addClassCleanup(cls.mesh.close)
        cls.mesh.build()

    def goes_on(self, transport, *causes):
        self.mesh.use(transport)
        for cause in causes:
            with self.subTest(transport=transport, cause=cause):
                wait_for(f"{transport} before {cause}", lambda: self.mesh.transport() == transport, 100)
                deadline = DEADLINES_S.get(cause, 5)
                seen = roaming.measure(self.mesh, cause, deadline)
                print(f"{transport}, {cause}: {seen}")
                self.assertLess(seen["away"], deadline)

    def test_udp(self):
        self.goes_on("udp", "new-address", "lost-carrier", "other-network", "nat-forgets", "other-network", "edge-moves")

    def test_sleep_is_noticed(self):
        """At once, though no packet, no link and no timer tells: by logind, and without it by the clocks."""
        for cause in ("suspended", "suspended-silently"):
            with self.subTest(cause):
                before = self.mesh.count_said("back from sleep")
                roaming.CAUSES[cause](self.mesh)
                wait_for("the daemon notices", lambda: self.mesh.count_said("back from sleep") > before, 5)

    def test_https(self):
        self.goes_on("https", "other-network", "lost-carrier", "nat-forgets")


COUNT = "table inet counted { counter probes { }; chain forward { type filter hook forward priority -30; udp dport 443 counter name probes; }; }"
QUIET_S = 5  # busy nodes are probed every 3 s


class IdleMesh(roaming.RoamingMesh):
    def _start_watch(self):
        """Nothing flows."""


class Idle(unittest.TestCase):
    """Nobody asks the nodes for anything, as that would wake them up: the edge's host pings them, and it shows when that arrives."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = IdleMesh(BUILD, "roaming-idle", 4)
        cls.addClassCleanup(cls.mesh.close)
        cls.mesh.build()
        cls.addresses = {name: cls.mesh.ctl_json(name, "status")["addresses"][0] for name in ("laptop", "nas")}
        for name in cls.addresses:
            cls.mesh.machine(f"nat-{SITES[name]}").nft(COUNT)

    def probes(self, name):
        found = self.mesh.machine(f"nat-{SITES[name]}").json("nft", "-j", "list", "counter", "inet", "counted", "probes")["nftables"]
        return next(entry["counter"]["packets"] for entry in found if "counter" in entry)

    def wait_probe(self, name):
        """The node is quiet, and has just been probed: the next probe is as far away as can be."""
        seen = [self.probes(name), time.monotonic()]

        def quiet_then_probed():
            now, count = time.monotonic(), self.probes(name)
            quiet = now - seen[1]
            if count != seen[0]:
                seen[:] = count, now
                return quiet > QUIET_S
            return False
        wait_for(f"a probe of {name}'s while it's idle", quiet_then_probed, 90, 0.2)

    def away(self, name, begun):
        edge = self.mesh.machine("edge")
        wait_for(f"the edge reaches {name}", lambda: edge.ok("ping", "-n", "-q", "-c", "1", "-W", "0.3", self.addresses[name]), 60, 0.1)
        return time.monotonic() - begun

    def test_1_edge_moves(self):
        for mode in ("connector", "vpn"):
            self.mesh.ctl("laptop", "mode", mode)
            if mode == "vpn":
                self.mesh.ctl("laptop", "mode", "--confirm", check=False)
            self.wait_probe("laptop")
            begun = roaming.edge_moves(self.mesh)
            # It may have been there before: nothing of that time lets its packets in.
            self.mesh.machine(f"nat-{SITES['laptop']}").run(*roaming.PYTHON, "-c", roaming.FORGET)
            away = self.away("laptop", begun)
            print(f"idle in {mode} mode, edge-moves: {away:.1f} s")
            self.assertLess(away, 15)
        self.mesh.ctl("laptop", "mode", "connector")

    def test_2_nat_forgets(self):
        times = []
        for _ in range(3):
            self.wait_probe("nas")
            times.append(self.away("nas", roaming.nat_forgets(self.mesh, "nas")))
        print("idle, nat-forgets:", " ".join(f"{seconds:.1f}" for seconds in times))
        self.assertLess(times[1], 18)
        self.assertLess(times[2], 11)


if __name__ == "__main__":
    unittest.main()
