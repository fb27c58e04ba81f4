/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two MACs at the end of handshake messages, and cookies: how a responder under load makes senders prove their
 * address before it spends a DH on them (whitepaper sections 5.3 and 5.4.4 to 5.4.7).
 *
 * The checker is the responder's half, one a device; the maker is the initiator's half, one a peer. now_ns as in
 * EwTime.
 */
#pragma once

#include "proto/messages.h"

typedef struct
{
  uint8_t mac1_key[EW_KEY_SIZE], reply_key[EW_KEY_SIZE]; /* both follow from this device's public key */
  uint8_t secret[EW_HASH_SIZE];
  uint64_t secret_made_ns; /* EW_TIME_OFF: not made yet */
  void (*random) (void *user, uint8_t *out, size_t len);
  void *user;
} EwCookieChecker;

typedef struct
{
  uint8_t cookie[EW_COOKIE_SIZE];
  uint64_t received_ns;           /* EW_TIME_OFF: no cookie */
  uint8_t last_mac1[EW_MAC_SIZE]; /* of the message sent last: a cookie reply must fit it, once */
  bool awaits_reply;
} EwCookieMaker;

void ew_cookie_checker_init (EwCookieChecker *checker, void (*random) (void *user, uint8_t *out, size_t len),
                             void *user);
void ew_cookie_checker_set_public_key (EwCookieChecker *checker, const uint8_t public_key[EW_KEY_SIZE]);
/* message: a whole initiation or response, len its exact size. */
bool ew_cookie_check_mac1 (const EwCookieChecker *checker, const uint8_t *message, size_t len);
/* True when the sender at `from` got a cookie from this device in the last 120 s. */
bool ew_cookie_check_mac2 (EwCookieChecker *checker, const uint8_t *message, size_t len, const EwEndpoint *from,
                           uint64_t now_ns);
/* The answer to a message whose mac1 is right and whose mac2 is not. */
bool ew_cookie_make_reply (EwCookieChecker *checker, const uint8_t *message, size_t len, const EwEndpoint *from,
                           uint64_t now_ns, EwMessageCookieReply *out);

void ew_cookie_maker_init (EwCookieMaker *maker);
/* Writes mac1, and mac2 while there is a cookie younger than 115 s (zero otherwise), for a message to public_key. */
void ew_cookie_add_macs (EwCookieMaker *maker, const uint8_t public_key[EW_KEY_SIZE], uint8_t *message, size_t len,
                         uint64_t now_ns);
/* False unless the reply is authentic and answers the last message. */
bool ew_cookie_consume_reply (EwCookieMaker *maker, const uint8_t public_key[EW_KEY_SIZE],
                              const EwMessageCookieReply *reply, uint64_t now_ns);
