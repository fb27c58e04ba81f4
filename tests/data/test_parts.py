#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app and the tray alone are configured without what only the service and the edge are made with."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NOT_THERE = "libmnl|libnftables|ldns|sqlite3|libsoup-3.0|polkit-agent-1"
PKG_CONFIG = f"""#!/bin/sh
for word; do case $word in {NOT_THERE}) exit 1 ;; esac; done
exec pkg-config "$@"
"""


class Parts(unittest.TestCase):
    def configure(self, *options):
        folder = tempfile.mkdtemp(prefix="edgeway-parts-")
        self.addCleanup(shutil.rmtree, folder)
        os.mkdir(f"{folder}/bin")
        with open(f"{folder}/bin/without", "w", encoding="utf-8") as file:
            file.write(PKG_CONFIG)
        os.chmod(f"{folder}/bin/without", 0o755)
        done = subprocess.run(["meson", "setup", f"{folder}/build", TOP, "--prefix=/usr", "-Dapp=enabled", "-Dtray=enabled", *options],
                              env={**os.environ, "PKG_CONFIG": f"{folder}/bin/without"}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done, f"{folder}/build"

    def test_app_and_tray_alone(self):
        done, build = self.configure("-Ddaemon=false", "-Dedge=false")
        self.assertEqual(done.returncode, 0, done.stdout)
        installed = json.loads(subprocess.run(["meson", "introspect", "--installed", build], check=True, stdout=subprocess.PIPE).stdout)
        paths = sorted(installed.values())
        for path in ("/usr/bin/edgeway", "/usr/bin/edgeway-tray", "/usr/share/applications/org.edgeway.Edgeway.desktop"):
            self.assertIn(path, paths)
        others = [path for path in paths if any(word in path for word in ("edgewayd", "edgewayctl", "edgeway-edge", "polkit", "system.d", "nss_"))]
        self.assertEqual(others, [])

    def test_nothing_is_left_out_silently(self):
        done, _ = self.configure()
        self.assertNotEqual(done.returncode, 0, "a build without the service's libraries was configured")
        self.assertIn("libsoup-3.0", done.stdout)


if __name__ == "__main__":
    unittest.main()
