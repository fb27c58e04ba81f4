/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/lockdown.h"
#include "common/phrase.h"
#include "common/util.h"
#include "net/host-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TABLE "inet edgeway_lockdown"
#define HELD_TABLE "inet edgeway_lockdown_held"
#define UPPER "0xffff0000"
#define SCHEMA 1
#define PREFIXES_MAX 4096 /* of each list in the file */
/* The kernel's end of a trial comes after edgewayd's own. */
#define TRIAL_MARGIN 5

enum
{
  BEHIND,
  INSIDE,
  EXCLUDED,
  OUTSIDE,
  N_LISTS
};
static const gchar *const list_names[N_LISTS] = { "behind", "inside", "excluded", "outside" };

struct EwLockdown
{
  gchar *path;
  gchar tag[32]; /* in the table's comment: whose it is */
  EwLockdownState state;
  gint64 until; /* TRYING: monotonic */
  gchar *interface;
  GArray *lists[N_LISTS]; /* EwPrefix */
  gboolean holds;         /* by HELD_TABLE as well */
  EwNftOwner *owner;      /* NULL: that isn't loaded */
};

/* ---- the file */

static GArray *
read_prefixes (JsonObject *object, const gchar *member)
{
  g_auto (GStrv) texts = ew_json_strv (object, member, PREFIXES_MAX);
  GArray *prefixes = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  EwPrefix prefix;

  for (gchar **text = texts; text != NULL && *text != NULL; text++)
    if (ew_prefix_parse (*text, &prefix, NULL))
      g_array_append_val (prefixes, prefix);
  return prefixes;
}

static void
write_prefixes (JsonObject *object, const gchar *member, const GArray *prefixes)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < prefixes->len; i++)
    {
      gchar text[EW_PREFIX_STRLEN];
      ew_prefix_format (&g_array_index (prefixes, EwPrefix, i), text);
      json_array_add_string_element (array, text);
    }
  json_object_set_array_member (object, member, array);
}

/* Lockdown is on, whatever the file contains. */
static void
read_file (EwLockdown *self, const gchar *data, gsize length)
{
  g_autoptr (JsonObject) object = ew_json_parse_object (data, length, EW_LOCKDOWN_FILE_MAX, NULL);
  const gchar *interface = ew_json_string (object, "interface");

  if (object == NULL || ew_json_int (object, "schema", 0) != SCHEMA || !ew_interface_is_plain (interface))
    {
      g_warning ("%s can't be understood. Lockdown is on, and the local network stays reachable.", self->path);
      return;
    }
  g_free (self->interface);
  self->interface = g_strdup (interface);
  for (guint i = 0; i < N_LISTS; i++)
    {
      g_array_unref (self->lists[i]);
      self->lists[i] = read_prefixes (object, list_names[i]);
    }
}

static gboolean
write_file (EwLockdown *self, GError **error)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (GError) cause = NULL;

  json_object_set_int_member (object, "schema", SCHEMA);
  json_object_set_string_member (object, "interface", self->interface);
  for (guint i = 0; i < N_LISTS; i++)
    write_prefixes (object, list_names[i], self->lists[i]);
  g_autofree gchar *text = ew_json_to_string (object, TRUE);
  if (ew_file_write_atomic (self->path, text, -1, 0600, &cause))
    return TRUE;
  ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                "Lockdown can't be stored in %s: %s. Free some space, or make that folder writable.", self->path,
                cause->message);
  return FALSE;
}

static gboolean
remove_file (EwLockdown *self, GError **error)
{
  g_autofree gchar *folder = g_path_get_dirname (self->path);

  if (unlink (self->path) != 0 && errno != ENOENT)
    {
      ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_FAILED,
                    "Lockdown is off, but %s can't be deleted (%s), so a restart would switch it on again. Delete that "
                    "file.",
                    self->path, g_strerror (errno));
      return FALSE;
    }
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0)
    {
      (void)!fsync (fd);
      close (fd);
    }
  return TRUE;
}

/* ---- the rules */

static void
add_prefix_sets (GString *script, const gchar *name, const GArray *prefixes)
{
  for (guint8 family = EW_FAMILY_V4; family <= EW_FAMILY_V6; family += 2)
    ew_seal_add_prefix_set (script, name, (const EwPrefix *)(const void *)prefixes->data, prefixes->len, family);
}

/* Connections from outside that were there before conntrack watched: their answers go on. */
static void
add_pinned_sets (GString *script, const EwFlows *flows)
{
  static const gchar *const types[]
    = { "ipv4_addr . inet_service . ipv4_addr . inet_service", "ipv6_addr . inet_service . ipv6_addr . inet_service" };
  const gchar *elements[] = { flows != NULL ? flows->pinned4 : "", flows != NULL ? flows->pinned6 : "" };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_string_append_printf (script, "  set pinned%d {\n    type %s\n", i == 0 ? 4 : 6, types[i]);
      if (*elements[i] != '\0')
        g_string_append_printf (script, "    elements = { %s }\n", elements[i]);
      g_string_append (script, "  }\n");
    }
}

/* The same mark as the guard's (firewall.c): a connection that began while only lockdown's rules were there stays one
   from outside when VPN mode comes, and the other way round. */
static void
add_arriving_chain (GString *script, const gchar *interface)
{
  g_autofree gchar *inbound = g_strdup_printf ("ct mark set ct mark & 0x0000ffff | %#x", EW_HOST_CONNMARK_INBOUND);

  g_string_append_printf (script,
                          "  chain arriving {\n    type filter hook prerouting priority mangle; policy accept;\n"
                          "    iifname { \"lo\", \"%s\" } return\n    ct mark & " UPPER " != 0 return\n"
                          "    ct state new tcp flags & (fin|syn|rst|ack) == syn %s return\n",
                          interface, inbound);
  ew_flows_add_unasked (script);
  g_string_append_printf (script, "    ct state new meta l4proto != tcp %s\n  }\n", inbound);
}

/* A name server of the LAN would learn every name, and ask others: no questions go there unless VPN mode's own rules let
   them (seal.c), which give them the mark. */
static void
add_lock_chain (GString *script, gboolean trial)
{
  g_string_append (script, "  chain lock {\n");
  if (trial)
    g_string_append (script, "    meta nfproto != @trial return\n");
  g_string_append_printf (
    script,
    "    meta mark & " UPPER " == %#x return\n"
    "    ip daddr @behind4 return\n    ip6 daddr @behind6 return\n"
    "    ip daddr @inside4 goto refuse\n    ip6 daddr @inside6 goto refuse\n"
    "    ip daddr @excluded4 return\n    ip6 daddr @excluded6 return\n"
    "    meta l4proto { tcp, udp } th dport { 53, 853 } goto refuse\n"
    "    ip daddr @outside4 return\n    ip6 daddr @outside6 return\n"
    "    ct direction reply ct mark & " UPPER " != 0 return\n"
    "    ip saddr . tcp sport . ip daddr . tcp dport @pinned4 return\n"
    "    ip6 saddr . tcp sport . ip6 daddr . tcp dport @pinned6 return\n"
    "    udp sport 68 udp dport 67 return\n    udp sport 546 udp dport 547 return\n"
    "    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, "
    "mld-listener-done, mld2-listener-report } return\n"
    "    ip protocol igmp return\n    goto refuse\n  }\n",
    EW_HOST_FWMARK);
}

/* After seal.c's chains, which drop what the tunnel will carry again in a moment. Here nobody knows whether it will:
   a program is told at once. An open connection survives that (RFC 1122, 4.2.3.9: a soft error). */
static void
add_hooks (GString *script, const gchar *interface)
{
  g_string_append_printf (script,
                          "  chain refuse {\n    reject with icmpx no-route\n  }\n"
                          "  chain leaving {\n    type filter hook output priority filter + 10; policy accept;\n"
                          "    oifname { \"lo\", \"%s\" } return\n    jump lock\n  }\n"
                          "  chain passing {\n    type filter hook forward priority filter + 10; policy accept;\n"
                          "    iifname \"%s\" return\n    oifname \"%s\" return\n    jump lock\n  }\n",
                          interface, interface, interface);
}

static void
add_trial_set (GString *script, guint seconds)
{
  g_string_append_printf (script,
                          "  set trial {\n    typeof meta nfproto\n    flags timeout\n"
                          "    elements = { ipv4 timeout %us, ipv6 timeout %us }\n  }\n",
                          seconds, seconds);
}

/* flags: of the table, "" or a line. One transaction replaces what is there, so the rules are never missing. */
static gchar *
make_script (const EwLockdown *self, const gchar *table, const gchar *flags, const EwFlows *flows)
{
  GString *script = g_string_new (NULL);
  gint64 left = self->until - g_get_monotonic_time ();
  gboolean trial = self->state == EW_LOCKDOWN_TRYING;

  g_string_append_printf (script, "table %s {\n%s}\ndelete table %s\ntable %s {\n%s  comment \"%s\"\n", table, flags,
                          table, table, flags, self->tag);
  if (trial)
    add_trial_set (script, (guint)(MAX (left, 0) / G_USEC_PER_SEC) + TRIAL_MARGIN);
  for (guint i = 0; i < N_LISTS; i++)
    add_prefix_sets (script, list_names[i], self->lists[i]);
  add_pinned_sets (script, flows);
  add_arriving_chain (script, self->interface);
  add_hooks (script, self->interface);
  add_lock_chain (script, trial);
  g_string_append (script, "}\n");
  return g_string_free (script, FALSE);
}

/* The same rules once more, which only this process can remove: without them there would be none between another
   program's flush and the moment when it's noticed. Best effort. */
static void
hold (EwLockdown *self, const EwFlows *flows)
{
  g_autofree gchar *script = make_script (self, HELD_TABLE, "  flags owner\n", flows), *reason = NULL;

  if (self->owner == NULL)
    self->owner = ew_nft_owner_new ();
  if (self->owner == NULL || ew_nft_owner_run (self->owner, script, &reason) == EW_NFT_DONE)
    return;
  g_debug ("lockdown's rules can't be held: %s", reason);
  g_clear_pointer (&self->owner, ew_nft_owner_free);
}

static void
let_go (EwLockdown *self)
{
  g_clear_pointer (&self->owner, ew_nft_owner_free);
}

static gboolean
load (EwLockdown *self, GError **error)
{
  const EwHostConfig nothing = { .interface = self->interface };
  g_autoptr (EwFlows) flows = ew_flows_list (&nothing, NULL);
  g_autofree gchar *script = make_script (self, TABLE, "", flows);

  if (self->holds)
    hold (self, flows);
  return ew_nft_run (script, FALSE, NULL, error);
}

static gboolean
is_loaded (const EwLockdown *self)
{
  gboolean ours;

  return ew_nft_table_exists (TABLE, self->tag, &ours) && ours;
}

static gboolean
unload (EwLockdown *self, GError **error)
{
  let_go (self);
  return !is_loaded (self) || ew_nft_run ("delete table " TABLE "\n", FALSE, NULL, error);
}

/* ---- the object */

EwLockdown *
ew_lockdown_new (const gchar *path)
{
  EwLockdown *self = g_new0 (EwLockdown, 1);
  g_autofree gchar *data = NULL;
  guint8 hash[32];
  gsize length = 0;

  self->path = g_strdup (path);
  self->interface = g_strdup ("edgeway0");
  ew_sha256 (path, strlen (path), hash);
  g_snprintf (self->tag, sizeof self->tag, "edgewayd %02x%02x%02x%02x%02x%02x", hash[0], hash[1], hash[2], hash[3],
              hash[4], hash[5]);
  for (guint i = 0; i < N_LISTS; i++)
    self->lists[i] = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  ew_lan_add_private (self->lists[OUTSIDE]);
  if (access (path, F_OK) == 0)
    {
      self->state = EW_LOCKDOWN_ON;
      gboolean read = ew_file_read (path, EW_LOCKDOWN_FILE_MAX, &data, &length, NULL);
      read_file (self, read ? data : "", length);
    }
  return self;
}

void
ew_lockdown_free (EwLockdown *self)
{
  if (self == NULL)
    return;
  let_go (self);
  for (guint i = 0; i < N_LISTS; i++)
    g_array_unref (self->lists[i]);
  g_free (self->interface);
  g_free (self->path);
  g_free (self);
}

EwLockdownState
ew_lockdown_get_state (const EwLockdown *self)
{
  return self->state;
}

static gboolean
replace_list (GArray *list, const EwPrefix *prefixes, gsize n)
{
  gboolean same = list->len == n;

  for (guint i = 0; same && i < n; i++)
    same = ew_prefix_equal (&g_array_index (list, EwPrefix, i), &prefixes[i]);
  if (same)
    return FALSE;
  g_array_set_size (list, 0);
  g_array_append_vals (list, prefixes, (guint)n);
  return TRUE;
}

gboolean
ew_lockdown_set_bounds (EwLockdown *self, const EwLockdownBounds *bounds, GError **error)
{
  gboolean differs = !g_str_equal (self->interface, bounds->interface);

  if (differs)
    {
      g_free (self->interface);
      self->interface = g_strdup (bounds->interface);
    }
  differs |= replace_list (self->lists[BEHIND], bounds->behind, bounds->n_behind);
  differs |= replace_list (self->lists[INSIDE], bounds->inside, bounds->n_inside);
  differs |= replace_list (self->lists[EXCLUDED], bounds->excluded, bounds->n_excluded);
  differs |= replace_list (self->lists[OUTSIDE], bounds->outside, bounds->n_outside);
  if (!differs || self->state == EW_LOCKDOWN_OFF)
    return TRUE;
  return load (self, error) && (self->state != EW_LOCKDOWN_ON || write_file (self, error));
}

void
ew_lockdown_hold (EwLockdown *self)
{
  self->holds = TRUE;
}

gboolean
ew_lockdown_is_held (const EwLockdown *self)
{
  gboolean ours;

  return ew_nft_table_exists (HELD_TABLE, self->tag, &ours) && ours;
}

gboolean
ew_lockdown_enforce (EwLockdown *self, GError **error)
{
  return self->state == EW_LOCKDOWN_OFF ? unload (self, error) : load (self, error);
}

static gboolean
open_up (EwLockdown *self, GError **error)
{
  g_autoptr (GError) stays = NULL;
  gboolean removed = remove_file (self, &stays);

  self->state = EW_LOCKDOWN_OFF;
  if (!unload (self, error))
    return FALSE;
  if (!removed)
    g_propagate_error (error, g_steal_pointer (&stays));
  return removed;
}

gboolean
ew_lockdown_set (EwLockdown *self, EwLockdownState state, guint seconds, GError **error)
{
  EwLockdownState before = self->state;
  gint64 until = self->until;

  if (state == EW_LOCKDOWN_OFF)
    return open_up (self, error);
  self->state = state;
  self->until = g_get_monotonic_time () + (gint64)seconds * G_USEC_PER_SEC;
  if (load (self, error) && (state == EW_LOCKDOWN_TRYING || write_file (self, error)))
    return TRUE;
  self->state = before;
  self->until = until;
  (void)ew_lockdown_enforce (self, NULL);
  return FALSE;
}

gboolean
ew_lockdown_restore (EwLockdown *self)
{
  g_autoptr (GError) error = NULL;

  if (self->state == EW_LOCKDOWN_OFF || is_loaded (self))
    return FALSE;
  if (self->state == EW_LOCKDOWN_ON && access (self->path, F_OK) != 0 && errno == ENOENT)
    {
      g_message ("Lockdown was switched off with `edgewayd --lockdown off`.");
      self->state = EW_LOCKDOWN_OFF;
      let_go (self);
      return TRUE;
    }
  g_message ("Another program has removed lockdown's firewall rules. Restoring them.");
  if (!load (self, &error))
    g_warning ("Lockdown's firewall rules can't be restored: %s", error->message);
  return FALSE;
}
