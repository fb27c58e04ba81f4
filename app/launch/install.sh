# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154  # its variables are for app/run, and app/run's for it
# Puts the built programs under /usr, with a manifest that `app/run --remove` reads, and runs them as services. Sourced by app/run.

manifest=/usr/share/edgeway/manifest
systemd_runs() { [ -d /run/systemd/system ]; }

# Where Edgeway's files may be, whatever a list says.
may_hold() { # FILE
  case $1 in *..*) return 1 ;; /usr/*|/etc/*|/lib/*) return 0 ;; *) return 1 ;; esac
}

# Exits where Edgeway's Debian packages are installed: dpkg would lose track of files that are replaced here. Their maintainer scripts refuse
# the reverse.
refuse_packages() {
  local names
  names=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' edgeway edgewayd edgeway-edge edgeway-packages 2>/dev/null | sed -n 's/^installed //p' | tr '\n' ' ')
  [ -z "$names" ] || fail "Edgeway is installed on this computer from Debian packages, which app/run leaves alone. Remove them first (without purge, the computer keeps its place in the mesh): sudo apt-get remove ${names% }
Or keep the packages and make new ones of this clone, with the app: data/debian/build (see data/doc/add-laptop.md)"
}

# The clone's owner installs into a folder of its own, as its build folder says. Root takes over the files alone, read with the
# owner's rights, so that nothing in the build folder decides what root reads, runs or removes.
copy_installation() { # BUILD FOLDER: into FOLDER/files, root's
  local owners=$2/owners files=$2/files
  mkdir -m 700 "$owners" "$files" && chmod 711 "$2" && chown --reference="$top" "$owners" || return 1
  DESTDIR=$owners as_owner meson install -C "$1" --no-rebuild || return 1
  as_owner tar -C "$owners" -c . | tar -C "$files" -x --no-same-owner --no-same-permissions
  [ "${PIPESTATUS[*]}" = "0 0" ]
}

install_files() {
  local build=$1 old="" folder file mode
  folder=$(mktemp -d) || return 1
  # shellcheck disable=SC2064
  trap "rm -rf '$folder'" RETURN
  copy_installation "$build" "$folder" || return 1
  (cd "$folder/files" && find . -type f -printf '/%P\n') >"$folder/list"
  while read -r file; do may_hold "$file" || { echo "$file can't be installed outside /usr, /etc and /lib."; return 1; }; done <"$folder/list"
  [ -f "$manifest" ] && old=$(cat "$manifest")
  while read -r file; do
    mode=644; [ ! -x "$folder/files$file" ] || mode=755
    # Replaces a file in one step: a running program keeps the file it was started from.
    mkdir -p "${file%/*}" && install -m $mode "$folder/files$file" "$file.edgeway-new" && mv -f "$file.edgeway-new" "$file" || return 1
  done <"$folder/list"
  mkdir -p "${manifest%/*}"
  # What an edge hands out stays until it has been made again (install_repository), also if that is interrupted.
  { cat "$folder/list"; echo "$manifest"; printf '%s\n' "$old" | grep "^$repository/"; } | sort -u >"$manifest.new" && mv "$manifest.new" "$manifest" || return 1
  # Removes what an earlier version installed and this one does not.
  printf '%s\n' "$old" | grep -vxFf "$manifest" | while read -r file; do ! may_hold "$file" || rm -f "$file"; done
  refresh_caches
  if systemd_runs; then
    systemd-sysusers >/dev/null 2>&1 || true
    systemctl daemon-reload
  fi
  getent passwd edgeway-edge >/dev/null || useradd --system --home-dir /var/lib/edgeway-edge --no-create-home --shell /usr/sbin/nologin edgeway-edge || true
  reload_bus
}

# What an edge hands out to new computers, made from the build: for this system, and for those that it was made for before. Its files are in
# the manifest, like the others.
repository=/usr/share/edgeway/repository
install_repository() { # BUILD
  local folder status system systems=()
  # shellcheck source=/dev/null
  for system in "$(. /etc/os-release && printf '%s-%s' "$ID" "${VERSION_ID:-sid}")" "$repository"/*/; do
    system=$(basename "$system")
    [[ ! $system =~ ^[a-z]+-[a-z0-9]+$ || " ${systems[*]-} " == *" $system "* ]] || systems+=(--for "$system")
  done
  folder=$(mktemp -d) || return 1
  # shellcheck disable=SC2064
  trap "rm -rf '$folder'" RETURN
  mkdir "$folder/owners" && chmod 711 "$folder" && chown --reference="$top" "$folder/owners" || return 1
  as_owner "$top/data/debian/build" --from "$1" --repository "$folder/owners/repository" "${systems[@]}" "$folder/owners/packages" || return 1
  rm -rf "$repository.new"
  mkdir -p "$repository.new" || return 1
  as_owner tar -C "$folder/owners/repository" -c . | tar -C "$repository.new" -x --no-same-owner --no-same-permissions
  [ "${PIPESTATUS[*]}" = "0 0" ] || { rm -rf "$repository.new"; return 1; }
  rm -rf "$repository" && mv -T "$repository.new" "$repository"
  status=$?
  { grep -v "^$repository/" "$manifest"; find "$repository" -type f; } | sort -u >"$manifest.new" && mv "$manifest.new" "$manifest"
  return $status
}

# The system bus, where one runs, reads its policy again.
reload_bus() {
  [ -S /run/dbus/system_bus_socket ] || return 0
  command -v dbus-send >/dev/null || return 0
  dbus-send --system --type=method_call --dest=org.freedesktop.DBus / org.freedesktop.DBus.ReloadConfig || true
}

# set_setting FILE GROUP KEY VALUE: in a file of groups and keys; the rest stays as it is.
set_setting() {
  awk -v group="[$2]" -v key="$3" -v value="$4" '
    /^\[/ { if (inside && !done) { print key "=" value; done = 1 } inside = ($0 == group) }
    inside && (index($0, key "=") == 1 || $0 == "#" key "=") { if (!done) print key "=" value; done = 1; next }
    { print }
    END { if (!done) { if (!inside) print group; print key "=" value } }' "$1" >"$1.new" && chmod --reference="$1" "$1.new" && mv "$1.new" "$1"
}

service_pid() { # NAME
  if systemd_runs; then systemctl show -p MainPID --value "$1.service" 2>/dev/null; else cat "/run/$1.pid" 2>/dev/null; fi
}

# port_taken PORT [SERVICE]: prints which program uses TCP or UDP port PORT of this host; false where none does, or only Edgeway's
# SERVICE. Reads only /proc: nothing is installed yet.
port_taken() {
  local hex protocol address state inode pid own name
  printf -v hex %04X "$1"
  own=$(service_pid "${2:-}")
  for protocol in tcp udp; do
    while read -r _ address _ state _ _ _ _ _ inode _; do
      [[ $address == *:$hex && ( $protocol$state == tcp0A || $protocol$state == udp07 ) ]] || continue
      pid=$(find /proc/[0-9]*/fd -lname "socket:\\[$inode\\]" -print -quit 2>/dev/null | cut -d/ -f3)
      [[ -z $pid || $pid != "$own" ]] || continue
      name=$(tr -cd '[:print:]' 2>/dev/null <"/proc/${pid:-none}/comm")
      printf '%s port %s is in use by %s' "${protocol^^}" "$1" "${name:-another program}${pid:+ (process $pid)}"
      return 0
    done < <(cat "/proc/net/$protocol" "/proc/net/${protocol}6" 2>/dev/null)
  done
  return 1
}

# start_service NAME COMMAND…: by systemd where it runs (enabled, so it comes back), else in the background until the next boot.
start_service() {
  local name=$1; shift
  if systemd_runs; then
    systemctl enable --quiet "$name.service" && systemctl restart "$name.service"
    return
  fi
  stop_service "$name"
  mkdir -p /run/edgeway /var/log/edgeway && chmod 750 /var/log/edgeway
  # The log is what comes on stderr: a new edge prints its first key to stdout, and a log must not contain secrets.
  start-stop-daemon --start --background --make-pidfile --pidfile "/run/$name.pid" --output "/var/log/edgeway/$name.log" \
    --startas /bin/sh -- -c 'exec "$@" >/dev/null' sh "$@"
  say "  There is no systemd here: $name runs now, its log is /var/log/edgeway/$name.log, and it must be started again after a boot:"
  say "    $*"
}

stop_service() {
  local name=$1
  if systemd_runs; then
    systemctl disable --quiet --now "$name.service" 2>/dev/null || true
  elif [ -f "/run/$name.pid" ]; then
    # The number in the file may be another program's by now.
    local ours=(--name "$name")
    [ ! -x "$(command -v "$name")" ] || ours=(--exec "$(command -v "$name")")
    start-stop-daemon --stop --oknodo --retry 5 --pidfile "/run/$name.pid" "${ours[@]}" >/dev/null 2>&1 || true
    rm -f "/run/$name.pid"
  fi
}

# Updates the caches compiled from all packages' files: made where Edgeway's files are installed, else where the cache existed; an
# empty one is removed.
refresh_caches() {
  local share=/usr/share
  concerns() { [ -f "$share/$1" ] || grep -qs "^$share/$2" "$manifest"; } # CACHE OF
  if concerns glib-2.0/schemas/gschemas.compiled glib-2.0/schemas/; then
    if compgen -G "$share/glib-2.0/schemas/*.xml" >/dev/null; then glib-compile-schemas $share/glib-2.0/schemas; else rm -f $share/glib-2.0/schemas/gschemas.compiled; fi
  fi
  if concerns icons/hicolor/icon-theme.cache icons/hicolor/; then
    if [ -z "$(find $share/icons/hicolor -mindepth 2 -not -type d -print -quit)" ]; then rm -f $share/icons/hicolor/icon-theme.cache
    elif command -v gtk-update-icon-cache >/dev/null; then gtk-update-icon-cache -q -t -f $share/icons/hicolor
    elif command -v gtk4-update-icon-cache >/dev/null; then gtk4-update-icon-cache -q -t -f $share/icons/hicolor; fi
  fi
  if concerns applications/mimeinfo.cache applications/; then
    if ! compgen -G "$share/applications/*.desktop" >/dev/null; then rm -f $share/applications/mimeinfo.cache
    elif command -v update-desktop-database >/dev/null; then update-desktop-database -q $share/applications; fi
  fi
}

# The packages that were missing when Edgeway was installed, one a line: nothing else removes them.
packages_list=/usr/share/edgeway/packages
note_packages() { # NAME…
  [ $# -gt 0 ] || return 0
  mkdir -p "${packages_list%/*}"
  { cat "$packages_list" 2>/dev/null; printf '%s\n' "$@"; } | sort -u >"$packages_list.new" && mv "$packages_list.new" "$packages_list"
}

# Those of them that are installed now, in one line.
noted_packages() {
  local name names=()
  while read -r name; do
    [ -n "$(missing_packages "$name")" ] || names+=("$name")
  done < <(cat "$packages_list" 2>/dev/null)
  printf '%s' "${names[*]}"
}

# Ends the app and the tray in every session: they would keep saying that the service isn't running.
close_apps() {
  local exe
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe") in
      "/usr/bin/edgeway (deleted)" | "/usr/bin/edgeway-tray (deleted)") exe=${exe%/exe}; kill "${exe##*/}" ;;
    esac
  done 2>/dev/null
  return 0
}

# Undoes what a killed edgewayd or edge has left; a trial's ledger is in the trial's folder.
undo_changes() {
  local state failed=0
  for state in /run/edgeway-trial-*/state; do
    [ -d "$state" ] || continue
    if edgewayd --revert --state-dir "$state"; then rm -rf "${state%/state}"; else failed=1; fi
  done
  edgewayd --revert || failed=1
  edgeway-edge revert || failed=1
  return $failed
}

# Folders of Edgeway's files that are empty now, up to the first one that isn't, or that belongs to a package.
remove_folders() { # FILE…
  local folder
  printf '%s\n' "${@%/*}" | sort -ru | while read -r folder; do
    while may_hold "$folder" && [ -z "$(ls -A "$folder" 2>/dev/null)" ] && ! dpkg-query -S "$folder" >/dev/null 2>&1 && rmdir "$folder" 2>/dev/null; do
      folder=${folder%/*}
    done
  done
}

remove_files() {
  local files file
  if [ ! -f "$manifest" ]; then  # interrupted before anything was installed
    rm -f "$packages_list"
    remove_folders "$packages_list"
    return 0
  fi
  mapfile -t files <"$manifest"
  for file in "${files[@]}"; do ! may_hold "$file" || rm -f "$file"; done
  # Also what was copied there from another computer, for an edge to hand out.
  rm -rf "$packages_list" "$repository" "$repository.new"
  refresh_caches
  remove_folders "${files[@]}" "$repository"
  return 0
}
