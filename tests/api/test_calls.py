# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call of daemon/edge/API.md and every refusal, against a real edge."""

import base64
import concurrent.futures
import datetime
import hashlib
import ipaddress
import json
import os
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import phrases  # noqa: E402
from edge import SLOW, Edge, Node, Viewer, b64, parse_key  # noqa: E402


CATALOG = phrases.catalog()


class EdgeCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edge = Edge().start()
        cls.addClassCleanup(cls.edge.remove)
        cls.admin = cls.edge.join(cls.edge.first_key(), "admin")
        cls.names = 0

    def new_key(self, kind="server", name=None, valid=3600):
        answer = self.admin.call("POST", "/v1/keys", {"kind": kind, "name": name, "valid_seconds": valid})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["key"]

    def new_name(self):
        type(self).names += 1
        return f"node-{self.names}"

    def new_node(self, **more):
        return self.edge.join(self.new_key(), self.new_name(), **more)

    def refused(self, answer, status, code, *words):
        self.assertEqual((answer.status, answer.code), (status, code), answer)
        self.assertEqual(answer.json["schema"], 1)
        message = answer.json["error"]["message"]
        self.assertRegex(message, r"^\S.*[.?]$", "not a sentence")
        for word in words:
            self.assertIn(word, message)
        phrase = answer.json["error"].get("phrase", [message])
        self.assertEqual(phrases.fill(phrase) if len(phrase) > 1 else phrase[0], message)
        self.assertTrue(phrase[0] in CATALOG, f"no client can translate {phrase[0]}")


class Mesh(EdgeCase):
    def test_anyone_sees_what_they_join(self):
        answer = self.edge.get("/v1/mesh")
        self.assertRegex(answer.json["now"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        known = {"schema": 1, "mesh": "home", "edge": "frankfurt"}
        self.assertEqual(answer.json, {**known, "now": answer.json["now"]})
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        wrong = self.edge.get("/v1/mesh", token="n0.AAAA").json
        self.assertEqual(wrong, {**known, "now": wrong["now"]}, "a wrong credential is no credential")

    def test_version_is_for_nodes(self):
        version = self.edge.owner("GET", "/v1/mesh").json["version"]
        self.assertRegex(version, r"^\d")
        self.assertEqual(self.admin.call("GET", "/v1/mesh").json["version"], version)

    def test_unknown_calls(self):
        for path in ("/", "/v1", "/v1/", "/v1/nothing", "/v1/mesh/x", "/v1/nodes/", "/v2/mesh", "/v1/nodes%2f", "/v1/self/"):
            self.refused(self.edge.get(path, token=self.admin.token), 404, "NotFound")

    def test_unknown_methods(self):
        for method, path, allow in (("POST", "/v1/mesh", "GET"), ("PUT", "/v1/self", "GET, DELETE, PATCH"), ("DELETE", "/v1/nodes", "GET, POST"),
                                    ("GET", "/v1/enroll", "POST"), ("BREW", "/v1/nodes/x", "GET, PATCH, DELETE"), ("OPTIONS", "/v1/routes", "GET, POST")):
            answer = self.edge.call(method, path, token=self.admin.token)
            self.refused(answer, 405, "MethodNotAllowed")
            self.assertEqual(answer.headers["Allow"], allow)

    def test_chain_has_the_pin(self):
        with open(os.path.join(self.edge.state, "ca.pem")) as file:
            certificate = file.read().split("-----BEGIN CERTIFICATE-----")[1]
        self.assertEqual(len(parse_key(self.edge.first_key())["pin"]), 43)
        with self.edge.connect() as stream:
            self.assertEqual(stream.version(), "TLSv1.3")
            self.assertTrue(stream.getpeercert(True))
        self.assertTrue(certificate)


class Enrollment(EdgeCase):
    def test_node_document(self):
        node = self.new_node()
        document = node.answer.json
        self.assertEqual({k: document[k] for k in ("schema", "mesh", "suffix", "id", "name", "kind", "role", "mtu", "trial", "exit", "offers", "routes")},
                         {"schema": 1, "mesh": "home", "suffix": "home.internal", "id": node.id, "name": node.name, "kind": "server", "role": "member",
                          "mtu": 1420, "trial": False, "exit": False, "offers": [], "routes": []})
        self.assertTrue(0 < document["revision"] < 2 ** 53)
        v4, v6 = map(ipaddress.ip_address, document["addresses"])
        ranges = list(map(ipaddress.ip_network, document["ranges"]))
        self.assertEqual(document["ranges"][0], "100.96.0.0/12")
        self.assertTrue(v4 in ranges[0] and v6 in ranges[1] and ranges[1].prefixlen == 48 and ranges[1].is_private)
        self.assertNotIn(v4, ipaddress.ip_network("100.96.0.0/24"))
        self.assertEqual(document["service"][0], "100.96.0.1")
        edges = json.loads(document["edges"]["list"])
        self.assertEqual([(e["name"], e["endpoints"], e["api"]) for e in edges],
                         [("frankfurt", [f"127.0.0.1:{self.edge.port}"], [f"https://127.0.0.1:{self.edge.port}"])])
        self.assertEqual(len(base64.b64decode(edges[0]["public_key"])), 32)
        self.assertTrue(base64.b64decode(document["edges"]["signature"]))
        self.assertEqual(node.call("GET", "/v1/self").json, document)

    def test_kinds_and_roles(self):
        for kind, expected in (("server", ("server", "member")), ("device", ("device", "member")), ("admin", ("device", "admin"))):
            key = self.new_key(kind)
            self.assertEqual(parse_key(key)["kind"], kind)
            document = self.edge.join(key, self.new_name()).answer.json
            self.assertEqual((document["kind"], document["role"]), expected)

    def test_replay_is_the_same_node(self):
        node = self.new_node()
        again = node.enroll()
        self.assertEqual(again.json, node.answer.json)
        nodes = [n for n in self.admin.call("GET", "/v1/nodes").json["nodes"] if n["name"] == node.name]
        self.assertEqual(len(nodes), 1)

    def test_reply_lost_after_commit(self):
        node = Node(self.edge, self.new_key(), self.new_name())
        body = json.dumps(node.request()).encode()
        stream = self.edge.connect()
        stream.sendall(b"POST /v1/enroll HTTP/1.1\r\nHost: edge\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        stream.close()
        end = time.monotonic() + SLOW
        while time.monotonic() < end and self.admin.call("GET", f"/v1/nodes/{node.name}").status != 200:
            time.sleep(0.02)
        committed = self.admin.call("GET", f"/v1/nodes/{node.name}").json
        self.assertEqual(node.enroll().json["id"], committed["id"])

    def test_used(self):
        node = self.new_node()
        self.refused(node.enroll(public_key=b64(os.urandom(32))), 422, "KeyUsed")
        self.refused(node.enroll(credential_hash=b64(os.urandom(32))), 422, "KeyUsed")
        self.admin.call("DELETE", f"/v1/nodes/{node.name}")
        self.refused(node.enroll(), 422, "KeyUsed")

    def test_wrong_and_altered_secret(self):
        node = Node(self.edge, self.new_key(), self.new_name())
        right = node.key["secret"]
        altered = right[:5] + ("A" if right[5] != "A" else "B") + right[6:]
        for secret in (altered, right[:-1], right + "A", "", "not base64!", right.upper(), b64(os.urandom(32)), "é" * 20):
            self.refused(node.enroll(secret=secret, source="127.0.7.1"), 422, "KeyInvalid")
        self.assertEqual(node.enroll().status, 200)

    def test_rate_limit(self):
        node = Node(self.edge, self.new_key(), self.new_name())
        wrong = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        answers = [node.enroll(secret=wrong, source="127.0.9.1") for _ in range(25)]
        self.assertEqual([a.code for a in answers[:20]], ["KeyInvalid"] * 20)
        self.refused(answers[-1], 429, "TooManyRequests", "Wait")
        self.assertTrue(1 <= int(answers[-1].headers["Retry-After"]) <= 60)
        self.assertEqual(node.enroll(source="127.0.9.2").status, 200, "another address is not held back")

    def test_names(self):
        taken = self.new_node().name
        key = self.new_key()
        self.refused(Node(self.edge, key, taken).enroll(), 409, "NameTaken", taken)
        self.refused(Node(self.edge, key, "frankfurt").enroll(), 409, "NameTaken")
        for name in ("", "-x", "x-", "a.b", "Upper", "a" * 64, "späti", "a b", "a\n", "10", "0x7f000001", "localhost", "wpad", "isatap", None):
            self.refused(Node(self.edge, key, name).enroll(), 422, "NameInvalid")
        self.assertEqual(Node(self.edge, key, "a" * 63).enroll().status, 200)

    def test_key_for_a_name(self):
        name = self.new_name()
        key = self.new_key(name=name)
        waiting = self.admin.call("GET", f"/v1/nodes/{name}").json
        self.assertEqual((waiting["state"], waiting["addresses"], waiting["online"]), ("not-joined", [], False))
        self.refused(Node(self.edge, self.new_key(), name).enroll(), 409, "NameTaken")
        self.refused(self.admin.call("POST", "/v1/keys", {"kind": "server", "name": name}), 409, "NameTaken")
        node = self.edge.join(key, "something-else")
        self.assertEqual((node.answer.json["name"], node.id), (name, waiting["id"]))
        self.assertEqual(self.admin.call("GET", f"/v1/nodes/{name}").json["state"], "offline")
        second = self.new_name()
        nameless = Node(self.edge, self.new_key(name=second), None).enroll()
        self.assertEqual(nameless.json["name"], second)

    def test_key_revoked(self):
        name = self.new_name()
        key = self.new_key(name=name)
        self.assertEqual(self.admin.call("DELETE", f"/v1/nodes/{name}").json, {"schema": 1})
        self.refused(Node(self.edge, key, name).enroll(source="127.0.8.1"), 422, "KeyInvalid", "revoked")

    def test_fields(self):
        node = Node(self.edge, self.new_key(), self.new_name())
        for field, values in {"public_key": (None, 7, "", "abc", b64(bytes(32)), b64(os.urandom(31)), [1]), "secret": (None, 5, {}),
                              "credential_hash": (None, "x", b64(os.urandom(33)), False), "os": (5, "x" * 65, "a\nb"), "version": ([], "\u0007")}.items():
            for value in values:
                answer = self.edge.call("POST", "/v1/enroll", node.request() | {field: value})
                if value is None and field not in ("public_key", "secret", "credential_hash"):
                    continue
                self.refused(answer, 400, "InvalidArgument", field)
        self.refused(node.enroll(public_key=b64(self.admin.public_key)), 400, "InvalidArgument", "public key")
        edge_key = json.loads(self.admin.answer.json["edges"]["list"])[0]["public_key"]
        self.refused(node.enroll(public_key=edge_key), 400, "InvalidArgument", "public key")
        self.assertEqual(node.enroll().status, 200, "a refusal consumes nothing")


class BodyAgainstCaller(EdgeCase):
    """The URL, the credential and the key say which node is meant; a different one in the body is ignored."""

    def own(self, node):
        document = node.call("GET", "/v1/self").json
        return {name: document[name] for name in ("id", "name", "role", "kind", "addresses")}

    def lies(self, other):
        return {"id": other.id, "node_id": other.id, "role": "admin", "owner": "admin", "self": other.id, "addresses": other.answer.json["addresses"],
                "public_key": b64(other.public_key), "credential_hash": b64(hashlib.sha256(other.credential).digest())}

    def test_enrollment(self):
        victim = self.new_node()
        before = self.own(victim)
        node = Node(self.edge, self.new_key(), self.new_name())
        lies = {name: value for name, value in self.lies(victim).items() if name not in ("public_key", "credential_hash")}
        node.answer = self.edge.call("POST", "/v1/enroll", node.request() | lies | {"kind": "admin", "node": victim.name})
        self.assertEqual(node.answer.status, 200, node.answer)
        node.id = node.answer.json["id"]
        self.assertNotEqual(node.id, victim.id)
        self.assertEqual((node.answer.json["role"], node.answer.json["kind"]), ("member", "server"))
        self.assertEqual(set(node.answer.json["addresses"]) & set(before["addresses"]), set())
        self.refused(node.call("POST", "/v1/keys", {"kind": "admin", "role": "admin"}), 403, "NotAdministrator")
        self.assertEqual(self.own(victim), before)

    def test_a_members_calls(self):
        member, victim = self.new_node(), self.new_node()
        mine, theirs = self.own(member), self.own(victim)
        lies = self.lies(victim)
        for path in (f"/v1/nodes/{member.name}", f"/v1/nodes/{member.id}"):
            self.refused(member.call("PATCH", path, lies | {"name": "mine"}), 403, "NotAdministrator")
        for path in ("/v1/nodes", "/v1/keys", "/v1/routes"):
            self.refused(member.call("POST", path, lies | {"node": victim.id, "kind": "server", "cidr": "10.99.0.0/16"}), 403, "NotAdministrator")
        self.assertEqual((self.own(member), self.own(victim)), (mine, theirs))
        self.assertEqual(member.call("GET", f"/v1/self?id={victim.id}&node={victim.name}").json["id"], member.id)
        # A node can only leave itself, whatever the body says.
        self.assertEqual(member.call("DELETE", f"/v1/self?id={victim.id}", {"id": victim.id, "node": victim.name}).status, 200)
        self.refused(member.call("GET", "/v1/self"), 410, "Removed")
        self.assertEqual(self.own(victim), theirs)

    def test_an_administrators_calls(self):
        target, victim = self.new_node(), self.new_node()
        theirs, renamed = self.own(victim), self.new_name()
        answer = self.admin.call("PATCH", f"/v1/nodes/{target.name}", self.lies(victim) | {"name": renamed, "node": victim.name})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.own(target), {"id": target.id, "name": renamed, "role": "member", "kind": "server", "addresses": target.answer.json["addresses"]})
        self.assertEqual(self.own(victim), theirs)
        made = self.admin.call("POST", "/v1/nodes", {"name": self.new_name(), "kind": "server", "public_key": b64(os.urandom(32)), "id": victim.id, "role": "admin",
                                                     "addresses": theirs["addresses"], "credential_hash": b64(hashlib.sha256(b"x").digest())}).json["node"]
        self.assertNotEqual(made["id"], victim.id)
        self.assertEqual(made["role"], "member")
        self.assertEqual(set(made["addresses"]) & set(theirs["addresses"]), set())
        key = self.admin.call("POST", "/v1/keys", {"kind": "server", "role": "admin", "id": victim.id}).json["key"]
        self.assertEqual(self.edge.join(key, self.new_name()).answer.json["role"], "member")
        self.assertEqual(self.admin.call("DELETE", f"/v1/nodes/{renamed}", {"id": victim.id, "name": victim.name, "node": victim.id}).status, 200)
        self.refused(target.call("GET", "/v1/self"), 410, "Removed")
        self.assertEqual(self.own(victim), theirs)


class Authentication(EdgeCase):
    NODE_CALLS = (("GET", "/v1/self"), ("DELETE", "/v1/self"), ("GET", "/v1/nodes"), ("GET", "/v1/nodes/admin"), ("GET", "/v1/routes"), ("GET", "/v1/topology"))
    ADMIN_CALLS = (("POST", "/v1/nodes"), ("PATCH", "/v1/nodes/admin"), ("DELETE", "/v1/nodes/admin"), ("POST", "/v1/keys"), ("POST", "/v1/routes"),
                   ("DELETE", "/v1/routes/10.0.0.0%2F24"), ("GET", "/v1/keys"), ("DELETE", "/v1/keys/abcdefabcdef"))

    def test_without_credential(self):
        for method, path in self.NODE_CALLS + self.ADMIN_CALLS:
            answer = self.edge.call(method, path, {} if method in ("POST", "PATCH") else None)
            self.refused(answer, 401, "NotAuthenticated")
            self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")

    def test_wrong_credential(self):
        token = self.admin.token
        other = self.new_node()
        for wrong in (token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), self.admin.id + ".", self.admin.id, ".x", token + "A", "n0." + token.split(".")[1],
                      self.admin.id + "." + other.token.split(".")[1], "é.é"):
            for method, path in (("GET", "/v1/self"), ("DELETE", "/v1/nodes/admin")):
                answer = self.edge.call(method, path, headers={"Authorization": b"Bearer " + wrong.encode()})
                self.refused(answer, 401, "NotAuthenticated")
        for header in ("Basic YTpi", "bearer " + token, token, ""):
            self.refused(self.edge.get("/v1/self", headers={"Authorization": header}), 401, "NotAuthenticated")

    def test_member_is_not_an_administrator(self):
        node = self.new_node()
        for method, path in self.ADMIN_CALLS:
            self.refused(node.call(method, path, {} if method in ("POST", "PATCH") else None), 403, "NotAdministrator")
        self.assertEqual(self.admin.call("GET", "/v1/self").status, 200)

    def test_owner_calls_are_not_for_the_network(self):
        self.refused(self.admin.call("GET", "/v1/status"), 404, "NotFound")
        self.refused(self.admin.call("POST", "/v1/admin-key", {}), 404, "NotFound")

    def test_removed(self):
        node = self.new_node()
        view = node.view()
        self.assertEqual(view.message()["type"], "snapshot")
        self.assertEqual(self.admin.call("DELETE", f"/v1/nodes/{node.name}").json, {"schema": 1})
        for method, path in self.NODE_CALLS[:5]:
            self.refused(node.call(method, path), 410, "Removed")
        refused = Viewer(self.edge, node.token)
        self.assertEqual(refused.status, 410)
        refused.close()
        with self.assertRaises(EOFError):
            view.until(lambda message: False)
        view.close()
        wrong = node.id + "." + base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        self.refused(self.edge.get("/v1/self", token=wrong), 401, "NotAuthenticated")

    def test_leave(self):
        node = self.new_node()
        self.assertEqual(node.call("DELETE", "/v1/self").json, {"schema": 1})
        self.refused(node.call("GET", "/v1/self"), 410, "Removed")
        self.refused(self.admin.call("GET", f"/v1/nodes/{node.name}"), 404, "NotFound")
        self.assertEqual(self.edge.join(self.new_key(), node.name).answer.json["name"], node.name, "the name is free again")


class Nodes(EdgeCase):
    def test_list_and_show(self):
        node = self.new_node()
        listing = self.admin.call("GET", "/v1/nodes").json
        self.assertIs(listing["more"], False)
        found = [n for n in listing["nodes"] if n["id"] == node.id]
        self.assertEqual(len(found), 1)
        fields = {"id", "name", "kind", "role", "mtu", "plain", "state", "online", "addresses", "edge", "transport", "rtt_ms", "created", "last_seen", "last_handshake", "rx_bytes", "tx_bytes", "routes", "names", "os",
                  "version", "problem", "self"}
        self.assertEqual(set(found[0]), fields)
        self.assertEqual({k: found[0][k] for k in ("name", "state", "online", "edge", "rtt_ms", "last_seen", "rx_bytes", "os", "version", "self", "plain")},
                         {"name": node.name, "state": "offline", "online": False, "edge": None, "rtt_ms": None, "last_seen": None, "rx_bytes": 0, "os": "Debian 12",
                          "version": "0.1.0", "self": False, "plain": False})
        ids = [n["id"] for n in listing["nodes"]]
        self.assertEqual(ids, sorted(ids))
        self.assertRegex(found[0]["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertLess(abs(datetime.datetime.fromisoformat(found[0]["created"].replace("Z", "+00:00")).timestamp() - time.time()), 600)
        for name in (node.name, node.id, *node.answer.json["addresses"]):
            answer = self.admin.call("GET", f"/v1/nodes/{name}")
            self.assertEqual(answer.json, found[0] | {"schema": 1})
        rest = self.admin.call("GET", f"/v1/nodes?after={ids[0]}").json["nodes"]
        self.assertEqual([n["id"] for n in rest], ids[1:])

    def test_not_found(self):
        for name in ("nobody", "n0000000000000000", "100.96.200.200", "fd00::1", "100.96.0.1", "%C3%A9", "a/b", "frankfurt"):
            self.refused(self.admin.call("GET", f"/v1/nodes/{name}"), 404, "NotFound")
            self.refused(self.admin.call("DELETE", f"/v1/nodes/{name}"), 404, "NotFound")
            self.refused(self.admin.call("PATCH", f"/v1/nodes/{name}", {"name": "x"}), 404, "NotFound")

    def test_rename(self):
        node = self.new_node()
        before = node.call("GET", "/v1/self").json
        new = self.new_name()
        self.assertEqual(self.admin.call("PATCH", f"/v1/nodes/{node.name}", {"name": new}).json["name"], new)
        after = node.call("GET", "/v1/self").json
        self.assertEqual((after["name"], after["id"]), (new, node.id))
        self.assertNotEqual(after["revision"], before["revision"])
        self.refused(self.admin.call("GET", f"/v1/nodes/{node.name}"), 404, "NotFound")
        self.refused(self.admin.call("PATCH", f"/v1/nodes/{new}", {"name": "admin"}), 409, "NameTaken", "admin")
        self.refused(self.admin.call("PATCH", f"/v1/nodes/{new}", {"name": "No"}), 422, "NameInvalid")
        self.refused(self.admin.call("PATCH", f"/v1/nodes/{new}", {}), 400, "InvalidArgument", "name")
        self.refused(self.admin.call("PATCH", f"/v1/nodes/{new}", {"name": 5}), 400, "InvalidArgument", "name")
        self.assertEqual(self.admin.call("PATCH", f"/v1/nodes/{new}", {"name": new}).status, 200, "to its own name")
        back = self.admin.call("PATCH", f"/v1/nodes/{node.id}", {"name": node.name})
        self.assertEqual(back.status, 200)
        self.assertEqual(node.call("GET", "/v1/self").json, before, "the old document has the old revision")

    def test_mtu(self):
        node = self.new_node()
        before = node.call("GET", "/v1/self").json
        self.assertEqual(before["mtu"], 1420)
        path = f"/v1/nodes/{node.name}"
        self.assertEqual(self.admin.call("PATCH", path, {"mtu": 1280}).json["mtu"], 1280)
        after = node.call("GET", "/v1/self").json
        self.assertEqual((after["mtu"], after["name"]), (1280, node.name))
        self.assertNotEqual(after["revision"], before["revision"])
        self.assertEqual(self.admin.call("GET", "/v1/self").json["mtu"], 1420, "that node's alone")
        for wrong in (1279, 1421, -1, 65536 + 1280, "1280", None, True, 1300.5):
            self.refused(self.admin.call("PATCH", path, {"mtu": wrong}), 400, "InvalidArgument", "1280")
        self.refused(self.admin.call("PATCH", path, {"mtu": 1300, "name": self.new_name()}), 400, "InvalidArgument", "either")
        self.assertEqual(node.call("GET", "/v1/self").json, after, "what is refused changes nothing")
        self.refused(node.call("PATCH", path, {"mtu": 1300}), 403, "NotAdministrator")
        new = self.new_name()
        renamed = self.admin.call("PATCH", path, {"name": new}).json
        self.assertEqual((renamed["mtu"], renamed["name"]), (1280, new))
        self.assertEqual(self.admin.call("PATCH", f"/v1/nodes/{new}", {"name": node.name}).status, 200)
        self.assertEqual(self.admin.call("PATCH", path, {"mtu": 0}).json["mtu"], 1420)
        self.assertEqual(node.call("GET", "/v1/self").json, before, "the old document has the old revision")

    def test_plain_node(self):
        name, key = self.new_name(), b64(os.urandom(32))
        answer = self.admin.call("POST", "/v1/nodes", {"name": name, "kind": "device", "public_key": key, "valid_seconds": 60})
        self.assertEqual(answer.status, 200, answer)
        node, config = answer.json["node"], answer.json["config"]
        self.assertEqual((node["name"], node["state"], node["plain"], node["kind"]), (name, "not-joined", True, "device"))
        self.assertEqual(config["addresses"], node["addresses"])
        document = self.admin.call("GET", "/v1/self").json
        edge = json.loads(document["edges"]["list"])[0]
        self.assertEqual(config | {"peer": None}, {"addresses": node["addresses"], "dns": document["service"], "search": ["home.internal"], "mtu": 1420, "peer": None})
        self.assertEqual(config["peer"], {"public_key": edge["public_key"], "endpoint": edge["endpoints"][0], "ranges": document["ranges"], "routes": [],
                                          "persistent_keepalive": 25})
        self.refused(self.admin.call("POST", "/v1/nodes", {"name": name, "kind": "device", "public_key": b64(os.urandom(32))}), 409, "NameTaken")
        self.refused(self.admin.call("POST", "/v1/nodes", {"name": self.new_name(), "kind": "device", "public_key": key}), 400, "InvalidArgument", "public key")
        for field, value in (("kind", "admin"), ("kind", 5), ("valid_seconds", 59), ("valid_seconds", 31536001), ("valid_seconds", "1h"), ("public_key", "x"), ("name", None)):
            body = {"name": self.new_name(), "kind": "server", "public_key": b64(os.urandom(32)), "valid_seconds": 60} | {field: value}
            self.refused(self.admin.call("POST", "/v1/nodes", body), 400, "InvalidArgument")
        self.assertEqual(self.admin.call("DELETE", f"/v1/nodes/{name}").status, 200)

    def test_keys(self):
        answer = self.admin.call("POST", "/v1/keys", {"kind": "device"})
        self.assertEqual(set(answer.json), {"schema", "key", "id", "kind", "name", "expires", "install"})
        self.assertRegex(answer.json["expires"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        key = parse_key(answer.json["key"])
        self.assertEqual(key["api"], [f"https://127.0.0.1:{self.edge.port}"])
        for body, word in (({}, "kind"), ({"kind": "king"}, "kind"), ({"kind": "server", "valid_seconds": 1}, "valid_seconds"),
                           ({"kind": "server", "valid_seconds": 1e9}, "valid_seconds"), ({"kind": "server", "name": 5}, "name")):
            self.refused(self.admin.call("POST", "/v1/keys", body), 400, "InvalidArgument", word)
        self.refused(self.admin.call("POST", "/v1/keys", {"kind": "server", "name": "A B"}), 422, "NameInvalid")


class Routes(EdgeCase):
    def add(self, cidr, node):
        return self.admin.call("POST", "/v1/routes", {"cidr": cidr, "node": node})

    def test_life(self):
        gateway, other = self.new_node(), self.new_node()
        before = gateway.call("GET", "/v1/self").json, other.call("GET", "/v1/self").json
        route = {"cidr": "10.7.0.0/24", "node": gateway.name, "node_id": gateway.id, "online": False}
        self.assertEqual(self.add("10.7.0.0/24", gateway.name).json, route | {"schema": 1})
        self.assertEqual(self.add("10.7.0.0/24", gateway.id).json, route | {"schema": 1}, "again is as if new")
        self.assertEqual(self.add("fd99:7::/64", gateway.id).status, 200)
        self.assertIn(route, other.call("GET", "/v1/routes").json["routes"])
        mine, theirs = gateway.call("GET", "/v1/self").json, other.call("GET", "/v1/self").json
        self.assertEqual(mine["offers"], ["10.7.0.0/24", "fd99:7::/64"])
        self.assertNotIn("10.7.0.0/24", [r["cidr"] for r in mine["routes"]])
        self.assertIn({"cidr": "10.7.0.0/24", "node": gateway.name}, theirs["routes"])
        self.assertNotEqual(mine["revision"], before[0]["revision"])
        self.assertNotEqual(theirs["revision"], before[1]["revision"])
        self.assertEqual(self.admin.call("GET", f"/v1/nodes/{gateway.name}").json["routes"], ["10.7.0.0/24", "fd99:7::/64"])
        self.assertEqual(self.admin.call("DELETE", "/v1/routes/10.7.0.0%2F24").json, {"schema": 1})
        self.assertEqual(self.admin.call("DELETE", "/v1/routes/fd99:7::/64").json, {"schema": 1})
        self.assertEqual((gateway.call("GET", "/v1/self").json, other.call("GET", "/v1/self").json), before)

    def test_refused(self):
        gateway, other = self.new_node(), self.new_node()
        self.assertEqual(self.add("10.20.0.0/16", gateway.name).status, 200)
        self.refused(self.add("10.20.5.0/24", other.name), 409, "RouteOverlap", "10.20.0.0/16", gateway.name)
        self.refused(self.add("10.0.0.0/8", other.name), 409, "RouteOverlap", "10.20.0.0/16")
        self.refused(self.add("10.20.0.0/16", other.name), 409, "RouteOverlap", gateway.name)
        self.assertEqual(self.add("10.20.5.0/24", gateway.name).status, 200, "a part of one's own is fine")
        ula = self.admin.answer.json["ranges"][1]
        for cidr in ("100.96.0.0/12", "100.100.0.0/16", "100.64.0.0/10", ula, ula.replace("/48", "/64")):
            self.refused(self.add(cidr, gateway.name), 409, "RouteOverlap", "own range")
        for cidr in ("", "x", "10.0.0", "10.0.0.0/33", "10.0.0.1/24", "10.0.0.0/-1", "10.0.0.0/24/", " 10.0.0.0/24", "fe80::%eth0/64", "fd00::/129", "a" * 1000):
            self.refused(self.add(cidr, gateway.name), 422, "RouteInvalid")
        self.refused(self.add("10.9.8.7/24", gateway.name), 422, "RouteInvalid", "10.9.8.0/24")
        for cidr in ("0.0.0.0/0", "::/0", "10.0.0.0/7", "fc00::/7", "2000::/3"):
            self.refused(self.add(cidr, gateway.name), 422, "RouteInvalid", "too wide")
        for cidr in ("127.0.0.0/8", "127.1.0.0/16", "169.254.0.0/16", "169.254.169.254/32", "224.0.0.0/8", "255.255.255.255/32", "0.0.0.0/8", "fe80::/64", "ff02::/16", "::1/128"):
            self.refused(self.add(cidr, gateway.name), 422, "RouteInvalid", "can't be routed")
        self.refused(self.add("10.30.0.0/16", "nobody"), 404, "NotFound")
        self.refused(self.admin.call("POST", "/v1/routes", {"cidr": "10.30.0.0/16"}), 400, "InvalidArgument", "node")
        self.refused(self.admin.call("POST", "/v1/routes", {"cidr": 5, "node": "x"}), 400, "InvalidArgument", "cidr")
        self.refused(self.admin.call("DELETE", "/v1/routes/10.77.0.0%2F16"), 404, "NotFound", "10.77.0.0/16")
        self.refused(self.admin.call("DELETE", "/v1/routes/nonsense"), 422, "RouteInvalid")
        self.admin.call("DELETE", f"/v1/nodes/{gateway.name}")
        self.assertEqual(self.add("10.20.5.0/24", other.name).status, 200, "a removed node's routes are free")

    def test_bounds(self):
        node = self.new_node()
        for i in range(50):
            self.assertEqual(self.add(f"172.20.{i}.0/24", node.name).status, 200)
        self.refused(self.add("172.20.99.0/24", node.name), 422, "RouteInvalid", "50")
        self.assertEqual(self.admin.call("DELETE", f"/v1/nodes/{node.id}").status, 200, "all of it in one transaction")
        self.assertEqual([r for r in self.admin.call("GET", "/v1/routes").json["routes"] if r["node_id"] == node.id], [])


class Names(EdgeCase):
    def add(self, name, node, **more):
        return self.admin.call("POST", "/v1/names", {"name": name, "node": node} | more)

    def test_additional_names(self):
        node, other, name = self.new_node(), self.new_node(), self.new_name()
        revision = other.call("GET", "/v1/self").json["revision"]
        entry = {"name": name, "node": node.name, "node_id": node.id}
        self.assertEqual(self.add(name, node.name).json, entry | {"schema": 1})
        self.assertEqual(self.add(f"{name}.home.internal", node.id).json, entry | {"schema": 1}, "again is as if new")
        self.assertEqual(other.call("GET", f"/v1/nodes/{name.upper()}.home.internal").json["id"], node.id)
        self.assertEqual(other.call("GET", f"/v1/nodes/{node.id}").json["names"], [name])
        names = other.call("GET", "/v1/names").json
        self.assertEqual((names["suffix"], names["edges"]), ("home.internal", [{"name": "edge", "addresses": node.answer.json["service"]},
                                                                               {"name": "frankfurt", "addresses": node.answer.json["service"]}]))
        self.assertIn(entry, names["names"])
        self.assertEqual(other.call("GET", "/v1/self").json["revision"], revision, "no node's document has them")
        for taken in (node.name, other.name, name, "frankfurt", "edge"):
            self.refused(self.add(taken, other.name), 409, "NameTaken", taken)
        self.refused(self.admin.call("PATCH", f"/v1/nodes/{other.name}", {"name": name}), 409, "NameTaken", name)
        for wrong in ("", "-a", "a b", "a.b", "x" * 64, "1", "0x7f000001", "localhost", "WPAD", "isatap.home.internal"):
            self.refused(self.add(wrong, node.name), 422, "NameInvalid")
        self.refused(self.add(self.new_name(), "nobody"), 404, "NotFound", "nobody")
        self.refused(self.admin.call("POST", "/v1/names", {"name": "x"}), 400, "InvalidArgument", "node")
        self.refused(self.admin.call("DELETE", f"/v1/nodes/{name}"), 400, "InvalidArgument", name, node.name)
        self.refused(self.admin.call("DELETE", f"/v1/names/{node.name}"), 422, "NameInvalid", "node rename")
        self.assertEqual(self.admin.call("PATCH", f"/v1/nodes/{name}", {"name": self.new_name()}).json["names"], [name], "they follow the node")
        self.assertEqual(self.admin.call("DELETE", f"/v1/names/{name}").json, {"schema": 1})
        self.refused(self.admin.call("DELETE", f"/v1/names/{name}"), 404, "NotFound", name)
        self.refused(node.call("POST", "/v1/names", {"name": name, "node": node.name}), 403, "NotAdministrator")
        self.refused(node.call("DELETE", f"/v1/names/{name}"), 403, "NotAdministrator")

    def test_search_domains(self):
        gateway, other = self.new_node(), self.new_node()
        before = other.call("GET", "/v1/self").json
        self.assertEqual(before["domains"], [])
        self.refused(self.add("corp.example", gateway.name, resolver="10.88.0.53"), 422, "RouteInvalid", "10.88.0.53", gateway.name)
        self.admin.call("POST", "/v1/routes", {"cidr": "10.88.0.0/16", "node": gateway.name})
        domain = {"domain": "corp.example", "resolver": "10.88.0.53", "node": gateway.name, "node_id": gateway.id, "online": False}
        for _ in range(2):
            self.assertEqual(self.add("Corp.Example", gateway.name, resolver="10.88.0.53").json, domain | {"schema": 1})
        self.assertEqual(other.call("GET", "/v1/names").json["domains"], [domain])
        for node in (gateway, other):
            self.assertEqual(node.call("GET", "/v1/self").json["domains"], [{"domain": "corp.example", "resolver": "10.88.0.53", "node": gateway.name}])
        self.refused(self.add("corp.example", other.name, resolver=other.answer.json["addresses"][0]), 409, "NameTaken", gateway.name)
        for wrong in ("com", "co.uk", "", ".", "x.onion", "a..b", "10.in-addr.arpa", "a" * 300):
            self.refused(self.add(wrong, gateway.name, resolver="10.88.0.53"), 422, "NameInvalid")
        for wrong in ("home.internal", "x.home.internal"):
            self.refused(self.add(wrong, gateway.name, resolver="10.88.0.53"), 409, "NameTaken", "home.internal")
        for wrong in ("", "corp.example", "10.88.0.53/32"):
            self.refused(self.add("a.example", gateway.name, resolver=wrong), 400, "InvalidArgument")
        self.refused(self.add("a.example", gateway.name, resolver=53), 400, "InvalidArgument", "resolver")
        self.admin.call("DELETE", "/v1/routes/10.88.0.0%2F16")
        self.assertEqual(other.call("GET", "/v1/self").json, before, "a domain goes with the route to its resolver")


class Keys(EdgeCase):
    def keys(self):
        answer = self.admin.call("GET", "/v1/keys")
        self.assertEqual(answer.status, 200, answer)
        return {key["id"]: key for key in answer.json["keys"]}

    def made(self, caller, **body):
        answer = caller("POST", "/v1/keys", {"kind": "server", "valid_seconds": 3600} | body)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def test_list_and_revoke(self):
        name = self.new_name()
        named, owners = self.made(self.admin.call, name=name), self.made(self.edge.owner, kind="admin")
        secret = parse_key(named["key"])["secret"]
        self.assertEqual(named["id"], hashlib.sha256(base64.urlsafe_b64decode(secret + "=")).hexdigest()[:12])
        listed = self.keys()
        shown = listed[named["id"]]
        self.assertEqual({k: shown[k] for k in ("label", "kind", "renews", "maker", "maker_name", "expires")},
                         {"label": name, "kind": "server", "renews": False, "maker": self.admin.id, "maker_name": "admin", "expires": named["expires"]})
        created, expires = (datetime.datetime.fromisoformat(shown[k].replace("Z", "+00:00")) for k in ("created", "expires"))
        self.assertEqual((expires - created).total_seconds(), 3600)
        shown = listed[owners["id"]]
        self.assertEqual((shown["label"], shown["kind"], shown["maker"], shown["maker_name"]), (None, "admin", "owner", None))
        for id_ in (named["id"], owners["id"][:6]):
            self.assertEqual(self.admin.call("DELETE", f"/v1/keys/{id_}").json, {"schema": 1})
        self.assertFalse({named["id"], owners["id"]} & set(self.keys()))
        self.refused(self.admin.call("GET", f"/v1/nodes/{name}"), 404, "NotFound")
        for made in (named, owners):
            self.refused(Node(self.edge, made["key"], self.new_name()).enroll(source="127.0.8.2"), 422, "KeyInvalid", "revoked")
            self.refused(self.admin.call("DELETE", f"/v1/keys/{made['id']}"), 404, "NotFound", "key list")
        self.refused(self.admin.call("DELETE", "/v1/keys/abc"), 400, "InvalidArgument")

    def test_used_keys_are_not_listed(self):
        made = self.made(self.admin.call)
        self.edge.join(made["key"], self.new_name())
        self.assertNotIn(made["id"], self.keys())

    def test_keys_end_with_their_maker(self):
        thief = self.edge.join(self.edge.admin_key(), self.new_name())
        name = self.new_name()
        hidden, named = self.made(thief.call, kind="admin"), self.made(thief.call, name=name)
        self.assertEqual(self.keys()[hidden["id"]]["maker_name"], thief.name)
        self.assertEqual(self.admin.call("DELETE", f"/v1/nodes/{thief.name}").status, 200)
        self.assertFalse({hidden["id"], named["id"]} & set(self.keys()))
        for made in (hidden, named):
            self.refused(Node(self.edge, made["key"], "evil").enroll(source="127.0.8.3"), 422, "KeyInvalid")
        self.refused(self.admin.call("GET", f"/v1/nodes/{name}"), 404, "NotFound")

    def test_keys_end_with_one_who_leaves(self):
        leaver = self.edge.join(self.edge.admin_key(), self.new_name())
        made = self.made(leaver.call)
        self.assertEqual(leaver.call("DELETE", "/v1/self").status, 200)
        self.assertNotIn(made["id"], self.keys())

    def test_lifetime_of_administrators_keys(self):
        for caller, seconds, good in ((self.admin.call, 86400, True), (self.admin.call, 86401, False), (self.edge.owner, 604800, True), (self.edge.owner, 604801, False)):
            answer = caller("POST", "/v1/keys", {"kind": "admin", "valid_seconds": seconds})
            if good:
                self.assertEqual(answer.status, 200, answer)
            else:
                self.refused(answer, 400, "InvalidArgument", "at most")
        self.refused(self.edge.owner("POST", "/v1/admin-key", {"valid_seconds": 604801}), 400, "InvalidArgument", "week")

    def test_two_use_a_key_at_the_same_instant(self):
        for _ in range(5):
            key = self.new_key()
            nodes = [Node(self.edge, key, self.new_name()) for _ in range(4)]
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(Node.enroll, nodes))
            self.assertEqual(sorted(answer.status for answer in answers), [200, 422, 422, 422], answers)
            joined = [n for n in self.admin.call("GET", "/v1/nodes").json["nodes"] if n["name"] in [node.name for node in nodes]]
            self.assertEqual(len(joined), 1)


class Renewal(EdgeCase):
    def renew(self, name, **more):
        return self.admin.call("POST", "/v1/keys", {"name": name, "renew": True} | more)

    def test_a_machine_takes_a_nodes_place(self):
        old = self.new_node()
        self.assertEqual(self.admin.call("POST", "/v1/routes", {"cidr": "10.71.0.0/16", "node": old.name}).status, 200)
        view = old.view()
        self.assertEqual(view.message()["type"], "snapshot")
        made = self.renew(old.name)
        self.assertEqual((made.status, made.json["name"], made.json["kind"]), (200, old.name, "server"), made)
        self.assertEqual(old.call("GET", "/v1/self").status, 200, "the old one stays until the new one is there")
        listed = {key["id"]: key for key in self.admin.call("GET", "/v1/keys").json["keys"]}[made.json["id"]]
        self.assertEqual((listed["label"], listed["renews"]), (old.name, True))
        new = self.edge.join(made.json["key"], "whatever")
        document = new.answer.json
        self.assertEqual((new.id, document["name"], document["addresses"], document["offers"]), (old.id, old.name, old.answer.json["addresses"], ["10.71.0.0/16"]))
        with self.assertRaises(EOFError):
            view.until(lambda message: False)
        view.close()
        self.refused(old.call("GET", "/v1/self"), 410, "Removed", "place")
        self.refused(old.call("DELETE", "/v1/self"), 410, "Removed")
        self.refused(old.enroll(), 422, "KeyUsed")
        self.assertEqual(new.enroll().json["id"], new.id)
        self.assertEqual(new.call("GET", "/v1/self").json["addresses"], old.answer.json["addresses"])
        self.assertEqual(self.admin.call("DELETE", "/v1/routes/10.71.0.0%2F16").status, 200)

    def test_an_administrators_place(self):
        admin = self.edge.join(self.edge.admin_key(), self.new_name())
        self.refused(self.renew(admin.name, valid_seconds=86401), 400, "InvalidArgument", "day")
        hidden = admin.call("POST", "/v1/keys", {"kind": "admin"}).json
        made = self.renew(admin.name).json
        self.assertEqual((made["kind"], parse_key(made["key"])["kind"]), ("admin", "admin"))
        self.assertEqual(self.edge.join(made["key"], None).answer.json["role"], "admin")
        self.refused(Node(self.edge, hidden["key"], self.new_name()).enroll(), 422, "KeyInvalid")

    def test_refusals(self):
        self.refused(self.renew("nobody"), 404, "NotFound")
        self.refused(self.renew(None), 400, "InvalidArgument", "name")
        member = self.new_node()
        self.refused(member.call("POST", "/v1/keys", {"name": member.name, "renew": True}), 403, "NotAdministrator")

    def test_plain_nodes(self):
        def add(**body):
            return self.admin.call("POST", "/v1/nodes", {"name": name, "public_key": b64(os.urandom(32)), "valid_seconds": 60} | body)
        name = self.new_name()
        first = add(kind="device").json
        answer = add(renew=True)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.json["node"]["id"], answer.json["config"]["addresses"]), (first["node"]["id"], first["config"]["addresses"]))
        self.assertEqual(answer.json["config"]["peer"], first["config"]["peer"])
        self.refused(self.renew(name), 400, "InvalidArgument", "node config")
        enrolled = self.new_node()
        self.refused(add(name=enrolled.name, renew=True), 400, "InvalidArgument", "node add")
        self.refused(add(name="nobody", renew=True), 404, "NotFound")
        self.refused(add(kind="device"), 409, "NameTaken")

    def test_addresses_wait_for_their_name(self):
        old = self.new_node()
        self.assertEqual(old.call("DELETE", "/v1/self").status, 200)
        new = self.edge.join(self.new_key(name=old.name), None)
        self.assertEqual(new.answer.json["addresses"], old.answer.json["addresses"])
        self.assertNotEqual(new.id, old.id)
        self.refused(old.call("GET", "/v1/self"), 410, "Removed")


class WhoDidWhat(EdgeCase):
    def test_log(self):
        a, b, plain, new = (self.new_name() for _ in range(4))
        admin, cidr = self.admin.call, "/v1/routes/10.9.0.0%2F24"
        key = admin("POST", "/v1/keys", {"kind": "server", "name": a}).json
        node = self.edge.join(key["key"], None)
        spare = self.edge.owner("POST", "/v1/keys", {"kind": "admin"}).json
        spared = admin("POST", "/v1/keys", {"kind": "device", "name": new}).json
        renewal = admin("POST", "/v1/keys", {"name": a, "renew": True}).json
        self.edge.join(renewal["key"], None)
        for method, path, body in (("PATCH", a, {"name": b}), ("PATCH", b, {"mtu": 1300})):
            self.assertEqual(admin(method, f"/v1/nodes/{path}", body).status, 200)
        admin("POST", "/v1/routes", {"cidr": "10.9.0.0/24", "node": b})
        admin("POST", "/v1/names", {"name": f"also-{b}", "node": b})
        admin("POST", "/v1/names", {"name": "corp.example.net", "node": b, "resolver": "10.9.0.53"})
        self.edge.owner("DELETE", f"/v1/names/also-{b}")
        self.edge.owner("DELETE", cidr)
        admin("DELETE", f"/v1/keys/{spare['id']}")
        self.edge.owner("DELETE", f"/v1/keys/{spared['id']}")
        public_key = b64(os.urandom(32))
        admin("POST", "/v1/nodes", {"name": plain, "kind": "device", "public_key": public_key})
        admin("POST", "/v1/nodes", {"name": plain, "renew": True, "public_key": b64(os.urandom(32))})
        self.edge.owner("DELETE", f"/v1/nodes/{plain}")
        admin("DELETE", f"/v1/nodes/{b}")
        log = self.edge.log()
        for line in (f"enrollment key {key['id']} (server, for {a}) was made, by admin", f"node {a} (server, member) joined, with enrollment key {key['id']}",
                     f"enrollment key {spare['id']} (admin, for any name) was made, by the owner", f"enrollment key {renewal['id']} (server, for {a}, whose place it takes) was made, by admin",
                     f"another computer took the place of node {a} (server, member), with enrollment key {renewal['id']}",
                     f"node {a} is now {b}, by admin", f"node {b} has the MTU 1300, by admin", f"route 10.9.0.0/24 through {b} was added, by admin", "route 10.9.0.0/24 was removed, by the owner",
                     f"name also-{b} for node {b} was added, by admin", f"domain corp.example.net through {b}, asked at 10.9.0.53, was added, by admin", f"name also-{b} was removed, by the owner",
                     f"enrollment key {spare['id']} (admin, for any name) was revoked, by admin", f"enrollment key {spared['id']} (device, for {new}) was revoked, by the owner",
                     f"node {new} was removed with its enrollment key",
                     f"plain node {plain} was added, by admin", f"plain node {plain} has a new key pair, by admin", f"node {plain} was removed, by the owner", f"node {b} was removed, by admin"):
            self.assertIn(line, log)
        for secret in (key["key"], spare["key"], parse_key(renewal["key"])["secret"], node.token.split(".")[1]):
            self.assertNotIn(secret, log)

    def test_self(self):
        node = self.new_node()
        for path in (node.name, self.admin.id):
            for caller in (node, self.admin):
                shown = caller.call("GET", f"/v1/nodes/{path}").json
                self.assertEqual(shown["self"], shown["id"] == caller.id)
        nodes = node.call("GET", "/v1/nodes").json["nodes"]
        self.assertEqual([n["id"] for n in nodes if n["self"]], [node.id])
        self.assertFalse(any(n["self"] for n in self.edge.owner("GET", "/v1/nodes").json["nodes"]))


class Owner(EdgeCase):
    def test_status(self):
        status = self.edge.owner("GET", "/v1/status").json
        self.assertEqual((status["mesh"], status["edge"], status["suffix"], status["listen"], status["public"], status["service"][0]),
                         ("home", "frankfurt", "home.internal", f"127.0.0.1:{self.edge.port}", f"127.0.0.1:{self.edge.port}", "100.96.0.1"))
        self.assertEqual(set(status["nodes"]), {"total", "online", "not_joined"})
        printed = json.loads(self.edge.verb("status", "--json").stdout)
        self.assertEqual(printed["mesh"], "home")
        self.assertIn("frankfurt", self.edge.verb("status").stdout)

    def test_is_administrator_without_a_node(self):
        answer = self.edge.owner("POST", "/v1/keys", {"kind": "server"})
        self.assertEqual(answer.status, 200)
        node = self.edge.join(answer.json["key"], self.new_name())
        self.assertEqual(self.edge.owner("GET", f"/v1/nodes/{node.name}").json["id"], node.id)
        self.assertEqual(self.edge.owner("DELETE", f"/v1/nodes/{node.name}").status, 200)
        self.refused(self.edge.owner("GET", "/v1/self"), 404, "NotFound")
        self.refused(self.edge.owner("DELETE", "/v1/self"), 404, "NotFound")

    def test_admin_key(self):
        node = self.edge.join(self.edge.admin_key(), self.new_name())
        self.assertEqual(node.answer.json["role"], "admin")
        self.refused(self.edge.owner("POST", "/v1/admin-key", {"valid_seconds": 5}), 400, "InvalidArgument")

    def test_old_http(self):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(os.path.join(self.edge.state, "control.sock"))
            stream.sendall(b"GET /v1/mesh HTTP/1.0\r\n\r\n")
            self.assertIn(b"frankfurt", stream.makefile("rb").read())
        self.assertIn(b"frankfurt", self.edge.raw(b"GET /v1/mesh HTTP/1.0\r\n\r\n"))

    def test_socket_is_closed_to_others(self):
        self.assertEqual(os.stat(os.path.join(self.edge.state, "control.sock")).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.edge.state).st_mode & 0o777, 0o700)


if __name__ == "__main__":
    unittest.main()
