# SPDX-License-Identifier: GPL-3.0-or-later
"""A private SYSTEM bus with the real polkitd, in a separate mount namespace, and with separate users. Needs root.

    private_bus.enter()            first thing in a test file: starts it again inside the namespace
    with Machine() as machine:     bus, polkitd, users
        daemon = machine.daemon()  edgewayd over a tunnel without a network
        caller = machine.caller("ewno")
        caller.call("Connect")     → value, or raises Refused with the D-Bus error's name
"""
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LIB = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(LIB, "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
FAKE = os.path.join(BUILD, "tests/dbus/edgewayd-fake")
CTL = os.path.join(BUILD, "app/ctl/edgewayctl")
sys.path.insert(0, os.path.join(SOURCE, "app", "launch"))
import system_bus  # noqa: E402
from machines import OWN_ETC, dying  # noqa: E402

SOCKET = "/run/dbus/system_bus_socket"
ADDRESS = "unix:path=" + SOCKET
PEER = "unix:path=/run/edgeway/bus"
DEADLINE = 20
BROKEN = re.compile(r"Sanitizer|runtime error:|\(edgeway\S*:\d+\)|critical:|assertion .* failed", re.I)  # what no log may hold

ACTIONS = ("topology", "connect", "mode", "enroll", "administer")
# What each user may do; the rules below tell polkit.
USERS = {"ewplain": 61300, "ewyes": 61301, "ewno": 61302, "ewdesk": 61303}
USERS.update({"ew" + action: 61310 + i for i, action in enumerate(ACTIONS)})
PASSWORD = "correct horse"

RULES = """
polkit.addRule(function (action, subject) {
  if (action.id.indexOf("org.edgeway.") != 0) return polkit.Result.NOT_HANDLED;
  if (subject.user == "ewyes") return polkit.Result.YES;
  if (subject.user == "ewno") return polkit.Result.NO;
  if (/^ew(topology|connect|mode|enroll|administer)$/.test(subject.user))
    return action.id == "org.edgeway." + subject.user.substr(2) ? polkit.Result.YES : polkit.Result.NO;
  return polkit.Result.NOT_HANDLED;
});
polkit.addAdminRule(function (action, subject) { return ["unix-user:0"]; });
"""


def enter():
    if os.geteuid() != 0:
        sys.exit("needs root: a mount namespace, users and a system bus of its own")
    if os.environ.get("EDGEWAY_PRIVATE_BUS") != "1":
        # A cgroup namespace too: in a login session's scope, polkit would take every caller for the person who runs the tests.
        os.execvpe("unshare", ["unshare", "--mount", "--cgroup", "--propagation", "private", "sh", "-c", OWN_ETC + 'exec "$@"', "sh",
                               sys.executable, "-B", *sys.argv],
                   dict(os.environ, EDGEWAY_PRIVATE_BUS="1"))


def read(path):
    with open(path) as file:
        return file.read()


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_for(what, condition, seconds=DEADLINE):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


class Refused(Exception):
    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name = name.rsplit(".", 1)[-1] if name.startswith("org.edgeway.Error.") else name
        self.message = message


class Logged:
    """A process whose output is kept in a file that tests read."""

    def __init__(self, log, argv, **options):
        self.log = log
        with open(log, "a") as out:
            self.process = subprocess.Popen(dying(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)
        self.pid = self.process.pid

    def text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def count(self, needle):
        return self.text().count(needle)

    def wait_log(self, needle, times=1, seconds=DEADLINE):
        def there():
            if self.process.poll() is not None and self.count(needle) < times:
                raise AssertionError(f"ended with {self.process.returncode} before it said {needle!r}:\n{self.text()}")
            return self.count(needle) >= times
        try:
            wait_for(repr(needle), there, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text()}") from None
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE)


class Caller:
    """A program of some user on the bus, which makes the calls it is told to."""

    def __init__(self, user, address):
        uid = USERS.get(user, 0)
        with open(os.path.join(LIB, "bus_caller.py")) as file:
            argv = [sys.executable, "-B", "-c", file.read(), address]  # the clone may be in a folder that this user can't read
        if uid:
            argv = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", *argv]
        self.process = subprocess.Popen(dying(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        if not first.startswith("ready"):
            self.close()
            raise Refused("NoConnection", first.strip())
        self.name = first.split()[1]

    def send(self, method, args="()", interactive=False, interface="org.edgeway.Daemon1", silent=False):
        """silent: no answer is asked for."""
        self.process.stdin.write(json.dumps({"method": method, "args": args, "interactive": interactive, "interface": interface, "silent": silent}) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"], answer["message"])
        return answer

    def call(self, *args, **options):
        self.send(*args, **options)
        return self.answer()["value"]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    @property
    def pid(self):
        return self.process.pid


class Machine:
    def __init__(self, bus=True, polkit=True):
        self.dir = tempfile.mkdtemp(prefix="ewbus.")
        os.chmod(self.dir, 0o755)
        self.things = []
        self.number = 0
        self.bus = self.polkitd = None
        self._mounts = []
        try:
            self._prepare()
            if bus:
                self.start_bus()
            if bus and polkit:
                self.start_polkitd()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, name):
        return os.path.join(self.dir, name)

    def _mount(self, *argv):
        subprocess.run(["mount", *argv], check=True)
        self._mounts.append(argv[-1])

    def _write(self, name, text, mode=0o644):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def _prepare(self):
        hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True).stdout.strip()
        passwd = "".join(f"{name}:x:{uid}:{uid}::/tmp:/bin/sh\n" for name, uid in USERS.items())
        group = "".join(f"{name}:x:{uid}:\n" for name, uid in USERS.items())
        shadow = re.sub(r"^root:[^:]*:", lambda _: f"root:{hashed}:", read("/etc/shadow"), flags=re.M)
        for name, text, mode in (("passwd", read("/etc/passwd") + passwd, 0o644), ("group", read("/etc/group") + group, 0o644), ("shadow", shadow, 0o600)):
            self._mount("--bind", self._write(name, text, mode), "/etc/" + name)
        for name in ("rules", "actions"):
            os.mkdir(self.path(name))
        self._write("rules/10-edgeway.rules", RULES)
        shutil.chown(self.path("rules"), "polkitd")
        for policy in glob.glob("/usr/share/polkit-1/actions/org.freedesktop.policykit.policy") + [SOURCE + "/data/polkit/org.edgeway.policy"]:
            shutil.copy(policy, self.path("actions"))
        self._mount("--bind", self.path("rules"), "/etc/polkit-1/rules.d")
        self._mount("--bind", self.path("actions"), "/usr/share/polkit-1/actions")
        for folder, mode in (("/run/dbus", "755"), ("/run/edgeway", "700"), ("/run/systemd", "755")):
            os.makedirs(folder, exist_ok=True)
            self._mount("-t", "tmpfs", "-o", "mode=" + mode, "none", folder)
        self._sit_down(USERS["ewdesk"])
        # Users other than root may not reach the build folder.
        self.ctl = shutil.copy(CTL, self.path("edgewayctl"))
        os.chmod(self.ctl, 0o755)
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = ADDRESS

    def _sit_down(self, uid):
        """What logind leaves in /run/systemd about a person at this computer's screen: polkit reads it there."""
        for folder in ("users", "sessions", "seats", "machines"):
            os.makedirs("/run/systemd/" + folder)
        with open(f"/run/systemd/users/{uid}", "w") as file:
            file.write(f"NAME=ewdesk\nSTATE=active\nRUNTIME=/run/user/{uid}\nDISPLAY=c1\nSESSIONS=c1\nACTIVE_SESSIONS=c1\nONLINE_SESSIONS=c1\nSEATS=seat0\nACTIVE_SEATS=seat0\n")
        with open("/run/systemd/sessions/c1", "w") as file:
            file.write(f"UID={uid}\nUSER=ewdesk\nACTIVE=1\nIS_DISPLAY=1\nSTATE=active\nREMOTE=0\nTYPE=x11\nCLASS=user\nSEAT=seat0\nDISPLAY=:0\nVTNR=7\n")
        with open("/run/systemd/seats/seat0", "w") as file:
            file.write(f"IS_SEAT0=1\nACTIVE=c1\nACTIVE_UID={uid}\nSESSIONS=c1\nUIDS={uid}\n")

    # Processes.

    def start(self, name, argv, **options):
        self.number += 1
        thing = Logged(self.path(f"{name}.{self.number}.log"), argv, **options)
        self.things.append(thing)
        return thing

    def start_bus(self, policy=True, address=ADDRESS):
        policies = [f"{SOURCE}/data/dbus/org.edgeway.Daemon1.conf"] if policy else []
        config = self._write(f"bus.{self.number}.conf", system_bus.config([address], policies))
        bus = self.start("bus", ["dbus-daemon", "--config-file=" + config, "--nofork", "--nopidfile"])
        wait_for("the bus", lambda: os.path.exists(address.split("=", 1)[1]))
        if address == ADDRESS:
            self.bus = bus
        return bus

    def start_polkitd(self):
        self.polkitd = self.start("polkitd", ["/usr/lib/polkit-1/polkitd", "--no-debug"])
        asker = Caller("root", ADDRESS)
        wait_for("polkitd", lambda: "true" in asker.call("NameHasOwner", "('org.freedesktop.PolicyKit1',)", interface="org.freedesktop.DBus"))
        asker.close()

    def stop_polkitd(self):
        self.polkitd.stop()

    def daemon(self, *argv, state=None, env=None, ready="fake: start", prefix=()):
        state = state or self.path(f"state.{self.number}")
        daemon = self.start("edgewayd", [*prefix, FAKE, "--state-dir", state, *argv], env=dict(os.environ, EDGEWAY_DEBUG="1", **(env or {})))
        daemon.state = state
        if ready:
            daemon.wait_log(ready)
        return daemon

    def caller(self, user="root", address=ADDRESS):
        caller = Caller(user, address)
        self.things.append(caller)
        if user == "ewdesk":
            # Which session a process is in, libsystemd reads from its cgroup.
            scope = f"/user.slice/user-{USERS[user]}.slice/session-c1.scope"
            self._mount("--bind", self._write(f"cgroup.{caller.pid}", f"1:name=systemd:{scope}\n0::{scope}\n"), f"/proc/{caller.pid}/cgroup")
        return caller

    def agent(self, caller, what):
        """A password prompt for a caller: "allow", "dismiss" or "wait"."""
        return self.start("agent", [sys.executable, "-B", os.path.join(LIB, "polkit_agent.py"), str(caller.pid), what]).wait_log("registered")

    def logind(self, what):
        return self.start("logind", [sys.executable, "-B", os.path.join(LIB, "fake_logind.py"), what]).wait_log("ready")

    def run_ctl(self, *argv, user="root", env=None, **options):
        command = [self.ctl, *argv]
        if user != "root":
            command = ["setpriv", "--reuid", str(USERS[user]), "--regid", str(USERS[user]), "--clear-groups", *command]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SSH_")}
        environment.update({"LC_ALL": "C.UTF-8", **(env or {})})
        options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
        if "input" in options:
            options.pop("stdin")
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, **options)

    def close(self):
        for thing in reversed(self.things):
            if isinstance(thing, Caller):
                thing.close()
            elif thing.process.poll() is None:
                thing.process.kill()
                thing.process.wait()
        broken = [thing.text() for thing in self.things if isinstance(thing, Logged) and BROKEN.search(thing.text())]
        for target in reversed(self._mounts):
            subprocess.run(["umount", "-l", target], check=False, stderr=subprocess.DEVNULL)  # a process may have ended
        shutil.rmtree(self.dir, ignore_errors=True)
        if broken:
            raise AssertionError("a program is broken:\n" + "\n".join(broken))
