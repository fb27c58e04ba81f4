# SPDX-License-Identifier: GPL-3.0-or-later
"""The map by WebSocket: a snapshot, then changes, in time; slow, rude and silent viewers."""

import os
import time
import unittest

from edge import SLOW, Edge, Viewer, b64


class Topology(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edge = Edge().start()
        cls.addClassCleanup(cls.edge.remove)
        cls.admin = cls.edge.join(cls.edge.first_key(), "admin")

    def setUp(self):
        self.viewer = self.admin.view()
        self.addCleanup(self.viewer.close)
        self.snapshot = self.viewer.message()

    def plain(self, name):
        return self.admin.call("POST", "/v1/nodes", {"name": name, "kind": "server", "public_key": b64(os.urandom(32))}).json["node"]

    def viewers(self):
        return self.edge.owner("GET", "/v1/status").json["viewers"]

    def wait_viewers(self, n):
        end = time.monotonic() + SLOW
        while self.viewers() != n and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(self.viewers(), n)

    def test_snapshot(self):
        map_ = self.snapshot["map"]
        self.assertEqual((self.snapshot["type"], self.snapshot["more"], map_["mesh"]), ("snapshot", False, "home"))
        self.assertEqual(map_["edges"], [{"id": self.edge.owner("GET", "/v1/status").json["edge_id"], "name": "frankfurt", "endpoint": f"127.0.0.1:{self.edge.port}", "online": True,
                                          **{member: map_["edges"][0][member] for member in ("addresses", "version", "exit")}}])
        self.assertEqual("100.96.0.1", map_["edges"][0]["addresses"][0])
        self.assertIs(False, map_["edges"][0]["exit"])
        nodes = self.admin.call("GET", "/v1/nodes").json["nodes"]
        self.assertEqual(map_["nodes"], [node | {"self": False} for node in nodes], "each viewer's daemon sets self")

    def test_changes(self):
        second = self.admin.view()
        self.addCleanup(second.close)
        second.message()
        made = self.plain("new")
        for viewer in (self.viewer, second):
            self.assertEqual(viewer.until(lambda m: m["type"] == "node")["node"], made)
        self.admin.call("PATCH", "/v1/nodes/new", {"name": "newer"})
        self.assertEqual(self.viewer.until(lambda m: m["type"] == "node")["node"], made | {"name": "newer"})
        self.admin.call("POST", "/v1/routes", {"cidr": "10.1.0.0/16", "node": "newer"})
        self.assertEqual(self.viewer.until(lambda m: m["type"] == "node")["node"]["routes"], ["10.1.0.0/16"])
        self.admin.call("DELETE", "/v1/nodes/newer")
        self.assertEqual(self.viewer.until(lambda m: m["type"] == "node-removed"), {"type": "node-removed", "id": made["id"]})

    def test_what_a_node_runs(self):
        """After an upgrade the map shows the new version and system; what a node may say is bounded, and costs nothing if it isn't new."""
        node = self.edge.join(self.admin.call("POST", "/v1/keys", {"kind": "server", "name": None, "valid_seconds": 3600}).json["key"], "upgraded")
        self.addCleanup(self.admin.call, "DELETE", "/v1/nodes/upgraded")
        was = self.viewer.until(lambda m: m["type"] == "node" and m["node"]["state"] != "not-joined" and m["node"]["name"] == "upgraded")["node"]
        self.assertEqual((was["os"], was["version"]), ("Debian 12", "0.1.0"))
        self.assertEqual(node.call("PATCH", "/v1/self", {"os": "Debian 13", "version": "0.2.0"}).json, {"schema": 1})
        now = self.viewer.until(lambda m: m["type"] == "node")["node"]
        self.assertEqual(now, was | {"os": "Debian 13", "version": "0.2.0"})
        self.assertEqual(self.admin.call("GET", "/v1/nodes/upgraded").json["version"], "0.2.0")
        for same in ({"os": "Debian 13", "version": "0.2.0"}, {"version": "0.2.0"}, {}):
            for _ in range(6):  # more often than it may change: these aren't changes
                self.assertEqual(node.call("PATCH", "/v1/self", same).json, {"schema": 1})
        for wrong in ({"os": "x" * 65}, {"version": "x" * 65}, {"os": 5}, {"version": ["0.2.0"]}, {"os": "a\nb"}, {"version": "\u0007"}):
            answer = node.call("PATCH", "/v1/self", wrong)
            self.assertEqual((answer.status, answer.code), (400, "InvalidArgument"), wrong)
        self.assertEqual(self.edge.call("PATCH", "/v1/self", {"version": "9"}).status, 401)
        answers = [node.call("PATCH", "/v1/self", {"version": f"0.3.{i}"}) for i in range(12)]
        refused = next(answer for answer in answers if answer.status != 200)
        self.assertEqual((refused.status, refused.code), (429, "TooManyRequests"))
        self.assertLessEqual(9, answers.index(refused))
        self.assertEqual(self.admin.call("GET", "/v1/nodes/upgraded").json["os"], "Debian 13")

    def test_viewers_are_counted(self):
        self.wait_viewers(1)
        other = self.admin.view()
        self.wait_viewers(2)
        other.close()
        self.wait_viewers(1)
        other = self.admin.view()
        other.send(8, b"\x03\xe8")
        with self.assertRaises(EOFError):
            other.until(lambda m: False)
        other.close()
        self.wait_viewers(1)

    def test_pings_are_answered(self):
        self.viewer.send(9, b"hello")
        opcode, payload = self.viewer.frame()
        self.assertEqual((opcode, payload), (10, b"hello"))
        self.viewer.send(1, b"ignored")
        self.viewer.send(2, b"x" * 4000)
        self.viewer.send(9, b"still there")
        self.assertEqual(self.viewer.frame(), (10, b"still there"))

    def test_rude_viewers(self):
        for frame in (b"\x81\x05hello", b"\xff\xff" + b"\xff" * 20, b"\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00", b"\x81\xfe\xff\xff\x00\x00\x00\x00", b"\x89\xfe\x00\x80" + b"\x00" * 140):
            viewer = self.admin.view()
            viewer.message()
            viewer.stream.sendall(frame)
            with self.assertRaises((EOFError, OSError)):
                viewer.until(lambda m: False)
            viewer.close()
        self.wait_viewers(1)

    def test_refused(self):
        for token, status in ((None, 401), (self.admin.id + ".x", 401)):
            viewer = Viewer(self.edge, token)
            self.assertEqual(viewer.status, status)
            viewer.close()
        for headers in ({}, {"Upgrade": "websocket"}, {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "8", "Sec-WebSocket-Key": b64(os.urandom(16))},
                        {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}):
            answer = self.admin.call("GET", "/v1/topology", headers=headers)
            self.assertEqual((answer.status, answer.code), (400, "InvalidArgument"), headers)

    def is_open(self, viewer):
        try:
            while True:
                viewer.stream.settimeout(0.02)
                viewer.message()
        except TimeoutError:
            return True
        except (EOFError, OSError):
            return False

    def member(self, edge, admin, name):
        return edge.join(admin.call("POST", "/v1/keys", {"kind": "server", "name": name}).json["key"], name)

    def test_a_node_has_few_viewers(self):
        """The newest: the others may be on paths that have forgotten them."""
        member = self.member(self.edge, self.admin, "starer")
        viewers = []
        for _ in range(7):
            viewer = member.view()
            self.addCleanup(viewer.close)
            viewer.message()
            viewers.append(viewer)
        self.assertEqual([self.is_open(viewer) for viewer in viewers], [False] * 3 + [True] * 4)
        self.assertTrue(self.is_open(self.viewer), "another node's stays")
        member.call("DELETE", "/v1/self")

    def test_members_leave_places_for_administrators(self):
        edge = Edge().start()
        self.addCleanup(edge.remove)
        admin = edge.join(edge.first_key(), "admin")
        viewers, refused = [], 0
        for i in range(25):
            member = self.member(edge, admin, f"m{i}")
            for _ in range(4):
                viewer = Viewer(edge, member.token)
                self.addCleanup(viewer.close)
                viewers.append(viewer)
                refused += viewer.status == 429
        self.assertEqual((len(viewers), refused), (100, 4))
        for _ in range(3):
            viewer = admin.view()
            self.addCleanup(viewer.close)
            self.assertEqual(viewer.status, 101)
            viewer.message()
        self.assertEqual(edge.owner("GET", "/v1/status").json["viewers"], 99)

    def test_slow_reader(self):
        """It reads nothing while much changes; what it then reads ends with the current state."""
        slow = self.admin.view()
        self.addCleanup(slow.close)
        node = self.plain("busy")
        names = ["busy", "busier"]
        for i in range(150):
            self.admin.call("PATCH", f"/v1/nodes/{node['id']}", {"name": names[(i + 1) % 2]})
        last = names[150 % 2]
        self.admin.call("DELETE", f"/v1/nodes/{node['id']}")
        self.assertEqual(self.viewer.until(lambda m: m["type"] == "node" and m["node"]["id"] == node["id"])["type"], "node")
        heard, end = None, time.monotonic() + 60
        slow.stream.settimeout(2 * SLOW)
        try:
            while time.monotonic() < end:
                message = slow.message()
                if message["type"] == "node" and message["node"]["id"] == node["id"]:
                    heard = message["node"]["name"]
                if message["type"] == "node-removed":
                    break
        except TimeoutError:
            pass
        self.assertEqual((heard, message["type"]), (last, "node-removed"))

    def test_edge_stops(self):
        edge = Edge().start()
        self.addCleanup(edge.remove)
        viewer = edge.join(edge.first_key(), "admin").view()
        viewer.message()
        code, took = edge.stop()
        self.assertEqual(code, 0)
        self.assertLess(took, 1 * SLOW)
        with self.assertRaises((EOFError, OSError)):
            viewer.until(lambda m: False)
        viewer.close()


if __name__ == "__main__":
    unittest.main()
