#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/run says what ran: a skipped test has not passed, and a name that isn't a stage is refused before anything is built."""
import contextlib
import glob
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(TOP, "tests/lib"))
from counts import count_meson, count_test, count_unittest, skips_in  # noqa: E402
from runner import Files, report_files  # noqa: E402
from stages import choose, find_stages, names_of  # noqa: E402


def meson(result, stdout="", stderr="", name="edgeway:unit / x"):
    return {"name": name, "result": result, "stdout": stdout, "stderr": stderr}


# Tests of each kind; each is planted into a file of its own and run.
PLANTED = {
    "passes": ("def test(self): pass", (1, 0, 0)),
    "skips": ("def test(self): self.skipTest('why')", (0, 0, 1)),
    "is decorated": ("@unittest.skip('why')\n    def test(self): pass", (0, 0, 1)),
    "skips at the class": ("@classmethod\n    def setUpClass(cls): raise unittest.SkipTest('why')\n    def test(self): pass", (0, 0, 1)),
    "skips a part": ("def test(self):\n        for i in range(2):\n            with self.subTest(i=i):\n                if i: self.skipTest('why')", (0, 0, 1)),
    "fails as expected": ("@unittest.expectedFailure\n    def test(self): self.fail()", (0, 0, 1)),
    "passes against expectation": ("@unittest.expectedFailure\n    def test(self): pass", (0, 1, 0)),
    "fails": ("def test(self): self.fail()", (0, 1, 0)),
    "fails after a skipped part": ("def test(self):\n        with self.subTest(): self.skipTest('why')\n        self.fail()", (0, 1, 1)),
    "tests nothing": ("pass", (0, 1, 0)),
    "ends at once": ("def test(self): os._exit(0)", (0, 1, 0)),
}
PASSES = "\nclass Passes(unittest.TestCase):\n    def test_other(self): pass\n"


class Counting(unittest.TestCase):
    def test_planted(self):
        """Alone, and beside a test that passes: which is counted wherever the program lives to say so."""
        with tempfile.TemporaryDirectory() as folder:
            for name, (body, wanted) in PLANTED.items():
                for beside in ("", PASSES):
                    path = os.path.join(folder, "test_planted.py")
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(f"import os, unittest\nclass Planted(unittest.TestCase):\n    {body}\n{beside}\nunittest.main()\n")
                    ran = subprocess.run([sys.executable, path, "-v"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
                    other = {"tests nothing": (1, 0, 0), "ends at once": (0, 1, 0)}.get(name, (wanted[0] + 1, *wanted[1:]))
                    # One test that both skipped a part and failed is taken for two: never one passed too many.
                    other = (0, *wanted[1:]) if beside and name == "fails after a skipped part" else other
                    self.assertEqual(count_unittest(ran.stdout, ran.returncode), other if beside else wanted, f"{name}\n{ran.stdout}")
                    self.assertEqual(len(skips_in(ran.stdout)), wanted[2], ran.stdout)

    def test_one(self):
        ran = "\nRan 3 tests in 0.1s\n\n"
        for test, wanted in ((meson("OK"), (1, 0, 0)), (meson("SKIP"), (0, 0, 1)), (meson("FAIL"), (0, 1, 0)), (meson("TIMEOUT"), (0, 1, 0)),
                             (meson("EXPECTEDFAIL"), (0, 0, 1)), (meson("UNEXPECTEDPASS"), (0, 1, 0)),
                             (meson("OK", "ok 1 /a\nok 2 /b # SKIP no IPv6\n"), (1, 0, 1)), (meson("FAIL", "ok 1 /a\nnot ok 2 /b\n"), (1, 1, 0)),
                             (meson("OK", "ok 1 /a # skip\n    ok 1 /b # Skip of a part\n"), (0, 0, 2)), (meson("OK", "ok 1 /a # TODO\nnot ok 2 /b # TODO\n"), (0, 0, 2)),
                             (meson("OK", "ok 1 /a says: skip # of words\n"), (1, 0, 0)),
                             (meson("SKIP", "1..0 # SKIP no root\n"), (0, 0, 1)),
                             (meson("ERROR", "ok 1 /a\n"), (1, 1, 0)), (meson("OK", stderr=ran + "OK (skipped=1)\n"), (2, 0, 1)),
                             (meson("OK", stderr=ran + "OK (skipped=1, expected failures=1)\n"), (1, 0, 2)),
                             (meson("FAIL", stderr=ran + "FAILED (failures=1, errors=1)\n"), (1, 2, 0))):
            self.assertEqual(count_test(test), wanted, test)

    def test_all(self):
        with tempfile.TemporaryDirectory() as build:
            self.assertEqual(count_meson(build, 0, ["unit"]), {"unit": (0, 1, 0)}, "there is no log")
            os.mkdir(os.path.join(build, "meson-logs"))
            of_api = meson("SKIP", name="edgeway:api+threads / y")
            for tests, status, suites, wanted in (([meson("OK"), meson("OK"), meson("SKIP")], 0, ["unit"], {"unit": (2, 0, 1)}), ([], 0, ["unit"], {"unit": (0, 1, 0)}),
                                                  ([meson("OK")], 1, ["unit"], {"unit": (1, 1, 0)}),
                                                  ([meson("OK"), of_api], 0, ["unit", "api"], {"unit": (1, 0, 0), "api": (0, 0, 1)}),
                                                  ([meson("OK")], 0, ["unit", "api"], {"unit": (1, 0, 0), "api": (0, 1, 0)})):
                with open(os.path.join(build, "meson-logs/testlog.json"), "w") as file:
                    file.writelines(json.dumps(test) + "\n" for test in tests)
                self.assertEqual(count_meson(build, status, suites), wanted)

    def test_exit_77(self):
        """What meson itself makes of it."""
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "meson.build"), "w", encoding="utf-8") as file:
                file.write("project('x')\nsh = find_program('sh')\n"
                           "foreach name, script : {'good': 'exit 0', 'skips': 'exit 77', 'bad': 'exit 1'}\n  test(name, sh, args: ['-c', script], suite: 'unit')\nendforeach\n")
            subprocess.run(["meson", "setup", "build"], cwd=folder, stdout=subprocess.DEVNULL, timeout=60, check=True)
            status = subprocess.run(["meson", "test", "-C", "build"], cwd=folder, stdout=subprocess.DEVNULL, timeout=60, check=False).returncode
            self.assertEqual(count_meson(os.path.join(folder, "build"), status, ["unit"]), {"unit": (1, 1, 1)})


class OwnFiles(unittest.TestCase):
    def test_changes(self):
        """Replaced by the same text, written and restored, removed, created: each is a failure that names the file."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("same", "replaced", "back", "gone", "new")]
            for path in paths[:4]:
                with open(path, "w") as file:
                    file.write("hosts: files\n")
                os.utime(path, (1, 1))
            time.sleep(0.05)  # real time: file systems' clocks are coarse
            files = Files(paths)
            with open(paths[1] + ".spare", "w") as file:
                file.write("hosts: files\n")
            os.utime(paths[1] + ".spare", (1, 1))
            os.rename(paths[1] + ".spare", paths[1])
            for text in ("hosts: edgeway\n", "hosts: files\n"):
                with open(paths[2], "w") as file:
                    file.write(text)
            os.utime(paths[2], (1, 1))
            os.unlink(paths[3])
            with open(paths[4], "w"):
                pass
            with contextlib.redirect_stdout(io.StringIO()) as said:
                self.assertEqual(report_files(files), (1, 4, 0))
            for path in paths:
                self.assertEqual(f"{path} of this computer was changed" in said.getvalue(), path != paths[0], path)

    def test_unchanged(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(Files([folder + "/none"]).changed(), [])


class Names(unittest.TestCase):
    def setUp(self):
        self.items = find_stages(TOP)

    def chosen(self, *names):
        return {item.name for item in choose(self.items, names)}

    def test_refused_before_the_build(self):
        listed = subprocess.run([f"{TOP}/tests/run", "--list"], capture_output=True, text=True, check=True, timeout=60).stdout.split()
        self.assertEqual(names_of(self.items), listed)
        self.assertEqual(set(subprocess.run([f"{TOP}/tests/run", "--help"], capture_output=True, text=True, check=True, timeout=60).stdout.split("Stages:")[1].split()), set(listed))
        for name in ("calls", "nonsense", "../netns/vpn", "unit vpn", "unit\nvpn", "un.t", ""):
            run = subprocess.run([f"{TOP}/tests/run", name], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
            self.assertEqual(run.returncode, 2, name)
            self.assertEqual(run.stdout.split(": ")[1].split() if ": " in run.stdout else run.stdout, listed)

    def test_folders(self):
        """Each folder of tests is a stage, and each of its tests runs exactly once where its folder or everything is named."""
        folders = {os.path.relpath(path, os.path.join(TOP, "tests")).split("/")[0] for pattern in ("*/test_*.py", "**/test-*.c", "*/fuzz-*.c")
                   for path in glob.glob(os.path.join(TOP, "tests", pattern), recursive=True)}
        folders.discard("clean")  # by hand: they take from minutes to hours
        self.assertLessEqual(folders, set(names_of(self.items)))
        self.assertEqual(self.chosen("netns"), {os.path.basename(path)[5:-3] for path in glob.glob(f"{TOP}/tests/netns/test_*.py")})
        self.assertEqual(self.chosen("sim", "fuzz"), {"sim", "fuzz"})
        self.assertEqual(self.chosen("api", "api-life"), {"api"})
        self.assertEqual(self.chosen("api-life", "vpn", "words"), {"api-life", "vpn", "words"})
        self.assertEqual(self.chosen(), {item.name for item in self.items if not item.alone})
        self.assertEqual(self.chosen(*folders, "style", "threads", "demo", "files"), self.chosen())
        names = [item.name for item in self.items]
        self.assertEqual(sorted(names), sorted(set(names)), "two stages have one name")
        self.assertFalse({item.name for item in self.items if item.name != item.folder} & folders, "a file is named like a folder")


if __name__ == "__main__":
    unittest.main()
