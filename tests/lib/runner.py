#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the stages of tests/run and counts. A stage (stages.py) is a function that returns (passed, failed, skipped).

Most of the time goes by waiting: for a tunnel, a timeout, a screen. So stages run side by side,

    processors  what uses all processors, one at a time: the sanitizers' build and its tests (unit, sim, fuzz, api), style, ThreadSanitizer's, floods
    machines    data, dbus, netns and packages: one more at a time than there are cores
    screens     ui: two at a time, which share a core's worth of drawing

so in three lanes. Compilers run with nice(1): machines and screens have priority. The demo runs last and alone: it looks for what is
left behind on this computer. A stage's output is printed as a whole, at its end. No stage may touch the computer's own files of names: "files".
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
import second_compiler  # noqa: E402
from counts import add, count_meson, count_unittest, skips_in  # noqa: E402
from machines import Machine, World  # noqa: E402
from stages import choose, find_stages, names_of  # noqa: E402

_said = threading.local()  # the lines of the stage that this thread runs


def say(text, end="\n"):
    if getattr(_said, "lines", None) is not None:
        _said.lines.append(text + end)
    else:
        print(text, end=end, flush=True)


def run(argv, log, timeout, env=None):
    """Exit status and output of a command, which is also kept in a file. 124 where it ran too long. What it used of processors counts for the
    stage of this thread."""
    with open(log, "w") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                   env=dict(os.environ, LC_ALL="C.UTF-8", **(env or {})))
        alarm = threading.Timer(timeout, os.killpg, (process.pid, 9))
        alarm.start()
        _, status, usage = os.wait4(process.pid, 0)
        late = not alarm.is_alive()
        alarm.cancel()
        process.returncode = 124 if late else os.waitstatus_to_exitcode(status)
    if getattr(_said, "lines", None) is not None:
        _said.cpu += usage.ru_utime + usage.ru_stime
    with open(log, errors="replace") as text:
        return process.returncode, text.read()


def tail(text, lines=40):
    say("\n".join("    " + line for line in text.splitlines()[-lines:]))


class Stages:
    def __init__(self, options):
        self.o = options
        self.logs = os.path.join(options.plain, "test-logs")
        self.sanitized_build = os.path.join(options.top, second_compiler.FOLDER)

    def log(self, name):
        os.makedirs(self.logs, exist_ok=True)
        return os.path.join(self.logs, name + ".log")

    def style(self):
        """What tests/lib/style.py checks, each check one."""
        status, text = run([sys.executable, "-B", os.path.join(self.o.top, "tests/lib/style.py")], self.log("style"), 1200)
        if status:
            tail(text, 60)
        good = text.count("\n✓ ") + text.startswith("✓ ")
        bad = text.count("\n✗ ") + text.startswith("✗ ")
        return good, max(bad, int(bool(status))), 0

    def build(self, folder, options, *targets):
        """Configures and compiles a tree as the clone's owner; whether that worked. The machines of other stages go first."""
        name = os.path.basename(folder)
        script = '. "$0" && configure "$1" "${@:2}"'
        for argv in (["bash", "-c", script, os.path.join(self.o.top, "app/launch/common.sh"), folder, "-Dwerror=true", "-Dapp=enabled", "-Dtray=enabled",
                      "-Db_lundef=false", *options],
                     ["nice", "bash", "-c", '. "$0" && as_owner ninja -C "$@"', os.path.join(self.o.top, "app/launch/common.sh"), folder, *targets]):
            started = time.monotonic()
            status, text = run(argv, self.log(name), 1200)
            if status:
                tail(text)
                return False
        say(f"    {name} compiled in {time.monotonic() - started:.0f} s")
        return True

    def locales(self):
        """A folder with a language that writes a decimal comma; what this computer has installed does not matter."""
        folder = os.path.join(self.sanitized_build, "test-locales")
        os.makedirs(folder, exist_ok=True)
        run(["localedef", "-i", "de_DE", "-f", "UTF-8", os.path.join(folder, "de_DE.UTF-8")], self.log("locales"), 120)
        return folder

    def with_tun(self):
        """What a command begins with so that it finds /dev/net/tun open to everybody, as systemd and udev make it: where it isn't, a device made
        here replaces it for that command only."""
        try:
            device = os.stat("/dev/net/tun")
        except OSError:
            return []
        if device.st_mode & 0o666 == 0o666 or os.geteuid() != 0:
            return []
        node = os.path.join(self.o.plain, "test-tun")
        if not os.path.exists(node):
            os.mknod(node, stat.S_IFCHR | 0o600, device.st_rdev)
            os.chmod(node, 0o666)
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", 'mount --bind "$0" /dev/net/tun && exec "$@"', node]

    def sanitized(self, suites, *names):
        """Unit, simulation, API and replay tests under AddressSanitizer and UndefinedBehaviorSanitizer: one run for all suites that are wanted, so
        that they run side by side. Or the tests of these names alone."""
        started, log = time.monotonic(), self.log(second_compiler.FOLDER)
        if not second_compiler.compile_tree(self.o.top, log):
            with open(log, encoding="utf-8", errors="replace") as file:
                tail(file.read())
            return {suites[0]: (0, 1, 0)}
        say(f"    {second_compiler.FOLDER} compiled in {time.monotonic() - started:.0f} s")
        # The long ones wait for a tunnel most of the time: one more than there are cores.
        return self.meson(self.sanitized_build, suites, names, ["--timeout-multiplier", "5", "--num-processes", str((os.cpu_count() or 1) + 1)],
                          {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1", "EW_LOCALES": self.locales()},
                          [*self.with_tun(), "nice", "-n", "5"])

    def meson(self, build, suites, names=(), options=(), env=None, before=()):
        """{suite: counts} of a run of meson's tests in a tree that is compiled."""
        log = os.path.join(build, "meson-logs", "testlog.json")
        if os.path.exists(log):
            os.unlink(log)  # an old one must not be counted
        which = names or [word for suite in suites for word in ("--suite", suite)]
        status, text = run([*before, "meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", *options, *which], self.log("-".join(names or suites)), 1500, env)
        counts = count_meson(build, status, suites)
        if any(failed for _, failed, _ in counts.values()):
            tail(text, 120)
        with contextlib.suppress(OSError, ValueError), open(log, encoding="utf-8") as file:
            say("".join(f"    {test['name']}: {line.strip()}\n" for test in map(json.loads, file) for line in skips_in((test.get("stdout") or "") + (test.get("stderr") or ""))), end="")
        return counts

    def data(self):
        """Files that desktops and people read, and the tree's own rules: what meson runs of tests/data."""
        return self.meson(self.o.plain, ["data"])

    def threads(self):
        """ThreadSanitizer over what has threads: the tests of suite "threads"."""
        build = os.path.join(self.o.top, "build-tsan")
        if not self.build(build, ["-Db_sanitize=thread"], "threads-tests"):
            return 0, 1, 0
        # always-malloc: what GLib hands from thread to thread by a list of its own looks like a race. setarch: this compiler's runtime does
        # not know address randomisation with 32 bits.
        options = f"halt_on_error=1:suppressions={self.o.top}/tests/lib/thread-sanitizer.txt"
        return self.meson(build, ["threads"], env={"TSAN_OPTIONS": options, "G_SLICE": "always-malloc"}, before=[*self.with_tun(), "setarch", "-R"])

    def python(self, path):
        name = os.path.basename(path)[5:-3]
        status, text = run(["/usr/bin/python3", "-B", path, "-v"], self.log(name), 1200,
                           {"EDGEWAY_BUILD": self.o.plain, "EDGEWAY_SOURCE": self.o.top,
                            "PYTHONPATH": os.pathsep.join(os.path.join(self.o.top, p) for p in ("tests/lib", "app/launch"))})
        counts = count_unittest(text, status)
        if counts[1]:
            tail(text, 80)
        say("".join(f"    {line.strip()}\n" for line in skips_in(text)), end="")
        return counts

    def demo(self):
        """The README's command, from this very folder."""
        status, text = run([os.path.join(self.o.top, "app/run"), "--demo", "--check"], self.log("demo"), 900)
        if status:
            tail(text, 80)
        return text.count("✓"), int(bool(status)), 0


def say_counts(name, counts, seconds=""):
    say(f"  {name:<24} {counts[0]:4d} passed {counts[1]:3d} failed {counts[2]:3d} skipped{seconds}")


def measure(name, stage):
    """Runs a stage, then prints its output and its line in one piece; a stage of several suites has a line for each."""
    started, _said.lines, _said.cpu = time.monotonic(), [], 0.0
    try:
        result = stage()
    except Exception:  # pylint: disable=broad-except
        tail(traceback.format_exc())
        result = 0, 1, 0
    lines, _said.lines = _said.lines, []
    for line, counts in (result.items() if isinstance(result, dict) else [(name, result)]):
        say_counts(line, counts, f"  {time.monotonic() - started:5.0f} s, {_said.cpu:.0f} s of processors")
    lines, _said.lines = lines + _said.lines, None
    say("".join(lines), end="")
    return add(*(result.values() if isinstance(result, dict) else [result]))


class Files:
    """Files of this computer, as they are until changed() is called."""
    OF_NAMES = ("/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/hosts")

    def __init__(self, paths=OF_NAMES):
        self.first = {path: self.look(path) for path in paths}

    @staticmethod
    def look(path):
        """Its text, which file it is, and when it was last changed: a program can't reset that time. None for a missing file."""
        try:
            with open(path, "rb") as file:
                info = os.stat(path)
                return info.st_dev, info.st_ino, info.st_mtime_ns, info.st_ctime_ns, file.read()
        except OSError:
            return None

    def changed(self):
        """Those that were written or replaced since, even by the same text or for a moment only."""
        return [path for path, first in self.first.items() if self.look(path) != first]


def report_files(files):
    """The stage "files", at the end."""
    changed = files.changed()
    for path in changed:
        say(f"    {path} of this computer was changed during the run: by a test, or by another program.")
    counts = len(files.first) - len(changed), len(changed), 0
    say_counts("files", counts)
    return counts


@contextlib.contextmanager
def common_places():
    """The folders that tests use as mount points stay until the last test's end: removing one earlier would remove those mounts, and two
    stages would share it (machines.py)."""
    if os.geteuid() != 0:
        yield
        return
    with World("tests") as world:
        for path in Machine.PRIVATE:
            if not os.path.isdir(path):
                world.may_create(path)
        yield


def prepare(stages, wanted):
    """(name, lane, function) of each stage that is wanted; suites of the sanitizers' build are one."""
    suites = [item.name for item in wanted if item.how == "sanitized" and not item.alone]
    tests = [item.name for item in wanted if item.how == "sanitized" and item.alone]
    ready = []
    for item in wanted:
        if item.how == "python":
            ready.append((item.name, item.lane, lambda path=item.path: stages.python(path)))
        elif item.how not in ("sanitized", "files"):
            ready.append((item.name, item.lane, getattr(stages, item.how)))
    if suites:
        # The last of its lane: it uses all processors to its end, when the other lanes may be empty.
        ready.append((suites[0], "processors", lambda: stages.sanitized(suites)))
    if tests:
        ready.append(("api", "processors", lambda: stages.sanitized(["api"], *tests)))
    return ready


def run_lanes(ready):
    """The result of each stage."""
    lanes = {"processors": 1, "machines": (os.cpu_count() or 1) + 1, "screens": 2}
    pools = {lane: concurrent.futures.ThreadPoolExecutor(workers) for lane, workers in lanes.items()}
    results = [pools[lane].submit(measure, name, stage) for name, lane, stage in ready if lane in pools]
    return [result.result() for result in results] + [measure(name, stage) for name, lane, stage in ready if lane == "last"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--top", required=True)
    parser.add_argument("--plain", default="")
    parser.add_argument("--list", action="store_true", help="name the stages, and exit")
    parser.add_argument("stage", nargs="*")
    options = parser.parse_args()
    # Whoever starts this in the background of a script has it ignore Ctrl-C, which programs would inherit, and no shell could catch.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    items = find_stages(options.top)
    if options.list:
        say("\n".join(names_of(items)))
        return 0
    unknown = set(options.stage) - set(names_of(items))
    if unknown:
        say(f"There is no stage \"{sorted(unknown)[0]}\". There are: {' '.join(names_of(items))}")
        return 2
    stages = Stages(options)
    with common_places():
        files = Files()
        counts = run_lanes(prepare(stages, choose(items, options.stage))) + [report_files(files)]
    totals = add(*counts)
    if totals[1]:
        say(f"Logs: {stages.logs}")
    say(f"{totals[0]} passed, {totals[1]} failed" + (f", {totals[2]} skipped" if totals[2] else ""))
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
