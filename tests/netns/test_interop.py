# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine speaks WireGuard like any other: ew-wg (ours, unmanaged) against wireguard-go, both set up by `wg`.

    ours                                        theirs
    IFACE_A 10.77.0.1, fd77::1                  IFACE_B 10.77.0.2, fd77::2
      |                                           |
    wire 10.9.0.1, .11, fd09::1, ::11  --------- wire 10.9.0.2, .12, fd09::2, ::12
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
from machines import World, require_root, wait_for  # noqa: E402

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
OURS, THEIRS = [os.path.join(BUILD, "tests", "lib", "ew-wg")], ["wireguard-go", "-f"]
PORT = 51820


def make_key():
    private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()
    public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()
    return private, public


class Side:
    """One end of the tunnel: a machine, a WireGuard program on it, and what `wg` told it."""

    def __init__(self, world, name, program, number):
        self.machine, self.program, self.number = world.machine(name), program, number
        self.interface = f"ew{name[0]}{os.getpid()}"
        self.private, self.public = make_key()
        self.process = None

    def outer(self, family=4, second=False):
        host = f"{'1' if second else ''}{self.number}"
        return f"10.9.0.{host}" if family == 4 else f"fd09::{host}"

    def inner(self, family=4):
        return f"10.77.0.{self.number}" if family == 4 else f"fd77::{self.number}"

    def wire(self):
        for family, length in ((4, 24), (6, 64)):
            for second in (False, True):
                extra = ["nodad"] if family == 6 else []
                self.machine.ip("addr", "add", f"{self.outer(family, second)}/{length}", "dev", "wire", *extra)

    def start(self):
        self.process = self.machine.start(*self.program, self.interface)

        def answers():
            # Right after a kill the kernel may still hold the interface; wireguard-go then ends at once, and its supervisor tries again. Ours must not need that.
            if self.program is THEIRS and self.process.poll() is not None:
                self.process = self.machine.start(*self.program, self.interface)
            return self.machine.ok("wg", "show", self.interface)
        wait_for(f"{self.program[0]} answers", answers, 20, 0.2)
        self.machine.ip("link", "set", self.interface, "mtu", "1420", "up")
        for family, length in ((4, 24), (6, 64)):
            extra = ["nodad"] if family == 6 else []
            self.machine.ip("addr", "add", f"{self.inner(family)}/{length}", "dev", self.interface, *extra)

    def stop(self, sig=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(sig)
            self.process.wait(10)
            self.process = None

    def wg(self, *argv, **options):
        return self.machine.run("wg", argv[0], self.interface, *argv[1:], **options)

    def set(self, *argv, secret=None, **options):
        """wg set; `secret` is what the last argument's file holds."""
        if secret is None:
            return self.wg("set", *argv, **options)
        return self.wg("set", *argv, "/dev/stdin", input=secret + "\n", **options)

    def configure(self, peer, endpoint=None, psk=None):
        """Knows the peer; and where it is, if `endpoint` (an IP)."""
        self.set("listen-port", str(PORT), "private-key", secret=self.private)
        where = ["endpoint", f"[{endpoint}]:{PORT}" if ":" in endpoint else f"{endpoint}:{PORT}"] if endpoint else []
        self.set("peer", peer.public, *where, "allowed-ips", f"{peer.inner(4)}/32,{peer.inner(6)}/128")
        if psk is not None:
            self.set("peer", peer.public, "preshared-key", secret=psk)

    def ping(self, peer, family=4, seconds=1, size=56, count=1, check=True):
        return self.machine.run("ping", "-n", "-q", "-c", str(count), "-i", "0.2", "-W", str(seconds), "-s", str(size), peer.inner(family),
                                check=check).returncode == 0

    def reaches(self, peer, seconds, family=4):
        wait_for(f"{self.machine.name} reaches {peer.inner(family)}", lambda: self.ping(peer, family, check=False), seconds)

    def peer(self):
        """The only peer's line of `wg show dump`; its allowed IPs in order, since `wg` shows them in any."""
        fields = self.wg("show", "dump").stdout.splitlines()[1].split("\t")
        fields[3] = ",".join(sorted(fields[3].split(",")))
        return dict(zip(("public_key", "psk", "endpoint", "allowed_ips", "handshake", "rx", "tx", "keepalive"), fields))

    def showconf(self):
        lines = self.wg("showconf").stdout.splitlines()
        return [", ".join(sorted(line[13:].split(", "))) if line.startswith("AllowedIPs = ") else line for line in lines]


class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_root("test_interop.py")
        cls.world = World("interop")
        cls.addClassCleanup(cls.world.close)
        cls.ours, cls.theirs = Side(cls.world, "ours", OURS, 1), Side(cls.world, "theirs", THEIRS, 2)
        cls.world.cable(cls.ours.machine, "wire", cls.theirs.machine, "wire")
        cls.ours.wire()
        cls.theirs.wire()

    def setUp(self):
        for side in (self.ours, self.theirs):
            side.start()
            self.addCleanup(side.stop)

    def connect(self, family=4, psk=None):
        self.ours.configure(self.theirs, self.theirs.outer(family), psk)
        self.theirs.configure(self.ours, self.ours.outer(family), psk)

    def stream(self, client, server, family, reverse):
        """TCP by iperf3; the bytes that arrived."""
        listener = server.machine.start("iperf3", "-s", "-1", "-B", server.inner(family), "-p", "5201")
        wait_for("iperf3 listens", lambda: ":5201" in server.machine.run("ss", "-ltn").stdout, 10)
        argv = ["iperf3", "-c", server.inner(family), "-n", "8M", "-J"] + (["-R"] if reverse else [])
        end = json.loads(client.machine.run(*argv, timeout=60).stdout)["end"]
        listener.wait(10)
        return end["sum_received"]["bytes"]

    def test_handshake_each_way(self):
        for first, second in ((self.ours, self.theirs), (self.theirs, self.ours)):
            with self.subTest(first.machine.name):
                self.doCleanups()
                self.setUp()
                first.configure(second, second.outer())
                second.configure(first)  # does not know where: it answers only
                first.ping(second, seconds=5)
                second.ping(first, seconds=5)
                for side in (first, second):
                    self.assertLess(abs(time.time() - int(side.peer()["handshake"])), 60)
                    self.assertGreater(int(side.peer()["rx"]), 0)

    def test_traffic(self):
        for outer in (4, 6):
            self.connect(outer)
            for inner in (4, 6):
                with self.subTest(outer=outer, inner=inner):
                    self.ours.ping(self.theirs, inner, seconds=5)
                    self.ours.ping(self.theirs, inner, count=20)
                    self.theirs.ping(self.ours, inner, count=20)
                    for reverse in (False, True):
                        self.assertGreaterEqual(self.stream(self.ours, self.theirs, inner, reverse), 4_000_000)
            self.assertIn("[" if outer == 6 else "10.9", self.ours.peer()["endpoint"])

    def test_sizes(self):
        self.connect()
        self.ours.ping(self.theirs, seconds=5)
        for size in list(range(0, 40)) + [1391, 1392]:  # every padding, and the full MTU
            self.ours.ping(self.theirs, size=size)
        self.ours.ping(self.theirs, size=6000)  # fragments of the inner packet
        for side in (self.ours, self.theirs):  # a path narrower than the tunnel: outer packets are fragmented
            side.machine.ip("link", "set", "wire", "mtu", "1400")
            self.addCleanup(side.machine.ip, "link", "set", "wire", "mtu", "1500")
        self.ours.ping(self.theirs, size=1392)
        self.theirs.ping(self.ours, size=1392)

    def test_preshared_key(self):
        psk, other = make_key()[0], make_key()[0]
        self.connect(psk=psk)
        self.ours.ping(self.theirs, seconds=5)
        self.assertEqual(self.ours.peer()["psk"], psk)
        # Another one on one side: the next handshake fails; the same again: it heals.
        self.ours.set("peer", self.theirs.public, "remove")
        self.ours.configure(self.theirs, self.theirs.outer(), other)
        self.assertFalse(self.ours.ping(self.theirs, check=False))
        self.assertEqual(self.ours.peer()["handshake"], "0")
        self.ours.set("peer", self.theirs.public, "preshared-key", secret=psk)
        self.ours.reaches(self.theirs, 5 * 6)  # the next try is at most 5.3 s away

    def test_wg_show_and_set(self):
        self.connect()
        ours, theirs = self.ours, self.theirs
        ours.ping(theirs, seconds=5)
        shown = ours.wg("show").stdout
        for text in (f"interface: {ours.interface}", f"public key: {ours.public}", f"listening port: {PORT}", f"peer: {theirs.public}",
                     f"endpoint: {theirs.outer()}:{PORT}", "latest handshake:", "transfer:", f"{theirs.inner()}/32", f"{theirs.inner(6)}/128"):
            self.assertIn(text, shown)
        self.assertEqual(ours.machine.run("wg", "show", "interfaces").stdout.split(), [ours.interface])
        ours.set("peer", theirs.public, "persistent-keepalive", "25", "allowed-ips", "10.99.0.0/16")
        self.assertEqual((ours.peer()["keepalive"], ours.peer()["allowed_ips"]), ("25", "10.99.0.0/16"))
        ours.set("fwmark", "0x42")
        self.assertEqual(ours.wg("show", "fwmark").stdout.strip(), "0x42")
        ours.set("fwmark", "off", "peer", theirs.public, "persistent-keepalive", "off")
        self.assertEqual((ours.wg("show", "fwmark").stdout.strip(), ours.peer()["keepalive"]), ("off", "off"))
        ours.set("listen-port", "51999")
        self.assertIn(":51999", ours.machine.run("ss", "-lun").stdout)
        self.assertNotIn(f":{PORT} ", ours.machine.run("ss", "-lun").stdout)
        ours.set("peer", theirs.public, "remove")
        self.assertEqual(ours.wg("show", "peers").stdout, "")
        ours.set("private-key", secret="A" * 43 + "=")
        self.assertIn("(none)", ours.wg("show", "public-key").stdout)

    def test_port_in_use(self):
        self.connect()
        listener = "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 5999)); time.sleep(60)"
        taken = self.ours.machine.start("/usr/bin/python3", "-c", listener)
        wait_for("the port is taken", lambda: ":5999" in self.ours.machine.run("ss", "-lun").stdout, 10)
        result = self.ours.set("listen-port", "5999", check=False)
        self.assertIn("in use", result.stderr)
        taken.kill()
        taken.wait()
        self.assertEqual(self.ours.wg("show", "listen-port").stdout.strip(), str(PORT))
        self.ours.ping(self.theirs, seconds=5)

    def test_syncconf(self):
        self.connect()
        ours, theirs = self.ours, self.theirs
        ours.ping(theirs, seconds=5)
        handshake = ours.peer()["handshake"]
        stranger = make_key()[1]
        saved, shown = ours.wg("showconf").stdout, ours.showconf()
        with tempfile.NamedTemporaryFile("w", dir=self.world.folder) as file:
            file.write(saved + f"\n[Peer]\nPublicKey = {stranger}\nAllowedIPs = 10.88.0.0/16\nEndpoint = 192.0.2.9:1\n")
            file.flush()
            ours.wg("syncconf", file.name)
            self.assertEqual(set(ours.wg("show", "peers").stdout.split()), {theirs.public, stranger})
            file.seek(0)
            file.truncate()
            file.write(saved)
            file.flush()
            ours.wg("syncconf", file.name)
            self.assertEqual(ours.wg("show", "peers").stdout.split(), [theirs.public])
            self.assertEqual(ours.peer()["handshake"], handshake)  # the session lived through it
            self.assertEqual(ours.showconf(), shown)
            ours.ping(theirs)
            ours.wg("setconf", file.name)  # replaces: a new session
            ours.ping(theirs, seconds=6)
        for text in (f"PrivateKey = {ours.private}", f"ListenPort = {PORT}", f"Endpoint = {theirs.outer()}:{PORT}"):
            self.assertIn(text, saved)

    def test_answers_from_the_address_asked(self):
        for family in (4, 6):
            with self.subTest(family):
                asked = self.ours.outer(family, second=True)
                self.ours.configure(self.theirs)
                self.theirs.configure(self.ours, asked)
                self.theirs.ping(self.ours, seconds=5)
                self.theirs.ping(self.ours)
                self.assertIn(asked, self.theirs.peer()["endpoint"])  # had we answered from another, it would be that one

    def test_roaming(self):
        self.connect()
        ours, theirs = self.ours, self.theirs
        ours.ping(theirs, seconds=5)
        # Our first address goes, as on a laptop that changes its network: the one that the kernel chooses then is used.
        ours.machine.ip("addr", "flush", "dev", "wire", "to", f"{ours.outer()}/16")
        ours.machine.ip("addr", "add", f"{ours.outer(second=True)}/24", "dev", "wire")
        self.addCleanup(ours.machine.ip, "addr", "add", f"{ours.outer()}/24", "dev", "wire")
        ours.reaches(theirs, 5)
        self.assertEqual(theirs.peer()["endpoint"], f"{ours.outer(second=True)}:{PORT}")
        theirs.ping(ours)
        # They move: any authenticated packet tells us where they are.
        theirs.set("listen-port", "51999")
        theirs.ping(ours)
        self.assertEqual(ours.peer()["endpoint"], f"{theirs.outer()}:51999")
        ours.ping(theirs)

    def test_restart(self):
        self.connect()
        self.ours.ping(self.theirs, seconds=5)
        for again, other in ((self.ours, self.theirs), (self.theirs, self.ours)):
            for sig in (signal.SIGTERM, signal.SIGKILL):
                with self.subTest(again.machine.name, sig=sig):
                    again.stop(sig)
                    again.start()  # ours: also over the socket's file that kill -9 has left
                    again.configure(other, other.outer())
                    again.reaches(other, 10)
                    other.ping(again)

    def test_restart_of_the_one_that_only_answers(self):
        """Nobody tells us that the other side has forgotten: 15 s without an answer do."""
        self.connect()
        self.ours.ping(self.theirs, seconds=5)
        self.theirs.stop(signal.SIGKILL)
        self.theirs.start()
        self.theirs.configure(self.ours)
        self.ours.reaches(self.theirs, 40)

    def test_without_ipv6(self):
        machine = self.ours.machine
        machine.sysctl("net/ipv6/conf/all/disable_ipv6", "1")
        try:
            self.ours.stop()
            self.ours.process = machine.start(*OURS, self.ours.interface)
            wait_for("ew-wg answers", lambda: machine.ok("wg", "show", self.ours.interface), 10)
            machine.ip("link", "set", self.ours.interface, "up")
            machine.ip("addr", "add", f"{self.ours.inner()}/24", "dev", self.ours.interface)
            self.connect()
            self.ours.ping(self.theirs, seconds=5)
        finally:
            machine.sysctl("net/ipv6/conf/all/disable_ipv6", "0")
            for second in (False, True):
                machine.ip("addr", "add", f"{self.ours.outer(6, second)}/64", "dev", "wire", "nodad")

    def test_no_peer_is_unreachable_at_once(self):
        self.connect()
        self.ours.machine.ip("route", "add", "10.78.0.0/16", "dev", self.ours.interface)
        start = time.monotonic()
        result = self.ours.machine.run("ping", "-n", "-c", "1", "-W", "10", "10.78.0.1", check=False)
        self.assertIn("Unreachable", result.stdout)
        self.assertLess(time.monotonic() - start, 5)

    def test_life(self):
        """Stops within a second, takes its socket along; a second one of the same name is refused."""
        socket = f"/run/wireguard/{self.ours.interface}.sock"
        self.assertEqual(self.ours.machine.run("stat", "-c", "%a", socket).stdout.strip(), "600")
        second = self.ours.machine.run(*OURS, self.ours.interface, check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn("exists already", second.stderr)
        process = self.ours.process
        start = time.monotonic()
        self.ours.stop()
        self.assertEqual(process.returncode, 0)
        self.assertLess(time.monotonic() - start, 5)
        self.assertFalse(self.ours.machine.ok("test", "-e", socket))
        self.assertFalse(self.ours.machine.ok("ip", "link", "show", self.ours.interface))
        self.ours.start()
        process = self.ours.process
        self.ours.machine.ip("link", "del", self.ours.interface)  # somebody deletes the interface: it ends
        process.wait(5)
        self.ours.process = None


if __name__ == "__main__":
    unittest.main(verbosity=2)
