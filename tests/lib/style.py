#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the style, so that people don't have to: the stage "style" of tests/run, and what runs before a commit.

    tests/lib/style.py [CHECK…]             over everything; without a name all of them
    tests/lib/style.py --staged             over what the next commit changes, with the checks that take a second
    tests/lib/style.py --list

A check is a function that takes the tree and the paths to look at (all that git knows, or those of the commit) and returns what is wrong,
a line each. tests/clean/tidy has those that take minutes."""
import argparse
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import analysis  # noqa: E402
import layout  # noqa: E402
import references  # noqa: E402
import rooms  # noqa: E402
import second_compiler  # noqa: E402
import sleeps  # noqa: E402
import words  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FUNCTION_LINES = 80


def run(top, argv, good=(0,)):
    """What a tool said: its lines where it found something. A tool that is missing or fails has found something, too."""
    try:
        result = subprocess.run(argv, cwd=top, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"{argv[0]}: {error}"]
    if result.returncode in good:
        return []
    return (result.stdout + result.stderr).splitlines() or [f"{argv[0]}: exit status {result.returncode}"]


def select(top, paths, suffixes, shebang):
    """Those of a language: by the name, or by the first line."""
    found = []
    for path in paths:
        if path.startswith("tests/fuzz/corpus/"):
            continue
        if path.endswith(suffixes):
            found.append(path)
        elif "." not in os.path.basename(path):
            with open(os.path.join(top, path), "rb") as file:
                if re.match(shebang, file.read(300)):
                    found.append(path)
    return found


def c_files(paths):
    return [path for path in paths if path.startswith(("app/", "daemon/", "tests/")) and path.endswith((".c", ".h")) and not path.startswith("tests/fuzz/corpus/")]


def check_format(top, paths):
    files = c_files(paths)
    return [line for line in run(top, ["clang-format", "--dry-run", "--Werror", *files]) if "error:" in line or "clang-format:" in line] if files else []


def check_functions(top, paths):
    """No function is longer than a screen."""
    files = c_files(paths)
    if not files:
        return []
    result = subprocess.run(["ctags", "--kinds-C=f", "--fields=+ne", "--output-format=json", "-f", "-", *files], cwd=top, capture_output=True, text=True, timeout=300, check=True)
    tags = map(json.loads, filter(lambda line: line.startswith("{"), result.stdout.splitlines()))
    return [f"{tag['path']}: {tag['name']}() has more than {FUNCTION_LINES} lines" for tag in tags if tag.get("end", 0) - tag.get("line", 0) > FUNCTION_LINES]


def check_words(top, _):
    """Words are plain and well spelled."""
    return words.check(top)


def check_references(top, _):
    """Everything that a comment refers to is in the repository."""
    return references.check(top, words.tracked(top))


def check_rooms(top, _):
    """Rooms know the rooms below them alone."""
    return rooms.check(top)


def check_layout(top, paths):
    """Every file obeys .editorconfig."""
    return layout.check(top, paths)


def check_shell(top, paths):
    """shellcheck, with .shellcheckrc."""
    files = select(top, paths, (".sh", ".bash"), rb"#!.*\b(ba|da)?sh\b|(#.*\n)*# shellcheck shell=")
    return run(top, ["shellcheck", "--format=gcc", *files]) if files else []


def check_python(top, paths):
    """flake8, with .flake8."""
    files = select(top, paths, (".py",), rb"#!.*\bpython3?\b")
    return run(top, ["/usr/bin/python3", "-B", "-m", "flake8", *files]) if files else []


def check_sleeps(top, paths):
    """No test decides by a sleep, except those that say why real time has to pass."""
    return sleeps.check(top, paths)


def check_analysis(top, _):
    """clang-tidy over the rooms that read what strangers send, and gcc -fanalyzer over those without GLib; tests/clean/tidy looks at everything."""
    return analysis.check(os.path.join(top, "build"))


def check_clang(top, _):
    """Clang compiles everything, without a warning."""
    return second_compiler.check(top)


CHECKS = {name[len("check_"):]: function for name, function in list(globals().items()) if name.startswith("check_")}
# Before a commit: what looks at the changed files alone, or at everything within a second or two.
QUICK = ("format", "functions", "words", "references", "rooms", "layout", "shell", "python", "sleeps")


def staged(top):
    names = subprocess.run(["git", "-C", top, "diff", "--cached", "--name-only", "--diff-filter=d", "-z"], capture_output=True, text=True, check=True).stdout
    return [name for name in names.split("\0") if os.path.isfile(os.path.join(top, name))]


def main():
    parser = argparse.ArgumentParser(description="Holds the style.")
    parser.add_argument("--staged", action="store_true", help="look at what the next commit changes")
    parser.add_argument("--list", action="store_true", help="name the checks, and exit")
    parser.add_argument("--top", default=TOP)
    parser.add_argument("check", nargs="*")
    options = parser.parse_args()
    if options.list:
        print("\n".join(CHECKS))
        return 0
    unknown = set(options.check) - set(CHECKS)
    if unknown:
        parser.error(f"there is no check {sorted(unknown)[0]}. There are: {' '.join(CHECKS)}")
    paths = staged(options.top) if options.staged else words.tracked(options.top)
    failed = 0
    for name in options.check or (QUICK if options.staged else CHECKS):
        started = time.monotonic()
        found = CHECKS[name](options.top, paths)
        failed += bool(found)
        print("".join(f"{line}\n" for line in found) + (f"✗ {name}: {len(found)} found" if found else f"✓ {name}") + f" ({time.monotonic() - started:.1f} s)")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
