# SPDX-License-Identifier: GPL-3.0-or-later
"""A network that lets nothing out but what its HTTP proxy connects (tests/lib/proxies.py): joining, the API, the map and leaving go through the proxy, too.

Whatever the proxy answers is said, and no key is used up by it. Nothing secret is in a log, and the proxy sees TLS alone."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from demo_mesh import EDGE_ADDRESS  # noqa: E402
from mesh_case import MeshCase, wait_for  # noqa: E402
from proxies import Office, missing_programs  # noqa: E402

ENROLL_S = 45  # real time: an enrollment that can't succeed has ended by then
TRIES_MAX = 8  # connections to a proxy during one that failed
PASSWORDS = ("secret1", "wrong1")


HOSTS = f"127.0.0.1 localhost\n{EDGE_ADDRESS} edge.example.org\n"


class ProxyCase(MeshCase):
    SITES = ("laptop", "nas")
    JOIN = ("nas",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mesh.start_daemon("laptop")

    def setUp(self):
        self.assertEqual(missing_programs(), [])
        self.office = Office(self.mesh, "laptop")
        self.office.only_proxy()
        self.addCleanup(self.restore)
        self.key = self.ctl("nas", "node", "add", "laptop").stdout.strip()

    def restore(self):
        self.ctl("laptop", "leave", check=False)
        self.ctl("laptop", "proxy", "auto")
        self.office.close()
        self.ctl("nas", "node", "remove", "laptop", check=False)

    def use(self, user=None, password=None):
        url = f"http://{self.office.address}:3128"
        if user:
            self.ctl("laptop", "proxy", "set", url, "--user", user, "--password-file", "-", input=password + "\n")
        else:
            self.ctl("laptop", "proxy", "set", url)

    def enroll(self, **options):
        return self.ctl("laptop", "enroll", "--name", "laptop", "--key-file", "-", input=self.key + "\n", timeout=ENROLL_S + 15, **options)

    def is_in_mesh(self):
        """By https, with the map, the API, and a node behind the edge."""
        wait_for("laptop is connected by https", lambda: self.status("laptop")["state"] == "connected" and self.status("laptop")["edge"]["transport"] == "https", 50)
        names = [node["name"] for node in self.mesh.ctl_json("laptop", "map")["nodes"]]
        self.assertEqual(sorted(names), ["laptop", "nas"])
        self.assertIn("laptop", self.ctl("laptop", "node", "list").stdout)
        address = self.status("nas")["addresses"][0]
        wait_for("nas answers", lambda: self.mesh.machine("laptop").ok("ping", "-n", "-c", "1", "-W", "1", address), 20)


class TestProxiesJoin(ProxyCase):
    def test_join_and_leave(self):
        for start, credentials in ((self.office.start_squid, ()), (self.office.start_squid, ("joe", "secret1")),
                                   (self.office.start_tinyproxy, ()), (self.office.start_tinyproxy, ("joe", "secret1"))):
            with self.subTest(start.__name__, credentials=credentials):
                self.office.stop_programs()
                start(*credentials)
                self.use(*credentials)
                self.enroll()
                self.is_in_mesh()
                self.assertEqual(self.status("laptop")["proxy"], {"choice": f"http://{self.office.address}:3128", "in_use": f"{self.office.address}:3128", "asks_password": False})
                left = self.ctl("laptop", "leave")
                self.assertNotIn("couldn't be told", left.stderr)
                self.key = self.ctl("nas", "node", "add", "laptop").stdout.strip()

    def fails(self, *words):
        begun = time.monotonic()
        line = self.refused("laptop", "enroll", "--name", "laptop", "--key-file", "-", input=self.key + "\n", timeout=ENROLL_S + 15, says=words)
        self.assertLess(time.monotonic() - begun, ENROLL_S)
        for password in PASSWORDS:
            self.assertNotIn(password, line)

    def test_wrong_password(self):
        for start in (self.office.start_squid, self.office.start_tinyproxy):
            with self.subTest(start.__name__):
                self.office.stop_programs()
                start("joe", "secret1")
                self.use()
                self.fails("asks for a user name and a password")
                self.assertTrue(self.status("laptop")["proxy"]["asks_password"])
                self.use("joe", "wrong1")
                self.fails("doesn't accept the user name and password")
                self.ctl("laptop", "proxy", "password", "--user", "joe", "--password-file", "-", input="secret1\n")
                self.enroll()
                self.is_in_mesh()
                self.ctl("laptop", "leave")
                self.key = self.ctl("nas", "node", "add", "laptop").stdout.strip()
        with open(os.path.join(self.mesh.machine("laptop").log_dir, "edgewayd.log")) as log:
            said = log.read()
        for password in PASSWORDS:
            self.assertNotIn(password, said)
        self.assertEqual(self.mesh.machine("laptop").run("stat", "-c", "%a %U", "/var/lib/edgeway/proxy").stdout.strip(), "600 root")

    def test_bad_proxies(self):
        for behaviour, argument, words in (("nonsense", "", "isn't an HTTP proxy"), ("page", "", "isn't an HTTP proxy"), ("redirect", "", "302"), ("refuse", 403, "403"),
                                           ("refuse", 503, "503"), ("refuse", 407, "asks for a user name"), ("endless", "", "isn't an HTTP proxy"), ("silent", "", "no answer in time"),
                                           ("cut", 0, "can't be reached")):
            with self.subTest(behaviour=behaviour, argument=argument):
                self.office.stop_programs()
                proxy = self.office.start_bad_proxy(behaviour, argument)
                self.use()
                self.fails(words)
                seen = self.office.seen(proxy)
                self.assertLessEqual(len(seen), TRIES_MAX)
                self.assertEqual(set(seen), {f"CONNECT {EDGE_ADDRESS}:443 HTTP/1.1"})
        self.office.stop_programs()
        self.fails("The proxy", "Connection refused")
        self.office.start_bad_proxy("old")
        self.enroll()
        self.is_in_mesh()

    def test_reader_of_tls(self):
        """Where something reads TLS, it's named, and gets nothing."""
        self.ctl("laptop", "proxy", "off")
        self.office.start_reader()
        self.fails("reads TLS", "TLS Inspection")

    def test_without_proxy(self):
        self.ctl("laptop", "proxy", "off")
        self.fails("can't be reached")


class TestName(ProxyCase):
    """Nobody in the laptop's network knows the edge's name but the proxy."""

    @classmethod
    def prepare(cls):
        cls.mesh.public = "edge.example.org:443"
        for name in ("nas", "nat-11"):
            cls.mesh.machine(name).mask("/etc/hosts", HOSTS, 0o644)

    def test_name(self):
        self.assertFalse(self.mesh.machine("laptop").ok("getent", "hosts", "edge.example.org"))
        self.office.start_squid()
        self.use()
        self.enroll()
        self.is_in_mesh()
        self.ctl("laptop", "disconnect")
        self.ctl("laptop", "connect")
        self.is_in_mesh()


if __name__ == "__main__":
    unittest.main()
