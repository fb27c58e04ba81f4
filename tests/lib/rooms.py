#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rooms (the folders of daemon and app) know only the rooms that tests/data/rooms.txt allows them, and each symbol begins with a word of its room's.

The table, a room a paragraph, in any order:
  ROOM
    words WORD …        its symbols are ew_WORD or ew_WORD_…
    includes ROOM …     whose headers it may include
Every entry must be in use: remove a dependency or a word that isn't. Usage: rooms.py [TOP]."""
import collections
import glob
import json
import os
import re
import subprocess
import sys

ROOTS = ("daemon", "app")
INCLUDE = re.compile(r'^\s*(?:/\*.*?\*/\s*)*#\s*include\s*["<]([^">\n]+)[">]', re.M)


class Room:
    def __init__(self):
        self.words, self.includes = [], []


def read_table(path):
    """{room: Room}, and what is wrong with the table's form."""
    rooms, faults, room = {}, [], None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            if not line[0].isspace() and len(words) == 1:
                if words[0] in rooms:
                    faults.append(f"{path}:{number}: {words[0]} stands there twice")
                room = rooms.setdefault(words[0], Room())
            elif line[0].isspace() and room is not None and words[0] in ("words", "includes"):
                getattr(room, words[0]).extend(words[1:])
            else:
                faults.append(f"{path}:{number}: neither a room nor its words or includes")
    return rooms, faults


def find_files(top):
    """{room: [paths relative to top]}"""
    rooms = collections.defaultdict(list)
    for root in ROOTS:
        for path in sorted(glob.glob(f"{top}/{root}/**/*.[ch]", recursive=True)):
            name = os.path.relpath(path, top)
            rooms[os.path.dirname(name)].append(name)
    return rooms


def room_of(top, includer, name):
    """The room, or tests' folder, that an include leads to; None: generated, or not Edgeway's."""
    for folder in (os.path.dirname(includer), *ROOTS, "tests", "."):
        path = os.path.normpath(os.path.join(folder, name))
        if os.path.exists(os.path.join(top, path)):
            return os.path.dirname(path)
    return None


def find_edges(top, rooms):
    """{(room, room): the first file that includes so}"""
    edges = {}
    for room, files in rooms.items():
        for path in files:
            with open(os.path.join(top, path), encoding="utf-8") as file:
                for name in INCLUDE.findall(file.read()):
                    other = room_of(top, path, name)
                    if other is not None and other != room:
                        edges.setdefault((room, other), f"{path} ({name})")
    return edges


def find_cycle(table):
    """The rooms of one circle in the table, or None."""
    done, path = set(), []

    def visit(room):
        if room in path:
            return path[path.index(room):] + [room]
        if room in done or room not in table:
            return None
        path.append(room)
        for other in table[room].includes:
            circle = visit(other)
            if circle:
                return circle
        done.add(path.pop())
        return None

    return next(filter(None, map(visit, table)), None)


def find_symbols(top, rooms):
    """{room: {symbol: file}}: functions and variables that other files can see, and those of other rooms that a file declares by itself."""
    files = [path for paths in rooms.values() for path in paths]
    output = subprocess.run(["ctags", "-D", "INLINE=static inline", "--kinds-C=fvpx", "--fields=+ne", "--output-format=json", "-f", "-", *files], cwd=top, check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True).stdout
    symbols = collections.defaultdict(dict)
    for tag in map(json.loads, filter(lambda line: line.startswith("{"), output.splitlines())):
        name, path = tag["name"], tag["path"]
        if tag["kind"] in ("prototype", "externvar"):
            if path.endswith(".c") and name.startswith("ew_") and "static" not in tag["pattern"]:
                symbols[os.path.dirname(path)].setdefault(name, path)
            continue
        # Helpers within a file, and those of a header for one file, have no name in a library; ctags takes some macros for functions, and a static
        # table whose struct stands before its name for a variable of all.
        if name == "main" or name.startswith("G_DEFINE") or tag["pattern"].startswith("/^}") or (tag.get("file") if path.endswith(".c") else not name.startswith("ew_")):
            continue
        symbols[os.path.dirname(path)].setdefault(name, path)
    return symbols


def word_of(room, symbol):
    """The word of the room's that a symbol begins with; None: it begins with none."""
    for word in room.words:
        if re.match(rf"(ew_|_)?{re.escape(word)}(_|$)", symbol):
            return word
    return None


def check(top, table_path=None):
    """Sentences on what is wrong."""
    table, faults = read_table(table_path or os.path.join(top, "tests/data/rooms.txt"))
    rooms = find_files(top)
    faults += [f"{room} is no room in tests/data/rooms.txt: say what it may include" for room in rooms if room not in table]
    faults += [f"{room} stands in tests/data/rooms.txt and isn't there" for room in table if room not in rooms]
    edges = find_edges(top, rooms)
    faults += [f"{path}: {room} may not include {other}" for (room, other), path in sorted(edges.items()) if room in table and other not in table[room].includes]
    faults += [f"{room} may include {other}, but doesn't: take it out of tests/data/rooms.txt" for room in table for other in table[room].includes
               if (room, other) not in edges]
    circle = find_cycle(table)
    if circle:
        faults.append("a circle: " + " → ".join(circle))
    for room, symbols in find_symbols(top, rooms).items():
        if room in table:
            faults += [f"{path}: {name} begins with none of its room's words ({', '.join(table[room].words)})" for name, path in sorted(symbols.items())
                       if word_of(table[room], name) is None]
    used = {room: {word_of(table[room], name) for name in symbols} for room, symbols in find_symbols(top, rooms).items() if room in table}
    faults += [f"nothing of {room} begins with {word}: take it out of tests/data/rooms.txt" for room in table if room in rooms for word in table[room].words
               if word not in used.get(room, set())]
    return faults


def main():
    faults = check(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    print("".join(f"{fault}\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
