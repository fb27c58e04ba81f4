#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the map shows follows its model, and its search is the list's."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_session  # noqa: E402
from fake_session import FakeCase, SLOW  # noqa: E402

NAS = "n0000000000000005"


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

    def test_dead_edge(self):
        """What is only as it was last seen says so everywhere: on the map, in the list, in the details; and not after that."""
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
        self.daemon.set(State="connected")
        d.find("push button", "nas, online, 12 ms", seconds=SLOW)
        d.find("push button", "Edge Frankfurt, 5 ms", seconds=SLOW)


if __name__ == "__main__":
    fake_session.main()
