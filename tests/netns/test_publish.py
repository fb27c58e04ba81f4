#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published names, from the command that publishes a service to what a browser outside the mesh gets, with the real nginx.

    laptop (administrator), nas, web ─ each behind a NAT ─ internet (browsers) ─ edge (frankfurt), nginx
"""
import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

from mesh_case import MeshCase, wait_for

HOST, OTHER, EDGE = "ha.example.org", "wiki.example.org", "203.0.113.5"
VISIBLE = 10  # s: five times what is promised
# Says whom it sees and with which headers, takes uploads, upgrades to a WebSocket that echoes, and sends events.
SERVE = """
import hashlib, http.server, json, socket, sys, time
name, port = sys.argv[1], int(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            while True:
                size = int(self.rfile.readline(), 16)
                yield self.rfile.read(size)
                self.rfile.readline()
                if not size: return
        left = int(self.headers.get("Content-Length", 0))
        while left:
            piece = self.rfile.read1(min(left, 65536))
            if not piece: return
            left -= len(piece)
            yield piece
    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def do_GET(self):
        if self.path == "/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for number in range(1000):
                self.wfile.write(f"data: {number}\\n\\n".encode())
                self.wfile.flush()
                time.sleep(0.2)
            return
        if self.headers.get("Upgrade"):
            self.connection.sendall(b"HTTP/1.1 101 Switching Protocols\\r\\nConnection: upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n")
            self.close_connection = True
            while data := self.connection.recv(4096):
                self.connection.sendall(data)
            return
        self.answer(json.dumps({"name": name, "peer": self.client_address[0].replace("::ffff:", ""), "path": self.path, "headers": {key.lower(): value for key, value in self.headers.items()}}))
    def do_POST(self):
        digest, length, first = hashlib.sha256(), 0, None
        for piece in self.body():
            if first is None and piece:
                first = time.time()
                print("first", flush=True)
            digest.update(piece)
            length += len(piece)
        self.answer(json.dumps({"length": length, "sha256": digest.hexdigest()}))
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(("::", port), Handler).serve_forever()
"""

# Sends bytes over TLS, and prints what comes back until the time is over or the answer's first lines are there.
RAW = """
import socket, ssl, sys, time
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.set_alpn_protocols(["http/1.1"])
s = context.wrap_socket(socket.create_connection((sys.argv[1], 443), 5), server_hostname=sys.argv[2])
s.sendall(sys.argv[3].encode())
s.settimeout(1)
end = time.time() + float(sys.argv[4])
while time.time() < end:
    try:
        data = s.recv(65536)
    except TimeoutError:
        continue
    if not data: break
    print(data.decode(errors="replace"), end="", flush=True)
    if sys.argv[4] == "3" and b"\\r\\n\\r\\n" in data: end = min(end, time.time() + 0.5)
"""
# A WebSocket that says hello again and again, and ends when no echo comes.
WEBSOCKET = """
import socket, ssl, sys, time
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
s = context.wrap_socket(socket.create_connection((sys.argv[1], 443), 5), server_hostname=sys.argv[2])
s.sendall(f"GET /ws HTTP/1.1\\r\\nHost: {sys.argv[2]}\\r\\nConnection: Upgrade\\r\\nUpgrade: WebSocket\\r\\n\\r\\n".encode())
assert b" 101 " in s.recv(4096)
s.settimeout(5)
while True:
    s.sendall(b"hello")
    print(s.recv(4096).decode(), flush=True)
    time.sleep(0.2)
"""


def text(path):
    with open(path) as file:
        return file.read()


class Publish(MeshCase):
    SITES = JOIN = ("laptop", "nas", "web")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mesh.read_addresses()
        cls.folder = tempfile.TemporaryDirectory(prefix="publish-")
        cls.addClassCleanup(cls.folder.cleanup)
        for name in ("nas", "web"):
            cls.serve(name, 8123)
        cls.outside = cls.mesh.machine("internet")
        cls.mesh.ctl("laptop", "service", "add", "ha", "nas:8123", "--port", "80")
        cls.mesh.ctl("laptop", "service", "add", "wiki", "web:8123")

    @classmethod
    def serve(cls, name, port):
        machine = cls.mesh.machine(name)
        process = machine.start("/usr/bin/python3", "-c", SERVE, name, str(port), log=f"serve-{port}")
        wait_for("the server", lambda: machine.ok("sh", "-c", f"ss -Hltn sport = :{port} | grep -q ."), 20)
        return process

    @classmethod
    def certificate(cls, host, days=30):
        """A self-signed certificate and its key, as files."""
        base = os.path.join(cls.folder.name, host.replace("*", "any") + str(days))
        if not os.path.exists(base + ".pem"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-out", base + ".pem",
                            "-subj", "/CN=test", "-addext", f"subjectAltName=DNS:{host}", "-days", str(days)], check=True, capture_output=True)
        return ["--certificate", base + ".pem", "--key", base + ".key"]

    def publish(self, service="ha", host=HOST, access="public", **options):
        return self.ctl("laptop", "publish", service, "--host", host, "--access", access, *self.certificate(host), **options)

    def tearDown(self):
        for name in self.published():
            self.ctl("laptop", "publish", "remove", name)

    def published(self):
        return {one["host"]: one for one in self.mesh.ctl_json("laptop", "publish", "list")["published"]}

    def curl(self, *options, host=HOST, path="/", check=False, trust=None):
        argv = ["curl", "-sS", "--noproxy", "*", "-m", "20", "--resolve", f"{host}:443:{EDGE}", "--cacert", self.certificate(trust or host)[1], *options, f"https://{host}{path}"]
        return self.outside.run(*argv, check=check)

    def json(self, *options, **more):
        return json.loads(self.curl(*options, check=True, **more).stdout)

    def reached(self, host=HOST, name="nas"):
        wait_for(f"{host} leads to {name}", lambda: f'"name": "{name}"' in self.curl(host=host).stdout, VISIBLE, 0.2)

    def test_a_name(self):
        said = self.publish()
        self.assertIn(f"at https://{HOST}", said.stdout)
        self.assertIn(f"look up {HOST}", said.stderr)  # no resolver there
        self.reached()
        got = self.json("-H", "X-Forwarded-For: 6.6.6.6", "-H", "Edgeway-User: root", "-H", "Forwarded: for=6.6.6.6", "-H", "X-Forwarded-Proto: gopher")
        headers = got["headers"]
        self.assertEqual(got["peer"], "100.96.0.1")
        self.assertEqual({name: headers.get(name) for name in ("host", "x-forwarded-for", "x-real-ip", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "edgeway-user", "forwarded")},
                         {"host": HOST, "x-forwarded-for": "203.0.113.1", "x-real-ip": "203.0.113.1", "x-forwarded-proto": "https", "x-forwarded-host": HOST, "x-forwarded-port": "443",
                          "edgeway-user": None, "forwarded": None})

    def test_what_passes(self):
        """HTTP/2, uploads as they come, WebSockets, event streams, paths as they were asked for."""
        self.publish()
        self.reached()
        self.assertEqual(self.curl("--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code}").stdout, "2 200")
        self.assertEqual(self.json("--path-as-is", path="/a//b/../%2e%2E/c%2Fd?x=%00")["path"], "/a//b/../%2e%2E/c%2Fd?x=%00")
        path = os.path.join(self.folder.name, "upload")
        content = os.urandom(1 << 20) * 32
        wanted = hashlib.sha256(content).hexdigest()
        with open(path, "wb") as file:
            file.write(content)
        for options in (("--http1.1",), ("--http2",), ("--http1.1", "-H", "Transfer-Encoding: chunked")):
            with self.subTest(options):
                got = self.json("-H", "Expect:", *options, "--data-binary", f"@{path}", "-m", "60")
                self.assertEqual((got["length"], got["sha256"]), (32 << 20, wanted))
        # The target has the beginning while the rest isn't sent yet.
        log = self.mesh.machine("nas").log_dir
        before = self.said(log)
        slow = self.outside.start("/usr/bin/python3", "-c", RAW, EDGE, HOST, "POST /slow HTTP/1.1\r\nHost: ha.example.org\r\nContent-Length: 100\r\n\r\nbeginning", "30", log="slow")
        self.addCleanup(slow.kill)
        wait_for("the upload's beginning", lambda: self.said(log) > before, VISIBLE, 0.1)
        events = self.outside.start("/usr/bin/python3", "-c", RAW, EDGE, HOST, "GET /events HTTP/1.1\r\nHost: ha.example.org\r\n\r\n", "30", log="events")
        self.addCleanup(events.kill)
        wait_for("events one by one", lambda: "data: 2" in text(events.log_path), VISIBLE, 0.1)
        self.assertNotIn("data: 900", text(events.log_path))

    @staticmethod
    def said(folder):
        return sum(text(os.path.join(folder, name)).count("first") for name in os.listdir(folder))

    def raw(self, request, host=HOST):
        """The beginning of the answer to these bytes."""
        return self.outside.run("/usr/bin/python3", "-c", RAW, EDGE, host, request, "3", check=False).stdout

    def test_requests_that_lie(self):
        self.publish()
        self.publish("wiki", OTHER, "closed")
        self.reached()
        self.assertIn("200 OK", self.raw("GET / HTTP/1.1\r\nHost: ha.example.org\r\n\r\n"))
        for name, request, status in (
                ("a name that isn't published", "GET / HTTP/1.1\r\nHost: edge.example.org\r\n\r\n", "421"),
                ("a closed name behind a public one", "GET / HTTP/1.1\r\nHost: wiki.example.org\r\n\r\n", "403"),
                ("… in the request's line", "GET https://wiki.example.org/ HTTP/1.1\r\nHost: ha.example.org\r\n\r\n", "403"),
                ("two lengths", "POST / HTTP/1.1\r\nHost: ha.example.org\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400"),
                ("a length and chunks", "POST / HTTP/1.1\r\nHost: ha.example.org\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
                ("chunks of HTTP/1.0", "POST / HTTP/1.0\r\nHost: ha.example.org\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
                ("no host", "GET / HTTP/1.1\r\n\r\n", "400"), ("two hosts", "GET / HTTP/1.1\r\nHost: ha.example.org\r\nHost: wiki.example.org\r\n\r\n", "400"),
                ("a space before the colon", "GET / HTTP/1.1\r\nHost: ha.example.org\r\nTransfer-Encoding : chunked\r\n\r\n", "400")):
            with self.subTest(name):
                self.assertRegex(self.raw(request), rf"^HTTP/1\.1 {status} ")
        # Only WebSockets are let through as something else than HTTP.
        got = self.raw("GET / HTTP/1.1\r\nHost: ha.example.org\r\nConnection: Upgrade\r\nUpgrade: connect-udp\r\n\r\n")
        self.assertNotIn('"upgrade"', got)
        self.assertIn("200 OK", got)

    def test_connections_last(self):
        """Another name, a new certificate: a WebSocket stays. nginx killed: it's back. The edge restarted: all is as it was."""
        self.publish()
        self.reached()
        socket = self.outside.start("/usr/bin/python3", "-c", WEBSOCKET, EDGE, HOST, log="websocket")
        self.addCleanup(socket.kill)
        wait_for("an echo", lambda: text(socket.log_path).count("hello") > 1, VISIBLE)
        self.publish("wiki", OTHER)
        self.reached(OTHER, "web")
        self.ctl("laptop", "publish", "ha", "--host", HOST, *self.certificate(HOST, 60))
        wait_for("the new certificate", lambda: self.outside.ok("curl", "-sf", "--noproxy", "*", "--resolve", f"{HOST}:443:{EDGE}", "--cacert", self.certificate(HOST, 60)[1], f"https://{HOST}/"), VISIBLE)
        self.assertEqual(self.published()[HOST]["access"], "public")  # as it was
        count = text(socket.log_path).count("hello")
        wait_for("it goes on", lambda: text(socket.log_path).count("hello") > count + 2, VISIBLE)
        self.assertIsNone(socket.poll())
        folder = "/var/lib/edgeway-edge/publish/certificates"
        self.assertEqual(len(self.edge().run("ls", folder).stdout.split()), 2)
        master = self.edge().run("cat", "/var/lib/edgeway-edge/publish/nginx.pid").stdout.strip()
        self.edge().run("kill", "-KILL", master)
        wait_for("nginx is back", lambda: self.curl(host=OTHER).returncode == 0, 4 * VISIBLE, 0.5)
        self.mesh.restart("edge", signal.SIGKILL)
        wait_for("the edge and nginx", lambda: self.curl(host=OTHER).returncode == 0, 60, 0.5)
        self.assertIsNone(self.published()[OTHER]["message"])

    def edge(self):
        return self.mesh.machine("edge")

    def test_sandbox(self):
        """nginx isn't root and can do nothing that the edge may do to the network; it ends with the edge."""
        self.publish()
        self.reached()
        master = self.edge().run("cat", "/var/lib/edgeway-edge/publish/nginx.pid").stdout.strip()
        status = dict(line.split(":\t", 1) for line in self.edge().run("cat", f"/proc/{master}/status").stdout.splitlines() if ":\t" in line)
        self.assertNotEqual(status["Uid"].split()[0], "0")
        for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.ctl("laptop", "publish", "remove", HOST)
        wait_for("nginx ends with the last name", lambda: not self.edge().ok("test", "-e", f"/proc/{master}"), VISIBLE)
        self.assertEqual(self.edge().run("ls", "/var/lib/edgeway-edge/publish/certificates").stdout, "")
        # Its name is the API's again.
        self.assertNotEqual(self.curl().returncode, 0)
        self.assertIn("CN = frankfurt", self.outside.run("sh", "-c", f"openssl s_client -connect {EDGE}:443 -servername {HOST} </dev/null 2>/dev/null | openssl x509 -noout -subject").stdout)

    def test_pages(self):
        self.publish(access="closed")
        wait_for("a closed page", lambda: "isn&apos;t open" in self.curl().stdout or "isn&#39;t open" in self.curl().stdout, VISIBLE, 0.2)
        self.publish()
        self.reached()
        self.ctl("nas", "disconnect")
        self.addCleanup(self.ctl, "nas", "connect", check=False)
        wait_for("nas is offline", lambda: re.search(r"nas is offline since [0-9:]{5} .*50[24]$", self.curl("-w", "%{http_code}").stdout, re.S), 60, 0.5)
        self.ctl("nas", "connect")
        self.reached()
        self.ctl("laptop", "service", "edit", "ha", "nas:9999")
        wait_for("nothing listens", lambda: "nas is online, but nothing listens on nas:9999" in self.curl().stdout, VISIBLE, 0.2)
        self.ctl("laptop", "service", "edit", "ha", "nas:8123")
        self.reached()

    def test_wildcard(self):
        self.publish(host="*.apps.example.org")
        self.assertEqual(self.json("--retry", "5", "--retry-all-errors", host="one.apps.example.org", trust="*.apps.example.org")["headers"]["host"], "one.apps.example.org")
        self.publish("wiki", "two.apps.example.org")
        self.reached("two.apps.example.org", "web")
        self.assertEqual(self.json(host="one.apps.example.org", trust="*.apps.example.org")["name"], "nas")

    def test_nginx_missing(self):
        self.edge().run("mount", "-t", "tmpfs", "none", "/usr/sbin")
        self.addCleanup(self.edge().run, "umount", "/usr/sbin", check=False)
        self.publish()
        self.assertIn("apt install nginx-light", self.published()[HOST]["message"])
        self.assertIn("apt install nginx-light", self.ctl("laptop", "publish", "list").stdout)
        self.assertNotEqual(self.curl().returncode, 0)
        self.edge().run("umount", "/usr/sbin")
        wait_for("nginx was installed", lambda: self.curl().returncode == 0, 60, 0.5)
        self.assertIsNone(self.published()[HOST]["message"])

    def test_refusals(self):
        self.publish()
        for argv, says, code in (
                (("ha", "--host", OTHER), "--access public", 1), (("ha", "--host", OTHER, "--access", "login"), "isn't available yet", 1),
                (("ha", "--host", OTHER, "--access", "public"), "--certificate", 1), (("nobody", "--host", OTHER, "--access", "public", *self.certificate(OTHER)), "service list", 1),
                (("wiki", "--host", HOST, "--access", "public", *self.certificate(HOST)), "publish remove", 1), (("ha", "--host", OTHER, "--access", "public", *self.certificate(HOST)), "isn't for", 1),
                (("ha", "--host", "203.0.113.5", "--access", "public"), "isn't a host name", 1), (("ha", "--host", "a b;c.org", "--access", "public"), "isn't a host name", 1),
                (("ha",), "--host", 2), (("ha", "--host", OTHER, "--access", "all"), "--access", 2), (("ha", "--host", OTHER, "--allow", "x@example.org"), "isn't available", 2),
                (("ha", "--host", OTHER, "--certificate", "/x"), "--key", 2), (("remove", OTHER), "publish list", 1)):
            with self.subTest(argv):
                self.refused("laptop", "publish", *argv, code=code, says=says)
        self.refused("web", "publish", "wiki", "--host", OTHER, "--access", "public", *self.certificate(OTHER), code=4, says="administrator")
        self.refused("web", "publish", "remove", HOST, code=4, says="administrator")
        self.assertEqual(list(self.published()), [HOST])
        # A service takes its names along.
        self.ctl("laptop", "service", "add", "gone", "web:8123")
        self.publish("gone", OTHER)
        self.ctl("laptop", "service", "remove", "gone")
        self.assertEqual(list(self.published()), [HOST])


if __name__ == "__main__":
    unittest.main()
