#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""edgewayctl: exit codes, one-line errors, prompts on a real terminal, what goes to stdout and what does not, secrets."""
import base64
import hashlib
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import private_bus  # noqa: E402
from gi.repository import GLib  # noqa: E402
from private_bus import ADDRESS, PASSWORD, PEER, USERS, Machine, read, wait_for  # noqa: E402

private_bus.enter()
import fake_daemon  # noqa: E402


def make_key(**changes):
    body = {"api": ["https://203.0.113.5:443"], "pin": base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode(),
            "secret": base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode(), "kind": "server", **changes}
    data = json.dumps(body).encode()
    return "ew1_" + base64.urlsafe_b64encode(data + hashlib.sha256(data).digest()[:4]).rstrip(b"=").decode()


KEY = make_key()


def wrapped(width, between):
    return between.join(KEY[i:i + width] for i in range(0, len(KEY), width))


class Terminal:
    """edgewayctl on a terminal of its own, as a user."""

    def __init__(self, machine, *argv, user="root", env=None, columns=80, ahead=""):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SSH_", "COLUMNS"))}
        environment.update({"LC_ALL": "C.UTF-8", "TERM": "xterm", **(env or {})})
        self.shown = b""
        ready, go = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            private_bus.die_with_parent()
            os.read(ready, 1)
            if user != "root":
                os.setgroups([])
                os.setgid(USERS[user])
                os.setuid(USERS[user])
            os.execve(machine.ctl, [machine.ctl, *argv], environment)
        termios.tcsetwinsize(self.fd, (40, columns))
        if ahead:
            self.type(ahead)
            self.expect(ahead.replace("\n", "\r\n"))  # its echo: it has arrived
        os.write(go, b".")
        os.close(ready), os.close(go)

    def read(self, seconds=0.1):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            self.shown += data
            return bool(data)
        return True

    def expect(self, text, seconds=20):
        end = time.monotonic() + seconds
        while text.encode() not in self.shown:
            if not self.read() or time.monotonic() > end:
                raise AssertionError(f"no {text!r} on the terminal:\n{self.text()}")

    def text(self):
        return self.shown.decode(errors="replace").replace("\r", "")

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self, seconds=20):
        end = time.monotonic() + seconds
        while self.read():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                break
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


class Case(unittest.TestCase):
    MACHINE = {}

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(**cls.MACHINE)
        cls.addClassCleanup(cls.machine.close)

    def start(self, **options):
        self.daemon = self.machine.daemon(**options)
        self.addCleanup(self.daemon.stop)

    def ctl(self, *argv, **options):
        result = self.machine.run_ctl(*argv, **options)
        self.assertEqual(result.returncode, 0, result)
        return result.stdout

    def fails(self, code, *argv, says=(), **options):
        result = self.machine.run_ctl(*argv, **options)
        self.assertEqual(result.returncode, code, result)
        self.assertEqual(len(result.stderr.splitlines()), 1, result)
        self.assertTrue(result.stderr.startswith("edgewayctl: "), result)
        for said in says:
            self.assertIn(said, result.stderr)
        return result

    def terminal(self, *argv, **options):
        return Terminal(self.machine, *argv, **options)


class Verbs(Case):
    MACHINE = {"polkit": False}

    def test_usage(self):
        for argv in ([], ["fly"], ["node"], ["node", "fly"], ["route"], ["node", "add"], ["node", "add", "a", "b"], ["node", "add", "Not A Name"],
                     ["node", "add", "web", "--valid", "1s"], ["status", "extra"], ["status", "--nonsense"], ["mode", "sideways"], ["mode", "vpn", "--lan-names", "maybe"], ["mode", "--lan-names", "yes"],
                     ["lockdown", "maybe"], ["lockdown", "off", "--confirm-within", "5"], ["lockdown", "--confirm", "on"], ["portal", "fly"], ["portal", "--for", "10m"], ["portal", "close", "--for", "10m"], ["portal", "open", "--for", "2h"],
                     ["proxy", "maybe"], ["proxy", "set"], ["proxy", "off", "--user", "joe"], ["proxy", "show", "x"], ["proxy", "set", "http://joe:secret1@proxy:1"], ["proxy", "auto", "--json"],
                     ["split"], ["split", "exclude"], ["split", "include", "a", "b"], ["lan", "maybe"],
                     ["mode", "--confirm", "vpn"], ["mode", "vpn", "--confirm-within", "soon"], ["ping"], ["ping", "nas", "-c", "0"], ["ping", "nas", "-c", "x"],
                     ["--nonsense"], ["enroll", "--key-file", "-", "ew1_x"], ["enroll", "--name", "-odd-"], ["node", "rename", "nas"], ["node", "mtu", "nas"], ["node", "mtu", "nas", "1279"],
                     ["node", "mtu", "nas", "1280x"], ["route", "add"], ["name"], ["name", "add"], ["name", "accept"], ["name", "add", "a", "b", "c"], ["name", "add", "corp.example", "--resolver", "dns"], ["names", "nas"],
                     ["node", "config", "phone", "--valid", "tomorrow"], ["service"], ["service", "add", "ha"], ["service", "add", "ha", "nas"], ["service", "add", "ha", "nas:0"], ["service", "add", "ha", "nas:80", "--port", "65536"],
                     ["service", "add", "ha", "nas", "--port", "80", "--port", "70-90"], ["service", "add", "ha", "nas:80", "--port", "1-9"], ["service", "add", "ha", "nas:80", "--source", "me"], ["service", "edit", "ha", "--spread", "--first"],
                     ["publish"], ["publish", "ha"], ["publish", "ha", "--host", "h.example.org", "--access", "all"], ["publish", "ha", "--host", "h.example.org", "--certificate", "/x"],
                     ["publish", "ha", "--host", "h.example.org", "--allow", "joe@example.org"], ["publish", "a", "b", "--host", "h.example.org"], ["publish", "remove"], ["publish", "list", "x"],
                     ["service", "edit", "ha", "--udp"], ["service", "add", "ha", "nas/printer:631"], ["service", "show"], ["service", "remove", "a", "b"]):
            with self.subTest(" ".join(argv)):
                self.fails(2, *argv, says=["--help"])

    def test_help(self):
        listed = self.ctl("--help")
        for verb in ("enroll", "leave", "connect", "disconnect", "mode", "lockdown", "split list", "split exclude", "split include", "split remove", "lan", "portal", "proxy", "status", "map", "ping", "diagnose",
                     "node add", "node list", "node show", "node rename", "node mtu", "node remove", "node config", "route add",
                     "route remove", "route list", "route accept", "route refuse", "names", "name add", "name remove", "name list", "name accept", "name refuse",
                     "service add", "service list", "service show", "service edit", "service remove", "publish", "publish list", "publish remove"):
            self.assertRegex(listed, f"(?m)^  {verb}( |$)")
            self.assertIn("Usage:", self.ctl(*verb.split(), "--help"))
        for argv in (["help"], ["-h"]):
            self.assertEqual(self.ctl(*argv), listed)
        for group in ("node", "route", "name", "service"):
            only = self.ctl(group, "--help")
            self.assertIn(f"  {group} add ", only)
            self.assertNotIn("  status ", only)
            self.assertEqual(self.ctl("help", group), only)
        self.assertEqual(self.ctl("help", "node", "add"), self.ctl("node", "add", "--help"))
        self.fails(2, "help", "fly", says=["--help"])
        for verb in ([], ["node", "add"], ["ping"]):
            plain = self.ctl(*verb, "--help", env={"LC_ALL": "C"})
            self.assertIn("..." if verb else "VERB...", plain)
            self.assertTrue(plain.isascii() and "?" not in plain, plain)
        self.assertRegex(self.ctl("--version"), r"^edgewayctl \d+\.\d+\.\d+( \([0-9a-f]{7}\+?\))?\n?$")

    def test_no_daemon(self):
        for argv in (["status"], ["map"], ["connect"], ["node", "list"], ["--bus", ADDRESS, "status"], ["status", "--bus", "unix:path=/nonexistent"]):
            with self.subTest(" ".join(argv)):
                self.fails(3, *argv, says=["edgewayd"])
        self.assertNotIn("ockdown", self.fails(3, "status").stderr)
        with tempfile.TemporaryDirectory() as state, open(os.path.join(state, "lockdown"), "w"):  # as edgewayd leaves it while lockdown is on
            os.makedirs("/var/lib/edgeway", exist_ok=True)
            subprocess.run(["mount", "--bind", state, "/var/lib/edgeway"], check=True)
            try:
                self.fails(3, "status", says=["Lockdown is on", "sudo edgewayctl lockdown off"])
            finally:
                subprocess.run(["umount", "/var/lib/edgeway"], check=True)

    def test_status(self):
        self.start()
        self.assertIn("disconnected", self.ctl("status"))
        status = json.loads(self.ctl("status", "--json"))
        self.assertEqual((status["schema"], status["state"], status["name"], status["edge"]), (1, "disconnected", "laptop", None))
        # For health checks: the same words, and an exit code.
        self.assertEqual(self.machine.run_ctl("status", "--check").returncode, 1)
        self.assertEqual(self.ctl("connect"), "Connected to the mesh home via the edge frankfurt.\n")
        self.assertIn("connected since", self.ctl("status", "--check"))
        self.assertEqual(json.loads(self.ctl("status", "--check", "--json"))["state"], "connected")
        self.fails(2, "status", "--check", "--watch", says=["together"])
        self.assertEqual(json.loads(self.ctl("--bus", ADDRESS, "status", "--json"))["edge"]["name"], "frankfurt")
        self.assertEqual(json.loads(self.ctl("status", "--json", f"--bus={ADDRESS}"))["state"], "connected")
        self.ctl("connect")
        # What does not work although the rest does is reported, with its fix.
        self.assertRegex(self.ctl("status"), r"problems +The route 10\.7\.0\.0/24 isn't in use: [^\n]+\.\n +Remove it\.\n")
        self.assertIn("This computer: The route 10.7.0.0/24 isn't in use", " ".join(self.ctl("map").split()))
        self.assertEqual(json.loads(self.ctl("status", "--json"))["problems"][0]["subject"], "10.7.0.0/24")
        self.assertEqual(self.ctl("disconnect"), "Disconnected.\n")
        self.ctl("disconnect")

    def test_watch(self):
        self.start()
        watch = subprocess.Popen(private_bus.dying([self.machine.ctl, "status", "--watch"]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("disconnected", watch.stdout.readline())
        self.ctl("connect", "--no-wait")
        states = []
        while "connected" not in states:
            states.append(watch.stdout.readline().split()[1])
        self.assertLessEqual(set(states), {"disconnected", "connecting", "connected"})
        self.daemon.stop()
        self.assertEqual(watch.wait(20), 3)
        watch.stdout.close()
        watch.stderr.close()

    def test_connecting_takes_too_long(self):
        self.start(env={"FAKE_TUNNEL": "stuck"})
        start = time.monotonic()
        self.ctl("connect", "--no-wait")
        self.assertLess(time.monotonic() - start, 10)
        self.fails(5, "connect", says=["30 s", "diagnose"])
        self.assertGreater(time.monotonic() - start, 29)

    def test_connecting_waits_for_names(self):
        """The first status after it isn't a passing one."""
        self.start(env={"FAKE_TUNNEL": "names-later"})
        self.assertEqual(self.machine.run_ctl("connect").stderr, "")
        self.assertIn("names      work, for example", self.ctl("status"))
        self.assertIn('"names" : "ok"', self.ctl("status", "--json"))

    def test_names_take_too_long(self):
        self.start(env={"FAKE_TUNNEL": "names-never"})
        result = self.machine.run_ctl("connect")
        self.assertEqual((result.returncode, result.stderr), (0, "The mesh's names aren't ready yet. See `edgewayctl names`.\n"))
        self.assertIn("Connected to the mesh", result.stdout)

    def test_mode(self):
        self.start()
        self.assertEqual(self.ctl("mode"), "connector\n")
        self.assertNotIn("guard", self.ctl("mode", "connector"))
        self.assertIn("will start", self.ctl("mode", "vpn"))
        self.ctl("connect")
        shown = self.ctl("mode", "vpn", "--confirm-within", "2m")
        self.assertIn("is active", shown)
        self.assertRegex(shown, r"in 1[12]\d s, at \d\d:\d\d:\d\d")
        self.assertIn("edgewayctl mode --confirm", shown)
        self.daemon.wait_log("fake: mode vpn within 120 remote")
        self.assertIn("vpn\n", self.ctl("mode"))
        self.assertIsNotNone(json.loads(self.ctl("status", "--json"))["guard_until"])
        self.assertEqual(self.machine.run_ctl("mode", "vpn", "--lan-names", "yes").stderr, "Only systemd-resolved can tell. Use it.\n")
        self.assertEqual(self.machine.run_ctl("mode", "vpn", "--lan-names", "no").stderr, "")
        self.daemon.wait_log("fake: lan-names yes")
        self.ctl("mode", "--confirm")
        self.assertIsNone(json.loads(self.ctl("status", "--json"))["guard_until"])
        self.ctl("mode", "--undo")
        self.assertEqual(self.ctl("mode"), "connector\n")

    def test_lockdown(self):
        self.start()
        self.assertEqual(self.ctl("lockdown"), "off\n")
        shown = self.ctl("lockdown", "on", "--confirm-within", "2m")
        self.assertRegex(shown, r"(?s)sudo edgewayctl lockdown off.*in 1[12]\d s.*edgewayctl lockdown --confirm")
        self.daemon.wait_log("fake: lockdown on within 120 remote")
        self.assertIn("lockdown --confirm", self.ctl("status"))
        self.assertEqual(self.ctl("lockdown", "--confirm"), "Kept.\n")
        self.assertEqual(self.ctl("lockdown"), "on\n")
        self.assertRegex(self.ctl("status"), r"lockdown +on\n")
        self.assertEqual(self.ctl("lockdown", "off"), "Lockdown is off.\n")
        self.assertEqual(json.loads(self.ctl("status", "--json"))["lockdown"], "off")

    def test_portal(self):
        self.start()
        self.assertEqual(self.ctl("portal"), "none\n")
        self.fails(1, "portal", "open", says=["no login page"])
        self.daemon.stop()
        self.start(env={"FAKE_TUNNEL": "portal"})
        page = "http://login.hotel.example/start?from=fake"
        self.assertEqual(self.ctl("portal"), page + "\n")
        self.assertRegex(self.ctl("status"), rf"login page +{re.escape(page)}: edgewayctl portal open\n")
        shown = self.machine.run_ctl("portal", "open", "--for", "2m", env={"SUDO_UID": "1234"})
        self.assertEqual((shown.returncode, shown.stdout), (0, page + "\n"))
        self.assertIn("Open this page in your browser.", shown.stderr)
        self.daemon.wait_log("fake: portal open for 1234 seconds 120")
        self.assertRegex(self.ctl("portal"), r"A browser can reach it until \d")
        self.ctl("portal", "close")
        self.assertIsNone(json.loads(self.ctl("status", "--json"))["portal_until"])

    def test_proxy(self):
        """What is chosen, and passwords that no argument has."""
        self.start()
        self.assertEqual(self.ctl("proxy"), "auto\nNow no proxy leads to the edge.\n")
        self.assertEqual(json.loads(self.ctl("proxy", "show", "--json")), {"schema": 1, "choice": "auto", "in_use": None, "asks_password": False})
        self.ctl("connect")
        self.ctl("proxy", "set", "http://proxy.office:3128")
        self.daemon.wait_log('fake: proxy http://proxy.office:3128, user "", a password of 0 bytes')
        self.assertEqual(self.ctl("proxy"), "http://proxy.office:3128\n")
        self.assertRegex(self.ctl("status"), r"proxy +proxy\.office:3128\n")
        self.ctl("proxy", "set", "http://proxy.office:3128", "--user", "joe", "--password-file", "-", input="secret1\nrest")
        self.daemon.wait_log('fake: proxy http://proxy.office:3128, user "joe", a password of 7 bytes')
        self.ctl("proxy", "set", "-", input="http://joe:secret1@proxy.office:3128\n")
        self.daemon.wait_log("fake: proxy http://joe:secret1@proxy.office:3128")
        self.assertEqual(self.ctl("proxy", "password", "--user", "joe", "--password-file", "-", input="p@ss: word"), "Stored for the proxy proxy.office:3128.\n")
        self.daemon.wait_log('fake: password for proxy "proxy.office:3128", user "joe", 10 bytes')
        self.assertEqual(self.ctl("proxy", "password", "other.office:8080", "--user", "joe", "--password-file", "-", input="secret1"), "Stored for the proxy other.office:8080.\n")
        self.daemon.wait_log('fake: password for proxy "other.office:8080", user "joe", 7 bytes')
        terminal = self.terminal("proxy", "password", "other.office:8080")
        terminal.expect("User name for the proxy other.office:8080: ")
        terminal.type("joe\n")
        terminal.expect("Password of joe for the proxy other.office:8080 (it isn't shown): ")
        terminal.type("secret12\n")
        terminal.expect("Stored for the proxy other.office:8080.")
        self.assertEqual(terminal.end(), 0)
        self.daemon.wait_log('fake: password for proxy "other.office:8080", user "joe", 8 bytes')
        self.ctl("proxy", "off")
        self.daemon.wait_log("fake: proxy off")
        result = self.machine.run_ctl("proxy", "set", "http://joe:secret1@proxy:1")
        self.assertNotIn("secret1", result.stdout + result.stderr)
        self.fails(1, "proxy", "set", "http://proxy:1", "--user", "joe", says=["--password-file"])
        result = self.machine.run_ctl("proxy", "password", "joe:secret1@proxy:1")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertNotIn("secret1", result.stderr)
        self.fails(2, "proxy", "password", says=["No proxy asks"])
        self.fails(2, "proxy", "password", "--user", "joe", "--password-file", "-", input="secret1", says=["No proxy is in use here", "HOST:PORT"])

    def test_proxy_asks(self):
        """Joining through a proxy that wants a password: on a terminal, it's asked for."""
        self.start(env={"FAKE_TUNNEL": "proxy-asks"})
        self.fails(1, "enroll", "--key-file", "-", input=KEY + "\n", says=["asks for a user name and a password"])
        terminal = self.terminal("enroll")
        terminal.expect("Enrollment key")
        terminal.type(KEY + "\n")
        terminal.expect("User name: ")
        terminal.type("joe\n")
        terminal.expect("Password of joe")
        terminal.type("secret1\n")
        self.assertEqual(terminal.end(), 0)
        self.daemon.wait_log('fake: password for proxy "proxy.office:3128", user "joe", 7 bytes')
        self.assertIn("Joined the mesh", terminal.text())
        self.assertNotIn("secret1", terminal.text())

    def test_split(self):
        self.start()
        self.assertEqual(self.ctl("split", "list"), "excluded  203.0.113.0/24\n")
        self.assertEqual(json.loads(self.ctl("split", "list", "--json")), {"schema": 1, "excluded": ["203.0.113.0/24"], "included": []})
        for action in ("exclude", "include", "remove"):
            self.ctl("split", action, "198.51.100.0/24")
            self.daemon.wait_log(f"fake: split {action} 198.51.100.0/24")
        self.assertEqual(self.ctl("lan"), "allow\n")
        self.ctl("lan", "block")
        self.assertEqual(self.ctl("lan"), "block\n")

    def test_ssh_tightens(self):
        logind = self.machine.logind("local")
        self.start()
        self.ctl("mode", "vpn", env={"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"})
        self.daemon.wait_log("fake: mode vpn within 0 remote")
        self.ctl("mode", "vpn")
        self.daemon.wait_log("fake: mode vpn within 0 local")
        logind.stop()

    def test_map(self):
        self.start()
        self.fails(1, "map", says=["edgewayctl connect"])
        self.ctl("connect")
        shown = self.ctl("map")
        for said in ("laptop", "this computer", "frankfurt", "office-gw", "10.7.0.0/24", "phone", "not joined yet", "other computers can't reach it"):
            self.assertIn(said, shown)
        self.assertNotIn("\033", shown)
        self.assertLessEqual(max(len(line) for line in shown.splitlines()), 80)
        self.assertTrue(self.ctl("map", env={"LC_ALL": "C"}).isascii())
        widths = {columns: max(len(line) for line in self.ctl("map", env={"COLUMNS": columns}).splitlines()) for columns in ("64", "80", "0", "wide")}
        self.assertLessEqual(widths["64"], 64)
        self.assertEqual(widths["0"], widths["80"])
        self.assertEqual(widths["wide"], widths["80"])
        known = json.loads(self.ctl("map", "--json"))
        self.assertEqual((known["schema"], known["mesh"], len(known["nodes"]), known["edges"][0]["name"]), (1, "home", 3, "frankfurt"))
        self.assertIsNone(known["nodes"][2]["rtt_ms"])

    def test_map_on_a_terminal(self):
        self.start()
        self.ctl("connect")
        for columns, env, coloured in ((70, {}, True), (150, {}, True), (80, {"NO_COLOR": "1"}, False)):
            terminal = self.terminal("map", columns=columns, env=env)
            self.assertEqual(terminal.end(), 0)
            self.assertEqual("\033[" in terminal.text(), coloured)
            plain = re.sub(r"\033\[[0-9;]*m", "", terminal.text())
            self.assertIn("office-gw", plain)
            self.assertLessEqual(max(len(line) for line in plain.splitlines()), columns)

    def test_ping(self):
        self.start()
        shown = self.ctl("ping", "office-gw", "-c", "2")
        self.assertIn("this computer ── 8.2 ms ── frankfurt ── 12 ms ── office-gw (100.96.1.2)", shown)
        self.assertIn("2 sent, 2 answered, 0 % lost", shown)
        result = self.machine.run_ctl("ping", "silent", "-c", "1")
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        self.assertIn("1 sent, 0 answered, 100 % lost", result.stdout)
        self.assertIn("3 sent, 3 answered, 0 % lost", self.ctl("ping", "office-gw", "-c3"))
        self.fails(1, "ping", "nobody", says=["nobody"])

    def test_ping_interrupted(self):
        self.start()
        terminal = self.terminal("ping", "office-gw", "-c", "1000")
        terminal.expect("\n2  this computer")  # Ctrl-C before the first answer ends a password prompt, and the program
        terminal.type("\x03")
        self.assertEqual(terminal.end(), 0)
        self.assertRegex(terminal.text(), r"\d sent, \d answered")

    def test_nodes(self):
        self.start()
        result = self.machine.run_ctl("node", "add", "web", "--valid", "2h")
        self.assertEqual((result.returncode, result.stdout), (0, "ew1_FAKEKEYFORTESTS\n"))
        self.assertIn("sudo edgewayctl enroll --name web --key-file -", result.stderr)
        self.assertNotIn("ew1_FAKE", result.stderr)
        self.assertIn("warning: This is a trial edge: other computers can't reach it", result.stderr)
        self.daemon.wait_log('{"name":"web","kind":"server","valid_seconds":7200}')
        self.ctl("node", "add", "tablet", "--device")
        self.daemon.wait_log('{"name":"tablet","kind":"device","valid_seconds":3600}')
        listed = self.ctl("node", "list").splitlines()
        self.assertEqual([line.split()[0] for line in listed], ["NAME", "laptop", "office-gw", "phone"])
        self.assertEqual(len({line.index(word) for line, word in zip(listed, ("KIND", "device", "server", "device"))}), 1, "columns are aligned")
        self.assertEqual(len(json.loads(self.ctl("node", "list", "--json"))["nodes"]), 3)
        self.assertIn("100.96.1.1", self.ctl("node", "show", "laptop"))
        self.assertTrue(json.loads(self.ctl("node", "show", "laptop", "--json"))["self"])
        self.fails(1, "node", "show", "nobody")
        self.fails(1, "node", "add", "taken", says=["taken"])
        self.fails(4, "node", "add", "forbidden", says=["administrator"])
        self.ctl("node", "rename", "nas", "tower")
        self.assertIn("at most 1280 bytes", self.ctl("node", "mtu", "nas", "1280"))
        self.daemon.wait_log('PATCH /v1/nodes/nas {"mtu":1280}')
        self.ctl("node", "mtu", "nas", "default")
        self.daemon.wait_log('PATCH /v1/nodes/nas {"mtu":0}')
        self.ctl("node", "remove", "nas")
        self.fails(1, "node", "remove", "laptop", says=["edgewayctl leave"])

    def test_keys(self):
        self.start()
        lines = self.ctl("key", "list").splitlines()
        self.assertRegex(lines[0], r"^ID +FOR +KIND +MADE BY +MADE +EXPIRES$")
        self.assertRegex(lines[1], r"^1a2b3c4d5e6f +any name +admin +the owner +\d+ days ago +in \d+ days$")
        self.assertRegex(lines[2], r"^abcdef012345 +nas \(renewal\) +server +laptop +\d+ days ago +in \d+ days$")
        self.assertRegex(lines[3], r"^00000000aaaa +any name +device +unknown$")
        self.assertEqual(len(json.loads(self.ctl("key", "list", "--json"))["keys"]), 3)
        self.assertIn("Revoked", self.ctl("key", "revoke", "1a2b"))
        self.daemon.wait_log("DELETE /v1/keys/1a2b ")
        for argv in (["key"], ["key", "lost"], ["key", "revoke"], ["key", "list", "x"], ["node", "add", "nas", "--renew", "--device"]):
            self.fails(2, *argv)

    def test_renewal(self):
        self.start()
        result = self.machine.run_ctl("node", "add", "nas", "--renew", "--valid", "2h")
        self.assertEqual((result.returncode, result.stdout), (0, "ew1_FAKEKEYFORTESTS\n"))
        self.daemon.wait_log('POST /v1/keys {"name":"nas","renew":true,"valid_seconds":7200}')
        self.assertIn("replaces nas", result.stderr)
        self.assertNotIn("node remove", result.stderr)
        result = self.machine.run_ctl("node", "config", "phone", "--renew")
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("[Interface]", result.stdout)
        self.assertIn("no longer connects", result.stderr)
        self.daemon.wait_log('POST /v1/nodes {"name":"phone","renew":true,"public_key":')

    def test_config(self):
        self.start()
        result = self.machine.run_ctl("node", "config", "phone", "--valid", "1h")
        self.assertEqual(result.returncode, 0, result)
        lines = result.stdout.splitlines()
        self.assertEqual([line.split(" = ")[0] for line in lines if line], ["[Interface]", "PrivateKey", "ListenPort", "Address", "MTU", "[Peer]", "PublicKey", "Endpoint", "AllowedIPs", "PersistentKeepalive"])
        private = lines[1].split(" = ")[1]
        public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()
        self.daemon.wait_log(f'"public_key":"{public}","valid_seconds":3600')
        for text in (self.daemon.text(), result.stderr):
            self.assertNotIn(private, text)
        config = self.machine.path("edgeway.conf")
        with open(config, "w") as file:
            file.write(result.stdout)
        stripped = subprocess.run(["wg-quick", "strip", config], capture_output=True, text=True, check=True).stdout
        self.assertIn(private, stripped)
        self.assertNotIn("Address", stripped)
        self.assertIn("add --names", result.stderr)
        dns = "DNS = 100.96.0.1, fd12:3456:789a::1, home.internal\n"
        for argv, has_names in ((["--vpn"], True), (["--vpn", "--no-names"], False), (["--names"], True), (["--vpn", "--names"], True)):
            result = self.machine.run_ctl("node", "config", "phone", *argv)
            self.assertEqual((dns in result.stdout, "resolvconf" in result.stderr, "--no-names" in result.stderr), (has_names, has_names, argv == ["--vpn"]), result)
            self.assertEqual("AllowedIPs = 0.0.0.0/0, ::/0\n" in result.stdout, "--vpn" in argv, result)
        self.fails(2, "node", "config", "phone", "--names", "--no-names")
        code = self.ctl("node", "config", "phone", "--qr")
        self.assertRegex(code, r"^[█▀▄ \n]+$")
        self.assertEqual(len({len(line) for line in code.splitlines()}), 1)

    def test_config_into_a_full_disk(self):
        self.start()
        with open("/dev/full", "w") as full:
            result = subprocess.run([self.machine.ctl, "node", "config", "phone"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
        self.assertEqual(result.returncode, 1, result)

    def test_routes(self):
        self.start()
        self.assertRegex(self.ctl("route", "list"), r"10\.7\.0\.0/24 +office-gw +offered, not accepted here\n127\.0\.0\.0/8 +office-gw +not in use: loopback\n"
                         r"10\.66\.0\.0/24 +- +accepted, not offered now\n$")
        self.assertEqual(len(json.loads(self.ctl("route", "list", "--json"))["routes"]), 3)
        for argv in (["add", "10.7.0.0/24"], ["add", "10.8.0.0/24", "nas"], ["remove", "10.7.0.0/24"], ["accept", "10.7.0.0/24"], ["refuse", "10.7.0.0/24"]):
            self.ctl("route", *argv)
        self.fails(1, "route", "accept", "127.0.0.0/8", says=["loopback"])
        self.assertEqual(self.machine.run_ctl("route", "accept", "10.7.0.0/24").stderr, "")
        for cidr in ("10.70.0.0/24", "10.66.0.0/24"):
            self.assertIn(f"No node offers {cidr}", self.machine.run_ctl("route", "accept", cidr).stderr)
        self.assertIn("10.9.0.0/24", self.machine.run_ctl("route", "add", "10.9.0.0").stderr)

    def test_names(self):
        self.start()
        self.assertRegex(self.ctl("name", "list"), r"files +office-gw +- *\ncorp\.example +office-gw +10\.7\.0\.53 +offered, not accepted here\n")
        self.assertEqual(json.loads(self.ctl("name", "list", "--json"))["names"][0]["name"], "files")
        said = self.ctl("names").splitlines()
        self.assertIn("home.internal", said[0])
        rows = [re.split(r"  +", line) for line in said[2:]]
        self.assertEqual(rows, [["NAME", "LEADS TO", "WHAT IT IS"], ["edge.home.internal", "100.96.0.1", "edge"], ["frankfurt.home.internal", "100.96.0.1", "edge"],
                                ["laptop.home.internal", "100.96.1.1 fd12:3456:789a:1::1", "node"], ["media.home.internal", "100.96.1.2 fd12:3456:789a:1::2", "additional name of office-gw"],
                                ["office-gw.home.internal", "100.96.1.2 fd12:3456:789a:1::2", "node"], ["phone.home.internal", "100.96.1.3", "node"],
                                ["*.corp.example", "what 10.7.0.53 says", "domain through office-gw: offered, not accepted here"]])
        names = json.loads(self.ctl("names", "--json"))
        self.assertEqual((names["suffix"], names["names"][2]), ("home.internal", {"name": "laptop.home.internal", "type": "node", "node": "laptop", "addresses": ["100.96.1.1", "fd12:3456:789a:1::1"]}))
        self.ctl("name", "add", "--", "-x", "nas")
        self.daemon.wait_log('POST /v1/names {"name":"-x","node":"nas"}')
        self.fails(2, "name", "add", "--", "-x", "--resolver", "10.7.0.53", says=["Unexpected argument"])
        self.ctl("name", "add", "files", "nas")
        self.daemon.wait_log('POST /v1/names {"name":"files","node":"nas"}')
        added = self.machine.run_ctl("name", "add", "corp.example", "office-gw", "--resolver", "10.7.0.53")
        self.assertIn("name accept corp.example", added.stderr)
        self.daemon.wait_log('"resolver":"10.7.0.53"')
        self.ctl("name", "remove", "files")
        self.daemon.wait_log("DELETE /v1/names/files")
        self.assertIn("route list", self.machine.run_ctl("name", "accept", "Corp.Example").stderr)
        self.assertIn("No node offers lab.example", self.machine.run_ctl("name", "accept", "lab.example").stderr)
        self.ctl("name", "refuse", "corp.example")
        self.daemon.wait_log("fake: refuse corp.example")
        self.fails(1, "name", "accept", "com", says=["anyone can register"])

    def test_services(self):
        self.start()
        added = self.machine.run_ctl("service", "add", "ha", "nas:8123", "--port", "80")
        self.assertEqual(added.stdout, "Added: ha.home.internal (100.111.0.1, fd12:3456:789a:ffff::1).\noffice-gw:8123 answers.\n")
        self.daemon.wait_log('POST /v1/services {"targets":["nas:8123"],"ports":["80"],"name":"ha"}')
        rows = [re.split(r"  +", line) for line in self.ctl("service", "list").splitlines()]
        self.assertEqual(rows, [["NAME", "ADDRESS", "PORTS", "TARGETS", "STATE"], ["ha", "100.111.0.1", "80", "office-gw:8123", "office-gw:8123 answers"],
                                ["web", "10.128.0.5", "80", "laptop:80 office-gw/10.7.0.9:80", "Nothing listens on laptop:80 (0 of 2 targets offered)"]])
        shown = self.machine.run_ctl("service", "show", "web")
        for text in ("web.home.internal\n", "Nothing listens on laptop:80", "office-gw is offline since ", "spread over all", "the edge's address", "all the time"):
            self.assertIn(text, shown.stdout)
        self.assertIn("route accept 10.128.0.5/32", shown.stderr)
        edited = self.machine.run_ctl("service", "edit", "web", "--name", "www", "--first", "--check", "auto", "nas:81")
        self.daemon.wait_log('PATCH /v1/services/web {"spread":"first","check":"auto","name":"www","targets":["nas:81"]}')
        self.assertIn("service edit web NODE:PORT", edited.stderr)
        self.assertEqual(json.loads(self.ctl("service", "list", "--json"))["services"][1]["name"], "web")
        self.assertIn("ha has been removed", self.ctl("service", "remove", "ha"))
        self.daemon.wait_log("DELETE /v1/services/ha")
        self.fails(1, "service", "show", "nothing", says=["service list"])

    def test_removed_with_its_node(self):
        self.start()
        removed = self.ctl("node", "remove", "office-gw")
        self.assertIn("go on with their other targets: web", removed)

    def test_names_without_the_edge(self):
        self.start(env={"FAKE_TUNNEL": "edge-away"})
        result = self.fails(1, "names", says=["can't be reached"])
        self.assertIn("This computer doesn't find names below home.internal. This computer isn't connected", result.stdout)
        self.assertNotIn("mesh's names", self.ctl("status"))
        self.daemon.stop()
        self.start(env={"FAKE_TUNNEL": "stuck"})
        self.ctl("connect", "--no-wait")
        self.assertRegex(self.ctl("status"), "names +This computer isn't connected to its mesh, so the mesh's names don't work.\n")

    def test_diagnose(self):
        self.start()
        result = self.machine.run_ctl("diagnose")
        self.assertEqual((result.returncode, result.stderr), (1, ""), "a check failed")
        for said in ("✓ edge", "✗ dns", "→ use addresses", "? mtu", "! leak", "→ use another"):
            self.assertIn(said, result.stdout)
        result = self.machine.run_ctl("diagnose", "--json")
        self.assertEqual(result.returncode, 1, result)
        self.assertIsNone(json.loads(result.stdout)["checks"][2]["ok"])

    def test_fixes(self):
        self.start()
        result = self.machine.run_ctl("diagnose", "--fix")
        self.assertEqual((result.returncode, result.stderr), (1, "Fixed: dns.\n"), "it checks again, and says what fails")
        self.assertIn("✗ dns", result.stdout)
        self.assertEqual(json.loads(self.machine.run_ctl("diagnose", "--fix", "--json").stdout)["checks"][1]["fixable"], True)
        result = self.machine.run_ctl("diagnose", "--revert")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", "Reverted: dns.\n"))
        self.assertEqual(self.machine.run_ctl("diagnose", "--revert").stderr, "There is no fix to undo.\n")
        self.fails(2, "diagnose", "--fix", "--revert", says=["can't be combined"])

    def test_leave(self):
        self.start()
        result = self.machine.run_ctl("leave")
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("erased", result.stdout)
        self.assertIn("the mesh's last administrator", result.stderr)
        self.assertIn("edgeway-edge admin-key", result.stderr)
        self.fails(1, "leave", says=["isn't in a mesh"])
        self.fails(1, "connect", says=["enroll"])
        self.assertIn("not-enrolled", self.ctl("status"))

    def test_leave_without_the_edge(self):
        self.start(env={"FAKE_TUNNEL": "edge-away"})
        name = json.loads(self.ctl("status", "--json"))["name"]
        result = self.machine.run_ctl("leave")
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("erased", result.stdout)
        self.assertIn(f"edgewayctl node remove {name}\n", result.stderr)

    def test_last_administrator_is_asked(self):
        self.start()
        for answer, code in (("n\n", 1), ("\n", 1), ("\x04", 1), ("y\n", 0)):
            with self.subTest(answer):
                terminal = self.terminal("leave")
                terminal.expect("last administrator")
                terminal.expect("[y/N]")
                terminal.type(answer)
                self.assertEqual(terminal.end(), code, terminal.text())
                self.assertIn("stays in the mesh" if code else "its keys are erased", terminal.text())
                self.assertEqual("not-enrolled" in self.ctl("status"), code == 0)

    def test_unprivileged(self):
        self.start()
        self.assertIn("disconnected", self.ctl("status", user="ewplain"))
        self.fails(4, "connect", user="ewplain", says=["sudo"])
        self.fails(4, "node", "list", user="ewplain", says=["sudo"])


class MeshCase(Case):
    def start_mesh(self, *options):
        # The system's interpreter: it has GLib.
        program = os.path.join(os.path.dirname(private_bus.__file__), "fake_daemon.py")
        fake = self.machine.start("fake-daemon", ["/usr/bin/python3", "-B", program, "--address", ADDRESS, *options])
        self.addCleanup(fake.stop)
        fake.wait_log('"ready"')


class EdgeAway(MeshCase):
    """The tunnel was up, and the edge answers no more."""
    MACHINE = {"polkit": False}

    def test_vpn(self):
        self.start_mesh("--state", "reconnecting")
        self.assertIn("the edge doesn't answer now, so there is no internet until it does", self.ctl("mode", "vpn"))
        self.assertNotIn("doesn't answer", self.ctl("mode", "connector"))


class PlainNode(MeshCase):
    """Messages about computers without Edgeway, with a mesh in memory that has some."""
    MACHINE = {"polkit": False}

    def setUp(self):
        self.start_mesh()

    def said(self, *argv):
        result = self.machine.run_ctl(*argv)
        self.assertEqual(result.returncode, 0, result)
        return result.stderr

    def test_mtu(self):
        said = self.said("node", "mtu", "iphone", "1300")
        self.assertIn("iphone", said)
        self.assertIn("`MTU = 1300`", said)
        self.assertIn("`MTU = 1420`", self.said("node", "mtu", "iphone", "default"))
        self.assertEqual(self.said("node", "mtu", "nas", "1300"), "")
        self.assertRegex(self.ctl("node", "mtu", "--help"), "1280 to 9000")

    def test_route(self):
        said = self.said("route", "add", "10.20.0.0/24", "iphone")
        self.assertIn("plain WireGuard", said)
        self.assertNotIn("which is to forward it", said)
        self.assertIn("route accept 10.20.0.0/24", said)
        said = self.said("route", "add", "10.30.0.0/24", "nas")
        self.assertIn("On nas, which is to forward it, and on each computer", said)
        self.assertIn("route accept 10.30.0.0/24", said)
        self.assertNotIn("plain WireGuard", said)

    def test_ping(self):
        self.ctl("node", "config", "tablet")
        result = self.machine.run_ctl("ping", "tablet", "-c", "1")
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("1 sent, 0 answered", result.stdout)
        self.assertIn("tablet may not have joined yet", result.stderr)
        result = self.machine.run_ctl("ping", "pixel-8", "-c", "1")  # it did once
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        self.assertEqual(self.machine.run_ctl("ping", "192.168.1.9", "-c", "1").stderr, "")  # its route isn't accepted here
        self.ctl("route", "accept", "192.168.1.0/24")
        self.assertIn("192.168.1.9 is behind office-gw. On office-gw, `sudo edgewayctl route list`", self.machine.run_ctl("ping", "192.168.1.9", "-c", "1").stderr)

    def test_name_taken(self):
        """A node of that name can be renewed in place of adding it again."""
        self.fails(1, "node", "add", "nas", says=["already taken", "sudo edgewayctl node add nas --renew"])
        for verb in (["add"], ["config", "--qr"]):
            self.fails(1, "node", verb[0], "iphone", *verb[1:], says=["already taken", "sudo edgewayctl node config iphone --renew --qr"])


class Enroll(Case):
    MACHINE = {"polkit": False}

    def setUp(self):
        self.start(env={"FAKE_TUNNEL": "not-enrolled"})

    def tearDown(self):
        for text in [self.daemon.text()]:
            self.assertNotIn(KEY, text, "the key stands in a log")

    def test_from_a_file(self):
        path = self.machine.path("key")
        with open(path, "w") as file:
            file.write(KEY + "\n")
        result = self.machine.run_ctl("enroll", "--name", "web", "--key-file", path)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "Joined the mesh home as web.\nNames below home.internal are now this mesh's.\n", ""))
        self.assertEqual(json.loads(self.ctl("status", "--json"))["state"] in ("connecting", "connected"), True)
        self.fails(1, "enroll", "--key-file", path, says=["leave"])

    def test_suffix_of_the_internet(self):
        """An edge may be hostile: whoever enrolls decides whether names below such a suffix belong to the mesh."""
        question = "Look up names below mesh.example.com in the mesh? [y/N]"
        for answer, said, accepted in (("\n", "later: sudo edgewayctl name accept mesh.example.com", 0), ("y\n", "Names below mesh.example.com are now this mesh's.", 1)):
            terminal = self.terminal("enroll", "--name", "far")
            terminal.expect("Enrollment key")
            wait_for("no echo", lambda terminal=terminal: not terminal.echoes())
            terminal.type(KEY + "\n")
            terminal.expect("which may be a domain of the internet")
            terminal.expect(question)
            terminal.type(answer)
            terminal.expect(said)
            self.assertEqual(terminal.end(), 0)
            self.assertEqual(self.daemon.count("fake: accept mesh.example.com"), accepted)
            self.ctl("leave")
        result = self.machine.run_ctl("enroll", "--name", "far", "--accept", "--key-file", "-", input=KEY)
        self.assertIn("To use these names: sudo edgewayctl name accept mesh.example.com", result.stderr)
        self.assertEqual((result.returncode, self.daemon.count("fake: accept mesh.example.com")), (0, 1))

    def test_from_stdin(self):
        self.assertIn("Joined", self.ctl("enroll", "--key-file", "-", input=f"\n  {KEY}\n\n"))

    def test_link_as_argument(self):
        result = self.machine.run_ctl("enroll", "edgeway://enroll/" + KEY)
        self.assertEqual(result.returncode, 0, result)
        self.assertIn("warning", result.stderr)

    def test_name_taken(self):
        self.fails(1, "enroll", "--name", "taken", "--key-file", "-", input=KEY, says=["taken", "Choose another"])

    def test_configuration_on_a_terminal(self):
        """A private key is shown there only on request."""
        for option in ((), ("--vpn",)):
            terminal = self.terminal("node", "config", "tablet", *option)
            terminal.expect("--show")
            self.assertEqual(terminal.end(), 2)
            self.assertNotIn("PrivateKey", terminal.text())

    def test_bad_keys(self):
        for text in ("", "nonsense", KEY[:-3], KEY[:40], KEY.replace(KEY[30], "_" if KEY[30] != "_" else "-", 1), "ew1_", "ew2_" + KEY[4:], KEY[:30] + KEY[:30], "x" * 100000):
            with self.subTest(text[:12]):
                result = self.fails(1, "enroll", "--key-file", "-", input=text)
                if len(text) > 12:
                    self.assertNotIn(text[4:], result.stderr)
        self.fails(1, "enroll", "--key-file", "/nonexistent/key", says=["/nonexistent/key"])
        self.fails(1, "enroll", says=["--key-file"])
        self.assertEqual(self.daemon.count("fake: enroll"), 0, "a bad key goes nowhere")

    def test_on_a_terminal(self):
        terminal = self.terminal("enroll", "--name", "web")
        terminal.expect("Enrollment key")
        wait_for("no echo", lambda: not terminal.echoes())
        arguments = read(f"/proc/{terminal.pid}/cmdline") + read(f"/proc/{terminal.pid}/environ")
        terminal.type(KEY + "\n")
        terminal.expect("Joined the mesh home as web.")
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn(KEY[:20], terminal.text())
        self.assertNotIn(KEY, arguments)

    def test_typed_ahead(self):
        """A key that was pasted before the prompt is taken. Anything else that was typed by then answers nothing."""
        for ahead in (KEY + "\n", "\n" + wrapped(70, "\n") + "\n\n"):
            terminal = self.terminal("enroll", "--name", "web", ahead=ahead)
            terminal.expect("Joined the mesh home as web.")
            self.assertEqual(terminal.end(), 0)
            self.ctl("leave")
        for ahead in ("\n", "y\nls\n", KEY[:40] + "\n", "y"):
            with self.subTest(ahead[:12]):
                terminal = self.terminal("enroll", ahead=ahead)
                terminal.expect("Enrollment key")
                terminal.type(KEY + "\n")
                terminal.expect("Joined the mesh")
                self.assertEqual(terminal.end(), 0)
                self.assertNotIn(KEY[20:40], terminal.text().replace(ahead.replace("\n", ""), ""))
                self.ctl("leave")

    def test_as_it_was_pasted(self):
        """Files, standard input, arguments: the key in a reply, wrapped and with a byte order mark."""
        path = self.machine.path("mail")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\ufeffOn Monday Bob wrote:\r\n> Your key:\r\n> " + wrapped(60, "\r\n> ") + "\r\n\r\nThanks\r\n")
        for given, text in ((["--key-file", path], None), (["--key-file", "-"], wrapped(76, "=\n") + "\n"), (["\u201c" + wrapped(70, "\u200b") + "\u201d"], None)):
            with self.subTest(given[0][:12]):
                self.assertIn("Joined", self.ctl("enroll", *given, input=text))
                self.ctl("leave")

    def test_wrapped_on_a_terminal(self):
        """A pasted key has line ends in it: all of it is read, and no part of the paste reaches the shell."""
        for pasted, asked in ((wrapped(76, "\n") + "\n", False), ("Bob wrote:\n\n> " + wrapped(60, "\n> ") + "\n\nBye\n", False), (wrapped(100, "\n"), True)):
            with self.subTest(pasted[:12]):
                terminal = self.terminal("enroll")
                terminal.expect("Enrollment key")
                wait_for("no echo", lambda: not terminal.echoes())
                terminal.type(pasted)
                if asked:
                    terminal.expect("The key isn't complete.")
                    terminal.type("\n")
                terminal.expect("Joined the mesh")
                self.assertEqual(terminal.end(), 0)
                self.assertNotIn(KEY[20:40], terminal.text())
                self.ctl("leave")

    def test_cut_short_on_a_terminal(self):
        terminal = self.terminal("enroll")
        terminal.expect("Enrollment key")
        wait_for("no echo", lambda: not terminal.echoes())
        for part in (KEY[:90], "ew1_abc"):
            terminal.shown = b""
            terminal.type(part + "\n")
            terminal.expect("The key isn't complete.")
            terminal.type("\n")
            terminal.expect("This enrollment key is incomplete: only a part of it was copied.")
            terminal.expect("press Enter to stop")
        wait_for("no echo", lambda: not terminal.echoes())
        terminal.type("\n")
        self.assertEqual(terminal.end(), 1)
        self.assertEqual(self.daemon.count("fake: enroll"), 0, "a bad key goes nowhere")

    def test_interrupted_prompt_leaves_the_echo(self):
        terminal = self.terminal("enroll")
        terminal.expect("Enrollment key")
        wait_for("no echo", lambda: not terminal.echoes())
        keep = os.dup(terminal.fd)
        terminal.type("\x03")
        self.assertEqual(terminal.end(), -signal.SIGINT)
        self.assertTrue(termios.tcgetattr(keep)[3] & termios.ECHO)
        os.close(keep)


class NamedKey(MeshCase):
    """A key that was made for a name: the mesh in memory, without nodes, names the joining computer thinkpad."""
    MACHINE = {"polkit": False}

    def test_name(self):
        self.start_mesh("--nodes", "0", "--state", "not-enrolled")
        for asked, said in ((["--name", "other"], "The key was made for thinkpad, so --name wasn't used.\n"), (["--name", "thinkpad"], ""), ([], "")):
            result = self.machine.run_ctl("enroll", *asked, "--key-file", "-", input=KEY)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "Joined the mesh birchwood as thinkpad.\n", said))
            self.ctl("leave")


class AskedAgain(MeshCase):
    """A key that doesn't enroll: whoever is asked for it gets another try; a script doesn't."""
    MACHINE = {"polkit": False}

    def setUp(self):
        self.start_mesh("--nodes", "0", "--state", "not-enrolled")

    def test_on_a_terminal(self):
        terminal = self.terminal("enroll")
        terminal.expect("Enrollment key (it isn't shown): ")
        for key, said in (("nonsense", "This doesn't contain an enrollment key."), (KEY[:60] + "AAAA" + KEY[64:], "This enrollment key was mistyped or altered."),
                          (fake_daemon.make_key("server", "expired"), "This enrollment key has expired."), (fake_daemon.make_key("server", "used"), "has already been used.")):
            wait_for("no echo", lambda: not terminal.echoes())
            terminal.shown = b""
            terminal.type(key + "\n")
            terminal.expect("edgewayctl: ")
            terminal.expect(said)
            terminal.expect("Enrollment key (it isn't shown; press Enter to stop): ")
        wait_for("no echo", lambda: not terminal.echoes())
        terminal.type(KEY + "\n")
        terminal.expect("Joined the mesh")
        self.assertEqual(terminal.end(), 0)

    def test_other_errors_end_it(self):
        terminal = self.terminal("enroll")
        terminal.expect("Enrollment key (it isn't shown): ")
        wait_for("no echo", lambda: not terminal.echoes())
        terminal.type(fake_daemon.make_key("server", "pin") + "\n")
        terminal.expect("isn't this mesh's edge")
        self.assertEqual(terminal.end(), 1)

    def test_given_otherwise(self):
        key = fake_daemon.make_key("server", "expired")
        self.fails(1, "enroll", "--key-file", "-", input=key, says=["has expired"])
        terminal = self.terminal("enroll", key)
        terminal.expect("has expired")
        self.assertEqual(terminal.end(), 1)
        self.assertNotIn("Enrollment key", terminal.text().replace("This enrollment key", ""))


class Offered(MeshCase):
    """Networks that an administrator offered through a computer before it joined."""
    MACHINE = {"polkit": False}
    NETWORKS = ("192.168.22.0/24", "10.9.0.0/16")

    def setUp(self):
        self.start_mesh("--state", "not-enrolled", *(f"--offer={network}" for network in self.NETWORKS))

    def forwarded(self):
        return [route["cidr"] for route in json.loads(self.ctl("route", "list", "--json"))["routes"] if route["state"] == "forwarding"]

    def test_without_a_terminal(self):
        result = self.machine.run_ctl("enroll", "--key-file", "-", input=KEY)
        self.assertEqual(result.returncode, 0, result)
        for network in self.NETWORKS:
            self.assertIn(f"sudo edgewayctl route accept {network}", result.stderr)
        self.assertEqual([], self.forwarded())

    def test_accepted_up_front(self):
        self.assertIn("This computer forwards 192.168.22.0/24.", self.ctl("enroll", "--accept", "--key-file", "-", input=KEY))
        self.assertEqual(sorted(self.NETWORKS), sorted(self.forwarded()))

    def test_asked(self):
        terminal = self.terminal("enroll")
        terminal.expect("Enrollment key")
        wait_for("no echo", lambda: not terminal.echoes())
        terminal.type(KEY + "\n")
        terminal.expect("The administrator asks this computer to forward 192.168.22.0/24. Accept? [y/N]")
        terminal.type("y\n")
        terminal.expect("forward 10.9.0.0/16. Accept? [y/N]")
        terminal.type("\n")
        terminal.expect("later: sudo edgewayctl route accept 10.9.0.0/16")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(["192.168.22.0/24"], self.forwarded())

    def test_key_leaves_the_arguments(self):
        terminal = self.terminal("enroll", KEY)
        terminal.expect("Accept? [y/N]")
        with open(f"/proc/{terminal.pid}/cmdline", "rb") as file:
            arguments = file.read()
        self.assertIn(b"enroll", arguments)
        self.assertNotIn(KEY[4:20].encode(), arguments)
        for network in self.NETWORKS:
            terminal.expect(f"forward {network}. Accept? [y/N]")
            terminal.type("\n")
        self.assertEqual(terminal.end(), 0)

    def test_what_was_typed_before(self):
        terminal = self.terminal("enroll")
        terminal.expect("Enrollment key")
        wait_for("no echo", lambda: not terminal.echoes())
        terminal.type(KEY + "\n")
        terminal.expect("forward 192.168.22.0/24. Accept? [y/N]")
        terminal.type("no, not any of yours\nyours, too\n")
        terminal.expect("forward 10.9.0.0/16. Accept? [y/N]")
        terminal.type("\n")
        terminal.expect("later: sudo edgewayctl route accept 10.9.0.0/16")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual([], self.forwarded())


class Agent(Case):
    """The password prompt of edgewayctl itself, with the real polkitd and PAM."""

    def setUp(self):
        self.start()
        # Passwords are checked by polkit's setuid helper; what polkit remembers belongs to a process and its session.
        self.assertTrue(os.stat("/usr/lib/polkit-1/polkit-agent-helper-1").st_mode & 0o4000)

    def test_password(self):
        terminal = self.terminal("node", "remove", "nas", user="ewplain")
        terminal.expect("Authentication is required to let Edgeway remove nas from the mesh")
        terminal.expect("Password:")
        time.sleep(0.3)  # real time: nothing else shows that nothing is done
        self.assertEqual(self.daemon.count("fake: request"), 0)
        terminal.type(PASSWORD + "\n")
        terminal.expect("nas has been removed from the mesh.")
        self.assertEqual(terminal.end(), 0, terminal.text())
        self.assertNotIn(PASSWORD, terminal.text())
        self.daemon.wait_log("fake: request DELETE /v1/nodes/nas")

    def test_wrong_password(self):
        terminal = self.terminal("node", "remove", "nas", user="ewplain")
        terminal.expect("Password:")
        while terminal.echoes():
            terminal.read()
        terminal.type("wrong\n")
        self.assertEqual(terminal.end(30), 4, terminal.text())
        self.assertEqual(self.daemon.count("fake: request"), 0)

    def test_a_person_may_think_for_long(self):
        terminal = self.terminal("leave", user="ewplain")
        terminal.expect("Password:")
        time.sleep(27)  # real time: GDBus gives a call 25 s by default
        terminal.type(PASSWORD + "\n")
        self.assertEqual(terminal.end(), 0, terminal.text())
        self.daemon.wait_log("fake: leave")

    def test_interrupted(self):
        terminal = self.terminal("leave", user="ewplain")
        terminal.expect("Password:")
        wait_for("no echo", lambda: not terminal.echoes())
        keep = os.dup(terminal.fd)
        terminal.type("\x03")
        self.assertNotEqual(terminal.end(), 0)
        self.assertTrue(termios.tcgetattr(keep)[3] & termios.ECHO)
        os.close(keep)
        self.assertEqual(self.daemon.count("fake: leave"), 0)

    def test_without_a_terminal(self):
        self.fails(4, "leave", user="ewplain", says=["sudo"])

    def test_allowed_needs_no_password(self):
        terminal = self.terminal("connect", user="ewyes")
        self.assertEqual(terminal.end(), 0, terminal.text())
        self.assertNotIn("Password", terminal.text())

    def test_denied(self):
        terminal = self.terminal("connect", user="ewno")
        self.assertEqual(terminal.end(), 4, terminal.text())
        self.assertIn("sudo", terminal.text())

    def test_dismissed_says_nothing(self):
        # A graphical agent, where the person presses Cancel.
        started = subprocess.Popen(["setpriv", "--reuid", str(USERS["ewplain"]), "--regid", str(USERS["ewplain"]), "--clear-groups", "sh", "-c",
                                    f"read go; exec {self.machine.ctl} leave"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for("the shell of ewplain", lambda: os.stat(f"/proc/{started.pid}").st_uid == USERS["ewplain"])
        agent = self.machine.agent(type("Process", (), {"pid": started.pid}), "dismiss")
        out, err = started.communicate("go\n", timeout=30)
        self.assertEqual((started.returncode, out, err), (4, "", ""))
        agent.wait_log("asked org.edgeway.enroll")
        agent.stop()


class HostileEdge(unittest.TestCase):
    """A mesh whose words hold what a terminal acts on: none of it gets there, from no command, not even as JSON."""

    BAD = "\x1b]0;X\x07\x9b31m\u202e\r$(id)"
    KEPT = ("schema", "state", "type", "kind", "role", "cidr")  # what a client decides by

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(polkit=False)
        cls.addClassCleanup(cls.machine.close)
        cls.fake = fake_daemon.FakeDaemon(ADDRESS)
        cls.addClassCleanup(cls.fake.close)
        cls.loop = GLib.MainLoop()
        threading.Thread(target=cls.loop.run, daemon=True).start()
        cls.addClassCleanup(cls.loop.quit)
        for name in ("AddName", "RemoveName", "AcceptDomain", "RefuseDomain", "SetNodeMtu", "RevokeKey"):
            setattr(cls.fake, "do_" + name, lambda *_: None)
        service = {"name": "ha", "fqdn": "ha.home.internal", "addresses": ["10.128.0.5"], "outside": True, "ports": [{"text": "80"}],
                   "targets": [{"node": "nas", "label": "nas:8123", "host": "10.0.0.1", "state": state} for state in ("refuses", "unreachable", "no-route", "offline", "new")]}
        published = {"host": "ha.example.org", "service": "ha", "access": "public", "url": "https://ha.example.org", "state": "failed", "message": "no", "warning": "no"}
        answers = {"ListKeys": {"keys": [{"id": "1a2b3c4d5e6f", "label": "web", "maker": "n1", "maker_name": "desk"}]},
                   "ListNames": {"suffix": "home.internal", "edges": [{"name": "frankfurt"}], "names": [{"name": "files", "node": "nas"}],
                                 "domains": [{"domain": "corp.example", "resolver": "10.0.0.1", "node": "gw", "state": "blocked", "reason": "no"}]},
                   "ListRoutes": {"routes": [{"cidr": "192.168.1.0/24", "node": "office-gw", "state": "blocked", "reason": "it covers"}]},
                   "ListServices": {"services": [service]}, "ShowService": service, "AddService": service, "Publish": published, "ListPublished": {"published": [published]}}
        for method, answer in answers.items():
            setattr(cls.fake, "do_" + method, lambda *_, text=json.dumps(cls.spoil(answer)): text)
        for method in ("ListNodes", "ShowNode", "GetStatus", "Diagnose", "Ping", "AddNode"):
            honest = getattr(cls.fake, "do_" + method)
            setattr(cls.fake, "do_" + method, lambda *args, honest=honest: json.dumps(cls.spoil(json.loads(honest(*args)))))

    @classmethod
    def spoil(cls, value, key=None):
        if isinstance(value, dict):
            return {key: cls.spoil(member, key) for key, member in value.items()}
        if isinstance(value, list):
            return [cls.spoil(element, key) for element in value]
        return value + cls.BAD if isinstance(value, str) and key not in cls.KEPT else value

    def test_what_reaches_the_terminal(self):
        for line in ("status", "status --json", "map", "node list", "node list --json", "node show nas", "node add web-2", "node mtu nas 1300", "key list",
                     "names", "names --json", "name list", "name add files nas", "name accept corp.example", "name refuse home.internal", "route list",
                     "route add 10.8.0.0/24 nas", "route accept 192.168.1.0/24", "ping nas -c1", "diagnose", "connect --no-wait", "complete key revoke ''",
                     "service list", "service list --json", "service show ha", "service add ha nas:80", "publish list", "publish list --json", "publish ha --host ha.example.org"):
            with self.subTest(line):
                result = self.machine.run_ctl(*shlex.split(line))
                self.assertNotRegex(result.stdout + result.stderr, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
                self.assertEqual(result.returncode, 0, result)


class WithoutBus(Case):
    MACHINE = {"bus": False}

    def test_peer(self):
        self.start()
        self.assertIn("disconnected", self.ctl("status"))
        self.assertIn("Connected", self.ctl("connect"))
        self.assertIn("frankfurt", self.ctl("map"))
        self.assertIn("connected", self.ctl("--bus", PEER, "status"))
        self.fails(3, "status", user="ewplain", says=["sudo"])

    def test_no_daemon_on_the_peer_socket(self):
        self.fails(3, "status", says=["edgewayd"])
        self.fails(3, "--bus", PEER, "status", says=[PEER])


if __name__ == "__main__":
    unittest.main()
