#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in containers that run edgewayd: as `docker run` makes them, with a root folder that nobody may write to, and with Docker's own
resolver (a stand-in on 127.0.0.11)."""
import signal
import unittest

import resolver_world
from names_case import NAS, NamesCase, unordered


class Containers(NamesCase):
    KINDS = tuple(resolver_world.CONTAINERS)

    def test_names(self):
        for kind in ("container", "container-net"):
            self.wait_found(kind, "connected", 30)
            self.wait_names(kind)
            self.assertEqual(self.bad_answers(kind), [])
        # Nothing can be written there: it is said, and what was resolved still is.
        status = self.status("container-ro")
        self.assertNotIn(status["names"], ("ok", ""))
        self.assertTrue(status["names_message"])
        self.assert_unchanged("with the mesh up")
        self.signal_daemons(signal.SIGSTOP)
        self.assert_unchanged("edgewayd hung")
        self.signal_daemons(signal.SIGKILL)
        self.assert_unchanged("edgewayd killed")
        self.world.each(self.mesh.start_daemon)

    def test_vpn(self):
        """Where no module can be installed, names work as soon as all questions go to the edge."""
        def switch(kind):
            self.assertTrue(self.asks_from_one_port(kind))
            self.mesh.ctl(kind, "mode", "vpn")
            self.mesh.ctl(kind, "mode", "--confirm", check=False)
            self.wait_found(kind, "VPN mode")
            host, lan = self.host(kind), self.world.lans[kind]
            start = lan.log_size()
            bad = [program for program in ("musl", "dig") if self.addresses["nas"][0] not in host.ask(program, [NAS])[NAS]]
            bad += self.changed(kind, {"musl": host.ask("musl", ["a1.example.com", "both2.example.org"])}, unordered)
            bad += [] if self.asks_from_one_port(kind) else ["from one port"]
            bad += lan.asked(start)
            self.mesh.ctl(kind, "mode", "connector")
            bad += [] if self.asks_from_one_port(kind) else ["from one port, afterwards"]
            self.wait_as_before(kind, "connector-only again")
            return bad
        self.assertEqual([what for bad in self.world.each(switch).values() for what in bad], [])


if __name__ == "__main__":
    unittest.main()
