# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh with hosts of several kinds (resolver_world.py), and what each answers to names inside and outside the mesh."""
import difflib
import re
import signal
import time

import foreign_names
import resolver_world
from machines import Failure
from mesh_case import MeshCase, wait_for

SUFFIX = "demo.internal"
NAMES = foreign_names.names(SUFFIX, resolver_world.SEARCH)
FEW = (foreign_names.TAKEN, "a0.example.com", "both0.example.org", "nothing0.example.com", "host0", "demo0.internal")
NAS = "nas." + SUFFIX
SECONDS = 5 * 2  # promised: two; a test's deadline is five times that
SOME = ("running", "new", "musl", "dig")


def unordered(answer):
    """Which family comes first is the C library's choice, by the way to either: it differs in VPN mode."""
    return sorted(re.split("[ ,]", answer or ""))


class NamesCase(MeshCase):
    SITES = JOIN = ("nas",)
    KINDS = tuple(resolver_world.KINDS)
    FULL = ("resolved", "resolved-nss", "nm", "openresolv", "plain")  # the others differ in the source of the same answers

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.before = cls.world.each(lambda kind: cls.all_answers(kind, None if kind in cls.FULL else 4))
        cls.files = cls.world.each(lambda kind: cls.world.hosts[kind].file_state())
        cls.texts = {kind: host.read("/etc/nsswitch.conf") for kind, host in cls.world.hosts.items()}
        keys = {kind: cls.mesh.ctl("nas", "node", "add", kind).stdout.strip() for kind in cls.KINDS}
        cls.world.each(lambda kind: cls.mesh.join(kind, keys[kind]))
        cls.mesh.ctl("nas", "name", "add", foreign_names.TAKEN, "nas")
        cls.addresses = {node["name"]: node["addresses"] for node in cls.mesh.ctl_json("nas", "map")["nodes"]}

    @classmethod
    def prepare(cls):
        # The edge's own host asks the internet's name server.
        cls.internet = resolver_world.NameServer(cls.mesh.machine("internet"), "exchange", SUFFIX)
        cls.mesh.machine("edge").mask("/etc/resolv.conf", "nameserver 203.0.113.1\n", 0o644)
        cls.world = resolver_world.ResolverWorld(cls.mesh, cls.KINDS)
        cls.addClassCleanup(cls.world.close)

    def host(self, kind):
        return self.world.hosts[kind]

    # The daemon of a host.

    def signal_daemon(self, kind, number):
        process = self.mesh.running[kind][0]
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()

    def wait_daemon(self, kind):
        """It looks for a bus that was restarted every few seconds."""
        wait_for(f"edgewayd answers on {kind}", lambda: self.host(kind).machine.ok(self.mesh.program("edgewayctl"), "status"), 30)

    def signal_daemons(self, number):
        for kind in self.KINDS:
            self.signal_daemon(kind, number)

    # Names of others.

    @classmethod
    def all_answers(cls, kind, every=None):
        """What each program says to each name; every: to each of so many only, except for the one that runs all the time."""
        host, answers = cls.world.hosts[kind], {}
        for turn, program in enumerate(resolver_world.PROGRAMS if every is None else SOME):
            names = NAMES if every is None or program == "running" else [*FEW, *NAMES[turn % every::every]]
            answers[program] = host.ask(program, host.names_for(program, names))
        return answers

    def changed(self, kind, answers, form=str):
        """Lines that list the answers that differ from those before the mesh. form: which part of an answer counts."""
        if "getent" in answers:
            before, now = (texts["getent"]["getent hosts"].splitlines() for texts in (self.before[kind], answers))
            answers = {program: found for program, found in answers.items() if program != "getent"}
            lines = [f"{kind}, getent hosts: {line}" for line in difflib.unified_diff(before, now, n=0, lineterm="") if line[:3] not in ("---", "+++") and line[0] != "@"]
            return lines + self.changed(kind, answers, form)
        return [f"{kind}, {program}: {name}: {self.before[kind][program].get(name)!r} → {answer!r}"
                for program, found in answers.items() for name, answer in found.items() if form(self.before[kind][program].get(name)) != form(answer)]

    def assert_unchanged(self, when, every=4):
        found = self.world.each(lambda kind: self.changed(kind, self.all_answers(kind, every if kind in self.FULL else 4)))
        lines = [line for each in found.values() for line in each]
        self.assertEqual(lines[:20], [], f"{when}: {len(lines)} answers changed")
        self.assert_untouched(when)

    def assert_untouched(self, when):
        """/etc/resolv.conf is unchanged: the bytes, the file, its time."""
        for kind, before in self.files.items():
            self.assertEqual(self.host(kind).file_state()["/etc/resolv.conf"], before["/etc/resolv.conf"], f"{when}: {kind}")

    def few_changed(self, kind):
        host = self.host(kind)
        return self.changed(kind, {program: host.ask(program, host.names_for(program, list(FEW))) for program in SOME})

    def wait_as_before(self, kind, when):
        """Other names are answered as before the mesh, within the promised time."""
        end, lines = time.monotonic() + SECONDS, self.few_changed(kind)
        while lines and time.monotonic() < end:
            time.sleep(0.1)
            lines = self.few_changed(kind)
        if lines:
            raise Failure(f"{when}: {lines}")

    # Names of the mesh.

    def found(self, kind, program, name=NAS, node="nas"):
        """TRUE where the answer is the node's addresses and no others."""
        answer = self.host(kind).ask(program, [name])[name].split(" ")[0]
        return sorted(answer.split(",")) == sorted(self.addresses[node])

    def wait_found(self, kind, when, seconds=SECONDS):
        """With glibc's modules, and where systemd-resolved is asked, also through its stub."""
        for program in ("new", "running", "musl") if "resolved" in self.host(kind).processes else ("new", "running"):
            wait_for(f"{when}: {NAS} found on {kind} by a program that is {program}", lambda p=program: self.found(kind, p), seconds)

    def wait_both(self, kind, when):
        self.wait_as_before(kind, when)
        self.wait_found(kind, when)

    def wait_names(self, kind, code="ok", seconds=SECONDS):
        wait_for(f"names on {kind} {code}, not {self.status(kind)['names']}", lambda: self.status(kind)["names"] == code, seconds)

    def bad_answers(self, kind, tries=3):
        """The errors that occur in every one of several rounds of questions for the mesh's names. A busy computer may take longer than the tenth of a
        second that libnss_edgeway waits for edgewayd, and answer the next time."""
        bad = self.wrong_answers(kind)
        while bad and tries > 1:
            again = self.wrong_answers(kind)
            bad = [what for what in bad if what in again]
            tries -= 1
        return bad

    def wrong_answers(self, kind):
        """By the full name in any case, by one label, by address; and what isn't there."""
        host, bad = self.host(kind), []
        for program in ("new", "running"):
            bad += [name for name in (NAS, "NAS.Demo.Internal", NAS + ".", "nas") if not self.found(kind, program, name)]
            if not self.found(kind, program, f"{kind}.{SUFFIX}", kind):
                bad.append("its own name")
            answers = host.ask(program, ["@" + address for address in self.addresses["nas"]])
            bad += [f"{address}: {answer}" for address, answer in answers.items() if answer != NAS]
            answers = host.ask(program, ["nosuch." + SUFFIX, "a." + NAS])
            bad += [f"{name}: {answer}" for name, answer in answers.items() if not answer.startswith("error")]
            if host.ask(program, ["edge." + SUFFIX])["edge." + SUFFIX].startswith("error"):
                bad.append("the edge's name")
        said = host.machine.run("getent", "hosts", "nas", check=False).stdout.split()
        if not said or said[0] not in self.addresses["nas"]:
            bad.append(f"getent hosts nas: {said}")
        return [f"{kind}: {what}" for what in bad]

    def asks_from_one_port(self, kind):
        """TRUE where a resolver that always asks from the same port has its answer: conntrack knows its flow from before a switch."""
        answer = self.host(kind).machine.run("dig", "-b", "0.0.0.0#5300", "+tries=1", "+time=2", "@" + self.world.lans[kind].server, "both0.example.org", check=False)
        return "198.18.8.0" in answer.stdout
