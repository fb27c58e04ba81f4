/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include <edgeway-config.h>
#include <glib/gi18n-lib.h>

static gchar *
offline_words (const EwServiceTarget *target)
{
  g_autofree gchar *time = target->since > 0 ? ew_words_time (target->since) : NULL;

  if (time == NULL)
    return g_strdup_printf (_ ("%s is offline"), target->node);
  /* Translators: a node, and since when: "nas is offline since 3 Nov, 08:14" */
  return g_strdup_printf (_ ("%s is offline since %s"), target->node, time);
}

gchar *
ew_words_target (const EwServiceTarget *target)
{
  const gchar *host = target->host != NULL ? target->host : "";

  switch (target->state)
    {
    case EW_TARGET_ANSWERS:
      /* Translators: a target of a service, such as nas:8123 */
      return g_strdup_printf (_ ("%s answers"), target->label);
    case EW_TARGET_REACHABLE:
      return g_strdup_printf (_ ("%s can be reached"), target->label);
    case EW_TARGET_REFUSES:
      return g_strdup_printf (_ ("Nothing listens on %s"), target->label);
    case EW_TARGET_SILENT:
      return g_strdup_printf (_ ("%s doesn't answer"), target->label);
    case EW_TARGET_UNREACHABLE:
      if (*host == '\0')
        return g_strdup_printf (_ ("%s can't be reached"), target->node);
      /* Translators: a gateway, and a host behind it: "office-gw can't reach 10.77.0.9" */
      return g_strdup_printf (_ ("%s can't reach %s"), target->node, host);
    case EW_TARGET_OFFLINE:
      return offline_words (target);
    case EW_TARGET_NOT_JOINED:
      return g_strdup_printf (_ ("%s hasn't joined the mesh yet"), target->node);
    case EW_TARGET_NO_ROUTE:
      return g_strdup_printf (_ ("%s no longer shares a network with %s"), target->node, host);
    case EW_TARGET_UNKNOWN:
    default:
      return g_strdup_printf (_ ("Nothing is known of %s yet"), target->label);
    }
}

gchar *
ew_words_target_fix (const EwServiceTarget *target)
{
  switch (target->state)
    {
    case EW_TARGET_REFUSES:
      return g_strdup (_ ("Start the program there, or let it listen on all addresses instead of 127.0.0.1."));
    case EW_TARGET_SILENT:
      if (target->host != NULL)
        return g_strdup (_ ("Check that the host is on, and that its firewall lets packets from the mesh through."));
      return g_strdup_printf (_ ("Open the port in the firewall of %s for the interface edgeway0."), target->node);
    case EW_TARGET_UNREACHABLE:
      return g_strdup (_ ("Check that the host is on."));
    case EW_TARGET_OFFLINE:
      return g_strdup (_ ("Turn it on, or run “edgewayctl status” there."));
    case EW_TARGET_NO_ROUTE:
      return g_strdup_printf (_ ("Share the network behind %s again."), target->node);
    case EW_TARGET_ANSWERS:
    case EW_TARGET_REACHABLE:
    case EW_TARGET_NOT_JOINED:
    case EW_TARGET_UNKNOWN:
    default:
      return NULL;
    }
}

gchar *
ew_words_service_state (EwService *service)
{
  if (ew_service_get_as_of (service) != 0)
    return ew_words_as_of (ew_service_get_as_of (service), FALSE);
  switch (ew_service_get_state (service))
    {
    case EW_SERVICE_WORKS:
      return g_strdup (_ ("Works"));
    case EW_SERVICE_FAILS:
      return g_strdup (_ ("Doesn't work"));
    case EW_SERVICE_OFFLINE:
      return g_strdup (_ ("Offline"));
    case EW_SERVICE_UNKNOWN:
    default:
      return g_strdup (_ ("Not checked"));
    }
}

gchar *
ew_words_service_ports (EwService *service)
{
  GString *words = g_string_new (NULL);

  for (guint i = 0; i < ew_service_get_n_ports (service); i++)
    {
      const EwServicePortInfo *port = ew_service_get_port (service, i);

      if (i > 0)
        g_string_append (words, _ (", "));
      if (port->from <= 1 && port->to == G_MAXUINT16)
        g_string_append (words, _ ("all"));
      else if (port->from != port->to)
        g_string_append_printf (words, "%u–%u", port->from, port->to);
      else
        g_string_append_printf (words, "%u", port->from);
      if (port->udp)
        g_string_append (words, " UDP");
    }
  return g_string_free (words, FALSE);
}

gchar *
ew_words_service_targets (EwService *service)
{
  GString *words = g_string_new (NULL);

  for (guint i = 0; i < ew_service_get_n_targets (service); i++)
    g_string_append_printf (words, "%s%s", i > 0 ? _ (", ") : "", ew_service_get_target (service, i)->label);
  return g_string_free (words, FALSE);
}

static const gchar *
spoken_state (EwService *service)
{
  switch (ew_service_get_state (service))
    {
    case EW_SERVICE_WORKS:
      return _ ("works");
    case EW_SERVICE_FAILS:
      return _ ("doesn't work");
    case EW_SERVICE_OFFLINE:
      return _ ("offline");
    case EW_SERVICE_UNKNOWN:
    default:
      return _ ("not checked");
    }
}

gchar *
ew_words_service_spoken (EwService *service)
{
  g_autofree gchar *targets = ew_words_service_targets (service), *state = NULL;

  if (ew_service_get_as_of (service) != 0)
    state = ew_words_as_of (ew_service_get_as_of (service), FALSE);
  /* Translators: a service's name, its targets, its state: "ha, service of nas:8123, works" */
  return g_strdup_printf (_ ("%s, service of %s, %s"), ew_service_get_name (service), targets,
                          state != NULL ? state : spoken_state (service));
}

gchar *
ew_words_service_description (EwService *service)
{
  g_autofree gchar *ports = ew_words_service_ports (service);
  const gchar *address = ew_service_get_address (service);

  if (address == NULL)
    return g_strdup_printf (_ ("Port %s. Press Enter for details."), ports);
  return g_strdup_printf (_ ("Port %s, address %s. Press Enter for details."), ports, address);
}
