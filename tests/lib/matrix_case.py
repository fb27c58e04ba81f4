# SPDX-License-Identifier: GPL-3.0-or-later
"""Edgeway's engine, as a node and as the edge, against three other WireGuards: Debian's wireguard-go, a current one, Linux's own in qemu.

    ours 10.9.0.1      ew-wg: 10.77.0.1, a peer of each of the three
    other 10.9.0.9     ew-wg: 100.96.1.9, the node behind the edge that the three talk to
    edge 10.9.0.5      ew-switch: 100.96.0.1; nodes: the three, and other
    debian .2, current .3, kernel .4     10.77.0.N and 100.96.1.N on one interface, two peers: ours and edge

All on one switch; a row is one of the three with Edgeway's engine ("node") or with the edge ("edge"). What takes real time is done in all rows at
once.
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
from current_wireguard import current_wireguard_go  # noqa: E402
from kernel_machine import KernelMachine  # noqa: E402
from machines import Failure, World, require_root, wait_for  # noqa: E402
from switch_case import BUILD, Switch, new_key  # noqa: E402

PORT = 51820
RANGE, SERVICE, OTHER = "100.96.0.0/12", "100.96.0.1", "100.96.1.9"

# Sends 1 MB to each client.
SERVE = """
import socket, sys
listener = socket.create_server((sys.argv[1], 7001))
while True:
    connection, peer = listener.accept()
    connection.sendall(bytes(range(256)) * 4096)
    connection.close()
"""


class Peer:
    """One WireGuard interface, made by `wg`. host: a Machine or a KernelMachine."""

    def __init__(self, host, number, program=None):
        self.host, self.name, self.number, self.program = host, host.name, number, program
        self.private, self.public = new_key()
        self.port = PORT

    @property
    def outer(self):
        return f"10.9.0.{self.number}"

    @property
    def node_ip(self):
        return f"10.77.0.{self.number}"

    @property
    def mesh_ip(self):
        return f"100.96.1.{self.number}"

    def start(self):
        if self.program:
            self.host.start(*self.program, "wg0")
            wait_for(f"{self.name}'s WireGuard", lambda: self.host.ok("wg", "show", "wg0"), 20)
        else:
            self.host.ip("link", "add", "wg0", "type", "wireguard")
        self.wg("listen-port", str(PORT), "private-key", secret=self.private)
        for address in (self.node_ip + "/24", self.mesh_ip + "/32"):
            self.host.ip("addr", "add", address, "dev", "wg0")
        self.host.ip("link", "set", "wg0", "mtu", "1420", "up")
        self.host.ip("route", "add", RANGE, "dev", "wg0", "src", self.mesh_ip)

    def wg(self, *argv, secret=None):
        more = {} if secret is None else {"input": secret + "\n"}
        return self.host.run("wg", "set", "wg0", *argv, *(["/dev/stdin"] if secret is not None else []), **more)

    def shown(self, what, key):
        """That peer's line of `wg show wg0 WHAT`, as words after the key."""
        for line in self.host.run("wg", "show", "wg0", what).stdout.splitlines():
            if line.startswith(key):
                return line.split()[1:]
        return None

    def handshake(self, key):
        shown = self.shown("latest-handshakes", key)
        return int(shown[0]) if shown else 0

    def know(self, key, allowed, endpoint=None):
        """Starts again: the previous sessions are dropped."""
        self.wg("peer", key, "remove")
        where = ["endpoint", f"{endpoint}:{PORT}"] if endpoint else []
        self.wg("peer", key, *where, "allowed-ips", allowed)

    def ping(self, address, count=1, seconds=5):
        return self.host.ok("ping", "-n", "-q", "-c", str(count), "-W", str(seconds), address)


class Row:
    """One of the three with Edgeway's engine, as a node or as the edge."""

    def __init__(self, case, theirs, role):
        self.case, self.theirs, self.role = case, theirs, role
        self.name = f"{theirs.name}, ours as {role}"
        self.key = case.edge_key[1] if role == "edge" else case.ours.public
        self.far = OTHER if role == "edge" else case.ours.node_ip  # whom they ping
        self.near = theirs.mesh_ip if role == "edge" else theirs.node_ip  # … and are pinged as
        self.sender = case.other if role == "edge" else case.ours

    def connect(self, first):
        """Both are configured again; only `first`, "ours" or "theirs", knows the other's endpoint."""
        theirs = self.theirs
        if self.role == "node":
            self.case.ours.know(theirs.public, theirs.node_ip + "/32", theirs.outer if first == "ours" else None)
            theirs.know(self.key, self.case.ours.node_ip + "/32", self.case.ours.outer if first == "theirs" else None)
            return
        self.case.switch.say(f"remove {theirs.name}")
        endpoint = f"endpoint={theirs.outer}:{PORT}" if first == "ours" else ""
        self.case.switch.say(f"node {theirs.name} {theirs.public} 1 plain {theirs.mesh_ip} {endpoint}".strip())
        self.case.switch.status()
        theirs.know(self.key, RANGE, "10.9.0.5" if first == "theirs" else None)

    def begin(self, first, seconds=5):
        """What makes `first` start the handshake: for the edge that it looks for its nodes, else a packet."""
        if first == "theirs":
            return self.theirs.ping(self.far, seconds=seconds)
        if self.role == "edge":
            self.case.switch.say("find")
            self.case.switch.status()
        return self.sender.ping(self.near, seconds=seconds)

    def works(self, seconds=20):
        wait_for(f"{self.name}: answers", lambda: self.sender.ping(self.near, seconds=1), seconds)
        wait_for(f"{self.name}: reaches", lambda: self.theirs.ping(self.far, seconds=1), seconds)

    def handshakes(self):
        """The time of the last handshake, in seconds: as each side reports it."""
        if self.role == "node":
            return self.theirs.handshake(self.key), self.case.ours.handshake(self.theirs.public)
        return self.theirs.handshake(self.key), int(self.case.switch.status()[self.theirs.name]["handshake"] // 1_000_000)

    def start_ping(self, count):
        """In the background, from the side that began the session: from Edgeway's engine as a node, from the other one to the edge."""
        peer, address = (self.theirs, self.far) if self.role == "edge" else (self.sender, self.near)
        self.output = (peer, f"/tmp/ping-{os.getpid()}-{self.theirs.number}-{self.role}")
        peer.host.run("sh", "-c", f"ping -n -c {count} -W 5 {address} >{self.output[1]} 2>&1 &")

    def ping_result(self):
        peer, path = self.output
        return peer.host.run("cat", path).stdout

    def end_ping(self):
        peer, path = self.output
        peer.host.run("rm", "-f", path)


class MatrixCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_root("test_matrix.py")
        cls.world = World("matrix")
        cls.addClassCleanup(cls.world.close)
        cls.bridge = cls.world.machine("net")
        cls.bridge.ip("link", "add", "lan", "type", "bridge")
        cls.bridge.ip("link", "set", "lan", "up")
        cls.missing = []
        kernel = cls.start_kernel()  # boots while the rest is set up
        ew_wg = (os.path.join(BUILD, "tests", "lib", "ew-wg"),)
        cls.ours, cls.other = Peer(cls.machine("ours", 1), 1, ew_wg), Peer(cls.machine("other", 9), 9, ew_wg)
        cls.theirs = [Peer(cls.machine("debian", 2), 2, ("wireguard-go", "-f"))]
        try:
            cls.theirs.append(Peer(cls.machine("current", 3), 3, (current_wireguard_go()[0], "-f")))
        except Failure as failure:
            cls.missing.append(f"a current wireguard-go: {failure}")
        cls.flooder = cls.machine("flooder", 66)
        cls.start_edge()
        if kernel is not None:
            kernel.wait_until_up()
            kernel.ip("addr", "add", "10.9.0.4/24", "dev", "wire")
            cls.theirs.append(Peer(kernel, 4))
        for peer in (cls.ours, cls.other, *cls.theirs):
            peer.start()
        cls.other.know(cls.edge_key[1], RANGE, "10.9.0.5")
        cls.other.wg("peer", cls.edge_key[1], "persistent-keepalive", "5")
        cls.rows = [Row(cls, theirs, role) for theirs in cls.theirs for role in ("node", "edge")]
        for peer in (cls.other, cls.ours):
            peer.host.start("/usr/bin/python3", "-c", SERVE, "0.0.0.0", log="serve")
        for row in cls.rows:
            row.connect("theirs")
            row.begin("theirs")
            row.works()

    @classmethod
    def machine(cls, name, number):
        machine = cls.world.machine(name)
        cls.world.cable(machine, "wire", cls.bridge, f"to-{name}")
        cls.bridge.ip("link", "set", f"to-{name}", "master", "lan")
        if number:
            machine.ip("addr", "add", f"10.9.0.{number}/24", "dev", "wire")
        return machine

    @classmethod
    def start_kernel(cls):
        try:
            kernel = KernelMachine(cls.machine("kernel", None))
            cls.addClassCleanup(kernel.close)
            return kernel
        except (Failure, OSError) as failure:
            cls.missing.append(f"the kernel's WireGuard: {failure}")
            return None

    @classmethod
    def start_edge(cls):
        edge = cls.machine("edge", 5)
        cls.edge_key = new_key()
        config = os.path.join(edge.log_dir, "config")
        with open(config, "w") as file:
            file.write(f"port {PORT}\nthreads 2\nkey {cls.edge_key[0]}\nservice {SERVICE}\nrange {RANGE}\nnode other {cls.other.public} 1 plain {OTHER}\n")
        cls.switch = Switch(edge, config)
        cls.addClassCleanup(cls.switch.stop)
