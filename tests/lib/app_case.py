# SPDX-License-Identifier: GPL-3.0-or-later
"""The app on its own virtual screen, with the real daemon of a small mesh, operated as a screen reader does.

    class App(AppCase):               laptop with a system bus, polkitd and a person at its screen; nas is in the mesh already
        def test_it(self):
            self.desktop.press("check box", exactly="Connect")
"""
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
import demo_mesh  # noqa: E402
from desktop import Desktop, add_person  # noqa: E402
from machines import Failure, wait_for  # noqa: E402,F401
from system_bus import SystemBus  # noqa: E402

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
PERSON, UID = "person", 61300
SIZE = (1240, 860)
SLOW = 60  # seconds: what the network and two loaded cores may take


class Screen(Desktop):
    """A Desktop with the app on it."""

    def __init__(self, folder, uid, build=BUILD, **options):
        options = {"size": SIZE, "animations": False, **options}
        super().__init__(folder, uid, **options)
        self.app = None
        try:
            self.program = self.bring(os.path.join(build, "app/desktop/edgeway"))
            schemas = self.path("schemas")
            os.makedirs(schemas, exist_ok=True)
            shutil.copy(os.path.join(build, "data/schemas/gschemas.compiled"), schemas)
            self.environment["GSETTINGS_SCHEMA_DIR"] = schemas
        except BaseException:
            self.close()
            raise

    def open(self, bus, *argv):
        """Starts the app and waits until its window is there."""
        self.app = self.start([self.program, "--bus", bus, *argv], log="edgeway")
        self.find("frame", seconds=SLOW)
        if self.kind == "x11":
            self.resize(*self.size)
        return self.app

    def running(self):
        return self.app is not None and self.app.poll() is None

    def shut(self):
        if self.running():
            self.app.terminate()
            self.app.wait(20)

    def window_gone(self, title, seconds=20):
        self.gone("frame", title, seconds)

    def look(self, node):
        return self.ask("look", ref=node["ref"])["node"]


class AppCase(unittest.TestCase):
    KIND = "x11"
    SITES = ("laptop", "nas")
    ENROLLED = True  # laptop, before the app is opened
    complained = 0  # problems that earlier tests have already failed for

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise RuntimeError("needs root: machines made of namespaces, and a user of its own")
        cls.mesh = mesh = demo_mesh.DemoMesh(BUILD, lambda text: None, cls.SITES, "app", person=PERSON)
        cls.addClassCleanup(mesh.close)
        mesh.build_ground()
        laptop = mesh.machine("laptop")
        add_person(laptop.log_dir, PERSON, UID, laptop.command)
        cls.key = mesh.start_edge()
        mesh.bus = SystemBus(laptop, PERSON, demo_mesh.DATA)
        mesh.start_daemon("laptop")
        if cls.ENROLLED:
            cls.enroll("laptop", cls.key)
            cls.join_others()
        cls.desktop = Screen(os.path.join(mesh.bus.folder, "desktop"), UID, kind=cls.KIND, wrap=laptop.command)
        cls.addClassCleanup(cls.desktop.close)
        cls.desktop.open(mesh.bus.address)

    @classmethod
    def enroll(cls, name, key):
        cls.mesh.ctl(name, "enroll", "--name", name, "--key-file", "-", input=key + "\n")
        wait_for(f"{name} connected", lambda: cls.status(name)["state"] == "connected", SLOW)

    @classmethod
    def join_others(cls):
        for name in cls.SITES[1:]:
            cls.mesh.join(name, cls.mesh.new_key(name))

    @classmethod
    def status(cls, name="laptop"):
        return cls.mesh.ctl_json(name, "status")

    @classmethod
    def nodes(cls):
        return {node["name"]: node for node in cls.mesh.ctl_json("laptop", "node", "list")["nodes"]}

    def wait_status(self, machine="laptop", seconds=SLOW, **values):
        """The daemon there reports this, with the names of `edgewayctl status --json`."""
        now = {}

        def reached():
            now.update(self.status(machine))
            return all(now[key] == value for key, value in values.items())
        try:
            wait_for(f"{machine} is {values}", reached, seconds, 0.2)
        except Failure as failure:
            raise Failure(f"{failure}; it is {now}") from None

    def setUp(self):
        if not self.desktop.running():
            self.desktop.open(self.mesh.bus.address)

    def tearDown(self):
        said = self.desktop.complaints()[self.complained:]
        type(self).complained += len(said)
        if said or self._failed():
            folder = os.environ.get("EDGEWAY_PICTURES")
            if folder and self.KIND == "x11":
                os.makedirs(folder, exist_ok=True)
                self.desktop.picture(os.path.join(folder, self.id() + ".png"))
        self.assertEqual([], said)

    def _failed(self):
        result = self._outcome.result
        return any(test is self for test, _ in result.failures + result.errors)
