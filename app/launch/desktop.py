# SPDX-License-Identifier: GPL-3.0-or-later
"""A desktop without a screen: a display, a session bus and an accessibility bus, all of an unprivileged user; programs are started in
it, read and operated as a screen reader does.

    with Desktop(folder, uid=61300) as desktop:
        app = desktop.start(["edgeway"])
        desktop.press("push button", "Connect")
        desktop.picture("/tmp/x.png")
"""
import glob
import json
import os
import re
import select
import shutil
import signal
import subprocess
import time

from machines import Failure, dying, wait_for

LAUNCH = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
# What Edgeway's programs must not print: warnings in GLib's log, and the sanitizers' reports.
COMPLAINT = re.compile(r"(WARNING|CRITICAL|ERROR) \*\*|-(WARNING|CRITICAL|ERROR)|Sanitizer|runtime error:|segmentation", re.I)
SETTINGS = "[Settings]\ngtk-font-name=Cantarell 11\ngtk-icon-theme-name=Adwaita\ngtk-enable-animations=%s\n"
PATIENCE = 20  # seconds that something on the screen may take
FOCUS = 5  # seconds until a window manager has focused the next window
WINDOWS = ["frame", "dialog", "alert"]
MAIN = "Edgeway"  # what the main window's title begins with


def add_person(folder, name, uid, wrap=None):
    """Lets a mount namespace (wrap's, or our own when it is private) know one more user, and gives X servers a place for
    their sockets. The host's own files stay as they are."""
    wrap = wrap or (lambda argv: argv)
    for path, line in (("/etc/passwd", f"{name}:x:{uid}:{uid}::{folder}:/bin/sh\n"), ("/etc/group", f"{name}:x:{uid}:\n")):
        copy = os.path.join(folder, os.path.basename(path))
        with open(path) as old, open(copy, "w") as new:
            new.write(old.read() + line)
        os.chmod(copy, 0o644)
        subprocess.run(dying(wrap(["mount", "--bind", copy, path])), check=True)
    script = "mkdir -p /tmp/.X11-unix && mount -t tmpfs -o mode=1777 none /tmp/.X11-unix"
    subprocess.run(dying(wrap(["sh", "-c", script])), check=True)


class Desktop:
    """uid must have a name: add_person(). kind: "x11" (Xvfb) or "wayland" (sway, headless). wrap: argv → argv, where it is to run elsewhere (a machine's namespaces)."""

    def __init__(self, folder, uid=0, gid=None, kind="x11", size=(1280, 900), animations=True, wrap=None, environment=None):
        self.folder, self.uid, self.gid, self.kind, self.size = folder, uid, gid if gid is not None else uid, kind, size
        self.wrap = wrap or (lambda argv: argv)
        self.processes, self.logs, self.onlooker_process = [], [], None
        self.notifier = None
        self.environment = {k: v for k, v in os.environ.items()
                            if not k.startswith(("SSH_", "SUDO_", "XDG_", "DBUS_", "GTK_", "LC_", "LANG")) and k not in ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "GTK_A11Y")}
        self._folders("true" if animations else "false")
        self.environment.update({
            "HOME": self.path("home"), "XDG_RUNTIME_DIR": self.path("run"), "XDG_CONFIG_HOME": self.path("home/.config"),
            "XDG_CACHE_HOME": self.path("home/.cache"), "XDG_DATA_HOME": self.path("home/.local/share"), "LC_ALL": "C.UTF-8",
            "GSK_RENDERER": "cairo", "GDK_BACKEND": kind, "GIO_USE_VFS": "local", "GSETTINGS_BACKEND": "keyfile", "NO_AT_BRIDGE": "0",
            # A warning is a bug: the program that says one ends there.
            "G_DEBUG": "fatal-warnings", **(environment or {})})
        try:
            self._start_display()
            self._start_bus()
        except BaseException:
            self.close()
            raise

    def path(self, name):
        return os.path.join(self.folder, name)

    def _folders(self, animations):
        for name, mode in (("", 0o755), ("home", 0o700), ("home/.config", 0o700), ("home/.config/gtk-4.0", 0o700), ("home/.config/gtk-3.0", 0o700),
                           ("home/.cache", 0o700), ("home/.local", 0o700), ("home/.local/share", 0o700), ("run", 0o700)):
            path = self.path(name)
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode)
            os.chown(path, self.uid, self.gid)
        for version in ("3.0", "4.0"):
            with open(self.path(f"home/.config/gtk-{version}/settings.ini"), "w") as file:
                file.write(SETTINGS % animations)

    def command(self, argv):
        if self.uid and os.geteuid() == 0:
            argv = ["setpriv", "--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups", "--", *argv]
        return self.wrap(argv)

    def _popen(self, argv, log, environment=None, **options):
        path = self.path(log + ".log")
        with open(path, "a") as out:
            options.setdefault("stdout", out)
            process = subprocess.Popen(dying(self.command(argv)), stdin=options.pop("stdin", subprocess.DEVNULL), stderr=out,
                                       env={**self.environment, **(environment or {})}, **options)
        process.log_path = path
        self.processes.append(process)
        return process

    def _start_display(self):
        if self.kind == "x11":
            read, write = os.pipe()
            os.set_inheritable(write, True)
            width, height = self.size
            server = self._popen(["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset"],
                                 "display", pass_fds=(write,), stdout=subprocess.DEVNULL)
            os.close(write)
            number = self._line(read, server, "Xvfb")
            os.close(read)
            self.environment["DISPLAY"] = ":" + number
            # A window manager gives the keyboard focus to the window in front.
            self._popen(["openbox", "--sm-disable"], "window-manager")
            wait_for("the window manager", lambda: "window id" in self.run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK", check=False).stdout, 20)
            return
        self._start_sway()

    def _start_sway(self):
        config, run = self.path("sway.config"), self.path("run")
        with open(config, "w") as file:
            file.write("output HEADLESS-1 resolution %dx%d\nxwayland disable\ndefault_border none\nfor_window [app_id=.*] floating disable\n" % self.size)
        server = self._popen(["sway", "-c", config], "display", {"G_DEBUG": "", "WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1",
                                                                 "WLR_RENDERER": "pixman", "LIBSEAT_BACKEND": "noop"})
        self.environment.pop("DISPLAY", None)
        self.environment["WAYLAND_DISPLAY"] = wait_for("sway's socket", lambda: self._alive(server, "sway") and next(
            (name for name in os.listdir(run) if re.fullmatch(r"wayland-\d+", name)), None), PATIENCE)
        # Without a keyboard no window would ever have the focus: add a virtual one, with a key that does nothing.
        self._popen(["wtype", "-s", "3600000", "-M", "shift"], "keyboard", {"G_DEBUG": ""})

    @staticmethod
    def _alive(process, what):
        if process.poll() is not None:
            with open(process.log_path, errors="replace") as log:
                raise Failure(f"{what} ended with {process.returncode}: {log.read()[-800:].strip()}")
        return True

    def _line(self, fd, process, what):
        text, end = b"", time.monotonic() + 20
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([fd], [], [], 0.2)
            if ready:
                text += os.read(fd, 4096) or b"\n"
            elif process.poll() is not None or time.monotonic() > end:
                self._alive(process, what)
                raise Failure(f"{what} said nothing")
        self._alive(process, what)
        return text.decode().strip()

    def _bus_config(self):
        """An ordinary session bus, except that it doesn't start what is installed of Edgeway on this computer."""
        services = self.path("services")
        os.makedirs(services, exist_ok=True)
        for path in glob.glob("/usr/share/dbus-1/services/*.service"):
            if "edgeway" not in os.path.basename(path).lower():
                os.symlink(path, os.path.join(services, os.path.basename(path)))
        config = self.path("bus.conf")
        with open(config, "w") as file:
            file.write(f"""<busconfig><type>session</type><keep_umask/><listen>unix:path={self.path("run/bus")}</listen><auth>EXTERNAL</auth>
                <servicedir>{services}</servicedir><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
                <allow own="*"/></policy></busconfig>""")
        return config

    def _start_bus(self):
        read, write = os.pipe()
        bus = self._popen(["dbus-daemon", "--config-file=" + self._bus_config(), "--nofork", "--nopidfile", f"--print-address={write}"], "bus", pass_fds=(write,))
        os.close(write)
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self._line(read, bus, "dbus-daemon")
        os.close(read)
        self.notify_as()

    def notify_as(self, markup=True):
        """Starts a notification server, in place of the running one. markup: it says that it shows markup, as most do."""
        if self.notifier:
            self.notifier.terminate()
            self.notifier.wait()
        options = [] if markup else ["--plain"]
        log = self.path("notifications.log")
        before = os.path.getsize(log) if os.path.exists(log) else 0
        self.notifier = self._popen([PYTHON, "-B", self.bring(os.path.join(LAUNCH, "notifications.py")), *options], "notifications", {"G_DEBUG": ""})
        wait_for("the session's notifications", lambda: self._alive(self.notifier, "notifications.py") and os.path.getsize(self.notifier.log_path) > before, 20)

    def notifications(self):
        """The notifications shown so far: {"app", "title", "body", "actions", "number", "withdrawn"} each."""
        with open(self.path("notifications.log"), errors="replace") as log:
            lines = [json.loads(line) for line in log if line.startswith("{")]
        return [{**note, "withdrawn": any(later.get("closed") == note["number"] for later in lines[place:])} for place, note in enumerate(lines) if "title" in note]

    # Programs.

    def bring(self, path):
        """A copy of a file where the session's user can read it: a clone may be in a folder that other users can't enter."""
        copy = self.path(os.path.basename(path))
        shutil.copyfile(path, copy + ".new")
        os.chmod(copy + ".new", os.stat(path).st_mode & 0o111 | 0o444)
        os.replace(copy + ".new", copy)
        return copy

    def start(self, argv, log=None, environment=None):
        return self._popen(argv, log or os.path.basename(argv[0]), environment)

    def run(self, *argv, check=True, timeout=30, input=None):
        result = subprocess.run(dying(self.command(argv)), capture_output=True, text=True, timeout=timeout, env=self.environment, input=input,
                                stdin=None if input is not None else subprocess.DEVNULL)
        if check and result.returncode:
            raise Failure(f"{' '.join(argv)} exited {result.returncode}: {(result.stderr or result.stdout).strip()[-600:]}")
        return result

    # Looking, as a screen reader.

    def ask(self, do, **request):
        if self.onlooker_process is None or self.onlooker_process.poll() is not None:
            self.onlooker_process = self._popen([PYTHON, "-B", self.bring(os.path.join(LAUNCH, "onlooker.py"))], "onlooker", {"G_DEBUG": "", "PYTHONFAULTHANDLER": "1"},
                                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
            self._answer()
        self.onlooker_process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self.onlooker_process.stdin.flush()
        return self._answer()

    def _answer(self, seconds=60):
        ready, _, _ = select.select([self.onlooker_process.stdout], [], [], seconds)
        line = self.onlooker_process.stdout.readline() if ready else ""
        if not line:
            self.onlooker_process.kill()
            with open(self.path("onlooker.log"), errors="replace") as log:
                self.onlooker_process.wait()
                raise Failure(f"the accessibility bus doesn't answer ({self.onlooker_process.returncode}): {log.read()[-800:].strip()}")
        answer = json.loads(line)
        if "error" in answer:
            raise LookupError(answer["error"])
        return answer

    def find_all(self, role=None, name=None, app="edgeway", **more):
        """Every node on the screen with that role whose name has that part. more: exactly, showing, within, limit."""
        try:
            return self.ask("find", app=app, role=role, name=name, **more)["found"]
        except LookupError:
            return []

    def find(self, role=None, name=None, state=None, without=None, seconds=PATIENCE, **more):
        """The first of find_all(), waited for. state, without: a state that it has, or has not."""
        def there():
            return next((n for n in self.find_all(role, name, **more) if (state is None or state in n["states"]) and (without is None or without not in n["states"])), None)
        try:
            return wait_for(f"{role or 'anything'} “{name or more.get('exactly', '')}”{' ' + state if state else ''}{' not ' + without if without else ''} on the screen", there, seconds, 0.2)
        except Failure as failure:
            raise Failure(f"{failure}. There is:\n{self.outline(more.get('app', 'edgeway'))}") from None

    def dialog(self, words, seconds=PATIENCE):
        """The window with a label that has these words in it, never the main window: it may say the same. The innermost one, as dialogs of newer
        versions of libadwaita are inside their window; an alert without a button is part of a page."""
        def is_it(window):
            if window["role"] == "frame" and window["name"].startswith(MAIN):
                return False
            return bool(self.find_all("label", words, within=window["ref"], limit=1) and self.find_all("push button", within=window["ref"], limit=1))

        def there():
            return next(filter(is_it, sorted(reversed(self.find_all(WINDOWS)), key=lambda window: -window["depth"])), None)
        try:
            return wait_for(f"a dialog “{words}”", there, seconds, 0.3)
        except Failure as failure:
            raise Failure(f"{failure}. There is:\n{self.outline()}") from None

    def gone(self, role=None, name=None, seconds=PATIENCE, **more):
        wait_for(f"{role} “{name}” leaves the screen", lambda: not self.find_all(role, name, limit=1, **more), seconds, 0.2)

    def act(self, node, action=None):
        answer = self.ask("act", ref=node["ref"], action=action)
        if not answer["done"]:
            raise Failure(f"{node['role']} “{node['name']}” doesn't do {action or 'anything'}: {answer.get('why', '')}")

    def press(self, role, name=None, seconds=PATIENCE, action=None, **more):
        end = time.monotonic() + seconds
        while True:
            node = self.find(role, name, state="SENSITIVE", seconds=seconds, **more)
            if not node["actions"]:
                # What opens a menu has its button, with the same name, within it; GTK 4.18 says of both that they are some pixels elsewhere.
                inner = self.find_all(role, exactly=node["name"], within=node["ref"])
                node = next((n for n in inner if n["actions"]), node)
            try:
                if node["actions"] or action:
                    self.act(node, action)
                else:
                    # A check button has no action of its own and can't be focused this way: click it. GTK 4.18 says of what lies
                    # within paddings that it is some of them further to the upper left.
                    self.click(node, 0.9)
                break
            except LookupError:  # its page was rebuilt in the meantime
                if time.monotonic() > end:
                    raise
        return node

    def click(self, node, part=0.5):
        """With the pointer, at that part of its width and height, once the widget no longer moves (a new message beside it moves it); the active
        window's upper left corner is known to the X server alone."""
        place, end = None, time.monotonic() + PATIENCE
        while (now := self.ask("where", ref=node["ref"])) != place and time.monotonic() < end:
            place = now
            time.sleep(0.2)
        window = self.run("xdotool", "getactivewindow").stdout.strip()
        self.run("xdotool", "mousemove", "--window", window, str(place["x"] + int(place["width"] * part)), str(place["y"] + int(place["height"] * part)), "click", "1")

    def type(self, role, name, text, **more):
        node = self.find(role, name, **more)
        if not self.ask("type", ref=node["ref"], text=text)["done"]:
            raise Failure(f"nothing can be typed into {role} “{name}”")
        return node

    def tree(self, app="edgeway", showing=True):
        return self.ask("tree", app=app, showing=showing)["found"]

    def outline(self, app="edgeway"):
        try:
            return "\n".join("  " * min(n["depth"], 20) + f"{n['role']} “{n['name']}” {(n['text'] or '')[:60]!r} {','.join(n['states'])}" for n in self.tree(app))
        except (Failure, LookupError) as error:
            return f"(nothing: {error})"

    # Keys, the pointer, pictures. The pointer and pictures: where there is an X server.

    def keys(self, *names):
        """As xdotool calls them: "Return", "ctrl+n"."""
        if self.kind != "x11":
            for name in names:
                *modifiers, key = name.split("+")
                self.run("wtype", *(word for m in modifiers for word in ("-M", m)), "-k", key, *(word for m in modifiers for word in ("-m", m)))
            return
        self.wait_for_focus()
        self.run("xdotool", "key", "--clearmodifiers", *names)

    def wait_for_focus(self):
        """Until the window manager has given the keyboard to the window in front: a key that is pressed after a window has closed
        and before that goes nowhere. A screen on which no window is in front is left as it is."""
        def settled():
            active, focus = (self.run("xdotool", ask, check=False).stdout.strip() for ask in ("getactivewindow", "getwindowfocus"))
            return active and active == focus
        try:
            wait_for("the keyboard's focus", settled, FOCUS, 0.05)
        except Failure:
            pass

    def window(self, name="Edgeway", seconds=PATIENCE):
        return wait_for(f"a window {name}", lambda: self.run("xdotool", "search", "--onlyvisible", "--class", name, check=False).stdout.split(), seconds)[-1]

    def resize(self, width, height, name="edgeway"):
        """The window at the upper left corner, of that size, in front."""
        window = self.window(name)
        self.run("xdotool", "windowactivate", "--sync", window, "windowmove", window, "0", "0", "windowsize", window, str(width), str(height))

    def picture(self, path):
        """The whole screen as PNG; the file belongs to root, not to the session's user."""
        inside = self.path("run/picture.png")
        self.run("import", "-window", "root", inside)
        shutil.copyfile(inside, path)

    # The end.

    def complaints(self):
        """What Edgeway's programs printed but must not print, by log."""
        said = []
        for path in sorted(glob.glob(self.path("edgeway*.log"))):
            with open(path, errors="replace") as log:
                said += [f"{os.path.basename(path)}: {line.strip()}" for line in log if COMPLAINT.search(line)]
        return said

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(3)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
