#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services in the app: added, seen on the map and in the list, opened, edited, removed; and what is said where one doesn't work."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_session  # noqa: E402
from fake_session import SLOW, FakeCase, make_browser, wait_for  # noqa: E402

SUFFIX = "home.internal"
NAS = "n0000000000000005"


class Services(FakeCase):
    def start(self, *options, services=()):
        self.open(*options)
        self.daemon.set(Suffix=SUFFIX, Names="ok")
        self.desktop.find("push button", "nas, online", seconds=SLOW)
        for service in services:
            self.daemon.say(service=service)

    def open_dialog(self):
        self.act("add-service", window=True)
        return self.desktop.find("frame", "Add a Service", seconds=SLOW)["ref"]

    def fill(self, window, title, text):
        d = self.desktop
        d.type("text", title, text, within=window)

    def test_from_adding_to_removing(self):
        """The port proposes the rest; the map shows it at its node; its details say how it is doing, and remove it."""
        pages = make_browser(self.desktop)
        self.start()
        d = self.desktop
        self.act("show-path", NAS, window=True)
        window = self.open_dialog()
        self.fill(window, "Port there", "8123")
        d.find("label", f"Port 80 of ha.{SUFFIX} leads to nas:8123.", within=window, seconds=SLOW)
        d.press("push button", exactly="Add", within=window)
        self.assertEqual(["ha", ["nas:8123"], {"ports": ["80"]}], self.daemon.called("AddService", SLOW))
        d.find("label", exactly="nas:8123 answers", seconds=SLOW)
        d.press("push button", exactly="Close", within=window)
        # The map, and from there the details.
        capsule = d.find("push button", exactly="ha, service of nas:8123, works", seconds=SLOW)
        d.act(capsule, "token.open")
        self.assertEqual(["ha"], self.daemon.called("ShowService", SLOW))
        d.find("label", exactly=f"ha.{SUFFIX}", seconds=SLOW)
        d.find("label", exactly="nas:8123 answers", seconds=SLOW)
        d.press("push button", exactly="Open in Browser")
        wait_for("the browser", lambda: pages() == [f"http://ha.{SUFFIX}/"], SLOW)
        self.act("remove-service", "s0000000000000001", window=True)
        dialog = d.dialog("Remove ha?", SLOW)
        d.press("push button", exactly="Remove", within=dialog["ref"])
        self.assertEqual(["ha"], self.daemon.called("RemoveService", SLOW))
        d.gone("push button", "ha, service of", seconds=SLOW)

    def test_nothing_answers(self):
        """What is missing is said where it was added, and in the details; once it's fixed both follow."""
        self.start()
        d = self.desktop
        self.daemon.say(answers={"nas:8123": "refuses"})
        self.act("show-path", NAS, window=True)
        window = self.open_dialog()
        self.fill(window, "Port there", "8123")
        d.press("push button", exactly="Add", within=window)
        d.find("label", exactly="Nothing listens on nas:8123", seconds=SLOW)
        d.find("label", "Start the program there", seconds=SLOW)
        d.press("push button", exactly="Close", within=window)
        d.act(d.find("push button", exactly="ha, service of nas:8123, doesn't work", seconds=SLOW), "token.open")
        d.find("label", "Nothing listens on nas:8123. Start the program there", seconds=SLOW)
        self.daemon.say(answers={"nas:8123": "answers"})
        d.press("push button", exactly="Check", seconds=SLOW)
        d.find("label", exactly="nas:8123 answers", seconds=SLOW)
        d.find("push button", exactly="ha, service of nas:8123, works", seconds=SLOW)

    def test_refusals(self):
        """Mistakes are found while they are typed; what the edge refuses is said, and nothing is lost."""
        self.start(services=[{"name": "ha", "targets": ["nas:8123"]}])
        d = self.desktop
        d.find("push button", "ha, service of", seconds=SLOW)
        window = self.open_dialog()
        self.fill(window, "Port there", "80800")
        d.find("label", "from 1 to 65535", within=window, seconds=SLOW)
        self.fill(window, "Port there", "9000")
        for name, said in (("nas", "A node is called nas."), ("ha", "Another service is called ha."), ("Ha", "lowercase")):
            self.fill(window, "Name", name)
            d.find("label", said, within=window, seconds=SLOW)
        self.fill(window, "Name", "metrics")
        self.daemon.say(fail={"AddService": ["RouteInvalid", "The edge says no."]})
        d.press("push button", exactly="Add", within=window)
        d.find("label", exactly="The edge says no.", within=window, seconds=SLOW)
        self.daemon.say(fail={"AddService": None})
        d.press("push button", exactly="Add", within=window)
        d.find("label", "answers", within=window, seconds=SLOW)

    def test_many(self):
        """More than three at a node are one capsule, which opens the node's details; letters find each."""
        names = [f"app-{i:02}" for i in range(12)]
        self.start(services=[{"name": name, "targets": [f"nas:{9000 + i}"], "state": "answers"} for i, name in enumerate(names)])
        d = self.desktop
        folded = d.find("push button", exactly="12 services of nas", seconds=SLOW)
        self.daemon.say(service={"name": "app-03", "targets": ["nas:9003"], "state": "silent"})
        folded = d.find("push button", exactly="12 services, 1 doesn't work of nas", seconds=SLOW)
        d.act(folded, "token.open")
        d.find("label", exactly="app-03", seconds=SLOW)
        d.find("label", "Port 9003 · Doesn't work", seconds=SLOW)

    def test_list_and_search(self):
        """In the list they are a group of their own, found by name, address and target; offline with their node."""
        self.start(services=[{"name": "ha", "targets": ["nas:8123"], "ports": ["80"], "state": "answers"}, {"name": "shop", "targets": ["web:8080", "nas:8080"]}])
        d = self.desktop
        self.act("view", "list", window=True)
        d.find("list item", exactly="ha, service of nas:8123, works", seconds=SLOW)
        d.find("list item", exactly="shop, service of web:8080, nas:8080, not checked", seconds=SLOW)
        self.act("search", window=True)
        d.type("entry", "Search", "nas:8123")
        d.gone("list item", "shop, ", seconds=SLOW)
        d.find("list item", "ha, service", seconds=SLOW)
        self.daemon.say(service={"name": "ha", "targets": ["nas:8123"], "ports": ["80"], "state": "offline"})
        d.find("list item", exactly="ha, service of nas:8123, offline", seconds=SLOW)
        self.daemon.say(**{"remove-service": "ha"})
        d.gone("list item", "ha, ", seconds=SLOW)

    def test_editing(self):
        """One with a single port in full; of others the name."""
        self.start(services=[{"name": "ha", "targets": ["nas:8123"], "ports": ["80"]}, {"name": "shop", "targets": ["web:8080", "nas:8080"]}])
        d = self.desktop
        d.find("push button", "ha, service of", seconds=SLOW)
        self.act("edit-service", "s0000000000000001", window=True)
        window = d.find("frame", "Edit ha", seconds=SLOW)["ref"]
        self.fill(window, "Port there", "8124")
        self.fill(window, "Name", "home")
        d.press("push button", exactly="Save", within=window)
        name, options = self.daemon.called("EditService", SLOW)
        self.assertEqual(("ha", {"ports": ["80"], "targets": ["nas:8124"], "name": "home"}), (name, options))
        d.find("label", exactly="nas:8124 answers", seconds=SLOW)
        d.press("push button", exactly="Close", within=window)
        d.find("push button", exactly="home, service of nas:8124, works", seconds=SLOW)
        self.act("edit-service", "s0000000000000002", window=True)
        window = d.find("frame", "Edit shop", seconds=SLOW)["ref"]
        d.find("label", "several targets or ports", within=window, seconds=SLOW)
        self.assertEqual([], d.find_all("text", "Port", within=window))

    def test_member(self):
        """Who doesn't administer the mesh sees services, and nothing that changes them."""
        self.start("--member", services=[{"name": "ha", "targets": ["nas:8123"], "state": "answers"}])
        d = self.desktop
        d.act(d.find("push button", exactly="ha, service of nas:8123, works", seconds=SLOW), "token.open")
        d.find("label", exactly="Targets", seconds=SLOW)
        self.assertEqual([], d.find_all("label", "Edit…"))
        self.assertEqual([], d.find_all("label", "Remove ha"))


if __name__ == "__main__":
    fake_session.main()
