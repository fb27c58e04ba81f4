/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/exit/sysctl.h"

#include <string.h>

#include "host/sysctl.h"

#define MAX_ENTRIES 1024
#define TEXT_MAX 120 /* nftables takes comments of 127 */

void
ew_exit_sysctl_free (EwSysctl *sysctl)
{
  g_free (sysctl->name);
  g_free (sysctl->before);
  g_free (sysctl->written);
  g_free (sysctl);
}

static GPtrArray *
plan_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)ew_exit_sysctl_free);
}

static gboolean
has_value (const gchar *root, const gchar *name, const gchar *expected)
{
  g_autofree gchar *value = ew_sysctl_read_in (root, name);

  return g_strcmp0 (value, expected) == 0;
}

static gboolean
write_value (const gchar *root, const gchar *name, const gchar *value, GError **error)
{
  const int result = ew_sysctl_write_in (root, name, value);

  if (result != 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (-result), "Can't write %s to %s/%s: %s", value, root, name,
                 g_strerror (-result));
  return result == 0;
}

static void
add (GPtrArray *plan, const gchar *name, const gchar *before, const gchar *written)
{
  EwSysctl *sysctl = g_new0 (EwSysctl, 1);

  sysctl->name = g_strdup (name);
  sysctl->before = g_strdup (before);
  sysctl->written = g_strdup (written);
  g_ptr_array_add (plan, sysctl);
}

/* Adds an entry for each interface (and "default") whose setting has this value. */
static void
add_interfaces (GPtrArray *plan, const gchar *root, const gchar *folder, const gchar *own, const gchar *setting,
                const gchar *value, const gchar *written)
{
  g_auto (GStrv) interfaces = ew_sysctl_interfaces_in (root, folder);

  for (gchar **interface = interfaces; *interface != NULL && plan->len < MAX_ENTRIES; interface++)
    {
      g_autofree gchar *name = g_strdup_printf ("%s/%s/%s", folder, *interface, setting);

      if (g_strcmp0 (*interface, own) != 0 && has_value (root, name, value))
        add (plan, name, value, written);
    }
}

GPtrArray *
ew_exit_sysctl_plan_forwarding (const gchar *root, const gchar *interface, gboolean ipv6)
{
  GPtrArray *plan = plan_new ();

  if (has_value (root, "net/ipv4/ip_forward", "0"))
    {
      /* The switch for all sets each interface's own, there and back. */
      add_interfaces (plan, root, "net/ipv4/conf", interface, "forwarding", "1", NULL);
      add (plan, "net/ipv4/ip_forward", "0", "1");
    }
  if (ipv6 && has_value (root, "net/ipv6/conf/all/forwarding", "0"))
    {
      /* A forwarding host forgets the default route that a router announced, unless accept_ra is 2. */
      add_interfaces (plan, root, "net/ipv6/conf", interface, "accept_ra", "1", "2");
      add_interfaces (plan, root, "net/ipv6/conf", interface, "forwarding", "1", NULL);
      add (plan, "net/ipv6/conf/all/forwarding", "0", "1");
    }
  return plan;
}

static gboolean
contains (const GPtrArray *plan, const gchar *name)
{
  for (guint i = 0; i < plan->len; i++)
    if (g_str_equal (((const EwSysctl *)g_ptr_array_index (plan, i))->name, name))
      return TRUE;
  return FALSE;
}

GPtrArray *
ew_exit_sysctl_inherit (const gchar *root, GPtrArray *older, GPtrArray *plan)
{
  GPtrArray *result = plan_new ();

  for (guint i = 0; i < older->len; i++)
    {
      const EwSysctl *sysctl = g_ptr_array_index (older, i);

      if (sysctl->written == NULL || has_value (root, sysctl->name, sysctl->written))
        add (result, sysctl->name, sysctl->before, sysctl->written);
    }
  for (guint i = 0; i < plan->len; i++)
    {
      const EwSysctl *sysctl = g_ptr_array_index (plan, i);

      if (!contains (result, sysctl->name))
        add (result, sysctl->name, sysctl->before, sysctl->written);
    }
  g_ptr_array_unref (older);
  g_ptr_array_unref (plan);
  return result;
}

gboolean
ew_exit_sysctl_write_all (const gchar *root, const GPtrArray *plan, GError **error)
{
  for (guint i = 0; i < plan->len; i++)
    {
      const EwSysctl *sysctl = g_ptr_array_index (plan, i);

      if (sysctl->written != NULL && !has_value (root, sysctl->name, sysctl->written)
          && !write_value (root, sysctl->name, sysctl->written, error))
        return FALSE;
    }
  return TRUE;
}

void
ew_exit_sysctl_undo_all (const gchar *root, const GPtrArray *plan)
{
  for (guint i = plan->len; i-- > 0;)
    {
      const EwSysctl *sysctl = g_ptr_array_index (plan, i);
      g_autoptr (GError) error = NULL;

      if (sysctl->written != NULL && has_value (root, sysctl->name, sysctl->written)
          && !write_value (root, sysctl->name, sysctl->before, &error))
        g_warning ("%s; set it to %s by hand", error->message, sysctl->before);
    }
  /* It isn't a failure if an interface has been removed since. */
  for (guint i = 0; i < plan->len; i++)
    {
      const EwSysctl *sysctl = g_ptr_array_index (plan, i);

      if (sysctl->written == NULL && !has_value (root, sysctl->name, sysctl->before))
        write_value (root, sysctl->name, sysctl->before, NULL);
    }
}

gchar *
ew_exit_sysctl_to_text (const EwSysctl *sysctl)
{
  /* An interface may be called almost anything, and a comment of nftables has no way to write a quotation mark. */
  g_autofree gchar *name = g_uri_escape_string (sysctl->name, "/", FALSE);
  gchar *text
    = g_strdup_printf ("sysctl %s %s %s", name, sysctl->before, sysctl->written != NULL ? sysctl->written : "*");

  if (strlen (text) > TEXT_MAX)
    g_clear_pointer (&text, g_free);
  return text;
}

static gboolean
is_number (const gchar *text)
{
  return *text != '\0' && strlen (text) <= 3 && strspn (text, "0123456789") == strlen (text);
}

EwSysctl *
ew_exit_sysctl_from_text (const gchar *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", 5);
  g_autofree gchar *name = g_strv_length (words) == 4 ? g_uri_unescape_string (words[1], NULL) : NULL;
  EwSysctl *sysctl;

  if (name == NULL || !g_str_equal (words[0], "sysctl") || !g_str_has_prefix (name, "net/ipv")
      || strstr (name, "..") != NULL || !is_number (words[2]) || !(is_number (words[3]) || g_str_equal (words[3], "*")))
    return NULL;
  sysctl = g_new0 (EwSysctl, 1);
  sysctl->name = g_steal_pointer (&name);
  sysctl->before = g_strdup (words[2]);
  sysctl->written = g_str_equal (words[3], "*") ? NULL : g_strdup (words[3]);
  return sysctl;
}
