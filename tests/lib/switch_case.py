# SPDX-License-Identifier: GPL-3.0-or-later
"""A switch in a namespace and machines around it, for one test class:

      printer ── bob          alice
   10.77.0.9   .12 │            │ .11
                   └─ internet ─┘            websites 93.184.216.34 and 2606:2800::34, 203.0.113.1
                         │
                    edge 203.0.113.5, 2001:db8::5
                         │ lan 192.168.50.1, 93.184.220.1 (global!), 2600:9::1
                     neighbor .2

alice is wireguard-go with a default route into the tunnel; bob is Edgeway's engine without the daemon, a gateway to printer.
"""
import os
import queue
import re
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
from machines import World, wait_for  # noqa: E402

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
PORT, PUBLIC_PORT = 51820, 8090
NATTED = "93.184.221.7"  # the edge is reached here via a NAT in front of it
CLOSED = "93.184.222.0/24"
SERVICE = ("100.96.0.1", "fd12::1")
ALICE = ("100.96.1.1", "fd12::1:1")
BOB = ("100.96.1.2", "fd12::1:2")
WEBSITE = ("93.184.216.34", "2606:2800::34")

# Sends 1 MB to each client and prints its address and the segment size that it allows.
SERVER = """
import socket, sys
address, port = sys.argv[1], int(sys.argv[2])
s = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
while True:
    c, peer = s.accept()
    try:
        c.recv(1)
        c.sendall((peer[0] + " " + str(c.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)) + "\\n").encode() + b"x" * 1000000)
        c.close()
    except OSError:
        pass
"""
CLIENT = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3]))
s.sendall(b"x")
data = b""
while chunk := s.recv(65536):
    data += chunk
line, rest = data.split(b"\\n", 1)
assert len(rest) == 1000000, len(rest)
print(line.decode())
"""


def new_key():
    private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()
    public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()
    return private, public


class Switch:
    """A running ew-switch: commands go in, lines come out."""

    def __init__(self, machine, config, prefix=()):
        argv = [*prefix, os.path.join(BUILD, "tests/lib/ew-switch"), config]
        self.log = open(os.path.join(machine.log_dir, "ew-switch.log"), "a")
        self.process = subprocess.Popen(machine.command(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        text=True)
        self.lines, self.events = queue.Queue(), []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.limits = None
        self.expect("ready", 10)
        self.expect("limits", 10)

    def _read(self):
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line.startswith(("presence ", "endpoint ")):
                self.events.append((time.monotonic(), line))
            else:
                self.lines.put(line)

    def expect(self, word, seconds=5):
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"ew-switch did not say “{word}” (exit {self.process.poll()}): {open(self.log.name).read()[-800:]}")
            if line.startswith("limits "):
                self.limits = line[7:]
            if line.split(" ")[0] == word:
                return line

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def status(self):
        self.say("status")
        result = {}
        while True:
            line = self.lines.get(timeout=10)
            if line == "end":
                return result
            if line.startswith("limits "):
                self.limits = line[7:]
                continue
            name = line.split()[1] if line.startswith("node ") else "stats"
            result[name] = {k: float(v) for k, v in re.findall(r"(\w+)=(-?[\d.]+)", line)}

    def presence(self, node, word, since, seconds):
        """Waits for that event, told after `since`; how long after."""
        def find():
            return [t for t, line in self.events if line == f"presence {node} {word}" and t >= since]
        return wait_for(f"{node} {word}", find, seconds, 0.02)[0] - since

    def kill(self):
        self.process.kill()
        self.stop()

    def stop(self):
        """Its exit status; may be called more than once."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(10)
        self.reader.join(5)
        for file in (self.process.stdin, self.process.stdout, self.log):
            file.close()
        return code


class SwitchCase(unittest.TestCase):
    EXIT = True

    @classmethod
    def setUpClass(cls):
        cls.world = World("switch")
        cls.addClassCleanup(cls.world.close)
        cls.keys = {name: new_key() for name in ("edge", "alice", "bob")}
        cls.build_ground()

    @classmethod
    def build_ground(cls):
        w = cls.world
        cls.internet, cls.edge = w.machine("internet"), w.machine("edge")
        cls.alice, cls.bob, cls.printer, cls.neighbour = (w.machine(n) for n in ("alice", "bob", "printer", "neighbour"))
        inet = cls.internet
        inet.ip("link", "add", "exchange", "type", "bridge")
        for address in ("203.0.113.1/24", "2001:db8::1/64"):
            inet.ip("addr", "add", address, "dev", "exchange")
        for address in WEBSITE:
            inet.ip("addr", "add", address, "dev", "lo")
        inet.ip("link", "set", "exchange", "up")
        for machine, number in ((cls.edge, 5), (cls.alice, 11), (cls.bob, 12)):
            w.cable(machine, "wan", inet, f"to-{number}")
            inet.ip("link", "set", f"to-{number}", "master", "exchange")
            machine.ip("addr", "add", f"203.0.113.{number}/24", "dev", "wan")
        cls.edge.ip("addr", "add", "2001:db8::5/64", "dev", "wan")
        cls.edge.default_route("203.0.113.1")
        cls.edge.ip("-6", "route", "add", "default", "via", "2001:db8::1")
        w.cable(cls.edge, "lan", cls.neighbour, "eth0")
        for prefix, length in (("192.168.50.", 24), ("93.184.220.", 24), ("2600:9::", 64)):
            cls.edge.ip("addr", "add", f"{prefix}1/{length}", "dev", "lan")
            cls.neighbour.ip("addr", "add", f"{prefix}2/{length}", "dev", "eth0")
        cls.neighbour.default_route("192.168.50.1")
        w.cable(cls.bob, "office", cls.printer, "eth0")
        cls.bob.ip("addr", "add", "10.77.0.1/24", "dev", "office")
        cls.printer.ip("addr", "add", "10.77.0.9/24", "dev", "eth0")
        cls.printer.default_route("10.77.0.1")
        cls.bob.sysctl("net/ipv4/ip_forward", "1")

    # The switch.

    @classmethod
    def config(cls, exit=True, interface="edge0", nodes=True, endpoints=False):
        at = {"alice": "endpoint=203.0.113.11:50001", "bob": "endpoint=203.0.113.12:50002"} if endpoints else {}
        lines = [f"port {PORT}", "threads 2", f"key {cls.keys['edge'][0]}", "range 100.96.0.0/12", "range fd12::/48", "open 22", f"public-port {PUBLIC_PORT}", f"public {NATTED}", f"closed {CLOSED}"]
        lines += [f"service {address}" for address in SERVICE]
        lines += [f"interface {interface}"] if interface else []
        lines += ["exit"] if exit else []
        if nodes:
            lines += [cls.node("alice", 1, *ALICE, at.get("alice")), cls.node("bob", 1, "plain", *BOB, "10.77.0.0/24", at.get("bob"))]
        path = os.path.join(cls.edge.log_dir, "config")
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n")
        return path

    @classmethod
    def node(cls, name, revision, *rest):
        return " ".join(["node", name, cls.keys[name][1], str(revision), *(word for word in rest if word)])

    @classmethod
    def start_switch(cls, prefix=(), find=False, **options):
        """find: it knows where its nodes were and calls them; else they have to speak first."""
        cls.switch = Switch(cls.edge, cls.config(endpoints=find, **options), prefix)
        if find:
            since = time.monotonic()
            cls.switch.say("find")
            for node in ("alice", "bob"):
                cls.switch.presence(node, "online", since, 10)
        return cls.switch

    # The nodes.

    @classmethod
    def start_nodes(cls):
        cls._wireguard(cls.alice, "alice", ("wireguard-go", "-f", "wg0"), 50001, ALICE, "0.0.0.0/0,::/0")
        cls.alice.ip("route", "add", "default", "dev", "wg0")
        cls.alice.ip("-6", "route", "add", "default", "dev", "wg0")
        cls._wireguard(cls.bob, "bob", (os.path.join(BUILD, "tests/lib/ew-wg"), "wg0"), 50002, BOB, "100.96.0.0/12,fd12::/48")
        cls.bob.ip("route", "add", "100.96.0.0/12", "dev", "wg0")
        cls.bob.ip("-6", "route", "add", "fd12::/48", "dev", "wg0")

    @classmethod
    def _wireguard(cls, machine, name, argv, port, addresses, allowed):
        machine.start(*argv)
        wait_for(f"{name}'s WireGuard", lambda: machine.ok("wg", "show", "wg0"), 10)
        key = os.path.join(machine.log_dir, "key")
        with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(cls.keys[name][0])
        machine.run("wg", "set", "wg0", "listen-port", str(port), "private-key", key, "peer", cls.keys["edge"][1], "endpoint", f"203.0.113.5:{PORT}",
                    "allowed-ips", allowed)
        for address in addresses:
            machine.ip("addr", "add", address, "dev", "wg0")
        machine.ip("link", "set", "wg0", "mtu", "1420", "up")

    # What the tests do.

    def ping(self, machine, address, *options, count=1, wait=2):
        """What ping printed, and whether it got an answer."""
        result = machine.run("ping", "-n", "-c", str(count), "-W", str(wait), *options, address, check=False)
        return result.returncode == 0, result.stdout + result.stderr

    def assert_pings(self, machine, address, *options):
        # The first packets may fall into a handshake.
        wait_for(f"{machine.name} pings {address}", lambda: self.ping(machine, address, *options)[0], 10)

    def assert_ping_says(self, machine, address, sender, words, *options):
        ok, text = self.ping(machine, address, *options)
        self.assertFalse(ok, text)
        self.assertIn(words, text)
        self.assertRegex(text.lower(), f"from {re.escape(sender)}[: ]")

    def serve(self, machine, address, port):
        process = machine.start("/usr/bin/python3", "-c", SERVER, address, str(port), log=f"server-{port}")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        at = f"[{address}]" if ":" in address else address  # another address may have a server on that port already
        wait_for("a server", lambda: machine.ok("sh", "-c", f"ss -Hltn src '{at}' and sport = :{port} | grep -q ."), 10)

    def fetch(self, machine, address, port, seconds=15):
        """Source address and segment size as the server saw them; None: it was not reached within so many seconds."""
        result = machine.run("/usr/bin/python3", "-c", CLIENT, address, str(port), str(seconds), check=False)
        return result.stdout.split() if result.returncode == 0 else None


def link_message(kind, token=1, revision=0, stamp=0):
    return b"EWL1" + struct.pack("!BBHQQQ", kind, 0, 32, token, revision, stamp)


def host_state(machine):
    """All that a switch could have changed on its host, as text."""
    parts = (("ip", "-o", "addr"), ("ip", "route", "show", "table", "all"), ("ip", "-6", "route", "show", "table", "all"), ("ip", "rule"),
             ("ip", "-6", "rule"), ("nft", "list", "ruleset"),
             ("sh", "-c", "grep -rH . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward 2>/dev/null | sort"))
    return "\n".join(machine.run(*argv, check=False).stdout for argv in parts)
