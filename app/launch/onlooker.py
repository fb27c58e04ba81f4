#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a screen reader sees of the programs of a session, and what it can do there. Runs inside of the session (desktop.py starts it):
requests and answers are JSON lines on stdin and stdout.

    {"do": "find", "app": NAME, "role": ROLE, "name": PART, …}   → {"found": [NODE, …]}
    {"do": "tree", "app": NAME}                                  → {"found": [NODE, …]} with "depth"
    {"do": "act", "ref": N, "action": NAME or null}              → {"done": bool}
    {"do": "type", "ref": N, "text": TEXT}                       → {"done": bool}
    {"do": "where", "ref": N}                                    → {"x", "y", "width", "height"} in its window
"""
import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

STATES = ("CHECKED", "SENSITIVE", "ENABLED", "SHOWING", "VISIBLE", "FOCUSED", "FOCUSABLE", "SELECTED", "EXPANDED", "PRESSED", "EDITABLE", "BUSY", "INVALID", "INVALID_ENTRY")
refs = {}


def text_of(node):
    try:
        if "Text" not in node.get_interfaces():
            return None
        return Atspi.Text.get_text(node, 0, Atspi.Text.get_character_count(node))
    except GLib.Error:
        return None


def actions_of(node):
    try:
        return [node.get_action_name(i) for i in range(node.get_n_actions())] if "Action" in node.get_interfaces() else []
    except GLib.Error:
        return []


def states_of(node):
    known = node.get_state_set()
    return [name for name in STATES if known.contains(getattr(Atspi.StateType, name))]


def describe(node, depth):
    number = len(refs) + 1
    refs[number] = node
    return {"ref": number, "depth": depth, "role": node.get_role_name(), "name": node.get_name() or "", "description": node.get_description() or "",
            "states": states_of(node), "text": text_of(node), "actions": actions_of(node)}


def children(node):
    for i in range(min(node.get_child_count(), 5000)):
        child = node.get_child_at_index(i)
        if child is not None:
            yield child


def walk(node, depth=0, visible=False):
    """The node and all below it; visible: only where nothing above is hidden. (GTK 4.8 says SHOWING of windows alone.)"""
    if visible and depth > 0 and not node.get_state_set().contains(Atspi.StateType.VISIBLE):
        return
    yield node, depth
    for child in children(node):
        try:
            yield from walk(child, depth + 1, visible)
        except GLib.Error:
            pass  # gone meanwhile


def applications(name):
    for app in children(Atspi.get_desktop(0)):
        try:
            if name in (None, app.get_name()):
                yield app
        except GLib.Error:
            pass


def fits(node, ask):
    """Cheap questions first: each is a call to the other program."""
    name = node.get_name() or ""
    if ask.get("name") is not None and ask["name"] not in name:
        return False
    if ask.get("exactly") is not None and ask["exactly"] != name:
        return False
    if ask.get("role") is not None and node.get_role_name() not in ([ask["role"]] if isinstance(ask["role"], str) else ask["role"]):
        return False
    return True


def find(ask):
    found = []
    roots = [refs[ask["within"]]] if ask.get("within") else list(applications(ask.get("app")))
    for root in roots:
        for node, depth in walk(root, 0, ask.get("showing", True)):
            try:
                if fits(node, ask):
                    found.append(describe(node, depth))
            except GLib.Error:
                continue
            if ask.get("limit") and len(found) >= ask["limit"]:
                return found
    return found


def act(ask):
    node = refs[ask["ref"]]
    names = actions_of(node)
    wanted = ask.get("action")
    if not names or (wanted is not None and wanted not in names):
        return {"done": False, "why": f"actions are {names}"}
    return {"done": bool(Atspi.Action.do_action(node, names.index(wanted) if wanted is not None else 0))}


def answer(ask):
    what = ask["do"]
    if what == "find":
        return {"found": find(ask)}
    if what == "tree":
        refs.clear()
        return {"found": find({"app": ask.get("app"), "showing": ask.get("showing", False)})}
    if what == "apps":
        return {"apps": [app.get_name() for app in applications(None)]}
    if what == "act":
        return act(ask)
    if what == "type":
        return {"done": bool(Atspi.EditableText.set_text_contents(refs[ask["ref"]], ask["text"]))}
    if what == "where":
        box = Atspi.Component.get_extents(refs[ask["ref"]], Atspi.CoordType.WINDOW)
        return {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    if what == "look":
        return {"node": describe(refs[ask["ref"]], 0)}
    raise ValueError(f"no such request: {what}")


def main():
    Atspi.init()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        # A cached answer would be yesterday's: what is asked is asked anew. (Clearing the cache instead crashes in libatspi 2.46
        # where a window came meanwhile.)
        for app in children(Atspi.get_desktop(0)):
            app.set_cache_mask(Atspi.Cache.NONE)
        try:
            reply = answer(json.loads(line))
        except (GLib.Error, KeyError, ValueError, AttributeError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
