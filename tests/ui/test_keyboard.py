#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app by keyboard alone: nothing here is pressed, clicked or typed into by other means. Over a fake daemon for the map's keys, over the real one for
joining, connecting, switching and keeping."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_session  # noqa: E402
from app_case import AppCase  # noqa: E402
from fake_session import SLOW, Failure, FakeCase, wait_for  # noqa: E402

STOPS = 40  # as many Tabs as take one around any window


class Hands:
    """Keys, and what has the focus."""

    def keys(self, *names):
        self.desktop.keys(*names)

    def write(self, text):
        self.desktop.run("xdotool", "type", "--clearmodifiers", "--delay", "20", text)

    def focus(self):
        """(role, name) of what has the focus; the innermost."""
        focused = [n for n in self.desktop.find_all() if "FOCUSED" in n["states"]]
        return (focused[-1]["role"], focused[-1]["name"]) if focused else (None, "")

    def on(self, name, role=None):
        """The focus is, or comes, where the name has this part."""
        def there():
            at = self.focus()
            self.at = at
            return name in at[1] and role in (None, at[0])
        try:
            wait_for(f"the focus on {role or ''} “{name}”", there, SLOW, 0.2)
        except Failure as failure:
            raise Failure(f"{failure}; it is on {self.at}") from None

    def moved(self, key, before):
        """The focus after a key that moves it; where it stays, the same again."""
        self.keys(key)
        try:
            wait_for("the focus to move", lambda: self.focus() != before, 5, 0.1)
        except Failure:
            pass
        return self.focus()

    def text(self, name, words):
        """The field has, or gets, these words. (It has the focus then; GTK 4.8 doesn't report that for libadwaita's fields.)"""
        wait_for(f"“{words}” in {name}", lambda: any(n["text"] == words for n in self.desktop.find_all("text", name)), SLOW, 0.2)

    def tab_to(self, name, role=None, key="Tab", exactly=False):
        at = self.focus()
        for _ in range(STOPS):
            if (name == at[1] if exactly else name in at[1]) and role in (None, at[0]):
                return
            at = self.moved(key, at)
        raise Failure(f"Tab does not come to {role or ''} “{name}”")

    def stops(self, n):
        """What Tab comes by, from where the focus is."""
        seen = [self.focus()]
        for _ in range(n):
            seen.append(self.moved("Tab", seen[-1]))
        return [name for _, name in seen]


class Map(Hands, FakeCase):
    def setUp(self):
        super().setUp()
        self.open()
        self.desktop.find("push button", "nas, online", seconds=SLOW)

    def to_map(self):
        self.tab_to("thinkpad, this computer")

    def test_tab_order(self):
        """Header, map as one stop, zoom, mode, Connect, and around; the path card has nothing to stop at. And the same way back."""
        self.tab_to("Add", "push button")
        order = self.stops(12)

        def place(name, after=-1):
            at = next((i for i, stop in enumerate(order) if i > after and name in stop), None)
            self.assertIsNotNone(at, f"“{name}” after {after} in {order}")
            return at
        at = -1
        for name in ("Add", "Map", "List", "Search", "Main Menu", "thinkpad, this computer", "Zoom Out", "Fit the Map", "Zoom In", "Connector only", "Connect"):
            at = place(name, at)
        tokens = [stop for stop in order if ", online" in stop or ", offline" in stop or "this computer" in stop or stop.startswith("Edge ")]
        self.assertEqual(1, len(tokens), f"the map is one stop: {order}")
        self.tab_to("thinkpad, this computer", key="shift+Tab")

    def test_ring(self):
        self.to_map()
        ring = [self.focus()[1].split(",")[0]]
        for _ in range(9):
            ring.append(self.moved("Right", self.focus())[1].split(",")[0])
        self.assertEqual("thinkpad", ring[-1], ring)
        self.assertEqual(9, len(set(ring)), ring)
        self.moved("Left", self.focus())
        self.on(ring[-2])
        self.keys("Up")
        self.on("Edge Frankfurt")
        self.keys("Down")
        self.on("thinkpad")
        self.keys("Right", "Home")
        self.on("thinkpad")

    def test_services(self):
        """They follow their node on the ring, letters find them, Enter opens their details and Menu their actions."""
        d = self.desktop
        for name, port in (("ha", "8123"), ("photos", "2342")):
            self.daemon.say(service={"name": name, "targets": [f"nas:{port}"], "state": "answers"})
        d.find("push button", "photos, service of", seconds=SLOW)
        self.to_map()
        self.write("nas")
        self.on("nas, ")
        self.keys("Right")
        self.on("ha, service of nas:8123")
        self.keys("Right")
        self.on("photos, service of nas:2342")
        self.keys("Left", "Left")
        self.on("nas, ")
        self.keys("Home")
        self.write("ph")
        self.on("photos, service of nas:2342")
        self.keys("space")
        d.find("label", "Path to nas", seconds=SLOW)
        self.keys("Menu")
        d.find("menu item", "Copy Address", seconds=SLOW)
        self.keys("Escape")
        self.on("photos, service of nas:2342")
        self.keys("Return")
        d.find("heading", exactly="photos", seconds=SLOW)
        # One that is removed under the keyboard leaves the map usable.
        self.daemon.say(**{"remove-service": "photos"})
        d.gone("push button", "photos, service of", seconds=SLOW)
        self.tab_to("thinkpad, this computer")

    def test_letters(self):
        self.to_map()
        self.write("nas")
        self.on("nas, ")
        self.keys("Home")
        self.on("thinkpad")
        self.write("pix")
        self.on("pixel-8")
        self.assertEqual([], self.desktop.find_all("entry", "Search"), "letters on the map open no search")

    def test_path_details_and_escape(self):
        d = self.desktop
        self.to_map()
        self.write("nas")
        self.on("nas, ")
        self.keys("space")
        d.find("label", "Path to nas", seconds=SLOW)
        self.keys("space")
        d.gone("label", "Path to nas", seconds=SLOW)
        self.keys("space")
        d.find("label", "Path to nas", seconds=SLOW)
        self.keys("Escape")
        d.gone("label", "Path to nas", seconds=SLOW)
        self.keys("Return")
        d.find("heading", exactly="nas", seconds=SLOW)
        self.keys("F9")
        d.gone("heading", exactly="nas", seconds=SLOW)
        self.keys("F9")
        d.find("heading", exactly="nas", seconds=SLOW)

    def test_menu(self):
        d = self.desktop
        self.to_map()
        self.write("nas")
        self.on("nas, ")
        self.keys("Menu")
        d.find("menu item", "Rename", seconds=SLOW)
        self.keys("Escape")
        d.gone("menu item", "Rename", seconds=SLOW)
        self.on("nas, ")
        self.keys("shift+F10")
        d.find("menu item", "Rename", seconds=SLOW)
        self.keys("r")  # the letter that is underlined
        d.find("frame", "Rename nas", seconds=SLOW)
        self.write("attic")
        self.keys("Return")
        d.gone("frame", "Rename nas", seconds=SLOW)
        self.assertEqual("attic", self.daemon.called("RenameNode", SLOW)[1])
        d.find("push button", "attic, online", seconds=SLOW)

    def test_views_and_search(self):
        d = self.desktop
        self.keys("ctrl+2")
        d.find("list", exactly="Nodes", seconds=SLOW)
        self.keys("ctrl+f")
        d.find("entry", "Search", seconds=SLOW)
        self.write("nas")
        d.gone("list item", "web, ", seconds=SLOW)
        d.find("list item", "nas, ", seconds=SLOW)
        self.keys("Escape")
        d.find("list item", "web, ", seconds=SLOW)
        self.keys("ctrl+1")
        d.find("panel", "Map of the mesh", seconds=SLOW)
        self.keys("ctrl+f")
        self.write("nas")
        self.keys("Escape")
        d.gone("entry", "Search", seconds=SLOW)

    def test_windows(self):
        """Each opens by its keys and goes with Escape, and the focus is inside it."""
        for keys, title in ((("ctrl+n",), "Add a Computer"), (("F1",), "Keyboard Shortcuts"), (("ctrl+question",), "Keyboard Shortcuts")):
            with self.subTest(keys):
                self.keys(*keys)
                frame = self.desktop.find("frame", title, seconds=SLOW)
                if title == "Add a Computer":
                    self.write("attic")
                    self.text("Name", "attic")
                else:
                    wait_for("the focus in it", lambda: any("FOCUSED" in n["states"] for n in self.desktop.find_all(within=frame["ref"])), SLOW, 0.3)
                self.keys("Escape")
                self.desktop.gone("frame", title, seconds=SLOW)
        self.keys("F10")
        self.desktop.find("menu item", "About Edgeway", seconds=SLOW)
        self.keys("Escape")
        self.desktop.gone("menu item", "About Edgeway", seconds=SLOW)

    def test_vpn_options(self):
        """Lockdown in the bar, then the options: a network is added, refused and removed, a switch is flipped, and the way back."""
        d = self.desktop
        self.daemon.set(Mode="vpn")
        d.find("label", exactly="Lockdown", seconds=SLOW)
        self.to_map()
        self.tab_to("Lockdown", "check box")
        self.keys("space")
        self.assertEqual([True, {}], self.daemon.called("SetLockdown", SLOW))
        self.tab_to("VPN Options", "push button")
        self.keys("Return")
        d.find("frame", exactly="VPN Options", seconds=SLOW)
        self.tab_to("Allow Devices on the Local Network", "check box")
        self.keys("space")
        self.assertEqual([False], self.daemon.called("SetLan", SLOW))
        self.keys("Tab")
        self.write("nonsense")
        self.text("Network, such as", "nonsense")
        self.keys("Return")
        d.find("label", "Enter a network or an address", seconds=SLOW)
        self.keys("ctrl+a")
        self.write("198.51.100.0/24")
        self.keys("Return")
        self.assertEqual(["exclude", "198.51.100.0/24"], self.daemon.called("ChangeSplit", SLOW))
        self.tab_to("Remove 198.51.100.0/24", "push button")
        self.keys("space")
        self.assertEqual(["remove", "198.51.100.0/24"], self.daemon.called("ChangeSplit", SLOW))
        d.gone("push button", exactly="Remove 198.51.100.0/24", seconds=SLOW)
        self.keys("Escape")
        d.gone("frame", exactly="VPN Options", seconds=SLOW)
        self.on("VPN Options")

    def test_fix(self):
        """After a fix, refused or done, the focus is at the check that was to be fixed."""
        self.daemon.say(tailscale="there", fail={"Fix": ["NotAuthorized", "You may not do that here."]})
        self.act("diagnose")
        self.desktop.find("push button", exactly="Fix", seconds=SLOW)
        self.tab_to("Fix", "push button", exactly=True)
        self.keys("space")
        self.desktop.find("label", "You may not do that here.", seconds=SLOW)
        self.daemon.say(fail={"Fix": None})
        self.assertEqual(("push button", "Fix"), self.moved("Tab", self.focus()))
        self.keys("space")
        self.desktop.find("push button", exactly="Undo Fix", seconds=SLOW)
        self.on("", "list item")
        self.assertEqual(("push button", "Undo Fix"), self.moved("Tab", self.focus()))

    def test_quit(self):
        self.keys("ctrl+q")
        self.assertEqual(0, self.app.wait(SLOW))


class Wizard(Hands, FakeCase):
    def test_enter_does_what_shows(self):
        """Enter in the name's field is Next; where Next does not show, and on the pages after it, it does nothing of the page before."""
        self.open()
        d = self.desktop
        d.find("push button", "nas, online", seconds=SLOW)
        self.keys("ctrl+n")
        d.find("frame", "Add a Computer", seconds=SLOW)
        self.write("slow")
        self.text("Name", "slow")
        self.keys("Return")
        d.find("label", "Adding slow", seconds=SLOW)
        self.keys("Return")  # Cancel has the focus
        d.find("label", "Cancelling", seconds=SLOW)
        self.keys("Return", "Return", "Return")
        d.find("push button", exactly="Next", seconds=SLOW)
        self.assertEqual(["AddNode", "RemoveNode"], [name for name, _ in self.daemon.calls(1) if name in ("AddNode", "RemoveNode")])
        for _ in range(STOPS):
            self.keys("Tab", "ctrl+a")
            self.write("attic")
            try:
                wait_for("the name", lambda: any(n["text"] == "attic" for n in d.find_all("text", "Name")), 1, 0.2)
                break
            except Failure:
                pass
        self.text("Name", "attic")
        self.keys("Return")
        d.find("heading", "Set Up attic", seconds=SLOW)
        for _ in range(3):
            self.keys("Return")
        self.keys("alt+Left")
        d.find("label", "Going back removes it", seconds=SLOW)
        self.keys("Escape")
        d.gone("label", "Going back removes it", seconds=SLOW)
        calls = [name for name, _ in self.daemon.calls(1) if name in ("AddNode", "RemoveNode")]
        self.assertEqual(["AddNode"], calls, "Enter on the second page does not add it again")


class Join(Hands, AppCase):
    """A computer that isn't in a mesh yet, with the real daemon and edge."""
    SITES = ("laptop",)
    ENROLLED = False

    def test_join_connect_and_keep(self):
        d = self.desktop
        d.find("push button", "Join With a Key", seconds=SLOW)
        self.tab_to("Join With a Key", "push button")
        self.keys("Return")
        d.find("frame", "Join", seconds=SLOW)
        d.run("sh", "-c", "printf %s \"$1\" | timeout 60 xclip -i -loops 0 -selection clipboard >/dev/null 2>&1", "sh", self.key)
        self.keys("ctrl+v")
        d.find("heading", "Join demo?", seconds=SLOW)
        self.assertEqual("not-enrolled", self.status()["state"])
        self.keys("ctrl+a")
        self.write("laptop")
        self.text("Name of this computer", "laptop")
        self.tab_to("Join", "push button")
        self.keys("Return")
        d.find("heading", "Joined demo", seconds=SLOW)
        self.wait_status(state="connected", name="laptop")
        self.keys("Return")  # Done
        d.window_gone("Join a Mesh", SLOW)
        d.find("label", "Nobody Else Is Here Yet", seconds=SLOW)

        self.tab_to("Connect", "check box", exactly=True)
        self.keys("space")
        self.wait_status(state="disconnected")
        d.find("label", exactly="Disconnected", seconds=SLOW)
        self.keys("space")
        self.wait_status(state="connected")

        self.tab_to("Connector only", key="shift+Tab")
        self.keys("Left")
        self.on("VPN")
        self.keys("space")
        self.wait_status(mode="vpn")
        d.find("push button", exactly="Keep", seconds=SLOW)
        self.tab_to("Keep", "push button")
        self.keys("space")
        self.wait_status(mode="vpn", guard_until=None)
        d.gone("push button", exactly="Keep", seconds=SLOW)


if __name__ == "__main__":
    fake_session.main()
