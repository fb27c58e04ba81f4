#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake of org.edgeway.Daemon1 with a mesh in memory: for looking at screens and for tests of the desktop.

fake_daemon.py --address BUS [--nodes N] [--state STATE] [--member] [--guard SECONDS] [--packages] [--follow-stdin]

Says a JSON object a line on stdout: {"event":"ready"}, {"event":"call","method":…,"args":[…]}, {"event":"streams","open":N}.
Takes commands on stdin, one JSON object a line; end of input ends it only with --follow-stdin:
  {"set": {"State": "removed", "Reason": "…", "Message": "…"}}     properties by their D-Bus names
  {"node": {"name": "nas", "state": "offline"}}                     a node changed, or a new one; "speed": Mb/s
  {"remove": "nas"}                {"edge": {"online": false}}
  {"service": {"name": "ha", "targets": ["nas:8123"], "ports": ["80"]}}   a service changed, or a new one; "state": of its targets, as known
  {"remove-service": "ha"}         {"answers": {"nas:8123": "refuses"}}: what probing finds from now on; "answers" elsewhere
  {"fail": {"Connect": ["NotAuthorized", "sentence"]}}              from now on; null: no longer; a third element: the sentence's phrase
  {"slow": {"Enroll": 3}}                                           seconds before a method answers
  {"release": "Enroll"}                                             its calls that wait are answered, later ones at once
  {"drop": true}                   all topology streams end         {"raw": "text\\n"}: into the streams, as it is
  {"quiet": true}                  no counters any more             {"quit": true}
  {"split": {"excluded": ["203.0.113.0/24"]}}                       the networks of VPN mode's lists

As a class, inside a process with a GLib main loop: FakeDaemon (address, nodes=9), .set (State="removed"), .command ({…}), .close ().
make_key (kind, secret) makes enrollment keys; one with the secret "expired", "used" or "pin" is refused as such. A name "slow" makes Enroll and AddNode take 3 s.
"""
import argparse
import base64
import hashlib
import ipaddress
import json
import os
import re
import sys
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_mesh import ENDPOINT, EDGE_NAME, MESH, Mesh, Refusal, rfc3339  # noqa: E402

NAME, PATH = "org.edgeway.Daemon1", "/org/edgeway/Daemon1"
# Beside this file, which may be a copy where its user can read it.
SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
XML = os.path.join(SOURCE, "data/dbus/org.edgeway.Daemon1.xml")
QUEUE_MAX = 4 * 1024 * 1024
MESSAGES = {
    "not-enrolled": "This computer isn't in a mesh yet. Join one with `sudo edgewayctl enroll`.",
    "awaiting-approval": "An administrator of the mesh has to approve this computer.",
    "removed": "An administrator removed this computer from the mesh, or put another in its place. To come back, enroll it again with a new key.",
    "error": "There is no tunnel device /dev/net/tun. Load it with `modprobe tun`; in a container, pass it on (--device /dev/net/tun); on a virtual server, "
             "ask the provider to switch TUN on.",
    "reconnecting": "The edge \"frankfurt\" doesn't answer through the tunnel. Trying again.",
}
PHRASES = {"reconnecting": ["The edge \"%s\" doesn't answer through the tunnel. Trying again.", "frankfurt"]}  # of MESSAGES
LEAK = "VPN mode is on, but names are still looked up outside the tunnel, at %s: whoever runs it sees which names this computer asks for."
TS = ("ip filter ts-input", "Tailscale", "100.64.0.0/10")
DROPPED = ("The nftables chain \"%s\" of %s drops packets from %s, and so those of the mesh: this computer gets no answers and can't be "
           "reached.")
EXEMPTED = ("The nftables chain \"%s\" of %s drops packets from %s. Edgeway's rule in it exempts the mesh's, on Edgeway's interface "
            "alone.")


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def make_key(kind, secret=None):
    """An enrollment key of the right form (daemon/common/README.md), for an edge that doesn't exist; a secret is a word of at most 32 bytes."""
    secret = secret.encode().ljust(32, b"\0") if secret else os.urandom(32)
    body = json.dumps({"api": ["https://" + ENDPOINT], "pin": base64url(hashlib.sha256(b"fake").digest()), "secret": base64url(secret), "kind": kind,
                       "mesh": MESH}, separators=(",", ":")).encode()
    return "ew1_" + base64url(body + hashlib.sha256(body).digest()[:4])


def read_key(text):
    """The object in a key or link; refuses other text."""
    try:
        text = text.strip().removeprefix("edgeway://enroll/")
        if not text.startswith("ew1_"):
            raise ValueError
        data = base64.urlsafe_b64decode(text[4:] + "=" * (-len(text[4:]) % 4))
        if hashlib.sha256(data[:-4]).digest()[:4] != data[-4:]:
            raise ValueError
        return json.loads(data[:-4])
    except ValueError:
        raise Refusal("KeyInvalid", "This enrollment key is incomplete: only a part of it was copied. Copy all of it.") from None


class Stream:
    """The daemon's end of one OpenTopology pipe: bounded, resynchronised, watched for its reader's end."""

    def __init__(self, fake):
        self.fake = fake
        self.reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.writer, False)
        self.queue = b""
        self.stale = False
        self.writable = 0
        self.hangup = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self.writer, GLib.IOCondition.ERR, self._on_hangup)
        self.send(*fake.mesh.snapshot())

    def send(self, *messages):
        self.write("".join(json.dumps(message, separators=(",", ":")) + "\n" for message in messages).encode())

    def write(self, data):
        if len(self.queue) > QUEUE_MAX:
            self.stale = True
            return
        self.queue += data
        if not self.writable:
            self.writable = GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, self.writer, GLib.IOCondition.OUT, self._on_writable)

    def _on_writable(self, *_):
        try:
            self.queue = self.queue[os.write(self.writer, self.queue[:65536]):]
        except BlockingIOError:
            return GLib.SOURCE_CONTINUE
        except OSError:
            self.writable = 0
            self.close()
            return GLib.SOURCE_REMOVE
        if self.queue:
            return GLib.SOURCE_CONTINUE
        self.writable = 0
        if self.stale:
            self.stale = False
            self.send(*self.fake.mesh.snapshot())
        return GLib.SOURCE_REMOVE

    def _on_hangup(self, *_):
        self.hangup = 0
        self.close()
        return GLib.SOURCE_REMOVE

    def close(self):
        for source in filter(None, (self.writable, self.hangup)):
            GLib.source_remove(source)
        self.writable = self.hangup = 0
        os.close(self.writer)
        self.fake.streams.remove(self)
        self.fake.event(event="streams", open=len(self.fake.streams))


# What an edge with packages says about them (daemon/edge/API.md, GET /v1/install).
INSTALL = {"url": "https://203.0.113.5/install", "sha256": hashlib.sha256(b"script").hexdigest(),
           "systems": [{"system": f"debian-{n}", "version": "0.2.0", "architectures": ["amd64"]} for n in (12, 13)]}


def product_version():
    """What the app is, so that they fit; "", unknown, for a copy without the tree around it."""
    try:
        with open(os.path.join(SOURCE, "meson.build"), encoding="utf-8") as file:
            return re.search(r"version: '([^']+)'", file.read()).group(1)
    except OSError:
        return ""


class FakeDaemon:
    install = {"systems": []}

    def __init__(self, address, nodes=9, state="connected", administrator=True, guard=60, on_event=None):
        self.on_event = on_event
        self.guard_seconds = guard
        self.mesh = Mesh(nodes, int(time.time()))
        self.streams, self.failures, self.delays, self.released, self.keys, self.phrases = [], {}, {}, {}, set(), {}
        self.refused, self.accepted = set(), set()
        self.quiet = False
        self.tailscale = None  # "there", "fixed"
        self.split, self.lan = {"excluded": [], "included": []}, "allow"
        self.sources = {}
        self.before_guard = None
        with open(XML) as file:
            self.interface = Gio.DBusNodeInfo.new_for_xml(file.read()).lookup_interface(NAME)
        self.signatures = {info.name: info.signature for info in self.interface.properties}
        self.values = {info.name: {"s": "", "x": 0, "as": [], "b": False}[info.signature] for info in self.interface.properties}
        self.values.update(Mode="connector", Lockdown="off", Kind="device", Version=product_version(), Interface="edgeway0")
        self._enter(state, "admin" if administrator else "member")
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.connection.set_exit_on_close(False)
        self.connection.register_object(PATH, self.interface, self._on_call, lambda *args: self._variant(args[4]), None)
        self._bus("RequestName", "(su)", NAME, 4)
        self.sources["tick"] = GLib.timeout_add(1000, self._on_tick)

    def close(self):
        for source in self.sources.values():
            GLib.source_remove(source)
        self.sources.clear()
        for stream in list(self.streams):
            stream.close()
        if not self.connection.is_closed():
            self._bus("ReleaseName", "(s)", NAME)
            self.connection.close_sync(None)

    def _bus(self, method, signature, *args):
        self.connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method, GLib.Variant(signature, args), None,
                                  Gio.DBusCallFlags.NONE, -1, None)

    def event(self, **members):
        if self.on_event:
            self.on_event(members)

    # Properties.

    def _variant(self, name):
        return GLib.Variant(self.signatures[name], self.values[name])

    def set(self, **values):
        """Changes properties and announces them; a new State sets what belongs to it, unless that is given too."""
        state = values.get("State")
        if state is not None and state != self.values["State"]:
            values = {"Since": int(time.time() * 1e6), "Reason": state if state in MESSAGES else "", "Message": MESSAGES.get(state, ""),
                      "MessagePhrase": json.dumps(PHRASES[state]) if state in PHRASES else "", **values}
        changed = {name: value for name, value in values.items() if self.values[name] != value}
        self.values.update(changed)
        if changed:
            self.connection.emit_signal(None, PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", GLib.Variant(
                "(sa{sv}as)", (NAME, {name: self._variant(name) for name in changed}, [])))

    def _membership(self, state, role):
        if state == "not-enrolled":
            return {"Role": "", "Mesh": "", "NodeName": "", "Addresses": [], "EdgeName": "", "EdgeEndpoint": "", "Transport": "", "Mode": "connector"}
        own = self.mesh.own
        return {"Role": role, "Mesh": MESH, "NodeName": own["name"] if own else "thinkpad", "Addresses": own["addresses"] if own else ["100.96.0.18"],
                "EdgeName": EDGE_NAME, "EdgeEndpoint": ENDPOINT, "Transport": "udp" if state == "connected" else ""}

    def _enter(self, state, role):
        self.values.update(self._membership(state, role), State=state, Reason=state if state in MESSAGES else "", Message=MESSAGES.get(state, ""),
                           MessagePhrase=json.dumps(PHRASES[state]) if state in PHRASES else "",
                           Since=int((time.time() - 3 * 3600 - 12 * 60) * 1e6))

    # The mesh.

    def tell(self, *messages):
        for stream in list(self.streams):
            stream.send(*messages)

    def _on_tick(self):
        changed = self.mesh.tick(int(time.time()))
        if not self.quiet and self.values["State"] == "connected":
            self.tell(*self.mesh.counters(changed))
        return GLib.SOURCE_CONTINUE

    def _tell_node(self, node):
        self.tell({"type": "node", "node": node})

    def _tell_service(self, service):
        self.tell({"type": "service", "service": service})

    def command(self, command):
        """What a line on stdin does. → False: quit."""
        if "set" in command:
            self.set(**command["set"])
        if "node" in command:
            self._tell_node(self.mesh.put(command["node"]))
        if "remove" in command:
            node = self.mesh.need(command["remove"])
            self.mesh.remove(node)
            self.tell({"type": "node-removed", "id": node["id"]})
        if "service" in command:
            given = dict(command["service"])
            state = given.pop("state", None)
            service = self.mesh.put_service(**given)
            for target in service["targets"] if state else ():
                target["state"] = state
            self._tell_service(service)
        if "remove-service" in command:
            self.do_RemoveService(command["remove-service"])
        self.mesh.answers.update(command.get("answers", {}))
        if "edge" in command:
            self.mesh.edge.update(command["edge"])
            self.tell({"type": "edge", "edge": self.mesh.edge})
        self.failures.update(command.get("fail", {}))
        self.delays.update(command.get("slow", {}))
        if "release" in command:
            self.released[command["release"]] = time.monotonic()
            self.delays.pop(command["release"], None)
        self.quiet = command.get("quiet", self.quiet)
        self.tailscale = command.get("tailscale", self.tailscale)
        self.split.update(command.get("split", {}))
        if "raw" in command:
            for stream in self.streams:
                stream.write(command["raw"].encode())
        if command.get("drop"):
            for stream in list(self.streams):
                stream.close()
        return not command.get("quit")

    # Methods.

    def _on_call(self, connection, sender, path, interface, method, parameters, invocation):
        args = parameters.unpack()
        if method not in ("CancelPrompt", "GetPhrase"):
            self.event(event="call", method=method, args=list(args))
        begun, delay = time.monotonic(), 3 if "slow" in args else self.delays.get(method, 0)

        def answer_when_due():
            if time.monotonic() < begun + delay and self.released.get(method, 0) < begun:
                return GLib.SOURCE_CONTINUE
            return self._answer(method, args, invocation)
        if answer_when_due():
            GLib.timeout_add(20, answer_when_due)

    def _answer(self, method, args, invocation):
        try:
            failure = self.failures.get(method)
            if failure:
                self.phrases[failure[1]] = failure[2] if failure[2:] else None
                raise Refusal(*failure[:2])
            value = getattr(self, "do_" + method)(*args)
        except Refusal as refusal:
            self.phrases.setdefault(str(refusal), refusal.phrase)
            name = refusal.name if "." in refusal.name else "org.edgeway.Error." + refusal.name
            invocation.return_dbus_error(name, str(refusal))
            return GLib.SOURCE_REMOVE
        signature = "".join(arg.signature for arg in self.interface.lookup_method(method).out_args)
        if signature == "h":
            fds = Gio.UnixFDList.new_from_array([value.reader])  # takes it
            invocation.return_value_with_unix_fd_list(GLib.Variant("(h)", (0,)), fds)
        else:
            invocation.return_value(GLib.Variant(f"({signature})", (value,)) if signature else None)
        return GLib.SOURCE_REMOVE

    def _need_member(self):
        if self.values["State"] == "not-enrolled":
            raise Refusal("NotEnrolled", "This computer isn't in a mesh. Join one with `sudo edgewayctl enroll`.")
        if self.values["State"] == "removed":
            raise Refusal("Removed", MESSAGES["removed"])

    def _need_administrator(self):
        self._need_member()
        if self.values["Role"] != "admin":
            raise Refusal("NotAdministrator", "Only an administrator of the mesh may do that; this node is a member. `edgewayctl node list` shows who is an administrator.")

    def _later(self, name, seconds, function):
        if name in self.sources:
            GLib.source_remove(self.sources.pop(name))
        if function:
            def run():
                del self.sources[name]
                function()
                return GLib.SOURCE_REMOVE
            self.sources[name] = GLib.timeout_add(int(seconds * 1000), run)

    def _connected(self):
        self.set(State="connected", Transport="udp")

    def do_Connect(self):
        self._need_member()
        if self.values["State"] != "connected":
            self.set(State="connecting")
            self._later("connect", 0.8, self._connected)

    def do_Disconnect(self):
        self._need_member()
        self._later("connect", 0, None)
        self._end_guard()
        self.set(State="disconnected", Transport="")

    def do_SetMode(self, mode, options):
        self._need_member()
        if mode not in ("vpn", "connector"):
            raise Refusal("InvalidArgument", "The mode must be \"vpn\" or \"connector\".")
        before, seconds = self.values["Mode"], options.get("confirm-within", self.guard_seconds)
        if mode == before:
            return
        if mode == "connector" and self.values["Lockdown"] != "off":
            raise Refusal("Failed", "Lockdown is on: %s. Switch it off first with `edgewayctl lockdown off`.", "in connector-only mode this computer would have no internet")
        self._end_guard()
        self.set(Mode=mode)
        if mode == "vpn" and seconds:
            self.before_guard = before
            self.set(GuardUntil=int((time.time() + seconds) * 1e6))
            self._later("guard", seconds, self._undo)

    def _end_guard(self):
        self._later("guard", 0, None)
        self.before_guard = None
        self.set(GuardUntil=0)

    def _undo(self):
        mode = self.before_guard
        self._end_guard()
        self.set(Mode=mode)

    def do_OpenPortal(self, _options):
        if not self.values["PortalUrl"]:
            raise Refusal("NotFound", "This network has no login page that Edgeway knows of. See `edgewayctl diagnose`.")
        return self.values["PortalUrl"]

    def do_SetLockdown(self, on, options):
        self._later("lockdown", 0, None)
        if not on:
            self.set(Lockdown="off", LockdownUntil=0)
            return
        self._need_member()
        if self.values["Mode"] != "vpn":
            raise Refusal("Failed", "Lockdown needs VPN mode: in connector-only mode this computer would have no internet. Switch it on first with `edgewayctl mode vpn`.")
        if self.split["included"]:
            raise Refusal("Failed", "Only a list of networks goes through the edge here, and lockdown would stop everything else. Remove them first with "
                          "`edgewayctl split remove`: `edgewayctl split list` shows them.")
        seconds = options.get("confirm-within", 0)
        self.set(Lockdown="trying" if seconds else "on", LockdownUntil=int((time.time() + seconds) * 1e6) if seconds else 0)
        if seconds:
            self._later("lockdown", seconds, lambda: self.set(Lockdown="off", LockdownUntil=0))

    def do_ChangeSplit(self, action, cidr):
        self._need_member()
        try:
            network = str(ipaddress.ip_network(cidr))
        except ValueError:
            try:
                raise Refusal("RouteInvalid", "\"%s\" has bits set after its length. Did you mean %s?", cidr, str(ipaddress.ip_network(cidr, False))) from None
            except ValueError:
                raise Refusal("RouteInvalid", "\"%s\" isn't a network. Write an address and a prefix length, for example 203.0.113.0/24.", cidr) from None
        if action != "remove" and network.startswith("100.96."):
            raise Refusal("RouteRefused", f"%s can't be {action}d: %s.", network, "it overlaps the mesh's own addresses")
        for name, networks in self.split.items():
            self.split[name] = sorted({other for other in networks if other != network} | ({network} if name == action + "d" else set()))

    def do_SetLan(self, allow):
        self._need_member()
        self.lan = "allow" if allow else "block"

    def do_ConfirmMode(self):
        self._need_member()
        if self.values["Lockdown"] == "trying":
            self._later("lockdown", 0, None)
            self.set(Lockdown="on", LockdownUntil=0)
            return
        self._end_guard()

    def do_UndoMode(self):
        self._need_member()
        if self.values["Lockdown"] == "trying":
            self.do_SetLockdown(False, {})
            return
        if self.before_guard is None:
            raise Refusal("NotFound", "There is no switch to undo. Set the mode with `edgewayctl mode vpn` or `edgewayctl mode connector`.")
        self._undo()

    def do_Enroll(self, key, name, _options):
        if self.values["State"] not in ("not-enrolled", "removed"):
            raise Refusal("AlreadyEnrolled", "This computer is already in the mesh \"%s\". Leave it first: `sudo edgewayctl leave`.", MESH)
        refusals = {"expired": ("KeyExpired", "This enrollment key has expired. Ask for a new one."),
                    "used": ("KeyUsed", "This enrollment key has already been used. Each key can enroll only one computer. Ask for a new one."),
                    "pin": ("PinMismatch", "The server at %s isn't this mesh's edge: its certificate doesn't match the mesh's pin. Either someone intercepts the "
                            "connection, or the edge was set up again from nothing and you need a new enrollment key.", ENDPOINT)}
        secret = base64.urlsafe_b64decode(read_key(key)["secret"] + "=").rstrip(b"\0")
        refusal = refusals.get(secret.decode(errors="replace"))
        if refusal:
            raise Refusal(*refusal)
        own = self.mesh.own
        if name and own and name != own["name"]:
            self.mesh.check_free(name)
            own["name"] = name
        self.set(**self._membership("connecting", "admin"), State="connecting")
        self._later("connect", 1.5, self._connected)

    def do_Leave(self):
        self._later("connect", 0, None)
        self._end_guard()
        for stream in list(self.streams):
            stream.close()
        self.set(**self._membership("not-enrolled", ""), State="not-enrolled")
        return True

    def do_AnswerProxy(self, _proxies):
        self.set(ProxyWanted="")

    def do_SetProxy(self, proxy, _user, _password):
        self.set(Proxy=proxy, ProxyAsks="")

    def do_SetProxyPassword(self, _proxy, _user, _password):
        """The proxy is content from now on."""
        self.failures.pop("Enroll", None)
        self.set(ProxyAsks="")

    def do_CancelPrompt(self, method):
        """The fake asks for no password: it reports the call as an event."""
        self.event(event="prompt-cancelled", method=method)

    def do_GetPhrase(self, message):
        return json.dumps(self.phrases[message]) if self.phrases.get(message) else ""

    def do_OpenTopology(self):
        self._need_member()
        stream = Stream(self)
        self.streams.append(stream)
        self.event(event="streams", open=len(self.streams))
        return stream

    def do_GetStatus(self):
        v, own = self.values, self.mesh.own
        return json.dumps({"schema": 1, "state": v["State"], "reason": v["Reason"], "message": v["Message"], "mode": v["Mode"], "mesh": v["Mesh"] or None,
                           "guard_until": rfc3339(v["GuardUntil"] / 1e6), "name": v["NodeName"] or None, "kind": v["Kind"], "role": v["Role"] or None,
                           "addresses": v["Addresses"], "edge": {"name": v["EdgeName"], "endpoint": v["EdgeEndpoint"], "transport": v["Transport"],
                                                                 "rtt_ms": own and own["rtt_ms"]},
                           "since": rfc3339(v["Since"] / 1e6), "rx_bytes": own and own["rx_bytes"], "tx_bytes": own and own["tx_bytes"], "interface": v["Interface"],
                           "lockdown": v["Lockdown"], "lan": self.lan, "split": self.split})

    def do_Ping(self, target, _timeout_ms):
        if self.values["State"] != "connected":
            raise Refusal("NotConnected", "The tunnel is down. Connect first: `edgewayctl connect`.")
        own = self.mesh.own
        near = own["rtt_ms"] if own else 5.0
        answer = {"target": target, "address": "100.96.0.1", "name": None, "edge": EDGE_NAME, "near_ms": near, "far_ms": None, "total_ms": near}
        if target:
            silent = "The edge \"%s\" answered in %.1f ms, but \"%s\" didn't: the leg between them fails, or its firewall drops pings."
            if self._is_behind_gateway(target):  # where nobody is
                raise Refusal("TimedOut", silent, EDGE_NAME, near, target)
            node = self.mesh.need(target)
            if not node["online"]:
                raise Refusal("TimedOut", silent, EDGE_NAME, near, node["name"])
            answer.update(address=node["addresses"][0], name=node["name"], far_ms=node["rtt_ms"], total_ms=round(near + node["rtt_ms"] + 0.4, 2))
        return json.dumps(answer)

    def _is_behind_gateway(self, target):
        try:
            address = ipaddress.ip_address(target)
        except ValueError:
            return False
        return any(address in ipaddress.ip_network(route) for node in self.mesh.nodes.values() for route in node["routes"])

    def _foreign_drop(self):
        """Tailscale's rule: there once the test says so, and fixed by Fix until RevertFixes."""
        entry = {"check": "foreign-drop", "ok": True, "message": "No other program's firewall drops packets because they come from the mesh's addresses.", "fix": ""}
        if self.tailscale == "there":
            entry.update(ok=False, message=DROPPED % TS, message_phrase=[DROPPED, *TS], fix="Let Edgeway exempt the mesh: `sudo edgewayctl diagnose --fix`.", fixable=True)
        elif self.tailscale == "fixed":
            entry.update(message=EXEMPTED % TS, message_phrase=[EXEMPTED, *TS], fixed=True)
        return entry

    def do_Fix(self, check):
        if self.tailscale != "there":
            return []
        self.tailscale = "fixed"
        return ["foreign-drop"]

    def do_RevertFixes(self, check):
        if self.tailscale != "fixed":
            return []
        self.tailscale = "there"
        return ["foreign-drop"]

    def do_Diagnose(self):
        good = self.values["State"] == "connected"
        return json.dumps({"schema": 1, "checks": [
            {"check": "privileges", "ok": True, "message": "edgewayd may change this computer's network.", "fix": ""},
            {"check": "tun", "ok": True, "message": "Tunnel interfaces can be created.", "fix": ""},
            {"check": "edge", "ok": good, "message": "The edge's API answers (TCP)." if good else "No network connection of this computer reaches the edge.",
             "fix": "" if good else "Connect this computer to a network."},
            {"check": "dns-leak", "ok": None, "warning": True, "message": LEAK % "192.168.1.1", "message_phrase": [LEAK, "192.168.1.1"],
             "fix": "Set a name server on the internet in this computer's network settings: VPN mode reaches that one through the edge."},
            self._foreign_drop(),
            {"check": "ipv6", "ok": None, "warning": False, "message": "Whether the internet answers through the edge can't be told without names.", "fix": ""}]})

    def do_AddNode(self, name, kind, valid_seconds):
        self._need_administrator()
        self.mesh.check_free(name)
        self._tell_node(self.mesh.add({"name": name, "kind": kind, "state": "not-joined", "version": None}))
        return json.dumps({"key": make_key(kind), "name": name, "expires": rfc3339(time.time() + valid_seconds), "install": self.install})

    def do_ListNodes(self):
        self._need_member()
        return json.dumps({"schema": 1, "nodes": list(self.mesh.nodes.values())})

    def do_ShowNode(self, name):
        self._need_member()
        return json.dumps({"schema": 1, **self.mesh.need(name)})

    def do_RenameNode(self, name, new_name):
        self._need_administrator()
        node = self.mesh.need(name)
        self.mesh.check_free(new_name)
        node["name"] = new_name
        self._tell_node(node)
        if node["self"]:
            self.set(NodeName=new_name)

    # Services.

    def _answer_service(self, service):
        self.mesh.probe(service)
        self._tell_service(service)
        return json.dumps({"schema": 1, **service})

    def _check_service_name(self, name):
        self.mesh.check_free(name)
        if any(service["name"] == name for service in self.mesh.services.values()):
            raise Refusal("NameTaken", "The name \"%s\" is already taken in this mesh. Choose another, or rename or remove the node that has it.", name)

    def do_AddService(self, name, targets, options):
        self._need_administrator()
        self._check_service_name(name)
        return self._answer_service(self.mesh.put_service(name, targets, options.get("ports", ())))

    def do_EditService(self, name, options):
        self._need_administrator()
        service = self.mesh.service(name)
        if options.get("name", service["name"]) != service["name"]:
            self._check_service_name(options["name"])
            service["name"], service["fqdn"] = options["name"], options["name"] + ".home.internal"
        if "targets" in options or "ports" in options:
            self.mesh.put_service(service["name"], options.get("targets") or [target["label"] for target in service["targets"]],
                                  options.get("ports") or [port["text"] for port in service["ports"]])
        return self._answer_service(service)

    def do_RemoveService(self, name):
        self._need_administrator()
        service = self.mesh.service(name)
        del self.mesh.services[service["id"]]
        self.tell({"type": "service-removed", "id": service["id"]})

    def do_ListServices(self):
        self._need_member()
        return json.dumps({"schema": 1, "suffix": "home.internal", "services": sorted(self.mesh.services.values(), key=lambda service: service["name"])})

    def do_ShowService(self, name):
        self._need_member()
        return self._answer_service(self.mesh.service(name))

    def do_SetNodeMtu(self, name, mtu):
        self._need_administrator()
        self.mesh.need(name)["mtu"] = mtu or 1420

    def do_RemoveNode(self, name):
        self._need_administrator()
        self.command({"remove": name})

    def do_CreateConfig(self, name, public_key, options):
        self._need_administrator()
        self.mesh.check_free(name)
        node = self.mesh.add({"name": name, "kind": options.get("kind", "device"), "state": "not-joined", "plain": True, "version": None})
        self._tell_node(node)
        peer = {"public_key": base64.b64encode(hashlib.sha256(b"edge").digest()).decode(), "endpoint": ENDPOINT, "ranges": ["100.96.0.0/12", "fd5e:7c1a:90b2::/48"],
                "routes": [route for other in self.mesh.nodes.values() for route in other["routes"]], "persistent_keepalive": 25}
        return json.dumps({"node": node, "config": {"addresses": node["addresses"], "dns": ["100.96.0.1", "fd5e:7c1a:90b2::1"], "search": ["home.internal"], "mtu": 1280, "peer": peer}})

    def do_AddRoute(self, cidr, name):
        self._need_member()
        try:
            network = ipaddress.ip_network(cidr)
        except ValueError:
            raise Refusal("RouteInvalid", "\"%s\" isn't a route. Write an address and a prefix length, for example 192.168.1.0/24.", cidr) from None
        for other in self.mesh.nodes.values():
            for route in other["routes"]:
                if ipaddress.ip_network(route).version == network.version and network.overlaps(ipaddress.ip_network(route)):
                    raise Refusal("RouteOverlap", "%s overlaps the route %s through %s. Remove that one first.", cidr, route, other["name"])
        node = self.mesh.need(name) if name else self.mesh.own
        node["routes"] = [*node["routes"], cidr]
        if node["self"]:
            self.accepted.add(cidr)
        self._tell_node(node)

    def _gateway(self, cidr):
        for node in self.mesh.nodes.values():
            if cidr in node["routes"]:
                return node
        raise Refusal("NotFound", "The mesh has no route %s. List its routes with `edgewayctl route list`.", cidr)

    def do_RemoveRoute(self, cidr):
        self._need_member()
        node = self._gateway(cidr)
        node["routes"] = [route for route in node["routes"] if route != cidr]
        self._tell_node(node)

    def do_ListRoutes(self):
        self._need_member()
        return json.dumps({"schema": 1, "routes": [
            {"cidr": route, "node": node["name"], "reason": "", "state": ("forwarding" if route in self.accepted else "unaccepted-forward") if node["self"] else "accepted" if route in self.accepted else
             "refused" if route in self.refused else "offered"} for node in self.mesh.nodes.values() for route in node["routes"]]})

    def do_AcceptRoute(self, cidr):
        self._gateway(cidr)
        self.accepted.add(cidr)
        self.refused.discard(cidr)

    def do_RefuseRoute(self, cidr):
        self._gateway(cidr)
        self.refused.add(cidr)
        self.accepted.discard(cidr)


def say(event):
    print(json.dumps(event), flush=True)


def follow_stdin(fake, loop, ends_with_it):
    rest = b""

    def on_input(fd, _condition):
        nonlocal rest
        data = os.read(fd, 65536)
        if not data:
            if ends_with_it:
                loop.quit()
            return GLib.SOURCE_REMOVE
        *lines, rest = (rest + data).split(b"\n")
        for line in filter(bytes.strip, lines):
            try:
                if not fake.command(json.loads(line)):
                    loop.quit()
            except (Refusal, ValueError, KeyError, TypeError) as error:
                say({"event": "error", "message": str(error), "line": line.decode(errors="replace")})
        return GLib.SOURCE_CONTINUE

    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, 0, GLib.IOCondition.IN | GLib.IOCondition.HUP, on_input)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0], epilog=__doc__.split("\n", 2)[2], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default=os.environ.get("DBUS_SYSTEM_BUS_ADDRESS"), help="the bus; DBUS_SYSTEM_BUS_ADDRESS by default")
    parser.add_argument("--nodes", type=int, default=9)
    parser.add_argument("--state", default="connected")
    parser.add_argument("--offer", action="append", default=[], help="a network that an administrator offered through this computer")
    parser.add_argument("--member", action="store_true", help="this computer does not administer its mesh")
    parser.add_argument("--guard", type=int, default=60, help="seconds until a switch to VPN is undone; 0: no guard")
    parser.add_argument("--packages", action="store_true", help="the edge hands out packages for Debian 12 and 13")
    parser.add_argument("--follow-stdin", action="store_true", help="end with the end of stdin")
    options = parser.parse_args()
    if not options.address:
        parser.error("--address is missing, and DBUS_SYSTEM_BUS_ADDRESS is not set")
    loop = GLib.MainLoop()
    fake = FakeDaemon(options.address, options.nodes, options.state, not options.member, options.guard, say)
    if options.packages:
        fake.install = INSTALL
    if options.offer:
        fake.mesh.own["routes"] = options.offer
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, 15, loop.quit)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, 2, loop.quit)
    fake.connection.connect("closed", lambda *_: loop.quit())
    follow_stdin(fake, loop, options.follow_stdin)
    say({"event": "ready", "name": fake.connection.get_unique_name()})
    loop.run()
    fake.close()


if __name__ == "__main__":
    main()
