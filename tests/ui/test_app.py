#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app, as an unprivileged person, over the real edgewayd, edge and polkitd in namespaces: joining, switching, adding, refusals, and recovery from
kills."""
import os
import re
import select
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from app_case import AppCase, PERSON, SLOW, SOURCE, demo_mesh, wait_for  # noqa: E402
from machines import Failure  # noqa: E402

SERVER, SERVER_SITE = "build-01", 16
PHONE, PHONE_SITE = "pixel", 17


class Join(AppCase):
    """A computer that isn't in a mesh yet."""
    SITES = ("laptop",)
    ENROLLED = False

    def test_join(self):
        d = self.desktop
        d.press("push button", "Join With a Key")
        d.find("frame", "Join")
        d.type("text", "Enrollment key", "ew1_" + "x" * 40)
        d.find("label", "key", seconds=SLOW)
        self.assertEqual([], d.find_all("text", "Name of this computer"))
        d.type("text", "Enrollment key", self.key)
        d.find("label", f"{demo_mesh.EDGE_ADDRESS}:{demo_mesh.EDGE_PORT}")
        d.find("label", exactly="demo")
        self.assertEqual("not-enrolled", self.status()["state"], "nothing is sent before Join is chosen")
        d.type("text", "Name of this computer", "laptop")
        d.press("push button", exactly="Join")
        d.find("heading", "Joined demo", seconds=SLOW)
        d.find("label", "laptop.demo.internal", seconds=SLOW)  # which names are the mesh's
        self.wait_status(state="connected", name="laptop")
        d.press("push button", exactly="Done")
        d.window_gone("Join a Mesh")
        d.find("label", "Nobody Else Is Here Yet", seconds=SLOW)
        d.find("check box", exactly="Connect", state="CHECKED")


class Mesh(AppCase):
    def name(self, name, words=""):
        """The token of a node on the map."""
        return self.desktop.find("push button", f"{name}, {words}", seconds=SLOW)

    def menu(self, name, item):
        """One of a node's actions, from its menu on the map."""
        self.desktop.click(self.name(name))
        self.desktop.keys("Menu")
        self.desktop.press("menu item", item)

    def press_until_gone(self, label, title):
        self.desktop.press("push button", label, within=self.desktop.find("frame", title)["ref"])
        self.desktop.window_gone(title, SLOW)

    def test_connect(self):
        d = self.desktop
        d.find("check box", exactly="Connect", state="CHECKED")
        d.press("check box", exactly="Connect")
        self.wait_status(state="disconnected")
        d.find("check box", exactly="Connect", without="CHECKED")
        d.find("label", exactly="Disconnected")
        d.press("check box", exactly="Connect")
        self.wait_status(state="connected")
        d.find("check box", exactly="Connect", state="CHECKED")
        self.name("nas", "online")

    def test_mode(self):
        d = self.desktop
        d.press("check box", exactly="VPN")
        self.wait_status(mode="vpn")
        self.assertTrue(self.status()["guard_until"])
        d.find("check box", exactly="VPN", state="CHECKED")
        d.press("push button", "Undo Now")
        self.wait_status(mode="connector", guard_until=None)
        d.find("check box", exactly="Connector only", state="CHECKED")
        d.gone("push button", "Undo Now")
        d.press("check box", exactly="VPN")
        d.press("push button", exactly="Keep")
        self.wait_status(mode="vpn", guard_until=None)
        d.gone("push button", "Keep")
        d.press("check box", exactly="Connector only")
        self.wait_status(mode="connector")
        d.find("check box", exactly="VPN", without="CHECKED")

    def test_mode_of_others(self):
        """The app follows a switch that another program makes."""
        d = self.desktop
        self.mesh.ctl("laptop", "mode", "vpn")
        d.find("check box", exactly="VPN", state="CHECKED")
        d.find("push button", "Undo Now")
        self.mesh.ctl("laptop", "mode", "connector")
        d.find("check box", exactly="Connector only", state="CHECKED")
        d.gone("push button", "Undo Now")

    def test_ping(self):
        d = self.desktop
        d.press("push button", "nas, online", action="token.open", seconds=SLOW)
        d.find("heading", exactly="nas")
        d.press("push button", "Ping")
        d.find("label", "A ping came back in", seconds=SLOW)
        d.keys("F9")

    def test_rename(self):
        d = self.desktop
        self.menu("nas", "Rename")
        d.type("text", exactly="Name", text="Attic", name=None, within=d.find("frame", "Rename nas")["ref"])
        d.find("label", "lowercase letters")
        d.type("text", exactly="Name", text="attic", name=None, within=d.find("frame", "Rename nas")["ref"])
        self.press_until_gone("Rename", "Rename nas")
        self.name("attic", "online")
        self.assertEqual({"laptop", "attic"}, set(self.nodes()))
        self.mesh.ctl("laptop", "node", "rename", "attic", "nas")
        self.name("nas", "online")

    def test_service(self):
        """Added to a real mesh, with what really answers there; followed when that ends; removed."""
        d, nas = self.desktop, self.mesh.machine("nas")
        page = nas.start("/usr/bin/python3", "-c", demo_mesh.WEB_PAGE, "nas", "8123", log="page")
        self.addCleanup(page.kill)
        wait_for("the page", lambda: nas.ok("sh", "-c", "ss -Hltn sport = :8123 | grep -q ."), 20)
        self.name("nas", "online")
        d.press("push button", exactly="Add")
        d.press("menu item", "Add a Service")
        window = d.find("frame", "Add a Service", seconds=SLOW)["ref"]
        d.type("text", "Port there", "8123", within=window)
        d.find("label", "Port 80 of ha.demo.internal leads to nas:8123.", within=window, seconds=SLOW)
        d.press("push button", exactly="Add", within=window)
        d.find("label", exactly="nas:8123 answers", within=window, seconds=SLOW)
        d.press("push button", exactly="Close", within=window)
        d.press("push button", exactly="ha, service of nas:8123, works", action="token.open", seconds=SLOW)
        fetched = self.mesh.machine("laptop").run("curl", "-sS", "--noproxy", "*", "-m", "10", "http://ha.demo.internal/").stdout
        self.assertTrue(fetched.startswith("nas "), fetched)
        page.terminate()
        page.wait()
        d.press("push button", exactly="Check", seconds=SLOW)
        d.find("label", "Nothing listens on nas:8123. Start the program there", seconds=SLOW)
        d.find("push button", exactly="ha, service of nas:8123, doesn't work", seconds=SLOW)
        d.press("list item", "Remove ha")
        d.press("push button", exactly="Remove", within=d.dialog("Remove ha?")["ref"])
        d.gone("push button", "ha, service of", seconds=SLOW)
        self.assertEqual([], self.mesh.ctl_json("laptop", "service", "list")["services"])
        d.keys("F9")

    def test_server(self):
        """Added, joined with the key of that page, renamed as wished, removed."""
        d, mesh = self.desktop, self.mesh
        mesh.add_site(SERVER, SERVER_SITE)
        d.keys("ctrl+n")
        d.find("frame", "Add a Computer")
        d.type("text", "Name", "nas")
        d.find("label", "Another node is called nas.")
        d.type("text", "Name", SERVER)
        d.press("push button", exactly="Next")
        d.press("push button", "Copy Key", seconds=SLOW)
        mesh.join(SERVER, wait_for("the key on the clipboard", self.key_copied, SLOW, 0.3))
        d.find("heading", f"{SERVER} Is Online", seconds=SLOW)
        d.press("push button", exactly="Done")
        d.window_gone("Add a Computer")
        self.name(SERVER, "online")
        # The app asks first, and does nothing where the answer is no.
        self.menu(SERVER, "Remove")
        d.find("label", f"{SERVER} loses its mesh IP and tunnel")
        d.press("push button", "Cancel")
        d.gone("label", f"{SERVER} loses its mesh IP and tunnel")
        self.assertIn(SERVER, self.nodes())
        self.menu(SERVER, "Remove")
        d.find("label", f"{SERVER} loses its mesh IP and tunnel")
        d.press("push button", "Remove", within=d.dialog("loses its mesh IP")["ref"])
        d.gone("push button", f"{SERVER}, ", seconds=SLOW)
        self.assertNotIn(SERVER, self.nodes())
        self.wait_status(SERVER, state="removed")

    def key_copied(self):
        text = self.desktop.run("xclip", "-o", "-selection", "clipboard", check=False).stdout
        return re.fullmatch(r"ew1_[A-Za-z0-9_-]+", text) and text

    def test_phone(self):
        """The code is read from the screen, as a phone does."""
        d, mesh = self.desktop, self.mesh
        mesh.add_site(PHONE, PHONE_SITE)
        d.press("push button", exactly="Add")
        d.press("menu item", "Phone")
        d.find("frame", "Add a Phone")
        d.type("text", "Name", PHONE)
        d.press("push button", exactly="Next")
        d.find("label", "Scan from QR code", seconds=SLOW)
        mesh.phone_config = wait_for("a code on the screen", self.code, SLOW, 0.5)
        self.assertIn("PrivateKey", mesh.phone_config)
        self.start_phone()
        d.find("heading", f"{PHONE} Is Online", seconds=SLOW)
        d.press("push button", exactly="Done")
        d.window_gone("Add a Phone")
        self.name(PHONE, "online")
        mesh.ctl("laptop", "node", "remove", PHONE)
        d.gone("push button", f"{PHONE}, ", seconds=SLOW)

    def code(self):
        path = os.path.join(self.mesh.world.folder, "code.png")
        self.desktop.picture(path)
        read = subprocess.run(["zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", path], capture_output=True, text=True)
        return read.stdout if "[Interface]" in read.stdout else None

    def start_phone(self):
        world = self.mesh.world
        world.machines["phone"] = world.machines[PHONE]
        self.mesh.start_phone()
        self.mesh.machine("phone").start("ping", "-q", "-i", "1", demo_mesh.SERVICE)

    def test_killed_daemon(self):
        d = self.desktop
        process, start = self.mesh.running["laptop"]
        process.kill()
        process.wait()
        d.gone("check box", exactly="Connect", seconds=SLOW)
        self.mesh.running["laptop"][0] = start()
        d.find("check box", exactly="Connect", state="CHECKED", seconds=SLOW)
        self.name("nas", "online")

    def test_killed_edge(self):
        d = self.desktop
        process, start = self.mesh.running["edge"]
        process.kill()
        process.wait()
        d.find("label", "Reconnecting", seconds=SLOW)
        self.mesh.running["edge"][0] = start()
        self.wait_status(state="connected")
        d.find("label", exactly="Connected", seconds=SLOW)
        self.name("nas", "online")


class Authorization(AppCase):
    """What polkit says to the person at the screen."""
    SITES = ("laptop",)

    def rule(self, result, action="org.edgeway.connect"):
        """From now on polkit answers so for the person's action."""
        path = os.path.join(self.mesh.bus.folder, "rules", "05-test.rules")
        with open(path, "w") as file:
            file.write('polkit.addRule(function (action, subject) { if (action.id == "%s" && subject.user == "%s") return %s; });\n' % (action, PERSON, result))

    def polkit(self, *options, action="org.edgeway.connect"):
        laptop = self.mesh.machine("laptop")
        return laptop.run("pkcheck", "--action-id", action, "--process", str(self.desktop.app.pid), *options, check=False).returncode

    def agent(self, what):
        argv = [sys.executable, "-B", os.path.join(SOURCE, "tests/lib/polkit_agent.py"), str(self.desktop.app.pid), what]
        environment = {k: v for k, v in os.environ.items() if k != "DBUS_SYSTEM_BUS_ADDRESS"}
        agent = subprocess.Popen(self.mesh.machine("laptop").command(argv), stdout=subprocess.PIPE, text=True, env=environment)
        self.addCleanup(agent.stdout.close)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.terminate)
        self.assertEqual("registered\n", agent.stdout.readline())
        return agent

    def said(self, agent, seconds=SLOW):
        ready, _, _ = select.select([agent.stdout], [], [], seconds)
        return agent.stdout.readline().strip() if ready else None

    def wait_rule(self, code, **options):
        wait_for("polkit knows the rule", lambda: self.polkit(**options) == code, SLOW)

    def tearDown(self):
        path = os.path.join(self.mesh.bus.folder, "rules", "05-test.rules")
        if os.path.exists(path):
            os.unlink(path)
        self.wait_rule(0)
        super().tearDown()

    def test_refused(self):
        d = self.desktop
        self.rule("polkit.Result.NO")
        self.wait_rule(1)
        d.press("check box", exactly="Connect")
        d.find("label", "policy doesn't let you do that", seconds=SLOW)
        self.assertEqual("connected", self.status()["state"])
        d.find("check box", exactly="Connect", state="CHECKED")

    def test_map_refused_and_tried_again(self):
        """A person whom polkit refuses the map, as one without a session: the page says so, and tries again when asked."""
        d, topology = self.desktop, "org.edgeway.topology"
        self.rule("polkit.Result.NO", topology)
        self.wait_rule(1, action=topology)
        d.shut()
        d.open(self.mesh.bus.address)
        d.find("label", "The Map Can't Be Shown", seconds=SLOW)
        d.press("push button", exactly="Try Again")  # in vain
        d.find("push button", exactly="Try Again", seconds=SLOW)
        os.unlink(os.path.join(self.mesh.bus.folder, "rules", "05-test.rules"))
        self.wait_rule(0, action=topology)

        def tried():
            """A slow app may handle the unsuccessful press only now."""
            if d.find_all("label", "Nobody Else Is Here Yet"):
                return True
            try:
                d.press("push button", exactly="Try Again", seconds=2)
            except Failure:
                pass
            return False
        wait_for("the map", tried, SLOW, 0.5)

    def test_dismissed(self):
        d = self.desktop
        self.rule("polkit.Result.AUTH_ADMIN")
        self.wait_rule(2)
        agent = self.agent("dismiss")
        before = {node["name"] for node in d.find_all("label")}
        d.press("check box", exactly="Connect")
        self.assertEqual("asked org.edgeway.connect: Authentication is required to let Edgeway disconnect this computer from its mesh", self.said(agent))
        self.assertEqual("connected", self.status()["state"])
        d.find("check box", exactly="Connect", state="CHECKED")
        new = {node["name"] for node in d.find_all("label")} - before
        self.assertEqual(set(), {words for words in new if not re.search(r"\d", words)}, "a dismissed prompt says nothing")


if __name__ == "__main__":
    unittest.main()
