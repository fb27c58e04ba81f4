#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a screen reader sees of the programs of a session, and what it can do there. Runs inside the session (desktop.py starts it):
requests and answers are JSON lines on stdin and stdout.

    {"do": "find", "app": NAME, "role": ROLE, "name": PART, …}   → {"found": [NODE, …]}
    {"do": "tree", "app": NAME}                                  → {"found": [NODE, …]} with "depth"
    {"do": "act", "ref": N, "action": NAME or null}              → {"done": bool}
    {"do": "type", "ref": N, "text": TEXT}                       → {"done": bool}
    {"do": "where", "ref": N}                                    → {"x", "y", "width", "height"} in its window

The accessibility bus is asked directly, for all nodes of a level at once, and nothing is remembered: libatspi waits for each answer by
itself (minutes for a walk on a loaded machine), and crashes where a window comes while its memory is being cleared.
"""
import collections
import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

STATES = ("CHECKED", "SENSITIVE", "ENABLED", "SHOWING", "VISIBLE", "FOCUSED", "FOCUSABLE", "SELECTED", "EXPANDED", "PRESSED", "EDITABLE", "BUSY", "INVALID", "INVALID_ENTRY")
BITS = {name: int(getattr(Atspi.StateType, name)) for name in STATES}
ATSPI = "org.a11y.atspi."
# Newer versions of AT-SPI and GTK call some otherwise: here all have the names that Debian 12 has for them.
ROLES = {"button": "push button", "toggle button": "push button", "grouping": "panel"}
# An option of several is a check box in GTK 4.8, and later a radio button.
ALSO = {"check box": "radio button"}
DESKTOP = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
LEVELS, NODES, PATIENCE_MS = 100, 20000, 20000
Seen = collections.namedtuple("Seen", "place name description role states children")
refs = {}  # number → (bus name, object path)
bus = None


def connect():
    global bus
    session = Gio.bus_get_sync(Gio.BusType.SESSION)
    address = session.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", None, None, Gio.DBusCallFlags.NONE, PATIENCE_MS).unpack()[0]
    bus = Gio.DBusConnection.new_for_address_sync(
        address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)


def ask_all(calls):
    """The answers to (place, interface, method, signature, arguments…), all asked at once; None without an answer."""
    answers, left = [None] * len(calls), len(calls)

    def come(connection, result, i):
        nonlocal left
        left -= 1
        try:
            answer = connection.call_finish(result).unpack()
            answers[i] = answer[0] if len(answer) == 1 else answer
        except GLib.Error:
            pass  # removed in the meantime, or it has no such interface

    for i, (place, interface, method, signature, *arguments) in enumerate(calls):
        parameters = GLib.Variant(signature, tuple(arguments)) if signature else None
        bus.call(*place, interface, method, parameters, None, Gio.DBusCallFlags.NO_AUTO_START, PATIENCE_MS, None, come, i)
    while left:
        GLib.MainContext.default().iteration(True)
    return answers


def ask_one(place, interface, method, signature="", *arguments):
    return ask_all([(place, interface, method, signature, *arguments)])[0]


def role_name(role):
    name = Atspi.role_get_name(Atspi.Role(role))
    return ROLES.get(name, name)


def look_at(places):
    """Seen of each; None where it was removed."""
    calls = []
    for place in places:
        calls += [(place, "org.freedesktop.DBus.Properties", "GetAll", "(s)", ATSPI + "Accessible"), (place, ATSPI + "Accessible", "GetRole", ""),
                  (place, ATSPI + "Accessible", "GetState", ""), (place, ATSPI + "Accessible", "GetChildren", "")]
    answers = ask_all(calls)
    seen = []
    for i, place in enumerate(places):
        properties, role, states, children = answers[4 * i:4 * i + 4]
        if properties is None or role is None or states is None:
            seen.append(None)
            continue
        known = sum(word << 32 * j for j, word in enumerate(states))
        if known >> BITS["INVALID_ENTRY"] & 1:  # of a field; GTK 4.8 says what is said of broken objects
            known |= 1 << BITS["INVALID"]
        seen.append(Seen(place, properties.get("Name", ""), properties.get("Description", ""), role_name(role),
                         [name for name in STATES if known >> BITS[name] & 1], [tuple(child) for child in children or []]))
    return seen


def walk(roots, visible):
    """[(Seen, depth)] of these and all below them, as one reads; visible: only where nothing above is hidden. (GTK 4.8 says SHOWING of windows alone.)"""
    known, level, depth = {}, list(roots), 0
    while level and depth < LEVELS and len(known) < NODES:
        following = []
        for seen in look_at(level):
            if seen is not None and (not visible or depth == 0 or "VISIBLE" in seen.states):
                known[seen.place] = seen
                following += [place for place in seen.children if place not in known]
        level, depth = following, depth + 1

    def read(place, depth):
        seen = known.pop(place, None)
        if seen is not None:
            yield seen, depth
            for child in seen.children:
                yield from read(child, depth + 1)
    return [pair for root in roots for pair in read(root, 0)]


def describe(found):
    """NODEs with what is asked of those alone that were looked for."""
    places = [seen.place for seen, _ in found]
    interfaces = ask_all([(place, ATSPI + "Accessible", "GetInterfaces", "") for place in places])
    lengths = ask_all([(place, "org.freedesktop.DBus.Properties", "Get", "(ss)", ATSPI + "Text", "CharacterCount") for place in places])
    texts = ask_all([(place, ATSPI + "Text", "GetText", "(ii)", 0, length or 0) for place, length in zip(places, lengths)])
    actions = ask_all([(place, ATSPI + "Action", "GetActions", "") for place in places])
    nodes = []
    for (seen, depth), has, text, names in zip(found, interfaces, texts, actions):
        number = len(refs) + 1
        refs[number] = seen.place
        nodes.append({"ref": number, "depth": depth, "role": seen.role, "name": seen.name, "description": seen.description, "states": seen.states,
                      "text": text if ATSPI + "Text" in (has or []) else None, "actions": [action[0] for action in names or []]})
    return nodes


def applications(name):
    places = [tuple(place) for place in ask_one(DESKTOP, ATSPI + "Accessible", "GetChildren") or []]
    return [seen.place for seen in look_at(places) if seen is not None and name in (None, seen.name)]


def fits(seen, ask):
    if ask.get("name") is not None and ask["name"] not in seen.name:
        return False
    if ask.get("exactly") is not None and ask["exactly"] != seen.name:
        return False
    wanted = ask.get("role")
    roles = [wanted] if wanted is None or isinstance(wanted, str) else wanted
    return wanted is None or seen.role in roles or seen.role in (ALSO.get(role) for role in roles)


def find(ask):
    roots = [refs[ask["within"]]] if ask.get("within") else applications(ask.get("app"))
    return describe([pair for pair in walk(roots, ask.get("showing", True)) if fits(pair[0], ask)][:ask.get("limit")])


def act(ask):
    place = refs[ask["ref"]]
    names = [action[0] for action in ask_one(place, ATSPI + "Action", "GetActions") or []]
    wanted = ask.get("action")
    if not names or (wanted is not None and wanted not in names):
        return {"done": False, "why": f"actions are {names}"}
    return {"done": bool(ask_one(place, ATSPI + "Action", "DoAction", "(i)", names.index(wanted) if wanted is not None else 0))}


def answer(ask):
    what = ask["do"]
    if what == "find":
        return {"found": find(ask)}
    if what == "tree":
        refs.clear()
        return {"found": find({"app": ask.get("app"), "showing": ask.get("showing", False)})}
    if what == "apps":
        return {"apps": [seen.name for seen in look_at(applications(None)) if seen is not None]}
    if what == "act":
        return act(ask)
    if what == "type":
        return {"done": bool(ask_one(refs[ask["ref"]], ATSPI + "EditableText", "SetTextContents", "(s)", ask["text"]))}
    if what == "where":
        box = ask_one(refs[ask["ref"]], ATSPI + "Component", "GetExtents", "(u)", int(Atspi.CoordType.WINDOW))
        return dict(zip(("x", "y", "width", "height"), box))
    if what == "look":
        seen = look_at([refs[ask["ref"]]])[0]
        return {"node": describe([(seen, 0)])[0]}
    raise ValueError(f"no such request: {what}")


def main():
    connect()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except (GLib.Error, KeyError, ValueError, AttributeError, TypeError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
