# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's mesh, drawn as it is built. Nodes reach each other only through the edge:

      printer ─ office-gw    laptop     nas      web    phone (plain WireGuard)
   10.77.0.9    10.77.0.1 │       │        │        │        │
   192.168.14.2 ──────────┤  192.168.11.2  .12.2    .13.2    .15.2
                      nat-office nat-laptop nat-nas nat-web nat-phone     each a NAT of its own
                    203.0.113.14   .11      .12      .13     .15
                          └────────┴───┬────┴────────┴────────┘
                                    internet 203.0.113.1, website 93.184.216.34
                                       │
                               edge "frankfurt" 203.0.113.5:443

nas's network drops UDP, so its way to the edge is https.
"""
import json
import os
import re
import subprocess

from machines import Failure, World, end_of, wait_for
from system_bus import SystemBus

DATA = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data"))
SITES = {"laptop": 11, "nas": 12, "web": 13, "office-gw": 14, "phone": 15}
OWN = ("laptop", "nas", "web", "office-gw")  # the nodes with our software
STRICT = "nas"  # its network drops UDP
SUBNET, SUBNET_HOST = "10.77.0.0/24", "10.77.0.9"
EDGE_ADDRESS, EDGE_PORT, WEBSITE = "203.0.113.5", 443, "93.184.216.34"
SERVICE, SUFFIX = "100.96.0.1", "demo.internal"
WEB_PORT = 8123

NAT_RULES = """
table ip nat {
  chain post { type nat hook postrouting priority 100; oifname "wan" masquerade; }
  chain pre { type nat hook prerouting priority -100; %s }
}
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" accept
    ct status dnat accept
  }
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iifname "lan" accept
    ip protocol icmp accept
  }
}
"""

# What some hotels, offices and campuses do.
DROP_UDP = "table inet strict { chain forward { type filter hook forward priority -10; meta l4proto udp drop; }; }"

# The resolver of a LAN or of the edge's provider, as far as a demo without internet access needs one: it knows no names.
RESOLVER = """
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
while True:
    query, asker = server.recvfrom(4096)
    server.sendto(query[:2] + bytes((0x81, 0x83)) + query[4:], asker)  # RFC 1035, 4.1.1: a response, NXDOMAIN
"""

# What a home's server has on a port of its own: it says where it is, and who asks.
WEB_PAGE = """
import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{sys.argv[1]} {self.client_address[0].removeprefix('::ffff:')}".encode())
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(("::", int(sys.argv[2])), Handler).serve_forever()
"""


def first_key(path):
    """The enrollment key that a new edge prints, once it has."""
    with open(path) as file:
        match = re.search(r"^(ew1_[A-Za-z0-9_-]+)$", file.read(), re.M)
    return match and match.group(1)


def resolver_lines(value):
    """A DNS line's addresses are servers, its other words search domains (wg-quick(8)): as resolv.conf has them."""
    words = [word.strip() for word in value.split(",")]
    servers = [word for word in words if ":" in word or word.replace(".", "").isdigit()]
    search = [word for word in words if word not in servers]
    return "".join(f"nameserver {server}\n" for server in servers) + (f"search {' '.join(search)}\n" if search else "")


class DemoMesh:
    """Builds the drawing above, or the part of it that `sites` names, step by step, and keeps what a check needs."""

    START_S = 20  # for a daemon to start

    def __init__(self, programs, say, sites=SITES, label="demo", person=None):
        """person: the name of the user at laptop's screen; laptop has a system bus then."""
        self.programs, self.say, self.sites, self.person = programs, say, {name: SITES[name] for name in sites}, person
        self.bus = None
        self.world = World(label)
        self.running = {}  # name of the process → (machine, how to start it)
        self.addresses = {}
        self.phone_config = None
        self.public = f"{EDGE_ADDRESS}:{EDGE_PORT}"

    def program(self, name):
        """An installed program, or one in a build folder."""
        for folder in ("", "../sbin", "daemon/service", "daemon/edge", "app/ctl", "app/desktop", "app/tray"):
            path = os.path.normpath(os.path.join(self.programs, folder, name))
            if os.path.isfile(path):
                return path
        return name

    def machine(self, name):
        return self.world.machines[name]

    # The base: machines, cables, NATs.

    def build_ground(self):
        w = self.world
        internet = w.machine("internet")
        internet.ip("link", "add", "exchange", "type", "bridge")
        internet.ip("addr", "add", "203.0.113.1/24", "dev", "exchange")
        internet.ip("link", "set", "exchange", "up")
        internet.ip("addr", "add", f"{WEBSITE}/32", "dev", "lo")
        edge = w.machine("edge")
        self._plug(edge, "wan", internet, "to-edge")
        edge.ip("addr", "add", f"{EDGE_ADDRESS}/24", "dev", "wan")
        edge.default_route("203.0.113.1")
        for name, number in self.sites.items():
            self._site(name, number, internet)
        if "office-gw" in self.sites:
            self._office()

    def drop_udp(self, name):
        """From now on that node's network lets no UDP through, in either direction."""
        self.machine(f"nat-{self.sites[name]}").nft(DROP_UDP)

    def add_site(self, name, number):
        """One more machine behind a NAT of its own, in no mesh yet."""
        self._site(name, number, self.machine("internet"))

    def _office(self):
        w = self.world
        gateway, printer = self.machine("office-gw"), w.machine("printer")
        w.cable(gateway, "office", printer, "eth0")
        gateway.ip("addr", "add", "10.77.0.1/24", "dev", "office")
        printer.ip("addr", "add", f"{SUBNET_HOST}/24", "dev", "eth0")
        # The printer can only answer within its own subnet: the gateway has to masquerade.

    def _plug(self, machine, name, internet, port):
        self.world.cable(machine, name, internet, port)
        internet.ip("link", "set", port, "master", "exchange")

    def _show_modules(self, machine):
        """Programs that aren't installed: the C library finds the build folder's modules where it looks, on that machine alone."""
        modules = os.path.join(self.programs, "daemon/nss")
        if os.path.isdir(modules):
            machine.run("sh", "-c", f'd=$(dirname /usr/lib/*/libc.so.6) && mount -t overlay -o "lowerdir={modules}:$d" overlay "$d"')

    def _site(self, name, number, internet):
        nat, node = self.world.machine(f"nat-{number}"), self.world.machine(name)
        self._plug(nat, "wan", internet, f"to-{number}")
        self.world.cable(nat, "lan", node, "eth0")
        nat.ip("addr", "add", f"203.0.113.{number}/24", "dev", "wan")
        nat.ip("addr", "add", f"192.168.{number}.1/24", "dev", "lan")
        nat.default_route("203.0.113.1")
        nat.sysctl("net/ipv4/ip_forward", "1")
        # The web server's SSH can be reached from the internet: the check of an administrator who is locked out of SSH needs it.
        nat.nft(NAT_RULES % (f'iifname "wan" tcp dport 22 dnat to 192.168.{number}.2;' if name == "web" else ""))
        node.ip("addr", "add", f"192.168.{number}.2/24", "dev", "eth0")
        node.default_route(f"192.168.{number}.1")
        if os.path.exists("/etc/resolv.conf"):
            # As in a LAN. Where the resolver doesn't answer, every lookup fails at once.
            nat.sysctl("net/ipv4/icmp_ratelimit", "0")
            node.mask("/etc/resolv.conf", f"nameserver 192.168.{number}.1\n", 0o644)
        self._show_modules(node)

    # The mesh on it.

    def start_edge(self):
        edge = self.machine("edge")

        def start():
            return edge.start(self.program("edgeway-edge"), "run", "--state-dir", "/var/lib/edgeway-edge", "--listen", f":{EDGE_PORT}",
                              "--public", self.public, "--mesh", "demo", "--name", "frankfurt", secret_output=True)
        process = self._start("edge", start)
        key = wait_for("the edge's first enrollment key", lambda: self._first_key(process), self.START_S)
        wait_for("the edge's HTTPS port", lambda: edge.ok("sh", "-c", f"ss -Hltn sport = :{EDGE_PORT} | grep -q ."), self.START_S)
        return key

    def _first_key(self, process):
        if process.poll() is not None:
            raise Failure("edgeway-edge ended: " + end_of(process.log_path))
        return first_key(process.output_path)

    def _start(self, name, start):
        process = start()
        self.running[name] = [process, start]
        return process

    def start_daemon(self, name):
        machine = self.machine(name)
        process = self._start(name, lambda: machine.start(self.program("edgewayd")))

        def answers():
            if process.poll() is not None:
                raise Failure(f"edgewayd on {name} ended: " + end_of(process.log_path).strip())
            return machine.ok(self.program("edgewayctl"), "status")
        wait_for(f"edgewayd on {name}", answers, self.START_S)

    def ctl(self, name, *argv, **options):
        return self.machine(name).run(self.program("edgewayctl"), *argv, **options)

    def ctl_json(self, name, *argv, **options):
        return json.loads(self.ctl(name, *argv, "--json", **options).stdout)

    def join(self, name, key):
        if name == "laptop" and self.person:
            self.bus = SystemBus(self.machine(name), self.person, DATA)
        self.start_daemon(name)
        self.ctl(name, "enroll", "--name", name, "--key-file", "-", input=key + "\n", timeout=2 * self.START_S)
        wait_for(f"{name} connected", lambda: self.ctl_json(name, "status")["state"] == "connected", 2 * self.START_S)

    def new_key(self, name, *options):
        return self.ctl("laptop", "node", "add", name, *options).stdout.strip()

    def start_resolvers(self):
        self.machine("internet").start("/usr/bin/python3", "-c", RESOLVER, "203.0.113.1", log="resolver")
        if os.path.exists("/etc/resolv.conf"):
            # In VPN mode all names are looked up there.
            self.machine("edge").mask("/etc/resolv.conf", "nameserver 203.0.113.1\n", 0o644)
        for number in self.sites.values():
            self.machine(f"nat-{number}").start("/usr/bin/python3", "-c", RESOLVER, f"192.168.{number}.1", log="resolver")

    def build_mesh(self):
        self.start_resolvers()
        self.say("the edge frankfurt makes its mesh")
        key = self.start_edge()
        self.say("laptop joins with the first key and administers the mesh")
        self.join("laptop", key)
        self.drop_udp(STRICT)
        for name in OWN[1:]:
            self.say(f"{name} joins with a key made on laptop" + (", from a network that drops UDP" if name == STRICT else ""))
            self.join(name, self.new_key(name))
        self.say(f"office-gw offers {SUBNET}; the others accept it")
        self.ctl("laptop", "route", "add", SUBNET, "office-gw")
        self.ctl("office-gw", "route", "accept", SUBNET)
        for name in ("laptop", "nas", "web"):
            self.ctl(name, "route", "accept", SUBNET)
        self.say("phone joins as a plain wireguard-go with a configuration made on laptop")
        self.phone_config = self.ctl("laptop", "node", "config", "phone", "--names").stdout
        self.start_phone()
        self.read_addresses()

    def add_service(self):
        """A name in place of a port: http://ha.demo.internal is port 8123 of nas."""
        self.say(f"ha becomes the name of port {WEB_PORT} of nas")
        nas = self.machine("nas")
        nas.start("/usr/bin/python3", "-c", WEB_PAGE, "nas", str(WEB_PORT), log="web-page")
        wait_for("the web page on nas", lambda: nas.ok("sh", "-c", f"ss -Hltn sport = :{WEB_PORT} | grep -q ."), self.START_S)
        self.ctl("laptop", "service", "add", "ha", f"nas:{WEB_PORT}", "--port", "80")

    def start_phone(self):
        """What a phone's app does with the file: the interface, its addresses, its routes, its resolver."""
        phone, interface, allowed, plain = self.machine("phone"), [], [], []
        for line in self.phone_config.splitlines():
            key, _, value = (part.strip() for part in line.partition("="))
            if key == "Address":
                interface += [part.strip() for part in value.split(",")]
            elif key == "DNS":
                phone.mask("/etc/resolv.conf", resolver_lines(value), 0o644)
            elif key != "MTU":
                plain.append(line)
            if key == "AllowedIPs":
                allowed += [part.strip() for part in value.split(",")]
        path = os.path.join(phone.log_dir, "phone.conf")
        with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write("\n".join(plain) + "\n")

        def start():
            process = phone.start("wireguard-go", "-f", "phone0")

            def answers():
                # Right after a kill the kernel may still hold the interface: the new process then exits at once, and is started again.
                nonlocal process
                if process.poll() is not None:
                    process = phone.start("wireguard-go", "-f", "phone0")
                return phone.ok("wg", "show", "phone0")
            wait_for("wireguard-go", answers, 20, 0.2)
            phone.run("wg", "setconf", "phone0", path)
            phone.ip("link", "set", "phone0", "mtu", "1420", "up")
            for address in interface:
                phone.ip("addr", "add", address, "dev", "phone0")
            for prefix in allowed:
                phone.ip("route", "replace", prefix, "dev", "phone0")
            return process
        self._start("phone", start)

    def read_addresses(self):
        def known():
            nodes = {node["name"]: node for node in self.ctl_json("laptop", "map")["nodes"]}
            return set(nodes) >= set(self.sites) and nodes
        nodes = wait_for("all nodes on the map", known, 10)
        self.addresses = {name: nodes[name]["addresses"] for name in self.sites}

    def start_traffic(self):
        """A little of everything, so that the map has something to show."""
        for source, target, gap in (("laptop", "nas", "0.2"), ("web", "nas", "0.5"), ("phone", "web", "1")):
            self.machine(source).start("ping", "-q", "-i", gap, "-s", "1200", self.addresses[target][0], log="traffic")
        self.machine("nas").start("ping", "-q", "-i", "1", SUBNET_HOST, log="traffic")

    def restart(self, name, kill_signal):
        """Kills one process of the mesh and starts it again, as its supervisor would."""
        process, start = self.running[name]
        process.send_signal(kill_signal)
        process.wait()
        self.running[name][0] = start()

    def close(self):
        self.world.close()
        if self.bus:
            self.bus.close()


def have(program):
    return subprocess.run(["sh", "-c", f"command -v {program}"], capture_output=True).returncode == 0
