#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app in its sandbox, with the real system bus, polkit, logind and edgewayd: run by a person who is logged in, on the machine of
tests/clean/flatpak. The tests are steps: each goes on from the one before. Pictures: /opt/flatpak/pictures."""
import configparser
import json
import os
import re
import subprocess
import time
import unittest

import gi
gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

APP = "org.edgeway.Edgeway"
HERE = os.path.dirname(os.path.abspath(__file__))
SLOW = 60
CALL = "gdbus call --system --dest org.edgeway.Daemon1 --object-path /org/edgeway/Daemon1 --method org.edgeway.Daemon1."
BLOCKED = re.compile("ServiceUnknown|AccessDenied|NameHasNoOwner|not activatable|Permission denied|No such file|Network is unreachable")


def run(*argv, check=True, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=300, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {done.returncode}\n{done.stdout}")
    return done


def sudo(*argv, **more):
    return run("sudo", "-n", "--", *argv, **more)


def sandbox(script, *options, check=True):
    """A shell with the app's own permissions."""
    done = run("flatpak", "run", *options, "--command=sh", APP, "-c", script, check=check)
    done.stdout = re.sub(r"^F: .*\n", "", done.stdout, flags=re.M)  # Flatpak's own notes
    return done


def wait_for(what, condition, seconds=SLOW):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not in {seconds} s: {what}")
        time.sleep(0.2)


def texts(node=None, depth=0):
    """Names and descriptions of everything that Edgeway's programs show, as a screen reader finds them."""
    if node is None:
        desktop = Atspi.get_desktop(0)
        for i in range(desktop.get_child_count()):
            try:
                child = desktop.get_child_at_index(i)
                is_ours = child is not None and "edgeway" in (child.get_name() or "").lower()
            except gi.repository.GLib.Error:
                continue  # a program that has just ended
            if is_ours:
                yield from texts(child)
        return
    try:
        if depth > 0 and not node.get_state_set().contains(Atspi.StateType.VISIBLE):  # GTK 4.8 says SHOWING of windows alone
            return
        yield node.get_name() or ""
        for i in range(min(node.get_child_count(), 500)):
            child = node.get_child_at_index(i)
            if child is not None and depth < 60:
                yield from texts(child, depth + 1)
    except gi.repository.GLib.Error:
        return  # it was removed in the meantime


def shown(part):
    return any(part in text for text in texts())


def wait_shown(part, seconds=SLOW):
    try:
        wait_for(part, lambda: shown(part), seconds)
    except AssertionError:
        raise AssertionError(f"{part!r} isn't shown in {seconds} s, but: {sorted(set(texts()))}") from None


def picture(name):
    time.sleep(2)  # wait until animations end
    run("import", "-window", "root", f"/opt/flatpak/pictures/{name}.png")


def start_app(*environment):
    with open("/tmp/app.log", "a", encoding="utf-8") as log:
        return subprocess.Popen(["flatpak", "run", "--env=GSK_RENDERER=cairo", *(f"--env={each}" for each in environment), APP], stdout=log, stderr=log)


def action(name, *parameter, program=APP):
    run("gdbus", "call", "--session", "--dest", program, "--object-path", "/" + program.replace(".", "/"), "--method", "org.gtk.Actions.Activate", name,
        f"[{', '.join(parameter)}]", "{}")


def action_state(name):
    return run("gdbus", "call", "--session", "--dest", APP, "--object-path", "/" + APP.replace(".", "/"), "--method", "org.gtk.Actions.Describe", name).stdout


def is_owned(name):
    return "true" in run("gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path", "/org/freedesktop/DBus", "--method",
                         "org.freedesktop.DBus.NameHasOwner", name).stdout


def end_app(app):
    action("quit")
    app.wait(SLOW)


class Sandbox(unittest.TestCase):
    def test_10_permissions(self):
        """What is installed has the manifest's permissions, and no others."""
        with open(f"{HERE}/manifest.json", encoding="utf-8") as file:
            given = json.load(file)["finish-args"]
        told = configparser.ConfigParser(strict=False)
        told.optionxform = str
        told.read_string(run("flatpak", "info", "--show-permissions", APP).stdout)
        found = []
        for key, option in (("sockets", "socket"), ("shared", "share"), ("devices", "device"), ("filesystems", "filesystem"), ("features", "allow")):
            values = [value for value in told.get("Context", key, fallback="").split(";") if value]
            found += [f"--{option}={value}" for value in values]
        for section, option in (("Session Bus Policy", "talk-name"), ("System Bus Policy", "system-talk-name")):
            found += [f"--{option}={name}" for name, policy in (told.items(section) if told.has_section(section) else ())]
        # fallback-x11 is stored as x11 that is removed under Wayland.
        self.assertEqual(sorted(set(found) - {"--socket=x11"}), sorted(given))

    def test_11_what_it_reaches_not(self):
        with open(os.path.expanduser("~/secret"), "w", encoding="utf-8") as file:
            file.write("nobody's business\n")
        for what, script in {"a file of the person's": "cat ~/secret", "the system's password file": "cat /run/host/etc/shadow /etc/shadow",
                             "logind": "gdbus introspect --system --dest org.freedesktop.login1 --object-path /org/freedesktop/login1",
                             "systemd": "gdbus introspect --session --dest org.freedesktop.systemd1 --object-path /org/freedesktop/systemd1",
                             "polkit": "gdbus introspect --system --dest org.freedesktop.PolicyKit1 --object-path /org/freedesktop/PolicyKit1/Authority"}.items():
            with self.subTest(what=what):
                done = sandbox(script, check=False)
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertRegex(done.stdout, BLOCKED)
        self.assertEqual(re.findall(r"^ *(\w+):", sandbox("cat /proc/net/dev").stdout, re.M), ["lo"], "it has a network")

    def test_12_exported(self):
        """What desktops read outside the sandbox."""
        exports = "/var/lib/flatpak/exports/share"
        with open(f"{exports}/applications/{APP}.desktop", encoding="utf-8") as file:
            entry = file.read()
        self.assertRegex(entry, rf"Exec=/usr/bin/flatpak run .*--command=edgeway .*{APP} @@u %u @@")
        self.assertIn("MimeType=x-scheme-handler/edgeway;", entry)
        self.assertIn("Name[de]=", entry)
        for path in (f"icons/hicolor/scalable/apps/{APP}.svg", f"icons/hicolor/symbolic/apps/{APP}-connector-symbolic.svg", f"dbus-1/services/{APP}.service",
                     f"applications/{APP}.Tray.desktop"):
            self.assertTrue(os.path.exists(f"{exports}/{path}"), path)
        self.assertIn(APP, run("gio", "mime", "x-scheme-handler/edgeway", env={**os.environ, "XDG_DATA_DIRS": f"{exports}:/usr/share"}).stdout)
        self.assertIn("tray-at-login", sandbox(f"gsettings list-keys {APP}").stdout)
        self.assertIn("edgeway 0.", sandbox("edgeway --version; edgeway-tray --version").stdout)
        self.assertNotIn("No such", sandbox("ls /app/share/locale/de/LC_MESSAGES/edgeway.mo; ldd /app/bin/edgeway /app/bin/edgeway-tray").stdout)

    def test_20_service_missing(self):
        """The page for a missing service: the host's commands, not the runtime's."""
        app = start_app()
        self.addCleanup(end_app, app)
        wait_shown("The Edgeway Service Isn't Running")
        wait_shown("sudo apt install edgewayd")
        wait_shown("sudo systemctl enable --now edgewayd")
        picture("no-service")

    def test_21_service_starts(self):
        """The app follows the service's start, and a person's words in it arrive."""
        app = start_app()
        self.addCleanup(end_app, app)
        wait_shown("The Edgeway Service Isn't Running")
        sudo("systemctl", "start", "edgewayd")
        wait_shown("Join Your Mesh")
        picture("not-enrolled")

    def test_30_who_is_asking(self):
        """polkit judges the person behind the proxy: at this computer's seat what the policy allows there, with a password the rest."""
        self.assertIn("not-enrolled", sandbox(CALL + "GetStatus").stdout)
        seen = sandbox(CALL + "Disconnect", check=False).stdout
        self.assertIn("org.edgeway.Error.NotEnrolled", seen, "an active local session may connect and disconnect")
        seen = sandbox(CALL + "Leave", check=False).stdout
        self.assertIn("org.edgeway.Error.NotAuthorized", seen, "leaving needs an administrator's password")
        self.assertIn("password", seen)

    def test_31_stranger(self):
        """A user without a session at a seat is judged as such in the sandbox too."""
        done = sudo("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--uid=stranger", "--property=RuntimeDirectory=stranger", "-E",
                    "XDG_RUNTIME_DIR=/run/stranger", "-E", "HOME=/home/stranger", "-E", "LANG=C.UTF-8", "dbus-run-session", "--", "flatpak", "run", "--command=sh", APP, "-c",
                    f"{CALL}GetStatus; {CALL}Disconnect", check=False).stdout
        self.assertIn("not-enrolled", done)
        self.assertIn("org.edgeway.Error.NotAuthorized", done)

    def test_32_without_the_permission(self):
        """A person may revoke the app's access to the service: then it says that the service is missing."""
        self.assertRegex(sandbox(CALL + "GetStatus", "--system-no-talk-name=org.edgeway.Daemon1", check=False).stdout, BLOCKED)

    def test_40_map(self):
        """A real mesh: the topology's descriptor passes the proxy, so the map is drawn."""
        sudo(f"{HERE}/flatpak-edge")
        sudo("bash", "-c", "grep -m 1 ^ew1_ /srv/edge.out | edgewayctl enroll --key-file -")
        wait_for("connected", lambda: run("edgewayctl", "status", check=False).stdout.startswith("connected"))
        sudo("edgewayctl", "node", "add", "nas")
        self.assertRegex(sandbox(CALL + "OpenTopology").stdout, r"^\(handle 0,\)", "a descriptor")
        for scheme in ("light", "dark"):
            with self.subTest(scheme=scheme):
                app = start_app(f"ADW_DEBUG_COLOR_SCHEME=prefer-{scheme}")
                wait_shown("nas, ")
                wait_shown("Connected")
                picture(f"map-{scheme}")
                end_app(app)

    def test_41_german(self):
        app = start_app("LANGUAGE=de")
        self.addCleanup(end_app, app)
        wait_shown("Verbunden")
        picture("german")

    def test_42_code_for_a_phone(self):
        app = start_app()
        self.addCleanup(end_app, app)
        wait_shown("nas, ")
        action("add-phone")
        wait_shown("Phone")
        picture("add-phone")

    def test_50_tray(self):
        """The app starts the icon in its own sandbox; it reaches the panel and stays when the app ends."""
        panel = subprocess.Popen(["xfce4-panel", "--disable-wm-check"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(panel.kill)
        wait_for("the panel", lambda: is_owned("org.kde.StatusNotifierWatcher"))
        app = start_app()
        wait_shown("nas, ")
        action("tray")
        wait_for("the tray", lambda: is_owned(f"{APP}.Tray"))
        wait_for("its item", lambda: "NotificationItem/edgeway" in run(
            "gdbus", "call", "--session", "--dest", "org.kde.StatusNotifierWatcher", "--object-path", "/StatusNotifierWatcher", "--method",
            "org.freedesktop.DBus.Properties.Get", "org.kde.StatusNotifierWatcher", "RegisteredStatusNotifierItems").stdout)
        picture("tray")
        end_app(app)
        time.sleep(3)
        self.assertTrue(is_owned(f"{APP}.Tray"), "the icon ended with the app")
        action("quit", program=f"{APP}.Tray")
        wait_for("the tray's end", lambda: not is_owned(f"{APP}.Tray"))

    def test_60_login(self):
        """Start at login: with a desktop that has no Background portal, one that agrees, and one that doesn't."""
        app = start_app()
        self.addCleanup(end_app, app)
        wait_shown("nas, ")
        self.assertIn("<false>", action_state("autostart"))
        action("autostart")
        wait_shown("This desktop doesn't start sandboxed programs at login.")
        self.assertIn("<false>", action_state("autostart"))
        picture("no-portal")
        sudo("cp", f"{HERE}/edgewaytest.portal", "/usr/share/xdg-desktop-portal/portals/")
        # The request and its result.
        for answer, asked, state in (("agree", True, True), ("agree", False, False), ("refuse", True, False)):
            with self.subTest(answer=answer, asked=asked):
                backend = subprocess.Popen(["/usr/bin/python3", "-B", f"{HERE}/background_backend.py", answer], stdout=subprocess.PIPE, text=True)
                self.addCleanup(backend.kill)
                self.assertEqual(backend.stdout.readline(), "ready\n")
                run("systemctl", "--user", "restart", "xdg-desktop-portal")
                action("autostart")
                self.assertEqual(backend.stdout.readline().split(), [APP, str(asked), "flatpak", "run", "--command=edgeway-tray", APP])
                wait_for("the state", lambda: f"<{str(state).lower()}>" in action_state("autostart"))
                if asked != state:
                    wait_shown("The desktop doesn't let Edgeway start its tray icon at login.")
                backend.kill()
                backend.wait()


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=False)
