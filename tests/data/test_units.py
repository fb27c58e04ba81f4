# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd units: a start that fails is tried for as long as it takes, none waits for a network that may never be "online", and
each may do what it needs and no more."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
# Of 10; what `systemd-analyze security` of systemd 252 says.
EXPOSURE = {"edgewayd.service": 3.0, "edgeway-lockdown.service": 2.0, "edgeway-edge.service": 1.9}
UNITS = tuple(EXPOSURE)
DAEMONS = ("edgewayd.service", "edgeway-edge.service")


def read(name):
    with open(os.path.join(SOURCE, "data/systemd", name + ".in")) as file:
        return file.read()


class Units(unittest.TestCase):
    def sections(self, name):
        found, section = {}, None
        for line in read(name).splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif line and not line.startswith("#"):
                key, value = line.split("=", 1)
                found.setdefault((section, key), []).append(value)
        return found

    def test_lockdown(self):
        """Its rules come before any network, after those that would remove them, and are never removed by a stop."""
        unit = self.sections("edgeway-lockdown.service")
        self.assertEqual(unit["Unit", "DefaultDependencies"], ["no"])
        self.assertIn("network-pre.target", unit["Unit", "Before"][0].split())
        self.assertIn("nftables.service", unit["Unit", "After"][0].split())
        self.assertNotIn(("Service", "ExecStop"), unit)
        self.assertEqual(self.sections("edgewayd.service")["Install", "Also"], ["edgeway-lockdown.service"])

    def test_patience(self):
        for name in DAEMONS:
            with self.subTest(name):
                unit = self.sections(name)
                self.assertEqual(unit["Unit", "StartLimitIntervalSec"], ["0"])  # in [Unit]: elsewhere it does nothing
                self.assertIn(unit["Service", "Restart"], (["on-failure"], ["always"]))
                self.assertGreaterEqual(int(unit["Service", "RestartSec"][0]), 1)
                self.assertNotIn("network-online", read(name))

    def test_names(self):
        """Every program looks names up in edgewayd's folder in /run, and its keeper replaces /etc/nsswitch.conf."""
        unit = self.sections("edgewayd.service")
        self.assertIn("edgeway", unit["Service", "RuntimeDirectory"][0].split())
        self.assertEqual(unit.get(("Service", "RuntimeDirectoryMode"), ["0755"]), ["0755"])
        self.assertIn("/etc", unit["Service", "ReadWritePaths"][0].split())  # a file alone would be a mount, which can't be replaced

    def written(self, folder):
        """The units as installed, with programs that are there."""
        for name in UNITS:
            text = read(name).replace("@bindir@/edgeway-edge", "/bin/true").replace("@sbindir@/edgewayd", "/bin/true").replace("@sysconfdir@", "/etc")
            self.assertNotRegex(text, r"@\w+@")
            path = os.path.join(folder, name)
            with open(path, "w") as file:
                file.write(text)
            yield name, path

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_understood(self):
        """systemd knows each key where it stands."""
        with tempfile.TemporaryDirectory() as folder:
            for name, path in self.written(folder):
                result = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
                complaints = [line for line in result.stderr.splitlines() if re.search(rf"{name}:\d+:", line)]
                self.assertEqual(complaints, [], result.stderr)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_restricted(self):
        """No more exposed than it was when each grant was weighed, and each that systemd finds fault with is explained."""
        with tempfile.TemporaryDirectory() as folder:
            for name, path in self.written(folder):
                command = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
                text = subprocess.run([*command, path], capture_output=True, text=True, timeout=60).stdout
                found = re.search(rf"exposure level for {name}: ([\d.]+)", text)
                self.assertIsNotNone(found, text)
                self.assertLessEqual(float(found.group(1)), EXPOSURE[name], text)
                faults = json.loads(subprocess.run([*command, "--json=short", path], capture_output=True, text=True, timeout=60).stdout)
                for fault in faults:
                    if fault["exposure"] is not None and float(fault["exposure"]) > 0:
                        directive = fault["name"].split("=")[0]
                        self.assertIn(directive + "=", read(name), f"{fault['name']}: {fault['description']}: why not?")


if __name__ == "__main__":
    unittest.main()
