/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The handshake against vectors of our own making (make-noise-vectors.py), its refusals, and, where
 * EW_WIREGUARD_CAPTURES names a folder of captured handshakes with their keys, against what other implementations sent.
 */
#include "hex.h"
#include "noise-vectors.h"
#include "proto/bytes.h"
#include "proto/cookie.h"
#include "proto/crypto.h"
#include "proto/noise.h"

#define II 0x04030201
#define IR 0xc0ffee01

typedef struct
{
  EwNoiseIdentity initiator, responder;
  EwNoiseRemote responder_seen, initiator_seen; /* as the other sees it */
  EwNoiseHandshake i, r;
  uint8_t ei[32], er[32], timestamp[12];
  EwMessageInitiation initiation;
  EwMessageResponse response;
} Pair;

static GPtrArray *keys; /* of all identities that pair_init() has made */

static void
free_key (gpointer key)
{
  ew_x25519_key_free (key);
}

static void
pair_init (Pair *p, unsigned v)
{
  uint8_t key[32];
  memset (p, 0, sizeof *p);
  hex (key, 32, noise_vectors[v].initiator_private);
  ew_noise_identity_set (&p->initiator, key);
  hex (key, 32, noise_vectors[v].responder_private);
  ew_noise_identity_set (&p->responder, key);
  g_ptr_array_add (keys, p->initiator.key);
  g_ptr_array_add (keys, p->responder.key);
  ew_noise_remote_init (&p->responder_seen, p->responder.public_key);
  ew_noise_remote_init (&p->initiator_seen, p->initiator.public_key);
  hex (p->responder_seen.preshared_key, 32, noise_vectors[v].preshared);
  hex (p->initiator_seen.preshared_key, 32, noise_vectors[v].preshared);
  hex (p->ei, 32, noise_vectors[v].initiator_ephemeral);
  hex (p->er, 32, noise_vectors[v].responder_ephemeral);
  hex (p->timestamp, 12, noise_vectors[v].timestamp);
}

static gboolean
initiate (Pair *p)
{
  return ew_noise_create_initiation (&p->i, &p->initiator, &p->responder_seen, p->ei, II, p->timestamp, &p->initiation);
}

static gboolean
consume (Pair *p, uint64_t now_ns)
{
  EwNoiseReading reading;
  return ew_noise_read_initiation (&reading, &p->responder, &p->initiation)
         && memcmp (reading.remote_public_key, p->initiator.public_key, 32) == 0
         && ew_noise_consume_initiation (&p->r, &reading, &p->responder, &p->initiator_seen, &p->initiation, now_ns);
}

static gboolean
respond (Pair *p)
{
  return ew_noise_create_response (&p->r, &p->initiator_seen, p->er, IR, &p->response);
}

static gboolean
consume_response (Pair *p)
{
  return ew_noise_consume_response (&p->i, &p->initiator, &p->responder_seen, &p->response);
}

static void
test_vectors (void)
{
  for (unsigned v = 0; v < G_N_ELEMENTS (noise_vectors); v++)
    {
      Pair p;
      EwCookieMaker macs;
      uint8_t is[32], ir[32], rs[32], rr[32], data[80], plain[64];
      bool initiator;
      pair_init (&p, v);
      ew_cookie_maker_init (&macs);
      g_assert_true (initiate (&p));
      ew_cookie_add_macs (&macs, p.responder.public_key, (uint8_t *)&p.initiation, sizeof p.initiation, 0);
      assert_hex (&p.initiation, sizeof p.initiation, noise_vectors[v].initiation);
      g_assert_true (consume (&p, 0));
      g_assert_true (respond (&p));
      ew_cookie_add_macs (&macs, p.initiator.public_key, (uint8_t *)&p.response, sizeof p.response, 0);
      assert_hex (&p.response, sizeof p.response, noise_vectors[v].response);
      g_assert_true (consume_response (&p));
      g_assert_true (ew_noise_derive_keys (&p.i, is, ir, &initiator) && initiator);
      g_assert_true (ew_noise_derive_keys (&p.r, rs, rr, &initiator) && !initiator);
      assert_hex (is, 32, noise_vectors[v].initiator_sends);
      assert_hex (rs, 32, noise_vectors[v].responder_sends);
      g_assert_cmpmem (is, 32, rr, 32);
      g_assert_cmpmem (ir, 32, rs, 32);
      g_assert_cmphex (p.i.remote_index, ==, IR);
      g_assert_cmphex (p.r.remote_index, ==, II);
      g_assert_true (ew_secret_is_zero (p.i.chaining_key, 32) && ew_secret_is_zero (p.i.ephemeral_private, 32));
      g_assert_false (ew_noise_derive_keys (&p.i, is, ir, &initiator)); /* once */
      hex (data, 64, noise_vectors[v].data);
      g_assert_true (ew_open (plain, rr, ew_load_le64 (data + 8), NULL, 0, data + 16, 48));
      g_assert_cmpmem (plain, 32, "sixteen bytes oksixteen bytes ok", 32);
    }
}

/* Any altered bit before the macs makes a message worthless, and leaves the handshake as it was. */
static void
test_tampered (void)
{
  Pair p, untouched;
  pair_init (&p, 1);
  g_assert_true (initiate (&p));
  for (size_t i = 8; i < sizeof p.initiation - sizeof (EwMessageMacs); i++)
    {
      ((uint8_t *)&p.initiation)[i] ^= 4;
      g_assert_false (consume (&p, 0));
      ((uint8_t *)&p.initiation)[i] ^= 4;
      g_assert_cmpint (p.r.state, ==, EW_NOISE_NOTHING);
    }
  g_assert_true (consume (&p, 0) && respond (&p));
  untouched = p;
  for (size_t i = 8; i < sizeof p.response - sizeof (EwMessageMacs); i++)
    {
      ((uint8_t *)&p.response)[i] ^= 4;
      g_assert_false (consume_response (&p));
      ((uint8_t *)&p.response)[i] ^= 4;
      g_assert_cmpmem (&p.i, sizeof p.i, &untouched.i, sizeof p.i);
    }
  g_assert_true (consume_response (&p));
}

static void
test_wrong_keys (void)
{
  Pair p, other;
  pair_init (&p, 0);
  pair_init (&other, 1);
  g_assert_true (initiate (&p));
  /* For another responder; from a peer whose static key is not the one that was looked up; without an own key.
   */
  EwNoiseReading reading;
  g_assert_false (ew_noise_read_initiation (&reading, &other.responder, &p.initiation));
  g_assert_true (ew_noise_read_initiation (&reading, &p.responder, &p.initiation));
  g_assert_false (ew_noise_consume_initiation (&p.r, &reading, &p.responder, &other.initiator_seen, &p.initiation, 0));
  EwNoiseIdentity nobody = { 0 };
  uint8_t zero[32] = { 0 };
  ew_noise_identity_set (&nobody, zero);
  g_assert_false (ew_noise_read_initiation (&reading, &nobody, &p.initiation));
  g_assert_false (ew_noise_create_initiation (&p.i, &nobody, &p.responder_seen, p.ei, II, p.timestamp, &p.initiation));
  /* A preshared key that only one side has. */
  pair_init (&p, 1);
  p.responder_seen.preshared_key[5] ^= 1;
  g_assert_true (initiate (&p) && consume (&p, 0) && respond (&p));
  g_assert_false (consume_response (&p));
}

static void
test_wrong_state (void)
{
  Pair p;
  uint8_t a[32], b[32];
  bool initiator;
  pair_init (&p, 0);
  g_assert_false (respond (&p));
  g_assert_false (consume_response (&p));
  g_assert_false (ew_noise_derive_keys (&p.i, a, b, &initiator));
  g_assert_true (initiate (&p));
  g_assert_false (ew_noise_derive_keys (&p.i, a, b, &initiator));
  g_assert_true (consume (&p, 0) && respond (&p));
  g_assert_false (respond (&p));
  ew_store_le32 (p.response.receiver_index, II + 1);
  g_assert_false (consume_response (&p));
  ew_store_le32 (p.response.receiver_index, II);
  g_assert_true (consume_response (&p));
  g_assert_false (consume_response (&p)); /* a duplicate */
}

static void
test_replayed_initiation (void)
{
  Pair p;
  pair_init (&p, 0);
  g_assert_true (initiate (&p));
  g_assert_true (consume (&p, 0));
  g_assert_false (consume (&p, 10 * EW_NSEC_PER_SEC)); /* the same timestamp */
  p.timestamp[7]--;
  g_assert_true (initiate (&p));
  g_assert_false (consume (&p, 10 * EW_NSEC_PER_SEC)); /* an earlier one */
  p.timestamp[7] += 2;
  g_assert_true (initiate (&p));
  g_assert_false (consume (&p, EW_INITIATION_INTERVAL - 1)); /* later, but less than 20 ms after the last */
  g_assert_true (consume (&p, EW_INITIATION_INTERVAL));
}

static void
test_timestamps (void)
{
  uint8_t t[12];
  ew_timestamp_write (t, 0);
  assert_hex (t, 12, "400000000000000a00000000");
  ew_timestamp_write (t, UINT64_C (1700000000) * EW_NSEC_PER_SEC + 999999999);
  assert_hex (t, 12, "400000006553f10a3b000000"); /* 0x3b9ac9ff, coarsened to 2^24 */
  uint64_t last = 0;
  for (uint64_t ns = 0; ns < 3 * EW_NSEC_PER_SEC; ns += 1000003)
    {
      uint64_t coarse = ew_timestamp_coarsen (ns);
      g_assert_cmpuint (coarse, <=, ns);
      g_assert_cmpuint (ns - coarse, <, EW_TIMESTAMP_GRAIN);
      g_assert_cmpuint (coarse, >=, last);
      g_assert_cmpuint (ew_timestamp_coarsen (coarse + EW_TIMESTAMP_GRAIN), >, coarse);
      last = coarse;
    }
}

/* --- captures --- */

typedef struct
{
  uint8_t responder_public[32], initiator_private[32], ephemerals[4][32], preshared[32];
  unsigned n_ephemerals;
} Keys;

static void
read_keys (const char *folder, Keys *keys)
{
  g_autofree char *path = g_build_filename (folder, "keys.txt", NULL), *text = NULL;
  memset (keys, 0, sizeof *keys);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      const char *value = strchr (*line, '=');
      gsize len = 0;
      g_autofree guchar *key = value != NULL ? g_base64_decode (value + 1, &len) : NULL;
      if (len != 32)
        continue;
      if (g_str_has_prefix (*line, "REMOTE_STATIC"))
        memcpy (keys->responder_public, key, 32);
      else if (g_str_has_prefix (*line, "LOCAL_STATIC"))
        memcpy (keys->initiator_private, key, 32);
      else if (g_str_has_prefix (*line, "PRESHARED"))
        memcpy (keys->preshared, key, 32);
      else if (g_str_has_prefix (*line, "LOCAL_EPHEMERAL") && keys->n_ephemerals < 4)
        memcpy (keys->ephemerals[keys->n_ephemerals++], key, 32);
    }
}


/* Plays the captured initiator again: the same keys must make the same bytes. FALSE: these are not the keys. */
static gboolean
replay_initiation (Pair *p, const Keys *known, unsigned ephemeral, const EwMessageInitiation *m)
{
  EwCookieMaker macs;
  memset (p, 0, sizeof *p);
  ew_noise_identity_set (&p->initiator, known->initiator_private);
  g_ptr_array_add (keys, p->initiator.key);
  ew_noise_remote_init (&p->responder_seen, known->responder_public);
  memcpy (p->responder_seen.preshared_key, known->preshared, 32);
  memcpy (p->ei, known->ephemerals[ephemeral], 32);
  for (unsigned pass = 0; pass < 2; pass++)
    {
      g_assert_true (ew_noise_create_initiation (&p->i, &p->initiator, &p->responder_seen, p->ei,
                                                 ew_load_le32 (m->sender_index), p->timestamp, &p->initiation));
      /* A stream cipher: what differs between the two is what differs between the timestamps. */
      for (unsigned i = 0; i < 12; i++)
        p->timestamp[i] ^= p->initiation.encrypted_timestamp[i] ^ m->encrypted_timestamp[i];
    }
  ew_cookie_maker_init (&macs);
  ew_cookie_add_macs (&macs, known->responder_public, (uint8_t *)&p->initiation, sizeof p->initiation, 0);
  return memcmp (&p->initiation, m, sizeof *m) == 0;
}

typedef struct
{
  uint8_t send[32], receive[32];
  uint32_t local_index, remote_index;
} Session;

typedef struct
{
  Session sessions[4];
  unsigned initiations, responses, opened;
} Capture;

static void
capture_data (Capture *c, const uint8_t *data, size_t len)
{
  uint8_t plain[2048];
  uint32_t index = ew_load_le32 (data + 4);
  g_assert_cmpuint (len, <=, sizeof plain);
  for (unsigned i = 0; i < c->responses; i++)
    {
      Session *s = &c->sessions[i];
      if (index != s->local_index && index != s->remote_index)
        continue;
      const uint8_t *key = index == s->local_index ? s->receive : s->send;
      g_assert_true (ew_open (plain, key, ew_load_le64 (data + 8), NULL, 0, data + 16, len - 16));
      g_assert_true (len == 32 || plain[0] >> 4 == 4);
      c->opened++;
    }
}

static void
capture_message (Capture *c, Pair *p, const Keys *keys, const uint8_t *data, size_t len)
{
  bool initiator;
  if (data[0] == EW_MESSAGE_INITIATION && len == sizeof (EwMessageInitiation))
    for (unsigned i = 0; i < keys->n_ephemerals; i++)
      if (replay_initiation (p, keys, i, (const EwMessageInitiation *)data))
        {
          c->initiations++;
          break;
        }
  if (data[0] == EW_MESSAGE_RESPONSE && len == sizeof p->response)
    {
      memcpy (&p->response, data, sizeof p->response);
      if (!consume_response (p)) /* of a handshake whose ephemeral key was not recorded */
        return;
      g_assert_cmpuint (c->responses, <, G_N_ELEMENTS (c->sessions));
      Session *s = &c->sessions[c->responses++];
      s->local_index = p->i.local_index;
      s->remote_index = p->i.remote_index;
      g_assert_true (ew_noise_derive_keys (&p->i, s->send, s->receive, &initiator));
    }
  if (data[0] == EW_MESSAGE_DATA)
    capture_data (c, data, len);
}

/* Classic pcap, little-endian, Ethernet, IPv4, UDP: 16 bytes of record, 14 + 20 + 8 of headers. */
static Capture
read_capture (const char *folder, const char *name, const Keys *keys)
{
  g_autofree char *path = g_build_filename (folder, name, NULL), *bytes = NULL;
  gsize size;
  Capture c = { 0 };
  Pair p = { 0 };
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  g_assert_cmphex (ew_load_le32 ((uint8_t *)bytes), ==, 0xa1b2c3d4);
  for (gsize at = 24; at + 16 <= size;)
    {
      const uint8_t *record = (uint8_t *)bytes + at;
      gsize len = ew_load_le32 (record + 8);
      at += 16 + len;
      g_assert_cmpuint (at, <=, size);
      if (len > 46)
        capture_message (&c, &p, keys, record + 16 + 42, len - 42);
    }
  return c;
}

static void
test_captures (void)
{
  const char *folder = g_getenv ("EW_WIREGUARD_CAPTURES");
  Keys keys;
  if (folder == NULL || !g_file_test (folder, G_FILE_TEST_IS_DIR))
    {
      g_test_skip ("EW_WIREGUARD_CAPTURES names no folder of captures");
      return;
    }
  read_keys (folder, &keys);
  Capture preshared = read_capture (folder, "wireguard-psk.pcap", &keys);
  memset (keys.preshared, 0, sizeof keys.preshared);
  Capture plain = read_capture (folder, "wireguard-ping-tcp.pcap", &keys);
  g_assert_cmpuint (plain.initiations, ==, 1);
  g_assert_cmpuint (plain.responses, ==, 1);
  g_assert_cmpuint (plain.opened, >, 1);
  g_assert_cmpuint (preshared.initiations, ==, 1);
  g_assert_cmpuint (preshared.responses, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  keys = g_ptr_array_new_with_free_func (free_key);
  g_test_add_func ("/noise/vectors", test_vectors);
  g_test_add_func ("/noise/tampered", test_tampered);
  g_test_add_func ("/noise/wrong-keys", test_wrong_keys);
  g_test_add_func ("/noise/wrong-state", test_wrong_state);
  g_test_add_func ("/noise/replayed-initiation", test_replayed_initiation);
  g_test_add_func ("/noise/timestamps", test_timestamps);
  g_test_add_func ("/noise/captures", test_captures);
  const int status = g_test_run ();
  g_ptr_array_unref (keys);
  return status;
}
