# SPDX-License-Identifier: GPL-3.0-or-later
"""Invalid requests, and those that come too late or are too large, are refused or dropped, and the edge keeps working."""

import concurrent.futures
import json
import os
import random
import select
import socket
import ssl
import subprocess
import threading
import time
import unittest
import unittest.mock
import urllib.parse
import warnings

from edge import ISOLATED, SLOW, Edge, Node


class Bytes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edge = Edge().start()
        cls.addClassCleanup(cls.edge.remove)
        cls.admin = cls.edge.join(cls.edge.first_key(), "admin")
        cls.await_half_open()

    def tearDown(self):
        self.assertEqual(self.admin.call("GET", "/v1/self").status, 200, "the edge goes on")
        self.assertIsNone(self.edge.process.poll())

    def post(self, body):
        return self.admin.call("POST", "/v1/keys", body)

    def test_bodies_that_are_not_objects(self):
        deep = b'{"a":' * 40 + b"1" + b"}" * 40
        for body in (b"", b" ", b"{", b"[]", b"null", b"5", b'"x"', b"{}{}", b'{"kind":"server"', b'{"kind":}', b"\xff\xfe", b'{"kind":"\xff"}', b'{"kind":"server\x00"}', b"\x00" * 100,
                     deep, b"[" * 60000, b'{"a":' * 10000, b'{"kind":"server",}', b"\x16\x03\x01"):
            answer = self.post(body)
            self.assertEqual((answer.status, answer.code), (400, "InvalidArgument"), (body[:40], answer))
        self.assertEqual(self.post(b'{"kind":"server","unknown":{"a":[1,2,{"b":null}]}}').status, 200, "unknown fields are passed over")
        self.assertEqual(self.post(b'{"kind":"server"}' + b" " * 60000).status, 200)

    def test_a_name_cut_within_a_character(self):
        """A refusal quotes a shortened text; the answer is still JSON."""
        for n in range(58, 66):
            name = "a" * n + "\u00e9" * 20
            answer = self.admin.call("GET", "/v1/nodes/" + urllib.parse.quote(name))
            self.assertEqual((answer.status, answer.code), (404, "NotFound"), (n, answer))
            answer = self.admin.call("POST", "/v1/routes", {"cidr": name, "node": "admin"})
            self.assertEqual((answer.status, answer.code), (422, "RouteInvalid"), (n, answer))

    def test_oversized_body(self):
        for size in (64 * 1024 + 1, 100_000, 900_000):
            answer = self.post(b'{"kind":"server","x":"' + b"a" * (size - 24) + b'"}')
            self.assertEqual((answer.status, answer.code), (413, "TooLarge"), size)
        fits = b'{"kind":"server","x":"' + b"a" * (64 * 1024 - 24) + b'"}'
        self.assertEqual(len(fits), 64 * 1024)
        self.assertEqual(self.post(fits).status, 200)

    def test_endless_body(self):
        """Chunked without an end: closed after a megabyte, not kept."""
        sent, closed, end = 0, False, time.monotonic() + 5 * SLOW
        with self.edge.connect() as stream:
            stream.sendall(b"POST /v1/enroll HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n")
            stream.setblocking(False)
            while not closed and sent < 64_000_000 and time.monotonic() < end:
                # Where the edge reads no more, a write waits; that it closed is to be read.
                select.select([stream], [stream], [], SLOW)
                try:
                    closed = stream.recv(65536) == b""
                except ssl.SSLWantReadError:
                    pass
                except OSError:
                    closed = True
                try:
                    sent += stream.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                except ssl.SSLWantWriteError:
                    time.sleep(0.001)
                except OSError:
                    closed = True
        self.assertTrue(closed, sent)
        self.assertLess(sent, 32_000_000)

    def refused_at_once(self, headers, body=b""):
        """Answered before the body is there, and within the promise of a second."""
        begin = time.monotonic()
        answer = self.edge.raw(f"POST /v1/enroll HTTP/1.1\r\nHost: e\r\n{headers}\r\n\r\n".encode() + body)
        self.assertLess(time.monotonic() - begin, 5, headers)
        head, _, text = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(text)["error"]["code"] if text else None

    def test_declared_length(self):
        for length in ("-1", "x", "+5", "0x10", "5, 5", "1 2", ""):
            self.assertEqual(self.refused_at_once(f"Content-Length: {length}")[0], 400, length)
        for length in ("99999999999999999999", "18446744073709551616", "9223372036854775807", "65537", "10000000"):
            self.assertEqual(self.refused_at_once(f"Content-Length: {length}"), (413, "TooLarge"), length)
            self.assertEqual(self.refused_at_once(f"Content-Length: {length}\r\nExpect: 100-continue"), (413, "TooLarge"), length)
        self.assertEqual(self.refused_at_once("Content-Length: -1\r\nExpect: 100-continue"), (400, "InvalidArgument"))
        self.assertEqual(self.refused_at_once("Content-Length: 900000", b"x" * 900_000), (413, "TooLarge"), "what was under way is taken")

    def test_oversized_headers(self):
        for size in (17_000, 60_000):
            answer = self.edge.get("/v1/mesh", headers={"X-Long": "a" * size})
            self.assertEqual((answer.status, answer.code), (413, "TooLarge"))
        answer = self.edge.raw(b"GET /v1/mesh HTTP/1.1\r\nHost: e\r\nX: " + b"a" * 3_000_000)
        self.assertFalse(answer.startswith(b"HTTP/1.1 200"), answer[:100])
        answer = self.edge.raw(b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n")
        self.assertFalse(answer.startswith(b"HTTP/1.1 200"), answer[:100])

    def test_ranges_are_not_multiplied(self):
        many = ",".join(f"0-{i}" for i in range(500))
        answer = self.edge.get("/v1/mesh", headers={"Range": f"bytes={many}"})
        self.assertEqual(answer.status, 200)
        self.assertLess(len(answer.raw), 1000)

    @unittest.skipUnless(ISOLATED, "needs root: the edge lets nobody else look into its process")
    def test_connections_end(self):
        """Each answer ends its connection, and no connection stays open whose client left early, with or without closing it."""
        folder = f"/proc/{self.edge.process.pid}/fd"
        before = len(os.listdir(folder))
        for i in range(60):
            answer = self.edge.get(("/v1/mesh", "/v1/nothing", "/v1/self")[i % 3], source=f"127.0.50.{i % 50 + 1}")
            self.assertEqual(answer.headers["Connection"], "close")
            stream = self.edge.connect(source=f"127.0.50.{i % 50 + 1}")
            if i % 2:
                stream.sendall(b"GET /v1/mesh HTTP/1.1\r\nHo")
            stream.close()
            viewer = self.admin.view()
            viewer.close()
        end = time.monotonic() + SLOW
        while len(os.listdir(folder)) > before + 2 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertLessEqual(len(os.listdir(folder)), before + 2)

    def test_garbage(self):
        random.seed(7)
        garbage = (b"\r\n\r\n", b"\x00" * 1000, b"GET\r\n\r\n", b"GET /v1/mesh\r\n\r\n", b"GET /v1/mesh HTTP/9.9\r\n\r\n", b"GET http://[::bad/ HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                   b"GET /v1/%00 HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n", b"GET /v1/nodes/%ff%fe HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n",
                   b"CONNECT x:1 HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n", random.randbytes(5000))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # the edge waits for some, and so does this test
            answers = list(pool.map(lambda data: self.edge.raw(data, timeout=3), garbage))
        for data, answer in zip(garbage, answers):
            self.assertFalse(answer.startswith(b"HTTP/1.1 200") and b"schema" in answer, (data[:50], answer[:200]))

    def test_no_tls(self):
        for data in (b"GET /v1/mesh HTTP/1.1\r\n\r\n", os.urandom(500), b"\x16\x03\x01\xff\xff" + b"\x00" * 100):
            with socket.create_connection(("127.0.0.1", self.edge.port), 20) as plain:
                try:
                    plain.sendall(data)
                    plain.shutdown(socket.SHUT_WR)  # the edge may have hung up by now
                    self.assertNotIn(b"schema", plain.recv(65536))
                except OSError:
                    pass

    def test_truncated(self):
        body = json.dumps(Node(self.edge, self.edge.admin_key(), "cut").request()).encode()
        whole = b"POST /v1/enroll HTTP/1.1\r\nHost: e\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
        for cut in list(range(1, len(whole) - 1, 23)):
            stream = self.edge.connect()
            stream.sendall(whole[:cut])
            stream.close()
        self.assertEqual(self.admin.call("GET", "/v1/nodes/cut").status, 404, "half a request did something")

    def test_mutated(self):
        random.seed(11)
        body = json.dumps(Node(self.edge, self.edge.admin_key(), "mutant").request()).encode()
        for _ in range(200):
            data = bytearray(body)
            for _ in range(random.randrange(1, 4)):
                at = random.randrange(len(data))
                data[at:at + random.randrange(0, 2)] = random.randbytes(random.randrange(0, 3))
            answer = self.edge.call("POST", "/v1/enroll", bytes(data), source=f"127.0.{random.randrange(20, 90)}.1")
            self.assertIn(answer.status, (200, 400, 409, 413, 422, 429), answer)
            self.assertEqual(answer.json["schema"], 1)

    @classmethod
    def await_half_open(cls):
        """It takes a while, and other tests run in the meantime."""
        slow = cls.edge.connect(timeout=15 * SLOW)
        slow.sendall(b"GET /v1/mesh HTTP/1.1\r\nHost:")
        mute = socket.create_connection(("127.0.0.1", cls.edge.port), 15 * SLOW)
        begin, cls.dropped_after = time.monotonic(), []

        def wait():
            for stream in (slow, mute):
                with stream:
                    try:
                        answer = stream.recv(100)
                    except ConnectionError:
                        answer = b""
                    cls.dropped_after.append((answer, time.monotonic() - begin))
        cls.half_open = threading.Thread(target=wait, daemon=True)
        cls.half_open.start()

    def test_half_open_is_dropped(self):
        """A client that sends half a request, or nothing at all, is dropped after a while."""
        self.half_open.join(2 * 15 * SLOW)
        self.assertEqual([answer for answer, _ in self.dropped_after], [b"", b""])
        for _, seconds in self.dropped_after:
            self.assertTrue(5 < seconds < 15 * SLOW, seconds)

    def test_many_connections(self):
        """One address has its share and no more; when it lets go, it is served again."""
        streams = [socket.create_connection(("127.0.0.1", self.edge.port), 20, ("127.0.66.1", 0)) for _ in range(150)]
        self.assertEqual(self.edge.get("/v1/mesh", source="127.0.66.2").status, 200, "another address waits for none of them")
        for stream in streams:
            stream.close()
        end = time.monotonic() + SLOW
        status = None
        while status != 200 and time.monotonic() < end:
            try:
                status = self.edge.get("/v1/mesh", source="127.0.66.1").status
            except OSError:
                time.sleep(0.1)
        self.assertEqual(status, 200)


def is_open(stream):
    try:
        return not select.select([stream], [], [], 0)[0] or stream.recv(1) != b""
    except OSError:
        return False


def count_open(streams):
    return sum(map(is_open, streams))


class Versions(unittest.TestCase):
    """TLS 1.2 at least, whatever the host's own settings are."""

    def version(self, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        with context.wrap_socket(socket.create_connection(("127.0.0.1", self.edge.port), 20)) as stream:
            stream.sendall(b"GET /v1/mesh HTTP/1.1\r\nHost: e\r\n\r\n")
            return stream.version(), stream.recv(12)

    def check(self, **environment):
        self.edge = Edge()
        self.addCleanup(self.edge.remove)
        with unittest.mock.patch.dict(os.environ, environment):
            self.edge.start()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
        for version in old:
            with self.assertRaisesRegex(ssl.SSLError, "(?i)protocol.version", msg=version):
                self.version(version)
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            self.assertEqual(self.version(version), (name, b"HTTP/1.1 200"))

    def test_versions(self):
        self.check()

    def test_versions_with_a_setting_of_the_hosts(self):
        self.check(G_TLS_GNUTLS_PRIORITY="NORMAL:%COMPAT:+VERS-TLS1.0:+VERS-TLS1.1")


class Crowds(unittest.TestCase):
    def crowd(self, *sources):
        """As many connections from each as the edge lets it keep."""
        held = []
        for source in sources:
            for _ in range(64):
                stream = socket.create_connection(("127.0.0.1", self.edge.port), 20, (source, 0))
                held.append(stream)
                self.addCleanup(stream.close)
        return held

    def setUp(self):
        self.edge = Edge().start()
        self.addCleanup(self.edge.remove)

    def test_a_full_edge_still_answers_members(self):
        admin = self.edge.join(self.edge.first_key(), "admin")
        viewer = admin.view()
        self.addCleanup(viewer.close)
        viewer.message()
        self.crowd(*(f"127.1.{i}.1" for i in range(9)))
        for _ in range(3):
            status = self.edge.verb("status")
            self.assertEqual(status.returncode, 0, f"the owner always comes in: {status}")
            self.assertEqual(admin.call("GET", "/v1/self", source="127.2.0.1").status, 200, "so does whoever has fewer connections than others")
        admin.call("POST", "/v1/keys", {"kind": "server", "name": "seen"}, source="127.2.0.1")
        viewer.until(lambda m: m["type"] == "node" and m["node"]["name"] == "seen")

    def test_callers_that_leave_at_once(self):
        """A handshake has its own thread, in which its connection may end while the others are being counted."""
        def call(number):
            for i in range(60):
                try:
                    self.edge.connect(source=f"127.3.{number}.{i % 8 + 1}").close()
                except OSError:
                    pass  # its share is used up
        self.crowd(*(f"127.1.{i}.1" for i in range(7)))  # so that counting takes its time
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(call, range(8)))
        self.assertEqual(self.edge.get("/v1/mesh").status, 200)

    def test_an_address_has_its_share(self):
        """The newcomer is accepted, and the oldest connection that has sent nothing is closed."""
        held = self.crowd("127.1.0.1")
        self.assertEqual(count_open(held), 64)
        self.assertEqual(self.edge.get("/v1/mesh", source="127.1.0.1").status, 200)
        self.assertEqual(count_open(held), 63)
        self.assertEqual(self.edge.get("/v1/mesh", source="127.1.0.2").status, 200)
        self.assertEqual(count_open(held), 63, "another address's share is its own")


@unittest.skipIf(not ISOLATED, "needs root for addresses of its own")
class CrowdsOfIPv6(unittest.TestCase):
    def test_one_network_is_one_caller(self):
        if subprocess.run(["ip", "-6", "route", "add", "local", "fd77::/32", "dev", "lo"], capture_output=True).returncode:
            self.skipTest("no IPv6 here")
        edge = Edge()
        self.addCleanup(edge.remove)
        edge.arguments[3] = f":{edge.port}"
        edge.start("--public", f"127.0.0.1:{edge.port}")

        def connect(source):
            IPV6_FREEBIND = 78
            stream = socket.socket(socket.AF_INET6)
            self.addCleanup(stream.close)
            stream.settimeout(20)
            stream.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
            stream.bind((source, 0))
            stream.connect(("fd77::1", edge.port))
            return stream

        def answered(source):
            try:
                with edge.context().wrap_socket(connect(source)) as stream:
                    return stream.version() is not None
            except OSError:
                return False
        held = [connect(f"fd77:0:1:1::{i + 1:x}") for i in range(64)]
        self.assertTrue(answered("fd77:0:1:2::1"))
        self.assertEqual(count_open(held), 64)
        self.assertTrue(answered("fd77:0:1:1::9999"))
        self.assertEqual(count_open(held), 63)
        # With half of the places taken, a customer's /56 is one caller.
        held += [connect(f"fd77:0:1:{i:x}::1") for i in range(256)]
        held += [connect(f"fd77:0:1:{i:x}::2") for i in range(200)]
        self.assertTrue(answered("fd77:0:2:1::1"))
        self.assertLess(count_open(held), 280)


if __name__ == "__main__":
    unittest.main()
