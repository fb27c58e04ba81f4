/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Addresses as the tunnel sees them: an IP, a prefix, and the endpoint that a datagram came from or goes to.
 *
 * All three are plain values: copied, compared and stored without allocation. Text is parsed here and nowhere else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EW_IP_STRLEN 46     /* the longest IPv6 text and its NUL */
#define EW_PREFIX_STRLEN 50 /* … and "/128" */
#define EW_ENDPOINT_STRLEN 64

typedef enum
{
  EW_FAMILY_NONE = 0,
  EW_FAMILY_V4 = 4,
  EW_FAMILY_V6 = 6
} EwFamily;

typedef struct
{
  uint8_t family;    /* EwFamily */
  uint8_t bytes[16]; /* network order; an IPv4 address fills the first four, the rest is zero */
} EwIp;

typedef struct
{
  EwIp ip;        /* host bits are zero */
  uint8_t length; /* 0…32 or 0…128 */
} EwPrefix;

/* How a datagram reaches the other side. Never a bare sockaddr: streams (the https transport) are peers too. */
typedef enum
{
  EW_ENDPOINT_NONE = 0,
  EW_ENDPOINT_UDP,
  EW_ENDPOINT_STREAM,
  EW_ENDPOINT_MEMORY /* the in-memory twin used by simulations */
} EwEndpointKind;

typedef struct
{
  EwEndpointKind kind;
  EwIp remote;          /* UDP: where to; STREAM: the TCP peer's address, for cookies */
  uint16_t remote_port; /* host order */
  EwIp
    local; /* UDP: the address it was reached at, EW_FAMILY_NONE to let the kernel choose (IP_PKTINFO); STREAM: this computer's */
  uint32_t scope; /* UDP: interface index of a link-local remote, else 0 */
  uint64_t id;    /* STREAM, MEMORY: which one */
} EwEndpoint;

/* Parses an IPv4 or IPv6 address without brackets, port, zone or spaces. Returns false and leaves *out alone otherwise.
 */
bool ew_ip_parse (const char *text, EwIp *out);
void ew_ip_format (const EwIp *ip, char out[EW_IP_STRLEN]);
EwIp ew_ip_from_v4 (uint32_t host_order);
/* Every packet is compared and copied by these, so they are inline and of fixed sizes. */
static inline bool
ew_ip_equal (const EwIp *a, const EwIp *b)
{
  uint64_t x[2], y[2];
  memcpy (x, a->bytes, sizeof x);
  memcpy (y, b->bytes, sizeof y);
  return a->family == b->family && ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}
/* bytes: 4 or 16 as family says. */
static inline EwIp
ew_ip_from_bytes (EwFamily family, const uint8_t *bytes)
{
  EwIp ip = { .family = (uint8_t)family };
  if (family == EW_FAMILY_V4)
    memcpy (ip.bytes, bytes, 4);
  else if (family == EW_FAMILY_V6)
    memcpy (ip.bytes, bytes, 16);
  return ip;
}
/* 4 or 16, 0 for NONE. */
static inline size_t
ew_ip_size (const EwIp *ip)
{
  return ip->family == EW_FAMILY_V4 ? 4 : ip->family == EW_FAMILY_V6 ? 16 : 0;
}
/* What an address is for. An IPv4-mapped IPv6 address counts as the IPv4 address that it carries. */
bool ew_ip_is_loopback (const EwIp *ip);
bool ew_ip_is_link_local (const EwIp *ip);
bool ew_ip_is_multicast (const EwIp *ip); /* IPv4 broadcast counts as multicast */
bool ew_ip_is_unspecified (const EwIp *ip);
/* RFC 1918, RFC 6598 (100.64/10), RFC 4193 (fc00::/7), and the ranges of RFC 6890 that are never global (loopback,
   link-local and the ranges for documentation among them). A NAT64 address (64:ff9b::/96) counts as the IPv4 address
   behind it. */
bool ew_ip_is_private (const EwIp *ip);
/* Whether every address of the prefix belongs to a network of one's own: the prefix lies wholly inside one of 10/8,
   172.16/12, 192.168/16, 100.64/10 or fc00::/7. A mesh's ranges are. Unlike ew_ip_is_private() it counts no range for
   documentation, benchmarks or protocols, and no address that carries another one. */
bool ew_prefix_is_private (const EwPrefix *prefix);
/* NULL or why no node takes this route or range, whatever its networks look like: too short, or some of it is loopback,
   link-local, multicast or no address of a host. */
const char *ew_prefix_never (const EwPrefix *prefix);

/* Parses "IP/LEN"; a bare IP is a host prefix. *host_bits tells whether host bits were set (they are cleared); may be
 * NULL. */
bool ew_prefix_parse (const char *text, EwPrefix *out, bool *host_bits);
void ew_prefix_format (const EwPrefix *prefix, char out[EW_PREFIX_STRLEN]);
bool ew_prefix_equal (const EwPrefix *a, const EwPrefix *b);
bool ew_prefix_contains (const EwPrefix *prefix, const EwIp *ip);
/* One contains the other, or they are equal. */
bool ew_prefix_overlaps (const EwPrefix *a, const EwPrefix *b);
EwPrefix ew_prefix_from_ip (const EwIp *ip); /* /32 or /128 */

/* "IP:PORT" or "[IP6]:PORT" of a UDP endpoint; numbers only, port 1…65535; a link-local one may name its interface
 * index, "[fe80::1%3]:PORT". */
bool ew_endpoint_parse (const char *text, EwEndpoint *out);
void ew_endpoint_format (const EwEndpoint *endpoint, char out[EW_ENDPOINT_STRLEN]);
/* Same remote side; the local address is not compared. */
static inline bool
ew_endpoint_same_remote (const EwEndpoint *a, const EwEndpoint *b)
{
  if (a->kind != b->kind)
    return false;
  if (a->kind == EW_ENDPOINT_UDP)
    return a->remote_port == b->remote_port && a->scope == b->scope && ew_ip_equal (&a->remote, &b->remote);
  return a->kind == EW_ENDPOINT_NONE || a->id == b->id;
}
/* … and neither are the ports. */
static inline bool
ew_endpoint_same_host (const EwEndpoint *a, const EwEndpoint *b)
{
  return a->kind == EW_ENDPOINT_UDP
           ? b->kind == EW_ENDPOINT_UDP && a->scope == b->scope && ew_ip_equal (&a->remote, &b->remote)
           : ew_endpoint_same_remote (a, b);
}
EwEndpoint ew_endpoint_udp (const EwIp *remote, uint16_t port);
