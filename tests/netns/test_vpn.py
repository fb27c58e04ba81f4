# SPDX-License-Identifier: GPL-3.0-or-later
"""VPN mode on a real mesh: default route, exit, guard, and back to exactly what was, also after kill -9 at each step."""
import os
import signal
import subprocess
import time
import unittest

from demo_mesh import EDGE_ADDRESS, WEBSITE
from mesh_case import MeshCase, host_state, wait_for

SERVE = ("import http.server\nclass H(http.server.BaseHTTPRequestHandler):\n def do_GET(s):\n  s.send_response(200); s.end_headers(); s.wfile.write(s.client_address[0].encode())\n"
         " def log_message(*a): pass\nhttp.server.ThreadingHTTPServer(('',80),H).serve_forever()")
FETCH = f"import urllib.request as u; print(u.build_opener(u.ProxyHandler({{}})).open('http://{WEBSITE}/',timeout=8).read().decode())"

TABLE = 17764  # EW_HOST_TABLE
TURNS = 20  # at most: a busy computer may kill too late


class Vpn(MeshCase):
    SITES = JOIN = ("laptop", "web")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        internet = cls.mesh.machine("internet")
        internet.start("/usr/bin/python3", "-c", SERVE, log="website")
        wait_for("the website", lambda: internet.ok("sh", "-c", "ss -Hltn sport = :80 | grep -q ."), 10)
        cls.laptop = cls.mesh.machine("laptop")
        cls.mesh.ctl("laptop", "disconnect")
        cls.before = host_state(cls.laptop)
        cls.mesh.ctl("laptop", "connect")

    def setUp(self):
        self.ctl("laptop", "connect")
        self.ctl("laptop", "mode", "connector")

    def seen(self):
        return self.laptop.run("/usr/bin/python3", "-c", FETCH).stdout.strip()

    def assert_as_before(self):
        self.assertEqual(host_state(self.laptop), self.before)

    def kill_and_restart(self, name="laptop"):
        self.mesh.restart(name, signal.SIGKILL)
        wait_for("edgewayd is back", lambda: self.mesh.machine(name).ok(self.mesh.program("edgewayctl"), "status"), 20)

    def test_connector_mode_changes_nothing_else(self):
        self.assertEqual(self.seen(), "203.0.113.11")
        self.assertNotIn("default", self.laptop.run("ip", "route", "show", "dev", "edgeway0").stdout)

    def test_exit_and_back(self):
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm")
        self.assertEqual(self.seen(), EDGE_ADDRESS)
        self.assertEqual(self.status("laptop")["guard_until"], None)
        self.ctl("laptop", "mode", "connector")
        self.assertEqual(self.seen(), "203.0.113.11")
        self.ctl("laptop", "disconnect")
        self.assert_as_before()

    def test_dead_edge(self):
        """The internet is off until the edge answers, or until connector-only mode is chosen, which needs no edge."""
        self.ctl("laptop", "mode", "vpn")
        self.ctl("laptop", "mode", "--confirm", check=False)
        process, start = self.mesh.running["edge"]
        process.kill()
        process.wait()
        self.laptop.run("ping", "-c", "1", "-W", "1", WEBSITE, check=False)  # traffic: the loss is seen soon
        self.wait_state("laptop", "reconnecting", 60)
        self.assertFalse(self.laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "1", WEBSITE))
        self.ctl("laptop", "mode", "connector")
        self.assertEqual(self.seen(), "203.0.113.11")
        self.assertEqual(self.status("laptop")["state"], "reconnecting")
        self.mesh.running["edge"][0] = start()
        self.wait_state("laptop", "connected", 60)

    def test_guard_undoes(self):
        self.ctl("laptop", "mode", "vpn", "--confirm-within", "3")
        status = self.status("laptop")
        self.assertEqual(status["mode"], "vpn")
        self.assertTrue(status["guard_until"])
        wait_for("the guard undoes the switch", lambda: self.status("laptop")["mode"] == "connector", 15)
        self.assertEqual(self.seen(), "203.0.113.11")

    def test_confirmed_mode_survives_a_restart_and_a_tried_one_does_not(self):
        self.ctl("laptop", "mode", "vpn", "--confirm-within", "60")
        self.kill_and_restart()
        self.wait_state("laptop", "connected")
        self.assertEqual(self.status("laptop")["mode"], "connector")
        self.ctl("laptop", "mode", "vpn", "--confirm-within", "60")
        self.ctl("laptop", "mode", "--confirm")
        self.kill_and_restart()
        self.wait_state("laptop", "connected")
        self.assertEqual(self.status("laptop")["mode"], "vpn")
        self.assertEqual(self.seen(), EDGE_ADDRESS)

    def test_killed_in_each_mode_then_disconnected(self):
        for mode in ("connector", "vpn"):
            with self.subTest(mode):
                self.ctl("laptop", "connect")
                self.ctl("laptop", "mode", mode)
                self.ctl("laptop", "mode", "--confirm", check=False)  # so that it is stored; a probe may have done so
                self.kill_and_restart()
                self.assertEqual(self.status("laptop")["mode"], mode)
                self.ctl("laptop", "disconnect")
                self.assert_as_before()

    def ledger_size(self):
        return os.stat(f"/proc/{self.laptop.pid}/root/var/lib/edgeway/undo").st_size

    def routes(self):
        return sum(self.laptop.run("ip", family, "route", "show", "table", str(TABLE), check=False).stdout.count("\n") for family in ("-4", "-6"))

    def kill_amid(self, argv, moment):
        """Asks for something and kills the daemon as soon as moment() is true, with the answer still to come."""
        asking = subprocess.Popen(self.laptop.command([self.mesh.program("edgewayctl"), *argv]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(asking.wait)
        self.addCleanup(asking.kill)
        process, _ = self.mesh.running["laptop"]
        wait_for(f"{argv} has begun", moment, 10, 0)
        process.kill()
        process.wait()

    def start_without_a_wish_to_connect(self):
        """The start itself undoes what is left, before any request."""
        self.laptop.run("sed", "-i", 's/"wish":"connected"/"wish":"disconnected"/', "/var/lib/edgeway/account.json")
        self.mesh.running["laptop"][0] = self.mesh.running["laptop"][1]()
        wait_for("edgewayd is back", lambda: self.laptop.ok(self.mesh.program("edgewayctl"), "status"), 20)
        self.assertEqual(self.status("laptop")["state"], "disconnected")
        self.assert_as_before()

    def test_killed_amid_the_way_into_vpn_mode(self):
        self.ctl("laptop", "mode", "vpn")
        all_routes, cut = self.routes(), 0
        for turn in range(TURNS):
            with self.subTest(turn):
                self.ctl("laptop", "connect")
                self.ctl("laptop", "mode", "connector")
                size = self.ledger_size()
                self.kill_amid(("mode", "vpn"), lambda: self.ledger_size() != size)
                cut += self.routes() < all_routes
                self.assertNotEqual(host_state(self.laptop), self.before)
                self.start_without_a_wish_to_connect()
            if cut == 3:
                break
        self.assertGreater(cut, 0, "no kill was in time")

    def test_killed_amid_the_way_out_of_vpn_mode(self):
        cut = 0
        for turn in range(TURNS):
            with self.subTest(turn):
                self.ctl("laptop", "connect")
                self.ctl("laptop", "mode", "vpn")
                all_routes, size = self.routes(), self.ledger_size()
                self.kill_amid(("disconnect",), lambda: self.ledger_size() != size)
                cut += self.routes() < all_routes and host_state(self.laptop) != self.before
                self.start_without_a_wish_to_connect()
            if cut == 3:
                break
        self.assertGreater(cut, 0, "no kill was in time")

    def test_killed_in_vpn_mode_and_started_without_a_wish_to_connect(self):
        self.ctl("laptop", "mode", "vpn")
        process, _ = self.mesh.running["laptop"]
        process.kill()
        process.wait()
        self.assertNotEqual(host_state(self.laptop), self.before)
        self.start_without_a_wish_to_connect()

    def test_stopped_cleanly(self):
        self.ctl("laptop", "mode", "vpn")
        process, start = self.mesh.running["laptop"]
        process.terminate()
        started = time.monotonic()
        self.assertEqual(process.wait(10), 0)
        self.assertLess(time.monotonic() - started, 5, "promised: 1 s")
        self.assert_as_before()
        self.mesh.running["laptop"][0] = start()
        wait_for("edgewayd is back", lambda: self.laptop.ok(self.mesh.program("edgewayctl"), "status"), 20)
        self.wait_state("laptop", "connected")


if __name__ == "__main__":
    unittest.main()
