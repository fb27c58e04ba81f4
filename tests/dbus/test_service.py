#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""edgewayd as a service: its interface, signals, callers that go away, where it is reached, its privileges, start and stop."""
import ast
import configparser
import fcntl
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import phrases  # noqa: E402
import private_bus  # noqa: E402
from private_bus import ADDRESS, FAKE, PEER, SOCKET, SOURCE, USERS, Machine, Refused, read, wait_for  # noqa: E402

private_bus.enter()

PROPERTIES = "org.freedesktop.DBus.Properties"
CAP_NET_ADMIN = 1 << 12


def signature(interface):
    """What an interface's XML says, comparable: names, types, directions, access."""
    members = set()
    for member in interface:
        if member.tag in ("method", "signal"):
            arguments = tuple((a.get("type"), a.get("direction", "in")) for a in member.findall("arg"))
            members.add((member.tag, member.get("name"), arguments))
        elif member.tag == "property":
            members.add((member.tag, member.get("name"), member.get("type"), member.get("access")))
    return members


class Interface(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(polkit=False)
        cls.addClassCleanup(cls.machine.close)

    def setUp(self):
        self.daemon = self.machine.daemon()
        self.addCleanup(self.daemon.stop)
        self.root = self.machine.caller()

    def refused(self, name, *args, **options):
        with self.assertRaises(Refused) as caught:
            self.root.call(*args, **options)
        self.assertEqual(caught.exception.name, name, caught.exception)
        return caught.exception.message

    def check_translated(self, message):
        """The app can translate the sentence: it is a constant in its catalog, or has a phrase."""
        phrase = ast.literal_eval(self.root.call("GetPhrase", f"({json.dumps(message)},)"))[0]
        if phrase:
            self.assertEqual(phrases.fill(json.loads(phrase)), message)
        template = json.loads(phrase)[0] if phrase else message
        self.assertTrue(template in phrases.catalog(), f"no client can translate {template}")

    def test_phrase_of_what_others_were_told(self):
        message = self.refused("InvalidArgument", "ShowNode", "('',)")
        self.assertIn("[", self.root.call("GetPhrase", f"({json.dumps(message)},)"))
        other = self.machine.caller()
        self.assertEqual("('',)", other.call("GetPhrase", f"({json.dumps(message)},)"))

    def test_introspection_is_the_xml(self):
        self.root.send("Introspect", interface="org.freedesktop.DBus.Introspectable")
        text = self.root.answer()["value"]
        text = text[text.index("<node"):text.rindex("</node>") + 7].replace("\\n", "\n").replace("\\'", "'").replace('\\"', '"')
        shown = next(i for i in ElementTree.fromstring(text) if i.get("name") == "org.edgeway.Daemon1")
        written = ElementTree.parse(SOURCE + "/data/dbus/org.edgeway.Daemon1.xml").getroot().find("interface")
        self.assertEqual(signature(shown), signature(written))
        self.assertGreater(len(signature(written)), 35)

    def test_properties(self):
        everything = self.root.call("GetAll", "('org.edgeway.Daemon1',)", interface=PROPERTIES)
        for member in signature(ElementTree.parse(SOURCE + "/data/dbus/org.edgeway.Daemon1.xml").getroot().find("interface")):
            if member[0] == "property":
                self.assertIn(f"'{member[1]}': <", everything)
        self.assertIn("'Addresses': <['100.96.1.1', 'fd12:3456:789a:1::1']>", everything)
        self.assertIn("'Version': <'0.", everything)
        with self.assertRaises(Refused):
            self.root.call("Set", "('org.edgeway.Daemon1', 'State', <'connected'>)", interface=PROPERTIES)

    def test_changes_come_before_the_answer(self):
        self.root.send("Connect")
        answer = self.root.answer()
        changes = [body[1] for name, body in answer["signals"] if name == "PropertiesChanged"]
        self.assertEqual(len(changes), 1, answer)
        self.assertEqual(changes[0]["State"], "connecting")
        wait_for("connected", lambda: "'connected'" in self.root.call("Get", "('org.edgeway.Daemon1', 'State')", interface=PROPERTIES))
        self.root.send("GetStatus")
        changes = [body[1] for name, body in self.root.answer()["signals"] if name == "PropertiesChanged"]
        for change in changes:
            self.assertNotIn("RxBytes", change)

    def test_malformed_arguments(self):
        invalid = "org.freedesktop.DBus.Error.InvalidArgs"
        self.refused(invalid, "Connect", "('surplus',)")
        self.refused(invalid, "Ping", "('nas', 1000)")
        self.refused(invalid, "SetMode", "('vpn', 'options')")
        self.refused("org.freedesktop.DBus.Error.UnknownMethod", "Explode")
        for method, args in (("SetMode", "('sideways', @a{sv} {})"), ("SetMode", "('vpn', {'confirm-within': <uint32 100000>})"),
                             ("SetMode", "('vpn', {'confirm-within': <30>})"), ("SetMode", "('vpn', {'ssh': <'yes'>})"),
                             ("Ping", "('nas', uint32 1)"), ("Ping", f"('{'x' * 300}', uint32 1000)"), ("AddNode", "('web', 'toaster', uint32 3600)"),
                             ("AddNode", "('web', 'server', uint32 1)"), ("CreateConfig", "('phone', 'short', @a{sv} {})"),
                             ("ShowNode", "('',)"), ("RevokeKey", "('',)"), ("RevokeKey", f"('{'a' * 100}',)"), ("RenewNode", "('', uint32 3600)"), ("RenewNode", "('nas', uint32 5)"), ("AddRoute", "('', '')"),
                             ("RemoveRoute", f"('{'1' * 100}',)"), ("AddName", "('', 'nas', @a{sv} {})"), ("AddName", f"('files', '{'x' * 300}', @a{{sv}} {{}})"),
                             ("RemoveName", "('',)"), ("AcceptDomain", "('',)"), ("RefuseDomain", f"('{'x' * 300}',)"),
                             ("AddService", "('', ['nas:80'], @a{sv} {})"), ("AddService", "('ha', [''], @a{sv} {})"), ("AddService", f"('ha', ['{'x' * 500}'], @a{{sv}} {{}})"),
                             ("AddService", f"('ha', {['nas:80'] * 101}, @a{{sv}} {{}})"), ("AddService", "('ha', ['nas:80'], {'ports': <'80'>})"),
                             ("AddService", "('ha', ['nas:80'], {'udp': <'yes'>})"), ("EditService", "('ha', {'name': <''>})"), ("EditService", "('ha', {'targets': <'nas'>})"),
                             ("Publish", "('', 'ha.example.org', @a{sv} {})"), ("Publish", "('ha', '', @a{sv} {})"), ("Publish", "('ha', 'ha.example.org', {'access': <true>})"),
                             ("Publish", "('ha', 'ha.example.org', {'certificate': <''>})"), ("Publish", f"('ha', 'ha.example.org', {{'key': <'{'x' * 33000}'>}})"), ("Unpublish", "('',)"),
                             ("ShowService", "('',)"), ("RemoveService", f"('{'x' * 300}',)")):
            with self.subTest(f"{method} {args[:40]}"):
                self.check_translated(self.refused("InvalidArgument", method, args))
        self.refused("NameInvalid", "AddNode", "('Not A Name', 'server', uint32 3600)")
        self.assertTrue(self.refused("KeyInvalid", "Enroll", f"('ew1_{'x' * 5000}', '', @a{{sv}} {{}})"))

    def test_errors_keep_their_names(self):
        self.refused("NameTaken", "AddNode", "('taken', 'server', uint32 3600)")
        self.refused("NotAdministrator", "AddNode", "('forbidden', 'server', uint32 3600)")
        self.refused("NotFound", "ShowNode", "('nobody',)")
        self.refused("TimedOut", "Ping", "('silent', uint32 1000)")
        self.refused("NotConnected", "OpenTopology")

    def test_answers(self):
        nodes = self.root.call("ListNodes")
        self.assertRegex(nodes, r'"name":"laptop"[^}]*"self":true')
        self.assertRegex(nodes, r'"name":"office-gw"[^}]*"self":false')
        self.root.call("Connect")
        wait_for("connected", lambda: "'connected'" in self.root.call("Get", "('org.edgeway.Daemon1', 'State')", interface=PROPERTIES))
        self.root.send("OpenTopology")
        self.assertIn('"type":"snapshot"', self.root.answer()["stream"])

    def test_the_list_of_nodes_is_whole(self):
        """Page after page, up to a limit."""
        def listed(pages):
            self.daemon.stop()
            self.daemon = self.machine.daemon(env={"FAKE_TUNNEL_PAGES": str(pages)})
            self.addCleanup(self.daemon.stop)
            return re.findall(r'"name":"([^"]+)"', self.root.call("ListNodes"))
        for pages in (1, 2, 30):
            self.assertEqual(listed(pages), [f"{name}-{page}" for page in range(pages) for name in ("first", "second")])
        with self.assertRaises(Refused) as caught:
            listed(31)
        self.assertEqual(caught.exception.name, "TooLarge", caught.exception)
        self.assertEqual(self.daemon.count("fake: request GET"), 30)

    def test_own_route_is_accepted_too(self):
        self.root.call("AddRoute", "('10.7.0.0/24', '')")
        self.assertIn('POST /v1/routes {"cidr":"10.7.0.0/24","node":"laptop"}', self.daemon.text())
        self.daemon.wait_log("fake: accept 10.7.0.0/24")
        self.root.call("AddRoute", "('10.8.0.0/24', 'nas')")
        self.assertEqual(self.daemon.count("fake: accept"), 1)

    def test_own_route_that_is_refused_here_is_withdrawn(self):
        self.refused("RouteRefused", "AddRoute", "('127.0.0.0/8', '')")
        self.daemon.wait_log("fake: request DELETE /v1/routes/127.0.0.0%2F8")

    def test_names(self):
        self.root.call("AddName", "('files', '', @a{sv} {})")
        self.daemon.wait_log('POST /v1/names {"name":"files","node":"laptop"}')
        self.root.call("AddName", "('corp.example', 'office-gw', {'resolver': <'10.7.0.53'>})")
        self.daemon.wait_log('POST /v1/names {"name":"corp.example","node":"office-gw","resolver":"10.7.0.53"}')
        self.assertRegex(self.root.call("ListNames"), r'"domain":"corp.example"[^}]*"state":"offered"')
        self.refused("NameInvalid", "AcceptDomain", "('com',)")

    def test_services(self):
        self.root.call("AddService", "('ha', ['nas:8123', ':80'], {'ports': <['80', '53/udp']>, 'udp': <true>, 'addresses': <['10.128.0.5']>, 'spread': <'spread'>, 'source': <'edge'>, 'check': <'always'>})")
        self.daemon.wait_log('POST /v1/services {"targets":["nas:8123","laptop:80"],"udp":true,"ports":["80","53/udp"],"addresses":["10.128.0.5"],"spread":"spread","source":"edge","check":"always","name":"ha"}')
        self.root.call("EditService", "('ha', {'name': <'home'>, 'targets': <['/10.7.0.9:80']>})")
        self.daemon.wait_log('PATCH /v1/services/ha {"name":"home","targets":["laptop/10.7.0.9:80"]}')
        listed = json.loads(ast.literal_eval(self.root.call("ListServices"))[0])
        self.assertEqual((listed["suffix"], [service["name"] for service in listed["services"]]), ("home.internal", ["ha", "web"]))
        self.refused("NotFound", "ShowService", "('nothing',)")

    def test_published_names(self):
        self.root.call("Publish", "('ha', 'ha.example.org', {'access': <'public'>, 'certificate': <'C\\nC'>, 'key': <'K'>})")
        self.daemon.wait_log('POST /v1/published {"certificate":"C\\nC","key":"K","service":"ha","host":"ha.example.org","access":"public"}')
        listed = json.loads(ast.literal_eval(self.root.call("ListPublished"))[0])
        self.assertEqual([one["host"] for one in listed["published"]], ["ha.example.org"])
        self.root.call("Unpublish", "('*.apps.example.org',)")
        self.daemon.wait_log("DELETE /v1/published/%2A.apps.example.org")

    def test_odd_names_stay_one_path_segment(self):
        for name in ("../keys", "a/b?c#d", "nas\\n"):
            self.root.call("RemoveNode", f"('{name}',)")
        deleted = re.findall(r"DELETE (\S+)", self.daemon.text())
        self.assertEqual(deleted, ["/v1/nodes/..%2Fkeys", "/v1/nodes/a%2Fb%3Fc%23d", "/v1/nodes/nas%0A"])

    def test_caller_that_leaves_cancels(self):
        caller = self.machine.caller()
        caller.send("Ping", "('slow', uint32 30000)")
        self.daemon.wait_log("fake: ping slow")
        caller.close()
        self.daemon.wait_log("fake: cancelled")
        self.root.call("GetStatus")

    def test_many_calls(self):
        # The bus itself holds each connection to 128 open calls.
        callers = [self.machine.caller() for _ in range(3)]
        for caller in callers:
            caller.call("GetStatus")  # from here on the bus has said that it is root
            for _ in range(100):
                caller.send("Ping", "('slow', uint32 30000)")
        self.daemon.wait_log("fake: ping slow", 256)
        self.refused("TooManyRequests", "Diagnose")
        for caller in callers:
            caller.close()
        self.daemon.wait_log("fake: cancelled", 256)
        self.assertIn("laptop", self.root.call("GetStatus"))

    def test_second_daemon(self):
        other = self.machine.daemon(ready=None)
        self.assertEqual(other.process.wait(20), 1)
        self.assertIn("Another edgewayd already serves", other.text())
        self.assertNotIn("fake: start", other.text())
        same = self.machine.daemon("--bus", ADDRESS, state=self.daemon.state, ready=None)
        self.assertEqual(same.process.wait(20), 1)
        self.assertIn("--state-dir", same.text())

    def test_one_that_is_ending(self):
        """Its files are closed some moments after its program can't be seen any more."""
        self.daemon.stop()
        lock = os.open(os.path.join(self.daemon.state, "lock"), os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)
        next_one = self.machine.daemon(state=self.daemon.state, ready=None)
        self.addCleanup(next_one.stop)
        wait_for("the next one to ask for the lock", lambda: self.asks(next_one.process.pid))
        self.assertIsNone(next_one.process.poll())
        os.close(lock)
        next_one.wait_log("fake: start")

    @staticmethod
    def asks(pid):
        """It has the lock's file open."""
        folder = f"/proc/{pid}/fd"
        try:
            return any(os.readlink(os.path.join(folder, fd)).endswith("/lock") for fd in os.listdir(folder))
        except OSError:
            return False

    def test_nobody_starts_what_was_stopped(self):
        """A call to edgewayd doesn't start it: otherwise any user could connect a computer whose administrator stopped it."""
        with open(os.path.join(private_bus.BUILD, "meson-info/intro-installed.json")) as file:
            installed = list(json.load(file).values())
        self.assertIn("/usr/share/dbus-1/system.d/org.edgeway.Daemon1.conf", installed)
        self.assertEqual([path for path in installed if "system-services" in path], [])

    def test_networkmanager_is_told_to_leave_the_interface_alone(self):
        with open(os.path.join(private_bus.BUILD, "meson-info/intro-installed.json")) as file:
            installed = {path: source for source, path in json.load(file).items()}
        config = configparser.ConfigParser(delimiters="=")
        config.read(installed["/usr/lib/NetworkManager/conf.d/edgeway.conf"])
        # "+": another file's list is not replaced, in whatever order they are read.
        self.assertEqual(dict(config["keyfile"]), {"unmanaged-devices+": "interface-name:edgeway*"})

    def test_bus_that_comes_back(self):
        self.machine.bus.stop()
        self.daemon.wait_log("The message bus closed the connection")
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
        self.machine.start_bus()
        self.daemon.wait_log("Back on the message bus", seconds=30)
        self.assertIn("laptop", self.machine.caller().call("GetStatus"))
        self.assertEqual(self.daemon.count("fake: stop"), 0)


class Guard(unittest.TestCase):
    """Whether a change of mode counts as made at this computer."""
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)

    def switch(self, what, user="root", options="@a{sv} {}"):
        logind = self.machine.logind(what) if what else None
        daemon = self.machine.daemon()
        caller = self.machine.caller(user)
        try:
            caller.call("SetMode", f"('vpn', {options})")
        finally:
            caller.close()
            daemon.stop()
            if logind:
                logind.stop()
        return re.search(r"fake: mode vpn within (\d+) (\w+)", daemon.text()).groups()

    def test_views(self):
        for what, user, expected in ((None, "root", "remote"), ("local", "root", "local"), ("local", "ewyes", "local"), ("remote", "root", "remote"),
                                     ("inactive", "ewyes", "remote"), ("seatless", "ewyes", "remote"), ("display", "ewyes", "local"),
                                     ("display", "root", "remote"), ("none", "ewyes", "remote")):
            with self.subTest(f"{what} {user}"):
                self.assertEqual(self.switch(what, user), ("0", expected))

    def test_ssh_only_tightens(self):
        self.assertEqual(self.switch("local", options="{'ssh': <true>}"), ("0", "remote"))
        self.assertEqual(self.switch("remote", options="{'ssh': <false>}"), ("0", "remote"))
        self.assertEqual(self.switch("local", options="{'ssh': <false>, 'confirm-within': <uint32 7>, 'new': <'option'>}"), ("7", "local"))


class WithoutBus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(bus=False)
        cls.addClassCleanup(cls.machine.close)

    def test_peers(self):
        os.chmod("/run/edgeway", 0o777)  # as a careless mount leaves it
        daemon = self.machine.daemon()
        self.assertEqual(stat.S_IMODE(os.stat("/run/edgeway").st_mode), 0o755)  # names are looked up in it
        self.assertEqual(stat.S_IMODE(os.stat("/run/edgeway/bus").st_mode), 0o600)
        root = self.machine.caller(address=PEER)
        self.assertIn("laptop", root.call("GetStatus"))
        root.send("Connect")
        self.assertIn("PropertiesChanged", str(root.answer()["signals"]))
        root.call("SetMode", "('vpn', @a{sv} {})")
        daemon.wait_log("fake: mode vpn within 0 remote")
        root.send("Ping", "('slow', uint32 30000)")
        daemon.wait_log("fake: ping slow")
        root.close()
        daemon.wait_log("fake: cancelled")
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(os.path.exists("/run/edgeway/bus"))

    def test_others_are_not_let_in(self):
        daemon = self.machine.daemon()
        os.chmod("/run/edgeway", 0o755)
        os.chmod("/run/edgeway/bus", 0o666)  # even then
        with self.assertRaises(Refused):
            self.machine.caller("ewyes", PEER)
        self.assertIn("laptop", self.machine.caller(address=PEER).call("GetStatus"))
        daemon.stop()

    def test_left_over_socket(self):
        daemon = self.machine.daemon()
        daemon.stop(signal.SIGKILL)
        self.assertTrue(os.path.exists("/run/edgeway/bus"))
        daemon = self.machine.daemon()
        other = self.machine.daemon(ready=None)
        self.assertEqual(other.process.wait(20), 1)
        self.assertIn("/run/edgeway/bus", other.text())
        self.assertIn("laptop", self.machine.caller(address=PEER).call("GetStatus"))
        daemon.stop()

    def test_named_bus_is_the_only_one(self):
        daemon = self.machine.daemon("--bus", "unix:path=/nonexistent/bus", ready=None)
        self.assertEqual(daemon.process.wait(20), 1)
        self.assertIn("/nonexistent/bus", daemon.text())
        self.assertFalse(os.path.exists("/run/edgeway/bus"))

    def test_another_bus(self):
        address = f"unix:path={self.machine.path('other-bus')}"
        self.machine.start_bus(address=address)
        daemon = self.machine.daemon("--bus", address)
        self.assertIn("laptop", self.machine.caller(address=address).call("GetStatus"))
        self.assertEqual(daemon.stop(), 0)

    def test_bus_that_refuses_the_name(self):
        address = f"unix:path={self.machine.path('strict-bus')}"
        self.machine.start_bus(policy=False, address=address)
        daemon = self.machine.daemon("--bus", address, ready=None)
        self.assertEqual(daemon.process.wait(20), 1)
        self.assertIn("org.edgeway.Daemon1.conf", daemon.text())
        self.assertNotIn("fake: start", daemon.text())


# As what has taken over edgewayd would: what it says at its door, and which of that is answered before the last call is.
SAY = r"""
import sys
from gi.repository import Gio, GLib
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
connection = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags, None, None)
loop = GLib.MainLoop()
def say(method, arguments, done=lambda *_: None):
    call = Gio.DBusMessage.new_method_call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method)
    call.set_body(GLib.Variant.parse(None, arguments, None, None))
    connection.send_message_with_reply(call, Gio.DBusSendMessageFlags.NONE, GLib.MAXINT, None, lambda *_: (print(method), done()))
say("ListNames", "()")
say("RequestName", "('org.edgeway.Other', uint32 4)")
say("UpdateActivationEnvironment", "({'LD_PRELOAD': 'x'},)")
say("NameHasOwner", "('org.edgeway.Daemon1',)", loop.quit)
loop.run()
"""


class BusGuard(unittest.TestCase):
    """On the message bus edgewayd is uid 0, to whom systemd and others give everything: a process between them knows what it has to say."""

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(polkit=False)
        cls.addClassCleanup(cls.machine.close)

    def doors(self):
        return [name for name in os.listdir("/run/edgeway") if name.startswith("bus.")]

    def guard(self, daemon):
        """Its process, among edgewayd's children."""
        children = read(f"/proc/{daemon.pid}/task/{daemon.pid}/children").split()
        return next(int(pid) for pid in children if read(f"/proc/{pid}/comm").strip() == "edgeway-bus")

    def test_the_bus_is_out_of_reach(self):
        daemon = self.machine.daemon()
        self.assertEqual(subprocess.run(["nsenter", "-t", str(daemon.pid), "-m", "ls", "-A", "/run/dbus"], capture_output=True, text=True, check=True).stdout, "")
        self.assertEqual(self.doors(), [f"bus.{daemon.pid}.1"])
        self.assertEqual(stat.S_IMODE(os.stat("/run/edgeway/" + self.doors()[0]).st_mode), 0o600)
        self.assertIn("laptop", self.machine.caller().call("GetStatus"))
        self.assertEqual(daemon.stop(), 0)
        wait_for("the door's end", lambda: not self.doors())

    def test_what_it_has_no_need_to_say(self):
        daemon = self.machine.daemon()
        said = subprocess.run([sys.executable, "-B", "-c", SAY, f"unix:path=/run/edgeway/bus.{daemon.pid}.1"], capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(said.stdout, "NameHasOwner\n")
        self.assertIn("false", self.machine.caller().call("NameHasOwner", "('org.edgeway.Other',)", interface="org.freedesktop.DBus"))
        daemon.wait_log("org.freedesktop.DBus.ListNames")
        self.assertEqual(daemon.stop(), 0)

    def test_privileges(self):
        daemon = self.machine.daemon()
        status = dict(line.split(":\t", 1) for line in read(f"/proc/{self.guard(daemon)}/status").splitlines() if ":\t" in line)
        self.assertEqual({int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}, {0})
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.assertEqual(daemon.stop(), 0)

    def test_killed(self):
        """Without it edgewayd ends, undoes what it has changed, and says what is missing; killed with it, the next one cleans up."""
        daemon = self.machine.daemon()
        os.kill(self.guard(daemon), signal.SIGKILL)
        self.assertEqual(daemon.process.wait(20), 1)
        self.assertIn("fake: stop", daemon.text())
        self.assertIn("edgeway-bus", daemon.text())
        self.assertEqual(len(self.doors()), 1)
        daemon = self.machine.daemon()
        self.assertEqual(self.doors(), [f"bus.{daemon.pid}.1"])
        self.assertEqual(daemon.stop(), 0)


class Process(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(bus=False)
        cls.addClassCleanup(cls.machine.close)

    def run_daemon(self, *argv, prefix=(), **options):
        return subprocess.run([*prefix, FAKE, *argv], capture_output=True, text=True, timeout=20, **options)

    def one_line(self, result, code, *says):
        self.assertEqual(result.returncode, code, result)
        lines = [line for line in result.stderr.splitlines() if "There is no system bus" not in line]
        self.assertEqual(len(lines), 1, result)
        for said in says:
            self.assertIn(said, lines[0])

    def test_privileges(self):
        daemon = self.machine.daemon(env={"FAKE_TUNNEL_WRITE": self.machine.path("outside")})
        threads = os.listdir(f"/proc/{daemon.pid}/task")
        self.assertGreater(len(threads), 1, "GDBus has its thread")
        for thread in threads:
            status = dict(line.split(":\t", 1) for line in read(f"/proc/{daemon.pid}/task/{thread}/status").splitlines() if ":\t" in line)
            self.assertEqual({name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
                             {"CapInh": 0, "CapPrm": CAP_NET_ADMIN, "CapEff": CAP_NET_ADMIN, "CapBnd": CAP_NET_ADMIN, "CapAmb": 0})
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["Seccomp"], "2", status["Name"])
        if "narrowed by Landlock" in daemon.text():
            daemon.wait_log("fake: writing outside is refused")
        else:
            self.assertIn("Landlock", daemon.text())
        self.assertEqual(stat.S_IMODE(os.stat(daemon.state).st_mode), 0o700)
        self.assertEqual(daemon.stop(), 0)

    def test_landlock_leaves_the_state(self):
        state = self.machine.path("inside")
        daemon = self.machine.daemon(state=state, env={"FAKE_TUNNEL_WRITE": state + "/file"})
        daemon.wait_log("fake: writing outside works")
        daemon.stop()

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.machine.daemon()
            start = time.monotonic()
            self.assertEqual(daemon.stop(number), 0)
            self.assertLess(time.monotonic() - start, 5)
            self.assertIn("fake: stop", daemon.text())

    def test_readiness(self):
        path = self.machine.path("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(20)
            daemon = self.machine.daemon(env={"NOTIFY_SOCKET": path})
            daemon.stop()
            notify.setblocking(False)
            said = []
            try:
                while True:
                    said += notify.recv(4096).decode().splitlines()
            except BlockingIOError:
                pass
        self.assertIn("READY=1", said)
        self.assertIn("STATUS=disconnected", said)
        self.assertEqual(said[-1], "STOPPING=1")

    def test_not_root(self):
        prefix = ("setpriv", "--reuid", str(USERS["ewyes"]), "--regid", str(USERS["ewyes"]), "--clear-groups")
        binary = self.machine.path("edgewayd")
        with open(FAKE, "rb") as source, open(binary, "wb") as target:
            target.write(source.read())
        os.chmod(binary, 0o755)
        result = subprocess.run([*prefix, binary, "--state-dir", "/tmp/ew-nobody"], capture_output=True, text=True, timeout=20)
        self.one_line(result, 4, "root", "sudo")
        self.assertFalse(os.path.exists("/tmp/ew-nobody"))

    def test_no_capability(self):
        result = self.run_daemon("--state-dir", self.machine.path("nocap"), prefix=("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"))
        self.one_line(result, 4, "CAP_NET_ADMIN")

    def test_no_setpcap(self):
        daemon = self.machine.daemon(prefix=("setpriv", "--bounding-set", "-setpcap"))
        self.assertIn("CapEff:\t0000000000001000", read(f"/proc/{daemon.pid}/status"))
        self.assertEqual(daemon.stop(), 0)

    def test_state_dir(self):
        with open(self.machine.path("a-file"), "w"):
            pass
        self.one_line(self.run_daemon("--state-dir", self.machine.path("a-file")), 1, "a-file")
        os.mkdir(self.machine.path("open"))
        os.mkdir(self.machine.path("open/things"))
        os.chmod(self.machine.path("open"), 0o777)
        self.one_line(self.run_daemon("--state-dir", self.machine.path("open")), 1, "open")
        os.mkdir(self.machine.path("theirs"), 0o700)
        os.chown(self.machine.path("theirs"), USERS["ewno"], -1)
        self.one_line(self.run_daemon("--state-dir", self.machine.path("theirs")), 1, "theirs")

    def test_usage(self):
        self.one_line(self.run_daemon("--nonsense"), 2, "--help")
        self.one_line(self.run_daemon("surplus"), 2, "surplus")
        self.one_line(self.run_daemon("--interface", "far/too:odd"), 2, "--interface")
        self.one_line(self.run_daemon("--interface", "a-name-that-is-too-long"), 2, "--interface")
        shown = self.run_daemon("--help", env={"LC_ALL": "C.UTF-8"})
        self.assertEqual(shown.returncode, 0)
        self.assertIn("[OPTION…]", shown.stdout)
        self.assertIn("[OPTION...]", self.run_daemon("--help", env={"LC_ALL": "C"}).stdout)
        self.assertRegex(self.run_daemon("--version").stdout, r"^edgewayd \d+\.\d+\.\d+( \([0-9a-f]{7}\+?\))?\n$")


if __name__ == "__main__":
    unittest.main()
