#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second build of everything, with clang and its sanitizers, whose warnings are errors: what GCC and clang look for differs, and the tests of
suites unit, sim, api and fuzz run in it. Kept in build-clang, so that it compiles only what has changed."""
import os
import re
import subprocess

FOLDER = "build-clang"
OPTIONS = ("-Dwerror=true", "-Dapp=enabled", "-Dtray=enabled", "-Db_lundef=false", "-Db_sanitize=address,undefined")
# The folder's owner compiles (app/launch/common.sh), after the machines of other tests; -k 0: all that is wrong, not only the first.
SCRIPT = '. "$0" && configure "$1" "${@:2}" && as_owner nice ninja -k 0 -C "$1"'


def compile_tree(top, log, options=OPTIONS, timeout=1800):
    """Whether everything compiles; what the compiler said is in the file that log names."""
    with open(log, "w", encoding="utf-8") as out:
        done = subprocess.run(["bash", "-c", SCRIPT, os.path.join(top, "app/launch/common.sh"), os.path.join(top, FOLDER), *options], stdin=subprocess.DEVNULL,
                              stdout=out, stderr=subprocess.STDOUT, timeout=timeout, check=False, env={**os.environ, "CC": "clang", "CC_LD": "lld", "LC_ALL": "C.UTF-8"})
    return done.returncode == 0


def check(top, options=OPTIONS):
    """What is wrong, a line each, by paths of the tree."""
    log = os.path.join(top, FOLDER + ".log")
    try:
        good = compile_tree(top, log, options)
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    finally:
        if os.path.exists(log):
            os.unlink(log)
    found = [re.sub(r"^(\S*/)?\.\./", "", line) for line in lines if re.search(r"\b(error|warning): ", line)]
    return list(dict.fromkeys(found)) or ([] if good else lines[-20:])
