#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds misspelled words in everything, and words that a sentence for people doesn't have (tests/data/words.txt) in what people read, comments included."""
import contextlib
import glob
import io
import os
import re
import subprocess
import sys
import tokenize

TEST_FUNCTION = re.compile(r"^(?: +def )?test_(\w+) ?\(", re.M)
TEST_PATH = re.compile(r'(?:g_test_add\w* |ADD\w* )\([^"\n]*"(/?[a-z0-9/-]+)"')
C = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|^[ \t]*#[ \t]*include[^\n]*', re.S | re.M)
PYTHON = re.compile(r'#[^\n]*|""".*?"""|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
CONTRACTED = re.compile(r"\bnot\b|\bcannot\b")
# Words that codespell takes for misspelled ones.
KNOWN = "doas,ake,ect,sie,valu,trough,whos,tthe,keypair,keypairs"
SHELL = re.compile(r"#!.*\b(ba|da)?sh\b|(#.*\n)*# shellcheck shell=")
FLATTENED = re.compile(r"^ \* \S.*\S {3,}\S")
UNSPELLED = re.compile(r"\.(png|po|svg)$|^tests/fuzz/corpus/|^po/|^LICENSE|^COPYING|test_german\.py$|test-translate\.c$")  # German and data


def joined(pattern, text, quotes):
    """(line, text) of each string literal; adjacent ones are one."""
    found, last = [], None
    for match in pattern.finditer(text):
        token = match.group()
        if token[0] not in quotes or token.startswith('"""') or (token[0] == "'" and pattern is C):
            continue
        if last is not None and not text[last:match.start()].strip():
            found[-1][1] += token[1:-1]
        else:
            found.append([text.count("\n", 0, match.start()) + 1, token[1:-1]])
        last = match.end()
    return [(line, string.replace("\\n", " ").replace('\\"', '"')) for line, string in found]


def lines(text, comment=None):
    return [(i, line) for i, line in enumerate(text.splitlines(), 1) if comment is None or not line.lstrip().startswith(comment)]


def paragraphs(text):
    """Prose: a phrase may go over the end of a line; code blocks are left out."""
    text = re.sub(r"^ *```.*?^ *```", lambda m: "\n" * m.group().count("\n"), text, flags=re.S | re.M)
    return [(text.count("\n", 0, m.start()) + 1, " ".join(m.group().split())) for m in re.finditer(r"(?:[^\n]+\n?)+", text)]


def sentences(path, text):
    """What a person reads of a file: (line, text)."""
    name = os.path.basename(path)
    if path.startswith(("daemon/", "app/")) and name.endswith((".c", ".h")):
        return joined(C, text, '"')
    if path.startswith("app/launch/") and name.endswith(".py"):
        return joined(PYTHON, text, "\"'")
    if path == "app/run" or (path.startswith("app/launch/") and name.endswith(".sh")):
        return lines(text, "#")
    if name.endswith(".ui"):
        return [(text.count("\n", 0, m.start()) + 1, " ".join(m.group(1).split()))
                for m in re.finditer(r'translatable="(?:yes|true)"[^>]*>([^<]*)<', text)]
    if name.endswith(".md"):
        return paragraphs(text)
    if re.search(r"\.[1-8](\.in)?$", name) and path.startswith("data/"):
        return paragraphs(text)
    if path.startswith("data/") and re.search(r"\.(xml|policy|desktop)(\.in)*$", name):
        return paragraphs(re.sub(r"<!--.*?-->", lambda m: "\n" * m.group().count("\n"), text, flags=re.S))
    if path.startswith(("data/completions", "data/systemd")):
        return lines(text, "#")
    return []


def c_comments(text):
    """(offset, text) of each comment; // comments on consecutive lines are one."""
    found, last = [], 0
    for match in C.finditer(text):
        if not match.group().startswith("/"):
            continue
        if found and match.group().startswith("//") and found[-1][1].startswith("//") and re.fullmatch(r"\n[ \t]*", text[last:match.start()]):
            found[-1][1] = text[found[-1][0]:match.end()]
        else:
            found.append([match.start(), match.group()])
        last = match.end()
    return found


def readable_tokens(text):
    """Of a file with a fault those before it: what is wrong with it is another check's to say."""
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        yield from tokenize.generate_tokens(io.StringIO(text).readline)


def python_comments(text):
    """(offset, text) of each comment and docstring; comments on consecutive lines are one."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found, last, before = [], 0, tokenize.NEWLINE
    for token in readable_tokens(text):
        start, end = (starts[row - 1] + column for row, column in (token.start, token.end)) if token.type in (tokenize.COMMENT, tokenize.STRING) else (0, 0)
        if token.type == tokenize.COMMENT:
            if found and found[-1][1].startswith("#") and re.fullmatch(r"\n[ \t]*", text[last:start]):
                found[-1][1] = text[found[-1][0]:end]
            else:
                found.append([start, token.string])
            last = end
        elif token.type == tokenize.STRING and before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            found.append([start, token.string])
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.type
    return found


def hash_comments(text):
    """(offset, text) of each comment of a shell script or of meson's language; comments on consecutive lines are one. A # begins one at the
    beginning of a line, or after blanks where no string is open; what such a line of a here document says is read, too."""
    found, last, offset = [], 0, 0
    for line in text.splitlines(keepends=True):
        for match in re.finditer(r"(?:^|(?<=\s))#[^\n]*", line):
            before = line[:match.start()]
            if before.strip() and (before.count("'") % 2 or before.count('"') % 2):
                continue
            start = offset + match.start()
            if found and not before.strip() and re.fullmatch(r"\n[ \t]*", text[last:start]):
                found[-1][1] = text[found[-1][0]:start + len(match.group())]
            else:
                found.append([start, match.group()])
            last = start + len(match.group())
            break
        offset += len(line)
    return found


def test_names(path, text):
    """(offset, text) of what tests are called, by their function and in C by their path, with blanks between the words."""
    if not path.startswith("tests/"):
        return []
    found = [(match.start(1), match.group(1)) for match in TEST_FUNCTION.finditer(text)]
    if path.endswith(".c"):
        found += [(match.start(1), match.group(1)) for match in TEST_PATH.finditer(text)]
    return [(offset, re.sub(r"[_/-]", " ", name)) for offset, name in found]


def comments(path, text):
    """What a developer reads in a file: (offset, text), as long as in the file but with blanks for the marks at the beginning of a line."""
    if path.endswith((".c", ".h")):
        found = c_comments(text)
    elif path.endswith(".py") or re.match(r"#!.*python", text):
        found = python_comments(text)
    elif path.endswith((".sh", ".bash")) or os.path.basename(path) in ("meson.build", "meson_options.txt") or SHELL.match(text):
        found = hash_comments(text)
    else:
        return []
    return [(offset, re.sub(r"^[ \t]*(\*|//|#)", lambda mark: " " * len(mark.group()), comment, flags=re.M)) for offset, comment in found]


class Words:
    def __init__(self, path):
        self.rules, self.allowed, self.comment_rules = [], {}, []
        with open(path) as file:
            for line in map(str.strip, file):
                if line.startswith("allow "):
                    name, text = line[6:].split(": ", 1)
                    self.allowed.setdefault(name, []).append(text)
                elif line and not line.startswith("#"):
                    pattern, instead = line.split(" => ", 1)
                    where = re.match(r"(comments|everywhere) ", pattern)
                    pattern = pattern[where.end():] if where else pattern
                    if where:
                        over_lines = pattern.replace(" ", r"\s+")
                        self.comment_rules.append((re.compile(rf"(?<![\w-])(?:{over_lines})(?![\w-])", re.I), instead))
                    if not where or where.group(1) == "everywhere":
                        self.rules.append((pattern, re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.I), instead))

    def wrong(self, path, text):
        """(line, what was found, what to say instead)."""
        man = path.startswith("data/man/")
        found = []
        for line, said in sentences(path, text):
            for allowed in self.allowed.get(path, ()):
                said = said.replace(allowed, " ")
            for pattern, regex, instead in self.rules:
                if CONTRACTED.search(pattern) and (man or " " not in said.strip()):
                    continue
                match = regex.search(said)
                if match:
                    found.append((line, match.group(), instead))
        return sorted(found + self.wrong_comments(path, text))

    def wrong_comments(self, path, text):
        found = []
        for offset, said in comments(path, text) + test_names(path, text):
            for allowed in self.allowed.get(path, ()):
                said = said.replace(allowed, " " * len(allowed))
            for regex, instead in self.comment_rules:
                for match in regex.finditer(said):
                    found.append((text.count("\n", 0, offset + match.start()) + 1, " ".join(match.group().split()), instead))
        return found


def tracked(top):
    listing = subprocess.run(["git", "-c", f"safe.directory={top}", "-C", top, "ls-files"], capture_output=True, text=True).stdout
    if listing:
        return [path for path in listing.splitlines() if os.path.isfile(os.path.join(top, path))]
    return [os.path.relpath(path, top) for room in ("app", "daemon", "data", "po", "tests", "ui") for path in glob.glob(f"{top}/{room}/**", recursive=True)
            if os.path.isfile(path)] + ["README.md"]


def misspelled(top, paths):
    result = subprocess.run(["codespell", "--builtin", "clear,rare", "--ignore-words-list", KNOWN, *(path for path in paths if not UNSPELLED.search(path))],
                            cwd=top, capture_output=True, text=True)
    if result.returncode not in (0, 65):
        return [f"codespell: {result.stderr.strip() or result.returncode}"]
    return result.stdout.splitlines()


def flattened(path, text):
    """Rows of a table that a formatter ran together: a comment's line that begins like prose and has gaps like columns."""
    return [f"{path}:{i}: this row of a table is in the text's own column" for i, line in enumerate(text.splitlines(), 1) if FLATTENED.match(line)]


def check(top):
    """Everything that is wrong, a line each."""
    paths = tracked(top)
    words = Words(os.path.join(top, "tests/data/words.txt"))
    bad = misspelled(top, paths)
    for path in paths:
        if path.startswith(("daemon/", "app/", "ui/", "data/", "flatpak/", ".github/", ".githooks/", "README.md", "meson", "po/", "tests/")) and not path.endswith((".png", ".svg", ".po")):
            with open(os.path.join(top, path), errors="replace") as file:
                text = file.read()
            bad += [f"{path}:{line}: “{said}”: say {instead}" for line, said, instead in words.wrong(path, text)]
            bad += flattened(path, text) if path.endswith((".c", ".h")) else []
    return bad


if __name__ == "__main__":
    wrong = check(os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(wrong))
    sys.exit(bool(wrong))
