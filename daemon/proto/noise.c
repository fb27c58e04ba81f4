/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names follow the whitepaper, section 5.4: C is chaining_key, H is hash, E an ephemeral, S a static key. */
#include "proto/noise.h"
#include "proto/blake2s.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#include <string.h>

#define TAI64_EPOCH UINT64_C (0x400000000000000a) /* 1970-01-01 00:00:10 TAI */

static void
mix_hash (uint8_t hash[EW_HASH_SIZE], const uint8_t *data, size_t len)
{
  EwBlake2s s;
  ew_blake2s_init (&s, EW_HASH_SIZE, NULL, 0);
  ew_blake2s_update (&s, hash, EW_HASH_SIZE);
  ew_blake2s_update (&s, data, len);
  ew_blake2s_final (&s, hash);
}

/* C := KDF1(C, E); H := HASH(H ‖ E) */
static void
mix_ephemeral (EwNoiseHandshake *h, const uint8_t ephemeral[EW_KEY_SIZE])
{
  ew_kdf (h->chaining_key, NULL, NULL, h->chaining_key, ephemeral, EW_KEY_SIZE);
  mix_hash (h->hash, ephemeral, EW_KEY_SIZE);
}

/* C, key := KDF2(C, secret); key may be NULL. */
static void
mix_secret (EwNoiseHandshake *h, uint8_t *key, const uint8_t secret[EW_KEY_SIZE])
{
  ew_kdf (h->chaining_key, key, NULL, h->chaining_key, secret, EW_KEY_SIZE);
}

static bool
mix_dh (EwNoiseHandshake *h, uint8_t *key, const EwX25519Key *private_key, const uint8_t public_key[EW_KEY_SIZE])
{
  uint8_t secret[EW_KEY_SIZE];
  bool ok = ew_x25519_key_agree (private_key, secret, public_key);
  if (ok)
    mix_secret (h, key, secret);
  ew_secret_zero (secret, sizeof secret);
  return ok;
}

/* C, τ, key := KDF3(C, Q); H := HASH(H ‖ τ) */
static void
mix_preshared (EwNoiseHandshake *h, uint8_t key[EW_KEY_SIZE], const uint8_t preshared_key[EW_KEY_SIZE])
{
  uint8_t tau[EW_HASH_SIZE];
  ew_kdf (h->chaining_key, tau, key, h->chaining_key, preshared_key, EW_KEY_SIZE);
  mix_hash (h->hash, tau, sizeof tau);
  ew_secret_zero (tau, sizeof tau);
}

static bool
seal_and_mix (EwNoiseHandshake *h, uint8_t *out, const uint8_t key[EW_KEY_SIZE], const uint8_t *in, size_t len)
{
  if (!ew_seal (out, key, 0, h->hash, EW_HASH_SIZE, in, len))
    return false;
  mix_hash (h->hash, out, len + EW_TAG_SIZE);
  return true;
}

/* len counts the tag. */
static bool
open_and_mix (EwNoiseHandshake *h, uint8_t *out, const uint8_t key[EW_KEY_SIZE], const uint8_t *in, size_t len)
{
  if (!ew_open (out, key, 0, h->hash, EW_HASH_SIZE, in, len))
    return false;
  mix_hash (h->hash, in, len);
  return true;
}

/* The transcript both sides start from: the protocol's names and the responder's static key. */
static void
start (EwNoiseHandshake *h, const uint8_t responder_public[EW_KEY_SIZE])
{
  memset (h, 0, sizeof *h);
  ew_blake2s (h->chaining_key, EW_HASH_SIZE, NULL, 0, EW_CONSTRUCTION, strlen (EW_CONSTRUCTION));
  memcpy (h->hash, h->chaining_key, EW_HASH_SIZE);
  mix_hash (h->hash, (const uint8_t *)EW_IDENTIFIER, strlen (EW_IDENTIFIER));
  mix_hash (h->hash, responder_public, EW_KEY_SIZE);
}

static bool
ensure_static_static (EwNoiseRemote *remote, const EwNoiseIdentity *identity)
{
  if (!remote->has_static_static)
    remote->has_static_static = ew_x25519_key_agree (identity->key, remote->static_static, remote->public_key);
  return remote->has_static_static;
}

void
ew_noise_identity_set (EwNoiseIdentity *identity, const uint8_t private_key[EW_KEY_SIZE])
{
  ew_x25519_key_free (identity->key);
  ew_secret_zero (identity, sizeof *identity);
  if (ew_secret_is_zero (private_key, EW_KEY_SIZE))
    return;
  memcpy (identity->private_key, private_key, EW_KEY_SIZE);
  ew_x25519_clamp (identity->private_key);
  identity->key = ew_x25519_key_new (identity->private_key);
  identity->present = identity->key != NULL && ew_x25519_key_get_public (identity->key, identity->public_key);
}

void
ew_noise_remote_init (EwNoiseRemote *remote, const uint8_t public_key[EW_KEY_SIZE])
{
  memset (remote, 0, sizeof *remote);
  memcpy (remote->public_key, public_key, EW_KEY_SIZE);
  remote->latest_initiation_ns = EW_TIME_OFF;
}

void
ew_noise_remote_reset (EwNoiseRemote *remote)
{
  ew_secret_zero (remote->static_static, sizeof remote->static_static);
  remote->has_static_static = false;
}

uint64_t
ew_timestamp_coarsen (uint64_t realtime_ns)
{
  uint64_t ns = realtime_ns % EW_NSEC_PER_SEC;
  return realtime_ns - ns % EW_TIMESTAMP_GRAIN;
}

void
ew_timestamp_write (uint8_t out[EW_TIMESTAMP_SIZE], uint64_t realtime_ns)
{
  uint64_t coarse = ew_timestamp_coarsen (realtime_ns);
  ew_store_be64 (out, TAI64_EPOCH + coarse / EW_NSEC_PER_SEC);
  ew_store_be32 (out + 8, (uint32_t)(coarse % EW_NSEC_PER_SEC));
}

uint64_t
ew_timestamp_read (const uint8_t timestamp[EW_TIMESTAMP_SIZE])
{
  const uint64_t seconds = ew_load_be64 (timestamp), nanoseconds = ew_load_be32 (timestamp + 8);
  if (seconds < TAI64_EPOCH)
    return 0;
  if (seconds - TAI64_EPOCH >= UINT64_MAX / EW_NSEC_PER_SEC - 4) /* nanoseconds are less than 5 s whatever they say */
    return UINT64_MAX;
  return (seconds - TAI64_EPOCH) * EW_NSEC_PER_SEC + nanoseconds;
}

bool
ew_noise_create_initiation (EwNoiseHandshake *handshake, const EwNoiseIdentity *identity, EwNoiseRemote *remote,
                            const uint8_t ephemeral[EW_KEY_SIZE], uint32_t sender_index,
                            const uint8_t timestamp[EW_TIMESTAMP_SIZE], EwMessageInitiation *out)
{
  EwNoiseHandshake h;
  uint8_t key[EW_KEY_SIZE];
  if (!identity->present || !ensure_static_static (remote, identity))
    return false;
  start (&h, remote->public_key);
  memcpy (h.ephemeral_private, ephemeral, EW_KEY_SIZE);
  ew_x25519_clamp (h.ephemeral_private);
  memset (out, 0, sizeof *out);
  out->type[0] = EW_MESSAGE_INITIATION;
  ew_store_le32 (out->sender_index, sender_index);
  EwX25519Key *own = ew_x25519_key_new (h.ephemeral_private);
  bool ok = own != NULL && ew_x25519_key_get_public (own, out->ephemeral);
  if (ok)
    mix_ephemeral (&h, out->ephemeral);
  ok = ok && mix_dh (&h, key, own, remote->public_key)
       && seal_and_mix (&h, out->encrypted_static, key, identity->public_key, EW_KEY_SIZE);
  if (ok)
    mix_secret (&h, key, remote->static_static);
  ok = ok && seal_and_mix (&h, out->encrypted_timestamp, key, timestamp, EW_TIMESTAMP_SIZE);
  if (ok)
    {
      h.state = EW_NOISE_CREATED_INITIATION;
      h.local_index = sender_index;
      *handshake = h;
    }
  ew_x25519_key_free (own);
  ew_secret_zero (key, sizeof key);
  ew_secret_zero (&h, sizeof h);
  return ok;
}

bool
ew_noise_read_initiation (EwNoiseReading *reading, const EwNoiseIdentity *identity, const EwMessageInitiation *message)
{
  EwNoiseHandshake *h = &reading->handshake;
  uint8_t key[EW_KEY_SIZE];
  if (!identity->present)
    return false;
  start (h, identity->public_key);
  mix_ephemeral (h, message->ephemeral);
  bool ok
    = mix_dh (h, key, identity->key, message->ephemeral)
      && open_and_mix (h, reading->remote_public_key, key, message->encrypted_static, sizeof message->encrypted_static);
  ew_secret_zero (key, sizeof key);
  if (!ok)
    ew_secret_zero (reading, sizeof *reading);
  return ok;
}

static bool
is_fresh (const EwNoiseRemote *remote, const uint8_t timestamp[EW_TIMESTAMP_SIZE], uint64_t now_ns)
{
  return memcmp (timestamp, remote->latest_timestamp, EW_TIMESTAMP_SIZE) > 0
         && ew_time_passed (remote->latest_initiation_ns, EW_INITIATION_INTERVAL, now_ns);
}

static void
count_refused (EwNoiseRemote *remote, const uint8_t timestamp[EW_TIMESTAMP_SIZE])
{
  if (memcmp (timestamp, remote->latest_timestamp, EW_TIMESTAMP_SIZE) >= 0
      || (remote->refused > 0 && memcmp (timestamp, remote->refused_timestamp, EW_TIMESTAMP_SIZE) <= 0))
    return;
  memcpy (remote->refused_timestamp, timestamp, EW_TIMESTAMP_SIZE);
  remote->refused++;
}

bool
ew_noise_consume_initiation (EwNoiseHandshake *handshake, EwNoiseReading *reading, const EwNoiseIdentity *identity,
                             EwNoiseRemote *remote, const EwMessageInitiation *message, uint64_t now_ns)
{
  EwNoiseHandshake *h = &reading->handshake;
  uint8_t key[EW_KEY_SIZE], timestamp[EW_TIMESTAMP_SIZE];
  bool ok = ensure_static_static (remote, identity);
  if (ok)
    mix_secret (h, key, remote->static_static);
  ok = ok && open_and_mix (h, timestamp, key, message->encrypted_timestamp, sizeof message->encrypted_timestamp);
  if (ok && !is_fresh (remote, timestamp, now_ns))
    {
      count_refused (remote, timestamp);
      ok = false;
    }
  if (ok)
    {
      remote->refused = 0;
      memcpy (remote->latest_timestamp, timestamp, sizeof timestamp);
      remote->latest_initiation_ns = now_ns;
      memcpy (h->remote_ephemeral, message->ephemeral, EW_KEY_SIZE);
      h->remote_index = ew_load_le32 (message->sender_index);
      h->state = EW_NOISE_CONSUMED_INITIATION;
      *handshake = *h;
    }
  ew_secret_zero (key, sizeof key);
  ew_secret_zero (reading, sizeof *reading);
  return ok;
}

bool
ew_noise_create_response (EwNoiseHandshake *handshake, const EwNoiseRemote *remote,
                          const uint8_t ephemeral[EW_KEY_SIZE], uint32_t sender_index, EwMessageResponse *out)
{
  if (handshake->state != EW_NOISE_CONSUMED_INITIATION)
    return false;
  EwNoiseHandshake h = *handshake;
  uint8_t key[EW_KEY_SIZE];
  memcpy (h.ephemeral_private, ephemeral, EW_KEY_SIZE);
  ew_x25519_clamp (h.ephemeral_private);
  memset (out, 0, sizeof *out);
  out->type[0] = EW_MESSAGE_RESPONSE;
  ew_store_le32 (out->sender_index, sender_index);
  ew_store_le32 (out->receiver_index, h.remote_index);
  EwX25519Key *own = ew_x25519_key_new (h.ephemeral_private);
  bool ok = own != NULL && ew_x25519_key_get_public (own, out->ephemeral);
  if (ok)
    mix_ephemeral (&h, out->ephemeral);
  ok = ok && mix_dh (&h, NULL, own, h.remote_ephemeral) && mix_dh (&h, NULL, own, remote->public_key);
  if (ok)
    mix_preshared (&h, key, remote->preshared_key);
  ok = ok && seal_and_mix (&h, out->encrypted_nothing, key, NULL, 0);
  if (ok)
    {
      h.state = EW_NOISE_CREATED_RESPONSE;
      h.local_index = sender_index;
      *handshake = h;
    }
  ew_x25519_key_free (own);
  ew_secret_zero (key, sizeof key);
  ew_secret_zero (&h, sizeof h);
  return ok;
}

bool
ew_noise_consume_response (EwNoiseHandshake *handshake, const EwNoiseIdentity *identity, const EwNoiseRemote *remote,
                           const EwMessageResponse *message)
{
  if (handshake->state != EW_NOISE_CREATED_INITIATION || !identity->present
      || ew_load_le32 (message->receiver_index) != handshake->local_index)
    return false;
  EwNoiseHandshake h = *handshake;
  uint8_t key[EW_KEY_SIZE];
  EwX25519Key *own = ew_x25519_key_new (h.ephemeral_private);
  mix_ephemeral (&h, message->ephemeral);
  bool ok
    = own != NULL && mix_dh (&h, NULL, own, message->ephemeral) && mix_dh (&h, NULL, identity->key, message->ephemeral);
  ew_x25519_key_free (own);
  if (ok)
    mix_preshared (&h, key, remote->preshared_key);
  ok = ok && open_and_mix (&h, NULL, key, message->encrypted_nothing, sizeof message->encrypted_nothing);
  if (ok)
    {
      memcpy (h.remote_ephemeral, message->ephemeral, EW_KEY_SIZE);
      h.remote_index = ew_load_le32 (message->sender_index);
      h.state = EW_NOISE_CONSUMED_RESPONSE;
      *handshake = h;
    }
  ew_secret_zero (key, sizeof key);
  ew_secret_zero (&h, sizeof h);
  return ok;
}

bool
ew_noise_derive_keys (EwNoiseHandshake *handshake, uint8_t send_key[EW_KEY_SIZE], uint8_t receive_key[EW_KEY_SIZE],
                      bool *is_initiator)
{
  if (handshake->state != EW_NOISE_CREATED_RESPONSE && handshake->state != EW_NOISE_CONSUMED_RESPONSE)
    return false;
  uint32_t local_index = handshake->local_index, remote_index = handshake->remote_index;
  *is_initiator = handshake->state == EW_NOISE_CONSUMED_RESPONSE;
  if (*is_initiator)
    ew_kdf (send_key, receive_key, NULL, handshake->chaining_key, NULL, 0);
  else
    ew_kdf (receive_key, send_key, NULL, handshake->chaining_key, NULL, 0);
  ew_noise_clear (handshake);
  handshake->local_index = local_index;
  handshake->remote_index = remote_index;
  return true;
}

void
ew_noise_clear (EwNoiseHandshake *handshake)
{
  ew_secret_zero (handshake, sizeof *handshake);
}
