# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034  # its variables are for those that source it
# What app/run and tests/run share: steps with times, packages, the build, being root. Sourced by bash.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
launch=$top/app/launch
python=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1  # what root runs out of a person's clone leaves nothing of root's in it

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# Ends the script, after Ctrl-C. A step's own stderr is its log; its watcher's isn't.
stop_words=""  # what is said then
stop_here() { # [WATCHER]
  local to=/dev/stderr
  [ $# = 0 ] || to=/proc/$1/fd/2
  [ -z "$stop_words" ] || printf '\n%s\n' "$stop_words" >>"$to"
  [ $# = 0 ] || kill -KILL "$1" 2>/dev/null
  exit 130
}

# Becomes root with sudo where it is installed; says so once, with the reason.
need_root() { # REASON ARG…
  [ "$(id -u)" = 0 ] && return
  local reason=$1; shift
  command -v sudo >/dev/null || { printf '%s\n' "This needs root: $reason. Run it as root." >&2; exit 4; }
  say "This needs root: $reason. Asking sudo."
  exec sudo -- "$0" "$@"
}

# The progress of a step, from what it has printed: "123 of 310" of ninja's lines or of apt's packages, or whom apt is waiting for.
progress_in() { # LOG
  local count
  count=$(grep -ao '^\[[0-9]*/[0-9]*\]' "$1" 2>/dev/null | tail -n 1 | tr -d '[]')
  if [ -n "$count" ]; then printf '%s of %s' "${count%/*}" "${count#*/}"; return; fi
  count=$(tail -n 1 "$1" 2>/dev/null | grep -ao '^Waiting for cache lock: .*' | sed -n 's/.*held by process \([0-9]*\) (\(.*\)).*/\2 (\1)/p')
  if [ -n "$count" ]; then printf 'waiting for %s' "$count"; return; fi
  # Upgrades are unpacked and set up, too, and what an interrupted run left is only set up: apt counts those apart.
  awk '
    / upgraded, [0-9]+ newly installed/ {
      fetched = unpacked = ready = total = 0; last = ""
      for (i = 1; i < NF; i++) if ($(i + 1) ~ /^(upgraded|newly|reinstalled|downgraded)/) total += $i
      unfinished = 0
    }
    / not fully installed or removed/ { unfinished = $1 }
    /^Get:/ { fetched++ }
    /^Unpacking / { unpacked++; last = "unpacked" }  # apt sets a few up before it has unpacked all
    /^Setting up / { ready++; last = "set up" }
    function show(what, count, of) { printf "%s %d of %d", what, count < of ? count : of, of }
    END {
      if (total + unfinished == 0) exit
      if (last == "set up") show(last, ready, total + unfinished)
      else if (last == "unpacked") show(last, unpacked, total)
      else show("fetched", fetched, total)
    }' "$1" 2>/dev/null || true
}

# Shows it beside the step's name: continuously on a terminal, else a line now and then. Ends when the log is removed.
progress_interval=20
show_progress() { # NAME LOG
  local last="" now shown=$SECONDS
  trap '' INT  # `step` ends it
  while sleep 1 && [ -e "$2" ]; do
    now=$(progress_in "$2")
    if [ -z "$now" ] || [ "$now" = "$last" ]; then continue; fi
    if [ -t 1 ]; then
      printf '\r  %-34s %-37s' "$1 …" "$now"
    elif [ $((SECONDS - shown)) -ge "$progress_interval" ]; then
      printf '\n    %s' "$now"
      shown=$SECONDS
      : >"$2.shown"
    else
      continue
    fi
    last=$now
  done
}

# step NAME COMMAND…: runs it quietly, shows how far it is and how long it took, and on failure what it printed.
step() {
  local name=$1 log watcher status blank="" started=$SECONDS; shift
  log=$(mktemp)
  printf '  %-34s' "$name …"
  show_progress "$name" "$log" </dev/null &
  watcher=$!
  # Removes its log when Ctrl-C or a lost terminal ends it.
  trap 'rm -f "$log" "$log.shown"; trap - INT HUP; stop_here "$watcher"' INT HUP
  if "$@" >"$log" 2>&1 </dev/null; then status=0; else status=$?; fi
  # Any other signal would run the script's EXIT trap in it, if it comes before the watcher has begun.
  { kill -KILL "$watcher"; wait "$watcher"; } 2>/dev/null || true  # its status is the signal's: it must not end a script with set -e
  if [ -t 1 ]; then printf '\r  %-34s' "$name …"; elif [ -e "$log.shown" ]; then printf '\n  %-34s' "$name …"; fi
  if [ "$status" = 0 ]; then
    [ ! -t 1 ] || printf -v blank '%32s' ''  # over "123 of 310"
    printf ' %3d s%s\n' $((SECONDS - started)) "$blank"
  else
    printf ' failed after %d s\n' $((SECONDS - started))
    tail -n 40 "$log" | sed 's/^/    /' >&2
  fi
  rm -f "$log" "$log.shown"
  trap - INT HUP
  [ -z "$stop_words" ] || trap stop_here INT
  return "$status"
}

# The clone's owner builds, so that root leaves no file of its own in it. Root builds its own clone.
as_owner() {
  local uid gid
  uid=$(stat -c %u "$top"); gid=$(stat -c %g "$top")
  if [ "$(id -u)" = 0 ] && [ "$uid" != 0 ] && getent passwd "$uid" >/dev/null; then
    HOME=$(getent passwd "$uid" | cut -d: -f6) setpriv --reuid "$uid" --regid "$gid" --init-groups -- "$@"
  else
    "$@"
  fi
}

# Gives files that root still wrote into the clone's folders to the owner.
give_back() { # FOLDER…
  local folder
  for folder in "$@"; do
    [ ! -d "$folder" ] || find "$folder" -user root -exec chown --no-dereference --reference="$top" {} +
  done
}

packages_build="gcc libc6-dev meson ninja-build pkg-config libglib2.0-dev libsoup-3.0-dev libjson-glib-dev libsqlite3-dev libssl-dev
  libmnl-dev libnftables-dev libqrencode-dev libpolkit-agent-1-dev libldns-dev libunbound-dev"
# The app and the tray: only where a person uses a screen.
packages_app="libgtk-4-dev libadwaita-1-dev libgtk-3-dev libayatana-appindicator3-dev gettext desktop-file-utils adwaita-icon-theme librsvg2-common
  fonts-cantarell dbus polkitd"
# A separate screen, for the check.
packages_screen="xvfb openbox xdotool xclip imagemagick x11-utils at-spi2-core gir1.2-atspi-2.0 python3-gi dbus"
packages_run="iproute2 glib-networking ca-certificates python3"
packages_edge="debhelper dpkg-dev"  # it makes packages for new computers
packages_trial="nftables"  # what a trial leaves behind is looked for in the firewall too
packages_demo="dbus polkitd wireguard-go wireguard-tools openssh-server openssh-client iputils-ping nftables procps"
# Its name contains a version only in Debian 12.
case $(. /etc/os-release 2>/dev/null && printf %s "${VERSION_ID:-}") in 12) clang_runtime=libclang-rt-14-dev ;; *) clang_runtime=libclang-rt-dev ;; esac
packages_test="$packages_demo $packages_app $packages_screen clang-format clang-tidy shellcheck flake8 codespell universal-ctags mandoc dbus polkitd conntrack iperf3 ethtool zbar-tools tcpdump qemu-system-x86 busybox-static gpgv valgrind $clang_runtime clang lld xz-utils mmdebstrap debhelper lintian crun rpm
  python3-gi gir1.2-glib-2.0 procps psmisc strace
  squid tinyproxy haproxy nginx libnginx-mod-stream openvpn openssl curl
  dnsmasq-base bind9-dnsutils knot-dnsutils musl-tools zsh fish xdg-utils
  xfce4-panel xfconf xclip sway wtype wl-clipboard appstream binutils locales"

# Is there a screen to open the app on? sudo passes on few variables, so the parent shells' are read too.
has_display() {
  [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || return 0
  local pid=$PPID
  while [ "${pid:-0}" -gt 1 ]; do
    ! tr 2>/dev/null '\0' '\n' <"/proc/$pid/environ" | grep -qE '^(WAYLAND_)?DISPLAY=.' || return 0
    pid=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f2)
  done
  return 1
}

# What this system calls itself, for people: "Debian GNU/Linux 13 (trixie)".
system_name() { (. /etc/os-release 2>/dev/null; printf %s "${PRETTY_NAME:-an unknown system}"); }

# Ends where packages can't be installed in Debian's way.
need_debian() {
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
    fail "app/run installs packages with apt-get, on Debian 12 and 13. This is $(system_name), which has none. See data/doc/build.md for how to build Edgeway here."
}

missing_packages() { # NAME…
  local name missing=""
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing="$missing $name"
  done
  printf '%s' "$missing"
}

# Packages that bring a service, PACKAGE:SERVICE. The demo and the tests run these in their own namespaces: that must not start one on this
# computer itself.
quiet_packages="openssh-server:ssh squid:squid tinyproxy:tinyproxy haproxy:haproxy nginx:nginx openvpn:openvpn"

quiet_services() { # MISSING PACKAGE…
  local pair
  for pair in $quiet_packages; do
    [[ " $* " != *" ${pair%:*} "* ]] || printf '%s\n' "${pair#*:}"
  done
}

# A policy-rc.d that tells the packages' scripts not to start these services, as long as this process lives: after a kill it removes itself.
service_policy() { # SERVICE…
  local names=""
  printf -v names '%s|' "$@" "${@/%/.*}"
  local pid=$BASHPID started
  started=$(cut -d' ' -f22 "/proc/$pid/stat")
  cat <<TXT
#!/bin/sh
# Of Edgeway's app/run, while it installs packages.
[ "\$(cut -d' ' -f22 /proc/$pid/stat 2>/dev/null)" = $started ] || { rm -f "\$0"; exit 0; }
case \$1 in ${names%|}) exit 101 ;; esac
TXT
}

install_packages() { # NAME…
  local missing
  missing=$(missing_packages "$@")
  [ -z "$missing" ] && return 0
  command -v apt-get >/dev/null || { echo "These packages are missing and there is no apt-get to install them:$missing"; return 1; }
  export DEBIAN_FRONTEND=noninteractive
  local apt="apt-get -q -o DPkg::Lock::Timeout=300"
  (
    policy=/usr/sbin/policy-rc.d
    # shellcheck disable=SC2086
    mapfile -t quiet < <(quiet_services $missing)
    if [ ${#quiet[@]} -gt 0 ] && { [ ! -e $policy ] || grep -q "^# Of Edgeway's app/run" $policy; }; then
      trap 'rm -f "$policy"' EXIT
      service_policy "${quiet[@]}" >"$policy" && chmod 755 "$policy"
    fi
    # Fetches a package list that is old or missing; keeps one that is usable.
    # shellcheck disable=SC2086
    $apt install -y --no-install-recommends $missing || { $apt update && $apt install -y --no-install-recommends $missing; } || exit
    for service in "${quiet[@]}"; do
      update-rc.d "$service" disable || true
    done
  )
}

# -g1: lines for backtraces; what debuggers want beyond them is a quarter of the compilers' time. Packages are compiled with dpkg's own flags.
configure() { # DIR OPTION…
  local dir=$1; shift
  set -- "-Dc_args=-g1${CFLAGS:+ $CFLAGS}" "$@"
  if [ -f "$dir/build.ninja" ]; then as_owner meson configure "$dir" "$@"; else as_owner meson setup "$dir" "$top" "$@"; fi
}

# All that is installed, and what the tests in namespaces use. The tests that `meson test` runs are half of a build folder that has them,
# and tests/run has a build of its own for those.
compile() { # DIR
  local targets
  as_owner ninja -C "$1" build.ninja && targets=$(as_owner ninja -C "$1" -t query all | sed -n '/^  input:/,/^  outputs:/s/^    //p' | grep -vE '^(tests/(unit|fuzz|sim|api)/|meson-)') || return 1
  # shellcheck disable=SC2086  # a list of names without spaces
  as_owner ninja -C "$1" $targets
}
