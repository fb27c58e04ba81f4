# SPDX-License-Identifier: GPL-3.0-or-later
"""How a node gets to its edge: a name with a dead IPv6 address, a name that moves, an IPv6 address in place of a name, a network that blocks TCP.

  laptop 2001:db8:11::2 ── nat (drops all IPv6) ── internet ── edge "edge.example" 203.0.113.5, 2001:db8:1::1 (dead)
"""
import json
import signal
import time
import unittest

from demo_mesh import EDGE_ADDRESS, EDGE_PORT, SERVICE, SITES, DemoMesh
from mesh_case import BUILD, MeshCase, wait_for

DEAD, MOVED = "2001:db8:1::1", "203.0.113.77"


class Reach(MeshCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = DemoMesh(BUILD, lambda text: None, ("laptop",), "reach")
        cls.addClassCleanup(cls.mesh.close)
        cls.mesh.build_ground()
        cls.laptop, cls.nat, cls.edge = (cls.mesh.machine(name) for name in ("laptop", f"nat-{SITES['laptop']}", "edge"))
        cls.prepare()
        cls.mesh.join("laptop", cls.mesh.start_edge())

    @classmethod
    def prepare(cls):
        cls.mesh.public = f"edge.example:{EDGE_PORT}"
        cls.laptop.mask("/etc/hosts", f"127.0.0.1 localhost\n{DEAD} edge.example\n{EDGE_ADDRESS} edge.example\n", 0o644)
        cls.nat.ip("addr", "add", "2001:db8:11::1/64", "dev", "lan", "nodad")
        cls.nat.nft("table ip6 hole { chain in { type filter hook prerouting priority 0; ip6 daddr 2001:db8:1::/48 drop; }; }\n")
        cls.laptop.ip("addr", "add", "2001:db8:11::2/64", "dev", "eth0", "nodad")
        cls.laptop.ip("-6", "route", "add", "default", "via", "2001:db8:11::1")

    def timed(self, *argv, **options):
        begun = time.monotonic()
        result = self.ctl("laptop", *argv, **options)
        return time.monotonic() - begun, result

    def saved(self):
        return json.loads(self.laptop.run("cat", "/var/lib/edgeway/account.json").stdout)["addresses"]["edge.example"]

    def test_dead_ipv6(self):
        """Promised: a dead address costs a quarter of a second, and once it is known to be dead nothing, after a restart either."""
        wait_for("both addresses are known, the one that works first", lambda: self.saved() == [EDGE_ADDRESS, DEAD], 10)
        self.assertIn(EDGE_ADDRESS, self.status("laptop")["edge"]["endpoint"])
        # What an earlier network left behind: the dead one is thought to be the best.
        self.mesh.running["laptop"][0].send_signal(signal.SIGTERM)
        self.mesh.running["laptop"][0].wait()
        self.laptop.run("sed", "-i", f's/"{EDGE_ADDRESS}","{DEAD}"/"{DEAD}","{EDGE_ADDRESS}"/', "/var/lib/edgeway/account.json")
        self.assertEqual(self.saved(), [DEAD, EDGE_ADDRESS])
        begun = time.monotonic()
        self.mesh.start_daemon("laptop")
        self.ctl("laptop", "node", "list")
        self.wait_state("laptop", "connected", 10)
        self.assertLess(time.monotonic() - begun, 2.5)
        for _ in range(2):
            self.ctl("laptop", "disconnect")
            for argv in (("connect",), ("node", "list")):
                took, _ = self.timed(*argv)
                self.assertLess(took, 1.25, argv)
        self.assertEqual(self.saved(), [EDGE_ADDRESS, DEAD])
        with open(self.mesh.running["laptop"][0].log_path) as log:
            self.assertNotIn("udp-blocked", log.read())

    def test_tcp_blocked(self):
        """The API is reached through the tunnel where only UDP gets out."""
        self.wait_state("laptop", "connected")
        self.nat.nft(f"table ip blocked {{ chain f {{ type filter hook forward priority -10; ip daddr {EDGE_ADDRESS} tcp dport {EDGE_PORT} drop; }}; }}\n")
        self.addCleanup(self.nat.run, "nft", "delete", "table", "ip", "blocked")
        time.sleep(3.5)  # real time: connections that were open are closed
        for argv in (("node", "list"), ("map",), ("node", "add", "later")):
            took, result = self.timed(*argv)
            self.assertLess(took, 5, (argv, result))
        self.ctl("laptop", "node", "remove", "later")

    def test_moved_name(self):
        """Promised: the edge is found within 10 s where its name points now."""
        self.wait_state("laptop", "connected")
        self.edge.ip("addr", "del", f"{EDGE_ADDRESS}/24", "dev", "wan")
        self.edge.ip("addr", "add", f"{MOVED}/24", "dev", "wan")
        self.edge.run("ip", "route", "replace", "default", "via", "203.0.113.1")
        self.laptop.run("sh", "-c", f"printf '127.0.0.1 localhost\\n{MOVED} edge.example\\n' > /etc/hosts")
        moved = time.monotonic()
        self.laptop.run("ping", "-c", "1", "-W", "1", SERVICE, check=False)  # traffic: the loss is seen soon
        wait_for("the edge is found", lambda: MOVED in ((self.status("laptop")["edge"] or {}).get("endpoint") or "")
                 and self.laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "1", SERVICE), 50)
        print(f"the edge was found {time.monotonic() - moved:.1f} s after it moved")
        self.ctl("laptop", "node", "list")


class Literal(Reach):
    """The edge's host has IPv6 alone and no name."""

    @classmethod
    def prepare(cls):
        cls.mesh.public = f"[{DEAD}]:{EDGE_PORT}"
        internet = cls.mesh.machine("internet")
        for machine, device, address in ((cls.edge, "wan", f"{DEAD}/64"), (internet, "exchange", "2001:db8:1::9/64"), (cls.nat, "wan", "2001:db8:1::11/64"),
                                         (cls.nat, "lan", "2001:db8:11::1/64"), (cls.laptop, "eth0", "2001:db8:11::2/64")):
            machine.ip("addr", "add", address, "dev", device, "nodad")
        cls.nat.run("nft", "add", "rule", "inet", "filter", "input", "meta", "l4proto", "ipv6-icmp", "accept")
        cls.nat.sysctl("net/ipv6/conf/all/forwarding", "1")
        cls.laptop.ip("-6", "route", "add", "default", "via", "2001:db8:11::1")
        cls.edge.ip("-6", "route", "add", "2001:db8:11::/64", "via", "2001:db8:1::11")
        cls.laptop.ip("route", "del", "default")

    test_dead_ipv6 = test_tcp_blocked = test_moved_name = None

    def test_joined(self):
        self.assertIn(DEAD, self.status("laptop")["edge"]["endpoint"])
        self.ctl("laptop", "node", "list")
        self.assertTrue(self.laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "2", SERVICE))


if __name__ == "__main__":
    unittest.main()
