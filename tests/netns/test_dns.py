#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge's DNS, asked by dig and kdig from nodes, from its own host and from outside.

    laptop, nas ─ NAT ─ internet ─ edge (frankfurt)
"""
import os
import struct
import unittest

from machines import end_of
from mesh_case import BUILD, MeshCase, wait_for

SERVICE = ("100.96.0.1",)
VISIBLE = 5  # s: five times what is promised


def question(name, number=1, kind=1):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)


class Dns(MeshCase):
    SITES = JOIN = ("laptop", "nas")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.edge, cls.laptop, cls.nas = (cls.mesh.machine(name) for name in ("edge", "laptop", "nas"))
        cls.service = cls.edge_status()["service"]
        cls.mesh.read_addresses()
        wait_for("the edge answers names", lambda: cls.edge_status()["dns"]["answers"], 10)

    @classmethod
    def edge_status(cls):
        return cls.edge.json(cls.mesh.program("edgeway-edge"), "status", "--json")

    def dig(self, machine, *argv, server=None, check=True):
        """(flags and status, the answer's lines without the TTL) or None without an answer."""
        result = machine.run("dig", "+tries=1", "+time=3", "+noall", "+comments", "+answer", "+authority", f"@{server or self.service[0]}", *argv, check=False)
        if result.returncode:
            if check:
                self.fail(f"dig {' '.join(argv)}: {result.stdout}")
            return None
        lines = [line.split() for line in result.stdout.splitlines() if line and not line.startswith(";")]
        return result.stdout, [" ".join([line[0], *line[3:]]) for line in lines]

    def short(self, name, kind="A", machine=None):
        head, lines = self.dig(machine or self.laptop, name, kind)
        return lines[0].split()[-1] if lines and " SOA " not in lines[0] else head.split("status: ")[1].split(",")[0]

    def test_names(self):
        v4, v6 = self.mesh.addresses["nas"]
        for server in self.service:
            for transport in ("+notcp", "+tcp"):
                for machine in (self.laptop, self.nas, self.edge):
                    with self.subTest(server=server, transport=transport, machine=machine.name):
                        head, lines = self.dig(machine, "nAs.DEMO.internal", "A", transport, server=server)
                        self.assertIn("status: NOERROR", head)
                        self.assertRegex(head, r"flags: qr aa rd ra;")
                        self.assertEqual(lines, [f"nAs.DEMO.internal. A {v4}"])
                        self.assertEqual(self.dig(machine, "nas.demo.internal", "AAAA", transport, server=server)[1], [f"nas.demo.internal. AAAA {v6}"])
        for address in self.mesh.addresses["nas"]:
            self.assertEqual(self.dig(self.laptop, "-x", address)[1][0].split()[-1], "nas.demo.internal.")
        for name in ("edge", "frankfurt"):
            for kind, address in zip(("A", "AAAA"), self.service):
                self.assertEqual(self.short(f"{name}.demo.internal", kind), address)
        self.assertEqual(self.short("nas.demo.internal", "MX"), "NOERROR")
        self.assertEqual(self.short("none.demo.internal"), "NXDOMAIN")
        self.assertEqual(self.short("demo.internal", "NS"), "edge.demo.internal.")
        head, lines = self.dig(self.laptop, "none.demo.internal", "AAAA")
        self.assertRegex(lines[0], r"^demo\.internal\. SOA edge\.demo\.internal\. hostmaster\.demo\.internal\. \d+ 3600 600 604800 1$")
        self.assertEqual(self.short("100.96.96.100.in-addr.arpa", "PTR"), "NXDOMAIN")

    def test_changes(self):
        def seen(name, answer):
            wait_for(f"{name} is {answer}", lambda: self.short(name) == answer, VISIBLE, 0.05)
        self.mesh.new_key("plain")
        self.assertEqual(self.short("plain.demo.internal"), "NXDOMAIN", "it hasn't joined")
        self.ctl("laptop", "node", "remove", "plain")
        self.ctl("laptop", "node", "config", "phone")
        self.mesh.ctl("laptop", "node", "rename", "nas", "storage")
        seen("storage.demo.internal", self.mesh.addresses["nas"][0])
        seen("nas.demo.internal", "NXDOMAIN")
        self.mesh.ctl("laptop", "name", "add", "files", "storage")
        seen("files.demo.internal", self.mesh.addresses["nas"][0])
        self.mesh.ctl("laptop", "node", "rename", "storage", "nas")
        seen("nas.demo.internal", self.mesh.addresses["nas"][0])
        seen("files.demo.internal", self.mesh.addresses["nas"][0])
        self.mesh.ctl("laptop", "name", "remove", "files")
        seen("files.demo.internal", "NXDOMAIN")
        address = self.short("phone.demo.internal")
        self.assertTrue(address.startswith("100."), address)
        self.ctl("laptop", "node", "remove", "phone")
        seen("phone.demo.internal", "NXDOMAIN")

    def test_edns(self):
        head, _ = self.dig(self.laptop, "nas.demo.internal", "+edns=1", "+noednsnegotiation")
        self.assertIn("BADVERS", head)
        head, _ = self.dig(self.laptop, "nas.demo.internal", "+dnssec", "+bufsize=4096", "+ednsopt=65001:abcd")
        self.assertIn("EDNS: version: 0, flags: do; udp: 1232", head)
        self.assertIn("status: NOERROR", head)
        self.assertIn("status: NOTIMP", self.dig(self.laptop, "nas.demo.internal", "+opcode=UPDATE")[0])
        self.assertIn("status: REFUSED", self.dig(self.laptop, "version.bind", "TXT", "CH")[0])
        self.assertIn("Transfer failed", self.laptop.run("dig", f"@{self.service[0]}", "demo.internal", "AXFR", check=False).stdout)

    def test_pipelined(self):
        names = ["nas.demo.internal", "none.demo.internal", "edge.demo.internal", "laptop.demo.internal"] * 25
        argv = [word for name in names for word in ("-q", name)]
        text = self.laptop.run("kdig", f"@{self.service[0]}", "+tcp", "+keepopen", "+noall", "+header", *argv).stdout
        self.assertEqual(text.count("status: NOERROR"), 75)
        self.assertEqual(text.count("status: NXDOMAIN"), 25)

    def test_not_from_outside(self):
        """Neither at the edge's own address nor via a route to the service address, with the host's own name servers or with a forged source."""
        internet = self.mesh.machine("internet")
        own = self.mesh.public.rsplit(":", 1)[0]
        internet.ip("route", "add", "100.96.0.0/12", "via", own)
        self.addCleanup(internet.ip, "route", "del", "100.96.0.0/12")
        for server in (own, self.service[0]):
            for transport in ("+notcp", "+tcp"):
                self.assertIsNone(self.dig(internet, "nas.demo.internal", transport, "+time=1", server=server, check=False), f"{server} {transport}")
        # A source address of the mesh, from outside: nothing comes in.
        internet.ip("addr", "add", "100.96.1.200/32", "dev", "exchange")
        self.addCleanup(internet.ip, "addr", "del", "100.96.1.200/32", "dev", "exchange")
        self.assertIsNone(self.dig(internet, "-b", "100.96.1.200", "nas.demo.internal", "+time=1", check=False))
        # A source address that isn't the node's, through its tunnel.
        self.nas.ip("addr", "add", "100.96.1.201/32", "dev", "edgeway0")
        self.addCleanup(self.nas.ip, "addr", "del", "100.96.1.201/32", "dev", "edgeway0")
        self.assertIsNone(self.dig(self.nas, "-b", "100.96.1.201", "nas.demo.internal", "+time=1", check=False))
        self.assertEqual(self.short("nas.demo.internal", machine=self.nas), self.mesh.addresses["nas"][0])

    def test_flood(self):
        """One node asks as fast as it can; another one gets an answer to each question, and so does the API."""
        flood = self.nas.start(os.path.join(BUILD, "tests/bench.d/dns-load"), self.service[0], "53", "1", "10", "*.demo.internal", "100000", log="flood")
        self.addCleanup(flood.kill)
        wait_for("the flood", lambda: "asking" in end_of(flood.log_path), 10)
        for number in range(20):
            self.assertEqual(self.short("nas.demo.internal"), self.mesh.addresses["nas"][0], number)
        self.ctl("laptop", "node", "list")
        tracked = self.edge.run("cat", "/proc/net/nf_conntrack").stdout.splitlines()
        self.assertEqual([line for line in tracked if " udp " in line and f"src={self.mesh.addresses['nas'][0]} " in line], [])
        drops = self.edge.run("sh", "-c", "grep -h ':0035 ' /proc/net/udp /proc/net/udp6").stdout.split("\n")
        self.assertEqual([line.split()[-1] for line in drops if line], ["0", "0"], "the flood didn't get as far as the sockets")
        self.assertIsNone(flood.poll(), "the flood lasted as long as the questions")

    def restart_edge(self, between=lambda: None):
        process, start = self.mesh.running["edge"]
        process.terminate()
        process.wait()
        between()
        self.mesh.running["edge"][0] = start()
        wait_for("the edge's status", lambda: self.edge.ok(self.mesh.program("edgeway-edge"), "status"), 20)

    def test_other_firewall(self):
        """One that drops what it doesn't know is named until a node's question has come through."""
        self.edge.nft('table ip filter { chain INPUT { type filter hook input priority 0; policy drop; iifname { "wan", "lo" } accept; }; }')
        self.addCleanup(self.edge.run, "nft", "delete", "table", "ip", "filter")
        self.restart_edge()
        limits = wait_for("the limit", lambda: self.edge_status()["limits"], 10)
        self.assertIn("drops incoming packets that it doesn't know (ip filter INPUT)", limits)
        self.assertIn("ufw allow in on edgeway-edge to any port 53", limits)
        self.assertIsNone(self.dig(self.laptop, "nas.demo.internal", "+time=1", check=False))
        self.edge.run("nft", "add", "rule", "ip", "filter", "INPUT", "iifname", "edgeway-edge", "accept")
        wait_for("an answer", lambda: self.dig(self.laptop, "nas.demo.internal", check=False), 20)
        wait_for("no limit", lambda: not self.edge_status()["limits"], 20)

    def take_port(self):
        self.taker = self.edge.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", log="dnsmasq")
        self.addCleanup(self.taker.kill)
        wait_for("dnsmasq has its port", lambda: self.edge.ok("sh", "-c", "ss -Hltn sport = :53 | grep -q ."), 10)

    def test_port_of_another(self):
        """Another program uses the port when the edge starts: the edge names that program, the mesh works, and the edge takes the port once it is
        free."""
        self.restart_edge(self.take_port)
        limits = wait_for("the limit", lambda: self.edge_status()["limits"], 10)
        self.assertIn("Another program on the edge's host has TCP port 53 at 100.96.0.1", limits)
        # With UDP both work: the edge gets what comes out of the tunnel, the other program the rest.
        wait_for("an answer", lambda: self.dig(self.laptop, "nas.demo.internal", check=False), 20)
        self.assertEqual(self.short("nas.demo.internal"), self.mesh.addresses["nas"][0])
        self.taker.kill()
        self.taker.wait()
        wait_for("no limit", lambda: not self.edge_status()["limits"], 20)
        self.assertIn("status: NOERROR", self.dig(self.laptop, "nas.demo.internal", "+tcp")[0])


if __name__ == "__main__":
    unittest.main()
