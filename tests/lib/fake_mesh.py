# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh that exists in memory only, as the edge would describe it: nodes, counters that change, messages for OpenTopology.

Pure: no bus, no clock of its own. Messages are what daemon/edge/API.md describes, with "self" set.
"""
import datetime
import math
import random

MESH, EDGE_ID, EDGE_NAME, ENDPOINT = "birchwood", "e0000000000000001", "Frankfurt", "edge.example.net:443"
PART = 1000  # nodes in one message
DAY = 86400

# name, kind, last byte of the address, round trip in ms, megabits a second, os, more
CAST = [
    ("thinkpad", "device", 18, 5, 86, "Debian 12", {"self": True, "role": "admin"}),
    ("macbook", "device", 19, 19, 3, "macOS 14", {}),
    ("iphone", "device", 41, 36, 0.4, None, {"plain": True, "version": None}),
    ("pixel-8", "device", 42, None, 0, None, {"plain": True, "version": None, "state": "offline"}),
    ("nas", "server", 21, 7, 84, "Debian 12", {}),
    ("homeassistant", "server", 22, 8, 0.8, "Debian 12", {}),
    ("build-01", "server", 30, None, 0, None, {"state": "not-joined", "version": None}),
    ("web", "server", 11, 3, 22, "Ubuntu 22.04", {}),
    ("office-gw", "server", 5, 14, 6, "Debian 12", {"routes": ["192.168.1.0/24"]}),
]


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None


class Refusal(Exception):
    """org.edgeway.Error.NAME and its sentence, of a template and its arguments."""

    def __init__(self, name, template, *arguments):
        super().__init__(template % arguments if arguments else template)
        self.name = name
        self.phrase = [template, *arguments]


class Mesh:
    def __init__(self, count=len(CAST), now=0, seed=1):
        self.random = random.Random(seed)
        self.now = now
        self.nodes = {}  # id → NODE, in the order of enrolment
        self.services = {}  # id → SERVICE
        self.answers = {}  # label of a target → its state once it is probed; "answers" for others
        self.speed = {}  # id → Mb/s it is at home with
        self.number = 0
        self.edge = {"id": EDGE_ID, "name": EDGE_NAME, "endpoint": ENDPOINT, "online": True,
                     "addresses": ["100.96.0.1", "fd5e:7c1a:90b2::1"], "version": "0.1.0", "exit": True}
        for i in range(count):
            name, kind, host, rtt, speed, system, more = CAST[i] if i < len(CAST) else self._extra(i)
            self.add({"name": name, "kind": kind, "os": system, "rtt_ms": rtt, "speed": speed,
                      "addresses": [f"100.96.{host // 256}.{host % 256}", f"fd5e:7c1a:90b2::{host:x}"], **more})

    def _extra(self, i):
        kind = "device" if self.random.random() < 0.4 else "server"
        state = self.random.choices(["online", "offline", "not-joined"], [90, 8, 2])[0]
        rtt = round(self.random.uniform(2, 60), 1) if state == "online" else None
        more = {"state": state}
        if i % 37 == 0:
            more["routes"] = [f"10.{i % 200}.{i // 200}.0/24"]
        return f"{kind}-{i + 1:03}", kind, 256 + i, rtt, self.random.choice([0, 0, 0.2, 1, 8, 40]), "Debian 12", more

    # Nodes.

    def add(self, given):
        """A node of what is given, the rest made up; → NODE."""
        self.number += 1
        host = 60000 + self.number
        given = dict(given)
        speed = given.pop("speed", 1)
        node = {"id": f"n{self.number:016x}", "name": f"node-{self.number:03}", "kind": "server", "role": "member", "plain": False,
                "state": "online", "online": True, "addresses": [f"100.96.{host // 256}.{host % 256}"], "edge": EDGE_ID, "rtt_ms": None,
                "created": f"{rfc3339(self.now - 90 * DAY + self.number)[:-1]}.000000Z" if self.now else None,
                "last_seen": None, "last_handshake": None, "transport": None, "rx_bytes": 0, "tx_bytes": 0, "routes": [], "os": None, "version": "0.1.0", "self": False}
        node.update(given)
        self.nodes[node["id"]] = node
        self.speed[node["id"]] = speed
        self._settle(node, given)
        return node

    def _settle(self, node, given):
        """The members that follow from its state, where they were not given."""
        online = node["state"] == "online"
        node["online"] = online
        if "edge" not in given:
            node["edge"] = EDGE_ID if online else None
        if "transport" not in given:
            node["transport"] = "udp" if online else None
        if not online:
            node["rtt_ms"] = None
        elif node["rtt_ms"] is None:
            node["rtt_ms"] = round(self.random.uniform(3, 40), 1)
        if "last_seen" not in given:
            node["last_seen"] = {"online": rfc3339(self.now), "offline": node["last_seen"] or rfc3339(self.now - 2 * DAY)}.get(node["state"])
        if "last_handshake" not in given and online:
            node["last_handshake"] = rfc3339(self.now - 38)

    def find(self, text):
        """By ID, name or mesh IP; None."""
        for node in self.nodes.values():
            if text in (node["id"], node["name"], *node["addresses"]):
                return node
        return None

    def need(self, text):
        node = self.find(text)
        if node is None:
            raise Refusal("NotFound", "There is no node \"%s\" in this mesh. List its nodes with `edgewayctl node list`.", text)
        return node

    def check_free(self, name):
        if self.find(name):
            raise Refusal("NameTaken", "The name \"%s\" is already taken in this mesh. Choose another, or rename or remove the node that has it.", name)
        if not name or len(name) > 63 or name.startswith("-") or name.endswith("-") or not all(c.isascii() and (c.isalnum() and not c.isupper() or c == "-") for c in name):
            raise Refusal("NameInvalid", "Use only the letters a to z, digits and \"-\" in a name.")

    def put(self, given):
        """Adds a node or changes the one with that ID or name; → NODE."""
        node = self.nodes.get(given.get("id")) or self.find(given.get("name", ""))
        if node is None:
            return self.add(given)
        given = dict(given)
        if "speed" in given:
            self.speed[node["id"]] = given.pop("speed")
        node.update(given)
        self._settle(node, given)
        return node

    # Services.

    def service(self, name):
        for service in self.services.values():
            if name in (service["id"], service["name"], service["fqdn"], *service["addresses"]):
                return service
        raise Refusal("NotFound", "The mesh has no service \"%s\". List its services with `edgewayctl service list`.", name)

    def _target(self, text):
        """A target as typed, not probed yet."""
        place, _, port = text.rpartition(":") if text.rpartition(":")[2].isdigit() and not text.endswith("]") else (text, "", "")
        name, _, host = place.partition("/")
        node = self.need(name)
        return {"node": node["name"], "node_id": node["id"], "host": host.strip("[]") or None, "port": int(port) if port else None, "label": text,
                "state": "offline" if node["state"] == "offline" else "unknown", "since": node["last_seen"] if node["state"] == "offline" else None, "offered": True}

    def put_service(self, name, targets, ports=(), **more):
        """Adds a service or changes the one of that name; → SERVICE."""
        service = next((s for s in self.services.values() if s["name"] == name), None)
        if service is None:
            number = len(self.services) + 1
            while f"s{number:016x}" in self.services:
                number += 1
            service = {"id": f"s{number:016x}", "name": name, "fqdn": f"{name}.home.internal", "outside": False, "spread": "first", "source": "caller", "check": "auto",
                       "addresses": [f"100.111.{number // 250}.{number % 250 + 1}", f"fd5e:7c1a:90b2:ffff::{number:x}"], "created": rfc3339(self.now)}
            self.services[service["id"]] = service
        service["targets"] = [self._target(target) for target in targets]
        service["ports"] = []
        for text in ports or [target.rpartition(":")[2] for target in targets[:1]]:
            number, _, protocol = text.partition("/")
            callers, _, there = number.partition(":")
            first, _, last = callers.partition("-")
            service["ports"].append({"protocol": protocol or "tcp", "from": int(first), "to": int(last or first), "target": int(there) if there else 0, "text": text})
        service.update(more)
        return service

    def probe(self, service):
        for target in service["targets"]:
            node = self.need(target["node"])
            state = self.answers.get(target["label"], "answers")
            target["state"] = node["state"] if node["state"] in ("offline", "not-joined") else state

    def remove(self, node):
        del self.nodes[node["id"]]
        del self.speed[node["id"]]

    @property
    def own(self):
        return next((node for node in self.nodes.values() if node["self"]), None)

    # Messages.

    def tick(self, now):
        """A second passes; → the IDs whose counters changed."""
        seconds, self.now = max(1, now - self.now) if self.now else 1, now
        changed = []
        for node in self.nodes.values():
            if not node["online"]:
                continue
            wave = 0.6 + 0.4 * math.sin(now / 7 + len(changed))
            volume = self.speed[node["id"]] * 1e6 / 8 * min(seconds, 5) * wave * self.random.uniform(0.7, 1.3)
            node["rx_bytes"] += int(volume)
            node["tx_bytes"] += int(volume / 40)
            node["rtt_ms"] = round(max(0.3, node["rtt_ms"] * self.random.uniform(0.97, 1.03)), 2)
            node["last_seen"] = rfc3339(now)
            changed.append(node["id"])
        return changed

    def snapshot(self):
        nodes = list(self.nodes.values())
        starts = range(0, max(1, len(nodes)), PART)
        return [{"type": "snapshot", "revision": 1, "more": start + PART < len(nodes),
                 "map": {"schema": 1, "mesh": MESH, "edges": [self.edge], "nodes": nodes[start:start + PART],
                         "services": list(self.services.values()) if start == 0 else []}} for start in starts]

    def counters(self, ids):
        members = ("id", "rx_bytes", "tx_bytes", "rtt_ms", "last_seen", "last_handshake")
        nodes = [{member: self.nodes[i][member] for member in members} for i in ids if i in self.nodes]
        return [{"type": "counters", "nodes": nodes[start:start + PART]} for start in range(0, len(nodes), PART)]
