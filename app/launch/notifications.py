#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's notifications, as a desktop shows them: org.freedesktop.Notifications, each said as a JSON line on stdout. A desktop
without a screen has no other notification server. --plain: it says that it shows no markup."""
import json
import sys

from gi.repository import Gio, GLib

INTERFACE = Gio.DBusNodeInfo.new_for_xml("""<node><interface name="org.freedesktop.Notifications">
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/><arg type="s" direction="out"/><arg type="s" direction="out"/></method>
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="as" direction="in"/><arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
<signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal><signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
</interface></node>""").interfaces[0]
last = 0


def called(_bus, _sender, _path, _interface, method, arguments, invocation):
    global last
    if method == "GetCapabilities":
        invocation.return_value(GLib.Variant("(as)", (["body", "actions", *([] if "--plain" in sys.argv else ["body-markup"])],)))
    elif method == "GetServerInformation":
        invocation.return_value(GLib.Variant("(ssss)", ("notifications", "Edgeway", "1", "1.2")))
    elif method == "Notify":
        app, replaces, _icon, title, body, actions, _hints, _timeout = arguments.unpack()
        last = replaces or last + 1
        print(json.dumps({"app": app, "title": title, "body": body, "actions": actions, "number": last}), flush=True)
        invocation.return_value(GLib.Variant("(u)", (last,)))
    else:
        print(json.dumps({"closed": arguments.unpack()[0]}), flush=True)
        invocation.return_value(None)


def main():
    loop = GLib.MainLoop()
    Gio.bus_own_name(Gio.BusType.SESSION, "org.freedesktop.Notifications", Gio.BusNameOwnerFlags.NONE,
                     lambda bus, _: bus.register_object("/org/freedesktop/Notifications", INTERFACE, called, None, None),
                     lambda *_: print(json.dumps({"ready": True}), flush=True), lambda *_: loop.quit())
    loop.run()


if __name__ == "__main__":
    main()
