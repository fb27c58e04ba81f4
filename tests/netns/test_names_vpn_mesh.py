#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""VPN mode's names on a real mesh, in each resolver's world: every program's questions go to the edge and none to the LAN's resolver, and afterwards
they go there again.

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
        said = self.ctl(kind, "mode", *argv).stderr
        if argv[0] == "vpn":
            self.ctl(kind, "mode", "--confirm", check=False)
        return said

    def answers(self, kind, answer, name=NAME, programs=PROGRAMS):
        """All programs get this answer, including the long-running one."""
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
        """Nothing leaks while it is down, and the next one continues."""
        def kill(kind):
            self.mode(kind, "vpn")
            begun = self.world.lans[kind].log_size()
            self.mesh.running[kind][0].kill()
            self.mesh.running[kind][0].wait()
            self.world.hosts[kind].machine.run("dig", "+tries=1", "+time=1", NAME, check=False)
            self.assertEqual(self.world.lans[kind].asked(begun), [])
            self.mesh.running[kind][0] = self.mesh.running[kind][1]()  # its mode comes with the edge's first answer
            wait_for("edgewayd", lambda: self.mesh.machine(kind).ok(self.mesh.program("edgewayctl"), "status"), 20)
            self.wait_state(kind, "connected", 60)
            self.answers(kind, BY_EDGE)
        self.world.each(kill)

    def test_guard_undoes(self):
        def go(kind):
            self.ctl(kind, "mode", "vpn", "--confirm-within", "4")
            self.answers(kind, BY_EDGE, programs=("running",))
            wait_for("the guard", lambda: self.status(kind)["mode"] == "connector", 15, 0.05)
            self.answers(kind, BY_LAN)
        self.world.each(go)

    def test_link_local(self):
        """A question for a link-local name server can't be led into the tunnel. That is reported, with a fix that works."""
        host, kind = self.world.hosts["plain"], "plain"
        before = host.read("/etc/resolv.conf")

        def restore():
            host.write("/etc/resolv.conf", before)
            self.files[kind] = host.file_state(("/etc/resolv.conf",))
        self.addCleanup(restore)
        host.write("/etc/resolv.conf", "nameserver fe80::1%eth0\n")
        wait_for("names without VPN mode", lambda: self.status(kind)["names"] == "ok", BACK_S, 0.05)
        self.mode(kind, "vpn")
        wait_for("it is said", lambda: self.status(kind)["names"] == "resolver-link-local", BACK_S, 0.05)
        self.assertIn("fe80::1, has a link-local address", self.status(kind)["names_message"])
        for verb in ("status", "names"):
            said = self.ctl(kind, verb)
            self.assertIn("9.9.9.9", " ".join((said.stdout + said.stderr).split()), verb)
        self.answers(kind, "100.96.1.1", "nas.demo.internal", ("new",))
        self.assertFalse(host.machine.ok("getent", "ahosts", NAME))
        host.write("/etc/resolv.conf", "nameserver fe80::1%eth0\nnameserver 9.9.9.9\n")
        self.answers(kind, BY_EDGE, programs=("new",))
        wait_for("names", lambda: self.status(kind)["names"] == "ok", BACK_S, 0.05)

    def test_the_lans_own_names(self):
        """Optional, and only where resolved can tell them apart; elsewhere that is reported."""
        router = f"router.{resolver_world.SEARCH}"

        def choose(kind):
            lan = self.world.lans[kind]
            self.mode(kind, "vpn")
            self.answers(kind, BY_EDGE, router)
            said = self.mode(kind, "vpn", "--lan-names", "yes")
            self.assertEqual("only systemd-resolved can tell" in said, not kind.startswith("resolved"), said)
            self.assertTrue(self.status(kind)["lan_names"])
            self.answers(kind, BY_EDGE)
            if kind.startswith("resolved"):
                self.answers(kind, lan.server, router)
                self.assertEqual(self.status(kind)["problems"], [])
            else:
                self.answers(kind, BY_EDGE, router)
                self.assertIn("only systemd-resolved can tell", self.status(kind)["problems"][0]["message"])
        self.world.each(choose)


class EdgeByName(MeshCase):
    """The edge is known by a name, moves while VPN mode is on, and is found again: its name is looked up outside the dead tunnel."""

    SITES = JOIN = ()
    EDGE_NAME, OLD, NEW = "edge.example.com", "203.0.113.5", "203.0.113.6"
    KINDS = ("plain", "resolved")

    @classmethod
    def prepare(cls):
        cls.world = resolver_world.ResolverWorld(cls.mesh, cls.KINDS)
        cls.addClassCleanup(cls.world.close)
        cls.mesh.public = f"{cls.EDGE_NAME}:443"
        cls.lead_to(cls.OLD)

    @classmethod
    def lead_to(cls, address):
        for lan in cls.world.lans.values():
            with open(lan.config) as file:
                lines = [line for line in file if cls.EDGE_NAME not in line]
            with open(lan.config, "w") as file:
                file.write("".join(lines) + f"host-record={cls.EDGE_NAME},{address}\n")
            lan.stop()
            lan.start()

    def knows(self, kind, address):
        wait_for(f"{kind} reaches the edge at {address}, now {self.status(kind)['edge']}",
                 lambda: self.status(kind)["state"] == "connected" and (self.status(kind)["edge"] or {}).get("endpoint") == f"{address}:443", 60)

    def test_moved(self):
        first, second = self.KINDS
        self.mesh.join(first, self.key)
        self.mesh.join(second, self.mesh.ctl(first, "node", "add", second).stdout.strip())
        for kind in self.KINDS:
            self.knows(kind, self.OLD)
            self.ctl(kind, "mode", "vpn")
            self.ctl(kind, "mode", "--confirm", check=False)
        edge = self.mesh.machine("edge")
        process, start = self.mesh.running["edge"]
        process.kill()
        process.wait()
        edge.run("sh", "-ec", f"ip addr add {self.NEW}/24 dev wan; ip addr del {self.OLD}/24 dev wan; ip addr add {self.NEW}/24 dev wan 2>/dev/null || true; ip route replace default via 203.0.113.1")
        self.mesh.running["edge"][0] = start()
        self.lead_to(self.NEW)
        for kind in self.KINDS:
            self.knows(kind, self.NEW)
            self.assertEqual(self.status(kind)["mode"], "vpn")


if __name__ == "__main__":
    unittest.main()
