#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our engine, as a node and as the edge, against three other WireGuards: handshakes, data, keys, keepalives, roaming, cookies."""
import hashlib
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from matrix_case import PORT, MatrixCase, new_key, wait_for  # noqa: E402

MEGABYTE = bytes(range(256)) * 4096
DIGEST = hashlib.sha256(MEGABYTE).hexdigest()

SEND = """
import socket, sys
s = socket.create_connection((sys.argv[1], 7000), timeout=30)
s.sendall(bytes(range(256)) * 4096)
s.shutdown(socket.SHUT_WR)
print(s.makefile().read())
"""

# Handshake initiations of an unknown sender, with a correct mac1: that takes only the public key. They come in waves: each is more than a queue's
# eighth, all together are less than what a busy machine works off.
FLOOD = """
import base64, hashlib, os, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
victims = [((host, 51820), hashlib.blake2s(b"mac1----" + base64.b64decode(key)).digest()) for host, key in zip(sys.argv[1::2], sys.argv[2::2])]
end = time.monotonic() + 150
while time.monotonic() < end:
    for address, mac_key in victims:
        for _ in range(1000):  # each another one: a repeated one is no load
            body = b"\\1\\0\\0\\0" + os.urandom(112)
            s.sendto(body + hashlib.blake2s(body, key=mac_key, digest_size=16).digest() + bytes(16), address)
    time.sleep(0.4)
"""


class Matrix(MatrixCase):
    def test_nothing_is_missing(self):
        if self.missing:
            self.skipTest("; ".join(self.missing))
        self.assertEqual(len(self.rows), 6)

    def test_handshake_each_way(self):
        for row in self.rows:
            with self.subTest(row.name):
                for first in ("ours", "theirs"):
                    row.connect(first)
                    row.begin(first)
                    row.works()
                    for when in row.handshakes():
                        self.assertLess(abs(time.time() - when), 60, first)

    def test_tcp_each_way(self):
        for row in self.rows:
            with self.subTest(row.name):
                row.works()
                row.theirs.host.run("sh", "-c", "busybox nc -l -p 7000 -e busybox sha256sum >/dev/null 2>&1 </dev/null &")
                wait_for("nc listens", lambda: ":1B58 " in row.theirs.host.run("cat", "/proc/net/tcp", "/proc/net/tcp6", check=False).stdout, 10)  # 7000
                self.assertIn(DIGEST, row.sender.host.run("/usr/bin/python3", "-c", SEND, row.near).stdout)
                self.assertIn(DIGEST, row.theirs.host.run("sh", "-c", f"busybox nc {row.far} 7001 </dev/null | busybox sha256sum").stdout)

    def test_preshared_key(self):
        psk, wrong = new_key()[0], new_key()[0]
        for row in self.rows:
            with self.subTest(row.name):
                if row.role == "edge":
                    continue  # its nodes have none
                for ours, good in ((wrong, False), (psk, True)):
                    row.connect("theirs")
                    self.ours.wg("peer", row.theirs.public, "preshared-key", secret=ours)
                    row.theirs.wg("peer", row.key, "preshared-key", secret=psk)
                    self.assertEqual(row.theirs.ping(row.far, seconds=2), good)
                    self.assertEqual(row.handshakes()[0] != 0, good)
                row.works()
                row.connect("theirs")
                row.begin("theirs")
                row.works()

    def test_keepalive(self):
        """Without traffic, first the other engine and then Edgeway's sends one every second: the other side hears them, and nothing else."""
        for row in self.rows:
            row.works()

        def hears(row, who):
            if who == "theirs":
                return int(row.theirs.shown("transfer", row.key)[0])
            return int(self.ours.shown("transfer", row.theirs.public)[0]) if row.role == "node" else self.switch.status()[row.theirs.name]["tx"]

        def quiet(rows, who):
            heard = [hears(row, who) for row in rows]
            time.sleep(4)  # real time: an echo is tried three times, a second apart
            return [hears(row, who) for row in rows] == heard
        for who in ("ours", "theirs"):
            rows = [row for row in self.rows if who == "ours" or row.role == "node"]  # the edge sends none: its nodes do

            def tell(row, interval):
                (row.theirs if who == "ours" else self.ours).wg("peer", row.key if who == "ours" else row.theirs.public, "persistent-keepalive", interval)
            # The edge measures the path to nodes that it has just heard: echoes, and perhaps a handshake for them.
            wait_for("an end of echoes", lambda: quiet(rows, who), 60, 0)
            before = [hears(row, who) for row in rows]
            for row in rows:
                tell(row, "1")
            for row, bytes_before in zip(rows, before):
                with self.subTest(row.name, hears=who):
                    # One of the four may be the answer to the pings before, which comes after 10 s of silence.
                    more = wait_for("keepalives", lambda: (now := hears(row, who) - bytes_before) >= 4 * 32 and now, 20, 0.3)
                    self.assertEqual(more % 32, 0)
            for row in rows:
                tell(row, "off")

    def test_roaming(self):
        """Either moves, by its port or its address; the other follows at the next packet, without a new handshake."""
        for row in self.rows:
            with self.subTest(row.name):
                row.works()
                before = row.handshakes()
                row.theirs.wg("listen-port", "51999")
                self.assertTrue(row.theirs.ping(row.far))
                self.assertTrue(row.sender.ping(row.near))
                self.move(row.theirs.host, row.theirs.outer, f"10.9.0.1{row.theirs.number}")
                try:
                    if row.theirs.name == "debian":  # of 2022: keeps using a removed address until its endpoint is set again
                        row.theirs.wg("peer", row.key, "endpoint", row.theirs.shown("endpoints", row.key)[0])
                    wait_for("they are heard from there", lambda: row.theirs.ping(row.far, seconds=1), 10)
                    self.assertTrue(row.sender.ping(row.near))
                    if row.role == "node":
                        self.assertEqual(self.ours.shown("endpoints", row.theirs.public), [f"10.9.0.1{row.theirs.number}:51999"])
                        self.move_ours(row)
                    self.assertEqual(row.handshakes(), before)
                finally:
                    self.move(row.theirs.host, f"10.9.0.1{row.theirs.number}", row.theirs.outer)
                    row.theirs.wg("listen-port", str(PORT))
                    for other in self.rows:
                        if row.theirs.name == "debian" and other.theirs is row.theirs:
                            row.theirs.wg("peer", other.key, "endpoint", row.theirs.shown("endpoints", other.key)[0])
                wait_for("they are heard from here", lambda: row.theirs.ping(row.far, seconds=1), 10)

    def move(self, host, old, new):
        host.ip("addr", "del", f"{old}/24", "dev", "wire")
        host.ip("addr", "add", f"{new}/24", "dev", "wire")

    def move_ours(self, row):
        for port in (51888, PORT):
            self.ours.wg("listen-port", str(port))
            self.assertTrue(self.ours.ping(row.near))
            self.assertEqual(row.theirs.shown("endpoints", row.key), [f"{self.ours.outer}:{port}"])
            self.assertTrue(row.theirs.ping(row.far))

    # Under load.

    def watch(self, name, what):
        """What tcpdump sees of that on the switch, counted."""
        process = self.bridge.start("tcpdump", "-n", "-l", "-i", "lan", what, log=name)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def text():
            with open(process.log_path) as file:
                return file.read()
        wait_for("tcpdump listens", lambda: "listening on" in text(), 10)
        return lambda: text().count(" UDP, length ")

    def watch_cookies(self, row, first):
        """Two counts: cookies that `first` was sent, and initiations of its that came with one."""
        ours, theirs = "10.9.0.5" if row.role == "edge" else self.ours.outer, row.theirs.outer
        begins, answers = (ours, theirs) if first == "ours" else (theirs, ours)
        name = f"{first}-{row.role}-{row.theirs.name}"
        return (self.watch(f"cookies-{name}", f"src host {answers} and dst host {begins} and udp[8] = 3"),
                self.watch(f"initiations-{name}", f"src host {begins} and dst host {answers} and udp[8] = 1 and udp[140:4] != 0"))

    def flood(self, victims, first, rounds):
        """Floods the victims, while `first` begins again in every row, and all get a session. Returns the names of the rows that did so with a cookie
        in one of the rounds: load changes within seconds, and may have ended when a row began."""
        counts = {row.name: self.watch_cookies(row, first) for row in self.rows}
        flooding = self.flooder.start("/usr/bin/python3", "-c", FLOOD, *[word for victim in victims for word in victim], log="flood")
        pending = list(self.rows)
        try:
            time.sleep(1)  # real time: queues fill up
            for _ in range(rounds):
                for row in pending:
                    row.connect(first)
                for row in pending:
                    row.begin(first, seconds=1)

                def done():
                    return all(all(row.handshakes()) or row.begin(first, seconds=1) and False for row in pending)
                wait_for("every row has a session", done, 60, 0.2)
                pending = [row for row in pending if not all(count() for count in counts[row.name])]
        finally:
            flooding.kill()
            flooding.wait()
        return {row.name for row in self.rows if row not in pending}

    def test_cookie_under_load(self):
        """Edgeway's engine under load answers with a cookie, and accepts an initiation that carries it."""
        used, everybody = set(), {row.name for row in self.rows}
        for _ in range(8):  # on a busy machine a flood doesn't cause load all the time
            used |= self.flood([(self.ours.outer, self.ours.public), ("10.9.0.5", self.edge_key[1])], "theirs", 5)
            if used == everybody:
                break
        self.assertEqual(used, everybody)
        for row in self.rows:
            with self.subTest(row.name):
                row.works()

    def test_cookie_of_theirs(self):
        """With the other one under load, Edgeway's engine takes the cookie and sends it back. A fast implementation may not be under load at all."""
        used = self.flood([(theirs.outer, theirs.public) for theirs in self.theirs], "ours", 2)
        self.assertTrue(used)
        print(f"cookies of theirs were used in: {', '.join(sorted(used)) or 'no row'}", file=sys.stderr)
        for row in self.rows:
            with self.subTest(row.name):
                row.works()


if __name__ == "__main__":
    unittest.main(verbosity=2)
