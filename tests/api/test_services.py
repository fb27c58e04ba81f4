# SPDX-License-Identifier: GPL-3.0-or-later
"""Services over the edge's API: who may, what is refused, what viewers see, and what outlives the edge."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from edge import Viewer  # noqa: E402
from test_calls import EdgeCase  # noqa: E402


class Services(EdgeCase):
    def add(self, name, *targets, **more):
        return self.admin.call("POST", "/v1/services", {"name": name, "targets": list(targets)} | more)

    def listed(self, caller=None):
        return {service["name"]: service for service in (caller or self.admin).call("GET", "/v1/services").json["services"]}

    def tearDown(self):
        for name in self.listed():
            self.assertEqual(self.admin.call("DELETE", f"/v1/services/{name}").status, 200)

    def test_life(self):
        node, other = self.new_node(), self.new_node()
        added = self.add("ha", f"{node.name}:8123", ports=["80"], sideways="ignored")
        self.assertEqual(added.status, 200, added)
        service = {key: value for key, value in added.json.items() if key not in ("schema", "id", "created")}
        self.assertEqual(service, {
            "name": "ha", "fqdn": "ha.home.internal", "addresses": service["addresses"], "outside": False, "spread": "first", "source": "caller", "check": "auto",
            "ports": [{"protocol": "tcp", "from": 80, "to": 80, "target": 80, "text": "80"}],
            "targets": [{"node": node.name, "node_id": node.id, "host": None, "port": 8123, "label": f"{node.name}:8123", "state": "not-joined", "since": None, "offered": False}]
            if service["targets"][0]["state"] == "not-joined" else
            [{"node": node.name, "node_id": node.id, "host": None, "port": 8123, "label": f"{node.name}:8123", "state": "offline", "since": None, "offered": True}]})
        self.assertRegex(" ".join(service["addresses"]), r"^100\.111\.0\.\d+ fd[0-9a-f:]+:ffff::[0-9a-f]+$")
        for path in ("ha", "HA.home.internal", added.json["id"], service["addresses"][0], service["addresses"][1].replace(":", "%3A")):
            self.assertEqual(other.call("GET", f"/v1/services/{path}").json["id"], added.json["id"])
        names = other.call("GET", "/v1/names").json
        self.assertEqual(names["services"], [{"name": "ha", "addresses": service["addresses"]}])
        changed = self.admin.call("PATCH", "/v1/services/ha", {"name": "home", "targets": [f"{other.name}:81", f"{node.name}:82"], "spread": "spread"}).json
        self.assertEqual((changed["id"], changed["addresses"], [target["port"] for target in changed["targets"]]), (added.json["id"], service["addresses"], [81, 82]))
        self.edge.stop()
        self.edge.start()
        self.assertEqual(self.listed()["home"]["addresses"], service["addresses"])
        self.assertEqual(self.admin.call("DELETE", "/v1/services/home").json, {"schema": 1})
        self.refused(self.admin.call("DELETE", "/v1/services/home"), 404, "NotFound", "service list")

    def test_who_may(self):
        member = self.new_node()
        self.add("ha", f"{member.name}:80")
        for method, path in (("POST", "/v1/services"), ("PATCH", "/v1/services/ha"), ("DELETE", "/v1/services/ha")):
            body = None if method == "DELETE" else {"name": "mine", "targets": [f"{member.name}:80"]}
            self.refused(member.call(method, path, body), 403, "NotAdministrator")
            self.refused(self.edge.call(method, path, body), 401, "NotAuthenticated")
        self.refused(self.edge.get("/v1/services"), 401, "NotAuthenticated")
        self.assertEqual(list(self.listed(member)), ["ha"])
        self.assertEqual(list(self.listed()), ["ha"])

    def test_refused(self):
        node = self.new_node()
        self.add("ha", f"{node.name}:80")
        for body, status, code, words in (
                ({"targets": ["x:1"]}, 400, "InvalidArgument", ["name"]), ({"name": "x"}, 400, "InvalidArgument", ["targets"]),
                ({"name": "x", "targets": "node:80"}, 400, "InvalidArgument", ["targets", "array"]), ({"name": "x", "targets": [80]}, 400, "InvalidArgument", ["array"]),
                ({"name": 5, "targets": []}, 400, "InvalidArgument", ["name"]), ({"name": "x", "targets": []}, 400, "InvalidArgument", ["1 to 8"]),
                ({"name": "x", "targets": [f"{node.name}:80"] * 9}, 400, "InvalidArgument", ["1 to 8"]), ({"name": "x", "targets": ["a:1"] * 101}, 400, "InvalidArgument", ["100"]),
                ({"name": "x", "targets": ["nobody:80"]}, 404, "NotFound", ["nobody"]), ({"name": "x", "targets": [node.name]}, 400, "InvalidArgument", ["needs a port"]),
                ({"name": "x", "targets": [f"{node.name}:65536"]}, 400, "InvalidArgument", ["65535"]), ({"name": "x", "targets": [f"{node.name}/printer:1"]}, 400, "InvalidArgument", ["target"]),
                ({"name": "x", "targets": [f"{node.name}/10.77.0.9:1"]}, 422, "RouteInvalid", ["10.77.0.9", "route add"]),
                ({"name": "x", "targets": [node.name], "ports": ["80", "70-90"]}, 400, "InvalidArgument", ["overlap"]),
                ({"name": "x", "targets": [node.name], "ports": ["0"]}, 400, "InvalidArgument", ["isn't a port"]), ({"name": "x", "targets": [node.name], "ports": [80]}, 400, "InvalidArgument", ["array"]),
                ({"name": "x", "targets": [f"{node.name}:80"], "ports": ["1-9"]}, 400, "InvalidArgument", ["can't stand for"]),
                ({"name": "ha", "targets": [f"{node.name}:80"]}, 409, "NameTaken", ["service remove ha"]), ({"name": node.name, "targets": [f"{node.name}:80"]}, 409, "NameTaken", []),
                ({"name": "edge", "targets": [f"{node.name}:80"]}, 409, "NameTaken", ["edge"]), ({"name": "A b", "targets": [f"{node.name}:80"]}, 422, "NameInvalid", []),
                ({"name": "x", "targets": [f"{node.name}:80"], "addresses": ["8.8.8.8"]}, 422, "RouteInvalid", ["public"]),
                ({"name": "x", "targets": [f"{node.name}:80"], "addresses": ["100.96.0.1"]}, 422, "RouteInvalid", ["edges'"]),
                ({"name": "x", "targets": [f"{node.name}:80"], "addresses": [node.call("GET", "/v1/self").json["addresses"][0]]}, 409, "RouteOverlap", [node.name]),
                ({"name": "x", "targets": [f"{node.name}:80"], "addresses": "10.1.1.1"}, 400, "InvalidArgument", ["addresses"]),
                ({"name": "x", "targets": [f"{node.name}:80"], "spread": "maybe"}, 400, "InvalidArgument", ["spread"]), ({"name": "x", "targets": [f"{node.name}:80"], "check": 5}, 400, "InvalidArgument", ["check"])):
            with self.subTest(body):
                self.refused(self.admin.call("POST", "/v1/services", body), status, code, *words)
        self.refused(self.admin.call("PATCH", "/v1/services/nothing", {}), 404, "NotFound", "service list")
        self.refused(self.admin.call("PATCH", "/v1/services/ha", {"targets": ["nobody:80"]}), 404, "NotFound")
        self.refused(self.admin.call("POST", "/v1/names", {"name": "ha", "node": node.name}), 409, "NameTaken", "service")
        self.refused(self.admin.call("PATCH", f"/v1/nodes/{node.name}", {"name": "ha"}), 409, "NameTaken", "service")
        self.refused(self.admin.call("DELETE", "/v1/names/ha"), 422, "NameInvalid", "service remove ha")
        self.assertEqual(list(self.listed()), ["ha"])

    def test_outside_the_ranges(self):
        node = self.new_node()
        before = node.call("GET", "/v1/self").json
        added = self.add("plc", f"{node.name}:502", addresses=["10.128.0.5"]).json
        self.assertEqual((added["addresses"][0], added["outside"]), ("10.128.0.5", True))
        after = node.call("GET", "/v1/self").json
        self.assertEqual(after["routes"], [{"cidr": "10.128.0.5/32", "node": "frankfurt", "service": "plc"}])
        self.assertNotEqual(before["revision"], after["revision"])
        self.refused(self.admin.call("POST", "/v1/routes", {"cidr": "10.128.0.0/24", "node": node.name}), 409, "RouteOverlap", "plc")
        self.admin.call("DELETE", "/v1/services/plc")
        self.assertEqual(node.call("GET", "/v1/self").json["revision"], before["revision"])
        self.assertEqual(self.admin.call("POST", "/v1/routes", {"cidr": "10.128.0.0/24", "node": node.name}).status, 200)
        self.refused(self.add("plc", f"{node.name}:502", addresses=["10.128.0.5"]), 409, "RouteOverlap", "10.128.0.0/24")
        self.assertEqual(self.add("host", f"{node.name}/10.128.0.9:80").json["targets"][0]["host"], "10.128.0.9")
        self.assertEqual(self.admin.call("DELETE", "/v1/routes/10.128.0.0%2F24").status, 200)

    def test_ends_with_its_nodes(self):
        node, other = self.new_node(), self.new_node()
        self.add("alone", f"{node.name}:80")
        self.add("two", f"{node.name}:80", f"{other.name}:80")
        self.assertEqual(self.admin.call("DELETE", f"/v1/nodes/{node.name}").status, 200)
        self.assertEqual({name: [target["node"] for target in service["targets"]] for name, service in self.listed().items()}, {"two": [other.name]})
        other.call("DELETE", "/v1/self")
        self.assertEqual(self.listed(), {})

    def test_viewers(self):
        node = self.new_node()
        self.add("ha", f"{node.name}:80")
        viewer = Viewer(self.edge, self.admin.token)
        self.addCleanup(viewer.close)
        snapshot = viewer.until(lambda message: message["type"] == "snapshot")
        self.assertEqual([service["name"] for service in snapshot["map"]["services"]], ["ha"])
        self.assertEqual(snapshot["map"]["services"][0], self.listed()["ha"])
        self.add("web", f"{node.name}:81")
        self.assertEqual(viewer.until(lambda message: message["type"] == "service" and message["service"]["name"] == "web")["service"]["targets"][0]["port"], 81)
        removed = self.listed()["web"]["id"]
        self.admin.call("DELETE", "/v1/services/web")
        viewer.until(lambda message: message == {"type": "service-removed", "id": removed})
        self.admin.call("PATCH", f"/v1/nodes/{node.name}", {"name": "renamed"})
        viewer.until(lambda message: message["type"] == "service" and message["service"]["targets"][0]["node"] == "renamed")

    def test_pages(self):
        node = self.new_node()
        for number in range(151):
            self.assertEqual(self.add(f"s-{number}", f"{node.name}:80").status, 200)
        first = self.admin.call("GET", "/v1/services").json
        rest = self.admin.call("GET", f"/v1/services?after={first['services'][-1]['id']}").json
        self.assertEqual((len(first["services"]), first["more"], len(rest["services"]), rest["more"]), (150, True, 1, False))
        self.admin.call("DELETE", f"/v1/nodes/{node.name}")
        self.assertEqual(self.admin.call("GET", "/v1/services").json["services"], [])


if __name__ == "__main__":
    unittest.main()
