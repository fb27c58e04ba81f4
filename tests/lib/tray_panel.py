#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a panel's StatusNotifier host sees of tray icons, and what it can do with them, without pixels. Runs inside the session:
requests and answers are JSON lines on stdin and stdout.

    {"do": "items"}                   → {"host": bool, "items": [{"id", "title", "status", "icon", "description"}, …]}
    {"do": "menu", "id": ID}          → {"menu": [{"label", "enabled", "visible", "type", "toggle", "checked", "submenu": […]}, …]}
    {"do": "click", "id": ID, "path": [LABEL, …]}   → {"done": true}
    {"do": "owner", "name": NAME}     → {"owner": NAME or null}
    {"do": "activate", "name": NAME, "path": PATH, "action": ACTION}
"""
import json
import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

WATCHER, ITEM, MENU = "org.kde.StatusNotifierWatcher", "org.kde.StatusNotifierItem", "com.canonical.dbusmenu"
bus = Gio.bus_get_sync(Gio.BusType.SESSION)


def call(name, path, interface, method, parameters=None):
    return bus.call_sync(name, path, interface, method, parameters, None, Gio.DBusCallFlags.NO_AUTO_START, 5000, None).unpack()


def properties(name, path, interface):
    return call(name, path, "org.freedesktop.DBus.Properties", "GetAll", GLib.Variant("(s)", (interface,)))[0]


def items():
    try:
        watcher = properties(WATCHER, "/StatusNotifierWatcher", WATCHER)
    except GLib.Error:
        return False, []
    found = []
    for item in watcher["RegisteredStatusNotifierItems"]:
        name, _, path = item.partition("/")
        path = "/" + path if path else "/StatusNotifierItem"
        try:
            found.append((name, properties(name, path, ITEM)))
        except GLib.Error:
            pass  # removed in the meantime
    return watcher["IsStatusNotifierHostRegistered"], found


def tray(ask):
    for name, item in items()[1]:
        if item["Id"] == ask["id"]:
            return name, item["Menu"]
    raise LookupError(f"no tray icon {ask['id']}")


def nodes(name, path):
    """The menu as it would be opened now; a key that a node leaves out has its default."""
    call(name, path, MENU, "AboutToShow", GLib.Variant("(i)", (0,)))

    def describe(node):
        number, props, below = node
        return {"number": number, "label": props.get("label", ""), "enabled": props.get("enabled", True), "visible": props.get("visible", True),
                "type": props.get("type", "standard"), "toggle": props.get("toggle-type", ""), "checked": props.get("toggle-state", 0) == 1,
                "submenu": [describe(child) for child in below]}
    return describe(call(name, path, MENU, "GetLayout", GLib.Variant("(iias)", (0, -1, [])))[1])["submenu"]


def click(ask):
    name, path = tray(ask)
    level, item = nodes(name, path), None
    for label in ask["path"]:
        item = next((i for i in level if i["label"] == label and i["visible"]), None)
        if item is None:
            raise LookupError(f"the menu has no {label!r}: {[i['label'] for i in level if i['visible']]}")
        level = item["submenu"]
    if not item["enabled"]:
        raise LookupError(f"{item['label']!r} is insensitive")
    call(name, path, MENU, "Event", GLib.Variant("(isvu)", (item["number"], "clicked", GLib.Variant("i", 0), 0)))


def answer(ask):
    what = ask["do"]
    if what == "items":
        host, found = items()
        return {"host": host, "items": [{"id": i["Id"], "title": i["Title"], "status": i["Status"], "icon": i["IconName"], "description": i["IconAccessibleDesc"]} for _, i in found]}
    if what == "menu":
        return {"menu": nodes(*tray(ask))}
    if what == "click":
        click(ask)
        return {"done": True}
    if what == "owner":
        try:
            return {"owner": call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner", GLib.Variant("(s)", (ask["name"],)))[0]}
        except GLib.Error:
            return {"owner": None}
    if what == "activate":
        call(ask["name"], ask["path"], "org.freedesktop.Application", "ActivateAction", GLib.Variant("(sava{sv})", (ask["action"], [], {})))
        return {"done": True}
    raise ValueError(f"no such request: {what}")


def main():
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except (GLib.Error, LookupError, ValueError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
