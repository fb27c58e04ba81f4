# SPDX-License-Identifier: GPL-3.0-or-later
"""Screens of the app with a fake daemon as one of several people sees them, and the faults in them that a program can find.

    class Narrow(PicturedCase):
        VIEW = VIEWS["narrow"]
        def test_it(self):
            self.start()
            self.shoot("map")          its faults fail the test at the end
"""
import os
import shutil
import signal
import time
from collections import namedtuple

import fake_session
import screen_check
from fake_session import BUILD, SLOW, SOURCE, FakeCase, wait_for

View = namedtuple("View", "size text scheme german motion")
VIEWS = {
    "wide": View((1200, 860), 1, "light", False, True),
    "narrow": View((360, 740), 1, "dark", False, False),
    "huge": View((2560, 1400), 1, "contrast", False, False),
    "german": View((800, 800), 1.5, "light", True, True),
    "worst": View((360, 740), 2, "dark-contrast", True, False),
    "large": View((1200, 860), 2, "dark", False, False),
    "middle": View((800, 800), 1, "dark-contrast", True, False),
    "laptop": View((1366, 768), 1.5, "light", True, False),
}
SCHEMES = {
    "light": {"ADW_DEBUG_COLOR_SCHEME": "prefer-light"},
    "dark": {"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"},
    "contrast": {"ADW_DEBUG_COLOR_SCHEME": "prefer-light", "ADW_DEBUG_HIGH_CONTRAST": "1"},
    "dark-contrast": {"ADW_DEBUG_COLOR_SCHEME": "prefer-dark", "ADW_DEBUG_HIGH_CONTRAST": "1"},
}


class PicturedCase(FakeCase):
    VIEW, NAME = VIEWS["wide"], "wide"
    FOLDER = None  # where pictures are kept

    def setUp(self):
        self.SIZE, self.ANIMATIONS, self.faults = self.VIEW.size, self.VIEW.motion, []
        super().setUp()
        self.report = self.desktop.path("run/report")
        library = self.desktop.bring(os.path.join(BUILD, "tests/ui/screen-report.so"))
        self.desktop.environment |= {"EDGEWAY_SCREEN_REPORT": self.report}
        self.preload = {"LD_PRELOAD": library}
        icons = self.desktop.path("share/icons/hicolor")
        shutil.copytree(os.path.join(SOURCE, "data/icons"), icons)
        shutil.copy("/usr/share/icons/hicolor/index.theme", icons)
        self.desktop.environment["XDG_DATA_DIRS"] = self.desktop.path("share") + ":/usr/local/share:/usr/share"
        if self.VIEW.text != 1:
            # As xrdb would.
            self.desktop.run("xprop", "-root", "-format", "RESOURCE_MANAGER", "8s", "-set", "RESOURCE_MANAGER", f"Xft.dpi:\t{round(96 * self.VIEW.text)}\n")

    def end(self):
        self.desktop.close()
        for complaint in self.desktop.complaints():
            self.note(complaint)
        self.assertEqual([], self.faults)

    def note(self, words):
        self.faults.append(f"{self.NAME}: {words}")

    def start(self, *options, daemon=True):
        """The app, reporting, in the view's size."""
        if daemon:
            self.daemon = fake_session.Daemon(self.desktop, *options)
        self.app = self.desktop.start([self.program, "--bus", self.bus], "edgeway", self.preload)
        self.desktop.find("frame", seconds=SLOW)
        # A second time, as a header that becomes narrow lets the window become so.
        for _ in range(2):
            self.desktop.resize(*self.SIZE)
            time.sleep(0.3)  # real time: the window manager has no answer to wait for; rest() judges
        # Where no tooltip is.
        self.desktop.run("xdotool", "mousemove", *(str(side - 2) for side in self.SIZE))

    def reports(self):
        """Of each window, as it is now."""
        before = os.stat(self.report).st_mtime_ns if os.path.exists(self.report) else 0
        self.app.send_signal(signal.SIGUSR2)
        wait_for("the app's report", lambda: self.alive() or os.path.exists(self.report) and os.stat(self.report).st_mtime_ns != before, SLOW, 0.02)
        return screen_check.read(self.report)

    def rest(self, seconds=4):
        """Until the words have stayed the same for a while, or for these seconds."""
        end, last, since = time.monotonic() + seconds, None, time.monotonic()
        while time.monotonic() < end:
            texts = [(report.width, report.height, report.texts()) for report in self.reports()]
            if texts != last:
                last, since = texts, time.monotonic()
            elif time.monotonic() - since > 0.7:
                break
            time.sleep(0.1)

    def shoot(self, name, seconds=4, toast=False):
        """Judges the screen, and keeps its picture. toast: one lies over it, as is meant."""
        width, height = self.SIZE
        front = self.desktop.run("xdotool", "getactivewindow", check=False).stdout.strip()
        self.rest(seconds)
        if front and (size := self.geometry(front)) and size != (width, height):
            # A dialog in the middle of its window.
            self.desktop.run("xdotool", "windowmove", front, *(str(max(0, (most - side) // 2)) for most, side in zip((width, height), size)), check=False)
            time.sleep(0.2)  # real time: the dialog is drawn at its new place
        path = self.desktop.path("picture.png")
        reports = self.reports()
        self.desktop.picture(path)
        if self.FOLDER:
            os.makedirs(os.path.join(self.FOLDER, self.NAME), exist_ok=True)
            shutil.copyfile(path, os.path.join(self.FOLDER, self.NAME, name + ".png"))
        for report in [r for r in reports if r.type != "EwWindow"] or reports:
            alone = len(reports) == 1 and report.width == width
            for fault in [] if toast else screen_check.judge(report, path if alone else None):
                self.note(f"{name}: {fault}")
            if report.width > width or report.height > height:
                self.note(f"{name}: {report.type} is {report.width}×{report.height} px")

    def geometry(self, window):
        shell = self.desktop.run("xdotool", "getwindowgeometry", "--shell", window, check=False).stdout
        values = dict(line.split("=") for line in shell.split())
        return (int(values["WIDTH"]), int(values["HEIGHT"])) if values else None

    def window_act(self, name, *parameters):
        self.act(name, *parameters, window=True)

    def settle_traffic(self):
        """Waits for counters, then stops them, so that the picture doesn't change."""
        time.sleep(2.5)  # real time: counters come once a second
        self.daemon.say(quiet=True)

    def escape(self):
        """Closes the window or dialog in front."""
        before = len(self.reports())
        self.desktop.keys("Escape")
        try:
            wait_for("a window to close", lambda: len(self.reports()) < before, 10)
        except fake_session.Failure:
            self.note("Escape does not close a window")

    def dialog(self, name, action, *parameters, window=False):
        self.act(action, *parameters, window=window)
        wait_for(f"a window of {action}", lambda: len(self.reports()) > 1, SLOW, 0.1)
        self.shoot(name)

    def menu(self, name, opener):
        self.desktop.press("push button", exactly=opener)
        self.shoot(name)
        self.desktop.keys("Escape")
