# SPDX-License-Identifier: GPL-3.0-or-later
# What app/run and tests/run share: steps with times, packages, the build, being root. Sourced by bash.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
launch=$top/app/launch
python=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1  # what root runs out of a person's clone leaves nothing of root's in it

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# Root by sudo where it is there; said once, with the reason.
need_root() { # REASON ARG…
  [ "$(id -u)" = 0 ] && return
  local reason=$1; shift
  command -v sudo >/dev/null || { printf '%s\n' "This needs root: $reason. Run it as root." >&2; exit 4; }
  say "This needs root: $reason. Asking sudo."
  exec sudo -- "$0" "$@"
}

# step NAME COMMAND…: runs it quietly, shows how long it took, and on failure what it printed.
step() {
  local name=$1 log status started=$SECONDS; shift
  log=$(mktemp)
  # Ended by Ctrl-C or a lost terminal, it takes its log along.
  trap 'rm -f "$log"; trap - INT HUP; exit 130' INT HUP
  printf '  %-34s' "$name …"
  if "$@" >"$log" 2>&1 </dev/null; then status=0; else status=$?; fi
  if [ "$status" = 0 ]; then
    printf ' %3d s\n' $((SECONDS - started))
  else
    printf ' failed after %d s\n' $((SECONDS - started))
    tail -n 40 "$log" | sed 's/^/    /' >&2
  fi
  rm -f "$log"
  trap - INT HUP
  return "$status"
}

# The clone's owner builds, so that no file of root's is left in it. A clone of root's is built by root.
as_owner() {
  local uid gid
  uid=$(stat -c %u "$top"); gid=$(stat -c %g "$top")
  if [ "$(id -u)" = 0 ] && [ "$uid" != 0 ] && getent passwd "$uid" >/dev/null; then
    HOME=$(getent passwd "$uid" | cut -d: -f6) setpriv --reuid "$uid" --regid "$gid" --init-groups -- "$@"
  else
    "$@"
  fi
}

# What was written into folders of the clone by root all the same becomes the owner's.
give_back() { # FOLDER…
  local folder
  for folder in "$@"; do
    [ ! -d "$folder" ] || find "$folder" -user root -exec chown --no-dereference --reference="$top" {} +
  done
}

packages_build="gcc libc6-dev meson ninja-build pkg-config libglib2.0-dev libsoup-3.0-dev libjson-glib-dev libsqlite3-dev libssl-dev
  libmnl-dev libnftables-dev libqrencode-dev libpolkit-agent-1-dev"
# The app and the tray: only where somebody looks at a screen.
packages_app="libgtk-4-dev libadwaita-1-dev libgtk-3-dev libayatana-appindicator3-dev gettext desktop-file-utils adwaita-icon-theme librsvg2-common
  fonts-cantarell dbus polkitd"
# A screen of one's own, for the check.
packages_screen="xvfb openbox xdotool xclip imagemagick x11-utils at-spi2-core gir1.2-atspi-2.0 python3-gi dbus"
packages_run="iproute2 glib-networking ca-certificates python3"
packages_demo="dbus polkitd wireguard-go wireguard-tools openssh-server openssh-client iputils-ping nftables procps"
packages_test="$packages_demo $packages_app $packages_screen clang-format universal-ctags dbus polkitd conntrack iperf3 ethtool zbar-tools tcpdump qemu-system-x86 busybox-static gpgv valgrind libclang-rt-14-dev clang xz-utils
  python3-gi gir1.2-glib-2.0 procps psmisc
  xfce4-panel xfconf xclip sway wtype wl-clipboard appstream binutils locales"

# Is there a screen to open the app on? sudo hands little on, so the shells above are asked too.
has_display() {
  [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || return 0
  local pid=$PPID
  while [ "${pid:-0}" -gt 1 ]; do
    ! tr 2>/dev/null '\0' '\n' <"/proc/$pid/environ" | grep -qE '^(WAYLAND_)?DISPLAY=.' || return 0
    pid=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f2)
  done
  return 1
}

missing_packages() { # NAME…
  local name missing=""
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing="$missing $name"
  done
  printf '%s' "$missing"
}

install_packages() { # NAME…
  local missing
  missing=$(missing_packages "$@")
  [ -z "$missing" ] && return 0
  command -v apt-get >/dev/null || { echo "These packages are missing and there is no apt-get to install them:$missing"; return 1; }
  export DEBIAN_FRONTEND=noninteractive
  local apt="apt-get -q -o DPkg::Lock::Timeout=300"
  (
    # The demo runs SSH servers in its own namespaces: an SSH server of this computer's is no consequence of that.
    policy=/usr/sbin/policy-rc.d
    if [[ " $missing " == *" openssh-server "* && ! -e $policy ]]; then
      trap 'rm -f "$policy"' EXIT
      printf '#!/bin/sh\ncase $1 in ssh|ssh.*) exit 101 ;; esac\n' >"$policy" && chmod 755 "$policy"
    fi
    # A package list that is old or not there yet is fetched; one that serves is left alone.
    # shellcheck disable=SC2086
    $apt install -y --no-install-recommends $missing || { $apt update && $apt install -y --no-install-recommends $missing; } || exit
    [[ " $missing " != *" openssh-server "* ]] || update-rc.d ssh disable || true
  )
}

configure() { # DIR OPTION…
  local dir=$1; shift
  if [ -f "$dir/build.ninja" ]; then as_owner meson configure "$dir" "$@"; else as_owner meson setup "$dir" "$top" "$@"; fi
}

compile() { as_owner ninja -C "$1"; }
