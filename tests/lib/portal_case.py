# SPDX-License-Identifier: GPL-3.0-or-later
"""A network that redirects port 80 to its own page and drops the rest until someone has logged in there, and a computer in it. IPv4 as it stands here;
a class for another network names its own addresses."""
import re
import time

from demo_mesh import EDGE_ADDRESS, WEBSITE
from mesh_case import MeshCase, wait_for
from wire_capture import capture

PERSON, OTHER = 1000, 1001
NAME = "login.hotel.example"
PAGE = f"http://{NAME}/start?from=lan"
TABLE = "inet edgeway_portal"

# Redirects port 80 to the server below, and drops what it would forward.
CLOSED = """
table inet portal {
  chain pre { type nat hook prerouting priority -110; iifname "lan" tcp dport 80 redirect to :8080; iifname "lan" tcp dport 443 redirect to :8443; }
  chain forward { type filter hook forward priority -10; iifname "lan" drop; oifname "lan" drop; }
}
"""

# argv: what it answers to everybody, the name that has the page. GET /login there opens the network.
SERVER = r"""
import socket, ssl, subprocess, sys, threading
def listen(port):
    return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
behaviour, name = sys.argv[1:3]
ANSWERS = {
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://%s/start?from=lan\r\nContent-Length: 0\r\n\r\n" % name.encode(),
    "page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><title>Sign in</title></html>",
    "required": b"HTTP/1.1 511 Network Authentication Required\r\nContent-Type: text/html\r\n\r\n<html></html>",
    "nonsense": b"\x00\x01 nonsense",
    "refuse": b"HTTP/1.1 403 Forbidden\r\n\r\n",
}
def serve(connection):
    with connection:
        connection.settimeout(30)
        head = connection.recv(4096)
        print("asked", head.split(b"\r\n")[0].decode("ascii", "replace"), flush=True)
        if behaviour == "silent":
            connection.recv(1)
        elif b"Host: " + name.encode() not in head:
            connection.sendall(ANSWERS[behaviour])
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nWelcome\n")
            if head.startswith(b"GET /login "):
                subprocess.run(["nft", "delete", "table", "inet", "portal"], check=True)
def accept(server, wrap):
    while True:
        connection, _ = server.accept()
        def run():
            try:
                serve(wrap(connection))
            except OSError as error:
                print(error, flush=True)
        threading.Thread(target=run, daemon=True).start()
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    threading.Thread(target=accept, args=(listen(8443), lambda c: context.wrap_socket(c, server_side=True)), daemon=True).start()
accept(listen(8080), lambda c: c)
"""

# The network's own name server: it knows its page, and nothing else.
RESOLVER = r"""
import socket, sys
name, address, own = sys.argv[1:4]
family, kind = (socket.AF_INET6, 28) if ":" in address else (socket.AF_INET, 1)
server = socket.socket(family, socket.SOCK_DGRAM)
server.bind((own, 53))
while True:
    query, asker = server.recvfrom(4096)
    end = query.index(0, 12) + 5
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    known = ".".join(labels) == name
    data = socket.inet_pton(family, address)
    records = b"\xc0\x0c" + bytes((0, kind, 0, 1, 0, 0, 0, 5, 0, len(data))) + data if known and query[end - 3] == kind else b""
    server.sendto(query[:2] + bytes((0x81, 0x80 if known else 0x83, 0, 1, 0, len(records) > 0, 0, 0, 0, 0)) + query[12:end] + records, asker)
"""


def in_url(address):
    return f"[{address}]" if ":" in address else address


class PortalCase(MeshCase):
    SITES = JOIN = ("laptop",)
    NODE, NAT = "laptop", "nat-11"
    OWN, ROUTER = "192.168.11.2", "192.168.11.1"
    HOST = "198.51.100.7"  # has the page
    EDGE, NOBODY, ELSEWHERE, MESH = EDGE_ADDRESS, "192.0.2.1", WEBSITE, "100.96.0.1"
    NEEDED = "igmp"  # besides the tunnel, for the link itself

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.laptop, cls.nat, cls.edge = (cls.mesh.machine(name) for name in (cls.NODE, cls.NAT, "edge"))
        cls.nat.ip("addr", "add", f"{cls.HOST}/{128 if ':' in cls.HOST else 32}", "dev", "lo")
        cls.start_names()
        cls.server = None

    @classmethod
    def start_names(cls):
        cls.nat.start("/usr/bin/python3", "-c", RESOLVER, NAME, cls.HOST, cls.ROUTER, log="names")

    def setUp(self):
        self.addCleanup(self.open_up)
        if self.mesh.running[self.NODE][0].poll() is not None:
            self.start_daemon()

    def open_up(self):
        self.nat.run("nft", "delete table inet portal", check=False)
        self.laptop.run("rm", "-f", "/var/lib/edgeway/portal")
        if self.server:
            self.server.kill()
            self.server.wait()
            type(self).server = None
        self.ctl(self.NODE, "lockdown", "off", check=False)
        self.ctl(self.NODE, "connect")
        self.wait_state(self.NODE, "connected", 60)
        self.ctl(self.NODE, "mode", "connector", check=False)

    def start_daemon(self):
        self.mesh.running[self.NODE][0] = self.mesh.running[self.NODE][1]()
        wait_for("edgewayd is back", lambda: self.laptop.ok(self.mesh.program("edgewayctl"), "status"), 20)

    def close_up(self, behaviour="redirect", *more):
        """From now on the network wants a login."""
        log = f"portal-{behaviour}-{time.monotonic_ns()}"
        type(self).server = self.nat.start("/usr/bin/python3", "-u", "-c", SERVER, behaviour, NAME, *more, log=log)
        wait_for("the portal's server", lambda: self.nat.ok("sh", "-c", "ss -Hltn sport = :8080 | grep -q ."), 10)
        self.nat.nft(CLOSED)

    def asked(self):
        with open(self.server.log_path) as file:
            return file.read().count("asked ")

    def arrive(self, behaviour="redirect", *more):
        """This computer comes into such a network."""
        self.ctl(self.NODE, "disconnect")
        self.close_up(behaviour, *more)
        self.ctl(self.NODE, "connect", "--no-wait")

    def caught(self):
        status = self.status(self.NODE)
        return status["reason"] == "captive-portal" and status

    def wait_caught(self, seconds=40):
        return wait_for(f"the portal is recognized (now {self.status(self.NODE)})", self.caught, seconds)

    def browse(self, url, uid=PERSON):
        """What a browser of that user's gets; "" where it can't."""
        return self.laptop.run("setpriv", f"--reuid={uid}", "--clear-groups", "curl", "-s", "--noproxy", "*", "-m", "4", url, check=False).stdout

    def open_page(self, *more):
        return self.ctl(self.NODE, "portal", "open", *more, env={"SUDO_UID": str(PERSON)}).stdout.strip()

    def is_open(self):
        return self.laptop.ok("nft", "list", "table", *TABLE.split())

    def lock(self):
        self.ctl(self.NODE, "mode", "vpn")
        self.ctl(self.NODE, "mode", "--confirm")
        self.ctl(self.NODE, "lan", "block")
        self.addCleanup(self.ctl, self.NODE, "lan", "allow")
        self.ctl(self.NODE, "lockdown", "on")
        self.ctl(self.NODE, "lockdown", "--confirm")

    def login(self):
        """Logs in on the page; how long until the tunnel works."""
        begun = time.monotonic()
        self.assertIn("Welcome", self.browse(f"http://{NAME}/login"))
        self.wait_state(self.NODE, "connected", 50)
        took = time.monotonic() - begun
        status = self.status(self.NODE)
        self.assertEqual((status["reason"], status["portal_url"], status["portal_until"]), ("", None, None))
        self.assertFalse(self.is_open())
        return took

    def seal(self):
        """A function that says what has left the laptop since and shouldn't have, with somebody who never stops sending."""
        sender = f"""
import socket, time
while True:
    for where in (('{self.ELSEWHERE}', 7777), ('{self.ELSEWHERE}', 443), ('{self.ELSEWHERE}', 80), ('{self.HOST}', 22), ('{self.ROUTER}', 53), ('{self.MESH}', 53)):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            try:
                with socket.socket(socket.AF_INET6 if ':' in where[0] else socket.AF_INET, kind) as s:
                    s.setblocking(False)
                    s.connect(where)
                    s.send(b'secret')
            except OSError:
                pass
    time.sleep(0.02)  # real time: it only sends often
"""
        process = self.laptop.start("setpriv", f"--reuid={PERSON}", "--clear-groups", "/usr/bin/python3", "-c", sender, log="sender")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        expected = f"dst host {self.EDGE} or (dst host {self.NOBODY} and tcp dst port 80) or (dst host {self.HOST} and tcp dst port 80) or {self.NEEDED}"
        seen = capture(self, self.nat, "lan", f"src host {self.OWN} and not arp and not ({expected})")

        def leaks():
            lines = [line for line in seen().splitlines() if " > " in line]
            return [line for line in lines if not re.search(rf"{re.escape(self.ROUTER)}\.53: .*(A|AAAA)\? {re.escape(NAME)}\.", line)]
        return leaks

    def look_at_page(self, leaks):
        """The page for that user alone, and nothing else beside the tunnel."""
        for uid in (0, PERSON, OTHER):
            self.assertEqual(self.browse(PAGE, uid), "", uid)
        self.assertEqual(self.open_page(), PAGE)
        self.assertTrue(self.is_open())
        self.assertTrue(self.status(self.NODE)["portal_until"])
        self.assertIn("Welcome", self.browse(PAGE))
        for uid in (0, OTHER):
            self.assertEqual(self.browse(PAGE, uid), "", uid)
            self.assertEqual(self.browse(f"http://{in_url(self.HOST)}/", uid), "", uid)
        for url in (f"http://{in_url(self.ELSEWHERE)}/", "http://other.example/", f"http://{in_url(self.HOST)}:8080/", f"http://{in_url(self.ROUTER)}/"):
            self.assertEqual(self.browse(url), "", url)
        self.ctl(self.NODE, "portal", "close")
        self.assertFalse(self.is_open())
        self.assertIsNone(self.status(self.NODE)["portal_until"])
        self.assertEqual(self.browse(PAGE), "")
        self.assertEqual(self.open_page("--for", "2m"), PAGE)
        self.assertLess(self.login(), 20)
        self.assertEqual(leaks(), [])
