#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch as a guest on its host: all undone at stop and after a kill, other firewalls, no privilege, a restart."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from switch_case import ALICE, BOB, SERVICE, WEBSITE, SwitchCase, host_state, wait_for  # noqa: E402

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

    def test_others_settings_stay(self):
        """What somebody else has set meanwhile is not set back."""
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
        """A firewall that drops what it does not know is named, with what to do; done, the exit works."""
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
        """Another VPN holds the mesh's range: said, and the nodes are served all the same."""
        self.edge.ip("route", "add", "100.96.0.0/12", "dev", "lan")
        self.before = host_state(self.edge)
        switch = self.start_switch(find=True)
        self.assertIn("100.96.0.0/12", switch.limits)
        self.assert_pings(self.alice, BOB[0])
        switch.stop()
        self.assert_undone()
        self.edge.ip("route", "del", "100.96.0.0/12", "dev", "lan")

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
