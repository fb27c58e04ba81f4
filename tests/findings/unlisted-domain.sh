#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: soup_tld_get_base_domain("fra.home.lan") is "home.lan". The Public Suffix List's algorithm says so: "If no rules match, the
# prevailing rule is '*'" (https://publicsuffix.org/list/), and libpsl follows it by default.
# Seen: it fails with SOUP_TLD_ERROR_NO_BASE_DOMAIN for every name below a domain that the list does not hold: lan, local, internal.
# Version: libsoup 3.2.3 and libpsl 0.21.2 of Debian 12.
# What follows: what a mesh is called when nobody says it (daemon/edge/default-names.c) takes the last two labels of such a name by itself.
# Exit status: 0 as described, 1 when it behaves otherwise, 2 when it cannot be tried here.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download libsoup-3.0-0=3.2.3-0+deb12u2 libpsl5=0.21.2-1 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find root -name 'libsoup-3.0.so.0')")
LD_LIBRARY_PATH=$libraries python3 - <<'PYTHON'
import ctypes
import sys

class Error(ctypes.Structure):
    _fields_ = [("domain", ctypes.c_uint32), ("code", ctypes.c_int), ("message", ctypes.c_char_p)]

soup = ctypes.CDLL("libsoup-3.0.so.0")
soup.soup_tld_get_base_domain.restype = ctypes.c_char_p
soup.soup_tld_get_base_domain.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.POINTER(Error))]

def base_domain(name):
    error = ctypes.POINTER(Error)()
    found = soup.soup_tld_get_base_domain(name.encode(), ctypes.byref(error))
    return found.decode() if found else error.contents.message.decode()

print("libsoup", ".".join(str(getattr(soup, f"soup_get_{part}_version")()) for part in ("major", "minor", "micro")))
changed = False
for name, expected, seen in (("fra.example.co.uk", "example.co.uk", "example.co.uk"), ("fra.home.lan", "home.lan", "Hostname has no base domain"),
                             ("nas.local", "nas.local", "Hostname has no base domain"), ("fra.eu.internal", "eu.internal", "Hostname has no base domain")):
    now = base_domain(name)
    print(f"{name}: expected {expected!r}, seen {now!r}")
    changed |= now != seen
sys.exit(changed)
PYTHON
