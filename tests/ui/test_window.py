#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The window around the map: what it says while it waits, what it keeps, and what it offers when something is wrong."""
import contextlib
import ctypes
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_session  # noqa: E402
from fake_session import SLOW, FakeCase, make_browser, wait_for  # noqa: E402

# Since libadwaita 1.5 a question is in its window, and has the keys to itself.
QUESTIONS_INSIDE = ctypes.CDLL("libadwaita-1.so.0").adw_get_minor_version() >= 5
RUN_S, REST_S = 0.02, 0.06  # a quarter of a core


@contextlib.contextmanager
def slowed(process):
    """Limits the process to a quarter of a core in the meantime."""
    over = threading.Event()

    def slow():
        while not over.is_set():
            os.kill(process.pid, signal.SIGSTOP)
            over.wait(REST_S)
            os.kill(process.pid, signal.SIGCONT)
            over.wait(RUN_S)

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        os.kill(process.pid, signal.SIGCONT)


class SlowFrames(FakeCase):
    """A computer that draws with its processor alone, and slowly: a spinner keeps its main loop busy."""
    ANIMATIONS = True
    # What draws with OpenGL has another name in newer versions of GTK.
    ENVIRONMENT = {"GSK_RENDERER": "ngl" if ctypes.CDLL("libgtk-4.so.1").gtk_get_minor_version() >= 14 else "gl", "LIBGL_ALWAYS_SOFTWARE": "1"}

    def test_map_behind_a_spinner(self):
        self.open("--state", "connecting")
        self.desktop.find("label", "Connecting to Frankfurt", seconds=SLOW)
        self.daemon.say(slow={"OpenTopology": 3})
        with slowed(self.app):
            self.daemon.set(State="connected")
            self.desktop.find("push button", "nas, online", seconds=SLOW)


class Window(FakeCase):
    def test_waiting(self):
        """Words and something to do, without animations too, and one more sentence when it takes too long."""
        self.open("--state", "connecting")
        d = self.desktop
        d.find("label", "Connecting to Frankfurt", seconds=SLOW)
        d.press("push button", exactly="Cancel", seconds=SLOW)
        self.daemon.called("Disconnect", SLOW)
        d.find("label", "Connect to see the map", seconds=SLOW)
        self.daemon.say(slow={"OpenTopology": 600})
        self.daemon.set(State="connected")
        d.find("label", "Reading the map…", seconds=SLOW)
        d.find("label", "longer than usual", seconds=SLOW)
        self.daemon.say(slow={"OpenTopology": 0})
        d.press("push button", exactly="Try Again")
        d.find("push button", "nas, online", seconds=SLOW)

    def test_dead_edge(self):
        """In VPN mode the line above the map says what is off, and offers the way out; each sentence is read once."""
        self.open()
        d = self.desktop
        d.find("push button", "nas, online", seconds=SLOW)
        cause = "Frankfurt does not answer."
        self.daemon.set(Mode="vpn", State="reconnecting", Reason="edge-silent", Message=cause)
        d.find("label", exactly="Your internet is off until Frankfurt answers.", seconds=SLOW)
        self.assertEqual(1, len(d.find_all("label", cause)))
        self.assertEqual([], d.find_all("label", "Internet traffic leaves"))
        d.press("push button", exactly="Use Connector Only")
        self.assertEqual("connector", self.daemon.called("SetMode", SLOW)[0])
        self.daemon.set(Mode="connector")
        d.find("label", cause, seconds=SLOW)
        d.find("label", "Trying for", seconds=SLOW)
        self.assertEqual(1, len(d.find_all("label", cause)))

    def test_login_page(self):
        """A network that wants a login on its own page: said above the map or in its place, and opened in the browser."""
        pages = make_browser(self.desktop)
        page = "http://login.hotel.example/start?from=lan"
        caught = {"Reason": "captive-portal", "Message": "This network lets nothing through until someone has logged in on its own page.", "PortalUrl": page}
        self.open()
        d = self.desktop
        d.find("push button", "nas, online", seconds=SLOW)
        self.assertEqual([], d.find_all("push button", "Login Page"))
        self.daemon.set(Mode="vpn", State="reconnecting", **caught)
        d.find("label", "until someone has logged in", seconds=SLOW)
        d.press("push button", exactly="Open the Network's Login Page", seconds=SLOW)
        self.daemon.called("OpenPortal", SLOW)
        wait_for("the browser", lambda: pages() == [page], SLOW)
        # Nothing but web pages, whatever a service says.
        self.daemon.set(PortalUrl="file:///etc/passwd")
        d.press("push button", exactly="Open the Network's Login Page")
        self.daemon.called("OpenPortal", SLOW)
        self.daemon.set(State="connected", Reason="", Message="", PortalUrl="")
        wait_for("the line to go", lambda: not d.find_all("push button", "Login Page"), SLOW)
        self.assertEqual([page], pages())

    def test_login_page_without_a_map(self):
        pages = make_browser(self.desktop)
        self.open("--state", "connecting")
        d = self.desktop
        self.daemon.set(Reason="captive-portal", Message="This network wants a login.", PortalUrl="http://192.0.2.7/")
        d.press("push button", exactly="Open the Network's Login Page", seconds=SLOW)
        wait_for("the browser", lambda: pages() == ["http://192.0.2.7/"], SLOW)

    def width(self):
        """Without the frame that GTK draws."""
        return int(self.desktop.run("xdotool", "getwindowgeometry", "--shell", self.desktop.window()).stdout.split("WIDTH=")[1].split()[0])

    def test_narrow(self):
        """360 px: the list, the modes beside one another; the map again where there is room, and the edge where nothing is selected."""
        self.SIZE = (360, 700)
        self.open()
        d = self.desktop
        d.find("list item", "thinkpad, this computer", seconds=SLOW)  # GTK 4.18 makes the visible rows alone
        self.assertLessEqual(self.width(), 360 + 2 * 8)
        d.find("check box", exactly="VPN")
        self.assertEqual(1, len(d.find_all("label", "Only the mesh")))
        self.assertEqual([], d.find_all("label", "Internet traffic leaves"))
        d.resize(1000, 800)
        d.find("push button", "nas, online", seconds=SLOW)
        d.keys("F9")
        d.find("heading", exactly="Frankfurt", seconds=SLOW)
        for fact in ("100.96.0.1", "fd5e:7c1a:90b2::1", "Internet in VPN Mode"):
            d.find("label", exactly=fact)
        d.press("push button", exactly="Copy SSH Command")
        wait_for("the command", lambda: d.run("xclip", "-o", "-selection", "clipboard", check=False).stdout == "ssh 100.96.0.1", SLOW)
        d.keys("ctrl+2")
        d.find("list item", "nas, online", seconds=SLOW)
        d.resize(400, 700)
        d.resize(1000, 800)
        d.find("list item", "nas, online", seconds=SLOW)
        self.assertEqual("'list'", self.setting("view"), "what was chosen stays")

    def test_trial(self):
        """What can't work in a trial can't be chosen, and the app says why; the end of a trial is announced as such."""
        self.open()
        d = self.desktop
        self.daemon.set(Trial=True)
        d.find("label", "Not in a trial", seconds=SLOW)
        d.find("check box", exactly="VPN", without="SENSITIVE")
        d.find("push button", exactly="Start a Mesh on a Server…")
        self.daemon.set(Mode="connector", Since=1)
        d.find("check box", exactly="VPN", without="SENSITIVE")
        self.daemon.say(quit=True)
        d.find("label", "The Trial Has Ended", seconds=SLOW)
        self.assertEqual([], d.find_all("label", "systemctl"))

    def setting(self, name):
        return self.desktop.run("gsettings", "get", fake_session.ID, name).stdout.strip()

    def test_keys_and_size(self):
        """The application's keys in whichever window is in front; the size as it was when the session ended."""
        self.open()
        d = self.desktop
        for action, title in (("add-server", "Add a Computer"), ("diagnose", "Diagnosis"), ("leave", "Leave birchwood?")):
            with self.subTest(title):
                self.act(action)
                wait_for(title, lambda: title in self.windows(), SLOW)
                if title == "Leave birchwood?" and QUESTIONS_INSIDE:
                    d.keys("F1", "Escape")
                    wait_for("no " + title, lambda: title not in self.windows(), SLOW)
                    self.assertNotIn("Keyboard Shortcuts", self.windows())
                    continue
                d.keys("F1")
                wait_for("the shortcuts", lambda: "Keyboard Shortcuts" in self.windows(), SLOW)
                d.keys("ctrl+w")
                wait_for("no shortcuts", lambda: "Keyboard Shortcuts" not in self.windows(), SLOW)
                d.keys("ctrl+w")
                wait_for("no " + title, lambda: title not in self.windows(), SLOW)
        d.resize(900, 700)
        wait_for("the width", lambda: self.setting("window-width") == "900", SLOW)
        d.press("push button", exactly="Maximize")
        wait_for("maximized", lambda: self.setting("window-maximized") == "true", SLOW)
        self.assertEqual("900", self.setting("window-width"))
        self.act("diagnose")
        d.find("frame", "Diagnosis", seconds=SLOW)
        d.keys("ctrl+q")
        self.app.wait(SLOW)
        self.assertEqual(0, self.app.returncode)


if __name__ == "__main__":
    fake_session.main()
