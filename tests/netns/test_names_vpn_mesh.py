#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""VPN mode's names on a real mesh, in each resolver's world: every program's questions are the edge's to answer, the LAN's resolver hears none, and afterwards it does again.

The edge's own resolver says 192.0.2.99 to every name; the LAN's knows a1.example.com as 198.18.…
"""
import unittest

import resolver_world
from mesh_case import Failure, MeshCase, wait_for

KINDS = ("resolved", "resolved-nss", "nm", "plain")
RESOLVER, BY_EDGE, BY_LAN = "203.0.113.1", "192.0.2.99", "198.18."
PROGRAMS = ("running", "new", "musl", "dig")
NAME = "a1.example.com"
BACK_S = 10  # five times the promise


class VpnNames(MeshCase):
    SITES = JOIN = ("nas",)

    @classmethod
    def prepare(cls):
        cls.world = resolver_world.ResolverWorld(cls.mesh, KINDS)
        cls.addClassCleanup(cls.world.close)
        internet, edge = cls.mesh.machine("internet"), cls.mesh.machine("edge")
        internet.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces", f"--listen-address={RESOLVER}", "--pid-file=",
                       "--user=root", f"--address=/#/{BY_EDGE}", "--address=/#/2001:db8:99::99", log="edge-resolver")
        wait_for("the edge's resolver", lambda: internet.ok("sh", "-c", f"ss -Hlun src {RESOLVER}:53 | grep -q ."), 10)
        edge.mask("/etc/resolv.conf", f"nameserver {RESOLVER}\n", 0o644)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keys = {kind: cls.mesh.ctl("nas", "node", "add", kind).stdout.strip() for kind in KINDS}
        cls.world.each(lambda kind: cls.mesh.join(kind, keys[kind]))
        cls.files = cls.world.each(lambda kind: cls.world.hosts[kind].file_state(("/etc/resolv.conf",)))

    def setUp(self):
        self.world.each(lambda kind: self.answers(kind, BY_LAN))
        self.addCleanup(self.world.each, lambda kind: self.mode(kind, "connector", "--lan-names", "no"))

    def mode(self, kind, *argv):
        self.ctl(kind, "mode", *argv)
        if argv[0] == "vpn":
            self.ctl(kind, "mode", "--confirm", check=False)

    def answers(self, kind, answer, name=NAME, programs=PROGRAMS):
        """All programs get this answer, the one that runs all the time included."""
        host = self.world.hosts[kind]
        for program in programs:
            said = []

            def is_answer(program=program, said=said):
                said[:] = host.ask(program, [name]).values()
                return answer in said[0]
            try:
                wait_for(f"{name} on {kind} is {answer}", is_answer, BACK_S, 0.05)
            except Failure as failure:
                self.fail(f"{failure}: {program} says {said}")

    def test_there_and_back(self):
        def go(kind):
            self.mode(kind, "vpn")
            begun = self.world.lans[kind].log_size()
            self.answers(kind, BY_EDGE)
            self.answers(kind, "100.96.1.1", "nas.demo.internal")
            self.assertEqual(self.world.lans[kind].asked(begun), [])
            wait_for(f"names on {kind}", lambda: self.status(kind)["names"] == "ok", BACK_S, 0.05)
            self.assertEqual(self.world.hosts[kind].file_state(("/etc/resolv.conf",)), self.files[kind])
            self.mode(kind, "connector")
            self.answers(kind, BY_LAN)
        self.world.each(go)

    def test_killed(self):
        """Nothing leaks while it is gone, and the next one goes on; without a stored mode it leads back."""
        def kill(kind):
            self.mode(kind, "vpn")
            begun = self.world.lans[kind].log_size()
            self.mesh.running[kind][0].kill()
            self.mesh.running[kind][0].wait()
            self.world.hosts[kind].machine.run("dig", "+tries=1", "+time=1", NAME, check=False)
            self.mesh.running[kind][0] = self.mesh.running[kind][1]()
            wait_for("edgewayd", lambda: self.mesh.machine(kind).ok(self.mesh.program("edgewayctl"), "status"), 20)
            self.wait_state(kind, "connected", 60)
            self.answers(kind, BY_EDGE)
            self.assertEqual(self.world.lans[kind].asked(begun), [])
        self.world.each(kill)

    def test_guard_undoes(self):
        def go(kind):
            self.ctl(kind, "mode", "vpn", "--confirm-within", "4")
            self.answers(kind, BY_EDGE, programs=("running",))
            wait_for("the guard", lambda: self.status(kind)["mode"] == "connector", 15, 0.05)
            self.answers(kind, BY_LAN)
        self.world.each(go)

    def test_the_lans_own_names(self):
        """By choice, and where resolved can tell them apart; elsewhere it is said."""
        router = f"router.{resolver_world.SEARCH}"

        def choose(kind):
            lan = self.world.lans[kind]
            self.mode(kind, "vpn")
            self.answers(kind, BY_EDGE, router)
            self.mode(kind, "vpn", "--lan-names", "yes")
            self.assertTrue(self.status(kind)["lan_names"])
            self.answers(kind, BY_EDGE)
            if kind.startswith("resolved"):
                self.answers(kind, lan.server, router)
                self.assertEqual(self.status(kind)["problems"], [])
            else:
                self.answers(kind, BY_EDGE, router)
                self.assertIn("only systemd-resolved can tell", self.status(kind)["problems"][0]["message"])
        self.world.each(choose)


if __name__ == "__main__":
    unittest.main()
