/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node-icon.h"

/* A device without Edgeway's software joined with a QR code: nearly always a phone. */
static gboolean
is_phone (EwNode *node)
{
  static const gchar *const words[] = { "android", "ios", "ipados" };
  const gchar *os = ew_node_get_os (node);
  g_autofree gchar *folded = NULL;

  if (os == NULL)
    return ew_node_is_plain (node);
  folded = g_ascii_strdown (os, -1);
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_has_prefix (folded, words[i]))
      return TRUE;
  return FALSE;
}

const gchar *
ew_node_icon_name (EwNode *node)
{
  if (ew_node_is_gateway (node))
    return "edgeway-kind-gateway-symbolic";
  if (ew_node_get_kind (node) == EW_KIND_SERVER)
    return "edgeway-kind-server-symbolic";
  return is_phone (node) ? "edgeway-kind-phone-symbolic" : "edgeway-kind-laptop-symbolic";
}

gboolean
ew_node_icon_is_round (EwNode *node)
{
  return ew_node_get_kind (node) == EW_KIND_DEVICE && !ew_node_is_gateway (node);
}

const gchar *
ew_node_state_icon_name (EwNodeState state)
{
  switch (state)
    {
    case EW_NODE_ONLINE:
      return "object-select-symbolic";
    case EW_NODE_NOT_JOINED:
      return "edgeway-not-joined-symbolic";
    case EW_NODE_AWAITING_APPROVAL:
      return "dialog-question-symbolic";
    case EW_NODE_OFFLINE:
    case EW_NODE_WAS_ONLINE:
      break;
    }
  return "edgeway-offline-symbolic";
}

const gchar *
ew_service_state_icon_name (EwServiceState state)
{
  switch (state)
    {
    case EW_SERVICE_WORKS:
      return "object-select-symbolic";
    case EW_SERVICE_FAILS:
      return "dialog-warning-symbolic";
    case EW_SERVICE_OFFLINE:
      return "edgeway-offline-symbolic";
    case EW_SERVICE_UNKNOWN:
    default:
      return "edgeway-not-joined-symbolic";
    }
}
