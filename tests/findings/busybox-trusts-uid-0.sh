#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: `[ -r FILE ]` in a shell asks the kernel, by access(2) or one of its kind, so that it says of a file what opening it says.
# Seen (busybox 1.35): its `test` asks for the user ID alone. For uid 0 every file is readable and writable, also where root has lost
# CAP_DAC_OVERRIDE, as in a container with all capabilities dropped, and where the disk is read-only: opening fails then. dash, on the
# same file, says no.
# What follows: a start script for containers opens a file to see whether it can be read, and writes one to see whether a folder can be
# written to.
#
# Needs root, apt, dpkg, setpriv, unshare and dash. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download busybox-static=1:1.35.0-4+deb12u1+b1 && dpkg -x busybox-static_*.deb .)
chmod 755 "$T"
echo key >"$T/key" && chmod 600 "$T/key" && chown 1000:1000 "$T/key"
cat >"$T/ask" <<'SH'
cd "$1"
[ -r key ] && said=readable || said=unreadable
(: <key) 2>/dev/null && did=opened || did=refused
echo "$said, $did"
SH
without() { setpriv --bounding-set -all --inh-caps -all -- "$@"; } # root without capabilities
busybox=$(without "$T/bin/busybox" sh "$T/ask" "$T")
dash=$(without dash "$T/ask" "$T")
# shellcheck disable=SC2016
disk=$(unshare --mount sh -c 'mount -t tmpfs -o ro none /mnt && "$0/bin/busybox" sh -c "[ -w /mnt ] && echo writable || echo read-only"' "$T")
echo "busybox: $busybox; dash: $dash; busybox on a read-only disk: $disk"
[ "$busybox" = "readable, refused" ] && [ "$dash" = "unreadable, refused" ] && [ "$disk" = writable ]
