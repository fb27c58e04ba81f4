/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/gate.h"

#define BUS_NAME "org.freedesktop.DBus"
#define IDLE_CALLERS 512           /* remembered between two calls; beyond that, all idle ones are forgotten */
#define REFUSALS_PER_SECOND 128    /* for each connection, which the bus lets wait for so many answers */
#define FIRST_QUESTION 0xe0000000u /* serials of the gate's questions; GDBus counts its own from 1 */

/* One connection to the bus, identified by its unique name. */
typedef struct
{
  gchar *name;
  gboolean known;   /* uid is */
  guint32 uid;      /* G_MAXUINT32: the bus does not say */
  GHashTable *open; /* serial → whether an answer is wanted */
  guint refusals;
  gint64 refusals_since; /* monotonic */
} Caller;

typedef struct
{
  guint open;
  guint calls, introspections; /* in the second since … */
  gint64 calls_since, introspections_since;
} User;

struct EwGate
{
  EwGateSend send;
  gpointer user_data;
  GHashTable *callers;   /* unique name → Caller */
  GHashTable *questions; /* serial → name of the caller (owned) whose uid the bus was asked for */
  GHashTable *users;     /* uid → User, of all but root */
  guint others;          /* their open calls */
  guint strangers;       /* open calls of callers not known yet */
  guint32 serial;        /* of the last question */
};

static void
free_caller (gpointer data)
{
  Caller *caller = data;

  g_hash_table_unref (caller->open);
  g_free (caller->name);
  g_free (caller);
}

/* Counting. */

static User *
get_user (EwGate *self, guint32 uid)
{
  User *user = g_hash_table_lookup (self->users, GUINT_TO_POINTER (uid));

  if (user == NULL)
    {
      user = g_new0 (User, 1);
      g_hash_table_insert (self->users, GUINT_TO_POINTER (uid), user);
    }
  return user;
}

static void
add_open (EwGate *self, const Caller *caller, gint n)
{
  if (!caller->known)
    self->strangers += (guint)n;
  else if (caller->uid != 0)
    {
      get_user (self, caller->uid)->open += (guint)n;
      self->others += (guint)n;
    }
}

static guint
count_open (const Caller *caller)
{
  return g_hash_table_size (caller->open);
}

/* One of so many a second; since: when that second began, monotonic. */
static gboolean
take_turn (guint *n, gint64 *since, guint most)
{
  gint64 now = g_get_monotonic_time ();

  if (now - *since >= G_USEC_PER_SEC)
    {
      *n = 0;
      *since = now;
    }
  return (*n)++ < most;
}

static gboolean
may_enter (EwGate *self, const Caller *caller, const EwFrame *call)
{
  gboolean introspects = g_strcmp0 (call->interface, "org.freedesktop.DBus.Introspectable") == 0;
  User *user;

  if (caller->known && caller->uid == 0)
    return TRUE;
  if (count_open (caller) >= EW_GATE_PER_CONNECTION)
    return FALSE;
  if (!caller->known)
    return self->strangers < EW_GATE_STRANGERS && !(introspects && count_open (caller) > 0);
  user = get_user (self, caller->uid);
  if (introspects && !take_turn (&user->introspections, &user->introspections_since, EW_GATE_INTROSPECTIONS))
    return FALSE;
  return self->others < EW_GATE_OTHERS && user->open < EW_GATE_PER_USER
         && take_turn (&user->calls, &user->calls_since, EW_GATE_PER_SECOND);
}

static gboolean
is_idle (gpointer key, gpointer value, gpointer user_data)
{
  return count_open (value) == 0;
}

/* Who calls. */

static void
ask_uid (EwGate *self, const gchar *name)
{
  g_autoptr (GDBusMessage) question
    = g_dbus_message_new_method_call (BUS_NAME, "/org/freedesktop/DBus", BUS_NAME, "GetConnectionUnixUser");

  if (++self->serial < FIRST_QUESTION)
    self->serial = FIRST_QUESTION;
  g_dbus_message_set_serial (question, self->serial);
  g_dbus_message_set_body (question, g_variant_new ("(s)", name));
  g_hash_table_insert (self->questions, GUINT_TO_POINTER (self->serial), g_strdup (name));
  self->send (question, self->user_data);
}

static Caller *
get_caller (EwGate *self, const gchar *name)
{
  Caller *caller = g_hash_table_lookup (self->callers, name);

  if (caller != NULL)
    return caller;
  if (g_hash_table_size (self->callers) >= IDLE_CALLERS)
    g_hash_table_foreach_remove (self->callers, is_idle, NULL);
  caller = g_new0 (Caller, 1);
  caller->name = g_strdup (name);
  caller->open = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (self->callers, caller->name, caller);
  ask_uid (self, name);
  return caller;
}

/* uid: G_MAXUINT32 where the bus does not know, because the caller has disconnected. */
static void
learn_uid (EwGate *self, const gchar *name, guint32 uid)
{
  Caller *caller = g_hash_table_lookup (self->callers, name);

  if (caller == NULL || caller->known)
    return;
  add_open (self, caller, -(gint)count_open (caller));
  caller->known = TRUE;
  caller->uid = uid;
  add_open (self, caller, (gint)count_open (caller));
}

/* In. */

static const gchar *
explain_refusal (const EwFrame *call)
{
  if (call->body > EW_GATE_CALL_MAX)
    return "That request is larger than any that edgewayd answers.";
  if (call->n_fds > 0)
    return "edgewayd takes no file descriptors.";
  return "That's more requests than edgewayd answers at once. Wait for an answer, then try again.";
}

static void
refuse_call (EwGate *self, Caller *caller, const EwFrame *call)
{
  g_autoptr (GDBusMessage) error = NULL;

  if ((call->flags & EW_FRAME_NO_REPLY) != 0
      || !take_turn (&caller->refusals, &caller->refusals_since, REFUSALS_PER_SECOND))
    return;
  error = g_dbus_message_new ();
  g_dbus_message_set_message_type (error, G_DBUS_MESSAGE_TYPE_ERROR);
  g_dbus_message_set_error_name (error, "org.freedesktop.DBus.Error.LimitsExceeded");
  g_dbus_message_set_destination (error, caller->name);
  g_dbus_message_set_reply_serial (error, call->serial);
  g_dbus_message_set_serial (error, FIRST_QUESTION - 1); /* it gets no answer */
  g_dbus_message_set_flags (error, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_body (error, g_variant_new ("(s)", explain_refusal (call)));
  self->send (error, self->user_data);
}

static gboolean
admit_call (EwGate *self, const EwFrame *call, guint8 *data)
{
  Caller *caller = get_caller (self, call->sender);
  gpointer serial = GUINT_TO_POINTER (call->serial);
  gboolean silent = (call->flags & EW_FRAME_NO_REPLY) != 0;

  /* The answers to two open calls with one serial couldn't be told apart. */
  if (g_hash_table_contains (caller->open, serial))
    return FALSE;
  if (call->body > EW_GATE_CALL_MAX || call->n_fds > 0 || !may_enter (self, caller, call))
    {
      refuse_call (self, caller, call);
      return FALSE;
    }
  data[EW_FRAME_FLAGS_AT] &= (guint8)~EW_FRAME_NO_REPLY;
  g_hash_table_insert (caller->open, serial, GINT_TO_POINTER (!silent));
  add_open (self, caller, 1);
  return TRUE;
}

gboolean
ew_gate_asked_for (EwGate *self, const EwFrame *frame)
{
  return (frame->type == EW_FRAME_RETURN || frame->type == EW_FRAME_ERROR) && g_strcmp0 (frame->sender, BUS_NAME) == 0
         && g_hash_table_contains (self->questions, GUINT_TO_POINTER (frame->reply_serial));
}

static void
take_answer (EwGate *self, const EwFrame *frame, const guint8 *body)
{
  g_autofree gchar *name = NULL;
  gboolean good = frame->type == EW_FRAME_RETURN && frame->body == 4 && body != NULL;

  g_hash_table_steal_extended (self->questions, GUINT_TO_POINTER (frame->reply_serial), NULL, (gpointer *)&name);
  learn_uid (self, name, good ? ew_frame_get_u32 (frame, body) : G_MAXUINT32);
}

gboolean
ew_gate_let_in (EwGate *self, const EwFrame *frame, guint8 *data, const guint8 *body)
{
  if (ew_gate_asked_for (self, frame))
    {
      take_answer (self, frame, body);
      return FALSE;
    }
  if (frame->type == EW_FRAME_CALL)
    return frame->sender != NULL && admit_call (self, frame, data);
  /* Only the bus itself has a reason to send edgewayd a signal. */
  return frame->type != EW_FRAME_SIGNAL || frame->destination == NULL || g_strcmp0 (frame->sender, BUS_NAME) == 0;
}

/* Out. */

gboolean
ew_gate_let_out (EwGate *self, const EwFrame *frame)
{
  gboolean is_answer = frame->type == EW_FRAME_RETURN || frame->type == EW_FRAME_ERROR;
  Caller *caller = is_answer && frame->destination ? g_hash_table_lookup (self->callers, frame->destination) : NULL;
  gpointer wanted;

  if (caller == NULL
      || !g_hash_table_steal_extended (caller->open, GUINT_TO_POINTER (frame->reply_serial), NULL, &wanted))
    return TRUE;
  add_open (self, caller, -1);
  return GPOINTER_TO_INT (wanted);
}

/* Life. */

EwGate *
ew_gate_new (EwGateSend send, gpointer user_data)
{
  EwGate *self = g_new0 (EwGate, 1);

  self->send = send;
  self->user_data = user_data;
  self->callers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_caller);
  self->questions = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->users = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return self;
}

void
ew_gate_free (EwGate *self)
{
  g_hash_table_unref (self->callers);
  g_hash_table_unref (self->questions);
  g_hash_table_unref (self->users);
  g_free (self);
}
