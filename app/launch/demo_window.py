# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of `app/run --demo --check` that sits at the laptop's screen: the app is opened by an unprivileged person, read and operated as a
screen reader would, and each step is compared with what the daemon itself says."""
import os
import re
import time

from demo_mesh import DATA, SITES
from desktop import Desktop, add_person
from machines import Failure, wait_for
from system_bus import SystemBus

PERSON, UID = "person", 61300
NEW = ("build-01", 16)  # the machine that is added from the window
SIZE = (1240, 820)


def prepare_person(mesh):
    """A user of its own on laptop, before its system bus starts."""
    folder = os.path.join(mesh.world.folder, "laptop")
    add_person(folder, PERSON, UID, mesh.machine("laptop").command)


class Window:
    def __init__(self, mesh, say, pictures=None):
        self.mesh, self.say, self.pictures = mesh, say, pictures
        self.desktop = self.process = self.other_bus = None
        if pictures:
            os.makedirs(pictures, exist_ok=True)

    def __enter__(self):
        # The bus's folder, which the person may enter.
        folder = os.path.join(self.mesh.bus.folder, "desktop")
        self.desktop = Desktop(folder, UID, size=SIZE, wrap=self.mesh.machine("laptop").command, animations=False)
        try:
            self.program = self.desktop.bring(self.mesh.program("edgeway"))
        except BaseException:
            self.desktop.close()
            raise
        return self

    def __exit__(self, *_):
        self.desktop.close()
        if self.other_bus:
            self.other_bus.close()

    # Small things.

    def open(self, dark=False, bus=None, *argv):
        self.process = self.desktop.start([self.program, "--bus", bus or self.mesh.bus.address, *argv], log="edgeway",
                                          environment={"ADW_DEBUG_COLOR_SCHEME": "prefer-dark" if dark else "prefer-light"})
        self.desktop.resize(*SIZE)

    def shut(self):
        self.process.terminate()
        self.process.wait(10)
        self.no_complaints()

    def no_complaints(self):
        if complaints := self.desktop.complaints():
            raise Failure("the app said: " + "; ".join(complaints[:5]))

    def picture(self, name):
        if self.pictures:
            time.sleep(1.2)  # animations have ended
            path = os.path.join(self.pictures, name + ".png")
            self.desktop.picture(path)
            owner = os.stat(self.pictures)
            os.chown(path, owner.st_uid, owner.st_gid)

    def status(self, name="laptop"):
        return self.mesh.ctl_json(name, "status")

    def step(self, what, call):
        started = time.monotonic()
        call()
        self.say(f"✓ {what} ({time.monotonic() - started:.1f} s)")

    # The check.

    def check(self):
        self.step("the app opens for an unprivileged user", self.open)
        self.step("every node is on the map by name and state", self.nodes)
        self.step("Connect follows the daemon, off and on again", self.connect)
        self.step("the mode follows the daemon: VPN, its countdown, undone, and connector only", self.mode)
        self.step("details and the list say the same", self.details)
        self.step(f"{NEW[0]} is added in the window, joins with that key and appears", self.add_server)
        self.step("dark, and the pages without a map", self.other_faces)

    def nodes(self):
        for name in SITES:
            said = "This computer" if name == "laptop" else "online"
            self.desktop.find("push button", f"{name}, ", seconds=30)
            wait_for(f"{name} said to be {said}", lambda n=name, s=said: any(s.lower() in b["name"].lower() for b in self.desktop.find_all("push button", f"{n}, ")), 20)
        self.desktop.find("push button", "frankfurt")
        self.picture("map-light")

    def connect(self):
        d = self.desktop
        d.find("check box", exactly="Connect", state="CHECKED")
        d.press("check box", exactly="Connect")
        wait_for("the daemon disconnects", lambda: self.status()["state"] == "disconnected", 20)
        d.find("check box", exactly="Connect", without="CHECKED")
        d.press("check box", exactly="Connect")
        wait_for("the daemon connects", lambda: self.status()["state"] == "connected", 40)
        d.find("check box", exactly="Connect", state="CHECKED")
        d.find("push button", "nas, online", seconds=40)

    def mode(self):
        d = self.desktop
        d.press("check box", exactly="VPN")
        wait_for("the daemon's mode is vpn", lambda: self.status()["mode"] == "vpn", 40)
        d.find("check box", exactly="VPN", state="CHECKED")
        if not self.status()["guard_until"]:
            raise Failure("no guard counts after VPN mode was switched on by a person who isn't at this computer's own screen")
        d.find("push button", "Keep")
        self.picture("guard-light")
        d.press("push button", "Undo")
        wait_for("the daemon is back in connector mode", lambda: self.status()["mode"] == "connector", 40)
        d.find("check box", "Connector only", state="CHECKED")

    def details(self):
        d = self.desktop
        d.keys("ctrl+2")
        for name in SITES:
            d.find("list item", name)
        self.picture("list-light")
        d.keys("ctrl+1")
        d.press("push button", "office-gw, online", action="token.open")
        d.find("label", "10.77.0.0/24")
        self.picture("details-light")
        d.press("push button", "Ping")
        d.find("label", "A ping came back in", seconds=40)
        d.keys("F9")

    def add_server(self):
        d, (name, number) = self.desktop, NEW
        self.mesh.add_site(name, number)
        d.keys("ctrl+n")
        d.find("frame", "Add a Computer")
        self.picture("wizard-server-1-light")
        d.type("text", "Name", name)
        d.press("push button", exactly="Next")
        d.press("push button", "Copy Key", seconds=40)
        key = wait_for("the key on the clipboard", lambda: re.fullmatch(r"ew1_\S+", d.run("xclip", "-o", "-selection", "clipboard", check=False).stdout.strip()), 20).group()
        self.picture("wizard-server-2-light")
        self.mesh.join(name, key)
        d.find("heading", f"{name} Is Online", seconds=60)  # the page stays, a toast may have closed
        self.picture("wizard-server-3-light")
        d.press("push button", exactly="Done")
        d.find("push button", f"{name}, online", seconds=40)

    def other_faces(self):
        d = self.desktop
        self.shut()
        self.open(dark=True)
        d.find("push button", "nas, online", seconds=40)
        self.picture("map-dark")
        d.press("push button", "nas, online", action="token.open")
        d.find("push button", "Ping")
        self.picture("details-dark")
        d.keys("ctrl+2")
        d.find("list item", "nas")
        self.picture("list-dark")
        d.keys("ctrl+1")  # the app remembers its view
        d.find("push button", "nas, online")
        d.keys("ctrl+n")
        d.find("frame", "Add a Computer")
        self.picture("wizard-server-1-dark")
        self.shut()
        self.no_mesh()
        self.open()
        d.find("push button", "nas, online", seconds=40)

    def no_mesh(self):
        """A machine that isn't in a mesh yet, and one without the service."""
        machine = self.mesh.world.machine("stranger")
        add_person(machine.log_dir, PERSON, UID, machine.command)
        self.other_bus = SystemBus(machine, PERSON, DATA)
        for dark in (False, True):
            self.open(dark, self.other_bus.address)
            self.desktop.find("push button", "Try Again")
            self.picture("no-service-" + ("dark" if dark else "light"))
            self.shut()
        machine.start(self.mesh.program("edgewayd"))
        for dark in (False, True):
            self.open(dark, self.other_bus.address)
            self.desktop.find("push button", "Join With a Key", seconds=30)
            self.picture("not-enrolled-" + ("dark" if dark else "light"))
            if not dark:
                self.desktop.press("push button", "Join With a Key")
                self.desktop.find("frame", "Join")
                self.picture("wizard-join-light")
            self.shut()

    def finish(self):
        """After everything was killed and has recovered, the window still works and says so."""
        def call():
            for name in SITES:
                if name != "laptop":
                    self.desktop.find("push button", f"{name}, online", seconds=60)
            if self.process.poll() is not None:
                raise Failure(f"the app ended with {self.process.returncode}")
            self.no_complaints()
        self.step("the window followed all that without a warning", call)
