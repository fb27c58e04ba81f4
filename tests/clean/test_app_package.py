#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package of the app and the tray, with all that it depends on, on a machine of a release. Called by tests/clean/packages."""
import glob
import os
import re
import subprocess
import unittest

import booted

SOURCE, DEBS = os.environ["EDGEWAY_SOURCE"], os.environ["EDGEWAY_DEBS"]


def depends(name):
    text = subprocess.run(["dpkg-deb", "-f", glob.glob(f"{DEBS}/{name}_*.deb")[0], "Depends"], capture_output=True, text=True, check=True).stdout
    return {re.split(r"[ (|]", one.strip())[0] for one in text.split(",")} - {"edgewayd"}


class AppPackage(unittest.TestCase):
    def test_installed_and_purged(self):
        root = booted.prepare_root(SOURCE, "the app's package", sorted(depends("edgeway") | depends("edgewayd")))
        machine = booted.Booted(SOURCE, root, "desktop", DEBS, init="none")
        self.addCleanup(machine.close)
        files = "find /usr /etc -xdev ! -path '/etc/*-' ! -name ld.so.cache ! -name '*.cache' ! -name gschemas.compiled | sort"
        before = machine.text(files)
        said = machine.text("dpkg -i /packages/edgewayd_*.deb /packages/edgeway_*.deb")
        self.assertNotRegex(said, "(?i)error|warning|fail")
        for program in ("edgeway", "edgeway-tray", "edgewayctl", "edgewayd"):
            self.assertRegex(machine.run(program, "--version").stdout, rf"^{program} \d")
        # GLib's trigger has taken the settings in.
        self.assertIn("org.edgeway.Edgeway", machine.text("grep -ao 'org.edgeway.[A-Za-z]*' /usr/share/glib-2.0/schemas/gschemas.compiled"))
        self.assertNotIn("not found", machine.text("ldd /usr/bin/edgeway /usr/bin/edgeway-tray"))
        machine.run("dpkg", "--purge", "edgeway", "edgewayd")
        self.assertEqual(machine.text(files), before)


if __name__ == "__main__":
    unittest.main()
