#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app in German over a fake daemon: nothing that has a translation is on the screen in English."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), *p) for p in (("..", "data"), ("..", "..", "app", "launch"))]
import desktop as desktops  # noqa: E402
from machines import wait_for  # noqa: E402
from test_translations import PO, entries  # noqa: E402

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
PYTHON = "/usr/bin/python3"
PERSON = 61370
SLOW = 60  # seconds: what two loaded cores may take
SPECIFIER = re.compile(r"%[-'0-9.]*[a-z]")
ID = "org.edgeway.Edgeway"


def enter():
    """Starts this file again in a mount namespace of its own: the person of the session has a name there, and the translation is where it is installed."""
    if os.geteuid() != 0:
        sys.exit("needs root: a mount namespace and a user of its own")
    if os.environ.get("EDGEWAY_GERMAN_TEST") != "1":
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv], dict(os.environ, EDGEWAY_GERMAN_TEST="1"))


def install(folder):
    """The build's translation, under the prefix of the build; the host does not see it."""
    with open(os.path.join(BUILD, "edgeway-config.h")) as file:
        place = os.path.join(re.search(r'EW_LOCALE_DIR "(.*)"', file.read()).group(1), "de", "LC_MESSAGES")
    there = place
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    staged = os.path.join(folder, "share")
    shutil.copytree(there, staged, symlinks=True)
    target = os.path.join(staged, os.path.relpath(place, there))
    os.makedirs(target, exist_ok=True)
    shutil.copy(os.path.join(BUILD, "po/de/LC_MESSAGES/edgeway.mo"), target)
    subprocess.run(["mount", "--bind", staged, there], check=True)
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", os.path.join(folder, "de_DE.UTF-8")], check=True)


def pieces(english):
    """The literal parts of a format, and patterns of what stands between them."""
    end = 0
    for specifier in SPECIFIER.finditer(english):
        yield english[end:specifier.start()]
        yield ".+?" if specifier.group().endswith("s") else r"[\d.]+"
        end = specifier.end()
    yield english[end:]


def untranslated():
    """Patterns of what must not be seen: English that reads otherwise in German."""
    pairs = [(english.replace('\\"', '"').replace("_", ""), german) for english, texts in entries(os.path.join(PO, "de.po")) for german in texts[:1]]
    same = {german for _, german in pairs}
    for english, german in pairs:
        literal = SPECIFIER.sub("", english)
        if english != german and english not in same and len(re.findall(r"[^\W\d_]", literal)) >= 3 and "ew1" not in english:
            yield re.compile("".join(part if part in (".+?", r"[\d.]+") else re.escape(part) for part in pieces(english)))


class German(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ewgerman.")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        schemas = os.path.join(self.folder, "schemas")
        os.makedirs(schemas)
        shutil.copy(os.path.join(BUILD, "data/schemas/gschemas.compiled"), schemas)
        self.desktop = desktops.Desktop(os.path.join(self.folder, "session"), uid=PERSON, size=(1200, 800), animations=False, environment={
            "LOCPATH": LOCALES, "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de", "GSETTINGS_SCHEMA_DIR": schemas})
        self.addCleanup(self.desktop.close)
        self.patterns = list(untranslated())

    def open(self, *options):
        for name in ("tests/lib/fake_daemon.py", "tests/lib/fake_mesh.py", "data/dbus/org.edgeway.Daemon1.xml"):
            copy = self.desktop.path("source/" + name)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copyfile(os.path.join(SOURCE, name), copy)
        bus = self.desktop.environment["DBUS_SESSION_BUS_ADDRESS"]
        self.daemon = self.desktop._popen([PYTHON, "-B", self.desktop.path("source/tests/lib/fake_daemon.py"), "--address", bus, *options], "fake-daemon",
                                          {"G_DEBUG": ""}, stdin=subprocess.PIPE, text=True, bufsize=1)
        self.app = self.desktop.start([self.desktop.bring(os.path.join(BUILD, "app/desktop/edgeway")), "--bus", bus], "edgeway")
        self.desktop.find("frame", seconds=SLOW)

    def act(self, name, *parameter, window=False):
        self.desktop.run("gdbus", "call", "--session", "--dest", ID, "--object-path", "/org/edgeway/Edgeway" + ("/window/1" if window else ""),
                         "--method", "org.gtk.Actions.Activate", name, "[" + ",".join(f"<'{text}'>" for text in parameter) + "]", "{}")

    def check(self, german):
        """german is on the screen, and nothing in English."""
        def there():
            self.assertIsNone(self.app.poll(), "the app ended")
            texts = {text for node in self.desktop.tree() for text in (node["name"], node["text"]) if text}
            return texts if any(german in text for text in texts) else None
        wait_for(f"“{german}” on the screen", there, SLOW, 1)
        time.sleep(0.3)  # real time: what follows the text is drawn in the next frames
        self.assertEqual([], sorted(text for text in there() if any(pattern.fullmatch(text) for pattern in self.patterns)))

    def test_mesh(self):
        self.open()
        self.check("Nur Connector")
        self.act("show-path", "n0000000000000005", window=True)
        self.check("Pfad zu nas")
        self.act("show-details", "n0000000000000009", window=True)
        self.check("Gateway")
        self.act("view", "list", window=True)
        self.check("Standorte")
        self.act("mode", "vpn")
        self.check("Der VPN-Modus wird erprobt")

    def test_dialogs(self):
        self.open()
        self.check("Nur Connector")
        for action, german in (("add-server", "Über diesen Rechner"), ("add-phone", "Über dieses Telefon"), ("new-mesh", "Ein Server in der Mitte"), ("diagnose", "Diagnose"), ("vpn-options", "Geräte im lokalen Netz erlauben"),
                               ("leave", "birchwood verlassen?")):
            with self.subTest(action):
                self.act(action)
                self.check(german)
                self.desktop.keys("Escape")
                self.desktop.gone(None, german, exactly=german, seconds=SLOW)

    def say(self, **command):
        self.daemon.stdin.write(json.dumps(command) + "\n")
        self.daemon.stdin.flush()

    def test_said_by_the_service(self):
        """A reason, a problem, a check and a refusal: each English with the phrase beside it that the app translates."""
        self.open()
        self.check("Nur Connector")
        template = "The edge at %s can't be reached (%s). Check this computer's network, and that the edge runs and its TCP port is open."
        message = template % ("<b>edge</b>:443", "no answer in time")
        self.say(set={"State": "reconnecting", "Reason": "edge-unreachable", "Message": message,
                      "MessagePhrase": json.dumps([template, "<b>edge</b>:443", "no answer in time"])})
        self.check("Der Edge unter <b>edge</b>:443 ist nicht erreichbar (keine rechtzeitige Antwort)")
        self.say(set={"State": "connected", "Reason": "", "Message": "", "MessagePhrase": "", "Problems": ["The route 10.7.0.0/24 isn't in use: %n."],
                      "ProblemPhrases": [json.dumps(["The route %s isn't in use: %s.", "10.7.0.0/24", "%n"])]})
        self.check("Die Route 10.7.0.0/24 wird nicht verwendet: %n.")
        name = "There is no node \"%s\". List the nodes with `edgewayctl node list`."
        self.say(fail={"Diagnose": ["NotFound", name % "nas", [name, "nas"]]})
        self.act("diagnose")
        self.check("Es gibt keinen Knoten „nas“")
        self.desktop.keys("Escape")
        # A service of another version: its sentence isn't known, or it can't say what that was made of.
        self.say(fail={"Diagnose": ["Failed", "A sentence of tomorrow: run `true`."], "GetPhrase": ["org.freedesktop.DBus.Error.UnknownMethod", "No such method"]})
        self.act("diagnose")
        self.check("A sentence of tomorrow: run „true“.")
        self.desktop.keys("Escape")
        self.say(fail={"Diagnose": None})
        self.act("diagnose")
        self.check("Tunnelschnittstellen können angelegt werden")
        self.check("neben dem Tunnel aufgelöst, bei 192.168.1.1:")
        self.check("Tragen Sie in den Netzwerkeinstellungen")

    def test_lockdown_and_https(self):
        """With the reason why the tunnel is down."""
        self.open()
        self.check("Nur Connector")
        self.say(node={"id": "n0000000000000005", "transport": "https"})
        self.check("nas, online, über HTTPS")
        self.act("show-details", "n0000000000000005", window=True)
        self.check("UDP-Pakete aus seinem Netz bleiben unbeantwortet.")
        self.say(set={"Mode": "vpn", "Lockdown": "on"})
        self.check("Nichts verlässt diesen Rechner außer über den Edge")
        template = ("This network reads TLS: the certificate that comes from %s isn't the edge's (issued by %s), so nothing is sent there. Ask whoever runs the network for an "
                    "exception for %s.")
        place = "203.0.113.5:443"
        self.say(set={"State": "reconnecting", "Reason": "tls-intercepted", "Message": template % (place, "CN=Hotel", place),
                      "MessagePhrase": json.dumps([template, place, "CN=Hotel", place])})
        self.check("Die Sperre blockiert allen Verkehr, bis Frankfurt antwortet.")
        self.check("Dieses Netz liest TLS mit")
        self.say(set={"Mode": "connector", "Lockdown": "off"})
        self.check("Die Karte zeigt den letzten Stand.")
        self.act("lockdown")
        self.check("Die Sperre erfordert den VPN-Modus")

    def test_pages(self):
        self.open("--state", "not-enrolled")
        self.check("Mit Schlüssel beitreten")
        self.act("join")
        self.check("Beitrittsschlüssel oder Link")
        self.desktop.type("text", "Beitrittsschlüssel", "eyJ")
        self.check("Das enthält keinen Beitrittsschlüssel.")

    def test_root(self):
        """What is printed without a window; the tray's words take the same path."""
        for program, german in (("desktop/edgeway", "Starten Sie sie als der angemeldete Benutzer"), ("tray/edgeway-tray", "Starten Sie es als der Benutzer")):
            told = subprocess.run([os.path.join(BUILD, "app", program)], capture_output=True, text=True, env=self.desktop.environment, timeout=30)
            self.assertEqual(1, told.returncode)
            self.assertIn(german, told.stderr)


if __name__ == "__main__":
    enter()
    LOCALES = tempfile.mkdtemp(prefix="ewgerman-locales.")
    try:
        os.chmod(LOCALES, 0o755)
        install(LOCALES)
        desktops.add_person(LOCALES, "ewgerman", PERSON)
        unittest.main(verbosity=2)
    finally:
        shutil.rmtree(LOCALES, ignore_errors=True)
