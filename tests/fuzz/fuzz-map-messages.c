/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines of the map's stream as the app takes them: whatever an edge sends, the list can be shown, and only addresses
 * and networks of it are used in commands.
 */
#include <stdint.h>
#include <string.h>

#include "model/search.h"
#include "model/topology-private.h"
#include "model/words.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_words (const gchar *const *words, const gchar *allowed)
{
  for (; *words != NULL; words++)
    g_assert_cmpuint (strspn (*words, allowed), ==, strlen (*words));
}

static void
check_node (EwNode *node)
{
  const gchar *name = ew_node_get_name (node);

  g_assert_true (g_utf8_validate (name, -1, NULL));
  g_assert_cmpint (g_utf8_strlen (name, -1), <=, 64);
  g_assert_cmpstr (name, !=, "");
  check_words (ew_node_get_addresses (node), "0123456789abcdefABCDEF.:");
  check_words (ew_node_get_routes (node), "0123456789abcdefABCDEF.:/");
}

static void
check_service (EwService *service, EwDaemon *daemon)
{
  g_autofree gchar *url = ew_service_get_url (service, daemon), *ports = ew_words_service_ports (service);
  g_autofree gchar *spoken = ew_words_service_spoken (service), *description = ew_words_service_description (service);

  g_assert_true (g_utf8_validate (ew_service_get_name (service), -1, NULL));
  g_assert_true (g_utf8_validate (spoken, -1, NULL));
  g_assert_true (g_utf8_validate (description, -1, NULL));
  check_words (ew_service_get_addresses (service), "0123456789abcdefABCDEF.:");
  if (url != NULL) /* a browser is started with it */
    g_assert_cmpuint (strspn (url, "abcdefghijklmnopqrstuvwxyzABCDEF0123456789:/.-[]"), ==, strlen (url));
  for (guint i = 0; i < ew_service_get_n_targets (service); i++)
    {
      g_autofree gchar *words = ew_words_target (ew_service_get_target (service, i));
      g_autofree gchar *fix = ew_words_target_fix (ew_service_get_target (service, i));

      g_assert_true (g_utf8_validate (words, -1, NULL));
      g_assert_true (fix == NULL || g_utf8_validate (fix, -1, NULL));
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree gchar *input = g_strndup ((const gchar *)data, size);
  g_auto (GStrv) lines = g_strsplit (input, "\n", 64), search = ew_search_words (lines[0]);
  static EwDaemon *daemon; /* of a bus that isn't there */
  if (daemon == NULL)
    daemon = ew_daemon_new ("unix:path=/nonexistent");
  g_autoptr (EwTopology) topology = ew_topology_new (daemon);

  for (guint i = 0; lines[0] != NULL && lines[i + 1] != NULL; i++)
    {
      g_autoptr (JsonNode) message = json_from_string (lines[i + 1], NULL);
      if (message != NULL && JSON_NODE_HOLDS_OBJECT (message))
        ew_topology_take_message (topology, json_node_get_object (message));
    }
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (topology)); i++)
    {
      g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (topology), i);
      check_node (node);
      (void)ew_search_matches (search, G_OBJECT (node));
    }
  for (guint i = 0; i < g_list_model_get_n_items (ew_topology_get_services (topology)); i++)
    {
      g_autoptr (EwService) service = g_list_model_get_item (ew_topology_get_services (topology), i);
      check_service (service, daemon);
      (void)ew_search_matches (search, G_OBJECT (service));
    }
  return 0;
}
