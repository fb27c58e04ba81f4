#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: SQLite opens the file that open(2) would open at that name. So srv/store.db below /proc/PID/root is the database of a container,
# as it is for cat, cp and stat.
# Seen: it opens the caller's own /srv/store.db, reads and writes that, and makes it where there is none. SQLite resolves every link of a
# name by readlink(2) first, and what /proc/PID/root reads as is "/".
# Version: libsqlite3-0 3.40.1 of Debian 12.
# What follows: whoever reads a container's or another mount namespace's store enters it (nsenter), or copies the file out
# (tests/packages/test_deb.py writes a header's bytes itself).
# Exit status: 0 as described, 1 when it behaves otherwise, 2 when it cannot be tried here.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download libsqlite3-0=3.40.1-2+deb12u2 >/dev/null 2>&1 || { echo "The package cannot be downloaded."; exit 2; }
dpkg -x ./*.deb root
libraries=$(dirname "$(realpath "$(find root -name 'libsqlite3.so.0')")")
mkdir srv
unshare --mount true 2>/dev/null || { echo "This needs the right to make mount namespaces."; exit 2; }
LD_LIBRARY_PATH=$libraries /usr/bin/python3 - "$folder/srv" <<'PYTHON'
import os
import sqlite3
import subprocess
import sys

print("SQLite", sqlite3.sqlite_version)
folder = sys.argv[1]
path = os.path.join(folder, "store.db")


def make(name, where):
    database = sqlite3.connect(where)
    database.execute("CREATE TABLE said (words TEXT)")
    database.execute("INSERT INTO said VALUES (?)", (name,))
    database.commit()
    database.close()


# The other side has a file system of its own at that place.
make("theirs", "theirs.db")
other = subprocess.Popen(["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && cp theirs.db "$0/store.db" && echo ready && read end', folder],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert other.stdout.readline() == "ready\n"
make("ours", path)
there = f"/proc/{other.pid}/root{path}"
with open(there, "rb") as file:
    print("open(2) there reads:", "theirs" if b"theirs" in file.read() else "ours")
words = sqlite3.connect(there).execute("SELECT words FROM said").fetchone()[0]
print(f"SQLite there: expected 'theirs', seen {words!r}")
os.unlink(path)
sqlite3.connect(there).execute("CREATE TABLE new (x)")
print("a database made there is ours:", os.path.exists(path))
changed = words != "ours" or not os.path.exists(path)
other.communicate("\n")
sys.exit(changed)
PYTHON
