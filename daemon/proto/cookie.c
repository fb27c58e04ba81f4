/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/cookie.h"
#include "proto/blake2s.h"
#include "proto/bytes.h"
#include "proto/crypto.h"

#include <string.h>

static EwMessageMacs *
macs_of (const uint8_t *message, size_t len)
{
  return (EwMessageMacs *)(uintptr_t)(message + len - sizeof (EwMessageMacs));
}

/* HASH(label ‖ public key), section 5.4.4. */
static void
labelled_key (uint8_t out[EW_KEY_SIZE], const char label[8], const uint8_t public_key[EW_KEY_SIZE])
{
  EwBlake2s s;
  ew_blake2s_init (&s, EW_KEY_SIZE, NULL, 0);
  ew_blake2s_update (&s, label, 8);
  ew_blake2s_update (&s, public_key, EW_KEY_SIZE);
  ew_blake2s_final (&s, out);
}

static void
mac1_of (uint8_t out[EW_MAC_SIZE], const uint8_t mac1_key[EW_KEY_SIZE], const uint8_t *message, size_t len)
{
  ew_blake2s (out, EW_MAC_SIZE, mac1_key, EW_KEY_SIZE, message, len - sizeof (EwMessageMacs));
}

static void
mac2_of (uint8_t out[EW_MAC_SIZE], const uint8_t cookie[EW_COOKIE_SIZE], const uint8_t *message, size_t len)
{
  ew_blake2s (out, EW_MAC_SIZE, cookie, EW_COOKIE_SIZE, message, len - EW_MAC_SIZE);
}

void
ew_cookie_checker_init (EwCookieChecker *checker, void (*random) (void *user, uint8_t *out, size_t len), void *user)
{
  memset (checker, 0, sizeof *checker);
  checker->secret_made_ns = EW_TIME_OFF;
  checker->random = random;
  checker->user = user;
}

void
ew_cookie_checker_set_public_key (EwCookieChecker *checker, const uint8_t public_key[EW_KEY_SIZE])
{
  labelled_key (checker->mac1_key, EW_LABEL_MAC1, public_key);
  labelled_key (checker->reply_key, EW_LABEL_COOKIE, public_key);
}

/* Cookie := MAC(secret, address ‖ port), section 5.4.7. A stream's is that of its TCP peer. */
static void
cookie_of (EwCookieChecker *checker, const EwEndpoint *from, uint64_t now_ns, uint8_t out[EW_COOKIE_SIZE])
{
  if (ew_time_passed (checker->secret_made_ns, EW_COOKIE_SECRET_MAX_AGE, now_ns))
    {
      checker->random (checker->user, checker->secret, sizeof checker->secret);
      checker->secret_made_ns = now_ns;
    }
  EwBlake2s s;
  uint8_t port[2], id[8];
  ew_store_be16 (port, from->remote_port);
  ew_store_le64 (id, from->id);
  ew_blake2s_init (&s, EW_COOKIE_SIZE, checker->secret, sizeof checker->secret);
  if (from->kind == EW_ENDPOINT_MEMORY) /* has no address but its number */
    ew_blake2s_update (&s, id, sizeof id);
  else
    ew_blake2s_update (&s, from->remote.bytes, from->remote.family == EW_FAMILY_V4 ? 4 : 16);
  ew_blake2s_update (&s, port, sizeof port);
  ew_blake2s_final (&s, out);
}

bool
ew_cookie_check_mac1 (const EwCookieChecker *checker, const uint8_t *message, size_t len)
{
  uint8_t mac1[EW_MAC_SIZE];
  mac1_of (mac1, checker->mac1_key, message, len);
  return ew_secret_equal (mac1, macs_of (message, len)->mac1, sizeof mac1);
}

bool
ew_cookie_check_mac2 (EwCookieChecker *checker, const uint8_t *message, size_t len, const EwEndpoint *from,
                      uint64_t now_ns)
{
  uint8_t cookie[EW_COOKIE_SIZE], mac2[EW_MAC_SIZE];
  cookie_of (checker, from, now_ns, cookie);
  mac2_of (mac2, cookie, message, len);
  ew_secret_zero (cookie, sizeof cookie);
  return ew_secret_equal (mac2, macs_of (message, len)->mac2, sizeof mac2);
}

bool
ew_cookie_make_reply (EwCookieChecker *checker, const uint8_t *message, size_t len, const EwEndpoint *from,
                      uint64_t now_ns, EwMessageCookieReply *out)
{
  uint8_t cookie[EW_COOKIE_SIZE];
  memset (out, 0, sizeof *out);
  out->type[0] = EW_MESSAGE_COOKIE_REPLY;
  memcpy (out->receiver_index, message + 4, 4); /* the sender index of initiation and response alike */
  checker->random (checker->user, out->nonce, sizeof out->nonce);
  cookie_of (checker, from, now_ns, cookie);
  bool ok = ew_xseal (out->encrypted_cookie, checker->reply_key, out->nonce, macs_of (message, len)->mac1, EW_MAC_SIZE,
                      cookie, sizeof cookie);
  ew_secret_zero (cookie, sizeof cookie);
  return ok;
}

void
ew_cookie_maker_init (EwCookieMaker *maker)
{
  memset (maker, 0, sizeof *maker);
  maker->received_ns = EW_TIME_OFF;
}

void
ew_cookie_add_macs (EwCookieMaker *maker, const uint8_t public_key[EW_KEY_SIZE], uint8_t *message, size_t len,
                    uint64_t now_ns)
{
  EwMessageMacs *macs = macs_of (message, len);
  uint8_t mac1_key[EW_KEY_SIZE];
  labelled_key (mac1_key, EW_LABEL_MAC1, public_key);
  mac1_of (macs->mac1, mac1_key, message, len);
  memcpy (maker->last_mac1, macs->mac1, EW_MAC_SIZE);
  maker->awaits_reply = true;
  if (ew_time_passed (maker->received_ns, EW_COOKIE_SECRET_MAX_AGE - EW_COOKIE_SECRET_LATENCY, now_ns))
    memset (macs->mac2, 0, EW_MAC_SIZE);
  else
    mac2_of (macs->mac2, maker->cookie, message, len);
}

bool
ew_cookie_consume_reply (EwCookieMaker *maker, const uint8_t public_key[EW_KEY_SIZE], const EwMessageCookieReply *reply,
                         uint64_t now_ns)
{
  uint8_t reply_key[EW_KEY_SIZE], cookie[EW_COOKIE_SIZE];
  if (!maker->awaits_reply)
    return false;
  labelled_key (reply_key, EW_LABEL_COOKIE, public_key);
  bool ok = ew_xopen (cookie, reply_key, reply->nonce, maker->last_mac1, EW_MAC_SIZE, reply->encrypted_cookie,
                      sizeof reply->encrypted_cookie);
  if (ok)
    {
      memcpy (maker->cookie, cookie, sizeof cookie);
      maker->received_ns = now_ns;
      maker->awaits_reply = false;
    }
  ew_secret_zero (cookie, sizeof cookie);
  return ok;
}
