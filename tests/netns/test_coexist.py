# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway beside other programs that own the firewall: what they block is found, fixed where the administrator wants that, and works both ways,
also after they have loaded their rules again.

  laptop ── edge ── office-gw (Tailscale's rules, ufw, firewalld or Docker) ── printer 10.77.0.9
"""
import json
import os
import unittest

from firewall_case import FirewallCase
from mesh_case import wait_for

# The rules that tailscaled 1.70 makes at each start (its util/linuxfw): chains of its own at the head of the built-in ones, its routing rules, and
# the address of its name server, which is inside the mesh's range.
TAILSCALE = r"""
ip tuntap add tailscale0 mode tun 2>/dev/null && ip addr add 100.70.1.1/32 dev tailscale0 && ip link set tailscale0 up
for t in 5210:'fwmark 0x80000/0xff0000 lookup main' 5230:'fwmark 0x80000/0xff0000 lookup default' 5250:'fwmark 0x80000/0xff0000 unreachable' 5270:'lookup 52'; do
  ip rule show pref ${t%%:*} | grep -q . || ip rule add pref ${t%%:*} ${t#*:}
done
ip route replace 100.100.100.100 dev tailscale0 table 52
for pair in filter:INPUT:ts-input filter:FORWARD:ts-forward nat:POSTROUTING:ts-postrouting; do
  t=${pair%%:*} c=${pair#*:}; own=${c#*:} hook=${c%:*}
  iptables -t $t -D $hook -j $own 2>/dev/null; iptables -t $t -F $own 2>/dev/null; iptables -t $t -X $own 2>/dev/null
  set -e; iptables -t $t -N $own; set +e
done
set -e
iptables -A ts-input -i lo -s 100.70.1.1 -j ACCEPT
iptables -A ts-input ! -i tailscale0 -s 100.115.92.0/23 -j RETURN
iptables -A ts-input ! -i tailscale0 -s 100.64.0.0/10 -j DROP
iptables -A ts-input -i tailscale0 -j ACCEPT
iptables -A ts-input -p udp --dport 41641 -j ACCEPT
iptables -A ts-forward -i tailscale0 -j MARK --set-mark 0x40000/0xff0000
iptables -A ts-forward -m mark --mark 0x40000/0xff0000 -j ACCEPT
iptables -A ts-forward -o tailscale0 -s 100.64.0.0/10 -j DROP
iptables -A ts-forward -o tailscale0 -j ACCEPT
iptables -t nat -A ts-postrouting -m mark --mark 0x40000/0xff0000 -j MASQUERADE
iptables -I INPUT 1 -j ts-input
iptables -I FORWARD 1 -j ts-forward
iptables -t nat -I POSTROUTING 1 -j ts-postrouting
"""
NO_TAILSCALE = """
iptables -D INPUT -j ts-input; iptables -D FORWARD -j ts-forward; iptables -t nat -D POSTROUTING -j ts-postrouting
for c in ts-input ts-forward; do iptables -F $c; iptables -X $c; done; iptables -t nat -F ts-postrouting; iptables -t nat -X ts-postrouting
for p in 5210 5230 5250 5270; do ip rule del pref $p; done; ip link del tailscale0
"""


class Coexist(FirewallCase):
    def setUp(self):
        self.wait_ways("before the test")

    def sh(self, script, **options):
        return self.gateway.run("sh", "-c", script, **options).stdout

    def diagnose(self, *argv):
        """{check: its entries} of the gateway."""
        result = self.ctl("office-gw", "diagnose", "--json", *argv, check=False)
        checks = {}
        for check in json.loads(result.stdout)["checks"]:
            checks.setdefault(check["check"], []).append(check)
        failed = sorted(name for name, entries in checks.items() if any(entry["ok"] is False for entry in entries))
        self.assertEqual(result.returncode, 1 if failed else 0)
        return checks, failed

    def drops(self):
        """How many packets Tailscale's rule has dropped."""
        line = next(line for line in self.sh("iptables -vxnL ts-input").splitlines() if "DROP" in line)
        return int(line.split()[0])

    def test_1_tailscale(self):
        self.sh(TAILSCALE)
        self.addCleanup(self.sh, NO_TAILSCALE, check=False)
        self.wait_ways("Tailscale's rules are in force", ("through",))
        checks, failed = self.diagnose()
        self.assertLessEqual({"foreign-drop", "overlap-route"}, set(failed), failed)
        [drop] = checks["foreign-drop"]
        self.assertTrue(drop["fixable"] and not drop["fixed"], drop)
        self.assertIn("ts-input\" of Tailscale", drop["message"])
        self.assertIn("100.100.100.100/32 to tailscale0 (Tailscale)", checks["overlap-route"][0]["message"])
        problems = self.status("office-gw")["problems"]
        self.assertEqual([(p["kind"], p["message"]) for p in problems], [("surroundings", drop["message"])])
        self.assertIn("diagnose --fix", problems[0]["fix"])
        text = self.ctl("office-gw", "diagnose", "--fix", check=False)
        self.assertIn("Fixed: foreign-drop.", text.stderr)
        self.assertIn("diagnose --revert", text.stdout)
        self.wait_ways("fixed")
        checks, failed = self.diagnose()
        self.assertEqual(failed, ["overlap-route"])
        self.assertTrue(checks["foreign-drop"][0]["fixed"])
        self.assertEqual(self.status("office-gw")["problems"], [])
        self.only_the_mesh_is_exempt()
        self.sh(TAILSCALE)
        self.wait_ways("tailscaled was restarted")
        self.comes_with_the_connection()
        self.assertIn("Reverted: foreign-drop.", self.ctl("office-gw", "diagnose", "--revert").stderr)
        self.assertNotIn("edgeway", self.sh("iptables -S ts-input"))
        self.wait_ways("reverted", ("through",))
        self.assertIn("no fix to undo", self.ctl("office-gw", "diagnose", "--revert").stderr)

    def only_the_mesh_is_exempt(self):
        """Tailscale's protection stays: for other sources, and for the mesh's addresses on any other interface (CVE-2019-14899)."""
        rules = self.sh("iptables -S ts-input").splitlines()
        self.assertRegex(rules[1], r"^-A ts-input -s 100\.96\.0\.0/12 -i edgeway0 .*-j RETURN$")
        self.assertEqual(sum("edgeway" in rule for rule in rules), 1, rules)
        for source in ("100.70.0.9", "100.97.0.9"):
            before = self.drops()
            self.printer.ip("addr", "add", source + "/32", "dev", "eth0")
            self.assertFalse(self.printer.ok("ping", "-c", "1", "-W", "1", "-I", source, "10.77.0.1"))
            self.printer.ip("addr", "del", source + "/32", "dev", "eth0")
            self.assertEqual(self.drops(), before + 1, source)

    def comes_with_the_connection(self):
        """It is in the ledger: undone on disconnecting, made again on connecting."""
        self.ctl("office-gw", "disconnect")
        self.assertNotIn("edgeway", self.sh("iptables -S ts-input"))
        self.ctl("office-gw", "connect")
        self.wait_ways("connected again")

    def test_2_ufw(self):
        self.sh("ufw --force enable")
        self.addCleanup(self.sh, "ufw --force disable")
        self.wait_ways("ufw is enabled", ("out", "through"))
        checks, failed = self.diagnose()
        self.assertEqual(failed, [])
        self.assertTrue(all(check["warning"] for check in checks["firewall-input"]), checks["firewall-input"])
        self.assertIn("ufw allow in on edgeway0", checks["firewall-input"][0]["fix"])
        self.sh("ufw allow in on edgeway0")
        self.addCleanup(self.sh, "ufw delete allow in on edgeway0", check=False)
        for what in ("true", "ufw reload", "ufw disable && ufw --force enable"):
            self.sh(what)
            self.wait_ways(what)
        self.assertTrue(all(check["ok"] for check in self.diagnose()[0]["firewall-input"]))

    def test_3_firewalld(self):
        self.start_firewalld()
        self.addCleanup(self.stop_firewalld)
        self.wait_ways("firewalld has started", ("out", "through"))
        checks, failed = self.diagnose()
        self.assertEqual(failed, [])
        [warned] = [check for check in checks["firewall-input"] if check["warning"]]
        self.assertIn("firewall-cmd --permanent --zone=edgeway --add-interface=edgeway0", warned["fix"])
        self.firewall("--permanent", "--zone=trusted", "--add-interface=edgeway0")
        for what in ("--reload", "--complete-reload"):
            self.firewall(what)
            self.wait_ways("firewall-cmd " + what)
        self.restart_firewalld()
        self.wait_ways("firewalld was restarted")
        self.assertTrue(all(check["ok"] for check in self.diagnose()[0]["firewall-input"]))

    def start_docker(self):
        folder = os.path.join(self.gateway.log_dir, "docker")
        docker = self.gateway.start("dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid", "--host",
                                    f"unix://{folder}/socket", "--storage-driver", "vfs", log="docker")
        wait_for("Docker", lambda: self.gateway.ok("docker", "-H", f"unix://{folder}/socket", "version"), 90)
        return docker

    def stop_docker(self, docker):
        """What it leaves on the computer stays in force, as ever."""
        docker.terminate()
        docker.wait(60)

    def test_5_docker(self):
        """The real one: it makes FORWARD drop, and keeps DOCKER-USER for others. Each of its starts writes its chains again."""
        self.addCleanup(self.sh, "iptables -P FORWARD ACCEPT; for t in filter nat; do iptables -t $t -F; iptables -t $t -X; done; ip link del docker0", check=False)
        docker = self.start_docker()
        self.addCleanup(lambda: self.stop_docker(docker))
        # It answers before it has written its chains, and until then everything passes.
        wait_for("Docker's policy", lambda: "-P FORWARD DROP" in self.sh("iptables -S FORWARD"), 60)
        wait_for("the rule in Docker's chain", lambda: "edgeway0" in self.sh("iptables -S DOCKER-USER", check=False), 30)
        self.wait_ways("Docker has started")
        checks, failed = self.diagnose()
        self.assertEqual(failed, [])
        self.assertTrue(all(check["ok"] for check in checks["firewall-forward"]), checks["firewall-forward"])
        self.stop_docker(docker)
        self.wait_ways("Docker has stopped")
        docker = self.start_docker()
        self.wait_ways("Docker was restarted")
        self.ctl("office-gw", "disconnect")
        self.assertNotIn("edgeway", self.sh("iptables -S"))
        self.ctl("office-gw", "connect")
        wait_for("the rule in Docker's chain again", lambda: "edgeway0" in self.sh("iptables -S DOCKER-USER"), 30)
        self.wait_ways("connected again beside Docker")

    def test_4_undone(self):
        """Nothing of Edgeway's is left in other programs' chains."""
        self.sh("iptables -N KEPT; iptables -P FORWARD DROP")
        self.addCleanup(self.sh, "iptables -P FORWARD ACCEPT; iptables -X KEPT")
        self.wait_ways("FORWARD drops")
        self.assertIn("edgeway0", self.sh("iptables -S FORWARD"))
        self.ctl("office-gw", "disconnect")
        self.assertNotIn("edgeway", self.sh("iptables -S; ip6tables -S"))
        self.ctl("office-gw", "connect")
        wait_for("connected", lambda: self.status("office-gw")["state"] == "connected", 20)


if __name__ == "__main__":
    unittest.main()
