#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from a mesh, an edge, a daemon or a link is plain text, never markup, and a link never acts without the person."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_session  # noqa: E402
from fake_daemon import make_key  # noqa: E402
from fake_session import SLOW, FakeCase, wait_for  # noqa: E402

EVIL = "<b>R&D</b> <a href='https://evil.example'>x</a> &lt;i&gt;"
BROKEN = "<span foreground='red'>a & b <"
LINK = "edgeway://enroll/"


class Words(FakeCase):
    """GTK warns about markup that it cannot parse, and a warning ends the app; markup that it can parse would be missing from the screen."""

    def shown(self, words, role=None, **more):
        self.alive()
        return self.desktop.find(role or ["label", "heading"], words, seconds=SLOW, **more)

    def test_names(self):
        self.open()
        d = self.desktop
        for words in (EVIL, BROKEN):
            with self.subTest(words):
                self.daemon.say(node={"id": "n0000000000000005", "name": words, "os": words, "version": words})
                d.find("push button", words + ", online", seconds=SLOW)
                self.act("show-path", "n0000000000000005", window=True)
                self.shown("Path to " + words)
                self.act("show-details", "n0000000000000005", window=True)
                self.shown(words, role="heading", exactly=words)
                self.act("view", "list", window=True)
                d.find("list item", words + ", online", seconds=SLOW)
                for action, title in (("rename-node", "Rename " + words), ("remove-node", f"Remove {words}?")):
                    self.act(action, "n0000000000000005", window=True)
                    d.find(["frame", "dialog", "alert"], title, seconds=SLOW)
                    self.alive()
                    d.keys("Escape")
                    d.gone(["frame", "dialog", "alert"], title, seconds=SLOW)
                self.daemon.say(node={"id": "n0000000000000005", "state": "offline"})
                d.find("list item", words + ", offline", seconds=SLOW)
                self.daemon.say(node={"id": "n0000000000000005", "state": "online"})
                self.shown(words + " is online")  # a toast
                self.act("view", "map", window=True)
        self.alive()

    def test_edge_and_mesh(self):
        self.open()
        for words in (EVIL, BROKEN):
            with self.subTest(words):
                self.daemon.set(Mesh=words, EdgeName=words)
                self.daemon.say(edge={"name": words, "endpoint": words})
                self.shown(words, exactly=words)
                self.act("add-phone")
                self.desktop.find("frame", "Add a Phone", seconds=SLOW)
                self.shown("All its internet traffic leaves from " + words)
                self.desktop.keys("Escape")
                self.desktop.gone("frame", "Add a Phone", seconds=SLOW)
                self.act("leave")
                self.dialog(f"Leave {words}?")
                self.desktop.keys("Escape")
                self.desktop.gone("label", f"Leave {words}?", seconds=SLOW)
                self.daemon.say(node={"id": "n0000000000000005", "routes": ["10.1.0.0/16", words]})
                self.act("show-details", "n0000000000000009", window=True)
                self.shown("office-gw", role="heading")
        self.alive()

    def test_pages(self):
        """The edge's name and the daemon's reasons on the pages that stand in the map's place, and above the map."""
        self.open("--nodes", "1")
        self.shown("Nobody Else Is Here Yet")
        for words in (EVIL, BROKEN):
            with self.subTest(words):
                self.daemon.set(State="connected", Mesh=words)
                self.shown(f"the only node of {words}. ")
                self.daemon.set(State="error", Reason="x", Message=words)
                self.shown(words)
                self.daemon.set(State="removed", Message=words)
                self.shown("This Computer Was Removed")
                self.shown(words, exactly=words)
        self.alive()

    def test_unreachable(self):
        self.open("--state", "reconnecting")
        for words in (EVIL, BROKEN):
            with self.subTest(words):
                self.daemon.set(EdgeName=words, Message="Because " + words)
                self.shown(f"Can't Reach {words}")
                self.shown("Because " + words)
        self.alive()

    def test_refusals(self):
        """A refusal's text: in a toast, above a button, below a name, in a report."""
        self.open()
        d = self.desktop
        for words in (EVIL, BROKEN):
            with self.subTest(words):
                self.daemon.say(fail={name: ["Failed", words] for name in ("Disconnect", "AddNode", "RenameNode", "Ping", "Diagnose")})
                self.act("connected")
                self.shown(words)
                self.act("add-server")
                d.type("text", "Name", "attic")
                d.press("push button", exactly="Next")
                self.shown(words, within=d.find("frame", "Add a Computer", seconds=SLOW)["ref"])
                d.keys("Escape")
                d.gone("frame", "Add a Computer", seconds=SLOW)
                self.act("rename-node", "n0000000000000005", window=True)
                d.type("text", None, "attic", exactly="Name", within=d.find("frame", "Rename nas", seconds=SLOW)["ref"])
                d.press("push button", exactly="Rename")
                self.shown(words, within=d.find("frame", "Rename nas", seconds=SLOW)["ref"])
                d.keys("Escape")
                d.gone("frame", "Rename nas", seconds=SLOW)
                self.act("diagnose")
                self.shown(words, within=d.find("frame", "Diagnosis", seconds=SLOW)["ref"])
                d.keys("Escape")
                d.gone("frame", "Diagnosis", seconds=SLOW)
        self.alive()

    def test_garbage(self):
        """A stream that isn't a topology."""
        self.open()
        self.desktop.find("push button", "nas, online", seconds=SLOW)
        for text in ("\0\xff<>{[\n", '{"type":"node","node":{"id":"<&>","name":null}}\n', '{"type":"snapshot"}\n', '{"type":"node","node":[]}\n', "{" * 5000 + "\n"):
            self.daemon.say(raw=text)
        self.daemon.say(node={"name": "after", "state": "online"})
        self.desktop.find("push button", "after, online", seconds=SLOW)
        self.alive()


class Notifications(FakeCase):
    def removed(self, words):
        self.open()
        self.desktop.find("push button", "nas, online", seconds=SLOW)
        self.daemon.set(State="removed", Message=words)
        return wait_for("the notification", lambda: next((n["body"] for n in self.desktop.notifications() if n["title"] == "This Computer Was Removed"), None), SLOW, 0.3)

    def test_server_that_shows_markup(self):
        body = self.removed("<b>evil</b> & <img src='https://evil.example'>.")
        self.assertEqual("&lt;b&gt;evil&lt;/b&gt; &amp; &lt;img src=&apos;https://evil.example&apos;&gt;.", body.replace("&#39;", "&apos;"))

    def test_server_that_shows_plain_text(self):
        self.desktop.notify_as(markup=False)
        self.assertEqual("<b>evil</b> & so.", self.removed("<b>evil</b> & so."))


class Links(FakeCase):
    def wizards(self):
        return [title for title in self.windows() if title.startswith("Join")]

    def key_on_screen(self, mesh, seconds=SLOW):
        return self.desktop.find("heading", f"Join {mesh}?", seconds=seconds)

    def assert_nothing_sent(self):
        self.assertEqual([], [call for call in self.daemon.calls() if call[0] not in ("OpenTopology", "GetStatus")])

    def test_never_joins_by_itself(self):
        self.open("--state", "not-enrolled", argv=[LINK + make_key("admin", "first")])
        self.key_on_screen("birchwood")
        self.open_link(LINK + make_key("admin", "second"))
        time.sleep(1)  # real time: nothing else shows that nothing is sent
        self.assert_nothing_sent()
        self.alive()

    def test_key_is_not_in_the_arguments(self):
        key = make_key("admin", "first")
        self.open("--state", "not-enrolled", argv=[LINK + key])
        self.key_on_screen("birchwood")
        with open(f"/proc/{self.app.pid}/cmdline", "rb") as file:
            arguments = file.read()
        self.assertNotIn(key[4:20].encode(), arguments)
        self.assertIn(b"edgeway", arguments)
        self.assertNotIn(b"ew1_", arguments)

    def test_one_wizard(self):
        self.open("--state", "not-enrolled", argv=[LINK + make_key("admin", "first")])
        self.key_on_screen("birchwood")
        for secret in ("second", "third"):
            self.open_link(LINK + make_key("server", secret))
            self.desktop.find("label", exactly="A server", seconds=SLOW)  # the person had not begun: the later key is shown
            self.assertEqual(1, len(self.wizards()), self.windows())
        self.assert_nothing_sent()
        self.desktop.press("push button", exactly="Join")
        key = self.daemon.called("Enroll", SLOW)[0]
        self.assertEqual(make_key("server", "third"), key)

    def test_another_key_under_review(self):
        """A second link shows that the key is another one, and Enter, meant for the first, joins neither."""
        self.open("--state", "not-enrolled", argv=[LINK + make_key("admin", "first")])
        self.key_on_screen("birchwood")
        self.open_link(LINK + make_key("server", "second"))
        self.desktop.find("label", "Another link was opened, and", seconds=SLOW)
        self.desktop.find("label", exactly="A server", seconds=SLOW)
        self.desktop.find("push button", "Use Another Key", state="FOCUSED", seconds=SLOW)
        self.desktop.keys("Return")
        self.desktop.find("text", "Enrollment key", seconds=SLOW)
        self.assert_nothing_sent()
        self.assertEqual(1, len(self.wizards()), self.windows())

    def test_what_was_begun_stays(self):
        self.open("--state", "not-enrolled", argv=[LINK + make_key("admin", "first")])
        self.key_on_screen("birchwood")
        self.desktop.type("text", "Name of this computer", "mine")
        self.open_link(LINK + make_key("server", "second"))
        self.desktop.find("label", "Another key was opened", seconds=SLOW)
        self.assertEqual(1, len(self.wizards()), self.windows())
        self.desktop.find("label", exactly="A device that administers the mesh", seconds=SLOW)
        self.desktop.press("push button", exactly="Join")
        self.assertEqual([make_key("admin", "first"), "mine"], self.daemon.called("Enroll", SLOW)[:2])

    def test_pasted_key_stays(self):
        self.open("--state", "not-enrolled")
        self.act("join")
        self.desktop.type("text", "Enrollment key", make_key("admin", "first"))
        self.key_on_screen("birchwood")
        self.open_link(LINK + make_key("server", "second"))
        self.desktop.find("label", "Another key was opened", seconds=SLOW)
        self.desktop.find("label", exactly="A device that administers the mesh", seconds=SLOW)
        self.assertEqual(1, len(self.wizards()), self.windows())

    def test_no_key(self):
        """Links without a key are shown as errors, or not at all."""
        self.open("--state", "not-enrolled", argv=[LINK + "ew1_" + "A" * 60])
        self.desktop.find("text", "Enrollment key", state="INVALID", seconds=SLOW)
        for link in ("edgeway://", "edgeway:<b>&", LINK + BROKEN, LINK + "%00%ff", "edgeway://leave", LINK + "x" * 120000, "/nowhere/ew1_\udcff"):
            self.open_link(link)
            self.alive()
        self.assertLess(len(self.desktop.find("text", "Enrollment key", seconds=SLOW).get("text") or ""), 5000)
        self.assertEqual(1, len(self.wizards()), self.windows())
        self.assert_nothing_sent()

    def test_file_that_says_nothing(self):
        self.open("--state", "not-enrolled")
        path = os.path.join(os.fsencode(self.desktop.path("")), b"\xff\na\xe2\x80\xaeb" + 200 * b"c")
        os.mkfifo(path)
        os.chmod(path, 0o666)
        writer = os.open(path, os.O_RDWR)
        self.open_link(os.fsdecode(path))
        self.act("join")
        self.desktop.find("text", "Enrollment key", seconds=SLOW)
        os.write(writer, b"no key")
        os.close(writer)
        self.dialog("This doesn't contain an enrollment key.")
        self.desktop.find("label", "ab" + 50 * "c", seconds=SLOW)
        self.assertEqual([], self.desktop.find_all("label", 100 * "c"))

    def test_in_a_mesh_already(self):
        """Said once, however many links there are."""
        self.open(argv=[LINK + make_key("admin", "first")])
        self.dialog("so the key wasn't used")
        for _ in range(3):
            self.open_link(LINK + make_key("admin", "second"))
        time.sleep(1)  # real time: nothing else shows that no further window comes
        self.assertEqual(1, len([t for t in self.windows() if "Already in" in t]), self.windows())
        self.assert_nothing_sent()


if __name__ == "__main__":
    fake_session.main()
