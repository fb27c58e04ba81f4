#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: a program of which each source was compiled with -fcf-protection=full says so: its .note.gnu.property has IBT and SHSTK,
# by which the kernel and the C library decide whether a shadow stack can be used.
# Seen (binutils 2.40, glibc 2.36): the objects have the note and the program has none, without a word. The linker keeps the note only
# where every object has it, and Debian 12's crt1.o, crti.o and crtn.o, which are in each program, don't. -z cet-report=warning
# names them.
# What follows: the hardening tests look at the compiler's options for each source, and for the note of a program only where the system's
# crt1.o has it (tests/data/test_hardening.py).
#
# Needs apt, dpkg and gcc, on amd64. Exits 1 where the behaviour is another.
set -eu
[ "$(dpkg --print-architecture)" = amd64 ] || { echo "amd64 alone has these notes"; exit 0; }
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download binutils-x86-64-linux-gnu=2.40-2 libbinutils=2.40-2 libctf0=2.40-2 libc6=2.36-9+deb12u14 libc6-dev=2.36-9+deb12u14 &&
  for p in *.deb; do dpkg -x "$p" .; done)
LIB=$T/usr/lib/x86_64-linux-gnu
tool() { name=$1; shift; LD_LIBRARY_PATH=$LIB "$T/usr/bin/x86_64-linux-gnu-$name" "$@"; }
tool ld --version | head -n 1
echo 'int main (void) { return 0; }' >"$T/main.c"
gcc -fcf-protection=full -fPIE -c -o "$T/main.o" "$T/main.c"
link() { tool ld -pie -dynamic-linker /lib64/ld-linux-x86-64.so.2 -o "$T/main" "$@" "$LIB/crt1.o" "$LIB/crti.o" "$T/main.o" "$T/lib/x86_64-linux-gnu/libc.so.6" "$LIB/crtn.o"; }
said=$(link 2>&1)
note() { tool readelf -n "$1" | grep -c 'IBT, SHSTK' || true; }
reported=$(link -z cet-report=warning 2>&1 | grep -c 'crt[1in].o.*missing' || true)
echo "expected by a good guess: the note is in the object and in the program"
echo "seen: in $(note "$T/main.o") object, in $(note "$T/main") programs; the linker says: \"$said\"; asked for a report, it names $reported files"
[ "$(note "$T/main.o") $(note "$T/main") $said" = "1 0 " ] && [ "$reported" -gt 0 ]
