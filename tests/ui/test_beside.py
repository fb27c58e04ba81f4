#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A demo beside the app that is open on this computer's own mesh: a window of its own, and at the demo's end no advice about this computer."""
from fake_session import SLOW, FakeCase, main


class Beside(FakeCase):
    DEMO = "--gapplication-app-id=org.edgeway.Edgeway.Demo"

    def test_ended_demo(self):
        self.open()
        first = self.windows()
        demo = self.desktop.start([self.program, self.DEMO, "--bus", "unix:path=/run/edgeway-demo-that-ended"], "edgeway-demo")
        self.desktop.find("label", "The Demo Has Ended", seconds=SLOW)
        self.assertIsNone(demo.poll(), "it handed itself to the other window")
        self.assertEqual(len(self.windows()), len(first) + 1)
        for advice in ("systemctl", "service dbus"):
            self.assertEqual([], self.desktop.find_all("label", advice))
        self.alive()


if __name__ == "__main__":
    main()
