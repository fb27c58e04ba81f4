# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that other tests are hindered by (tests/lib/proxies.py) do hinder, as curl and plain sockets see it: no tunnel is in here."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from demo_mesh import EDGE_ADDRESS  # noqa: E402
from mesh_case import MeshCase  # noqa: E402
from proxies import Office, missing_programs  # noqa: E402

EDGE = f"https://{EDGE_ADDRESS}/"
UDP = "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.settimeout(1)\ns.connect(('203.0.113.1',5353))\ns.send(b'?')\nprint(s.recv(9))"
ECHO = "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('203.0.113.1',5353))\nwhile True:\n  d,a=s.recvfrom(9)\n  s.sendto(d,a)"


class TestOffice(MeshCase):
    JOIN = ()

    def setUp(self):
        self.assertEqual(missing_programs(), [])
        self.office = Office(self.mesh, "laptop")
        self.addCleanup(self.office.close)
        self.laptop = self.mesh.machine("laptop")

    def _curl(self, *argv):
        """curl's exit code, and what it says of TLS and HTTP. Whatever the edge answers is an answer."""
        script = 'curl "$@" 2>&1 | LC_ALL=C tr -cd "\\11\\12\\40-\\176"'
        said = self.laptop.run("sh", "-c", script, "sh", "-ksv", "-m", "4", "-o", "/dev/null", "-w", "\nexit %{exitcode}\n", *argv, EDGE).stdout
        return int(said.rpartition("exit ")[2]), said

    def _through(self, *argv):
        code, said = self._curl(*argv)
        self.assertEqual(code, 0, said)
        self.assertIn("O=Edgeway", said)
        return said

    def test_udp_dropped(self):
        self.mesh.machine("internet").start("/usr/bin/python3", "-c", ECHO, log="echo")
        self.assertTrue(self.wait_udp())
        self.office.drop_udp()
        self.assertFalse(self.laptop.ok("/usr/bin/python3", "-c", UDP))
        self._through()

    def wait_udp(self):
        return any(self.laptop.ok("/usr/bin/python3", "-c", UDP) for _ in range(10))

    def test_only_proxies(self):
        self.office.only_proxy()
        self.assertEqual(self._curl()[0], 28)
        for start in (self.office.start_squid, self.office.start_tinyproxy):
            with self.subTest(start.__name__):
                self.office.stop_programs()
                start()
                self._through("-x", self.office.proxy_url())

    def test_basic(self):
        self.office.only_proxy()
        for start in (self.office.start_squid, self.office.start_tinyproxy):
            with self.subTest(start.__name__):
                self.office.stop_programs()
                start("joe", "secret1")
                code, said = self._curl("-x", self.office.proxy_url())
                self.assertEqual(code, 56)
                self.assertIn(" 407 ", said)
                self.assertEqual(self._curl("-x", self.office.proxy_url("joe:wrong"))[0], 56)
                self._through("-x", self.office.proxy_url("joe:secret1"))

    def test_boxes_pass_on(self):
        for start in (self.office.start_haproxy, self.office.start_nginx):
            with self.subTest(start.__name__):
                self.office.stop_programs()
                start()
                self._through()

    def test_reader_of_tls(self):
        self.office.start_reader()
        code, said = self._curl()
        self.assertEqual(code, 0, said)
        self.assertRegex(said, "issuer: O=Office.* TLS Inspection")
        self.assertNotIn("O=Edgeway", said)

    def test_bad_proxies(self):
        self.office.only_proxy()
        for behaviour, argument, codes in (("nonsense", "", (1, 43, 56)), ("page", "", (35, 56)), ("redirect", "", (56,)), ("refuse", 407, (56,)), ("refuse", 503, (56,)), ("silent", "", (28,)),
                                           ("endless", "", (56, 27, 100)), ("old", "", (0,)), ("cut", 0, (35,)), ("reset", 50, (35,)), ("inject", 50, (35,)), ("trickle", 3000, (0,))):
            with self.subTest(behaviour):
                self.office.stop_programs()
                process = self.office.start_bad_proxy(behaviour, argument)
                code, said = self._curl("-x", self.office.proxy_url())
                self.assertIn(code, codes, said)
                self.assertEqual(self.office.seen(process), [f"CONNECT {EDGE_ADDRESS}:443 HTTP/1.1"])

    def test_bad_boxes(self):
        for behaviour, argument, codes in (("nonsense", "", (35,)), ("page", "", (35,)), ("silent", "", (28,)), ("cut", 0, (35,)), ("reset", 50, (35,)), ("inject", 50, (35,)), ("trickle", 3000, (0,))):
            with self.subTest(behaviour):
                self.office.stop_programs()
                self.office.start_bad_box(behaviour, argument)
                code, said = self._curl()
                self.assertIn(code, codes, said)


if __name__ == "__main__":
    import unittest
    unittest.main()
