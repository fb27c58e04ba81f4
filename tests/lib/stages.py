# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be named to tests/run, read from the folders of tests: nothing needs to be built for it (tests/run lists the same without Python).

    a folder    all of its tests: api data dbus fuzz netns packages sim ui unit
    a file      one test of a folder of Python tests, without test_ and .py; in api with the folder's name before it: api-life
    others      style threads demo files"""
import glob
import os
from collections import namedtuple

# A flood needs a processor of its own (matrix, bus_flood), and so does an emulated machine (matrix).
PROCESSORS = ("matrix", "bus_flood")
# What takes longest, so that it does not begin when all others have ended.
LONGEST = ("names", "rekey", "host", "link", "interop", "switch", "ctl", "diagnose",
           "told", "hostile", "accessible", "keyboard", "screens", "tray", "german")

# name    what it is called, and in the output
# folder  the folder that it is a part of, or ""
# how     "sanitized": meson's tests in the sanitizers' build; "data": meson's in the plain build; "python": a file by itself; else the name of its method
# path    the file of one test
# lane    which of the runner's lanes it runs in
# alone   runs only when named itself: its folder runs it in another way
Item = namedtuple("Item", "name folder how path lane alone")


def find_stages(top):
    """All, in the order in which they are listed."""
    def tests_in(folder):
        return [(os.path.basename(path)[len("test_"):-len(".py")], path) for path in sorted(glob.glob(f"{top}/tests/{folder}/test_*.py"))]

    items = [Item(name, "", name, None, lane, False) for name, lane in (("style", "processors"), ("threads", "processors"), ("demo", "last"), ("files", "last"))]
    items += [Item(suite, suite, "sanitized", None, "processors", False) for suite in ("unit", "sim", "fuzz", "api")]
    items += [Item(f"api-{name}", "api", "sanitized", path, "processors", True) for name, path in tests_in("api")]
    with open(f"{top}/tests/data/meson.build", encoding="utf-8") as file:
        in_meson = file.read()
    items.append(Item("data", "data", "data", None, "machines", False))
    items += [Item(name, "data", "python", path, "machines", os.path.basename(path) in in_meson) for name, path in tests_in("data")]
    for folder in ("dbus", "netns", "packages", "ui"):
        items += [Item(name, folder, "python", path, "processors" if name in PROCESSORS else "screens" if folder == "ui" else "machines", False)
                  for name, path in tests_in(folder)]
    return items


def names_of(items):
    """What may be said, each once."""
    return list(dict.fromkeys(name for item in items for name in (item.folder, item.name) if name))


def choose(items, names):
    """Those that run where these names were given, the longest first."""
    wanted = [item for item in items if item.name in names or (not item.alone and (not names or item.folder in names))]
    # What its folder runs already doesn't run again.
    wanted = [item for item in wanted if not item.alone or item.folder not in names]
    return sorted(wanted, key=lambda item: LONGEST.index(item.name) if item.name in LONGEST else len(LONGEST))
