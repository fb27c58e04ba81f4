# SPDX-License-Identifier: GPL-3.0-or-later
"""A few addresses, or many, do what they can to keep the API busy: the owner, an enrolled node and a newcomer are still answered within a
second, and what the edge holds stays bounded."""

import http.client
import os
import re
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

from edge import ISOLATED, Edge

PROMISE = 1  # s, the worst answer; a deadline in a test is five times that
SECONDS = 3
CONNECTIONS = 512 + 64  # what the edge keeps of callers
GROWTH = 48  # MB
HALF_HELLO = bytes.fromhex("160301020001")


def client_hello(context, *cuts):
    """As openssl would send it; cut into several records where asked for."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="edge")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    record = outgoing.read()
    if not cuts:
        return record
    message, out = record[5:], b""
    for begin, end in zip((0, *cuts), (*cuts, len(message))):
        out += record[:3] + (end - begin).to_bytes(2, "big") + message[begin:end]
    return out


class Flooder(threading.Thread):
    """Keeps so many connections from each source open, each of which sends its bytes and then waits; opens another when the edge closes one."""

    def __init__(self, edge, sources, each, first, drip=b""):
        super().__init__(daemon=True)
        self.edge, self.slots, self.first, self.drip = edge, [s for s in sources for _ in range(each)], first, drip
        self.opened, self.going, self.full = 0, True, threading.Event()

    def connect(self, source):
        stream = socket.socket()
        stream.bind((source, 0))
        stream.setblocking(False)
        stream.connect_ex(("127.0.0.1", self.edge.port))
        self.opened += 1
        return stream

    def run(self):
        poll, streams, fresh = select.epoll(), {}, set()

        def add(source):
            stream = self.connect(source)
            streams[stream.fileno()] = (stream, source)
            fresh.add(stream.fileno())
            poll.register(stream.fileno(), select.EPOLLOUT)
        for source in self.slots:
            add(source)
        dripped = time.monotonic()
        while self.going:
            for fd, event in poll.poll(0.05):
                stream, source = streams[fd]
                if fd in fresh and event & select.EPOLLOUT:
                    fresh.discard(fd)
                    try:
                        stream.send(self.first)
                        poll.modify(fd, select.EPOLLIN)
                        continue
                    except OSError:
                        pass
                try:
                    if not event & (select.EPOLLHUP | select.EPOLLERR) and stream.recv(65536):
                        continue
                except BlockingIOError:
                    continue
                except OSError:
                    pass
                poll.unregister(fd)
                fresh.discard(fd)
                stream.close()
                del streams[fd]
                add(source)
            if not fresh or self.opened > len(self.slots):
                self.full.set()
            if self.drip and time.monotonic() - dripped > 0.5:
                dripped = time.monotonic()
                for stream, _ in list(streams.values()):
                    try:
                        stream.send(self.drip)
                    except OSError:
                        pass
        for stream, _ in streams.values():
            stream.close()


class Worst:
    """Calls again and again; remembers the slowest answer and what went wrong."""

    def __init__(self, name, call):
        self.name, self.call, self.seconds, self.answers, self.failures = name, call, 0, 0, []

    def once(self):
        begin = time.monotonic()
        try:
            status = self.call()
            if status != 200:
                self.failures.append(status)
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
        self.seconds, self.answers = max(self.seconds, time.monotonic() - begin), self.answers + 1


class Floods(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edge = Edge("[mesh]\nipv4=10.96.0.0/16\n[edge]\nexit=false\ninterface=ewtflood\n").start()
        cls.addClassCleanup(cls.edge.remove)
        cls.admin = cls.edge.join(cls.edge.first_key(), "admin")
        cls.admin.call("GET", "/v1/self", source="127.0.9.9")
        cls.newcomers = 0

    def memory(self):
        with open(f"/proc/{self.edge.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.edge.process.pid}/fd"))

    @staticmethod
    def sanitized():
        """GCC's runtime is a library, clang's is in the program."""
        with open(os.environ["EDGEWAY_EDGE"], "rb") as file:
            return b"__asan_init" in file.read()

    def newcomer(self):
        type(self).newcomers += 1
        return self.edge.get("/v1/mesh", source=f"127.0.200.{self.newcomers % 250 + 1}").status

    def check(self, *flooders):
        before, held = self.memory(), self.descriptors()
        callers = (Worst("owner", lambda: self.edge.owner("GET", "/v1/status").status),
                   Worst("node", lambda: self.admin.call("GET", "/v1/self", source="127.0.9.9").status),
                   Worst("newcomer", self.newcomer))
        for flooder in flooders:
            flooder.start()
        try:
            for flooder in flooders:
                self.assertTrue(flooder.full.wait(20), "the flood did not come about")
            end, most, most_held = time.monotonic() + SECONDS, before, held
            while time.monotonic() < end:
                for caller in callers:
                    caller.once()
                most, most_held = max(most, self.memory()), max(most_held, self.descriptors())
                time.sleep(0.02)
        finally:
            for flooder in flooders:
                flooder.going = False
                flooder.join()
        print(f"{self.id().split('.')[-1]}: {sum(f.opened for f in flooders)} connections; " + ", ".join(f"{c.name} {c.answers} answers, worst {c.seconds * 1000:.0f} ms" for c in callers)
              + f"; {before:.0f} → {most:.0f} MB, {most_held} descriptors", file=sys.stderr)
        for caller in callers:
            self.assertEqual(caller.failures, [], caller.name)
            self.assertLess(caller.seconds, 5 * PROMISE, caller.name)
        self.assertLess(most_held - held, CONNECTIONS + 100)
        if not self.sanitized():  # a sanitizer keeps what is freed
            self.assertLess(most - before, GROWTH)

    @unittest.skipUnless(ISOLATED, "needs root: the edge lets nobody else look into its process")
    def test_silent_connections_from_many(self):
        self.check(Flooder(self.edge, [f"127.1.{i // 250}.{i % 250 + 1}" for i in range(700)], 1, b""))
        self.assertIn("The API is full", self.edge.log())
        self.assertEqual(self.edge.log().count("The API is full"), 1, "said once a minute")

    @unittest.skipUnless(ISOLATED, "needs root: the edge lets nobody else look into its process")
    def test_half_a_hello_from_few(self):
        self.check(Flooder(self.edge, [f"127.2.0.{i + 1}" for i in range(40)], 4, HALF_HELLO))

    @unittest.skipUnless(ISOLATED, "needs root: the edge lets nobody else look into its process")
    def test_a_whole_hello_and_no_more(self):
        self.check(Flooder(self.edge, [f"127.3.0.{i + 1}" for i in range(40)], 4, client_hello(self.edge.context())))

    @unittest.skipIf(not ISOLATED, "needs root for addresses of its own")
    def test_a_member_shakes_hands_without_end(self):
        """By its two addresses in the mesh; and what comes from wherever nodes were seen."""
        members, known = ("10.96.2.5", "10.96.2.6"), [f"127.8.0.{i + 1}" for i in range(16)]
        for address in members:
            subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
        hello = client_hello(self.edge.context())
        self.check(Flooder(self.edge, members, 24, hello))
        for source in known:
            self.assertEqual(self.admin.call("GET", "/v1/self", source=source).status, 200)
        self.check(Flooder(self.edge, known, 8, hello))

    @unittest.skipUnless(ISOLATED, "needs root: the edge lets nobody else look into its process")
    def test_no_tls_at_all(self):
        self.check(Flooder(self.edge, [f"127.4.0.{i + 1}" for i in range(20)], 4, b"GET / HTTP/1.1\r\n\r\n"))

    @unittest.skipUnless(ISOLATED, "needs root: the edge lets nobody else look into its process")
    def test_slow_bodies(self):
        """Requests whose bodies come by the byte, from as many as there are places."""
        streams = []
        for i in range(120):
            stream = self.edge.connect(source=f"127.5.0.{i // 4 + 1}")
            self.addCleanup(stream.close)
            stream.sendall(b"POST /v1/enroll HTTP/1.1\r\nHost: e\r\nContent-Length: 60000\r\n\r\n{")
            streams.append(stream)
        self.check(Flooder(self.edge, [f"127.6.{i // 250}.{i % 250 + 1}" for i in range(500)], 1, HALF_HELLO[:1], drip=b"\x03"))


class Places(unittest.TestCase):
    def setUp(self):
        self.edge = Edge("[mesh]\nipv4=10.96.0.0/16\n[edge]\nexit=false\ninterface=ewtplaces\n").start()
        self.addCleanup(self.edge.remove)

    def connect(self, source):
        stream = socket.create_connection(("127.0.0.1", self.edge.port), 20, (source, 0))
        self.addCleanup(stream.close)
        return stream

    def is_open(self, stream):
        try:
            stream.settimeout(0)
            return stream.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    @unittest.skipIf(not ISOLATED, "needs root for addresses of its own")
    def test_the_mesh_keeps_its_places(self):
        """Whatever comes from outside, callers through the tunnel stay."""
        subprocess.run(["ip", "address", "add", "10.96.1.5/32", "dev", "lo"], check=True)
        member, stranger = self.connect("10.96.1.5"), self.connect("127.1.0.1")
        crowd = [self.connect(f"127.7.{i // 250}.{i % 250 + 1}") for i in range(560)]
        self.assertEqual(self.edge.get("/v1/mesh").status, 200)
        self.assertTrue(self.is_open(member))
        self.assertFalse(self.is_open(stranger), "the oldest of those that have sent nothing")
        self.assertGreater(sum(map(self.is_open, crowd)), 500)

    def test_the_whole_hello(self):
        """Longer than a segment, in many pieces, in many records, it is a hello like any other."""
        context = self.edge.context()
        whole = client_hello(context)
        padded = whole[5:9 + 0]  # type and length, written again below
        extension = b"\x00\x15" + (3000).to_bytes(2, "big") + bytes(3000)  # RFC 7685
        message = whole[9:]
        at = 2 + 32
        at += 1 + message[at]
        at += 2 + int.from_bytes(message[at:at + 2], "big")
        at += 1 + message[at]
        extensions = message[at + 2:] + extension
        message = message[:at] + len(extensions).to_bytes(2, "big") + extensions
        padded = b"\x01" + len(message).to_bytes(3, "big") + message
        long = b"\x16\x03\x01" + len(padded).to_bytes(2, "big") + padded
        for name, data, pieces in (("one", whole, 1), ("split", client_hello(context, 1, 3, 40, 200), 1), ("slow", whole, 7), ("long", long, 5)):
            with self.subTest(name):
                stream = self.connect("127.0.0.1")
                step = len(data) // pieces + 1
                for begin in range(0, len(data), step):
                    stream.sendall(data[begin:begin + step])
                    time.sleep(0.02)  # real time: each piece is a packet of its own
                stream.settimeout(5)
                self.assertEqual(stream.recv(3)[:2], b"\x16\x03", "a ServerHello")


if __name__ == "__main__":
    unittest.main()
