#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch as a guest on its host: all undone at stop and after a kill, other firewalls, no privilege, a restart."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from switch_case import ALICE, BOB, BUILD, SERVICE, WEBSITE, SwitchCase, host_state, wait_for  # noqa: E402

EDGE = os.path.join(BUILD, "daemon/edge/edgeway-edge")
DOCKER = """
table ip filter {
  chain DOCKER-USER {
    counter return
  }
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    counter jump DOCKER-USER
    iifname "docker0" accept
  }
}
"""


class TestSwitchHost(SwitchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_nodes()
        # Forwarding by one interface alone, and a router's announcements: both easily lost when forwarding is switched.
        cls.edge.sysctl("net/ipv4/conf/lan/forwarding", "1")
        cls.edge.sysctl("net/ipv6/conf/wan/accept_ra", "1")
        cls.edge.sysctl("net/ipv6/conf/lan/accept_ra", "0")

    def setUp(self):
        self.before = host_state(self.edge)

    def tearDown(self):
        self.switch.stop()

    def value(self, path):
        return self.edge.run("cat", f"/proc/sys/{path}").stdout.strip()

    def assert_undone(self):
        self.assertEqual(self.before, host_state(self.edge))

    def test_stop_undoes_all(self):
        switch = self.start_switch(find=True)
        self.assertEqual(switch.limits, "none")
        self.assertEqual(self.value("net/ipv4/ip_forward"), "1")
        self.assertEqual(self.value("net/ipv6/conf/wan/accept_ra"), "2")
        self.assertNotEqual(self.before, host_state(self.edge))
        self.assert_pings(self.alice, WEBSITE[0])
        self.assertEqual(switch.status()["stats"]["malformed"], 0, "the host's own multicasts are nobody's fault")
        self.assertEqual(switch.stop(), 0)
        self.assert_undone()

    def test_kill_and_restart_undoes_all(self):
        for again in ({}, {}, {"exit": False}):
            switch = self.start_switch(find=True)
            self.assert_pings(self.alice, WEBSITE[1])
            switch.kill()
            self.assertEqual(self.value("net/ipv4/ip_forward"), "1")
            with self.subTest(again=again):
                switch = self.start_switch(find=True, **again)
                self.assert_pings(self.alice, SERVICE[0])
                self.assertEqual(switch.stop(), 0)
                self.assert_undone()

    def test_kill_and_revert_undoes_all(self):
        """What no later edge takes over. An edge that runs keeps its own."""
        def revert():
            return self.edge.run(EDGE, "revert").stdout
        self.assertIn("No killed edge", revert())
        switch = self.start_switch(find=True)
        before = host_state(self.edge)
        self.assertEqual(revert(), "No killed edge has left a change.\nAn edge runs and keeps what it has changed.\n")
        self.assertEqual(before, host_state(self.edge))
        switch.kill()
        self.assertNotEqual(self.before, host_state(self.edge))
        self.assertEqual(revert(), "Every change that a killed edge has left was undone.\n")
        self.assert_undone()

    def test_others_settings_stay(self):
        """What another program has set in the meantime is not reset."""
        switch = self.start_switch(find=True)
        self.edge.sysctl("net/ipv6/conf/wan/accept_ra", "0")
        self.edge.run("nft", "add", "table", "inet", "foreign")
        switch.stop()
        self.assertEqual(self.value("net/ipv6/conf/wan/accept_ra"), "0")
        self.assertIn("table inet foreign", self.edge.run("nft", "list", "ruleset").stdout)
        self.edge.run("nft", "delete", "table", "inet", "foreign")
        self.edge.sysctl("net/ipv6/conf/wan/accept_ra", "1")
        self.assert_undone()

    def test_no_exit_forwards_nothing(self):
        switch = self.start_switch(find=True, exit=False)
        self.assertEqual(self.value("net/ipv4/ip_forward"), "0")
        self.assert_pings(self.alice, SERVICE[0])
        self.assert_ping_says(self.alice, WEBSITE[0], SERVICE[0], "Destination Net Unreachable")
        switch.stop()
        self.assert_undone()

    def test_flushed_firewall_comes_back(self):
        switch = self.start_switch(find=True)
        self.edge.run("nft", "flush", "ruleset")
        wait_for("the table is back", lambda: "edgeway-edge-edge0" in self.edge.run("nft", "list", "tables").stdout, 5)
        self.assert_pings(self.alice, WEBSITE[0])
        switch.stop()
        self.assert_undone()

    def test_docker(self):
        """A firewall that drops unknown packets is reported, with a fix; after the fix, the exit works."""
        self.edge.nft(DOCKER)
        switch = self.start_switch(find=True)
        self.assertIn("ip filter FORWARD", switch.limits)
        self.assertIn("DOCKER-USER", switch.limits)
        self.assert_pings(self.alice, BOB[0])
        self.assertFalse(self.ping(self.alice, WEBSITE[0])[0])
        self.edge.run("nft", "insert rule ip filter DOCKER-USER iifname edge0 accept")
        self.edge.run("nft", "insert rule ip filter DOCKER-USER oifname edge0 ct state established,related accept")
        self.assert_pings(self.alice, WEBSITE[0])
        self.edge.run("nft", "delete", "table", "ip", "filter")
        wait_for("the limit is gone", lambda: switch.status() and switch.limits == "none", 5)
        switch.stop()
        self.assert_undone()

    def test_without_privilege(self):
        switch = self.start_switch(find=True, prefix=("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"))
        self.assertIn("VPN mode is off", switch.limits)
        self.assert_undone()
        self.assert_pings(self.alice, BOB[0])
        for address in SERVICE:
            self.assert_pings(self.alice, address)
        self.assert_ping_says(self.alice, WEBSITE[0], SERVICE[0], "Destination Net Unreachable")
        switch.stop()
        self.assert_undone()

    def test_foreign_route(self):
        """Another VPN uses the mesh's range: that is reported, and the nodes are still served."""
        self.edge.ip("route", "add", "100.96.0.0/12", "dev", "lan")
        self.before = host_state(self.edge)
        switch = self.start_switch(find=True)
        self.assertIn("100.96.0.0/12", switch.limits)
        self.assert_pings(self.alice, BOB[0])
        switch.stop()
        self.assert_undone()
        self.edge.ip("route", "del", "100.96.0.0/12", "dev", "lan")

    def test_interface_deleted(self):
        switch = self.start_switch(find=True)
        self.edge.ip("link", "del", "edge0")
        wait_for("the limit is told", lambda: switch.status() and "was deleted" in switch.limits, 5)
        self.assert_undone()
        self.assert_pings(self.alice, SERVICE[0])
        self.assert_pings(self.alice, BOB[0])
        self.assert_ping_says(self.alice, WEBSITE[0], SERVICE[0], "Destination Net Unreachable")

    def test_without_ipv6(self):
        """Nodes still have IPv6 among themselves; the host has none."""
        self.edge.sysctl("net/ipv6/conf/all/disable_ipv6", "1")
        switch = self.start_switch(find=True)
        self.assertIn("IPv6 is switched off", switch.limits)
        self.assert_pings(self.alice, WEBSITE[0])
        self.assert_pings(self.alice, BOB[1])
        for address in SERVICE:
            self.assert_pings(self.alice, address)
        self.assert_ping_says(self.alice, WEBSITE[1], SERVICE[1], "No route")
        self.assertEqual(switch.stop(), 0)
        self.edge.sysctl("net/ipv6/conf/all/disable_ipv6", "0")
        for device, address in (("wan", "2001:db8::5/64"), ("lan", "2600:9::1/64")):
            self.edge.ip("addr", "add", address, "dev", device)
        self.edge.ip("-6", "route", "add", "default", "via", "2001:db8::1")
        self.edge.sysctl("net/ipv6/conf/lan/accept_ra", "0")

    def test_restart_finds_nodes(self):
        """With the endpoints it has stored the edge reaches out; the nodes themselves would be silent for minutes."""
        switch = self.start_switch()
        for machine in (self.alice, self.bob):
            wait_for("a node speaks", lambda: self.ping(machine, SERVICE[0])[0], 40)  # when its old session is given up
        wait_for("the endpoints are told", lambda: {line for _, line in switch.events if line.startswith("endpoint")}
                 >= {"endpoint alice 203.0.113.11:50001", "endpoint bob 203.0.113.12:50002"}, 5)
        switch.stop()
        switch = self.start_switch(find=True)
        self.assert_pings(self.edge, ALICE[0])
        self.assertEqual([line for _, line in switch.events if line.startswith("endpoint")], [])  # nothing new to store
        switch.stop()
        self.assert_undone()


class TestFirewall(SwitchCase):
    """The same table on an ordinary interface, where no router stands before it: the kernel's refusals by themselves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        switch = cls.start_switch(nodes=False)
        rules = cls.edge.run("nft", "list", "table", "inet", "edgeway-edge-edge0").stdout
        switch.stop()
        cls.member = cls.world.machine("member")
        cls.world.cable(cls.edge, "veth0", cls.member, "eth0")
        for address in SERVICE:
            cls.edge.ip("addr", "add", address, "dev", "veth0")
        for address in ALICE + ("100.95.0.9",):
            cls.member.ip("addr", "add", address, "dev", "eth0")
        cls.edge.ip("route", "add", "100.96.0.0/12", "dev", "veth0")
        cls.edge.ip("-6", "route", "add", "fd12::/48", "dev", "veth0")
        cls.edge.ip("route", "add", "100.95.0.9", "dev", "veth0")
        cls.member.ip("route", "add", SERVICE[0], "dev", "eth0")
        cls.member.ip("route", "add", "default", "via", SERVICE[0])
        cls.member.ip("-6", "route", "add", SERVICE[1], "dev", "eth0")
        cls.member.ip("-6", "route", "add", "default", "via", SERVICE[1])
        # An Ethernet needs neighbor discovery, unlike the tunnel.
        mac = {m: m.json("ip", "-j", "link", "show", d)[0]["address"] for m, d in ((cls.edge, "veth0"), (cls.member, "eth0"))}
        cls.member.ip("neigh", "replace", SERVICE[1], "lladdr", mac[cls.edge], "dev", "eth0")
        cls.edge.ip("neigh", "replace", ALICE[1], "lladdr", mac[cls.member], "dev", "veth0")
        cls.edge.sysctl("net/ipv4/ip_forward", "1")
        cls.edge.sysctl("net/ipv6/conf/all/forwarding", "1")
        cls.neighbour.ip("-6", "route", "add", "default", "via", "2600:9::1")
        cls.rules = rules.replace("edge0", "veth0")

    def reached(self):
        """Every address that answers, and every port."""
        targets = (*SERVICE, *WEBSITE, "192.168.50.1", "192.168.50.2", "93.184.220.1", "93.184.220.2", "203.0.113.5", "203.0.113.1", "2600:9::1", "2600:9::2",
                   "2001:db8::1")
        found = {address for address in targets if self.ping(self.member, address, wait=1)[0]}
        if self.ping(self.member, WEBSITE[0], "-I", "100.95.0.9", wait=1)[0]:
            found.add("spoofed")
        return found | {port for port in (22, 8080) if self.fetch(self.member, SERVICE[0], port)}

    def test_kernel_refuses(self):
        for port in (22, 8080):
            self.serve(self.edge, "0.0.0.0", port)
        open_host = self.reached()
        self.assertGreaterEqual(open_host, {"192.168.50.1", "93.184.220.2", "2600:9::2", 22, 8080})  # else this shows nothing
        self.edge.nft(self.rules)
        # Global addresses are the internet, on the host's links and its own too (there, only ping and the public ports).
        self.assertEqual(self.reached(), {*SERVICE, *WEBSITE, 22, "93.184.220.1", "93.184.220.2", "2600:9::1", "2600:9::2"})
        # From outside: nothing but replies.
        self.internet.ip("route", "add", "100.96.0.0/12", "via", "203.0.113.5")
        self.assertFalse(self.ping(self.internet, ALICE[0])[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
