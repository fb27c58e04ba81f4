# SPDX-License-Identifier: GPL-3.0-or-later
"""connect-udp on the edge's TCP port (RFC 9298): whom it's opened for, and when it ends."""

import concurrent.futures
import ssl
import time
import unittest

from edge import SLOW, Edge

PROOF_SECONDS = 10


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edge = Edge().start()
        cls.addClassCleanup(cls.edge.remove)
        cls.admin = cls.edge.join(cls.edge.first_key(), "admin")

    def tearDown(self):
        self.assertEqual(self.admin.call("GET", "/v1/self").status, 200, "the edge goes on")
        self.assertIsNone(self.edge.process.poll())

    def ask(self, target=None, headers="Connection: Upgrade\r\nUpgrade: connect-udp\r\nCapsule-Protocol: ?1\r\n", method="GET", before="", version="HTTP/1.1", source="127.0.0.1"):
        """The connection and the head of the answer; what follows it is left unread."""
        stream = self.edge.connect(source)
        self.addCleanup(stream.close)
        path = f"{before}/.well-known/masque/udp/{target or f'127.0.0.1/{self.edge.port}'}/"
        stream.sendall(f"{method} {path} {version}\r\nHost: e\r\n{headers}\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = stream.recv(1)
            if not byte:
                break
            head += byte
        lines = head.decode().split("\r\n")
        return stream, int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}

    def test_upgraded(self):
        for more in ({}, {"before": f"https://127.0.0.1:{self.edge.port}"}, {"headers": "connection: keep-alive, upgrade\r\nupgrade: Connect-UDP\r\n"}):
            _, status, headers = self.ask(**more)
            self.assertEqual(status, 101, more)
            self.assertEqual((headers["upgrade"], headers["connection"].lower(), headers["capsule-protocol"]), ("connect-udp", "upgrade", "?1"))
            self.assertNotIn("content-length", headers)

    def test_elsewhere(self):
        """Only to itself: not to another host, not to another port of one of its names, and it says so as RFC 9209 does."""
        for target in ("198.51.100.1/443", "example.com/53", "2001%3Adb8%3A%3A1/443", "localhost/22"):
            _, status, headers = self.ask(target)
            self.assertEqual(status, 403, target)
            self.assertIn("destination_ip_prohibited", headers["proxy-status"])

    def test_invalid(self):
        upgrade = "Connection: Upgrade\r\nUpgrade: connect-udp\r\n"
        for more in ({"headers": ""}, {"headers": "Connection: Upgrade\r\nUpgrade: websocket\r\n"}, {"headers": "Upgrade: connect-udp\r\n"}, {"target": "a"}, {"target": "a/0"},
                     {"target": "a/70000"}, {"target": "a%00/1"}, {"method": "POST", "headers": upgrade + "Content-Length: 0\r\n"}, {"version": "HTTP/1.0", "headers": upgrade}):
            _, status, _ = self.ask(**more)
            self.assertEqual(status, 400, more)

    def test_crowd(self):
        """Strangers from one address take all its places (256): whoever comes next gets the oldest one's."""
        first, status, _ = self.ask()
        self.assertEqual(status, 101)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:  # within PROOF_SECONDS
            for _, status, _ in pool.map(lambda _: self.ask(), range(256)):
                self.assertEqual(status, 101)
        self.ends(first)

    def test_crowds(self):
        """Strangers from many addresses have 512 places in all, and the one who is alone keeps its own."""
        begun = time.monotonic()
        alone, status, _ = self.ask(source="127.0.0.2")
        self.assertEqual(status, 101)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            crowd = [stream for stream, _, _ in pool.map(lambda i: self.ask(source=f"127.0.0.{3 + i % 3}"), range(600))]
        if time.monotonic() - begun >= PROOF_SECONDS - 1:
            self.skipTest("this computer is too slow")
        for stream in (alone, *crowd):
            stream.setblocking(False)
        while not self.has_ended(alone) and sum(map(self.has_ended, crowd)) < 1 + len(crowd) - 512:
            time.sleep(0.1)
        self.assertFalse(self.has_ended(alone), "it was the oldest, so its time was up before anybody made room")

    def has_ended(self, stream):
        try:
            return stream.recv(1) == b""
        except ssl.SSLWantReadError:
            return False
        except OSError:
            return True

    def ends(self, stream):
        stream.settimeout(PROOF_SECONDS * 5)
        begun = time.monotonic()
        try:
            self.assertEqual(stream.recv(1), b"")
        except ConnectionError:
            pass
        return time.monotonic() - begun

    def test_strangers(self):
        """Bytes that aren't capsules end it at once; capsules that aren't a node's packets, and silence, when its time is up."""
        broken, _, _ = self.ask()
        broken.sendall(b"\x00\x00")
        self.assertLess(self.ends(broken), PROOF_SECONDS * SLOW)
        silent, _, _ = self.ask()
        talking, _, _ = self.ask()
        talking.sendall(b"\x00\x05\x00\x04\x00\x00\x00" + b"\x2c\x03abc" + b"\x00\x40\x95\x00\x01\x00\x00\x00" + b"x" * 144)
        self.ends(silent)
        self.ends(talking)


if __name__ == "__main__":
    unittest.main()
