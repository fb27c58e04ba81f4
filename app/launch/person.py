# SPDX-License-Identifier: GPL-3.0-or-later
"""The person for whom the app opens when root runs app/run: the person who called sudo (or pkexec, doas), in that person's own session. The app and
the tray never run as root."""
import glob
import os
import pwd
import shutil
import subprocess


# The variables of a session's environment that a desktop program needs.
KEPT = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "XDG_DATA_DIRS", "XDG_CONFIG_DIRS",
        "DBUS_SESSION_BUS_ADDRESS", "LANG", "LANGUAGE", "PATH")
KEPT_PREFIXES = ("LC_", "GTK_", "GDK_", "GSK_", "QT_ACCESSIBILITY")


def _caller():
    for name in ("SUDO_UID", "PKEXEC_UID"):
        if os.environ.get(name, "0").isdigit() and int(os.environ.get(name, "0")) != 0:
            return int(os.environ[name])
    user = os.environ.get("DOAS_USER")
    try:
        return pwd.getpwnam(user).pw_uid if user else 0
    except KeyError:
        return 0


def _parents():
    pid = os.getppid()
    while pid > 1:
        yield pid
        try:
            with open(f"/proc/{pid}/stat") as file:
                pid = int(file.read().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            return


def _environment_of(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            pairs = (entry.partition(b"=") for entry in file.read().split(b"\0"))
            return {os.fsdecode(k): os.fsdecode(v) for k, _, v in pairs if k}
    except OSError:
        return {}


class Person:
    """uid, gid, name, and the session's environment."""

    def __init__(self, entry, environment):
        self.uid, self.gid, self.name = entry.pw_uid, entry.pw_gid, entry.pw_name
        self.environment = {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name, **environment}

    def open(self, argv, log):
        """Starts a program of the person's session, which ends with this process. log: a file of this process's user."""
        if "DBUS_SESSION_BUS_ADDRESS" not in self.environment and shutil.which("dbus-run-session"):
            argv = ["dbus-run-session", "--", *argv]
        # Root's own setpriv: Popen looks a name up in the PATH of the environment that it hands on, which is the person's. Another
        # user's process loses its parent's signal, so setpriv asks for it again.
        setpriv = shutil.which("setpriv") or "/usr/bin/setpriv"
        as_person = [setpriv, "--reuid", str(self.uid), "--regid", str(self.gid), "--init-groups", "--pdeathsig", "KILL", "--", *argv]
        with open(os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a") as out:
            return subprocess.Popen(as_person, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", env=self.environment)


def find():
    """(Person, None), or (None, why the app is not opened): a sentence for people."""
    uid = _caller()
    if uid == 0:
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            return None, "The app never runs as root. Run app/run as yourself; it asks sudo."
        return None, None
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None, f"The app isn't opened: no user has the ID {uid}."
    environment = {}
    # sudo passes on few variables: the session's own are those of the shell that called it.
    for pid in _parents():
        try:
            if os.stat(f"/proc/{pid}").st_uid != uid:
                continue
        except OSError:
            continue
        theirs = _environment_of(pid)
        environment = {k: v for k, v in theirs.items() if k in KEPT or k.startswith(KEPT_PREFIXES)}
        break
    runtime = environment.setdefault("XDG_RUNTIME_DIR", f"/run/user/{uid}")
    if not os.path.isdir(runtime):
        del environment["XDG_RUNTIME_DIR"]
    elif os.path.exists(os.path.join(runtime, "bus")):
        environment.setdefault("DBUS_SESSION_BUS_ADDRESS", f"unix:path={runtime}/bus")
    environment.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        # On a server the text map is used. Started from a launcher, without a shell in between, the screen is unknown.
        screens = [*glob.glob("/tmp/.X11-unix/X*"), *glob.glob(f"/run/user/{uid}/wayland-?")]
        return None, ("The app isn't opened, because neither DISPLAY nor WAYLAND_DISPLAY says which screen to use. Run app/run in a terminal on the desktop."
                      if screens else None)
    return Person(entry, environment), None
