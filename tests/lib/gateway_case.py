# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway with a subnet behind it, for tests and tests/bench: laptop ── edge ── office-gw ── printer 10.77.0.9."""
import os
import time

from demo_mesh import SUBNET, SUBNET_HOST
from mesh_case import MeshCase, wait_for

UPLOAD = 200_000

# Port 80 says hello and port 81 takes an upload and says how much it got.
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

    def load(self, rules):
        self.gateway.nft(rules)

    def cpu_while(self, machine, name, *argv):
        """The share of one processor, in per cent, that a daemon ("edge" or a node's) takes while the command runs on the machine."""
        process = self.mesh.running[name][0]

        def seconds():
            with open(f"/proc/{process.pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        before, begun = seconds(), time.monotonic()
        machine.run(*argv, timeout=120)
        return 100 * (seconds() - before) / (time.monotonic() - begun)


def block_list(elements=200_000):
    """A firewall that drops what it doesn't know, with a large set in the same table."""
    block = ",".join(f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(elements))
    return (f"table inet filter {{ set block {{ type ipv4_addr; elements = {{ {block} }} }}; "
            "chain forward { type filter hook forward priority 0; policy drop; ip saddr @block drop; }; }\n")


# A container each 0.3 s, as Docker starts and ends one: a port at the bridge, its address, a rule.
CHURN = """
ip link add br0 type bridge; ip addr add 172.18.0.1/16 dev br0; ip link set br0 up
end=$(($(date +%s) + $1))
while [ "$(date +%s)" -lt $end ]; do
  ip link add v1 type veth peer name v2; ip link set v1 master br0; ip link set v1 up; ip link set v2 up
  ip addr add 172.18.0.2/16 dev v2; nft add rule inet filter forward oifname v1 accept
  sleep 0.3; ip link del v1
done
ip link del br0
"""
