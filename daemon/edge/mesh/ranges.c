/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/mesh/ranges.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#define SERVICES 65536    /* the last /16 */
#define SERVICES_ALONE 14 /* up to this length of the range, nodes have other addresses enough */

static gboolean
check_ipv4 (const EwPrefix *prefix, GError **error)
{
  if (prefix->length < 8 || prefix->length > 23)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "The mesh's IPv4 range is /%u. It must be between /8 and /23, as its first /24 is for the edges.",
                    prefix->length);
      return FALSE;
    }
  if (!ew_prefix_is_private (prefix))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "The mesh's whole IPv4 range must be private (a part of RFC 1918 or 100.64.0.0/10). Use %s or a "
                    "part of 10.0.0.0/8.",
                    EW_RANGES_DEFAULT_IPV4);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_ipv6 (const EwPrefix *prefix, GError **error)
{
  if (prefix->length == 48 && ew_prefix_is_private (prefix))
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                "The mesh's IPv6 range must be a unique local /48 (RFC 4193), such as fd12:3456:789a::/48.");
  return FALSE;
}

static gboolean
parse (const gchar *text, EwFamily family, EwPrefix *out, GError **error)
{
  bool host_bits = false;
  if (ew_prefix_parse (text, out, &host_bits) && !host_bits && out->ip.family == family)
    return TRUE;
  g_autofree gchar *shown = g_strndup (text, 64);
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                "\"%s\" isn't an %s range. Write it as ADDRESS/LENGTH without host bits.", shown,
                family == EW_FAMILY_V4 ? "IPv4" : "IPv6");
  return FALSE;
}

/* RFC 4193 section 3.2: fd, then 40 random bits. */
static EwPrefix
random_ula (void)
{
  EwPrefix prefix = { .ip = { .family = EW_FAMILY_V6 }, .length = 48 };
  prefix.ip.bytes[0] = 0xfd;
  ew_random (prefix.ip.bytes + 1, 5);
  return prefix;
}

gboolean
ew_mesh_ranges_make (const gchar *ipv4, const gchar *ipv6, EwRanges *out, GError **error)
{
  EwRanges ranges;
  if (!parse (ipv4 ? ipv4 : EW_RANGES_DEFAULT_IPV4, EW_FAMILY_V4, &ranges.v4, error) || !check_ipv4 (&ranges.v4, error))
    return FALSE;
  if (ipv6 == NULL)
    ranges.v6 = random_ula ();
  else if (!parse (ipv6, EW_FAMILY_V6, &ranges.v6, error) || !check_ipv6 (&ranges.v6, error))
    return FALSE;
  *out = ranges;
  return TRUE;
}

static void
place (const EwRanges *ranges, guint32 offset, EwIp out[2])
{
  guint32 base;
  memcpy (&base, ranges->v4.ip.bytes, sizeof base);
  out[0] = ew_ip_from_v4 (GUINT32_FROM_BE (base) + offset);
  out[1] = ranges->v6.ip;
  out[1].bytes[6] = (guint8)(offset >> 16);
  out[1].bytes[7] = (guint8)(offset >> 8);
  out[1].bytes[15] = (guint8)offset;
}

void
ew_mesh_ranges_service (const EwRanges *ranges, EwIp out[2])
{
  place (ranges, 1, out);
}

guint32
ew_mesh_ranges_count (const EwRanges *ranges)
{
  return (guint32)1 << (32 - ranges->v4.length);
}

static guint32
first_service (const EwRanges *ranges)
{
  return ew_mesh_ranges_count (ranges) - ew_mesh_ranges_count_services (ranges);
}

static gboolean
looks_like_network (guint32 offset)
{
  return (offset & 0xff) == 0 || (offset & 0xff) == 0xff;
}

gboolean
ew_mesh_ranges_at (const EwRanges *ranges, guint32 offset, EwIp out[2])
{
  guint32 end = ranges->v4.length <= SERVICES_ALONE ? first_service (ranges) : ew_mesh_ranges_count (ranges);
  if (offset < EW_RANGES_FIRST_OFFSET || offset >= end || looks_like_network (offset))
    return FALSE;
  place (ranges, offset, out);
  return TRUE;
}

guint32
ew_mesh_ranges_count_services (const EwRanges *ranges)
{
  return MIN (ew_mesh_ranges_count (ranges), SERVICES);
}

gboolean
ew_mesh_ranges_service_at (const EwRanges *ranges, guint32 number, EwIp out[2])
{
  guint32 count = ew_mesh_ranges_count (ranges);
  guint32 offset = ranges->v4.length <= SERVICES_ALONE ? first_service (ranges) + number : count - 1 - number;
  if (number >= ew_mesh_ranges_count_services (ranges) || offset < EW_RANGES_FIRST_OFFSET
      || looks_like_network (offset))
    return FALSE;
  place (ranges, offset, out);
  out[1] = ranges->v6.ip;
  out[1].bytes[6] = out[1].bytes[7] = 0xff;
  out[1].bytes[14] = (guint8)(offset >> 8);
  out[1].bytes[15] = (guint8)offset;
  return TRUE;
}

gboolean
ew_mesh_ranges_is_reserved (const EwRanges *ranges, const EwIp *ip)
{
  guint32 base, address;
  if (ip->family == EW_FAMILY_V6) /* the edges' /64 */
    return ip->bytes[6] == 0 && ip->bytes[7] == 0;
  memcpy (&base, ranges->v4.ip.bytes, sizeof base);
  memcpy (&address, ip->bytes, sizeof address);
  guint32 offset = GUINT32_FROM_BE (address) - GUINT32_FROM_BE (base);
  return offset < EW_RANGES_FIRST_OFFSET || looks_like_network (offset);
}
