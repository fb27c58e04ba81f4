/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An edge's API that answers whatever a test wants, in this process, with its own CA.
 */
#pragma once

#include <libsoup/soup.h>
#include "account/client.h"
#include "common/pki.h"

typedef struct
{
  gchar *ca_key, *ca_pem, *chain_pem;
  guint8 pin[EW_PIN_SIZE];
  SoupServer *server;
  gchar *url;
  GStrv api;
  gchar *dir; /* a state folder */

  /* What the next requests get. */
  guint status;
  const gchar *type;
  gchar *body;
  const gchar *location;
  gboolean drop;       /* commits, then closes without an answer */
  gboolean hold;       /* never answers */
  GPtrArray *messages; /* sent to a viewer on connecting */

  /* What was asked. */
  guint requests;
  gchar *last_method, *last_path, *last_body, *last_authorization;
  SoupServerMessage *held; /* the last one without an answer */
  guint viewers;
  SoupWebsocketConnection *viewer;
  gint viewer_fd; /* of its TCP connection */

  GHashTable *handshakes; /* first messages of connections that are in theirs */
} FakeEdge;

void fake_edge_init (FakeEdge *edge);
void fake_edge_clear (FakeEdge *edge);
/* Listens at another port with this certificate; libsoup 3.6 leaks one that is replaced while it listens. */
void fake_edge_serve (FakeEdge *edge, GTlsCertificate *certificate);
/* After the handshakes that are under way. */
void fake_edge_disconnect (FakeEdge *edge);
void fake_edge_answer (FakeEdge *edge, guint status, const gchar *body);
/* A valid node document of this mesh. */
JsonObject *fake_edge_document (FakeEdge *edge);
void fake_edge_sign (FakeEdge *edge, JsonObject *document, const gchar *list);
gchar *fake_edge_key (FakeEdge *edge);
EwClient *fake_edge_client (FakeEdge *edge);
JsonObject *fake_edge_call (EwClient *client, const gchar *method, const gchar *path, GError **error);
