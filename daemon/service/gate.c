/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/gate.h"

#define BUS_NAME "org.freedesktop.DBus"
#define IDLE_CALLERS 512 /* remembered between two calls; beyond that, all idle ones are forgotten */

/* One connection to the bus, by its unique name. */
typedef struct
{
  gchar *name;
  gboolean known;   /* uid is */
  guint32 uid;      /* G_MAXUINT32: the bus does not say */
  GHashTable *open; /* serial → whether an answer is wanted */
} Caller;

/* Touched in GDBus's thread alone. */
typedef struct
{
  GHashTable *callers;   /* unique name → Caller */
  GHashTable *questions; /* serial → name of the caller (owned) whose uid the bus was asked for */
  GHashTable *users;     /* uid → open calls, of all but root */
  guint others;          /* the sum of these */
  guint strangers;       /* open calls of callers not known yet */
} Gate;

static void
free_caller (gpointer data)
{
  Caller *caller = data;

  g_hash_table_unref (caller->open);
  g_free (caller->name);
  g_free (caller);
}

static void
free_gate (gpointer data)
{
  Gate *gate = data;

  g_hash_table_unref (gate->callers);
  g_hash_table_unref (gate->questions);
  g_hash_table_unref (gate->users);
  g_free (gate);
}

/* Counting. */

static guint
count_user (Gate *gate, guint32 uid)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (gate->users, GUINT_TO_POINTER (uid)));
}

static void
add_open (Gate *gate, const Caller *caller, gint n)
{
  guint count;

  if (!caller->known)
    gate->strangers += (guint)n;
  else if (caller->uid != 0)
    {
      count = count_user (gate, caller->uid) + (guint)n;
      gate->others += (guint)n;
      if (count > 0)
        g_hash_table_insert (gate->users, GUINT_TO_POINTER (caller->uid), GUINT_TO_POINTER (count));
      else
        g_hash_table_remove (gate->users, GUINT_TO_POINTER (caller->uid));
    }
}

static guint
count_open (const Caller *caller)
{
  return g_hash_table_size (caller->open);
}

static gboolean
may_enter (Gate *gate, const Caller *caller)
{
  if (caller->known && caller->uid == 0)
    return TRUE;
  if (count_open (caller) >= EW_GATE_PER_CONNECTION)
    return FALSE;
  if (!caller->known)
    return gate->strangers < EW_GATE_STRANGERS;
  return gate->others < EW_GATE_OTHERS && count_user (gate, caller->uid) < EW_GATE_PER_USER;
}

static gboolean
is_idle (gpointer key, gpointer value, gpointer user_data)
{
  return count_open (value) == 0;
}

/* Who calls. */

static void
ask_uid (Gate *gate, GDBusConnection *connection, const gchar *name)
{
  g_autoptr (GDBusMessage) question
    = g_dbus_message_new_method_call (BUS_NAME, "/org/freedesktop/DBus", BUS_NAME, "GetConnectionUnixUser");
  volatile guint32 serial = 0;

  g_dbus_message_set_body (question, g_variant_new ("(s)", name));
  if (g_dbus_connection_send_message (connection, question, G_DBUS_SEND_MESSAGE_FLAGS_NONE, &serial, NULL))
    g_hash_table_insert (gate->questions, GUINT_TO_POINTER (serial), g_strdup (name));
}

static Caller *
get_caller (Gate *gate, GDBusConnection *connection, const gchar *name)
{
  Caller *caller = g_hash_table_lookup (gate->callers, name);

  if (caller != NULL)
    return caller;
  if (g_hash_table_size (gate->callers) >= IDLE_CALLERS)
    g_hash_table_foreach_remove (gate->callers, is_idle, NULL);
  caller = g_new0 (Caller, 1);
  caller->name = g_strdup (name);
  caller->open = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (gate->callers, caller->name, caller);
  ask_uid (gate, connection, name);
  return caller;
}

static void
learn_uid (Gate *gate, const gchar *name, GDBusMessage *answer)
{
  Caller *caller = g_hash_table_lookup (gate->callers, name);
  GVariant *body = g_dbus_message_get_body (answer);

  if (caller == NULL || caller->known)
    return;
  add_open (gate, caller, -(gint)count_open (caller));
  caller->known = TRUE;
  caller->uid = G_MAXUINT32;
  if (g_dbus_message_get_message_type (answer) == G_DBUS_MESSAGE_TYPE_METHOD_RETURN && body != NULL
      && g_variant_is_of_type (body, G_VARIANT_TYPE ("(u)")))
    g_variant_get (body, "(u)", &caller->uid);
  add_open (gate, caller, (gint)count_open (caller));
}

/* In. */

static gboolean
wants_no_answer (GDBusMessage *message)
{
  return (g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED) != 0;
}

static void
refuse_call (GDBusConnection *connection, GDBusMessage *call)
{
  g_autoptr (GDBusMessage) error = NULL;

  if (wants_no_answer (call))
    return;
  error = g_dbus_message_new_method_error_literal (
    call, "org.freedesktop.DBus.Error.LimitsExceeded",
    "edgewayd has not yet answered your earlier requests. Wait for an answer, then try again.");
  g_dbus_connection_send_message (connection, error, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}

/* The same call, except that GDBus answers it. */
static GDBusMessage *
want_answer (GDBusMessage *call)
{
  GDBusMessage *copy = g_dbus_message_copy (call, NULL);

  g_object_unref (call);
  if (copy != NULL)
    g_dbus_message_set_flags (copy, g_dbus_message_get_flags (copy) & ~G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  return copy;
}

static GDBusMessage *
admit_call (Gate *gate, GDBusConnection *connection, GDBusMessage *call)
{
  Caller *caller = get_caller (gate, connection, g_dbus_message_get_sender (call));
  gpointer serial = GUINT_TO_POINTER (g_dbus_message_get_serial (call));
  gboolean silent = wants_no_answer (call);
  /* Two open calls of one serial could not be told apart by their answers. */
  gboolean repeated = g_hash_table_contains (caller->open, serial);

  if (repeated || !may_enter (gate, caller))
    {
      if (!repeated)
        refuse_call (connection, call);
      g_object_unref (call);
      return NULL;
    }
  if (silent)
    call = want_answer (call);
  if (call == NULL)
    return NULL;
  g_hash_table_insert (caller->open, serial, GINT_TO_POINTER (!silent));
  add_open (gate, caller, 1);
  return call;
}

/* TRUE: it was the gate's own question. */
static gboolean
take_answer (Gate *gate, GDBusMessage *answer)
{
  gpointer serial = GUINT_TO_POINTER (g_dbus_message_get_reply_serial (answer));
  g_autofree gchar *name = NULL;

  if (g_strcmp0 (g_dbus_message_get_sender (answer), BUS_NAME) != 0
      || !g_hash_table_steal_extended (gate->questions, serial, NULL, (gpointer *)&name))
    return FALSE;
  learn_uid (gate, name, answer);
  return TRUE;
}

/* Nobody but the bus itself has a reason to send edgewayd a signal of its own. */
static gboolean
is_unasked_signal (GDBusMessage *message)
{
  return g_dbus_message_get_destination (message) != NULL
         && g_strcmp0 (g_dbus_message_get_sender (message), BUS_NAME) != 0;
}

static GDBusMessage *
let_in (Gate *gate, GDBusConnection *connection, GDBusMessage *message)
{
  gboolean dropped = FALSE;

  switch (g_dbus_message_get_message_type (message))
    {
    case G_DBUS_MESSAGE_TYPE_METHOD_CALL:
      if (g_dbus_message_get_sender (message) != NULL)
        return admit_call (gate, connection, message);
      break;
    case G_DBUS_MESSAGE_TYPE_METHOD_RETURN:
    case G_DBUS_MESSAGE_TYPE_ERROR:
      dropped = take_answer (gate, message);
      break;
    case G_DBUS_MESSAGE_TYPE_SIGNAL:
      dropped = is_unasked_signal (message);
      break;
    case G_DBUS_MESSAGE_TYPE_INVALID:
    default:
      break;
    }
  if (dropped)
    g_clear_object (&message);
  return message;
}

/* Out. */

static GDBusMessage *
let_out (Gate *gate, GDBusMessage *message)
{
  GDBusMessageType type = g_dbus_message_get_message_type (message);
  const gchar *destination = g_dbus_message_get_destination (message);
  Caller *caller = destination != NULL ? g_hash_table_lookup (gate->callers, destination) : NULL;
  gpointer serial = GUINT_TO_POINTER (g_dbus_message_get_reply_serial (message)), wanted;

  if ((type != G_DBUS_MESSAGE_TYPE_METHOD_RETURN && type != G_DBUS_MESSAGE_TYPE_ERROR) || caller == NULL
      || !g_hash_table_steal_extended (caller->open, serial, NULL, &wanted)) /* a refusal was never counted */
    return message;
  add_open (gate, caller, -1);
  if (!GPOINTER_TO_INT (wanted))
    g_clear_object (&message);
  return message;
}

static GDBusMessage *
on_message (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  return incoming ? let_in (user_data, connection, message) : let_out (user_data, message);
}

guint
ew_gate_add (GDBusConnection *connection)
{
  Gate *gate = g_new0 (Gate, 1);

  gate->callers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_caller);
  gate->questions = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  gate->users = g_hash_table_new (NULL, NULL);
  return g_dbus_connection_add_filter (connection, on_message, gate, free_gate);
}
