# SPDX-License-Identifier: GPL-3.0-or-later
# Puts the built programs under /usr, with a manifest that `app/run --remove` reads, and runs them as services. Sourced by app/run.

manifest=/usr/share/edgeway/manifest
systemd_runs() { [ -d /run/systemd/system ]; }

install_files() {
  local build=$1 old="" log=$1/meson-logs/install-log.txt
  [ -f "$manifest" ] && old=$(cat "$manifest")
  meson install -C "$build" --no-rebuild || return 1
  give_back "$build"
  mkdir -p "${manifest%/*}"
  { grep -v '^#' "$log"; echo "$manifest"; } | sort -u >"$manifest.new" && mv "$manifest.new" "$manifest" || return 1
  # What an earlier version installed and this one does not, goes.
  printf '%s\n' "$old" | grep -vxFf "$manifest" | while read -r file; do [ -n "$file" ] && rm -f "$file"; done
  if systemd_runs; then
    systemd-sysusers >/dev/null 2>&1 || true
    systemctl daemon-reload
  fi
  getent passwd edgeway-edge >/dev/null || useradd --system --home-dir /var/lib/edgeway-edge --no-create-home --shell /usr/sbin/nologin edgeway-edge || true
  reload_bus
}

# The system bus reads its policy again, where there is one.
reload_bus() {
  [ -S /run/dbus/system_bus_socket ] || return 0
  command -v dbus-send >/dev/null || return 0
  dbus-send --system --type=method_call --dest=org.freedesktop.DBus / org.freedesktop.DBus.ReloadConfig || true
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
  # The log is what comes on stderr: a new edge prints its first key to stdout, and no secret belongs in a log.
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
    start-stop-daemon --stop --oknodo --retry 5 --pidfile "/run/$name.pid" >/dev/null 2>&1 || true
    rm -f "/run/$name.pid"
  fi
}

# What the installation compiled of all packages' files (data/meson.build) forgets ours; where nothing else is in it, it goes.
refresh_caches() {
  local share=/usr/share
  if [ -f $share/glib-2.0/schemas/gschemas.compiled ]; then
    if compgen -G "$share/glib-2.0/schemas/*.xml" >/dev/null; then glib-compile-schemas $share/glib-2.0/schemas; else rm -f $share/glib-2.0/schemas/gschemas.compiled; fi
  fi
  if [ -f $share/icons/hicolor/icon-theme.cache ]; then
    if [ -z "$(find $share/icons/hicolor -mindepth 2 -not -type d -print -quit)" ]; then rm -f $share/icons/hicolor/icon-theme.cache
    elif command -v gtk-update-icon-cache >/dev/null; then gtk-update-icon-cache -q -t -f $share/icons/hicolor
    elif command -v gtk4-update-icon-cache >/dev/null; then gtk4-update-icon-cache -q -t -f $share/icons/hicolor; fi
  fi
  if [ -f $share/applications/mimeinfo.cache ]; then
    if compgen -G "$share/applications/*.desktop" >/dev/null; then update-desktop-database -q $share/applications; else rm -f $share/applications/mimeinfo.cache; fi
  fi
}

remove_files() {
  [ -f "$manifest" ] || return 0
  local file
  while read -r file; do
    case $file in /usr/*|/etc/*|/lib/*) rm -f "$file" ;; esac
  done <"$manifest"
  refresh_caches
  # Folders of ours alone, and only when they are empty now.
  rmdir /usr/share/edgeway /usr/libexec/edgeway /usr/lib/edgeway /usr/share/doc/edgeway 2>/dev/null
  return 0
}
