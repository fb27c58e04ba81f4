#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk over every page and window as a screen reader takes it: every control has a role, a meaningful name and its state, and what
isn't visible isn't in the tree."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_session  # noqa: E402
from fake_daemon import make_key  # noqa: E402
from fake_session import SLOW, FakeCase, wait_for  # noqa: E402

WORKED_WITH = ("push button", "toggle button", "check box", "radio button", "entry", "text", "password text", "combo box", "list item", "menu item", "check menu item",
               "radio menu item", "link", "slider", "spin button", "page tab", "switch")
# What holds others may have the focus for scrolling and for arrows, and is named by what is in it.
HOLDERS = ("scroll pane", "list", "panel", "viewport", "filler", "list box", "menu", "table", "form", "tree table", "window", "frame", "dialog")
TYPE_NAME = re.compile(r"(Gtk|Adw|Ew|Gdk)[A-Z]\w*")
RAW = re.compile(r"-symbolic\b|\b[ne][0-9a-f]{16}\b|\borg\.[a-z]+\.|_[A-Z]|^_|%[a-z]")
WINDOWS = ["frame", "dialog", "alert", "window"]
# What belongs to one view or page alone, as (role, a part of its name, exactly that name).
MARKS = {
    "map": ("panel", "Map of the mesh", None),
    "list": ("list", None, "Nodes"),
    "nothing found": ("label", "Nothing Found", None),
    "status": ("push button", "Copy Command", None),
    "join": ("push button", "Join With a Key", None),
    "details": ("push button", "Close Details", None),
    "problem": ("push button", "Diagnose", None),
    "checks": ("list", None, "Checks"),
    "no diagnosis": ("label", "No Diagnosis", None),
}


class Walk(FakeCase):
    why, seen = "", ()

    def faults(self, nodes):
        """Sentences about what is wrong with these."""
        faults = []
        for i, node in enumerate(nodes):
            name, role, states = node["name"].strip(), node["role"], node["states"]
            if role == "list item" and not name:  # of a list whose items can't be named in GTK 4.8: it is read by what is in it
                name = " ".join(n["name"] for n in self.below(nodes, i) if n["role"] == "label")
            what = f"{role} “{node['name']}” {node['text']!r} {states} below " + " › ".join(self.above(nodes, i)[-4:])
            focusable = "FOCUSABLE" in states
            if role in WORKED_WITH or (focusable and role not in HOLDERS):
                if not name or TYPE_NAME.fullmatch(name):
                    # A label that can be selected is its own text; an empty one is nothing.
                    if role != "label":
                        faults.append("no name: " + what)
                elif RAW.search(name):
                    faults.append("a raw name: " + what)
                if not re.search(r"\w", name) and role != "label":
                    faults.append("a name without a word: " + what)
                if role != "list item" and "SENSITIVE" in states and not self.reachable(nodes, i):
                    faults.append("not to be reached by keyboard: " + what)
            if role == "unknown" or role == "invalid":
                faults.append("no role: " + what)
        return faults

    @staticmethod
    def above(nodes, i):
        """The names, or roles, of what a node lies in."""
        depth, path = nodes[i]["depth"], []
        for node in reversed(nodes[:i]):
            if node["depth"] < depth:
                depth = node["depth"]
                path.insert(0, node["name"] or node["role"])
        return path

    @staticmethod
    def below(nodes, i):
        end = next((j for j in range(i + 1, len(nodes)) if nodes[j]["depth"] <= nodes[i]["depth"]), len(nodes))
        return nodes[i + 1:end]

    @classmethod
    def reachable(cls, nodes, i):
        """It takes the focus, or something in it does, or it lies in something that does."""
        if "FOCUSABLE" in nodes[i]["states"] or nodes[i]["role"] in ("menu item", "check menu item", "radio menu item"):
            return True
        if any("FOCUSABLE" in node["states"] for node in cls.below(nodes, i)):
            return True
        depth = nodes[i]["depth"]
        for node in reversed(nodes[:i]):
            if node["depth"] < depth:
                depth = node["depth"]
                if node["role"] in WORKED_WITH and "FOCUSABLE" in node["states"]:
                    return True
        return False

    def shown(self, nodes, mark):
        role, part, exactly = MARKS[mark]
        return any(n["role"] == role and (part is None or part in n["name"]) and (exactly is None or exactly == n["name"]) for n in nodes)

    def check(self, *marks, window=None, seconds=SLOW, words=()):
        """These marks and no others are there, words are on the screen, and nothing is wrong with any node. window: its title: the walk is over that one alone."""
        self.alive()

        def settled():
            nodes = self.desktop.tree()
            if window is not None:
                start = next((i for i, n in enumerate(nodes) if n["role"] in WINDOWS and window in n["name"]), None)
                if start is None:
                    return None
                end = next((i for i in range(start + 1, len(nodes)) if nodes[i]["depth"] <= nodes[start]["depth"]), len(nodes))
                nodes = nodes[start:end]
            self.seen = nodes
            said = [text for n in nodes for text in (n["name"], n["text"] or "")]
            missing = [word for word in words if not any(word in text for text in said)]
            wrong = [mark for mark in MARKS if window is None and self.shown(nodes, mark) != (mark in marks)]
            self.why = f"missing {missing}, wrongly there or not there {wrong}"
            return None if missing or wrong else nodes
        try:
            nodes = wait_for(f"the page of {marks or window}", settled, seconds, 0.3)
        except fake_session.Failure as failure:
            self.fail(f"{failure}: {self.why}\n" + self.outline(self.seen))
        faults = self.faults(nodes)
        self.assertEqual([], faults, "\n" + self.outline(nodes))
        return nodes

    @staticmethod
    def outline(nodes):
        return "\n".join("  " * min(n["depth"], 20) + f"{n['role']} “{n['name']}” {(n['text'] or '')[:40]!r} {','.join(n['states'])}" for n in nodes)

    def close_window(self, title):
        self.desktop.keys("Escape")
        self.desktop.gone(WINDOWS, title, seconds=SLOW)

    def check_question(self, words):
        """Its answers are there once each, as they are read."""
        dialog = self.dialog(words)
        nodes = self.desktop.find_all(within=dialog["ref"])
        self.assertEqual([], self.faults(nodes), self.outline(nodes))
        answers = [n["name"] for n in nodes if n["role"] == "push button"]
        self.assertEqual(sorted(set(answers)), sorted(answers), self.outline(nodes))
        self.assertTrue(answers)
        self.desktop.keys("Escape")
        self.desktop.gone("label", words, seconds=SLOW)
        return answers


class Pages(Walk):
    """What the window itself shows."""

    def test_views(self):
        self.open()
        d = self.desktop
        nodes = self.check("map", words=["nas, online"])
        self.assertTrue(any(n["description"].startswith("Server, Mesh IP") for n in nodes if n["name"].startswith("nas, ")), "a token's description")
        self.assertIn("PRESSED", next(n for n in nodes if n["name"] == "Map" and n["role"] == "push button")["states"])
        self.act("show-path", "n0000000000000005", window=True)
        nodes = self.check("map", words=["Path to nas"])
        self.assertIn("PRESSED", next(n for n in nodes if n["name"].startswith("nas, "))["states"])
        self.act("show-details", "n0000000000000005", window=True)
        self.check("map", "details", words=["Remove nas from the Mesh"])
        self.act("view", "list", window=True)
        nodes = self.check("list", "details", words=["nas, online"])
        self.assertIn("PRESSED", next(n for n in nodes if n["name"] == "List" and n["role"] == "push button")["states"])
        d.press("list item", "Frankfurt, edge")
        self.check("list", "details", words=["edge.example.net:443"])
        self.act("show-details", "n0000000000000001", window=True)
        self.check("list", "details", words=["Leave the Mesh"])
        d.keys("F9")
        self.check("list")
        d.keys("ctrl+f")
        d.type("entry", "Search", "no such name")
        self.check("nothing found")

    def test_services(self):
        """One at a node, many at another; their details, the list and the dialog."""
        self.open()
        d = self.desktop
        for name, target in (("ha", "nas:8123"), *((f"app-{i}", f"web:{9000 + i}") for i in range(5))):
            self.daemon.say(service={"name": name, "targets": [target], "state": "answers"})
        nodes = self.check("map", words=["ha, service of nas:8123, works", "5 services of web"])
        self.assertTrue(any(n["description"].startswith("Port 8123, address 100.111.") for n in nodes if n["name"].startswith("ha, ")), "a capsule's description")
        self.act("show-details", "s0000000000000001", window=True)
        nodes = self.check("map", "details", words=["nas:8123 answers", "Remove ha"])
        self.assertIn("PRESSED", next(n for n in nodes if n["name"].startswith("ha, "))["states"])
        self.act("view", "list", window=True)
        self.check("list", "details", words=["app-4, service of web:9004, works"])
        self.act("add-service", window=True)
        self.check(window="Add a Service", words=["Port there, such as 8123"])
        self.close_window("Add a Service")
        d.keys("F9")
        self.check("list")

    def test_nothing_selected(self):
        self.open()
        self.check("map")
        self.desktop.keys("F9")
        self.check("map", "details", words=["Frankfurt"])

    def test_many(self):
        """Seats and sectors instead of tokens."""
        self.open("--nodes", "90")
        self.check("map", words=["Devices, ", "Servers, "])
        self.act("view", "list", window=True)
        self.check("list")

    def test_guard_and_problem(self):
        self.open()
        self.check("map")
        self.act("mode", "vpn")
        self.check("map", words=["Trying VPN mode", "Undo Now", "Keep"])
        self.act("undo-mode")
        self.daemon.set(State="error")
        self.check("map", "problem")
        self.daemon.set(State="connected")
        self.check("map")

    def test_lockdown(self):
        """Its switch is there in VPN mode; while it blocks all traffic a line says so on every page, with a button that ends it."""
        self.open()
        nodes = self.check("map")
        self.assertFalse(self.lockdown(nodes), "without VPN mode there is nothing to switch")
        self.daemon.set(Mode="vpn")
        nodes = self.check("map", words=["Nothing leaves this computer except through the edge", "VPN Options"])
        self.assertNotIn("CHECKED", self.lockdown(nodes)["states"])
        self.desktop.press(self.lockdown(nodes)["role"], exactly="Lockdown")
        self.assertEqual([True, {}], self.daemon.called("SetLockdown", SLOW))
        wait_for("the switch to be on", lambda: "CHECKED" in self.lockdown(self.desktop.tree())["states"], SLOW, 0.3)
        self.daemon.set(State="reconnecting", Reason="tls-intercepted", Message="Something on the way reads TLS.")
        self.check("map", words=["Lockdown blocks all traffic until Frankfurt answers.", "Something on the way reads TLS."])
        self.daemon.set(State="disconnected")
        self.check("map", words=["Lockdown blocks all traffic until this computer connects."])
        self.desktop.press("push button", exactly="Turn Off Lockdown")
        self.assertEqual([False, {}], self.daemon.called("SetLockdown", SLOW))
        self.check("map", words=["Disconnected. The map is as last seen."])
        self.daemon.set(State="removed", Lockdown="on")
        self.check(words=["This Computer Was Removed", "Lockdown blocks all traffic because there is no tunnel."])

    @staticmethod
    def lockdown(nodes):
        return next((n for n in nodes if n["name"] == "Lockdown" and n["role"] not in ("label", "heading")), None)

    def test_service_gone_in_lockdown(self):
        """The rules are still there, so what the page offers is the command that removes them."""
        self.open()
        self.daemon.set(Mode="vpn", Lockdown="on")
        self.check("map", words=["Lockdown"])
        self.daemon.stop()
        self.check("status", words=["Without it lockdown stays on", "sudo edgewayctl lockdown off"])

    def test_https(self):
        """Told of every node, also to those who see no lines: in its name, on its card, in the list, in its details with the reason."""
        self.open()
        self.check("map", words=["nas, online, 12"])
        self.daemon.say(node={"id": "n0000000000000005", "transport": "https"})
        self.check("map", words=["nas, online, via HTTPS, 12"])
        self.act("show-path", "n0000000000000005", window=True)
        wait_for("the card to say so", lambda: self.desktop.find_all("label", "ms · via HTTPS"), SLOW, 0.3)
        self.act("show-details", "n0000000000000005", window=True)
        self.check("map", "details", words=["Transport", "UDP packets from its network get no answer."])
        self.act("view", "list", window=True)
        self.check("list", "details", words=["nas, online, via HTTPS"])
        self.daemon.say(node={"id": "n0000000000000005", "transport": "udp"})
        self.desktop.gone(exactly="UDP packets from its network get no answer.", seconds=SLOW)

    def test_member(self):
        self.open("--member")
        nodes = self.check("map")
        self.assertFalse(any(n["name"] == "Add" for n in nodes), "who may not add is not offered it")

    def test_status_pages(self):
        """Every page that replaces the map."""
        self.open("--state", "not-enrolled")
        self.check("join", words=["Join Your Mesh", "Start a New Mesh"])
        for state, words, marks in (("removed", "This Computer Was Removed", ()), ("disconnected", "Connect to see the map", ()),
                                    ("reconnecting", "Can't Reach Frankfurt", ("problem",)), ("error", "The Tunnel Is Down", ("problem",))):
            with self.subTest(state):
                self.daemon.set(State=state, Mesh="birchwood", EdgeName="Frankfurt", Role="admin", NodeName="thinkpad")
                self.check(*marks, words=[words])

    def test_trying_again(self):
        """The error is no longer shown during the next try."""
        self.open("--state", "error")
        self.check("problem", words=["The Tunnel Is Down"])
        self.daemon.set(State="connecting", Reason="", Message="")
        self.desktop.gone("label", "The Tunnel Is Down", seconds=SLOW)
        self.desktop.find(["label", "heading"], exactly="Connecting to Frankfurt…", seconds=SLOW)

    def test_empty(self):
        self.open("--nodes", "1")
        self.check("status", words=["Nobody Else Is Here Yet", "Add a Computer", "Add a Phone"])

    def test_no_service(self):
        self.open(daemon=False)
        installed = os.path.exists("/usr/sbin/edgewayd")
        self.check("status", words=["Service Isn't Running" if installed else "Service Isn't Installed", "Try Again"])


class Windows(Walk):
    def menu(self, opener, *items):
        d = self.desktop
        d.press("push button", exactly=opener)
        nodes = self.check("map", words=items)
        menu = [n["name"] for n in nodes if n["role"] in ("menu item", "check menu item", "radio menu item")]
        self.assertFalse([name for name in menu if not name or "_" in name], menu)
        d.keys("Escape")
        d.gone("menu item", items[0], seconds=SLOW)

    def test_menus(self):
        self.open()
        self.check("map")
        self.menu("Add", "Add a Computer", "Add a Phone")
        self.menu("Main Menu", "Keyboard Shortcuts", "About Edgeway", "Leave the Mesh")
        self.desktop.click(self.desktop.find("push button", "nas, online"))
        self.desktop.keys("Menu")
        self.check("map", words=["Rename", "Copy Mesh IP"])
        self.desktop.keys("Escape")
        self.desktop.gone("menu item", "Rename", seconds=SLOW)

    def test_about_and_shortcuts(self):
        self.open()
        self.check("map")
        self.act("about")
        self.check(window="About", words=["The Edgeway authors"])
        self.close_window("About")
        self.desktop.keys("F1")
        self.check(window="Shortcuts", words=["Add a Computer", "Next or Previous Node"])
        self.close_window("Shortcuts")

    def test_problem_of_a_node(self):
        """A problem with a node's identity is shown in its details, and removed when it has ended."""
        self.open()
        self.check("map")
        self.daemon.say(node={"id": "n0000000000000005", "problem": "two-machines"})
        self.act("show-details", "n0000000000000005", window=True)
        self.desktop.find(exactly="Identity used twice", seconds=SLOW)
        self.assertEqual([], self.faults(self.desktop.tree()))
        self.daemon.say(node={"id": "n0000000000000005", "problem": None})
        self.desktop.gone(exactly="Identity used twice", seconds=SLOW)

    def test_fix(self):
        """A finding that Edgeway can fix has a button, named for what it fixes; then one that undoes it."""
        self.open()
        self.daemon.say(tailscale="there")
        self.act("diagnose")
        self.check(window="Diagnosis", words=["1 check failed.", "drops packets from 100.64.0.0/10", "Fix"])
        self.daemon.say(fail={"Fix": ["HostConflict", "Edgeway's fix had no effect."]})
        self.desktop.press("push button", exactly="Fix")
        self.desktop.find(exactly="Edgeway's fix had no effect.", seconds=SLOW)
        self.daemon.say(fail={"Fix": None})
        self.desktop.press("push button", exactly="Fix")
        self.check(window="Diagnosis", words=["No check failed. There is 1 warning.", "Edgeway's rule in it exempts the mesh's", "Undo Fix"])
        self.desktop.press("push button", exactly="Undo Fix")
        self.check(window="Diagnosis", words=["1 check failed."])
        self.desktop.gone("label", exactly="Edgeway's fix had no effect.", seconds=SLOW)  # while a toast is there, Escape is the toast's
        self.close_window("Diagnosis")

    def test_vpn_options(self):
        """Every choice shows what the daemon has: networks come and go, what can't be taken is refused where it was typed, a switch follows."""
        self.open()
        self.daemon.say(split={"excluded": ["203.0.113.0/24"]})
        self.check("map")
        self.act("vpn-options")
        title = "VPN Options"
        nodes = self.check(window=title, words=["Lockdown needs VPN mode. Switch to VPN first.", "Allow Devices on the Local Network", "Outside the Tunnel", "Only Through the Tunnel",
                                                "203.0.113.0/24", "Remove 203.0.113.0/24"])
        lan = next(n for n in nodes if n["name"] == "Allow Devices on the Local Network" and n["role"] not in ("label", "list item"))
        self.assertIn("CHECKED", lan["states"])
        self.desktop.press(lan["role"], exactly=lan["name"])
        self.assertEqual([False], self.daemon.called("SetLan", SLOW))
        wait_for("the switch to be off", lambda: "CHECKED" not in self.desktop.find(lan["role"], exactly=lan["name"])["states"], SLOW, 0.3)
        entry = "Network, such as 203.0.113.0/24"
        self.desktop.type("text", entry, "100.96.0.0/16")
        self.desktop.press("push button", exactly="Add the Network")
        self.assertEqual(["exclude", "100.96.0.0/16"], self.daemon.called("ChangeSplit", SLOW))
        self.check(window=title, words=["100.96.0.0/16 can't be excluded: it overlaps the mesh's own addresses."])
        self.desktop.find("text", entry, state="INVALID", seconds=SLOW)
        self.desktop.type("text", entry, "nonsense")
        wait_for("nothing to add", lambda: all("SENSITIVE" not in n["states"] for n in self.desktop.find_all("push button", exactly="Add the Network")), SLOW, 0.3)
        self.desktop.type("text", entry, "198.51.100.7")
        self.desktop.press("push button", exactly="Add the Network")
        self.assertEqual(["exclude", "198.51.100.7"], self.daemon.called("ChangeSplit", SLOW))
        self.check(window=title, words=["Remove 198.51.100.7/32"])
        self.desktop.press("push button", exactly="Remove 203.0.113.0/24")
        self.assertEqual(["remove", "203.0.113.0/24"], self.daemon.called("ChangeSplit", SLOW))
        self.desktop.gone("push button", exactly="Remove 203.0.113.0/24", seconds=SLOW)
        self.daemon.set(Mode="vpn")
        self.check(window=title, words=["not even while the edge doesn't answer"])
        self.close_window(title)

    def test_diagnosis(self):
        self.open()
        self.check("map")
        self.act("diagnose")
        self.check(window="Diagnosis", words=["Checks", "The edge's API answers", "No check failed. There is 1 warning.", "Warning", "192.168.1.1"])
        self.assertFalse(self.shown(self.seen, "no diagnosis"), self.outline(self.seen))
        self.close_window("Diagnosis")
        self.daemon.say(fail={"Diagnose": ["Failed", "There is no report today."]})
        self.act("diagnose")
        self.check(window="Diagnosis", words=["There is no report today."])
        self.assertFalse(self.shown(self.seen, "checks"), self.outline(self.seen))

    def test_rename_and_remove(self):
        self.open()
        self.check("map")
        d = self.desktop
        self.act("rename-node", "n0000000000000005", window=True)
        self.check(window="Rename nas", words=["Cancel", "Rename"])
        d.type("text", exactly="Name", name=None, text="web", within=d.find("frame", "Rename nas")["ref"])
        nodes = self.check(window="Rename nas", words=["Another node is called web."])
        self.assertIn("INVALID", next(n for n in nodes if n["role"] == "text")["states"])
        self.assertNotIn("SENSITIVE", next(n for n in nodes if n["role"] == "push button" and n["name"] == "Rename")["states"])
        self.close_window("Rename nas")
        for action, node, words in (("remove-node", "5", "loses its mesh IP"), ("remove-node", "1", "Is This Computer")):
            self.act(action, "n000000000000000" + node, window=True)
            self.check_question(words)

    def test_leave(self):
        self.open()
        self.check("map")
        self.act("leave")
        self.check_question("Leave birchwood?")


class Wizards(Walk):
    def one_page(self, nodes, *headings):
        """Only the visible step is in the tree."""
        self.assertEqual(list(headings), [n["name"] for n in nodes if n["role"] == "heading" and n["name"] and not TYPE_NAME.fullmatch(n["name"])], self.outline(nodes))

    def next(self, title):
        self.desktop.press("push button", exactly="Next", within=self.desktop.find("frame", title)["ref"])

    def close(self, title):
        self.desktop.press("push button", exactly="Close", within=self.desktop.find("frame", title)["ref"])

    def test_join(self):
        self.open("--state", "not-enrolled")
        d = self.desktop
        self.act("join")
        self.one_page(self.check(window="Join", words=["Enrollment key"]), "Join a Mesh")
        d.type("text", "Enrollment key", "ew1_nonsense")
        d.find("text", "Enrollment key", state="INVALID", seconds=SLOW)
        self.check(window="Join", words=["key"])
        d.type("text", "Enrollment key", make_key("admin", "good"))
        self.one_page(self.check(window="Join", words=["Name of this computer", "birchwood"]), "Join birchwood?")
        d.press("push button", exactly="Join")
        self.one_page(self.check(window="Join", words=["Done"]), "Joined birchwood")

    def test_new_mesh(self):
        self.open("--state", "not-enrolled")
        self.act("new-mesh")
        self.one_page(self.check(window="Start a New Mesh", words=["Public address of the server"]), "A Server in the Center")
        self.desktop.press("push button", "I Have the Key")
        self.one_page(self.check(window="Join", words=["Enrollment key"]), "Join a Mesh")

    def test_server(self):
        self.open()
        d = self.desktop
        self.act("add-server")
        self.one_page(self.check(window="Add a Computer", words=["Share a network behind it", "Its key can be used for"]), "About This Computer")
        self.assertFalse([n for n in self.seen if "Network, such as" in n["name"]], "a row that is folded away")
        d.type("text", "Name", "web")
        self.check(window="Add a Computer", words=["Another node is called web."])
        d.type("text", "Name", "attic")
        self.next("Add a Computer")
        self.one_page(self.check(window="Add a Computer", words=["Copy Key", "Nothing happening?"]), "Set Up attic")
        self.assertFalse([n for n in self.seen if "How did the command end?" in n["name"]], "a row that is folded away")
        self.close("Add a Computer")
        self.assertEqual({"Stay Here", "Revoke", "Keep Valid"}, set(self.check_question("hasn't joined yet. If you keep its key valid")))
        d.press("push button", "Back", within=d.find("frame", "Add a Computer")["ref"])
        self.assertEqual({"Stay Here", "Revoke"}, set(self.check_question("Going back removes it from the mesh")))
        self.daemon.say(node={"name": "attic", "state": "online"})
        self.one_page(self.check(window="Add a Computer", words=["Done"]), "attic Is Online")

    def test_phone(self):
        self.open()
        d = self.desktop
        self.act("add-phone")
        self.one_page(self.check(window="Add a Phone", words=["Connector only", "VPN"]), "About This Phone")
        d.type("text", "Name", "tablet")
        self.next("Add a Phone")
        nodes = self.check(window="Add a Phone", words=["Waiting for tablet", "QR code with the WireGuard configuration"])
        self.one_page(nodes, "Scan This With tablet")
        self.close("Add a Phone")
        self.assertEqual({"Stay Here", "Remove Phone", "Keep Valid"}, set(self.check_question("hasn't connected yet. If you already")))
        self.daemon.say(node={"name": "tablet", "state": "online"})
        self.one_page(self.check(window="Add a Phone", words=["Done"]), "tablet Is Online")


if __name__ == "__main__":
    fake_session.main()
