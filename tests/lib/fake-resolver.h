/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A resolver for tests, in its own thread, at 127.0.0.1. The labels of the name choose the answer:
 *
 *   hang        nothing
 *   servfail, nx, refused
 *   trunc       TC over UDP, an address over TCP
 *   mesh        100.96.0.7, in the mesh's range, beside its own address where "both" stands too
 *   ad          the flag AD
 *   signed      an RRSIG beside the address
 *   else        its own address: 192.0.2.N for A; nothing for other types
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct FakeResolver FakeResolver;

/* number: N. */
FakeResolver *fake_resolver_new (guint number);
void fake_resolver_free (FakeResolver *self);
guint16 fake_resolver_get_port (FakeResolver *self);
/* How often it was asked for the name (any case, with the final dot); NULL: for any. */
guint fake_resolver_count (FakeResolver *self, const gchar *name);
/* Whether it answers. */
void fake_resolver_set_mute (FakeResolver *self, gboolean mute);

G_END_DECLS
