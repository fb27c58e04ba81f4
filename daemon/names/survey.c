/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/survey.h"

#include <ldns/ldns.h>
#include <string.h>
#include <sys/socket.h>

#define PORT 53
#define TRIES 2

typedef struct
{
  GSocket *socket;
  GSource *readable, *timer;
  GBytes *question;
  gchar *name;
  EwSurveyType type;
  guint16 id;
  guint tries;
  EwSurveyAnswer answer;
} Survey;

static void
stop_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
survey_free (gpointer data)
{
  Survey *survey = data;

  stop_source (&survey->readable);
  stop_source (&survey->timer);
  g_clear_object (&survey->socket);
  g_clear_pointer (&survey->question, g_bytes_unref);
  g_free (survey->name);
  g_free (survey);
}

GBytes *
ew_names_survey_write (const gchar *name, EwSurveyType type, guint16 id)
{
  ldns_pkt *packet = NULL;
  uint8_t *data = NULL;
  size_t length = 0;
  GBytes *bytes = NULL;

  if (ldns_pkt_query_new_frm_str (&packet, name, (ldns_rr_type)type, LDNS_RR_CLASS_IN, LDNS_RD) != LDNS_STATUS_OK)
    return NULL;
  ldns_pkt_set_id (packet, id);
  if (ldns_pkt2wire (&data, packet, &length) == LDNS_STATUS_OK)
    bytes = g_bytes_new (data, length);
  free (data);
  ldns_pkt_free (packet);
  return bytes;
}

/* The packet answers this question. */
static gboolean
is_answer (const ldns_pkt *packet, const ldns_rdf *name, EwSurveyType type, guint16 id)
{
  const ldns_rr_list *questions = ldns_pkt_question (packet);
  ldns_pkt_rcode code = ldns_pkt_get_rcode (packet);

  if (!ldns_pkt_qr (packet) || ldns_pkt_id (packet) != id || ldns_rr_list_rr_count (questions) != 1
      || (code != LDNS_RCODE_NOERROR && code != LDNS_RCODE_NXDOMAIN))
    return FALSE;
  const ldns_rr *question = ldns_rr_list_rr (questions, 0);
  return ldns_rr_get_type (question) == (ldns_rr_type)type && ldns_dname_compare (ldns_rr_owner (question), name) == 0;
}

static void
take_address (const ldns_rr *record, EwSurveyAnswer *answer)
{
  const ldns_rdf *data = ldns_rr_rd_count (record) == 1 ? ldns_rr_rdf (record, 0) : NULL;
  EwFamily family = ldns_rr_get_type (record) == LDNS_RR_TYPE_A ? EW_FAMILY_V4 : EW_FAMILY_V6;
  EwIp any = { .family = family };

  if (data == NULL || ldns_rdf_size (data) != ew_ip_size (&any) || answer->found)
    return;
  answer->found = TRUE;
  answer->address = ew_ip_from_bytes (family, ldns_rdf_data (data));
}

gboolean
ew_names_survey_parse (const guint8 *data, gsize length, const gchar *name, EwSurveyType type, guint16 id,
                       EwSurveyAnswer *answer)
{
  ldns_pkt *packet = NULL;
  ldns_rdf *asked = ldns_dname_new_frm_str (name);

  memset (answer, 0, sizeof *answer);
  if (asked != NULL && length <= EW_SURVEY_MESSAGE_MAX && ldns_wire2pkt (&packet, data, length) == LDNS_STATUS_OK
      && is_answer (packet, asked, type, id))
    {
      const ldns_rr_list *records = ldns_pkt_answer (packet);
      answer->answered = TRUE;
      for (size_t i = 0; i < ldns_rr_list_rr_count (records); i++)
        {
          const ldns_rr *record = ldns_rr_list_rr (records, i);
          if (ldns_rr_get_type (record) != (ldns_rr_type)type)
            continue;
          if (type != EW_SURVEY_SOA)
            take_address (record, answer);
          else if (ldns_dname_compare (ldns_rr_owner (record), asked) == 0)
            answer->found = TRUE;
        }
    }
  if (packet != NULL)
    ldns_pkt_free (packet);
  ldns_rdf_deep_free (asked);
  return answer->answered;
}

/* ---- over the network */

static void
end_survey (GTask *task)
{
  Survey *survey = g_task_get_task_data (task);

  stop_source (&survey->readable);
  stop_source (&survey->timer);
  if (!g_task_get_completed (task))
    g_task_return_boolean (task, TRUE);
}

static gboolean
on_readable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);
  Survey *survey = g_task_get_task_data (task);
  guint8 data[EW_SURVEY_MESSAGE_MAX + 1];
  gssize got = g_socket_receive_with_blocking (socket, (gchar *)data, sizeof data, FALSE, NULL, NULL);

  /* An error is that of an ICMP message, which anyone can send: only an answer ends it, or the time. */
  if (got <= 0 || !ew_names_survey_parse (data, (gsize)got, survey->name, survey->type, survey->id, &survey->answer))
    return G_SOURCE_CONTINUE;
  end_survey (task);
  return G_SOURCE_REMOVE;
}

static gboolean
on_time (gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);
  Survey *survey = g_task_get_task_data (task);
  gsize length;
  const gchar *data = g_bytes_get_data (survey->question, &length);

  if (survey->tries++ >= TRIES || g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    {
      end_survey (task);
      return G_SOURCE_REMOVE;
    }
  (void)g_socket_send_with_blocking (survey->socket, data, length, FALSE, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
open_socket (Survey *survey, const EwIp *server, guint32 mark)
{
  GSocketFamily family = server->family == EW_FAMILY_V4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6;
  g_autoptr (GInetAddress) ip = g_inet_address_new_from_bytes (server->bytes, family);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (ip, PORT);

  survey->socket = g_socket_new (family, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  if (survey->socket == NULL)
    return FALSE;
  g_socket_set_blocking (survey->socket, FALSE);
  if (mark != 0 && !g_socket_set_option (survey->socket, SOL_SOCKET, SO_MARK, (gint)mark, NULL))
    return FALSE;
  return g_socket_connect (survey->socket, address, NULL, NULL);
}

void
ew_names_survey_ask_async (const EwIp *server, guint32 mark, const gchar *name, EwSurveyType type,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Survey *survey = g_new0 (Survey, 1);
  GMainContext *context = g_task_get_context (task);

  g_task_set_task_data (task, survey, survey_free);
  survey->name = g_strdup (name);
  survey->type = type;
  survey->id = (guint16)g_random_int ();
  survey->question = ew_names_survey_write (name, type, survey->id);
  if (survey->question == NULL || !open_socket (survey, server, mark))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  /* The two hold the task until it ends. */
  survey->readable = g_socket_create_source (survey->socket, G_IO_IN, NULL);
  g_source_set_callback (survey->readable, G_SOURCE_FUNC (on_readable), g_object_ref (task), g_object_unref);
  g_source_attach (survey->readable, context);
  survey->timer = g_timeout_source_new (EW_SURVEY_MS / TRIES);
  g_source_set_callback (survey->timer, on_time, g_object_ref (task), g_object_unref);
  g_source_attach (survey->timer, context);
  on_time (task);
}

EwSurveyAnswer
ew_names_survey_ask_finish (GAsyncResult *result)
{
  const Survey *survey = g_task_get_task_data (G_TASK (result));

  (void)g_task_propagate_boolean (G_TASK (result), NULL);
  return survey->answer;
}
