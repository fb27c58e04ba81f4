# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device of a machine carries, as tcpdump tells it."""
import time

from machines import wait_for


def capture(test, machine, device, what):
    """Starts tcpdump there until the test ends; a function that gives what it has seen, a text."""
    process = machine.start("tcpdump", "-n", "-l", "-v", "-i", device, what, log=f"capture-{device}-{time.monotonic_ns()}")
    test.addCleanup(process.wait)
    test.addCleanup(process.kill)

    def text():
        with open(process.log_path) as file:
            return file.read()
    wait_for("tcpdump listens", lambda: "listening on" in text(), 10)
    return text
