/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/util.h"
#include "net/host-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define BOOT "5719c4f2-eb38-4102-9092-c24cd5f72603"
#define OTHER_BOOT "00000000-0000-4000-8000-000000000000"

static EwChange *
on_link (EwChangeKind kind)
{
  EwChange *change = ew_change_new (kind);
  change->interface = g_strdup ("edgeway0");
  change->link = 7;
  return change;
}

/* One of each kind. */
static GPtrArray *
samples (void)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_change_free);
  EwChange *change = on_link (EW_CHANGE_MTU);

  change->before = g_strdup ("1500");
  change->value = g_strdup ("1420");
  g_ptr_array_add (all, change);
  g_ptr_array_add (all, on_link (EW_CHANGE_UP));
  change = on_link (EW_CHANGE_ADDRESS);
  ew_prefix_parse ("fd45::7/128", &change->prefix, NULL);
  g_ptr_array_add (all, change);
  change = on_link (EW_CHANGE_ROUTE);
  ew_prefix_parse ("0.0.0.0/0", &change->prefix, NULL);
  change->table = EW_HOST_TABLE;
  g_ptr_array_add (all, change);
  change = ew_change_new (EW_CHANGE_ROUTE);
  ew_prefix_parse ("192.168.0.0/16", &change->prefix, NULL);
  change->table = EW_HOST_TABLE;
  change->throws = TRUE;
  g_ptr_array_add (all, change);
  change = ew_change_new (EW_CHANGE_RULE);
  change->family = EW_FAMILY_V6;
  change->priority = 5203;
  change->table = 254;
  change->suppress = 6;
  ew_prefix_parse ("fc00::/7", &change->prefix, NULL);
  g_ptr_array_add (all, change);
  change = ew_change_new (EW_CHANGE_RULE);
  change->family = EW_FAMILY_V4;
  change->priority = 5200;
  change->table = EW_HOST_TABLE;
  change->unmarked = TRUE;
  g_ptr_array_add (all, change);
  change = ew_change_new (EW_CHANGE_SYSCTL);
  change->name = g_strdup ("net/ipv4/conf/eth0.100/forwarding");
  change->before = g_strdup ("0");
  change->value = g_strdup ("1");
  g_ptr_array_add (all, change);
  change = ew_change_new (EW_CHANGE_TABLE);
  change->name = g_strdup ("inet edgeway");
  change->value = g_strdup ("0123456789abcdef");
  g_ptr_array_add (all, change);
  change = on_link (EW_CHANGE_FOREIGN);
  change->name = g_strdup ("ip filter DOCKER-USER");
  change->value = g_strdup ("0123456789abcdef");
  g_ptr_array_add (all, change);
  change = on_link (EW_CHANGE_FOREIGN);
  change->name = g_strdup ("ip filter DOCKER-USER");
  change->value = g_strdup ("0123456789abcdef");
  ew_prefix_parse ("100.96.0.0/12", &change->prefix, NULL);
  g_ptr_array_add (all, change);
  change = on_link (EW_CHANGE_RESOLVER);
  change->value = g_strdup (EW_CHANGE_RESOLVED);
  g_ptr_array_add (all, change);
  change = ew_change_new (EW_CHANGE_NSSWITCH);
  change->name = g_strdup ("/etc/nsswitch.conf");
  change->value = g_strdup (EW_CHANGE_NSS_WORDS);
  g_ptr_array_add (all, change);
  return all;
}

static gchar *
write_all (GPtrArray *all, const gchar *boot)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < all->len; i++)
    {
      g_autofree gchar *line = ew_ledger_format (all->pdata[i], i + 1, boot);
      g_string_append (text, line);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
parse (const gchar *data, gsize length, GPtrArray **changes, gboolean *rewrite)
{
  guint64 next;
  *changes = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_change_free);
  return ew_ledger_parse (data, length, BOOT, *changes, &next, rewrite, NULL);
}

static void
test_round_trip (void)
{
  g_autoptr (GPtrArray) all = samples (), back = NULL;
  g_autofree gchar *text = write_all (all, BOOT);
  gboolean rewrite;

  g_assert_true (parse (text, strlen (text), &back, &rewrite));
  g_assert_false (rewrite);
  g_assert_cmpuint (back->len, ==, all->len);
  for (guint i = 0; i < all->len; i++)
    {
      const EwChange *a = all->pdata[i], *b = back->pdata[i];
      g_assert_true (ew_change_same (a, b));
      g_assert_cmpstr (a->before, ==, b->before);
      g_assert_cmpuint (b->id, ==, i + 1);
    }
}

static void
test_other_boot (void)
{
  g_autoptr (GPtrArray) all = samples (), back = NULL;
  g_autofree gchar *text = write_all (all, OTHER_BOOT);
  gboolean rewrite;

  g_assert_true (parse (text, strlen (text), &back, &rewrite));
  /* A reboot clears what is in the kernel, and nothing on a disk. */
  g_assert_cmpuint (back->len, ==, 1);
  g_assert_cmpint (((EwChange *)back->pdata[0])->kind, ==, EW_CHANGE_NSSWITCH);
  g_assert_true (rewrite);
}

/* Truncated anywhere: the complete lines count, the rest was never finished. */
static void
test_truncated (void)
{
  g_autoptr (GPtrArray) all = samples ();
  g_autofree gchar *text = write_all (all, BOOT);

  for (gsize length = 0; length <= strlen (text); length++)
    {
      g_autoptr (GPtrArray) back = NULL;
      guint lines = 0;
      gboolean rewrite;
      for (gsize i = 0; i < length; i++)
        lines += text[i] == '\n';
      g_assert_true (parse (text, length, &back, &rewrite));
      g_assert_cmpuint (back->len, ==, lines);
    }
}

/* Every byte altered, one at a time: in the last line, that line is ignored; before it, the whole ledger is refused.
 */
static void
test_mutated (void)
{
  g_autoptr (GPtrArray) all = samples ();
  g_autofree gchar *text = write_all (all, BOOT);
  const gsize length = strlen (text);
  const gsize last = (gsize)(g_strrstr_len (text, (gssize)length - 1, "\n") - text) + 1;

  for (gsize i = 0; i < length; i++)
    for (guint bit = 0; bit < 8; bit++)
      {
        g_autoptr (GPtrArray) back = NULL;
        gboolean rewrite;
        text[i] ^= (gchar)(1u << bit);
        gboolean taken = parse (text, length, &back, &rewrite);
        g_assert_cmpint (taken, ==, i >= last);
        if (taken)
          g_assert_cmpuint (back->len, ==, all->len - 1);
        text[i] ^= (gchar)(1u << bit);
      }
}

/* A correct checksum is not enough: only lines that edgewayd could have written are obeyed. */
static void
test_not_obeyed (void)
{
  static const gchar *const entries[] = {
    "{\"kind\":\"sysctl\",\"name\":\"kernel/core_pattern\",\"before\":\"1\",\"value\":\"0\"}",
    "{\"kind\":\"sysctl\",\"name\":\"net/ipv4/../../kernel/panic\",\"before\":\"1\",\"value\":\"0\"}",
    "{\"kind\":\"sysctl\",\"name\":\"net/ipv4/ip_forward\",\"before\":\"|sh\",\"value\":\"0\"}",
    "{\"kind\":\"sysctl\",\"name\":\"net/ipv4/ip_forward\",\"value\":\"0\"}",
    "{\"kind\":\"table\",\"name\":\"inet filter\",\"value\":\"0123456789abcdef\"}",
    "{\"kind\":\"table\",\"name\":\"inet edgeway\",\"value\":\"\"}",
    "{\"kind\":\"foreign\",\"interface\":\"e\",\"link\":1,\"name\":\"ip filter X; flush "
    "ruleset\",\"value\":\"0123456789abcdef\"}",
    "{\"kind\":\"foreign\",\"interface\":\"e\",\"link\":1,\"name\":\"ip filter "
    "X;flush\",\"value\":\"0123456789abcdef\"}",
    "{\"kind\":\"foreign\",\"interface\":\"e\\\"\",\"link\":1,\"name\":\"ip filter X\",\"value\":\"0123456789abcdef\"}",
    "{\"kind\":\"rule\",\"family\":4,\"priority\":0,\"table\":255,\"unmarked\":false,\"suppress\":-1}",
    "{\"kind\":\"rule\",\"family\":4,\"priority\":32766,\"table\":254,\"unmarked\":false,\"suppress\":-1}",
    "{\"kind\":\"rule\",\"family\":4,\"priority\":5200,\"table\":1,\"prefix\":\"fc00::/7\",\"suppress\":-1}",
    "{\"kind\":\"route\",\"interface\":\"e\",\"link\":1,\"prefix\":\"10.0.0.1/8\",\"table\":254}",
    "{\"kind\":\"route\",\"interface\":\"e\",\"link\":-1,\"prefix\":\"10.0.0.0/8\",\"table\":254}",
    "{\"kind\":\"route\",\"prefix\":\"10.0.0.0/8\",\"table\":254}",
    "{\"kind\":\"route\",\"prefix\":\"10.0.0.0/8\",\"table\":254,\"throws\":true}",
    "{\"kind\":\"route\",\"prefix\":\"10.0.0.0/8\",\"table\":17764}",
    "{\"kind\":\"route\",\"interface\":\"e\",\"link\":1,\"prefix\":\"10.0.0.0/8\",\"table\":17764,\"throws\":true}",
    "{\"kind\":\"address\",\"interface\":\"a-name-that-is-too-long\",\"link\":1,\"prefix\":\"10.0.0.0/32\"}",
    "{\"kind\":\"mtu\",\"interface\":\"e\",\"link\":4294967297,\"before\":\"1\",\"value\":\"2\"}",
    "{\"kind\":\"file\",\"name\":\"/etc/passwd\"}",
    "{\"kind\":\"nsswitch\",\"name\":\"/etc/passwd\",\"value\":\"edgeway\"}",
    "{\"kind\":\"nsswitch\",\"name\":\"/etc/nsswitch.conf\",\"value\":\"dns\"}",
    "{}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      g_autoptr (JsonObject) object = ew_json_parse_object (entries[i], -1, 4096, NULL);
      if (object == NULL)
        object = ew_json_parse_object (entries[i], (gssize)strlen (entries[i]), 4096, NULL);
      g_assert_nonnull (object);
      g_test_message ("%s", entries[i]);
      g_assert_null (ew_change_from_json (object));
    }
}

static void
test_file (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("edgeway-ledger-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "undo", NULL);
  g_autofree gchar *spare = g_build_filename (folder, "spare", NULL);
  g_autoptr (GPtrArray) all = samples ();
  g_autoptr (GError) error = NULL;
  GStatBuf info;

  g_autoptr (EwLedger) ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < all->len; i++)
    g_assert_nonnull (ew_ledger_add (ledger, all->pdata[i], &error));
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0600);
  ew_ledger_remove (ledger, 3);
  g_clear_pointer (&ledger, ew_ledger_free);

  ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ew_ledger_length (ledger), ==, all->len - 1);
  g_assert_cmpuint (ew_ledger_get (ledger, 2)->id, ==, 4);
  g_assert_cmpuint (ew_ledger_add (ledger, all->pdata[2], &error)->id, ==, all->len + 1);
  while (ew_ledger_length (ledger) > 0)
    ew_ledger_remove (ledger, ew_ledger_get (ledger, ew_ledger_length (ledger) - 1)->id);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_size, ==, 0);
  g_clear_pointer (&ledger, ew_ledger_free);

  /* Another boot's is forgotten, a broken one is refused and left as it is. */
  g_autofree gchar *old = write_all (all, OTHER_BOOT);
  g_assert_true (g_file_set_contents (path, old, -1, NULL));
  ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ew_ledger_length (ledger), ==, 1); /* what is on a disk */
  ew_ledger_remove (ledger, ew_ledger_get (ledger, 0)->id);
  g_clear_pointer (&ledger, ew_ledger_free);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_size, ==, 0);

  g_autofree gchar *good = write_all (all, BOOT);
  g_autofree gchar *broken = g_strconcat ("rubbish\n", good, NULL);
  g_assert_true (g_file_set_contents (path, broken, -1, NULL));
  g_assert_null (ew_ledger_open (path, spare, BOOT, &error));
  g_assert_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER);
  g_assert_nonnull (strstr (error->message, "line 1 "));
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_size, ==, (gint64)strlen (broken));
  g_unlink (path);
  g_rmdir (folder);
}

/* Where the disk can't be written, the complete ledger continues in memory, over restarts too, and returns to the disk
   when it can be.
 */
static void
test_spare (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("edgeway-ledger-XXXXXX", NULL);
  g_autofree gchar *disk = g_build_filename (folder, "disk", NULL), *path = g_build_filename (disk, "undo", NULL);
  g_autofree gchar *spare = g_build_filename (folder, "spare", NULL), *away = g_build_filename (folder, "away", NULL);
  g_autoptr (GPtrArray) all = samples ();
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (disk, 0700), ==, 0);
  g_autoptr (EwLedger) ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_nonnull (ew_ledger_add (ledger, all->pdata[0], &error));
  g_clear_pointer (&ledger, ew_ledger_free);
  g_assert_false (g_file_test (spare, G_FILE_TEST_EXISTS));

  ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_cmpint (g_rename (disk, away), ==, 0); /* writing fails there */
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*are noted in*spare until the disk can be written.");
  for (guint i = 1; i + 1 < all->len; i++)
    g_assert_nonnull (ew_ledger_add (ledger, all->pdata[i], &error));
  g_test_assert_expected_messages ();
  /* An entry on the disk outlives a reboot, and memory doesn't. */
  g_assert_null (ew_ledger_add (ledger, all->pdata[all->len - 1], &error));
  g_assert_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER);
  g_clear_error (&error);
  ew_ledger_remove (ledger, 1);
  g_clear_pointer (&ledger, ew_ledger_free);
  ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ew_ledger_length (ledger), ==, all->len - 2);
  g_assert_true (g_file_test (spare, G_FILE_TEST_EXISTS));
  g_clear_pointer (&ledger, ew_ledger_free);

  /* The file on the disk is outdated, and gets corrected. */
  g_assert_cmpint (g_rename (away, disk), ==, 0);
  ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ew_ledger_length (ledger), ==, all->len - 2);
  g_assert_cmpuint (ew_ledger_get (ledger, 0)->id, ==, 2);
  g_assert_false (g_file_test (spare, G_FILE_TEST_EXISTS));
  g_clear_pointer (&ledger, ew_ledger_free);
  ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_cmpuint (ew_ledger_length (ledger), ==, all->len - 2);
  g_unlink (path);
  g_rmdir (disk);
  g_rmdir (folder);
}

/* Many at once: all of them are in the file, or none is. */
static void
test_all_at_once (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("edgeway-ledger-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (folder, "undo", NULL), *spare = g_build_filename (folder, "spare", NULL);
  g_autoptr (GPtrArray) all = samples (), more = samples (), none = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  GStatBuf before, after;

  g_ptr_array_remove_index (all, all->len - 1); /* what is on a disk is noted alone */
  g_autoptr (EwLedger) ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_true (ew_ledger_add_all (ledger, none, &error));
  g_assert_true (ew_ledger_add_all (ledger, all, &error));
  for (guint i = 0; i < all->len; i++)
    {
      g_assert_cmpuint (((EwChange *)all->pdata[i])->id, ==, i + 1);
      g_assert_cmpuint (ew_ledger_get (ledger, i)->id, ==, i + 1);
    }
  ew_ledger_remove (ledger, 2);
  g_assert_cmpint (g_stat (path, &before), ==, 0);

  /* One line that is too long is in the middle. */
  EwChange *change = more->pdata[1];
  g_free (change->interface);
  change->interface = g_strnfill (5000, 'x');
  g_assert_false (ew_ledger_add_all (ledger, more, &error));
  g_assert_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER);
  g_clear_error (&error);
  g_assert_cmpuint (((EwChange *)more->pdata[0])->id, ==, 0);
  g_assert_cmpuint (ew_ledger_length (ledger), ==, all->len - 1);
  g_assert_cmpint (g_stat (path, &after), ==, 0);
  g_assert_cmpint (after.st_size, ==, before.st_size);
  g_clear_pointer (&ledger, ew_ledger_free);

  ledger = ew_ledger_open (path, spare, BOOT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ew_ledger_length (ledger), ==, all->len - 1);
  g_assert_true (ew_change_same (ew_ledger_get (ledger, 1), all->pdata[2]));
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_no_folder (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) all = samples ();
  g_autoptr (EwLedger) ledger
    = ew_ledger_open ("/nonexistent/edgeway/undo", "/nonexistent/edgeway/spare", BOOT, &error);

  g_assert_no_error (error);
  g_assert_null (ew_ledger_add (ledger, all->pdata[0], &error));
  g_assert_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER);
  g_clear_error (&error);
  g_assert_false (ew_ledger_add_all (ledger, all, &error));
  g_assert_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER);
  g_assert_cmpuint (ew_ledger_length (ledger), ==, 0);
}

static void
test_same_and_collides (void)
{
  g_autoptr (GPtrArray) all = samples ();

  for (guint i = 0; i < all->len; i++)
    for (guint j = 0; j < all->len; j++)
      g_assert_cmpint (ew_change_same (all->pdata[i], all->pdata[j]), ==, i == j);
  g_autoptr (EwChange) other = ew_change_copy (all->pdata[0]);
  g_free (other->value);
  other->value = g_strdup ("1280");
  g_assert_false (ew_change_same (all->pdata[0], other));
  g_assert_true (ew_change_collides (all->pdata[0], other));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/ledger/round-trip", test_round_trip);
  g_test_add_func ("/net/ledger/other-boot", test_other_boot);
  g_test_add_func ("/net/ledger/truncated", test_truncated);
  g_test_add_func ("/net/ledger/mutated", test_mutated);
  g_test_add_func ("/net/ledger/not-obeyed", test_not_obeyed);
  g_test_add_func ("/net/ledger/file", test_file);
  g_test_add_func ("/net/ledger/spare", test_spare);
  g_test_add_func ("/net/ledger/all-at-once", test_all_at_once);
  g_test_add_func ("/net/ledger/no-folder", test_no_folder);
  g_test_add_func ("/net/ledger/same-and-collides", test_same_and_collides);
  return g_test_run ();
}
