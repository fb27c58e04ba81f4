# SPDX-License-Identifier: GPL-3.0-or-later
"""The https transport through what stands between a node and its edge (tests/lib/proxies.py): what passes it on, what reads it, what breaks it.

Whatever stands there, the state says what is wrong, nothing is trusted but the pin, and the node tries again at a bounded rate."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from delay_line import DelayLine  # noqa: E402
from mesh_case import MeshCase, wait_for  # noqa: E402
from proxies import Office, missing_programs  # noqa: E402

WATCHED_S = 20   # real time: how long a node is watched while it tries
TRIES_MAX = 14   # connections in that time: two at once, then with growing pauses
TRANSFER = 2 << 20
OWN_FIREWALL = """
table inet own {
  chain output { type filter hook output priority 0; oifname "eth0" meta l4proto udp drop; }
}
"""


class HttpsCase(MeshCase):
    SITES = JOIN = ("laptop", "nas")

    def setUp(self):
        self.assertEqual(missing_programs(), [])
        self.office = Office(self.mesh, "laptop")
        self.addCleanup(self.restore)

    def restore(self):
        self.ctl("laptop", "disconnect")
        self.office.close()

    def connect(self, wait=True):
        self.ctl("laptop", "disconnect")
        self.ctl("laptop", "connect", *(() if wait else ("--no-wait",)), check=wait)

    def works_by_https(self):
        wait_for("laptop is connected via https", lambda: self.status("laptop")["state"] == "connected" and self.status("laptop")["edge"]["transport"] == "https", 50)
        address = self.status("nas")["addresses"][0]
        wait_for("nas answers", lambda: self.mesh.machine("laptop").ok("ping", "-n", "-c", "1", "-W", "1", address), 20)


class TestBoxes(HttpsCase):
    """Boxes on the way to the edge's TCP port, with UDP dropped."""

    def test_passed_on(self):
        self.office.drop_udp()
        for start in (self.office.start_haproxy, self.office.start_nginx):
            with self.subTest(start.__name__):
                self.office.stop_programs()
                start()
                self.connect()
                self.works_by_https()

    def test_what_udp_does(self):
        """Why https is used is said: UDP is dropped, refused with ICMP, or stopped by this computer's own firewall."""
        def stop_here():
            self.mesh.machine("laptop").nft(OWN_FIREWALL)
        self.addCleanup(self.mesh.machine("laptop").run, "sh", "-c", "nft delete table inet own 2>/dev/null || true")
        for block, words in ((self.office.drop_udp, "something on the way drops them"), (self.office.reject_udp, "refuses packets"), (stop_here, "own firewall")):
            with self.subTest(block.__name__):
                self.office.close()
                block()
                self.connect()
                self.works_by_https()
                checks = json.loads(self.ctl("laptop", "diagnose", "--json").stdout)["checks"]
                found = [check for check in checks if check["check"] == "udp-blocked"]
                self.assertEqual([(check["ok"], check["warning"]) for check in found], [(None, True)], checks)
                self.assertIn(words, found[0]["message"])
                self.assertIn("UDP", found[0]["fix"])

    def test_cut_and_slow(self):
        """A box that closes each connection after some seconds, and one that hands on single bytes: it works."""
        self.office.drop_udp()
        for behaviour, argument in (("trickle", 5000), ("cut", 6)):
            with self.subTest(behaviour):
                self.office.stop_programs()
                box = self.office.start_bad_box(behaviour, argument)
                self.connect()
                self.works_by_https()
        wait_for("the third connection", lambda: len(self.office.seen(box)) >= 3, 60)
        self.works_by_https()

    def test_hurt_midway(self):
        """A box that resets, changes or holds what is under way, again and again, and one that is late: what is sent next gets through."""
        self.office.drop_udp()
        for behaviour, argument in (("reset", 40000), ("inject", 40000), ("hold", 40000), ("late", 0.3)):
            with self.subTest(behaviour):
                self.office.stop_programs()
                box = self.office.start_bad_box(behaviour, argument)
                self.connect()
                self.works_by_https()
                wait_for("the third connection", lambda b=box: behaviour == "late" or self.third_is_seen(b), 120)
                self.works_by_https()

    def third_is_seen(self, box):
        self.mesh.machine("laptop").run("ping", "-q", "-n", "-i", "0.01", "-c", "50", "-W", "1", "-s", "1000", self.status("nas")["addresses"][0], check=False)
        return len(self.office.seen(box)) >= 3

    def test_reader_of_tls(self):
        self.office.drop_udp()
        self.office.start_reader()
        self.connect(wait=False)
        status = wait_for("the reader is named", lambda: self.reasoned("tls-intercepted"), 40)
        self.assertIn("Office [31m TLS Inspection", status["message"])
        self.assertNotEqual(status["state"], "connected")

    def reasoned(self, *reasons):
        status = self.status("laptop")
        return status["reason"] in reasons and status

    def test_broken(self):
        """Neither connected nor silent about it, and no storm of connections."""
        self.office.drop_udp()
        for behaviour, argument in (("nonsense", ""), ("page", ""), ("silent", ""), ("cut", 0), ("reset", 50), ("inject", 50)):
            with self.subTest(behaviour=behaviour, argument=argument):
                self.office.stop_programs()
                box = self.office.start_bad_box(behaviour, argument)
                self.connect(wait=False)
                end = time.monotonic() + WATCHED_S
                reasons = set()
                while time.monotonic() < end:
                    status = self.status("laptop")
                    self.assertNotEqual(status["state"], "connected")
                    reasons.add(status["reason"])
                    time.sleep(0.5)
                self.assertTrue(reasons & {"edge-unreachable", "udp-blocked", "pin-mismatch", "edge-silent"}, reasons)
                self.assertLessEqual(len(self.office.seen(box)), TRIES_MAX)


class TestProxies(HttpsCase):
    """Nothing leaves the network but what its proxy connects."""

    def setUp(self):
        super().setUp()
        self.office.only_proxy()
        self.addCleanup(self.use, "")

    def use(self, url, mode="600"):
        self.mesh.machine("laptop").run("sh", "-c", "umask 077; cat >/var/lib/edgeway/proxy; chmod $0 /var/lib/edgeway/proxy", mode, input=url + "\n")

    def test_without_password(self):
        for start in (self.office.start_squid, self.office.start_tinyproxy):
            with self.subTest(start.__name__):
                self.office.stop_programs()
                start()
                self.use(self.office.proxy_url())
                self.connect()
                self.works_by_https()

    def test_basic(self):
        for start in (self.office.start_squid, self.office.start_tinyproxy):
            with self.subTest(start.__name__):
                self.office.stop_programs()
                start("joe", "secret1")
                self.use(self.office.proxy_url("joe:secret1"))
                self.connect()
                self.works_by_https()
                self.named("joe:wrong1", "600", "proxy-password", "user name and password")
                self.named("", "600", "proxy-password", "asks for a user name")
                self.named("joe:secret1", "644", "proxy-refused", "chmod 600")

    def named(self, credentials, mode, reason, words):
        """That the proxy can't be used is said, and why; a password never is."""
        self.ctl("laptop", "disconnect")
        self.use(self.office.proxy_url(credentials), mode)
        self.connect(wait=False)
        status = wait_for(words, lambda: self.status("laptop")["reason"] == reason and self.status("laptop"), 40)
        self.assertIn(words, status["message"])
        for secret in ("secret1", "wrong1"):
            self.assertNotIn(secret, status["message"])

    def test_cut_at_times(self):
        """An answer of HTTP/1.0 with headers that mean nothing, and a proxy that cuts what it connects."""
        for behaviour, argument in (("old", ""), ("cut", 6)):
            with self.subTest(behaviour):
                self.office.stop_programs()
                proxy = self.office.start_bad_proxy(behaviour, argument)
                self.use(self.office.proxy_url())
                self.connect()
                self.works_by_https()
        wait_for("the third connection", lambda: len(self.office.seen(proxy)) >= 3, 60)
        self.works_by_https()

    def test_broken(self):
        for behaviour, argument, words in (("nonsense", "", "isn't an HTTP proxy"), ("page", "", "isn't an HTTP proxy"), ("redirect", "", "302"), ("refuse", 403, "403"),
                                           ("refuse", 503, "503"), ("endless", "", "isn't an HTTP proxy"), ("silent", "", None)):
            with self.subTest(behaviour=behaviour, argument=argument):
                self.office.stop_programs()
                proxy = self.office.start_bad_proxy(behaviour, argument)
                self.use(self.office.proxy_url())
                self.connect(wait=False)
                if words:
                    status = wait_for(words, lambda: self.status("laptop")["reason"] == "proxy-refused" and self.status("laptop"), 40)
                    self.assertIn(words, status["message"])
                    self.diagnosed(words)
                time.sleep(WATCHED_S / 2)  # real time: how often it tries
                self.assertNotEqual(self.status("laptop")["state"], "connected")
                self.assertLessEqual(len(self.office.seen(proxy)), TRIES_MAX)

    def diagnosed(self, words):
        """What the proxy answers is said once, and what fails for it refers to that."""
        checks = {check["check"]: check for check in json.loads(self.ctl("laptop", "diagnose", "--json", check=False).stdout)["checks"]}
        self.assertIn(words, checks["proxy"]["message"])
        self.assertEqual((checks["edge-tcp"]["message"], checks["edge-tcp"]["fix"]), ("The edge's API can't be reached through the HTTP proxy.", 'See the check "proxy".'))


class TestNarrowLine(HttpsCase):
    """40 ms and 1 % loss: TCP inside TCP doesn't collapse."""

    SERVER = ("import socket\ns=socket.create_server(('0.0.0.0',7001))\nprint('ready',flush=True)\nwhile True:\n  c,_=s.accept()\n  n=0\n"
              "  while True:\n    d=c.recv(65536)\n    if not d: break\n    n+=len(d)\n  c.sendall(str(n).encode())\n  c.close()")
    CLIENT = ("import socket,sys\nc=socket.create_connection((sys.argv[1],7001),30)\nc.sendall(bytes(int(sys.argv[2])))\nc.shutdown(socket.SHUT_WR)\nassert int(c.recv(99))==int(sys.argv[2])")

    def transfer(self, address):
        """Seconds."""
        begun = time.monotonic()
        self.mesh.machine("laptop").run("/usr/bin/python3", "-c", self.CLIENT, address, str(TRANSFER), timeout=300)
        return time.monotonic() - begun

    def test_nested_tcp(self):
        laptop, nas = self.mesh.machine("laptop"), self.mesh.machine("nas")
        self.ctl("laptop", "disconnect")
        laptop.ip("link", "del", "eth0")
        line = DelayLine(laptop, "eth0", self.office.router, "lan", delay=20, loss=1, seed=3)
        self.addCleanup(line.close)
        laptop.ip("addr", "add", f"192.168.{self.office.number}.2/24", "dev", "eth0")
        self.office.router.ip("addr", "add", f"192.168.{self.office.number}.1/24", "dev", "lan")
        laptop.default_route(self.office.address)
        for machine in (nas, self.mesh.machine("internet")):
            machine.start("/usr/bin/python3", "-c", self.SERVER, log="server")
            wait_for("the server", lambda m=machine: m.ok("sh", "-c", "ss -Hltn sport = :7001 | grep -q ."), 10)
        plain = self.transfer("203.0.113.1")
        self.office.drop_udp()
        self.connect()
        self.works_by_https()
        through = self.transfer(self.status("nas")["addresses"][0])
        # Not a measurement: a collapse takes minutes, or never ends.
        self.assertLess(through, 10 * plain + 30)


if __name__ == "__main__":
    unittest.main()
