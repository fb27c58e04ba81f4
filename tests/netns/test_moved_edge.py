#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge that moves, in the ways that the README and app/run describe: to another address, another port, another server."""
import os
import re
import signal
import unittest

from mesh_case import SOURCE, MeshCase, wait_for

OLD, NEW = "203.0.113.5", "203.0.113.6"
STATE = "/var/lib/edgeway-edge"


class Moved(MeshCase):
    SITES = JOIN = ("laptop", "nas")

    def restart_edge(self, port, public):
        self.stop("edge")
        self.start_edge(port, public)

    def start_edge(self, port, public, machine="edge"):
        edge = self.mesh.machine(machine)
        self.mesh.running["edge"] = [edge.start(self.mesh.program("edgeway-edge"), "run", "--state-dir", STATE, "--listen", f":{port}", "--public", public, secret_output=True), None]
        wait_for("the edge's port", lambda: edge.ok("sh", "-c", f"ss -Hltn sport = :{port} | grep -q ."), 20)

    def stop(self, name):
        process, _ = self.mesh.running[name]
        process.send_signal(signal.SIGTERM)
        process.wait(20)

    def knows(self, name, endpoint, seconds=60):
        def ready():
            status = self.status(name)
            return status["state"] == "connected" and (status["edge"] or {}).get("endpoint") == endpoint and self.mesh.machine(name).ok("ping", "-n", "-c", "1", "-W", "1", "100.96.0.1")
        wait_for(f"{name} reaches the edge at {endpoint} (now {self.status(name)})", ready, seconds)

    def looks_for(self, name, endpoint):
        """In its document: a list signed by the edge, as a text inside the JSON."""
        wanted = rf'\"endpoints\":[\"{endpoint}\"]'
        wait_for(f"{name} is told {endpoint}", lambda: self.mesh.machine(name).ok("grep", "-qF", wanted, "/var/lib/edgeway/account.json"), 90)

    def wrong_name(self):
        """The edge gives out a name that nobody has, and then its address again: nodes find it where it was, after a restart as well."""
        self.restart_edge(443, "nowhere.invalid:443")
        for name in ("laptop", "nas"):
            self.looks_for(name, "nowhere.invalid:443")
        self.stop("nas")
        self.mesh.start_daemon("nas")
        self.knows("nas", f"{OLD}:443")
        self.restart_edge(443, f"{OLD}:443")
        for name in ("laptop", "nas"):
            self.looks_for(name, f"{OLD}:443")
            self.knows(name, f"{OLD}:443")

    def test_address_port_and_server(self):
        edge = self.mesh.machine("edge")
        self.knows("laptop", f"{OLD}:443")
        self.knows("nas", f"{OLD}:443")
        self.wrong_name()
        # Another address: connected nodes follow as long as the old one leads here too; others need the old one once more.
        self.stop("nas")
        edge.sysctl("net/ipv4/conf/wan/promote_secondaries", "1")
        edge.ip("addr", "add", f"{NEW}/24", "dev", "wan")
        self.restart_edge(443, f"{NEW}:443")
        self.knows("laptop", f"{NEW}:443")
        edge.ip("addr", "del", f"{OLD}/24", "dev", "wan")
        edge.ip("route", "replace", "default", "via", "203.0.113.1")
        self.knows("laptop", f"{NEW}:443")
        self.mesh.start_daemon("nas")
        edge.ip("addr", "add", f"{OLD}/32", "dev", "wan")
        self.knows("nas", f"{NEW}:443")
        edge.ip("addr", "del", f"{OLD}/32", "dev", "wan")
        # Another port: what app/run prints leads the old one there.
        with open(os.path.join(SOURCE, "app/run")) as file:
            rule = re.search(r"sudo nft '(table ip edgeway-moved .*)'", file.read()).group(1)
        self.restart_edge(8443, f"{NEW}:8443")
        edge.run("nft", rule.replace("${moved##*:}", "443").replace("$port", "8443"))
        for name in ("laptop", "nas"):
            self.knows(name, f"{NEW}:8443")
        edge.run("nft", "delete", "table", "ip", "edgeway-moved")
        for name in ("laptop", "nas"):
            self.knows(name, f"{NEW}:8443")
        # Another server, from a backup: the same keys and store under the same address.
        self.stop("edge")
        other = self.mesh.world.machine("other")
        self.mesh._plug(other, "wan", self.mesh.machine("internet"), "to-other")
        backup = edge.run("sh", "-c", f"tar -C / -c {STATE[1:]} | base64 -w0").stdout
        other.run("sh", "-c", "base64 -d | tar -C / -x", input=backup)
        edge.ip("addr", "del", f"{NEW}/24", "dev", "wan")
        other.ip("addr", "add", f"{NEW}/24", "dev", "wan")
        other.default_route("203.0.113.1")
        self.start_edge(8443, f"{NEW}:8443", "other")
        for name in ("laptop", "nas"):
            self.knows(name, f"{NEW}:8443")


if __name__ == "__main__":
    unittest.main()
