#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wizard over a fake daemon: what Enter does, what becomes of names meanwhile, and how a page that made something is left."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_session  # noqa: E402
from fake_session import SLOW, FakeCase, wait_for  # noqa: E402

SERVER, PHONE = "Add a Server", "Add a Phone"
KINDS = ((SERVER, "add-server", "Run This on"), (PHONE, "add-phone", "Scan This With"))


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
                self.desktop.window_gone(title) if hasattr(self.desktop, "window_gone") else self.desktop.gone("frame", title, seconds=SLOW)
                self.desktop.find("push button", f"{name}, not joined yet", seconds=SLOW)
                self.alive()
        self.assertEqual([], [call for call in self.daemon.calls() if call[0] == "RemoveNode"])

    def test_keep_valid_with_the_window_closed_meanwhile(self):
        """Both are closed by the window manager, the wizard in the moment of the answer."""
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
                    pass  # the question was taken away before
                self.desktop.gone("label", "yet. ", seconds=SLOW)
                self.alive()
                for label in ("Done",):
                    if self.desktop.find_all("frame", title):
                        self.press_in(title, label)
                self.desktop.gone("frame", title, seconds=SLOW)

    def test_take_back(self):
        self.open()
        for i, (title, action, heading) in enumerate(KINDS):
            with self.subTest(title):
                name = f"attic-{i}"
                self.make(title, action, heading, name)
                self.answer(self.ask(title), "Remove Phone" if title == PHONE else "Take Back")
                self.desktop.gone("frame", title, seconds=SLOW)
                self.desktop.gone("push button", f"{name}, ", seconds=SLOW)
                self.alive()

    def test_closed_while_it_is_taken_back(self):
        self.open()
        self.daemon.say(slow={"RemoveNode": 2})
        for i, (title, action, heading) in enumerate(KINDS):
            with self.subTest(title):
                name = f"attic-{i}"
                self.make(title, action, heading, name)
                self.answer(self.ask(title), "Remove Phone" if title == PHONE else "Take Back")
                self.desktop.find("label", f"Removing {name}", seconds=SLOW)
                self.press_in(title, "Close")
                self.desktop.gone("frame", title, seconds=SLOW)
                self.desktop.gone("push button", f"{name}, ", seconds=SLOW)
                self.alive()


if __name__ == "__main__":
    fake_session.main()
