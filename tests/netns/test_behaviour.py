# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's behaviours by name, those that only real packets, a restart or `wg` can show.

    one 10.9.1.1, fd09:1::1  ──── router ──(MTU 1300)── two 10.9.2.2, fd09:2::2      both ew-wg; inside 10.77.0.1 and .2, fd77::1 and ::2
"""
import os
import re
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from mesh_case import BUILD, MeshCase, wait_for  # noqa: E402
from machines import World, require_root  # noqa: E402
from switch_case import CLIENT, SERVER, new_key  # noqa: E402
from wire_capture import capture  # noqa: E402

PORT, NARROW = 51820, 1300
WRONG_CLOCK = os.path.join(BUILD, "tests/lib/wrong-clock.so")
DAY = 86400


class NarrowPath(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_root("test_behaviour.py")
        cls.world = World("behaviour")
        cls.addClassCleanup(cls.world.close)
        cls.one, cls.router, cls.two = (cls.world.machine(name) for name in ("one", "router", "two"))
        cls.keys = [new_key(), new_key()]
        for number, machine in ((1, cls.one), (2, cls.two)):
            cls.world.cable(machine, "wire", cls.router, f"to-{number}")
            for device, host, owner in (("wire", number, machine), (f"to-{number}", 9, cls.router)):
                owner.ip("addr", "add", f"10.9.{number}.{host}/24", "dev", device)
                owner.ip("addr", "add", f"fd09:{number}::{host}/64", "dev", device, "nodad")
            machine.default_route(f"10.9.{number}.9")
            machine.ip("-6", "route", "add", "default", "via", f"fd09:{number}::9")
        cls.router.sysctl("net/ipv4/ip_forward", "1")
        cls.router.sysctl("net/ipv6/conf/all/forwarding", "1")
        for number in (1, 2):  # as if the router had a narrower link behind it; neither end knows
            cls.router.ip("route", "change", f"10.9.{number}.0/24", "dev", f"to-{number}", "mtu", str(NARROW))
            cls.router.ip("-6", "route", "add", f"fd09:{number}::{number}/128", "dev", f"to-{number}", "mtu", str(NARROW))
        for number, machine in ((1, cls.one), (2, cls.two)):
            machine.start(os.path.join(BUILD, "tests/lib/ew-wg"), "wg0")
            wait_for("ew-wg", lambda: machine.ok("wg", "show", "wg0"), 10)
            machine.run("wg", "set", "wg0", "listen-port", str(PORT), "private-key", "/dev/stdin", input=cls.keys[number - 1][0] + "\n")
            machine.ip("addr", "add", f"10.77.0.{number}/24", "dev", "wg0")
            machine.ip("addr", "add", f"fd77::{number}/64", "dev", "wg0", "nodad")
            machine.ip("link", "set", "wg0", "up")

    def connect(self, family):
        for number, machine in ((1, self.one), (2, self.two)):
            other = 3 - number
            endpoint = f"10.9.{other}.{other}:{PORT}" if family == 4 else f"[fd09:{other}::{other}]:{PORT}"
            key = self.keys[other - 1][1]
            machine.run("wg", "set", "wg0", "peer", key, "remove")
            machine.run("wg", "set", "wg0", "peer", key, "endpoint", endpoint, "allowed-ips", f"10.77.0.{other}/32,fd77::{other}/128")

    def test_behaviour_default_mtu_is_1420(self):
        """No MTU was set here."""
        self.assertIn("mtu 1420 ", self.one.run("ip", "link", "show", "wg0").stdout)

    def test_behaviour_narrower_path_fragments(self):
        """DF is clear outside: packets of a full MTU arrive, one by one and by the megabyte, although the path takes 1300 bytes."""
        for outer in (4, 6):
            self.connect(outer)
            seen = capture(self, self.two, "wire", f"src host {'10.9.1.1' if outer == 4 else 'fd09:1::1'} and not icmp6")
            full = {4: 1420 - 28, 6: 1420 - 48}
            for inner, address in ((4, "10.77.0.2"), (6, "fd77::2")):
                with self.subTest(outer=outer, inner=inner):
                    # A router of IPv6 fragments nothing: the first one tells the sender how narrow the path is, which then does.
                    wait_for("a packet of the full MTU arrives", lambda: self.one.ok("ping", "-n", "-q", "-c", "1", "-W", "1", "-M", "do", "-s", str(full[inner]), address), 20)
                    self.one.run("ping", "-n", "-q", "-c", "20", "-i", "0.05", "-W", "2", "-M", "do", "-s", str(full[inner]), address)
                    server = self.two.start("/usr/bin/python3", "-c", SERVER, address, str(7000 + outer), log="server")
                    wait_for("a server", lambda: self.two.ok("sh", "-c", f"ss -Hltn sport = :{7000 + outer} | grep -q ."), 10)
                    self.one.run("/usr/bin/python3", "-c", CLIENT, address, str(7000 + outer), "60", timeout=90)
                    server.kill()
                    server.wait()
            fragment = "flags [+]" if outer == 4 else "frag ("
            text = wait_for("fragments are seen", lambda: (t := seen()).count(fragment) > 40 and t, 10)
            self.assertNotIn("[DF]", text)


class Restarts(MeshCase):
    SITES = JOIN = ("laptop",)

    def restart_in_the_past(self, name, days, how=signal.SIGKILL):
        """Killed, and started again with a wall clock that lost so many days."""
        process, start = self.mesh.running[name]
        process.send_signal(how)
        process.wait()
        os.environ.update(LD_PRELOAD=WRONG_CLOCK, WRONG_CLOCK_SECONDS=str(days * DAY))
        try:
            self.mesh.running[name][0] = start()
        finally:
            del os.environ["LD_PRELOAD"], os.environ["WRONG_CLOCK_SECONDS"]

    def handshake(self):
        shown = self.mesh.machine("laptop").run("wg", "show", "edgeway0", "latest-handshakes", check=False).stdout.split()
        return int(shown[1]) if len(shown) == 2 else 0

    def test_behaviour_timestamps_persisted_never_lower_by_a_node(self):
        """The edge, which remembers the latest, answers a node that was killed twice and whose clock went back further each time."""
        for days in (1, 400):
            self.restart_in_the_past("laptop", days)
            wait_for("edgewayd", lambda: self.mesh.machine("laptop").ok(self.mesh.program("edgewayctl"), "status"), 20)
            self.wait_state("laptop", "connected", 30)
            handshake = self.handshake()  # by laptop's own clock: it has made one since, and its clock was set back
            self.assertGreater(handshake, 0)
            self.assertLess(handshake, time.time() - days * DAY + 600)
            self.assertGreater(handshake, time.time() - days * DAY - 600)
        self.mesh.restart("laptop", signal.SIGKILL)
        wait_for("edgewayd", lambda: self.mesh.machine("laptop").ok(self.mesh.program("edgewayctl"), "status"), 20)
        self.wait_state("laptop", "connected", 30)

    def test_behaviour_timestamps_persisted_never_lower_by_an_edge(self):
        """A node, which remembers the latest, answers an edge that was killed and whose clock went back: the node itself begins nothing here."""
        laptop = self.mesh.machine("laptop")
        self.wait_state("laptop", "connected")
        # The NAT lets in only replies to packets that it saw leave; the edge uses the same port again.
        laptop.nft("table inet quiet {\n chain out {\n type filter hook output priority 0\n udp dport 443 @th,64,32 0x01000000 drop\n }\n}\n")
        self.addCleanup(laptop.run, "nft", "delete", "table", "inet", "quiet", check=False)
        laptop.run("ping", "-n", "-q", "-c", "1", "-W", "2", "100.96.0.1")
        for days, how in ((30, signal.SIGTERM), (400, signal.SIGKILL)):  # stopped first: then it knows for sure where laptop is
            with self.subTest(how):
                before = self.handshake()
                time.sleep(1.1)  # real time: `wg` shows seconds
                self.restart_in_the_past("edge", days, how)
                wait_for("the edge begins a session, and laptop takes it", lambda: self.handshake() > before, 30)


class Managed(MeshCase):
    SITES = JOIN = ("laptop",)

    def wg(self, *argv, **options):
        return self.mesh.machine("laptop").run("wg", argv[0], "edgeway0", *argv[1:], check=False, **options)

    def test_behaviour_managed_refuses_wg_set_but_listen_port_and_fwmark(self):
        peer = self.wg("show", "peers").stdout.strip()
        stranger = new_key()[1]

        def config():
            """Everything that may be set; the port and the mark alone may change."""
            lines = self.wg("showconf").stdout.splitlines()
            return [line for line in lines if not re.match("ListenPort|FwMark|Endpoint", line)]
        before, mark = config(), self.wg("show", "fwmark").stdout.strip()
        refused = [("peer", stranger), ("peer", stranger, "allowed-ips", "10.0.0.0/8"), ("peer", peer, "remove"), ("peer", peer, "allowed-ips", "10.0.0.0/8"),
                   ("peer", peer, "endpoint", "192.0.2.1:1"), ("peer", peer, "persistent-keepalive", "1"), ("private-key", "/dev/stdin"),
                   ("peer", peer, "preshared-key", "/dev/stdin"), ("listen-port", "51999", "peer", peer, "remove"), ("fwmark", "0x77", "private-key", "/dev/stdin")]
        for words in refused:
            with self.subTest(words):
                result = self.wg("set", *words, input=new_key()[0] + "\n")
                self.assertNotEqual(result.returncode, 0)
                self.assertIn("not permitted", result.stderr.lower())
        for verb in ("setconf", "syncconf", "addconf"):
            with self.subTest(verb), tempfile.NamedTemporaryFile("w", dir=self.mesh.world.folder) as file:
                file.write(f"[Interface]\nListenPort = 51998\n[Peer]\nPublicKey = {stranger}\nAllowedIPs = 0.0.0.0/0\n")
                file.flush()
                self.assertNotEqual(self.wg(verb, file.name).returncode, 0)
        self.assertEqual(config(), before)
        self.assertEqual(self.wg("show", "fwmark").stdout.strip(), mark)
        self.assertNotIn(self.wg("show", "listen-port").stdout.strip(), ("51998", "51999"))
        self.assertEqual(self.wg("set", "listen-port", "51999", "fwmark", "0x77").returncode, 0)
        self.assertEqual((self.wg("show", "listen-port").stdout.strip(), self.wg("show", "fwmark").stdout.strip()), ("51999", "0x77"))
        self.assertEqual(self.wg("set", "fwmark", mark).returncode, 0)
        self.assertEqual(config(), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
