#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch between real WireGuard nodes: hairpin, subnet, exit, refusals, presence, round trips, notices."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from switch_case import ALICE, BOB, NATTED, PORT, PUBLIC_PORT, SERVICE, WEBSITE, SwitchCase, link_message, wait_for  # noqa: E402

# A node's side of the link protocol: answers EDGE_PROBE, prints what comes, sends what stdin says at the start.
LINK = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 4796))
s.connect((sys.argv[2], 4796))
first = bytes.fromhex(sys.argv[3])
if first:
    s.send(first)
end = time.monotonic() + float(sys.argv[4])
while (left := end - time.monotonic()) > 0:
    s.settimeout(left)
    try:
        data = s.recv(100)
    except TimeoutError:
        break
    print(data[4], int.from_bytes(data[16:24]), int.from_bytes(data[8:16]), "%.2f" % time.monotonic(), flush=True)
    if data[4] == 6:
        s.send(data[:4] + bytes([7]) + data[5:])
"""

UDP_LISTENER = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[1])))
print("ready")
while True:
    print(s.recvfrom(100)[1][0])
"""

# To the edge's port, not sealed: each type of message, and none, in each size.
GARBAGE = """
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for kind in range(12):
    for size in (4, 148, 1500, 9000, 65507):
        s.sendto(bytes([kind % 6, 0, 0, 0]) + os.urandom(size - 4), ("203.0.113.5", int(sys.argv[1])))
"""

# Through the tunnel: one after the other, so that they leave as bursts; IPv4 may be fragmented on its way.
OVERSIZE = """
import errno, socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 10, 0)
for size in [8000, 8000, 8000, 8000, 8000, 40] * 20:
    try:
        s.sendto(bytes(size), (sys.argv[1], 9))
    except OSError as error:
        if error.errno not in (errno.EMSGSIZE, errno.ECONNREFUSED, errno.EACCES):
            raise
"""

# What a UDP socket hears of an ICMP error.
UDP_REFUSED = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.connect((sys.argv[1], 9))
s.send(b"x")
try:
    s.recv(10)
except ConnectionRefusedError:
    print("refused")
"""


class TestSwitch(SwitchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_switch()
        cls.addClassCleanup(cls.stop_cleanly)
        cls.start_nodes()
        for machine in (cls.alice, cls.bob):
            wait_for(f"{machine.name} reaches the edge", lambda: machine.ok("ping", "-n", "-c", "1", "-W", "1", SERVICE[0]), 10)

    @classmethod
    def stop_cleanly(cls):
        status = cls.switch.stop()
        assert status == 0, f"ew-switch ended with {status}: {open(cls.switch.log.name).read()[-800:]}"

    def link(self, machine, kind=0, seconds=0.5, **fields):
        """Sends one link message (0: none); (type, revision, token, time) of each that came."""
        message = link_message(kind, **fields).hex() if kind else ""
        output = machine.run("/usr/bin/python3", "-c", LINK, {"alice": ALICE, "bob": BOB}[machine.name][0], SERVICE[0], message, str(seconds)).stdout
        return [tuple(float(word) for word in line.split()) for line in output.splitlines()]

    def test_hairpin(self):
        for family in (0, 1):
            self.assert_pings(self.alice, BOB[family])
            self.assert_pings(self.bob, ALICE[family])
            self.serve(self.bob, BOB[family], 7001 + family)
            self.assertEqual(self.fetch(self.alice, BOB[family], 7001 + family)[0], ALICE[family])
            self.serve(self.alice, ALICE[family], 7003 + family)
            self.assertEqual(self.fetch(self.bob, ALICE[family], 7003 + family)[0], BOB[family])
        status = self.switch.status()
        self.assertGreater(status["stats"]["forwarded"], 1000)
        for node in ("alice", "bob"):
            self.assertEqual(status[node]["online"], 1)
            wait_for(f"{node}'s bytes are counted", lambda: self.switch.status()[node]["rx"] > 2000000, 5)
            self.assertLess(abs(status[node]["seen"] / 1e6 - time.time()), 10)
            self.assertLess(abs(status[node]["handshake"] / 1e6 - time.time()), 150)

    def test_subnet(self):
        self.assert_pings(self.alice, "10.77.0.9")
        self.assert_pings(self.printer, ALICE[0])
        self.serve(self.printer, "10.77.0.9", 7010)
        self.assertEqual(self.fetch(self.alice, "10.77.0.9", 7010)[0], ALICE[0])
        # Its hosts reach nodes, not the exit and not the edge's services.
        self.bob.run("wg", "set", "wg0", "peer", self.keys["edge"][1], "allowed-ips", "100.96.0.0/12,fd12::/48,93.184.216.0/24")
        self.bob.ip("route", "replace", "93.184.216.0/24", "dev", "wg0")
        self.assert_pings(self.bob, WEBSITE[0])
        self.assert_ping_says(self.printer, WEBSITE[0], SERVICE[0], "Packet filtered")
        self.serve(self.edge, SERVICE[0], 22)
        self.assertIsNone(self.fetch(self.printer, SERVICE[0], 22, seconds=3))

    def test_errors_from_the_service_address(self):
        self.assert_pings(self.alice, BOB[0])
        self.assert_ping_says(self.alice, BOB[0], SERVICE[0], "Time to live exceeded", "-t", "1")
        self.assert_ping_says(self.alice, BOB[1], SERVICE[1], "Hop limit", "-t", "1")
        self.assert_pings(self.alice, BOB[0], "-t", "2")
        self.assert_ping_says(self.alice, "10.77.0.9", BOB[0], "Time to live exceeded", "-t", "2")  # the gateway is the next hop
        self.assert_ping_says(self.alice, "100.96.9.9", SERVICE[0], "Destination Host Unreachable")
        self.assert_ping_says(self.alice, "fd12::9:9", SERVICE[1], "Address unreachable")
        self.assert_ping_says(self.alice, WEBSITE[0], SERVICE[0], "Time to live exceeded", "-t", "1")

    def test_trace(self):
        """Hop by hop, as traceroute sees it: the edge, the gateway, the printer behind it."""
        self.assert_pings(self.alice, "10.77.0.9")
        before = self.switch.status()["alice"]["ttl"]
        for ttl, hop in ((1, SERVICE[0]), (2, BOB[0])):
            self.assert_ping_says(self.alice, "10.77.0.9", hop, "Time to live exceeded", "-t", str(ttl))
        self.assert_pings(self.alice, "10.77.0.9", "-t", "3")
        self.assertEqual(self.switch.status()["alice"]["ttl"], before + 1)

    def test_mtu_of_a_node(self):
        """bob takes 1300 bytes: senders of more are told so and adapt, and TCP continues."""
        for family in (0, 1):
            self.assert_pings(self.alice, BOB[family])
        self.switch.say(self.node("bob", 1, "plain", "mtu=1300", *BOB, "10.77.0.0/24"))
        try:
            before = self.switch.status()
            text = self.ping(self.alice, BOB[0], "-M", "do", "-s", "1392")[1]
            self.assertRegex(text, r"From 100.96.0.1.*(mtu = 1300|mtu=1300)")
            text = self.ping(self.alice, BOB[1], "-M", "do", "-s", "1372")[1]
            self.assertRegex(text, r"From fd12::1.*(mtu = 1300|mtu=1300)")
            for family, largest in ((0, 1272), (1, 1252)):
                self.assertIn("mtu 1300", self.alice.run("ip", "route", "get", BOB[family]).stdout)
                self.assert_pings(self.alice, BOB[family], "-M", "do", "-s", str(largest))
                self.serve(self.bob, BOB[family], 7020 + family)
                self.assertEqual(self.fetch(self.alice, BOB[family], 7020 + family)[0], ALICE[family])
            self.assert_pings(self.bob, ALICE[0], "-M", "do", "-s", "1192")
            after = self.switch.status()
            self.assertGreaterEqual(after["alice"]["too_big"], before["alice"]["too_big"] + 2)
            self.assertGreaterEqual(after["stats"]["too_big"], before["stats"]["too_big"] + 2)
            self.assertGreater(after["bob"]["received"], before["bob"]["received"])
        finally:
            self.switch.say(self.node("bob", 1, "plain", *BOB, "10.77.0.0/24"))
            for machine in (self.alice, self.bob):
                machine.ip("route", "flush", "cache")
                machine.ip("-6", "route", "flush", "cache")

    def test_oversize(self):
        """Datagrams far beyond the mesh's MTU, sealed and not, alone and in bursts: refused or passed on, and what comes after them is not held up."""
        self.assert_pings(self.bob, ALICE[0])
        self.neighbour.ip("route", "replace", "203.0.113.5", "via", "192.168.50.1")
        links = [(self.bob, "wan", 1500, 9000), (self.edge, "wan", 1500, 9000), (self.internet, "to-12", 1500, 9000), (self.internet, "to-5", 1500, 9000),
                 (self.internet, "exchange", 1500, 9000), (self.bob, "wg0", 1420, 8800), (self.alice, "wg0", 1420, 60000)]
        for machine, link, usual, larger in links:
            machine.ip("link", "set", link, "mtu", str(larger))
            self.addCleanup(machine.ip, "link", "set", link, "mtu", str(usual))
        before = self.switch.status()["stats"]
        for machine in (self.neighbour, self.bob):
            machine.run("/usr/bin/python3", "-c", GARBAGE, str(PORT))
        for target in (ALICE[0], ALICE[1], SERVICE[0], SERVICE[1]):
            self.bob.run("/usr/bin/python3", "-c", OVERSIZE, target)
        for size in ("50000", "8000"):  # the largest are a datagram of 50 kB outside, too
            self.ping(self.alice, BOB[0], "-s", size, "-M", "dont", wait=1)
            self.ping(self.alice, SERVICE[0], "-s", size, "-M", "dont", wait=1)
            self.ping(self.alice, BOB[1], "-s", size, wait=1)
        for machine, address in ((self.bob, ALICE[0]), (self.alice, BOB[0]), (self.bob, ALICE[1]), (self.alice, SERVICE[0])):
            self.assertTrue(self.ping(machine, address)[0], f"{machine.name} reaches {address} at once")
        self.assertGreater(self.switch.status()["stats"]["too_big"], before["too_big"])

    def test_spoofed_source(self):
        self.assert_pings(self.alice, BOB[0])
        before = self.switch.status()["stats"]["source"]
        self.alice.ip("addr", "add", "100.96.1.9/32", "dev", "lo")
        self.addCleanup(self.alice.ip, "addr", "del", "100.96.1.9/32", "dev", "lo")
        self.assertFalse(self.ping(self.alice, BOB[0], "-I", "100.96.1.9", count=3)[0])
        wait_for("the drops are counted", lambda: self.switch.status()["stats"]["source"] >= before + 3, 5)

    def test_services_of_the_edge(self):
        for family in (0, 1):
            self.assert_pings(self.alice, SERVICE[family])
            for port in (PORT, 22):
                self.serve(self.edge, SERVICE[family], port)
                self.assertEqual(self.fetch(self.alice, SERVICE[family], port)[0], ALICE[family])
        self.serve(self.edge, "0.0.0.0", 8080)
        self.serve(self.edge, "0.0.0.0", 53)  # a resolver of the host: the edge itself serves no names
        self.assertIsNone(self.fetch(self.alice, SERVICE[0], 53, seconds=3))
        heard = self.edge.start("/usr/bin/python3", "-uc", UDP_LISTENER, "53", log="listener")
        self.addCleanup(heard.wait)
        self.addCleanup(heard.kill)
        log = os.path.join(self.edge.log_dir, "listener.log")
        wait_for("a listener", lambda: "ready" in open(log).read(), 10)
        for machine, address in ((self.alice, SERVICE[0]), (self.neighbour, "192.168.50.1")):  # the second one may
            machine.run("/usr/bin/python3", "-c", "import socket, sys; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (sys.argv[1], 53))", address)
        wait_for("the neighbour is heard", lambda: "192.168.50.2" in open(log).read(), 10)
        self.assertNotIn(ALICE[0], open(log).read())
        self.serve(self.edge, "2001:db8::5", 8081)
        self.assertIsNone(self.fetch(self.alice, SERVICE[0], 8080, seconds=3))
        self.assertIsNone(self.fetch(self.alice, "192.168.50.1", 8080, seconds=3))
        self.assertIsNone(self.fetch(self.alice, "93.184.220.1", 8080, seconds=3))
        self.assertIsNone(self.fetch(self.alice, "2001:db8::5", 8081, seconds=3))
        # … while the host itself reaches nodes.
        self.assert_pings(self.edge, ALICE[0])
        self.assert_pings(self.edge, ALICE[1])

    def test_exit(self):
        for family, seen in ((0, "203.0.113.5"), (1, "2001:db8::5")):
            self.assert_pings(self.alice, WEBSITE[family])
            self.serve(self.internet, WEBSITE[family], 8000 + family)
            self.assertEqual(self.fetch(self.alice, WEBSITE[family], 8000 + family)[0], seen)
        self.assertGreater(self.switch.status()["stats"]["exit"], 100)

    def test_segment_size(self):
        """A node that believes in 1500 bytes: the server is told what the tunnel carries."""
        self.alice.ip("link", "set", "wg0", "mtu", "1500")
        self.addCleanup(self.alice.ip, "link", "set", "wg0", "mtu", "1420")
        for family, largest in ((0, 1380), (1, 1360)):
            self.serve(self.internet, WEBSITE[family], 8010 + family)
            size = int(self.fetch(self.alice, WEBSITE[family], 8010 + family)[1])
            self.assertLessEqual(size, largest)
            self.assertGreater(size, largest - 40)

    def test_exit_refuses(self):
        self.assert_pings(self.alice, WEBSITE[0])
        for address in ("192.168.50.2", "192.168.50.1", "10.1.2.3", "172.16.0.1", "100.64.0.1", "169.254.169.254", "198.18.0.1",
                        "168.63.129.16", "93.184.222.9", NATTED):
            with self.subTest(address=address):
                self.assert_ping_says(self.alice, address, SERVICE[0], "Packet filtered")
        for address in ("2001:db8::1", "fd99::1", "64:ff9b::a00:1"):
            with self.subTest(address=address):
                self.assert_ping_says(self.alice, address, SERVICE[1], "prohibited")

    def test_exit_reaches_neighbors_and_own_sites(self):
        """Global addresses are the internet, also on the edge's links and its own; of its host only the public ports."""
        for family, (own, other) in enumerate((("93.184.220.1", "93.184.220.2"), ("2600:9::1", "2600:9::2"))):
            for address in (own, other):
                self.assert_pings(self.alice, address)
            everywhere = ("0.0.0.0", "::")[family]
            self.serve(self.neighbour, other, 8030)
            self.assertEqual(self.fetch(self.alice, other, 8030)[0], own)
            self.serve(self.edge, everywhere, PUBLIC_PORT)
            self.serve(self.edge, everywhere, 8031)
            self.assertEqual(self.fetch(self.alice, own, PUBLIC_PORT)[0], ALICE[family])
            for address, port in ((own, 8031), (own, PORT), (SERVICE[family], PUBLIC_PORT), ("192.168.50.1", PUBLIC_PORT)):
                self.assertIsNone(self.fetch(self.alice, address, port, 2), (address, port))
        # Behind a 1:1 NAT: the packet stays here instead of coming back under the edge's own address.
        self.assertEqual(self.fetch(self.alice, NATTED, PUBLIC_PORT)[0], ALICE[0])
        self.assertIsNone(self.fetch(self.alice, NATTED, 8031, 2))

    def test_exit_reaches_published_sites(self):
        """What the host forwards from a public port of its own address, as Docker does; other ports stay closed."""
        self.serve(self.neighbour, "192.168.50.2", 8040)
        for port in (PUBLIC_PORT, 8041):
            self.assertIsNone(self.fetch(self.alice, "93.184.220.1", port, 2), port)
        self.edge.nft("table ip published { chain in { type nat hook prerouting priority dstnat; "
                      f"fib daddr type local tcp dport {{ {PUBLIC_PORT}, 8041 }} dnat to 192.168.50.2:8040; }}; }}\n")
        self.addCleanup(self.edge.run, "nft", "delete", "table", "ip", "published")
        self.assertEqual(self.fetch(self.alice, "93.184.220.1", PUBLIC_PORT)[0], "192.168.50.1")
        self.assertIsNone(self.fetch(self.alice, "93.184.220.1", 8041, 2))
        self.assertIsNone(self.fetch(self.alice, "192.168.50.2", 8040, 2))

    def test_no_ipv6_upstream(self):
        self.assert_pings(self.alice, WEBSITE[1])
        self.edge.ip("-6", "route", "del", "default")
        try:
            wait_for("IPv6 is refused", lambda: "No route" in self.ping(self.alice, WEBSITE[1])[1], 5)
        finally:
            self.edge.ip("-6", "route", "add", "default", "via", "2001:db8::1")
        self.assert_pings(self.alice, WEBSITE[1])

    def test_mesh_from_outside(self):
        """CVE-2019-14899: a neighbor on the edge's link cannot probe what is in the tunnel."""
        self.assert_pings(self.alice, SERVICE[0])
        for address in (SERVICE[0], ALICE[0]):
            self.assertFalse(self.ping(self.neighbour, address)[0])
        self.assertTrue(self.ping(self.neighbour, "192.168.50.1")[0])
        self.assertFalse(self.ping(self.neighbour, SERVICE[1])[0])

    def test_presence(self):
        self.assert_pings(self.alice, SERVICE[0])
        self.assert_pings(self.bob, SERVICE[0])
        since = time.monotonic()
        self.link(self.alice, 5, 0.05)  # GOODBYE
        self.assertLess(self.switch.presence("alice", "offline", since, 5), 5)
        self.assertEqual(self.switch.status()["alice"]["online"], 0)
        self.assert_ping_says(self.bob, ALICE[0], SERVICE[0], "Destination Host Unreachable")
        since = time.monotonic()
        answers = self.link(self.alice, 1, token=77, revision=1)  # a PROBE: it is back at once
        self.assertEqual([(kind, token) for kind, _, token, _ in answers], [(2, 77)])
        self.assertLess(self.switch.presence("alice", "online", since, 5), 5)
        self.assert_pings(self.bob, ALICE[0])

    def test_round_trips(self):
        self.assert_pings(self.alice, SERVICE[0])
        self.assert_pings(self.bob, SERVICE[0])
        self.switch.say("viewers 1")
        self.addCleanup(self.switch.say, "viewers 0")
        # Every 2 s. On a loaded machine one comes late, and the next one after it early, but none twice: the listener may
        # have started late, so it is the first that it saw which counts.
        probes = [line for line in self.link(self.alice, seconds=15) if line[0] == 6]
        self.assertGreaterEqual(len(probes), 3)
        self.assertAlmostEqual((probes[-1][3] - probes[0][3]) / (len(probes) - 1), 2, delta=0.7)
        tokens = [line[2] for line in probes]  # the next one can't be predicted from earlier ones
        self.assertGreater(min(abs(a - b) for a, b in zip(tokens, tokens[1:])), 1 << 32, tokens)
        for node in ("alice", "bob"):  # by the link protocol, and by ICMP echo
            rtt = self.switch.status()[node]["rtt"]
            self.assertGreater(rtt, 0)
            self.assertLess(rtt, 1000)
        self.switch.say("viewers 0")
        wait_for("the round trip is too old", lambda: self.switch.status()["alice"]["rtt"] < 0, 20)

    def test_notice(self):
        self.assert_pings(self.alice, SERVICE[0])
        self.link(self.alice, 1, revision=9)
        self.switch.say(self.node("alice", 2, *ALICE))  # revisions are hashes: the new one may be the smaller number
        notices = [line for line in self.link(self.alice, seconds=9) if line[0] == 3]
        # The first may have come before this process was there.
        self.assertIn(len(notices), (3, 4))
        self.assertEqual({revision for _, revision, _, _ in notices}, {2})
        self.assertAlmostEqual(notices[-1][3] - notices[-2][3], 4, delta=1)
        self.switch.say(self.node("alice", 3, *ALICE))
        time.sleep(0.3)  # real time: a notice that is on its way comes first
        answer = self.link(self.alice, 1, token=5, revision=3, seconds=4)  # it knows
        self.assertEqual([(kind, revision) for kind, revision, token, _ in answer if token == 5], [(2, 3)])
        self.assertEqual([line for line in answer if line[0] == 3], [])
        self.switch.say(self.node("alice", 1, *ALICE))

    def test_verdict(self):
        self.assert_pings(self.alice, BOB[0])
        self.switch.say("refuse")
        try:
            self.switch.status()
            self.assert_ping_says(self.alice, BOB[0], SERVICE[0], "Packet filtered")
            self.assert_ping_says(self.alice, WEBSITE[0], SERVICE[0], "Packet filtered")
        finally:
            self.switch.say("allow")
        self.assert_pings(self.alice, BOB[0])

    def test_verdict_about_flows(self):
        """alice may open flows to bob, bob only answers; an open flow ends when the policy changes."""
        self.assert_pings(self.alice, BOB[0])
        self.assert_pings(self.bob, ALICE[0])
        self.switch.say("one-way alice")
        try:
            self.switch.status()
            for family in (0, 1):
                self.assert_pings(self.alice, BOB[family])
                self.serve(self.bob, BOB[family], 7030 + family)
                self.assertEqual(self.fetch(self.alice, BOB[family], 7030 + family)[0], ALICE[family])
                self.assertFalse(self.ping(self.bob, ALICE[family])[0])
            # An error about an allowed packet arrives: the port is closed.
            self.assertIn("refused", self.alice.run("/usr/bin/python3", "-c", UDP_REFUSED, BOB[0]).stdout)
            self.switch.say("one-way bob")
            self.switch.status()
            self.assertFalse(self.ping(self.alice, BOB[0])[0])
            self.assert_pings(self.bob, ALICE[0])
        finally:
            self.switch.say("allow")
        self.assert_pings(self.alice, BOB[0])

    def test_removal(self):
        self.assert_pings(self.alice, BOB[0])
        self.switch.say("remove bob")
        self.switch.status()
        self.assert_ping_says(self.alice, BOB[0], SERVICE[0], "Destination Host Unreachable")
        self.assert_ping_says(self.alice, "10.77.0.9", SERVICE[0], "Packet filtered")
        self.assertFalse(self.ping(self.bob, SERVICE[0])[0])
        self.switch.say(self.node("bob", 1, "plain", *BOB, "10.77.0.0/24"))
        self.bob.run("wg", "set", "wg0", "peer", self.keys["edge"][1], "endpoint", f"203.0.113.5:{PORT}")  # a new session
        wait_for("bob is back", lambda: self.ping(self.bob, SERVICE[0])[0], 30)


if __name__ == "__main__":
    unittest.main(verbosity=2)
