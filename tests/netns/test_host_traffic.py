# SPDX-License-Identifier: GPL-3.0-or-later
"""Where packets go in each mode: the guard, the LAN, rogue routes, IPv6, forwarding, and what must not be reachable from outside."""
import contextlib
import itertools
import os
import re
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from host_world import CLIENT, CLIENT6, GATEWAY, MESH, PUBLIC, SITE, SITE6, Session, World, inside  # noqa: E402

CONNECTOR, VPN = f"apply {MESH}", f"apply {MESH} vpn"
MESH4 = "address=100.96.1.7 route=100.96.0.0/12 mesh=100.96.0.0/12"
BY_TUNNEL, BY_OUTSIDE = "b 100.96.1.7", "o 192.168.7.2"


class Traffic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.before = cls.world.settled_snapshot()

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.tidy)
        self.driver = self.stack.enter_context(self.world.driver())

    def tidy(self):
        self.driver.do("undo")
        self.stack.close()
        self.assertEqual(self.world.snapshot(), self.before)

    def host(self, script, undo=None):
        if undo:
            self.stack.callback(self.world.sh, self.world.host, undo)
        return self.world.sh(self.world.host, script)

    def session(self, **options):
        session = Session(self.world, **options)
        self.stack.callback(session.close)
        self.assertTrue(session.works())
        return session

    def rp_filter(self, value):
        names = [f"net.ipv4.conf.{name}.rp_filter" for name in ("all", "default", "eth0", "lan0", "edgeway0")]
        self.host("sysctl -qw " + " ".join(f"{name}={value}" for name in names))

    def test_ways(self):
        self.driver.do(CONNECTOR)
        self.assertEqual(self.world.seen(SITE), BY_OUTSIDE)
        self.assertEqual(self.world.seen("100.96.2.2"), BY_TUNNEL)
        self.assertEqual(self.world.seen("10.9.0.5"), BY_TUNNEL)
        self.assertEqual(self.world.seen("fd45::22"), "b fd45::7")
        self.driver.do(VPN)
        self.assertEqual(self.world.seen(SITE), BY_TUNNEL)
        self.assertEqual(self.world.seen(SITE6), "b fd45::7")
        self.assertEqual(self.world.seen("100.96.2.2"), BY_TUNNEL)
        # The LAN stays, private and multicast alike.
        self.assertEqual(self.world.seen("192.168.55.10"), "i 192.168.55.1")
        self.assertEqual(self.world.seen("192.168.7.1"), BY_OUTSIDE)
        self.assertIn("eth0", self.host("ip route get 239.255.255.250"))
        # A program that binds to another address of the machine gets through, too.
        self.assertEqual(self.world.seen(SITE, source="192.168.7.2"), BY_TUNNEL)
        # The daemon's own sockets bypass the tunnel.
        self.assertIn("dev eth0", self.host(f"ip route get {SITE} mark 0x45640000"))
        self.driver.do(CONNECTOR)
        self.assertEqual(self.world.seen(SITE), BY_OUTSIDE)

    def guard(self, rp_filter):
        """Sessions from outside live through both switches, whenever they began, and whichever end speaks first."""
        self.rp_filter(rp_filter)
        self.stack.callback(self.rp_filter, 0)
        older = [self.session(port=2201), self.session(port=2202, client=CLIENT6, server="2001:db8:7::2"),
                 self.session(port=2203, keep_listener=False), self.session(port=2207, server=PUBLIC)]
        self.driver.do(CONNECTOR)
        connected = self.session(port=2204)
        self.driver.do(VPN)
        during = [self.session(port=2205), self.session(port=2208, server=PUBLIC), self.session(port=2206, client=CLIENT6, server="2001:db8:7::2")]
        for session in older + [connected] + during:
            self.assertTrue(session.works())
        self.assertEqual(self.world.seen(SITE), BY_TUNNEL)
        self.driver.do(CONNECTOR)
        for session in older + [connected] + during:
            self.assertTrue(session.works())
        self.driver.do(VPN)
        for session in older + [connected] + during:
            self.assertTrue(session.works())
        self.driver.do("undo")
        for session in older + [connected] + during:
            self.assertTrue(session.works())

    def test_guard_rp_filter_off(self):
        self.guard(0)

    def test_guard_rp_filter_strict(self):
        self.guard(1)

    def test_guard_rp_filter_loose(self):
        self.guard(2)

    def test_guard_survives_a_crash_in_vpn_mode(self):
        session = self.session()
        with self.world.driver() as crashed:
            crashed.do(VPN)
        self.assertTrue(session.works())
        self.assertTrue(self.session(port=2300).works())
        with self.world.driver() as started_again:
            started_again.do("undo")
        self.assertTrue(session.works())

    def test_guard_where_conntrack_ran_before(self):
        """Another firewall tracked the flow already, and it began the "wrong" way round for it."""
        self.host("nft add table ip other; nft add chain ip other in '{ type filter hook input priority 0; }'; "
                  "nft add rule ip other in ct state established accept", "nft delete table ip other")
        session = self.session()
        self.host("conntrack -F 2>/dev/null || true")
        session.server.sendall(b"x")
        self.assertEqual(session.client.recv(10), b"x")
        self.driver.do(VPN)
        self.assertTrue(session.works())

    def test_marks_of_others_are_kept(self):
        """The lower half of a connection's mark stays; a flow whose upper half another program uses is still guarded."""
        self.host("nft add table ip other; nft add chain ip other in '{ type filter hook prerouting priority mangle - 1; }'; "
                  "nft add rule ip other in ct state new tcp dport 2401 ct mark set 0x1234; "
                  "nft add rule ip other in ct state new tcp dport 2402 ct mark set 0x00ff0007", "nft delete table ip other")
        self.driver.do(VPN)
        lower, upper = self.session(port=2401), self.session(port=2402)
        table = self.host("cat /proc/net/nf_conntrack")
        self.assertRegex(table, rf"dport=2401 .* mark={0x45651234} ")
        self.assertRegex(table, rf"dport=2402 .* mark={0x00ff0007} ")
        self.driver.do(CONNECTOR)
        self.assertRegex(self.host("cat /proc/net/nf_conntrack"), rf"dport=2401 .* mark={0x1234} ")
        self.assertTrue(lower.works() and upper.works())
        self.driver.do(VPN)
        self.assertTrue(lower.works())
        self.assertRegex(self.host("cat /proc/net/nf_conntrack"), rf"dport=2401 .* mark={0x45651234} ")
        self.driver.do("undo")
        self.assertRegex(self.host("cat /proc/net/nf_conntrack"), rf"dport=2401 .* mark={0x1234} ")

    def udp(self, port, server_address, client_address, to, late=False):
        """A UDP service whose own packet is the first that conntrack sees: the next that comes in sets it right.
        late: it starts in VPN mode."""
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        if late:
            self.driver.do(VPN)
        server = self.world.listen(self.world.host, port, family, socket.SOCK_DGRAM, server_address)
        server.settimeout(2)
        with inside(self.world.outside):
            client = socket.socket(family, socket.SOCK_DGRAM)
        with client:
            client.bind((client_address, 0))
            client.connect((to, port))  # takes answers from that address only
            client.settimeout(2)
            client.send(b"1")
            peer = server.recvfrom(10)[1]
            if not late:
                self.driver.do(VPN)
            server.sendto(b"lost", peer)
            for turn in (b"2", b"3"):
                client.send(turn)
                self.assertEqual(server.recvfrom(10)[0], turn)
                server.sendto(turn, peer)
                answer = client.recv(10)
                self.assertEqual(client.recv(10) if answer == b"lost" else answer, turn)
            self.driver.do(CONNECTOR)

    def test_udp_bound_to_an_address(self):
        self.udp(4500, "192.168.7.2", CLIENT, "192.168.7.2")

    def test_udp_bound_to_none(self):
        self.udp(4501, "", CLIENT, "192.168.7.2")
        self.udp(4502, "::", CLIENT6, "2001:db8:7::2")
        self.udp(60001, "", CLIENT, "192.168.7.2")
        self.udp(4503, "", CLIENT, PUBLIC)

    def test_udp_started_in_vpn_mode(self):
        self.udp(45000, "", CLIENT, "192.168.7.2", late=True)
        self.udp(45001, PUBLIC, CLIENT, PUBLIC, late=True)

    def datagrams(self, address, port):
        """Listeners at one address and port on both sides: outside and beyond the tunnel."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sides = {}
        for letter, namespace in (("o", self.world.outside), ("b", self.world.beyond)):
            sides[letter] = self.world.listen(namespace, port, family, socket.SOCK_DGRAM, address)
            sides[letter].settimeout(1)
            self.stack.callback(sides[letter].close)
        return sides

    def heard(self, sides, send):
        """Which side receives what send() sends, and from which address; a second later the other side has still received nothing."""
        send()
        for letter, other in (("b", "o"), ("o", "b")):
            with contextlib.suppress(TimeoutError):
                peer = sides[letter].recvfrom(10)[1]
                sides[other].setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    self.fail(f"both sides heard it: {sides[other].recvfrom(10)}")
                sides[other].settimeout(1)
                return f"{letter} {peer[0]}"
        return "nobody"

    def client(self, address, port, connected):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with inside(self.world.host):
            client = socket.socket(family, socket.SOCK_DGRAM)
        self.stack.callback(client.close)
        client.bind(("", port))
        if connected:
            client.connect((address, 443))
        return (lambda: client.send(b"q")) if connected else (lambda: client.sendto(b"q", (address, 443)))

    def test_unasked_datagrams_divert_nothing(self):
        """One from outside, with the address of a host that this one speaks to through the tunnel, true or forged: the host's own
        datagrams stay in the tunnel. That holds whether it was unsolicited, no program listens, or the host's firewall drops it."""
        self.world.sh(self.world.outside, "ip addr add fd45::22 dev lo; ip addr add 100.96.2.2 dev lo")
        self.stack.callback(self.world.sh, self.world.outside, "ip addr del fd45::22/128 dev lo; ip addr del 100.96.2.2/32 dev lo")
        self.driver.do(VPN)
        # The site's, a mesh node's; for each a connected socket and, as QUIC and DNS servers have them, one that is not.
        for number, (address, local) in enumerate(((SITE, "192.168.7.2"), (SITE6, "2001:db8:7::2"), ("100.96.2.2", "192.168.7.2"), ("fd45::22", "2001:db8:7::2"))):
            sides, expected = self.datagrams(address, 443), "b fd45::7" if ":" in address else BY_TUNNEL
            for connected in (True, False):
                with self.subTest(address=address, connected=connected):
                    port = 50500 + 2 * number + connected
                    send = self.client(address, port, connected)
                    self.assertEqual(self.heard(sides, send), expected)
                    for target in (port, 9):
                        sides["o"].sendto(b"x", (local, target))
                    self.assertEqual(self.heard(sides, send), expected)
                    # A router's advertisement is enough to have the rules loaded again.
                    self.driver.do(VPN)
                    sides["o"].sendto(b"x", (local, port))
                    self.assertEqual(self.heard(sides, send), expected, "after the rules were loaded again")
            with self.subTest(address=address, firewall="drop"):
                self.host("nft add table inet fw; nft add chain inet fw in '{ type filter hook input priority 0; policy drop; }'")
                send = self.client(address, 50600 + number, True)
                sides["o"].sendto(b"x", (local, 50600 + number))
                try:
                    self.assertEqual(self.heard(sides, send), expected)
                finally:
                    self.host("nft delete table inet fw")

    def test_older_outgoing_connections_do_not_stay_outside(self):
        """They were opened here, and VPN mode applies to all of them. Packets that arrive on them from outside don't make them inbound."""
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            server = self.world.listen(self.world.outside, 4600, socket.AF_INET, kind, CLIENT)
            server.settimeout(2)
            with inside(self.world.host):
                client = socket.socket(socket.AF_INET, kind)
            with client:
                client.bind(("", 40600))  # the kernel might choose one of mosh's, which count as served
                client.connect((CLIENT, 4600))
                client.send(b"1")
                if kind == socket.SOCK_STREAM:
                    there, peer = server.accept()[0], None
                    self.assertEqual(there.recv(10), b"1")
                else:
                    there, peer = server, server.recvfrom(10)[1]
                self.driver.do(VPN)
                for _ in range(2):
                    there.send(b"2") if peer is None else there.sendto(b"2", peer)
                    time.sleep(0.1)  # real time: the second doesn't answer the first
                there.settimeout(0.7)
                client.send(b"3")
                try:
                    came = there.recvfrom(10)
                except TimeoutError:
                    came = None
                self.assertIsNone(came, f"{kind!r}: it stayed outside")
                self.driver.do(CONNECTOR)
                there.close()

    ROGUE = ["0.0.0.0/1 via 192.168.7.1", "128.0.0.0/1 via 192.168.7.1", "198.51.100.0/24 via 192.168.7.1", "10.9.0.0/24 via 192.168.7.1",
             "100.96.2.0/24 via 192.168.7.1", "198.51.100.4/30 dev eth0", "2001:db8:5::/64 via 2001:db8:7::1", "fd45::/64 via 2001:db8:7::1"]

    def assert_in_the_mesh(self):
        for address, seen in {"10.9.0.5": BY_TUNNEL, "100.96.2.2": BY_TUNNEL, "fd45::22": "b fd45::7"}.items():
            self.assertEqual(self.world.seen(address), seen, address)

    def test_rogue_routes(self):
        """A DHCP server's long prefixes pull nothing out of the tunnel (TunnelVision), nor does a LAN that claims its addresses."""
        self.host("sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv4.ip_forward=0")
        self.world.sh(self.world.inner, "ip route add default via 192.168.55.1")
        self.stack.callback(self.world.sh, self.world.inner, "ip route del default")
        for mode in (CONNECTOR, VPN):
            with self.subTest(mode):
                self.driver.do(mode)
                with contextlib.ExitStack() as stack:
                    for route in self.ROGUE:
                        self.host(f"ip route add {route}")
                        stack.callback(self.host, f"ip route del {route}")
                    self.host("ip addr add 100.96.2.9/24 dev eth0; ip addr add 198.51.100.7/30 dev eth0")
                    stack.callback(self.host, "ip addr del 100.96.2.9/24 dev eth0; ip addr del 198.51.100.7/30 dev eth0")
                    for again in range(2):
                        self.assert_in_the_mesh()
                        for address in ("100.96.2.2", "10.9.0.5"):
                            self.assertEqual(self.world.seen(address, self.world.inner)[:2], "b ", "a container's")
                        if mode == VPN:
                            self.assertEqual(self.world.seen(SITE), BY_TUNNEL)
                            self.assertEqual(self.world.seen(SITE6), "b fd45::7")
                        self.driver.do(mode)  # applying it again doesn't weaken it
        # Routes to other private networks are the owner's: they stay.
        self.host("ip route add 172.29.0.0/16 via 192.168.55.10", "ip route del 172.29.0.0/16")
        self.assertIn("lan0", self.host("ip route get 172.29.1.1"))

    def test_a_rogue_route_to_all_of_the_mesh(self):
        """Exactly the mesh's range, and present before it: the mesh still gets its addresses. An accepted route stays the other program's, if that
        has it."""
        for route in ("100.96.0.0/12 via 192.168.7.1", "fd45::/48 via 2001:db8:7::1", "10.9.0.0/16 via 192.168.7.1 metric 100"):
            self.host(f"ip route add {route}", f"ip route del {route}")
        for mode in (CONNECTOR, VPN):
            with self.subTest(mode):
                self.driver.do(mode)
                self.assertEqual(self.world.seen("100.96.2.2"), BY_TUNNEL)
                self.assertEqual(self.world.seen("fd45::22"), "b fd45::7")
                self.assertIn("100.96.0.0/12", self.driver.do("diagnose 100.96.0.0/12"))
                self.assertIn("dev eth0", self.host("ip route get 10.9.0.5"))

    def test_private_networks_behind_the_router(self):
        """What the edge refuses must not enter the tunnel: the next subnet, its name server, Azure's; the mesh's own stays in it."""
        far = ("10.53.0.53", "172.20.0.9", "100.72.0.3", "168.63.129.16")
        self.world.sh(self.world.outside, "".join(f"ip addr add {address} dev lo; " for address in far))
        self.stack.callback(self.world.sh, self.world.outside, "".join(f"ip addr del {address}/32 dev lo; " for address in far))
        self.driver.do(VPN)
        for address in far:
            self.assertEqual(self.world.seen(address), BY_OUTSIDE, address)
        self.assert_in_the_mesh()
        self.driver.do(VPN + " route=10.0.0.0/8")
        self.assertNotEqual(self.world.seen("10.53.0.53", timeout=0.5), BY_OUTSIDE, "an accepted route is in the tunnel, as wide as it may be")

    def test_containers_with_public_addresses(self):
        """A network that the machine makes for itself is reached directly, whatever its addresses; one that comes by an uplink is not."""
        self.host("ip addr add 198.18.5.1/24 dev lan0; ip addr add 2001:db8:5:5::1/64 dev lan0 nodad",
                  "ip addr del 198.18.5.1/24 dev lan0; ip addr del 2001:db8:5:5::1/64 dev lan0")
        self.world.sh(self.world.inner, "ip addr add 198.18.5.10/24 dev lan0; ip addr add 2001:db8:5:5::10/64 dev lan0 nodad")
        self.stack.callback(self.world.sh, self.world.inner, "ip addr del 198.18.5.10/24 dev lan0; ip addr del 2001:db8:5:5::10/64 dev lan0")
        self.driver.do(VPN)
        self.assertEqual(self.world.seen("198.18.5.10"), "i 198.18.5.1")
        self.assertEqual(self.world.seen("2001:db8:5:5::10"), "i 2001:db8:5:5::1")
        self.assertEqual(self.world.seen(SITE), BY_TUNNEL)

    def test_policy_routing_of_the_owner(self):
        """Two cards and "from ADDRESS lookup TABLE": what the guard marks sees these rules, to private addresses, too."""
        self.host(f"ip route add default via 192.168.55.10 table 10002; ip rule add from {PUBLIC} lookup 10002 priority 10002",
                  "ip rule del priority 10002; ip route flush table 10002")
        self.driver.do(VPN)
        for client in (CLIENT, "10.8.9.7", "172.16.3.3", "192.168.9.9"):
            self.assertIn("dev lan0", self.host(f"ip route get {client} from {PUBLIC} mark 0x45640000"), client)
            self.assertIn("dev eth0", self.host(f"ip route get {client} from 192.168.7.2 mark 0x45640000"), client)

    def test_gateways_are_not_looked_for_in_the_tunnel(self):
        """A route by a gateway without an interface's name, in the middle of VPN mode, private or public."""
        self.driver.do(VPN)
        self.host("ip addr add 203.0.113.70/24 dev lan0", "ip addr del 203.0.113.70/24 dev lan0")
        self.host("ip route add 172.29.0.0/16 via 192.168.55.10; ip route add 172.30.0.0/16 via 203.0.113.71",
                  "ip route del 172.29.0.0/16; ip route del 172.30.0.0/16")
        self.assertRegex(self.host("ip route show root 172.28.0.0/14"), "172.29.0.0/16 via 192.168.55.10 dev lan0(.|\\n)*172.30.0.0/16 via 203.0.113.71 dev lan0")

    def counter(self, namespace, *matches):
        """A function that says how many packets that match have come to the namespace since it was last asked."""
        rules = "".join(f"nft add rule inet counted f '{match} counter'; " for match in matches)
        self.world.sh(namespace, "nft add table inet counted; nft add chain inet counted f '{ type filter hook prerouting priority -400; }'; " + rules)
        self.stack.callback(self.world.sh, namespace, "nft delete table inet counted")
        last = 0

        def since():
            nonlocal last
            before, last = last, sum(int(n) for n in re.findall(r"packets (\d+)", self.world.sh(namespace, "nft list table inet counted")))
            return last - before
        return since

    def leaks(self, *addresses):
        return self.counter(self.world.outside, *(f"{'ip6' if ':' in address else 'ip'} daddr {address}" for address in addresses))

    REMOVE_RULES = "for f in 4 6; do for p in $(ip -$f rule | awk -F: '$1 > 0 && $1 < 32766 { print $1 }'); do ip -$f rule del priority $p; done; done"

    def try_all(self, *addresses):
        """TCP, UDP and ping; what TCP gets."""
        tcp = [self.world.seen(address, timeout=0.3) for address in addresses]
        for address in addresses:
            with inside(self.world.host), socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client, \
                    contextlib.suppress(OSError):
                client.sendto(b"x", (address, 443))
            self.host(f"ping -c1 -W0.2 {address} || true")
        return tcp

    def test_nothing_leaves_when_all_is_removed(self):
        """Another program removes rules, routes, addresses, sets the link down: until they are restored nothing leaves unencrypted."""
        takings = {"rules": self.REMOVE_RULES, "main routes": "ip route flush table main proto 69; ip -6 route flush table main proto 69",
                   "link down": "ip link set edgeway0 down", "addresses": "ip addr flush dev edgeway0",
                   "all of it": f"{self.REMOVE_RULES}; ip link set edgeway0 down; ip addr flush dev edgeway0; ip route flush proto 69"}
        meshed = ("100.96.2.2", "10.9.0.5", "fd45::22")
        leaked = self.leaks(*meshed, SITE, SITE6)
        self.driver.do(CONNECTOR)
        session, ports = self.session(port=2700), itertools.count(2701)
        for mode, addresses in ((CONNECTOR, meshed), (VPN, (*meshed, SITE, SITE6))):
            for what, taking in takings.items():
                with self.subTest(mode=mode[-5:], taken=what):
                    self.driver.do(mode)
                    for address in addresses:
                        self.assertTrue(self.world.seen(address).startswith("b "), address)
                    leaked()  # the last packets of former connections
                    self.host(taking)
                    answers = self.try_all(*addresses)
                    self.assertFalse([seen for seen in answers if seen.startswith("o")], answers)
                    self.assertEqual(leaked(), 0)
                    # What is to go outside does: the LAN, sessions from outside, and without VPN mode the internet.
                    self.assertEqual(self.world.seen("192.168.7.1"), BY_OUTSIDE)
                    self.assertTrue(session.works())
                    self.assertTrue(self.session(port=next(ports), client=CLIENT6, server="2001:db8:7::2").works())
                    if mode == CONNECTOR:
                        self.assertEqual(self.world.seen(SITE, source="192.168.7.2"), BY_OUTSIDE)

    def bound(self, option, value, address=SITE):
        with inside(self.world.host), socket.socket() as client:
            client.settimeout(0.5)
            client.setsockopt(socket.SOL_SOCKET, option, value)
            try:
                client.connect((address, 80))
                return client.recv(100).decode()
            except OSError as error:
                return type(error).__name__

    def test_sockets_that_go_their_own_way(self):
        """Bound to an interface: blocked in VPN mode. With an administrator's mark and rule: as that rule says."""
        self.host("ip rule add fwmark 0x80000/0xff0000 lookup main priority 100", "ip rule del priority 100")
        self.driver.do(CONNECTOR)
        self.assertEqual(self.bound(socket.SO_BINDTODEVICE, b"eth0"), BY_OUTSIDE)
        self.assertNotIn(" ", self.bound(socket.SO_BINDTODEVICE, b"eth0", "100.96.2.2"))
        self.driver.do(VPN)
        self.assertNotIn(" ", self.bound(socket.SO_BINDTODEVICE, b"eth0"))
        self.assertEqual(self.bound(36, 0x80000), BY_OUTSIDE)  # SO_MARK

    SEND = """
import os, socket, sys
uid, kind, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
os.setuid(uid)
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0"); s.settimeout(0.3)
try:
    s.connect((sys.argv[4], port)); s.send(b"x")
except OSError:
    pass"""

    def test_who_may_leave_by_a_link(self):
        """Local name servers bind their questions to the link, and NetworkManager its check for a captive portal. Nothing else of theirs may, and no
        other program."""
        root, passwd, unit = "/sys/fs/cgroup", f"{self.world.folder}/passwd", "/sys/fs/cgroup/system.slice/NetworkManager.service"
        with open(passwd, "w") as file:
            file.write("root:x:0:0::/:/bin/sh\nsystemd-resolve:x:61901:61901::/:/bin/sh\ndnsmasq:x:61902:61902::/:/bin/sh\n")
        wrap = ("unshare", "-m", "sh", "-ec", f'mount -t cgroup2 none {root}; mkdir -p {unit}; mount --bind {passwd} /etc/passwd; exec "$@"', "-")
        driver = self.stack.enter_context(self.world.driver(wrap=wrap))
        leaked = self.leaks(SITE)
        driver.do(VPN)
        self.stack.callback(driver.do, "undo")
        for uid, inside_unit, kind, port, leaves in (
                (61901, False, "udp", 53, True), (61901, False, "tcp", 853, True), (61901, False, "udp", 54, False), (61902, False, "udp", 53, True),
                (61903, False, "udp", 53, False), (0, False, "tcp", 80, False), (0, True, "tcp", 80, True), (0, True, "tcp", 81, False)):
            with self.subTest(uid=uid, inside_unit=inside_unit, kind=kind, port=port):
                join = f"mount -t cgroup2 none {root}; echo 0 >{unit}/cgroup.procs; " if inside_unit else ""
                subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-ec", join + 'exec "$@"', "-", "nsenter", f"--net=/run/netns/{self.world.host}",
                                "/usr/bin/python3", "-c", self.SEND, str(uid), kind, str(port), SITE], check=True)
                self.assertEqual(leaked() > 0, leaves)

    def test_ipv6_does_not_leak(self):
        self.assertEqual(self.world.seen(SITE6), "o 2001:db8:7::2")
        self.driver.do(f"apply {MESH4} vpn")
        started = time.monotonic()
        self.assertIn("ConnectionRefused", self.world.seen(SITE6))
        self.assertLess(time.monotonic() - started, 1.5, "unreachable at once, no silence")
        self.assertEqual(self.world.seen(SITE), BY_TUNNEL)
        self.assertEqual(self.world.seen("fd55::10"), "i fd55::1")
        self.assertTrue(self.session(client=CLIENT6, server="2001:db8:7::2", port=2501).works())

    def test_mesh_addresses_are_for_the_tunnel(self):
        """CVE-2019-14899: a neighbor on the LAN can neither find out nor reach the mesh IP; the mesh can."""
        self.world.listen(self.world.host, 2600)
        probe = self.world.outside
        self.world.sh(probe, "ip route add 100.96.1.7 via 192.168.7.2; ip -6 route add fd45::7 via 2001:db8:7::2")
        self.stack.callback(self.world.sh, probe, "ip route del 100.96.1.7 via 192.168.7.2; ip -6 route del fd45::7")
        ping = "ping -c1 -W1 {} >/dev/null && echo answered || echo silent"
        self.driver.do(f"apply {MESH}")
        self.assertEqual(self.world.sh(probe, ping.format("100.96.1.7")), "silent\n")
        self.assertEqual(self.world.sh(probe, ping.format("fd45::7")), "silent\n")
        self.assertEqual(self.world.sh(self.world.beyond, ping.format("-I 100.96.2.2 100.96.1.7")), "answered\n")
        self.assertEqual(self.world.sh(self.world.host, ping.format("100.96.1.7")), "answered\n")
        self.world.sh(probe, "ip route add 100.96.1.7 dev eth0 metric 5; ip route del 100.96.1.7 via 192.168.7.2; ping -c1 -W1 100.96.1.7 || true; "
                             "ip route add 100.96.1.7 via 192.168.7.2; ip route del 100.96.1.7 dev eth0 metric 5")
        self.assertNotRegex(self.world.sh(probe, "ip neigh show 100.96.1.7"), "lladdr")

    def through(self, address):
        return self.world.seen(address, self.world.beyond, "fd45::22" if ":" in address else "100.96.2.2")

    def segment_size(self, address):
        """What the two ends of a connection from the mesh agree on; the devices at both have an MTU of 1500."""
        with inside(self.world.beyond), socket.socket() as client:
            client.bind(("100.96.2.2", 0))
            client.connect((address, 80))
            return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)

    def test_gateway(self):
        self.driver.do(CONNECTOR)
        self.assertNotIn("i ", self.through("192.168.55.10"))
        self.driver.do(CONNECTOR + GATEWAY)
        self.assertEqual(self.through("192.168.55.10"), "i 192.168.55.1")
        self.assertEqual(self.through("fd55::10"), "i fd55::1")
        self.assertIn("conf/eth0/accept_ra:2", self.world.snapshot(), "who forwards keeps its router")
        self.assertLessEqual(self.segment_size("192.168.55.10"), 1380)
        self.assertNotIn("o ", self.through("192.168.7.1"), "only what was accepted")
        self.assertNotIn("o ", self.through(CLIENT))
        self.assertNotIn("i ", self.world.seen("192.168.55.10", self.world.beyond, SITE), "only from the mesh")
        self.driver.do(VPN + GATEWAY)
        self.assertEqual(self.through("192.168.55.10"), "i 192.168.55.1")
        self.driver.do(CONNECTOR)
        self.assertNotIn("i ", self.through("192.168.55.10"))

    def test_a_router_does_not_let_the_mesh_in(self):
        """A machine that forwards anyway (Docker's host): the mesh reaches nothing behind it that was not offered."""
        self.host("sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv4.ip_forward=0")
        self.world.sh(self.world.inner, "ip route add default via 192.168.55.1")
        self.stack.callback(self.world.sh, self.world.inner, "ip route del default")
        self.driver.do(CONNECTOR)
        self.assertNotIn("i ", self.through("192.168.55.10"))
        self.driver.do(VPN)
        self.assertNotIn("i ", self.through("192.168.55.10"))
        self.assertEqual(self.world.seen(SITE, self.world.inner), BY_TUNNEL, "what it forwards takes the tunnel, in its name")
        server = self.world.listen(self.world.beyond, 4700, socket.AF_INET, socket.SOCK_DGRAM, SITE)
        server.settimeout(2)
        with inside(self.world.inner), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"1", (SITE, 4700))
        self.assertEqual(server.recvfrom(10)[1][0], "100.96.1.7")

    def test_neighbors_do_not_borrow_the_identity(self):
        """A machine that forwards anyway, in VPN mode: a neighbor on its network to the outside can't use this node's identity in the mesh."""
        self.host("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.eth0.accept_ra=1",
                  "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
        targets = {"100.96.2.2": "192.168.7.1", "10.9.0.5": "192.168.7.1", "fd45::22": "2001:db8:7::1"}
        for address, source in targets.items():
            by = "2001:db8:7::2" if ":" in address else "192.168.7.2"
            self.world.sh(self.world.outside, f"ip route add {address} via {by}")
            self.stack.callback(self.world.sh, self.world.outside, f"ip route del {address} via {by}")
        came = self.counter(self.world.beyond, "tcp dport 80 tcp flags & (syn|ack) == syn")
        self.world.sh(self.world.inner, "ip route add default via 192.168.55.1; ip -6 route add default via fd55::1")
        self.stack.callback(self.world.sh, self.world.inner, "ip route del default; ip -6 route del default")
        self.driver.do(VPN)
        for lost_default in (False, True):
            if lost_default:
                self.host("ip route del default; ip -6 route del default", "ip route add default via 192.168.7.1; ip -6 route add default via 2001:db8:7::1")
                self.driver.do(VPN)
            came()
            for address, source in targets.items():
                with self.subTest(address=address, lost_default=lost_default):
                    self.assertNotIn("b ", self.world.seen(address, self.world.outside, source, timeout=0.5))
            self.assertEqual(came(), 0, "nothing of theirs comes into the mesh at all")
            self.assertEqual(self.world.seen(SITE, self.world.inner), BY_TUNNEL, "a container's traffic still does")
            self.assertEqual(self.world.seen("100.96.2.2", self.world.inner), BY_TUNNEL)
            self.assertEqual(self.world.seen("fd45::22", self.world.inner), "b fd45::7")

    def test_neighbors_without_a_default_route(self):
        """A second network that the machine is plugged into doesn't count as containers either; nor does a bridge with such a port."""
        self.host("sysctl -qw net.ipv4.ip_forward=1; ip link add link lan0 name second0 type macvlan mode private; ip addr add 192.168.56.1/24 dev second0; "
                  "ip link set second0 up", "sysctl -qw net.ipv4.ip_forward=0; ip link del br5 2>/dev/null || true; ip link del second0")
        self.world.sh(self.world.inner, "ip addr add 192.168.56.10/24 dev lan0; ip route add 100.96.0.0/12 via 192.168.56.1")
        self.stack.callback(self.world.sh, self.world.inner, "ip route del 100.96.0.0/12; ip addr del 192.168.56.10/24 dev lan0")
        came = self.counter(self.world.beyond, "tcp dport 80 tcp flags & (syn|ack) == syn")
        for bridged in (False, True):
            if bridged:
                self.host("ip link add br5 type bridge; ip addr del 192.168.56.1/24 dev second0; ip addr add 192.168.56.1/24 dev br5; "
                          "ip link set second0 master br5; ip link set br5 up")
            self.assertIn("i 192.168.56.1", self.world.seen("192.168.56.10"))
            self.driver.do(VPN)
            came()
            with self.subTest(bridged=bridged):
                self.assertNotIn("b ", self.world.seen("100.96.2.2", self.world.inner, timeout=0.5))
                self.assertEqual(came(), 0)

    def test_a_container_that_comes_later(self):
        """In VPN mode, with a pair of interfaces of its own and no address on this side, as in Kubernetes: nothing announces it."""
        self.host("sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv4.ip_forward=0")
        self.driver.do(VPN)
        self.host("ip link add pod0 type veth peer name pod1; ip link set pod0 up; ip link set pod1 netns " + self.world.inner, "ip link del pod0")
        self.host("ip route add 192.168.57.10 dev pod0; sysctl -qw net.ipv4.conf.pod0.proxy_arp=1")
        self.world.sh(self.world.inner, "ip addr add 192.168.57.10/32 dev pod1; ip link set pod1 up; ip route add 169.254.1.1 dev pod1; "
                                        "ip route add 100.96.2.2 via 169.254.1.1 dev pod1 src 192.168.57.10")
        self.assertEqual(self.world.seen("100.96.2.2", self.world.inner), BY_TUNNEL)

    def test_untracked_services(self):
        """Services that the owner excludes from connection tracking also answer on the path of the question."""
        self.host("""nft -f - <<N
            table inet keep_out {
              chain pre {
                type filter hook prerouting priority raw
                th dport { 2801-2805 } notrack
                meta l4proto { icmp, icmpv6 } notrack
              }
              chain out {
                type filter hook output priority raw
                th sport { 2801-2805 } notrack
                meta l4proto { icmp, icmpv6 } notrack
              }
            }
N
""", "nft delete table inet keep_out")
        older = self.session(port=2801)
        self.driver.do(VPN)
        for session in (older, *(self.session(port=2803 + number, **options) for number, options in enumerate((
                {}, {"client": CLIENT6, "server": "2001:db8:7::2"}, {"server": PUBLIC})))):
            self.assertTrue(session.works())
        for client, server in ((CLIENT, "192.168.7.2"), (CLIENT6, "2001:db8:7::2")):
            self.world.sh(self.world.outside, f"ping -c1 -W1 -I {client} {server}")
            with self.subTest(udp=server):
                self.udp(2802, "", client, server)
        self.driver.do(VPN)
        self.assertEqual(self.world.seen(SITE), BY_TUNNEL)
        self.host(f"ping -c1 -W1 {SITE}")

    def test_a_subnet_behind_is_not_sought_in_the_tunnel(self):
        """A gateway that has accepted another node's wider route."""
        wide = " route=192.168.0.0/16" + GATEWAY
        self.host("ip route add 192.168.56.0/24 via 192.168.55.10", "ip route del 192.168.56.0/24 via 192.168.55.10")
        for mode in (CONNECTOR, VPN):
            self.driver.do(mode + wide + " forward=192.168.56.0/24")
            self.assertEqual(self.through("192.168.55.10"), "i 192.168.55.1")
            self.assertIn("lan0", self.host("ip route get 192.168.56.1"))
            self.assertIn("edgeway0", self.host("ip route get 192.168.57.1"))

    def docker(self):
        """Docker's rules: forwards nothing it doesn't know, publishes inner's port 80 as 8080, masquerades its bridge's network."""
        self.host("""
            sysctl -qw net.ipv4.ip_forward=1
            nft add table ip filter; nft add chain ip filter FORWARD '{ type filter hook forward priority filter; policy drop; }'
            nft add chain ip filter DOCKER-USER; nft add rule ip filter FORWARD jump DOCKER-USER
            nft add rule ip filter FORWARD oifname lan0 ct state related,established accept
            nft add rule ip filter FORWARD iifname lan0 oifname != lan0 accept
            nft add rule ip filter FORWARD oifname lan0 ct status dnat accept
            nft add table ip nat; nft add chain ip nat PRE '{ type nat hook prerouting priority dstnat; }'
            nft add rule ip nat PRE fib daddr type local tcp dport 8080 dnat to 192.168.55.10:80
            nft add rule ip nat PRE fib daddr type local tcp dport 8081 dnat to 192.168.55.10:81
            nft add chain ip nat POST '{ type nat hook postrouting priority srcnat; }'
            nft add rule ip nat POST ip saddr 192.168.55.0/24 oifname != lan0 masquerade""",
                  "nft delete table ip filter; nft delete table ip nat; sysctl -qw net.ipv4.ip_forward=0")
        self.world.sh(self.world.inner, "ip route add default via 192.168.55.1")
        self.stack.callback(self.world.sh, self.world.inner, "ip route del default")

    def published_session(self):
        """A connection to a container, opened before VPN mode: only conntrack knows it."""
        listener = self.world.listen(self.world.inner, 81)
        with inside(self.world.outside):
            client = socket.socket()
        client.settimeout(2)
        client.bind((CLIENT, 0))
        client.connect(("192.168.7.2", 8081))
        session = Session.__new__(Session)
        session.listener, session.client, session.server = listener, client, listener.accept()[0]
        session.server.settimeout(2)
        self.stack.callback(session.close)
        self.assertTrue(session.works())
        return session

    def published(self, client=CLIENT):
        with inside(self.world.outside), socket.socket() as connection:
            connection.settimeout(2)
            connection.bind((client, 0))
            try:
                connection.connect(("192.168.7.2", 8080))
                return connection.recv(100).decode()
            except OSError as error:
                return type(error).__name__

    def test_docker(self):
        for rp_filter in (0, 1):
            with self.subTest(rp_filter=rp_filter), contextlib.ExitStack() as stack:
                outer, self.stack = self.stack, stack
                self.docker()
                self.rp_filter(rp_filter)
                stack.callback(self.rp_filter, 0)
                foreign = self.host("nft -s list table ip filter")
                self.driver.do(CONNECTOR + GATEWAY)
                self.assertEqual(self.through("192.168.55.10"), "i 192.168.55.1")
                self.assertEqual(self.published(), f"i {CLIENT}")
                session = self.published_session()
                self.driver.do(VPN + GATEWAY)
                self.assertTrue(session.works())
                self.assertEqual(self.through("192.168.55.10"), "i 192.168.55.1")
                self.assertEqual(self.published(), f"i {CLIENT}", "its answer leaves the way the question came")
                self.assertEqual(self.world.seen(SITE, self.world.inner), BY_TUNNEL, "a container's own traffic takes the tunnel")
                self.driver.do(CONNECTOR)
                self.assertEqual(self.world.seen(SITE, self.world.inner), BY_OUTSIDE)
                self.assertEqual(self.host("nft -s list table ip filter"), foreign)
                self.driver.do("undo")
                self.stack = outer


if __name__ == "__main__":
    unittest.main()
