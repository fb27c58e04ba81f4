/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/keystore.h"
#include "account/document.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

void
ew_key_public (const guint8 private_key[32], guint8 public_key[32])
{
  gsize length = 32;
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key (EVP_PKEY_X25519, NULL, private_key, 32);
  if (!key || EVP_PKEY_get_raw_public_key (key, public_key, &length) != 1)
    g_error ("libcrypto can't compute an X25519 public key");
  EVP_PKEY_free (key);
}

static void
clear_pending (EwKeystore *self)
{
  self->pending = FALSE;
  ew_zero (self->pending_private_key, sizeof self->pending_private_key);
  memset (self->pending_secret_hash, 0, sizeof self->pending_secret_hash);
  g_clear_pointer (&self->pending_credential, ew_free_secret);
}

static void
clear_identity (EwKeystore *self)
{
  g_clear_pointer (&self->id, g_free);
  ew_zero (self->private_key, sizeof self->private_key);
  g_clear_pointer (&self->credential, ew_free_secret);
  memset (self->pin, 0, sizeof self->pin);
  g_clear_pointer (&self->ca_pem, g_free);
  g_clear_pointer (&self->api, g_strfreev);
  g_clear_pointer (&self->document, json_object_unref);
  g_clear_pointer (&self->suffix, g_free);
  g_clear_pointer (&self->told_os, g_free);
  g_clear_pointer (&self->told_version, g_free);
  g_clear_pointer (&self->answered, g_strfreev);
  g_clear_pointer (&self->best, g_strfreev);
  self->removed = FALSE;
}

static void
clear_settings (EwKeystore *self)
{
  self->wish_connected = FALSE;
  self->vpn = self->lan_names = self->lan_blocked = FALSE;
  g_array_set_size (self->accepted, 0);
  g_array_set_size (self->refused, 0);
  g_array_set_size (self->forwarded, 0);
  g_array_set_size (self->awaited, 0);
  g_array_set_size (self->excluded, 0);
  g_array_set_size (self->included, 0);
  g_clear_pointer (&self->accepted_domains, g_strfreev);
  g_clear_pointer (&self->fixes, g_strfreev);
  g_clear_pointer (&self->refused_domains, g_strfreev);
  g_clear_pointer (&self->https_networks, g_strfreev);
  self->timestamp_floor_ns = 0;
  g_hash_table_remove_all (self->addresses);
}

static void
keystore_clear (gpointer data)
{
  EwKeystore *self = data;
  clear_identity (self);
  clear_pending (self);
  g_array_unref (self->accepted);
  g_array_unref (self->refused);
  g_array_unref (self->forwarded);
  g_array_unref (self->awaited);
  g_array_unref (self->excluded);
  g_array_unref (self->included);
  g_strfreev (self->accepted_domains);
  g_strfreev (self->fixes);
  g_strfreev (self->refused_domains);
  g_strfreev (self->https_networks);
  g_hash_table_unref (self->addresses);
  g_free (self->path);
}

EwKeystore *
ew_keystore_ref (EwKeystore *self)
{
  return g_rc_box_acquire (self);
}

void
ew_keystore_unref (EwKeystore *self)
{
  g_rc_box_release_full (self, keystore_clear);
}

/* Reading. Each of these returns FALSE at the first thing that Edgeway wouldn't have written. */

static gboolean
read_key (JsonObject *object, const gchar *member, guint8 out[32])
{
  const gchar *text = ew_json_string (object, member);
  return text && ew_key_from_base64 (text, out);
}

static gboolean
read_credential (JsonObject *object, const gchar *member, gchar **out)
{
  const gchar *text = ew_json_string (object, member);
  gsize length = 0;
  g_autofree guint8 *bytes = text ? ew_base64url_decode (text, &length) : NULL;
  if (!bytes || length != 32)
    return FALSE;
  ew_zero (bytes, length);
  *out = g_strdup (text);
  return TRUE;
}

static gboolean
read_prefixes (JsonObject *object, const gchar *member, GArray *out)
{
  g_auto (GStrv) texts = ew_json_strv (object, member, EW_CHOSEN_ROUTES_MAX);
  for (gchar **text = texts; text && *text; text++)
    {
      EwPrefix prefix;
      if (!ew_prefix_parse (*text, &prefix, NULL))
        return FALSE;
      g_array_append_val (out, prefix);
    }
  return texts != NULL;
}

static gboolean
read_identity (EwKeystore *self, JsonObject *object)
{
  const gchar *id = ew_json_string (object, "id"), *ca = ew_json_string (object, "ca");
  JsonObject *document = ew_json_object (object, "document");
  if (!ew_id_check (id) || !ca || !document || !read_key (object, "private_key", self->private_key)
      || !read_credential (object, "credential", &self->credential) || !read_key (object, "pin", self->pin))
    return FALSE;
  self->api = ew_json_strv (object, "api", 16);
  for (gchar **url = self->api; url && *url; url++)
    if (!ew_api_url_check (*url))
      return FALSE;
  g_autoptr (EwDocument) parsed = ew_document_parse (document, ca, NULL);
  if (!self->api || !self->api[0] || !parsed)
    return FALSE;
  self->id = g_strdup (id);
  self->ca_pem = g_strdup (ca);
  self->document = json_object_ref (document);
  self->suffix = g_strdup (ew_json_string (object, "suffix"));
  if (!self->suffix && ew_suffix_is_private (parsed->suffix)) /* written by an older version */
    self->suffix = g_strdup (parsed->suffix);
  self->removed = ew_json_bool (object, "removed", FALSE);
  self->told_os = g_strdup (ew_json_string (object, "told_os")); /* absent in what older versions wrote */
  self->told_version = g_strdup (ew_json_string (object, "told_version"));
  self->answered = ew_json_strv (object, "answered", EW_ANSWERED_MAX);
  self->best = ew_json_strv (object, "best", EW_BEST_MAX);
  return TRUE;
}

/* Older versions kept a route that wasn't offered yet in both lists. */
static void
move_to_awaited (EwKeystore *self)
{
  for (guint i = self->accepted->len; i > 0; i--)
    {
      EwPrefix prefix = g_array_index (self->accepted, EwPrefix, i - 1);
      if (!ew_prefixes_contain (self->forwarded, &prefix))
        continue;
      (void)ew_prefixes_set (self->accepted, &prefix, FALSE);
      (void)ew_prefixes_set (self->forwarded, &prefix, FALSE);
      (void)ew_prefixes_set (self->awaited, &prefix, TRUE);
    }
}

/* Absent in what older versions wrote. */
static gboolean
read_domains (JsonObject *object, const gchar *member, GStrv *out)
{
  if (!json_object_has_member (object, member))
    return TRUE;
  *out = ew_json_strv (object, member, EW_CHOSEN_DOMAINS_MAX);
  for (gchar **domain = *out; domain && *domain; domain++)
    if (!ew_domain_check (*domain, NULL))
      return FALSE;
  return *out != NULL;
}

static gboolean
read_settings (EwKeystore *self, JsonObject *object)
{
  self->wish_connected = g_strcmp0 (ew_json_string (object, "wish"), "connected") == 0;
  self->vpn = g_strcmp0 (ew_json_string (object, "mode"), "vpn") == 0;
  self->lan_names = ew_json_bool (object, "lan_names", FALSE);
  self->lan_blocked = ew_json_bool (object, "lan_blocked", FALSE);
  gint64 floor = ew_json_int (object, "timestamp_floor_ns", 0);
  self->timestamp_floor_ns = floor > 0 ? (guint64)floor : 0;
  self->https_networks = ew_json_strv (object, "https_networks", EW_HTTPS_NETWORKS_MAX); /* what was learnt: no loss */
  self->fixes = ew_json_strv (object, "fixes", EW_FIXES_MAX); /* absent in what older versions wrote */
  if (!read_prefixes (object, "accepted", self->accepted) || !read_prefixes (object, "refused", self->refused)
      || (json_object_has_member (object, "forwarded") && !read_prefixes (object, "forwarded", self->forwarded))
      || (json_object_has_member (object, "awaited") && !read_prefixes (object, "awaited", self->awaited))
      || (json_object_has_member (object, "excluded") && !read_prefixes (object, "excluded", self->excluded))
      || (json_object_has_member (object, "included") && !read_prefixes (object, "included", self->included))
      || !read_domains (object, "accepted_domains", &self->accepted_domains)
      || !read_domains (object, "refused_domains", &self->refused_domains))
    return FALSE;
  move_to_awaited (self);
  return TRUE;
}

static gboolean
read_pending (EwKeystore *self, JsonObject *object)
{
  self->pending = TRUE;
  return read_key (object, "secret_hash", self->pending_secret_hash)
         && read_key (object, "private_key", self->pending_private_key)
         && read_credential (object, "credential", &self->pending_credential);
}

/* A cache: what is odd in it is left out. */
static void
read_addresses (EwKeystore *self, JsonObject *object)
{
  g_autoptr (GList) hosts = json_object_get_members (object);
  for (GList *item = hosts; item; item = item->next)
    {
      g_auto (GStrv) addresses = ew_json_strv (object, item->data, EW_CACHED_ADDRESSES_MAX);
      if (addresses)
        ew_keystore_set_addresses (self, item->data, (const gchar *const *)addresses);
    }
}

static gboolean
read_all (EwKeystore *self, JsonObject *object)
{
  JsonObject *identity = ew_json_object (object, "identity"), *settings = ew_json_object (object, "settings");
  JsonObject *pending = ew_json_object (object, "pending"), *addresses = ew_json_object (object, "addresses");
  if (ew_json_int (object, "schema", 0) != EW_ACCOUNT_SCHEMA || !settings || !read_settings (self, settings))
    return FALSE;
  if (addresses)
    read_addresses (self, addresses);
  return (!identity || read_identity (self, identity)) && (!pending || read_pending (self, pending));
}

static void read_spare_floor (EwKeystore *self);

EwKeystore *
ew_keystore_load (const gchar *state_dir, GError **error)
{
  g_autoptr (EwKeystore) self = g_rc_box_new0 (EwKeystore);
  self->path = g_build_filename (state_dir, EW_ACCOUNT_FILE, NULL);
  self->accepted = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->refused = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->forwarded = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->awaited = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->excluded = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->included = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->addresses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev);
  struct stat info;
  if (g_lstat (self->path, &info) != 0 && errno == ENOENT)
    return g_steal_pointer (&self);
  g_autofree gchar *data = NULL;
  gsize length = 0;
  g_autoptr (GError) local = NULL;
  if (!ew_file_read (self->path, EW_ACCOUNT_MAX, &data, &length, &local))
    {
      ew_set_error (
        error, EW_ERROR, EW_ERROR_FAILED,
        "This computer's keys can't be read. %s Restore %s from a backup, or move it away and enroll again.",
        local->message, self->path);
      return NULL;
    }
  g_autoptr (JsonObject) object = ew_json_parse_object (data, (gssize)length, EW_ACCOUNT_MAX, NULL);
  ew_zero (data, length);
  gint64 schema = object ? ew_json_int (object, "schema", 0) : 0;
  if (schema > EW_ACCOUNT_SCHEMA)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                    "The file with this computer's keys, %s, was written by a newer version of Edgeway and was left "
                    "as it is. Install that version again.",
                    self->path);
      return NULL;
    }
  if (!object || !read_all (self, object))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                    "The file with this computer's keys, %s, is damaged and was left as it is. Restore it from a "
                    "backup, or move it away and enroll again.",
                    self->path);
      return NULL;
    }
  read_spare_floor (self);
  return g_steal_pointer (&self);
}

/* Writing. */

static void
set_key (JsonObject *object, const gchar *member, const guint8 key[32])
{
  gchar *text = ew_key_to_base64 (key);
  json_object_set_string_member (object, member, text);
  ew_free_secret (text);
}

static JsonArray *
strv_to_json (const gchar *const *texts)
{
  JsonArray *array = json_array_new ();
  for (; texts && *texts; texts++)
    json_array_add_string_element (array, *texts);
  return array;
}

static JsonArray *
prefixes_to_json (GArray *prefixes)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < prefixes->len; i++)
    {
      char text[EW_PREFIX_STRLEN];
      ew_prefix_format (&g_array_index (prefixes, EwPrefix, i), text);
      json_array_add_string_element (array, text);
    }
  return array;
}

static JsonObject *
identity_to_json (EwKeystore *self)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "id", self->id);
  set_key (object, "private_key", self->private_key);
  json_object_set_string_member (object, "credential", self->credential);
  set_key (object, "pin", self->pin);
  json_object_set_string_member (object, "ca", self->ca_pem);
  json_object_set_array_member (object, "api", strv_to_json ((const gchar *const *)self->api));
  json_object_set_object_member (object, "document", json_object_ref (self->document));
  if (self->suffix)
    json_object_set_string_member (object, "suffix", self->suffix);
  json_object_set_boolean_member (object, "removed", self->removed);
  if (self->told_os)
    json_object_set_string_member (object, "told_os", self->told_os);
  if (self->told_version)
    json_object_set_string_member (object, "told_version", self->told_version);
  if (self->answered)
    json_object_set_array_member (object, "answered", strv_to_json ((const gchar *const *)self->answered));
  if (self->best)
    json_object_set_array_member (object, "best", strv_to_json ((const gchar *const *)self->best));
  return object;
}

static JsonObject *
keystore_to_json (EwKeystore *self)
{
  JsonObject *object = json_object_new (), *settings = json_object_new (), *addresses = json_object_new ();
  json_object_set_int_member (object, "schema", EW_ACCOUNT_SCHEMA);
  if (self->id)
    json_object_set_object_member (object, "identity", identity_to_json (self));
  json_object_set_string_member (settings, "wish", self->wish_connected ? "connected" : "disconnected");
  json_object_set_string_member (settings, "mode", self->vpn ? "vpn" : "connector");
  json_object_set_boolean_member (settings, "lan_names", self->lan_names);
  json_object_set_boolean_member (settings, "lan_blocked", self->lan_blocked);
  json_object_set_array_member (settings, "accepted", prefixes_to_json (self->accepted));
  json_object_set_array_member (settings, "refused", prefixes_to_json (self->refused));
  json_object_set_array_member (settings, "forwarded", prefixes_to_json (self->forwarded));
  json_object_set_array_member (settings, "awaited", prefixes_to_json (self->awaited));
  json_object_set_array_member (settings, "excluded", prefixes_to_json (self->excluded));
  json_object_set_array_member (settings, "included", prefixes_to_json (self->included));
  json_object_set_array_member (settings, "accepted_domains",
                                strv_to_json ((const gchar *const *)self->accepted_domains));
  json_object_set_array_member (settings, "refused_domains",
                                strv_to_json ((const gchar *const *)self->refused_domains));
  json_object_set_array_member (settings, "fixes", strv_to_json ((const gchar *const *)self->fixes));
  json_object_set_array_member (settings, "https_networks", strv_to_json ((const gchar *const *)self->https_networks));
  json_object_set_int_member (settings, "timestamp_floor_ns", (gint64)MIN (self->timestamp_floor_ns, G_MAXINT64));
  json_object_set_object_member (object, "settings", settings);
  if (self->pending)
    {
      JsonObject *pending = json_object_new ();
      set_key (pending, "secret_hash", self->pending_secret_hash);
      set_key (pending, "private_key", self->pending_private_key);
      json_object_set_string_member (pending, "credential", self->pending_credential);
      json_object_set_object_member (object, "pending", pending);
    }
  GHashTableIter iter;
  gpointer host, list;
  g_hash_table_iter_init (&iter, self->addresses);
  while (g_hash_table_iter_next (&iter, &host, &list))
    json_object_set_array_member (addresses, host, strv_to_json (list));
  json_object_set_object_member (object, "addresses", addresses);
  return object;
}

/* What must never go back is kept in memory until the disk can be written: without it, the next start of the daemon
 * would send handshakes that are older than those sent by this one. */
static void
spare_floor (EwKeystore *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *spare = ew_file_spare (self->path);
  g_autofree gchar *text = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", self->timestamp_floor_ns);
  if (self->timestamp_floor_ns > 0 && !ew_file_write_atomic (spare, text, -1, 0600, &error))
    g_debug ("%s", error->message);
}

static void
read_spare_floor (EwKeystore *self)
{
  g_autofree gchar *spare = ew_file_spare (self->path), *text = NULL;
  if (ew_file_read (spare, 64, &text, NULL, NULL))
    self->timestamp_floor_ns = MAX (self->timestamp_floor_ns, g_ascii_strtoull (text, NULL, 10));
}

static void
drop_spare_floor (EwKeystore *self)
{
  g_autofree gchar *spare = ew_file_spare (self->path);
  (void)g_unlink (spare);
}

gboolean
ew_keystore_save (EwKeystore *self, GError **error)
{
  g_autoptr (JsonObject) object = keystore_to_json (self);
  gchar *text = ew_json_to_string (object, FALSE); /* indented, a full list of routes would not fit EW_ACCOUNT_MAX */
  g_autoptr (GError) local = NULL;
  gboolean saved = ew_file_write_atomic (self->path, text, -1, 0600, &local);
  ew_free_secret (text);
  if (saved)
    {
      drop_spare_floor (self);
      return TRUE;
    }
  spare_floor (self);
  ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                "This computer's keys and settings can't be saved. %s The old file was kept. Free some space or fix "
                "the folder's permissions, then try again.",
                local->message);
  return FALSE;
}

gboolean
ew_keystore_begin_enrollment (EwKeystore *self, const gchar *secret, GError **error)
{
  guint8 hash[32], bytes[32];
  ew_sha256 (secret, strlen (secret), hash);
  if (self->pending && ew_equal_secret (hash, self->pending_secret_hash, sizeof hash))
    return TRUE;
  clear_pending (self);
  memcpy (self->pending_secret_hash, hash, sizeof hash);
  ew_random (self->pending_private_key, 32);
  /* Clamped as X25519 does (RFC 7748 section 5), so that every tool shows the same private key. */
  self->pending_private_key[0] &= 248;
  self->pending_private_key[31] = (guint8)((self->pending_private_key[31] & 127) | 64);
  ew_random (bytes, sizeof bytes);
  self->pending_credential = ew_base64url_encode (bytes, sizeof bytes);
  ew_zero (bytes, sizeof bytes);
  self->pending = TRUE;
  if (ew_keystore_save (self, error))
    return TRUE;
  clear_pending (self);
  return FALSE;
}

void
ew_keystore_drop_enrollment (EwKeystore *self)
{
  g_autoptr (GError) error = NULL;
  clear_pending (self);
  if (!ew_keystore_save (self, &error))
    g_warning ("%s", error->message);
}

/* The file as it will be, without touching the one in memory until it is on disk. */
gboolean
ew_keystore_finish_enrollment (EwKeystore *self, const guint8 pin[EW_PIN_SIZE], const gchar *ca_pem,
                               const gchar *const *api, const gchar *id, JsonObject *document, GError **error)
{
  g_autoptr (EwKeystore) next = g_rc_box_new0 (EwKeystore);
  next->path = g_strdup (self->path);
  next->accepted = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  next->refused = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  next->forwarded = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  next->awaited = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  next->excluded = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  next->included = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  next->addresses = g_hash_table_ref (self->addresses);
  next->id = g_strdup (id);
  memcpy (next->private_key, self->pending_private_key, 32);
  next->credential = g_strdup (self->pending_credential);
  memcpy (next->pin, pin, EW_PIN_SIZE);
  next->ca_pem = g_strdup (ca_pem);
  next->api = g_strdupv ((gchar **)api);
  next->document = json_object_ref (document);
  const gchar *suffix = ew_json_string (document, "suffix");
  next->suffix = suffix && ew_suffix_is_private (suffix) ? g_strdup (suffix) : NULL;
  next->told_os = g_strdup (self->told_os);
  next->told_version = g_strdup (self->told_version);
  next->wish_connected = TRUE;
  if (!ew_keystore_save (next, error))
    return FALSE;
  clear_pending (self);
  clear_identity (self);
  self->wish_connected = TRUE;
  self->vpn = self->lan_names = self->lan_blocked = FALSE;
  g_array_set_size (self->accepted, 0);
  g_array_set_size (self->refused, 0);
  g_array_set_size (self->forwarded, 0);
  g_array_set_size (self->awaited, 0);
  g_array_set_size (self->excluded, 0);
  g_array_set_size (self->included, 0);
  g_clear_pointer (&self->fixes, g_strfreev);
  g_clear_pointer (&self->accepted_domains, g_strfreev);
  g_clear_pointer (&self->refused_domains, g_strfreev);
  self->timestamp_floor_ns = 0;
  self->id = g_steal_pointer (&next->id);
  memcpy (self->private_key, next->private_key, 32);
  self->credential = g_steal_pointer (&next->credential);
  memcpy (self->pin, pin, EW_PIN_SIZE);
  self->ca_pem = g_steal_pointer (&next->ca_pem);
  self->api = g_steal_pointer (&next->api);
  self->document = g_steal_pointer (&next->document);
  self->suffix = g_steal_pointer (&next->suffix);
  self->told_os = g_steal_pointer (&next->told_os);
  self->told_version = g_steal_pointer (&next->told_version);
  return TRUE;
}

gboolean
ew_keystore_erase (EwKeystore *self, GError **error)
{
  if (g_unlink (self->path) != 0 && errno != ENOENT)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED, "Can't remove %s: %s. Remove it by hand.", self->path,
                    g_strerror (errno));
      return FALSE;
    }
  clear_identity (self);
  clear_pending (self);
  clear_settings (self);
  drop_spare_floor (self);
  return TRUE;
}

EwKeystore *
ew_keystore_copy_addresses (EwKeystore *self)
{
  EwKeystore *copy = g_rc_box_new0 (EwKeystore);
  GHashTableIter iter;
  gpointer host, list;
  copy->accepted = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  copy->refused = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  copy->forwarded = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  copy->awaited = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  copy->excluded = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  copy->included = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  copy->addresses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev);
  g_hash_table_iter_init (&iter, self->addresses);
  while (g_hash_table_iter_next (&iter, &host, &list))
    g_hash_table_insert (copy->addresses, g_strdup (host), g_strdupv (list));
  return copy;
}
