/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list's rows: their groups and order, the search, and that no more is said to change than does.
 */
#include "details/node-rows.h"
#include "model/node-private.h"
#include "model/service-private.h"

typedef struct
{
  GListStore *nodes, *edges, *services;
  EwNodeRows *rows;
  guint changes, position, removed, added;
} Fixture;

/* The rows follow when there is nothing else to do. */
static void
run_pending (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
update (EwNode *node, const gchar *json)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);

  g_assert_nonnull (root);
  ew_node_update (node, json_node_get_object (root), 0);
}

static EwNode *
add (Fixture *fixture, const gchar *json)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  g_autoptr (EwNode) node = NULL;

  g_assert_nonnull (root);
  node = ew_node_new (ew_node_id_of (json_node_get_object (root)));
  ew_node_update (node, json_node_get_object (root), 0);
  g_list_store_append (fixture->nodes, node);
  return node; /* the store keeps it */
}

static void
on_changed (GListModel *model, guint position, guint removed, guint added, gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->changes++;
  fixture->position = position;
  fixture->removed = removed;
  fixture->added = added;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (JsonNode) root = json_from_string (
    "{\"id\":\"e1\",\"name\":\"Frankfurt\",\"endpoint\":\"203.0.113.5:443\",\"online\":true}", NULL);
  g_autoptr (EwEdge) edge = ew_edge_new ("e1");

  fixture->nodes = g_list_store_new (EW_TYPE_NODE);
  fixture->edges = g_list_store_new (EW_TYPE_EDGE);
  ew_edge_update (edge, json_node_get_object (root));
  g_list_store_append (fixture->edges, edge);
  add (fixture, "{\"id\":\"n1\",\"name\":\"web-10\",\"kind\":\"server\",\"state\":\"online\",\"addresses\":[\"100.96.0."
                "11\"],\"os\":\"Debian 12\"}");
  add (fixture, "{\"id\":\"n2\",\"name\":\"web-2\",\"kind\":\"server\",\"state\":\"online\",\"addresses\":[\"100.96.0."
                "12\"],\"os\":\"Ubuntu 22.04\"}");
  add (fixture,
       "{\"id\":\"n3\",\"name\":\"abacus\",\"kind\":\"device\",\"state\":\"offline\",\"addresses\":[\"100.96.0.13\"]}");
  add (fixture, "{\"id\":\"n4\",\"name\":\"thinkpad\",\"kind\":\"device\",\"state\":\"online\",\"self\":true,"
                "\"addresses\":[\"100.96.0.14\"]}");
  add (fixture, "{\"id\":\"n5\",\"name\":\"office-gw\",\"kind\":\"server\",\"state\":\"online\",\"addresses\":[\"100."
                "96.0.15\",\"fd12::15\"],\"routes\":[\"192.168.1.0/24\"]}");
  fixture->services = g_list_store_new (EW_TYPE_SERVICE);
  fixture->rows
    = ew_node_rows_new (G_LIST_MODEL (fixture->nodes), G_LIST_MODEL (fixture->edges), G_LIST_MODEL (fixture->services));
  g_signal_connect (fixture->rows, "items-changed", G_CALLBACK (on_changed), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->rows);
  g_object_unref (fixture->nodes);
  g_object_unref (fixture->edges);
  g_object_unref (fixture->services);
}

static const gchar *
name_of (GObject *object)
{
  return EW_IS_SERVICE (object) ? ew_service_get_name (EW_SERVICE (object)) : ew_edge_get_name (EW_EDGE (object));
}

/* "Frankfurt| thinkpad abacus| …": a group ends with "|". */
static gchar *
shown (Fixture *fixture)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (fixture->rows)); i++)
    {
      g_autoptr (EwNodeRow) row = g_list_model_get_item (G_LIST_MODEL (fixture->rows), i);
      EwNode *node = ew_node_row_get_node (row);
      g_assert_cmpint (ew_node_row_is_first (row), ==, i == 0 || text->str[text->len - 1] == '|');
      g_string_append_printf (text, "%s%s%s", i > 0 ? " " : "",
                              node != NULL ? ew_node_get_name (node) : name_of (ew_node_row_get_object (row)),
                              ew_node_row_is_last (row) ? "|" : "");
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

#define ASSERT_SHOWN(fixture, expected)                                                                                \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree gchar *is = shown (fixture);                                                                            \
    g_assert_cmpstr (is, ==, expected);                                                                                \
  }                                                                                                                    \
  G_STMT_END

static void
test_order (Fixture *fixture, gconstpointer data)
{
  ASSERT_SHOWN (fixture, "Frankfurt| thinkpad abacus| web-2 web-10| office-gw|");
}

/* Last, by name; one that is renamed moves. */
static void
test_services (Fixture *fixture, gconstpointer data)
{
  static const gchar *const names[] = { "wiki", "ha" };
  g_autoptr (JsonNode) renamed = json_from_string ("{\"name\":\"a\"}", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *json = g_strdup_printf (
        "{\"name\":\"%s\",\"targets\":[{\"node\":\"web-2\",\"node_id\":\"n2\",\"label\":\"web-2:80\"}]}", names[i]);
      g_autoptr (JsonNode) root = json_from_string (json, NULL);
      g_autoptr (EwService) service = ew_service_new (names[i]);

      ew_service_update (service, json_node_get_object (root));
      g_list_store_append (fixture->services, service);
    }
  run_pending ();
  ASSERT_SHOWN (fixture, "Frankfurt| thinkpad abacus| web-2 web-10| office-gw| ha wiki|");
  ew_node_rows_set_search (fixture->rows, "web-2:80");
  ASSERT_SHOWN (fixture, "ha wiki|");
  ew_node_rows_set_search (fixture->rows, "");
  g_autoptr (EwService) wiki = g_list_model_get_item (G_LIST_MODEL (fixture->services), 0);
  ew_service_update (wiki, json_node_get_object (renamed));
  run_pending ();
  ASSERT_SHOWN (fixture, "Frankfurt| thinkpad abacus| web-2 web-10| office-gw| a ha|");
  g_list_store_remove_all (fixture->services);
  run_pending ();
  ASSERT_SHOWN (fixture, "Frankfurt| thinkpad abacus| web-2 web-10| office-gw|");
}

static void
test_search (Fixture *fixture, gconstpointer data)
{
  static const gchar *const cases[][2] = {
    { "WEB", "web-2 web-10|" },
    { "  web  ubuntu ", "web-2|" }, /* every word, in any of the texts */
    { "100.96.0.13", "abacus|" },
    { "fd12::15", "office-gw|" },
    { "192.168", "office-gw|" },
    { "frank", "Frankfurt|" },
    { "203.0.113.5", "Frankfurt|" },
    { "webubuntu", "" },
    { "10100", "" },                                                    /* not across two texts: web-10, 100.96.0.11 */
    { "\xff", "Frankfurt| thinkpad abacus| web-2 web-10| office-gw|" }, /* invalid UTF-8: not a word */
    { "", "Frankfurt| thinkpad abacus| web-2 web-10| office-gw|" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ew_node_rows_set_search (fixture->rows, cases[i][0]);
      ASSERT_SHOWN (fixture, cases[i][1]);
    }
}

/* A change of state doesn't move a row; rows and their objects stay the same. */
static void
test_state_moves_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EwNodeRow) before = g_list_model_get_item (G_LIST_MODEL (fixture->rows), 3), after = NULL;
  g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (fixture->nodes), 1);

  update (
    node,
    "{\"id\":\"n2\",\"name\":\"web-2\",\"kind\":\"server\",\"state\":\"offline\",\"addresses\":[\"100.96.0.12\"]}");
  run_pending ();
  after = g_list_model_get_item (G_LIST_MODEL (fixture->rows), 3);
  g_assert_true (before == after);
  g_assert_cmpuint (fixture->changes, ==, 0);
}

static void
test_rename (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (fixture->nodes), 1);

  update (
    node,
    "{\"id\":\"n2\",\"name\":\"zebra\",\"kind\":\"server\",\"state\":\"online\",\"addresses\":[\"100.96.0.12\"]}");
  run_pending ();
  ASSERT_SHOWN (fixture, "Frankfurt| thinkpad abacus| web-10 zebra| office-gw|");
  g_assert_cmpuint (fixture->changes, ==, 1);
  g_assert_cmpuint (fixture->position, ==, 3);
  g_assert_cmpuint (fixture->removed, ==, 2);
}

static void
test_becomes_gateway (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EwNode) node = g_list_model_get_item (G_LIST_MODEL (fixture->nodes), 2);

  update (node,
          "{\"id\":\"n3\",\"name\":\"abacus\",\"kind\":\"device\",\"state\":\"online\",\"routes\":[\"10.7.0.0/24\"]}");
  run_pending ();
  ASSERT_SHOWN (fixture, "Frankfurt| thinkpad| web-2 web-10| abacus office-gw|");
}

static void
test_add_and_remove (Fixture *fixture, gconstpointer data)
{
  g_autoptr (EwNode) first = g_list_model_get_item (G_LIST_MODEL (fixture->nodes), 0);
  EwNode *node = add (fixture, "{\"id\":\"n6\",\"name\":\"nas\",\"kind\":\"server\",\"state\":\"online\"}");

  run_pending ();
  ASSERT_SHOWN (fixture, "Frankfurt| thinkpad abacus| nas web-2 web-10| office-gw|");
  g_assert_cmpuint (fixture->position, ==, 3);
  g_assert_cmpuint (fixture->removed, ==, 0);
  g_assert_cmpuint (fixture->added, ==, 1);
  g_assert_cmpuint (ew_node_rows_find (fixture->rows, G_OBJECT (node)), ==, 3);

  g_list_store_remove (fixture->nodes, 0);
  run_pending ();
  ASSERT_SHOWN (fixture, "Frankfurt| thinkpad abacus| nas web-2| office-gw|");
  g_assert_false (ew_node_rows_knows (fixture->rows, G_OBJECT (first)));
  g_assert_cmpuint (ew_node_rows_find (fixture->rows, G_OBJECT (first)), ==, G_MAXUINT);
}

/* Many changes cause one rebuild, in the idle. */
static void
test_coalesced (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 100; i++)
    {
      g_autofree gchar *json
        = g_strdup_printf ("{\"id\":\"m%u\",\"name\":\"m-%u\",\"kind\":\"server\",\"state\":\"online\"}", i, i);
      add (fixture, json);
    }
  g_assert_cmpuint (fixture->changes, ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (fixture->changes, ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->rows)), ==, 106);
}

/* What the search hides is still known: its selection is kept. */
static void
test_hidden_is_known (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GObject) node = g_list_model_get_item (G_LIST_MODEL (fixture->nodes), 0);

  ew_node_rows_set_search (fixture->rows, "thinkpad");
  g_assert_cmpuint (ew_node_rows_find (fixture->rows, node), ==, G_MAXUINT);
  g_assert_true (ew_node_rows_knows (fixture->rows, node));
}

#define ADD(name, test) g_test_add ("/details/rows/" name, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("order", test_order);
  ADD ("search", test_search);
  ADD ("services", test_services);
  ADD ("state", test_state_moves_nothing);
  ADD ("rename", test_rename);
  ADD ("gateway", test_becomes_gateway);
  ADD ("add-and-remove", test_add_and_remove);
  ADD ("coalesced", test_coalesced);
  ADD ("hidden", test_hidden_is_known);
  return g_test_run ();
}
