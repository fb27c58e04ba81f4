#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The products' libraries have no code for tests alone (tests/lib/symbols.py), and the check of it sees each way of using a symbol."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
BUILD = os.environ.get("EDGEWAY_BUILD", os.path.join(TOP, "build"))
sys.path.insert(0, os.path.join(TOP, "tests/lib"))
import symbols  # noqa: E402


class Products(unittest.TestCase):
    def test_no_code_for_tests(self):
        # A product that isn't built uses nothing.
        for program in ("app/desktop/edgeway", "app/tray/edgeway-tray", "daemon/service/edgewayd", "daemon/edge/edgeway-edge"):
            if not os.path.exists(os.path.join(BUILD, program)):
                self.skipTest(f"{program} isn't part of this build")
        self.assertEqual(symbols.check(BUILD, TOP), [])


class Check(unittest.TestCase):
    FILES = {
        "daemon/a/a.h": "int ew_used (void);\nint ew_own (void);\nint ew_lonely (void);\nint ew_told (void);\n",
        "daemon/a/a.c": '#include "a.h"\nint\new_used (void)\n{\n  return ew_own ();\n}\n\nint\new_own (void)\n{\n  return 1;\n}\n\n'
                        '/* ew_lonely () is named here, and in "ew_lonely" */\nint\new_lonely (void)\n{\n  return 2;\n}\n\nint\new_told (void)\n{\n  return 3;\n}\n',
        "app/b/b.c": "int ew_used (void);\nint main (void)\n{\n  return ew_used ();\n}\n",
    }

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.top, self.build = holder.name, os.path.join(holder.name, "build")
        for name, text in self.FILES.items():
            path, made = os.path.join(self.top, name), os.path.join(self.build, name.replace(".c", ".o"))
            for folder in (os.path.dirname(path), os.path.dirname(made)):
                os.makedirs(folder, exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            if name.endswith(".c"):
                subprocess.run(["gcc", "-O2", "-fPIC", "-c", path, "-o", made], check=True, timeout=60)

    def check(self, allowed):
        path = os.path.join(self.top, "symbols.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(allowed)
        return symbols.check(self.build, self.top, path)

    def test_planted(self):
        self.assertEqual([line.split(": ")[1] for line in self.check("")], ["no product uses ew_lonely", "no product uses ew_told"])
        self.assertEqual(self.check("# why\new_lonely: a reason\new_told: another\n"), [])

    def test_list_is_kept_true(self):
        self.assertEqual([line.split(": ", 1)[1] for line in self.check("ew_lonely: a reason\new_told:\new_used: a reason\new_gone: a reason\n")],
                         ["ew_told: give a reason", "ew_used: a product uses it, or it was removed: take it out", "ew_gone: a product uses it, or it was removed: take it out"])

    def test_nothing_built(self):
        shutil.rmtree(self.build)
        with self.assertRaises(FileNotFoundError):
            self.check("")


if __name__ == "__main__":
    unittest.main()
