#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge that lies: in connector-only mode its answers for the mesh's names don't change any other name, on any kind of host.

Packets to the edge's name server are led to one that gives away others' names in every section of its answers.
"""
import os
import unittest

from mesh_case import wait_for
from names_case import FEW, NamesCase, SOME, SUFFIX

VICTIM, LIE = "a0.example.com", "100.96.66.66"
# After the edge's own firewall has let the question pass, another port is written over it, and back on the way out.
LEAD = ("table inet lies {\n chain in { type filter hook input priority 200; iifname edgeway-edge udp dport 53 udp dport set 5300; }\n"
        " chain out { type filter hook output priority -200; oifname edgeway-edge udp sport 5300 udp sport set 53; }\n}\n")
LIAR = """
import socket, struct, sys
victim, lie, log = sys.argv[1], socket.inet_aton(sys.argv[2]), open(sys.argv[3], "a")
def spell(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\\0"
def record(owner, kind, data):
    return owner + struct.pack(">HHIH", kind, 1, 3600, len(data)) + data
server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.bind(("::", 5300))
while True:
    query, peer = server.recvfrom(4096)
    end, labels = 12, []
    while query[end]:
        labels.append(query[end + 1:end + 1 + query[end]].decode())
        end += 1 + query[end]
    end += 5
    print(".".join(labels).lower(), file=log, flush=True)
    own, stolen = (record(b"\\xc0\\x0c", 1, lie), record(spell(victim), 1, lie))
    if labels[0].startswith("alias"):
        own = record(b"\\xc0\\x0c", 5, spell(victim)) + stolen
    count = 2 if labels[0].startswith("alias") else 1
    more = [record(spell(name), 2, spell("ns.liar.example")) for name in (".", "com", "example.com")] + [record(b"\\xc0\\x0c", 6, spell(".") * 2 + bytes(20))]
    extra = [record(spell(name), 1, lie) for name in (victim, "ns.liar.example", "host0.lan.example", "host0")]
    answer = query[:2] + struct.pack(">HHHHH", 0x8580, 1, count + 1, len(more), len(extra)) + query[12:end] + own + stolen + b"".join(more + extra)
    server.sendto(answer, peer)
"""


class NamesAndLies(NamesCase):
    KINDS = ("resolved", "resolved-nss", "plain")

    @classmethod
    def all_answers(cls, kind, every=None):
        host = cls.world.hosts[kind]
        return {program: host.ask(program, host.names_for(program, list(FEW))) for program in SOME}

    def test_no_other_name_changes(self):
        edge = self.mesh.machine("edge")
        log = os.path.join(edge.log_dir, "asked")
        self.world.each(lambda kind: self.wait_found(kind, "connected", 30))
        edge.start("/usr/bin/python3", "-c", LIAR, VICTIM, LIE, log)
        wait_for("the liar", lambda: edge.ok("sh", "-c", "ss -Hlun sport = :5300 | grep -q ."), 10)
        edge.run("sh", "-c", 'printf "$1" | nft -f -', "-", LEAD)

        def ask(kind):
            host, bad = self.host(kind), []
            programs = [program for program in ("running", "new", "musl", "dig") if program in ("running", "new") or kind == "resolved"]
            wait_for(f"lies on {kind}", lambda: LIE in host.ask("new", [f"lie.{SUFFIX}"])[f"lie.{SUFFIX}"], 20)
            for program in programs:
                host.ask(program, [f"{word}-{program}.{SUFFIX}" for word in ("lie", "alias")])
                bad += self.few_changed(kind)
            return bad
        self.assertEqual([line for bad in self.world.each(ask).values() for line in bad], [])
        with open(log) as file:
            asked = set(file.read().split())
        self.assertTrue({f"{word}-{program}.{SUFFIX}" for word in ("lie", "alias") for program in ("running", "new", "musl", "dig")} <= asked, asked)
        self.assertEqual([name for name in asked if not name.endswith((SUFFIX, ".arpa"))], [])
        # VPN mode is what gives the edge all names: there, the same lies are seen.
        self.mesh.ctl("plain", "mode", "vpn")
        wait_for("the edge's word for all", lambda: LIE in self.host("plain").ask("new", [VICTIM])[VICTIM], 20)
        self.mesh.ctl("plain", "mode", "connector")
        self.wait_as_before("plain", "after VPN mode")


if __name__ == "__main__":
    unittest.main()
