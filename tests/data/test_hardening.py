#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs as an attacker would find them: what the compiler and the linker were asked for is in the files that come out."""
import json
import os
import re
import subprocess
import unittest

BUILD = os.environ["EDGEWAY_BUILD"]
PROGRAMS = ("daemon/service/edgewayd", "daemon/edge/edgeway-edge", "app/ctl/edgewayctl", "app/desktop/edgeway", "app/tray/edgeway-tray")
MACHINE = os.uname().machine
COMPILED_WITH = ["-fstack-protector-strong", "-fstack-clash-protection", "-ftrivial-auto-var-init=zero",
                 *{"x86_64": ["-fcf-protection=full"], "aarch64": ["-mbranch-protection=standard"]}.get(MACHINE, [])]
# These fill what they declare, for each packet.
UNCLEARED = re.compile(r"proto/aead-avx")


def readelf(program, *options):
    return subprocess.run(["readelf", "-W", *options, os.path.join(BUILD, program)], capture_output=True, text=True, timeout=120, check=True).stdout


def compiler_lines(program):
    """Source → the options that the compiler wrote into what it made of it, for the sources of this project."""
    producer = {}
    for unit in readelf(program, "--debug-dump=info", "--dwarf-depth=1").split("DW_TAG_compile_unit")[1:]:
        found = [re.search(rf"{name}\s*:\s*(?:\([^)]*\):? ?)*(.*)", unit) for name in ("DW_AT_producer", "DW_AT_name")]
        if all(found) and re.match(r"\.\./(app|daemon)/", found[1].group(1)):
            producer[found[1].group(1)] = found[0].group(1)
    return producer


class Hardening(unittest.TestCase):
    def test_compiled_with(self):
        for program in PROGRAMS:
            with self.subTest(program):
                lines = compiler_lines(program)
                self.assertGreater(len(lines), 2, "no source of ours is named in the program")
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
        for program in PROGRAMS:
            with self.subTest(program):
                header, segments, dynamic = readelf(program, "-h"), readelf(program, "-l"), readelf(program, "-d")
                self.assertRegex(header, r"Type:\s+DYN", "position-independent")
                self.assertRegex(segments, r"GNU_STACK\s.*\sRW\s", "its stack is not executable")
                self.assertRegex(segments, r"GNU_RELRO\s")
                self.assertRegex(dynamic, r"BIND_NOW|FLAGS_1.*\bNOW\b")
                self.assertNotRegex(dynamic, r"\((RPATH|RUNPATH)\)")
                loads = re.findall(r"LOAD\s+(?:0x\w+\s+){5}([RWE ]{3})", segments)
                self.assertNotIn("RWE", loads)
                self.assertIn("R  ", loads, "what is only read is not mapped as code")


if __name__ == "__main__":
    unittest.main()
