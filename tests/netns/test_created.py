#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other users can never access what the daemons create: no file, folder or socket is created open and restricted later. Seen in
their system calls (strace), from a start with umask 0 on: an edge makes a mesh, a node enrolls, connects, leaves."""
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
from machines import OWN_ETC  # noqa: E402

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
EDGE, DAEMON, CTL = (os.path.join(BUILD, path) for path in ("daemon/edge/edgeway-edge", "daemon/service/edgewayd", "app/ctl/edgewayctl"))
CALLS = "open,openat,creat,mkdir,mkdirat,mknod,mknodat,bind,umask,chmod,fchmod,fchmodat"
LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")
BUS = "unix:path=/run/edgeway/bus"
OTHERS = 0o077


class Trace:
    """The calls of a traced process that made something, each with the mode it was created with."""

    def __init__(self, path):
        self.mask, self.tight, self.made, self.opened_up = 0, set(), {}, []
        with open(path, errors="replace") as file:
            for line in file:
                match = LINE.match(line)
                if match and int(match[4]) >= 0:
                    self.take(match[2], match[3], int(match[4]))

    def take(self, call, arguments, result):
        path = re.search(r'"([^"]*)"', arguments)
        octal = re.findall(r"\b0\d{1,4}\b", arguments)
        mode = int(octal[-1], 8) if octal else None
        if call == "umask":
            self.mask = mode or 0
        elif call in ("chmod", "fchmod", "fchmodat"):
            number = re.match(r"\d+", arguments)
            if call == "fchmod" and number and not mode & OTHERS:
                self.tight.add(number[0])  # a socket's mode before it has a name
            if mode & OTHERS:
                self.opened_up.append(f"{call}({arguments})")
        elif call == "bind":
            socket = re.match(r"(\d+)<?.*sun_path=\"([^\"]+)\"", arguments)
            if socket:
                self.made[socket[2]] = 0o600 if socket[1] in self.tight else 0o777 & ~self.mask
        elif path and mode is not None and (call in ("mkdir", "mkdirat", "mknod", "mknodat", "creat") or "O_CREAT" in arguments):
            self.made[path[1]] = mode & ~self.mask


class Created(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ewcreated.")
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.folder])
        os.chmod(cls.folder, 0o711)  # where there is a user edgeway-edge, the edge becomes it
        cls.running = []
        cls.addClassCleanup(cls.end)
        cls.start("edge", EDGE, "run", "--state-dir", cls.path("edge"), "--listen", "127.0.0.1:7443", "--public", "127.0.0.1:7443", "--mesh", "home", "--name", "frankfurt")
        key = cls.wait("the first key", lambda: cls.read("edge.out").strip())
        cls.start("node", DAEMON, "--state-dir", cls.path("node"), "--interface", "ewc0")
        cls.wait("edgewayd", lambda: cls.ctl("status").returncode == 0)
        for argv, given in ((("enroll", "--key-file", "-"), key + "\n"), (("connect",), None), (("disconnect",), None), (("leave",), None)):
            result = cls.ctl(*argv, given=given)
            assert result.returncode == 0, (argv, result, cls.read("node.log"))
        cls.end()
        cls.edge, cls.node = Trace(cls.path("edge.trace")), Trace(cls.path("node.trace"))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def read(cls, name):
        with open(cls.path(name), errors="replace") as file:
            return file.read()

    @classmethod
    def start(cls, name, *argv):
        with open(cls.path(name + ".out"), "wb") as out, open(cls.path(name + ".log"), "wb") as log:
            cls.running.append(subprocess.Popen(["strace", "-f", "-qq", "-o", cls.path(name + ".trace"), "-e", "signal=none", "-e", "trace=" + CALLS, *argv], stdout=out, stderr=log, umask=0,
                                                env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent")))

    @classmethod
    def end(cls):
        """strace doesn't pass signals to the daemon, and dies of them itself: the daemon is its only child."""
        for process in reversed(cls.running):
            child = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
            if child:  # else it exited, and its log says why
                subprocess.run(["kill", *child], check=True)
            process.wait(20)
        cls.running.clear()

    @classmethod
    def ctl(cls, *argv, given=None):
        return subprocess.run([CTL, *argv, "--bus", BUS], input=given, capture_output=True, text=True, timeout=60)

    @classmethod
    def wait(cls, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{what}: not within {seconds} s\n{cls.read('edge.log')}")

    def check(self, trace, folder, *names, opened=()):
        for name in names:
            self.assertTrue([path for path in trace.made if re.search(name, path)], f"{name} is not in {sorted(trace.made)}")
        # Devices keep their modes, and /dev/null was not created here.
        wide = {path: oct(mode) for path, mode in trace.made.items() if mode & OTHERS and not path.startswith("/dev/")}
        self.assertEqual(wide, {}, "open to others when it was made")
        self.assertEqual([call for call in trace.opened_up if not any(re.fullmatch(one, call) for one in opened)], [], "opened to others later")

    def test_edge(self):
        self.check(self.edge, "edge", r"/edge$", r"wireguard\.key", r"store\.db", r"ca", r"control\.sock$")

    def test_node(self):
        self.check(self.node, "node", r"/node$", r"/lock$", r"account\.json", r"/undo$", r"^/run/edgeway/bus$", r"wireguard/ewc0\.sock$",
                   # Where every program looks names up: the folder, the socket, and the file that says which.
                   opened=(r'chmod\("/run/edgeway", 0755\)', r'chmod\("/run/edgeway/names", 0666\)', r"fchmod\(\d+, 0644\)"))


def enter():
    """Starts this file again in a network and a mount namespace of its own."""
    if os.environ.get("EDGEWAY_CREATED_TEST") != "1":
        script = (OWN_ETC + 'ip link set lo up; for f in /run/edgeway /run/wireguard; do mkdir -p $f; mount -t tmpfs -o mode=0700 tmpfs $f; done; exec "$@"')
        os.execvpe("unshare", ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script, "sh", sys.executable, "-B", *sys.argv],
                   dict(os.environ, EDGEWAY_CREATED_TEST="1"))


if __name__ == "__main__":
    enter()
    unittest.main()
