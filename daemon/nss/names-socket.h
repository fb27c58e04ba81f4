/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a program's resolver asks edgewayd for the mesh's names: libnss_edgeway, which every program that looks up a name
 * loads, on one side and daemon/names/answer.c on the other. libc only: both link this file.
 *
 *   /run/edgeway/names.conf   what may be asked, for everybody to read: a program asks for nothing else, so that a name
 *                             outside the mesh never waits for edgewayd
 *   /run/edgeway/names        SOCK_SEQPACKET; one packet asks, one or two answer, then the connection is closed
 *
 * names.conf, replaced by rename, in lines that end with '\n'; unknown words are skipped:
 *
 *   suffix home.internal
 *   domain corp.example      of a gateway, accepted on this computer: its names are asked for in full only
 *   range 100.96.0.0/12
 *   range fd45:6467:…::/64
 *
 * Bytes of a packet:
 *
 *   question  0 version, 1 kind, 2 family, 3 zero, 4… a name (no dot at its end), or an address of 4 or 16 bytes
 *   answer    0 version, 1 status, 2 number of addresses, 3 length of the name, 4…7 TTL in seconds, big-endian,
 *             8… the name, then each address as 1 byte family and 16 bytes (the last 12 of an IPv4 address are zero)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EW_NAMES_VERSION 1
#define EW_NAMES_FOLDER "/run/edgeway"
#define EW_NAMES_SOCKET "names"
#define EW_NAMES_CONF "names.conf"
#define EW_NAMES_CONF_MAX 4096    /* bytes of the file that are read */
#define EW_NAMES_DOMAINS_MAX 2048 /* bytes of all domains, with a NUL after each */
#define EW_NAMES_RANGES 16
#define EW_NAMES_NAME_MAX 253 /* characters of a name, without the dot at its end (RFC 1035 section 2.3.4) */
#define EW_NAMES_ADDRESSES 16
#define EW_NAMES_QUESTION_MAX (4 + EW_NAMES_NAME_MAX)
#define EW_NAMES_REPLY_MAX (8 + EW_NAMES_NAME_MAX + 17 * EW_NAMES_ADDRESSES)
/* A program waits so long for edgewayd's first packet: one that is hung costs no more. If the path to the edge is
   slow, that packet says so, and the answer has until the second one, counted from the beginning too. */
#define EW_NAMES_DEADLINE_MS 100
#define EW_NAMES_PATIENCE_MS 1500

typedef enum
{
  EW_NAMES_ADDRESS_OF = 1, /* the addresses of a name */
  EW_NAMES_NAME_OF = 2     /* the name of an address */
} EwNamesKind;

typedef enum
{
  EW_NAMES_FOUND = 0,
  EW_NAMES_NOT_FOUND = 1, /* there is no such name */
  EW_NAMES_NO_DATA = 2,   /* … it has no address of that family */
  EW_NAMES_TRY_AGAIN = 3, /* the tunnel is down, or the edge didn't answer */
  EW_NAMES_NOT_OURS = 4,  /* edgewayd answers for no such name */
  EW_NAMES_WORKING = 5    /* edgewayd is well and asks the edge; its answer follows in another packet */
} EwNamesStatus;

typedef struct
{
  uint8_t family; /* 4 or 6; in a question 0 for both */
  uint8_t bytes[16];
} EwNamesAddress;

typedef struct
{
  uint8_t kind;
  EwNamesAddress address; /* ADDRESS_OF: its family alone */
  char name[EW_NAMES_NAME_MAX + 1];
} EwNamesQuestion;

typedef struct
{
  uint8_t status;
  uint8_t n_addresses;
  uint32_t ttl;
  char name[EW_NAMES_NAME_MAX + 1];
  EwNamesAddress addresses[EW_NAMES_ADDRESSES];
} EwNamesReply;

typedef struct
{
  char suffix[EW_NAMES_NAME_MAX + 1];
  char domains[EW_NAMES_DOMAINS_MAX]; /* one after the other */
  size_t domains_size;
  struct
  {
    EwNamesAddress address;
    uint8_t length;
  } ranges[EW_NAMES_RANGES];
  unsigned n_ranges;
} EwNamesConf;

/* Bytes into values and back. A parser accepts only what the writer produces; false: it isn't valid. A writer returns
   the size; out has room for the MAX of its kind. */
bool ew_names_question_parse (const uint8_t *data, size_t length, EwNamesQuestion *out);
size_t ew_names_question_write (const EwNamesQuestion *question, uint8_t *out);
bool ew_names_reply_parse (const uint8_t *data, size_t length, EwNamesReply *out);
size_t ew_names_reply_write (const EwNamesReply *answer, uint8_t *out);
/* False: no suffix in it. */
bool ew_names_conf_parse (const char *text, size_t length, EwNamesConf *out);
bool ew_names_conf_holds (const EwNamesConf *conf, const EwNamesAddress *address);
/* name is below the suffix, or a domain or below one. */
bool ew_names_conf_covers (const EwNamesConf *conf, const char *name);

/* A host name: 1…253 characters in labels of 1…63 letters, digits, '-' and '_', no dot at its end. */
bool ew_names_is_name (const char *name, size_t length);
/* name is below suffix, on a label's boundary; ASCII case does not matter. */
bool ew_names_is_below (const char *name, const char *suffix);
