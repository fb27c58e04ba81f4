#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wizard over a fake daemon: what Enter does, how names change in the meantime, and how a page that made something is left."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_mesh  # noqa: E402
import fake_session  # noqa: E402
from fake_daemon import INSTALL, make_key  # noqa: E402
from fake_session import SLOW, FakeCase, wait_for  # noqa: E402

COMPUTER, PHONE = "Add a Computer", "Add a Phone"
KINDS = ((COMPUTER, "add-server", "Set Up"), (PHONE, "add-phone", "Scan This With"))


class Wizard(FakeCase):
    def press_in(self, title, label):
        self.desktop.press("push button", exactly=label, within=self.desktop.find("frame", title, seconds=SLOW)["ref"], seconds=SLOW)

    def begin(self, title, action, name):
        self.act(action)
        self.desktop.find("frame", title, seconds=SLOW)
        self.desktop.type("text", "Name", name)

    def heading(self, words):
        return self.desktop.find("heading", words, seconds=SLOW)


class Leaving(Wizard):
    def make(self, title, action, heading, name):
        self.begin(title, action, name)
        self.press_in(title, "Next")
        self.heading(f"{heading} {name}")

    def ask(self, title):
        """Closes the window, which asks."""
        self.press_in(title, "Close")
        return self.dialog("connected yet" if title == PHONE else "hasn't joined yet")

    def answer(self, question, label):
        self.desktop.press("push button", exactly=label, within=question["ref"], seconds=SLOW)

    def test_keep_valid(self):
        self.open()
        for i, (title, action, heading) in enumerate(KINDS):
            with self.subTest(title):
                name = f"attic-{i}"
                self.make(title, action, heading, name)
                self.answer(self.ask(title), "Keep Valid")
                self.desktop.gone("frame", title, seconds=SLOW)
                self.desktop.find("push button", f"{name}, not joined yet", seconds=SLOW)
                self.alive()
        self.assertEqual([], [call for call in self.daemon.calls() if call[0] == "RemoveNode"])

    def test_online_in_the_moment_of_the_answer(self):
        """The question may be closed when the answer comes."""
        self.open()
        for i, (title, action, heading) in enumerate(KINDS):
            with self.subTest(title):
                self.make(title, action, heading, f"attic-{i}")
                question = self.ask(title)
                node = self.desktop.find("push button", exactly="Keep Valid", within=question["ref"], seconds=SLOW)
                self.daemon.say(node={"name": f"attic-{i}", "state": "online"})
                try:
                    self.desktop.act(node)
                except fake_session.Failure:
                    pass  # the question was closed before
                self.desktop.gone("label", "yet. ", seconds=SLOW)
                self.alive()
                if self.desktop.find_all("frame", title):
                    self.press_in(title, "Done")
                self.desktop.gone("frame", title, seconds=SLOW)

    def test_undo(self):
        self.open()
        for i, (title, action, heading) in enumerate(KINDS):
            with self.subTest(title):
                name = f"attic-{i}"
                self.make(title, action, heading, name)
                self.answer(self.ask(title), "Remove Phone" if title == PHONE else "Revoke")
                self.desktop.gone("frame", title, seconds=SLOW)
                self.desktop.gone("push button", f"{name}, ", seconds=SLOW)
                self.alive()

    def test_copied_key(self):
        """The copied key is cleared with the page, except where it stays valid; programs that keep what was copied are told that it is a secret."""
        self.open()

        def copied(kind="UTF8_STRING"):
            return self.desktop.run("xclip", "-o", "-selection", "clipboard", "-t", kind, check=False).stdout

        title, action, heading = KINDS[0]
        for i, answer in enumerate(("Keep Valid", "Revoke")):
            self.make(title, action, heading, f"attic-{i}")
            self.desktop.press("push button", "Copy Key", seconds=SLOW)
            wait_for("the key on the clipboard", lambda: copied().startswith("ew1_"), SLOW, 0.3)
            self.assertIn("x-kde-passwordManagerHint", copied("TARGETS").split())
            self.answer(self.ask(title), answer)
            self.desktop.gone("frame", title, seconds=SLOW)
            if answer == "Keep Valid":
                self.assertTrue(copied().startswith("ew1_"))
            else:
                wait_for("the clipboard to be empty", lambda: not copied(), SLOW, 0.3)

    def test_closed_during_undo(self):
        self.open()
        for i, (title, action, heading) in enumerate(KINDS):
            with self.subTest(title):
                name = f"attic-{i}"
                self.make(title, action, heading, name)
                self.daemon.say(slow={"RemoveNode": 600})
                self.answer(self.ask(title), "Remove Phone" if title == PHONE else "Revoke")
                self.desktop.find("label", f"Removing {name}", seconds=SLOW)
                self.press_in(title, "Close")
                self.desktop.gone("frame", title, seconds=SLOW)
                self.daemon.say(release="RemoveNode")
                self.desktop.gone("push button", f"{name}, ", seconds=SLOW)
                self.alive()


class Adding(Wizard):
    def test_a_laptop(self):
        """Its key is one for a device; it shares no network, whatever was begun for a server; and its page says things once."""
        self.open()
        self.begin(COMPUTER, "add-server", "thinkpad-2")
        window = self.desktop.find("frame", COMPUTER, seconds=SLOW)["ref"]
        self.desktop.find("label", "Share a network behind it", within=window, seconds=SLOW)
        self.desktop.click(self.desktop.find("radio button", "Laptop or desktop", within=window, seconds=SLOW))
        self.desktop.gone("label", "Share a network behind it", within=window, seconds=SLOW)
        self.press_in(COMPUTER, "Next")
        self.heading("Set Up thinkpad-2")
        self.assertEqual(["thinkpad-2", "device"], self.daemon.called("AddNode", SLOW)[:2])
        self.desktop.find("push button", "Copy Key", state="FOCUSED", within=window, seconds=SLOW)
        said = [node["name"] for node in self.desktop.find_all("label", "works once", within=window)]
        self.assertEqual(1, len(said), said)
        self.daemon.say(node={"name": "thinkpad-2", "state": "online"})
        self.heading("thinkpad-2 Is Online")

    def test_from_an_edge_with_packages(self):
        """Two lines to paste, copied as a whole, then the key; other ways are folded away."""
        self.open("--packages")
        self.begin(COMPUTER, "add-server", "lobby")
        self.press_in(COMPUTER, "Next")
        self.heading("Set Up lobby")
        window = self.desktop.find("frame", COMPUTER, seconds=SLOW)["ref"]
        self.desktop.find("label", "1. On lobby (Debian 12, Debian 13), paste these two lines", within=window, seconds=SLOW)
        lines = ("/usr/lib/apt/apt-helper -oAcquire::http::Proxy= -oAcquire::https::Proxy= -oAcquire::https::Verify-Peer=0 download-file https://203.0.113.5/install ~/edgeway-install "
                 f"SHA256:{INSTALL['sha256']} &&\n  sh ~/edgeway-install")
        self.desktop.find("label", exactly=lines, within=window, seconds=SLOW)
        self.assertEqual([], self.desktop.find_all("label", "app/run --join", within=window))
        self.desktop.press("push button", "Copy the command", within=window, seconds=SLOW)
        wait_for("the lines on the clipboard", lambda: self.desktop.run("xclip", "-o", "-selection", "clipboard", check=False).stdout == lines, SLOW, 0.3)
        self.desktop.press("push button", "Copy Key", within=window, seconds=SLOW)
        self.desktop.find("list item", "Other Ways", within=window, seconds=SLOW)
        self.daemon.say(node={"name": "lobby", "state": "online"})
        self.heading("lobby Is Online")

    def test_networks_of_the_mesh(self):
        """What the edge would refuse is refused as it is typed."""
        self.open()
        self.begin(COMPUTER, "add-server", "gw")
        window = self.desktop.find("frame", COMPUTER, seconds=SLOW)["ref"]
        self.desktop.act(self.desktop.find("check box", "Share a network behind it", within=window, seconds=SLOW))
        for network, said in (("100.96.1.0/24", "which can't be shared"), ("fd5e:7c1a:90b2:7::/64", "overlaps the mesh's own addresses"), ("10.0.0.0/4", "is too wide")):
            self.desktop.type("text", "Network, such as", network)
            self.desktop.find("label", said, within=window, seconds=SLOW)


class Prompts(Wizard):
    def wait_cancelled(self, method):
        end = time.monotonic() + SLOW
        while event := self.daemon.line(max(0, end - time.monotonic())):
            if event.get("event") == "prompt-cancelled" and event["method"] == method:
                return
        self.fail(f"the prompt of {method} stays")

    def test_a_prompt_closes_with_its_window(self):
        """A question for a password that is for a window that was closed would stay on the screen."""
        self.open()
        self.daemon.say(slow={"AddNode": 5, "AddRoute": 30})
        self.begin(COMPUTER, "add-server", "attic")
        self.press_in(COMPUTER, "Next")
        self.daemon.called("AddNode", SLOW)
        self.press_in(COMPUTER, "Close")
        self.wait_cancelled("AddNode")
        self.act("share-network", fake_mesh.Mesh(9).need("nas")["id"], window=True)
        window = self.desktop.find("frame", "Share a Network Behind nas", seconds=SLOW)["ref"]
        self.desktop.type("text", "Network, such as", "10.20.0.0/16", within=window)
        self.desktop.press("push button", "Share", within=window, seconds=SLOW)
        self.daemon.called("AddRoute", SLOW)
        self.desktop.press("push button", "Cancel", within=window, seconds=SLOW)
        self.wait_cancelled("AddRoute")


class Links(Wizard):
    """edgeway:// links as a desktop opens them, by the entry that is installed."""

    def install(self):
        share = self.desktop.path("home/.local/share/applications")
        os.makedirs(share)
        name = fake_session.ID + ".desktop"
        with open(os.path.join(fake_session.BUILD, "data", name), encoding="utf-8") as file:
            entry = file.read().replace("Exec=edgeway ", f"Exec={self.program} ")
        with open(os.path.join(share, name), "w", encoding="utf-8") as file:
            file.write(entry)
        with open(self.desktop.path(f"services/{fake_session.ID}.service"), "w", encoding="utf-8") as file:
            file.write(f"[D-BUS Service]\nName={fake_session.ID}\nExec={self.program} --bus {self.bus} --gapplication-service\n")
        subprocess.run(["update-desktop-database", share], check=True, timeout=60)
        self.desktop.run("gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path", "/", "--method", "org.freedesktop.DBus.ReloadConfig")

    def test_opened_by_the_desktop(self):
        self.install()
        self.daemon = fake_session.Daemon(self.desktop, "--state", "not-enrolled")
        self.assertIn(fake_session.ID + ".desktop", self.desktop.run("gio", "mime", "x-scheme-handler/edgeway").stdout)
        self.assertEqual(fake_session.ID + ".desktop", self.desktop.run("xdg-mime", "query", "default", "x-scheme-handler/edgeway").stdout.strip())
        self.desktop.run("gio", "open", "edgeway://enroll/" + make_key("server", "first"), timeout=60)
        self.heading("Join birchwood?")
        self.assertEqual([], [call for call in self.daemon.calls() if call[0] == "Enroll"], "a link only asks")
        self.act("quit")


class Later(Wizard):
    """What used to be in the command line alone."""

    def test_share_a_network(self):
        self.open()
        self.act("share-network", fake_mesh.Mesh(9).need("nas")["id"], window=True)
        window = self.desktop.find("frame", "Share a Network Behind nas", seconds=SLOW)["ref"]
        self.desktop.type("text", "Network, such as", "192.168.1.0/24", within=window)
        self.desktop.find("label", "Overlaps with office-gw", within=window, seconds=SLOW)
        self.desktop.type("text", "Network, such as", "10.20.0.0/16", within=window)
        self.desktop.gone("label", "Overlaps with office-gw", within=window, seconds=SLOW)
        self.desktop.press("push button", "Share", within=window, seconds=SLOW)
        self.assertEqual(["10.20.0.0/16", "nas"], self.daemon.called("AddRoute", SLOW))
        self.desktop.find("label", "sudo edgewayctl route accept 10.20.0.0/16", within=window, seconds=SLOW)

    def test_forwarding_is_asked_at_the_join(self):
        self.open("--state", "not-enrolled", "--offer", "192.168.22.0/24", argv=["edgeway://enroll/" + make_key("server", "first")])
        self.heading("Join birchwood?")
        self.press_in("Join", "Join")
        self.heading("Joined birchwood")
        self.desktop.act(self.desktop.find("check box", "Forward the mesh to 192.168.22.0/24", without="CHECKED", seconds=SLOW))
        self.assertEqual(["192.168.22.0/24"], self.daemon.called("AcceptRoute", SLOW))
        self.desktop.find("check box", "Forward the mesh to 192.168.22.0/24", state="CHECKED", seconds=SLOW)

    def test_join_again(self):
        """A computer that was removed joins with a new key in one go."""
        self.open()
        self.daemon.set(State="removed")
        self.desktop.find("push button", "Leave the Mesh", seconds=SLOW)
        self.desktop.press("push button", "Join Again", seconds=SLOW)
        self.desktop.type("text", "Enrollment key", make_key("admin", "first"), seconds=SLOW)
        self.heading("Join birchwood?")
        self.press_in("Join", "Join")
        self.heading("Joined birchwood")


PROXY = "proxy.office:3128"
ASKS = [f"The proxy {PROXY} asks for a user name and a password."]


class Proxy(Wizard):
    """A network's proxy that wants a password, before joining and later."""

    def give_password(self):
        question = self.dialog(ASKS[0].removesuffix(".") + " before")  # the wizard has the first words too
        self.desktop.type("text", "User name", "joe", within=question["ref"])
        self.desktop.type("text", "Password", "secret1", within=question["ref"])
        self.desktop.press("push button", exactly="Use", within=question["ref"], seconds=SLOW)
        self.assertEqual([PROXY, "joe", "secret1"], self.daemon.called("SetProxyPassword", SLOW))

    def test_join(self):
        self.open("--state", "not-enrolled", argv=["edgeway://enroll/" + make_key("server", "first")])
        self.daemon.say(fail={"Enroll": ["ProxyPassword", *ASKS]}, set={"ProxyAsks": PROXY})
        self.heading("Join birchwood?")
        self.press_in("Join", "Join")
        self.assertTrue(self.daemon.called("AnswerProxy", SLOW)[0], "the desktop's proxy is told first")
        self.give_password()
        self.heading("Joined birchwood")

    def test_connect(self):
        self.open()
        self.daemon.set(ProxyWanted="https://203.0.113.5:443")
        self.assertTrue(self.daemon.called("AnswerProxy", SLOW)[0])
        self.daemon.set(State="reconnecting", Reason="proxy-password", Message=ASKS[0], ProxyAsks=PROXY)
        self.desktop.press("push button", "Enter Password", seconds=SLOW)
        self.give_password()
        self.desktop.find("push button", "Diagnose", seconds=SLOW)
        self.alive()

    def test_connect_in_vpn_mode(self):
        """The password comes first, though the internet is off and lockdown blocks it."""
        self.open()
        self.daemon.set(Mode="vpn", Lockdown="on", State="reconnecting", Reason="proxy-password", Message=ASKS[0], ProxyAsks=PROXY)
        self.desktop.press("push button", "Enter Password", seconds=SLOW)
        self.give_password()
        self.desktop.find("push button", "Turn Off Lockdown", seconds=SLOW)
        self.alive()


class Pasting(Wizard):
    def paste(self, text):
        self.desktop.run("sh", "-c", "xclip -selection clipboard -i >/dev/null 2>&1", input=text)
        self.desktop.keys("ctrl+v")

    def test_key_in_whatever_was_pasted(self):
        key = make_key("admin", "first")

        def wrapped(width, between):
            return between.join(key[i:i + width] for i in range(0, len(key), width))

        self.open("--state", "not-enrolled")
        self.act("join")
        for text in ("On Monday Bob wrote:\r\n> Your key:\r\n> " + wrapped(60, "\r\n> ") + "\r\n\r\n-- \r\nBob", f"<edgeway://enroll/{key}/>.", "\u201c" + wrapped(50, "\u200b") + "\u201d"):
            with self.subTest(text[:12]):
                self.desktop.find("text", "Enrollment key", seconds=SLOW)
                self.paste(text)
                self.heading("Join birchwood?")
                self.desktop.press("push button", "Use Another Key", seconds=SLOW)
        self.desktop.find("text", "Enrollment key", seconds=SLOW)
        self.paste(key[:80] + "\n")
        self.desktop.find("label", "This enrollment key is incomplete: only a part of it was copied.", seconds=SLOW)
        self.desktop.keys("ctrl+a")
        self.paste("Here is the link.")
        self.desktop.find("label", "This doesn't contain an enrollment key.", seconds=SLOW)
        self.desktop.keys("ctrl+a")
        self.paste(wrapped(76, "\n"))
        self.heading("Join birchwood?")
        self.desktop.press("push button", exactly="Join", seconds=SLOW)
        self.assertEqual(key, self.daemon.called("Enroll", SLOW)[0])

    def test_key_files(self):
        """Whatever an editor saved; of a file without a key it is said what is wrong with it."""
        key = make_key("admin", "first")
        for name, data in (("good.txt", ("\ufeff# from Bob\r\n" + key).encode("utf-16-le")), ("bad.txt", b"ew1_" + key[4:90].encode()), ("other.txt", b"\x7fELF" + b"\0" * 200000)):
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(data)
        self.open("--state", "not-enrolled", argv=[os.path.join(self.folder, "bad.txt")])
        self.dialog("This enrollment key is incomplete: only a part of it was copied.")
        self.desktop.keys("Escape")
        self.open_link(os.path.join(self.folder, "other.txt"))
        self.dialog("This doesn't contain an enrollment key.")
        self.desktop.keys("Escape")
        self.open_link(os.path.join(self.folder, "good.txt"))
        self.heading("Join birchwood?")


class Asking(Wizard):
    def test_name_follows_the_map(self):
        """A free name is taken when a node joins or is renamed, and free again when that node leaves."""
        self.open()
        self.desktop.find("push button", "nas, online", seconds=SLOW)
        for title, action, _ in KINDS:
            with self.subTest(title):
                self.begin(title, action, "attic")
                self.free(title)
                self.daemon.say(node={"name": "attic", "state": "online"})
                self.taken(title)
                self.daemon.say(remove="attic")
                self.free(title)
                self.daemon.say(node={"id": "n0000000000000005", "name": "attic"})
                self.taken(title)
                self.daemon.say(node={"id": "n0000000000000005", "name": "nas"})
                self.free(title)
                self.press_in(title, "Close")
                self.desktop.gone("frame", title, seconds=SLOW)

    def test_rename_follows_the_map(self):
        self.open()
        self.desktop.find("push button", "nas, online", seconds=SLOW)
        self.act("rename-node", "n0000000000000005", window=True)
        window = self.desktop.find("frame", "Rename nas", seconds=SLOW)["ref"]
        self.desktop.type("text", None, "attic", exactly="Name", within=window)
        self.desktop.find("push button", exactly="Rename", state="SENSITIVE", seconds=SLOW)
        self.daemon.say(node={"name": "attic", "state": "online"})
        self.desktop.find("label", "Another node is called attic.", seconds=SLOW)
        self.desktop.find("push button", exactly="Rename", without="SENSITIVE", seconds=SLOW)

    def taken(self, title):
        self.desktop.find("label", "Another node is called attic.", seconds=SLOW)
        self.desktop.find("push button", exactly="Next", without="SENSITIVE", seconds=SLOW)

    def free(self, title):
        self.desktop.find("push button", exactly="Next", state="SENSITIVE", seconds=SLOW)
        self.assertEqual([], self.desktop.find_all("label", "Another node is called attic."))

    def test_port(self):
        """The one that is typed, in the command and in what must be open."""
        self.open("--state", "not-enrolled")
        self.act("new-mesh")
        d = self.desktop
        d.find("label", "TCP and UDP on port 443", seconds=SLOW)
        for typed, port, public in (("edge.example.org:8443", "8443", "edge.example.org:8443"), ("edge.example.org", "443", "edge.example.org:443"),
                                    ("[2001:db8::5]:7443", "7443", "[2001:db8::5]:7443"), ("2001:db8::5", "443", "[2001:db8::5]:443")):
            with self.subTest(typed):
                d.type("text", "Public address", typed)
                d.find("label", f"app/run --edge --public {public}", exactly=f"app/run --edge --public {public}", seconds=SLOW)
                d.find("label", f"TCP and UDP on port {port}", seconds=SLOW)

    def test_shortcuts_fit_a_narrow_screen(self):
        self.SIZE = (360, 640)
        self.open()
        self.desktop.find("frame", "Edgeway", seconds=SLOW)
        self.desktop.resize(360, 640)
        self.desktop.keys("F1")
        self.desktop.find("frame", "Keyboard Shortcuts", seconds=SLOW)
        self.desktop.resize(360, 640)

        def width():
            window = self.desktop.run("xdotool", "getactivewindow").stdout.strip()
            return int(self.desktop.run("xdotool", "getwindowgeometry", "--shell", window).stdout.split("WIDTH=")[1].split()[0])
        wait_for("a window of 360 px", lambda: width() <= 360, SLOW, 0.3)


if __name__ == "__main__":
    fake_session.main()
