/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/install-lines.h"

#include <string.h>
#include "common/util.h"

#define SYSTEMS_MAX 16
#define SYSTEM_MAX 32
#define URL_MAX 300
#define SHA256_DIGITS 64
#define SCHEME "https://"
#define PATH "/install"
/* Without a proxy of its own, apt takes the shell's https_proxy. What it's set to otherwise is often a cache for packages,
   which doesn't pass TLS through. */
#define FETCH                                                                                                          \
  "/usr/lib/apt/apt-helper -oAcquire::http::Proxy= -oAcquire::https::Proxy= -oAcquire::https::Verify-Peer=0 "          \
  "download-file "
#define SCRIPT "~/edgeway-install"

static gboolean
consists_of (const gchar *text, gsize length, const gchar *more)
{
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (text[i]) && strchr (more, text[i]) == NULL)
      return FALSE;
  return length > 0;
}

/* "https://HOST[:PORT]/install". A person pastes it into a shell: it may contain nothing that a shell or a terminal
   would interpret. */
static gboolean
is_url (const gchar *text)
{
  gsize length = text ? strlen (text) : 0;
  if (length > URL_MAX || length <= strlen (SCHEME PATH) || !g_str_has_prefix (text, SCHEME)
      || !g_str_has_suffix (text, PATH))
    return FALSE;
  return consists_of (text + strlen (SCHEME), length - strlen (SCHEME PATH), ".-_:[]");
}

static gboolean
is_sha256 (const gchar *text)
{
  return text && strlen (text) == SHA256_DIGITS && strspn (text, "0123456789abcdef") == SHA256_DIGITS;
}

gchar *
ew_install_lines (JsonObject *install)
{
  const gchar *url = install ? ew_json_string (install, "url") : NULL;
  const gchar *sha256 = install ? ew_json_string (install, "sha256") : NULL;
  g_autofree gchar *systems = ew_install_systems (install);
  if (!is_url (url) || !is_sha256 (sha256) || systems == NULL)
    return NULL;
  const gchar *quote = strchr (url, '[') ? "'" : ""; /* some shells look for files of such a name */
  return g_strdup_printf (FETCH "%s%s%s " SCRIPT " SHA256:%s &&\n  sh " SCRIPT, quote, url, quote, sha256);
}

gchar *
ew_install_systems (JsonObject *install)
{
  JsonArray *systems = install ? ew_json_array (install, "systems") : NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; systems && i < MIN (json_array_get_length (systems), SYSTEMS_MAX); i++)
    {
      JsonNode *element = json_array_get_element (systems, i);
      const gchar *name
        = JSON_NODE_HOLDS_OBJECT (element) ? ew_json_string (json_node_get_object (element), "system") : NULL;
      if (name == NULL || strlen (name) > SYSTEM_MAX || !consists_of (name, strlen (name), ".-"))
        continue;
      g_autofree gchar *shown = g_strdelimit (g_strdup (name), "-", ' ');
      *shown = g_ascii_toupper (*shown);
      g_string_append_printf (text, "%s%s", text->len ? ", " : "", shown);
    }
  return text->len ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

gboolean
ew_install_has_app (JsonObject *install)
{
  JsonArray *systems = install ? ew_json_array (install, "systems") : NULL;
  for (guint i = 0; systems && i < MIN (json_array_get_length (systems), SYSTEMS_MAX); i++)
    {
      JsonNode *element = json_array_get_element (systems, i);
      if (JSON_NODE_HOLDS_OBJECT (element) && ew_json_bool (json_node_get_object (element), "app", FALSE))
        return TRUE;
    }
  return FALSE;
}
