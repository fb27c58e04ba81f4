#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""check-links.py TRAY BUILD: the tray holds no code of the daemon's libraries and loads none of what they need; it has no GTK 4."""
import glob
import re
import subprocess
import sys

FOREIGN = re.compile(r"lib(gtk-4|adwaita-1|nftables|mnl|sqlite3|crypto|ssl|soup-3\.0|qrencode)\.so")


def symbols(path):
    text = subprocess.run(["nm", "-A", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in text.splitlines() if re.search(r" [TDBR] ", line)}


def main():
    tray, build = sys.argv[1:]

    def libraries(folder):
        found = glob.glob(f"{build}/{folder}/**/*.a", recursive=True)
        assert found, f"no library in {build}/{folder}"
        return set().union(*map(symbols, found))
    # A name that both sides define themselves isn't a link. Every program contains its version, and spells its help as the locale can.
    daemon = libraries("daemon") - libraries("app/model") - libraries("app/client") - libraries("daemon/version")
    daemon = {name for name in daemon if not name.startswith("ew_plain_")}
    own = symbols(tray)
    assert len(daemon) > 100 and {"main", "ew_daemon_new"} <= own, "nm shows nothing: is the program stripped?"
    needed = subprocess.run(["readelf", "-d", tray], capture_output=True, text=True, check=True).stdout
    bad = sorted(own & daemon) + FOREIGN.findall(needed)
    if bad:
        sys.exit("of the daemon, in the tray: " + ", ".join(bad))


main()
