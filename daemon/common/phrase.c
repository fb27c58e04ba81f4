/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/phrase.h"
#include "common/util.h"

#include <errno.h>
#include <string.h>

typedef struct
{
  gchar *text, *json;
  guint depth; /* 1: no phrase in it */
  GList link;  /* in `order` */
} Remembered;

static GMutex lock;
static GHashTable *remembered;      /* text → Remembered */
static GQueue order = G_QUEUE_INIT; /* the one that was said last is the tail */

static void
free_remembered (gpointer data)
{
  Remembered *entry = data;

  g_queue_unlink (&order, &entry->link);
  g_free (entry->text);
  g_free (entry->json);
  g_free (entry);
}

static void
remember (const gchar *text, const gchar *json, guint depth)
{
  Remembered *entry;

  if (depth > EW_PHRASE_DEPTH || strlen (json) > EW_PHRASE_JSON_MAX)
    return;
  entry = g_new0 (Remembered, 1);
  entry->text = g_strdup (text);
  entry->json = g_strdup (json);
  entry->depth = depth;
  entry->link.data = entry;
  g_mutex_lock (&lock);
  if (remembered == NULL)
    remembered = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_remembered);
  g_queue_push_tail_link (&order, &entry->link);
  g_hash_table_replace (remembered, entry->text, entry);
  if (order.length > EW_PHRASES)
    g_hash_table_remove (remembered, ((Remembered *)g_queue_peek_head (&order))->text);
  g_mutex_unlock (&lock);
}

/* Its phrase as JSON, or NULL. (transfer full) */
static gchar *
recall (const gchar *text, guint *depth)
{
  Remembered *entry;
  gchar *json = NULL;

  g_mutex_lock (&lock);
  entry = remembered != NULL ? g_hash_table_lookup (remembered, text) : NULL;
  if (entry != NULL)
    {
      g_queue_unlink (&order, &entry->link);
      g_queue_push_tail_link (&order, &entry->link);
      json = g_strdup (entry->json);
      *depth = entry->depth;
    }
  g_mutex_unlock (&lock);
  return json;
}

static void
append_string (GString *json, const gchar *text, gsize max)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, (gssize)strnlen (text, max));
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), valid);
  g_autofree gchar *quoted = json_to_string (node, FALSE);

  g_string_append (json, quoted);
}

/* A string, or the phrase that it was made of. */
static void
append_argument (GString *json, const gchar *argument, guint *depth)
{
  guint inner_depth = 0;
  g_autofree gchar *inner = argument != NULL ? recall (argument, &inner_depth) : NULL;

  if (inner != NULL && inner_depth < EW_PHRASE_DEPTH)
    {
      g_string_append (json, inner);
      *depth = MAX (*depth, inner_depth + 1);
    }
  else
    append_string (json, argument != NULL ? argument : "(null)", EW_PHRASE_ARGUMENT_MAX);
}

/* As JSON. NULL: it has a conversion that no client knows, or too many. */
static gchar *
take_apart (const gchar *format, va_list arguments, guint *depth)
{
  g_autoptr (GString) json = g_string_new ("[");
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];
  guint n = 0;

  *depth = 1;
  append_string (json, format, EW_PHRASE_TEXT_MAX);
  for (const gchar *at = strchr (format, '%'); at != NULL; at = strchr (at, '%'))
    {
      const gboolean is_real = g_str_has_prefix (at, "%.1f");
      if (!is_real && (at[1] == '\0' || strchr ("sud%", at[1]) == NULL))
        return NULL;
      if (at[1] != '%' && ++n <= EW_PHRASE_ARGUMENTS)
        g_string_append_c (json, ',');
      if (n > EW_PHRASE_ARGUMENTS)
        return NULL;
      if (is_real)
        g_string_append (json, g_ascii_dtostr (number, sizeof number, va_arg (arguments, gdouble)));
      else if (at[1] == 's')
        append_argument (json, va_arg (arguments, const gchar *), depth);
      else if (at[1] == 'u')
        g_string_append_printf (json, "%u", va_arg (arguments, guint));
      else if (at[1] == 'd')
        g_string_append_printf (json, "%d", va_arg (arguments, gint));
      at += is_real ? 4 : 2;
    }
  g_string_append_c (json, ']');
  return g_string_free (g_steal_pointer (&json), FALSE);
}

gchar *
ew_phrase_valist (const gchar *format, va_list arguments)
{
  va_list again;
  guint depth = 0;

  va_copy (again, arguments);
  gchar *text = g_strdup_vprintf (format, arguments);
  g_autofree gchar *json = NULL;
  if (strlen (text) <= EW_PHRASE_TEXT_MAX && !g_str_equal (format, "%s")) /* else: known already, if at all */
    json = take_apart (format, again, &depth);
  va_end (again);
  if (json != NULL)
    remember (text, json, depth);
  return text;
}

gchar *
ew_phrase (const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  gchar *text = ew_phrase_valist (format, arguments);
  va_end (arguments);
  return text;
}

void
ew_set_error (GError **error, GQuark domain, gint code, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree gchar *text = ew_phrase_valist (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, domain, code, text);
}

gboolean
ew_error_refuse (GError **error, EwError code, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree gchar *text = ew_phrase_valist (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, EW_ERROR, code, text);
  return FALSE;
}

GError *
ew_error_new (GQuark domain, gint code, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree gchar *text = ew_phrase_valist (format, arguments);
  va_end (arguments);
  return g_error_new_literal (domain, code, text);
}

void
ew_task_return_new_error (GTask *task, GQuark domain, gint code, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree gchar *text = ew_phrase_valist (format, arguments);
  va_end (arguments);
  g_task_return_error (task, g_error_new_literal (domain, code, text));
}

const gchar *
ew_phrase_cause (const GError *error)
{
  static const struct
  {
    gint code, number;
  } causes[] = {
    { G_IO_ERROR_CONNECTION_REFUSED, ECONNREFUSED }, { G_IO_ERROR_HOST_UNREACHABLE, EHOSTUNREACH },
    { G_IO_ERROR_NETWORK_UNREACHABLE, ENETUNREACH }, { G_IO_ERROR_TIMED_OUT, ETIMEDOUT },
    { G_IO_ERROR_CONNECTION_CLOSED, ECONNRESET }, /* EPIPE, too */
    { G_IO_ERROR_PERMISSION_DENIED, EACCES },
  };

  if (error->domain == G_RESOLVER_ERROR)
    return N_ ("the name can't be looked up");
  for (gsize i = 0; error->domain == G_IO_ERROR && i < G_N_ELEMENTS (causes); i++)
    if (error->code == causes[i].code)
      return g_strerror (causes[i].number);
  return error->message;
}

gchar *
ew_phrase_to_json (const gchar *text)
{
  guint depth;
  gchar *json = recall (text, &depth);

  return json != NULL ? json : g_strdup ("");
}

void
ew_phrase_add_member (JsonObject *object, const gchar *member, const gchar *text)
{
  g_autofree gchar *json = ew_phrase_to_json (text);
  JsonNode *node = *json != '\0' ? json_from_string (json, NULL) : NULL;

  if (node != NULL)
    json_object_set_member (object, member, node);
}

/* How deep another program's phrase is; 0: it isn't one. */
static guint
measure_depth (JsonArray *phrase, guint most)
{
  const guint length = json_array_get_length (phrase);
  guint deepest = 0;

  if (most == 0 || length < 1 || length > EW_PHRASE_ARGUMENTS + 1)
    return 0;
  for (guint i = 0; i < length; i++)
    {
      JsonNode *node = json_array_get_element (phrase, i);
      GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;
      guint inner = 0;
      if (i > 0 && JSON_NODE_HOLDS_ARRAY (node))
        inner = measure_depth (json_node_get_array (node), most - 1);
      if (inner == 0 && type != G_TYPE_STRING && (i == 0 || (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)))
        return 0;
      deepest = MAX (deepest, inner);
    }
  return deepest + 1;
}

gboolean
ew_phrase_learn (const gchar *text, JsonArray *phrase)
{
  const guint depth = phrase != NULL ? measure_depth (phrase, EW_PHRASE_DEPTH) : 0;

  if (depth == 0 || strlen (text) > EW_PHRASE_TEXT_MAX)
    return FALSE;
  g_autoptr (JsonNode) node = json_node_init_array (json_node_alloc (), phrase);
  g_autofree gchar *json = json_to_string (node, FALSE);
  if (strlen (json) > EW_PHRASE_JSON_MAX)
    return FALSE;
  remember (text, json, depth);
  return TRUE;
}
