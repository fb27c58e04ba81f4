/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/packages/packages.h"

#include <gio/gunixinputstream.h>
#include <string.h>
#include <unistd.h>
#include "common/util.h"
#include "edge/http/pace.h"
#include "edge/http/ratelimit.h"
#include "edge/packages/index.h"
#include "edge/packages/request.h"
#include "edge/packages/script.h"

#define DOWNLOADS_MAX 64 /* under way at once */
#define DOWNLOADS_PER_NETWORK 16
/* Requests of one address: a closure has some 50 files, and several computers may share one address. */
#define REQUESTS_BURST 600
#define REQUESTS_REFILL_US (G_USEC_PER_SEC / 5)
/* Mebibytes of one address: a closure has some 20. */
#define MEBIBYTES_BURST 1024
#define MEBIBYTES_REFILL_US G_USEC_PER_SEC
#define TOO_MANY_REQUESTS 429 /* RFC 6585; not among libsoup's */
#define MEBIBYTE (1024 * 1024)
#define ADDRESSES_MAX 4096

#define NONE_HERE                                                                                                      \
  "This edge has no packages to hand out. Set new computers up from a clone of Edgeway (app/run --join), or install "  \
  "edgeway-packages on the edge"

struct EwPackages
{
  gint references; /* one of the owner, and one of each download */
  gboolean enabled;
  EwPackagesIndex *index;
  gchar *url, *script, *sha256; /* script NULL: it can't be made */
  EwRateLimit *requests, *mebibytes;
  EwHttpPace *pace;
  GHashTable *downloads; /* network (guint64, owned) → how many of under_way */
  GQueue under_way;      /* Download, the oldest first */
};

/* Answers. */

/* apt shows the phrase of a refusal, and nothing of its body. */
static void
refuse (SoupServerMessage *message, guint status, const gchar *sentence)
{
  soup_server_message_set_status (message, status, sentence);
  g_autofree gchar *body = g_strconcat (sentence, ".\n", NULL);
  soup_server_message_set_response (message, "text/plain; charset=utf-8", SOUP_MEMORY_COPY, body, strlen (body));
  if (status == TOO_MANY_REQUESTS || status == SOUP_STATUS_SERVICE_UNAVAILABLE)
    soup_message_headers_replace (soup_server_message_get_response_headers (message), "Retry-After", "5");
}

static void
answer_text (SoupServerMessage *message, const gchar *type, const gchar *text)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  soup_message_headers_replace (headers, "Cache-Control", "no-cache");
  soup_message_headers_replace (headers, "X-Content-Type-Options", "nosniff");
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message, type, SOUP_MEMORY_COPY, text, strlen (text));
}

/* Bounds. */

static guint64
network_of (const EwIp *ip)
{
  guint64 network = 0;
  memcpy (&network, ip->bytes, ip->family == EW_FAMILY_V4 ? 4 : 8); /* as the API's own places: an IPv6 /64 */
  return network;
}

static void
count_download (EwPackages *self, guint64 network, gint change)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (self->downloads, &network));
  count = (guint)((gint)count + change);
  if (count > 0)
    g_hash_table_replace (self->downloads, g_memdup2 (&network, sizeof network), GUINT_TO_POINTER (count));
  else
    g_hash_table_remove (self->downloads, &network);
}

typedef struct
{
  EwPackages *packages;
  guint64 network;
  EwServerStream *stream;
  GList link;    /* in under_way */
  gboolean over; /* it has given up its place */
} Download;

static void
begin_download (Download *download)
{
  download->link.data = download;
  g_queue_push_tail_link (&download->packages->under_way, &download->link);
  count_download (download->packages, download->network, 1);
}

static void
end_download (Download *download)
{
  if (download->over)
    return;
  download->over = TRUE;
  g_queue_unlink (&download->packages->under_way, &download->link);
  count_download (download->packages, download->network, -1);
}

/* The oldest of the network that has the most gives up its place: so a few slow readers don't keep others from their
   files. apt continues where it was cut off. */
static void
make_room (EwPackages *self)
{
  Download *victim = NULL;
  guint n_victim = 0;
  for (GList *link = self->under_way.head; link; link = link->next)
    {
      Download *download = link->data;
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->downloads, &download->network));
      if (n > n_victim)
        {
          victim = download;
          n_victim = n;
        }
    }
  if (victim == NULL)
    return;
  end_download (victim);
  ew_http_server_stream_stop (victim->stream);
}

/* FALSE: refused. */
static gboolean
has_place (EwPackages *self, SoupServerMessage *message, const EwIp *ip)
{
  guint64 network = network_of (ip);
  if (!ew_http_rate_limit_check (self->mebibytes, ip, g_get_monotonic_time (), NULL))
    {
      refuse (message, TOO_MANY_REQUESTS, "Too much was downloaded from your address. Try again later");
      return FALSE;
    }
  if (GPOINTER_TO_UINT (g_hash_table_lookup (self->downloads, &network)) >= DOWNLOADS_PER_NETWORK)
    {
      refuse (message, SOUP_STATUS_SERVICE_UNAVAILABLE, "Too many downloads are under way. Try again in a moment");
      return FALSE;
    }
  if (self->under_way.length >= DOWNLOADS_MAX)
    make_room (self);
  return TRUE;
}

static void
charge_bytes (EwPackages *self, const EwIp *ip, guint64 length)
{
  gint64 now = g_get_monotonic_time ();
  for (guint64 i = 0; i < length / MEBIBYTE + 1 && i < MEBIBYTES_BURST; i++)
    ew_http_rate_limit_take (self->mebibytes, ip, now);
}

/* Files. */

static void
release (EwPackages *self)
{
  if (--self->references > 0)
    return;
  ew_packages_index_free (self->index);
  ew_http_rate_limit_free (self->requests);
  ew_http_rate_limit_free (self->mebibytes);
  ew_http_pace_free (self->pace);
  g_hash_table_unref (self->downloads);
  g_free (self->url);
  g_free (self->script);
  g_free (self->sha256);
  g_free (self);
}

static gint64
wait_for_turn (gpointer data, gsize bytes)
{
  Download *download = data;
  return ew_http_pace_book (download->packages->pace, download->network, bytes, g_get_monotonic_time ());
}

static void
on_download_done (gpointer data)
{
  Download *download = data;
  end_download (download);
  release (download->packages);
  g_free (download);
}

/* What a reader knows a version of a file by. (transfer full) */
static gchar *
format_date (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);
  return time ? soup_date_time_to_string (time, SOUP_DATE_HTTP) : g_strdup ("Thu, 01 Jan 1970 00:00:00 GMT");
}

static gboolean
equals_header (SoupServerMessage *message, const gchar *name, const gchar *value)
{
  const gchar *sent = soup_message_headers_get_one (soup_server_message_get_request_headers (message), name);
  return sent && g_str_equal (sent, value);
}

/* Which part of a file of size bytes is asked for; the answer's status and headers are set. FALSE: no body. */
static gboolean
begin_file (SoupServerMessage *message, guint64 size, gint64 modified, guint64 *first, guint64 *length)
{
  SoupMessageHeaders *asked = soup_server_message_get_request_headers (message);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  g_autofree gchar *date = format_date (modified);
  g_autofree gchar *tag = g_strdup_printf ("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x\"", modified, size);
  const gchar *range = soup_message_headers_get_one (asked, EW_SERVER_RANGE);
  const gchar *known = soup_message_headers_get_one (asked, "If-None-Match");
  gboolean same = !soup_message_headers_get_one (asked, "If-Range") || equals_header (message, "If-Range", date)
                  || equals_header (message, "If-Range", tag);
  soup_message_headers_replace (headers, "Last-Modified", date);
  soup_message_headers_replace (headers, "ETag", tag);
  soup_message_headers_replace (headers, "Accept-Ranges", "bytes");
  soup_message_headers_replace (headers, "Cache-Control", "no-cache");
  if (known ? g_str_equal (known, tag) : equals_header (message, "If-Modified-Since", date))
    {
      soup_server_message_set_status (message, SOUP_STATUS_NOT_MODIFIED, NULL);
      return FALSE;
    }
  EwPackagesRange part = ew_packages_range_parse (same ? range : NULL, size, first, length);
  if (part == EW_PACKAGES_RANGE_BEYOND)
    {
      refuse (message, SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE, "The file is shorter than that");
      /* libsoup has no words for "none of it"; apt takes others for a server whose ranges don't work. */
      g_autofree gchar *none = g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, size);
      soup_message_headers_replace (headers, "Content-Range", none);
      return FALSE;
    }
  if (part == EW_PACKAGES_RANGE_PART)
    soup_message_headers_set_content_range (headers, (goffset)*first, (goffset)(*first + *length - 1), (goffset)size);
  soup_message_headers_replace (headers, "Content-Type", "application/octet-stream");
  soup_server_message_set_status (message,
                                  part == EW_PACKAGES_RANGE_PART ? SOUP_STATUS_PARTIAL_CONTENT : SOUP_STATUS_OK, NULL);
  return TRUE;
}

static void
send_file (EwPackages *self, EwServer *server, SoupServerMessage *message, const EwServerPeer *peer, gint fd,
           guint64 size, gint64 modified)
{
  guint64 first, length;
  g_autoptr (GInputStream) body = g_unix_input_stream_new (fd, TRUE);
  if (!begin_file (message, size, modified, &first, &length))
    return;
  if (g_str_equal (soup_server_message_get_method (message), "HEAD"))
    {
      soup_message_headers_set_content_length (soup_server_message_get_response_headers (message), (goffset)length);
      return;
    }
  if (!has_place (self, message, &peer->ip))
    return;
  if (lseek (fd, (off_t)first, SEEK_SET) < 0)
    {
      refuse (message, SOUP_STATUS_INTERNAL_SERVER_ERROR, "The file can't be read");
      return;
    }
  Download *download = g_new0 (Download, 1);
  download->packages = self;
  download->network = network_of (&peer->ip);
  self->references++;
  charge_bytes (self, &peer->ip, length);
  begin_download (download);
  download->stream = ew_http_server_stream (server, message, g_steal_pointer (&body), length, wait_for_turn,
                                            on_download_done, download);
}

static void
answer_file (EwPackages *self, EwServer *server, SoupServerMessage *message, const EwServerPeer *peer,
             const gchar *path)
{
  gchar system[EW_PACKAGES_SYSTEM_MAX + 1], file[EW_PACKAGES_FILE_MAX + 1];
  guint64 size;
  gint64 modified;
  gint fd = -1;
  if (ew_packages_path_parse (path, system, file))
    fd = ew_packages_index_open (self->index, system, file, &size, &modified);
  if (fd < 0)
    refuse (message, SOUP_STATUS_NOT_FOUND, "This edge hands out no such file");
  else
    send_file (self, server, message, peer, fd, size, modified);
}

/* What there is. */

static void
answer_systems (SoupServerMessage *message, GPtrArray *systems)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < systems->len; i++)
    {
      const EwPackagesSystem *system = systems->pdata[i];
      g_autofree gchar *architectures = g_strdelimit (g_strdup (system->architectures), " ", ',');
      g_string_append_printf (text, "%s %s %s\n", system->system, architectures, system->version);
    }
  answer_text (message, "text/plain; charset=utf-8", text->str);
}

JsonObject *
ew_packages_describe (EwPackages *self)
{
  JsonObject *object = json_object_new ();
  JsonArray *array = json_array_new ();
  ew_packages_index_refresh (self->index, g_get_monotonic_time ());
  g_autoptr (GPtrArray) systems = ew_packages_index_list (self->index);
  gboolean any = self->enabled && self->script && systems->len > 0;
  for (guint i = 0; any && i < systems->len; i++)
    {
      const EwPackagesSystem *system = systems->pdata[i];
      g_auto (GStrv) architectures = g_strsplit (system->architectures, " ", -1);
      JsonObject *element = json_object_new ();
      json_object_set_string_member (element, "system", system->system);
      json_object_set_string_member (element, "version", system->version);
      ew_json_set_strv (element, "architectures", (const gchar *const *)architectures);
      json_object_set_boolean_member (element, "app", system->app);
      json_array_add_object_element (array, element);
    }
  if (any)
    {
      json_object_set_string_member (object, "url", self->url);
      json_object_set_string_member (object, "sha256", self->sha256);
    }
  json_object_set_array_member (object, "systems", array);
  return object;
}

/* Requests. */

static gboolean
may_ask (EwPackages *self, SoupServerMessage *message, const EwServerPeer *peer)
{
  const gchar *method = soup_server_message_get_method (message);
  if (!g_str_equal (method, "GET") && !g_str_equal (method, "HEAD"))
    {
      refuse (message, SOUP_STATUS_METHOD_NOT_ALLOWED, "Only GET and HEAD can be used here");
      soup_message_headers_replace (soup_server_message_get_response_headers (message), "Allow", "GET, HEAD");
      return FALSE;
    }
  if (!ew_http_rate_limit_check (self->requests, &peer->ip, g_get_monotonic_time (), NULL))
    {
      refuse (message, TOO_MANY_REQUESTS, "Too many requests came from your address. Try again later");
      return FALSE;
    }
  ew_http_rate_limit_take (self->requests, &peer->ip, g_get_monotonic_time ());
  return TRUE;
}

gboolean
ew_packages_handle (EwPackages *self, EwServer *server, SoupServerMessage *message, const EwServerPeer *peer,
                    const gchar *path, EwServerFault fault)
{
  gboolean script = g_strcmp0 (path, "/install") == 0;
  if (fault != EW_SERVER_FAULT_NONE || path == NULL || peer->control
      || (!script && !g_str_has_prefix (path, EW_PACKAGES_PREFIX)))
    return FALSE;
  if (!may_ask (self, message, peer))
    return TRUE;
  ew_packages_index_refresh (self->index, g_get_monotonic_time ());
  g_autoptr (GPtrArray) systems = ew_packages_index_list (self->index);
  if (!self->enabled || self->script == NULL || systems->len == 0)
    refuse (message, SOUP_STATUS_NOT_FOUND, NONE_HERE);
  else if (script)
    answer_text (message, "text/x-shellscript; charset=utf-8", self->script);
  else if (g_str_equal (path, EW_PACKAGES_PREFIX "systems"))
    answer_systems (message, systems);
  else
    answer_file (self, server, message, peer, path);
  return TRUE;
}

EwPackages *
ew_packages_new (const EwPackagesSetup *setup)
{
  EwPackages *self = g_new0 (EwPackages, 1);
  g_autofree gchar *base = ew_packages_base_url (setup->public_endpoint);
  self->references = 1;
  self->enabled = setup->enabled;
  self->index = ew_packages_index_new (setup->folders);
  self->url = base ? g_strconcat (base, "/install", NULL) : NULL;
  self->script = base ? ew_packages_make_script (base, setup->mesh, setup->edge, setup->ca_pem) : NULL;
  self->sha256 = self->script ? g_compute_checksum_for_string (G_CHECKSUM_SHA256, self->script, -1) : NULL;
  self->requests = ew_http_rate_limit_new (REQUESTS_BURST, REQUESTS_REFILL_US, ADDRESSES_MAX);
  self->mebibytes = ew_http_rate_limit_new (MEBIBYTES_BURST, MEBIBYTES_REFILL_US, ADDRESSES_MAX);
  self->pace = ew_http_pace_new (setup->bytes_per_s);
  self->downloads = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  return self;
}

void
ew_packages_free (EwPackages *self)
{
  if (self)
    release (self);
}
