#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bash, zsh and fish complete for each program: the words of its help, and what the mesh has; at once, and without a question."""
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import private_bus  # noqa: E402
from private_bus import Machine  # noqa: E402

private_bus.enter()
BUILD = os.environ["EDGEWAY_BUILD"]
PROGRAMS = {"edgewayctl": "app/ctl", "edgeway-edge": "daemon/edge", "edgewayd": "daemon/service", "edgeway": "app/desktop", "edgeway-tray": "app/tray"}
PINGED = {"laptop", "office-gw", "phone", "ha", "web"}  # nodes and services
MESH = {"ping ": PINGED, "node remove ph": {"phone"}, "node add --renew ": {"laptop", "office-gw", "phone"}, "node add ": set(),
        "name add media ": {"laptop", "office-gw", "phone"}, "name remove ": {"files", "corp.example"}, "name accept ": {"corp.example"},
        "key revoke ": {"1a2b3c4d5e6f", "abcdef012345", "00000000aaaa"}, "route accept 10.7": {"10.7.0.0/24"}, "route remove 10.7.0.0/24 off": {"office-gw"}, "mode ": {"vpn", "connector"}, "node mtu phone ": {"default"}}

# Each prints what the shell itself would offer for the line in its first argument; $2: the program.
BASH = r"""
source "$COMPLETIONS/bash-$2"
COMP_LINE=$1 COMP_POINT=${#1}
words=${1//:/ : }; words=${words//=/ = }; read -ra COMP_WORDS <<<"$words"
[[ $1 != *" " ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
f=$(complete -p "$2"); f=${f##*-F }; ${f%% *} "$2" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""
FISH = 'source "$COMPLETIONS/fish-$argv[2].fish"; complete -C $argv[1]'
# Captures what zsh would show where it is passed to zsh.
ZSH = r"""
compdef() { : }
_describe() { local a; for a in ${(P)4}; do a=${a//\\:/$'\1'}; print -r -- ${${a%%:*}//$'\1'/:}; done }
_files() { print -l -- $PWD/* }
compset() { : }
"""


class Shell:
    """An interactive shell on a terminal."""

    def __init__(self, argv, env, user=None):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            private_bus.die_with_parent()
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            os.execvpe(argv[0], argv, env)

    def wait(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.shown):
            if time.monotonic() > end:
                raise AssertionError(f"no {pattern} in {self.shown}")
            if select.select([self.fd], [], [], 0.1)[0]:
                self.shown += os.read(self.fd, 65536)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_all(self):
        """Waits until the program has exited."""
        try:
            while data := os.read(self.fd, 65536):
                self.shown += data
        except OSError:
            pass  # as a terminal ends
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        return self.shown

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(polkit=True)
        cls.addClassCleanup(cls.machine.close)
        cls.folder = tempfile.mkdtemp(prefix="ew-completion-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for program, room in PROGRAMS.items():
            os.symlink(os.path.join(BUILD, room, program), os.path.join(cls.folder, program))
        os.mkdir(os.path.join(cls.folder, "zsh"))
        for program in PROGRAMS:
            shutil.copy(os.path.join(BUILD, "data/completions", "zsh-_" + program), os.path.join(cls.folder, "zsh", "_" + program))
        os.chmod(cls.folder, 0o755)
        cls.env = {"PATH": cls.folder + ":/usr/bin:/bin:/usr/sbin", "HOME": cls.folder, "LC_ALL": "C.UTF-8", "TERM": "dumb", "COMPLETIONS": os.path.join(BUILD, "data/completions"),
                   **{k: v for k, v in os.environ.items() if k.startswith("DBUS_")}}

    def start(self, **options):
        daemon = self.machine.daemon(**options)
        self.addCleanup(daemon.stop)
        result = self.machine.run_ctl("connect")
        self.assertEqual(result.returncode, 0, result)
        return daemon

    def own(self, program, line, user="root"):
        """What the program prints."""
        words = line.split(" ")
        command = ["setpriv", "--reuid", str(private_bus.USERS[user]), "--clear-groups"] if user != "root" else []
        result = subprocess.run([*command, os.path.join(self.folder, program), "complete", *words], env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return {line.split("\t")[0] for line in result.stdout.splitlines()}

    def eventually(self, what, wanted):
        """A loaded machine may take longer than a person waits for a key press."""
        end, found = time.monotonic() + 60, None
        while found != wanted and time.monotonic() < end:
            found = what()
        self.assertEqual(found, wanted)

    def shell(self, *argv):
        result = subprocess.run(argv, env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertEqual(result.stderr, "", argv)
        return {line.split("\t")[0] for line in result.stdout.splitlines() if line}

    def bash(self, program, line):
        return self.shell("bash", "--norc", "-c", BASH, "bash", f"{program} {line}", program)

    def fish(self, program, line):
        return self.shell("fish", "--no-config", "-c", FISH, f"{program} {line}", program)

    def zsh(self, program, line):
        words = [program, *line.split(" ")]
        body = os.path.join(self.env["COMPLETIONS"], "zsh-_" + program)
        return self.shell("zsh", "-f", "-c", ZSH + f'words=("$@"); CURRENT=$#; source {body}', "zsh", *words)

    def test_words_of_the_help(self):
        """Every verb and option that a program's help names is offered, and nothing else."""
        for program in ("edgewayctl", "edgeway-edge"):
            text = self.run_help(program)
            verbs = re.findall(r"^  ([a-z][a-z-]*(?: [a-z]+)?)(?=  | [A-Z\[]|$)", text, re.M)
            self.assertGreater(len(verbs), 7)
            self.assertEqual(self.own(program, ""), {verb.split()[0] for verb in verbs}, program)
            for group in {verb.split()[0] for verb in verbs if " " in verb}:
                self.assertEqual(self.own(program, group + " "), {verb.split()[1] for verb in verbs if verb.startswith(group + " ")}, group)
            for verb in verbs:
                with self.subTest(f"{program} {verb}"):
                    options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", self.run_help(program, *verb.split()), re.M))
                    self.assertIn("--help", options)
                    self.assertEqual(self.own(program, verb + " --"), options)

    def run_help(self, program, *verb):
        return subprocess.run([os.path.join(self.folder, program), *verb, "--help"], env=self.env, capture_output=True, text=True, timeout=60, check=True).stdout

    def test_values(self):
        self.assertEqual(self.own("edgewayctl", "mode --lan-names "), {"yes", "no"})
        self.assertEqual(self.own("edgewayctl", "mode --lan-names=y"), {"--lan-names=yes"})
        self.assertEqual(self.own("edgewayctl", "enroll --key-file "), {":files"})
        self.assertEqual(self.own("edgeway-edge", "run --state-dir "), {":folders"})
        self.assertNotIn("--json", self.own("edgewayctl", "status --json --"), "it's there already")
        self.assertEqual(self.own("edgewayctl", "ping -- --"), set())
        self.assertIn("10m", self.own("edgewayctl", "node add web --valid "))

    def test_mesh(self):
        daemon = self.start()
        for line, wanted in MESH.items():
            with self.subTest(line):
                self.eventually(lambda line=line: {c for c in self.own("edgewayctl", line) if not c.startswith("-")}, wanted)
        daemon.stop()
        self.assertEqual(self.own("edgewayctl", "ping "), set(), "silent where there is no daemon")
        self.assertEqual(self.own("edgewayctl", "node r"), {"rename", "remove"}, "what needs none is there")

    def test_state_dir(self):
        """The edge that the line names is asked, wherever the option stands and however it's written."""
        folder = tempfile.mkdtemp(prefix="ew-edge-")
        self.addCleanup(shutil.rmtree, folder)
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(os.path.join(folder, "control.sock"))
        server.listen()
        body = b'{"schema":1,"nodes":[{"name":"vault","state":"online"},{"name":"web","state":"offline"}]}'

        def serve():
            try:
                while True:
                    peer = server.accept()[0]
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                    peer.close()
            except OSError:
                pass  # closed: the test is over
        threading.Thread(target=serve, daemon=True).start()
        for option in (f"--state-dir {folder}", f"--state-dir={folder}"):
            self.assertEqual({c for c in self.own("edgeway-edge", f"node remove {option} ") if not c.startswith("-")}, {"vault", "web"}, option)
        self.assertEqual(self.own("edgeway-edge", f"node remove --state-dir /nowhere --state-dir {folder} v"), {"vault"})
        self.assertEqual({c for c in self.own("edgeway-edge", "node remove --state-dir /nowhere ") if not c.startswith("-")}, set())

    def test_no_question(self):
        """Where polkit would ask for a password, completion offers nothing and doesn't ask."""
        self.start()
        self.assertEqual(self.own("edgewayctl", "key revoke ", user="ewplain"), set())
        terminal = Shell([os.path.join(self.folder, "edgewayctl"), "complete", "key", "revoke", ""], self.env, user=private_bus.USERS["ewplain"])
        self.assertEqual(terminal.read_all(), b"", "also where there is somebody at a terminal to type it")

    def test_shells(self):
        """The same in each shell."""
        self.start()
        for shell in (self.bash, self.zsh, self.fish):
            with self.subTest(shell.__name__):
                self.assertEqual(shell("edgewayctl", "node re"), {"rename", "remove"})
                self.eventually(lambda: shell("edgewayctl", "ping "), PINGED)
                self.assertEqual(shell("edgewayctl", "mode --lan-names "), {"yes", "no"})
                self.assertEqual(shell("edgeway-edge", "run --li"), {"--listen"})
                self.assertIn("zsh" if shell != self.zsh else self.folder + "/zsh", {f.rstrip("/") for f in shell("edgewayctl", "enroll --key-file ")})
        self.assertEqual(self.bash("edgewayctl", "mode --lan-names=n"), {"no"}, "bash has the word only from the = on")
        self.assertEqual(self.bash("edgewayd", "--.*"), set(), "what is typed is no pattern")
        for program in ("edgewayd", "edgeway", "edgeway-tray"):
            options = set(re.findall(r"(?:^|\s)(--[a-z][a-z-]*)", self.run_help(program)))
            self.assertEqual(self.bash(program, "--"), options)
            self.assertEqual({o for o in self.fish(program, "--")}, options - {"--help-all", "--help-gapplication"} | ({"--help-all", "--help-gapplication"} & options))

    def test_typed(self):
        """On a terminal, with the key itself."""
        zsh = f"fpath=({self.folder}/zsh $fpath); autoload -U compinit; compinit -u -D; unsetopt beep; PS1='$ '"
        for argv, setup in ((["bash", "--norc", "--noprofile", "-i"], "for p in edgewayctl edgewayd; do source $COMPLETIONS/bash-$p; done"), (["zsh", "-f", "-i"], zsh)):
            with self.subTest(argv[0]):
                shell = Shell(argv, self.env | {"PS1": "$ ", "TERM": "xterm"})
                self.addCleanup(shell.close)
                shell.type(setup + "; echo re''ady\r")
                shell.wait(rb"ready\r?\n")
                for typed, whole in (("edgewayctl node sh", "edgewayctl node show "), ("edgewayctl discon", "edgewayctl disconnect "), ("edgewayd --rev", "edgewayd --revert ")):
                    shell.type(f"{typed}\t\x01echo '<\x05>'\r")
                    shell.wait(rf"[\r\n]<{whole}?>".encode())

    def test_typed_colons(self):
        """A route of IPv6: readline parts it at each colon, and puts what is offered behind the last one."""
        folder = tempfile.mkdtemp(prefix="ew-stub-")
        self.addCleanup(shutil.rmtree, folder)
        with open(os.path.join(folder, "edgewayctl"), "w") as stub:
            stub.write('#!/bin/sh\n[ "$*" != "complete route accept fd77:1:" ] || printf "fd77:1:2::/64\\toffice-gw\\n"\n')
            os.fchmod(stub.fileno(), 0o755)
        shell = Shell(["bash", "--norc", "--noprofile", "-i"], self.env | {"PS1": "$ ", "TERM": "xterm", "PATH": folder + ":" + self.env["PATH"]})
        self.addCleanup(shell.close)
        shell.type("source $COMPLETIONS/bash-edgewayctl; echo re''ady\r")
        shell.wait(rb"ready\r?\n")
        shell.type("edgewayctl route accept fd77:1:\t\x01echo '<\x05>'\r")
        shell.wait(rb"[\r\n]<edgewayctl route accept fd77:1:[^>\r\n]*>")
        self.assertRegex(shell.shown, rb"[\r\n]<edgewayctl route accept fd77:1:2::/64 ?>")


if __name__ == "__main__":
    unittest.main()
