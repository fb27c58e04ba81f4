#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads with clang everything that the plain build compiles with GCC (-fsyntax-only): both look for what is wrong, and each finds other faults.

    second_compiler.py BUILD

What it finds fault with fails. What it found good isn't read again until the file, what it includes, its options or clang change: BUILD/clang-good
has an empty file for each, whose name is the hash of all of that. At first it takes three minutes of a processor, then seconds."""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

CLANG = "clang"
# Beside those of the build. Not -Wunused-variable, which takes each g_autoptr for a variable that is only kept until the end of its block: GCC
# looks for unused ones. Nor what finds nothing but habits here: -Wcomma (macros that do several things), -Wassign-enum (flags that are combined),
# -Wconditional-uninitialized (what a function fills in where it returns TRUE: clang-tidy follows that).
WARNINGS = ("-Werror", "-Wno-unused-variable", "-Wno-unknown-warning-option", "-Wno-unused-command-line-argument")
# Of what people write: gdbus-codegen's C has code that can't be reached.
WRITTEN = ("-Wloop-analysis", "-Wunreachable-code-aggressive")
# Options of GCC that clang takes otherwise: clang 14 wants another option beside this one.
FOREIGN = re.compile(r"-ftrivial-auto-var-init=")


def read_dependencies(build):
    """{object: the files that it was made of, as named from BUILD}, from ninja's log."""
    text = subprocess.run(["ninja", "-C", build, "--quiet", "-t", "deps"], capture_output=True, text=True, timeout=120, check=True).stdout
    made_of = {}
    for block in text.split("\n\n"):
        first, *files = block.strip().split("\n")
        name, valid, _ = first.partition(": #deps ")
        if valid:
            made_of[name] = [file.strip() for file in files]
    return made_of


def to_clang(entry):
    """A command of GCC's that compiles (of compile_commands.json), as one of clang's that reads."""
    words = [word for word in shlex.split(entry["command"]) if word not in ("ccache", "-MD", "-g", "-c") and not FOREIGN.match(word)]
    for option in ("-o", "-MF", "-MQ"):
        if option in words:
            at = words.index(option)
            del words[at:at + 2]
    return [CLANG, *words[1:], "-fsyntax-only", "-fno-color-diagnostics", *WARNINGS, *(WRITTEN if entry["file"].startswith(("../", "/")) else ())]


class Good:
    """What was found good before."""
    def __init__(self, build):
        self.build, self.folder = build, os.path.join(build, "clang-good")
        self.made_of = read_dependencies(build) if os.path.exists(os.path.join(build, ".ninja_deps")) else {}
        self.version = subprocess.run([CLANG, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
        self.hashes, self.used = {}, set()
        os.makedirs(self.folder, exist_ok=True)

    def hash_file(self, name):
        if name not in self.hashes:
            with open(os.path.join(self.build, name), "rb") as file:
                self.hashes[name] = hashlib.sha256(file.read()).hexdigest()
        return self.hashes[name]

    def key(self, made, argv):
        """None where it isn't known what the object is made of."""
        try:
            return hashlib.sha256("\n".join([self.version, *argv, *(f"{name} {self.hash_file(name)}" for name in self.made_of[made])]).encode()).hexdigest()
        except (KeyError, OSError):
            return None

    def has(self, key):
        self.used.add(key)
        return key is not None and os.path.exists(os.path.join(self.folder, key))

    def add(self, key):
        if key is not None:
            with open(os.path.join(self.folder, key), "wb"):
                pass

    def forget_others(self):
        for name in set(os.listdir(self.folder)) - self.used:
            os.unlink(os.path.join(self.folder, name))


def read_one(good, key, name, argv):
    """What is wrong with a file, a line each, by paths of the tree."""
    result = subprocess.run(["nice", *argv], cwd=good.build, capture_output=True, text=True, timeout=600, check=False)
    found = [re.sub(r"^(\S*/)?\.\./", "", line) for line in result.stderr.splitlines() if re.search(r"\b(error|warning): ", line)]
    if result.returncode == 0 and not found:
        good.add(key)
    return found or ([f"{name}: {argv[0]}: exit status {result.returncode}: {result.stderr}"] if result.returncode else [])


def check(build):
    """What is wrong, a line each."""
    build = os.path.abspath(build)
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    if not entries:
        return [f"{build} has compiled nothing to look at"]
    try:
        good, jobs = Good(build), []
    except (OSError, subprocess.SubprocessError) as error:
        return [f"{error}. On Debian: apt install clang ninja-build"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for entry in entries:
            argv = to_clang(entry)
            key = good.key(entry.get("output"), argv)
            if not good.has(key):
                jobs.append(pool.submit(read_one, good, key, entry["file"], argv))
    good.forget_others()
    return list(dict.fromkeys(line for job in jobs for line in job.result()))


def main():
    found = check(sys.argv[1])
    print("".join(f"{line}\n" for line in found), end="")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
