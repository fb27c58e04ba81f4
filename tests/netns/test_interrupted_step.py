# SPDX-License-Identifier: GPL-3.0-or-later
"""A step of app/run or tests/run: Ctrl-C ends it at once and its log does not stay in /tmp; on a terminal its line is whole in the end."""
import os
import shlex
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SCRIPT = '. "$1/app/launch/common.sh"; main() { step "a build" sh -c "echo begun; exec sleep 60" || fail "not built"; echo went on; }; main'


def as_from_a_terminal():
    """A shell cannot trap a signal that was ignored when it started, as SIGINT is where the tests run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class InterruptedStep(unittest.TestCase):
    def interrupt(self, number):
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(["bash", "-c", SCRIPT, "bash", SOURCE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       env=dict(os.environ, TMPDIR=folder), start_new_session=True, preexec_fn=as_from_a_terminal)
            end = time.monotonic() + 10
            while not any(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)) and time.monotonic() < end:
                time.sleep(0.05)
            os.killpg(process.pid, number)  # as a terminal does
            output, _ = process.communicate(timeout=10)
            self.assertNotEqual(process.returncode, 0)
            self.assertNotIn("went on", output)
            self.assertEqual(os.listdir(folder), [])

    def test_in_a_script_that_ends_at_errors(self):
        script = 'set -eu; . "$1/app/launch/common.sh"; step one true; step two false || echo failed; echo went on'
        result = subprocess.run(["bash", "-c", script, "bash", SOURCE], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((result.returncode, result.stdout.splitlines()[-2:]), (0, ["failed", "went on"]), result)

    def test_ctrl_c(self):
        self.interrupt(signal.SIGINT)

    def test_terminal_closed(self):
        self.interrupt(signal.SIGHUP)


class StepOnTerminal(unittest.TestCase):
    def test_progress_is_painted_over(self):
        script = '. "$1/app/launch/common.sh"; step compile sh -c "echo \'[120/386] x\'; sleep 2.5"'
        said = subprocess.run(["script", "-qec", f"bash -c {shlex.quote(script)} bash {shlex.quote(SOURCE)}", "/dev/null"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30).stdout.decode()
        self.assertIn("120 of 386", said)
        line = ""
        for part in said.rstrip("\r\n").split("\r"):
            line = part + line[len(part):]
        self.assertRegex(line, r"^  compile … +\d s *$")


if __name__ == "__main__":
    unittest.main()
