# SPDX-License-Identifier: GPL-3.0-or-later
"""fake_logind.py local|remote|inactive|seatless|display|none: org.freedesktop.login1 as far as edgewayd asks it. "display": the process is in
no session, its user has one on a screen. "none": neither."""
import sys

from gi.repository import Gio, GLib

XML = """<node><interface name="org.freedesktop.login1.Manager">
<method name="GetSessionByPID"><arg type="u" direction="in"/><arg type="o" direction="out"/></method>
<method name="GetUser"><arg type="u" direction="in"/><arg type="o" direction="out"/></method></interface>
<interface name="org.freedesktop.login1.Session"><property name="Active" type="b" access="read"/><property name="Remote" type="b" access="read"/>
<property name="Seat" type="(so)" access="read"/></interface>
<interface name="org.freedesktop.login1.User"><property name="Display" type="(so)" access="read"/></interface></node>"""
what = sys.argv[1]
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
interfaces = {i.name.rsplit(".", 1)[1]: i for i in Gio.DBusNodeInfo.new_for_xml(XML).interfaces}
SESSION = "/org/freedesktop/login1/session/c1"
PROPERTIES = {"Active": GLib.Variant("b", what != "inactive"), "Remote": GLib.Variant("b", what == "remote"),
              "Seat": GLib.Variant("(so)", ("", "/") if what == "seatless" else ("seat0", "/org/freedesktop/login1/seat/seat0")),
              "Display": GLib.Variant("(so)", ("c1", SESSION) if what == "display" else ("", "/"))}


def on_call(connection, sender, path, interface, method, parameters, invocation):
    print("asked", method, flush=True)
    if method == "GetUser":
        invocation.return_value(GLib.Variant("(o)", ("/org/freedesktop/login1/user/u1",)))
    elif what in ("display", "none"):
        invocation.return_dbus_error("org.freedesktop.login1.NoSessionForPID", "no session")
    else:
        invocation.return_value(GLib.Variant("(o)", (SESSION,)))


def on_get(connection, sender, path, interface, name):
    return PROPERTIES[name]


bus.register_object("/org/freedesktop/login1", interfaces["Manager"], on_call, None, None)
bus.register_object(SESSION, interfaces["Session"], None, on_get, None)
bus.register_object("/org/freedesktop/login1/user/u1", interfaces["User"], None, on_get, None)
Gio.bus_own_name_on_connection(bus, "org.freedesktop.login1", 0, lambda *_: print("ready", flush=True), None)
GLib.MainLoop().run()
