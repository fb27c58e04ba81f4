#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: rpmbuild compresses the manual pages of a package on Debian as on Fedora, as its macro __os_install_post says, or fails.
# Seen (rpm 4.18): Debian's /usr/lib/rpm/brp-compress is a script of /bin/sh that uses bash's `read -d`. dash says "Illegal option -d" for
# each folder, the script ends with 0, rpmbuild goes on, and the packages' pages are uncompressed.
# What follows: the spec lists pages as NAME.1*, with or without .gz; the test of the packages doesn't ask for .gz; and rpmlint's
# complaints about uncompressed and missing pages are left out there (data/rpm/rpmlint.toml).
#
# Needs apt, dpkg, and dash as /bin/sh. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download rpm=4.18.0+dfsg-1+deb12u1 && dpkg -x rpm_*.deb .)
mkdir -p "$T/tree/usr/share/man/man1"
echo '.TH PAGE 1' >"$T/tree/usr/share/man/man1/page.1"
status=0
said=$(RPM_BUILD_ROOT=$T/tree sh "$T/usr/lib/rpm/brp-compress" 2>&1) || status=$?
pages=$(ls "$T/tree/usr/share/man/man1")
echo "status $status; pages: $pages; said: $said"
case $said in *"Illegal option -d"*) ;; *) exit 1 ;; esac
[ "$status" = 0 ] && [ "$pages" = page.1 ]
