/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table of allowed IPs against a model that looks at every prefix it was told. The input is a list of steps of
 * seven bytes: what, for whom, a length, and four bytes of an address (of an IPv6 address: the first, two in the middle
 * on both sides of the word boundary, the last), so that prefixes nest and meet.
 */
#include <assert.h>
#include <string.h>

#include "proto/allowed-ips.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define OWNERS 4
#define STEP 7
#define PREFIXES_MAX 512

/* Owners are only compared, so any pointers will do. */
static char marks[OWNERS];
static EwAllowedIp *lists[OWNERS];

static struct
{
  EwPrefix prefix;
  unsigned owner;
} model[PREFIXES_MAX];
static size_t n_model;

static EwPeer *
owner (unsigned i)
{
  return (EwPeer *)(void *)&marks[i];
}

static EwIp
address (const uint8_t *bytes, bool v6)
{
  static const unsigned places[] = { 0, 7, 8, 15 };
  EwIp ip = { .family = v6 ? EW_FAMILY_V6 : EW_FAMILY_V4 };
  for (unsigned i = 0; i < 4; i++)
    ip.bytes[v6 ? places[i] : i] = bytes[i];
  return ip;
}

/* Bit by bit, on purpose unlike the code under test. */
static bool
holds (const EwPrefix *prefix, const EwIp *ip)
{
  if (prefix->ip.family != ip->family)
    return false;
  for (unsigned bit = 0; bit < prefix->length; bit++)
    if (((prefix->ip.bytes[bit / 8] ^ ip->bytes[bit / 8]) >> (7 - bit % 8)) & 1)
      return false;
  return true;
}

static bool
is_same (const EwPrefix *a, const EwPrefix *b)
{
  return a->length == b->length && holds (a, &b->ip);
}

static void
model_remove (size_t i)
{
  model[i] = model[--n_model];
}

static void
model_add (const EwPrefix *prefix, unsigned to)
{
  for (size_t i = 0; i < n_model; i++)
    if (is_same (&model[i].prefix, prefix))
      {
        model[i].owner = to;
        return;
      }
  model[n_model].prefix = *prefix;
  model[n_model++].owner = to;
}

static EwPeer *
model_lookup (const EwIp *ip)
{
  int length = -1;
  EwPeer *best = NULL;
  for (size_t i = 0; i < n_model; i++)
    if (model[i].prefix.length > length && holds (&model[i].prefix, ip))
      {
        length = model[i].prefix.length;
        best = owner (model[i].owner);
      }
  return best;
}

static void
check_lookup (const EwAllowedIps *ips, const EwIp *ip)
{
  assert (ew_allowed_ips_lookup (ips, ip->family, ip->bytes) == model_lookup (ip));
}

static void
step (EwAllowedIps *ips, const uint8_t *bytes)
{
  bool v6 = bytes[0] & 0x80;
  unsigned who = bytes[1] % OWNERS;
  EwPrefix prefix = { .ip = address (bytes + 3, v6), .length = bytes[2] };
  bool valid = prefix.length <= (v6 ? 128 : 32);
  switch (bytes[0] & 3)
    {
    case 0:
      if (n_model == PREFIXES_MAX)
        break;
      assert (ew_allowed_ips_add (ips, &prefix, owner (who), &lists[who]) == valid);
      if (valid)
        model_add (&prefix, who);
      break;
    case 1:
      ew_allowed_ips_remove (ips, &prefix, owner (who));
      for (size_t i = 0; valid && i < n_model; i++)
        if (is_same (&model[i].prefix, &prefix) && model[i].owner == who)
          model_remove (i--);
      break;
    case 2:
      if (bytes[0] & 0x10) /* seldom: it empties much */
        {
          ew_allowed_ips_remove_list (ips, &lists[who]);
          for (size_t i = 0; i < n_model; i++)
            if (model[i].owner == who)
              model_remove (i--);
        }
      break;
    default:
      break;
    }
  check_lookup (ips, &prefix.ip);
}

/* The lists of the owners are the model's. */
static void
check_lists (void)
{
  size_t n = 0;
  for (unsigned i = 0; i < OWNERS; i++)
    for (const EwAllowedIp *entry = lists[i]; entry != NULL; entry = entry->next, n++)
      {
        bool found = false;
        assert (entry->owner == owner (i));
        for (size_t k = 0; k < n_model; k++)
          found = found || (is_same (&model[k].prefix, &entry->prefix) && model[k].owner == i);
        assert (found);
      }
  assert (n == n_model);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EwAllowedIps ips;
  n_model = 0;
  ew_allowed_ips_init (&ips, NULL);
  for (; size >= STEP; data += STEP, size -= STEP)
    step (&ips, data);
  for (size_t i = 0; i < n_model; i++)
    check_lookup (&ips, &model[i].prefix.ip);
  check_lists ();
  for (unsigned i = 0; i < OWNERS; i++)
    ew_allowed_ips_remove_list (&ips, &lists[i]);
  assert (ips.count == 0 && ips.root[0] == 0 && ips.root[1] == 0); /* no node is left that leads to no prefix */
  ew_allowed_ips_clear (&ips);
  return 0;
}
