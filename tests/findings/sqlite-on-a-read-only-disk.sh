#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: an SQLite database with a write-ahead log can be read on a read-only disk. In exclusive locking mode it needs no
# shared memory, so nothing has to be written; at worst "immutable=1" opens it, for a file that really cannot change.
# Seen (sqlite3 3.40.1): no. Exclusive mode fails with "disk I/O error (10)": it asks for a write lock on a descriptor that is
# open for reading. "immutable=1" opens it, but passes over the log: what a killed program had committed is missing, without
# an error. A copy of both files on another disk has all of it.
# What follows: the edge, on a read-only disk, reads a copy of store.db and store.db-wal (daemon/edge/store/file.c, make_copy);
# it never opens the file as immutable.
#
# Needs apt, dpkg and unprivileged user namespaces (or root). Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download sqlite3=3.40.1-2+deb12u2 libsqlite3-0=3.40.1-2+deb12u2 && for p in *.deb; do dpkg -x "$p" .; done)
PATH=$T/usr/bin:$PATH LD_LIBRARY_PATH=$(echo "$T"/usr/lib/*-linux-gnu)
export PATH LD_LIBRARY_PATH T
sqlite3 --version
seen=$(unshare -rm sh -ec '
  mkdir "$T/disk" "$T/copy"; mount -t tmpfs none "$T/disk"; cd "$T/disk"
  sqlite3 s.db "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)" >/dev/null
  # Commits a second row and is killed: the row is in the log alone.
  mkfifo "$T/in"; sqlite3 s.db <"$T/in" & program=$!
  exec 3>"$T/in"; echo "INSERT INTO t VALUES (2);" >&3
  until [ -s s.db-wal ]; do sleep 0.1; done; sleep 0.5
  kill -9 $program; wait $program 2>/dev/null || true; exec 3>&-
  mount -o remount,ro "$T/disk"
  rows() { echo "$1: $(sqlite3 "$2" "$3 SELECT count(*) FROM t" 2>&1 | grep -vx exclusive)"; }
  rows exclusive s.db "PRAGMA locking_mode = EXCLUSIVE;"
  rows immutable "file:s.db?immutable=1" ""
  cp s.db s.db-wal "$T/copy/"; rows copy "$T/copy/s.db" ""' 2>/dev/null)
echo "expected by a good guess: 2 rows, each time"
echo "seen:"; echo "$seen"
echo "$seen" | grep -q "^exclusive: .*disk I/O error (10)" && echo "$seen" | grep -q "^immutable: 1$" && echo "$seen" | grep -q "^copy: 2$"
