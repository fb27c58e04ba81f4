#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds functions and variables in the products' libraries that no product uses: code for tests alone belongs in tests/lib, and unused code is
removed. tests/data/symbols.txt lists the few that stay, each with its reason.

A symbol is used where another object of daemon or app needs it (nm), or where its own room's sources name it besides defining and declaring
it. Usage: symbols.py BUILD [TOP], after a build."""
import collections
import glob
import json
import os
import re
import subprocess
import sys

COMMENTS_AND_STRINGS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
# Made by GObject's macros and by gdbus-codegen: they aren't written by hand.
GENERATED = re.compile(r"_get_type$|^ew_daemon1_")


def find_unused(build):
    """Global symbols that an object of a product defines and no other object of a product needs."""
    objects = [path for room in ("daemon", "app") for path in glob.glob(f"{build}/{room}/**/*.o", recursive=True)]
    if not objects:
        raise FileNotFoundError(f"{build} has no objects: build it first")
    listing = subprocess.run(["nm", "-A", "-g", "--no-sort", *objects], capture_output=True, text=True, timeout=120, check=True).stdout
    defined, needed = set(), set()
    for line in listing.splitlines():
        kind, name = line.rpartition(".o:")[2].split()[-2:]
        (needed if kind in "Uvw" else defined).add(name)
    return {name for name in defined - needed if name.startswith("ew_") and not GENERATED.search(name)}


def count_words(top, names):
    """How often the products' sources name each, comments and strings aside; and how many of those are a definition or a declaration."""
    paths = [path for room in ("daemon", "app") for path in glob.glob(f"{top}/{room}/**/*.[ch]", recursive=True)]
    words, places = collections.Counter(), {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            words.update(word for word in re.findall(r"\bew_\w+", COMMENTS_AND_STRINGS.sub(" ", file.read())) if word in names)
    listing = subprocess.run(["ctags", "--kinds-C=fpvx", "--fields=+ne", "--output-format=json", "-f", "-", *paths], capture_output=True, text=True, timeout=120, check=True).stdout
    declared = collections.Counter()
    for tag in map(json.loads, filter(lambda line: line.startswith("{"), listing.splitlines())):
        if tag["name"] in names:
            declared[tag["name"]] += 1
            if tag["kind"] in ("function", "variable"):
                places[tag["name"]] = os.path.relpath(tag["path"], top)
    return words, declared, places


def read_allowed(path):
    allowed = {}
    with open(path, encoding="utf-8") as file:
        for line in map(str.strip, file):
            if line and not line.startswith("#"):
                name, _, reason = line.partition(":")
                allowed[name] = reason.strip()
    return allowed


def check(build, top, allowed_path=None):
    """Sentences on what is wrong."""
    unused = find_unused(build)
    words, declared, places = count_words(top, unused)
    unused = {name for name in unused if words[name] <= declared[name]}
    allowed = read_allowed(allowed_path or os.path.join(top, "tests/data/symbols.txt"))
    return [f"{places.get(name, 'daemon or app')}: no product uses {name}: move it to tests/lib, or remove it" for name in sorted(unused - set(allowed))] + \
           [f"tests/data/symbols.txt: {name}: {'give a reason' if name in unused else 'a product uses it, or it was removed: take it out'}"
            for name, reason in allowed.items() if name not in unused or not reason]


def main():
    faults = check(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    print("".join(f"{fault}\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
