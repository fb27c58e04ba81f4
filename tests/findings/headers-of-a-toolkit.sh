#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: the headers of an HTTP library, installed with --no-install-recommends, bring no graphical toolkit, so that GTK found by a build
# means that the person wants a window.
# Seen: libsoup-3.0-dev depends on libsysprof-capture-4-dev, which no package of Debian 12 has as its name: libsysprof-4-dev alone provides it, and
# depends on libgtk-4-dev and libadwaita-1-dev. gettext, which a translated program needs too, does not come along.
# Version: libsoup-3.0-dev 3.2.3-0+deb12u2, libsysprof-4-dev 3.46.0-4 of Debian 12.
# What follows: app/run says whether the app is to be built; by its own default the build asks for msgfmt as well as for GTK (meson.build).
# Exit status: 0 as described, 1 when it is otherwise, 2 when it cannot be tried here.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download libsoup-3.0-dev=3.2.3-0+deb12u2 libsysprof-4-dev=3.46.0-4 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do
  dpkg-deb -f "$package" Package Version Depends Provides
done | tee fields
dpkg -x libsoup-3.0-dev_*.deb root
grep Requires.private root/usr/lib/*/pkgconfig/libsoup-3.0.pc
others=$(apt-cache showpkg libsysprof-capture-4-dev | sed -n '/^Reverse Provides/,$p' | sed 1d | cut -d' ' -f1 | sort -u)
echo "libsysprof-capture-4-dev is provided by: $others"
echo "expected: no libgtk-4-dev among what libsoup-3.0-dev needs; seen: it is needed by the only package that provides libsysprof-capture-4-dev"
[ "$others" = libsysprof-4-dev ] && grep -q '^Depends: .*libsysprof-capture-4-dev' fields && grep -q '^Depends: .*libgtk-4-dev' fields && ! grep -qw gettext fields
