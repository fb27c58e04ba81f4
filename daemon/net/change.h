/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One change that Edgeway makes to the computer, as a value: what is changed, its previous value, its new value. The
 * undo ledger stores these, the plan of a configuration is a list of these, and the difference between the two is
 * what ew_host_apply() does. Two changes are the same when everything but `before` is.
 */
#pragma once

#include <json-glib/json-glib.h>
#include "host/rows.h"

G_BEGIN_DECLS

typedef enum
{
  EW_CHANGE_MTU,     /* interface, link, before, value */
  EW_CHANGE_UP,      /* interface, link */
  EW_CHANGE_ADDRESS, /* interface, link, prefix (/32, /128) */
  EW_CHANGE_ROUTE,   /* interface, link, prefix, table; or prefix, table, throws */
  EW_CHANGE_RULE,    /* family, priority, table, unmarked, prefix (NONE: any), suppress */
  EW_CHANGE_SYSCTL,  /* name below /proc/sys, before, value */
  EW_CHANGE_TABLE,   /* name "inet edgeway", value: the tag in its comment that marks it as Edgeway's */
  EW_CHANGE_FOREIGN, /* interface, link, name "ip filter FORWARD": Edgeway's rules in another program's chain; value:
                        the tag in their comment; prefix: the one rule only exempts what comes from there */
  /* From here on: noted by other rooms, which make and undo them (notes.h). */
  EW_CHANGE_RESOLVER, /* interface, link, value "systemd-resolved": the name servers that it uses for that link */
  EW_CHANGE_NSSWITCH, /* name "/etc/nsswitch.conf", value "edgeway": the words of Edgeway's module in it */
  EW_CHANGE_WAY_OUT,  /* name "inet edgeway_portal", value: the tag in its comment; made by way-out.c */
  EW_CHANGE_N
} EwChangeKind;

#define EW_CHANGE_RESOLVED "systemd-resolved"
#define EW_CHANGE_NSS_WORDS "edgeway"
#define EW_CHANGE_PORTAL_TABLE "inet edgeway_portal"

typedef struct
{
  EwChangeKind kind;
  guint64 id; /* its number in the ledger; 0: not there */
  gchar *interface;
  guint link; /* interface index: another interface that takes the name later isn't Edgeway's */
  EwPrefix prefix;
  guint8 family;
  guint32 table;
  guint32 priority;
  gboolean unmarked; /* the rule is for packets without EW_HOST_FWMARK */
  gint suppress;     /* as in EwRuleRow */
  gboolean throws;   /* the route ends the look-up in its table (RTN_THROW): the next rule decides; no interface */
  gchar *name;
  gchar *before;
  gchar *value;
} EwChange;

EwChange *ew_change_new (EwChangeKind kind);
void ew_change_free (EwChange *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwChange, ew_change_free)
EwChange *ew_change_copy (const EwChange *change);

/* The same thing with the same value; before and id are not compared. */
gboolean ew_change_same (const EwChange *a, const EwChange *b);
/* The two can't coexist: one route, rule priority, sysctl or table with two values. */
gboolean ew_change_collides (const EwChange *a, const EwChange *b);

/* It is on a disk, not in the kernel: a restart of the computer does not undo it. */
gboolean ew_change_outlives_boot (const EwChange *change);

/* JSON for the ledger, and back: NULL for anything that is not exactly what ew_change_to_json() writes, so that an
   altered ledger can't make Edgeway write to a file or delete a thing that it would never have touched. */
JsonObject *ew_change_to_json (const EwChange *change);
EwChange *ew_change_from_json (JsonObject *object);

/* For people: "the route 100.96.0.0/12 by edgeway0". (transfer full) */
gchar *ew_change_describe (const EwChange *change);

G_END_DECLS
