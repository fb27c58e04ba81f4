/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nss/names-socket.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63
#define ADDRESS_SIZE 17 /* family and bytes */

static size_t
address_size (uint8_t family)
{
  return family == 4 ? 4 : family == 6 ? 16 : 0;
}

/* Not those of <ctype.h>: a program's locale must not decide what a name is. */
static bool
is_name_character (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static char
lower (char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
ew_names_is_name (const char *name, size_t length)
{
  size_t label = 0;

  if (length == 0 || length > EW_NAMES_NAME_MAX)
    return false;
  for (size_t i = 0; i < length; i++)
    {
      if (name[i] == '.' ? label == 0 : !is_name_character (name[i]))
        return false;
      label = name[i] == '.' ? 0 : label + 1;
      if (label > LABEL_MAX)
        return false;
    }
  return label > 0;
}

bool
ew_names_is_below (const char *name, const char *suffix)
{
  size_t length = strlen (name), tail = strlen (suffix);

  if (tail == 0 || length < tail + 2 || name[length - tail - 1] != '.')
    return false;
  for (size_t i = 0; i < tail; i++)
    if (lower (name[length - tail + i]) != lower (suffix[i]))
      return false;
  return true;
}

bool
ew_names_question_parse (const uint8_t *data, size_t length, EwNamesQuestion *out)
{
  memset (out, 0, sizeof *out);
  if (length < 5 || length > EW_NAMES_QUESTION_MAX || data[0] != EW_NAMES_VERSION || data[3] != 0)
    return false;
  out->kind = data[1];
  out->address.family = data[2];
  if (out->kind == EW_NAMES_NAME_OF)
    {
      size_t size = address_size (data[2]);
      if (size == 0 || length != 4 + size)
        return false;
      memcpy (out->address.bytes, data + 4, size);
      return true;
    }
  if (out->kind != EW_NAMES_ADDRESS_OF || (data[2] != 0 && address_size (data[2]) == 0)
      || !ew_names_is_name ((const char *)data + 4, length - 4))
    return false;
  memcpy (out->name, data + 4, length - 4);
  return true;
}

size_t
ew_names_question_write (const EwNamesQuestion *question, uint8_t *out)
{
  size_t size = question->kind == EW_NAMES_NAME_OF ? address_size (question->address.family) : strlen (question->name);

  out[0] = EW_NAMES_VERSION;
  out[1] = question->kind;
  out[2] = question->address.family;
  out[3] = 0;
  memcpy (out + 4, question->kind == EW_NAMES_NAME_OF ? (const void *)question->address.bytes : question->name, size);
  return 4 + size;
}

static bool
parse_address (const uint8_t *data, EwNamesAddress *out)
{
  size_t size = address_size (data[0]);

  out->family = data[0];
  memcpy (out->bytes, data + 1, sizeof out->bytes);
  for (size_t i = size; i < sizeof out->bytes; i++)
    if (out->bytes[i] != 0)
      return false;
  return size > 0;
}

bool
ew_names_reply_parse (const uint8_t *data, size_t length, EwNamesReply *out)
{
  memset (out, 0, sizeof *out);
  if (length < 8 || data[0] != EW_NAMES_VERSION || data[1] > EW_NAMES_WORKING || data[2] > EW_NAMES_ADDRESSES
      || data[3] > EW_NAMES_NAME_MAX || length != 8u + data[3] + (size_t)ADDRESS_SIZE * data[2])
    return false;
  out->status = data[1];
  out->n_addresses = data[2];
  out->ttl = (uint32_t)data[4] << 24 | (uint32_t)data[5] << 16 | (uint32_t)data[6] << 8 | data[7];
  if (data[3] > 0 && !ew_names_is_name ((const char *)data + 8, data[3]))
    return false;
  memcpy (out->name, data + 8, data[3]);
  for (unsigned i = 0; i < out->n_addresses; i++)
    if (!parse_address (data + 8 + data[3] + ADDRESS_SIZE * i, &out->addresses[i]))
      return false;
  return true;
}

size_t
ew_names_reply_write (const EwNamesReply *answer, uint8_t *out)
{
  size_t name = strlen (answer->name);

  out[0] = EW_NAMES_VERSION;
  out[1] = answer->status;
  out[2] = answer->n_addresses;
  out[3] = (uint8_t)name;
  for (unsigned i = 0; i < 4; i++)
    out[4 + i] = (uint8_t)(answer->ttl >> (24 - 8 * i));
  memcpy (out + 8, answer->name, name);
  for (unsigned i = 0; i < answer->n_addresses; i++)
    {
      uint8_t *to = out + 8 + name + ADDRESS_SIZE * i;
      to[0] = answer->addresses[i].family;
      memcpy (to + 1, answer->addresses[i].bytes, ADDRESS_SIZE - 1);
    }
  return 8 + name + (size_t)ADDRESS_SIZE * answer->n_addresses;
}

/* "ADDRESS/LENGTH". */
static bool
parse_range (const char *text, EwNamesConf *conf)
{
  char address[INET6_ADDRSTRLEN];
  const char *slash = strchr (text, '/');
  unsigned length = 0;
  EwNamesAddress *to = &conf->ranges[conf->n_ranges].address;

  if (conf->n_ranges == EW_NAMES_RANGES || slash == NULL || (size_t)(slash - text) >= sizeof address || slash[1] == 0)
    return false;
  memcpy (address, text, (size_t)(slash - text));
  address[slash - text] = '\0';
  for (const char *c = slash + 1; *c != '\0'; c++)
    {
      if (*c < '0' || *c > '9' || c - slash > 3)
        return false;
      length = length * 10 + (unsigned)(*c - '0');
    }
  memset (to, 0, sizeof *to);
  to->family = strchr (address, ':') != NULL ? 6 : 4;
  if (length > 8 * address_size (to->family)
      || inet_pton (to->family == 6 ? AF_INET6 : AF_INET, address, to->bytes) != 1)
    return false;
  conf->ranges[conf->n_ranges++].length = (uint8_t)length;
  return true;
}

static void
add_domain (const char *name, EwNamesConf *conf)
{
  const size_t size = strlen (name) + 1;

  if (!ew_names_is_name (name, size - 1) || size > sizeof conf->domains - conf->domains_size)
    return;
  memcpy (conf->domains + conf->domains_size, name, size);
  conf->domains_size += size;
}

bool
ew_names_conf_parse (const char *text, size_t length, EwNamesConf *out)
{
  memset (out, 0, sizeof *out);
  while (length > 0)
    {
      const char *end = memchr (text, '\n', length);
      size_t used = end != NULL ? (size_t)(end - text) + 1 : length;
      char line[sizeof "suffix " + EW_NAMES_NAME_MAX];

      if (end != NULL && used <= sizeof line && memchr (text, '\0', used) == NULL)
        {
          memcpy (line, text, used - 1);
          line[used - 1] = '\0';
          if (strncmp (line, "suffix ", 7) == 0 && ew_names_is_name (line + 7, strlen (line + 7)))
            memcpy (out->suffix, line + 7, strlen (line + 7) + 1);
          else if (strncmp (line, "domain ", 7) == 0)
            add_domain (line + 7, out);
          else if (strncmp (line, "range ", 6) == 0)
            (void)!parse_range (line + 6, out);
        }
      text += used;
      length -= used;
    }
  return out->suffix[0] != '\0';
}

bool
ew_names_conf_holds (const EwNamesConf *conf, const EwNamesAddress *address)
{
  for (unsigned i = 0; i < conf->n_ranges; i++)
    {
      const EwNamesAddress *range = &conf->ranges[i].address;
      unsigned whole = conf->ranges[i].length / 8, rest = conf->ranges[i].length % 8;
      uint8_t mask = (uint8_t)(0xff00u >> rest);

      if (range->family == address->family && memcmp (range->bytes, address->bytes, whole) == 0
          && (rest == 0 || ((range->bytes[whole] ^ address->bytes[whole]) & mask) == 0))
        return true;
    }
  return false;
}

bool
ew_names_conf_covers (const EwNamesConf *conf, const char *name)
{
  if (ew_names_is_below (name, conf->suffix))
    return true;
  for (size_t at = 0; at < conf->domains_size; at += strlen (conf->domains + at) + 1)
    if (ew_names_is_below (name, conf->domains + at) || strcasecmp (name, conf->domains + at) == 0)
      return true;
  return false;
}
