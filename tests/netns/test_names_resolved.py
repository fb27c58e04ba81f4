#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names where systemd-resolved answers, by its stub and by nss-resolve: what it is told, and that names come back by themselves after whatever happens to it."""
import hashlib
import json
import re
import signal
import time
import unittest

import resolver_world
from mesh_case import MeshCase, wait_for

SUFFIX = "demo.internal"
KINDS = ("resolved", "resolved-nss")
LEDGER = "/var/lib/edgeway/undo"
BACK_S = 10  # five times the promise


class NamesByResolved(MeshCase):
    SITES = JOIN = ("nas",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.before = cls.world.each(lambda kind: cls.world.hosts[kind].status())
        keys = {kind: cls.mesh.ctl("nas", "node", "add", kind).stdout.strip() for kind in KINDS}
        cls.world.each(lambda kind: cls.mesh.join(kind, keys[kind]))
        cls.address = cls.mesh.ctl_json("nas", "status")["addresses"]

    @classmethod
    def prepare(cls):
        cls.world = resolver_world.ResolverWorld(cls.mesh, KINDS)
        cls.addClassCleanup(cls.world.close)
        cls.world.hosts["resolved-nss"].machine.run("sh", "-c", "rm /usr/lib/*/libnss_edgeway*")  # resolved does all of it there, short names apart

    def setUp(self):
        self.world.each(self.names_work)

    def names_are(self, kind, code="ok", seconds=BACK_S):
        wait_for(f"names on {kind} are {code}, now {self.status(kind)['names']}", lambda: self.status(kind)["names"] == code, seconds, 0.05)

    def names_work(self, kind):
        """The daemon says so, and a program that has been running all the time finds them; so do others."""
        self.names_are(kind)
        host, name = self.world.hosts[kind], f"nas.{SUFFIX}"
        for program in ("running", "new", "musl", "dig"):
            if program in ("musl", "dig") and kind == "resolved-nss":
                continue  # they don't know of modules; the stub is there in the other world
            self.assertIn(self.address[0], host.ask(program, [name])[name], f"{program} on {kind}")
        self.assertTrue(host.ask("running", ["a1.example.com"])["a1.example.com"].startswith("198.18."))

    def link(self, kind):
        return self.world.hosts[kind].status("edgeway0")

    def restart_resolved(self, kind, forget):
        """forget: without what it wrote down of links."""
        host = self.world.hosts[kind]
        host.kill("resolved")
        if forget:
            host.machine.run("sh", "-c", "rm -f /run/systemd/resolve/netif/*")
        host.start_process("resolved", *host.processes["resolved"][1])
        host.wait_alive("resolved", lambda: host.owns_name("org.freedesktop.resolve1"))
        host.set_link()
        wait_for("the link's settings", lambda: SUFFIX in self.link(kind), BACK_S, 0.05)

    def test_what_it_is_told(self):
        begun = {kind: lan.log_size() for kind, lan in self.world.lans.items()}
        self.world.each(self.names_work)

        def look(kind):
            status = self.link(kind)
            self.assertRegex(status, r"Protocols: -DefaultRoute -LLMNR -mDNS -DNSOverTLS")
            self.assertIn("100.96.0.1", status)
            self.assertRegex(status, rf"DNS Domain: ~{SUFFIX} ")
            for number in (96, 111):
                self.assertIn(f"~{number}.100.in-addr.arpa", status)
            self.assertIn("ip6.arpa", status)
            self.assertNotIn(SUFFIX, self.world.hosts[kind].read("/etc/resolv.conf"))
            found = self.world.hosts[kind].machine.run("getent", "hosts", self.address[0]).stdout
            self.assertIn(f"nas.{SUFFIX}", found)
            # No server on the LAN is asked for the mesh's names.
            self.assertEqual([name for name in self.world.lans[kind].asked(begun[kind]) if name.endswith(SUFFIX) or name.endswith("100.in-addr.arpa")], [])
        self.world.each(look)

    def test_restarted(self):
        """Its settings outlive it; where they are lost they are set again."""
        def restart(kind):
            self.restart_resolved(kind, forget=False)
            self.names_work(kind)
            self.restart_resolved(kind, forget=True)
            self.names_work(kind)
        self.world.each(restart)

    def test_edge_away(self):
        """What failed while the edge was away is found once it's back: systemd-resolved keeps failures for 10 s."""
        name = f"nas.{SUFFIX}"

        def leave_and_return(kind):
            host, nat, program = self.world.hosts[kind], self.world.lans[kind].machine, "dig" if kind == "resolved" else "new"
            nat.nft("table inet away { chain f { type filter hook forward priority -20; drop; }; }")
            wait_for("the edge is missed", lambda: self.status(kind)["state"] == "reconnecting", 60)
            self.assertNotIn(self.address[0], host.ask(program, [name])[name])
            nat.run("nft", "delete table inet away")
            wait_for("the edge is back", lambda: self.status(kind)["state"] == "connected", 60, 0.05)
            begun = time.monotonic()
            wait_for(f"{name} on {kind}", lambda: self.address[0] in host.ask(program, [name])[name], BACK_S + 5, 0.05)
            self.assertLess(time.monotonic() - begun, 5)
        self.world.each(leave_and_return)

    def test_bus_restarted(self):
        def restart(kind):
            host = self.world.hosts[kind]
            host.restart("bus")
            wait_for("edgewayd on the bus", lambda: host.machine.ok(self.mesh.program("edgewayctl"), "status"), 30)
            self.names_work(kind)  # it isn't on the bus again, and still answers
            self.restart_resolved(kind, forget=True)
            self.names_work(kind)
        self.world.each(restart)

    def test_hung(self):
        """Nothing of Edgeway waits for it; the problem is reported, and cleared when it answers again."""
        def stop(kind):
            process = self.world.hosts[kind].processes["resolved"][0]
            process.send_signal(signal.SIGSTOP)
            try:
                self.ctl(kind, "disconnect")
                started = time.monotonic()
                self.ctl(kind, "connect")
                self.assertLess(time.monotonic() - started, 5)
                if kind == "resolved":
                    self.names_are(kind, seconds=60)
                    self.assertIn(self.address[0], self.world.hosts[kind].ask("running", [f"nas.{SUFFIX}"])[f"nas.{SUFFIX}"])
                    return
                self.names_are(kind, "resolver-hung", 60)
                self.assertIn("systemctl restart systemd-resolved", self.status(kind)["names_message"])
                self.assertIn("systemd-resolved doesn't answer", self.ctl(kind, "status").stdout)
            finally:
                process.send_signal(signal.SIGCONT)
        self.world.each(stop)
        self.world.each(self.names_work)

    def test_killed(self):
        def kill(kind):
            self.mesh.restart(kind, signal.SIGKILL)
            wait_for("edgewayd", lambda: self.mesh.machine(kind).ok(self.mesh.program("edgewayctl"), "status"), 20)
            self.names_work(kind)
        self.world.each(kill)

    def test_disconnected(self):
        """Everything is as before, and nothing is left to undo."""
        def disconnect(kind):
            self.ctl(kind, "disconnect")
            strip = lambda text: re.sub(r"Link \d+", "Link", text)  # noqa: E731
            self.assertEqual(strip(self.world.hosts[kind].status()), strip(self.before[kind]))
            self.assertEqual(self.world.hosts[kind].read(LEDGER), "")
            self.assertEqual(self.status(kind)["names"], "not-connected")
            self.assertTrue(self.world.hosts[kind].ask("running", ["a1.example.com"])["a1.example.com"].startswith("198.18."))
            self.ctl(kind, "connect")
            self.names_work(kind)
        self.world.each(disconnect)

    def test_deleted_interface(self):
        """It is made again with another number, and its names with it."""
        def delete(kind):
            self.mesh.machine(kind).run("ip", "link", "del", "edgeway0")
            wait_for("the interface", lambda: self.mesh.machine(kind).ok("ip", "link", "show", "edgeway0"), BACK_S, 0.05)
            self.names_work(kind)
        self.world.each(delete)

    def test_renamed_interface(self):
        """It is created again under its own name, and the renamed one is removed."""
        def rename(kind):
            machine = self.mesh.machine(kind)
            machine.run("sh", "-ec", "ip link set edgeway0 down; ip link set edgeway0 name other0; ip link set other0 up || true")  # it may be removed by now
            wait_for("the interface", lambda: machine.ok("ip", "link", "show", "edgeway0") and not machine.ok("ip", "link", "show", "other0"), BACK_S, 0.05)
            self.names_work(kind)
        self.world.each(rename)

    def test_reverted(self):
        """Without the daemon: undo what it noted for a link that still exists."""
        kind, machine = "resolved", self.mesh.machine("resolved")
        process, start = self.mesh.running[kind]
        process.kill()
        process.wait()
        machine.run("sh", "-ec", "ip link add left0 type veth peer name left1; ip addr add 192.0.2.9/24 dev left0; ip link set left1 up; ip link set left0 up; resolvectl dns left0 192.0.2.7; resolvectl domain left0 '~left.test'")
        self.addCleanup(machine.run, "ip", "link", "del", "left0")
        boot = machine.run("cat", "/proc/sys/kernel/random/boot_id").stdout.strip()
        entry = json.dumps({"kind": "resolver", "interface": "left0", "link": int(machine.run("cat", "/sys/class/net/left0/ifindex").stdout), "value": "systemd-resolved", "id": 900, "boot": boot})
        with open(self.world.hosts[kind].path(LEDGER), "a") as ledger:
            ledger.write(f'{{"sum":"{hashlib.sha256(entry.encode()).hexdigest()[:16]}","entry":{entry}}}\n')
        machine.run(self.mesh.program("edgewayd"), "--revert")
        self.assertNotIn("192.0.2.7", self.world.hosts[kind].status("left0"))
        self.assertEqual(self.world.hosts[kind].read(LEDGER), "")
        self.mesh.running[kind][0] = start()
        wait_for("edgewayd", lambda: machine.ok(self.mesh.program("edgewayctl"), "status"), 20)
        self.names_work(kind)

    def test_domain_of_another_network(self):
        """An edge that chooses another suffix doesn't get the names of another VPN, which has them through a routing-only domain that isn't in any
        file."""
        other, start = "office.lan", self.mesh.running["edge"][1]
        edge = self.mesh.machine("edge")

        def start_with(suffix):
            self.mesh.running["edge"][1] = lambda: edge.start(self.mesh.program("edgeway-edge"), "run", "--state-dir", "/var/lib/edgeway-edge", "--listen", ":443",
                                                              "--public", self.mesh.public, "--suffix", suffix, secret_output=True)
            self.mesh.restart("edge", signal.SIGTERM)
            self.world.each(lambda kind: wait_for(f"the suffix {suffix}", lambda: self.status(kind)["suffix"] == suffix, 30, 0.05))

        def has(kind, there):
            wait_for(f"{other} on {kind} is {'there' if there else 'gone'}", lambda: (f"~{other}" in self.link(kind)) is there, BACK_S, 0.05)

        def add_and_remove(kind):
            machine = self.mesh.machine(kind)
            has(kind, True)
            machine.run("sh", "-ec", f"ip link add vpn0 type veth peer name vpn1; ip addr add 192.0.2.9/24 dev vpn0; ip link set vpn1 up; ip link set vpn0 up; resolvectl dns vpn0 192.0.2.7; resolvectl domain vpn0 '~{other}'")
            self.names_are(kind, "suffix-refused")
            self.assertIn(f"name accept {other}", self.status(kind)["names_message"])
            has(kind, False)
            machine.run("ip", "link", "del", "vpn0")
            has(kind, True)
            self.names_are(kind)
        try:
            start_with(other)
            self.world.each(add_and_remove)
        finally:
            start_with(SUFFIX)
            self.mesh.running["edge"][1] = start

    def test_roamed(self):
        def roam(kind):
            host = self.world.hosts[kind]
            host.roam(4)
            host.set_link()
            self.names_work(kind)
            host.roam(2)
            host.set_link()
        self.world.each(roam)


if __name__ == "__main__":
    unittest.main()
