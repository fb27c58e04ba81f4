# SPDX-License-Identifier: GPL-3.0-or-later
"""VPN mode's names: every question goes to the edge, whoever asks and however, none to the LAN's resolver; undone with the mode.

The edge's name server says 198.18.0.1 to every name, the LAN's 198.18.0.9; the packets for either that reach the LAN are counted.
"""
import contextlib
import os
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from host_world import MESH, SITE, World  # noqa: E402

EDGE, EDGE6, LAN, LAN6 = "100.96.0.1", "fd45::1", "192.168.7.1", "2001:db8:7::1"
BY_EDGE, BY_LAN = "198.18.0.1", "198.18.0.9"
VPN = f"apply {MESH} vpn dns={EDGE} dns={EDGE6}"
MESH4 = "address=100.96.1.7 route=100.96.0.0/12 mesh=100.96.0.0/12"
COUNT = ("table inet watch {\n chain in {\n type filter hook prerouting priority -400\n iifname eth0 meta l4proto { tcp, udp } th dport { 53, 853 } counter\n }\n}")
PLAIN = """
import os, socket, struct, sys
uid, mark, device, server, port = int(sys.argv[1]), int(sys.argv[2], 0), sys.argv[3], sys.argv[4], int(sys.argv[5])
if uid: os.setuid(uid)
s = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
if mark: s.setsockopt(socket.SOL_SOCKET, 36, mark)
if device: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
try:
    s.connect((server, port)); s.send(struct.pack("!6H", 7, 256, 1, 0, 0, 0) + b"\\1x\\4test\\0\\0\\1\\0\\1")
    print(socket.inet_ntoa(s.recv(512)[-4:]))
except OSError as error:
    print(type(error).__name__)"""


class NamesInVpnMode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.world.sh(cls.world.beyond, f"ip addr add {EDGE} dev lo; ip addr add {EDGE6} dev lo nodad")
        for namespace, addresses, answer in ((cls.world.beyond, (EDGE, EDGE6), BY_EDGE), (cls.world.outside, (LAN, LAN6, SITE), BY_LAN)):
            process = subprocess.Popen(["ip", "netns", "exec", namespace, "dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--bind-interfaces", "--user=root", "--pid-file=",
                                        *(f"--listen-address={address}" for address in addresses), f"--address=/#/{answer}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            cls.addClassCleanup(process.wait)
            cls.addClassCleanup(process.kill)
        cls.world.sh(cls.world.outside, f"nft -f - <<'N'\n{COUNT}\nN")
        deadline = time.monotonic() + 10
        while cls.ask(LAN) != BY_LAN and time.monotonic() < deadline:
            time.sleep(0.02)
        cls.before = cls.world.snapshot()

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.tidy)
        self.driver = self.stack.enter_context(self.world.driver())
        self.counted = self.count()

    def tidy(self):
        self.driver.do("undo")
        self.stack.close()
        self.assertEqual(self.world.snapshot(), self.before)
        self.assertEqual(self.ask(LAN), BY_LAN)

    def count(self):
        return int(re.search(r"packets (\d+)", self.world.sh(self.world.outside, "nft list table inet watch"))[1])

    def leaked(self):
        before, self.counted = self.counted, self.count()
        return self.counted - before

    @classmethod
    def ask(cls, server, *options, namespace=None):
        return cls.world.sh(namespace or cls.world.host, f"dig +short +tries=1 +time=2 @{server} x.test {' '.join(options)} | grep -v '^;' | head -1", check=False).strip()

    def plain(self, server, uid=0, mark=0, device="", port=53, wrap=()):
        return subprocess.run(["ip", "netns", "exec", self.world.host, *wrap, "/usr/bin/python3", "-c", PLAIN, str(uid), str(mark), device, server, str(port)],
                              capture_output=True, text=True, check=True).stdout.strip()

    def test_all_questions_go_to_the_edge(self):
        for rp_filter in (0, 1):
            self.world.sh(self.world.host, "for i in all default eth0 edgeway0; do sysctl -qw net.ipv4.conf.$i.rp_filter=%d; done" % rp_filter)
            self.driver.do(VPN)
            for server in (LAN, LAN6, SITE, "8.8.8.8", EDGE, EDGE6):
                with self.subTest(server, rp_filter=rp_filter):
                    self.assertEqual(self.ask(server), BY_EDGE)
                    self.assertEqual(self.ask(server, "+tcp"), BY_EDGE)
            self.assertEqual(self.leaked(), 0)
            self.driver.do("undo")
        self.world.sh(self.world.host, "for i in all default eth0 edgeway0; do sysctl -qw net.ipv4.conf.$i.rp_filter=0; done")

    def test_what_stays(self):
        """A mark in the upper half, Edgeway's or another program's; a server of the mesh; a local one; without the edge's consent, all as before."""
        self.driver.do(VPN)
        self.assertEqual(self.plain(LAN, mark=0x45640000), BY_LAN)
        self.assertEqual(self.plain(LAN, mark=0x00070000), BY_LAN)
        self.assertEqual(self.plain(LAN, mark=0x00000007), BY_EDGE)
        self.assertEqual(self.ask("10.9.0.5"), "")  # asked there, where no server answers
        self.assertEqual(self.leaked(), 2)
        self.driver.do(f"apply {MESH} vpn")
        self.assertEqual(self.ask(LAN), BY_LAN)
        self.driver.do(f"apply {MESH}")
        self.assertEqual(self.ask(LAN), BY_LAN)

    def test_nothing_leaves_beside_the_tunnel(self):
        """A socket bound to the LAN's interface is refused at once, and so is a family that the mesh doesn't have."""
        self.driver.do(VPN)
        for port in (53, 853):
            self.assertNotIn(self.plain(LAN, device="eth0", port=port), (BY_LAN, BY_EDGE, "TimeoutError"))
        self.assertNotIn(self.plain(LAN, port=853), ("TimeoutError", BY_LAN))
        self.driver.do(f"apply {MESH4} vpn dns={EDGE}")
        self.assertEqual(self.ask(LAN), BY_EDGE)
        self.assertNotIn(self.plain(LAN6), ("TimeoutError", BY_LAN))
        self.assertNotIn(self.plain("2001:db8:5::5"), ("TimeoutError", BY_LAN))
        self.assertEqual(self.leaked(), 0)

    def test_local_name_servers(self):
        """systemd-resolved and dnsmasq are led to the edge like all others; by choice, the first may ask the LAN."""
        passwd = f"{self.world.folder}/passwd"
        with open(passwd, "w") as file:
            file.write("root:x:0:0::/:/bin/sh\nsystemd-resolve:x:61901:61901::/:/bin/sh\ndnsmasq:x:61902:61902::/:/bin/sh\n")
        wrap = ("unshare", "-m", "sh", "-ec", f'mount --bind {passwd} /etc/passwd; exec "$@"', "-")
        driver = self.stack.enter_context(self.world.driver(wrap=wrap))
        self.stack.callback(driver.do, "undo")
        driver.do(VPN)
        for uid in (61901, 61902):
            self.assertEqual(self.plain(LAN, uid=uid), BY_EDGE)
            self.assertNotIn(self.plain(LAN, uid=uid, device="eth0"), ("TimeoutError", BY_LAN))
        self.assertEqual(self.leaked(), 0)
        driver.do(VPN + " lan-names")
        self.assertEqual(self.plain(LAN, uid=61901), BY_LAN)
        self.assertEqual(self.plain(LAN, uid=61901, device="eth0"), BY_LAN)
        self.assertEqual(self.plain(LAN, uid=61902), BY_EDGE)
        self.assertEqual(self.plain(LAN), BY_EDGE)

    def test_containers(self):
        """Forwarded questions of its own containers go to the edge, too; they can still use this computer's own name server."""
        inner = self.world.inner
        self.world.sh(self.world.host, "sysctl -qw net.ipv4.ip_forward=1")
        self.stack.callback(self.world.sh, self.world.host, "sysctl -qw net.ipv4.ip_forward=0")
        self.world.sh(inner, "ip route add default via 192.168.55.1")
        self.stack.callback(self.world.sh, inner, "ip route del default")
        self.driver.do(VPN)
        for server in (LAN, "8.8.8.8"):
            self.assertEqual(self.ask(server, namespace=inner), BY_EDGE)
        self.assertEqual(self.leaked(), 0)
        self.assertEqual(self.ask("192.168.55.1", namespace=inner), "")

    def test_killed(self):
        """The rules stay until the next start undoes them: nothing leaks, and then all is as before."""
        with self.world.driver() as crashed:
            crashed.do(VPN)
        self.assertEqual(self.ask(LAN), BY_EDGE)
        self.assertEqual(self.leaked(), 0)
        with self.world.driver() as started_again:
            started_again.do("undo")
        self.assertEqual(self.ask(LAN), BY_LAN)


if __name__ == "__main__":
    unittest.main()
