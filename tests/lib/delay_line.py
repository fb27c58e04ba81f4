# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of tests/lib/delay-line.c between two machines (of machines.py): in place of World.cable(), with delay, loss, a rate and a queue."""
import os
import subprocess

from machines import Failure, dying

BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build")
PROGRAM = os.path.join(BUILD, "tests", "lib", "delay-line")
COUNTERS = ("passed", "lost", "dropped", "bytes")


class DelayLine:
    """Both ends are up, with an MTU of 1500 and without addresses. Parameters of set(): delay (ms, one way), loss (percent), rate (Mbit/s),
    queue (bytes that wait for the rate), cut (0 or 1), seed; each holds for both directions until it is set again."""

    def __init__(self, a, a_name, b, b_name, **parameters):
        self.process = subprocess.Popen(dying([PROGRAM, f"/proc/{a.pid}/ns/net", a_name, f"/proc/{b.pid}/ns/net", b_name]), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        if self.process.stdout.readline() != "ready\n":
            self.close()
            raise Failure(f"the line between {a.name} and {b.name} couldn't be made")
        for machine, name in ((a, a_name), (b, b_name)):
            machine.ip("link", "set", name, "up")
        self.set(**parameters)

    def _ask(self, command):
        self.process.stdin.write(command + "\n")
        return self.process.stdout.readline().strip()

    def set(self, **parameters):
        for name, value in parameters.items():
            answer = self._ask(f"{name} {value}")
            if answer != "ok":
                raise Failure(f"the line answered {answer!r} to {name} {value}")

    def count(self):
        """(what came out at b, what came out at a): passed, lost, dropped, bytes."""
        words = self._ask("count").split()
        return tuple(dict(zip(COUNTERS, map(int, words[at:at + 4]))) for at in (1, 6))

    def close(self):
        """The interfaces are removed with it."""
        self.process.stdin.close()
        self.process.wait(5)
        self.process.stdout.close()
