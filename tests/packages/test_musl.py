#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon, its command line and the edge compile with musl, the C library of Alpine and of static programs, without a warning: each file
of the plain build by musl-gcc with musl's own headers. Debian has none of the other libraries for musl, so it is their headers that are
used, and nothing is linked. The NSS module is for glibc alone, which has such modules; meson leaves it out elsewhere."""
import concurrent.futures
import json
import os
import shlex
import subprocess
import tempfile
import unittest

BUILD = os.environ["EDGEWAY_BUILD"]
ROOMS = ("../daemon/", "../app/ctl/")
MADE = ("daemon/service/",)  # by gdbus-codegen
GLIBC = ("../daemon/nss/module.c",)
# What is taken of /usr/include besides musl's: the kernel's headers and those of libraries. glibc's must not be found.
KERNEL = ("linux", "asm-generic", "mtd", "rdma")
LIBRARIES = ("openssl", "ldns", "libmnl", "nftables", "sqlite3.h", "unbound.h", "qrencode.h", "polkit-1")
KEPT = ("-D", "-U", "-W", "-std=", "-f", "-m")
DROPPED = ("-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-fdiagnostics-color=always", "-Winvalid-pch")


def commands():
    """The plain build's, for each file once."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        found = {entry["file"]: entry for entry in json.load(file)}
    return [entry for name, entry in sorted(found.items()) if name.startswith(ROOMS + MADE) and name not in GLIBC]


class Headers:
    """A folder with links to what is neither musl's nor glibc's."""

    def __init__(self, folder):
        self.folder = folder
        multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
        for name in KERNEL + LIBRARIES:
            self.link(f"/usr/include/{name}", name)
        self.link(f"/usr/include/{multiarch}/asm", "asm")
        # One of these is in two folders.
        os.remove(os.path.join(folder, "openssl"))
        os.mkdir(os.path.join(folder, "openssl"))
        for place in ("/usr/include/openssl", f"/usr/include/{multiarch}/openssl"):
            for name in os.listdir(place):
                self.link(os.path.join(place, name), os.path.join("openssl", name))

    def link(self, source, name):
        if os.path.exists(source):
            os.symlink(source, os.path.join(self.folder, name))

    def command(self, entry):
        """As in the plain build, but with the other headers, and without making anything."""
        argv = ["nice", "musl-gcc", "-Werror", "-fsyntax-only", "-isystem", self.folder]
        words = shlex.split(entry["command"])
        for at, word in enumerate(words):
            if word.startswith("-I") or word == "-isystem":
                path = word[2:] if word.startswith("-I") else words[at + 1]
                outer = path.startswith("/usr/")
                argv += ["-isystem" if outer else "-I", path] if path != "/usr/include" else []
            elif word.startswith(KEPT) and word not in DROPPED:
                argv.append(word)
        return [*argv, entry["file"]]


class Musl(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.headers = Headers(folder.name)

    def compile(self, entry):
        result = subprocess.run(self.headers.command(entry), cwd=entry["directory"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        return result.stderr if result.returncode else ""

    def test_headers(self):
        """They are musl's, or all this would prove nothing."""
        entry = commands()[0]
        source = os.path.join(self.headers.folder, "which.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <stdlib.h>\n#include <gio/gio.h>\n#ifdef __GLIBC__\n#error glibc\n#endif\n#include <error.h>\n")
        self.assertRegex(self.compile({**entry, "file": source, "command": entry["command"] + " -isystem /usr/include/glib-2.0 -isystem /usr/lib/x86_64-linux-gnu/glib-2.0/include"}),
                         r"error\.h: No such file")

    def test_all(self):
        todo = commands()
        self.assertGreater(len(todo), 200)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            said = list(pool.map(self.compile, todo))
        self.assertFalse(any(said), "".join(said))


if __name__ == "__main__":
    unittest.main()
