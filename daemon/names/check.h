/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The real path of a name: the C library's own look-up, as every program of this computer does it. It may wait for
 * minutes where a resolver is hung, so it runs in a thread, one at a time; what it has found after
 * EW_NAMES_CHECK_SECONDS counts. The C library looks at nsswitch.conf and resolv.conf again by itself when they have
 * changed, so this process sees what a program sees that has been running as long.
 */
#pragma once

#include <glib.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_NAMES_CHECK_SECONDS 5

typedef enum
{
  EW_NAMES_CHECK_OK,
  EW_NAMES_CHECK_NOT_FOUND, /* the server said that there is no such name */
  EW_NAMES_CHECK_OTHER,     /* another address than expected */
  EW_NAMES_CHECK_FAILED,    /* the server couldn't tell */
  EW_NAMES_CHECK_HUNG       /* no answer before the deadline */
} EwNamesCheckResult;

typedef struct EwNamesCheck EwNamesCheck;

/* func: in the caller's thread-default main context. */
EwNamesCheck *ew_names_check_new (void (*func) (EwNamesCheckResult result, gpointer user_data), gpointer user_data);
/* A look-up that runs is left to itself. */
void ew_names_check_free (EwNamesCheck *check);
/* Looks name up. ok: it has at least one of the addresses, and no other. A running one is recognized: its result
   doesn't count, and this one follows it. */
void ew_names_check_start (EwNamesCheck *check, const gchar *name, const EwIp *addresses, gsize n_addresses);
/* What was started doesn't matter any more. */
void ew_names_check_cancel (EwNamesCheck *check);

/* Pure: what an answer with these addresses is worth. */
EwNamesCheckResult ew_names_check_judge (const EwIp *expected, gsize n_expected, const EwIp *found, gsize n_found);

G_END_DECLS
