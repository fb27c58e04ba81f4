# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Bare root file systems of Debian, and packages laid over them, kept in $folder between runs. Sourced by bash, after app/launch/common.sh,
# which has step and install_packages. $release: bookworm, trixie or sid.
folder=${folder:-${EDGEWAY_ROOTS:-/var/tmp/edgeway-clean}} release=${release:-${EDGEWAY_RELEASE:-bookworm}}

# The name of a bare root in $folder; that of bookworm is INIT alone.
root_name() { # INIT
  [ "$release" = bookworm ] && printf '%s' "$1" || printf '%s' "$1-$release"
}

# A Debian without Edgeway; with systemd, also what every server has.
bootstrap() { # INIT
  local include=git,ca-certificates,sudo name options=(--variant=minbase)
  name=$(root_name "$1")
  [ "$1" = none ] || include=$include,systemd,systemd-sysv,libpam-systemd,dbus,polkitd,udev,kmod
  # Mirrors of it are often older than its lists are valid.
  [ "$release" != sid ] || options+=(--aptopt='Acquire::Check-Valid-Until "false"')
  rm -rf "$folder/$name.new"
  mmdebstrap "${options[@]}" --include="$include" "$release" "$folder/$name.new" && touch "$folder/$name.new" || return
  rm -rf "${folder:?}/$name" "${folder:?}/$name".???????????? # the layers are based on the old one
  mv "$folder/$name.new" "$folder/$name"
}

# Lays packages over a bare root, with this computer's network, as app/run's own step does; its programs end with it. What apt fetches is
# kept for the next layer.
lay_packages() { # ROOT LAYER NAME…: both are names in $folder
  local bare=$folder/$1 layer=$folder/$2.new archives=$folder/apt; shift 2
  # Their versions are those of one release.
  [ "$release" = bookworm ] || archives=$folder/apt-$release
  rm -rf "$layer" "$layer".work
  mkdir -p "$layer" "$layer.work" "$archives"/{archives,lists}/partial
  # shellcheck disable=SC2016
  unshare --pid --mount --fork --kill-child sh -ec '
    bare=$0 layer=$1 archives=$2 launch=$3; shift 3; root=$layer.root; mkdir -p "$root"
    mount -t overlay -o "lowerdir=$bare,upperdir=$layer,workdir=$layer.work" overlay "$root"
    mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount -t tmpfs tmpfs "$root/tmp"
    mount --bind "$archives/archives" "$root/var/cache/apt/archives"; mount --bind "$archives/lists" "$root/var/lib/apt/lists"
    mount --bind /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
    cp "$launch/common.sh" "$root/tmp/"; mkdir -p "$root/tmp/app/launch"; mv "$root/tmp/common.sh" "$root/tmp/app/launch/"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$root" bash -c ". /tmp/app/launch/common.sh; install_packages \"\$@\"" bash "$@"
    ' "$bare" "$layer" "$archives" "$launch" "$@" || return
  rm -rf "$layer.work" "$layer.root" && mv "$layer" "${layer%.new}"
}

# Only one process makes roots at a time; a later one finds them ready.
prepare_layer() { # INIT WHAT NAME…: leaves the layer's name in $layer_name; it lies on $folder/$(root_name INIT)
  local name what=$2
  name=$(root_name "$1")
  mkdir -p "$folder"
  exec 8>"$folder/lock" && flock 8
  # An old root is made again, where the archive can be reached.
  if [ ! -d "$folder/$name" ] || [ -n "$(find "$folder/$name" -maxdepth 0 -mtime +60)" ]; then step "Debian $release ($1)" bootstrap "$1" || [ -d "$folder/$name" ] || return; fi
  shift 2
  layer_name=$name.$(printf '%s\n' "$@" | sort -u | head -c -1 | sha256sum | cut -c1-12)
  [ -d "$folder/$layer_name" ] || step "packages of $what ($name)" lay_packages "$name" "$layer_name" "$@" || return
  exec 8>&-
}
