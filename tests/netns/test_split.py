# SPDX-License-Identifier: GPL-3.0-or-later
"""Split tunnel: what is excluded stays outside, what alone is included goes through, and the local network can be closed. Both families; a program
that binds its socket to an interface gets no further."""
import contextlib
import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from host_world import CLIENT, MESH, SITE, SITE6, Session, World, inside  # noqa: E402

VPN = f"apply {MESH} vpn"
TUNNEL, TUNNEL6, OUTSIDE, OUTSIDE6 = "b 100.96.1.7", "b fd45::7", "o 192.168.7.2", "o 2001:db8:7::2"


class Split(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.before = cls.world.settled_snapshot()

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.tidy)
        self.driver = self.stack.enter_context(self.world.driver())

    def tidy(self):
        self.driver.do("undo")
        self.stack.close()
        self.assertEqual(self.world.snapshot(), self.before)

    def seen(self):
        return self.world.seen(SITE), self.world.seen(SITE6)

    def bound(self, address, device="eth0"):
        """What a socket that is bound to the uplink gets."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with inside(self.world.host):
            client = socket.socket(family, socket.SOCK_STREAM)
        with client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            client.settimeout(1)
            try:
                client.connect((address, 80))
                return client.recv(100).decode()
            except OSError as error:
                return type(error).__name__

    def test_excluded(self):
        self.driver.do(f"{VPN} exclude=198.51.100.0/24")
        self.assertEqual(self.seen(), (OUTSIDE, TUNNEL6))
        self.driver.do(f"{VPN} exclude={SITE6}/128 exclude=203.0.113.0/24")
        self.assertEqual(self.seen(), (TUNNEL, OUTSIDE6))
        self.assertEqual(self.bound(SITE), "TimeoutError")
        self.assertEqual(self.bound(SITE6), OUTSIDE6)
        # What the mesh has stays the mesh's, whatever is excluded around it.
        self.driver.do(f"{VPN} exclude=10.0.0.0/8")
        self.assertEqual(self.world.seen("10.9.0.5"), TUNNEL)
        self.driver.do(VPN)
        self.assertEqual(self.seen(), (TUNNEL, TUNNEL6))

    def test_included(self):
        self.driver.do(f"{VPN} include=198.51.100.0/24")
        self.assertEqual(self.seen(), (TUNNEL, OUTSIDE6))
        self.assertEqual(self.bound(SITE), "TimeoutError")
        self.assertEqual(self.world.seen("100.96.2.2"), TUNNEL)
        self.assertEqual(self.world.seen("192.168.55.10"), "i 192.168.55.1")
        # An exception inside it.
        self.driver.do(f"{VPN} include=198.51.0.0/16 exclude={SITE}/32 include=2001:db8:5::/48")
        self.assertEqual(self.seen(), (OUTSIDE, TUNNEL6))
        # The mesh has no IPv6: refused at once, not outside.
        self.driver.do("apply address=100.96.1.7 route=100.96.0.0/12 mesh=100.96.0.0/12 vpn include=2001:db8:5::/48")
        self.assertEqual(self.world.seen(SITE), OUTSIDE)
        self.assertRegex(self.world.seen(SITE6), "Refused|OSError 101|OSError 113")
        self.driver.do(f"{VPN} include=198.51.100.0/24")
        session = Session(self.world)  # a server's answers leave the way they came
        self.stack.callback(session.close)
        self.assertTrue(session.works())

    def test_lan_blocked(self):
        self.driver.do(f"{VPN} lan-blocked")
        self.assertEqual(self.seen(), (TUNNEL, TUNNEL6))
        self.assertRegex(self.world.seen("192.168.7.1"), "^OSError|^PermissionError")  # at once
        # lan0 has no port that leads out: a network that this computer makes for itself.
        self.assertEqual(self.world.seen("192.168.55.10"), "i 192.168.55.1")
        self.assertEqual(self.world.seen("100.96.2.2"), TUNNEL)
        # Whoever comes from there is answered, and the link goes on working.
        session = Session(self.world, client="192.168.7.1")
        self.stack.callback(session.close)
        self.assertTrue(session.works())
        self.world.sh(self.world.host, "ip -6 neigh flush dev eth0; ip neigh flush dev eth0")
        later = Session(self.world, client=CLIENT, port=2223)
        self.stack.callback(later.close)
        self.assertTrue(later.works())
        self.driver.do(VPN)
        self.assertEqual(self.world.seen("192.168.55.10"), "i 192.168.55.1")

    def test_names(self):
        """Questions to an excluded name server go there, all others to the edge; with a list of what alone goes through, nobody's are led away."""
        with inside(self.world.outside):
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.stack.callback(server.close)
        server.bind((SITE, 53))
        server.settimeout(1)
        for options, arrives in (("", False), (f" exclude={SITE}/32", True), (" include=203.0.113.0/24", True)):
            with self.subTest(options):
                self.driver.do(f"{VPN} dns=100.96.0.1{options}")
                with inside(self.world.host):
                    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                with client:
                    with contextlib.suppress(OSError):
                        client.connect((SITE, 53))
                        client.send(b"question")
                    try:
                        self.assertEqual((server.recv(20), arrives), (b"question", True))
                    except TimeoutError:
                        self.assertFalse(arrives)


if __name__ == "__main__":
    unittest.main()
