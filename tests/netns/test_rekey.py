#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our engine, as a node and as the edge, against three other WireGuards: the new session after 120 s, in real time."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from matrix_case import MatrixCase, wait_for  # noqa: E402


class Rekey(MatrixCase):
    def test_rekey(self):
        """The side that began keeps sending: a new session after 120 s, at once in all rows, and no packet is lost over it."""
        for row in self.rows:
            first = "theirs" if row.role == "edge" else "ours"
            row.connect(first)
            row.begin(first)
            row.works()
        before = {row.name: row.handshakes() for row in self.rows}
        for row in self.rows:
            row.start_ping(130)
        time.sleep(128)  # real time: the kernel's WireGuard makes new sessions by its own clock
        for row in self.rows:
            with self.subTest(row.name):
                result = wait_for(f"{row.name}: the pings are over", lambda: (text := row.ping_result()) and "packet loss" in text and text, 30)
                self.assertRegex(result, r"130 packets transmitted, 130 (packets )?received")
                for old, new in zip(before[row.name], row.handshakes()):
                    self.assertGreaterEqual(new - old, 115)
                row.end_ping()


if __name__ == "__main__":
    unittest.main(verbosity=2)
