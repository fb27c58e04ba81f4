#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: a line of text that Pango shortens with an ellipsis is as wide as what is left of it, at most the width that was set.
# Seen: it is exactly as wide as was set, in every mode: what is left over, up to a letter, becomes part of the ellipsis. In the middle of
# a name that is a gap after the three dots, and a line that is aligned by its width stands off its edge.
# Version: Pango 1.50.12 of Debian 12, with its introspection data.
# What follows: names on the map are shortened letter by letter (app/map/map-measures.c), and are as wide as they look.
# Exit status: 0 as described, 1 when it is otherwise, 2 when it cannot be tried here.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download libpango-1.0-0=1.50.12+ds-1 libpangocairo-1.0-0=1.50.12+ds-1 libpangoft2-1.0-0=1.50.12+ds-1 gir1.2-pango-1.0=1.50.12+ds-1 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$folder/root" -name 'libpango-1.0.so.0')")
typelibs=$(dirname "$(find "$folder/root" -name 'Pango-1.0.typelib')")
export LD_LIBRARY_PATH="$libraries" GI_TYPELIB_PATH="$typelibs"
/usr/bin/python3 -B -c '
import gi
gi.require_version("PangoCairo", "1.0"); gi.require_version("Pango", "1.0")
from gi.repository import Pango, PangoCairo' 2>/dev/null || { echo "Pango or its Python bindings are not here."; exit 2; }
/usr/bin/python3 -B - <<'PYTHON'
import gi
gi.require_version("PangoCairo", "1.0"); gi.require_version("Pango", "1.0")
from gi.repository import Pango, PangoCairo
print("Pango", Pango.version_string())
context = PangoCairo.FontMap.get_default().create_context()

def width(text, most=None, mode=None):
    layout = Pango.Layout(context)
    layout.set_font_description(Pango.FontDescription("Sans 11"))
    layout.set_text(text, -1)
    if most:
        layout.set_ellipsize(mode)
        layout.set_width(most * Pango.SCALE)
    return layout.get_pixel_size().width

NAME = "web-of-the-second-floor-of-the-second-floor"
WIDTHS = range(150, 180)
print("as many letters as fit, and dots:", sorted({max(w for w in (width(NAME[:n] + "…") for n in range(len(NAME))) if w <= most) for most in WIDTHS}))
seen = {}
for mode in (Pango.EllipsizeMode.START, Pango.EllipsizeMode.MIDDLE, Pango.EllipsizeMode.END):
    seen[mode.value_nick] = [width(NAME, most, mode) for most in WIDTHS]
    print(f"expected: at most {WIDTHS[0]} to {WIDTHS[-1]}, in steps of a letter; seen at {mode.value_nick}:", *seen[mode.value_nick])
raise SystemExit(0 if all(widths == list(WIDTHS) for widths in seen.values()) else 1)
PYTHON
