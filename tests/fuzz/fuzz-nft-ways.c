/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rules of other programs, which may be anything that the kernel takes: its messages about a chain's rules, one after
 * the other.
 */
#include <linux/netfilter/nf_tables.h>
#include <stdint.h>
#include <string.h>

#include "host/nft-ways.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_names (const GPtrArray *names, gsize longest, gboolean plain)
{
  for (guint i = 0; i < names->len; i++)
    {
      const gchar *name = names->pdata[i];
      g_assert_cmpuint (strlen (name), >, 0);
      g_assert_cmpuint (strlen (name), <=, longest);
      g_assert_true (!plain || g_utf8_validate (name, -1, NULL)); /* it may end in a sentence */
      for (guint j = 0; j < i; j++)
        g_assert_cmpstr (name, !=, names->pdata[j]);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  /* Aligned as netlink's buffers are, and exactly as large, so that ASan sees the first byte read beyond it. */
  g_autofree guint8 *messages = g_memdup2 (data, size);
  g_autoptr (EwNftWays) ways = ew_nft_ways_parse (messages, size);
  const EwPrefix everything[] = { { .ip = ew_ip_from_v4 (0) }, { .ip.family = EW_FAMILY_V6 } };

  check_names (ways->jumps, NFT_CHAIN_MAXNAMELEN - 1, TRUE);
  check_names (ways->opened, IFNAMSIZ - 1, FALSE);
  for (guint i = 0; i < ways->drops->len; i++)
    {
      const EwNftSourceDrop *drop = &g_array_index (ways->drops, EwNftSourceDrop, i);
      const gboolean is_v4 = drop->source.ip.family == EW_FAMILY_V4;
      g_assert_true (is_v4 || drop->source.ip.family == EW_FAMILY_V6);
      g_assert_cmpuint (drop->source.length, <=, is_v4 ? 32 : 128);
      g_assert_cmpuint (strnlen (drop->interface, IFNAMSIZ), <, IFNAMSIZ);
      if (drop->interface[0] == '\0')
        g_assert_true (ew_nft_source_drop_concerns (drop, "edgeway0", &everything[is_v4 ? 0 : 1]));
      else
        g_assert_cmpint (ew_nft_source_drop_concerns (drop, drop->interface, &everything[is_v4 ? 0 : 1]), !=,
                         drop->except);
    }
  return 0;
}
