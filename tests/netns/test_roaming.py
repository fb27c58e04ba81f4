#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promised: traffic flows again within 1 s of the network's return, whatever happened to it, and within 10 s of the edge's name having another address;
TCP flows stay alive. Deadlines are five times that; tests/bench roam prints the figures. See tests/lib/roaming.py for the drawing."""
import unittest

import roaming
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


if __name__ == "__main__":
    unittest.main()
