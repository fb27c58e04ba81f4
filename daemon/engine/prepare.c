/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/engine.h"

#include "proto/aead.h"
#include "proto/crypto.h"

void
ew_engine_prepare (void)
{
  const guint8 private_key[32] = { 8, [31] = 64 };
  guint8 public_key[32], secret[32];
  EwX25519Key *key = ew_x25519_key_new (private_key);

  if (key != NULL && ew_x25519_key_get_public (key, public_key))
    (void)ew_x25519_key_agree (key, secret, public_key);
  ew_x25519_key_free (key);
  (void)ew_aead_backend_name ();
}
