# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine speaks WireGuard like any other: ew-wg (Edgeway's, unmanaged) against wireguard-go, both set up by `wg`.

    ours                                        theirs
    IFACE_A 10.77.0.1, fd77::1                  IFACE_B 10.77.0.2, fd77::2
      |                                           |
    wire 10.9.0.1, .11, fd09::1, ::11  --------- wire 10.9.0.2, .12, fd09::2, ::12
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from current_wireguard import current_wg  # noqa: E402
from wire_capture import capture  # noqa: E402
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
            # Right after a kill the kernel may still hold the interface; wireguard-go then exits at once, and its supervisor tries again. Edgeway's
            # engine must not need that.
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
                second.configure(first)  # doesn't know the other's endpoint: it only answers
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
        # Another one on one side: the next handshake fails; with the same key again, it recovers.
        self.ours.set("peer", self.theirs.public, "remove")
        self.ours.configure(self.theirs, self.theirs.outer(), other)
        self.assertFalse(self.ours.ping(self.theirs, check=False))
        self.assertEqual(self.ours.peer()["handshake"], "0")
        self.ours.set("peer", self.theirs.public, "preshared-key", secret=psk)
        self.ours.reaches(self.theirs, 5 * 6)  # the next try is at most 5.3 s away

    def test_behaviour_full_get_and_set(self):
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

    def test_behaviour_syncconf_keeps_the_session(self):
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
            self.assertEqual(ours.peer()["handshake"], handshake)  # the session survived it
            self.assertEqual(ours.showconf(), shown)
            ours.ping(theirs)
            ours.wg("setconf", file.name)  # replaces: a new session
            ours.ping(theirs, seconds=6)
        for text in (f"PrivateKey = {ours.private}", f"ListenPort = {PORT}", f"Endpoint = {theirs.outer()}:{PORT}"):
            self.assertIn(text, saved)

    def test_syncconf_rules(self):
        """What a file leaves out: the port becomes another one; preshared key and keepalive stay with Debian 12's wg and go with a current one, and with a
        line that says so they go with both. The session is not disturbed by what stays."""
        self.connect()
        ours, theirs = self.ours, self.theirs
        psk, path = make_key()[0], os.path.join(self.world.folder, "sync.conf")
        current, version = current_wg()
        head = f"[Interface]\nPrivateKey = {ours.private}\nListenPort = {PORT}\n"
        peer = f"[Peer]\nPublicKey = {theirs.public}\nEndpoint = {theirs.outer()}:{PORT}\nAllowedIPs = {theirs.inner(4)}/32, {theirs.inner(6)}/128\n"
        off = f"PresharedKey = {'A' * 43}=\nPersistentKeepalive = off\n"

        def sync(wg, text):
            with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
                file.write(text)
            ours.machine.run(*wg, "syncconf", ours.interface, path)
            shown = ours.peer()
            return shown["psk"], shown["keepalive"], ours.wg("show", "listen-port").stdout.strip() == str(PORT)

        for wg, kept in ((["wg"], (psk, "25", True)), (current, ("(none)", "off", True))):
            with self.subTest(wg=version if wg is current else "installed"):
                full = head + peer + f"PresharedKey = {psk}\nPersistentKeepalive = 25\n"
                self.assertEqual(sync(wg, full), (psk, "25", True))
                self.assertEqual(sync(wg, head + peer), kept)
                self.assertEqual(sync(wg, full), (psk, "25", True))
                self.assertEqual(sync(wg, head + peer + off), ("(none)", "off", True))
                self.assertEqual(sync(wg, (head + peer + off).replace(f"ListenPort = {PORT}\n", ""))[2], False)
                self.assertEqual(sync(wg, head + peer + off), ("(none)", "off", True))
                ours.ping(theirs, seconds=6)
                handshake = ours.peer()["handshake"]
                self.assertEqual(sync(wg, head + peer + off), ("(none)", "off", True))
                self.assertEqual(ours.peer()["handshake"], handshake)
                ours.ping(theirs)

    def test_answers_from_the_address_asked(self):
        for family in (4, 6):
            with self.subTest(family):
                asked = self.ours.outer(family, second=True)
                self.ours.configure(self.theirs)
                self.theirs.configure(self.ours, asked)
                self.theirs.ping(self.ours, seconds=5)
                self.theirs.ping(self.ours)
                self.assertIn(asked, self.theirs.peer()["endpoint"])  # had we answered from another, it would be that one

    def test_answers_from_the_address_asked_in_bursts(self):
        """Many packets in one receive call (a sender that makes bursts, a wire that keeps them): still from that address."""
        self.theirs.stop()
        self.theirs.program = OURS
        self.addCleanup(setattr, self.theirs, "program", THEIRS)
        self.theirs.start()

        def received():
            stats = json.loads(self.ours.machine.run("ip", "-s", "-j", "link", "show", "dev", "wire").stdout)[0]["stats64"]["rx"]
            return stats["bytes"], stats["packets"]

        for family in (4, 6):
            with self.subTest(family):
                asked = self.ours.outer(family, second=True)
                self.ours.configure(self.theirs)
                self.theirs.configure(self.ours, asked)
                self.theirs.ping(self.ours, seconds=5)
                before = received()
                self.stream(self.theirs, self.ours, family, False)
                data, packets = (now - then for now, then in zip(received(), before))
                self.assertGreater(data / packets, 3000, "no bursts: this tests nothing")
                self.assertIn(asked, self.theirs.peer()["endpoint"])
                # The address is removed during traffic: the next one answers, without a pause.
                length = 24 if family == 4 else 64
                extra = ["nodad"] if family == 6 else []
                pinger = self.ours.machine.start("ping", "-n", "-i", "0.05", "-c", "40", self.theirs.inner(family), log=f"pinger{family}")
                log = os.path.join(self.ours.machine.log_dir, f"pinger{family}.log")
                wait_for("ping runs", lambda: "seq=5 " in self.ours.machine.run("cat", log).stdout, 10)
                self.ours.machine.ip("addr", "del", f"{asked}/{length}", "dev", "wire")
                self.addCleanup(self.ours.machine.run, "ip", "addr", "add", f"{asked}/{length}", "dev", "wire", *extra, check=False)
                self.assertEqual(pinger.wait(20), 0)
                text = self.ours.machine.run("cat", log).stdout
                self.assertGreaterEqual(int(re.search(r"(\d+) received", text)[1]), 38, text)
                self.assertIn(self.ours.outer(family), self.theirs.peer()["endpoint"])

    def test_roaming(self):
        self.connect()
        ours, theirs = self.ours, self.theirs
        ours.ping(theirs, seconds=5)
        # The engine's first address is removed, as on a laptop that changes its network: the one that the kernel then chooses is used.
        ours.machine.ip("addr", "flush", "dev", "wire", "to", f"{ours.outer()}/16")
        ours.machine.ip("addr", "add", f"{ours.outer(second=True)}/24", "dev", "wire")
        self.addCleanup(ours.machine.ip, "addr", "add", f"{ours.outer()}/24", "dev", "wire")
        ours.reaches(theirs, 5)
        self.assertEqual(theirs.peer()["endpoint"], f"{ours.outer(second=True)}:{PORT}")
        theirs.ping(ours)
        # The others move: any authenticated packet shows where they are.
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
                    again.start()  # Edgeway's engine: also over the socket's file that kill -9 has left
                    again.configure(other, other.outer())
                    again.reaches(other, 10)
                    other.ping(again)

    def test_restart_of_the_one_that_only_answers(self):
        """Only 15 s without an answer show that the other side has forgotten the session."""
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

    # The outer header.

    def test_traffic_class_outside(self):
        """Handshakes are AF41; data carries the inner packet's ECN and nothing of its DSCP, in both families."""
        ours, theirs = self.ours, self.theirs
        for family, kind, field in ((4, "udp[8]", r"tos 0x(\w+)"), (6, "ip6[48]", r"class 0x(\w+)")):
            with self.subTest(outer=family):
                where = f"dst host {theirs.outer(family)} and udp"
                captures = [capture(self, ours.machine, "wire", f"{where} and {kind} = {n}") for n in (1, 4)]
                handshakes, data = (lambda text=text: [int(value, 16) for value in re.findall(field, text())] for text in captures)
                ours.set("peer", theirs.public, "remove")
                self.connect(family)
                ours.ping(theirs, seconds=5)
                wait_for("the handshake is seen", handshakes, 5)
                self.assertEqual(set(handshakes()), {0x88})
                for inner in (4, 6):
                    for ecn in (1, 2, 3):
                        seen = len(data())
                        ours.machine.run("ping", "-n", "-q", "-c", "1", "-W", "2", "-Q", hex(0xb8 | ecn), theirs.inner(inner))  # EF
                        wait_for("it is seen", lambda: ecn in data()[seen:], 5)
                        self.assertLessEqual(set(data()), {0, 1, 2, 3})  # 0: what the kernel says of itself

    def test_congestion_on_the_way(self):
        """A router on the path marks the outer packets: the inner one is marked if its sender understands that, else it is lost (RFC 6040)."""
        ours, theirs = self.ours, self.theirs
        self.connect()
        ours.ping(theirs, seconds=5)
        theirs.machine.nft(f"table inet congest {{\nchain c {{\ntype route hook output priority 0\noifname wire udp sport {PORT} ip ecn set ce\n}}\n}}\n")
        self.addCleanup(theirs.machine.run, "nft", "delete", "table", "inet", "congest")
        inside = capture(self, ours.machine, ours.interface, f"icmp and src host {theirs.inner()}")
        theirs.machine.run("ping", "-n", "-q", "-c", "1", "-W", "2", "-Q", "0x2", ours.inner())  # ECT(0)
        wait_for("it is seen inside", lambda: "tos 0x3" in inside(), 5)
        self.assertFalse(theirs.ping(ours, check=False))

    # The API.

    ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect("/var/run/wireguard/" + sys.argv[1] + ".sock")
s.sendall(sys.argv[2].encode())
data = b""
try:
    while not data.endswith(b"\\n\\n") and (more := s.recv(65536)):
        data += more
except (ConnectionError, TimeoutError):
    pass
print(data.decode(), end="")
"""

    def ask(self, side, text):
        return side.machine.run("/usr/bin/python3", "-c", self.ASK, side.interface, text).stdout

    def test_answers_as_theirs(self):
        """Line by line as the cross-platform API says, and as wireguard-go does: what is refused, and what is there afterwards."""
        key, other, psk = "a1" * 32, "b2" * 32, "c3" * 32
        bad = ["private_key=12", "private_key=" + "zz" * 32, "listen_port=65536", "listen_port=x", "fwmark=4294967296", "replace_peers=no", "nonsense=1",
               "allowed_ip=10.0.0.0/8", "public_key=00", f"public_key={key}\nprotocol_version=2", f"public_key={key}\nallowed_ip=10.0.0.0/33",
               f"public_key={key}\nallowed_ip=10.0.0.0", f"public_key={key}\nendpoint=nowhere", f"public_key={key}\npersistent_keepalive_interval=65536",
               f"public_key={key}\npreshared_key=1", f"public_key={key}\nremove=false", f"public_key={key}\nupdate_only=1", f"public_key={key}\nfwmark=1",
               "no equals sign"]
        for line in bad:
            with self.subTest(line):
                codes = [re.search(r"errno=(-?\d+)\n\n$", self.ask(side, f"set=1\n{line}\n\n")) for side in (self.theirs, self.ours)]
                self.assertTrue(all(codes), codes)
                self.assertNotEqual(codes[1][1], "0")
                self.assertEqual(codes[1][1], codes[0][1])
        private = "d8" + "11" * 30 + "51"
        good = [f"private_key={private}\nfwmark=5\npublic_key={key}\nprotocol_version=1\npreshared_key={psk}\nendpoint=192.0.2.1:7\n"
                f"persistent_keepalive_interval=9\nallowed_ip=10.1.0.0/16\nallowed_ip=fd01::/64\npublic_key={other}\nallowed_ip=10.2.0.0/16",
                f"public_key={other}\nupdate_only=true\nallowed_ip=10.1.0.0/16\npublic_key={'e5' * 32}\nupdate_only=true\nallowed_ip=10.9.0.0/16",
                f"public_key={key}\nreplace_allowed_ips=true\nallowed_ip=10.3.0.0/16\nendpoint=[2001:db8::7]:9\npreshared_key={'00' * 32}",
                f"public_key={key}\npersistent_keepalive_interval=0", "fwmark=0", f"public_key={other}\nremove=true", f"public_key={other}\nremove=true",
                f"replace_peers=true\npublic_key={other}\nallowed_ip=::/0\nallowed_ip=0.0.0.0/0"]
        for lines in good:
            with self.subTest(lines):
                states = []
                for side in (self.theirs, self.ours):
                    self.assertEqual(self.ask(side, f"set=1\n{lines}\n\n"), "errno=0\n\n")
                    state = self.ask(side, "get=1\n\n")
                    self.assertTrue(state.endswith("errno=0\n\n"))
                    # The kernel chooses the ports, and the bytes are those of unanswered handshakes.
                    states.append(sorted(sorted(line for line in part.split() if not re.match("listen_port=|[rt]x_bytes=|errno=", line))
                                         for part in ("\n" + state).split("\npublic_key=")))
                self.assertEqual(states[1], states[0])

    def test_addconf_and_setconf(self):
        self.connect()
        ours, theirs = self.ours, self.theirs
        ours.ping(theirs, seconds=5)
        handshake, stranger = ours.peer()["handshake"], make_key()[1]

        def apply(verb, text):
            with tempfile.NamedTemporaryFile("w", dir=self.world.folder) as file:
                file.write(text)
                file.flush()
                ours.wg(verb, file.name)
        apply("addconf", f"[Peer]\nPublicKey = {stranger}\nPresharedKey = {make_key()[0]}\nAllowedIPs = 10.88.0.0/16\nPersistentKeepalive = 7\n")
        self.assertEqual(set(ours.wg("show", "peers").stdout.split()), {theirs.public, stranger})
        self.assertIn(f"{theirs.public}\t{handshake}", ours.wg("show", "latest-handshakes").stdout)
        self.assertIn(f"{stranger}\t7", ours.wg("show", "persistent-keepalive").stdout)
        apply("setconf", f"[Interface]\nPrivateKey = {ours.private}\nListenPort = 51999\nFwMark = 0x9\n[Peer]\nPublicKey = {stranger}\nAllowedIPs = ::/0\n")
        self.assertEqual(ours.wg("show", "peers").stdout.split(), [stranger])
        self.assertEqual((ours.wg("show", "listen-port").stdout.strip(), ours.wg("show", "fwmark").stdout.strip()), ("51999", "0x9"))
        self.assertEqual((ours.peer()["psk"], ours.peer()["allowed_ips"], ours.peer()["keepalive"]), ("(none)", "::/0", "off"))

    def test_own_key_is_not_a_peer(self):
        """A peer whose key becomes the device's own is removed, and cannot be added."""
        for side in (self.theirs, self.ours):
            side.set("peer", side.public, "allowed-ips", "10.1.0.0/16")
            side.set("private-key", secret=side.private)
            self.assertEqual(side.wg("show", "peers").stdout, "", side.machine.name)
            side.set("peer", side.public, "allowed-ips", "10.1.0.0/16")
            self.assertEqual(side.wg("show", "peers").stdout, "", side.machine.name)

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
        self.ours.machine.ip("link", "del", self.ours.interface)  # another program deletes the interface: the engine exits
        process.wait(5)
        self.ours.process = None


if __name__ == "__main__":
    unittest.main(verbosity=2)
