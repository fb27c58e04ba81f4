# SPDX-License-Identifier: GPL-3.0-or-later
"""Pango breaks a long word with a hyphen of its own. A command that someone types as it is shown must not get one."""
import glob
import os
import unittest
import xml.etree.ElementTree

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def commands():
    """(file, label) of each label in the font of commands."""
    for path in sorted(glob.glob(f"{SOURCE}/ui/**/*.ui", recursive=True)):
        for label in xml.etree.ElementTree.parse(path).iterfind(".//object[@class='GtkLabel']"):
            if label.find("style/class[@name='monospace']") is not None:
                yield os.path.relpath(path, SOURCE), label


class Labels(unittest.TestCase):
    def test_commands_are_broken_without_hyphens(self):
        found = list(commands())
        self.assertGreater(len(found), 2)
        without = [path for path, label in found if label.find("attributes/attribute[@name='insert-hyphens'][@value='false']") is not None]
        self.assertEqual([path for path, _ in found], without)


if __name__ == "__main__":
    unittest.main()
