# SPDX-License-Identifier: GPL-3.0-or-later
"""What other programs remove from the tunnel on a real mesh is restored at once, nothing leaves unencrypted in the meantime, and the status is
correct."""
import re
import signal
import subprocess
import time
import unittest

from demo_mesh import EDGE_ADDRESS, WEBSITE
from mesh_case import MeshCase, wait_for

REMOVE_RULES = ("for f in 4 6; do for p in $(ip -$f rule | awk -F: '$1 > 0 && $1 < 32766 { print $1 }'); do ip -$f rule del priority $p; done; done")
# Who does so: systemd-networkd at its start; NetworkManager's "Disconnect" and "Enable networking" off and on; ifdown.
TAKINGS = {
    "rules": REMOVE_RULES,
    "addresses and routes": "ip addr flush dev edgeway0; ip route flush dev edgeway0; ip route flush table 17764",
    "link down": "ip link set edgeway0 down",
    "link down and up": "ip link set edgeway0 down; ip link set edgeway0 up",
    "all of it": f"{REMOVE_RULES}; ip addr flush dev edgeway0; ip link set edgeway0 down",
    "the link itself": "ip link del edgeway0",
}
GUARD = f"""
nft add table inet counted
nft add chain inet counted out '{{ type filter hook postrouting priority 300; }}'
nft add rule inet counted out oifname != '{{ "lo", "edgeway0" }}' ip daddr '{{ {WEBSITE}, 100.96.0.0/12 }}' counter"""


class TakenAway(MeshCase):
    SITES = JOIN = ("laptop", "web")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.laptop = cls.mesh.machine("laptop")
        cls.laptop.run("sh", "-ec", GUARD)
        cls.web = cls.mesh.ctl_json("web", "status")["addresses"][0]

    def leaked(self):
        return int(re.search(r"packets (\d+)", self.laptop.run("nft", "list", "chain", "inet", "counted", "out").stdout).group(1))

    def reaches(self, address):
        return self.laptop.ok("ping", "-n", "-c1", "-W0.3", address)

    def pings(self, *addresses):
        """Traffic all the while."""
        for address in addresses:
            process = subprocess.Popen(self.laptop.command(["ping", "-n", "-q", "-i0.02", "-W1", address]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)

    def take_away(self, *addresses, mode):
        self.pings(*addresses)
        for what, taking in TAKINGS.items():
            with self.subTest(mode=mode, taken=what):
                for address in addresses:
                    wait_for(f"{address} answers", lambda: self.reaches(address), 10)
                before = self.leaked()
                self.laptop.run("sh", "-c", taking)
                started = time.monotonic()
                for address in addresses:
                    wait_for(f"{address} answers again", lambda: self.reaches(address), 10, 0.02)
                seconds = time.monotonic() - started
                self.assertEqual(self.leaked(), before, "packets in clear")
                self.assertLess(seconds, 5, "promised: 1 s")
                self.wait_state("laptop", "connected")
                status = self.status("laptop")
                self.assertEqual((status["mode"], status["reason"]), (mode, ""))

    def test_vpn_mode(self):
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm", check=False)  # a probe may have done so
        self.take_away(WEBSITE, self.web, mode="vpn")
        self.ctl("laptop", "mode", "connector")

    def test_connector_mode(self):
        self.ctl("laptop", "mode", "connector")
        self.take_away(self.web, mode="connector")

    def test_a_fight_is_not_called_connected(self):
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm", check=False)
        self.pings(WEBSITE)
        before = self.leaked()
        fight = subprocess.Popen(self.laptop.command(["sh", "-c", "while :; do ip rule del priority 5200 2>/dev/null; sleep 0.03; done"]))
        self.addCleanup(fight.wait)
        self.addCleanup(fight.kill)
        wait_for("it is told", lambda: self.status("laptop")["reason"] == "taken-away", 10)
        status = self.status("laptop")
        self.assertEqual(status["state"], "reconnecting")
        self.assertIn("the IPv4 policy rule 5200", status["message"])
        self.assertEqual(self.leaked(), before)
        fight.kill()
        self.wait_state("laptop", "connected", 60)
        wait_for("the site answers", lambda: self.reaches(WEBSITE), 10)
        self.ctl("laptop", "mode", "connector")

    def replace_the_interface(self):
        """While edgewayd stands still: it is quicker otherwise."""
        process = self.mesh.running["laptop"][0]
        process.send_signal(signal.SIGSTOP)
        try:
            self.laptop.run("sh", "-ec", "ip link del edgeway0; ip link add edgeway0 type veth peer name other0")
        finally:
            process.send_signal(signal.SIGCONT)

    def test_an_interface_that_cannot_be_made_again(self):
        """Another one has its name: the state says so, nothing leaves, and the user can disconnect."""
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm", check=False)
        wait_for("the site answers", lambda: self.reaches(WEBSITE), 10)
        self.pings(WEBSITE)
        before = self.leaked()
        self.replace_the_interface()
        self.wait_state("laptop", "error")
        self.assertEqual(self.status("laptop")["reason"], "interface-lost")
        self.assertEqual(self.leaked(), before)
        self.laptop.run("ip", "link", "del", "edgeway0")
        self.wait_state("laptop", "connected")
        self.assertEqual(self.status("laptop")["mode"], "vpn")
        wait_for("the site answers", lambda: self.reaches(WEBSITE), 10)
        self.assertEqual(self.leaked(), before)
        self.replace_the_interface()
        self.wait_state("laptop", "error")
        self.ctl("laptop", "disconnect")
        wait_for("the site answers without the tunnel", lambda: self.reaches(WEBSITE), 10)
        self.laptop.run("ip", "link", "del", "edgeway0")
        self.ctl("laptop", "connect")
        self.ctl("laptop", "mode", "connector")

    def test_a_route_of_others_is_told(self):
        self.assertNotEqual(EDGE_ADDRESS, self.web)
        gateway = re.search(r"default via (\S+)", self.laptop.run("ip", "route").stdout).group(1)
        self.laptop.run("ip", "route", "add", f"{self.web}/32", "via", gateway, "proto", "dhcp")
        wait_for("it is told", lambda: self.status("laptop")["reason"] == "foreign-route", 5)
        self.assertEqual(self.status("laptop")["state"], "connected")
        self.assertIn(self.web, self.status("laptop")["message"])
        self.assertTrue(self.reaches(self.web))
        self.laptop.run("ip", "route", "del", f"{self.web}/32", "via", gateway)
        wait_for("all is well", lambda: self.status("laptop")["reason"] == "", 25)

    def test_a_route_that_comes_and_goes(self):
        """A router that announces and withdraws such a route all the time doesn't fill the log."""
        gateway = re.search(r"default via (\S+)", self.laptop.run("ip", "route").stdout).group(1)

        def lines():
            with open(self.mesh.running["laptop"][0].log_path) as file:
                return [line for line in file if "foreign-route" in line or "Another program's" in line]
        before = len(lines())
        for i in range(20):
            self.laptop.run("ip", "route", "add", f"100.97.{i}.0/24", "via", gateway, "proto", "ra")
            time.sleep(0.1)  # real time: a router that changes its mind in steps
            self.laptop.run("ip", "route", "del", f"100.97.{i}.0/24", "via", gateway)
            time.sleep(0.05)  # real time: as above
        self.assertLess(len(lines()) - before, 20)
        wait_for("all is well", lambda: self.status("laptop")["reason"] == "", 25)

    def test_a_rogue_network_is_told(self):
        """An access point that gives out the mesh's own addresses on its link ("LocalNet") gets nothing of the mesh's traffic."""
        before = self.leaked()
        uplink = re.search(r"default via \S+ dev (\S+)", self.laptop.run("ip", "route").stdout).group(1)
        network = re.sub(r"\d+$", "0/24", self.web)
        self.laptop.run("ip", "addr", "add", re.sub(r"\d+$", "99/24", self.web), "dev", uplink)
        wait_for("it is told", lambda: [p["subject"] for p in self.status("laptop")["problems"] if p["kind"] == "range"] == [network], 5)
        self.assertEqual(self.status("laptop")["reason"], "foreign-route")
        for _ in range(3):
            self.assertTrue(self.reaches(self.web))
        self.assertEqual(self.leaked(), before)
        self.laptop.run("ip", "addr", "del", re.sub(r"\d+$", "99/24", self.web), "dev", uplink)
        wait_for("all is well", lambda: self.status("laptop")["reason"] == "" and not self.status("laptop")["problems"], 25)


if __name__ == "__main__":
    unittest.main()
