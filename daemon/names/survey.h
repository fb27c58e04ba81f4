/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One question to one name server, beside this computer's resolver: what it says itself is what a diagnosis wants to
 * know. Via UDP; asked again once, then given up after EW_SURVEY_MS.
 */
#pragma once

#include <gio/gio.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_SURVEY_MS 2000
#define EW_SURVEY_MESSAGE_MAX 1232 /* bytes of an answer that are looked at */

typedef enum
{
  EW_SURVEY_A = 1, /* RFC 1035 section 3.2.2 */
  EW_SURVEY_SOA = 6,
  EW_SURVEY_AAAA = 28 /* RFC 3596 */
} EwSurveyType;

typedef struct
{
  gboolean answered; /* NOERROR or NXDOMAIN to this very question */
  gboolean found;    /* there is a record of that type; SOA: the name is a zone of that server's */
  EwIp address;      /* of the first one */
} EwSurveyAnswer;

/* mark: of the packets (SO_MARK), 0: none. callback: in the thread-default main context. */
void ew_names_survey_ask_async (const EwIp *server, guint32 mark, const gchar *name, EwSurveyType type,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* Not answered: no error. */
EwSurveyAnswer ew_names_survey_ask_finish (GAsyncResult *result);

/* Pure. A question with that ID: its bytes; NULL: name isn't a domain name. */
GBytes *ew_names_survey_write (const gchar *name, EwSurveyType type, guint16 id);
/* Pure. What an answer to that question says. FALSE: it isn't one. */
gboolean ew_names_survey_parse (const guint8 *data, gsize length, const gchar *name, EwSurveyType type, guint16 id,
                                EwSurveyAnswer *answer);

G_END_DECLS
