# SPDX-License-Identifier: GPL-3.0-or-later
"""A laptop that moves, and how long it is away each time: for tests/netns/test_roaming.py and tests/bench roam.

      laptop ─ eth0 192.168.11.2 ── nat-11 ─┐                  ┌─ nat-12 ── nas
             ─ eth1 192.168.21.2 ── nat-21 ─┴─ internet ───────┤
                                                               └─ edge  edge.example, 203.0.113.5 or .6
"""
import json
import os
import signal
import subprocess
import time

from demo_mesh import EDGE_ADDRESS, EDGE_PORT, NAT_RULES, SITES, DemoMesh
from machines import Failure, wait_for
from resolver_world import RESUME

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = ("/usr/bin/python3", "-B")
WATCH, ZONE = os.path.join(HERE, "flow_watch.py"), os.path.join(HERE, "zone_server.py")
NAME, MOVED = "edge.example", "203.0.113.6"
OTHER = 21  # the laptop's second network
SEEN_S = 1
FLOW_S = 60
BUS = """<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>"""
# The kernel's table of connections, emptied as by a NAT that starts again: NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE with no attribute.
FORGET = """
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.send(struct.pack("=IHHII", 20, 0x102, 5, 1, 0) + bytes((2, 0, 0, 0)))
assert struct.unpack_from("=i", s.recv(4096), 16) == (0,)
"""


class RoamingMesh(DemoMesh):
    """With a name for the edge, a second network for the laptop, a system bus there, and a boot clock that can jump."""

    def __init__(self, programs, label, away_s):
        """away_s: how long a link is lost."""
        super().__init__(programs, lambda text: None, ("laptop", "nas"), label)
        self.public = f"{NAME}:{EDGE_PORT}"
        self.zone = os.path.join(self.world.folder, "zone")
        self.jump = os.path.join(self.world.folder, "jump")
        self.watch = None
        self.away_s = away_s

    def build(self):
        self.build_ground()
        self._second_network()
        self.name_edge(EDGE_ADDRESS)
        for number, address in ((SITES["laptop"], f"192.168.{SITES['laptop']}.1"), (SITES["nas"], f"192.168.{SITES['nas']}.1")):
            self.machine(f"nat-{number}").start(*PYTHON, ZONE, address, self.zone, log="zone")
        laptop = self.machine("laptop")
        path = os.path.join(laptop.log_dir, "bus.conf")
        with open(path, "w") as file:
            file.write(BUS)
        laptop.start("dbus-daemon", "--config-file=" + path, "--nofork", "--nopidfile")
        wait_for("the laptop's bus", lambda: laptop.ok("test", "-S", "/run/dbus/system_bus_socket"), 10)
        os.mkdir(self.jump)
        os.mkfifo(os.path.join(self.jump, "woken"))
        self.sleep_seconds(0)
        self.join("laptop", self.start_edge())
        self.join("nas", self.new_key("nas"))
        self._start_watch()

    def _second_network(self):
        nat, laptop = self.world.machine(f"nat-{OTHER}"), self.machine("laptop")
        self._plug(nat, "wan", self.machine("internet"), f"to-{OTHER}")
        self.world.cable(nat, "lan", laptop, "eth1")
        nat.ip("addr", "add", f"203.0.113.{OTHER}/24", "dev", "wan")
        nat.ip("addr", "add", f"192.168.{OTHER}.1/24", "dev", "lan")
        nat.default_route("203.0.113.1")
        nat.sysctl("net/ipv4/ip_forward", "1")
        nat.nft(NAT_RULES % "")
        laptop.ip("addr", "add", f"192.168.{OTHER}.2/24", "dev", "eth1")

    def start_daemon(self, name):
        if name != "laptop":
            super().start_daemon(name)
            return
        more = {"LD_PRELOAD": os.path.join(self.programs, "tests/lib/boot-jump.so"), "BOOT_JUMP": self.jump, "EDGEWAY_DEBUG": "1"}
        os.environ.update(more)
        try:
            super().start_daemon(name)
        finally:
            for variable in more:
                del os.environ[variable]

    def count_said(self, text):
        """How often the laptop's daemon has logged that."""
        with open(self.running["laptop"][0].log_path, errors="replace") as log:
            return log.read().count(text)

    def sleep_seconds(self, seconds):
        """The boot clock is that far ahead of the monotonic one."""
        with open(os.open(os.path.join(self.jump, "seconds"), os.O_CREAT | os.O_WRONLY, 0o644), "w") as file:
            file.write(f"{seconds}\0".ljust(32, "\0"))

    def name_edge(self, *addresses):
        with open(self.zone + ".new", "w") as file:
            file.writelines(f"{NAME} {address}\n" for address in addresses)
        os.rename(self.zone + ".new", self.zone)

    def _start_watch(self):
        laptop, nas = self.machine("laptop"), self.machine("nas")
        address = self.ctl_json("nas", "status")["addresses"][0]
        nas.start(*PYTHON, WATCH, "serve", address, log="serve")
        wait_for("the echo", lambda: nas.ok("sh", "-c", "ss -Hltn sport = :7001 | grep -q ."), 10)
        self.watch = subprocess.Popen(laptop.command([*PYTHON, WATCH, "watch", address]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.watch.stdout.readline() != "ready\n":
            raise Failure("the laptop doesn't reach nas")

    def ask(self, since):
        self.watch.stdin.write(f"{since!r}\n")
        self.watch.stdin.flush()
        return json.loads(self.watch.stdout.readline())

    def transport(self):
        status = self.ctl_json("laptop", "status")
        return status["state"] == "connected" and status["edge"]["transport"]

    def use(self, transport):
        """From now on the laptop's networks let this transport alone through (https), or both (udp)."""
        for number in (SITES["laptop"], OTHER):
            nat = self.machine(f"nat-{number}")
            nat.run("nft", "delete", "table", "inet", "strict", check=False)
            if transport == "https":
                nat.nft("table inet strict { chain forward { type filter hook forward priority -10; meta l4proto udp drop; }; }")
        wait_for(f"laptop is connected by {transport}", lambda: self.transport() == transport, 150)

    def close(self):
        if self.watch:
            self.watch.kill()
            self.watch.wait()
            self.watch.stdin.close()
            self.watch.stdout.close()
        super().close()


# What happens to the laptop. Each returns the moment of the network's return (CLOCK_MONOTONIC), taken before the command that brings it back, or before
# the first ping that the router answers.

def run(machine, script):
    machine.run("sh", "-ec", script)


def back(machine, script):
    begun = time.monotonic()
    run(machine, script)
    return begun


def back_with_router(mesh, machine, script):
    """The link is back when the router answers: the kernels on both ends take their time."""
    run(machine, script)

    def answers():
        begun = time.monotonic()
        return mesh.machine("laptop").ok("ping", "-n", "-q", "-c", "1", "-W", "0.1", f"192.168.{SITES['laptop']}.1") and begun
    return wait_for("the router", answers, 10, 0)


def new_address(mesh):
    """Another address from the same router."""
    have = json.loads(mesh.machine("laptop").run("ip", "-j", "-4", "addr", "show", "eth0").stdout)[0]["addr_info"][0]["local"]
    number = SITES["laptop"]
    old, new = have, f"192.168.{number}.{77 if have.endswith('.2') else 2}"
    return back(mesh.machine("laptop"), f"ip addr del {old}/24 dev eth0; ip addr add {new}/24 dev eth0; ip route replace default via 192.168.{number}.1")


def lost_link(mesh):
    """The interface is down, then up with the same address."""
    run(mesh.machine("laptop"), "ip link set eth0 down")
    time.sleep(mesh.away_s)  # real time: the tunnel finds out
    return back_with_router(mesh, mesh.machine("laptop"), f"ip link set eth0 up; ip route replace default via 192.168.{SITES['laptop']}.1")


def lost_carrier(mesh):
    """The cable is pulled and plugged in again; addresses and routes stay."""
    nat = mesh.machine(f"nat-{SITES['laptop']}")
    run(nat, "ip link set lan down")
    time.sleep(mesh.away_s)  # real time: the tunnel finds out
    return back_with_router(mesh, nat, "ip link set lan up")


def lost_upstream(mesh):
    """The router's own line is away: the laptop sees nothing of it."""
    nat = mesh.machine(f"nat-{SITES['laptop']}")
    nat.nft("table inet away { chain forward { type filter hook forward priority -20; drop; }; }")
    time.sleep(2 * mesh.away_s)  # real time: the tunnel finds out
    return back(nat, "nft delete table inet away")


def other_network(mesh):
    """The default route moves to the other interface (or back)."""
    laptop = mesh.machine("laptop")
    there = "eth1" in laptop.run("ip", "route", "show", "default").stdout
    return back(laptop, "ip route replace default via " + (f"192.168.{SITES['laptop']}.1 dev eth0" if there else f"192.168.{OTHER}.1 dev eth1"))


def _asleep(mesh, seconds):
    """The daemon sees no time pass, but the boot clock; the NAT has forgotten everything."""
    process = mesh.running["laptop"][0]
    process.send_signal(signal.SIGSTOP)
    mesh.machine(f"nat-{SITES['laptop']}").run(*PYTHON, "-c", FORGET)
    with open(os.path.join(mesh.jump, "seconds")) as file:
        mesh.sleep_seconds(int(file.read().split("\0")[0]) + seconds)
    begun = time.monotonic()
    process.send_signal(signal.SIGCONT)
    return begun


def suspended(mesh):
    """Asleep for an hour; logind says so."""
    begun = _asleep(mesh, 3600)
    mesh.machine("laptop").run(*PYTHON, "-c", RESUME)
    return begun


def suspended_silently(mesh):
    """The same without logind: the clocks tell."""
    begun = _asleep(mesh, 3600)
    with open(os.path.join(mesh.jump, "woken"), "w") as file:
        file.write(".")
    return begun


def nat_forgets(mesh, name="laptop"):
    """The NAT starts again and gives the node other ports."""
    nat = mesh.machine(f"nat-{SITES[name]}")
    low = 20000 + time.monotonic_ns() % 40000
    rules = f'flush chain ip nat post\nadd rule ip nat post oifname "wan" meta l4proto {{ tcp, udp }} masquerade to :{low}-{low + 99}\nadd rule ip nat post oifname "wan" masquerade\n'
    begun = time.monotonic()
    nat.nft(rules)
    nat.run(*PYTHON, "-c", FORGET)
    return begun


def edge_moves(mesh):
    """The edge's name has another address, and nothing answers at the old one."""
    edge = mesh.machine("edge")
    there = MOVED in edge.run("ip", "-o", "addr", "show", "wan").stdout
    old, new = (MOVED, EDGE_ADDRESS) if there else (EDGE_ADDRESS, MOVED)
    begun = time.monotonic()
    run(edge, f"ip addr add {new}/24 dev wan; ip addr del {old}/24 dev wan; ip addr replace {new}/24 dev wan; ip route replace default via 203.0.113.1")
    mesh.name_edge(new)
    return begun


CAUSES = {cause.__name__.replace("_", "-"): cause for cause in
          (new_address, lost_link, lost_carrier, lost_upstream, other_network, suspended, suspended_silently, nat_forgets, edge_moves)}


def flows(seen):
    return max(seen["quiet"], seen["stands"]) < 0.2


def measure(mesh, cause, seconds):
    """What the laptop's flows saw of it (flow_watch.py), once packets and flow go on; Failure after so many seconds."""
    wait_for(f"traffic before {cause}", lambda: flows(mesh.ask(time.monotonic() - 0.5)), 60, 0.05)
    since = CAUSES[cause](mesh)
    time.sleep(SEEN_S)  # real time: not every cause is felt at once
    wait_for(f"traffic after {cause}", lambda: mesh.ask(since)["quiet"] < 0.2, seconds, 0.05)
    # TCP doubles the time until it tries again while it has no answer.
    wait_for(f"the flow after {cause}", lambda: flows(mesh.ask(since)), FLOW_S, 0.05)
    seen = mesh.ask(since)
    if seen["cut"]:
        raise Failure(f"the flow was cut by {cause}")
    return seen
