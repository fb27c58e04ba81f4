#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A desktop's part of the Background portal, for desktops without one. Prints what it is asked: APP-ID AUTOSTART COMMAND…
Usage: background_backend.py agree|refuse"""
import sys

import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME, PATH = "org.freedesktop.impl.portal.desktop.edgewaytest", "/org/freedesktop/portal/desktop"
XML = """<node>
<interface name="org.freedesktop.impl.portal.Background">
  <method name="GetAppState"><arg type="a{sv}" direction="out"/></method>
  <method name="NotifyBackground"><arg type="o" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
    <arg type="u" direction="out"/><arg type="a{sv}" direction="out"/></method>
  <method name="EnableAutostart"><arg type="s" direction="in"/><arg type="b" direction="in"/><arg type="as" direction="in"/><arg type="u" direction="in"/>
    <arg type="b" direction="out"/></method>
  <signal name="RunningApplicationsChanged"/>
</interface>
<interface name="org.freedesktop.impl.portal.Access">
  <method name="AccessDialog"><arg type="o" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
    <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="a{sv}" direction="in"/><arg type="u" direction="out"/><arg type="a{sv}" direction="out"/></method>
</interface>
</node>"""
AGREES = sys.argv[1] == "agree"


def on_call(_bus, _sender, _path, _interface, method, parameters, invocation):
    if method == "GetAppState":
        invocation.return_value(GLib.Variant("(a{sv})", ({},)))
    elif method == "EnableAutostart":
        app, enable, command, _flags = parameters.unpack()
        print(app, enable, *command, flush=True)
        invocation.return_value(GLib.Variant("(b)", (enable and AGREES,)))
    else:
        invocation.return_value(GLib.Variant("(ua{sv})", (0, {})))


bus = Gio.bus_get_sync(Gio.BusType.SESSION)
for interface in Gio.DBusNodeInfo.new_for_xml(XML).interfaces:
    bus.register_object(PATH, interface, on_call)
Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE, lambda *_: print("ready", flush=True), None)
GLib.MainLoop().run()
