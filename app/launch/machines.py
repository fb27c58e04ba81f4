# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines made of namespaces: each has a network, a mount table and a host name of its own.

A machine lives as long as its holder process; every process started here dies with the program that started it, even when
that is killed, so that nothing is left behind: no named namespace, no file outside the run's own folder.
"""
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NSSWITCH = "/etc/nsswitch.conf"
# Shell: an /etc that whatever runs in this mount namespace may change, with a mount point's text as a file of its own. Who writes to a
# single file that is mounted over the computer's would lose it: when that is replaced outside, its mounts are removed in all namespaces. Not on
# every kernel, nor in every container: then everything stays as it was.
OWN_ETC = """{ d=$(mktemp -d) && if mount -t tmpfs -o mode=755 tmpfs $d; then mkdir $d/upper $d/work
for f in hosts hostname resolv.conf nsswitch.conf; do [ ! -e /etc/$f ] || cp -aP /etc/$f $d/upper/; done
mount -t overlay -o lowerdir=/etc,upperdir=$d/upper,workdir=$d/work overlay /etc 2>/dev/null; umount -l $d; fi; rmdir $d || true; } && """
# Of this computer's own environment: what leads nowhere in another network.
ELSEWHERE = ("dbus_system_bus_address", "http_proxy", "https_proxy", "all_proxy", "no_proxy")
RUN_MARK = "EDGEWAY_RUN"  # in the environment of everything that a run starts: its process ID


class Failure(Exception):
    """Something did not work; the text is for people."""


def dying(argv, pid=0):
    """A command that is killed when the thread that starts it ends, in the namespaces and the root folder of a process or our own. Said to a
    program, as for a function that the child calls (preexec_fn) Python has to copy all its page tables for each command."""
    enter = os.path.join(os.environ.get("EDGEWAY_BUILD", "/nonexistent"), "tests/lib/enter")
    if not pid and argv[0] == enter:
        return argv
    if os.access(enter, os.X_OK):
        return [enter, str(pid), *argv]
    # -r: its root folder too, so that a machine made in a chroot stays in it.
    inside = ["nsenter", "-t", str(pid), "-r", "-m", "-n", "-u", "--"] if pid else []
    return [shutil.which("setpriv") or "/usr/bin/setpriv", "--pdeathsig", "KILL", "--", *inside, *argv]


def wait_for(what, test, seconds, interval=0.1):
    """Calls test() until it returns something true; its value. Failure names what after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds:g} s")
        time.sleep(interval)


def end_of(path, size=600):
    """The last bytes of a log, as text."""
    with open(path, errors="replace") as file:
        return file.read()[-size:].strip()


class Machine:
    """One namespace trio. Folders named in `private` are its own (empty, in memory)."""

    PRIVATE = ("/run/edgeway", "/var/lib/edgeway", "/var/lib/edgeway-edge", "/run/wireguard", "/run/dbus", "/run/sshd")

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.processes = []
        self.log_dir = os.path.join(world.folder, name)
        os.makedirs(self.log_dir, exist_ok=True)
        # mkdir: another run's end may have taken a folder that both need.
        mounts = "".join(f"mkdir -p {p} && mount -t tmpfs -o mode=0755 tmpfs {p} && " for p in self._private())
        # Shared within the machine, as systemd makes it: what is mounted later is seen in its daemons' own namespaces, too. (In a
        # chroot / isn't a mount: then there is no sharing, nor a namespace of a daemon's own.)
        mounts += "{ mount --make-rshared / 2>/dev/null || true; } && "
        # A node's daemon writes into nsswitch.conf, which is a mount point here, as in some containers.
        mounts += OWN_ETC + f"if [ -f {NSSWITCH} ]; then cp {NSSWITCH} {self.log_dir}/ && mount --bind {self.log_dir}/nsswitch.conf {NSSWITCH}; fi && "
        script = mounts + f"hostname {name} && ip link set lo up && echo ready && exec sleep infinity"
        self.holder = subprocess.Popen(
            dying(["unshare", "--mount", "--net", "--uts", "--propagation", "private", "sh", "-c", script]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline().strip() != "ready":
            raise Failure(f"the namespaces of {name} couldn't be created: this needs root and a kernel with namespaces")
        self.pid = self.holder.pid
        # A new network has the forwarding that the computer's own has at this moment: Docker's, or that of a trial.
        for path, value in (("net/ipv4/ip_forward", "0"), ("net/ipv6/conf/all/forwarding", "0"),
                            ("net/ipv6/conf/all/accept_dad", "0"), ("net/ipv6/conf/default/accept_dad", "0")):
            self.sysctl(path, value)

    def _private(self):
        # A mount needs a folder under it: one that the host lacks is made, and removed again with the world.
        return [p for p in self.PRIVATE if os.path.isdir(p) or self.world.may_create(p)]

    def command(self, argv):
        return dying(argv, self.pid)

    def run(self, *argv, check=True, timeout=40, input=None, env=None):
        """Runs a command here to its end. Failure carries what it printed."""
        environment = dict(os.environ, **(env or {}))
        environment.pop("DBUS_SYSTEM_BUS_ADDRESS", None)
        try:
            result = subprocess.run(self.command(argv), capture_output=True, text=True, timeout=timeout, input=input,
                                    stdin=None if input is not None else subprocess.DEVNULL, env=environment)
        except subprocess.TimeoutExpired:
            if check:
                raise Failure(f"{self.name}: {' '.join(argv)}: no end after {timeout} s")
            return subprocess.CompletedProcess(argv, 124, "", "timed out")
        if check and result.returncode != 0:
            raise Failure(f"{self.name}: {' '.join(argv)} exited {result.returncode}: {(result.stderr or result.stdout).strip()[-600:]}")
        return result

    def ok(self, *argv, **options):
        return self.run(*argv, check=False, **options).returncode == 0

    def json(self, *argv, **options):
        return json.loads(self.run(*argv, **options).stdout)

    def start(self, *argv, log=None, secret_output=False):
        """Starts a process here that stays. Its output goes to a file of the run's own folder."""
        path = os.path.join(self.log_dir, (log or os.path.basename(argv[0])) + ".log")
        fd = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        out = fd
        if secret_output:
            out = os.open(path + ".out", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        environment = {name: value for name, value in os.environ.items() if name.lower() not in ELSEWHERE}
        process = subprocess.Popen(self.command(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=fd, env=environment)
        process.output_path, process.log_path = path + ".out", path
        os.close(fd)
        if out != fd:
            os.close(out)
        self.processes.append(process)
        return process

    def sysctl(self, path, value):
        self.run("sh", "-c", f"[ ! -e /proc/sys/{path} ] || echo {value} > /proc/sys/{path}")

    def ip(self, *argv):
        self.run("ip", *argv)

    def nft(self, rules):
        self.run("nft", "-f", "-", input=rules)

    def default_route(self, via):
        self.ip("route", "add", "default", "via", via)

    def mask(self, path, content, mode=0o600):
        """Makes a file have another content, on that machine alone."""
        copy = os.path.join(self.log_dir, os.path.basename(path))
        with open(os.open(copy, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, mode), "w") as file:
            file.write(content)
        self.run("mount", "--bind", copy, path)

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        end = time.monotonic() + 3
        for process in self.processes:
            try:
                process.wait(max(0.05, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
        # What others started inside (a shell, an ssh session) ends with the machine too.
        for pid in self._inside():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()

    def _inside(self):
        try:
            mine = os.readlink(f"/proc/{self.pid}/ns/net")
        except OSError:
            return []
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) not in (self.pid, os.getpid()):
                try:
                    if os.readlink(f"/proc/{entry}/ns/net") == mine:
                        found.append(int(entry))
                except OSError:
                    pass
        return found


class World:
    """All machines of one run and the folder that their logs are in."""

    def __init__(self, label):
        os.environ[RUN_MARK] = str(os.getpid())
        self.folder = tempfile.mkdtemp(prefix=f"edgeway-{label}-{os.getpid()}-", dir="/run" if os.access("/run", os.W_OK) else None)
        os.chmod(self.folder, 0o700)
        self.machines = {}
        self.kept = False  # the folder stays
        self.places = self._join_places()

    # The folders that machines mount something over are every run's: removing one would also remove the others' mounts
    # (rmdir(2) of a mount point of another namespace), and their daemons would write to the host's.
    # So each run holds a shared lock on a list of those made, and the last one removes them.

    def _join_places(self):
        path = os.path.join(os.path.dirname(self.folder), ".edgeway-places")
        while True:
            places = open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+")
            fcntl.flock(places, fcntl.LOCK_SH)
            if os.fstat(places.fileno()).st_nlink > 0:
                return places
            places.close()  # the last run removed it in the meantime

    def _leave_places(self):
        try:
            fcntl.flock(self.places, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.places.close()  # others are still there
            return
        self.places.seek(0)
        for path in reversed(self.places.read().splitlines()):
            try:
                os.rmdir(path)
            except OSError:
                pass
        os.unlink(os.path.join(os.path.dirname(self.folder), ".edgeway-places"))
        self.places.close()

    def may_create(self, path):
        try:
            os.makedirs(path, mode=0o700)
        except FileExistsError:
            return True  # another run was faster
        self.places.write(path + "\n")
        self.places.flush()
        return True

    def machine(self, name):
        self.machines[name] = machine = Machine(self, name)
        return machine

    def cable(self, a, a_name, b, b_name):
        """A veth pair between two machines, both ends up."""
        subprocess.run(["ip", "link", "add", a_name, "netns", str(a.pid), "type", "veth", "peer", "name", b_name, "netns", str(b.pid)], check=True)
        a.ip("link", "set", a_name, "up")
        b.ip("link", "set", b_name, "up")

    def close(self):
        for machine in reversed(list(self.machines.values())):
            machine.stop()
        self.machines = {}
        self._leave_places()
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def host_snapshot():
    """Everything that a run could have left on this computer, as text by topic."""
    def read(*argv):
        result = subprocess.run(argv, capture_output=True, text=True)
        return result.stdout if result.returncode == 0 else ""

    def files(path):
        try:
            return "\n".join(sorted(os.listdir(path)))
        except OSError:
            return ""  # a folder that is empty stays as long as another run needs it

    return {
        "links": "\n".join(line.split("@")[0] for line in read("ip", "-o", "link", "show").splitlines()),
        "addresses": "\n".join(sorted(" ".join(line.split()[1:4]) for line in read("ip", "-o", "addr", "show").splitlines())),
        "routes": read("ip", "route", "show", "table", "all") + read("ip", "-6", "route", "show", "table", "all"),
        "rules": read("ip", "rule") + read("ip", "-6", "rule"),
        "namespaces": read("ip", "netns"),
        "nftables": read("nft", "list", "ruleset"),
        "forwarding": read("sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.all.rp_filter",
                           "net.ipv4.conf.all.src_valid_mark"),
        "state": files("/var/lib/edgeway") + "\n" + files("/var/lib/edgeway-edge"),
        "sockets": files("/run/edgeway") + "\n" + files("/run/wireguard"),
        "folders": "\n".join(sorted(d for d in os.listdir("/run") if d.startswith("edgeway-") and f"-{os.getpid()}-" in d)),
        "processes": "\n".join(sorted(f"{name} {pid}" for name, pid in processes_of(os.getpid()))),
    }


def processes_of(run):
    """(name, process ID) of what carries the mark of that run, a process ID, in its environment, whoever started it since."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/environ", "rb") as environment, open(f"/proc/{entry}/comm") as comm:
                    if f"{RUN_MARK}={run}".encode() in environment.read().split(b"\0"):
                        yield comm.read().strip(), int(entry)
            except OSError:
                pass


def differences(before, after):
    """What of a host_snapshot() changed, a line each."""
    lines = []
    for topic, old in before.items():
        new = after[topic]
        if old != new:
            gone = [line for line in old.splitlines() if line and line not in new.splitlines()]
            come = [line for line in new.splitlines() if line and line not in old.splitlines()]
            if topic == "sockets":
                gone = []  # of other runs that have ended in the meantime: their things are never removed here
            lines += [f"{topic}: gone: {line}" for line in gone] + [f"{topic}: left behind: {line}" for line in come]
            if not gone and not come and topic != "sockets":
                lines.append(f"{topic}: order changed")
    return lines


def require_root(what):
    if os.geteuid() != 0:
        print(f"{what} makes network namespaces, which needs root. Run it with sudo.", file=sys.stderr)
        sys.exit(4)
