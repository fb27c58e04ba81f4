#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in containers without Edgeway, as Docker makes their network, resolv.conf and firewall: what the README says works, works.

    [ container ] eth0 172.17.0.2 ── docker0 172.17.0.1 [ plain ] 192.168.20.2 ── 192.168.20.1 dnsmasq
"""
import unittest

import resolver_world
from mesh_case import MeshCase, wait_for

DOCKER = """
table ip nat {
  chain POSTROUTING {
    type nat hook postrouting priority srcnat
    ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
  }
}
table ip filter {
  chain FORWARD {
    type filter hook forward priority 0; policy drop;
    oifname "docker0" ct state related,established accept
    iifname "docker0" accept
  }
}
"""
EDGE, NAS = "100.96.0.1", "100.96.1.1"


class Docker(MeshCase):
    SITES = JOIN = ("nas",)

    @classmethod
    def prepare(cls):
        cls.world = resolver_world.ResolverWorld(cls.mesh, ("plain",))
        cls.addClassCleanup(cls.world.close)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mesh.join("plain", cls.mesh.ctl("nas", "node", "add", "plain").stdout.strip())
        wait_for("names", lambda: cls.mesh.ctl_json("plain", "status")["names"] == "ok", 30)
        cls.lan, host = cls.world.lans["plain"], cls.mesh.machine("plain")
        cls.container = container = cls.mesh.world.machine("container")
        host.run("sh", "-ec", "ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up")
        host.sysctl("net/ipv4/ip_forward", "1")
        cls.mesh.world.cable(host, "veth0", container, "eth0")
        host.ip("link", "set", "veth0", "master", "docker0")
        container.ip("addr", "add", "172.17.0.2/16", "dev", "eth0")
        container.default_route("172.17.0.1")
        container.mask("/etc/nsswitch.conf", "hosts: files dns\n", 0o644)
        host.nft(DOCKER)

    def resolv_conf(self, server, search=""):
        """As docker run writes it, with --dns and --dns-search or from its host's."""
        self.container.mask("/etc/resolv.conf", f"nameserver {server}\n{search}options timeout:2 attempts:2\n", 0o644)

    def find(self, name):
        return self.container.run("getent", "ahostsv4", name, check=False).stdout.partition(" ")[0]

    def test_1_asks_the_lan(self):
        self.resolv_conf(self.lan.server)
        self.assertEqual(self.find("nas.demo.internal"), "")
        self.assertTrue(self.find("a1.example.com").startswith("198.18."))

    def test_2_dns_option(self):
        self.resolv_conf(EDGE, "search demo.internal\n")
        self.assertEqual((self.find("nas"), self.find("nas.demo.internal")), (NAS, NAS))
        self.assertEqual(self.find("nowhere"), "")
        self.assertTrue(self.container.ok("ping", "-c", "1", "-W", "5", "nas"))

    def test_3_vpn_mode_of_the_host(self):
        """Without an option: whichever name server the container asks, the edge answers."""
        self.ctl("plain", "mode", "vpn")
        self.ctl("plain", "mode", "--confirm", check=False)
        self.addCleanup(self.ctl, "plain", "mode", "connector")
        self.resolv_conf(self.lan.server)
        asked = self.lan.log_size()
        self.assertEqual(self.find("nas.demo.internal"), NAS)
        self.assertEqual(self.lan.asked(asked), [])


if __name__ == "__main__":
    unittest.main()
