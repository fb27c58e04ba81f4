#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests/lib/words.py takes for a sentence, and what it finds there. The style stage runs it over everything."""

import os
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests/lib"))
import references  # noqa: E402
import words  # noqa: E402


class Finds(unittest.TestCase):
    def setUp(self):
        self.words = words.Words(os.path.join(TOP, "tests/data/words.txt"))

    def found(self, path, text):
        return [(line, said) for line, said, _ in self.words.wrong(path, text)]

    def test_strings_of_programs(self):
        self.words.comment_rules = []
        self.assertEqual(self.found("app/x.c", '\n  f (_ ("The tunnel is "\n       "gone."));\n'), [(2, "is gone")])
        self.assertEqual(self.found("daemon/x.c", '/* It is gone. */ g ("set x { type \'a\' }"); // mended\n#include "gone/anew.h"\n'), [])
        self.assertEqual(self.found("app/launch/x.py", '"""Mended."""\nsay(f"{name} is mended")  # anew\n'), [(2, "mended")])
        self.assertEqual(self.found("app/run", "# anew\nfail \"This machine has no disk.\"\n"), [(2, "This machine")])

    def test_templates_and_data(self):
        ui = '<property name="label" translatable="yes">Make it\nanew</property><property name="name">anew</property>'
        self.assertEqual(self.found("ui/x.ui", ui), [(1, "anew")])
        self.assertEqual(self.found("data/polkit/org.edgeway.policy", "<!-- anew -->\n\n<message>the private network</message>"), [(3, "private network")])

    def test_prose_goes_over_the_ends_of_lines(self):
        self.assertEqual(self.found("README.md", "All is\ngone.\n\n```\nmend\n```\n"), [(1, "is gone")])

    def test_contractions_are_for_sentences_but_not_for_man_pages(self):
        self.assertEqual(self.found("app/x.c", '("It cannot be read.")'), [(1, "cannot")])
        self.assertEqual(self.found("data/man/edgeway.1", "It cannot be read.\n"), [])
        self.assertEqual(self.found("data/man/edgeway.1", "It is gone.\n"), [(1, "is gone")])

    def test_whole_words(self):
        self.assertEqual(self.found("app/x.c", '("There is no node “recommended”, and there is no place for it.")'), [])

    def test_tables_that_a_formatter_ran_together(self):
        self.assertEqual(len(words.flattened("x.h", " *   one   1\n * two   2\n * and text\n")), 1)

    def test_comments_of_c(self):
        text = "/* The file is\n * gone; put\n   back: there is no anew_file. */\nint anew; // but\n// for one\nconst char *s = \"/* mended */\"; /* is no name, is no longer one */\n"
        self.assertEqual(self.found("daemon/x.c", text), [(1, "is gone"), (2, "put back"), (4, "but for"), (6, "is no"), (6, "mended")])
        self.assertEqual(self.found("daemon/x.c", "/* *ours: 5 us of the bus' own */ int us, ours;\n/* told to us */\n"), [(2, "to us")])

    def test_comments_and_docstrings_of_python(self):
        text = '"""Reads\nanew."""\nx = "anew"  # but\n# for one\ndef f():\n    # a mended one\n    """It is\n    gone."""\n    y("""anew""")\n'
        self.assertEqual(self.found("daemon/x.py", text), [(2, "anew"), (3, "but for"), (6, "mended"), (7, "is gone")])
        self.assertEqual(self.found("daemon/x", "#!/usr/bin/python3\n# anew\n"), [(2, "anew")])
        self.assertEqual(self.found("daemon/x.py", '# anew\nx = """\n'), [(1, "anew")])

    def test_comments_of_shell_and_meson(self):
        text = "#!/bin/sh\n# All is\n# gone.\necho \"# anew\" '${x#anew}'  # mended\n  # but\n  # for one\n"
        self.assertEqual(self.found("tests/x", text), [(2, "is gone"), (4, "mended"), (5, "but for")])
        self.assertEqual(self.found("data/x.sh", "# anew\n"), [(1, "anew")])
        self.assertEqual(self.found("meson.build", "x = ['anew', '# anew'] # begun anew\n"), [(1, "anew")])
        self.assertEqual(self.found("data/x.conf", "# anew\n"), [])

    def test_names_of_tests(self):
        self.assertEqual(self.found("tests/x.py", "    def test_that_is_gone(self):\n        self.test_anew()\n"), [(1, "is gone")])
        self.assertEqual(self.found("tests/x.c", 'static void\ntest_anew (void)\n{\n}\nADD ("begun-anew", f);\ng_test_add_func ("/x/is/gone", f);\nf ("anew");\n'),
                         [(2, "anew"), (5, "anew"), (6, "is gone")])

    def test_exceptions_in_comments(self):
        self.words.allowed["daemon/x.c"] = ["anew: again"]
        self.assertEqual(self.found("daemon/x.c", "/* anew: again. Begun anew. */\n"), [(1, "anew")])

    def test_exceptions(self):
        self.words.allowed["app/x.c"] = ["whatever is gone"]
        self.assertEqual(self.found("app/x.c", '("It lists whatever is gone.")'), [])
        self.assertEqual(self.found("app/y.c", '("It lists whatever is gone.")'), [(1, "is gone")])


class References(unittest.TestCase):
    def found(self, **files):
        """What is wrong with a tree of these files below daemon/x; in their names __ is a dot, _ a hyphen."""
        with tempfile.TemporaryDirectory() as top:
            paths = []
            for name, text in files.items():
                path = "daemon/x/" + name.replace("__", ".").replace("_", "-")
                os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
                with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                    file.write(text)
                paths.append(path)
            return [line.split(": ", 1)[0] for line in references.check(top, paths)]

    def test_files(self):
        good = "/* As in b-c.h, x/b-c.h and daemon/x/b-c.h; glibc's nss/x.c, systemd 252's y.c, <z.h>, linux/if_tun.h, test-NAME.c, 1.c5 */"
        self.assertEqual(self.found(a__c=good, b_c__h=""), [])
        self.assertEqual(self.found(a__c='/* one\n * gone.h */\nconst char *s = "gone.h"; // y/a.c\n'), ["daemon/x/a.c:2", "daemon/x/a.c:3"])
        self.assertEqual(self.found(a__py='"""See gone.py."""\nx = "gone.py"  # and gone.md\n'), ["daemon/x/a.py:1", "daemon/x/a.py:2"])

    def test_pages_outside(self):
        self.assertEqual(self.found(a__c="/* as the contract says */\n"), ["daemon/x/a.c:1"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
