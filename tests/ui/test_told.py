#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is told: toasts by their importance, notifications from the running program, and the results of requests made without a window."""
import os
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), *p) for p in (("..", "lib"), ("..", "..", "app", "launch"))]
import fake_session  # noqa: E402
from fake_session import SLOW, Daemon, FakeCase, wait_for  # noqa: E402

NAS = "n0000000000000005"


class Toasts(FakeCase):
    def say_nodes(self, ids, state):
        for node in ids:
            self.daemon.say(node={"id": node, "state": state})

    def labels(self, words):
        return [node["name"] for node in self.desktop.find_all("label", words)]

    def test_worth(self):
        """Nodes of one moment are one toast, which stays true; a refusal comes at once; the same words again aren't queued."""
        self.open("--nodes", "40")
        d, ids = self.desktop, [f"n{n:016x}" for n in range(11, 31)]
        before = d.find("label", "of 40 online", seconds=SLOW)["name"]
        self.say_nodes(ids, "offline")
        wait_for("another number", lambda: self.labels("of 40 online") not in ([], [before]), SLOW, 0.3)
        self.say_nodes(ids, "online")
        d.find("label", "20 nodes are online", seconds=SLOW)
        self.say_nodes(ids[:3], "offline")
        d.find("label", "17 nodes are online", seconds=SLOW)
        self.daemon.say(fail={"Disconnect": ["Failed", "The tunnel is busy with something else."]})
        self.act("connected")
        d.find("label", "The tunnel is busy", seconds=5)
        d.find("push button", exactly="Dismiss", seconds=SLOW)
        self.assertEqual([], self.labels("nodes are online"))
        for _ in range(6):
            self.act("copy-address", NAS, window=True)
        d.find("label", "Mesh IP copied", seconds=SLOW)
        asked = time.monotonic()
        d.gone("label", "Mesh IP copied", seconds=SLOW)
        self.assertLess(time.monotonic() - asked, 12, "each copy stood in a queue of its own")
        # After this computer's own reconnect all nodes come online, which isn't news.
        self.daemon.set(State="reconnecting")
        self.say_nodes(ids, "offline")
        self.daemon.set(State="connected")
        self.say_nodes(ids[:2], "online")
        time.sleep(2.5)  # real time: longer than the moment in which news are collected
        self.assertEqual([], self.labels("are online"))
        self.alive()


class WithoutWindow(FakeCase):
    """Actions of a notification, a launcher or a link, that start the app by its name on the bus as where it's installed."""

    BUS = ("gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path", "/org/freedesktop/DBus", "--method")

    def setUp(self):
        super().setUp()
        with open(self.desktop.path("services/org.edgeway.Edgeway.service"), "w") as file:
            file.write(f"[D-BUS Service]\nName={fake_session.ID}\nExec={self.program} --bus {self.bus} --gapplication-service\n")
        self.desktop.run(*self.BUS, "org.freedesktop.DBus.ReloadConfig")
        names = ("GSK_RENDERER", "GDK_BACKEND", "DISPLAY", "XDG_RUNTIME_DIR", "HOME", "GSETTINGS_BACKEND", "GSETTINGS_SCHEMA_DIR", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS")
        self.desktop.run(*self.BUS, "org.freedesktop.DBus.UpdateActivationEnvironment",
                         "{" + ",".join(f"'{name}':'{self.desktop.environment[name]}'" for name in names if name in self.desktop.environment) + "}")
        self.daemon = Daemon(self.desktop)

    def ask_from_outside(self, action, *parameters):
        self.desktop.run("gapplication", "action", fake_session.ID, action, *parameters)

    def set_mode(self, mode):
        self.desktop.run("gdbus", "call", "--session", "--dest", "org.edgeway.Daemon1", "--object-path", "/org/edgeway/Daemon1", "--method",
                         "org.edgeway.Daemon1.SetMode", mode, "{}")

    def runs(self, suffix=""):
        return "true" in self.desktop.run(*self.BUS, "org.freedesktop.DBus.NameHasOwner", fake_session.ID + suffix).stdout

    def wait_told(self, title, words=""):
        def told():
            return next((note for note in self.desktop.notifications() if note["title"] == title and words in note["body"]), None)
        return wait_for(f"the notification {title!r}", told, SLOW, 0.2)

    def wait_end(self):
        wait_for("the app to end by itself", lambda: not self.runs(), SLOW, 0.3)

    def test_carried_out_and_told(self):
        for mode, action, parameters, method, title in (
                ("vpn", "keep-mode", (), "ConfirmMode", "VPN Mode Is Kept"), ("connector", "connected", (), "Disconnect", "Disconnected"),
                (None, "connected", (), "Connect", "Connected"), ("vpn", "undo-mode", (), "UndoMode", "VPN Mode Was Turned Off")):
            with self.subTest(action=action, title=title):
                if mode:
                    self.set_mode(mode)
                self.ask_from_outside(action, *parameters)
                self.daemon.called(method, SLOW)
                self.wait_told(title)
                self.wait_end()

    def test_refused_with_the_reason(self):
        self.daemon.say(fail={"Disconnect": ["Failed", "The tunnel is busy."]})
        for action, parameters, words in (("connected", (), "The tunnel is busy."), ("keep-mode", (), "VPN mode was already turned off."),
                                          ("join", (), "This computer is already in a mesh.")):
            with self.subTest(action):
                self.ask_from_outside(action, *parameters)
                self.wait_told("Nothing Was Changed", words)
                self.wait_end()
        self.daemon.stop()
        self.ask_from_outside("connected")
        self.wait_told("Nothing Was Changed", "service")
        self.wait_end()

    def test_lockdown(self):
        """Refused without VPN mode, then on and off again, as by the notification's button."""
        self.ask_from_outside("lockdown")
        self.wait_told("Nothing Was Changed", "Lockdown needs VPN mode")
        self.wait_end()
        self.daemon.set(Mode="vpn")
        for action, on, title in (("lockdown", True, "Lockdown Is On"), ("lockdown-off", False, "Lockdown Is Off")):
            with self.subTest(action):
                self.ask_from_outside(action)
                self.assertEqual([on, {}], self.daemon.called("SetLockdown", SLOW))
                self.wait_told(title)
                self.wait_end()

    def test_windows(self):
        """A request that needs a window opens it only once, however often it's made."""
        self.ask_from_outside("add-phone")
        self.dialog("Add a Phone")
        for action, title in (("leave", "Leave "), ("diagnose", "Diagnosis"), ("about", "About")):
            with self.subTest(action):
                for _ in range(3):
                    self.ask_from_outside(action)
                wait_for(title, lambda: [t for t in self.windows() if t.startswith(title)], SLOW, 0.3)
                time.sleep(1)  # real time: nothing else shows that no further window comes
                self.assertEqual(1, len([t for t in self.windows() if t.startswith(title)]), self.windows())
        self.daemon.set(Mode="vpn", GuardUntil=int((time.time() + 500) * 1e6))
        self.wait_told("Trying VPN Mode")
        self.ask_from_outside("quit")
        self.wait_end()
        self.assertTrue(self.wait_told("Trying VPN Mode")["withdrawn"], "its buttons do nothing any more")

    def test_closed_while_it_is_tried(self):
        """Without a tray, the window is closed during the trial: a tray without an icon stays, announces how the trial ends, and exits."""
        self.desktop.bring(os.path.join(fake_session.BUILD, "app/tray/edgeway-tray"))
        self.desktop.run(*self.BUS, "org.freedesktop.DBus.UpdateActivationEnvironment", f"{{'PATH':'{self.desktop.path('')}:{os.environ['PATH']}'}}")
        self.ask_from_outside("about")
        wait_for("the window", lambda: [t for t in self.windows() if t.startswith("About")], SLOW, 0.3)
        self.daemon.set(Mode="vpn", GuardUntil=int((time.time() + 500) * 1e6))
        self.wait_told("Trying VPN Mode")
        self.ask_from_outside("quit")
        self.wait_end()
        wait_for("the one without an icon", lambda: self.runs(".Teller"), SLOW, 0.2)
        self.assertFalse(self.runs(".Tray"))
        wait_for("it to tell of the try", lambda: [n for n in self.desktop.notifications() if n["title"] == "Trying VPN Mode" and not n["withdrawn"]], SLOW, 0.2)
        now = int((time.time() - 1) * 1e6)
        self.daemon.set(GuardUntil=now)
        self.daemon.set(Mode="connector", GuardUntil=0)
        self.wait_told("VPN Mode Was Turned Off")
        wait_for("its end", lambda: not self.runs(".Teller"), SLOW, 0.3)


class Copies(FakeCase):
    KIND = "wayland"

    def pasted(self):
        return self.desktop.run("wl-paste", "--no-newline", check=False).stdout

    def test_copied_or_not(self):
        """What came neither from a key nor from a click: Wayland takes no copy, so none is said."""
        self.open()
        self.desktop.find("push button", "nas, online", seconds=SLOW)
        self.act("copy-address", NAS, window=True)
        self.desktop.find("label", "Nothing was copied", seconds=SLOW)
        self.assertEqual("", self.pasted())

        def copied():
            """The key may come later than the action, which takes another way."""
            self.desktop.keys("F9")
            self.act("copy-address", NAS, window=True)
            return self.desktop.find_all("label", "Mesh IP copied")
        wait_for("it is said", copied, SLOW, 0.5)
        wait_for("the address", lambda: self.pasted() == "100.96.0.21", SLOW, 0.3)


class TrayToggles(FakeCase):
    ENVIRONMENT = {"XDG_CURRENT_DESKTOP": "GNOME"}

    def test_toggles(self):
        """The menu entry starts what it names; where GNOME shows no icon, the window in which it was clicked says so."""
        d = self.desktop
        d.bring(os.path.join(fake_session.BUILD, "app/tray/edgeway-tray"))
        d.environment["PATH"] = d.folder + ":" + d.environment["PATH"]
        self.open()
        d.find("push button", "nas, online", seconds=SLOW)

        def press(name, action, state):
            d.press(["toggle button", "push button"], exactly="Main Menu")
            d.press("menu item", exactly=name, seconds=SLOW)
            wait_for(f"{name} {state}", lambda: f"<{state}>" in d.run("gdbus", "call", "--session", "--dest", fake_session.ID, "--object-path", fake_session.PATH,
                                                                      "--method", "org.gtk.Actions.Describe", action).stdout, SLOW, 0.3)
        press("Show Tray Icon", "tray", "true")
        d.find("label", "gnome-shell-extension-appindicator", seconds=SLOW)
        press("Start Tray Icon at Login", "autostart", "true")
        self.assertTrue(os.path.exists(d.path("home/.config/autostart/org.edgeway.Edgeway.Tray.desktop")))
        press("Show Tray Icon", "tray", "false")
        press("Start Tray Icon at Login", "autostart", "false")
        self.assertFalse(os.path.exists(d.path("home/.config/autostart/org.edgeway.Edgeway.Tray.desktop")))


if __name__ == "__main__":
    fake_session.main()
