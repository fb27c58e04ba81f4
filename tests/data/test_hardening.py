#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs as an attacker would find them: what the compiler and the linker were asked for is in the files that come out."""
import functools
import json
import os
import re
import subprocess
import unittest

BUILD = os.environ["EDGEWAY_BUILD"]
SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAMS = ("daemon/service/edgewayd", "daemon/edge/edgeway-edge", "app/ctl/edgewayctl", "app/desktop/edgeway", "app/tray/edgeway-tray")
MACHINE = os.uname().machine
COMPILED_WITH = ["-fstack-protector-strong", "-fstack-clash-protection", "-ftrivial-auto-var-init=zero",
                 *{"x86_64": ["-fcf-protection=full"], "aarch64": ["-mbranch-protection=standard"]}.get(MACHINE, [])]
# What the linker notes where every object has it; Debian 12's C library, of which a bit is in each program, has none for x86_64.
FEATURE = {"x86_64": "IBT, SHSTK", "aarch64": "BTI"}.get(MACHINE, "none")
# These fill what they declare, for each packet.
UNCLEARED = re.compile(r"proto/aead-avx")


def readelf(program, *options):
    return subprocess.run(["readelf", "-W", *options, os.path.join(BUILD, program)], capture_output=True, text=True, timeout=120, check=True).stdout


def start_file():
    return subprocess.run(["cc", "-print-file-name=crt1.o"], capture_output=True, text=True, timeout=60, check=True).stdout.strip()


@functools.lru_cache
def installed_elfs():
    """The programs and libraries of the build that `meson install` puts down, as its plan says."""
    plan = json.loads(subprocess.run(["meson", "introspect", "--installed", BUILD], capture_output=True, text=True, timeout=120, check=True).stdout)
    found = []
    for path in plan:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found += [path] if file.read(4) == b"\x7fELF" else []
    return sorted(found)


def compiler_lines(program):
    """Source → the options that the compiler wrote into what it made of it, for the sources of this project."""
    producer = {}
    for unit in readelf(program, "--debug-dump=info", "--dwarf-depth=1").split("DW_TAG_compile_unit")[1:]:
        found = [re.search(rf"{name}\s*:\s*(?:\([^)]*\):? ?)*(.*)", unit) for name in ("DW_AT_producer", "DW_AT_name")]
        if all(found) and re.match(r"(app|daemon)/", found[1].group(1)):
            producer[found[1].group(1)] = found[0].group(1)
    return producer


class Hardening(unittest.TestCase):
    def test_compiled_with(self):
        for program in installed_elfs():
            with self.subTest(program):
                lines = compiler_lines(program)
                self.assertGreater(len(lines), 1, "no source of ours is named in the program")
                for source, line in lines.items():
                    wanted = COMPILED_WITH if not UNCLEARED.search(source) else [w for w in COMPILED_WITH if "var-init" not in w]
                    self.assertEqual([w for w in wanted if w not in line.split()], [], source)

    def test_fortified(self):
        """Macros leave no trace in the files, so the commands are read; that they had an effect shows in the functions called."""
        with open(os.path.join(BUILD, "compile_commands.json")) as file:
            commands = [c for c in json.load(file) if re.match(r"\.\./(app|daemon)/", c["file"])]
        self.assertGreater(len(commands), 100)
        for command in commands:
            levels = re.findall(r"-[DU]_FORTIFY_SOURCE(?:=\d)?", command["command"])
            self.assertEqual(levels[-2:], ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"], command["file"])
        for program in PROGRAMS[:2]:
            self.assertRegex(readelf(program, "--dyn-syms"), r"__\w+_chk@")

    def test_linked_with(self):
        """Each program and library that is installed: where a section isn't as it should be, all of it is."""
        found = installed_elfs()
        self.assertLessEqual({os.path.basename(p) for p in PROGRAMS} | {"libnss_edgeway.so.2", "libnss_edgeway_short.so.2"}, {os.path.basename(f) for f in found})
        for file in found:
            with self.subTest(file):
                self.check_linked(file)

    def check_linked(self, file):
        header, segments, dynamic = readelf(file, "-h"), readelf(file, "-l"), readelf(file, "-d")
        self.assertRegex(header, r"Type:\s+DYN", "position-independent")
        if not file.endswith(".so.2"):
            self.assertRegex(dynamic, r"FLAGS_1.*\bPIE\b")
        self.assertRegex(segments, r"GNU_STACK\s.*\sRW\s", "its stack is not executable")
        self.assertRegex(segments, r"GNU_RELRO\s")
        self.assertRegex(dynamic, r"BIND_NOW|FLAGS_1.*\bNOW\b")
        self.assertNotRegex(dynamic, r"\((RPATH|RUNPATH|TEXTREL)\)|FLAGS\).*TEXTREL")
        loads = re.findall(r"LOAD\s+(?:0x\w+\s+){5}([RWE ]{3})", segments)
        self.assertNotIn("RWE", loads)
        self.assertIn("R  ", loads, "what is only read is not mapped as code")
        if FEATURE in readelf(start_file(), "-n"):
            self.assertRegex(readelf(file, "-n"), FEATURE)
        symbols = readelf(file, "--dyn-syms")
        self.assertIn("__stack_chk_fail@", symbols, "canaries")
        if re.search(r" (memcpy|recv|read|snprintf|strcpy)@", symbols):
            self.assertTrue(re.search(r"__\w+_chk@", symbols), "fortified")

    def test_no_build_paths(self):
        """What is installed is the same wherever it was built: tests/clean/reproducible compares two whole builds."""
        places = {BUILD.encode(), SOURCE.encode(), os.path.realpath(BUILD).encode(), os.path.realpath(SOURCE).encode()}
        for file in installed_elfs():
            with open(file, "rb") as opened:
                text = opened.read()
            self.assertEqual([place for place in places if place + b"/" in text], [], file)
        with open(os.path.join(BUILD, "compile_commands.json")) as file:
            commands = [c["command"] for c in json.load(file)]
        self.assertEqual([c for c in commands if "-ffile-prefix-map=" not in c], [])


if __name__ == "__main__":
    unittest.main()
