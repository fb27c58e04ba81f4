# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What a root file system gets from its machine, in namespaces of its own. Sourced by bash.

mount_system() { # ROOT
  local root=$1 node n
  mount -t proc proc "$root/proc"
  # What belongs to the whole machine can be read only: its own are the network's settings and its cgroups.
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"

  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  mkdir "$root"/dev/{net,pts,shm}
  # Its mode is the system's own to set.
  mknod -m 600 "$root/dev/net/tun" c 10 200
  for node in null zero full random urandom tty; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
  done
  mount -t devpts -o newinstance,ptmxmode=666,gid=5,mode=620 devpts "$root/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  for n in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${n%:*}" "$root/dev/${n#*:}"; done
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mkdir -m 1777 "$root/run/lock"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
}
