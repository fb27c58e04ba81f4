#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RPM packages' spec: rpm understands it, it names each file that is installed, and it has the program's version. tests/clean/rpm builds
the packages."""
import fnmatch
import json
import os
import re
import subprocess
import unittest

SOURCE = os.environ["EDGEWAY_SOURCE"]
BUILD = os.environ["EDGEWAY_BUILD"]
SPEC = os.path.join(SOURCE, "data/rpm/edgeway.spec")
MACROS = os.path.join(SOURCE, "data/rpm/macros.debian")


def spec(*argv):
    return subprocess.run(["rpmspec", "--load", MACROS, *argv, SPEC], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, timeout=60).stdout


def listed():
    """The files of all packages: patterns."""
    found, inside = [], False
    for line in spec("--parse").splitlines():
        if line.startswith("%"):
            inside = line.startswith("%files") or (inside and re.match(r"%(dir|doc|license|attr|config)\b", line))
        if inside and not line.startswith(("%files", "#")) and line.strip():
            words = [word for word in re.sub(r"%\w+(\([^)]*\))?", "", line).split() if word.startswith("/")]
            found += words
    return found


def installed():
    """What meson installs, as on Fedora: with its folders for libraries and for zsh's completions."""
    with open(os.path.join(BUILD, "meson-info/intro-installed.json"), encoding="utf-8") as file:
        paths = json.load(file).values()
    return sorted({re.sub(r"^/usr/lib/[^/]+-linux-[^/]+/", "/usr/lib64/", path).replace("/zsh/vendor-completions/", "/zsh/site-functions/") for path in paths})


class Rpm(unittest.TestCase):
    def test_version(self):
        with open(os.path.join(SOURCE, "meson.build"), encoding="utf-8") as file:
            version = re.search(r"^ *version: '([^']+)',$", file.read(), re.M).group(1)
        self.assertEqual(set(spec("--query", "--queryformat", "%{NAME} %{VERSION}\n").splitlines()), {f"{name} {version}" for name in ("edgeway", "edgewayd", "edgeway-edge")})

    def test_files(self):
        patterns, files = listed(), installed()
        self.assertGreater(len(files), 40)
        # Translations are listed by %find_lang.
        missing = [path for path in files if not path.endswith(".mo") and not any(fnmatch.fnmatch(path, pattern) or path.startswith(pattern + "/") for pattern in patterns)]
        self.assertEqual(missing, [], "add them to data/rpm/edgeway.spec")
        made = ("/etc/edgeway", "/var/lib/edgeway", "/var/lib/edgeway-edge")
        unknown = [pattern for pattern in patterns if pattern not in made and not any(fnmatch.fnmatch(path, pattern) or path.startswith(pattern + "/") for path in files)]
        self.assertEqual(unknown, [], "remove them from data/rpm/edgeway.spec")

    def test_services(self):
        """Each service is stopped where its package is removed, and restarted where it is upgraded."""
        text = spec("--parse")
        for unit in ("edgewayd.service", "edgeway-edge.service"):
            self.assertRegex(text, rf"disable --now {re.escape(unit)}")
            self.assertRegex(text, rf"try-restart {re.escape(unit)}")


if __name__ == "__main__":
    unittest.main()
