/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The methods about the HTTP proxy that leads to the edge.
 */
#include "common/phrase.h"
#include "service/handle-private.h"
#include "service/methods.h"

#define URL_MAX 2048
#define WORD_MAX 512
#define ANSWERS_MAX 16

static void
answer (EwCall *call, gboolean done, GError *error)
{
  if (done)
    ew_call_return (call, NULL);
  else
    ew_call_fail (call, error);
}

/* FALSE: the call has been refused. user and password may be empty. */
static gboolean
check_words (EwCall *call, const gchar *user, const gchar *password)
{
  return (*user == '\0' || ew_handle_check_text (call, user, WORD_MAX, N_ ("a user name of at most 512 bytes")))
         && (*password == '\0'
             || ew_handle_check_text (call, password, WORD_MAX, N_ ("a password of at most 512 bytes")));
}

void
ew_handle_set_proxy (EwCall *call, GVariant *parameters)
{
  const gchar *proxy, *user, *password;
  GError *error = NULL;

  g_variant_get (parameters, "(&s&s&s)", &proxy, &user, &password);
  if (!ew_handle_check_text (call, proxy, URL_MAX, N_ ("auto, off or a URL such as http://proxy.example:3128"))
      || !check_words (call, user, password))
    return;
  gboolean done = ew_tunnel_set_proxy (ew_call_get_tunnel (call), proxy, user, password, &error);
  answer (call, done, error);
}

void
ew_handle_set_proxy_password (EwCall *call, GVariant *parameters)
{
  const gchar *proxy, *user, *password;
  GError *error = NULL;

  g_variant_get (parameters, "(&s&s&s)", &proxy, &user, &password);
  if ((*proxy != '\0' && !ew_handle_check_text (call, proxy, URL_MAX, "HOST:PORT"))
      || !check_words (call, user, password))
    return;
  gboolean done = ew_tunnel_set_proxy_password (ew_call_get_tunnel (call), proxy, user, password, &error);
  answer (call, done, error);
}

void
ew_handle_answer_proxy (EwCall *call, GVariant *parameters)
{
  g_autofree const gchar **proxies = NULL;

  g_variant_get (parameters, "(^a&s)", &proxies);
  for (guint i = 0; proxies[i] != NULL; i++)
    if (i >= ANSWERS_MAX)
      proxies[i] = NULL;
    else if (!ew_handle_check_text (call, proxies[i], URL_MAX, N_ ("what a proxy resolver answers")))
      return;
  ew_tunnel_answer_proxy (ew_call_get_tunnel (call), proxies);
  ew_call_return (call, NULL);
}
