#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captive portals: a network that redirects port 80 to its own page and drops the rest until someone has logged in there. Recognized, opened for one
user's browser alone in VPN mode and lockdown, and connected again after the login."""
import os
import signal
import time
import unittest

from demo_mesh import EDGE_ADDRESS, WEBSITE
from mesh_case import wait_for
from portal_case import NAME, OTHER, PAGE, SERVER, TABLE, PortalCase


class Portal(PortalCase):
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
