# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole Debian machines out of namespaces, with systemd as PID 1 or without, on the root file systems that tests/clean keeps.

What a machine writes stays in memory. It ends with the test that made it, even if that is killed.
"""
import os
import subprocess
import tempfile

import machines

CGROUPS = "/sys/fs/cgroup" if os.path.exists("/sys/fs/cgroup/cgroup.procs") else "/sys/fs/cgroup/unified"


def can_boot():
    """Whether systemd can have a folder of the unified hierarchy here."""
    return os.geteuid() == 0 and os.access(os.path.join(CGROUPS, "cgroup.procs"), os.W_OK)


def prepare_root(source, what, packages):
    """The root file system with those packages, in overlayfs's syntax: made at the first call, then kept."""
    script = """. app/launch/common.sh; . tests/clean/roots.sh; what=$1; shift
        prepare_layer none "$what" "$@" >&2 && printf '%s' "$folder/$layer_name:$folder/$(root_name none)" """
    result = subprocess.run(["bash", "-c", script, "bash", what, *packages], cwd=source, stdout=subprocess.PIPE, text=True, check=True,
                            stdin=subprocess.DEVNULL, timeout=900)
    return result.stdout


class Booted:
    """One machine. packages: a folder that it sees as /packages. kept: as of tests/packages/boot. early(machine) is called while it boots."""

    def __init__(self, source, root, name, packages, init="systemd", kept="", early=None):
        self.name, self.cgroup = name, None
        argv = ["unshare", "--pid", "--mount", "--net", "--uts", "--ipc", "--fork", "--kill-child",
                os.path.join(source, "tests/packages/boot"), root, name, packages, init, kept]
        if init == "systemd":
            self.cgroup = tempfile.mkdtemp(prefix="edgeway-packages.", dir=CGROUPS)
            os.chmod(self.cgroup, 0o755)  # its services as other users need to pass
            argv = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.cgroup, argv[0], "--cgroup", *argv[1:]]
        self.holder = subprocess.Popen(machines.dying(argv), stdin=subprocess.DEVNULL)
        self.pid = machines.wait_for(f"{name}'s PID 1", self._first_process, 20)
        if early:
            early(self)
        machines.wait_for(f"{name}'s boot", self._is_up, 60)

    def _first_process(self):
        if self.holder.poll() is not None:
            raise machines.Failure(f"{self.name} didn't start")
        try:
            with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children") as file:
                pid = int(file.read().split()[0])
            with open(f"/proc/{pid}/comm") as file:
                return pid if file.read().strip() in ("systemd", "bash") else None
        except (OSError, IndexError):
            return None

    def _is_up(self):
        return not self.cgroup or self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def command(self, argv):
        return ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "--root", "--wdns=/", "--", "env", "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *argv]

    def run(self, *argv, check=True, timeout=120, input=None):
        """A command in the machine, to its end. stdout and stderr come as one text."""
        result = subprocess.run(machines.dying(self.command(argv)), input=input, stdin=None if input is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=timeout)
        if check and result.returncode != 0:
            raise machines.Failure(f"{self.name}: {' '.join(argv)} exited {result.returncode}: {result.stdout.strip()[-1500:]}")
        return result

    def text(self, script, **options):
        return self.run("sh", "-c", script, **options).stdout

    def start(self, *argv):
        """A process in the machine, with pipes."""
        return subprocess.Popen(machines.dying(self.command(argv)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def in_network(self, *argv):
        """A program of this computer in the machine's network, with pipes."""
        return subprocess.Popen(machines.dying(["nsenter", "-t", str(self.pid), "-n", "--", *argv]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def write(self, path, text, mode="644"):
        self.run("sh", "-c", 'mkdir -p "${1%/*}" && cat >"$1" && chmod "$2" "$1"', "sh", path, mode, input=text)

    def close(self):
        self.holder.kill()
        self.holder.wait()
        if self.cgroup:
            machines.wait_for(f"{self.name}'s end", self._remove_cgroup, 20)

    def _remove_cgroup(self):
        for folder, _, _ in os.walk(self.cgroup, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                return False
        return True


def cable(a, a_name, b, b_name, up=True):
    """A veth pair between two machines, a's end up, b's as said."""
    subprocess.run(["ip", "link", "add", a_name, "netns", str(a.pid), "type", "veth", "peer", "name", b_name, "netns", str(b.pid)], check=True)
    for machine, name in ((a, a_name), (b, b_name))[:2 if up else 1]:
        machine.run("ip", "link", "set", name, "up")
