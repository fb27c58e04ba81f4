# SPDX-License-Identifier: GPL-3.0-or-later
"""`edgewayctl diagnose` in broken setups: each is broken on purpose, and the report names exactly that, with its fix.

    laptop ── nat-11 ───── internet (website 93.184.216.34) ── edge "frankfurt"
    192.168.11.2   .1       203.0.113.1                          203.0.113.5:443

`nas` is a node too; the name server for VPN mode is on the internet, beside the web site, or on laptop's LAN (192.168.11.1).
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

from demo_mesh import EDGE_ADDRESS, EDGE_PORT, WEBSITE
from mesh_case import BUILD, MeshCase, wait_for

OUTSIDE, LAN = WEBSITE, "192.168.11.1"
CONNECTIONS = "/proc/sys/net/netfilter/nf_conntrack_max"
WRONG_CLOCK = os.path.join(BUILD, "tests/lib/wrong-clock.so")


def serve_names(address):
    """Runs inside a machine: a name server that knows one name."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        query, client = server.recvfrom(1500)
        end = query.index(0, 12) + 5
        kind = struct.unpack("!H", query[end - 4:end - 2])[0]
        known = query[12:end - 4] == b"\x07example\x03com\x00"
        answers = 1 if known and kind == 1 else 0
        record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + socket.inet_aton(WEBSITE)
        header = query[:2] + struct.pack("!HHHHH", 0x8180 | (0 if known else 3), 1, answers, 0, 0)
        server.sendto(header + query[12:end] + record * answers, client)


def serve_page():
    """Runs inside a machine: a web site that answers requests without Accept-Encoding."""
    server = socket.create_server((WEBSITE, 80))
    while True:
        client, _ = server.accept()
        if b"accept-encoding" in client.recv(4096).lower():
            client.close()
            continue
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        client.close()


class Diagnose(MeshCase):
    SITES = JOIN = ("laptop", "nas")

    @classmethod
    def prepare(cls):
        """The world around the mesh, before any of its programs starts."""
        cls.laptop, cls.edge, cls.nat, cls.internet = (cls.mesh.machine(name) for name in ("laptop", "edge", "nat-11", "internet"))
        cls.internet.start(sys.executable, __file__, "names", OUTSIDE, log="names")
        cls.internet.start(sys.executable, __file__, "page", log="page")
        cls.nat.start(sys.executable, __file__, "names", LAN, log="names")
        # The limit is the whole kernel's: the machine sees one of its own.
        cls.laptop.mask(CONNECTIONS, "100000\n", 0o644)
        for machine in (cls.laptop, cls.edge):
            machine.mask("/etc/resolv.conf", f"nameserver {OUTSIDE}\n", 0o644)

    @classmethod
    def resolver(cls, address, machine=None):
        (machine or cls.laptop).run("sh", "-c", f"echo nameserver {address} > /etc/resolv.conf")

    def report(self, name="laptop"):
        """The report as {check: (ok, warning, message, fix)}, with its exit status checked against it."""
        result = self.ctl(name, "diagnose", "--json", check=False)
        checks = json.loads(result.stdout)["checks"]
        failed = [c for c in checks if c["ok"] is False]
        self.assertEqual(result.returncode, 1 if failed else 0, checks)
        return checks

    def expect(self, bad=(), warned=(), says=(), good=(), name="laptop", checks=None):
        """Exactly these checks fail, these warn, and the text of failed and warned ones holds each of `says`."""
        checks = checks or self.report(name)
        shown = "\n".join(f"{c['check']}: {c['ok']} {c['message']} → {c['fix']}" for c in checks)
        self.assertEqual(sorted({c["check"] for c in checks if c["ok"] is False}), sorted(bad), shown)
        self.assertEqual(sorted({c["check"] for c in checks if c["warning"]}), sorted(warned), shown)
        for check in checks:
            self.assertTrue(check["message"].endswith(".") and not check["message"].endswith(".."), check)
            if check["ok"] is not True and check["check"] in (*bad, *warned):
                self.assertTrue(check["fix"], check)
            if check["ok"] is True:
                self.assertEqual(check["fix"], "", check)
        text = " ".join(c["message"] + " " + c["fix"] for c in checks if c["ok"] is not True)
        for words in says:
            self.assertIn(words, text, shown)
        for check in good:
            self.assertIn(check, [c["check"] for c in checks if c["ok"] is True], shown)
        return shown

    def answers(self, name):
        wait_for(f"edgewayd on {name}", lambda: self.mesh.machine(name).ok(self.mesh.program("edgewayctl"), "status"), 10)

    def connected(self, name="laptop", seconds=30):
        self.answers(name)
        wait_for(f"{name} is connected again", lambda: self.status(name)["state"] == "connected", seconds)

    def test_01_all_is_well(self):
        shown = self.expect(good=("enrolled", "privileges", "tun", "edge-tcp", "pin", "handshake", "probe", "own-packets", "mtu", "clock", "ip-forwarding"))
        self.assertRegex(shown, r"handshake: True A WireGuard handshake with the edge at 203\.0\.113\.5:443 took \d+\.\d ms")
        self.assertRegex(shown, r"mtu: True The MTU 1500 of eth0, which leads to the edge, is large enough\.")
        self.assertIn("names: True Programs on this computer find the mesh's names, such as edge.demo.internal.", shown)
        text = self.ctl("laptop", "diagnose").stdout
        self.assertIn("✓ handshake", text)

    def test_02_disconnected_on_purpose(self):
        self.ctl("laptop", "disconnect")
        self.addCleanup(self.ctl, "laptop", "connect")
        self.expect(warned=("handshake",), says=("on purpose", "edgewayctl connect"), good=("edge-tcp", "pin"))

    def test_03_the_edge_is_stopped(self):
        process, start = self.mesh.running["edge"]
        process.terminate()
        process.wait()
        time.sleep(1)  # real time: how long ago the last answer came is said in seconds
        self.expect(bad=("edge-tcp", "handshake", "probe"), says=("systemctl status edgeway-edge", "neither TCP nor UDP", "the last answer came"))
        self.mesh.running["edge"][0] = start()
        self.connected()

    def test_04_the_edge_hangs(self):
        process = self.mesh.running["edge"][0]
        process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.connected)
        self.addCleanup(process.send_signal, signal.SIGCONT)
        self.expect(bad=("edge-tcp", "handshake", "probe"), says=("didn't answer", "neither TCP nor UDP"))

    def filtered(self, machine, rule):
        """Adds a firewall rule on that machine until the test's end."""
        hook = "output" if machine is self.laptop else "forward"
        machine.nft(f"table inet broken {{\n chain {hook} {{\n type filter hook {hook} priority -10\n {rule}\n }}\n }}\n")
        self.addCleanup(self.by_udp)
        self.addCleanup(machine.run, "nft", "delete", "table", "inet", "broken")

    def by_udp(self):
        """Whoever took https asks for UDP again when it connects."""
        self.ctl("laptop", "disconnect")
        self.ctl("laptop", "connect")
        wait_for("laptop is connected by UDP", lambda: self.status("laptop")["state"] == "connected" and self.status("laptop")["edge"]["transport"] == "udp", 30)

    def expect_no_udp(self, says, good):
        """The node has https within moments, unless the check began in them."""
        checks = self.report()
        if any(c["check"] == "handshake" and c["ok"] is False for c in checks):
            self.expect(bad=("handshake", "probe"), says=says, good=good, checks=checks)
        else:
            shown = self.expect(warned=("udp-blocked",), good=("handshake", "probe", "own-packets", "names", *good), checks=checks)
            self.assertIn("so the tunnel takes the slower way, https", shown)
            self.assertIn("via https, because UDP gets no answer here", shown)

    def test_05_udp_is_blocked_on_the_way(self):
        self.filtered(self.nat, f"udp dport {EDGE_PORT} drop")
        self.expect_no_udp(says=(f"UDP port {EDGE_PORT}", "although the edge's API answers"), good=("edge-tcp", "pin"))

    def test_06_tcp_is_blocked_on_the_way(self):
        self.filtered(self.nat, f"ip daddr {EDGE_ADDRESS} tcp dport {EDGE_PORT} drop")
        self.expect(warned=("edge-tcp",), says=("TCP port", "use the tunnel instead"), good=("handshake", "probe"))
        self.assertEqual(self.mesh.ctl_json("laptop", "map")["mesh"], "demo", "the map came through the tunnel")

    def test_07_this_computers_own_firewall(self):
        self.filtered(self.laptop, f"udp dport {EDGE_PORT} drop")
        self.expect_no_udp(says=("This computer's own firewall", f"{EDGE_ADDRESS}:{EDGE_PORT}"), good=("edge-tcp",))

    def test_08_no_network(self):
        self.laptop.ip("link", "set", "eth0", "down")

        def back():
            self.laptop.ip("link", "set", "eth0", "up")
            self.laptop.run("ip", "route", "replace", "default", "via", LAN)
            self.connected()
        self.addCleanup(back)
        wait_for("no network is noticed", lambda: self.status("laptop")["state"] != "connected", 20)
        self.expect(bad=("edge-tcp", "network"), says=("No network connection of this computer reaches the edge", "See the check \"network\".", "Connect this computer to a network"))

    def vpn(self):
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm", check=False)
        self.addCleanup(self.ctl, "laptop", "mode", "connector")

    def test_09_vpn_mode_works(self):
        self.vpn()
        shown = self.expect(good=("vpn-name", "vpn-internet", "probe"))
        self.assertIn("http://example.com/ answered through the edge", shown)

    def test_10_vpn_mode_asks_no_names_of_the_lan(self):
        self.resolver(LAN)
        self.addCleanup(self.resolver, OUTSIDE)
        self.vpn()
        shown = self.expect(good=("vpn-name", "vpn-internet", "dns-leak"))
        self.assertIn("VPN mode looks up all names through the edge.", shown)

    def test_11_vpn_mode_without_names(self):
        self.resolver("203.0.113.99", self.edge)
        self.addCleanup(self.resolver, OUTSIDE, self.edge)
        self.vpn()
        # It looks at its host's resolvers once a second; until then it may know the answer.
        wait_for("the edge asks its new resolver", lambda: not any(c["check"] == "vpn-name" and c["ok"] for c in self.report()), 30)
        self.expect(bad=("vpn-name",), says=("example.com can't be looked up", "On the edge's host", "edgewayctl mode connector"), good=("handshake", "probe", "names"))

    def test_11b_a_name_server_inside_the_range(self):
        self.resolver("100.100.2.136")
        self.addCleanup(self.resolver, OUTSIDE)
        self.ctl("laptop", "disconnect")
        self.ctl("laptop", "connect")
        self.expect(bad=("overlap",), warned=("names-lan",), says=("100.100.2.136/32 stays outside", "name server 100.100.2.136 doesn't answer"), good=("handshake", "probe"))

    def test_12_the_edge_has_no_internet(self):
        self.resolver(LAN)
        self.addCleanup(self.resolver, OUTSIDE)
        self.edge.nft("table inet broken {\n chain forward {\n type filter hook forward priority -10\n drop\n }\n }\n")
        self.addCleanup(self.edge.run, "nft", "delete", "table", "inet", "broken")
        self.vpn()
        self.expect(bad=("vpn-internet",), says=("nothing can be fetched", "On the edge's host"), good=("vpn-name", "probe"))

    def test_13_another_edge_has_its_address(self):
        process, start = self.mesh.running["edge"]
        process.terminate()
        process.wait()
        other = self.edge.start(self.mesh.program("edgeway-edge"), "run", "--state-dir", "/var/lib/edgeway-edge/other", "--listen", f":{EDGE_PORT}",
                                "--public", f"{EDGE_ADDRESS}:{EDGE_PORT}", "--mesh", "other", "--name", "other", secret_output=True)
        try:
            wait_for("the other edge", lambda: "ew1_" in open(other.output_path).read(), 20)
            self.expect(bad=("pin", "handshake", "probe"), says=("who answers there", "isn't this mesh's edge"), good=("edge-tcp",))
        finally:
            other.terminate()
            other.wait()
            self.mesh.running["edge"][0] = start()
        self.connected()

    def test_14_a_narrow_link(self):
        self.laptop.ip("link", "set", "eth0", "mtu", "1400")
        self.addCleanup(self.laptop.ip, "link", "set", "eth0", "mtu", "1500")

        def adapted():
            self.laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "1", "100.96.0.1")  # found where there is traffic
            return self.laptop.json("ip", "-j", "link", "show", "edgeway0")[0]["mtu"] == 1328
        wait_for("the tunnel adapts", adapted, 60)
        self.expect(good=("mtu", "handshake", "probe"))

    def test_15_a_lan_that_overlaps_an_accepted_route(self):
        self.ctl("laptop", "route", "add", "192.168.77.0/24", "nas")
        self.addCleanup(self.ctl, "laptop", "route", "remove", "192.168.77.0/24")
        self.ctl("laptop", "route", "accept", "192.168.77.0/24")
        self.addCleanup(self.ctl, "laptop", "route", "refuse", "192.168.77.0/24")
        self.expect(good=("probe",))
        self.laptop.ip("addr", "add", "192.168.77.9/24", "dev", "eth0")
        self.addCleanup(self.laptop.ip, "addr", "del", "192.168.77.9/24", "dev", "eth0")
        wait_for("the LAN is noticed", lambda: any(c["check"] == "route" for c in self.report()), 10)
        self.expect(bad=("route",), says=("192.168.77.0/24", "route refuse 192.168.77.0/24"), good=("probe",))

    def test_16_a_full_table_of_connections(self):
        self.laptop.run("sh", "-c", f"echo 1 > {CONNECTIONS}")
        self.addCleanup(self.laptop.run, "sh", "-c", f"echo 100000 > {CONNECTIONS}")
        self.laptop.nft("table inet tracked {\n chain output {\n type filter hook output priority 0\n ct state new counter\n }\n }\n")
        self.addCleanup(self.laptop.run, "nft", "delete", "table", "inet", "tracked")
        for target in (LAN, EDGE_ADDRESS, OUTSIDE):
            self.laptop.run("ping", "-c", "1", "-W", "1", target, check=False)
        self.expect(bad=("conntrack",), says=("nearly full", "nf_conntrack_max"))

    def test_17_ipv6_is_switched_off(self):
        self.laptop.sysctl("net/ipv6/conf/all/disable_ipv6", "1")
        self.addCleanup(self.laptop.sysctl, "net/ipv6/conf/all/disable_ipv6", "0")
        self.expect(warned=("ipv6",), says=("disable_ipv6=0",), good=("probe",))

    def test_17b_ipv6_forwarding_deafens_the_uplink(self):
        """As where Docker or libvirt switches it on: the route that the router has given out expires."""
        def accept_ra():
            return self.laptop.run("cat", "/proc/sys/net/ipv6/conf/eth0/accept_ra").stdout.strip()
        self.laptop.sysctl("net/ipv6/conf/eth0/accept_ra", "1")
        self.laptop.ip("addr", "add", "2001:db8:11::2/64", "dev", "eth0", "nodad")
        self.addCleanup(self.laptop.ip, "addr", "del", "2001:db8:11::2/64", "dev", "eth0")
        self.laptop.sysctl("net/ipv6/conf/all/forwarding", "1")
        self.addCleanup(self.laptop.sysctl, "net/ipv6/conf/all/forwarding", "0")
        self.expect(warned=("ip-forwarding",), says=("eth0 doesn't hear its router", "net.ipv6.conf.eth0.accept_ra=2"), good=("probe",))
        self.assertIn("Fixed: ip-forwarding.", self.ctl("laptop", "diagnose", "--fix").stderr)
        self.assertEqual(accept_ra(), "2")
        self.expect(good=("ip-forwarding", "probe"))
        self.assertIn("accept_ra", self.laptop.run("cat", "/var/lib/edgeway/undo").stdout)
        self.ctl("laptop", "disconnect")
        self.assertEqual(accept_ra(), "1")
        self.ctl("laptop", "connect")
        self.assertEqual(accept_ra(), "2")
        self.assertIn("Reverted: ip-forwarding.", self.ctl("laptop", "diagnose", "--revert").stderr)
        self.assertEqual(accept_ra(), "1")
        self.expect(warned=("ip-forwarding",))

    def restart_laptop(self, **environment):
        process, start = self.mesh.running["laptop"]
        process.terminate()
        process.wait()
        os.environ.update(environment)
        try:
            self.mesh.running["laptop"][0] = start()
        finally:
            for name in environment:
                del os.environ[name]
        self.connected()

    def test_17c_a_wrong_clock(self):
        self.restart_laptop(LD_PRELOAD=WRONG_CLOCK, WRONG_CLOCK_SECONDS=str(3 * 3600 + 60))
        self.addCleanup(self.restart_laptop)
        self.expect(warned=("clock",), says=("clock is 3 h behind the edge's", "timedatectl set-ntp true"), good=("handshake", "probe"))

    def test_18_a_firewall_that_drops_what_comes_in(self):
        self.laptop.nft("table inet strict {\n chain input {\n type filter hook input priority 0; policy drop\n ct state established,related accept\n }\n }\n")
        self.addCleanup(self.laptop.run, "nft", "delete", "table", "inet", "strict")
        self.expect(warned=("firewall-input",), says=("ufw allow in on edgeway0",), good=("probe",))

    def test_18b_a_rule_that_comes_first(self):
        self.laptop.ip("rule", "add", "pref", "100", "to", "100.96.0.0/12", "lookup", "99")
        self.addCleanup(self.laptop.ip, "rule", "del", "pref", "100")
        self.laptop.ip("route", "add", "unreachable", "default", "table", "99")
        self.addCleanup(self.laptop.ip, "route", "del", "default", "table", "99")
        self.expect(bad=("own-packets", "routing"), says=("comes before Edgeway's", "`ip rule`", "100.96.0.1 leads to no interface"), good=("probe",))

    def test_18c_a_firewall_that_drops_what_enters_the_tunnel(self):
        self.laptop.nft("table inet strict {\n chain output {\n type filter hook output priority 0\n oifname edgeway0 drop\n }\n }\n")
        self.addCleanup(self.laptop.run, "nft", "delete", "table", "inet", "strict")
        self.expect(bad=("own-packets",), says=("but not this computer's programs", "nft list ruleset"), good=("handshake", "probe", "edge-tcp"))

    def test_19_the_service_does_not_run(self):
        nas = self.mesh.machine("nas")
        process, start = self.mesh.running["nas"]
        process.terminate()
        process.wait()
        self.refused("nas", "diagnose", code=3, says="Start it")
        bare = nas.run("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", self.mesh.program("edgewayd"), check=False)
        self.assertEqual(bare.returncode, 4, bare)
        self.assertIn("CAP_NET_ADMIN", bare.stderr)
        self.mesh.running["nas"][0] = start()
        self.connected("nas")

    def test_20_a_broken_state_file(self):
        nas = self.mesh.machine("nas")
        process, start = self.mesh.running["nas"]
        process.terminate()
        process.wait()
        nas.run("sh", "-c", "cp -p /var/lib/edgeway/account.json /var/lib/edgeway/kept && echo '{' > /var/lib/edgeway/account.json")
        self.mesh.running["nas"][0] = start()
        try:
            self.answers("nas")
            self.expect(bad=("enrolled",), says=("account.json",), name="nas")
        finally:
            self.mesh.running["nas"][0].terminate()
            self.mesh.running["nas"][0].wait()
            nas.run("mv", "/var/lib/edgeway/kept", "/var/lib/edgeway/account.json")
            self.mesh.running["nas"][0] = start()
        self.connected("nas")

    def test_21_removed_and_not_enrolled(self):
        """This test is last: nas isn't a node afterwards."""
        self.ctl("laptop", "node", "remove", "nas")
        wait_for("nas knows", lambda: self.status("nas")["state"] == "removed", 30)
        self.expect(bad=("enrolled",), says=("removed", "sudo edgewayctl enroll"), name="nas")
        self.ctl("nas", "leave", check=False)
        self.expect(bad=("enrolled",), says=("Join a mesh",), name="nas")

    def test_22_two_at_once_and_one_that_leaves(self):
        """Both are answered with a report of now; a caller who leaves stops nothing."""
        program = self.mesh.program("edgewayctl")
        several = [subprocess.Popen(self.laptop.command([program, "diagnose", "--json"]), stdout=subprocess.PIPE, text=True)
                   for _ in range(3)]
        several[0].kill()
        for process in several[1:]:
            checks = {c["check"]: c["ok"] for c in json.loads(process.communicate(timeout=30)[0])["checks"]}
            self.assertTrue(checks["handshake"] and checks["probe"], checks)
        several[0].communicate()
        self.expect()


if __name__ == "__main__":
    if sys.argv[1:2] == ["names"]:
        serve_names(sys.argv[2])
    elif sys.argv[1:2] == ["page"]:
        serve_page()
    else:
        unittest.main()
