#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command on a terminal of its own, as a person would: waits for texts and answers each.

Usage: terminal.py SECONDS [TEXT ANSWER]… -- COMMAND…
An ANSWER is ^C, @FILE (its content is typed, with Return), or !COMMAND (a shell runs it; when it fails, so does this).
Exit status: the command's; 125 where a text did not come in SECONDS, 126 where an answer's command failed.
"""
import os
import pty
import select
import signal
import subprocess
import sys
import time


def read_until(terminal, text, end, seen):
    """What is printed is passed on to this program's output. True once text has come; at the end, for no text."""
    while text is None or text not in seen[0]:
        if time.monotonic() > end:
            return False
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the last process closed it
            data = b""
        if not data:
            return text is None
        sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
        sys.stdout.flush()
        seen[0] += data
    seen[0] = seen[0][seen[0].index(text) + len(text):]
    return True


def answer(terminal, what):
    if what == "^C":
        os.write(terminal, b"\x03")
    elif what.startswith("@"):
        with open(what[1:], "rb") as file:
            os.write(terminal, file.read().strip() + b"\r")
    else:
        return subprocess.run(["/bin/bash", "-c", what[1:]], stdin=subprocess.DEVNULL).returncode == 0
    return True


def main():
    split = sys.argv.index("--")
    seconds, steps, command = float(sys.argv[1]), sys.argv[2:split], sys.argv[split + 1:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    seen, status = [b""], 0
    for text, what in zip(steps[::2], steps[1::2]):
        if not status and not read_until(terminal, text.encode(), time.monotonic() + seconds, seen):
            print(f"terminal.py: no “{text}”", flush=True)
            status = 125
        if (not status or what == "^C") and not answer(terminal, what):
            print(f"terminal.py: failed: {what}", flush=True)
            status = 126
    if not read_until(terminal, None, time.monotonic() + seconds, seen):
        os.kill(pid, signal.SIGKILL)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status or (ended if ended >= 0 else 128 - ended)


if __name__ == "__main__":
    sys.exit(main())
