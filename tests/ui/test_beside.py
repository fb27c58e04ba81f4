#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A demo beside the app that is open on this computer's own mesh: a window of its own, and at the demo's end no advice about this computer."""
import os
import signal

from fake_session import SLOW, FakeCase, main


class Beside(FakeCase):
    BUS = "unix:path=/run/edgeway-demo-that-ended"

    def test_ended_demo(self):
        self.open()
        first = self.windows()
        demo = self.desktop.start([self.program, "--bus", self.BUS], "edgeway-demo")
        self.desktop.find("label", "The Demo Has Ended", seconds=SLOW)
        self.assertIsNone(demo.poll(), "it handed itself to the other window")
        self.assertEqual(sorted(self.windows()), sorted([*first, "Edgeway Demo"]))
        self.assertEqual(0, self.desktop.start([self.program, "--bus", self.BUS], "edgeway-demo-again").wait(SLOW), "handed to the demo's window")
        for advice in ("systemctl", "service dbus"):
            self.assertEqual([], self.desktop.find_all("label", advice))
        self.alive()
        # The first one hangs: the second says so within seconds.
        os.kill(self.app.pid, signal.SIGSTOP)
        try:
            second = self.desktop.start([self.program, "--bus", self.bus], "edgeway-second")
            self.assertEqual(1, second.wait(20))
        finally:
            os.kill(self.app.pid, signal.SIGCONT)
        with open(second.log_path) as log:
            self.assertEqual("edgeway: Edgeway's window is open already and doesn't answer. End it, then start Edgeway again.\n", log.read())


if __name__ == "__main__":
    main()
