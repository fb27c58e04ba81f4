#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`app/run`: a trial. An edge in a network namespace of its own, this computer enrolled with it and connected, until Ctrl-C."""
import argparse
import contextlib
import glob
import ipaddress
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from demo_mesh import first_key  # noqa: E402
from machines import Failure, World, differences, dying, end_of, host_snapshot, processes_of, require_root, wait_for  # noqa: E402
import person as session  # noqa: E402

PORT = 443


class Interrupted(Exception):
    pass


def interrupt(number, _frame):
    raise Interrupted(signal.Signals(number).name)


def say(text):
    print(text, flush=True)


def free_link_network():
    """A /30 out of 198.18.0.0/15 (RFC 2544, for tests, not used in any LAN) that no route of this computer touches."""
    routes = json.loads(subprocess.run(["ip", "-j", "-4", "route", "show", "table", "all"], capture_output=True, text=True, check=True).stdout or "[]")
    taken = [ipaddress.ip_network(r["dst"], strict=False) for r in routes if re.match(r"^[0-9.]+(/\d+)?$", r.get("dst", ""))]
    for network in ipaddress.ip_network("198.18.64.0/22").subnets(new_prefix=30):
        if not any(network.overlaps(other) for other in taken):
            return network
    raise Failure("There is no free network for the trial's edge: this computer's routes cover all of 198.18.64.0/22.")


def undo_earlier(programs):
    """Undoes what killed trials have left: their edge, and what edgewayd changed; each one's ledger is in its folder."""
    edgewayd = program_in(programs, "edgewayd")
    for state in glob.glob("/run/edgeway-trial-*/state"):
        run = state.split("-")[2]
        if os.path.exists("/proc/" + run):
            continue  # it runs
        # Its edge goes on: a process that changes its user doesn't die with its parent any more (prctl(2)).
        for _, pid in processes_of(run):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["ip", "link", "del", link_name(int(run))], capture_output=True)
        revert = subprocess.run([edgewayd, "--revert", "--state-dir", state], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        if revert.returncode == 0:
            shutil.rmtree(os.path.dirname(state), ignore_errors=True)


def link_name(run):
    return f"ewtrial{run % 10000}"


def program_in(programs, name):
    for folder in (programs, programs.replace("/bin", "/sbin")):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    return name


class Trial:
    def __init__(self, programs):
        self.programs = programs
        self.world = World("trial")
        self.daemon = self.edge = None
        self.state = os.path.join(self.world.folder, "state")
        self.link = None
        self.apps = []

    def program(self, name):
        return program_in(self.programs, name)

    def ctl(self, *argv, input=None, check=True):
        result = subprocess.run([self.program("edgewayctl"), *argv], capture_output=True, text=True, input=input, timeout=60)
        if check and result.returncode != 0:
            raise Failure(result.stderr.strip() or f"edgewayctl {argv[0]} exited {result.returncode}")
        return result

    def show(self, verb):
        """On our own terminal: its width, its colors."""
        if subprocess.run([self.program("edgewayctl"), verb], stdin=subprocess.DEVNULL, timeout=60).returncode != 0:
            raise Failure(f"edgewayctl {verb} failed (above).")

    def start(self):
        if self.ctl("status", check=False).returncode == 0:
            raise Failure("edgewayd already runs on this computer, and a trial would disturb it. See what it does with `edgewayctl status`. "
                          "`app/run --demo` works beside it.")
        if subprocess.run([self.program("edgeway-edge"), "status"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20).returncode == 0:
            raise Failure("This server is an edge, and a trial would take its mesh's addresses. See what it does with `sudo edgeway-edge status`. "
                          "`app/run --demo` works beside it.")
        network = free_link_network()
        here, there = (str(address) for address in network.hosts())
        edge = self.world.machine("edge")
        self.link = link_name(os.getpid())
        subprocess.run(["ip", "link", "add", self.link, "type", "veth", "peer", "name", "wan", "netns", str(edge.pid)], check=True)
        subprocess.run(["ip", "addr", "add", f"{here}/30", "dev", self.link], check=True)
        subprocess.run(["ip", "link", "set", self.link, "up"], check=True)
        edge.ip("addr", "add", f"{there}/30", "dev", "wan")
        edge.ip("link", "set", "wan", "up")
        config = os.path.join(edge.log_dir, "edge.conf")
        with open(config, "w") as file:
            file.write("[edge]\nexit=false\ntrial=true\n")
        self.edge = process = edge.start(self.program("edgeway-edge"), "run", "--state-dir", "/var/lib/edgeway-edge", "--listen", f":{PORT}",
                                         "--public", f"{there}:{PORT}", "--mesh", "trial", "--name", "trial-edge", "--config", config, secret_output=True)
        key = wait_for("the trial's edge", lambda: self._key(process), 20)
        self._start_daemon()
        self.ctl("enroll", "--key-file", "-", input=key + "\n")
        self.ctl("connect")

    def _key(self, process):
        if process.poll() is not None:
            raise Failure("the trial's edge ended: " + end_of(process.log_path).strip())
        return first_key(process.output_path)

    def _start_daemon(self):
        log = os.path.join(self.world.folder, "edgewayd.log")
        with open(log, "w") as out:
            self.daemon = subprocess.Popen(dying([self.program("edgewayd"), "--state-dir", self.state]), stdin=subprocess.DEVNULL, stdout=out, stderr=out)

        def answers():
            if self.daemon.poll() is not None:
                raise Failure("edgewayd ended: " + end_of(log).strip())
            return self.ctl("status", check=False).returncode == 0
        wait_for("edgewayd", answers, 20)

    def open_app(self):
        """The app and the tray, for the person at this screen; else why not, or nothing without a screen."""
        person, why_not = session.find()
        if person and not os.path.exists("/run/dbus/system_bus_socket"):
            return "The app isn't opened, because this computer has no system bus, through which the app reaches edgewayd."
        if person:
            for name in ("edgeway", "edgeway-tray"):
                if os.path.isabs(self.program(name)):
                    self.apps.append(person.open([self.program(name)], os.path.join(self.world.folder, name + ".log")))
            return "The app is open on it. Closed, it opens again from your applications, or with: edgeway"
        return why_not

    def watch(self):
        """Until Ctrl-C; Failure when one of the trial's two programs ends before."""
        while True:
            for name, process in (("edgewayd", self.daemon), ("edge", self.edge)):
                if (status := process.poll()) is not None:
                    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with exit code {status}"
                    raise Failure(f"The trial's {name} {how}, so the trial ends. For another one: app/run")
            time.sleep(0.5)

    def _undo(self):
        """Undoes the changes that a killed edgewayd has left. Its ledger, the only list of them, stays until they are undone."""
        revert = [self.program("edgewayd"), "--revert", "--state-dir", self.state]
        if subprocess.run(revert, stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode != 0:
            self.world.kept = True
            say(f"✗ Not everything that the trial's edgewayd changed could be undone. Try it again with:\n    sudo {' '.join(revert)}")

    def stop(self):
        for app in self.apps:
            app.terminate()
        for app in self.apps:
            try:
                app.wait(3)
            except subprocess.TimeoutExpired:
                app.kill()
                app.wait()
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(5)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        if self.daemon and self.daemon.returncode != 0:
            self._undo()
        if self.link:
            subprocess.run(["ip", "link", "del", self.link], capture_output=True)
        self.world.close()


def main():
    parser = argparse.ArgumentParser(prog="app/run")
    parser.add_argument("--programs", default="/usr/bin", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    require_root("A trial")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    undo_earlier(arguments.programs)
    before, status = host_snapshot(), 0
    trial = Trial(arguments.programs)
    try:
        trial.start()
        for verb in ("status", "map"):
            say("")
            trial.show(verb)
        if about_app := trial.open_app():
            say(about_app)
        say("─" * min(shutil.get_terminal_size().columns, 100) + "\nThe trial runs until Ctrl-C. In another terminal:\n"
            "    sudo edgewayctl map\n    sudo edgewayctl names\n    sudo edgewayctl ping trial-edge\n    getent hosts edge.trial.internal\n    sudo edgewayctl diagnose\n"
            "The programs stay under /usr until app/run --remove.")
        trial.watch()
    except Failure as failure:
        say(f"✗ {failure}")
        status = 1
    except Interrupted:
        say("\nTaking the trial down.")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        trial.stop()
    left = differences(before, host_snapshot())
    for line in left:
        say(f"✗ {line}")
    return 1 if left else status


if __name__ == "__main__":
    sys.exit(main())
