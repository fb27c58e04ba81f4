#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flatpak has the permissions that its README explains, and everything is built from pinned sources; software centers get correct data."""
import datetime
import json
import os
import re
import shutil
import struct
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
APP_ID = "org.edgeway.Edgeway"
METAINFO = f"{TOP}/data/metainfo/{APP_ID}.metainfo.xml"
PERMISSIONS = {"--socket=wayland", "--socket=fallback-x11", "--share=ipc", "--device=dri", "--system-talk-name=org.edgeway.Daemon1",
               "--talk-name=org.kde.StatusNotifierWatcher"}
# The ID is a D-Bus name and has been installed; AppStream before 1.0 doesn't know who develops.
HINTS = {f"cid-contains-uppercase-letter {APP_ID}", "unknown-tag developer"}


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def png_size(path):
    with open(path, "rb") as file:
        return struct.unpack(">II", file.read(24)[16:])


class Manifest(unittest.TestCase):
    manifest = json.loads(read(f"flatpak/{APP_ID}.json"))

    def test_permissions(self):
        given = self.manifest["finish-args"]
        self.assertEqual(len(given), len(set(given)))
        self.assertEqual(set(given), PERMISSIONS)
        explained = re.findall(r"^\| `(--[^`]+)` \| \S", read("flatpak/README.md"), re.M)
        self.assertEqual(sorted(explained), sorted(given), "flatpak/README.md says why, for each permission once")

    def test_names(self):
        self.assertEqual(self.manifest["id"], APP_ID)
        self.assertIn(f"app_id = '{APP_ID}'", read("meson.build"))
        self.assertEqual(self.manifest["command"], "edgeway")

    def test_sources_are_pinned(self):
        *others, own = self.manifest["modules"]
        self.assertEqual(own["sources"], [{"type": "git", "path": "..", "branch": "HEAD"}])
        for module in others:
            for source in module["sources"]:
                with self.subTest(module=module["name"]):
                    self.assertEqual(source["type"], "archive")
                    self.assertTrue(source["url"].startswith("https://"))
                    self.assertRegex(source["sha256"], "^[0-9a-f]{64}$")

    def test_options_are_there(self):
        options = re.findall(r"^option\('(\w+)'", read("meson_options.txt"), re.M)
        given = [option[2:].split("=")[0] for option in self.manifest["modules"][-1]["config-opts"]]
        self.assertEqual([name for name in given if name not in options], [])
        self.assertLessEqual({"app", "tray", "daemon", "edge", "tests"}, set(given))


class Metainfo(unittest.TestCase):
    root = ElementTree.parse(METAINFO).getroot()

    def test_pedantic(self):
        if shutil.which("appstreamcli") is None:
            self.skipTest("appstreamcli isn't installed")
        done = subprocess.run(["appstreamcli", "validate", "--pedantic", "--no-net", METAINFO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        hints = re.findall(rf"^[EWIP]: {APP_ID}:\S+: (.*)$", done.stdout, re.M)
        self.assertEqual([hint for hint in hints if hint not in HINTS], [], done.stdout)

    def test_relaxed(self):
        if shutil.which("appstream-util") is None:
            self.skipTest("appstream-util isn't installed")
        done = subprocess.run(["appstream-util", "validate-relax", "--nonet", METAINFO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_releases(self):
        releases = self.root.findall("releases/release")
        self.assertEqual(releases[0].get("version"), re.search(r"version: '([^']+)'", read("meson.build")).group(1))
        dates = [datetime.date.fromisoformat(release.get("date")) for release in releases]
        self.assertEqual(dates, sorted(dates, reverse=True))
        for release in releases:
            self.assertTrue("".join(release.find("description").itertext()).strip(), release.get("version"))

    def test_screenshots(self):
        shots = self.root.findall("screenshots/screenshot")
        self.assertEqual([shot.get("type") for shot in shots].count("default"), 1)
        for shot in shots:
            image = shot.find("image")
            with self.subTest(image=image.text):
                self.assertTrue(shot.findtext("caption"))
                self.assertLessEqual(len(shot.findtext("caption")), 50)
                self.assertEqual(png_size(f"{TOP}/data/screenshots/{os.path.basename(image.text)}"), (int(image.get("width")), int(image.get("height"))))

    def test_what_it_names_is_there(self):
        self.assertEqual(self.root.findtext("id"), APP_ID)
        entry = read(f"data/desktop/{self.root.findtext('launchable')}")
        for scheme in self.root.findall("provides/mediatype"):
            self.assertIn(f"MimeType={scheme.text};", entry)
        self.assertEqual({binary.text for binary in self.root.findall("provides/binary")}, {"edgeway", "edgeway-tray"})
        self.assertEqual(self.root.findtext("provides/dbus"), APP_ID)
        colors = {color.get("scheme_preference"): color.text for color in self.root.findall("branding/color")}
        self.assertEqual(set(colors), {"light", "dark"})
        for color in colors.values():
            self.assertRegex(color, "^#[0-9a-f]{6}$")


if __name__ == "__main__":
    unittest.main()
