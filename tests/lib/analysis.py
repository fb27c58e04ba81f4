#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for faults in C by following what could happen: clang-tidy (.clang-tidy) and gcc -fanalyzer, over what the plain build compiles.

    analysis.py BUILD                    the rooms that read untrusted input
    analysis.py --all BUILD [ROOM…]      everything in daemon and app, or in these folders, with all checks

GCC 12's analyzer knows neither GLib's functions nor its cleanup attributes, so it looks at the rooms that don't use it."""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

# Parsers of untrusted input: every run of the style stage checks them.
EXPOSED = ("daemon/proto/", "daemon/nss/", "daemon/names/", "daemon/edge/http/", "daemon/edge/api/", "daemon/edge/dns/")
WITHOUT_GLIB = ("daemon/proto/", "daemon/nss/")
# A minute of vector arithmetic, without a pointer that could be followed wrongly; GCC takes a vector's halves for unset.
KERNELS = re.compile(r"daemon/proto/aead-avx")
# GCC looks for unused variables; clang takes each g_autoptr for one that is only kept until the end of its block.
# The walk through the paths takes most of the time: it is for --all.
QUICK = "-clang-analyzer-*"
TIDY = ["clang-tidy", "--quiet", "--extra-arg=-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang", "--extra-arg=-Wno-unknown-warning-option",
        "--extra-arg=-Wno-unused-variable"]
# False positives of GCC's analyzer: file → (option, reason)
WRONG = {"daemon/proto/prefix-trie.c": ("-Wno-analyzer-malloc-leak", "a node is published as a tagged number, which it doesn't follow")}


def read_commands(build):
    """{file relative to the tree: its compiler's command}, of daemon and app; the first where a file is compiled twice."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = {}
        for entry in json.load(file):
            path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
            name = os.path.relpath(path, os.path.dirname(os.path.abspath(build)))
            if name.startswith(("daemon/", "app/")) and name.endswith(".c") and not name.startswith("app/launch"):
                commands.setdefault(name, entry["command"])
    return commands


def run(argv, folder):
    result = subprocess.run(["nice", *argv], cwd=folder, capture_output=True, text=True, timeout=900, check=False)
    return result.returncode, result.stdout + result.stderr


def findings(status, text):
    """The lines that name a fault, by paths of the tree; all output of a tool that failed without such a line."""
    found = [re.sub(r"^(\S*/)?\.\./", "", line) for line in text.splitlines() if re.search(r": (error|fatal error|warning):", line)]
    return found or (text.splitlines() if status else [])


def analyze_with_gcc(build, name, command):
    words = [word for word in shlex.split(command) if word not in ("ccache", "-MD", "-g")]
    for option in ("-o", "-MF", "-MQ"):
        at = words.index(option)
        del words[at:at + 2]
    status, text = run([*words, "-o", "/dev/null", "-fanalyzer", "-Werror", "-fdiagnostics-color=never", "-fdiagnostics-path-format=none", *WRONG.get(name, ())[:1]], build)
    return findings(status, text)


def analyze_with_clang(build, name, everything):
    status, text = run([*TIDY, "-p", ".", *([] if everything else [f"--checks={QUICK}"]), os.path.join("..", name)], build)
    return findings(status, text)


def is_in(name, rooms):
    """Whether a file is in one of these folders, or is one of them; without folders each is."""
    return not rooms or any(name == room or name.startswith(room + "/") for room in rooms)


def check(build, everything=False, rooms=()):
    """What is wrong, a line each."""
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, command in read_commands(build).items():
            if not is_in(name, rooms):
                continue
            if everything or name.startswith(EXPOSED):
                jobs.append(pool.submit(analyze_with_clang, build, name, everything))
            if name.startswith(WITHOUT_GLIB) and not KERNELS.match(name):
                jobs.append(pool.submit(analyze_with_gcc, build, name, command))
    if not jobs:
        return [f"{build} has compiled nothing to look at{' in ' + ' '.join(rooms) if rooms else ''}"]
    return list(dict.fromkeys(line for job in jobs for line in job.result()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true", help="everything in daemon and app, with the analyzer: minutes")
    parser.add_argument("build")
    parser.add_argument("room", nargs="*", help="a folder or a file")
    options = parser.parse_args()
    found = check(os.path.abspath(options.build), options.all, options.room)
    print("".join(f"{line}\n" for line in found), end="")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
