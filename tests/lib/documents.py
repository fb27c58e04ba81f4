#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds false statements in documents: broken links and anchors, missing files, commands and options that no program has,
codes that the troubleshooting page leaves out, man pages that disagree with --help.

Usage: documents.py TOP [FOLDER OF THE BUILT PROGRAMS]. Without the second, commands and man pages' options aren't looked at."""
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import words  # noqa: E402

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```", re.S | re.M)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"(?<=\])\(([^()\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^(#{1,6}) +(.+?) *#*$", re.M)
# A file of the repository, named in prose; "…" and capitals are placeholders.
PATH = re.compile(r"^(?:app|daemon|data|flatpak|po|tests|ui|\.github|\.ci)/[\w./*{},+-]*$")
TEST = re.compile(r"^test[_-][\w-]+\.(?:py|c)$")
CONTRACTION = re.compile(r"\b(?:\w+n't|it's|that's|there's|who's|(?:they|we|you)'(?:re|ve|ll))\b", re.I)
PROGRAMS = ("edgewayctl", "edgeway-edge", "edgewayd", "edgeway", "edgeway-tray")
SCRIPTS = ("app/run", "tests/run", "tests/clean/run", "data/debian/build")
GENERAL = {"--help-all", "--help-gapplication"}  # GLib's own
TROUBLE = "data/doc/troubleshooting.md"
CHANGES = "data/doc/CHANGELOG.md"


def documents(top):
    return [path for path in words.tracked(top) if path.endswith(".md")]


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as file:
        return file.read()


def without_code(text):
    return FENCE.sub(lambda match: "\n" * match.group().count("\n"), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def anchors(text):
    """As GitHub makes them of headings."""
    found = []
    for _, title in HEADING.findall(without_code(text)):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        anchor = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        found.append(anchor if anchor not in found else f"{anchor}-{found.count(anchor)}")
    return found


def check_links(top, path, text):
    bad, folder = [], os.path.dirname(path)
    prose = without_code(text)
    for match in LINK.finditer(prose):
        target = match.group(1) or match.group(2)
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(folder, name)) if name else path
        where = f"{path}:{line_of(prose, match.start())}"
        if not os.path.exists(os.path.join(top, file)):
            bad.append(f"{where}: the link {target} leads nowhere")
        elif anchor and not (file.endswith(".md") and anchor in anchors(read(top, file))):
            bad.append(f"{where}: {file} has no heading for the link {target}")
    return bad


def expanded(pattern):
    """tests/{a,b}/x as a shell would."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    return [name for part in match.group(1).split(",") for name in expanded(pattern[:match.start()] + part + pattern[match.end():])] if match else [pattern]


def check_paths(top, path, text):
    """Files and tests that prose names in backquotes."""
    bad, prose = [], without_code(text)
    tests = {os.path.basename(name) for name in glob.glob(f"{top}/tests/**/*", recursive=True)}
    for match in INLINE.finditer(prose):
        for word in match.group(1).split()[:1]:
            where = f"{path}:{line_of(prose, match.start())}"
            if TEST.match(word) and word not in tests:
                bad.append(f"{where}: there is no test {word}")
            elif PATH.match(word):
                bad += [f"{where}: there is no {name}" for name in expanded(word) if not glob.glob(os.path.join(top, name))]
    return bad


class Programs:
    """What the built programs' --help says."""

    def __init__(self, top, build):
        self.top, self.helps, self.verbs = top, {}, {}
        self.files = {name: next((path for path in sorted(glob.glob(f"{build}/*/*/{name}")) if os.path.isfile(path)), None) for name in PROGRAMS}
        for name in ("edgewayctl", "edgeway-edge"):
            self.verbs[name] = {tuple(re.findall(r"^[a-z-]+(?: [a-z-]+)?(?= |$)", line.strip())[0].split())
                                for line in self.help(name, ()).splitlines() if re.match(r"  [a-z]", line)}
        # "connect" above is a verb; "node" a word before one.
        self.groups = {name: {verb[0] for verb in verbs if len(verb) == 2} for name, verbs in self.verbs.items()}

    def help(self, program, verb):
        if (program, verb) not in self.helps:
            if program in SCRIPTS:
                text = read(self.top, program) if os.path.exists(os.path.join(self.top, program)) else ""
            elif self.files.get(program):
                text = subprocess.run([self.files[program], *verb, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20,
                                      env=dict(os.environ, LC_ALL="C.UTF-8")).stdout
            else:
                return None  # not built here: the app without GTK
            self.helps[program, verb] = text
        return self.helps[program, verb]

    def has(self, program, verb, option):
        text = self.help(program, verb)
        return text is None or option in ("--help", "--version") or re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None

    def wrong(self, words_of):
        """What is wrong with a command, or None."""
        program, rest = os.path.basename(words_of[0]) if words_of[0].startswith("/usr/") else words_of[0], words_of[1:]
        verb = ()
        if program == "edgewayctl" and rest[:1] == ["--bus"]:
            rest = rest[2:]
        if program in self.verbs and rest and not rest[0].startswith("-") and re.match(r"[a-z]", rest[0]):
            size = 2 if rest[0] in self.groups[program] else 1
            verb = tuple(rest[:size])
            if verb not in self.verbs[program] and verb[:1] in self.verbs[program]:
                verb = verb[:1]  # "publish ha", beside "publish list"
            if verb not in self.verbs[program] and len(verb) == size and re.match(r"^[a-z-]+$", verb[-1]):
                return f"{program} has no command {' '.join(verb)}"
            if verb not in self.verbs[program]:
                verb = ()
        for option in rest:
            if re.match(r"--?[a-z]", option) and not self.has(program, verb, option.split("=")[0].rstrip("|,.;]")):
                return f"{' '.join((program, *verb))} has no option {option}"
        return None


def commands(line):
    """Edgeway's commands in a line of shell: lists of words."""
    for part in re.split(r"&&|\|\||[;|<>()\n]", re.sub(r"(^|\s)#.*", "", line)):
        try:
            found = shlex.split(part.replace("[", " ").replace("]", " "))
        except ValueError:
            found = part.replace("'", " ").replace('"', " ").split()
        for i, word in enumerate(found):
            if word in PROGRAMS + SCRIPTS or (word.startswith("/usr/") and os.path.basename(word) in PROGRAMS):
                if all(before in ("sudo", "exec", "ssh", "env", "--") or "=" in before or i == 0 or found[i - 1] in ("sudo", "exec", "--") for before in found[:i]):
                    yield found[i:]
                break


def check_commands(path, text, programs):
    bad = []
    blocks = [(line_of(text, match.start(3)) + i, line) for match in FENCE.finditer(text) if match.group(2) in ("sh", "bash", "console")
              for i, line in enumerate(match.group(3).splitlines())]
    prose = without_code(text)
    for line, code in blocks + [(line_of(prose, match.start()), match.group(1)) for match in INLINE.finditer(prose)]:
        for words_of in commands(code):
            wrong = programs.wrong(words_of)
            if wrong:
                bad.append(f"{path}:{line}: {wrong}")
    return bad


def codes_in_source(top):
    """(names of diagnose's checks, reasons of the status) that the sources contain."""
    checks, reasons = set(), set()
    for path in glob.glob(f"{top}/daemon/**/*.c", recursive=True):
        text = read(top, os.path.relpath(path, top))
        checks |= set(re.findall(r'ew_checks_add\s*\(\s*[^,"]+,\s*"([a-z0-9-]+)"', text))
        reasons |= set(re.findall(r'ew_tunnel_(?:set_state|https_set_obstacle)\s*\([^;"]*?,\s*"([a-z-]+)"', text))
        for body in re.findall(r"^reason_of \(.*?^}", text, re.S | re.M):
            reasons |= set(re.findall(r'"([a-z-]+)"', body))
        for body in re.findall(r"problem_codes\[\] = \{.*?\};|static const gchar \*const checks\[\] = \{.*?\};", text, re.S):
            (reasons if body.startswith("problem_codes") else checks).update(re.findall(r'"([a-z-]+)"', body))
    xml = read(top, "data/dbus/org.edgeway.Daemon1.xml")
    names = re.search(r"Names: \"ok\".*?-->", xml, re.S)
    return checks, reasons, set(re.findall(r'"([a-z-]+)"', names.group())) - {"ok"} if names else set()


def check_codes(top):
    """Every code has a row in the page's tables, and every row a code."""
    if not os.path.exists(os.path.join(top, TROUBLE)):
        return [f"{TROUBLE} isn't there"]
    bad, text = [], read(top, TROUBLE)
    parts = dict(zip(("checks", "reasons", "names"), (re.split(r"^## ", text, flags=re.M) + [""] * 4)[1:]))
    by_title = {part.splitlines()[0].lower(): part for part in re.split(r"^## ", text, flags=re.M)[1:]}
    for word, codes in zip(("check", "reason", "name"), codes_in_source(top)):
        part = next((part for title, part in by_title.items() if word in title), parts.get(word, ""))
        rows = {code for row in re.findall(r"^\| (`[^|]*`) \|", part, re.M) for code in re.findall(r"`([a-z0-9-]+)`", row)}
        bad += [f"{TROUBLE}: no row says what to do about the {word} {code}" for code in sorted(codes - rows)]
        bad += [f"{TROUBLE}: there is no {word} {code}" for code in sorted(rows - codes)]
    return bad


def check_version(top):
    version = re.search(r"^  version: '([^']+)'", read(top, "meson.build"), re.M)
    newest = re.search(r"^## (\d[\w.]*)", read(top, CHANGES), re.M) if os.path.exists(os.path.join(top, CHANGES)) else None
    if version and newest and version.group(1) != newest.group(1):
        return [f"{CHANGES} begins with {newest.group(1)}, and meson.build says {version.group(1)}"]
    return [] if version and newest else [f"{CHANGES} has no section \"## VERSION\", or meson.build no version"]


def plain(man):
    """A man page's text without its fonts."""
    return re.sub(r"\\f[BIRP]", "", man).replace("\\-", "-").replace("\\&", "")


def check_man_pages(top, programs):
    bad = []
    for path in sorted(glob.glob(f"{top}/data/man/*.[1-8]")):
        name, text = os.path.relpath(path, top), read(top, os.path.relpath(path, top))
        bad += [f"{name}:{number}: man pages have no contractions: {match.group()}" for number, line in enumerate(text.splitlines(), 1)
                for match in CONTRACTION.finditer(line)]
        bad += [f"{name}:{number}: in the C locale man shows no {character}" for number, line in enumerate(text.splitlines(), 1)
                for character in line if not character.isascii()]
        if shutil.which("mandoc"):
            lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True, text=True)
            bad += (lint.stdout + lint.stderr).replace(top + "/", "").splitlines()
        if programs:
            bad += check_man_options(name, plain(text), programs)
    return bad


def check_man_options(name, text, programs):
    """The options in the page are those of --help, and vice versa."""
    program = os.path.basename(name).rsplit(".", 1)[0]
    helps = [programs.help(program, verb) for verb in ((), *programs.verbs.get(program, ()))]
    if helps[0] is None:
        return []
    option = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
    known, said = set(option.findall("\n".join(filter(None, helps)))), set(option.findall(text))
    common = {"--bus", "--version", "--help"}
    return ([f"{name}: {program} --help doesn't have {one}" for one in sorted(said - known - common)] +
            [f"{name}: {one} of {program} --help is missing" for one in sorted(known - said - GENERAL)])


def check_installed(top):
    """The manual's pages are all installed, and what is installed links to nothing that isn't."""
    installed = set(re.findall(r"'([\w-]+\.md)'", read(top, "data/doc/meson.build")))
    bad = [f"data/doc/meson.build: {os.path.basename(path)} isn't installed" for path in documents(top)
           if os.path.dirname(path) == "data/doc" and os.path.basename(path) not in installed | {"ARCHITECTURE.md", "costs.md", "proxies.md"}]
    for name in sorted(installed):
        if not os.path.exists(os.path.join(top, "data/doc", name)):
            bad.append(f"data/doc/meson.build: there is no {name}")
            continue
        text = without_code(read(top, f"data/doc/{name}"))
        targets = {(match.group(1) or match.group(2)).partition("#")[0] for match in LINK.finditer(text)}
        bad += [f"data/doc/{name}: {target} isn't installed beside it" for target in sorted(targets) if target and not re.match("[a-z]+:", target) and target not in installed]
    return bad


def check_rooms(top):
    """Each room has a page, and the architecture leads to it."""
    tied, bad = read(top, "data/doc/ARCHITECTURE.md"), []
    for room in re.findall(r"^([a-z][\w/-]+)$", read(top, "tests/data/rooms.txt"), re.M):
        if not os.path.exists(os.path.join(top, room, "README.md")):
            bad.append(f"{room} has no README.md that says what it is for")
        if f"(../../{room}/README.md)" not in tied:
            bad.append(f"data/doc/ARCHITECTURE.md: there is no link to {room}/README.md")
    return bad


def check(top, build=None):
    """Everything that is wrong, a line each."""
    programs, bad = Programs(top, build) if build else None, []
    for path in documents(top):
        text = read(top, path)
        bad += check_links(top, path, text) + check_paths(top, path, text)
        if programs:
            bad += check_commands(path, text, programs)
    return bad + check_codes(top) + check_version(top) + check_installed(top) + check_rooms(top) + check_man_pages(top, programs)


if __name__ == "__main__":
    wrong = check(os.path.abspath(sys.argv[1]), *sys.argv[2:3])
    print("\n".join(wrong))
    sys.exit(bool(wrong))
