# SPDX-License-Identifier: GPL-3.0-or-later
"""Every visible string can be translated, and is, in every language of po/LINGUAS."""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PO = os.path.join(TOP, "po")
# As meson's preset "glib" has them.
KEYWORDS = ["_", "N_", "C_:1c,2", "NC_:1c,2", "g_dcgettext:2", "g_dngettext:2,3", "g_dpgettext2:2c,3"]
FLAGS = ["N_:1:pass-c-format", "C_:2:pass-c-format", "NC_:2:pass-c-format", "g_dngettext:2:pass-c-format", "g_strdup_printf:1:c-format",
         "g_string_printf:2:c-format", "g_string_append_printf:2:c-format", "g_error_new:3:c-format", "g_set_error:4:c-format",
         "g_markup_printf_escaped:1:c-format", "g_print:1:c-format", "g_printerr:1:c-format"]
# The daemons' sentences: po/meson.build adds these.
CONSTRUCTORS = {"ew_phrase": 1, "ew_set_error": 4, "ew_error_new": 3, "ew_task_return_new_error": 4, "ew_checks_add": 5, "ew_error_refuse": 3, "refuse_certificate": 2}
ROOMS = ["account/*", "common/checks", "common/domain", "common/enrollment-key", "common/file", "common/log", "common/phrase", "common/pki", "common/service-text", "common/text", "edge/api/*", "edge/mesh/*", "edge/publish/*",
         "engine/crew", "engine/engine", "engine/events", "engine/tun", "engine/uapi", "engine/udp-socket", "names/*", "net/*", "nss/*", "proxy/*",
         "service/authority", "service/call*", "service/handle*", "service/prompt", "stream/*", "tunnel/*"]  # of daemon/; the others speak to the log and the command line
# Their sentences are constants.
TOLD = {"ew_tunnel_set_state": 4, "ew_call_fail_literal": 3, "ew_checks_add": 4, "ew_host_problem_new": 3, "g_set_error_literal": 4, "g_error_new_literal": 3,
        "g_set_error": 4, "g_error_new": 3, "g_task_return_new_error": 4}
KEYWORDS += [f"{name}:{argument}" for name, argument in CONSTRUCTORS.items()]
FLAGS += [f"{name}:{argument}:c-format" for name, argument in CONSTRUCTORS.items()]
MARKED_C = re.compile(r'\b(?:_|N_|C_|NC_|ngettext|g_dngettext|g_dcgettext|g_dpgettext2) \(\s*"')
# Properties and attributes whose text is shown or spoken.
SHOWN = {"title", "subtitle", "label", "tooltip-text", "placeholder-text", "description", "heading", "body", "primary-icon-tooltip-text",
         "secondary-icon-tooltip-text", "menu-button-tooltip-text", "help-text", "value-text", "role-description"}


def run(*argv, **more):
    return subprocess.run(argv, cwd=TOP, env=dict(os.environ, LC_ALL="C.UTF-8", GETTEXTDATADIRS=PO), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120, **more)


def lines(name):
    with open(os.path.join(PO, name), encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def entries(path):
    """(msgid, [msgstr…]) of a file, the obsolete ones left out."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"^#~.*\n", "", file.read(), flags=re.M)
    joined = re.sub(r'"\n"', "", text)
    for block in re.split(r"\n{2,}", joined):
        msgid = re.search(r'^msgid "(.*)"$', block, re.M)
        if msgid and msgid.group(1):
            yield msgid.group(1), re.findall(r'^msgstr(?:\[\d\])? "(.*)"$', block, re.M)


def text_of(element):
    return "".join(element.itertext()).strip()


def unmarked(path):
    """The texts of a template that are shown and are not marked. translatable="no" says that it is meant."""
    for element in ElementTree.parse(path).iter():
        shown = element.tag in ("property", "attribute") and element.get("name", "").replace("_", "-") in SHOWN
        shown = shown or element.tag == "item" and len(element) == 0 and element.get("id") is None
        if shown and len(element) == 0 and not element.get("bind-source") and re.search(r"[^\W\d_]{2}", text_of(element)) and element.get("translatable") is None:
            yield text_of(element)


def split_arguments(text, at):
    """Those of a call, from behind its opening bracket on."""
    arguments, depth, start = [], 0, at
    while True:
        token = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)\'|[^"\']').match(text, at)
        at = token.end()
        if token.group() in "([{":
            depth += 1
        elif token.group() in ")]}" and depth:
            depth -= 1
        elif token.group() in ",)" and not depth:
            arguments.append(text[start:at - 1].strip())
            start = at
            if token.group() == ")":
                return arguments


def is_marked(argument, may_be_literal):
    if may_be_literal and re.fullmatch(r'("(?:[^"\\]|\\.)*"\s*)+', argument):
        return True
    left = re.sub(r'N_ \(\s*("(?:[^"\\]|\\.)*"\s*)+\)', "", argument)
    return re.search(r'"[^"]*[a-z] [^"]*"', left) is None


@unittest.skipUnless(all(map(shutil.which, ("xgettext", "msgmerge", "msgfmt"))), "gettext isn't here")
class Translations(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="ew-translations-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.template = os.path.join(cls.folder, "edgeway.pot")
        cls.told = cls.extract(cls.template, "-f", os.path.join(PO, "POTFILES.in"))

    @classmethod
    def extract(cls, to, *files):
        return run("xgettext", "--from-code=UTF-8", "--add-comments", *files, "-o", to, *("--keyword=" + word for word in KEYWORDS), *("--flag=" + flag for flag in FLAGS))

    def said(self):
        """The files of the services with sentences that clients translate."""
        template = os.path.join(self.folder, "services.pot")
        told = self.extract(template, *sorted("daemon/" + os.path.relpath(path, TOP + "/daemon") for room in ROOMS for path in glob.glob(TOP + "/daemon/" + room + ".c")))
        self.assertEqual((told.returncode, told.stdout), (0, ""))
        with open(template, encoding="utf-8") as file:
            return {place.rpartition(":")[0] for line in file if line.startswith("#: ") for place in line[3:].split()}

    def test_sentences_are_marked(self):
        """A sentence of the services that a client is told stands where xgettext finds it, whole: as the format of a constructor, or in N_ ()."""
        wrong = []
        for path in sorted(path for room in ROOMS for path in glob.glob(TOP + "/daemon/" + room + ".c")):
            with open(path, encoding="utf-8") as file:
                text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
            for name, position, literal in [(*item, True) for item in CONSTRUCTORS.items()] + [(*item, False) for item in TOLD.items()]:
                for call in re.finditer(rf"\b{name} \((?!gc|Gc|EwCall \*|EwTunnel \*|GError \*\*|JsonArray \*)", text):
                    arguments = split_arguments(text, call.end())
                    if len(arguments) >= position and "EW_ERROR_INTERNAL" not in arguments and not is_marked(arguments[position - 1], literal):
                        wrong.append(f"{os.path.relpath(path, TOP)}: {name}: {arguments[position - 1]}")
        self.assertEqual(wrong, [])

    def test_templates_can_be_filled(self):
        """Clients know these conversions and no others."""
        template = os.path.join(self.folder, "services-formats.pot")
        self.extract(template, *self.said())
        wrong = []
        with open(template, encoding="utf-8") as file:
            blocks = re.split(r"\n{2,}", file.read())
        for block in blocks:
            if "c-format" in block:
                msgid = "".join(re.findall(r'^(?:msgid )?"(.*)"$', block.split("msgstr")[0], re.M))
                wrong += [msgid for found in re.findall(r"%(?!\.1f|[sud%]).{0,4}", msgid)]
        self.assertEqual(wrong, [])

    def test_files(self):
        """A file with marked strings that POTFILES.in does not name is never translated."""
        wanted = []
        for path in glob.glob(TOP + "/app/**/*.[ch]", recursive=True):
            with open(path, encoding="utf-8") as file:
                if MARKED_C.search(file.read()):
                    wanted.append(path)
        wanted += [os.path.join(TOP, path) for path in self.said()]
        for path in glob.glob(TOP + "/ui/**/*.ui", recursive=True):
            with open(path, encoding="utf-8") as file:
                if 'translatable="yes"' in file.read():
                    wanted.append(path)
        wanted += glob.glob(TOP + "/data/desktop/*.desktop") + glob.glob(TOP + "/data/metainfo/*.xml") + glob.glob(TOP + "/data/polkit/*.policy")
        self.assertEqual(lines("POTFILES.in"), sorted({os.path.relpath(path, TOP) for path in wanted}))

    def test_template(self):
        self.assertEqual((self.told.returncode, self.told.stdout), (0, ""))
        self.assertGreater(len(list(entries(self.template))), 400)

    def test_templates_are_marked(self):
        found = [f"{os.path.relpath(path, TOP)}: “{text}” lacks translatable" for path in sorted(glob.glob(TOP + "/ui/**/*.ui", recursive=True)) for text in unmarked(path)]
        self.assertEqual(found, [])

    def test_complete(self):
        for language in lines("LINGUAS"):
            with self.subTest(language):
                merged = os.path.join(self.folder, language + ".po")
                told = run("msgmerge", "--quiet", "-o", merged, os.path.join(PO, language + ".po"), self.template)
                self.assertEqual((told.returncode, told.stdout), (0, ""))
                told = run("msgfmt", "--check", "--check-accelerators=_", "--statistics", "-o", os.devnull, merged)
                self.assertEqual(told.returncode, 0, told.stdout)
                left = run("msgattrib", "--untranslated", "--no-obsolete", "--no-wrap", merged).stdout + run("msgattrib", "--only-fuzzy", "--no-obsolete", "--no-wrap", merged).stdout
                self.assertNotRegex(told.stdout, "fuzzy|untranslated", "run edgeway-update-po, then translate:\n" + left)
                with open(merged, encoding="utf-8") as file:
                    self.assertEqual(re.findall(r"^#~ msgid .*", file.read(), re.M), [], "run edgeway-update-po: nobody says these any more")

    def test_german(self):
        """Quotes, ellipses and addressing as GNOME's German team writes them."""
        wrong = []
        for msgid, translations in entries(os.path.join(PO, "de.po")):
            for text in translations:
                quotes = re.sub(r"[^„“]", "", text)
                if '\\"' in text or "”" in text or quotes != "„“" * (len(quotes) // 2):
                    wrong.append(f"quotes: {text}")
                if "..." in text or re.search(r"[^\s\u00a0]…", text):
                    wrong.append(f"ellipsis: {text}")
                if re.search(r"\b([Dd]u|[Dd]ein\w*|[Dd]ich|[Dd]ir)\b", text):
                    wrong.append(f"Sie, not du: {text}")
                if text.endswith(".") != msgid.endswith(".") and msgid[-1:] in ".:?…" and not text.endswith(msgid[-1]):
                    wrong.append(f"end: {msgid} → {text}")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
