/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"

#include <string.h>

#define BUS_PREFIX "org.edgeway.Error."

typedef struct
{
  gint code;
  const gchar *name; /* on the bus */
  guint http_status;
} ErrorKind;

/* Codes that the edge never answers are listed with 500. */
static const ErrorKind kinds[] = {
  { EW_ERROR_FAILED, BUS_PREFIX "Failed", 500 },
  { EW_ERROR_NOT_ENROLLED, BUS_PREFIX "NotEnrolled", 500 },
  { EW_ERROR_ALREADY_ENROLLED, BUS_PREFIX "AlreadyEnrolled", 500 },
  { EW_ERROR_KEY_INVALID, BUS_PREFIX "KeyInvalid", 422 },
  { EW_ERROR_KEY_USED, BUS_PREFIX "KeyUsed", 422 },
  { EW_ERROR_KEY_EXPIRED, BUS_PREFIX "KeyExpired", 422 },
  { EW_ERROR_PIN_MISMATCH, BUS_PREFIX "PinMismatch", 500 },
  { EW_ERROR_EDGE_UNREACHABLE, BUS_PREFIX "EdgeUnreachable", 500 },
  { EW_ERROR_NAME_TAKEN, BUS_PREFIX "NameTaken", 409 },
  { EW_ERROR_NAME_INVALID, BUS_PREFIX "NameInvalid", 422 },
  { EW_ERROR_NOT_FOUND, BUS_PREFIX "NotFound", 404 },
  { EW_ERROR_ROUTE_INVALID, BUS_PREFIX "RouteInvalid", 422 },
  { EW_ERROR_ROUTE_OVERLAP, BUS_PREFIX "RouteOverlap", 409 },
  { EW_ERROR_ROUTE_REFUSED, BUS_PREFIX "RouteRefused", 500 },
  { EW_ERROR_NOT_ADMINISTRATOR, BUS_PREFIX "NotAdministrator", 403 },
  { EW_ERROR_NOT_AUTHORIZED, BUS_PREFIX "NotAuthorized", 500 },
  { EW_ERROR_CANCELLED, BUS_PREFIX "Cancelled", 500 },
  { EW_ERROR_HOST_CONFLICT, BUS_PREFIX "HostConflict", 500 },
  { EW_ERROR_REMOVED, BUS_PREFIX "Removed", 410 },
  { EW_ERROR_INVALID_ARGUMENT, BUS_PREFIX "InvalidArgument", 400 },
  { EW_ERROR_TIMED_OUT, BUS_PREFIX "TimedOut", 500 },
  { EW_ERROR_NOT_CONNECTED, BUS_PREFIX "NotConnected", 500 },
  { EW_ERROR_NOT_AUTHENTICATED, BUS_PREFIX "NotAuthenticated", 401 },
  { EW_ERROR_METHOD_NOT_ALLOWED, BUS_PREFIX "MethodNotAllowed", 405 },
  { EW_ERROR_TOO_LARGE, BUS_PREFIX "TooLarge", 413 },
  { EW_ERROR_TOO_MANY_REQUESTS, BUS_PREFIX "TooManyRequests", 429 },
  { EW_ERROR_INTERNAL, BUS_PREFIX "InternalError", 500 },
  { EW_ERROR_OUT_OF_ADDRESSES, BUS_PREFIX "OutOfAddresses", 503 },
  { EW_ERROR_STORE_FULL, BUS_PREFIX "StoreFull", 503 },
  { EW_ERROR_PROXY_PASSWORD, BUS_PREFIX "ProxyPassword", 500 },
};
G_STATIC_ASSERT (G_N_ELEMENTS (kinds) == EW_ERROR_N);

G_DEFINE_QUARK (ew_error_quark, ew_error)

static const ErrorKind *
kind_of (gint code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].code == code)
      return &kinds[i];
  return &kinds[0];
}

const gchar *
ew_error_get_name (gint code)
{
  return kind_of (code)->name + strlen (BUS_PREFIX);
}

gint
ew_error_from_name (const gchar *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kinds[i].name + strlen (BUS_PREFIX), name) == 0)
      return kinds[i].code;
  return -1;
}

guint
ew_error_get_http_status (gint code)
{
  return kind_of (code)->http_status;
}

void
ew_error_register_dbus (void)
{
  static gsize once;
  if (!g_once_init_enter (&once))
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    g_dbus_error_register_error (EW_ERROR, kinds[i].code, kinds[i].name);
  g_once_init_leave (&once, 1);
}
