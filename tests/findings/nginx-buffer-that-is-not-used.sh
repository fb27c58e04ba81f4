#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guess: with `proxy_buffering off`, `proxy_buffers` doesn't count. Answers pass through the one buffer of `proxy_buffer_size`, which
# may be made as large as an application's headers need.
# Seen (nginx 1.22.1): `proxy_buffer_size 16k` alone is refused by `nginx -t`, whether buffering is on or off: "proxy_busy_buffers_size" must
# be less than the size of all "proxy_buffers" minus one buffer. That one, which nobody has set, is twice proxy_buffer_size by default, and
# the default buffers without one are 28 KB: 14k is accepted (as large is less enough), 15k isn't. With `proxy_buffers 4 16k`, which
# nothing uses then, 16k is.
# What follows: the configuration for published names sets both (daemon/edge/publish/nginx-config.c).
#
# Needs apt, dpkg and pages of 4 KB. Exits 1 where the behaviour is another.
set -eu
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
(cd "$T" && apt-get -qq download nginx=1.22.1-9+deb12u11 && dpkg -x ./*.deb .)
"$T/usr/sbin/nginx" -v
refused=""
for settings in "off 8k" "off 14k" "off 15k" "off 16k" "on 16k" "off 16k;proxy_buffers 4 16k"; do
  printf 'error_log stderr; pid %s/pid; events {}\nhttp { access_log off; client_body_temp_path %s/a; proxy_temp_path %s/b; fastcgi_temp_path %s/c;
  uwsgi_temp_path %s/d; scgi_temp_path %s/e;\n proxy_buffering %s; proxy_buffer_size %s;\n  server { listen unix:%s/socket; location / { proxy_pass http://127.0.0.1; } } }\n' \
    "$T" "$T" "$T" "$T" "$T" "$T" "${settings%% *}" "${settings#* }" "$T" >"$T/nginx.conf"
  rm -f "$T/socket"
  if "$T/usr/sbin/nginx" -t -q -e stderr -c "$T/nginx.conf" 2>"$T/why"; then
    echo "seen: proxy_buffering ${settings%% *}; proxy_buffer_size ${settings#* }: accepted"
  else
    echo "seen: proxy_buffering ${settings%% *}; proxy_buffer_size ${settings#* }: $(grep -o '"proxy_busy.*buffer' "$T/why")"
    refused="$refused$settings, "
  fi
done
echo "expected by a good guess: all are accepted"
[ "$refused" = "off 15k, off 16k, on 16k, " ]
