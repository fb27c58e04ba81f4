#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is painted, checked by a program: no text overlaps other text, is cut without a tooltip, or is too faint to be read. The checks
themselves first, by reports that are made up; then the screens that show the most. tests/ui/pictures goes through all of them."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fake_session  # noqa: E402
import screen_check  # noqa: E402
import test_german  # noqa: E402
from fake_daemon import make_key  # noqa: E402
from fake_session import SLOW  # noqa: E402
from pictured_case import SCHEMES, VIEWS, PicturedCase, View  # noqa: E402

NAS = "n0000000000000005"
BLACK, GREY = [0, 0, 0, 1], [0.7, 0.7, 0.7, 1]


class Checks(unittest.TestCase):
    def judge(self, painted, labels=(), background=(255, 255, 255)):
        report = screen_check.Report({"window": "", "type": "EwWindow", "width": 40, "height": 20, "least": 40})
        report.painted += painted
        report.labels += labels
        seen = screen_check.seen_words(report)
        return screen_check.cut_words(report, seen) + screen_check.overlaps(report, seen) + screen_check.faint_words(report, seen, bytes(background) * 800, (40, 20))

    @staticmethod
    def words(text, box, colour=BLACK, cut=False, turned=False):
        return {"words": box, "text": text, "cut": cut, "turned": turned, "colour": colour}

    def test_nothing_wrong(self):
        self.assertEqual([], self.judge([self.words("a", [0, 0, 10, 8]), self.words("b", [10, 0, 10, 8])]))

    def test_overlap(self):
        one, other = self.words("a", [0, 0, 10, 8]), self.words("b", [5, 2, 10, 8])
        self.assertEqual(["“a” and “b” lie on each other"], self.judge([one, other]))
        self.assertEqual([], self.judge([one, dict(other, turned=True)]), "its box is larger than it is")

    def test_hidden(self):
        one, other = self.words("a", [0, 0, 10, 8]), self.words("b", [5, 2, 10, 8])
        self.assertEqual([], self.judge([one, {"fill": [0, 0, 20, 20]}, other]), "what is below a page is not seen")
        self.assertEqual(["half hidden: “a”"], self.judge([one, {"fill": [5, 0, 20, 20]}]))

    def test_cut(self):
        self.assertEqual(["cut: “abc”"], self.judge([self.words("abc", [0, 0, 10, 8], cut=True)]))
        label = {"label": [0, 0, 10, 8], "text": "abc", "cut": True, "tooltip": ""}
        self.assertEqual(["cut, and no tooltip says the rest: “abc”"], self.judge([self.words("abc", [0, 0, 10, 8])], [label]))
        self.assertEqual([], self.judge([self.words("abc", [0, 0, 10, 8])], [dict(label, tooltip="abc")]))

    def test_faint(self):
        self.assertEqual(["faint (2.1 : 1): “a”"], self.judge([self.words("a", [0, 0, 10, 8], GREY)]))
        self.assertEqual([], self.judge([self.words("a", [0, 0, 10, 8], GREY)], background=(0, 0, 0)))


def serve(case):
    """Services that work, that don't, and many at one node."""
    case.daemon.set(Suffix="birchwood.internal", Names="ok")
    case.daemon.say(answers={"web:8080": "refuses"})
    for name, target, port, state in (("ha", "nas:8123", "80", "answers"), ("photos", "nas:2342", "443", "answers"), ("shop", "web:8080", "80", "refuses"),
                                      ("phone", "pixel-8:8080", "80", "offline"), *((f"app-{i}", f"homeassistant:{9000 + i}", str(9000 + i), "answers") for i in range(12))):
        case.daemon.say(service={"name": name, "targets": [target], "ports": [port], "state": state})


class Wide(PicturedCase):
    VIEW, NAME = VIEWS["wide"], "wide"

    def test_screens(self):
        self.start()
        self.settle_traffic()
        self.shoot("map")
        self.window_act("show-path", NAS)
        self.shoot("path")
        self.window_act("view", "list")
        self.shoot("list")
        self.window_act("show-details", NAS)
        self.shoot("details beside the list")
        self.daemon.set(State="error")
        self.shoot("error")

    def test_services(self):
        self.start()
        serve(self)
        self.settle_traffic()
        self.shoot("services")
        self.window_act("show-details", "s0000000000000003")
        self.shoot("service that doesn't work")
        self.window_act("show-details", NAS)
        self.shoot("node with services")
        self.window_act("view", "list")
        self.shoot("services in the list")
        self.dialog("add a service", "add-service", window=True)
        self.desktop.type("text", "Port there", "8123")
        self.shoot("add a service, proposed")
        self.desktop.press("push button", exactly="Add", within=self.desktop.find("frame", "Add a Service")["ref"])
        self.desktop.find("label", exactly="nas:8123 answers", seconds=SLOW)
        self.shoot("service added")

    def test_https_and_lockdown(self):
        self.start()
        self.daemon.say(node={"id": NAS, "transport": "https"})
        self.daemon.set(Mode="vpn", Lockdown="on")
        self.settle_traffic()
        self.shoot("map")
        self.window_act("show-path", NAS)
        self.shoot("path")
        self.window_act("show-details", NAS)
        self.shoot("details")
        self.daemon.set(State="disconnected")
        self.shoot("blocked")


class Narrow(PicturedCase):
    VIEW, NAME = VIEWS["narrow"], "narrow"

    def test_screens(self):
        self.start("--state", "not-enrolled")
        self.shoot("not enrolled")
        self.dialog("join", "join")
        self.escape()
        self.daemon.set(State="connected", Mesh="birchwood", EdgeName="Frankfurt", Role="admin", NodeName="thinkpad")
        self.settle_traffic()
        self.shoot("map")
        self.dialog("server", "add-server")
        self.escape()
        self.daemon.set(Mode="vpn", Lockdown="on")
        self.shoot("lockdown")
        self.dialog("VPN options", "vpn-options")


class Large(PicturedCase):
    VIEW, NAME = VIEWS["large"], "large"

    def test_services(self):
        self.start()
        serve(self)
        self.settle_traffic()
        self.shoot("services")
        self.window_act("show-details", "s0000000000000001")
        self.shoot("service")

    def test_screens(self):
        self.start()
        self.settle_traffic()
        self.shoot("map")
        self.daemon.say(node={"id": NAS, "name": "backup-of-everything-in-the-attic-and-in-the-cellar-0123456789"})
        self.window_act("show-path", NAS)
        self.shoot("path")


class NarrowAndLarge(PicturedCase):
    """At twice the text a list's cells have everything below one another."""
    VIEW, NAME = View((360, 740), 2, "light", False, False), "narrow and large"

    def test_list(self):
        """A state that leaves no room for a latency beside it."""
        self.start()
        self.daemon.say(node={"id": NAS, "name": "backup-of-everything-in-the-attic-and-in-the-cellar-0123456789"})
        self.settle_traffic()
        self.window_act("show-details", NAS)
        self.rest()
        self.window_act("view", "list")
        self.rest()
        self.alive()


class Worst(PicturedCase):
    """Long words in large text on a small screen: no window is wider or higher than it, and no words are cut that nothing says the rest of."""
    VIEW, NAME = VIEWS["worst"], "worst"

    @classmethod
    def setUpClass(cls):
        locales = tempfile.TemporaryDirectory(prefix="edgeway-locales-")
        cls.addClassCleanup(locales.cleanup)
        os.chmod(locales.name, 0o755)
        test_german.install(locales.name)
        cls.ENVIRONMENT = SCHEMES[cls.VIEW.scheme] | {"LOCPATH": locales.name, "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}

    def test_mesh(self):
        self.start()
        self.settle_traffic()
        self.shoot("list")
        self.dialog("leave", "leave")
        self.escape()
        self.dialog("rename", "rename-node", NAS, window=True)
        self.escape()
        self.dialog("share a network", "share-network", NAS, window=True)
        self.escape()
        serve(self)
        self.dialog("add a service", "add-service", window=True)
        self.desktop.type("text", "Port dort", "8080")
        self.shoot("add a service, proposed")
        self.escape()
        self.window_act("show-details", "s0000000000000003")
        self.shoot("service")
        self.window_act("details")
        self.daemon.say(split={"excluded": ["2001:db8:1234:5678::/64"], "included": ["198.51.100.7/32"]}, node={"id": NAS, "transport": "https"})
        self.dialog("VPN options", "vpn-options")
        self.escape()
        self.daemon.say(tailscale="fixed")
        self.dialog("diagnosis with a fix", "diagnose")
        self.escape()
        self.daemon.set(Mode="vpn", Lockdown="on")
        self.shoot("lockdown")
        asks = "The proxy proxy.example.net:3128 asks for a user name and a password."
        self.daemon.set(State="reconnecting", Reason="proxy-password", Message=asks, ProxyAsks="proxy.example.net:3128")
        self.shoot("a proxy asks")
        self.dialog("the proxy's password", "proxy-password")
        self.escape()
        self.daemon.set(State="connected", Reason="", Message="", ProxyAsks="", Mode="connector", Lockdown="off")
        self.window_act("show-details", NAS)
        self.shoot("details")
        self.window_act("details")
        self.window_act("view", "map")
        self.daemon.set(State="error")
        self.shoot("error above the map")

    def test_wizard(self):
        self.start("--state", "not-enrolled")
        self.shoot("not enrolled")
        self.dialog("new mesh", "new-mesh")
        self.escape()
        self.dialog("join", "join")
        self.desktop.run("xdotool", "type", make_key("admin", "good"))
        self.shoot("what is in the key")

    def test_two_lines(self):
        """They are long, and wrap in their own row."""
        self.start("--packages")
        self.dialog("a computer", "add-server")
        self.desktop.type("text", "Name", "lobby")
        self.desktop.press("push button", exactly="Weiter", seconds=SLOW)
        self.desktop.find("heading", "lobby einrichten", seconds=SLOW)
        self.shoot("two lines")


if __name__ == "__main__":
    fake_session.main()
