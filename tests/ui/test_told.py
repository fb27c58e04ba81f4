#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is told: toasts by their worth, notifications by whoever runs, and the end of what was asked for without a window."""
import os
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), *p) for p in (("..", "lib"), ("..", "..", "app", "launch"))]
import fake_session  # noqa: E402
from fake_session import SLOW, FakeCase, wait_for  # noqa: E402

NAS = "n0000000000000005"


class Toasts(FakeCase):
    def say_nodes(self, ids, state):
        for node in ids:
            self.daemon.say(node={"id": node, "state": state})

    def labels(self, words):
        return [node["name"] for node in self.desktop.find_all("label", words)]

    def test_worth(self):
        """Nodes of one moment are one toast, which stays true; a refusal comes at once; the same words again are no queue."""
        self.open("--nodes", "40")
        d, ids = self.desktop, [f"n{n:016x}" for n in range(11, 31)]
        before = d.find("label", "of 40 online", seconds=SLOW)["name"]
        self.say_nodes(ids, "offline")
        wait_for("another number", lambda: self.labels("of 40 online") not in ([], [before]), SLOW, 0.3)
        self.say_nodes(ids, "online")
        d.find("label", "20 nodes are online", seconds=SLOW)
        self.say_nodes(ids[:3], "offline")
        d.find("label", "17 nodes are online", seconds=SLOW)
        self.daemon.say(fail={"Disconnect": ["Failed", "The tunnel is busy with something else."]})
        self.act("connected")
        d.find("label", "The tunnel is busy", seconds=5)
        self.assertEqual([], self.labels("nodes are online"))
        for _ in range(6):
            self.act("copy-address", NAS, window=True)
        d.find("label", "Mesh IP copied", seconds=SLOW)
        asked = time.monotonic()
        d.gone("label", "Mesh IP copied", seconds=SLOW)
        self.assertLess(time.monotonic() - asked, 12, "each copy stood in a queue of its own")
        # Of this computer's own reconnect all nodes are online, which is no news.
        self.daemon.set(State="reconnecting")
        self.say_nodes(ids, "offline")
        self.daemon.set(State="connected")
        self.say_nodes(ids[:2], "online")
        time.sleep(2.5)  # longer than the moment in which news are collected
        self.assertEqual([], self.labels("are online"))
        self.alive()


if __name__ == "__main__":
    fake_session.main()
