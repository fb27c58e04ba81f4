# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs on one computer: the end of one leaves the other's folders alone, and the last one leaves nothing behind."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
from machines import Machine, World  # noqa: E402


class Worlds(unittest.TestCase):
    def test_two_at_once(self):
        place, usual = f"/run/edgeway-place-{os.getpid()}", Machine.PRIVATE
        self.addCleanup(setattr, Machine, "PRIVATE", usual)
        Machine.PRIVATE = (place,)
        first, second = World("test"), World("test")
        self.addCleanup(second.close)
        first.machine("a")
        machine = second.machine("b")
        first.close()
        machine.run("touch", f"{place}/private")
        self.assertEqual(os.listdir(place) if os.path.isdir(place) else [], [], "written to the host's folder")
        self.assertEqual(machine.run("stat", "-f", "-c", "%T", place).stdout.strip(), "tmpfs")
        self.assertEqual(machine.run("stat", "-c", "%d", place).stdout == machine.run("stat", "-c", "%d", "/run").stdout, False, "its own mount is gone")


if __name__ == "__main__":
    unittest.main()
