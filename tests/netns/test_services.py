#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services from the command that makes them to what a caller's curl gets.

    laptop (administrator), nas, web, office-gw ── printer 10.77.0.9 ─ each behind a NAT ─ internet ─ edge (frankfurt)
"""
import json
import signal
import unittest

from demo_mesh import SUBNET, SUBNET_HOST
from mesh_case import MeshCase, wait_for

VISIBLE = 5  # s: five times what is promised
FAILOVER = 60  # s: a probe each 10 s, a slow machine
# Says who it is and whom it sees, over TCP and UDP.
SERVE = """
import http.server, socket, sys, threading
name, port = sys.argv[1], int(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = f"{name} {self.client_address[0].replace('::ffff:', '')} {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
def datagrams():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", port))
    while True:
        d, a = s.recvfrom(2000)
        if d: s.sendto(f"{name} {a[0].replace('::ffff:', '')} {d.decode()}".encode(), a)
threading.Thread(target=datagrams, daemon=True).start()
Server(("::", port), Handler).serve_forever()
"""
ASK_UDP = """
import socket, sys
for family, _, _, _, address in socket.getaddrinfo(sys.argv[1], int(sys.argv[2]), type=socket.SOCK_DGRAM):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(2)
    s.connect(address)
    s.send(b"hello")
    print(s.recv(2000).decode())
    break
"""


class Services(MeshCase):
    SITES = JOIN = ("laptop", "nas", "web", "office-gw")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mesh.read_addresses()
        for name, port in (("nas", 8123), ("web", 8123), ("printer", 631)):
            cls.serve(name, port)
        cls.mesh.machine("printer").default_route("10.77.0.1")
        for name in cls.JOIN:
            wait_for(f"{name} finds names", lambda name=name: cls.mesh.ctl_json(name, "status")["names"] == "ok", 30)

    @classmethod
    def serve(cls, name, port):
        machine = cls.mesh.machine(name)
        process = machine.start("/usr/bin/python3", "-c", SERVE, name, str(port), log=f"serve-{port}")
        wait_for("the server", lambda: machine.ok("sh", "-c", f"ss -Hltn sport = :{port} | grep -q ."), 20)
        return process

    def tearDown(self):
        for service in self.services().values():
            self.ctl("laptop", "service", "remove", service["name"])

    def services(self):
        return {service["name"]: service for service in self.mesh.ctl_json("laptop", "service", "list")["services"]}

    def curl(self, name, url, *options):
        """What the service says, or None."""
        result = self.mesh.machine(name).run("curl", "-sS", "--noproxy", "*", "-m", "5", *options, url, check=False)
        return result.stdout if result.returncode == 0 else None

    def says(self, name, url, wanted, seconds=VISIBLE, options=()):
        wait_for(f"{url} on {name} says {wanted}", lambda: (self.curl(name, url, *options) or "").startswith(wanted), seconds, 0.2)

    def address(self, name, family=0):
        return self.mesh.addresses[name][family]

    def test_name_instead_of_port(self):
        added = self.ctl("laptop", "service", "add", "ha", "nas:8123", "--port", "80")
        self.assertIn("ha.demo.internal (100.111.0.", added.stdout)
        self.assertIn("nas:8123 answers.", added.stdout)
        for name in ("web", "laptop", "office-gw"):
            self.says(name, "http://ha.demo.internal/", f"nas {self.address(name)} ha.demo.internal", options=("-4",))
            self.says(name, "http://ha.demo.internal/", "nas ", options=("-6",))
        self.assertIsNone(self.curl("web", "http://ha.demo.internal:8123/"))  # that port isn't the service's
        self.says("nas", "http://ha.demo.internal/", "nas ")  # its own node, too
        names = {name["name"]: name for name in self.mesh.ctl_json("web", "names")["names"]}
        self.assertEqual(names["ha.demo.internal"]["type"], "service")
        self.assertIsNotNone(self.curl("web", f"http://{names['ha.demo.internal']['addresses'][0]}/"))
        # A ping connects as callers do; the map shows it at its node.
        answer = self.ctl("web", "ping", "ha", "-c", "2").stdout
        self.assertRegex(answer, r"1  this computer ── ha \(100\.111\.0\.\d+\) port 80 ── nas:8123  [0-9.]+ ms\n")
        self.assertIn("2 sent, 2 answered", answer)
        self.assertIn("nas:8123  ", self.ctl("web", "ping", "ha.demo.internal", "-c", "1").stdout)
        self.assertIn("◇ ha 80", self.ctl("web", "map").stdout)
        shown = self.ctl("web", "service", "show", "ha").stdout
        self.assertIn("nas:8123 answers", shown)
        # It outlives the edge's restart, at the same address.
        before = self.services()["ha"]["addresses"]
        self.mesh.restart("edge", signal.SIGTERM)
        self.says("web", "http://ha.demo.internal/", "nas ", 60)
        self.assertEqual(self.services()["ha"]["addresses"], before)
        self.ctl("laptop", "service", "remove", "ha")
        wait_for("no name", lambda: not self.mesh.machine("web").ok("getent", "hosts", "ha.demo.internal"), VISIBLE, 0.2)
        self.assertIsNone(self.curl("web", f"http://{before[0]}/"))

    def test_ping_of_what_does_not_answer(self):
        self.ctl("laptop", "service", "add", "nothing", "nas:9")
        failed = self.ctl("web", "ping", "nothing", "-c", "1", check=False)
        self.assertEqual(failed.returncode, 1, failed)
        self.assertRegex(failed.stdout, "(?s)1  no answer: .*1 sent, 0 answered, 100 % lost\nNothing listens on nas:9.")
        self.assertIn("nothing listens", self.ctl("web", "map").stdout)
        self.refused("web", "ping", "nobody", "-c", "1", says='no node "nobody"')
        # Nobody can tell from here what a UDP port does: the edge's probe says it.
        self.ctl("laptop", "service", "add", "echo", "nas:8123", "--udp")
        self.assertRegex(self.ctl("web", "ping", "echo").stdout, r"^nas:8123 (answers|can be reached)\.\n$")

    def test_host_behind_a_gateway(self):
        self.refused("laptop", "service", "add", "printer", f"office-gw/{SUBNET_HOST}:631", says="No route through office-gw")
        self.ctl("laptop", "route", "add", SUBNET, "office-gw")
        self.addCleanup(self.ctl, "laptop", "route", "remove", SUBNET, check=False)
        wait_for("the offer", lambda: SUBNET in self.ctl("office-gw", "route", "list").stdout, 20)
        self.ctl("office-gw", "route", "accept", SUBNET)
        self.ctl("laptop", "service", "add", "printer", f"office-gw/{SUBNET_HOST}:631", "--port", "80")
        self.says("web", "http://printer.demo.internal/", "printer ", 20)
        self.assertIsNone(self.curl("web", f"http://{SUBNET_HOST}:631/", "-m", "2"))  # web hasn't accepted that network
        wait_for("it answers", lambda: f"office-gw/{SUBNET_HOST}:631 answers" in self.ctl("laptop", "service", "show", "printer").stdout, 20)
        self.ctl("laptop", "route", "remove", SUBNET)
        wait_for("no route", lambda: self.services()["printer"]["targets"][0]["state"] == "no-route", VISIBLE)
        self.assertIn(f"office-gw no longer shares a network with {SUBNET_HOST}", self.ctl("laptop", "service", "show", "printer").stdout)
        self.assertIsNone(self.curl("web", "http://printer.demo.internal/", "-m", "2"))

    def test_two_targets(self):
        port = 9000
        process = self.serve("nas", port)
        self.addCleanup(process.kill)
        self.serve("web", port)
        self.ctl("laptop", "service", "add", "wiki", f"nas:{port}", f"web:{port}", "--port", "80")
        url = "http://wiki.demo.internal/"
        self.says("laptop", url, "nas ")
        process.terminate()
        process.wait()
        self.says("laptop", url, "web ", FAILOVER)
        shown = self.ctl("laptop", "service", "show", "wiki").stdout
        self.assertIn(f"Nothing listens on nas:{port}", shown)
        self.assertIn(f"web:{port} answers", shown)
        self.assertIn(f"port 80 ── web:{port}  ", self.ctl("laptop", "ping", "wiki", "-c", "1").stdout)
        self.serve("nas", port)
        self.says("laptop", url, "nas ", FAILOVER)
        self.ctl("laptop", "service", "edit", "wiki", "--spread")
        wait_for("both", lambda: {(self.curl("laptop", url) or "?").split()[0] for _ in range(20)} == {"nas", "web"}, 20)
        self.ctl("nas", "disconnect")
        self.addCleanup(self.ctl, "nas", "connect", check=False)
        wait_for("offline", lambda: self.services()["wiki"]["targets"][0]["state"] == "offline", VISIBLE)
        self.assertRegex(self.ctl("laptop", "service", "show", "wiki").stdout, r"nas is offline since \d+:\d\d")
        self.assertEqual({self.curl("laptop", url).split()[0] for _ in range(10)}, {"web"})

    def test_udp_and_the_edges_address(self):
        self.ctl("laptop", "service", "add", "echo", "nas", "--port", "53:8123/udp", "--port", "80:8123", "--source", "edge")
        self.says("web", "http://echo.demo.internal/", "nas 100.96.0.1 ", options=("-4",))
        said = self.mesh.machine("web").run("/usr/bin/python3", "-c", ASK_UDP, "echo.demo.internal", "53", check=False).stdout
        self.assertRegex(said, r"nas \S+ hello")
        self.assertNotIn(self.address("web"), said)

    def test_address_of_choice(self):
        added = self.ctl("laptop", "service", "add", "plc", "nas:8123", "--port", "80", "--address", "10.128.0.5")
        self.assertIn("route accept 10.128.0.5/32", added.stderr)
        wait_for("the offer", lambda: "10.128.0.5/32" in self.ctl("web", "route", "list").stdout, VISIBLE)
        self.assertIsNone(self.curl("web", "http://10.128.0.5/", "-m", "2"))
        self.ctl("web", "route", "accept", "10.128.0.5/32")
        self.says("web", "http://10.128.0.5/", f"nas {self.address('web')}")
        self.refused("laptop", "route", "add", "10.128.0.0/24", "nas", says="plc")
        # On its own network a node never takes it.
        self.mesh.machine("laptop").run("sh", "-ec", "ip link add lan9 type veth peer name lan8; ip link set lan8 up; ip addr add 10.128.0.1/24 dev lan9; ip link set lan9 up")
        self.addCleanup(self.mesh.machine("laptop").run, "ip", "link", "del", "lan9")
        self.refused("laptop", "route", "accept", "10.128.0.5/32", says="never uses")

    def test_refusals(self):
        self.ctl("laptop", "service", "add", "ha", "nas:8123")
        for argv, says, code in ((("ha", "nas:80"), "it's a service", 1), (("nas", "nas:80"), "taken", 1), (("x", "nobody:80"), "no node", 1),
                                 (("x", "nas:0"), "1 to 65535", 2), (("x", "nas"), "needs a port", 2), (("x", "nas:80", "--port", "1-9"), "can't stand for", 2),
                                 (("x", "nas", "--port", "80", "--port", "70-90"), "overlap", 2), (("x", "nas:80", "--address", "8.8.8.8"), "public", 1),
                                 (("x", "nas:80", "--address", self.address("nas")), "nas's", 1), (("x", "nas:80", "--source", "me"), "--source", 2)):
            with self.subTest(argv):
                self.refused("laptop", "service", "add", *argv, code=code, says=says)
        self.refused("laptop", "node", "rename", "web", "ha", says="it's a service")
        self.refused("web", "service", "add", "mine", "web:80", code=4, says="administrator")
        self.refused("web", "service", "remove", "ha", code=4, says="administrator")
        self.refused("laptop", "service", "show", "nobody", says="service list")
        self.assertEqual(list(self.services()), ["ha"])
        self.assertEqual(json.loads(self.ctl("laptop", "map", "--json").stdout)["services"][0]["name"], "ha")


if __name__ == "__main__":
    unittest.main()
