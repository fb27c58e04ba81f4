#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lib/rooms.py finds: each case plants one fault in a small tree that has none. The style stage runs it over everything."""

import os
import shutil
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests/lib"))
import rooms  # noqa: E402

TABLE = "daemon/low\n  words low\ndaemon/high\n  words high tower\n  includes daemon/low\napp/desk\n  words desk\n"
TREE = {
    "daemon/low/low.h": "void ew_low_go (void);\n",
    "daemon/low/low.c": '#include "low/low.h"\n#include "edgeway-config.h"\nstatic void helper (void)\n{\n}\nvoid\new_low_go (void)\n{\n  helper ();\n}\n',
    "daemon/high/high.c": '#include <stdio.h>\n#include "low/low.h"\nint ew_tower;\nvoid\new_high (void)\n{\n}\n',
    "app/desk/main.c": "int\nmain (void)\n{\n  return 0;\n}\nint\new_desk_size (void)\n{\n  return 1;\n}\n",
}


@unittest.skipUnless(shutil.which("ctags"), "no ctags")
class Finds(unittest.TestCase):
    def found(self, table=TABLE, **changed):
        """What is said of the tree with these files (daemon_low_x_c=TEXT) more, or other."""
        with tempfile.TemporaryDirectory() as top:
            files = dict(TREE, **{"tests/data/rooms.txt": table})
            for name, text in changed.items():
                folder, room, base, end = name.split("_")
                path = f"{folder}/{room}/{base}.{end}"
                files[path] = files.get(path, "") + text
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
                with open(os.path.join(top, path), "w") as file:
                    file.write(text)
            return rooms.check(top)

    def test_a_tree_in_order(self):
        self.assertEqual(self.found(), [])

    def test_an_include_that_is_not_allowed(self):
        self.assertEqual(self.found(app_desk_x_c='#include "low/low.h"\n'), ["app/desk/x.c (low/low.h): app/desk may not include daemon/low"])
        self.assertEqual(self.found(daemon_low_x_c='#  include "../high/y.h"\n', daemon_high_y_h="/* */\n"),
                         ["daemon/low/x.c (../high/y.h): daemon/low may not include daemon/high"])

        self.assertEqual(self.found(app_desk_x_c="#include <low/low.h>\n"), ["app/desk/x.c (low/low.h): app/desk may not include daemon/low"])
        self.assertEqual(self.found(app_desk_x_c='/* a */ #include"low/low.c"\n'), ["app/desk/x.c (low/low.c): app/desk may not include daemon/low"])

    def test_a_declaration_in_place_of_an_include(self):
        self.assertEqual(self.found(app_desk_x_c="void ew_low_go (void);\n"), ["app/desk/x.c: ew_low_go begins with none of its room's words (desk)"])
        self.assertEqual(self.found(app_desk_x_c="extern int ew_tower;\n"), ["app/desk/x.c: ew_tower begins with none of its room's words (desk)"])

    def test_a_test_is_nothing_to_build_on(self):
        self.assertEqual(self.found(daemon_low_x_c='#include "lib/fake.h"\n', tests_lib_fake_h="/* */\n"), ["daemon/low/x.c (lib/fake.h): daemon/low may not include tests/lib"])

    def test_an_entry_that_nobody_uses(self):
        self.assertEqual(self.found(TABLE + "  includes daemon/low\n"), ["app/desk may include daemon/low, but doesn't: take it out of tests/data/rooms.txt"])
        self.assertEqual(self.found(TABLE + "  words lamp\n"), ["nothing of app/desk begins with lamp: take it out of tests/data/rooms.txt"])
        self.assertEqual(self.found(TABLE + "app/bath\n"), ["app/bath stands in tests/data/rooms.txt and isn't there"])

    def test_a_room_that_nobody_knows(self):
        self.assertEqual(self.found(app_bath_x_c="/* */\n"), ["app/bath is no room in tests/data/rooms.txt: say what it may include"])

    def test_a_circle(self):
        faults = self.found(TABLE.replace("words low\n", "words low\n  includes daemon/high\n"), daemon_low_x_c='#include "high/y.h"\n', daemon_high_y_h="/* */\n")
        self.assertEqual(faults, ["a circle: daemon/low → daemon/high → daemon/low"])

    def test_a_symbol_of_another_room(self):
        self.assertEqual(self.found(daemon_low_x_c="void\new_high_or_low (void)\n{\n}\n"), ["daemon/low/x.c: ew_high_or_low begins with none of its room's words (low)"])
        self.assertEqual(self.found(daemon_low_x_c="void\new_lower (void)\n{\n}\nint lowest;\n"),
                         [f"daemon/low/x.c: {name} begins with none of its room's words (low)" for name in ("ew_lower", "lowest")])
        self.assertEqual(self.found(daemon_low_x_h="static inline int\new_ground (void)\n{\n  return 0;\n}\n"),
                         ["daemon/low/x.h: ew_ground begins with none of its room's words (low)"])

    def test_a_table_that_says_nothing(self):
        self.assertEqual([fault.split(": ")[1] for fault in self.found(TABLE + "  takes daemon/low\n")], ["neither a room nor its words or includes"])
        self.assertEqual([fault.split(": ")[1] for fault in self.found(TABLE + "daemon/low\n")], ["daemon/low stands there twice"])


if __name__ == "__main__":
    unittest.main()
