#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""No test relies on a sleep where a clock or a condition can be used. A sleep in a loop that ends on a condition waits for it; any other sleep
needs a comment, on its line or the one before, why real time has to pass: "real time: WHY". Usage: sleeps.py [--list] [TOP]."""
import ast
import os
import re
import subprocess
import sys

C_SLEEP = re.compile(r"\b(?:g_usleep|usleep|nanosleep|thrd_sleep|sleep) \(")
REASON = re.compile(r"real time: (\S.*?)(?:\s*\*/|\"\"\"|$)")


def find_in_python(text):
    """Line numbers of the sleeps that no loop with a condition surrounds."""
    found = []

    def visit(node, polls):
        if isinstance(node, ast.While) or (isinstance(node, ast.For) and any(isinstance(inner, (ast.Break, ast.Return)) for inner in ast.walk(node))):
            polls = True
        elif isinstance(node, (ast.FunctionDef, ast.Lambda)):
            polls = False
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep" and not polls:
            found.append(node.lineno)
        for child in ast.iter_child_nodes(node):
            visit(child, polls)

    visit(ast.parse(text), False)
    return found


def find_in_c(text):
    """The same, by the indentation that clang-format holds."""
    lines, found = text.splitlines(), []
    for number, line in enumerate(lines, 1):
        if not C_SLEEP.search(line) or line.lstrip().startswith(("/*", "*", "//")):
            continue
        depth, polls = len(line) - len(line.lstrip()), bool(re.match(r"\s*(while|for) ", line))
        for above in reversed(lines[:number - 1]):
            indent = len(above) - len(above.lstrip())
            if above.strip() and indent < depth:
                depth = indent
                polls = polls or bool(re.match(r"\s*(while|for|do)\b", above))
            if depth == 0:
                break
        if not polls:
            found.append(number)
    return found


def look(top, paths):
    """(place, reason or None) of each sleep outside a polling loop."""
    for path in paths:
        if not path.startswith("tests/") or path.startswith(("tests/bench", "tests/clean/", "tests/fuzz/corpus/")) or not path.endswith((".py", ".c", ".h")):
            continue
        with open(os.path.join(top, path), encoding="utf-8") as file:
            text = file.read()
        lines = text.splitlines()
        for number in (find_in_python if path.endswith(".py") else find_in_c)(text):
            reason = REASON.search(lines[number - 1]) or REASON.search(lines[number - 2])
            yield f"{path}:{number}", reason.group(1) if reason else None


def check(top, paths):
    return [f"{place}: a test decides by a sleep: wait for a condition or hand in a clock, or say why not (“real time: …”)" for place, reason in look(top, paths) if reason is None]


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--list"]
    top = arguments[0] if arguments else os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    paths = subprocess.run(["git", "-C", top, "ls-files"], capture_output=True, text=True, check=True).stdout.splitlines()
    if "--list" in sys.argv:
        print("".join(f"{place}: {reason or 'NO REASON'}\n" for place, reason in look(top, paths)), end="")
        return 0
    found = check(top, paths)
    print("".join(f"{line}\n" for line in found), end="")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
