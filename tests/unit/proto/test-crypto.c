/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Primitives against published vectors: RFC 7693, RFC 7748, RFC 8439, draft-irtf-cfrg-xchacha-03; HMAC and KDF against
 * Python's. */
#include "hex.h"
#include "proto/aead.h"
#include "proto/blake2s.h"
#include "proto/crypto.h"

/* RFC 7693 appendix E: a hash of the hashes of many lengths, keyed and not. */
static void
selftest_sequence (uint8_t *out, size_t len, uint32_t seed)
{
  uint32_t a = 0xdead4bad * seed, b = 1;
  for (size_t i = 0; i < len; i++)
    {
      uint32_t t = a + b;
      a = b;
      b = t;
      out[i] = (uint8_t)(t >> 24);
    }
}

static void
test_blake2s (void)
{
  const size_t out_lens[] = { 16, 20, 28, 32 }, in_lens[] = { 0, 3, 64, 65, 255, 1024 };
  uint8_t in[1024], md[32], key[32];
  EwBlake2s all;
  ew_blake2s (md, 32, NULL, 0, "abc", 3);
  assert_hex (md, 32, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
  ew_blake2s_init (&all, 32, NULL, 0);
  for (unsigned i = 0; i < G_N_ELEMENTS (out_lens); i++)
    for (unsigned j = 0; j < G_N_ELEMENTS (in_lens); j++)
      {
        selftest_sequence (in, in_lens[j], (uint32_t)in_lens[j]);
        ew_blake2s (md, out_lens[i], NULL, 0, in, in_lens[j]);
        ew_blake2s_update (&all, md, out_lens[i]);
        selftest_sequence (key, out_lens[i], (uint32_t)out_lens[i]);
        ew_blake2s (md, out_lens[i], key, out_lens[i], in, in_lens[j]);
        ew_blake2s_update (&all, md, out_lens[i]);
      }
  ew_blake2s_final (&all, md);
  assert_hex (md, 32, "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

static void
test_blake2s_in_pieces (void)
{
  uint8_t in[300], whole[32], pieces[32];
  selftest_sequence (in, sizeof in, 7);
  ew_blake2s (whole, 32, in, 32, in, sizeof in);
  for (size_t step = 1; step < 130; step++)
    {
      EwBlake2s s;
      ew_blake2s_init (&s, 32, in, 32);
      for (size_t i = 0; i < sizeof in; i += step)
        ew_blake2s_update (&s, in + i, MIN (step, sizeof in - i));
      ew_blake2s_final (&s, pieces);
      g_assert_cmpmem (pieces, 32, whole, 32);
    }
}

static void
test_hmac_kdf (void)
{
  uint8_t sequence[100], out[3][32];
  for (unsigned i = 0; i < 100; i++)
    sequence[i] = (uint8_t)i;
  ew_hmac (out[0], sequence, 100, (const uint8_t *)"edgeway", 7);
  assert_hex (out[0], 32, "9d5b83b3b2d61ceb1efa3a45b3601dde32554d3dcd6c94e513bc70ab3dda20da");
  ew_kdf (out[0], out[1], out[2], sequence, (const uint8_t *)"input", 5);
  assert_hex (out[0], 32, "87b7f70b24183c6db5dc4f6d9f4c47cdb203321aa2a0bef714896adb3107a040");
  assert_hex (out[1], 32, "538a02e1eb2e31b7e4d4b82476d1fe2acf50085d3fb584537279195f5d1f5824");
  assert_hex (out[2], 32, "9ad858025593be88de0f9442a589cfe84a88dc19e4753d93684d1c5efc4837f9");
}

static bool
agree_once (uint8_t out[32], const uint8_t private_key[32], const uint8_t public_key[32])
{
  EwX25519Key *key = ew_x25519_key_new (private_key);
  bool ok = ew_x25519_key_agree (key, out, public_key);
  ew_x25519_key_free (key);
  return ok;
}

static void
test_x25519 (void)
{
  uint8_t a[32], b[32], a_public[32], b_public[32], shared[32];
  hex (a, 32, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"); /* RFC 7748 section 6.1 */
  hex (b, 32, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  g_assert_true (ew_x25519_public (a_public, a));
  assert_hex (a_public, 32, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  g_assert_true (ew_x25519_public (b_public, b));
  assert_hex (b_public, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  g_assert_true (agree_once (shared, a, b_public));
  assert_hex (shared, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  g_assert_true (agree_once (shared, b, a_public));
  assert_hex (shared, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

static void
test_x25519_low_order (void)
{
  /* The points of small order, whose product with anything is zero: 0, 1 and one of order 8. */
  const char *points[] = { "0000000000000000000000000000000000000000000000000000000000000000",
                           "0100000000000000000000000000000000000000000000000000000000000000",
                           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800" };
  uint8_t private_key[32], public_key[32], shared[32];
  hex (private_key, 32, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  for (unsigned i = 0; i < G_N_ELEMENTS (points); i++)
    {
      hex (public_key, 32, points[i]);
      g_assert_false (agree_once (shared, private_key, public_key));
      g_assert_true (ew_secret_is_zero (shared, 32));
    }
}

static void
test_hchacha20 (void)
{
  uint8_t key[32], nonce[16], out[32];
  hex (key, 32, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  hex (nonce, 16, "000000090000004a0000000031415927");
  ew_hchacha20 (out, key, nonce);
  assert_hex (out, 32, "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc");
}

static void
test_chacha20_poly1305 (void)
{
  /* RFC 8439 appendix A.5; its nonce has four zero bytes in front, as WireGuard's have. */
  const char *sealed_hex
    = "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100"
      "d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b350638"
      "3606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa115"
      "5b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
      "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f"
      "38";
  uint8_t key[32], ad[12], sealed[281], plain[265], again[281];
  hex (key, 32, "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
  hex (ad, 12, "f33388860000000000004e91");
  hex (sealed, sizeof sealed, sealed_hex);
  g_assert_true (ew_open (plain, key, G_GUINT64_CONSTANT (0x0807060504030201), ad, 12, sealed, sizeof sealed));
  g_assert_cmpmem (plain, 34, "Internet-Drafts are draft document", 34);
  g_assert_true (ew_seal (again, key, G_GUINT64_CONSTANT (0x0807060504030201), ad, 12, plain, sizeof plain));
  g_assert_cmpmem (again, sizeof again, sealed, sizeof sealed);
  for (size_t i = 0; i < sizeof sealed; i++) /* every byte counts */
    {
      sealed[i] ^= 1;
      g_assert_false (ew_open (plain, key, G_GUINT64_CONSTANT (0x0807060504030201), ad, 12, sealed, sizeof sealed));
      g_assert_true (ew_secret_is_zero (plain, sizeof plain));
      sealed[i] ^= 1;
    }
  g_assert_false (ew_open (plain, key, 0, ad, 12, sealed, 15));
}

static void
test_xchacha20_poly1305 (void)
{
  /* draft-irtf-cfrg-xchacha-03 appendix A.3.1. */
  const char *text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
                     "sunscreen would be it.";
  const char *sealed_hex
    = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216"
      "cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13"
      "b52ec0875924c1c7987947deafd8780acf49";
  uint8_t key[32], nonce[24], ad[12], sealed[130], plain[114];
  for (unsigned i = 0; i < 32; i++)
    key[i] = (uint8_t)(0x80 + i);
  for (unsigned i = 0; i < 24; i++)
    nonce[i] = (uint8_t)(0x40 + i);
  hex (ad, 12, "50515253c0c1c2c3c4c5c6c7");
  g_assert_cmpuint (strlen (text), ==, sizeof plain);
  g_assert_true (ew_xseal (sealed, key, nonce, ad, 12, (const uint8_t *)text, strlen (text)));
  assert_hex (sealed, sizeof sealed, sealed_hex);
  g_assert_true (ew_xopen (plain, key, nonce, ad, 12, sealed, sizeof sealed));
  g_assert_cmpmem (plain, sizeof plain, text, strlen (text));
  nonce[23] ^= 1;
  g_assert_false (ew_xopen (plain, key, nonce, ad, 12, sealed, sizeof sealed));
  nonce[23] ^= 1;
  nonce[0] ^= 1;
  g_assert_false (ew_xopen (plain, key, nonce, ad, 12, sealed, sizeof sealed));
}

#define BATCH 64

static void
fill_batch (EwAeadItem *items, EwAeadKey *const *keys, uint8_t buffers[BATCH][1600])
{
  for (unsigned i = 0; i < BATCH; i++)
    {
      size_t len = i == 0 ? 0 : (size_t)g_test_rand_int_range (0, 1500);
      for (size_t k = 0; k < len; k++)
        buffers[i][k] = (uint8_t)g_test_rand_int ();
      items[i] = (EwAeadItem){
        .key = keys[i % 3], .data = buffers[i], .len = len, .counter = (uint64_t)g_test_rand_int () << 32 | i
      };
    }
}

/* The batch against the one-shot functions, with several keys in one batch. */
static void
test_batch (void)
{
  static uint8_t buffers[BATCH][1600], plain[BATCH][1600], expected[1600];
  uint8_t raw[3][32];
  EwAeadKey *seal_keys[3], *open_keys[3];
  EwAeadItem items[BATCH];
  for (unsigned i = 0; i < 3; i++)
    {
      for (unsigned k = 0; k < 32; k++)
        raw[i][k] = (uint8_t)g_test_rand_int ();
      seal_keys[i] = ew_aead_key_new (raw[i], true);
      open_keys[i] = ew_aead_key_new (raw[i], false);
    }
  fill_batch (items, seal_keys, buffers);
  memcpy (plain, buffers, sizeof plain);
  ew_aead_seal_n (items, BATCH);
  for (unsigned i = 0; i < BATCH; i++)
    {
      g_assert_true (items[i].ok);
      g_assert_true (ew_seal (expected, raw[i % 3], items[i].counter, NULL, 0, plain[i], items[i].len));
      g_assert_cmpmem (buffers[i], items[i].len + 16, expected, items[i].len + 16);
      items[i].key = open_keys[i % 3];
      items[i].len += 16;
      if (i % 4 == 1) /* one forged among the good: text, tag or counter */
        buffers[i][(unsigned)g_test_rand_int () % items[i].len] ^= 0x10;
      if (i % 4 == 3)
        items[i].counter++;
    }
  ew_aead_open_n (items, BATCH);
  for (unsigned i = 0; i < BATCH; i++)
    {
      g_assert_cmpint (items[i].ok, ==, i % 2 == 0);
      if (items[i].ok)
        g_assert_cmpmem (buffers[i], items[i].len - 16, plain[i], items[i].len - 16);
    }
  items[0].len = 15;
  ew_aead_open_n (items, 1);
  g_assert_false (items[0].ok);
  for (unsigned i = 0; i < 3; i++)
    {
      ew_aead_key_free (seal_keys[i]);
      ew_aead_key_free (open_keys[i]);
    }
}

static void
test_secrets (void)
{
  uint8_t a[32] = { 0 }, b[32] = { 0 };
  g_assert_true (ew_secret_is_zero (a, 32));
  g_assert_true (ew_secret_equal (a, b, 32));
  for (unsigned i = 0; i < 32; i++)
    {
      a[i] = 0x80;
      g_assert_false (ew_secret_is_zero (a, 32));
      g_assert_false (ew_secret_equal (a, b, 32));
      ew_secret_zero (a, 32);
      g_assert_true (ew_secret_equal (a, b, 32));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/crypto/blake2s", test_blake2s);
  g_test_add_func ("/crypto/blake2s-in-pieces", test_blake2s_in_pieces);
  g_test_add_func ("/crypto/hmac-kdf", test_hmac_kdf);
  g_test_add_func ("/crypto/x25519", test_x25519);
  g_test_add_func ("/crypto/x25519-low-order", test_x25519_low_order);
  g_test_add_func ("/crypto/hchacha20", test_hchacha20);
  g_test_add_func ("/crypto/chacha20-poly1305", test_chacha20_poly1305);
  g_test_add_func ("/crypto/xchacha20-poly1305", test_xchacha20_poly1305);
  g_test_add_func ("/crypto/batch", test_batch);
  g_test_add_func ("/crypto/secrets", test_secrets);
  return g_test_run ();
}
