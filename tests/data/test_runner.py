#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/run says what ran: a skipped test has not passed, and a name that is no stage is refused before anything is built."""
import contextlib
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
from runner import Files, Stages, report_files  # noqa: E402


def meson(result, stdout="", stderr=""):
    return {"name": "x", "result": result, "stdout": stdout, "stderr": stderr}


class Counting(unittest.TestCase):
    def test_one(self):
        ran = "\nRan 3 tests in 0.1s\n\n"
        for test, wanted in ((meson("OK"), (1, 0, 0)), (meson("SKIP"), (0, 0, 1)), (meson("FAIL"), (0, 1, 0)), (meson("TIMEOUT"), (0, 1, 0)),
                             (meson("OK", "ok 1 /a\nok 2 /b # SKIP no IPv6\n"), (1, 0, 1)), (meson("FAIL", "ok 1 /a\nnot ok 2 /b\n"), (1, 1, 0)),
                             (meson("ERROR", "ok 1 /a\n"), (1, 1, 0)), (meson("OK", stderr=ran + "OK (skipped=1)\n"), (2, 0, 1)),
                             (meson("FAIL", stderr=ran + "FAILED (failures=1, errors=1)\n"), (1, 2, 0))):
            self.assertEqual(Stages.count(test), wanted, test)

    def test_all(self):
        with tempfile.TemporaryDirectory() as build:
            self.assertEqual(Stages.count_meson(build, 0), (0, 1, 0), "there is no log")
            os.mkdir(os.path.join(build, "meson-logs"))
            for tests, status, wanted in (([meson("OK"), meson("OK"), meson("SKIP")], 0, (2, 0, 1)), ([], 0, (0, 1, 0)), ([meson("OK")], 1, (1, 1, 0))):
                with open(os.path.join(build, "meson-logs/testlog.json"), "w") as file:
                    file.writelines(json.dumps(test) + "\n" for test in tests)
                self.assertEqual(Stages.count_meson(build, status), wanted)


class OwnFiles(unittest.TestCase):
    def test_changes(self):
        """Replaced by the same text, written and put back, removed, made: each is a failure that names the file."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("same", "replaced", "back", "gone", "new")]
            for path in paths[:4]:
                with open(path, "w") as file:
                    file.write("hosts: files\n")
                os.utime(path, (1, 1))
            time.sleep(0.05)  # file systems' clocks are coarse
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

    def test_untouched(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(Files([folder + "/none"]).changed(), [])


class Names(unittest.TestCase):
    def test_refused_before_the_build(self):
        listed = subprocess.run([sys.executable, f"{TOP}/tests/lib/runner.py", "--top", TOP, "--list"], capture_output=True, text=True, check=True, timeout=60).stdout.split()
        self.assertIn("unit", listed)
        for name in ("calls", "translations", "nonsense", "../netns/vpn", "unit vpn", ""):  # the first two are tests, and no stages
            run = subprocess.run([f"{TOP}/tests/run", name], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
            self.assertEqual(run.returncode, 2, name)
            self.assertEqual(run.stdout.split(": ")[1].split() if ": " in run.stdout else run.stdout, listed)


if __name__ == "__main__":
    unittest.main()
