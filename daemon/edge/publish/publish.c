/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/publish/publish.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include "common/phrase.h"
#include "common/util.h"
#include "edge/publish/certificate.h"
#include "edge/publish/nginx-config.h"
#include "edge/publish/publish-private.h"

#define HTTPS 443

/* Files. */

static gchar *
build_path (const EwPublish *self, const gchar *folder, const gchar *name, const gchar *ending)
{
  g_autofree gchar *file = g_strconcat (name, ending, NULL);
  return g_build_filename (self->folder, folder, file, NULL);
}

static void
write_file (const gchar *path, const gchar *data)
{
  g_autoptr (GError) error = NULL;
  if (!ew_file_write_atomic (path, data, -1, 0600, &error))
    g_warning ("published names: %s", error->message);
}

/* Named after what is in it, so that a new one never changes what nginx may be reading. (transfer full): that name. */
static gchar *
write_certificate (EwPublish *self, const EwPublished *published)
{
  gchar *data = g_strconcat (published->certificate, "\n", published->key, "\n", NULL);
  g_autofree gchar *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, data, -1);
  gchar *name = g_strndup (sum, 32);
  g_autofree gchar *path = build_path (self, EW_PUBLISH_CERTIFICATES, name, ".pem");
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    write_file (path, data);
  ew_free_secret (data);
  return name;
}

/* nginx has a new configuration, which doesn't need them. */
static void
on_taken (gpointer user_data)
{
  EwPublish *self = user_data;
  g_autofree gchar *folder = g_build_filename (self->folder, EW_PUBLISH_CERTIFICATES, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *file;
  while (dir && (file = g_dir_read_name (dir)))
    {
      g_autofree gchar *name = g_strndup (file, strcspn (file, "."));
      g_autofree gchar *path = g_build_filename (folder, file, NULL);
      if (!g_hash_table_contains (self->certificates, name))
        g_unlink (path);
    }
}

/* Pages. */

static gchar *
describe_offline (const gchar *node, gint64 since_us)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (since_us / G_USEC_PER_SEC);
  g_autoptr (GDateTime) local = utc ? g_date_time_to_local (utc) : NULL;
  gboolean today = g_get_real_time () - since_us < 12 * G_TIME_SPAN_HOUR;
  g_autofree gchar *time = local ? g_date_time_format (local, today ? "%H:%M (%Z)" : "%Y-%m-%d %H:%M (%Z)") : NULL;
  return since_us > 0 && time ? g_strdup_printf ("%s is offline since %s.", node, time)
                              : g_strdup_printf ("%s is offline.", node);
}

/* Why nginx got no answer from there. */
static gchar *
describe_target (EwPublish *self, const EwService *service, guint index)
{
  const EwServiceTarget *target = service->targets->pdata[index];
  const EwNode *node = ew_mesh_get_node (self->mesh, target->node_id);
  const EwServicePort *port = ew_mesh_service_sole_port (service);
  const gchar *name = node ? node->name : "The node";
  g_autofree gchar *label = ew_mesh_target_label (self->mesh, target, port ? ew_mesh_target_port (target, port) : 0);
  EwTargetStatus status;
  ew_services_get_target (self->services, service, index, &status);
  if (status.state == EW_TARGET_OFFLINE)
    return describe_offline (name, status.since_us);
  if (status.state == EW_TARGET_NOT_JOINED)
    return g_strdup_printf ("%s hasn't joined the mesh yet.", name);
  if (status.state == EW_TARGET_NO_ROUTE)
    return g_strdup_printf ("%s no longer leads to the host of this service.", name);
  if (status.state == EW_TARGET_REFUSES)
    return g_strdup_printf ("%s is online, but nothing listens on %s.", name, label);
  return g_strdup_printf ("%s is online, but %s doesn't answer.", name, label);
}

static void
write_page (EwPublish *self, const gchar *name, const gchar *sentence)
{
  g_autofree gchar *path = build_path (self, EW_PUBLISH_PAGES, name, ".html");
  g_autofree gchar *page = ew_publish_format_page (sentence);
  g_autofree gchar *old = NULL;
  if (!g_file_get_contents (path, &old, NULL, NULL) || !g_str_equal (old, page))
    write_file (path, page);
}

static void
write_service_page (EwPublish *self, const gchar *service_id)
{
  const EwService *service = ew_mesh_get_service (self->mesh, service_id);
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; service && i < service->targets->len; i++)
    {
      g_autofree gchar *sentence = describe_target (self, service, i);
      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", sentence);
    }
  if (text->len == 0)
    g_string_append (text, "This service was removed.");
  write_page (self, service_id, text->str);
}

static void
on_service_state (gpointer user_data, const gchar *id)
{
  EwPublish *self = user_data;
  for (const EwPublished *published = ew_mesh_next_published (self->mesh, NULL); published;
       published = ew_mesh_next_published (self->mesh, published->host))
    if (g_str_equal (published->service_id, id))
      {
        write_service_page (self, id);
        return;
      }
}

/* The configuration. */

static guint16
get_public_port (EwPublish *self)
{
  const EwEdge *edge = ew_mesh_get_edge (self->mesh);
  g_autofree gchar *host = NULL;
  guint16 port;
  return edge && edge->endpoints[0] && ew_host_port_parse (edge->endpoints[0], &host, &port, NULL) ? port : HTTPS;
}

/* Where nginx finds the service: FALSE: nowhere. */
static gboolean
find_target (EwPublish *self, const EwPublished *published, EwIp *ip, guint16 *out_port)
{
  const EwService *service = ew_mesh_get_service (self->mesh, published->service_id);
  const EwServicePort *port = service ? ew_mesh_service_sole_port (service) : NULL;
  EwIp addresses[2];
  if (port == NULL || port->protocol != IPPROTO_TCP || ew_mesh_service_addresses (service, addresses) == 0)
    return FALSE;
  *ip = addresses[0];
  *out_port = port->from;
  return TRUE;
}

static void
add_site (EwPublish *self, GArray *sites, const EwPublished *published)
{
  gchar *certificate = write_certificate (self, published);
  EwPublishSite site = { .host = published->host,
                         .service = published->service_id,
                         .certificate = certificate,
                         .ip = { .family = EW_FAMILY_NONE },
                         .closed = published->closed };
  g_hash_table_add (self->certificates, certificate);
  (void)find_target (self, published, &site.ip, &site.port);
  g_array_append_val (sites, site);
  write_service_page (self, published->service_id);
}

static gboolean
make_folders (EwPublish *self)
{
  static const gchar *const folders[] = { EW_PUBLISH_CERTIFICATES, EW_PUBLISH_PAGES };
  gboolean good = TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree gchar *path = g_build_filename (self->folder, folders[i], NULL);
      good = good && g_mkdir_with_parents (path, 0700) == 0;
    }
  if (!good)
    g_warning ("published names: the folder %s can't be written: %s", self->folder, g_strerror (errno));
  return good;
}

static gboolean
on_update (gpointer user_data)
{
  EwPublish *self = user_data;
  g_autoptr (GArray) sites = g_array_new (FALSE, FALSE, sizeof (EwPublishSite));
  g_autoptr (GHashTable) old = self->certificates;
  self->update = 0;
  self->certificates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (ew_mesh_next_published (self->mesh, NULL) == NULL || !make_folders (self))
    {
      ew_publish_proxy_set_config (self->proxy, NULL);
      on_taken (self);
      return G_SOURCE_REMOVE;
    }
  write_page (self, "closed", "This name isn't open to the internet at the moment.");
  for (const EwPublished *published = ew_mesh_next_published (self->mesh, NULL); published;
       published = ew_mesh_next_published (self->mesh, published->host))
    add_site (self, sites, published);
  g_autofree gchar *config
    = ew_publish_format_config ((const EwPublishSite *)(const void *)sites->data, sites->len, get_public_port (self));
  ew_publish_proxy_set_config (self->proxy, config);
  return G_SOURCE_REMOVE;
}

/* Several changes make one configuration. */
static void
note_change (gpointer user_data)
{
  EwPublish *self = user_data;
  if (self->update == 0)
    self->update = g_idle_add (on_update, self);
}

static void
on_service_changed (gpointer user_data, const gchar *id)
{
  note_change (user_data);
}

static const EwMeshListener mesh_listener = {
  .service_changed = on_service_changed,
  .service_removed = on_service_changed,
  .published_changed = note_change,
  .edge_changed = note_change,
};

/* Callers. */

static const EwPublished *
find_published (EwPublish *self, const gchar *name)
{
  const EwPublished *published = ew_mesh_get_published (self->mesh, name);
  const gchar *rest = strchr (name, '.');
  if (published || rest == NULL)
    return published;
  g_autofree gchar *wildcard = g_strconcat ("*", rest, NULL);
  return ew_mesh_get_published (self->mesh, wildcard);
}

gboolean
ew_publish_pass (gpointer user_data, gint fd, const gchar *name, gboolean acme)
{
  EwPublish *self = user_data;
  if (find_published (self, name) == NULL || ew_mesh_is_edge_host (self->mesh, name))
    return FALSE;
  if (self->relay == NULL)
    {
      g_autofree gchar *path = g_build_filename (self->folder, EW_PUBLISH_SOCKET, NULL);
      self->relay = ew_publish_relay_new (path);
    }
  if (self->relay)
    ew_publish_relay_pass (self->relay, fd);
  return TRUE;
}

/* For people. */

gchar *
ew_publish_find_problem (EwPublish *self, const EwPublished *published)
{
  const gchar *message;
  EwIp ip;
  guint16 port;
  gint64 expiry_us = ew_publish_get_expiry (published->certificate);
  (void)ew_publish_proxy_get_state (self->proxy, &message);
  if (message)
    return g_strdup (message);
  if (expiry_us > 0 && expiry_us <= g_get_real_time ())
    return ew_phrase ("Its certificate has expired. Give a new one with `edgewayctl publish NAME --host HOST "
                      "--certificate FILE --key FILE`.");
  if (!published->closed && !find_target (self, published, &ip, &port))
    return ew_phrase ("Its service has no single TCP port. Give it one with `edgewayctl service edit NAME --port 80`.");
  return NULL;
}

gchar *
ew_publish_format_url (EwPublish *self, const EwPublished *published)
{
  guint16 port = get_public_port (self);
  return port == HTTPS ? g_strdup_printf ("https://%s", published->host)
                       : g_strdup_printf ("https://%s:%u", published->host, port);
}

/* Life. */

EwPublish *
ew_publish_new (EwMesh *mesh, EwServices *services, EwLauncher *launcher, const gchar *state_dir)
{
  EwPublish *self = g_new0 (EwPublish, 1);
  self->mesh = mesh;
  self->services = services;
  self->folder = g_build_filename (state_dir, EW_PUBLISH_FOLDER, NULL);
  self->certificates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->closed = g_cancellable_new ();
  self->proxy = ew_publish_proxy_new (launcher, self->folder, on_taken, self);
  self->listener = ew_mesh_listen (mesh, &mesh_listener, self);
  ew_services_listen (services, on_service_state, self);
  if (ew_mesh_next_published (mesh, NULL))
    note_change (self);
  return self;
}

void
ew_publish_free (EwPublish *self)
{
  if (self == NULL)
    return;
  g_cancellable_cancel (self->closed);
  g_object_unref (self->closed);
  g_clear_handle_id (&self->update, g_source_remove);
  ew_services_unlisten (self->services, on_service_state, self);
  ew_mesh_unlisten (self->mesh, self->listener);
  ew_publish_relay_free (self->relay);
  ew_publish_proxy_free (self->proxy);
  g_hash_table_unref (self->certificates);
  g_free (self->folder);
  g_free (self);
}
