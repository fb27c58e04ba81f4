/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One program that looks at the map, at the other end of a pipe. What it's owed is kept as IDs, not as messages, so it
 * is always sent the newest, and holds one message and a bounded set of IDs (1 MB at most) however slowly it reads; one
 * that fell too far behind gets a snapshot.
 */
#pragma once

#include "account/topology-mirror.h"

G_BEGIN_DECLS

typedef struct EwTopologyReader EwTopologyReader;

/* The reader closed its end: free it, there or later. */
typedef void (*EwTopologyReaderGone) (EwTopologyReader *reader, gpointer user_data);

/* fd: the pipe's write end, non-blocking; taken. mirror: borrowed. */
EwTopologyReader *ew_topology_reader_new (EwTopologyMirror *mirror, gint fd, guint32 uid, EwTopologyReaderGone gone,
                                          gpointer user_data);
void ew_topology_reader_free (EwTopologyReader *self);
guint32 ew_topology_reader_get_uid (EwTopologyReader *self);
/* ids: borrowed strings. */
void ew_topology_reader_tell (EwTopologyReader *self, EwTopologyNews news, GPtrArray *ids);

G_END_DECLS
