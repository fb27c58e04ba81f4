#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the map shows follows its model, and its search is the same as the list's."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_session  # noqa: E402
from fake_session import FakeCase, SLOW  # noqa: E402
from fake_mesh import EDGE_ID  # noqa: E402
from machines import wait_for  # noqa: E402

OWN, NAS = "n0000000000000001", "n0000000000000005"


class Follows(FakeCase):
    def search(self, text):
        d = self.desktop
        d.keys("ctrl+f")
        d.type("entry", "Search", text)

    def test_search(self):
        """One search for the map and the list: what it finds, how many it says, where Enter leads."""
        self.open()
        d = self.desktop
        d.find("push button", "nas, online", seconds=SLOW)
        for text, words in (("192.168.1", "1 match"), ("fd5e:7c1a:90b2::b", "1 match"), ("ubuntu", None), ("zzz", "Nothing found")):
            self.act("view", "map", window=True)
            self.search(text)
            found = d.find("label", exactly=words, seconds=SLOW)["name"] if words else d.find("label", "match", seconds=SLOW)["name"]
            said = d.find("entry", "Search")["description"]
            self.assertEqual(found, said, text)
            self.act("view", "list", window=True)
            if words == "Nothing found":
                d.find("label", "Nothing Found", seconds=SLOW)
                continue
            d.find("list", exactly="Nodes", seconds=SLOW)
            self.assertEqual(int(found.split()[0]), len(d.find_all("list item")), text)
        self.act("view", "map", window=True)
        self.search("192.168.1")
        d.find("label", exactly="1 match", seconds=SLOW)
        d.keys("Return")
        gateway = d.find("push button", "office-gw", state="FOCUSED", seconds=SLOW)
        self.assertIn("PRESSED", gateway["states"])

    def test_names(self):
        """Names are used where they work on this computer; where they don't, the address is, and the reason is there to read."""
        self.open()
        d = self.desktop
        d.find("push button", "nas, online", seconds=SLOW)
        self.daemon.say(edge={"name": "frankfurt"}, node={"id": NAS, "names": ["files", "media"]})
        self.search("medi")
        d.find("label", exactly="1 match", seconds=SLOW)
        d.keys("Escape")
        why = "Another server on this network answers names below birchwood.internal."
        for names, message, commands in (("ok", "", {EDGE_ID: "ssh frankfurt.birchwood.internal", NAS: "ssh nas.birchwood.internal"}),
                                         ("suffix-taken", why, {EDGE_ID: "ssh 100.96.0.1", NAS: "ssh 100.96.0.21"})):
            self.daemon.set(Suffix="birchwood.internal", Names=names, NamesMessage=message)
            for node, command in commands.items():
                self.act("show-details", node, window=True)
                d.find("label", exactly={EDGE_ID: "frankfurt", NAS: "nas"}[node] + ".birchwood.internal", seconds=SLOW)
                d.press("push button", exactly="Copy SSH Command")
                wait_for(command, lambda: d.run("xclip", "-o", "-selection", "clipboard", check=False).stdout == command, SLOW)
            d.find("label", exactly="files, media", seconds=SLOW)
            # In the details, and in the line above the map.
            wait_for("the reason, or none", lambda: len(d.find_all("label", exactly=why)) == (2 if message else 0), SLOW)
        d.find("label", "with the mesh IP. " + why, seconds=SLOW)

    def test_dead_edge(self):
        """What is only known as last seen is marked everywhere: on the map, in the list, in the details; and no longer once it is live."""
        self.open()
        d = self.desktop
        d.find("push button", "nas, online, 12 ms", seconds=SLOW)
        self.act("show-details", NAS, window=True)
        self.daemon.set(State="reconnecting")
        d.find("push button", "Edge Frankfurt. No answer since", seconds=SLOW)
        names = [n["name"] for n in d.find_all("push button")]
        self.assertTrue(any(re.fullmatch(r"nas, was online at \d\d:\d\d", name) for name in names), names)
        self.assertTrue(any(name.startswith("pixel-8, was offline at") for name in names), names)
        self.assertEqual([], [name for name in names if re.search(r"\bms\b|, online|offline for", name)])
        d.find("label", "Online at ", seconds=SLOW)
        self.assertEqual([], [n["name"] for n in d.find_all("label") if re.fullmatch(r"≈? ?[\d.]+ ms", n["name"])])
        self.act("view", "list", window=True)
        d.find("list item", "nas, was online at", seconds=SLOW)
        d.find("list item", exactly="Frankfurt, edge, not connected", seconds=SLOW)
        self.act("view", "map", window=True)
        self.daemon.set(State="disconnected")
        d.find("push button", "Edge Frankfurt. As last seen at", seconds=SLOW)
        self.daemon.set(State="connecting", Reason="unreachable")  # after a while, which it says itself
        d.find("push button", "Edge Frankfurt. No answer since", seconds=SLOW)
        self.daemon.set(Reason="")
        d.find("push button", "Edge Frankfurt. As last seen at", seconds=SLOW)
        self.daemon.set(State="connected")
        d.find("push button", "nas, online, 12 ms", seconds=SLOW)
        d.find("push button", "Edge Frankfurt, 5 ms", seconds=SLOW)

    def age(self, role, least):
        """For how many seconds, at least so many, vault is offline in the words of the map or the list."""
        def told():
            ages = [re.search(r"offline for (\d+) second", node["name"]) for node in self.desktop.find_all(role, "vault, offline for")]
            return next((int(age[1]) for age in ages if age and int(age[1]) >= least), None)
        return wait_for(f"an age of {least} s", told, SLOW, 0.3)

    def everywhere(self, token, row, *labels, gone=()):
        """The map's token and the list's row of nas are called so, and the labels are in the details or on the path's card."""
        d = self.desktop
        self.act("view", "map", window=True)
        d.find("push button", exactly=token, seconds=SLOW)
        for label in labels:
            d.find("label", exactly=label, seconds=SLOW)
        for label in gone:
            d.gone("label", exactly=label, seconds=SLOW)
        self.act("view", "list", window=True)
        d.find("list item", exactly=row, seconds=SLOW)

    def test_model(self):
        """No picture is outdated: each field of a node and of the edge is updated, even without counters, which would redraw it."""
        self.open()
        d = self.desktop
        d.find("push button", "nas, online, 12 ms", seconds=SLOW)
        self.daemon.say(quiet=True)
        self.act("show-details", NAS, window=True)
        nas = "nas, online, 12 ms through edge Frankfurt"
        self.everywhere(nas, nas, "Path to nas", "≈ 12 ms")
        self.daemon.say(node={"id": NAS, "rtt_ms": 80.0})
        nas = "nas, online, 85 ms through edge Frankfurt"
        self.everywhere(nas, nas, "≈ 85 ms", "80 ms", gone=["≈ 12 ms"])
        self.daemon.say(node={"id": OWN, "rtt_ms": 30.0})
        nas = "nas, online, 110 ms through edge Frankfurt"
        self.everywhere(nas, nas, "≈ 110 ms", "30 ms")
        self.act("view", "map", window=True)
        d.find("push button", exactly="Edge Frankfurt, 30 ms from this computer", seconds=SLOW)
        d.run("gsettings", "set", fake_session.ID, "recent-nodes", "[('gone', '100.96.0.77'), ('nas', '100.96.0.21')]")
        self.daemon.say(node={"id": NAS, "name": "vault", "rtt_ms": 80.0})
        wait_for("its name in the tray's menu", lambda: d.run("gsettings", "get", fake_session.ID, "recent-nodes").stdout.strip()
                 == "[('gone', '100.96.0.77'), ('vault', '100.96.0.21')]", SLOW, 0.3)
        self.daemon.say(node={"id": NAS, "name": "vault", "addresses": ["100.96.0.99"], "os": "Fedora 39", "version": "9.9.9", "rtt_ms": 80.0})
        nas = "vault, online, 110 ms through edge Frankfurt"
        self.everywhere(nas, nas, "Path to vault", "100.96.0.99", "9.9.9", gone=["Path to nas", "100.96.0.21"])
        self.daemon.say(edge={"name": "Berlin"})
        nas = "vault, online, 110 ms through edge Berlin"
        self.everywhere(nas, nas, "Berlin", gone=["Frankfurt"])
        self.daemon.say(node={"id": NAS, "routes": ["10.9.0.0/24"], "rtt_ms": 80.0})
        self.act("view", "map", window=True)
        wait_for("the gateway's description", lambda: "Gateway to 10.9.0.0/24" in d.find("push button", exactly=nas)["description"], SLOW, 0.3)
        self.daemon.say(node={"id": NAS, "state": "offline", "last_seen": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
        self.assertGreater(self.age("push button", 12), 11)  # the clock goes on without any message
        self.assertTrue(d.find_all("label", "Offline for"), "the details beside it")
        self.act("view", "list", window=True)
        self.assertGreater(self.age("list item", self.age("list item", 0) + 2), 3)
        self.daemon.say(node={"id": NAS, "state": "not-joined", "last_seen": None})
        self.everywhere("vault, not joined yet", "vault, not joined yet", gone=["≈ 110 ms"])


if __name__ == "__main__":
    fake_session.main()
