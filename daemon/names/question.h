/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One question to the mesh's DNS and what its answer says, as bytes and values (ldns). Pure: no socket, no clock.
 *
 * Nothing of an answer is believed that is not asked for: its number, its question in the very spelling that was sent
 * (RFC 5452 section 9.1, and 0x20: upper and lower case at random), names outside the suffix, and addresses outside
 * the mesh's own networks. An edge that turns hostile can give the mesh's names to other computers of the mesh, and
 * to nothing else.
 */
#pragma once

#include <glib.h>

#include "nss/names-socket.h"
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_QUESTION_MAX 512 /* bytes of one that is sent */
#define EW_QUESTION_TTL_MAX 30
#define EW_QUESTION_NEGATIVE_TTL_MAX 2

typedef struct
{
  const EwNamesConf *conf;  /* the suffix, and the domains of gateways */
  const EwPrefix *networks; /* the mesh's ranges, then the routes that this computer accepted */
  gsize n_ranges;           /* of them: names below the suffix lead there, and those of the domains to all of them */
  gsize n_networks;
} EwQuestionScope;

typedef struct
{
  guint16 id;
  gboolean reverse, v6; /* PTR, AAAA; else A */
  guint8 wire[EW_QUESTION_MAX];
  gsize length;
} EwQuestion;

typedef enum
{
  EW_ANSWER_NONE, /* not an answer to this question: wait for another one */
  EW_ANSWER_CUT,  /* ask again via TCP */
  EW_ANSWER_READ
} EwAnswerKind;

/* name: of a computer, or the address in the reverse zones. id and case_bits: at random. FALSE: name isn't a valid
   name. */
gboolean ew_question_make (EwQuestion *question, const gchar *name, gboolean reverse, gboolean v6, guint16 id,
                           guint64 case_bits);
/* The name of an address in the reverse zones. (transfer full) */
gchar *ew_question_reverse_name (const EwNamesAddress *address);
/* READ: fills reply (its status, name, addresses, and for how many seconds it holds). */
EwAnswerKind ew_question_read (const EwQuestion *question, const EwQuestionScope *scope, const guint8 *data,
                               gsize length, EwNamesReply *reply);
/* An address that name (of the suffix, or of a domain) may have. */
gboolean ew_question_is_in_scope (const EwQuestionScope *scope, const gchar *name, const EwNamesAddress *address);

G_END_DECLS
