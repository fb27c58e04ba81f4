/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an address is for: the special-purpose registries (RFC 6890) as tables. An IPv6 address that carries an IPv4 one
 * is asked about the one it carries: otherwise ::ffff:127.0.0.1 would be a way around every check.
 */
#include "proto/address.h"

#include <string.h>

typedef struct
{
  uint8_t bytes[16];
  uint8_t length;
} Range;

/* RFC 4291 section 2.5.5.2 */
static const Range mapped = { { [10] = 0xff, 0xff }, 96 };
/* RFC 6052 section 2.1: what a NAT64 translates */
static const Range nat64 = { { 0x00, 0x64, 0xff, 0x9b }, 96 };

static const Range private_v4[] = {
  { { 0 }, 8 },             /* this network, RFC 791 */
  { { 10 }, 8 },            /* RFC 1918 */
  { { 100, 64 }, 10 },      /* shared, RFC 6598 */
  { { 127 }, 8 },           /* loopback */
  { { 169, 254 }, 16 },     /* link-local, RFC 3927 */
  { { 172, 16 }, 12 },      /* RFC 1918 */
  { { 192, 0, 0 }, 24 },    /* protocol assignments, RFC 6890 */
  { { 192, 0, 2 }, 24 },    /* documentation, RFC 5737 */
  { { 192, 168 }, 16 },     /* RFC 1918 */
  { { 198, 18 }, 15 },      /* benchmarks, RFC 2544 */
  { { 198, 51, 100 }, 24 }, /* documentation, RFC 5737 */
  { { 203, 0, 113 }, 24 },  /* documentation, RFC 5737 */
  { { 240 }, 4 },           /* reserved, RFC 1112; broadcast */
};
static const Range global_v4[] = {
  { { 192, 0, 0, 9 }, 32 },  /* anycast of RFC 7723 */
  { { 192, 0, 0, 10 }, 32 }, /* anycast of RFC 8155 */
};

static const Range private_v6[] = {
  { { 0 }, 127 },                                 /* unspecified and loopback */
  { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 }, /* local translation, RFC 8215 */
  { { 0x01 }, 64 },                               /* discard only, RFC 6666 */
  { { 0x20, 0x01 }, 23 },                         /* protocol assignments, RFC 2928 */
  { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },             /* documentation, RFC 3849 */
  { { 0x3f, 0xff }, 20 },                         /* documentation, RFC 9637 */
  { { 0x5f }, 16 },                               /* segment routing, RFC 9602 */
  { { 0xfc }, 7 },                                /* unique local, RFC 4193 */
  { { 0xfe, 0x80 }, 10 },                         /* link-local */
  { { 0xfe, 0xc0 }, 10 },                         /* site-local, RFC 3879 */
};
static const Range global_v6[] = {
  { { 0x20, 0x01, 0x00, 0x01, [15] = 1 }, 128 },  /* anycast of RFC 7723 */
  { { 0x20, 0x01, 0x00, 0x01, [15] = 2 }, 128 },  /* anycast of RFC 8155 */
  { { 0x20, 0x01, 0x00, 0x03 }, 32 },             /* AMT, RFC 7450 */
  { { 0x20, 0x01, 0x00, 0x04, 0x01, 0x12 }, 48 }, /* AS112, RFC 7535 */
  { { 0x20, 0x01, 0x00, 0x20 }, 28 },             /* ORCHIDv2, RFC 7343 */
};

/* The networks that are their owner's to number. */
static const Range own_v4[] = {
  { { 10 }, 8 },        /* RFC 1918 */
  { { 172, 16 }, 12 },  /* RFC 1918 */
  { { 192, 168 }, 16 }, /* RFC 1918 */
  { { 100, 64 }, 10 },  /* shared, RFC 6598 */
};
static const Range own_v6[] = {
  { { 0xfc }, 7 }, /* unique local, RFC 4193 */
};

static bool
in_range (const EwIp *ip, const Range *range)
{
  EwPrefix prefix = { .ip = ew_ip_from_bytes (ip->family, range->bytes), .length = range->length };
  return ew_prefix_contains (&prefix, ip);
}

static bool
in_any (const EwIp *ip, const Range *ranges, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (in_range (ip, &ranges[i]))
      return true;
  return false;
}
#define IN_ANY(ip, ranges) in_any ((ip), (ranges), sizeof (ranges) / sizeof (ranges)[0])

static EwIp
unmapped (const EwIp *ip)
{
  return ip->family == EW_FAMILY_V6 && in_range (ip, &mapped) ? ew_ip_from_bytes (EW_FAMILY_V4, ip->bytes + 12) : *ip;
}

bool
ew_ip_is_loopback (const EwIp *address)
{
  static const Range v4 = { { 127 }, 8 }, v6 = { { [15] = 1 }, 128 };
  EwIp ip = unmapped (address);
  return in_range (&ip, ip.family == EW_FAMILY_V4 ? &v4 : &v6);
}

bool
ew_ip_is_link_local (const EwIp *address)
{
  static const Range v4 = { { 169, 254 }, 16 }, v6 = { { 0xfe, 0x80 }, 10 };
  EwIp ip = unmapped (address);
  return in_range (&ip, ip.family == EW_FAMILY_V4 ? &v4 : &v6);
}

bool
ew_ip_is_multicast (const EwIp *address)
{
  static const Range v4[] = { { { 224 }, 4 }, { { 255, 255, 255, 255 }, 32 } };
  static const Range v6[] = { { { 0xff }, 8 } };
  EwIp ip = unmapped (address);
  return ip.family == EW_FAMILY_V4 ? IN_ANY (&ip, v4) : IN_ANY (&ip, v6);
}

bool
ew_ip_is_unspecified (const EwIp *address)
{
  static const Range v4 = { { 0 }, 32 }, v6 = { { 0 }, 128 };
  EwIp ip = unmapped (address);
  return in_range (&ip, ip.family == EW_FAMILY_V4 ? &v4 : &v6);
}

bool
ew_ip_is_private (const EwIp *address)
{
  EwIp ip = unmapped (address);
  if (ip.family == EW_FAMILY_V6 && in_range (&ip, &nat64))
    ip = ew_ip_from_bytes (EW_FAMILY_V4, ip.bytes + 12);
  if (ip.family == EW_FAMILY_V4)
    return IN_ANY (&ip, private_v4) && !IN_ANY (&ip, global_v4);
  return IN_ANY (&ip, private_v6) && !IN_ANY (&ip, global_v6);
}

static bool
wholly_in_any (const EwPrefix *prefix, const Range *ranges, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (prefix->length >= ranges[i].length && in_range (&prefix->ip, &ranges[i]))
      return true;
  return false;
}

bool
ew_prefix_is_private (const EwPrefix *prefix)
{
  if (prefix->ip.family == EW_FAMILY_V4)
    return wholly_in_any (prefix, own_v4, sizeof own_v4 / sizeof own_v4[0]);
  return prefix->ip.family == EW_FAMILY_V6 && wholly_in_any (prefix, own_v6, sizeof own_v6 / sizeof own_v6[0]);
}

const char *
ew_prefix_never (const EwPrefix *prefix)
{
  static const struct
  {
    EwPrefix range;
    const char *why;
  } never[] = {
    { { { EW_FAMILY_V4, { 127 } }, 8 }, "it is loopback" },
    { { { EW_FAMILY_V6, { [15] = 1 } }, 128 }, "it is loopback" },
    { { { EW_FAMILY_V4, { 169, 254 } }, 16 }, "it is link-local" },
    { { { EW_FAMILY_V6, { 0xfe, 0x80 } }, 10 }, "it is link-local" },
    { { { EW_FAMILY_V4, { 224 } }, 4 }, "it is multicast" },
    { { { EW_FAMILY_V4, { 255, 255, 255, 255 } }, 32 }, "it is multicast" },
    { { { EW_FAMILY_V6, { 0xff } }, 8 }, "it is multicast" },
    { { { EW_FAMILY_V4, { 0 } }, 8 }, "it isn't an address of a host" },
    { { { EW_FAMILY_V6, { 0 } }, 8 }, "it isn't an address of a host" },
  };
  if (prefix->length < (prefix->ip.family == EW_FAMILY_V4 ? 8 : 16))
    return "it is shorter than /8 (IPv6: /16)";
  for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
    if (ew_prefix_overlaps (&never[i].range, prefix))
      return never[i].why;
  return NULL;
}
