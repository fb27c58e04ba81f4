/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One list of errors for the API, D-Bus and the command line: a code that programs test and a sentence for people. The
 * names are those of org.edgeway.Error.NAME.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EW_ERROR (ew_error_quark ())
GQuark ew_error_quark (void);

typedef enum
{
  EW_ERROR_FAILED,
  EW_ERROR_NOT_ENROLLED,
  EW_ERROR_ALREADY_ENROLLED,
  EW_ERROR_KEY_INVALID,
  EW_ERROR_KEY_USED,
  EW_ERROR_KEY_EXPIRED,
  EW_ERROR_PIN_MISMATCH,
  EW_ERROR_EDGE_UNREACHABLE,
  EW_ERROR_NAME_TAKEN,
  EW_ERROR_NAME_INVALID,
  EW_ERROR_NOT_FOUND,
  EW_ERROR_ROUTE_INVALID,
  EW_ERROR_ROUTE_OVERLAP,
  EW_ERROR_ROUTE_REFUSED,
  EW_ERROR_NOT_ADMINISTRATOR,
  EW_ERROR_NOT_AUTHORIZED,
  EW_ERROR_CANCELLED,
  EW_ERROR_HOST_CONFLICT,
  EW_ERROR_REMOVED,
  EW_ERROR_INVALID_ARGUMENT,
  EW_ERROR_TIMED_OUT,
  EW_ERROR_NOT_CONNECTED,
  EW_ERROR_NOT_AUTHENTICATED,
  EW_ERROR_METHOD_NOT_ALLOWED,
  EW_ERROR_TOO_LARGE,
  EW_ERROR_TOO_MANY_REQUESTS,
  EW_ERROR_INTERNAL,
  EW_ERROR_OUT_OF_ADDRESSES,
  EW_ERROR_STORE_FULL,
  EW_ERROR_PROXY_PASSWORD, /* the HTTP proxy asks for a user name and a password, or for others */
  EW_ERROR_N               /* how many there are */
} EwError;

/* "KeyUsed" for EW_ERROR_KEY_USED; "Failed" for anything unknown. */
const gchar *ew_error_get_name (gint code);
/* -1: no such name. */
gint ew_error_from_name (const gchar *name);
/* The HTTP status the API answers with. */
guint ew_error_get_http_status (gint code);
/* Registers org.edgeway.Error.* with GDBus so that errors keep their code over the bus; may be called more than once.
 */
void ew_error_register_dbus (void);

G_END_DECLS
