#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's first command, `app/run --edge`, a part at a time. On an empty server, a bare Debian with only the packages that it names, each form
of it runs in tests/clean/run: an edge's takes a quarter of an hour there on two slow cores."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = os.environ["EDGEWAY_SOURCE"]


def shell(script, **options):
    libraries = ". app/launch/common.sh; . app/launch/install.sh; "
    return subprocess.run(["bash", "-c", libraries + script], cwd=SOURCE, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **options)


class Packages(unittest.TestCase):
    def test_headers(self):
        """What the programs of a server include comes with the packages that `app/run --edge` names."""
        build, headers, ours = os.environ["EDGEWAY_BUILD"], set(), False
        for line in subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True, timeout=60).stdout.splitlines():
            path = os.path.normpath(os.path.join(build, line.strip()))
            if not line.startswith(" "):
                ours = line.startswith(("daemon/", "app/ctl/"))
            elif ours and path.startswith("/usr/"):
                headers.add(path)
        self.assertGreater(len(headers), 500)
        found = subprocess.run(["dpkg", "-S", *sorted(headers)], capture_output=True, text=True, check=True, timeout=60).stdout
        owners = {name.split(":")[0] for line in found.splitlines() for name in line.rsplit(": ", 1)[0].split(", ")}
        named = subprocess.run([f"{SOURCE}/app/run", "--edge", "--packages"], capture_output=True, text=True, check=True, timeout=20,
                               env={"PATH": os.environ["PATH"], "HOME": "/"}).stdout.split()
        tree = subprocess.run(["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces",
                               "--no-enhances", *named], capture_output=True, text=True, check=True, timeout=60).stdout
        self.assertEqual(owners - {line for line in tree.splitlines() if line[:1] not in (" ", "|")}, set())


class Launch(unittest.TestCase):
    """app/run's functions, one at a time."""

    def test_forms(self):
        """GTK is only installed where a screen is used, SSH and the rest only for the demo."""
        def packages(*form, **environment):
            bare = {"PATH": os.environ["PATH"], "HOME": "/", **environment}
            # Shells above this one may have a screen.
            text = subprocess.run(["setsid", "--wait", f"{SOURCE}/app/run", *form, "--packages"], capture_output=True, text=True, env=bare, check=True, timeout=20).stdout
            return set(text.split())
        gtk, demo, screen = "libgtk-4-dev", "openssh-server", "xvfb"
        shown = {"DISPLAY": ":9"}
        installed = os.path.exists("/usr/bin/edgeway")  # an update keeps the app
        for form, environment, wanted in ((["--edge"], {}, []), (["--edge"], shown, []), (["--join"], shown, [gtk]), ([], shown, [gtk]),
                                          (["--demo"], shown, [gtk, demo]), (["--demo", "--check"], {}, [gtk, demo, screen])):
            found = packages(*form, **environment)
            self.assertIn("gcc", found)
            self.assertEqual([name for name in (gtk, demo, screen) if name in found and not (installed and name == gtk and gtk not in wanted)], wanted, (form, environment))

    @staticmethod
    def function(name):
        """Defines a function of app/run's, with the variables in the line before it."""
        return f'eval "$(grep -B1 -A99 "^{name}()" app/run | sed "/^}}/q")"; '

    def test_no_second_key(self):
        """A mesh's administrator is found, and a key that can still make one."""
        def found(nodes, keys):
            with tempfile.TemporaryDirectory() as folder:
                with open(f"{folder}/edgeway-edge", "w") as file:
                    file.write(f"#!/bin/sh\ncase $1 in node) echo '{json.dumps({'nodes': nodes})}' ;; key) echo '{json.dumps({'keys': keys})}' ;; esac\n")
                os.chmod(f"{folder}/edgeway-edge", 0o755)
                result = shell(self.function("find_administrator") + 'find_administrator; echo "$administrator;$open_key"',
                               env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TZ": "UTC", "LC_ALL": "C"})
                self.assertEqual(result.stderr, "")
                return result.stdout.strip()
        node = {"name": "nas", "role": "member", "state": "online"}
        admin = {"name": "laptop", "role": "admin", "state": "offline"}
        server_key = {"id": "1111", "kind": "server", "expires": "2026-12-01T10:20:00Z"}
        admin_key = {"id": "2222", "kind": "admin", "expires": "2026-12-01T09:05:00Z"}
        for nodes, keys, expected in (([], [], ";"), ([node], [server_key], ";"), ([node, admin], [], "laptop;"), ([{**admin, "state": "not-joined"}], [], ";"),
                                      ([], [server_key, admin_key], ";2222 1 December 09:05"), ([admin], [admin_key], "laptop;2222 1 December 09:05")):
            with self.subTest(expected):
                self.assertEqual(found(nodes, keys), expected)

    def test_public_name(self):
        """A name that can't be looked up is refused while nodes would take it over, and said where there are none."""
        def checked(public, before, nodes):
            with tempfile.TemporaryDirectory() as folder:
                for name, script in (("edgeway-edge", f"echo '{json.dumps({'nodes': nodes})}'"), ("getent", "case $2 in edge.example.org|2001:db8::1) ;; *) exit 2 ;; esac")):
                    with open(f"{folder}/{name}", "w") as file:
                        file.write(f"#!/bin/sh\n{script}\n")
                    os.chmod(f"{folder}/{name}", 0o755)
                result = shell(self.function("has_nodes") + self.function("check_public") + f"public={public}; check_public '{before}'; echo on",
                               env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
                return result.returncode, result.stdout, result.stderr
        node, key = {"name": "nas", "state": "offline"}, {"name": "tv", "state": "not-joined"}
        fine = (0, "on\n", "")
        self.assertEqual(checked("edge.example.org:443", "203.0.113.5:443", [node]), fine)
        self.assertEqual(checked("[2001:db8::1]:443", "203.0.113.5:443", [node]), fine)
        self.assertEqual(checked("nowhere.example.org:8443", "nowhere.example.org:443", [node]), fine, "its name is what it was")
        for before, where in (("edge.example.org:443", "Nothing was changed: they look for it at edge.example.org:443. "), ("", "Nothing was changed. ")):
            status, said, error = checked("nowhere.example.org:443", before, [key, node])
            self.assertEqual((status, said), (1, ""))
            self.assertTrue(error.startswith("nowhere.example.org can't be looked up, so the nodes of this edge couldn't find it there. " + where), error)
        for before in ("edge.example.org:443", ""):
            status, said, error = checked("nowhere.example.org:443", before, [key])
            self.assertEqual((status, error), (0, ""))
            self.assertRegex(said, r"^warning: nowhere.example\.org can't be looked up yet\. .*\non\n$")

    def test_interrupted_move(self):
        """Whoever interrupts a run that has changed the address is told by the next run where the edge was."""
        with tempfile.TemporaryDirectory() as folder:
            def found(public, write=True):
                with open(f"{folder}/edge.conf") as file:
                    before = file.read()
                result = shell(self.function("find_move") + f'public={public}; find_move {folder}; echo "$moved"')
                self.assertEqual(result.stderr, "")
                with open(f"{folder}/edge.conf", "w") as file:
                    file.write(f"[edge]\npublic={public}\n" if write else before)
                return result.stdout.strip()
            with open(f"{folder}/edge.conf", "w") as file:
                file.write("[edge]\nlisten=:443\npublic=a.example.org:443\n")
            self.assertEqual(found("a.example.org:443"), "")
            self.assertEqual(os.listdir(folder), ["edge.conf"])
            self.assertEqual(found("b.example.org:443", write=False), "a.example.org:443", "stopped before it was changed")
            self.assertEqual(found("b.example.org:443"), "a.example.org:443")
            self.assertEqual(found("b.example.org:443"), "a.example.org:443", "stopped after that")
            self.assertEqual(found("c.example.org:443"), "a.example.org:443", "nobody was told of the one between")
            self.assertEqual(found("a.example.org:443"), "", "moved back")
            self.assertEqual(os.listdir(folder), ["edge.conf"])

    def test_noted_packages(self):
        """apt may complete what an interrupted app/run began: --remove lists what is there, whenever it was noted."""
        with tempfile.TemporaryDirectory() as folder:
            mocks = (f'packages_list={folder}/share/packages manifest={folder}/manifest screen=""; needed_packages() {{ printf "%s\\n" gcc meson nftables; }}; '
                     'may_hold() { [ "$1" != "${1#*/share}" ]; }; missing_packages() { for one; do ! grep -qs " $one " <<<" $absent " || printf " %s" "$one"; done; }; ')
            begin = self.function("prepare") + "step() { exit 130; }; "
            self.assertEqual(shell(mocks + begin + "absent='gcc meson'; prepare").returncode, 130)
            self.assertEqual(shell(mocks + "absent='gcc meson'; noted_packages").stdout, "", "none of them is installed")
            self.assertEqual(shell(mocks + begin + "absent=gcc; prepare").returncode, 130)
            self.assertEqual(shell(mocks + "absent=; noted_packages").stdout, "gcc meson")
            # Nothing else was installed.
            self.assertEqual(shell(mocks + "remove_files; absent=; noted_packages").stdout, "")
            self.assertEqual(os.listdir(folder), [])

    def test_one_installs_at_a_time(self):
        """The second says what it waits for, and goes on."""
        script = self.function("prepare_alone") + "prepare() { echo prepared; }; prepare_alone; echo on"
        self.assertEqual(shell(script).stdout, "prepared\non\n")
        usr = os.open("/usr", os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(usr, fcntl.LOCK_EX)
            with subprocess.Popen(["bash", "-c", f". app/launch/common.sh; {script}"], cwd=SOURCE, stdout=subprocess.PIPE, text=True) as second:
                self.assertEqual(second.stdout.readline(), "Another app/run is installing on this computer. This one goes on when that has finished.\n")
                fcntl.flock(usr, fcntl.LOCK_UN)
                self.assertEqual(second.communicate(timeout=50)[0], "prepared\non\n")
        finally:
            os.close(usr)

    def test_no_packages_to_hand_out(self):
        """The reason is whole: what it refers to as above is above it."""
        broken = "install_repository() { printf 'E: Failed to fetch it\\n\\ndata/debian/repository: apt is sad (above).\\n'; return 1; }; "
        result = shell(self.function("make_offer") + broken + "make_offer; echo on")
        self.assertIn("  They couldn't be made:\n    E: Failed to fetch it\n    data/debian/repository: apt is sad (above).\n  Once that is solved", result.stdout)
        self.assertTrue(result.stdout.endswith("\non\n"), "the edge works without them")

    def test_other_systems(self):
        """Without apt-get it exits with a message that names the system, before anything is changed."""
        result = shell("PATH=/nowhere; need_debian; echo further")
        name = re.search(r'PRETTY_NAME="(.+)"', open("/etc/os-release").read()).group(1)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn(f"on Debian 12 and 13. This is {name}, which has none.", result.stderr)
        self.assertEqual(shell("need_debian; echo further").stdout, "further\n")
        wrong = subprocess.run(["tests/clean/run", "--release", "buster"], cwd=SOURCE, capture_output=True, text=True, timeout=20)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("--release bookworm|trixie|sid", wrong.stdout)

    def test_progress(self):
        result = shell('progress_interval=1; slow() { for i in 1 2 3 4; do echo "[$i/4] Compiling"; sleep 1; done; }; step compile slow')
        self.assertRegex(result.stdout, r"(?m)^    [1-4] of 4$")
        self.assertRegex(result.stdout.splitlines()[-1], r"^  compile …\s+(?:[4-9]|\d\d) s$")  # at least its sleep; other stages run beside it
        log = "0 upgraded, 12 newly installed, 0 to remove and 0 not upgraded.\nGet:1 http://x\nGet:2 http://x\n"
        more = "3 upgraded, 12 newly installed, 0 to remove and 5 not upgraded.\n4 not fully installed or removed.\n"
        for text, wanted in ((log, "fetched 2 of 12"), (log + "Unpacking a\nUnpacking b\n", "unpacked 2 of 12"), (log + "Unpacking a\nSetting up a\n", "set up 1 of 12"),
                             (log + "Unpacking a\nSetting up a\nUnpacking b\n", "unpacked 2 of 12"),  # apt sets a few up before the others are unpacked
                             (more + "Unpacking a (2) over (1)\n" * 15, "unpacked 15 of 15"), (more + "Unpacking a\n" * 15 + "Setting up a\n" * 19, "set up 19 of 19"),
                             (log + "Unpacking a\n" * 14, "unpacked 12 of 12"),  # more than apt has said
                             ("Setting up a\n" * 3 + log, "fetched 2 of 12"),  # its second try
                             ("Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 12 (apt-get)...", "waiting for apt-get (12)"),
                             ("Waiting for cache lock: Could not get lock /x. It is held by process 12 (apt-get)...\nReading package lists...\n", ""),
                             ("", ""), ("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n", "")):
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(text)
                file.flush()
                self.assertEqual(shell(f"progress_in {file.name}").stdout, wanted)

    def test_stopped(self):
        """After Ctrl-C it says so, in a step and between two, and how to go on."""
        def stopped(what):
            script = f". app/launch/common.sh; stop_words='Stopped. Go on.'; trap stop_here INT; slow() {{ touch $1/here; sleep 2; }}; {what}; echo further"
            with tempfile.TemporaryDirectory() as folder:
                process = subprocess.Popen(["bash", "-c", script, "bash", folder], cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
                while not os.path.exists(f"{folder}/here") and process.poll() is None:
                    time.sleep(0.01)
                os.killpg(process.pid, signal.SIGINT)
                said = process.communicate(timeout=50)
                return process.returncode, *said
        for what, shown in (("step compile slow $1", "  compile … "), ("step a true >/dev/null; slow $1", "")):
            code, said, error = stopped(what)
            self.assertEqual((code, said.rstrip(), error), (130, shown.rstrip(), "\nStopped. Go on.\n"), what)

    def test_key_before_its_question(self):
        """What is typed while the edge's script works isn't shown, and is there when the key is asked for."""
        functions = 'eval "$(sed -n "/^typing=/,/^# This run/p" "$1")"; join=yes key_file=; '
        script = functions + "hide_typing; echo ready; read -r line; show_typing; echo \"got ${#line}\"; stty -a | grep -o -- '-\\?echo '"
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp("sh", ["sh", "-c", script, "sh", f"{SOURCE}/data/install/install.sh.in"])
        shown = b""
        while b"ready" not in shown:
            shown += os.read(terminal, 1000)
        os.write(terminal, b"ew1_secret\n")
        with contextlib.suppress(OSError):  # it has ended
            while data := os.read(terminal, 1000):
                shown += data
        os.close(terminal)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(shown.decode().split(), ["ready", "got", "10", "echo"])

    def test_port(self):
        import socket
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_INET6) as six:
            udp.bind(("127.0.0.1", 0))
            for one in (tcp, six):
                one.bind(("::1" if one is six else "127.0.0.1", 0))
            port = six.getsockname()[1]
            self.assertEqual(shell(f"port_taken {port}").returncode, 1, "it does not listen yet")
            tcp.listen(), six.listen()
            for one, protocol in ((tcp, "TCP"), (udp, "UDP"), (six, "TCP")):
                said = shell(f"port_taken {one.getsockname()[1]}")
                self.assertRegex(said.stdout, rf"^{protocol} port \d+ is in use by python3 \(process {os.getpid()}\)$")
            ours = shell(f"service_pid() {{ echo {os.getpid()}; }}; port_taken {port} edgeway-edge")
            self.assertEqual((ours.returncode, ours.stdout), (1, ""), "an edge that is updated has its port")

    def test_settings(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "edge.conf")
            for before, setting, after in (("[edge]\n#name=\nlisten=:1\n[mesh]\n", "edge name fra", "[edge]\nname=fra\nlisten=:1\n[mesh]\n"),
                                           ("[edge]\nname=a\n[mesh]\nname=b\n", "mesh name c", "[edge]\nname=a\n[mesh]\nname=c\n"),
                                           ("[edge]\nopen-ports=22\n", "mesh name c", "[edge]\nopen-ports=22\n[mesh]\nname=c\n")):
                with open(path, "w") as file:
                    file.write(before)
                shell(f"set_setting {path} {setting}")
                with open(path) as file:
                    self.assertEqual(file.read(), after)

    def test_service_policy(self):
        """It works for as long as the process that made it lives, and removes itself afterwards."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "policy")
            living = shell(f"service_policy ssh squid > {path}; sh {path} ssh start; echo $?; sh {path} squid.service start; echo $?; sh {path} cron start; echo $?")
            self.assertEqual(living.stdout, "101\n101\n0\n")
            self.assertEqual(subprocess.run(["sh", path, "ssh", "start"], timeout=10).returncode, 0)
            self.assertFalse(os.path.exists(path))

    def test_removal_stays_in_its_folders(self):
        for file, wanted in (("/usr/bin/x", 0), ("/etc/x", 0), ("/lib/systemd/x", 0), ("/usr/../home/x", 1), ("/home/x", 1), ("usr/x", 1), ("", 1)):
            self.assertEqual(shell(f"may_hold '{file}'").returncode, wanted, file)

    def test_reused_process_number(self):
        """Without systemd a file holds a service's process ID, which may be another program's by now."""
        other = subprocess.Popen(["sleep", "60"])
        try:
            with tempfile.TemporaryDirectory() as folder:
                script = f"""systemd_runs() {{ false; }}; unshare --mount sh -c 'mount --bind {folder} /run && exec "$0" "$@"' bash -c '
                    . app/launch/common.sh; . app/launch/install.sh; systemd_runs() {{ false; }}; echo {other.pid} >/run/edgeway-edge.pid; stop_service edgeway-edge; ls /run'"""
                result = shell(script)
                self.assertEqual((result.stdout, result.stderr), ("", ""))
            self.assertIsNone(other.poll(), "another program was ended")
        finally:
            other.kill()
            other.wait()

    def test_installation_belongs_to_root(self):
        """Only files' contents come from the owner's folder: no links, no setuid bits, no other paths."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            made = os.path.join(folder, "made")
            script = f"""
                meson() {{ mkdir -p "$DESTDIR/usr/bin" && echo hello >"$DESTDIR/usr/bin/prog" && chmod 4755 "$DESTDIR/usr/bin/prog" && ln -s /etc/shadow "$DESTDIR/usr/bin/shadow"; }}
                export -f meson; top={folder}/clone; mkdir -p $top {made}; chown 65534:65534 $top
                as_owner() {{ setpriv --reuid 65534 --regid 65534 --clear-groups -- bash -c '"$@"' bash "$@"; }}
                copy_installation $top/build {made} && cd {made}/files && find . -type f -printf '%P %u %m\\n'"""
            result = shell(script)
            self.assertEqual(result.stderr, "")
            self.assertTrue(re.fullmatch(r"usr/bin/prog root 755\n", result.stdout), result.stdout)


class Typing(unittest.TestCase):
    """`app/run --join` on a terminal of its own, as it is except that it builds nothing: what is typed until it asks for the key."""
    KEY = "ew1_secret"
    # Read after its libraries. Compiling lasts until the test says how it ends.
    INSTEAD = """
need_debian() { :; }; refuse_packages() { :; }; need_root() { :; }; missing_packages() { :; }; note_packages() { :; }; install_packages() { :; }
configure() { :; }; install_files() { :; }; start_service() { :; }
compile() { echo $$ >"$FOLDER/new"; mv "$FOLDER/new" "$FOLDER/compiling"; until [ -e "$FOLDER/end" ]; do sleep 0.1; done; [ "$(cat "$FOLDER/end")" = well ]; }
"""
    CTL = """#!/bin/sh
case $1 in
  status) [ "${2:-}" != --json ] || echo '{"state": "not-enrolled"}' ;;
  enroll) stty -a </dev/tty | grep -o -- '-*echo '; read -r key </dev/tty; echo "key: ${#key}." ;;
esac
"""
    SHELL = """trap : INT; "$FOLDER/app/run" --join; echo "ended: $?."; stty -a | grep -o -- '-*echo '; stty -icanon min 0 time 0; echo "left: $(wc -c)." """

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        subprocess.run(["cp", "-r", f"{SOURCE}/app/run", f"{SOURCE}/app/launch", self.make("app")], check=True)
        with open(f"{self.folder}/app/launch/install.sh", "a") as file:
            file.write(self.INSTEAD)
        self.make("bin")
        for name, text in (("edgewayctl", self.CTL), ("edgeway-edge", "#!/bin/sh\nexit 1\n")):
            with open(f"{self.folder}/bin/{name}", "w") as file:
                file.write(text)
            os.chmod(f"{self.folder}/bin/{name}", 0o755)

    def make(self, name):
        os.mkdir(f"{self.folder}/{name}")
        return f"{self.folder}/{name}"

    def run_typed(self, typed, end):
        """What is shown while this is typed during the build, which then ends: a word, or a signal to app/run."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(FOLDER=self.folder, PATH=f"{self.folder}/bin:{os.environ['PATH']}")
            os.execvp("sh", ["sh", "-c", self.SHELL])
        shown, done, late = b"", False, time.monotonic() + 40
        with contextlib.suppress(OSError):  # it has ended
            while True:
                if time.monotonic() > late:
                    os.killpg(pid, signal.SIGKILL)
                    self.fail(f"it doesn't end, and showed: {shown}")
                if not done and os.path.exists(f"{self.folder}/compiling"):
                    done = True
                    os.write(terminal, typed.encode())
                    if isinstance(end, str):
                        with open(f"{self.folder}/end", "w") as file:
                            file.write(end)
                    else:
                        with open(f"{self.folder}/compiling") as file:
                            os.kill(int(file.read()), end)
                if select.select([terminal], [], [], 0.05)[0]:
                    shown += os.read(terminal, 1000)
        os.close(terminal)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        return shown.decode().replace("\r\n", "\n")

    def test_key_before_its_question(self):
        """It isn't shown, and is there when the key is asked for, which finds the terminal as it was."""
        shown = self.run_typed(self.KEY + "\n", "well")
        self.assertNotIn(self.KEY, shown)
        self.assertRegex(shown, r"(?s)compile .*\necho \nkey: 10\.\n.*ended: 0\.\necho \nleft: 0\.\n$")

    def test_not_asked(self):
        """However it ends, the terminal is as it was, and what was typed, with or without Return, isn't left for the shell."""
        for typed, end, status, said in ((self.KEY, "badly", 1, "The programs couldn't be built (above).\nWhat was typed in the meantime was discarded.\n"),
                                         (self.KEY + "\nx", "badly", 1, "What was typed in the meantime was discarded.\n"),
                                         ("", "badly", 1, "The programs couldn't be built (above).\nended"),
                                         (self.KEY + "\x03", "", 130, "\nStopped. To continue, run the same command again.\nended"),
                                         ("", signal.SIGINT, 130, "\nStopped. To continue, run the same command again.\nended"),
                                         (self.KEY, signal.SIGHUP, 130, "What was typed in the meantime was discarded.\n"),
                                         (self.KEY + "\n", signal.SIGTERM, 143, "What was typed in the meantime was discarded.\n")):
            with self.subTest(typed=typed, end=end):
                for name in ("compiling", "end"):
                    with contextlib.suppress(FileNotFoundError):
                        os.remove(f"{self.folder}/{name}")
                shown = self.run_typed(typed, end)
                self.assertNotIn(self.KEY, shown)
                self.assertIn(said, shown)
                self.assertRegex(shown, rf"(?s)ended: {status}\.\n(Terminated\n)?echo \nleft: 0\.\n$")


if __name__ == "__main__":
    unittest.main()
