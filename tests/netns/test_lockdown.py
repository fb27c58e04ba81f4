# SPDX-License-Identifier: GPL-3.0-or-later
"""Lockdown on a real mesh: whatever happens to edgewayd, the edge and the network, a capture on the other end of the laptop's cable sees nothing
that belongs in the tunnel."""
import json
import re
import signal
import unittest

from demo_mesh import EDGE_ADDRESS, WEBSITE
from mesh_case import BUILD, MeshCase, wait_for
from wire_capture import capture

SITE6 = "2001:db8:99::1"
SERVER = "198.51.100.77"  # of the internet, and nobody's of the mesh
HELD = "edgeway_lockdown_held"
# What never stops sending, by every way that a program has: IPv4 and IPv6, UDP, TCP, and a socket bound to the interface; and questions for names.
SENDER = f"""
import socket, time
def attempt(family, kind, where, device=None):
    try:
        with socket.socket(family, kind) as s:
            if device:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
            s.setblocking(False)
            s.connect(where)
            s.send(b'secret')
    except OSError:
        pass
while True:
    for device in (None, b'eth0'):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            attempt(socket.AF_INET, kind, ('{WEBSITE}', 7777), device)
            attempt(socket.AF_INET6, kind, ('{SITE6}', 7777), device)
        attempt(socket.AF_INET, socket.SOCK_DGRAM, ('192.168.11.1', 53), device)
        attempt(socket.AF_INET, socket.SOCK_DGRAM, ('100.96.0.1', 7777), device)
    time.sleep(0.02)  # real time: it only sends often
"""
# Without what may leave: the tunnel, what a link needs, and answers to the client outside.
LEAVES = f"src host 192.168.11.2 or src host 192.168.11.3 or src net 2001:db8:11::/64 and not dst host {EDGE_ADDRESS}"
LEAVES = f"({LEAVES}) and not dst host {EDGE_ADDRESS} and not (icmp and dst host 192.168.11.1) and not arp and not igmp and not port 2222 and not (icmp6 and ip6[40] >= 130 and ip6[40] <= 143)"


class Lockdown(MeshCase):
    SITES = JOIN = ("laptop",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.laptop, cls.nat = cls.mesh.machine("laptop"), cls.mesh.machine("nat-11")
        cls.nat.ip("addr", "add", "2001:db8:11::1/64", "dev", "lan", "nodad")
        cls.nat.ip("addr", "add", f"{SITE6}/128", "dev", "lo")
        cls.plug_ipv6()

    @classmethod
    def plug_ipv6(cls):
        cls.laptop.ip("addr", "replace", "2001:db8:11::2/64", "dev", "eth0", "nodad")
        cls.laptop.ip("-6", "route", "replace", "default", "via", "2001:db8:11::1")

    def setUp(self):
        if self.daemon().poll() is not None:
            self.start_daemon()
        self.ctl("laptop", "lockdown", "off")
        self.ctl("laptop", "connect")

    def lock(self):
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm")
        self.ctl("laptop", "lockdown", "on")
        self.ctl("laptop", "lockdown", "--confirm")
        self.assertEqual(self.status("laptop")["lockdown"], "on")

    def listen(self):
        """A function that gives what has left the laptop so far, and a sender that never stops."""
        self.laptop.start("/usr/bin/python3", "-c", SENDER, log="sender")
        return capture(self, self.nat, "lan", LEAVES)

    def stop_sender(self):
        process = self.laptop.processes[-1]
        process.kill()
        process.wait()

    def reaches(self, address):
        return self.laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "2", address)

    def is_loaded(self, table="edgeway_lockdown"):
        return self.laptop.ok("nft", "list", "table", "inet", table)

    def daemon(self):
        return self.mesh.running["laptop"][0]

    def start_daemon(self):
        self.mesh.running["laptop"][0] = self.mesh.running["laptop"][1]()
        wait_for("edgewayd is back", lambda: self.laptop.ok(self.mesh.program("edgewayctl"), "status"), 20)

    def end_daemon(self, how):
        self.daemon().send_signal(how)
        self.daemon().wait(20)

    def other_address(self, old, new):
        self.laptop.ip("addr", "del", f"{old}/24", "dev", "eth0")
        self.laptop.ip("addr", "add", f"{new}/24", "dev", "eth0")
        self.laptop.run("ip", "route", "replace", "default", "via", "192.168.11.1")

    def boot(self):
        """The kernel's tables are empty, the rules come before the interface is up, edgewayd long after."""
        self.laptop.ip("link", "set", "eth0", "down")
        self.laptop.run("nft", "flush", "ruleset")
        self.laptop.run(self.mesh.program("edgewayd"), "--lockdown", "load")
        self.laptop.ip("link", "set", "eth0", "up")
        self.laptop.default_route("192.168.11.1")
        self.plug_ipv6()
        self.laptop.run("ping", "-n", "-q", "-c", "3", "-i", "0.3", "-W", "2", "192.168.11.1")  # the LAN is reachable
        self.assertFalse(self.reaches(WEBSITE))

    def wait_sent(self, seen):
        """The capture and the sender work: in connector-only mode everything leaves."""
        wait_for("the sender's packets leave", lambda: all(text in seen() for text in (f"{WEBSITE}.7777", f"{SITE6}.7777", "192.168.11.1.53", "Flags [S]", "UDP")), 20)

    def test_nothing_leaves(self):
        self.ctl("laptop", "mode", "connector")
        seen = self.listen()
        self.wait_sent(seen)
        self.lock()
        self.assertTrue(self.reaches(WEBSITE))
        # The capture's last packets of before: two pings that are seen after them. From here on, nothing.
        self.nat.run("ping", "-n", "-q", "-c", "2", "-W", "2", "192.168.11.2")
        wait_for("the capture is up to date", lambda: (len(seen()), self.reaches(WEBSITE), len(seen()))[::2] == (len(seen()),) * 2, 20)
        seen = capture(self, self.nat, "lan", LEAVES)
        drop = "table inet cut { chain f { type filter hook forward priority -20; ip daddr %s drop; ip saddr %s drop; }; }" % ((EDGE_ADDRESS,) * 2)
        for name, happens in (
                ("disconnected, then connecting", lambda: (self.ctl("laptop", "disconnect"), self.assertFalse(self.reaches(WEBSITE)), self.ctl("laptop", "connect"))),
                ("connecting without an answer", lambda: (self.ctl("laptop", "disconnect"), self.nat.nft(drop), self.ctl("laptop", "connect", "--no-wait"),
                                                          self.assertFalse(self.reaches(WEBSITE)), self.nat.run("nft", "delete table inet cut"))),
                ("reconnecting", lambda: (self.nat.nft(drop), self.wait_state("laptop", "reconnecting", 60), self.assertFalse(self.reaches(WEBSITE)),
                                          self.nat.run("nft", "delete table inet cut"))),
                ("killed", lambda: (self.end_daemon(signal.SIGKILL), self.assertFalse(self.reaches(WEBSITE)), self.start_daemon())),
                ("another address", lambda: (self.other_address("192.168.11.2", "192.168.11.3"), self.wait_state("laptop", "connected", 60),
                                             self.other_address("192.168.11.3", "192.168.11.2"))),
                ("stopped", lambda: (self.end_daemon(signal.SIGTERM), self.assertFalse(self.reaches(WEBSITE)), self.start_daemon())),
                ("booted", lambda: (self.end_daemon(signal.SIGTERM), self.boot(), self.start_daemon()))):
            with self.subTest(name):
                self.addCleanup(self.nat.run, "nft", "destroy table inet cut", check=False)
                happens()
                self.wait_state("laptop", "connected", 60)
                wait_for("the tunnel carries", lambda: self.reaches(WEBSITE), 30)
                packets = [line for line in seen().splitlines() if re.search(r" > ", line)]
                self.assertEqual(packets, [], name)
        self.stop_sender()

    def test_flushed(self):
        """Whatever another program removes, nothing leaves until it's there again; only edgewayd's end takes the second set of rules away."""
        self.ctl("laptop", "mode", "connector")
        seen = self.listen()
        self.wait_sent(seen)
        self.lock()
        self.ctl("laptop", "disconnect")
        self.assertFalse(self.reaches(WEBSITE))
        seen = capture(self, self.nat, "lan", LEAVES)
        for command in ("flush ruleset", "delete table inet edgeway_lockdown", "flush ruleset"):
            self.laptop.run("nft", command)
            wait_for("the rules are back", self.is_loaded, 50)  # within 10 s where it happens again and again
        self.assertFalse(self.reaches(WEBSITE))
        self.assertEqual([line for line in seen().splitlines() if " > " in line], [])
        self.refused_by_kernel(f"flush table inet {HELD}")
        self.refused_by_kernel(f"delete table inet {HELD}")
        self.end_daemon(signal.SIGKILL)
        self.assertFalse(self.is_loaded(HELD))
        self.assertFalse(self.reaches(WEBSITE))
        self.start_daemon()
        self.assertTrue(self.is_loaded(HELD))
        self.ctl("laptop", "lockdown", "off")
        self.assertEqual([self.is_loaded(), self.is_loaded(HELD)], [False, False])
        self.assertTrue(self.reaches(WEBSITE))
        self.stop_sender()

    def refused_by_kernel(self, command):
        done = self.laptop.run("nft", command, check=False)
        self.assertIn("not permitted", done.stderr)

    def test_hung(self):
        """An edgewayd that doesn't react keeps its rules: whoever switches lockdown off beside it is told, and what to do."""
        self.lock()
        self.daemon().send_signal(signal.SIGSTOP)
        done = self.laptop.run(self.mesh.program("edgewayd"), "--lockdown", "off", check=False)
        self.assertEqual((done.returncode, "doesn't react" in done.stderr), (1, True), done.stderr)
        self.assertTrue(self.is_loaded(HELD))
        self.end_daemon(signal.SIGKILL)
        self.assertEqual([self.is_loaded(), self.is_loaded(HELD)], [False, False])

    def test_unasked_answers(self):
        """Somebody on the path sends packets in a server's name to every port: what the laptop sends to that server isn't an answer for that reason."""
        self.nat.ip("addr", "add", f"{SERVER}/32", "dev", "lo")
        self.addCleanup(self.nat.ip, "addr", "del", f"{SERVER}/32", "dev", "lo")
        self.lock()
        self.ctl("laptop", "disconnect")
        for address, own in ((SERVER, "192.168.11.2"), (SITE6, "2001:db8:11::2")):
            for port in (443, 53, 853, 123):
                seen = capture(self, self.nat, "lan", f"udp and dst host {address}")
                self.send_udp(self.nat, (address, port), (own, 40123))
                self.send_udp(self.laptop, (own, 40123), (address, port))
                self.send_udp(self.nat, (address, 5000), (own, 40124))  # what serves is asked like this
                self.send_udp(self.laptop, (own, 40124), (address, 5000))
                wait_for("the answer", lambda: f"{address}.5000" in seen(), 10)
                self.assertNotIn(f"{address}.{port}:", seen(), port)

    def send_udp(self, machine, source, target):
        machine.run("/usr/bin/python3", "-c", f"import socket; s=socket.socket({'socket.AF_INET6' if ':' in source[0] else 'socket.AF_INET'}, socket.SOCK_DGRAM)\n"
                    f"s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind({source!r})\n"
                    f"try: s.sendto(b'x', {target!r})\nexcept OSError: pass")

    def test_off_and_refusals(self):
        self.ctl("laptop", "mode", "connector")
        self.refused("laptop", "lockdown", "on", says="edgewayctl mode vpn")
        self.lock()
        self.refused("laptop", "mode", "connector", says="edgewayctl lockdown off")
        left = self.ctl("laptop", "leave", check=False)
        self.assertEqual(left.returncode, 1)
        self.assertIn("edgewayctl lockdown off", left.stderr)
        self.ctl("laptop", "disconnect")
        self.assertFalse(self.reaches(WEBSITE))
        self.assertTrue(self.reaches("192.168.11.1"))
        # Closed as well, and an exception that its user made.
        self.ctl("laptop", "lan", "block")
        self.assertFalse(self.reaches("192.168.11.1"))
        self.ctl("laptop", "split", "exclude", f"{WEBSITE}/32")
        self.assertTrue(self.reaches(WEBSITE))
        self.refused("laptop", "split", "include", "198.51.100.0/24", says="edgewayctl lockdown off")
        for cidr, says in (("100.96.0.0/16", "mesh's own addresses"), ("0.0.0.0/0", "too wide"), ("198.51.100.7/24", "198.51.100.0/24"), ("nonsense", "isn't a network")):
            self.refused("laptop", "split", "exclude", cidr, says=says)
        self.assertEqual(json.loads(self.ctl("laptop", "split", "list", "--json").stdout)["excluded"], [f"{WEBSITE}/32"])
        self.ctl("laptop", "split", "remove", f"{WEBSITE}/32")
        self.ctl("laptop", "lan", "allow")
        self.assertFalse(self.reaches(WEBSITE))
        self.assertTrue(self.reaches("192.168.11.1"))
        # Another program's flush: back while edgewayd runs.
        self.laptop.run("nft", "flush", "ruleset")
        wait_for("the rules are back", self.is_loaded, 5)
        self.ctl("laptop", "lockdown", "off")
        self.assertEqual([self.is_loaded(), self.is_loaded(HELD)], [False, False])
        self.assertTrue(self.reaches(WEBSITE))
        self.refused("laptop", "split", "include", f"{EDGE_ADDRESS}/32", says="address of an edge")
        self.ctl("laptop", "split", "include", "198.51.100.0/24")
        self.ctl("laptop", "mode", "vpn")
        self.refused("laptop", "lockdown", "on", says="split remove")
        self.ctl("laptop", "split", "remove", "198.51.100.0/24")

    def test_off_without_edgewayd(self):
        """`edgewayctl lockdown off` needs no daemon, no bus, and no account that can be read."""
        self.lock()
        self.end_daemon(signal.SIGKILL)
        self.laptop.run("cp", "/var/lib/edgeway/account.json", "/var/lib/edgeway/kept")
        self.laptop.run("sh", "-c", "echo broken > /var/lib/edgeway/account.json")
        self.start_daemon()
        self.assertEqual((self.status("laptop")["state"], self.status("laptop")["lockdown"]), ("error", "on"))
        self.assertFalse(self.reaches(WEBSITE))
        self.end_daemon(signal.SIGKILL)
        # As installed: edgewayctl finds edgewayd where packages put it.
        self.laptop.run("sh", "-c", f"mount -t overlay -o lowerdir={BUILD}/daemon/service:/usr/sbin overlay /usr/sbin")
        self.assertIn("Lockdown is off", self.ctl("laptop", "lockdown", "off").stdout)
        self.laptop.run("umount", "/usr/sbin")
        self.assertFalse(self.is_loaded())
        self.laptop.run("mv", "/var/lib/edgeway/kept", "/var/lib/edgeway/account.json")
        self.start_daemon()
        self.wait_state("laptop", "connected", 60)
        self.assertEqual(self.status("laptop")["lockdown"], "off")
        # Beside an edgewayd that runs: it doesn't put the rules back.
        self.lock()
        self.laptop.run(self.mesh.program("edgewayd"), "--lockdown", "off")
        wait_for("edgewayd knows", lambda: self.status("laptop")["lockdown"] == "off", 5)
        self.assertFalse(self.is_loaded())

    def test_trial_ends(self):
        """Unconfirmed it's undone; and where edgewayd is killed before that, the kernel ends it."""
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm")
        self.ctl("laptop", "lockdown", "on", "--confirm-within", "2")
        status = self.status("laptop")
        self.assertEqual(status["lockdown"], "trying")
        self.assertTrue(status["lockdown_until"])
        self.assertIsNone(status["guard_until"])
        wait_for("the guard undoes it", lambda: self.status("laptop")["lockdown"] == "off", 15)
        self.ctl("laptop", "lockdown", "on", "--confirm-within", "2")
        self.end_daemon(signal.SIGKILL)
        self.laptop.run("nft", "delete table inet edgeway")  # VPN mode's own rules
        self.laptop.run("ip", "link", "del", "edgeway0", check=False)
        for family in ("-4", "-6"):
            self.laptop.run("ip", family, "rule", "del", "priority", "5200", check=False)
        wait_for("the kernel lets go", lambda: self.reaches(WEBSITE), 35)
        self.assertTrue(self.is_loaded())
        self.start_daemon()
        self.assertFalse(self.is_loaded())

    def test_session_from_outside(self):
        """A server's SSH stays usable, also where edgewayd has stopped; also one that's older than the rules."""
        self.ctl("laptop", "mode", "connector")
        self.laptop.start("/usr/bin/python3", "-c", "import socket\ns=socket.create_server(('',2222))\nwhile True:\n c,_=s.accept()\n"
                          " import threading; threading.Thread(target=lambda c=c: [c.sendall(d) for d in iter(lambda: c.recv(100), b'')], daemon=True).start()", log="echo")
        wait_for("the server", lambda: self.laptop.ok("sh", "-c", "ss -Hltn sport = :2222 | grep -q ."), 10)
        older = self.client()
        self.lock()
        later = self.client()
        for phase in ("connected", "stopped", "again"):
            with self.subTest(phase):
                for process in (older, later, self.client()):
                    self.assertTrue(self.echoes(process), phase)
            if phase == "connected":
                self.end_daemon(signal.SIGTERM)
            elif phase == "stopped":
                self.start_daemon()
                self.wait_state("laptop", "connected", 60)

    def client(self):
        """A connection from an address of the internet, kept by a process that sends what it's told to."""
        import subprocess
        code = ("import socket,sys\ns=socket.socket(); s.settimeout(5); s.bind(('203.0.113.11',0)); s.connect(('192.168.11.2',2222))\nprint('open',flush=True)\n"
                "for line in sys.stdin:\n s.sendall(line.encode())\n try: print(s.recv(100).decode(),end='',flush=True)\n except OSError as e: print('lost',flush=True)")
        process = subprocess.Popen(self.nat.command(["/usr/bin/python3", "-c", code]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.assertEqual(process.stdout.readline().strip(), "open")
        return process

    def echoes(self, process):
        process.stdin.write("hello\n")
        return process.stdout.readline().strip() == "hello"


if __name__ == "__main__":
    unittest.main()
