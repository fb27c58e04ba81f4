#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The map as a widget, on an X server without a screen: tests/ui/map-view.c."""
import os
import subprocess
import tempfile
import unittest

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")


class MapView(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="edgeway-map-")
        self.addCleanup(folder.cleanup)
        reader, writer = os.pipe()
        server = subprocess.Popen(["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
                                  pass_fds=(writer,), stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            number = pipe.readline().strip()
        self.assertTrue(number, "Xvfb did not start")
        self.environment = {**os.environ, "DISPLAY": ":" + number, "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo", "GTK_A11Y": "test",
                            "G_DEBUG": "fatal-warnings", "GSETTINGS_BACKEND": "memory", "ADW_DISABLE_PORTAL": "1", "LC_ALL": "C.UTF-8",
                            "XDG_CONFIG_HOME": folder.name, "XDG_CACHE_HOME": folder.name, "XDG_RUNTIME_DIR": folder.name,
                            "DBUS_SESSION_BUS_ADDRESS": "unix:path=" + os.path.join(folder.name, "none")}
        self.environment.pop("WAYLAND_DISPLAY", None)

    def test_all(self):
        run = subprocess.run([os.path.join(BUILD, "tests", "ui", "map-view")], env=self.environment, timeout=180,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(run.returncode, 0, run.stdout)


if __name__ == "__main__":
    unittest.main()
