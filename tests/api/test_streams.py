# SPDX-License-Identifier: GPL-3.0-or-later
"""connect-udp on the edge's TCP port (RFC 9298): whom it's opened for, and when it ends."""

import concurrent.futures
import os
import socket
import ssl
import struct
import time
import unittest
import unittest.mock

from edge import SLOW, Edge
from openssl import TLS_1_2, UPDATE_NOT_REQUESTED, UPDATE_REQUESTED, Tls

PROOF_SECONDS = 10
UPGRADE = "Connection: Upgrade\r\nUpgrade: connect-udp\r\nCapsule-Protocol: ?1\r\n"
UNKNOWN = b"\x2c\x03abc"  # a capsule of another type


class StreamCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with unittest.mock.patch.dict(os.environ, EDGEWAY_DEBUG="1"):  # it says why a stream ended
            cls.edge = Edge().start()
        cls.addClassCleanup(cls.edge.remove)
        cls.admin = cls.edge.join(cls.edge.first_key(), "admin")

    def tearDown(self):
        self.assertEqual(self.admin.call("GET", "/v1/self").status, 200, "the edge goes on")
        self.assertIsNone(self.edge.process.poll())

    def ask(self, target=None, headers=UPGRADE, method="GET", before="", version="HTTP/1.1", source="127.0.0.1"):
        """The connection and the head of the answer; what follows it is left unread."""
        stream = self.edge.connect(source)
        self.addCleanup(stream.close)
        return stream, *self.upgrade(stream, target, headers, method, before, version)

    def upgrade(self, stream, target=None, headers=UPGRADE, method="GET", before="", version="HTTP/1.1"):
        path = f"{before}/.well-known/masque/udp/{target or f'127.0.0.1/{self.edge.port}'}/"
        stream.sendall(f"{method} {path} {version}\r\nHost: e\r\n{headers}\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = stream.recv(1)
            if not byte:
                break
            head += byte
        lines = head.decode().split("\r\n")
        return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}


class Streams(StreamCase):
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
        talking.sendall(b"\x00\x05\x00\x04\x00\x00\x00" + UNKNOWN + b"\x00\x40\x95\x00\x01\x00\x00\x00" + b"x" * 144)
        self.ends(silent)
        self.ends(talking)


class Ends(StreamCase):
    """One stream after the other, and what the edge says about its end."""

    def reasons(self):
        return [line.partition(" ended: ")[2] for line in self.edge.log().splitlines() if "https: stream" in line]

    def next_reason(self, before):
        """Why the stream ended that did after those."""
        end = time.monotonic() + PROOF_SECONDS * SLOW
        while len(found := self.reasons()) <= len(before) and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(len(found), len(before) + 1, found)
        return found[-1]

    def reason_after(self, data, end=lambda stream: None):
        before = self.reasons()
        stream, status, _ = self.ask()
        self.assertEqual(status, 101)
        try:
            stream.sendall(data)
            end(stream)
        except OSError:  # it needn't wait until all has come
            pass
        return self.next_reason(before)

    def test_capsules(self):
        """Whole ones of any type are read on; what is cut, longer than a datagram, or has no room for its context isn't."""
        endless = b"\x1f" + b"\xff" * 8  # the longest that there can be
        closes = ssl.SSLSocket.unwrap

        def resets(stream):
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket(fileno=stream.detach()).close()
        for data, end, reason in (
                (UNKNOWN, closes, "the other end closed it"), (b"", closes, "the other end closed it"), (UNKNOWN[:-1], closes, "it was cut inside a capsule"),
                (b"\x00", closes, "it was cut inside a capsule"), (b"\x00\x40\x95\x00" + b"x" * 100, closes, "it was cut inside a capsule"),
                (UNKNOWN + b"\x00\x80\x00\xff\xf9\x00", None, "what came isn't in capsules"), (b"\x00" + b"\xff" * 8 + b"\x00", None, "what came isn't in capsules"),
                (b"\x00\x00", None, "what came isn't in capsules"), (endless, closes, "it was cut inside a capsule"),
                (endless + bytes(300000), None, "nothing of a node's came through it, but much else"), (UNKNOWN, resets, "the connection was cut")):
            with self.subTest(data=data[:12], length=len(data)):
                self.assertEqual(self.reason_after(data, *(() if end is None else (end,))), reason)

    def openssl(self, highest=None):
        stream = Tls(self.edge.port, highest)
        self.addCleanup(stream.close)
        self.assertEqual(self.upgrade(stream)[0], 101)
        return stream

    def test_updated_keys(self):
        """Some new keys are followed, in both directions; a stream that does nothing else ends."""
        before = self.reasons()
        stream = self.openssl()
        for kind in (UPDATE_NOT_REQUESTED, UPDATE_REQUESTED, UPDATE_REQUESTED):
            self.assertTrue(stream.update_keys(kind))
            stream.sendall(UNKNOWN)
        stream.sendall(b"\x00\x00")
        self.assertEqual(stream.recv(1), b"")
        self.assertEqual(self.next_reason(before), "what came isn't in capsules", "the keys were followed")
        for kind in (UPDATE_NOT_REQUESTED, UPDATE_REQUESTED):
            with self.subTest(kind=kind):
                before, stream = self.reasons(), self.openssl()
                for _ in range(100_000):
                    if not stream.update_keys(kind):
                        break
                self.assertEqual(self.next_reason(before), "the connection was cut")

    def test_second_handshake(self):
        """TLS 1.2 would let a client ask for one after the other: no stream is made of it."""
        stream = Tls(self.edge.port, TLS_1_2)
        self.addCleanup(stream.close)
        self.assertEqual(self.upgrade(stream)[0], 400)
        before, stream = self.reasons(), self.openssl()
        self.assertFalse(stream.renegotiate(), "TLS 1.3 has none")
        stream.sendall(b"\x00\x00")
        self.assertEqual(self.next_reason(before), "what came isn't in capsules")


if __name__ == "__main__":
    unittest.main()
