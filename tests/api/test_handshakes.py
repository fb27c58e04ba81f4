# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS 1.2 lets a caller ask for one handshake after the other (RFC 5746): the API's port has one for each connection, whatever has been sent before."""

import socket
import struct
import time
import unittest

from edge import SLOW, Edge
from openssl import TLS_1_2, Tls

REQUEST = b"GET /v1/nothing HTTP/1.1\r\nHost: e\r\n\r\n"
PROMISE = 1  # s, the worst answer


class Handshakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edge = Edge().start()
        cls.addClassCleanup(cls.edge.remove)
        cls.admin = cls.edge.join(cls.edge.first_key(), "admin")

    def tearDown(self):
        self.assertEqual(self.admin.call("GET", "/v1/self").status, 200, "the edge goes on")
        self.assertIsNone(self.edge.process.poll())

    def connect(self):
        connection = Tls(self.edge.port, TLS_1_2)
        self.addCleanup(connection.close)
        return connection

    def answer(self, connection):
        answer = b""
        while part := connection.recv(4096):
            answer += part
        return answer

    def test_once(self):
        """A caller with TLS 1.2 is served, in as many pieces as it likes."""
        for n in (len(REQUEST), 1):
            connection = self.connect()
            for at in range(0, len(REQUEST), n):
                connection.sendall(REQUEST[at:at + n])
            self.assertRegex(self.answer(connection), rb"^HTTP/1\.1 40[14] ")

    def test_twice(self):
        """Before, within and after its request."""
        for sent in (0, 10, len(REQUEST)):
            with self.subTest(sent=sent):
                connection = self.connect()
                connection.sendall(REQUEST[:sent])
                self.assertFalse(connection.renegotiate())
                self.assertEqual(connection.recv(1), b"")

    def test_held(self):
        """More callers begin a second handshake, and leave it at that, than the edge has threads for all handshakes: the others are answered."""
        crowd = [self.connect() for _ in range(60)]
        for connection in crowd:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, 1))  # it waits for no answer
            connection.sendall(REQUEST[:10])
            connection.renegotiate()
        for _ in range(3):
            begun = time.monotonic()
            self.assertEqual(self.admin.call("GET", "/v1/self").status, 200)
            self.assertLess(time.monotonic() - begun, PROMISE * SLOW)


if __name__ == "__main__":
    unittest.main()
