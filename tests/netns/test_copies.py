# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that was set back, one whose clock went back, and one that is there twice: what can recover does so without help, and what can't is
reported."""
import json
import os
import signal
import time
import unittest

from mesh_case import BUILD, MeshCase, wait_for

STATE = "/var/lib/edgeway/account.json"
WRONG_CLOCK = os.path.join(BUILD, "tests/lib/wrong-clock.so")
DAY = 86400
# What the node's older version would have said.
SAY_OLD = f"""
import http.client, json, ssl
state = json.load(open("{STATE}"))["identity"]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
edge = http.client.HTTPSConnection(state["api"][0].removeprefix("https://"), context=context)
edge.request("PATCH", "/v1/self", json.dumps({{"os": "Debian 11", "version": "0.0.1"}}), {{"Authorization": "Bearer " + state["id"] + "." + state["credential"]}})
print(edge.getresponse().status)
"""


class Copies(MeshCase):
    SITES, JOIN = ("laptop", "nas", "phone"), ("laptop", "nas")

    def kill(self, name):
        process, start = self.mesh.running[name]
        process.send_signal(signal.SIGKILL)
        process.wait()
        return start

    def revive(self, name):
        self.mesh.running[name][0] = self.mesh.running[name][1]()
        wait_for(f"edgewayd on {name}", lambda: self.mesh.machine(name).ok(self.mesh.program("edgewayctl"), "status"), 20)

    def write_state(self, name, state):
        self.mesh.machine(name).run("sh", "-c", f"umask 077; cat > {STATE}", input=json.dumps(state))

    def set_back(self, name, days):
        """Killed twice, so that it has stored a higher floor than it has sent; then its state is lost."""
        self.kill(name)
        self.revive(name)
        self.wait_state(name, "connected")
        self.kill(name)
        state = json.loads(self.mesh.machine(name).run("cat", STATE).stdout)
        state["settings"]["timestamp_floor_ns"] -= days * DAY * 10**9
        self.write_state(name, state)

    def log(self, name):
        with open(self.mesh.running[name][0].log_path) as file:
            return file.read()

    def on_map(self, name):
        return next(node for node in self.mesh.ctl_json("laptop", "map")["nodes"] if node["name"] == name)

    def test_restored(self):
        """The edge says by its API what to go on from; and where the API is out of reach it starts the handshake."""
        self.assertIsNone(self.on_map("nas")["problem"])
        self.set_back("nas", 1)
        self.revive("nas")
        self.wait_state("nas", "connected", 20)
        self.assertIn("they go on from what the edge says", self.log("nas"))
        self.assertEqual(self.status("nas")["reason"], "")
        self.set_back("nas", 1)
        nas = self.mesh.machine("nas")
        nas.nft("table inet quiet {\n chain out {\n type filter hook output priority 0\n tcp dport 443 drop\n }\n}\n")
        self.addCleanup(nas.run, "nft", "delete", "table", "inet", "quiet", check=False)
        self.revive("nas")
        self.wait_state("nas", "connected", 40)
        wait_for("the map says so", lambda: self.on_map("nas")["problem"] == "restored", 10)
        self.assertEqual(self.status("nas")["reason"], "")  # it has recovered: nothing to do

    def test_clock_behind(self):
        self.set_back("nas", 2)
        os.environ.update(LD_PRELOAD=WRONG_CLOCK, WRONG_CLOCK_SECONDS=str(DAY))
        try:
            self.mesh.running["nas"][0] = self.mesh.running["nas"][1]()
        finally:
            del os.environ["LD_PRELOAD"], os.environ["WRONG_CLOCK_SECONDS"]
        wait_for("edgewayd", lambda: self.mesh.machine("nas").ok(self.mesh.program("edgewayctl"), "status"), 20)
        self.wait_state("nas", "connected", 40)
        wait_for("the map says so", lambda: self.on_map("nas")["problem"] == "clock-behind", 10)
        self.assertAlmostEqual(self.on_map("nas")["clock_behind_seconds"], DAY, delta=120)
        wait_for("it is told", lambda: self.status("nas")["reason"] == "clock-behind", 30)
        self.assertIn("clock", self.status("nas")["message"])
        self.assertIn("clock of node nas", self.log("edge"))
        # With its own clock again it starts the handshakes itself, and the problem has ended.
        self.kill("nas")
        state = json.loads(self.mesh.machine("nas").run("cat", STATE).stdout)
        state["settings"]["timestamp_floor_ns"] = int((time.time() + 7200) * 10**9)
        self.write_state("nas", state)
        self.revive("nas")
        self.wait_state("nas", "connected", 20)
        wait_for("the problem has ended", lambda: self.on_map("nas")["problem"] is None, 10)

    def test_two_machines(self):
        """The original is idle when the clone appears."""
        for how in (signal.SIGTERM, signal.SIGKILL):  # a program that is started again isn't a second machine
            self.mesh.restart("nas", how)
            wait_for("edgewayd", lambda: self.mesh.machine("nas").ok(self.mesh.program("edgewayctl"), "status"), 20)
            self.wait_state("nas", "connected")
        self.assertNotEqual(self.on_map("nas")["problem"], "two-machines")
        copy = self.mesh.machine("nas").run("sh", "-c", "tar -C /var/lib/edgeway --exclude=lock --exclude=undo -c . | base64").stdout
        self.mesh.machine("phone").run("sh", "-c", "base64 -d | tar -C /var/lib/edgeway -x", input=copy)
        self.mesh.start_daemon("phone")
        wait_for("the edge has noticed", lambda: "Two computers use the identity of node nas" in self.log("edge"), 25)
        for name in ("nas", "phone"):
            wait_for(f"{name} is told", lambda: self.status(name)["reason"] == "two-machines", 40)
            self.assertIn("cloned", self.status(name)["message"])
        self.assertEqual(self.on_map("nas")["problem"], "two-machines")
        self.kill("phone")

    def test_upgraded(self):
        """The map shows what a node runs now: the edge is told by a node that runs something other than at its enrollment."""
        was = self.on_map("nas")
        nas = self.mesh.machine("nas")
        self.assertEqual(nas.run("/usr/bin/python3", "-c", SAY_OLD).stdout.strip(), "200")
        self.assertEqual((self.on_map("nas")["os"], self.on_map("nas")["version"]), ("Debian 11", "0.0.1"))
        self.kill("nas")
        state = json.loads(nas.run("cat", STATE).stdout)
        del state["identity"]["told_version"]  # as an older version left it
        self.write_state("nas", state)
        self.revive("nas")
        wait_for("the map to show the new version", lambda: all(self.on_map("nas")[member] == was[member] for member in ("os", "version")), 25)


if __name__ == "__main__":
    unittest.main()
