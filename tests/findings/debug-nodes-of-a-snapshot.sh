#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: gtk_snapshot_push_debug "inserts a debug node with a message", as its documentation says, so that what a program paints can be found
# again by that message in the tree of render nodes.
# Seen: there is no debug node in the tree, only what was painted; GTK_DEBUG=snapshot changes nothing but a line on stderr, that a build of GTK with
# G_ENABLE_DEBUG would be needed. A node of gsk_debug_node_new() that is appended is there.
# Version: GTK 4.8.3+ds-2+deb12u1 of Debian 12.
# What follows: tests/lib/screen-report.c makes its debug nodes itself.
# Exit status: 0 as described, 1 when it is otherwise, 2 when it cannot be tried here.
set -eu
command -v cc >/dev/null && pkg-config --exists gtk4 || { echo "A C compiler or GTK's headers are not here."; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download libgtk-4-1=4.8.3+ds-2+deb12u1 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$folder/root" -name 'libgtk-4.so.1')")
cat >"$folder/try.c" <<'C'
#include <gtk/gtk.h>

static int
n_debug_nodes (GskRenderNode *node)
{
  if (gsk_render_node_get_node_type (node) == GSK_DEBUG_NODE)
    return 1 + n_debug_nodes (gsk_debug_node_get_child (node));
  return 0;
}

static GskRenderNode *
paint (void)
{
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  gtk_snapshot_push_debug (snapshot, "named %d", 1);
  gtk_snapshot_append_color (snapshot, &(GdkRGBA){ 1, 0, 0, 1 }, &GRAPHENE_RECT_INIT (0, 0, 9, 9));
  gtk_snapshot_pop (snapshot);
  return gtk_snapshot_free_to_node (snapshot);
}

int
main (void)
{
  GtkSnapshot *snapshot;
  GskRenderNode *pushed, *appended;
  gtk_init_check (); /* a display isn't needed */
  snapshot = gtk_snapshot_new ();
  pushed = paint ();
  gtk_snapshot_append_node (snapshot, gsk_debug_node_new (pushed, g_strdup ("named")));
  appended = gtk_snapshot_free_to_node (snapshot);
  g_print ("GTK %u.%u.%u; debug nodes by push: expected 1, seen %d; by append: %d\n", gtk_get_major_version (), gtk_get_minor_version (),
           gtk_get_micro_version (), n_debug_nodes (pushed), n_debug_nodes (appended));
  return n_debug_nodes (pushed) == 0 && n_debug_nodes (appended) == 1 ? 0 : 1;
}
C
# shellcheck disable=SC2046
cc -o "$folder/try" "$folder/try.c" $(pkg-config --cflags --libs gtk4)
export LD_LIBRARY_PATH="$libraries"
"$folder/try" && GTK_DEBUG=snapshot "$folder/try"
