# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway among the programs and networks of a real server: it forwards to what it offers, or says what is missing.

  laptop ── edge ── office-gw ── printer 10.77.0.9
                        │
                        └ to-router 10.77.5.1 ── router 10.77.5.2, 10.99.0.1 ══ MTU 1300 ══ 10.99.0.2 last ── far 10.88.0.5
"""
import unittest

from demo_mesh import SUBNET, SUBNET_HOST
from mesh_case import MeshCase, wait_for

FAR_SUBNET, FAR = "10.88.0.0/24", "10.88.0.5"
UPLOAD = 200_000

# Port 80 says hello and the port behind it takes an upload and says how much it got.
SERVE = f"""
import socket, threading
def hello(c):
    c.sendall(b"hello")
def count(c):
    n = 0
    while n < {UPLOAD}:
        d = c.recv(65536)
        if not d: break
        n += len(d)
    c.sendall(b"%d" % n)
def loop(port, each):
    s = socket.create_server(("", port))
    while True:
        c, _ = s.accept()
        try: each(c)
        except OSError: pass
        c.close()
threading.Thread(target=loop, args=(81, count)).start()
loop(80, hello)
"""
CONNECT = "import socket,sys\nc=socket.create_connection((sys.argv[1],80),timeout=1); c.settimeout(1); sys.exit(c.recv(9)!=b'hello')"
SEND = f"import socket,sys\nc=socket.create_connection((sys.argv[1],81),timeout=5); c.settimeout(10); c.sendall(b'x'*{UPLOAD}); print(c.recv(99).decode())"


class Gateway(MeshCase):
    SITES = JOIN = ("laptop", "office-gw")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway, cls.laptop, cls.printer = (cls.mesh.machine(name) for name in ("office-gw", "laptop", "printer"))
        cls.printer.default_route("10.77.0.1")
        cls.serve(cls.printer)
        cls.offer(SUBNET)

    @staticmethod
    def serve(machine):
        machine.start("/usr/bin/python3", "-c", SERVE, log="serve")
        wait_for("the server", lambda: machine.ok("sh", "-c", "ss -Hltn sport = :80 | grep -q ."), 10)

    @classmethod
    def routes(cls, name):
        return {route["cidr"]: route for route in cls.mesh.ctl_json(name, "route", "list")["routes"]}

    @classmethod
    def offer(cls, cidr):
        cls.mesh.ctl("laptop", "route", "add", cidr, "office-gw")
        for name in ("office-gw", "laptop"):
            wait_for(f"{name} knows {cidr}", lambda name=name: cidr in cls.routes(name), 20)
            cls.mesh.ctl(name, "route", "accept", cidr)

    def withdraw(self, cidr):
        for name in ("office-gw", "laptop"):
            self.ctl(name, "route", "refuse", cidr, check=False)
        self.ctl("laptop", "route", "remove", cidr, check=False)

    def reaches(self, address=SUBNET_HOST):
        return self.laptop.ok("/usr/bin/python3", "-c", CONNECT, address)

    def wait_reaches(self, what, address=SUBNET_HOST, seconds=5):
        wait_for(what, lambda: self.reaches(address), seconds)


class Routers(Gateway):
    """Behind the gateway there are routers whose addresses nobody offered."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        world = cls.mesh.world
        cls.router, cls.last, cls.far = (world.machine(name) for name in ("router", "last", "far"))
        world.cable(cls.gateway, "to-router", cls.router, "north")
        world.cable(cls.router, "south", cls.last, "north")
        world.cable(cls.last, "south", cls.far, "eth0")
        for machine, name, address in ((cls.gateway, "to-router", "10.77.5.1/24"), (cls.router, "north", "10.77.5.2/24"), (cls.router, "south", "10.99.0.1/30"),
                                       (cls.last, "north", "10.99.0.2/30"), (cls.last, "south", "10.88.0.1/24"), (cls.far, "eth0", f"{FAR}/24")):
            machine.ip("addr", "add", address, "dev", name)
        for machine, name in ((cls.router, "south"), (cls.last, "north")):
            machine.ip("link", "set", name, "mtu", "1300")
            machine.sysctl("net/ipv4/ip_forward", "1")
        cls.gateway.ip("route", "add", FAR_SUBNET, "via", "10.77.5.2")
        cls.router.ip("route", "add", FAR_SUBNET, "via", "10.99.0.2")
        for machine, via in ((cls.router, "10.77.5.1"), (cls.last, "10.99.0.1"), (cls.far, "10.88.0.1")):
            machine.default_route(via)
        cls.serve(cls.far)
        cls.offer(FAR_SUBNET)

    def upload(self):
        return self.laptop.run("/usr/bin/python3", "-c", SEND, FAR, check=False).stdout.strip()

    def test_upload_over_a_narrow_link(self):
        self.wait_reaches("the far host", FAR)
        self.assertEqual(self.upload(), str(UPLOAD))
        self.assertIn("mtu 1300", self.laptop.run("ip", "route", "get", FAR).stdout)  # it has been told

    def test_upload_with_strict_reverse_path_filtering(self):
        """rp_filter=1 everywhere, as Red Hat's default is: the router's address has no route through the tunnel."""
        self.laptop.ip("route", "flush", "cache")
        self.laptop.sysctl("net/ipv4/conf/all/rp_filter", "1")
        self.addCleanup(self.laptop.sysctl, "net/ipv4/conf/all/rp_filter", "0")
        self.ctl("laptop", "disconnect")
        self.ctl("laptop", "connect")
        self.wait_reaches("the far host", FAR, 10)
        self.assertEqual(self.upload(), str(UPLOAD))

    def test_traceroute_shows_each_hop(self):
        gateway = self.status("office-gw")["addresses"][0]
        hops = []
        for ttl in range(1, 6):
            lines = self.laptop.run("ping", "-n", "-c1", "-W2", "-t", str(ttl), FAR, check=False).stdout.splitlines()
            hops.append(lines[1].split()[1] if lines[1].startswith("From") else lines[1].split()[3].rstrip(":"))
        self.assertEqual(hops, ["100.96.0.1", gateway, "10.77.5.2", "10.99.0.2", FAR])


if __name__ == "__main__":
    unittest.main()
