#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh's own names, from the command that sets them to the answer that a program gets.

    laptop (administrator), nas (gateway of 10.77.0.0/24) ─ NAT ─ internet ─ edge (frankfurt)
"""
import json
import signal
import unittest

from mesh_case import MeshCase, wait_for

SERVICE, VISIBLE = "100.96.0.1", 5  # s: five times what is promised
SUBNET, RESOLVER = "10.77.0.0/24", "10.77.0.53"


class MeshNames(MeshCase):
    SITES = JOIN = ("laptop", "nas")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.laptop, cls.nas = cls.mesh.machine("laptop"), cls.mesh.machine("nas")
        cls.mesh.read_addresses()
        wait_for("the edge answers names", lambda: cls.mesh.ctl_json("laptop", "status")["names"] != "edge-without-names", 20)

    def ask(self, name, kind="A"):
        return self.laptop.run("dig", "+tries=1", "+time=2", "+short", f"@{SERVICE}", name, kind, check=False).stdout.split()

    def leads(self, name, *addresses):
        wait_for(f"{name} leads to {addresses}", lambda: tuple(self.ask(name)) == addresses, VISIBLE, 0.2)

    def names(self):
        return {name["name"]: name for name in self.mesh.ctl_json("laptop", "names")["names"]}

    def test_additional_names(self):
        v4, v6 = self.mesh.addresses["nas"]
        self.ctl("laptop", "name", "add", "files", "nas")
        self.leads("files.demo.internal", v4)
        self.assertEqual(self.ask("files.demo.internal", "AAAA"), [v6])
        self.assertEqual(self.names()["files.demo.internal"], {"name": "files.demo.internal", "type": "name", "node": "nas", "addresses": [v4, v6]})
        self.assertEqual([self.names()[f"{name}.demo.internal"]["type"] for name in ("edge", "frankfurt", "nas")], ["edge", "edge", "node"])
        for target in ("files", "Files.Demo.Internal", "nas.demo.internal."):
            self.assertIn(v4, self.ctl("laptop", "ping", target, "-c", "1").stdout)
        self.assertIn("100.96.0.1", self.ctl("laptop", "ping", "edge.demo.internal", "-c", "1").stdout)
        self.refused("laptop", "name", "add", "files", "laptop", says="nas")
        self.refused("laptop", "name", "add", "edge", says="always means")
        self.refused("laptop", "node", "rename", "laptop", "files", says="additional name")
        self.refused("laptop", "node", "remove", "files", says="name remove files")
        self.refused("nas", "name", "add", "media", code=4, says="node list")
        self.ctl("laptop", "node", "rename", "nas", "tower")
        self.leads("tower.demo.internal", v4)
        self.assertEqual((self.ask("files.demo.internal"), self.ask("nas.demo.internal")), ([v4], []))
        self.ctl("laptop", "node", "rename", "files", "nas")
        self.ctl("laptop", "name", "remove", "files.demo.internal")
        self.leads("files.demo.internal")

    def domain(self):
        return {domain["domain"]: domain["state"] for domain in self.mesh.ctl_json("laptop", "name", "list")["domains"]}

    def test_search_domains(self):
        self.refused("laptop", "name", "add", "corp.example", "nas", "--resolver", RESOLVER, says=RESOLVER)
        self.ctl("laptop", "route", "add", SUBNET, "nas")
        added = self.ctl("laptop", "name", "add", "corp.example", "nas", "--resolver", RESOLVER)
        self.assertIn("name accept corp.example", added.stderr)
        wait_for("the offer", lambda: self.domain() == {"corp.example": "offered"}, VISIBLE, 0.2)
        self.ctl("laptop", "name", "accept", "corp.example")
        self.assertEqual(self.domain(), {"corp.example": "accepted"})
        self.mesh.restart("laptop", signal.SIGTERM)
        wait_for("edgewayd", lambda: self.laptop.ok(self.mesh.program("edgewayctl"), "status"), 20)
        self.wait_state("laptop", "connected")
        self.assertEqual(self.domain(), {"corp.example": "accepted"})
        for domain in ("com", "x.localhost"):
            self.refused("laptop", "name", "accept", domain)
        self.refused("laptop", "name", "accept", "lab.demo.internal", says="are the mesh's own")
        self.ctl("laptop", "name", "accept", "demo.internal")
        self.assertIn("go on working", self.ctl("laptop", "name", "refuse", "demo.internal").stderr)
        self.ctl("laptop", "name", "accept", "demo.internal")
        self.ctl("laptop", "name", "refuse", "corp.example")
        self.assertEqual(self.domain(), {"corp.example": "refused"})
        self.refused("laptop", "route", "remove", SUBNET, "laptop", says=f"{SUBNET} is offered by nas, not by laptop.")
        self.ctl("laptop", "route", "remove", SUBNET, "nas")
        self.assertEqual(self.domain(), {"corp.example": "refused-not-offered"})
        self.ctl("laptop", "name", "accept", "corp.example")
        self.assertEqual(self.domain(), {"corp.example": "accepted-not-offered"})
        self.assertRegex(self.ctl("laptop", "name", "list").stdout, r"corp\.example +- +- +accepted, not offered now\n")
        self.assertNotIn("corp.example", self.ctl("laptop", "names").stdout)

    def test_network_in_a_range(self):
        """A network that this computer is connected to, inside a range of the mesh's: the names of its addresses are its own."""
        def ranges():
            return [line.split()[1] for line in self.laptop.run("cat", "/run/edgeway/names.conf", check=False).stdout.splitlines() if line.startswith("range ")]
        wait_for("names", lambda: len(ranges()) == 2, 15, 0.2)
        before = ranges()
        self.laptop.run("sh", "-ec", "ip link add other9 type veth peer name other8; ip link set other8 up; ip addr add 100.97.3.1/24 dev other9; ip link set other9 up")
        try:
            self.reconnect()
            wait_for("IPv4 left alone", lambda: ranges() == [one for one in before if ":" in one], 15, 0.2)
        finally:
            self.laptop.run("ip", "link", "del", "other9")
        self.reconnect()
        wait_for("both again", lambda: ranges() == before, 15, 0.2)

    def test_words_removed(self):
        """Another program removes Edgeway's words from nsswitch.conf, which is a mount point here: they are restored, and left out where it does so
        again."""
        def take_out():
            self.laptop.run("sh", "-ec", r"sed 's/ edgeway \[!UNAVAIL=return\]//; s/ edgeway_short//' /etc/nsswitch.conf >/run/edgeway/new; cat /run/edgeway/new >/etc/nsswitch.conf; rm /run/edgeway/new")

        def there():
            return self.laptop.ok("grep", "-q", "hosts.* edgeway .*edgeway_short", "/etc/nsswitch.conf")
        self.reconnect()
        wait_for("names", lambda: there() and self.status("laptop")["names"] == "ok", 15, 0.2)
        take_out()
        wait_for("put back", there, VISIBLE, 0.1)
        take_out()
        wait_for("left alone", lambda: self.status("laptop")["names"] == "nsswitch-refused", 15, 0.1)
        self.assertFalse(there())
        self.assertIn("twice within a minute", self.ctl("laptop", "status").stdout)
        checks = {check["check"]: check for check in json.loads(self.ctl("laptop", "diagnose", "--json", check=False).stdout)["checks"]}
        self.assertIn("twice within a minute", checks["names"]["message"])
        self.reconnect()
        wait_for("names again", lambda: there() and self.status("laptop")["names"] == "ok", 15, 0.2)

    def reconnect(self):
        self.ctl("laptop", "disconnect")
        self.ctl("laptop", "connect")
        self.wait_state("laptop", "connected")

    def enrolled_below(self, suffix):
        """Enrolling doesn't grant it either: whoever enrolls sees which names the edge wants, and decides."""
        self.ctl("nas", "leave")
        joined = self.ctl("nas", "enroll", "--key-file", "-", input=self.ctl("laptop", "node", "add", "tower").stdout)
        self.assertNotIn("are now", joined.stdout)
        self.assertIn(f"below {suffix}, which may be a domain of the internet", joined.stderr)
        self.assertIn(f"name accept {suffix}", joined.stderr)
        for signal_number in (None, signal.SIGTERM):
            if signal_number:
                self.mesh.restart("nas", signal_number)
                wait_for("edgewayd", lambda: self.nas.ok(self.mesh.program("edgewayctl"), "status"), 20)
            self.wait_state("nas", "connected")
            wait_for("the suffix refused", lambda: self.status("nas")["names"] == "suffix-refused", 15, 0.2)
            self.assertFalse(self.nas.ok("grep", "-q", suffix, "/run/edgeway/names.conf"))
        self.ctl("nas", "name", "accept", suffix)
        wait_for("the suffix taken", lambda: self.nas.ok("grep", "-q", suffix, "/run/edgeway/names.conf"), 15, 0.2)
        self.mesh.restart("nas", signal.SIGTERM)
        wait_for("the suffix kept", lambda: self.nas.ok("grep", "-q", suffix, "/run/edgeway/names.conf"), 30, 0.2)

    def test_suffix(self):
        """Chosen at a later start, kept by the starts after it, and known to the nodes at once."""
        v4, start = self.mesh.addresses["nas"][0], self.mesh.running["edge"][1]
        edge = self.mesh.machine("edge")

        def suffix():
            return self.status("laptop")["suffix"]

        def start_with(*options):
            arguments = ("--state-dir", "/var/lib/edgeway-edge", "--listen", ":443", "--public", self.mesh.public, *options)
            return lambda: edge.start(self.mesh.program("edgeway-edge"), "run", *arguments, secret_output=True)
        try:
            for options in (("--suffix", "home.lan"), ()):
                self.mesh.running["edge"][1] = start_with(*options)
                self.mesh.restart("edge", signal.SIGTERM)
                self.wait_state("laptop", "connected")
                wait_for("the new suffix", lambda: suffix() == "home.lan", 15, 0.2)
                self.leads("nas.home.lan", v4)
                self.assertEqual(self.ask("nas.demo.internal"), [])
            # An edge can't take over the network's own names either: a suffix that was not accepted yields to a search domain.
            conf = "/run/edgeway/names.conf"
            taken = lambda: self.status("laptop")["names"] != "suffix-refused" and self.laptop.ok("grep", "-q", "home.lan", conf)  # noqa: E731
            for accepted in (False, True):
                wait_for("the mesh's names", taken, 15, 0.2)
                before = self.laptop.run("cat", "/etc/resolv.conf").stdout
                self.laptop.run("sh", "-c", "echo search office.example home.lan >>/etc/resolv.conf")
                self.reconnect()  # a file that is a mount point isn't watched
                wait_for("the network's names", lambda: self.status("laptop")["names"] == "suffix-refused", 15, 0.2)
                self.assertIn("name accept home.lan", self.status("laptop")["names_message"])
                self.assertFalse(self.laptop.ok("grep", "-q", "home.lan", conf))
                if accepted:
                    self.assertNotIn("No node", self.ctl("laptop", "name", "accept", "home.lan").stdout)
                    wait_for("the mesh's names by choice", taken, 15, 0.2)
                self.laptop.run("sh", "-c", 'printf %s "$1" >/etc/resolv.conf', "-", before)
                self.reconnect()
            # An edge can't take over what may be a domain of the internet.
            self.mesh.running["edge"][1] = start_with("--suffix", "mesh.example.com")
            self.mesh.restart("edge", signal.SIGTERM)
            wait_for("a new suffix refused", lambda: self.status("laptop")["names"] == "suffix-refused", 30, 0.2)
            self.assertIn("name accept mesh.example.com", self.status("laptop")["names_message"])
            self.ctl("laptop", "name", "accept", "mesh.example.com")
            self.assertNotEqual(self.status("laptop")["names"], "suffix-refused")
            self.assertEqual(self.ctl("laptop", "name", "refuse", "Mesh.Example.com").stderr, "")
            wait_for("a suffix taken back", lambda: self.status("laptop")["names"] == "suffix-refused", 5, 0.2)
            self.enrolled_below("mesh.example.com")
        finally:
            self.mesh.running["edge"][1] = start
            start_old = start_with("--suffix", "demo.internal")
            self.mesh.running["edge"][1] = start_old
            self.mesh.restart("edge", signal.SIGTERM)
            wait_for("the old suffix", lambda: suffix() == "demo.internal", 30, 0.2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
