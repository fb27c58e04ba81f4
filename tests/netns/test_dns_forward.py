# SPDX-License-Identifier: GPL-3.0-or-later
"""Names outside the mesh, which nodes ask the edge for: the real edge, dnsmasq as its resolver, one that misbehaves, and one behind a gateway.

     laptop, phone, office-gw ── edge ──┬── dnsmasq 203.0.113.1, and another at 203.0.113.2
                     │                  └── 203.0.113.53: hangs, fails, truncates as its names say
               printer 10.77.0.9: dnsmasq for corp.example
"""
import os
import re
import signal
import time
import unittest

from demo_mesh import EDGE_ADDRESS, SERVICE, SUBNET, SUBNET_HOST
from mesh_case import MeshCase, SOURCE, wait_for
from wire_capture import capture

FAKE = os.path.join(SOURCE, "tests", "lib", "fake_resolver.py")
GOOD, OTHER, ODD = "203.0.113.1", "203.0.113.2", "203.0.113.53"

# Endless questions, all for names that get no answer.
FLOOD = f"""
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
number = 0
while True:
    for _ in range(20):
        number += 1
        label = b"n%d" % number
        s.sendto(b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + bytes([len(label)]) + label + b"\\4hang\\3odd\\7example\\0\\0\\1\\0\\1", ("{SERVICE}", 53))
    time.sleep(0.01)
"""


class Forward(MeshCase):
    SITES = ("laptop", "office-gw", "phone")
    JOIN = ("laptop", "office-gw")

    @classmethod
    def prepare(cls):
        cls.internet, cls.edge, cls.laptop, cls.gateway, cls.printer = (cls.mesh.machine(name) for name in ("internet", "edge", "laptop", "office-gw", "printer"))
        for address in (OTHER, ODD):
            cls.internet.ip("addr", "add", f"{address}/32", "dev", "lo")
        cls.dnsmasq(cls.internet, GOOD, "--address=/site.example/93.184.216.34", f"--server=/odd.example/{ODD}", "--address=/mesh.example/100.96.0.9")
        cls.dnsmasq(cls.internet, OTHER, "--address=/site.example/93.184.216.35")
        cls.dnsmasq(cls.printer, SUBNET_HOST, "--address=/corp.example/10.77.0.44")
        cls.odd_log = os.path.join(cls.internet.log_dir, "odd")
        cls.internet.start("/usr/bin/python3", FAKE, ODD, cls.odd_log, log="odd-resolver")
        for machine, address in ((cls.internet, GOOD), (cls.internet, OTHER), (cls.internet, ODD), (cls.printer, SUBNET_HOST)):
            wait_for(f"the resolver at {address}", lambda machine=machine, address=address: machine.ok("sh", "-c", f"ss -Hlun src {address}:53 | grep -q ."), 10)
        cls.edge.mask("/etc/resolv.conf", f"nameserver {GOOD}\n", 0o644)
        cls.used = (GOOD,)

    @staticmethod
    def dnsmasq(machine, address, *options):
        machine.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces", f"--listen-address={address}",
                      "--log-queries", "--log-facility=-", "--pid-file=", "--user=root", "--local-ttl=60", *options, log=f"dnsmasq-{address}")

    def setUp(self):
        self.use(GOOD)

    def asked(self, machine, address):
        with open(os.path.join(machine.log_dir, f"dnsmasq-{address}.log")) as file:
            return re.findall(r"query\[(\S+)\] (\S+) from (\S+)", file.read())

    def use(self, *resolvers):
        """What the edge's host says now; waits until the edge follows."""
        if resolvers == type(self).used:
            return
        type(self).used = resolvers
        self.edge.run("sh", "-c", "cat > /etc/resolv.conf", input="".join(f"nameserver {address}\n" for address in resolvers))
        time.sleep(1.1)  # real time: it looks once a second, when it is asked

    def dig(self, *argv, machine=None, server=SERVICE):
        return (machine or self.laptop).run("dig", f"@{server}", "+time=8", "+tries=1", *argv, check=False, timeout=30).stdout

    def short(self, *argv, **options):
        return self.dig("+short", *argv, **options).split()

    def assert_fails(self, name, code):
        """With an extended error."""
        self.assertRegex(self.dig(name), rf"(?s)SERVFAIL.*; ED[E]: {code} .*edge's ")

    def edge_pid(self):
        return self.mesh.running["edge"][0].pid

    def test_answers(self):
        self.assertEqual(self.short("a.site.example"), ["93.184.216.34"])
        self.assertEqual(self.short("A.Site.EXAMPLE"), ["93.184.216.34"])
        self.assertIn("A.Site.EXAMPLE.", self.dig("A.Site.EXAMPLE"))
        self.assertEqual(self.short("+tcp", "a.site.example"), ["93.184.216.34"])
        self.assertEqual(self.short("a.site.example", machine=self.gateway), ["93.184.216.34"])
        self.assertEqual([entry for entry in self.asked(self.internet, GOOD) if entry[1].lower() == "a.site.example"], [("A", "a.site.example", EDGE_ADDRESS)])
        self.assertEqual(self.short("laptop.demo.internal"), self.short("laptop.demo.internal", machine=self.gateway))
        self.assertNotIn("demo.internal", str(self.asked(self.internet, GOOD)))

    def test_in_vpn_mode(self):
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm", check=False)
        self.addCleanup(self.ctl, "laptop", "mode", "connector")
        self.assertEqual(self.short("vpn.site.example"), ["93.184.216.34"])

    def test_plain_node(self):
        """A plain WireGuard node, whose system looks up every name with the DNS line of its configuration."""
        self.mesh.phone_config = self.ctl("laptop", "node", "config", "phone").stdout
        self.mesh.start_phone()
        phone = self.mesh.machine("phone")
        wait_for("the phone asks", lambda: self.short("+time=2", "phone.site.example", machine=phone) == ["93.184.216.34"], 20)
        self.assertEqual(self.short("laptop.demo.internal", machine=phone), self.short("laptop.demo.internal"))

    def test_resolver_changes(self):
        self.assertEqual(self.short("c.site.example"), ["93.184.216.34"])
        self.use(OTHER)
        self.assertEqual(self.short("c.site.example"), ["93.184.216.35"])
        self.use(SERVICE)
        self.assert_fails("d.site.example", 14)
        self.use(SERVICE, GOOD)
        self.assertEqual(self.short("d.site.example"), ["93.184.216.34"])

    def test_failures_say_why(self):
        self.use(ODD)
        self.assert_fails("servfail.odd.example", 23)
        self.assertEqual(self.short("trunc.odd.example"), ["192.0.2.9"])
        self.assertEqual(len(self.short("many.odd.example")), 100)  # dig asks again by TCP
        self.assertRegex(self.dig("+ignore", "+bufsize=1232", "many.odd.example"), r"flags: qr[^;]* tc")
        begun = time.monotonic()
        self.assert_fails("hang.odd.example", 22)
        self.assertLess(time.monotonic() - begun, 20)  # promised: 4 s
        self.assertEqual(self.short("fine.odd.example"), ["192.0.2.9"])  # one name without an answer doesn't mean a dead resolver

    def test_dead_resolver(self):
        self.use("203.0.113.99")
        self.assert_fails("e.site.example", 22)
        self.use(GOOD)
        self.assertEqual(self.short("e.site.example"), ["93.184.216.34"])

    def test_loop(self):
        """A resolver of the edge's host that asks the edge again: each question goes round a few times and fails."""
        self.dnsmasq(self.edge, "127.0.0.9", f"--server={SERVICE}")
        wait_for("the host's resolver", lambda: self.edge.ok("sh", "-c", "ss -Hlun src 127.0.0.9:53 | grep -q ."), 10)
        self.use("127.0.0.9")
        self.assert_fails("loop.example", 22)
        self.assertLess(len(self.asked(self.edge, "127.0.0.9")), 40)
        self.use(GOOD)
        self.assertEqual(self.short("k.site.example"), ["93.184.216.34"])

    def test_private_names_stay(self):
        wire = capture(self, self.edge, "wan", "port 53")
        self.dig("-x", "10.1.2.3"), self.dig("-x", "192.168.1.1"), self.dig("-x", "fd00::1"), self.dig("-x", "100.100.1.1")
        for name in ("printer.local", "x.onion", "a.home.arpa", "other.internal", "b.test"):
            self.assertIn("NXDOMAIN", self.dig(name))
        self.assertEqual(self.short("localhost"), ["127.0.0.1"])
        self.assertEqual(self.short("mesh.example"), [])  # an address of the mesh for a foreign name
        self.assertEqual(self.short("f.site.example"), ["93.184.216.34"])
        wait_for("the last question is seen", lambda: "f.site.example" in wire(), 10)
        seen = set(re.findall(r"(?:A|PTR|SRV|SOA)\? (\S+?)\.? ", wire()))
        self.assertLessEqual(seen, {"mesh.example", "f.site.example"})

    def test_gateway_domain(self):
        self.ctl("laptop", "route", "add", SUBNET, "office-gw")
        wait_for("the gateway knows its route", lambda: self.ctl("office-gw", "route", "accept", SUBNET, check=False).returncode == 0, 20)
        self.ctl("laptop", "name", "add", "corp.example", "office-gw", "--resolver", SUBNET_HOST)
        wait_for("the gateway's resolver is asked", lambda: self.short("+time=2", "wiki.corp.example") == ["10.77.0.44"], 20)
        self.assertEqual(self.short("+tcp", "mail.corp.example"), ["10.77.0.44"])
        self.assertNotIn("corp.example", str(self.asked(self.internet, GOOD)))
        self.assertEqual(self.short("g.site.example"), ["93.184.216.34"])
        self.assertIn(SUBNET_HOST, self.edge.run("ip", "route", "show", "dev", "edgeway-edge").stdout)
        # It answers, but it can't speak with the edge's host by itself, though it comes from the same port.
        self.printer.default_route("10.77.0.1")
        self.printer.nft(f"table ip from53 {{ chain post {{ type nat hook postrouting priority 100; ip daddr {SERVICE} tcp dport 443 snat to {SUBNET_HOST}:53; }}; }}\n")
        wire = capture(self, self.edge, "edgeway-edge", f"src {SUBNET_HOST} and port 443")
        self.assertFalse(self.printer.ok("/usr/bin/python3", "-c", f"import socket; socket.create_connection(('{SERVICE}', 443), timeout=4)"))
        self.assertIn(f"{SUBNET_HOST}.53 > {SERVICE}.443", wire(), "it got as far as the firewall")
        self.ctl("laptop", "name", "remove", "corp.example")
        wait_for("the route is gone", lambda: SUBNET_HOST not in self.edge.run("ip", "route", "show", "dev", "edgeway-edge").stdout, 10)
        # Where the edge's host has a way of its own to that address, it isn't asked at all: another computer may be there.
        self.edge.ip("route", "add", SUBNET, "dev", "wan")
        wire = capture(self, self.edge, "wan", f"host {SUBNET_HOST}")
        self.ctl("laptop", "name", "add", "corp.example", "office-gw", "--resolver", SUBNET_HOST)
        with open(self.mesh.running["edge"][0].log_path) as log:
            wait_for("the edge says so", lambda: f"{SUBNET_HOST} can't be asked" in log.read(), 10)
        self.dig("+time=1", "wiki.corp.example")
        self.assertNotIn(SUBNET_HOST, wire().split("listening on")[1])
        self.ctl("laptop", "name", "remove", "corp.example")
        self.edge.ip("route", "del", SUBNET, "dev", "wan")
        wait_for("the domain is gone", lambda: self.short("+time=1", "wiki.corp.example") is not None and "wiki.corp.example" in str(self.asked(self.internet, GOOD)), 10)
        self.assertIn("wiki.corp.example", str(self.asked(self.internet, GOOD)))

    def test_resolver_of_the_host(self):
        """A private one via the default route, as in clouds: no gateway can replace it."""
        address = "10.66.0.53"
        self.internet.ip("addr", "add", f"{address}/32", "dev", "lo")
        self.dnsmasq(self.internet, address, "--address=/site.example/93.184.216.36")
        self.use(address)
        wait_for("the host's resolver", lambda: self.short("+time=2", "h.site.example") == ["93.184.216.36"], 20)
        self.ctl("laptop", "route", "add", "10.66.0.0/24", "office-gw")
        with open(self.mesh.running["edge"][0].log_path) as log:
            log.seek(0, os.SEEK_END)
            self.ctl("laptop", "name", "add", "taken.example", "office-gw", "--resolver", address)
            wait_for("the edge says so", lambda: f"{address} can't be asked" in log.read(), 10)
        self.assertNotIn("edgeway-edge", self.edge.run("ip", "route", "get", address).stdout)
        self.assertEqual(self.short("i.site.example"), ["93.184.216.36"])
        self.ctl("laptop", "route", "remove", "10.66.0.0/24")

    def test_flood_of_one_node(self):
        """Another node's questions are answered, and the edge ends as quickly as ever with all that is open."""
        flood = self.laptop.start("/usr/bin/python3", "-c", FLOOD, log="flood")
        self.addCleanup(flood.wait)
        self.addCleanup(flood.kill)

        def hung():
            with open(self.odd_log) as file:
                return file.read().count("hang.odd")
        wait_for("the flood is asked of the resolver", lambda: hung() > 100, 20)
        for number in range(10):
            self.assertEqual(self.short(f"h{number}.site.example", machine=self.gateway), ["93.184.216.34"])
        begun = time.monotonic()
        self.mesh.restart("edge", signal.SIGTERM)
        self.assertLess(time.monotonic() - begun, 5)  # promised: 1 s
        flood.kill()
        self.wait_state("office-gw", "connected", 60)
        self.wait_state("laptop", "connected", 60)
        wait_for("the edge answers again", lambda: self.short("+time=2", "i.site.example", machine=self.gateway) == ["93.184.216.34"], 30)

    def test_stays_in_its_sandbox(self):
        """libunbound needs no additional file, system call or process."""
        self.assertEqual(self.short("j.site.example"), ["93.184.216.34"])
        with open(f"/proc/{self.edge_pid()}/status") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        children = self.edge.run("pgrep", "-l", "-P", str(self.edge_pid()), check=False).stdout.splitlines()
        self.assertEqual([child.split()[1] for child in children], ["edgeway-launch"], "it has no child process but the one that starts nginx")


if __name__ == "__main__":
    unittest.main()
