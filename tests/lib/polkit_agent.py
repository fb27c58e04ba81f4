# SPDX-License-Identifier: GPL-3.0-or-later
"""polkit_agent.py PID allow|dismiss|close|wait: a polkit authentication agent for a process, run as root on the private system bus. It says
"registered", "asked ACTION: MESSAGE" and "taken away"."""
import os
import sys

from gi.repository import Gio, GLib

XML = """<node><interface name="org.freedesktop.PolicyKit1.AuthenticationAgent">
<method name="BeginAuthentication"><arg type="s"/><arg type="s"/><arg type="s"/><arg type="a{ss}"/><arg type="s"/><arg type="a(sa{sv})"/></method>
<method name="CancelAuthentication"><arg type="s"/></method></interface></node>"""
AUTHORITY = ("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority")
pid, what = int(sys.argv[1]), sys.argv[2]
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
waiting = {}


def respond(cookie, identity):
    kind, details = identity
    details = {key: GLib.Variant("u", value) for key, value in details.items()}
    bus.call_sync(*AUTHORITY, "AuthenticationAgentResponse2", GLib.Variant("(us(sa{sv}))", (os.getuid(), cookie, (kind, details))), None, 0, 5000, None)


def on_call(connection, sender, path, interface, method, parameters, invocation):
    values = parameters.unpack()
    if method == "CancelAuthentication":
        print("taken away", flush=True)
        invocation.return_value(None)
        if values[0] in waiting:
            waiting.pop(values[0]).return_dbus_error("org.freedesktop.PolicyKit1.Error.Cancelled", "taken away")
        return
    action, message, _, _, cookie, identities = values
    print(f"asked {action}: {message}", flush=True)
    if what == "wait":
        waiting[cookie] = invocation
    elif what == "close":  # what agents do that don't tell a Cancel from a wrong password
        invocation.return_value(None)
    elif what == "dismiss":
        invocation.return_dbus_error("org.freedesktop.PolicyKit1.Error.Cancelled", "dismissed")
    else:
        respond(cookie, identities[0])
        invocation.return_value(None)


bus.register_object("/agent", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], on_call, None, None)
with open(f"/proc/{pid}/stat") as stat:
    start_time = int(stat.read().rsplit(")", 1)[1].split()[19])
subject = ("unix-process", {"pid": GLib.Variant("u", pid), "start-time": GLib.Variant("t", start_time), "uid": GLib.Variant("i", os.stat(f"/proc/{pid}").st_uid)})
bus.call_sync(*AUTHORITY, "RegisterAuthenticationAgent", GLib.Variant("((sa{sv})ss)", (subject, "C.UTF-8", "/agent")), None, 0, 30000, None)
print("registered", flush=True)
GLib.MainLoop().run()
