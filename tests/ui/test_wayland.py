#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app under a Wayland compositor (sway, headless), over the real daemon: connecting, the guard, details, the wizard, renaming."""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from app_case import AppCase, SLOW  # noqa: E402


class Wayland(AppCase):
    KIND = "wayland"

    def name(self, name, words=""):
        return self.desktop.find("push button", f"{name}, {words}", seconds=SLOW)

    def press(self, role, name=None, **more):
        return self.desktop.press(role, name, seconds=SLOW, **more)

    def test_display(self):
        """It isn't an X program."""
        self.name("nas", "online")
        with open(f"/proc/{self.desktop.app.pid}/environ", "rb") as file:
            environment = file.read()
        self.assertIn(b"WAYLAND_DISPLAY=", environment)
        self.assertNotIn(b"\0DISPLAY=", b"\0" + environment)
        self.assertTrue(self.desktop.running())

    def test_connect(self):
        d = self.desktop
        d.find("check box", exactly="Connect", state="CHECKED", seconds=SLOW)
        self.press("check box", exactly="Connect")
        self.wait_status(state="disconnected")
        d.find("check box", exactly="Connect", without="CHECKED", seconds=SLOW)
        d.find("label", exactly="Disconnected", seconds=SLOW)
        self.press("check box", exactly="Connect")
        self.wait_status(state="connected")
        d.find("check box", exactly="Connect", state="CHECKED", seconds=SLOW)
        self.name("nas", "online")

    def activate(self, place, action, parameter):
        """A window on a bus of its own has a name of its own."""
        call = ("gdbus", "call", "--session", "--dest")
        listed = self.desktop.run(*call, "org.freedesktop.DBus", "--object-path", "/org/freedesktop/DBus", "--method", "org.freedesktop.DBus.ListNames").stdout
        name = re.search(r"'(org\.edgeway\.Edgeway\.\w+)'", listed)[1]
        self.desktop.run(*call, name, "--object-path", os.path.join("/" + name.replace(".", "/"), place).rstrip("/"),
                         "--method", "org.gtk.Actions.Activate", action, f"[<'{parameter}'>]", "{}")

    def switch(self, mode):
        """A check button of GTK 4.8 has no action for assistive programs: it is switched by its own."""
        self.activate("", "mode", mode)

    def test_mode_and_guard(self):
        d = self.desktop
        self.name("nas", "online")
        self.switch("vpn")
        self.wait_status(mode="vpn")
        d.find("check box", exactly="VPN", state="CHECKED", seconds=SLOW)
        self.press("push button", "Undo Now")
        self.wait_status(mode="connector", guard_until=None)
        d.find("check box", exactly="Connector only", state="CHECKED", seconds=SLOW)
        self.switch("vpn")
        self.press("push button", exactly="Keep")
        self.wait_status(mode="vpn", guard_until=None)
        d.gone("push button", "Keep", seconds=SLOW)
        self.switch("connector")
        self.wait_status(mode="connector")
        d.find("check box", exactly="VPN", without="CHECKED", seconds=SLOW)

    def test_details(self):
        d = self.desktop
        self.press("push button", "nas, online", action="token.open")
        d.find("heading", exactly="nas", seconds=SLOW)
        self.press("push button", "Ping")
        d.find("label", "A ping came back in", seconds=SLOW)
        self.press("push button", "Close Details")
        d.gone("heading", exactly="nas", seconds=SLOW)

    def test_wizard_cancelled(self):
        """By keys, which the compositor gives to the window in front."""
        d = self.desktop
        self.name("nas", "online")
        before = set(self.nodes())
        d.keys("ctrl+n")
        d.find("frame", "Add a Computer", seconds=SLOW)
        d.type("text", "Name", "nas")
        d.find("label", "Another node is called nas.", seconds=SLOW)
        d.type("text", "Name", "attic")
        d.gone("label", "Another node is called nas.", seconds=SLOW)
        d.keys("Escape")
        d.window_gone("Add a Computer", SLOW)
        self.assertEqual(before, set(self.nodes()))

    def test_rename(self):
        d = self.desktop
        self.name("nas", "online")
        self.activate("window/1", "rename-node", self.nodes()["nas"]["id"])
        window = d.find("frame", "Rename nas", seconds=SLOW)["ref"]
        d.type("text", None, "attic", exactly="Name", within=window)
        self.press("push button", "Rename", within=window)
        d.window_gone("Rename nas", SLOW)
        self.name("attic", "online")
        self.assertEqual({"laptop", "attic"}, set(self.nodes()))
        self.mesh.ctl("laptop", "node", "rename", "attic", "nas")
        self.name("nas", "online")


if __name__ == "__main__":
    unittest.main()
