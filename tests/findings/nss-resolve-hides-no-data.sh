#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: of a name that has an IPv4 address only, a program that asks for IPv6 is told NO_DATA by nss-resolve as by nss_dns.
# Seen (systemd 252.39, glibc 2.36): nss-resolve says HOST_NOT_FOUND, as of a name that isn't there. For both families at once it finds it.
# What follows: h_errno doesn't tell a later module in nsswitch.conf that the name is another's. `getent hosts printer`, which asks for
# IPv6 first, took the mesh's printer for the LAN's: after nss-resolve, libnss_edgeway asks it for both families (daemon/nss/module.c).
#
# Needs apt, dpkg, ip, python3 and root. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
chmod 755 "$T"
(cd "$T" && apt-get -qq download systemd-resolved=252.39-1~deb12u2 libnss-resolve=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2 dnsmasq-base=2.90-4~deb12u2 &&
  for p in *.deb; do dpkg -x "$p" .; done)
LD_LIBRARY_PATH=$(find "$T" -name "*.so*" -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
cat >"$T/ask.py" <<'P'
import ctypes
import socket
libc = ctypes.CDLL(None)
libc.__h_errno_location.restype = ctypes.POINTER(ctypes.c_int)
codes = {1: "HOST_NOT_FOUND", 2: "TRY_AGAIN", 3: "NO_RECOVERY", 4: "NO_DATA"}
libc.gethostbyname2.restype = ctypes.c_void_p
found = libc.gethostbyname2(b"four.example.com", socket.AF_INET6)
print("found" if found else codes.get(libc.__h_errno_location().contents.value))
P
echo "systemd-resolved 252.39-1~deb12u2"; getconf GNU_LIBC_VERSION
seen=$(unshare -mn --propagation private sh -ec '
  ip link set lo up; ip link add name lan type veth peer name other; ip link set lan up; ip link set other up; ip addr add 192.0.2.2/24 dev lan
  mount -t tmpfs -o mode=755 none /run
  { grep -v "^systemd-resolve:" /etc/passwd; echo "systemd-resolve:x:61235:61235::/:/usr/sbin/nologin"; } >"$1/passwd"
  { grep -v "^systemd-resolve:" /etc/group; echo "systemd-resolve:x:61235:"; } >"$1/group"
  printf "nameserver 192.0.2.2\n" >"$1/resolv.conf"
  printf "passwd: files\ngroup: files\nhosts: dns\n" >"$1/nsswitch.conf"
  for f in passwd group resolv.conf nsswitch.conf; do mount --bind "$1/$f" /etc/$f; done
  mkdir -p /run/systemd/resolve; chown 61235:61235 /run/systemd/resolve
  "$1"/usr/sbin/dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces --listen-address=192.0.2.2 --user=root --pid-file= \
    --host-record=four.example.com,192.0.2.44 --local=/com/ 2>/dev/null & kill_dnsmasq=$!
  printf "[Resolve]\nDNS=192.0.2.2\nLLMNR=no\n" >"$1/resolved.conf"
  mkdir -p /run/systemd/resolved.conf.d; cp "$1/resolved.conf" /run/systemd/resolved.conf.d/
  "$1"/*/systemd/systemd-resolved >/dev/null 2>&1 & kill_resolved=$!
  i=0; until [ -S /run/systemd/resolve/io.systemd.Resolve ] || [ $((i += 1)) -gt 100 ]; do sleep .1; done
  echo "dns: $(/usr/bin/python3 "$1/ask.py")"
  printf "passwd: files\ngroup: files\nhosts: resolve\n" >"$1/nsswitch.conf"
  echo "resolve: $(/usr/bin/python3 "$1/ask.py")"
  echo "resolve, both families: $(getent ahosts four.example.com | head -n 1 | cut -d" " -f1)"
  kill $kill_dnsmasq $kill_resolved' sh "$T" 2>&1) || true
echo "expected by a good guess: NO_DATA from both"
echo "seen:"; echo "$seen"
[ "$seen" = 'dns: NO_DATA
resolve: HOST_NOT_FOUND
resolve, both families: 192.0.2.44' ]
