#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names on every kind of Linux host: the mesh's are found, and the answer to no other name changes, whatever happens to the mesh."""
import signal
import unittest

import foreign_names
import resolver_world
from mesh_case import MeshCase, wait_for

SUFFIX = "demo.internal"
NAMES = foreign_names.names(SUFFIX, resolver_world.SEARCH)


class Names(MeshCase):
    SITES = JOIN = ("nas",)
    KINDS = tuple(resolver_world.KINDS)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.before = cls.world.each(cls.all_answers)
        cls.files = cls.world.each(lambda kind: cls.world.hosts[kind].file_state())
        keys = {kind: cls.mesh.ctl("nas", "node", "add", kind).stdout.strip() for kind in cls.KINDS}
        cls.world.each(lambda kind: cls.mesh.join(kind, keys[kind]))

    @classmethod
    def prepare(cls):
        cls.world = resolver_world.ResolverWorld(cls.mesh, cls.KINDS)
        cls.addClassCleanup(cls.world.close)

    @classmethod
    def all_answers(cls, kind, every=None):
        """What each program says to each name; every: to each of so many only, except for the one that runs all the time."""
        host, answers = cls.world.hosts[kind], {}
        for turn, program in enumerate(resolver_world.PROGRAMS if every is None else ("running", "new", "musl", "dig")):
            names = NAMES if every is None or program == "running" else NAMES[turn % every::every]
            answers[program] = host.ask(program, host.names_for(program, names))
        return answers

    def changed(self, kind, every):
        """Lines that name what is answered otherwise than before the mesh."""
        lines = []
        for program, answers in self.all_answers(kind, every).items():
            before = self.before[kind][program]
            lines += [f"{kind}, {program}: {name}: {before.get(name)!r} → {answer!r}" for name, answer in answers.items() if before.get(name) != answer]
        return lines

    def assert_unchanged(self, when, every=4):
        lines = [line for found in self.world.each(lambda kind: self.changed(kind, every)).values() for line in found]
        self.assertEqual(lines, [], f"{when}: {len(lines)} answers changed")
        for kind, before in self.files.items():
            self.assertEqual(self.world.hosts[kind].file_state()["/etc/resolv.conf"], before["/etc/resolv.conf"], f"{when}: {kind}")

    def test_other_names(self):
        self.assert_unchanged("with the mesh up", every=None)
        processes = {kind: self.mesh.running[kind][0] for kind in self.KINDS}
        for process in processes.values():
            process.send_signal(signal.SIGSTOP)
        self.assert_unchanged("edgewayd hung")
        for process in processes.values():
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.assert_unchanged("edgewayd killed")
        self.world.each(self.mesh.start_daemon)
        edge, start = self.mesh.running["edge"]
        edge.kill()
        edge.wait()
        self.assert_unchanged("the edge killed")
        self.mesh.running["edge"][0] = start()
        self.world.each(lambda kind: self.mesh.ctl(kind, "disconnect"))
        self.assert_unchanged("disconnected")


if __name__ == "__main__":
    unittest.main()
