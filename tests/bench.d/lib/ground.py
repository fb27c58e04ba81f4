# SPDX-License-Identifier: GPL-3.0-or-later
"""Three machines made of namespaces, and everything that runs on them:

      a 10.98.1.1 ──── 10.98.1.254  edge  10.98.2.254 ──── 10.98.2.1 b        MTU 1500
                            203.0.113.5, its public address

The edge forwards nothing from wire to wire, so that what arrives came through a tunnel; only plain forwarding may.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.normpath(os.path.join(HERE, "..", "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
sys.path[:0] = [os.path.join(SOURCE, "app", "launch"), os.path.join(SOURCE, "tests", "lib")]
from delay_line import DelayLine  # noqa: E402
from machines import Failure, World, end_of, wait_for  # noqa: E402,F401

PROBE = os.path.join(BUILD, "tests", "bench.d", "probe")
EDGE = "203.0.113.5"
WIRES = ("super-packets", "plain NIC")
GUARD = """
table inet bench {
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname { "to-a", "to-b" } oifname { "to-a", "to-b" } drop
  }
}
"""


def program(*path, build=BUILD):
    """A built program; Failure says what is missing."""
    found = os.path.join(build, *path)
    if not os.path.isfile(found):
        raise Failure(f"{found} is not there: build the tests first (meson setup build -Dtests=true; ninja -C build)")
    return found


class Ground:
    """The drawing above. wire: one of WIRES. A veth passes packets of 64 KB whole if it is let; a plain network card does
    not: there the sender cuts them, and the receiver joins what arrived together (GRO)."""

    def __init__(self, wire, bypass=False):
        self.world, self.lines = World("bench"), []
        try:
            self._build(wire, bypass)
        except BaseException:
            self.close()
            raise

    def _build(self, wire, bypass):
        w = self.world
        self.edge, self.a, self.b = (w.machine(name) for name in ("edge", "a", "b"))
        for number, node in ((1, self.a), (2, self.b)):
            port = f"to-{node.name}"
            self._connect(node, port)
            node.ip("addr", "add", f"10.98.{number}.1/24", "dev", "wire")
            self.edge.ip("addr", "add", f"10.98.{number}.254/24", "dev", port)
            node.ip("route", "add", "203.0.113.0/24", "via", f"10.98.{number}.254")
            for machine, device in ((node, "wire"), (self.edge, port)):
                machine.ip("link", "set", device, "mtu", "1500")
                if wire == "plain NIC" and not self.lines:
                    machine.run("ethtool", "-K", device, "tso", "off", "gso", "off", "tx-udp-segmentation", "off", "gro", "on")
        self.edge.ip("addr", "add", f"{EDGE}/32", "dev", "lo")
        for number, port in ((1, "to-a"), (2, "to-b")):  # the edge answers from its public address
            self.edge.ip("route", "replace", f"10.98.{number}.0/24", "dev", port, "src", EDGE)
        self.edge.sysctl("net/ipv4/ip_forward", "1")
        if bypass:
            self.a.ip("route", "add", "10.98.2.0/24", "via", "10.98.1.254")
            self.b.ip("route", "add", "10.98.1.0/24", "via", "10.98.2.254")
        else:
            self.edge.nft(GUARD)

    def _connect(self, node, port):
        self.world.cable(node, "wire", self.edge, port)

    def use_cubic(self):
        """For all TCP on the wires, as nearly every computer has it, whatever this one does. Its default can't be set in a namespace; a route's can."""
        for number, node in ((1, self.a), (2, self.b)):
            node.ip("route", "replace", "203.0.113.0/24", "via", f"10.98.{number}.254", "congctl", "cubic")
            self.edge.ip("route", "replace", f"10.98.{number}.0/24", "dev", f"to-{node.name}", "src", EDGE, "congctl", "cubic")

    def wire_bytes(self):
        """What A has sent on its wire so far."""
        return self.a.json("ip", "-j", "-s", "link", "show", "dev", "wire")[0]["stats64"]["tx"]["bytes"]

    def piped(self, machine, *argv):
        """A process of a measurement, its output to be read; it ends with this process."""
        return subprocess.Popen(machine.command(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def close(self):
        for line in self.lines:
            line.close()
        self.world.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class LineGround(Ground):
    """Where A's wire is a line of tests/lib/delay-line.c; B's is a cable."""

    def __init__(self, parameters, bypass=False):
        self.parameters = parameters
        super().__init__("plain NIC", bypass)

    def _connect(self, node, port):
        if node is self.a:
            self.lines.append(DelayLine(node, "wire", self.edge, port, **self.parameters))
        else:
            super()._connect(node, port)
