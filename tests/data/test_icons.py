# SPDX-License-Identifier: GPL-3.0-or-later
"""Every icon that the app names is its own, or is in GTK itself: GTK 4 looks in the desktop's theme and in hicolor alone, and not each desktop's
theme has the symbolic icons of GNOME's."""
import glob
import os
import re
import subprocess
import unittest

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
NAME = re.compile(r"[\">]([a-z][a-z0-9-]+-symbolic)\b")


def named():
    """File by icon name."""
    names = {}
    for folder in ("app", "ui"):
        for path in sorted(glob.glob(f"{SOURCE}/{folder}/**/*", recursive=True)):
            if path.endswith((".c", ".h", ".ui")) and "/app/tray/" not in path:
                with open(path) as file:
                    names |= {name: os.path.relpath(path, SOURCE) for name in NAME.findall(file.read())}
    return names


class Icons(unittest.TestCase):
    def test_none_is_of_a_theme(self):
        library = next(iter(glob.glob("/usr/lib/*/libgtk-4.so.1") + glob.glob("/usr/lib64/libgtk-4.so.1")), None)
        if library is None:
            self.skipTest("no GTK 4")
        inside = subprocess.run(["gresource", "list", library], capture_output=True, text=True, check=True).stdout
        there = {os.path.basename(path).split(".")[0] for path in inside.splitlines() if "/icons/" in path}
        self.assertIn("window-close-symbolic", there)
        there |= {os.path.basename(path).split(".")[0] for path in glob.glob(f"{SOURCE}/ui/icons/**/*.svg", recursive=True)}
        names = named()
        self.assertGreater(len(names), 20)
        self.assertEqual({}, {name: path for name, path in names.items() if name not in there})

    def test_all_are_built_in(self):
        with open(f"{SOURCE}/ui/edgeway.gresource.xml") as file:
            listed = set(re.findall(r"<file[^>]*>(icons/[^<]+)</file>", file.read()))
        self.assertEqual(listed, {os.path.relpath(path, f"{SOURCE}/ui") for path in glob.glob(f"{SOURCE}/ui/icons/**/*.svg", recursive=True)})


if __name__ == "__main__":
    unittest.main()
