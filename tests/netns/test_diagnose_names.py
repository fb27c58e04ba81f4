#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`edgewayctl diagnose` where the mesh's names conflict with others: it says which ones win, and a command that helps."""
import json
import re
import unittest

import resolver_world
from mesh_case import Failure, MeshCase, wait_for

SUFFIX, KINDS = "demo.internal", ("plain", "resolved")


class DiagnoseNames(MeshCase):
    SITES = JOIN = ("nas",)

    @classmethod
    def prepare(cls):
        cls.world = resolver_world.ResolverWorld(cls.mesh, KINDS)
        cls.addClassCleanup(cls.world.close)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keys = {kind: cls.mesh.ctl("nas", "node", "add", kind).stdout.strip() for kind in KINDS}
        cls.world.each(lambda kind: cls.mesh.join(kind, keys[kind]))
        cls.world.each(cls.names_work)

    @classmethod
    def names_work(cls, kind):
        def status():
            return cls.mesh.ctl_json(kind, "status")
        try:
            wait_for(f"names on {kind}", lambda: status()["names"] == "ok", 30)
        except Failure as failure:
            raise Failure(f"{failure}: {status()}") from None

    def checks(self, kind):
        """{check: (result, message, fix)} of those about names; the worst one of several."""
        found = {}
        for check in json.loads(self.ctl(kind, "diagnose", "--json", check=False).stdout)["checks"]:
            if check["check"].split("-")[0] == "names":
                result = "warning" if check["warning"] else {True: "good", False: "bad", None: "unknown"}[check["ok"]]
                self.assertEqual(bool(check["fix"]), result in ("bad", "warning"), check)
                if found.get(check["check"], ("good",))[0] == "good":
                    found[check["check"]] = (result, check["message"], check["fix"])
        return found

    def expect(self, kind, check, *says):
        """That check warns, with these words; all others are good. Its fix."""
        checks = self.checks(kind)
        self.assertEqual({name for name, (result, *_) in checks.items() if result != "good"}, {check}, checks)
        for words in says:
            self.assertIn(words, checks[check][1])
        return checks[check][2]

    def assert_well(self, kind, *there):
        checks = self.checks(kind)
        self.assertEqual({name: result for name, (result, *_) in checks.items() if result != "good"}, {}, checks)
        for check in there:
            self.assertIn(check, checks)

    def paste(self, kind, fix):
        """Runs what is in backquotes, as a person would."""
        command = re.search(r"`(?:sudo )?([^`]+)`", fix).group(1)
        self.world.hosts[kind].machine.run("sh", "-c", command)

    def test_all_is_well(self):
        self.assert_well("plain", "names", "names-hosts", "names-lan", "names-domain", "names-order")
        self.assert_well("resolved", "names", "names-hosts", "names-lan", "names-domain")

    def test_a_hosts_file(self):
        host = self.world.hosts["plain"]
        before = host.read("/etc/hosts")
        self.addCleanup(host.write, "/etc/hosts", before)
        host.write("/etc/hosts", before + "\n10.0.0.9 nas # the old one\n")
        line = host.read("/etc/hosts").count("\n")
        fix = self.expect("plain", "names-hosts", f"Line {line} of /etc/hosts says that nas is 10.0.0.9", "That line wins")
        self.assertIn(f"nas.{SUFFIX}", fix)
        self.assertRegex(host.machine.run("getent", "ahosts", "nas").stdout, r"\A10\.0\.0\.9 ")
        self.paste("plain", fix)
        self.assert_well("plain")

    def test_the_lan_has_the_suffix(self):
        lan = self.world.lans["plain"]
        with open(lan.config) as file:
            config = file.read()
        for line, says in ((f"host-record=plain.{SUFFIX},192.168.20.7", f"has names below {SUFFIX}, too"), (f"address=/{SUFFIX}/192.168.20.8", "answers for every name")):
            with open(lan.config, "w") as file:
                file.write(f"{line}\n" + config.replace(f"local=/{SUFFIX}/\n", ""))
            lan.stop()
            lan.start()
            fix = self.expect("plain", "names-lan", f"name server {lan.server}", says, "the mesh's answers win")
            self.assertIn("suffix=", fix)
            self.assertIn("100.96.", self.world.hosts["plain"].machine.run("getent", "ahostsv4", f"edge.{SUFFIX}").stdout)
        with open(lan.config, "w") as file:
            file.write(config)
        lan.stop()
        lan.start()
        self.assert_well("plain")

    def test_another_interface_has_the_domain(self):
        machine = self.world.hosts["resolved"].machine
        machine.run("resolvectl", "domain", "eth0", SUFFIX)
        fix = self.expect("resolved", "names-domain", f"eth0 has the domain {SUFFIX}, too", "the first answer wins")
        self.paste("resolved", fix)
        self.assert_well("resolved")
        machine.run("resolvectl", "domain", "eth0", f"corp.{SUFFIX}")
        self.expect("resolved", "names-domain", f"eth0 has the domain corp.{SUFFIX}", "not the edge")
        self.world.hosts["resolved"].set_link()

    def test_a_name_server_behind_a_gateway(self):
        """It doesn't run, then it does."""
        nas, address = self.mesh.machine("nas"), self.mesh.ctl_json("nas", "status")["addresses"][0]
        self.ctl("nas", "name", "add", "corp.example", "nas", "--resolver", address)
        self.addCleanup(wait_for, "the domain is forgotten", lambda: "names-gateway" not in self.checks("plain"), 20, 0.5)
        self.addCleanup(self.ctl, "nas", "name", "remove", "corp.example")
        wait_for("the offer", lambda: self.mesh.ctl_json("plain", "name", "list")["domains"], 20)
        self.ctl("plain", "name", "accept", "corp.example")
        wait_for("this computer knows the domain", lambda: "names-gateway" in self.checks("plain"), 20, 0.5)
        fix = self.expect("plain", "names-gateway", f"The name server {address} of corp.example, behind nas, doesn't answer the edge.")
        self.assertIn("On nas, ", fix)
        nas.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces", f"--listen-address={address}",
                  "--log-facility=-", "--pid-file=", "--user=root", "--address=/corp.example/10.77.0.44", log="dnsmasq-corp")
        wait_for("the edge gets an answer", lambda: self.checks("plain").get("names-gateway", ("",))[0] == "good", 30, 1)
        self.assert_well("plain", "names-gateway")

    def test_nothing_is_asked_on_the_internet(self):
        """Only this network's name servers are asked, and only while `diagnose` runs."""
        lan, size = self.world.lans["resolved"], self.world.lans["resolved"].log_size()
        self.checks("resolved")
        asked = [name for name in lan.asked(size) if name.endswith(SUFFIX)]
        self.assertEqual(len(asked), 3, asked)
        self.assertIn(SUFFIX, asked)


if __name__ == "__main__":
    unittest.main()
