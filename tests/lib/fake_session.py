# SPDX-License-Identifier: GPL-3.0-or-later
"""The app on its own virtual screen with tests/lib/fake_daemon.py, both in the session of an unprivileged person.

    class Wizard(FakeCase):          nodes and properties by self.daemon, what is on the screen by self.desktop
        def test_it(self):
            self.act("join")
    if __name__ == "__main__":
        fake_session.main()          a mount namespace of its own, where the person has a name
"""
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
import desktop as desktops  # noqa: E402
from machines import Failure, wait_for  # noqa: E402

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
PYTHON = "/usr/bin/python3"
PERSON, NAME = 61380, "ewfake"
SLOW = 60  # seconds: what two loaded cores may take
ID = "org.edgeway.Edgeway"
PATH = "/org/edgeway/Edgeway"


class Talker:
    """A process of the session that answers a JSON line with a JSON line."""

    def __init__(self, desktop, argv, log, environment=None):
        self.rest = b""
        self.process = desktop._popen(argv, log, {"G_DEBUG": "", **(environment or {})}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.line(SLOW)

    def line(self, seconds=desktops.PATIENCE):
        """The next answer or event; None where none comes in that time."""
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            if not ready:
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise Failure(f"{self.process.args} ended")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def say(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)


class Daemon(Talker):
    """tests/lib/fake_daemon.py on the session's own bus."""

    def __init__(self, desktop, *options):
        for name in ("tests/lib/fake_daemon.py", "tests/lib/fake_mesh.py", "data/dbus/org.edgeway.Daemon1.xml"):
            copy = desktop.path("source/" + name)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copyfile(os.path.join(SOURCE, name), copy)
        super().__init__(desktop, [PYTHON, "-B", desktop.path("source/tests/lib/fake_daemon.py"), "--address", desktop.environment["DBUS_SESSION_BUS_ADDRESS"],
                                   "--follow-stdin", *options], "fake-daemon", {"EDGEWAY_SOURCE": desktop.path("source")})

    def set(self, **properties):
        self.say(set=properties)

    def called(self, method, seconds=desktops.PATIENCE):
        """The arguments of the next call of that method, waited for; other calls before it are passed over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            event = self.line(end - time.monotonic())
            if event and event.get("event") == "call" and event["method"] == method:
                return event["args"]
        raise AssertionError(f"{method} was not called within {seconds} s")

    def called_nothing(self, seconds=0.7):
        event = self.line(seconds)
        if event:
            raise AssertionError(f"the daemon was asked: {event}")

    def calls(self, seconds=0.3):
        """Every call so far that no test has fetched yet: (method, args)."""
        calls = []
        while event := self.line(seconds):
            if event.get("event") == "call":
                calls.append((event["method"], event["args"]))
        return calls


def make_browser(desktop):
    """What opens web pages in that session: a function that gives the pages opened so far."""
    folder, opened = desktop.path("home/.local/share/applications"), desktop.path("run/pages")
    os.makedirs(folder, exist_ok=True)
    script = desktop.path("browser")
    with open(script, "w") as file:
        file.write(f'#!/bin/sh\necho "$1" >>{opened}\n')
    os.chmod(script, 0o755)
    with open(os.path.join(folder, "browser.desktop"), "w") as file:
        file.write(f"[Desktop Entry]\nType=Application\nName=Browser\nExec={script} %u\nMimeType=x-scheme-handler/http;x-scheme-handler/https;\n")
    with open(desktop.path("home/.config/mimeapps.list"), "w") as file:
        file.write("[Default Applications]\nx-scheme-handler/http=browser.desktop\nx-scheme-handler/https=browser.desktop\n")

    def pages():
        if not os.path.exists(opened):
            return []
        with open(opened) as file:
            return file.read().split()
    return pages


class FakeCase(unittest.TestCase):
    """The app of each test is a new one."""
    KIND, SIZE, ANIMATIONS = "x11", (1240, 860), False
    ENVIRONMENT = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ewfake.")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        schemas = os.path.join(self.folder, "schemas")
        os.makedirs(schemas)
        shutil.copy(os.path.join(BUILD, "data/schemas/gschemas.compiled"), schemas)
        self.desktop = desktops.Desktop(os.path.join(self.folder, "session"), uid=PERSON, kind=self.KIND, size=self.SIZE, animations=self.ANIMATIONS,
                                        environment={"GSETTINGS_SCHEMA_DIR": schemas, **self.ENVIRONMENT})
        self.addCleanup(self.end)
        self.bus = self.desktop.environment["DBUS_SESSION_BUS_ADDRESS"]
        self.program = self.desktop.bring(os.path.join(BUILD, "app/desktop/edgeway"))
        self.app = self.daemon = None

    def end(self):
        self.desktop.close()
        self.assertEqual([], self.desktop.complaints())

    def open(self, *options, argv=(), daemon=True):
        """options: the daemon's. The window is there afterwards, in its full size."""
        if daemon:
            self.daemon = Daemon(self.desktop, *options)
        self.app = self.desktop.start([self.program, "--bus", self.bus, *argv], "edgeway")
        self.desktop.find("frame", seconds=SLOW)
        if self.KIND == "x11":
            self.desktop.resize(*self.SIZE)

    def open_link(self, *argv):
        """What a desktop does with a link while the app runs: the program is started once more, and hands it on."""
        second = self.desktop.start([self.program, "--bus", self.bus, *argv], "edgeway-second")
        self.assertEqual(0, second.wait(SLOW))

    def act(self, name, *parameters, window=False):
        """An action by D-Bus."""
        self.desktop.run("gdbus", "call", "--session", "--dest", ID, "--object-path", PATH + ("/window/1" if window else ""),
                         "--method", "org.gtk.Actions.Activate", name, "[" + ",".join(f"<'{text}'>" for text in parameters) + "]", "{}")

    def dialog(self, words):
        return self.desktop.dialog(words, SLOW)

    def alive(self):
        self.assertIsNone(self.app.poll(), "the app ended: " + "; ".join(self.desktop.complaints()))

    def windows(self):
        """The titles of the windows there are."""
        return [node["name"] for node in self.desktop.find_all([*desktops.WINDOWS, "window"])]


def main(argv=None):
    """Runs the tests of the file that was started, in a mount namespace of its own; argv: unittest's, where it is not the file's."""
    if os.geteuid() != 0:
        sys.exit("needs root: a mount namespace and a user of its own")
    if os.environ.get("EDGEWAY_FAKE_SESSION") != "1":
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv], dict(os.environ, EDGEWAY_FAKE_SESSION="1"))
    folder = tempfile.mkdtemp(prefix="ewfake-person.")
    try:
        desktops.add_person(folder, NAME, PERSON)
        unittest.main(argv=argv, verbosity=2)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["Daemon", "Failure", "FakeCase", "Talker", "main", "wait_for"]
