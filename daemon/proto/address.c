/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V6_BITS 128
#define V4_BITS 32

EwIp
ew_ip_from_v4 (uint32_t host_order)
{
  EwIp ip = { .family = EW_FAMILY_V4 };
  for (unsigned i = 0; i < 4; i++)
    ip.bytes[i] = (uint8_t)(host_order >> (24 - 8 * i));
  return ip;
}

bool
ew_ip_parse (const char *text, EwIp *out)
{
  EwIp ip = { .family = EW_FAMILY_NONE };
  if (text == NULL)
    return false;
  if (inet_pton (AF_INET, text, ip.bytes) == 1)
    ip.family = EW_FAMILY_V4;
  else if (inet_pton (AF_INET6, text, ip.bytes) == 1)
    ip.family = EW_FAMILY_V6;
  else
    return false;
  *out = ip;
  return true;
}

void
ew_ip_format (const EwIp *ip, char out[EW_IP_STRLEN])
{
  if (ip->family == EW_FAMILY_NONE
      || inet_ntop (ip->family == EW_FAMILY_V4 ? AF_INET : AF_INET6, ip->bytes, out, EW_IP_STRLEN) == NULL)
    snprintf (out, EW_IP_STRLEN, "(none)");
}

/* Prefixes. */

static bool
same_bits (const uint8_t *a, const uint8_t *b, unsigned bits)
{
  unsigned whole = bits / 8, rest = bits % 8;
  return memcmp (a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

/* Clears what comes after the first bits; true if something was set there. */
static bool
clear_host_bits (EwIp *ip, unsigned bits)
{
  bool any = false;
  for (unsigned i = 0; i < ew_ip_size (ip); i++)
    {
      unsigned kept = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
      uint8_t mask = (uint8_t)(0xff00 >> kept);
      any = any || (ip->bytes[i] & ~mask) != 0;
      ip->bytes[i] &= mask;
    }
  return any;
}

/* A decimal number without sign, spaces or leading zeros, at most max (< 100,000). -1: it isn't one. */
static long
parse_number (const char *text, long max)
{
  long value = 0;
  size_t digits = strspn (text, "0123456789");
  if (digits == 0 || digits > 5 || text[digits] != '\0' || (digits > 1 && text[0] == '0'))
    return -1;
  for (; *text != '\0'; text++)
    value = value * 10 + (*text - '0');
  return value <= max ? value : -1;
}

bool
ew_prefix_parse (const char *text, EwPrefix *out, bool *host_bits)
{
  char ip_text[EW_IP_STRLEN];
  EwPrefix prefix = { .length = 0 };
  const char *slash = text != NULL ? strchr (text, '/') : NULL;
  size_t size = text == NULL ? 0 : slash != NULL ? (size_t)(slash - text) : strnlen (text, sizeof ip_text);
  if (size == 0 || size >= sizeof ip_text)
    return false;
  memcpy (ip_text, text, size);
  ip_text[size] = '\0';
  if (!ew_ip_parse (ip_text, &prefix.ip))
    return false;
  long bits = (long)ew_ip_size (&prefix.ip) * 8;
  long length = slash != NULL ? parse_number (slash + 1, bits) : bits;
  if (length < 0)
    return false;
  prefix.length = (uint8_t)length;
  bool any = clear_host_bits (&prefix.ip, prefix.length);
  if (host_bits != NULL)
    *host_bits = any;
  *out = prefix;
  return true;
}

void
ew_prefix_format (const EwPrefix *prefix, char out[EW_PREFIX_STRLEN])
{
  char ip[EW_IP_STRLEN];
  ew_ip_format (&prefix->ip, ip);
  snprintf (out, EW_PREFIX_STRLEN, "%s/%u", ip, prefix->length);
}

bool
ew_prefix_equal (const EwPrefix *a, const EwPrefix *b)
{
  return a->length == b->length && ew_ip_equal (&a->ip, &b->ip);
}

bool
ew_prefix_contains (const EwPrefix *prefix, const EwIp *ip)
{
  return ip->family != EW_FAMILY_NONE && prefix->ip.family == ip->family
         && same_bits (prefix->ip.bytes, ip->bytes, prefix->length);
}

bool
ew_prefix_overlaps (const EwPrefix *a, const EwPrefix *b)
{
  return a->length <= b->length ? ew_prefix_contains (a, &b->ip) : ew_prefix_contains (b, &a->ip);
}

EwPrefix
ew_prefix_from_ip (const EwIp *ip)
{
  return (EwPrefix){ .ip = *ip, .length = (uint8_t)(ew_ip_size (ip) * 8) };
}

/* Endpoints. */

EwEndpoint
ew_endpoint_udp (const EwIp *remote, uint16_t port)
{
  return (EwEndpoint){ .kind = EW_ENDPOINT_UDP, .remote = *remote, .remote_port = port };
}

/* "FE80::1%3" → its address and 3; without "%" the scope is 0. */
static bool
parse_scoped (char *text, EwEndpoint *endpoint)
{
  char *percent = strchr (text, '%');
  if (percent != NULL)
    *percent = '\0';
  if (!ew_ip_parse (text, &endpoint->remote) || endpoint->remote.family != EW_FAMILY_V6)
    return false;
  if (percent == NULL)
    return true;
  long scope = parse_number (percent + 1, 99999);
  endpoint->scope = scope > 0 ? (uint32_t)scope : 0;
  return scope > 0 && ew_ip_is_link_local (&endpoint->remote);
}

bool
ew_endpoint_parse (const char *text, EwEndpoint *out)
{
  char host[EW_ENDPOINT_STRLEN];
  EwEndpoint endpoint = { .kind = EW_ENDPOINT_UDP };
  bool bracketed = text != NULL && text[0] == '[';
  const char *from = bracketed ? text + 1 : text;
  const char *to = text != NULL ? strchr (from, bracketed ? ']' : ':') : NULL;
  if (to == NULL || (size_t)(to - from) >= sizeof host || (bracketed && to[1] != ':'))
    return false;
  memcpy (host, from, (size_t)(to - from));
  host[to - from] = '\0';
  long port = parse_number (to + (bracketed ? 2 : 1), UINT16_MAX);
  if (port < 1)
    return false;
  if (bracketed ? !parse_scoped (host, &endpoint) : !ew_ip_parse (host, &endpoint.remote))
    return false;
  endpoint.remote_port = (uint16_t)port;
  *out = endpoint;
  return true;
}

void
ew_endpoint_format (const EwEndpoint *endpoint, char out[EW_ENDPOINT_STRLEN])
{
  char ip[EW_IP_STRLEN], scope[12] = "";
  ew_ip_format (&endpoint->remote, ip);
  if (endpoint->scope != 0)
    snprintf (scope, sizeof scope, "%%%u", endpoint->scope);
  if (endpoint->kind == EW_ENDPOINT_NONE)
    snprintf (out, EW_ENDPOINT_STRLEN, "(none)");
  else if (endpoint->kind == EW_ENDPOINT_MEMORY)
    snprintf (out, EW_ENDPOINT_STRLEN, "memory:%llu", (unsigned long long)endpoint->id);
  else if (endpoint->remote.family == EW_FAMILY_V6)
    snprintf (out, EW_ENDPOINT_STRLEN, "[%s%s]:%u", ip, scope, endpoint->remote_port);
  else
    snprintf (out, EW_ENDPOINT_STRLEN, "%s:%u", ip, endpoint->remote_port);
}
