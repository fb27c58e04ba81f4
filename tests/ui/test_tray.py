#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""edgeway-tray in real panels (xfce4-panel, swaybar) over a fake daemon: icons, every item of the menu, and what comes and goes."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), *p) for p in (("..", "lib"), ("..", "..", "app", "launch"))]
import desktop as desktops  # noqa: E402
from fake_session import Daemon, Talker, make_browser  # noqa: E402
from machines import Failure, wait_for  # noqa: E402

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
PYTHON = "/usr/bin/python3"
ID, ICON = "edgeway", "org.edgeway.Edgeway-%s-symbolic"
PERSON = 61350
HOST_PATIENCE = 10  # app/tray/tray.c
PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator"><property name="expand" type="bool" value="true"/></property>
    <property name="plugin-2" type="string" value="systray"/>
  </property>
</channel>
"""


def enter():
    """Starts this file again in a mount namespace of its own, where the person of the session has a name."""
    if os.geteuid() != 0:
        sys.exit("needs root: a mount namespace and a user of its own")
    if os.environ.get("EDGEWAY_TRAY_TEST") != "1":
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv], dict(os.environ, EDGEWAY_TRAY_TEST="1"))


class TrayCase(unittest.TestCase):
    OF_OTHERS = None  # a warning that isn't caused by Edgeway

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ewtray.")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        icons = os.path.join(self.folder, "data/icons/hicolor")
        shutil.copytree(os.path.join(SOURCE, "data/icons"), icons)
        shutil.copy("/usr/share/icons/hicolor/index.theme", icons)
        os.makedirs(os.path.join(self.folder, "data/schemas"))
        shutil.copy(os.path.join(BUILD, "data/schemas/gschemas.compiled"), os.path.join(self.folder, "data/schemas"))
        self.desktop = desktops.Desktop(os.path.join(self.folder, "session"), uid=PERSON, environment={
            "XDG_DATA_DIRS": os.path.join(self.folder, "data") + ":/usr/local/share:/usr/share",
            "GSETTINGS_SCHEMA_DIR": os.path.join(self.folder, "data/schemas"), "PATH": os.path.join(self.folder, "session") + ":" + os.environ["PATH"]})
        self.addCleanup(self.close)
        # What a tray starts is never what is installed on this computer.
        with open(self.desktop.path("edgeway"), "w") as file:
            file.write("#!/bin/sh\n")
        os.chmod(self.desktop.path("edgeway"), 0o755)
        self.panel = self.tray = None
        self.looker = Talker(self.desktop, [PYTHON, "-B", self.desktop.bring(os.path.join(SOURCE, "tests/lib/tray_panel.py"))], "looker")
        self.daemon = Daemon(self.desktop)

    def close(self):
        self.desktop.close()
        complaints = [line for line in self.desktop.complaints() if not self.OF_OTHERS or self.OF_OTHERS not in line]
        self.assertEqual([], complaints)

    def start_panel(self):
        place = self.desktop.path("home/.config/xfce4/xfconf/xfce-perchannel-xml")
        self.desktop.run("mkdir", "-p", place)
        with open(os.path.join(place, "xfce4-panel.xml"), "w") as file:
            file.write(PANEL)
        os.chown(file.name, PERSON, PERSON)
        self.panel = self.desktop.start(["xfce4-panel", "--disable-wm-check"], "panel", {"G_DEBUG": ""})
        wait_for("the panel's host", lambda: self.ask("items")["host"], 30)

    def stop_panel(self):
        self.panel.kill()
        self.panel.wait()
        wait_for("the panel to be gone", lambda: not self.ask("items")["host"], 20)

    def start_tray(self, *options, environment=None):
        binary = self.desktop.bring(os.path.join(BUILD, "app/tray/edgeway-tray"))
        self.tray = self.desktop.start([binary, "--bus", self.desktop.environment["DBUS_SESSION_BUS_ADDRESS"], *options], "edgeway-tray", environment)
        return self.tray

    def ask(self, do, **request):
        self.looker.say(do=do, **request)
        answer = self.looker.line()
        if answer is None:
            raise Failure("the session bus does not answer")
        if "error" in answer:
            raise LookupError(answer["error"])
        return answer

    def log(self):
        with open(self.desktop.path("edgeway-tray.log"), errors="replace") as file:
            return file.read()

    # What the panel sees.

    def item(self):
        self.assertIsNone(self.tray.poll(), "the tray ended:\n" + self.log())
        return next((i for i in self.ask("items")["items"] if i["id"] == ID), None)

    def wait_item(self, icon, title=None, seconds=30):
        def there():
            item = self.item()
            return item if item and item["icon"] == ICON % icon and (title is None or item["title"] == title) else None
        try:
            return wait_for(f"the icon {icon} ({title})", there, seconds, 0.1)
        except Failure as failure:
            raise AssertionError(f"{failure}; there is {self.item()}") from None

    def menu(self, visible=True):
        return [i for i in self.ask("menu", id=ID)["menu"] if i["visible"] or not visible]

    def labels(self):
        return [i["label"] for i in self.menu() if i["type"] != "separator"]

    def entry(self, *path):
        level, item = self.menu(), None
        for label in path:
            item = next((i for i in level if i["visible"] and re.fullmatch(label, i["label"])), None)
            if item is None:
                return None
            level = item["submenu"]
        return item

    def wait_entry(self, what, *path, seconds=20):
        """what: item → bool."""
        return wait_for(f"{path} in the menu", lambda: (lambda i: i if i is not None and what(i) else None)(self.entry(*path)), seconds, 0.1)

    def click(self, *path):
        """Once it is in the menu: the tray changes that after it has heard of a change."""
        self.wait_entry(lambda item: True, *map(re.escape, path))
        self.ask("click", id=ID, path=list(path))

    def clipboard(self):
        return self.desktop.run("xclip", "-selection", "clipboard", "-o", check=False).stdout

    def settings(self, key):
        return self.desktop.run("gsettings", "get", "org.edgeway.Edgeway", key).stdout.strip()


class Panel(TrayCase):
    def setUp(self):
        super().setUp()
        self.start_panel()
        self.start_tray()
        self.wait_item("connector")

    def test_icon_and_words_of_each_state(self):
        self.wait_item("connector", "Edgeway: Connected · connector only")
        for properties, icon, words in (
                ({"Mode": "vpn"}, "vpn", "Connected · VPN"),
                ({"Mode": "vpn", "GuardUntil": int((time.time() + 60) * 1e6)}, "attention", "Connected · VPN"),
                ({"Mode": "connector", "GuardUntil": 0, "State": "connecting"}, "connecting", "Connecting…"),
                ({"State": "reconnecting"}, "connecting", "Reconnecting…"),
                ({"State": "disconnected"}, "disconnected", "Disconnected"),
                ({"State": "awaiting-approval"}, "attention", "Awaiting approval"),
                ({"State": "error"}, "attention", "Something is wrong"),
                ({"State": "removed"}, "attention", "Removed from the mesh"),
                ({"State": "a-newer-word"}, "disconnected", None),
                ({"State": "not-enrolled", "Addresses": []}, "disconnected", "Not in a mesh"),
                ({"State": "connected", "Addresses": ["100.96.0.18"]}, "connector", "Connected · connector only")):
            with self.subTest(properties):
                self.daemon.set(**properties)
                item = self.wait_item(icon, words and "Edgeway: " + words)
                self.assertEqual("Active", item["status"])
                self.assertEqual(item["title"], item["description"])
                if words:
                    self.wait_entry(lambda i: not i["enabled"], words)
                self.assertTrue(os.path.exists(os.path.join(SOURCE, "data/icons/symbolic/apps", item["icon"] + ".svg")))

    def test_connect_follows_the_daemon_only(self):
        self.wait_entry(lambda i: i["checked"] and i["toggle"] == "checkmark", "Connect")
        self.click("Connect")
        self.daemon.called("Disconnect")
        self.wait_entry(lambda i: not i["checked"], "Connect")
        self.wait_item("disconnected")
        # A slow daemon: no item is checked before the daemon reports the change.
        self.daemon.say(slow={"Connect": 600})
        self.click("Connect")
        self.daemon.called("Connect")
        self.assertFalse(self.entry("Connect")["checked"])
        self.wait_item("connecting")
        self.daemon.say(release="Connect")
        self.wait_entry(lambda i: i["checked"], "Connect")
        self.wait_item("connector")
        # One that refuses, and a prompt that was dismissed.
        for refusal, said in ((["NotAuthorized", "You may not do that here"], True), (["Cancelled", "The prompt was dismissed"], False)):
            before = self.log()
            self.daemon.say(fail={"Disconnect": refusal})
            self.click("Connect")
            self.daemon.called("Disconnect")
            time.sleep(0.5)  # real time: nothing else shows that it stays so
            self.assertTrue(self.entry("Connect")["checked"])
            self.assertEqual(said, refusal[1] in self.log()[len(before):], self.log())

    def test_mode_follows_the_daemon_only(self):
        self.daemon.say(fail={"SetMode": ["NotAuthorized", "No"]})
        self.wait_entry(lambda i: i["checked"] and i["toggle"] == "radio", "Mode", "Connector Only")
        self.click("Mode", "VPN")
        self.assertEqual("vpn", self.daemon.called("SetMode")[0])
        time.sleep(0.5)  # real time: nothing else shows that it stays so
        self.assertFalse(self.entry("Mode", "VPN")["checked"])
        self.assertTrue(self.entry("Mode", "Connector Only")["checked"])
        self.daemon.say(fail={"SetMode": None})
        self.click("Mode", "Connector Only")  # it is that already
        self.daemon.called_nothing()
        self.assertTrue(self.entry("Mode", "Connector Only")["checked"])
        self.click("Mode", "VPN")
        self.assertEqual(["vpn", {}], self.daemon.called("SetMode"))
        self.wait_entry(lambda i: i["checked"], "Mode", "VPN")
        self.assertFalse(self.entry("Mode", "Connector Only")["checked"])

    def test_guard(self):
        self.assertIsNone(self.entry("Keep"))
        self.assertIsNone(self.entry("Undo Now"))
        self.daemon.set(Mode="vpn", GuardUntil=int((time.time() + 50) * 1e6))
        words = r"Trying VPN mode\. Reverts in 0:(\d\d) unless you keep it\."
        first = self.wait_entry(lambda i: not i["enabled"], words)["label"]
        self.wait_entry(lambda i: i["label"] < first, words)  # it counts
        self.daemon.set(GuardUntil=0, Mode="connector")
        wait_for("the guard's items to go", lambda: self.entry("Keep") is None and self.entry(words) is None, 20, 0.1)

        self.click("Mode", "VPN")
        self.wait_item("attention")
        self.click("Undo Now")
        self.daemon.called("UndoMode")
        self.wait_item("connector")
        self.click("Mode", "VPN")
        self.wait_item("attention")
        self.click("Keep")
        self.daemon.called("ConfirmMode")
        self.wait_item("vpn")
        self.assertIsNone(self.entry("Keep"))

    def test_words_of_others_are_not_markup(self):
        self.desktop.notify_as(markup=True)
        self.daemon.say(fail={"ConfirmMode": ["InvalidArgument", "<b>evil</b> & <a href='https://evil.example'>x</a>."]})
        self.daemon.set(Mode="vpn", GuardUntil=int((time.time() + 50) * 1e6))
        self.wait_entry(lambda i: True, "Keep")
        self.click("Keep")
        body = wait_for("the notification", lambda: next((n["body"] for n in self.desktop.notifications() if "evil" in n["body"]), None), 20, 0.2)
        self.assertEqual("&lt;b&gt;evil&lt;/b&gt; &amp; &lt;a href='https://evil.example'&gt;x&lt;/a&gt;.", body.replace("&#39;", "'").replace("&apos;", "'"))

    def test_copied_addresses(self):
        self.assertIsNone(self.entry("Copy Address of"))
        self.click("Copy Address of This Computer")
        wait_for("the address", lambda: self.clipboard() == "100.96.0.18", 20, 0.2)
        pairs = [(f"node-{i}", f"100.96.0.{40 + i}") for i in range(12)]
        self.desktop.run("gsettings", "set", "org.edgeway.Edgeway", "recent-nodes", str(pairs))
        submenu = self.wait_entry(lambda i: True, "Copy Address of")["submenu"]
        self.assertEqual([name for name, _ in pairs[:10]], [i["label"] for i in submenu if i["visible"]])
        self.click("Copy Address of", "node-3")
        wait_for("the node's address", lambda: self.clipboard() == "100.96.0.43", 20, 0.2)
        self.wait_entry(lambda i: i["submenu"][0]["label"] == "node-3", "Copy Address of")
        self.assertTrue(self.settings("recent-nodes").startswith("[('node-3', '100.96.0.43'), ('node-0',"), self.settings("recent-nodes"))
        # They belong to the mesh: left, they are forgotten.
        self.daemon.set(State="not-enrolled", Addresses=[])
        wait_for("the submenu to go", lambda: self.entry("Copy Address of") is None, 20, 0.1)
        self.assertFalse(self.entry("Copy Address of This Computer")["enabled"])
        self.assertFalse(self.entry("Connect")["enabled"])
        self.assertFalse(self.entry("Mode")["enabled"])
        wait_for("them to be forgotten", lambda: self.settings("recent-nodes") == "@a(ss) []", 20, 0.2)

    def test_names(self):
        """Names are copied where they work on this computer, else addresses, and a line says so."""
        self.desktop.run("gsettings", "set", "org.edgeway.Edgeway", "recent-nodes", "[('nas', '100.96.0.21')]")
        self.daemon.set(Suffix="birchwood.internal", Names="ok", NamesMessage="")
        self.click("Copy Name of This Computer")
        wait_for("the name", lambda: self.clipboard().endswith(".birchwood.internal"), 20, 0.2)
        self.click("Copy Name of", "nas")
        wait_for("the node's name", lambda: self.clipboard() == "nas.birchwood.internal", 20, 0.2)
        self.daemon.set(Names="no-answer", NamesMessage="The name edge.birchwood.internal isn't found.")
        self.wait_entry(lambda i: not i["enabled"], "The mesh's names don't work here")
        self.click("Copy Address of", "nas")
        wait_for("the node's address", lambda: self.clipboard() == "100.96.0.21", 20, 0.2)
        self.daemon.set(State="disconnected", Names="not-connected", NamesMessage="This computer isn't connected to its mesh.")
        wait_for("the line to go", lambda: self.entry("The mesh's names don't work here") is None, 20, 0.1)

    def test_whole_menu(self):
        """Nothing in it that is not meant to be there, in this order."""
        self.desktop.run("gsettings", "set", "org.edgeway.Edgeway", "recent-nodes", "[('nas', '100.96.0.21')]")
        self.wait_entry(lambda i: True, "Copy Address of", "nas")
        self.assertEqual(["Connected · connector only", "Connect", "Mode", "Lockdown", "Copy Address of This Computer", "Copy Address of", "Open Map", "Start at Login",
                          "Hide Tray Icon (the Tunnel Stays Up)"], self.labels())
        self.assertEqual(["VPN", "Connector Only"], [i["label"] for i in self.entry("Mode")["submenu"]])
        self.daemon.set(Mode="vpn")
        self.wait_entry(lambda i: not i["enabled"], "Internet traffic leaves from Frankfurt")
        self.daemon.set(State="reconnecting")
        self.wait_entry(lambda i: not i["enabled"], r"Your internet is off until Frankfurt answers\.")
        self.daemon.set(Reason="tls-intercepted", Message="The certificate isn't an edge's.")
        self.wait_entry(lambda i: not i["enabled"], "Something on this network reads encrypted traffic")
        self.daemon.set(State="disconnected")
        self.wait_entry(lambda i: True, "Hide Tray Icon")
        self.assertIsNone(self.entry("Something on this network reads encrypted traffic"))

    def test_lockdown(self):
        """A check that follows the daemon, in VPN mode; off in every state. While it blocks all traffic the menu, the icon and a notification say so."""
        self.wait_entry(lambda i: not i["enabled"] and not i["checked"] and i["toggle"] == "checkmark", "Lockdown")
        self.daemon.set(Mode="vpn")
        self.wait_entry(lambda i: i["enabled"] and not i["checked"], "Lockdown")
        self.daemon.say(fail={"SetLockdown": ["NotAuthorized", "You may not do that here."]})
        self.click("Lockdown")
        self.assertEqual([True, {}], self.daemon.called("SetLockdown"))
        wait_for("the refusal", lambda: "You may not do that here." in self.log(), 20)
        self.assertFalse(self.entry("Lockdown")["checked"])
        self.daemon.say(fail={"SetLockdown": None})
        self.click("Lockdown")
        self.daemon.called("SetLockdown")
        self.wait_entry(lambda i: i["checked"], "Lockdown")
        self.wait_item("vpn", "Edgeway: Connected · VPN · lockdown")
        self.daemon.set(State="reconnecting")
        self.wait_entry(lambda i: not i["enabled"], r"Lockdown blocks all traffic until Frankfurt answers\.")
        self.wait_item("attention")
        self.wait_told("Nothing Leaves This Computer")
        self.ask("activate", name="org.edgeway.Edgeway.Tray", path="/org/edgeway/Edgeway/Tray", action="lockdown-off")
        self.assertEqual([False, {}], self.daemon.called("SetLockdown"))
        self.wait_told("Nothing Leaves This Computer", 0)
        self.wait_entry(lambda i: not i["checked"], "Lockdown")
        self.wait_entry(lambda i: not i["enabled"], r"Your internet is off until Frankfurt answers\.")
        # Disconnected, it is still one click.
        self.daemon.set(State="disconnected", Lockdown="on")
        self.wait_entry(lambda i: not i["enabled"], r"Lockdown blocks all traffic until this computer connects\.")
        self.click("Lockdown")
        self.assertEqual([False, {}], self.daemon.called("SetLockdown"))

    def test_lockdown_tried(self):
        self.daemon.set(Mode="vpn", Lockdown="trying", LockdownUntil=int((time.time() + 50) * 1e6))
        self.wait_item("attention")
        self.wait_entry(lambda i: not i["enabled"], r"Trying lockdown\. Turns off in 0:\d\d unless you keep it\.")
        self.wait_told("Trying Lockdown")
        self.click("Keep")
        self.daemon.called("ConfirmMode")
        self.wait_item("vpn")
        self.assertIsNone(self.entry("Keep"))
        self.wait_told("Trying Lockdown", 0)

    def test_login_page(self):
        """Told once, and offered while the network wants it."""
        pages = make_browser(self.desktop)
        page = "http://login.hotel.example/start"
        self.daemon.set(State="reconnecting", Reason="captive-portal", Message="This network wants a login.", PortalUrl=page)
        self.wait_entry(lambda i: i["enabled"], "Open the Network's Login Page")
        self.wait_told("This Network Wants a Login")
        self.click("Open the Network's Login Page")
        self.daemon.called("OpenPortal")
        wait_for("the browser", lambda: pages() == [page], 20, 0.2)
        self.daemon.set(State="connected", Reason="", Message="", PortalUrl="")
        wait_for("the item to go", lambda: self.entry("Open the Network's Login Page") is None, 20, 0.1)
        self.wait_told("This Network Wants a Login", 0)

    def opened_map(self):
        """What the program is started with by Open Map, where nothing is activated by D-Bus."""
        stub = self.desktop.path("edgeway")
        with open(stub, "w") as file:
            file.write(f'#!/bin/sh\necho "$@" >{self.desktop.path("run/opened")}\n')
        os.chmod(stub, 0o755)
        self.click("Open Map")
        opened = self.desktop.path("run/opened")
        wait_for("the program", lambda: os.path.exists(opened) and os.path.getsize(opened), 20)
        with open(opened) as file:
            return file.read().strip()

    def test_open_map(self):
        self.assertEqual("--bus " + self.desktop.environment["DBUS_SESSION_BUS_ADDRESS"], self.opened_map())

    def test_open_map_of_a_demo(self):
        """It has an app of its own, beside the one of this computer's mesh."""
        self.ask("activate", name="org.edgeway.Edgeway.Tray", path="/org/edgeway/Edgeway/Tray", action="quit")
        self.assertEqual(0, self.tray.wait(20))
        self.start_tray("--gapplication-app-id=org.edgeway.Edgeway.Demo.Tray")
        self.wait_item("connector")
        self.assertEqual(f"--bus {self.desktop.environment['DBUS_SESSION_BUS_ADDRESS']} --gapplication-app-id=org.edgeway.Edgeway.Demo", self.opened_map())

    def test_open_map_raises_the_app(self):
        script = self.desktop.path("app.py")
        with open(script, "w") as file:
            file.write("import gi\ngi.require_version('Gio','2.0')\nfrom gi.repository import Gio\n"
                       "app=Gio.Application(application_id='org.edgeway.Edgeway')\napp.connect('activate',lambda a:(print('activated',flush=True),a.hold()))\napp.run()\n")
        app = self.desktop.start([PYTHON, script], "app-stub")
        wait_for("the app", lambda: self.ask("owner", name="org.edgeway.Edgeway")["owner"], 20)

        def activations():
            with open(app.log_path) as log:
                return log.read().count("activated")
        wait_for("its first activation", lambda: activations() == 1, 20)
        self.click("Open Map")
        wait_for("the app to be raised", lambda: activations() == 2, 20)

    def test_start_at_login(self):
        entry = self.desktop.path("home/.config/autostart/org.edgeway.Edgeway.Tray.desktop")
        self.assertFalse(self.entry("Start at Login")["checked"])
        self.assertFalse(os.path.exists(entry))
        self.click("Start at Login")
        self.wait_entry(lambda i: i["checked"], "Start at Login")
        self.desktop.run("desktop-file-validate", entry)
        self.click("Start at Login")
        self.wait_entry(lambda i: not i["checked"], "Start at Login")
        self.assertFalse(os.path.exists(entry))

    def told(self, title, shown=True):
        """The notifications of that title, or those of them that are still shown."""
        return [note for note in self.desktop.notifications() if note["title"] == title and not (shown and note["withdrawn"])]

    def wait_told(self, title, count=1):
        wait_for(f"{count} of {title!r}", lambda: len(self.told(title)) == count, 30, 0.2)

    def start_stub(self):
        """An app that owns the name and tells nothing."""
        script = self.desktop.path("stub.py")
        with open(script, "w") as file:
            file.write("from gi.repository import Gio\napp=Gio.Application(application_id='org.edgeway.Edgeway')\napp.connect('activate',lambda a:a.hold())\napp.run()\n")
        stub = self.desktop.start([PYTHON, script], "app-stub")
        wait_for("the app", lambda: self.ask("owner", name="org.edgeway.Edgeway")["owner"], 20)
        return stub

    def test_tells_while_the_app_is_not_there(self):
        """A trial of VPN mode, its end, an error, a removal: the app announces them while it runs, else the tray."""
        guard = {"Mode": "vpn", "GuardUntil": int((time.time() + 500) * 1e6)}
        self.daemon.set(**guard)
        self.wait_told("Trying VPN Mode")
        stub = self.start_stub()
        self.wait_told("Trying VPN Mode", 0)
        stub.kill()
        self.wait_told("Trying VPN Mode")
        self.ask("activate", name="org.edgeway.Edgeway.Tray", path="/org/edgeway/Edgeway/Tray", action="keep-mode")
        self.daemon.called("ConfirmMode")
        self.wait_told("Trying VPN Mode", 0)
        stub = self.start_stub()
        self.daemon.set(State="error", Message="The port is in use.")
        self.wait_item("attention")
        self.daemon.set(State="connected")
        self.wait_item("vpn")
        stub.kill()
        wait_for("the app to be gone", lambda: not self.ask("owner", name="org.edgeway.Edgeway")["owner"], 20)
        self.assertEqual([], self.told("Edgeway Can't Connect", shown=False))
        # Where nothing shows notifications it's told once something does, if it's still so.
        self.desktop.notifier.terminate()
        self.desktop.notifier.wait()
        self.daemon.set(State="removed")
        self.wait_item("attention")
        self.daemon.set(State="error", Message="The port is in use.")
        wait_for("the error to be told of in the log", lambda: "The port is in use." in self.log(), 20)
        self.desktop.notify_as()
        self.wait_told("Edgeway Can't Connect")
        self.assertEqual([], self.told("This Computer Was Removed", shown=False))

    def test_call_that_runs(self):
        self.daemon.say(slow={"Disconnect": 600})
        self.click("Connect")
        self.daemon.called("Disconnect")
        self.wait_item("connecting", "Edgeway: Disconnecting…")
        self.wait_entry(lambda i: not i["enabled"], "Disconnecting…")
        self.click("Connect")
        self.daemon.called_nothing()
        self.daemon.say(release="Disconnect")
        self.wait_item("disconnected", "Edgeway: Disconnected")

    def test_hide(self):
        self.click("Hide Tray Icon (the Tunnel Stays Up)")
        self.assertEqual(0, self.tray.wait(20))
        self.assertIn("The tunnel stays as it is", self.log())
        self.daemon.called_nothing()
        wait_for("the icon to go", lambda: not [i for i in self.ask("items")["items"] if i["id"] == ID], 20)

    def test_one_instance_which_the_app_can_end(self):
        second = self.desktop.start([self.desktop.path("edgeway-tray")], "edgeway-tray-second")
        self.assertEqual(0, second.wait(20))
        self.assertEqual(1, len([i for i in self.ask("items")["items"] if i["id"] == ID]))
        self.ask("activate", name="org.edgeway.Edgeway.Tray", path="/org/edgeway/Edgeway/Tray", action="quit")
        self.assertEqual(0, self.tray.wait(20))

    def test_daemon_goes_and_comes_back(self):
        self.daemon.stop()
        self.wait_item("attention", "Edgeway: Service not running")
        self.wait_entry(lambda i: not i["enabled"], "Connect")
        self.daemon = Daemon(self.desktop, "--state", "disconnected")
        self.wait_item("disconnected", "Edgeway: Disconnected")
        self.wait_entry(lambda i: i["enabled"] and not i["checked"], "Connect")


# GTK 3 warns like this about the fallback icon of libayatana-appindicator, when that icon's frame is late.
FALLBACK_ICON = "gdk_window_thaw_toplevel_updates"


class PanelGone(TrayCase):
    OF_OTHERS = FALLBACK_ICON

    def test_panel_goes_and_comes_back(self):
        self.start_panel()
        self.start_tray(environment={"G_DEBUG": ""})
        self.wait_item("connector")
        self.stop_panel()
        self.daemon.set(Mode="vpn")
        self.start_panel()
        self.wait_item("vpn")
        self.click("Mode", "Connector Only")
        self.assertEqual("connector", self.daemon.called("SetMode")[0])
        self.assertNotIn("Shows No Tray Icons", self.log())


class NoPanel(TrayCase):
    OF_OTHERS = FALLBACK_ICON

    def test_said_once_then_waits(self):
        words = "This Desktop Shows No Tray Icons"
        self.start_tray()
        wait_for("the words", lambda: words in self.log(), HOST_PATIENCE * 5, 0.2)
        self.assertIn("applications menu", self.log())
        # At the next login it isn't said again.
        self.tray.terminate()
        self.tray.wait()
        self.start_tray(environment={"G_DEBUG": ""})
        time.sleep(HOST_PATIENCE + 4)  # real time: another process waits for this long before it speaks
        self.assertIsNone(self.tray.poll())
        self.assertEqual(1, self.log().count(words))
        # Started by hand, it is an answer.
        self.assertEqual(0, self.desktop.start([self.desktop.path("edgeway-tray")], "edgeway-tray-second").wait(20))
        wait_for("the words, again", lambda: self.log().count(words) == 2, 20)
        # A panel at last.
        self.start_panel()
        self.wait_item("connector")
        self.click("Connect")
        self.daemon.called("Disconnect")
        wait_for("to be told again next time", lambda: self.settings("tray-host-told") == "false", 20)


class Wayland(TrayCase):
    """sway's own bar, headless. A virtual keyboard is added, or no window would ever have the focus."""

    def setUp(self):
        super().setUp()
        run, config = self.desktop.path("run"), self.desktop.path("sway.config")
        with open(config, "w") as file:
            file.write("output HEADLESS-1 resolution 1280x800\nxwayland disable\nbar {\n  position top\n  tray_output *\n}\n")
        del self.desktop.environment["DISPLAY"]
        self.desktop.start(["sway", "-c", config], "sway", {
            "G_DEBUG": "", "WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_RENDERER": "pixman", "LIBSEAT_BACKEND": "noop"})
        self.desktop.environment["GDK_BACKEND"] = "wayland"
        self.desktop.environment["WAYLAND_DISPLAY"] = wait_for("sway's socket", lambda: next((n for n in os.listdir(run) if re.fullmatch(r"wayland-\d+", n)), None), 20)
        wait_for("the bar's host", lambda: self.ask("items")["host"], 30)
        self.desktop.start(["wtype", "-s", "300000", "-M", "shift"], "wtype")
        self.start_tray()

    def test_menu_and_clipboard(self):
        self.wait_item("connector", "Edgeway: Connected · connector only")
        self.click("Copy Address of This Computer")
        wait_for("the address", lambda: self.desktop.run("wl-paste", "-n", check=False).stdout == "100.96.0.18", 20, 0.3)
        self.click("Mode", "VPN")
        self.assertEqual("vpn", self.daemon.called("SetMode")[0])
        self.wait_item("attention")


class Program(TrayCase):
    def test_where_it_does_not_start(self):
        binary = self.desktop.bring(os.path.join(BUILD, "app/tray/edgeway-tray"))
        root = subprocess.run([binary], capture_output=True, text=True, env=self.desktop.environment, timeout=30)
        self.assertEqual((1, ""), (root.returncode, root.stdout))
        self.assertIn("doesn't run as root", root.stderr)
        environment = {k: v for k, v in self.desktop.environment.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        blind = subprocess.run(self.desktop.command([binary]), capture_output=True, text=True, env=environment, timeout=30)
        self.assertEqual(1, blind.returncode)
        self.assertIn("There is no display", blind.stderr)
        self.assertRegex(self.desktop.run(binary, "--version").stdout, r"^edgeway-tray \d+\.\d+\.\d+( \([0-9a-f]{7}\+?\))?\n$")
        self.assertIn("--bus=ADDRESS", self.desktop.run(binary, "--help").stdout)
        self.assertEqual(1, self.desktop.run(binary, "--unknown", check=False).returncode)


if __name__ == "__main__":
    enter()
    person_folder = tempfile.mkdtemp(prefix="ewtray-person.")
    try:
        desktops.add_person(person_folder, "ewtray", PERSON)
        unittest.main(verbosity=2)
    finally:
        shutil.rmtree(person_folder, ignore_errors=True)
