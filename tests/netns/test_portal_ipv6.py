#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captive portals in a network that has IPv6 alone: the edge, the page and the name server are reached by it.

      laptop ── nat-11 ── internet ── edge  2001:db8:5::5
      2001:db8:11::2
"""
import unittest

from demo_mesh import EDGE_PORT
from portal_case import NAME, OTHER, PAGE, PortalCase

NET = "2001:db8:5::"


class PortalByIpv6(PortalCase):
    OWN, ROUTER = "2001:db8:11::2", "2001:db8:11::1"
    HOST = "2001:db8:77::7"
    EDGE, NOBODY, ELSEWHERE, MESH = NET + "5", "2001:db8::1", "2001:db8:99::1", "100.96.0.1"
    NEEDED = "(icmp6 and ip6[40] >= 130 and ip6[40] <= 143)"

    @classmethod
    def prepare(cls):
        laptop, nat, edge = (cls.mesh.machine(name) for name in ("laptop", "nat-11", "edge"))
        cls.mesh.public = f"[{cls.EDGE}]:{EDGE_PORT}"
        edge.ip("addr", "add", cls.EDGE + "/64", "dev", "wan", "nodad")
        edge.ip("route", "add", "2001:db8:11::/64", "via", NET + "b")
        nat.ip("addr", "add", NET + "b/64", "dev", "wan", "nodad")
        nat.ip("addr", "add", cls.ROUTER + "/64", "dev", "lan", "nodad")
        nat.sysctl("net/ipv6/conf/all/forwarding", "1")
        nat.run("nft", "add", "rule", "inet", "filter", "input", "meta", "l4proto", "ipv6-icmp", "accept")
        laptop.ip("addr", "flush", "dev", "eth0", "scope", "global")
        laptop.ip("addr", "add", cls.OWN + "/64", "dev", "eth0", "nodad")
        laptop.ip("-6", "route", "add", "default", "via", cls.ROUTER)
        laptop.mask("/etc/resolv.conf", f"nameserver {cls.ROUTER}\n", 0o644)

    def test_login(self):
        self.arrive()
        self.assertEqual(self.wait_caught()["portal_url"], PAGE)
        self.assertEqual(self.open_page(), PAGE)
        self.assertFalse(self.is_open())
        self.assertLess(self.login(), 20)

    def test_without_page(self):
        self.arrive("page")
        self.assertEqual(self.wait_caught()["portal_url"], f"http://[{self.EDGE}]/")

    def test_vpn_and_lockdown(self):
        self.lock()
        leaks = self.seal()
        self.close_up()
        self.wait_caught(60)
        self.look_at_page(leaks)

    def test_lockdown_on_arrival(self):
        self.lock()
        self.ctl("laptop", "disconnect")
        leaks = self.seal()
        self.close_up()
        self.ctl("laptop", "connect", "--no-wait")
        self.wait_caught()
        self.look_at_page(leaks)

    def test_vpn_alone(self):
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm")
        self.close_up()
        self.wait_caught(60)
        self.assertEqual(self.browse(PAGE), "")
        self.open_page()
        self.assertIn("Welcome", self.browse(f"http://{NAME}/"))
        self.assertEqual(self.browse(PAGE, OTHER), "")
        self.assertLess(self.login(), 20)


if __name__ == "__main__":
    unittest.main()
