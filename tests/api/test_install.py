# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge hands out to new computers: the script and the packages, to anyone, within bounds."""

import hashlib
import json
import os
import socket
import subprocess
import time
import unittest

from edge import ISOLATED, Edge

LARGE = os.urandom(8 * 1024 * 1024 + 17)  # more than the kernel keeps for a reader who doesn't read
LIST = f"""Package: edgewayd
Version: 0.2.0+git1
Architecture: amd64
Filename: ./edgewayd_0.2.0_amd64.deb
Size: {len(LARGE)}

Package: libx
Version: 2:1
Architecture: amd64
Filename: ./libx_2%3a1_amd64.deb
Size: 3
"""


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edge = Edge()
        cls.addClassCleanup(cls.edge.remove)
        cls.packages = os.path.join(cls.edge.folder, "packages")
        with open(cls.edge.config, "a") as file:
            file.write(f"[install]\npackages={cls.packages}\n")
        folder = os.path.join(cls.packages, "debian-12")
        os.makedirs(folder)
        for name, data in (("Packages", LIST.encode()), ("edgewayd_0.2.0_amd64.deb", LARGE), ("libx_2%3a1_amd64.deb", b"abc"), ("unlisted.deb", b"no")):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        os.chmod(cls.packages, 0o755)
        cls.edge.start()
        cls.admin = cls.edge.join(cls.edge.first_key(), "admin")

    def test_the_script(self):
        """Its text matches the SHA-256 that an administrator gets with a key, and any shell can parse it."""
        answer = self.edge.get("/install")
        self.assertEqual(answer.status, 200)
        told = self.admin.call("GET", "/v1/install").json
        self.assertEqual(told["sha256"], hashlib.sha256(answer.raw).hexdigest())
        self.assertEqual(told["url"], f"https://127.0.0.1:{self.edge.port}/install")
        self.assertEqual(told["systems"], [{"system": "debian-12", "version": "0.2.0+git1", "architectures": ["amd64"], "app": False}])
        made = self.admin.call("POST", "/v1/keys", {"kind": "server", "name": "web"}).json
        self.assertEqual(made["install"], {key: told[key] for key in ("url", "sha256", "systems")})
        self.assertEqual(self.edge.owner("GET", "/v1/status").json["install"], made["install"])
        self.assertIn(b"BEGIN CERTIFICATE", answer.raw)
        self.assertNotIn(b"PRIVATE", answer.raw)
        self.assertNotIn(b"@", answer.raw.replace(b'"$@"', b""))
        subprocess.run(["sh", "-n"], input=answer.raw, check=True)
        shown = self.edge.verb("status").stdout
        self.assertIn("packages   debian-12 0.2.0+git1 (amd64)\n", shown)
        lines = json.loads(self.edge.verb("status", "--json").stdout)["install"]["lines"]
        self.assertIn(f"download-file {told['url']} ~/edgeway-install SHA256:{told['sha256']} &&\n  sh ~/edgeway-install", lines)
        self.assertIn(f"ask for an enrollment key:\n{lines}\n", shown)
        key = self.edge.verb("admin-key").stderr
        self.assertIn(lines, key)
        self.assertNotIn("--app", key, "the edge has no app")

    def test_rate(self):
        """A download takes as long as its share of the rate makes it, at least."""
        edge = Edge()
        self.addCleanup(edge.remove)
        with open(edge.config, "a") as file:
            file.write(f"[install]\npackages={self.packages}\nrate=16\n")
        edge.start()
        began = time.monotonic()
        answer = edge.get("/packages/debian-12/edgewayd_0.2.0_amd64.deb", headers={"Range": "bytes=0-1999999"})
        self.assertEqual((answer.status, answer.raw == LARGE[:2000000]), (206, True))
        self.assertGreater(time.monotonic() - began, 1.8, "2 MB at 8 Mbit/s, the half of 16")

    def test_warnings(self):
        """Packages older than the edge, and a name that leads nowhere, are said; they keep it from nothing."""
        edge = Edge()
        self.addCleanup(edge.remove)
        packages = os.path.join(edge.folder, "packages")
        os.makedirs(os.path.join(packages, "debian-12"))
        with open(edge.config, "a") as file:
            file.write(f"[install]\npackages={packages}\n")
        with open(os.path.join(packages, "debian-12", "Packages"), "w") as file:
            file.write(LIST.replace("0.2.0+git1", "0.1.0").replace("Package: libx\n", "Package: edgeway\n"))
        edge.start("--public", f"edge.invalid:{edge.port}")
        status = json.loads(edge.verb("status", "--json").stdout)
        self.assertRegex(status["warnings"][0], r"^Nodes look for this edge at edge\.invalid, and that name can't be looked up here: ")
        self.assertRegex(status["warnings"][1], r"^The packages for debian-12 \(0\.1\.0\) are older than this edge \(0\.")
        self.assertRegex(status["build"], r"^\d+\.\d+\.\d+( \([0-9a-f]{7}\+?\))?$")
        shown = edge.verb("status").stdout
        key = edge.verb("admin-key")
        for warning in status["warnings"]:
            self.assertIn(f"\nwarning    {warning}\n", shown)
            self.assertIn(f"edgeway-edge: warning: {warning}\n", key.stderr)
        self.assertIn("add --app to the end of the second one, for the app and its tray icon too:\n  sh ~/edgeway-install --app\n", key.stderr)
        self.assertTrue(key.stdout.startswith("ew1_") and key.stdout.count("\n") == 1, "the key alone")
        self.assertEqual(json.loads(self.edge.verb("status", "--json").stdout)["warnings"], [])

    def test_a_stranger_learns_no_more(self):
        self.assertEqual(self.edge.get("/v1/install").status, 401)

    def test_files(self):
        self.assertEqual(self.edge.get("/packages/systems").raw, b"debian-12 amd64 0.2.0+git1\n")
        self.assertEqual(self.edge.get("/packages/debian-12/Packages").raw, LIST.encode())
        self.assertEqual(self.edge.get("/packages/debian-12/libx_2%253a1_amd64.deb").raw, b"abc")
        answer = self.edge.get("/packages/debian-12/edgewayd_0.2.0_amd64.deb")
        self.assertEqual((answer.status, answer.raw == LARGE, answer.headers["Content-Length"]), (200, True, str(len(LARGE))))

    def test_what_is_not_listed_is_not_there(self):
        for path in ("/packages/debian-12/unlisted.deb", "/packages/debian-13/Packages", "/packages/debian-12/", "/packages/",
                     "/packages/debian-12/%2e%2e/%2e%2e/state/ca.pem", "/packages/..%2fstate/ca.pem", "/packages/debian-12/InRelease"):
            answer = self.edge.get(path)
            self.assertIn(answer.status, (400, 404), path)
            self.assertNotIn(b"PRIVATE", answer.raw)
        self.assertEqual(self.edge.call("POST", "/install", {}).status, 405)
        self.assertEqual(self.edge.call("DELETE", "/packages/debian-12/Packages").status, 405)

    def test_parts_as_apt_asks_for_them(self):
        path = "/packages/debian-12/edgewayd_0.2.0_amd64.deb"
        head = self.edge.call("HEAD", path)
        self.assertEqual((head.status, head.raw, head.headers["Content-Length"]), (200, b"", str(len(LARGE))))
        for same in (head.headers["Last-Modified"], head.headers["ETag"]):
            part = self.edge.get(path, headers={"Range": "bytes=3000000-", "If-Range": same})
            self.assertEqual((part.status, part.raw == LARGE[3000000:], part.headers["Content-Range"]), (206, True, f"bytes 3000000-{len(LARGE) - 1}/{len(LARGE)}"))
        self.assertEqual(self.edge.get(path, headers={"Range": "bytes=3000000-", "If-Range": "Thu, 01 Jan 1970 00:00:00 GMT"}).raw, LARGE)
        beyond = self.edge.get(path, headers={"Range": f"bytes={len(LARGE)}-"})
        self.assertEqual((beyond.status, beyond.headers["Content-Range"]), (416, f"bytes */{len(LARGE)}"))
        self.assertEqual(self.edge.get(path, headers={"Range": "bytes=0-1,3-4"}).status, 200)
        for name, value in (("If-Modified-Since", head.headers["Last-Modified"]), ("If-None-Match", head.headers["ETag"])):
            answer = self.edge.get(path, headers={name: value})
            self.assertEqual((answer.status, answer.raw), (304, b""))
        script = self.edge.get("/install", headers={"Range": "bytes=10-", "Edgeway-Range": "bytes=10-"})
        self.assertEqual((script.status, script.raw[:10]), (200, b"#!/bin/sh\n"), "a stale file is not added to")

    def test_the_end_of_tls_is_said(self):
        """apt with OpenSSL treats an answer without it as truncated."""
        context = self.edge.context()
        with context.wrap_socket(socket.create_connection(("127.0.0.1", self.edge.port), 20), suppress_ragged_eofs=False) as tls:
            tls.sendall(b"GET /packages/debian-12/edgewayd_0.2.0_amd64.deb HTTP/1.1\r\nHost: edge\r\n\r\n")
            length = 0
            while data := tls.recv(65536):  # a ragged end would be an exception
                length += len(data)
            self.assertGreater(length, len(LARGE))

    def hold(self, source):
        """A download whose client reads the first bytes, and no more."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.bind((source, 0))
        raw.settimeout(20)
        raw.connect(("127.0.0.1", self.edge.port))
        tls = self.edge.context().wrap_socket(raw)
        self.addCleanup(tls.close)
        tls.sendall(b"GET /packages/debian-12/edgewayd_0.2.0_amd64.deb HTTP/1.1\r\nHost: edge\r\n\r\n")
        self.assertTrue(tls.recv(12).startswith(b"HTTP/1.1 200"))

    @unittest.skipUnless(ISOLATED, "needs addresses of its own")
    def test_too_many_at_once(self):
        """A client that holds downloads open is told to wait; others are served."""
        for _ in range(16):
            self.hold("127.0.0.77")
        refused = self.edge.get("/packages/debian-12/edgewayd_0.2.0_amd64.deb", source="127.0.0.77")
        self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "5"))
        self.assertEqual(self.edge.get("/packages/debian-12/edgewayd_0.2.0_amd64.deb").status, 200)
        self.assertEqual(self.admin.call("GET", "/v1/self").status, 200, "calls go on meanwhile")

    @unittest.skipUnless(ISOLATED, "needs addresses of its own")
    def test_all_places_taken(self):
        """Clients that hold all of them open can't keep another one from a download."""
        for i in range(64):
            self.hold(f"127.0.1.{i // 15}")
        for _ in range(3):
            answer = self.edge.get("/packages/debian-12/edgewayd_0.2.0_amd64.deb")
            self.assertEqual((answer.status, answer.raw == LARGE), (200, True))


class NoPackages(unittest.TestCase):
    def check(self, settings):
        edge = Edge()
        self.addCleanup(edge.remove)
        with open(edge.config, "a") as file:
            file.write(settings)
        edge.start()
        admin = edge.join(edge.first_key(), "admin")
        for path in ("/install", "/packages/systems", "/packages/debian-12/Packages"):
            answer = edge.get(path)
            self.assertEqual(answer.status, 404)
            self.assertIn(b"no packages", answer.raw)
        told = admin.call("GET", "/v1/install").json
        self.assertEqual((told["systems"], "url" in told), ([], False))
        self.assertIn("packages   none", edge.verb("status").stdout)

    def test_none_there(self):
        self.check("[install]\npackages=/nonexistent\n")

    def test_switched_off(self):
        self.check("[install]\nenabled=false\n")

    def test_a_folder_that_is_none(self):
        edge = Edge()
        self.addCleanup(edge.remove)
        with open(edge.config, "a") as file:
            file.write("[install]\npackages=here\n")
        edge.start(wait=False)
        self.assertNotEqual(edge.process.wait(20), 0)
        self.assertIn("packages must be an absolute path", edge.log())


if __name__ == "__main__":
    unittest.main()
