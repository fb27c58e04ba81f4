# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether everything that a comment or a docstring refers to is in the repository: files by their path or by their name."""
import io
import os
import re
import tokenize

C_COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
# Source, headers and pages; not what a program writes or reads.
FILE = re.compile(r"(?<![\w/.<*{$-])((?:[A-Za-z0-9_-][\w.-]*/)*[A-Za-z0-9_][\w-]*\.(?:c|h|py|md|sh|ui))(?![\w/*-]|\.[a-z])")
# "glibc's nss/nss_module.c", "systemd 252's …": another project's file, with its project's name before it.
OTHERS = re.compile(r"\b(?:glibc|musl|systemd|wireguard(?:-\w+)?|GLib|GTK|libadwaita|OpenSSL|Debian|Linux)(?: [\d.]+)?['’]s $")
# Pages outside the repository, by the names that comments once used for them.
OUTSIDE = re.compile(r"\bthe contract\b|\bcontract:", re.I)
# fuzz-NAME.c
PLACEHOLDER = re.compile(r"\b[A-Z]{4,}\b")
SYSTEM = re.compile(r"^(linux|sys|net|netinet|arpa|gio|glib|openssl|libmnl|gtk|asm|bits)/")


def comments(path, text):
    """(line, text) of each."""
    if path.endswith((".c", ".h")):
        return [(text.count("\n", 0, m.start()) + 1, m.group()) for m in C_COMMENT.finditer(text) if m.group().startswith("/")]
    if path.endswith(".py"):
        found = []
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.string.startswith('"""') and not token.line[:token.start[1]].strip()):
                found.append((token.start[0], token.string))
        return found
    return [(number, line[line.index("#"):]) for number, line in enumerate(text.splitlines(), 1) if re.match(r"(.*\s)?#\s", line)]


def check(top, paths):
    names = {os.path.basename(path) for path in paths}
    known, found = set(paths), []
    for path in paths:
        if not path.startswith(("app/", "daemon/", "tests/", "data/", "ui/")) or path.startswith("tests/fuzz/corpus/") or not re.search(r"\.(c|h|py|sh|build)$|/[a-z-]+$", path):
            continue
        with open(os.path.join(top, path), encoding="utf-8", errors="replace") as file:
            text = file.read()
        for line, comment in comments(path, text):
            if OUTSIDE.search(comment):
                found.append(f"{path}:{line}: “{OUTSIDE.search(comment).group()}”: name the page of the repository that has the rule")
            for match in FILE.finditer(comment):
                name = match.group(1)
                if name in known or ("/" not in name and name in names) or SYSTEM.match(name) or PLACEHOLDER.search(name) or OTHERS.search(comment[:match.start()]):
                    continue
                if any(os.path.normpath(os.path.join(folder, name)) in known for folder in (os.path.dirname(path), "daemon", "app", "tests")):
                    continue
                found.append(f"{path}:{line + comment.count(chr(10), 0, match.start())}: {name} isn't in the repository")
    return found
