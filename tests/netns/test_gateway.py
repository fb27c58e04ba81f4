# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway among the programs and networks of a real server: it forwards to the subnets that it offers, or says what is missing.

  laptop ── edge ── office-gw ── printer 10.77.0.9
                        │
                        └ to-router 10.77.5.1 ── router 10.77.5.2, 10.99.0.1 ══ MTU 1300 ══ 10.99.0.2 last ── far 10.88.0.5
"""
import signal
import subprocess
import json
import unittest

from demo_mesh import SERVICE, SUBNET, SUBNET_HOST, first_key
from gateway_case import CHURN, SEND, UPLOAD, Gateway, block_list
from mesh_case import BUILD, MeshCase, wait_for

FAR_SUBNET, FAR = "10.88.0.0/24", "10.88.0.5"
# A router that advertises itself each second: RFC 4861 section 4.2, with the prefix 2001:db8:14::/64.
ADVERTISE = """
import socket, struct, time
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("lan"))
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 600, 600, 0) + socket.inet_pton(socket.AF_INET6, "2001:db8:14::")
while True:
    try: s.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 60, 0, 0) + prefix, ("ff02::1", 0, 0, socket.if_nametoindex("lan")))
    except OSError: pass
    time.sleep(1)
"""

# Per cent of a slow processor that is busy with other tests: reading a large block list again and again takes all of one.
MUCH = 20


class Routers(Gateway):
    """Behind the gateway there are routers whose addresses are not offered."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        world = cls.mesh.world
        cls.router, cls.last, cls.far = (world.machine(name) for name in ("router", "last", "far"))
        world.cable(cls.gateway, "to-router", cls.router, "north")
        world.cable(cls.router, "south", cls.last, "north")
        world.cable(cls.last, "south", cls.far, "eth0")
        for machine, name, address in ((cls.gateway, "to-router", "10.77.5.1/24"), (cls.router, "north", "10.77.5.2/24"), (cls.router, "south", "10.99.0.1/30"),
                                       (cls.last, "north", "10.99.0.2/30"), (cls.last, "south", "10.88.0.1/24"), (cls.far, "eth0", f"{FAR}/24")):
            machine.ip("addr", "add", address, "dev", name)
        for machine, name in ((cls.router, "south"), (cls.last, "north")):
            machine.ip("link", "set", name, "mtu", "1300")
            machine.sysctl("net/ipv4/ip_forward", "1")
        cls.gateway.ip("route", "add", FAR_SUBNET, "via", "10.77.5.2")
        cls.router.ip("route", "add", FAR_SUBNET, "via", "10.99.0.2")
        for machine, via in ((cls.router, "10.77.5.1"), (cls.last, "10.99.0.1"), (cls.far, "10.88.0.1")):
            machine.default_route(via)
        cls.serve(cls.far)
        cls.offer(FAR_SUBNET)

    def upload(self):
        return self.laptop.run("/usr/bin/python3", "-c", SEND, FAR, check=False).stdout.strip()

    def test_upload_over_a_narrow_link(self):
        self.wait_reaches("the far host", FAR)
        self.assertEqual(self.upload(), str(UPLOAD))
        self.assertIn("mtu 1300", self.laptop.run("ip", "route", "get", FAR).stdout)  # it now knows the smaller MTU

    def test_upload_with_strict_reverse_path_filtering(self):
        """rp_filter=1 everywhere, as Red Hat's default is: the router's address has no route through the tunnel."""
        self.laptop.ip("route", "flush", "cache")
        self.laptop.sysctl("net/ipv4/conf/all/rp_filter", "1")
        self.addCleanup(self.laptop.sysctl, "net/ipv4/conf/all/rp_filter", "0")
        self.ctl("laptop", "disconnect")
        self.ctl("laptop", "connect")
        self.wait_reaches("the far host", FAR, 10)
        self.assertEqual(self.upload(), str(UPLOAD))

    def test_traceroute_shows_each_hop(self):
        gateway = self.status("office-gw")["addresses"][0]
        hops = []
        for ttl in range(1, 6):
            lines = self.laptop.run("ping", "-n", "-c1", "-W2", "-t", str(ttl), FAR, check=False).stdout.splitlines()
            hops.append(lines[1].split()[1] if lines[1].startswith("From") else lines[1].split()[3].rstrip(":"))
        self.assertEqual(hops, ["100.96.0.1", gateway, "10.77.5.2", "10.99.0.2", FAR])


def drop_forwarding(table, hook="policy drop", extra=""):
    return f"table {table} {{ chain FORWARD {{ type filter hook forward priority filter; {hook}; {extra} }}; }}\n"


class Firewalls(Gateway):
    """Other programs' firewalls that are loaded, or loaded again, while the gateway is connected."""

    def setUp(self):
        self.wait_reaches("the subnet", seconds=15)

    def unload(self, table):
        self.gateway.run("nft", "delete", "table", *table.split(), check=False)

    def opened(self, what, table):
        self.addCleanup(self.unload, table)
        self.wait_reaches(what)
        self.assertEqual(self.routes("office-gw")[SUBNET]["state"], "forwarding")
        self.assertEqual(self.status("office-gw")["problems"], [])

    def test_loaded_and_loaded_again(self):
        """netfilter-persistent, `ufw enable`: first, then with a flush of its own table."""
        rules = "add table ip filter\ndelete table ip filter\n" + drop_forwarding("ip filter")
        for what in ("loaded", "loaded again"):
            self.load(rules)
            self.opened(what, "ip filter")

    def test_flush_ruleset(self):
        """Debian's nftables.service: it removes all tables, Edgeway's too."""
        self.load("flush ruleset\n" + drop_forwarding("inet filter", "policy accept", "ct state established accept; counter reject;"))
        self.opened("/etc/nftables.conf is loaded", "inet filter")

    def test_docker(self):
        """Docker's chain is rewritten repeatedly; it keeps rules in DOCKER-USER."""
        def user():
            return self.gateway.run("nft", "list", "chain", "ip", "filter", "DOCKER-USER").stdout
        self.load(drop_forwarding("ip filter", extra="jump DOCKER-USER;").replace("chain FORWARD", "chain DOCKER-USER { }; chain FORWARD"))
        self.opened("Docker has started", "ip filter")
        self.assertIn("edgeway0", user())
        self.load("flush chain ip filter FORWARD\nadd rule ip filter FORWARD jump DOCKER-USER\n")
        self.opened("Docker has started again", "ip filter")
        # Without the jump the rules in it have no effect.
        self.load("flush chain ip filter FORWARD\n")
        self.opened("Docker's jump was removed", "ip filter")

    def test_our_rules_alone_are_removed(self):
        self.load(drop_forwarding("ip filter"))
        self.opened("loaded", "ip filter")
        self.load("flush chain ip filter FORWARD\n")
        self.opened("put in again", "ip filter")

    def test_offered_and_not_decided(self):
        """An administrator's offer alone forwards nothing: the gateway says so until someone decides there, by either word."""
        for word in ("refuse", "accept"):
            with self.subTest(word):
                cidr = {"refuse": "10.78.1.0/24", "accept": "10.77.0.0/25"}[word]  # the second is a part of its own network
                self.ctl("laptop", "route", "add", cidr, "office-gw")
                self.addCleanup(self.withdraw, cidr)
                wait_for("the status names it", lambda: [(p["kind"], p["subject"]) for p in self.status("office-gw")["problems"]] == [("forward", cidr)], 20)
                self.assertIn(f"sudo edgewayctl route accept {cidr}", self.status("office-gw")["problems"][0]["fix"])
                report = self.ctl("office-gw", "diagnose", check=False)
                self.assertEqual(report.returncode, 1)
                self.assertRegex(report.stdout, rf"forwarding +This computer doesn't forward to {cidr}: .*accepted here.*\n.*sudo edgewayctl route accept {cidr}")
                self.ctl("office-gw", "route", word, cidr)
                wait_for("it was decided", lambda: self.status("office-gw")["problems"] == [], 5)
                self.assertEqual(self.status("laptop")["problems"], [])  # the gateway's matter alone

    def test_containers_come_and_go(self):
        """Unrelated changes cost nothing, and the cost of changes to a large block list's table doesn't grow with its size. Promised: 1 %."""
        self.load(block_list())
        self.opened("a block list", "inet filter")
        self.assertLess(self.cpu_while(self.gateway, "office-gw", "sh", "-c", CHURN, "sh", "6"), MUCH)

    def test_containers_beside_an_edge(self):
        edge = self.mesh.machine("edge")
        edge.nft(block_list())
        self.addCleanup(edge.run, "nft", "delete", "table", "inet", "filter")
        self.assertLess(self.cpu_while(edge, "edge", "sh", "-c", CHURN, "sh", "4"), MUCH)

    def test_table_that_only_its_owner_may_change(self):
        """firewalld 2: the node stays in the mesh, what is blocked is reported everywhere, and opening it is noticed."""
        owner = subprocess.Popen(self.gateway.command(["nft", "-i"]), stdin=subprocess.PIPE, text=True, bufsize=1, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(owner.wait)
        self.addCleanup(owner.stdin.close)
        owner.stdin.write("add table inet firewalld { flags owner; }\n"
                          "add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }\n"
                          "add rule inet firewalld filter_FORWARD ct state { established, related } accept\n"
                          "add rule inet firewalld filter_FORWARD reject with icmpx admin-prohibited\n")
        wait_for("the route is said to be blocked", lambda: self.routes("office-gw")[SUBNET]["state"] == "blocked", 5)
        wait_for("the status names it", lambda: [(p["kind"], p["subject"]) for p in self.status("office-gw")["problems"]] == [("forward", SUBNET)], 5)
        wait_for("what to do is said", lambda: "firewall-cmd" in self.status("office-gw")["problems"][0]["fix"], 5)
        self.assertEqual(self.status("office-gw")["state"], "connected")
        self.assertIn("doesn't forward", " ".join(self.ctl("office-gw", "map").stdout.split()))
        report = self.ctl("office-gw", "diagnose", check=False)
        self.assertEqual(report.returncode, 1)
        self.assertIn("--add-interface=edgeway0", report.stdout)
        # Connecting again with that table there gives the same result.
        self.ctl("office-gw", "disconnect")
        self.ctl("office-gw", "connect")
        self.assertEqual(self.status("office-gw")["state"], "connected")
        owner.stdin.write('insert rule inet firewalld filter_FORWARD iifname "edgeway0" accept\n')
        self.wait_reaches("opened by its owner")
        wait_for("forwarding is said", lambda: self.routes("office-gw")[SUBNET]["state"] == "forwarding", 5)


class Ways(Gateway):
    """Where the subnet is, and what forwards there, changes while the gateway is connected."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.mesh.world.machine("second")
        cls.plug("vlan", cls.second, "10.77.1.1/24", "10.77.1.5/24")
        cls.second.default_route("10.77.1.1")
        cls.serve(cls.second)

    @classmethod
    def plug(cls, name, machine, near, far):
        cls.mesh.world.cable(cls.gateway, name, machine, "eth0")
        cls.gateway.ip("addr", "add", near, "dev", name)
        machine.ip("addr", "add", far, "dev", "eth0")

    def forwarding(self, name):
        return self.gateway.run("cat", f"/proc/sys/net/ipv4/conf/{name}/forwarding").stdout.strip()

    def test_one_route_over_several_interfaces(self):
        self.offer("10.77.0.0/16")
        self.addCleanup(self.withdraw, "10.77.0.0/16")
        self.wait_reaches("a host in the first network")
        self.wait_reaches("a host in the second", "10.77.1.5")
        self.assertEqual(self.forwarding("eth0"), "0")  # the uplink isn't used

    def test_interface_made_again(self):
        self.offer("10.77.1.0/24")
        self.addCleanup(self.withdraw, "10.77.1.0/24")
        self.wait_reaches("before", "10.77.1.5")
        self.gateway.ip("link", "del", "vlan")
        self.plug("vlan", self.second, "10.77.1.1/24", "10.77.1.5/24")
        self.second.default_route("10.77.1.1")
        self.wait_reaches("after", "10.77.1.5", 10)

    def test_forwarding_switched_off(self):
        """`sysctl --system` with net.ipv4.ip_forward=0, and one interface alone."""
        self.wait_reaches("before")
        self.gateway.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.gateway.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
        self.wait_reaches("after ip_forward=0")
        self.gateway.run("sysctl", "-qw", "net.ipv4.conf.office.forwarding=0")
        self.wait_reaches("after forwarding=0")

    def test_route_that_appears_later_and_moves(self):
        """A routing daemon's route. Without it the uplink leads there, and the message must not claim that the subnet is reached."""
        far = "10.90.0.5"
        self.offer("10.90.0.0/24")
        self.addCleanup(self.withdraw, "10.90.0.0/24")
        self.second.ip("addr", "add", f"{far}/24", "dev", "lo")
        self.addCleanup(self.second.run, "ip", "addr", "del", f"{far}/24", "dev", "lo", check=False)
        self.gateway.ip("route", "add", "10.90.0.0/24", "via", "10.77.1.5", "proto", "bird")
        self.addCleanup(self.gateway.run, "ip", "route", "del", "10.90.0.0/24", check=False)
        self.wait_reaches("it came", far)
        self.assertEqual(self.forwarding("eth0"), "0")
        self.printer.ip("addr", "add", f"{far}/24", "dev", "lo")
        self.addCleanup(self.printer.run, "ip", "addr", "del", f"{far}/24", "dev", "lo", check=False)
        self.second.ip("addr", "del", f"{far}/24", "dev", "lo")
        self.gateway.ip("route", "replace", "10.90.0.0/24", "via", SUBNET_HOST, "proto", "bird")
        self.wait_reaches("it moved", far)

    def test_no_route(self):
        self.offer("10.91.0.0/24")
        self.addCleanup(self.withdraw, "10.91.0.0/24")
        default = self.gateway.run("ip", "route", "show", "default").stdout.split()
        wait_for("the route is forwarded", lambda: self.routes("office-gw")["10.91.0.0/24"]["state"] == "forwarding", 5)
        checks = json.loads(self.ctl("office-gw", "diagnose", "--json", check=False).stdout)["checks"]
        self.assertEqual([("10.91.0.0/24" in c["message"], c["warning"]) for c in checks if c["check"] == "forwarding"], [(True, True)])
        self.gateway.ip("route", "add", "unreachable", "10.91.0.0/24")
        self.addCleanup(self.gateway.run, "ip", "route", "del", "unreachable", "10.91.0.0/24", check=False)
        wait_for("no way is said", lambda: self.routes("office-gw")["10.91.0.0/24"]["state"] == "blocked", 5)
        self.assertIn("no route to it", self.routes("office-gw")["10.91.0.0/24"]["reason"])
        self.assertTrue(default)

    def test_ipv6_keeps_the_router_that_was_advertised(self):
        """A default route from router advertisements is removed as soon as a machine forwards, unless accept_ra is 2."""
        router = self.mesh.machine("nat-14")
        router.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        router.ip("addr", "add", "2001:db8:14::1/64", "dev", "lan")
        advertiser = router.start("/usr/bin/python3", "-c", ADVERTISE, log="advertise")
        self.addCleanup(advertiser.kill)
        default = lambda: "proto ra" in self.gateway.run("ip", "-6", "route", "show", "default").stdout  # noqa: E731
        wait_for("the router is known", default, 10)
        self.gateway.ip("addr", "add", "fd77::1/64", "dev", "office")
        self.offer("fd77::/64")
        self.addCleanup(self.withdraw, "fd77::/64")
        wait_for("IPv6 is forwarded", lambda: self.gateway.run("cat", "/proc/sys/net/ipv6/conf/all/forwarding").stdout == "1\n", 10)
        self.assertTrue(default())
        self.gateway.ip("-6", "route", "flush", "default", "proto", "ra")
        wait_for("the router is learned again", default, 10)
        self.withdraw("fd77::/64")
        wait_for("all is as before", lambda: self.gateway.run("sh", "-c", "cat /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv6/conf/eth0/accept_ra").stdout == "0\n1\n", 10)
        self.assertTrue(default())


class Missing(MeshCase):
    """What a machine does not have, and what it has already."""

    SITES, JOIN = ("laptop", "nas"), ("laptop",)

    def environment(self):
        return ("env", f"LD_PRELOAD={BUILD}/tests/lib/no-netfilter.so")

    def test_node_without_nftables(self):
        nas, key = self.mesh.machine("nas"), self.mesh.new_key("nas")

        def start():
            process = nas.start(*self.environment(), self.mesh.program("edgewayd"))
            self.addCleanup(process.kill)
            wait_for("edgewayd", lambda: nas.ok(self.mesh.program("edgewayctl"), "status"), 20)
            return process
        # Without a tunnel device nothing would work: the error comes before the key is used.
        nas.run("mount", "--bind", "/dev/null", "/dev/net/tun")
        nas.run("mount", "-o", "remount,bind,nodev", "/dev/net/tun")
        process = start()
        self.refused("nas", "enroll", "--name", "nas", "--key-file", "-", input=key + "\n", says=("/dev/net/tun", "key wasn't used"))
        process.terminate()
        process.wait()
        nas.run("umount", "/dev/net/tun")
        process = start()
        self.ctl("nas", "enroll", "--name", "nas", "--key-file", "-", input=key + "\n")
        self.wait_state("nas", "connected")
        self.assertTrue(nas.ok("ping", "-n", "-q", "-c", "1", "-W", "2", SERVICE))
        self.assertEqual([p["kind"] for p in self.status("nas")["problems"]], ["firewall"])
        self.assertIn("nftables", self.status("nas")["problems"][0]["message"])
        self.refused("nas", "mode", "vpn", says="nftables")
        self.assertEqual(self.status("nas")["state"], "connected")
        self.assertIsNone(process.poll())
        self.ctl("nas", "leave")

    def test_edge_without_nftables(self):
        internet = self.mesh.machine("internet")
        process = internet.start(*self.environment(), self.mesh.program("edgeway-edge"), "run", "--state-dir", "/var/lib/edgeway-edge", "--listen", ":9443",
                                 "--public", "203.0.113.1:9443", log="edge-without", secret_output=True)
        self.addCleanup(process.kill)
        wait_for("its enrollment key", lambda: first_key(process.output_path), 20)
        wait_for("its port", lambda: internet.ok("sh", "-c", "ss -Hltn sport = :9443 | grep -q ."), 10)
        with open(process.log_path) as log:
            self.assertRegex(log.read(), "no nftables .*VPN mode is off")
        self.assertIsNone(process.poll())

    def test_networks_inside_the_range(self):
        """A cloud's name server and a carrier's LAN in 100.96.0.0/12: the same in whichever order they come."""
        laptop = self.mesh.machine("laptop")
        laptop.mask("/etc/resolv.conf", "nameserver 100.100.2.136\n", 0o644)
        self.addCleanup(laptop.run, "umount", "/etc/resolv.conf")
        self.mesh.restart("laptop", signal.SIGTERM)
        wait_for("edgewayd is back", lambda: laptop.ok(self.mesh.program("edgewayctl"), "status"), 20)
        self.wait_state("laptop", "connected")
        for order in ("comes while connected", "was there before"):
            with self.subTest(order):
                if order == "was there before":
                    self.ctl("laptop", "disconnect")
                else:
                    laptop.ip("link", "add", "isp0", "type", "veth", "peer", "name", "isp1")
                    self.addCleanup(laptop.run, "ip", "link", "del", "isp0", check=False)
                    laptop.ip("addr", "add", "100.100.5.2/24", "dev", "isp0")
                    laptop.ip("link", "set", "isp0", "up")
                    laptop.ip("link", "set", "isp1", "up")
                self.ctl("laptop", "connect")
                self.wait_state("laptop", "connected")
                subjects = lambda: sorted(p["subject"] for p in self.status("laptop")["problems"] if p["kind"] == "range")  # noqa: E731
                wait_for(f"both are named (now {subjects()})", lambda: subjects() == ["100.100.2.136/32", "100.100.5.0/24"], 5)
                way = {ip: laptop.run("ip", "route", "get", ip).stdout for ip in ("100.100.2.136", "100.100.5.9", "100.100.2.135", "100.100.6.1", SERVICE)}
                self.assertIn("dev eth0", way["100.100.2.136"])
                self.assertIn("dev isp0", way["100.100.5.9"])
                for ip in ("100.100.2.135", "100.100.6.1", SERVICE):
                    self.assertIn("dev edgeway0", way[ip])
                self.assertTrue(laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "2", SERVICE))
                checks = [check for check in self.mesh.ctl_json("laptop", "diagnose", check=False)["checks"] if "100.100.5" in check["message"]]
                self.assertEqual([(check["check"], check["ok"]) for check in checks], [("overlap", False)])  # once, not in each check


if __name__ == "__main__":
    unittest.main()
