#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents are correct: tests/lib/documents.py over this tree, and what it finds where a fault is planted. EDGEWAY_BUILD: the built programs."""

import os
import shutil
import sys
import tempfile
import unittest
from unittest import mock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests/lib"))
import documents  # noqa: E402

BUILD = os.environ.get("EDGEWAY_BUILD")


class ThisTree(unittest.TestCase):
    def test_all(self):
        self.assertEqual(documents.check(TOP, BUILD), [])

    def test_finds_something(self):
        """A search that finds nothing proves nothing."""
        self.assertGreater(len(documents.documents(TOP)), 40)
        for codes in documents.codes_in_source(TOP):
            self.assertGreater(len(codes), 10)


class Finds(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.top)
        self.write("data/doc/other.md", "# Other\n\n## One & two, `three`\n\n## One & two, `three`\n")
        self.write("tests/netns/test_x.py", "")

    def write(self, path, text):
        os.makedirs(os.path.dirname(os.path.join(self.top, path)), exist_ok=True)
        with open(os.path.join(self.top, path), "w") as file:
            file.write(text)

    def test_links(self):
        def found(text):
            return [fault.split(": ", 1)[1] for fault in documents.check_links(self.top, "data/doc/x.md", text)]
        self.write("data/doc/x.md", "# Here\n")
        self.assertEqual(found("[a](other.md#one--two-three) [b](#here) [c](other.md#one--two-three-1) [d](https://x/y) `[e](no.md)`\n```\n[f](no.md)\n```\n"), ["the link no.md leads nowhere"])
        self.assertEqual(found("[a](no.md)"), ["the link no.md leads nowhere"])
        self.assertEqual(found("[![a](no.png)](other.md)\n<img src=\"no.png\">"), ["the link no.png leads nowhere"] * 2)
        self.assertEqual(found("[a](other.md#three)"), ["data/doc/other.md has no heading for the link other.md#three"])

    def test_paths(self):
        def found(text):
            return [fault.split(": ", 1)[1] for fault in documents.check_paths(self.top, "x.md", text)]
        self.assertEqual(found("`tests/netns/test_x.py` `test_x.py` `tests/{netns,netns}/test_x.py` `tests/netns/*.py` `tests/netns/test_x.py -v`"), [])
        self.assertEqual(found("`tests/netns/test_y.py`"), ["there is no tests/netns/test_y.py"])
        self.assertEqual(found("`test_y.py`"), ["there is no test test_y.py"])
        self.assertEqual(found("`tests/{netns,no}/test_x.py`"), ["there is no tests/no/test_x.py"])

    def test_versions(self):
        self.write("meson.build", "project('x', 'c',\n  version: '1.2',\n)\n")
        self.write("data/doc/CHANGELOG.md", "## 1.2\n\n## 1.1\n")
        self.assertEqual(documents.check_version(self.top), [])
        self.write("data/doc/CHANGELOG.md", "## 1.1\n")
        self.assertEqual(documents.check_version(self.top), ["data/doc/CHANGELOG.md begins with 1.1, and meson.build says 1.2"])

    def test_codes(self):
        self.write("data/dbus/org.edgeway.Daemon1.xml", '<!-- Names: "ok": found; else "hung" -->\n')
        self.write("daemon/x.c", 'ew_checks_add (checks, "tun", 1);\new_tunnel_set_state (self, STATE, "silent", N_ ("Silence"));\n')
        page = "## Checks\n\n| `tun` | a |\n\n## Reasons of the status\n\n| `silent` | a |\n\n## Reasons why names don't work\n\n| `hung` | a |\n"
        self.write(documents.TROUBLE, page)
        self.assertEqual(documents.check_codes(self.top), [])
        for code in ("tun", "silent", "hung"):
            self.write(documents.TROUBLE, page.replace(f"| `{code}` |", "| `new` |"))
            self.assertEqual([fault.rsplit(" ", 1)[1] for fault in documents.check_codes(self.top)], [code, "new"])

    def test_installed(self):
        self.write("data/doc/meson.build", "install_data('other.md', 'x.md')\n")
        self.write("data/doc/x.md", "[a](other.md) [b](costs.md)\n")
        self.write("data/doc/new.md", "# New\n")
        with mock.patch.object(documents, "documents", lambda top: ["data/doc/other.md", "data/doc/x.md", "data/doc/new.md"]):
            self.assertEqual(documents.check_installed(self.top), ["data/doc/meson.build: new.md isn't installed", "data/doc/x.md: costs.md isn't installed beside it"])

    def test_rooms(self):
        self.write("tests/data/rooms.txt", "daemon/one\n  words one\n\ndaemon/two\n  words two\n")
        self.write("daemon/one/README.md", "# One\n")
        self.write("data/doc/ARCHITECTURE.md", "[one](../../daemon/one/README.md)\n")
        self.assertEqual(documents.check_rooms(self.top), ["daemon/two has no README.md that says what it is for",
                                                           "data/doc/ARCHITECTURE.md: there is no link to daemon/two/README.md"])

    @unittest.skipUnless(shutil.which("mandoc"), "no mandoc")
    def test_man_pages(self):
        page = '.TH X 1 "2026-11-30" "X" "X"\n.SH NAME\nx \\- a page\n.SH DESCRIPTION\nIt is\\fB so\\fR.\n'
        self.write("data/man/x.1", page)
        self.assertEqual(documents.check_man_pages(self.top, None), [])
        self.write("data/man/x.1", page + "It isn't.\n")
        self.assertEqual(documents.check_man_pages(self.top, None), ["data/man/x.1:6: man pages have no contractions: isn't"])
        self.write("data/man/x.1", page + "PORT…\n")
        self.assertEqual(documents.check_man_pages(self.top, None)[0], "data/man/x.1:6: in the C locale man shows no …")
        self.write("data/man/x.1", page + ".XY unknown\n")
        self.assertEqual(len(documents.check_man_pages(self.top, None)), 1)


class Fake(documents.Programs):
    """Programs whose --help is known here."""

    def __init__(self):
        self.top, self.files = ".", {}
        self.helps = {("edgewayctl", ()): "", ("edgewayctl", ("node", "add")): "--valid=TIME", ("edgewayctl", ("status",)): "--json", ("edgeway-edge", ("run",)): "",
                      ("edgewayd", ()): "--revert --state-dir=DIR", ("app/run", ()): "--edge --public"}
        self.verbs = {"edgewayctl": {("node", "add"), ("status",)}, "edgeway-edge": {("run",)}}
        self.groups = {"edgewayctl": {"node"}, "edgeway-edge": set()}


class Commands(unittest.TestCase):
    def found(self, text):
        return [fault.split(": ", 1)[1] for fault in documents.check_commands("x.md", text, Fake())]

    def test_right(self):
        self.assertEqual(self.found("`sudo edgewayctl node add NAME --valid 1d` `edgewayctl status --json | head --lines 3` `edgewayctl …` `edgewayctl(1)`\n"
                                    "```sh\n(umask 077; sudo edgewayctl node add web > key) && ssh web sudo edgewayctl status\nsudo edgewayd --revert   # --nothing\n```\n"
                                    "```\nedgewayctl drawing --of something\n```\n"), [])

    def test_wrong(self):
        self.assertEqual(self.found("`edgewayctl fly`"), ["edgewayctl has no command fly"])
        self.assertEqual(self.found("`sudo edgewayctl node fly`"), ["edgewayctl has no command node fly"])
        self.assertEqual(self.found("```sh\nls && sudo edgewayctl node add x --json\n```"), ["edgewayctl node add has no option --json"])
        self.assertEqual(self.found("```sh\nssh web sudo edgewayctl status --watch\n```"), ["edgewayctl status has no option --watch"])
        self.assertEqual(self.found("`edgewayd --undo`"), ["edgewayd has no option --undo"])
        self.assertEqual(self.found("`app/run --edge --private x`"), ["app/run has no option --private"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
