#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captive portals: a network that redirects port 80 to its own page and drops the rest until someone has logged in there. Recognized, opened for one
user's browser alone in VPN mode and lockdown, and connected again after the login."""
import os
import re
import signal
import time
import unittest

from demo_mesh import EDGE_ADDRESS, WEBSITE
from mesh_case import MeshCase, wait_for
from wire_capture import capture

PERSON, OTHER = 1000, 1001
NAME, HOST = "login.hotel.example", "198.51.100.7"
PAGE = f"http://{NAME}/start?from=lan"
TABLE = "inet edgeway_portal"

# Redirects port 80 to the server below, and drops what it would forward.
CLOSED = """
table ip portal {
  chain pre { type nat hook prerouting priority -110; iifname "lan" tcp dport 80 redirect to :8080; iifname "lan" tcp dport 443 redirect to :8443; }
  chain forward { type filter hook forward priority -10; iifname "lan" drop; oifname "lan" drop; }
}
"""

# argv: what it answers to everybody, the name that has the page. GET /login there opens the network.
SERVER = r"""
import socket, ssl, subprocess, sys, threading
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
                subprocess.run(["nft", "delete", "table", "ip", "portal"], check=True)
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
    threading.Thread(target=accept, args=(socket.create_server(("", 8443)), lambda c: context.wrap_socket(c, server_side=True)), daemon=True).start()
accept(socket.create_server(("", 8080)), lambda c: c)
"""

# The network's own name server: it knows its page, and nothing else.
RESOLVER = r"""
import socket, sys
name, address, server = sys.argv[1], sys.argv[2], socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("192.168.11.1", 53))
while True:
    query, asker = server.recvfrom(4096)
    end = query.index(0, 12) + 5
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    known = ".".join(labels) == name
    answer = known and query[end - 3] == 1
    records = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04" + socket.inet_aton(address) if answer else b""
    server.sendto(query[:2] + bytes((0x81, 0x80 if known else 0x83, 0, 1, 0, len(records) > 0, 0, 0, 0, 0)) + query[12:end] + records, asker)
"""


class Portal(MeshCase):
    SITES = JOIN = ("laptop",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.laptop, cls.nat, cls.edge = (cls.mesh.machine(name) for name in ("laptop", "nat-11", "edge"))
        cls.nat.ip("addr", "add", f"{HOST}/32", "dev", "lo")
        cls.nat.start("/usr/bin/python3", "-c", RESOLVER, NAME, HOST, log="names")
        cls.server = None

    def setUp(self):
        self.addCleanup(self.open_up)
        if self.mesh.running["laptop"][0].poll() is not None:
            self.start_daemon()

    def open_up(self):
        self.nat.run("nft", "delete table ip portal", check=False)
        self.laptop.run("rm", "-f", "/var/lib/edgeway/portal")
        if self.server:
            self.server.kill()
            self.server.wait()
            type(self).server = None
        self.ctl("laptop", "lockdown", "off", check=False)
        self.ctl("laptop", "connect")
        self.wait_state("laptop", "connected", 60)
        self.ctl("laptop", "mode", "connector", check=False)

    def start_daemon(self):
        self.mesh.running["laptop"][0] = self.mesh.running["laptop"][1]()
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
        self.ctl("laptop", "disconnect")
        self.close_up(behaviour, *more)
        self.ctl("laptop", "connect", "--no-wait")

    def caught(self):
        status = self.status("laptop")
        return status["reason"] == "captive-portal" and status

    def wait_caught(self, seconds=40):
        return wait_for(f"the portal is recognized (now {self.status('laptop')})", self.caught, seconds)

    def browse(self, url, uid=PERSON):
        """What a browser of that user's gets; "" where it can't."""
        return self.laptop.run("setpriv", f"--reuid={uid}", "--clear-groups", "curl", "-s", "--noproxy", "*", "-m", "4", url, check=False).stdout

    def open_page(self, *more):
        return self.ctl("laptop", "portal", "open", *more, env={"SUDO_UID": str(PERSON)}).stdout.strip()

    def is_open(self):
        return self.laptop.ok("nft", "list", "table", *TABLE.split())

    def lock(self):
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm")
        self.ctl("laptop", "lan", "block")
        self.addCleanup(self.ctl, "laptop", "lan", "allow")
        self.ctl("laptop", "lockdown", "on")
        self.ctl("laptop", "lockdown", "--confirm")

    def login(self):
        """Logs in on the page; how long until the tunnel works."""
        begun = time.monotonic()
        self.assertIn("Welcome", self.browse(f"http://{NAME}/login"))
        self.wait_state("laptop", "connected", 50)
        took = time.monotonic() - begun
        status = self.status("laptop")
        self.assertEqual((status["reason"], status["portal_url"], status["portal_until"]), ("", None, None))
        self.assertFalse(self.is_open())
        return took

    def test_login(self):
        """In connector-only mode the browser needs no way out, and the tunnel is back after the login."""
        self.arrive()
        status = self.wait_caught()
        self.assertEqual((status["state"], status["portal_url"], status["portal_until"]), ("connecting", PAGE, None))
        self.assertIn("logged in", status["message"])
        self.assertIn(f"{PAGE}: edgewayctl portal open", self.ctl("laptop", "status").stdout)
        self.assertEqual(self.ctl("laptop", "portal").stdout.strip(), PAGE)
        diagnosis = self.ctl("laptop", "diagnose", check=False)
        self.assertEqual(diagnosis.returncode, 1)
        self.assertIn(NAME, diagnosis.stdout)
        self.assertEqual(self.open_page(), PAGE)
        self.assertFalse(self.is_open())
        self.assertLess(self.login(), 20)
        self.refused("laptop", "portal", "open", says="no login page")

    def seal(self):
        """A function that says what has left the laptop since and shouldn't have, with somebody who never stops sending."""
        sender = f"""
import socket, time
while True:
    for where in (('{WEBSITE}', 7777), ('{WEBSITE}', 443), ('{WEBSITE}', 80), ('{HOST}', 22), ('192.168.11.1', 53), ('100.96.0.1', 53)):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            try:
                with socket.socket(socket.AF_INET, kind) as s:
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
        expected = f"dst host {EDGE_ADDRESS} or (dst host 192.0.2.1 and tcp dst port 80) or (dst host {HOST} and tcp dst port 80) or igmp"
        seen = capture(self, self.nat, "lan", f"ip and src host 192.168.11.2 and not ({expected})")

        def leaks():
            lines = [line for line in seen().splitlines() if " > " in line]
            return [line for line in lines if not re.search(rf"192\.168\.11\.1\.53: .*(A|AAAA)\? {re.escape(NAME)}\.", line)]
        return leaks

    def look_at_page(self, leaks):
        """The page for that user alone, and nothing else beside the tunnel."""
        for uid in (0, PERSON, OTHER):
            self.assertEqual(self.browse(PAGE, uid), "", uid)
        self.assertEqual(self.open_page(), PAGE)
        self.assertTrue(self.is_open())
        self.assertTrue(self.status("laptop")["portal_until"])
        self.assertIn("Welcome", self.browse(PAGE))
        for uid in (0, OTHER):
            self.assertEqual(self.browse(PAGE, uid), "", uid)
            self.assertEqual(self.browse(f"http://{HOST}/", uid), "", uid)
        for url in (f"http://{WEBSITE}/", "http://other.example/", f"http://{HOST}:8080/", "http://192.168.11.1/"):
            self.assertEqual(self.browse(url), "", url)
        self.ctl("laptop", "portal", "close")
        self.assertFalse(self.is_open())
        self.assertIsNone(self.status("laptop")["portal_until"])
        self.assertEqual(self.browse(PAGE), "")
        self.assertEqual(self.open_page("--for", "2m"), PAGE)
        self.assertLess(self.login(), 20)
        self.assertEqual(leaks(), [])

    def test_vpn_and_lockdown(self):
        """The tunnel worked, and then the network wants a login."""
        self.lock()
        leaks = self.seal()
        self.close_up()
        self.wait_caught(60)
        self.look_at_page(leaks)

    def test_lockdown_on_arrival(self):
        """VPN mode isn't in force yet, lockdown is."""
        self.lock()
        self.ctl("laptop", "disconnect")
        leaks = self.seal()
        self.close_up()
        self.ctl("laptop", "connect", "--no-wait")
        self.wait_caught()
        self.look_at_page(leaks)

    def test_vpn_alone(self):
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm")
        self.close_up()
        self.wait_caught(60)
        self.assertEqual(self.browse(PAGE), "")
        self.open_page()
        self.assertIn("Welcome", self.browse(PAGE))
        self.assertEqual(self.browse(PAGE, OTHER), "")
        self.assertLess(self.login(), 20)

    def test_crash(self):
        """A way out that edgewayd can't close any more: the kernel does, and so does the next start."""
        self.lock()
        self.close_up()
        self.wait_caught(60)
        self.open_page("--for", "60")
        rules = self.laptop.run("nft", "list", "table", *TABLE.split()).stdout
        self.assertRegex(rules, r"(?s)set open.*ipv4 timeout 1m.*meta nfproto != @open return")
        process = self.mesh.running["laptop"][0]
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        self.assertTrue(self.is_open())
        self.start_daemon()
        self.assertFalse(self.is_open())
        self.assertEqual(self.browse(PAGE), "")

    def test_without_page(self):
        """A portal that names no page is opened by what it caught."""
        for behaviour in ("page", "required"):
            with self.subTest(behaviour):
                self.arrive(behaviour)
                self.assertEqual(self.wait_caught()["portal_url"], f"http://{EDGE_ADDRESS}/")
                self.open_up()

    def test_own_certificate(self):
        """TLS to the edge is answered by the portal, with a certificate of its own: it's the portal that is named."""
        path = os.path.join(self.nat.log_dir, "portal.pem")
        self.nat.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=login.hotel.example/O=Hotel", "-keyout", path, "-out", path + ".crt")
        with open(path, "a") as file, open(path + ".crt") as certificate:
            file.write(certificate.read())
        self.arrive("redirect", path)
        self.wait_caught()
        wait_for("TLS was tried again", lambda: self.asked() >= 4, 60)
        self.assertTrue(self.caught())
        self.assertLess(self.login(), 20)

    def test_never_ends(self):
        """A clear state, no storm: a question and a handshake every few seconds."""
        self.arrive()
        self.wait_caught()
        before, begun = self.asked(), time.monotonic()
        wait_for("some more questions", lambda: self.asked() >= before + 6, 60)
        took = time.monotonic() - begun
        # Two connections each 5 s.
        self.assertGreater(took, 8)
        self.assertTrue(self.caught())
        self.ctl("laptop", "disconnect")
        self.assertEqual(self.status("laptop")["portal_url"], None)

    def test_no_portal(self):
        """What isn't one: no answer, nonsense, a refusal; and a web server on the edge's host while the edge is away."""
        for behaviour in ("silent", "nonsense", "refuse"):
            with self.subTest(behaviour):
                self.arrive(behaviour)
                wait_for("a question", lambda: self.asked() > 0, 40)
                wait_for("the edge is missed", lambda: self.status("laptop")["reason"] in ("edge-unreachable", "tls-intercepted", "edge-silent"), 60)
                self.assertIsNone(self.status("laptop")["portal_url"])
                self.open_up()
        process = self.edge.start("/usr/bin/python3", "-u", "-c", SERVER.replace("8080", "80"), "redirect", NAME, log="web-server")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.ctl("laptop", "disconnect")
        self.edge.nft("table inet away { chain i { type filter hook input priority 0; tcp dport 443 drop; udp dport 443 drop; }; }")
        self.addCleanup(self.edge.run, "nft", "delete table inet away", check=False)
        self.ctl("laptop", "connect", "--no-wait")

        def web_server_asked():
            with open(process.log_path) as file:
                return "asked" in file.read()
        wait_for("the web server is asked", web_server_asked, 40)
        wait_for("the edge is missed", lambda: self.status("laptop")["reason"] == "edge-unreachable", 60)
        self.assertIsNone(self.status("laptop")["portal_url"])
        self.edge.run("nft", "delete table inet away")

    def set_probe(self, *lines):
        self.laptop.run("sh", "-c", "cat >/var/lib/edgeway/portal", input="".join(line + "\n" for line in lines))

    def test_chosen_page(self):
        self.set_probe(f"http://{WEBSITE}/check", "It works")
        self.arrive()
        self.assertEqual(self.wait_caught()["portal_url"], PAGE)
        with open(self.server.log_path) as file:
            self.assertIn("asked GET /check HTTP/1.1", file.read())

    def test_off(self):
        self.set_probe("off")
        self.arrive()
        wait_for("the edge is missed", lambda: self.status("laptop")["reason"] == "edge-unreachable", 60)
        self.assertEqual(self.asked(), 0)
        self.assertIsNone(self.status("laptop")["portal_url"])


if __name__ == "__main__":
    unittest.main()
