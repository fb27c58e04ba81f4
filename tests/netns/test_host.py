# SPDX-License-Identifier: GPL-3.0-or-later
"""daemon/net on a real kernel: what it changes is undone exactly, even after kill -9 at each step, and other programs' settings stay."""
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
from host_world import BUILD, GATEWAY, MESH, World  # noqa: E402
from machines import wait_for  # noqa: E402

CONNECTOR, VPN = f"apply {MESH}", f"apply {MESH} vpn"
BOTH = f"apply {MESH}{GATEWAY} vpn"
MOVES = {
    "connector": [CONNECTOR],
    "vpn": [CONNECTOR, VPN],
    "gateway": [CONNECTOR + GATEWAY],
    "all and back": [CONNECTOR, BOTH, CONNECTOR],
}
DOCKER = """
    nft add table ip filter
    nft add chain ip filter FORWARD '{ type filter hook forward priority filter; policy drop; }'
    nft add chain ip filter DOCKER-USER
    nft add rule ip filter FORWARD jump DOCKER-USER"""


class Host(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.before = self.world.settled_snapshot()

    def assert_as_before(self):
        self.assertEqual(self.world.snapshot(), self.before)

    def test_undone_exactly(self):
        for name, moves in MOVES.items():
            with self.subTest(name), self.world.driver() as driver:
                for move in moves:
                    driver.do(move)
                self.assertNotEqual(self.world.snapshot(), self.before)
                driver.do("undo")
                self.assertEqual(driver.do("empty"), "1")
                self.assert_as_before()
                self.assertEqual(os.path.getsize(self.world.ledger), 0)

    def test_modes_are_undone_exactly(self):
        """From VPN mode back to connector-only mode is what connector-only mode was."""
        with self.world.driver() as driver:
            driver.do(CONNECTOR)
            connected = self.world.settled_snapshot()
            for mode in (VPN, CONNECTOR + GATEWAY, BOTH):
                driver.do(mode)
                driver.do(CONNECTOR)
                self.assertEqual(self.world.snapshot(), connected)

    def killed(self, moves, step):
        """Runs the moves until the process kills itself at the step; FALSE: they ended before it."""
        with self.world.driver(kill_at=step) as driver:
            ended = all(driver.ask(move).startswith("ok") for move in moves)
        return not ended

    def test_kill_at_each_step(self):
        """Forward, between the modes and back; the next start restores exactly the state before."""
        self.world.sh(self.world.host, DOCKER)
        self.before = self.world.snapshot()
        moves, step = [CONNECTOR, BOTH, CONNECTOR, "undo"], 1
        while self.killed(moves, step):
            with self.subTest(step=step):
                with self.world.driver() as driver:
                    driver.do("undo")
                    self.assertEqual(driver.do("empty"), "1")
                self.assert_as_before()
            step += 1
        self.assertGreater(step, 120)

    def steps(self, move):
        """The steps of a move, in their order; it's undone again."""
        with self.world.driver(wrap=("env", "EW_HOST_STEPS=1")) as driver:
            driver.do(move)
            number = int(driver.do("steps"))
            driver.do("undo")
        return [line.split(" ", 1)[1] for line in driver.said.splitlines()][:number]

    def test_everything_is_noted_before_the_first_change(self):
        steps = self.steps(BOTH)
        noted = [step for step in steps if step.startswith("note down ")]
        made = [step for step in steps if step.startswith("set up ")]
        self.assertEqual(noted, [f"note down {len(made) + 2} changes"])  # with the two tables
        self.assertLess(steps.index(noted[0]), steps.index("load the firewall"))
        self.assertLess(steps.index("load the firewall"), steps.index(made[0]))

    def test_what_was_noted_and_never_made(self):
        """Killed after the ledger was written and before the first change. What another program has set in the meantime stays."""
        step = 1 + self.steps(BOTH).index("load the firewall")
        self.assertTrue(self.killed([BOTH], step))
        self.assert_as_before()
        with open(self.world.ledger) as ledger:
            self.assertGreater(len(ledger.readlines()), 15)
        self.world.sh(self.world.host, """
            ip link set edgeway0 mtu 1300; ip route add 10.9.0.0/16 via 192.168.7.1; ip route add 172.16.0.0/12 via 192.168.7.1 table 17764
            ip rule add priority 5200 table 99; nft add table inet edgeway; sysctl -qw net.ipv6.conf.eth0.accept_ra=0""")
        self.before = self.world.snapshot()
        with self.world.driver() as driver:
            driver.do("undo")
            self.assertEqual(driver.do("empty"), "1")
        self.assert_as_before()

    def test_a_start_after_a_kill_can_go_on(self):
        for step in (20, 60, 90):
            self.killed([CONNECTOR, BOTH], step)
            with self.world.driver() as driver:
                driver.do(BOTH)
                driver.do("undo")
            self.assert_as_before()

    def test_capability(self):
        """uid 0 with CAP_NET_ADMIN alone and no_new_privs, as the unit runs it."""
        wrap = ("setpriv", "--no-new-privs", "--bounding-set", "-all,+net_admin", "--inh-caps", "-all")
        with self.world.driver(wrap=wrap) as driver:
            driver.do(BOTH)
            driver.do("undo")
        self.assert_as_before()

    def test_no_capability(self):
        wrap = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
        with self.world.driver(wrap=wrap) as driver:
            self.assertRegex(driver.ask(CONNECTOR), "error 0 .*CAP_NET_ADMIN")
            self.assertEqual(driver.do("empty"), "1")
        self.assert_as_before()

    def conflict(self, script, move, says):
        self.world.sh(self.world.host, script)
        before = self.world.snapshot()
        with self.world.driver() as driver:
            answer = driver.ask(move)
            self.assertTrue(answer.startswith("error 1 "), answer)
            self.assertIn(says, answer)
            self.assertEqual(self.world.snapshot(), before)
            self.assertEqual(driver.do("empty"), "1")

    def table(self, number="main"):
        return self.world.sh(self.world.host, f"ip route show table {number}")

    def test_route_of_another_program(self):
        """It stays, and Edgeway's route is left out of both tables; everything else works, and Edgeway's route is added once the other one is
        removed."""
        self.world.sh(self.world.host, "ip route add 10.9.0.0/16 via 192.168.7.1 metric 50")
        with self.world.driver() as driver:
            for move in (CONNECTOR, VPN):
                driver.do(move)
                self.assertRegex(driver.do("problems"), r"^The route 10\.9\.0\.0/16 isn't in use: .* via eth0 .*metric 50\)\. Remove that route .*;$")
                self.assertIn("100.96.0.0/12 dev edgeway0", self.table())
                self.assertIn("100.96.0.0/12 dev edgeway0", self.table(17764))
                self.assertNotIn("10.9.0.0/16 dev", self.table() + self.table(17764))
            self.world.sh(self.world.host, "ip route del 10.9.0.0/16")
            driver.do(CONNECTOR)
            self.assertEqual(driver.do("problems"), "")
            self.assertIn("10.9.0.0/16 dev edgeway0", self.table())
            # Another program adds its route while Edgeway's exists: Edgeway's stays.
            self.world.sh(self.world.host, "ip route add 10.9.0.0/16 via 192.168.7.1 metric 50")
            driver.do(VPN)
            self.assertIn("10.9.0.0/16 dev edgeway0", self.table(17764))
            driver.do("undo")
            self.world.sh(self.world.host, "ip route del 10.9.0.0/16")
        self.assert_as_before()

    def test_names_that_no_command_can_have(self):
        """The kernel takes any bytes for the name of a table: none of them can inject a command or garble a report."""
        names = ["a b drop\nflush ruleset\n#", "x; flush ruleset", 'quote"', "\x1b[31mred", "é" * 30]
        for name in names:
            table = {"family": "inet", "table": name, "name": "forward", "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}
            subprocess.run(["ip", "netns", "exec", self.world.host, "nft", "-j", "-f", "-"], check=True, text=True,
                           input=json.dumps({"nftables": [{"add": {"table": {"family": "inet", "name": name}}}, {"add": {"chain": table}}]}))
        before = self.world.snapshot()
        with self.world.driver() as driver:
            driver.do(CONNECTOR + GATEWAY)
            self.assertIn("no command can use its name", driver.do("problems"))
            driver.do(CONNECTOR)
            checks = json.loads(driver.do("diagnose"))
            self.assertEqual(len({check["message"] for check in checks if check["check"] == "firewall-forward"}), len(names))
            tables = json.loads(self.world.sh(self.world.host, "nft -j list tables"))["nftables"]
            self.assertLessEqual(set(names), {entry["table"]["name"] for entry in tables if "table" in entry})
            driver.do("undo")
        self.assertEqual(self.world.snapshot(), before)

    def test_forwarding_is_read_only(self):
        wrap = ("unshare", "-m", "sh", "-c", "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec \"$@\"", "-")
        with self.world.driver(wrap=wrap) as driver:
            driver.do(CONNECTOR + GATEWAY)
            problems = driver.do("problems").split(";")
            self.assertRegex(problems[0], r"^This computer doesn't forward to 192\.168\.55\.0/24: forwarding is off on lan0 .*Read-only file system")
            self.assertRegex(problems[1], r"^ This computer doesn't forward to fd55::/64: .*Read-only")
            self.assertIn("100.96.0.0/12 dev edgeway0", self.table())
            driver.do("undo")
        self.assert_as_before()

    def test_table_that_only_its_owner_may_change(self):
        """firewalld 2: not reported as a lack of privilege, and open once its owner allows the interface."""
        owner = subprocess.Popen(["ip", "netns", "exec", self.world.host, "nft", "-i"], stdin=subprocess.PIPE, text=True, bufsize=1,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(owner.wait)
        self.addCleanup(owner.stdin.close)
        owner.stdin.write("add table inet firewalld { flags owner; }\n"
                          "add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }\n"
                          "add rule inet firewalld filter_FORWARD ct state { established, related } accept\n"
                          "add rule inet firewalld filter_FORWARD reject with icmpx admin-prohibited\n")
        wait_for("firewalld's rules", lambda: "reject" in self.world.sh(self.world.host, "nft list ruleset"), 5)
        with self.world.driver() as driver:
            driver.do(CONNECTOR + GATEWAY)
            self.assertRegex(driver.do("problems"), r"^This computer doesn't forward to 192\.168\.55\.0/24: .*inet firewalld filter_FORWARD.*firewall-cmd .*--add-interface=edgeway0")
            owner.stdin.write('insert rule inet firewalld filter_FORWARD iifname "edgeway0" accept\n')
            wait_for("it is open", lambda: driver.do("problems") == "", 5)

    def test_no_nftables(self):
        """Connector-only mode works, nothing is forwarded, and VPN mode is refused with a sentence that says what is missing."""
        wrap = ("env", f"LD_PRELOAD={BUILD}/tests/lib/no-netfilter.so")
        with self.world.driver(wrap=wrap) as driver:
            driver.do(CONNECTOR + GATEWAY)
            self.assertIn("100.96.0.0/12 dev edgeway0", self.table())
            problems = driver.do("problems")
            for said in ("firewall rules aren't in place. ", "has no nftables (Protocol not supported)", "modprobe nf_tables",
                         "doesn't forward to 192.168.55.0/24", "doesn't forward to fd55::/64"):
                self.assertIn(said, problems)
            connected = self.world.settled_snapshot()
            self.assertRegex(driver.ask(VPN), r"^error 3 .*has no nftables")
            self.assertEqual(self.world.snapshot(), connected)
            driver.do("undo")
            self.assertEqual(driver.do("empty"), "1")
        self.assert_as_before()

    def test_conflict_address(self):
        """If its only address is on another interface, a node can't connect; if one of two is, the other family still works."""
        self.world.sh(self.world.host, "ip addr add 100.96.1.7/32 dev lan0")
        with self.world.driver() as driver:
            driver.do(CONNECTOR)
            self.assertIn("100.96.1.7/32 stays outside the tunnel: the interface lan0 has", driver.do("problems"))
            self.assertIn("fd45::7", self.world.sh(self.world.host, "ip addr show dev edgeway0"))
            self.assertNotIn("100.96.1.7", self.world.sh(self.world.host, "ip addr show dev edgeway0"))
            driver.do("undo")
        self.world.sh(self.world.host, "ip addr del 100.96.1.7/32 dev lan0")
        self.conflict("ip addr add 100.96.1.7/32 dev lan0", CONNECTOR.replace("address=fd45::7 ", ""), "lan0")

    def test_rule_of_others_with_the_same_priority(self):
        for order in ("before", "after"):
            with self.subTest(order), self.world.driver() as driver:
                if order == "after":
                    driver.do(VPN)
                self.world.sh(self.world.host, "ip rule add priority 5200 to 1.2.3.4 lookup 99; ip -6 rule add priority 5200 to 2001:db8:1::/64 lookup 99")
                driver.do(VPN)
                self.assertEqual(self.world.sh(self.world.host, "ip rule; ip -6 rule").count("5200:"), 4)
                self.assertIn("edgeway0", self.world.sh(self.world.host, "ip route get 198.51.100.5"))
                driver.do("undo")
                self.assertEqual(self.world.sh(self.world.host, "ip rule; ip -6 rule").count("5200:"), 2)
                self.world.sh(self.world.host, "ip rule del priority 5200; ip -6 rule del priority 5200")
                self.assert_as_before()

    def test_conflict_private_table(self):
        self.conflict("ip route add 10.1.0.0/16 dev lan0 table 17764", VPN, "lan0")

    def test_conflict_nftables(self):
        self.conflict("nft add table inet edgeway", CONNECTOR, "inet edgeway")

    def test_failure_goes_back_to_what_was(self):
        with self.world.driver() as driver:
            driver.do(CONNECTOR)
            connected = self.world.settled_snapshot()
            self.world.sh(self.world.host, "ip route add 10.1.0.0/16 dev lan0 table 17764")
            self.assertTrue(driver.ask(VPN).startswith("error 1 "))
            self.world.sh(self.world.host, "ip route del 10.1.0.0/16 table 17764")
            self.assertEqual(self.world.snapshot(), connected)
            driver.do("undo")
        self.assert_as_before()

    def test_never_a_default_route_in_connector_mode(self):
        with self.world.driver() as driver:
            self.assertIn("Use VPN mode", driver.ask(CONNECTOR + " route=0.0.0.0/0"))
        self.assert_as_before()

    def test_things_of_others_are_left_alone(self):
        with self.world.driver() as driver:
            driver.do(BOTH)
        # What was Edgeway's and became another program's between a crash and the next start.
        self.world.sh(self.world.host, """
            sysctl -qw net.ipv4.conf.all.src_valid_mark=2 net.ipv4.ip_forward=1
            ip route del 10.9.0.0/16; ip route add 10.9.0.0/16 via 192.168.7.1 proto static
            ip link set edgeway0 mtu 1300
            nft delete table inet edgeway; nft add table inet edgeway
            nft add table ip somebody""")
        with self.world.driver() as driver:
            driver.do("undo")
            self.assertEqual(driver.do("empty"), "1")
        now = self.world.snapshot()
        for kept in ("10.9.0.0/16 via 192.168.7.1", "mtu 1300", "table inet edgeway {", "table ip somebody", "all/src_valid_mark:2",
                     "conf/lan0/forwarding:1"):
            self.assertIn(kept, now)
        for gone in ("proto 69", "17764", "table arp", "100.96.1.7"):
            self.assertNotIn(gone, now)

    def test_interface_removed(self):
        """The TUN disappears with the process; another one that takes its name isn't Edgeway's."""
        self.world.sh(self.world.host, "ip tuntap add edgeway1 mode tun")
        move = BOTH + " interface=edgeway1"
        with self.world.driver() as driver:
            driver.do(move)
        self.world.sh(self.world.host, "ip tuntap del edgeway1 mode tun; ip tuntap add edgeway1 mode tun; ip link set edgeway1 mtu 1420 up; "
                                       "ip addr add 100.96.1.7/32 dev edgeway1")
        with self.world.driver() as driver:
            driver.do("undo")
        self.assertIn("inet 100.96.1.7/32", self.world.snapshot())
        self.world.sh(self.world.host, "ip tuntap del edgeway1 mode tun")
        self.assert_as_before()
        with self.world.driver() as driver:
            self.assertIn("doesn't exist", driver.ask(move))

    def test_broken_ledger_is_not_obeyed(self):
        with self.world.driver() as driver:
            driver.do(CONNECTOR)
        connected = self.world.settled_snapshot()
        with open(self.world.ledger) as file:
            good = file.read()
        lines = good.splitlines(True)
        lines[2] = lines[2].replace("1420", "1421")
        with open(self.world.ledger, "w") as file:
            file.writelines(lines)
        with self.world.driver() as driver:
            self.assertRegex(driver.process.stdout.readline(), "error 2 .*line 3 is damaged.*Restart this computer")
        self.assertEqual(self.world.snapshot(), connected)
        with open(self.world.ledger, "w") as file:
            file.write(good + '{"sum":"0123')
        with self.world.driver() as driver:
            driver.do("undo")
        self.assert_as_before()

    def test_ledger_on_a_full_disk(self):
        self.world.ledger = "/dev/full"
        with self.world.driver() as driver:
            self.assertRegex(driver.process.stdout.readline() or "", "error 2 ")
        self.assert_as_before()

    def test_ipv6_off(self):
        self.world.sh(self.world.host, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
        before = self.world.snapshot()
        with self.world.driver() as driver:
            driver.do(BOTH)
            self.assertIn("inet 100.96.1.7/32", self.world.snapshot())
            self.assertIn("ipv6=0", driver.do("facts"))
            driver.do("undo")
        self.assertEqual(self.world.snapshot(), before)

    def test_small_mtu_has_no_ipv6(self):
        with self.world.driver() as driver:
            driver.do(VPN + " mtu=1200")
            driver.do(VPN + " mtu=1400")
            self.assertIn("fd45::7", self.world.snapshot())
            driver.do(VPN + " mtu=1200")
            self.assertNotIn("fd45::7", self.world.sh(self.world.host, "ip -6 addr"))
            driver.do("undo")
        self.assert_as_before()

    def test_facts_and_refusal(self):
        with self.world.driver() as driver:
            driver.do(CONNECTOR)
            facts = driver.do("facts").split()
            for fact in ("ipv6=1", "on-link=192.168.7.0/24", "on-link=192.168.55.0/24", "on-link=2001:db8:7::/64", "address=192.168.7.2",
                         "gateway=192.168.7.1", "gateway=2001:db8:7::1"):
                self.assertIn(fact, facts)
            self.assertFalse([fact for fact in facts if "100.96" in fact or "fd45" in fact], facts)
            self.assertIn("connected to", driver.do("refusal 192.168.55.128/25"))
            self.assertIn("edge", driver.do("refusal 198.51.0.0/16 198.51.100.5"))
            self.assertEqual(driver.do("refusal 11.22.0.0/16 198.51.100.5"), "taken")

    def checks(self, driver, *ranges):
        result = {}
        for check in json.loads(driver.do("diagnose " + " ".join(ranges or ("100.96.0.0/12", "fd45::/48")))):
            self.assertEqual(sorted(set(check) - {"message_phrase", "fix_phrase"}), ["check", "fix", "fixable", "fixed", "message", "ok", "warning"])
            result.setdefault(check["check"], []).append(check)
        return result

    def test_diagnose(self):
        with self.world.driver() as driver:
            driver.do(CONNECTOR)
            bad = {name: checks for name, checks in self.checks(driver).items() if not all(check["ok"] for check in checks)}
            self.assertEqual(bad, {})
            self.assertEqual(self.checks(driver)["ipv6"][0]["message"], "IPv6 is on.")
            # Only the path to the edge matters, and the advice works.
            self.world.sh(self.world.host, "ip link set eth0 mtu 1400")
            everywhere = ("100.96.0.0/12", "fd45::/48")
            self.assertTrue(self.checks(driver, "edge=192.168.55.10", *everywhere)["mtu"][0]["ok"])
            narrow = self.checks(driver, "edge=192.0.2.1", *everywhere)["mtu"][0]
            self.assertFalse(narrow["ok"])
            self.world.sh(self.world.host, narrow["fix"].split("(")[1].split(")")[0])
            self.assertTrue(self.checks(driver, "edge=192.0.2.1", *everywhere)["mtu"][0]["ok"])
            self.world.sh(self.world.host, DOCKER + """
                ip link add tailscale0 type veth peer name ts1; ip addr add 100.101.1.1/32 dev tailscale0
                ip link set tailscale0 up; ip link set ts1 up
                ip route add 100.100.100.100 dev tailscale0 table 52; ip route add 100.97.0.0/16 via 192.168.7.1
                nft add chain ip filter ts-input; nft add rule ip filter ts-input iifname != tailscale0 ip saddr 100.64.0.0/10 drop
                nft add chain ip filter INPUT '{ type filter hook input priority filter; }'; nft add rule ip filter INPUT jump ts-input
                nft add table inet fw; nft add chain inet fw in '{ type filter hook input priority 0; }'
                nft add rule inet fw in ct state established accept; nft add rule inet fw in counter reject
                ip link set edgeway0 mtu 1480; sysctl -qw net.ipv6.conf.all.disable_ipv6=1
                nft delete table arp edgeway; ip rule del priority 5200""")
            checks = self.checks(driver)
            for name, words in {"overlap-address": "tailscale0", "overlap-route": "100.97.0.0/16", "foreign-drop": "ts-input",
                                "firewall-input": "inet fw in", "firewall-forward": "DOCKER-USER", "ipv6": "switched off", "mtu": "1480",
                                "firewall": "removed", "routing": "Another program has removed"}.items():
                self.assertIn(words, "\n".join(check["message"] for check in checks[name]), name)
            self.assertEqual(len(checks["overlap-route"]), 2)
            for name in ("overlap-address", "overlap-route", "foreign-drop", "mtu", "firewall", "routing"):
                self.assertTrue(all(not check["ok"] and check["fix"] for check in checks[name]), name)
            # The command for Tailscale's chain works and is limited to Edgeway's interface and the mesh's range.
            self.world.sh(self.world.host, re.search("`sudo (nft .*?)`", checks["foreign-drop"][0]["fix"]).group(1))
            self.assertRegex(self.world.sh(self.world.host, "nft list chain ip filter ts-input"), r'iifname "edgeway0" ip saddr 100\.96\.0\.0/12 counter .* return')

    def test_diagnose_in_vpn_mode(self):
        """Neighbors on the LAN that are reached through the edge."""
        self.world.sh(self.world.host, "ip addr add 203.0.113.70/24 dev eth0")
        with self.world.driver() as driver:
            driver.do(VPN)
            self.assertEqual(sorted(re.search(r"network (\S+) of eth0", check["message"]).group(1) for check in self.checks(driver)["public-neighbors"]),
                             ["2001:db8:7::/64", "203.0.113.0/24"])
            driver.do(CONNECTOR)
            self.assertNotIn("public-neighbors", self.checks(driver))
            driver.do("undo")

    def test_watch(self):
        with self.world.driver() as driver:
            driver.do("watch")
            driver.do(CONNECTOR)
            self.assertEqual(driver.do("run 1.5"), "0", "our own changes are no news")
            self.world.sh(self.world.host, "ip route add 10.77.0.0/16 via 192.168.7.1")
            self.assertEqual(driver.do("run 1"), "0", "nor are routes that are no default")
            self.world.sh(self.world.host, "for i in $(seq 50); do ip addr add 192.168.7.99/24 dev eth0; ip addr del 192.168.7.99/24 dev eth0; done; "
                                           "ip addr add 192.168.7.98/24 dev eth0")
            self.assertIn(int(driver.do("run 2")), (1, 2))
            self.world.sh(self.world.host, "ip route replace default via 192.168.7.98")
            self.assertEqual(driver.do("run 1.5"), "1")
            self.world.sh(self.world.host, "ip link set lan0 down")
            self.assertIn(int(driver.do("run 1.5")), (1, 2))

    NO_TROUBLE = "missing= foreign="
    TAKINGS = {
        "rules": "for f in 4 6; do for p in $(ip -$f rule | awk -F: '$1 > 0 && $1 < 32766 { print $1 }'); do ip -$f rule del priority $p; done; done",
        "private table": "ip route flush table 17764; ip -6 route flush table 17764",
        "main routes": "ip route del 100.96.0.0/12; ip -6 route del fd45::/48",
        "addresses": "ip addr flush dev edgeway0",
        "link down": "ip link set edgeway0 down",
        "link down and up": "ip link set edgeway0 down; ip link set edgeway0 up",
    }

    def lines(self):
        """The snapshot without its order, as restored entries come last, and without the link-local address that the kernel gives a link."""
        return sorted(line for line in self.world.snapshot().splitlines() if line.strip() and "fe80:" not in line)

    def test_what_others_remove_is_restored(self):
        with self.world.driver() as driver:
            driver.do("watch")
            for mode in (CONNECTOR, BOTH):
                for what, taking in self.TAKINGS.items():
                    with self.subTest(mode=mode[-5:], taken=what):
                        driver.do(mode)
                        driver.do("run 0.1")
                        before = self.lines()
                        self.world.sh(self.world.host, taking)
                        self.assertNotEqual(self.lines(), before)
                        driver.do("run 0.5")  # promised: 1 s
                        self.assertEqual(self.lines(), before)
                        self.assertEqual(driver.do("troubles"), self.NO_TROUBLE)
                        driver.do("undo")  # a series of losses ends with it
        self.assert_as_before()

    def test_what_is_removed_again_and_again(self):
        """The other program wins in the end: repairs become rare, and the conflict is reported until it ends."""
        with self.world.driver() as driver:
            driver.do("watch")
            driver.do(VPN)
            driver.do("run 0.3")
            before = self.lines()
            fight = subprocess.Popen(["ip", "netns", "exec", self.world.host, "sh", "-c",
                                      "n=0; while sleep 0.05; do ip rule del priority 5200 2>/dev/null && n=$((n+1)) && echo $n; done"],
                                     stdout=subprocess.PIPE, text=True)
            self.addCleanup(fight.stdout.close)
            self.addCleanup(fight.wait)
            self.addCleanup(fight.kill)
            self.assertGreater(int(driver.do("run 3")), 0, "it is told")
            self.assertIn("keeps removing the IPv4 policy rule 5200", driver.do("troubles"))
            fight.kill()
            self.assertLess(len(fight.stdout.read().split()), 12, "no fight at full speed")
            for _ in range(24):
                if driver.do("troubles") == self.NO_TROUBLE:
                    break
                driver.do("run 0.5")
            self.assertEqual(driver.do("troubles"), self.NO_TROUBLE)
            self.assertEqual(self.lines(), before)
            driver.do("undo")

    def test_a_route_of_others_inside_the_meshs_is_told(self):
        with self.world.driver() as driver:
            driver.do("watch")
            driver.do(CONNECTOR)
            for add, remove in (("ip route add 100.96.2.0/24 via 192.168.7.1 proto dhcp", "ip route del 100.96.2.0/24"),
                                ("ip -6 route add fd45::/64 via 2001:db8:7::1", "ip -6 route del fd45::/64"),
                                ("ip addr add 10.9.3.4/24 dev eth0", "ip addr del 10.9.3.4/24 dev eth0")):
                with self.subTest(add):
                    self.world.sh(self.world.host, add)
                    self.assertGreater(int(driver.do("run 0.3")), 0)
                    self.assertRegex(driver.do("troubles"), "^missing= foreign=Another program's route to [0-9a-f.:]+/(24|64) via eth0")
                    self.world.sh(self.world.host, remove)
                    driver.do("run 0.7")
                    self.assertEqual(driver.do("troubles"), self.NO_TROUBLE)
            self.world.sh(self.world.host, "ip route add 10.77.0.0/16 via 192.168.7.1")
            driver.do("run 0.3")
            self.assertEqual(driver.do("troubles"), self.NO_TROUBLE, "routes elsewhere are no news")
            driver.do("undo")

    def test_flushed_ruleset_is_restored(self):
        with self.world.driver() as driver:
            driver.do("watch")
            driver.do(BOTH)
            driver.do("run 1")
            rules = self.world.sh(self.world.host, "nft -s list ruleset")
            self.world.sh(self.world.host, "nft flush ruleset")
            driver.do("run 1.5")
            self.assertEqual(self.world.sh(self.world.host, "nft -s list ruleset"), rules)
            driver.do("undo")
            driver.do("run 1")
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main()
