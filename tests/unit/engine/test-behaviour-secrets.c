/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nothing secret in logs: two engines live a short life, with everything that they log at any level, and all they write
 * to stdout and stderr, kept. Every secret of it is then looked for. Linked with --wrap for the functions that make
 * secrets, so that the keys of sessions and handshakes are among them.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node.h"
#include "proto/aead.h"
#include "proto/crypto.h"

static GMutex lock;
static GHashTable *secrets;  /* GBytes of 32 each */
static guint n_session_keys; /* … of sessions among them */
static GString *logged;

void __real_ew_kdf (uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t chaining_key[32], const uint8_t *input,
                    size_t len);
void __wrap_ew_kdf (uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t chaining_key[32], const uint8_t *input,
                    size_t len);
EwAeadKey *__real_ew_aead_key_new (const uint8_t key[32], bool seal);
EwAeadKey *__wrap_ew_aead_key_new (const uint8_t key[32], bool seal);
bool __real_ew_x25519_public (uint8_t out[32], const uint8_t private_key[32]);
bool __wrap_ew_x25519_public (uint8_t out[32], const uint8_t private_key[32]);

static void
keep_secret (const guint8 *secret)
{
  static const guint8 zero[32];

  if (secret == NULL || memcmp (secret, zero, sizeof zero) == 0)
    return;
  g_mutex_lock (&lock);
  g_hash_table_add (secrets, g_bytes_new (secret, 32));
  g_mutex_unlock (&lock);
}

void
__wrap_ew_kdf (uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t chaining_key[32], const uint8_t *input,
               size_t len)
{
  keep_secret (len == 32 ? input : NULL); /* results of DHs, preshared keys */
  __real_ew_kdf (out1, out2, out3, chaining_key, input, len);
  keep_secret (out1);
  keep_secret (out2);
  keep_secret (out3);
}

EwAeadKey *
__wrap_ew_aead_key_new (const uint8_t key[32], bool seal)
{
  keep_secret (key);
  g_mutex_lock (&lock);
  n_session_keys++;
  g_mutex_unlock (&lock);
  return __real_ew_aead_key_new (key, seal);
}

bool
__wrap_ew_x25519_public (uint8_t out[32], const uint8_t private_key[32])
{
  keep_secret (private_key);
  return __real_ew_x25519_public (out, private_key);
}

static GLogWriterOutput
keep_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  g_mutex_lock (&lock);
  for (gsize i = 0; i < n; i++)
    {
      const gsize len = fields[i].length < 0 ? strlen (fields[i].value) : (gsize)fields[i].length;
      g_string_append_len (logged, fields[i].value, (gssize)len);
      g_string_append_c (logged, '\n');
    }
  g_mutex_unlock (&lock);
  return G_LOG_WRITER_HANDLED;
}

/* The secret as it is, as a number, as `wg` writes it and as a link would. Halves of it too: a truncated secret still
   leaks. */
static gboolean
is_told (const guint8 *secret, const char *text, gsize len)
{
  g_autofree gchar *base64 = g_base64_encode (secret, 32), *url = g_strdelimit (g_strdup (base64), "+", '-');
  g_autoptr (GString) hex = g_string_new (NULL);

  g_strdelimit (url, "/", '_');
  for (gsize i = 0; i < 32; i++)
    g_string_append_printf (hex, "%02x", secret[i]);
  g_autofree gchar *upper = g_ascii_strup (hex->str, -1);
  return memmem (text, len, secret, 16) || memmem (text, len, base64, 20) || memmem (text, len, url, 20)
         || memmem (text, len, hex->str, 32) || memmem (text, len, upper, 32);
}

static guint
count_told (const char *text, gsize len)
{
  GHashTableIter iter;
  gpointer secret;
  guint told = 0;

  g_mutex_lock (&lock);
  g_hash_table_iter_init (&iter, secrets);
  while (g_hash_table_iter_next (&iter, &secret, NULL))
    told += is_told (g_bytes_get_data (secret, NULL), text, len);
  g_mutex_unlock (&lock);
  return told;
}

static void
set_preshared (Node *node, const Node *of)
{
  EwPrefix prefix;
  EwPeerConfig config = { .allowed_ips = &prefix, .n_allowed_ips = 1, .endpoint = ew_memory_endpoint (of->id) };
  g_autofree gchar *text = g_strdup_printf ("10.0.0.%u/32", (guint)of->id);

  g_assert_true (ew_prefix_parse (text, &prefix, NULL));
  memcpy (config.public_key, of->public_key, EW_KEY_SIZE);
  memcpy (config.preshared_key, "preshared key, also found in logs", EW_KEY_SIZE);
  keep_secret (config.preshared_key);
  g_assert_true (ew_engine_set_peer (node->engine, &config));
}

/* Everything that an engine may have a reason to log: sessions, a second one, garbage, a key that changes, a peer
   that goes, an interface that is deleted. */
static void
live (EwMemoryNet *net)
{
  Node a, b;
  guint8 garbage[148] = { 1 };

  node_start (&a, net, 1, NULL, NULL);
  node_start (&b, net, 2, NULL, NULL);
  for (guint8 i = 1; i <= 2; i++)
    {
      guint8 private_key[EW_KEY_SIZE];
      ew_engine_get_private_key (i == 1 ? a.engine : b.engine, private_key);
      keep_secret (private_key);
    }
  set_preshared (&a, &b);
  set_preshared (&b, &a);
  node_push (&a, 2, 1);
  g_assert_cmpuint (node_pop (&b, 1), ==, 1);
  node_push (&b, 1, 2);
  g_assert_cmpuint (node_pop (&a, 2), ==, 2);
  wait_count (&a.events[EW_PEER_HANDSHAKE_COMPLETE], 1);
  g_usleep (30000); /* real time: initiations of a peer are 20 ms apart, or refused */
  ew_engine_initiate (a.engine, b.public_key, TRUE);
  wait_count (&a.events[EW_PEER_HANDSHAKE_COMPLETE], 2);
  ew_engine_inject (a.engine, b.public_key, garbage, sizeof garbage);
  node_push (&a, 2, 3);
  g_assert_cmpuint (node_pop (&b, 1), ==, 3);
  ew_engine_remove_peer (b.engine, a.public_key);
  node_push (&a, 2, 4);
  memset (garbage, 7, sizeof garbage);
  ew_engine_set_private_key (a.engine, garbage);
  ew_memory_tun_lose (a.tun);
  wait_count (&a.tun_lost, 1);
  node_stop (&a);
  node_stop (&b);
}

static void
test_nothing_secret_in_logs (void)
{
  g_autofree gchar *path = NULL, *written = NULL;
  g_autoptr (GError) error = NULL;
  EwMemoryNet *net = ew_memory_net_new ();
  gsize len;
  int out = dup (1), err = dup (2), file = g_file_open_tmp (NULL, &path, &error);

  g_assert_no_error (error);
  dup2 (file, 1);
  dup2 (file, 2);
  live (net);
  fflush (NULL);
  dup2 (out, 1);
  dup2 (err, 2);
  close (out);
  close (err);
  close (file);
  g_assert_true (g_file_get_contents (path, &written, &len, &error));
  unlink (path);
  ew_memory_net_free (net);
  g_assert_cmpuint (n_session_keys, >=, 8); /* two directions of two sessions at both ends */
  g_assert_cmpuint (g_hash_table_size (secrets), >, 20);
  g_assert_cmpuint (count_told (logged->str, logged->len), ==, 0);
  g_assert_cmpuint (count_told (written, len), ==, 0);
  /* The search itself works. */
  g_debug ("%s", "7072657368617265642062757420616c"
                 "707265736861726564206b65792c20616c736f20666f756e6420696e206c6f67");
  g_assert_cmpuint (count_told (logged->str, logged->len), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  secrets = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  logged = g_string_new (NULL);
  g_log_set_default_handler (g_log_default_handler, NULL); /* that of a test in GLib 2.84 doesn't use the writer */
  g_log_set_writer_func (keep_log, NULL, NULL);
  g_test_add_func ("/behaviour/nothing-secret-in-logs", test_nothing_secret_in_logs);
  int status = g_test_run ();
  g_hash_table_unref (secrets);
  g_string_free (logged, TRUE);
  return status;
}
