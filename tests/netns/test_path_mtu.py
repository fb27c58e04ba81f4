# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of five widths between nas and its edge; nobody tells nas which. laptop, at the other end, has a path of 1500 bytes.

    laptop ── nat ── internet ── edge
                        └──────── nat-12 ══ WIDTH ══ nas

Two kinds of narrow path, because each breaks something else: a router that fragments and reports (1500, 1280, 1124), and a link that drops what's too large
in silence, larger ones and fragments alike, as behind a tunnel whose owner filters ICMP (1492, 1420).
"""
import os
import unittest

from mesh_case import MeshCase, wait_for

# Both ways half a megabyte over TCP; then datagrams as QUIC's, 1200 bytes with DF set (RFC 9000 section 14), and 1400 bytes without DF: echoed.
PEER = """
import socket, sys, threading
address, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
tcp = socket.create_server((address, port), family=family)
udp = socket.socket(family, socket.SOCK_DGRAM)
udp.bind((address, port))
def echo():
    while True:
        data, peer = udp.recvfrom(4096)
        udp.sendto(data, peer)
threading.Thread(target=echo, daemon=True).start()
while True:
    c, _ = tcp.accept()
    try:
        left = 500000
        while left > 0 and (chunk := c.recv(min(left, 65536))):
            left -= len(chunk)
        c.sendall(b"y" * 500000)
        c.close()
    except OSError:
        pass
"""
TALK = """
import socket, sys
address, port, tries = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
c = socket.create_connection((address, port), timeout=30)
c.sendall(b"x" * 500000)
size = 0
while chunk := c.recv(65536):
    size += len(chunk)
assert size == 500000, size
def echoed(size, dont_fragment):
    u = socket.socket(family, socket.SOCK_DGRAM)
    u.settimeout(1)
    if family == socket.AF_INET6:
        u.setsockopt(41, 23, 2 if dont_fragment else 0)  # IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO or _DONT
    else:
        u.setsockopt(0, 10, 2 if dont_fragment else 0)  # IPPROTO_IP, IP_MTU_DISCOVER
    u.connect((address, port))
    for i in range(10):
        for _ in range(tries):
            u.send(bytes([i]) * size)
            try:
                if u.recv(4096)[0] == i:
                    break
            except TimeoutError:
                pass
        else:
            sys.exit(f"no echo of {size} bytes")
echoed(1200, True)
echoed(1400, False)
print("all", flush=True)
"""
WIDTHS = {1500: 1420, 1492: 1420, 1420: 1360, 1280: 1280, 1124: 1280}  # outside: the interface's
INSIDE = {1500: 1420, 1492: 1420, 1420: 1360, 1280: 1216, 1124: 1056}  # TCP's packets: 60 bytes less, in steps of 16


LISTEN = """
import socket, sys
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind((sys.argv[1], 7100))
while True:
    print(len(u.recvfrom(4096)[0]), flush=True)
"""
SEND = """
import socket, sys
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.setsockopt(0, 10, 0)  # IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT
u.sendto(bytes(1392), (sys.argv[1], 7100))
"""


class PathMtu(MeshCase):
    SITES, JOIN = ("laptop", "nas", "phone"), ("laptop", "nas")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nas, cls.nat, cls.laptop, cls.edge = (cls.mesh.machine(name) for name in ("nas", "nat-12", "laptop", "edge"))
        cls.addresses = cls.mesh.ctl_json("nas", "status")["addresses"]
        cls.others = cls.mesh.ctl_json("laptop", "status")["addresses"]
        # One packet for the kernel may be many: a virtual link would let it pass whole.
        for machine, link in ((cls.nas, "eth0"), (cls.edge, "wan"), (cls.nat, "wan"), (cls.nat, "lan")):
            machine.run("ethtool", "-K", link, "tx-udp-segmentation", "off", "gro", "off")
        for machine, addresses in ((cls.nas, cls.addresses), (cls.laptop, cls.others)):
            for i, address in enumerate(addresses):
                machine.start("/usr/bin/python3", "-c", PEER, address, str(7000 + i), log=f"peer-{i}")
                wait_for("a peer", lambda: machine.ok("sh", "-c", f"ss -Hltn sport = :{7000 + i} | grep -q ."), 10)

    def link_mtu(self, machine):
        return machine.json("ip", "-j", "link", "show", "edgeway0")[0]["mtu"]

    def narrow_silently(self, width):
        """The virtual link drops what's larger than the receiver's MTU; nas and the edge believe in 1500."""
        self.nat.ip("link", "set", "wan", "mtu", str(width))
        # What is larger on the way to the edge would be fragmented here, or reported.
        self.nat.nft(f"table inet silent {{ chain forward {{ type filter hook forward priority -20; oifname wan meta length > {width} drop; }}; }}\n")
        self.addCleanup(self.nat.run, "nft", "delete", "table", "inet", "silent", check=False)

    def narrow_by_router(self, width):
        self.nat.ip("route", "change", "203.0.113.0/24", "dev", "wan", "mtu", str(width))
        self.nat.ip("route", "change", "192.168.12.0/24", "dev", "lan", "mtu", str(width))

    def widen(self):
        self.nat.ip("link", "set", "wan", "mtu", "1500")
        self.nat.run("nft", "delete", "table", "inet", "silent", check=False)
        self.narrow_by_router(1500)

    def talk(self, machine, addresses, tries):
        for i, address in enumerate(addresses):
            said = machine.run("/usr/bin/python3", "-c", TALK, address, str(7000 + i), str(tries), check=False, timeout=60)
            self.assertEqual(said.stdout, "all\n", (machine.name, address, said.stderr[-500:]))

    def fragments(self):
        """That were made or seen between nas and the edge."""
        total = 0
        for machine in (self.nas, self.nat, self.edge):
            names, values = [line.split()[1:] for line in machine.run("cat", "/proc/net/snmp").stdout.splitlines() if line.startswith("Ip:")]
            row = dict(zip(names, map(int, values)))
            total += row["FragCreates"] + row["ReasmReqds"]
        return total

    def forget(self):
        """What kernels and edgewayd know of paths."""
        for machine in (self.nas, self.laptop, self.edge):
            machine.ip("route", "flush", "cache")
            machine.run("ip", "-6", "route", "flush", "cache", "table", "all", check=False)

    def width_works(self, width, silent):
        self.ctl("nas", "disconnect")
        self.widen()
        if silent:
            self.narrow_silently(width)
        else:
            self.narrow_by_router(width)
        self.forget()
        self.mesh.restart("nas", 9)  # it has no memory of the network, either
        wait_for("edgewayd", lambda: self.nas.ok(self.mesh.program("edgewayctl"), "status"), 20)
        self.ctl("nas", "connect")
        # At once, while the path is being measured.
        self.talk(self.nas, self.others, 10)
        self.talk(self.laptop, self.addresses, 10)
        wait_for(f"nas's interface has {WIDTHS[width]}", lambda: self.link_mtu(self.nas) == WIDTHS[width], 20)
        self.assertEqual(self.link_mtu(self.laptop), 1420)

    def unfragmented(self, width):
        """Once the path is known, TCP's packets fit, whoever sends them, and nothing else has to be said to anybody."""
        self.forget()
        before = self.fragments()
        for machine, address in ((self.nas, self.others[0]), (self.laptop, self.addresses[0])):
            machine.run("/usr/bin/python3", "-c", TALK.split("def echoed")[0], address, "7000", "1", timeout=60)
        self.assertEqual(self.fragments(), before, f"TCP's packets of {INSIDE[width]} bytes")

    def test_1500(self):
        self.width_works(1500, False)
        self.unfragmented(1500)

    def test_1492(self):
        self.width_works(1492, True)
        self.unfragmented(1492)

    def test_1420(self):
        self.width_works(1420, True)
        self.unfragmented(1420)
        # The edge tells senders, and they needn't ask: an error comes back at once.
        self.laptop.ip("route", "flush", "cache")
        said = self.laptop.run("ping", "-n", "-c", "1", "-W", "2", "-M", "do", "-s", "1392", self.addresses[0], check=False).stdout
        self.assertRegex(said, r"From 100.96.0.1.*mtu ?= ?1360")

    def test_1280(self):
        self.width_works(1280, False)
        self.unfragmented(1280)

    def test_1124(self):
        self.width_works(1124, False)
        self.unfragmented(1124)

    def test_plain_wireguard(self):
        """The edge measures its way to a node without Edgeway: senders hear what fits, and what may be cut is cut."""
        phone, nat = self.mesh.machine("phone"), self.mesh.machine("nat-15")
        phone.run("ethtool", "-K", "eth0", "tx-udp-segmentation", "off")
        nat.ip("link", "set", "wan", "mtu", "1396")  # the virtual link drops what's larger by more than a VLAN's tag, in silence
        self.mesh.phone_config = self.ctl("laptop", "node", "config", "phone").stdout
        self.mesh.start_phone()
        address = self.mesh.ctl_json("laptop", "node", "show", "phone")["addresses"][0]
        phone.start("/usr/bin/python3", "-c", LISTEN, address, log="listen")
        wait_for("a listener", lambda: phone.ok("sh", "-c", "ss -Hlun sport = :7100 | grep -q ."), 10)

        def refusal():
            phone.ok("ping", "-n", "-q", "-c", "1", "-W", "1", "100.96.0.1")
            self.laptop.ip("route", "flush", "cache")
            return self.laptop.run("ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", "1392", address, check=False).stdout
        wait_for("the edge knows", lambda: "mtu = 1328" in refusal() or "mtu=1328" in refusal(), 60, 1)
        self.laptop.ip("route", "flush", "cache")
        self.laptop.run("ping", "-n", "-c", "1", "-W", "5", "-M", "do", "-s", "1300", address)
        with open(os.path.join(phone.log_dir, "listen.log")) as heard:
            self.laptop.ip("route", "flush", "cache")
            self.laptop.run("/usr/bin/python3", "-c", SEND, address)
            wait_for("it arrives", lambda: "1392" in heard.read(), 10)

    def test_narrower_while_connected(self):
        """And wider again after another network was seen."""
        self.width_works(1500, False)
        self.narrow_silently(1420)
        ping = self.nas.start("ping", "-q", "-i", "0.5", self.others[0], log="ping")
        self.addCleanup(ping.wait)
        self.addCleanup(ping.kill)
        wait_for("the interface is narrower", lambda: self.link_mtu(self.nas) == 1360, 60)
        self.talk(self.nas, self.others, 3)
        self.widen()
        self.nas.ip("addr", "add", "192.168.12.77/24", "dev", "eth0")  # another network, as far as edgewayd can tell
        self.addCleanup(self.nas.ip, "addr", "del", "192.168.12.77/24", "dev", "eth0")
        wait_for("the interface is wider", lambda: self.link_mtu(self.nas) == 1420, 30)
        self.talk(self.nas, self.others, 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
