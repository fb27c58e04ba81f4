/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer knows about itself, on disk: STATE/account.json, 0600, written atomically. Its keys, the mesh's
 * pin and CA, the last node document, cached addresses of the edges, the user's settings, and an enrollment that was
 * begun.
 *
 * A file that can't be read back is never overwritten: loading fails with a sentence naming it and what to do. Every
 * change is made in memory first and counts when ew_keystore_save() has succeeded; on failure (a full disk) the old
 * file is kept, and only timestamp_floor_ns, which must not go back, is kept in /run until the disk can be written.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include "common/enrollment-key.h"
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_ACCOUNT_FILE "account.json"
#define EW_ACCOUNT_SCHEMA 1         /* of the file; a later one holds what this version would lose by writing it */
#define EW_ACCOUNT_MAX (256 * 1024) /* bytes of the file */
/* Nobody's address (RFC 7600): of a name that nobody here can look up but an HTTP proxy. */
#define EW_NO_ADDRESS "192.0.0.8"
#define EW_CACHED_ADDRESSES_MAX 8 /* of one host */
#define EW_CHOSEN_DOMAINS_MAX 64  /* accepted and refused, each */
#define EW_HTTPS_NETWORKS_MAX 32
#define EW_FIXES_MAX 16
#define EW_ANSWERED_MAX 4        /* edges whose last endpoint is kept */
#define EW_BEST_MAX 32           /* networks whose best endpoint is kept */
#define EW_CHOSEN_ROUTES_MAX 512 /* accepted, refused, forwarded and awaited, each */

typedef struct
{
  /* The identity in the mesh. id NULL: not enrolled, and the rest of this block is empty. */
  gchar *id;
  guint8 private_key[32];
  gchar *credential; /* unpadded base64url of 32 bytes */
  guint8 pin[EW_PIN_SIZE];
  gchar *ca_pem;
  GStrv api;            /* "https://HOST:PORT" */
  JsonObject *document; /* the last node document that passed ew_document_parse() */
  gchar *suffix;        /* SUFFIX when this computer enrolled, or accepted since; NULL: one that is to be accepted */
  gboolean removed;     /* an administrator took this node out of the mesh */
  GStrv answered;       /* "KEY IP:PORT" of edges, the latest first: where each answered last; NULL: none */
  GStrv best; /* "NETWORK IP:PORT", the latest first: by which of its addresses the edge is best reached there */
  gchar *told_os, *told_version; /* what the edge last took as this computer's; NULL: unknown */

  /* The user's settings. */
  gboolean wish_connected;
  gboolean vpn;               /* the stored mode: only once confirmed */
  GStrv accepted_domains;     /* search domains of gateways whose names are the edge's to answer; NULL: none */
  GStrv refused_domains;      /* … of which the user wants to hear no more */
  GStrv fixes;                /* names of checks that Edgeway may fix on this computer (net/host.h); NULL: none */
  gboolean lan_names;         /* in VPN mode, names of the LAN's own domains stay the LAN's to answer */
  gboolean lan_blocked;       /* in VPN mode and in lockdown, the LAN can't be reached */
  GArray *excluded;           /* EwPrefix: outside the tunnel in VPN mode */
  GArray *included;           /* EwPrefix: not empty: nothing else goes through the tunnel in VPN mode */
  GArray *accepted, *refused; /* EwPrefix: routes of the mesh, through other nodes */
  GArray *forwarded; /* EwPrefix: routes that this node forwards. Apart from accepted: an edge must not be able to
                        turn one choice into the other */
  GArray *awaited;   /* EwPrefix: accepted, but not offered yet: the first offer says which of the two */

  GStrv https_networks; /* names of networks (the tunnel's) that let no UDP through, the latest first; NULL: none */

  guint64 timestamp_floor_ns; /* no handshake of this node may carry an earlier timestamp */

  /* An enrollment that hasn't been answered yet: it's stored before the request, so that a lost reply does no harm. */
  gboolean pending;
  guint8 pending_secret_hash[32]; /* SHA-256 of the enrollment key's secret: which key it was begun with */
  guint8 pending_private_key[32];
  gchar *pending_credential;

  /* Private. */
  gchar *path;
  GHashTable *addresses; /* host name → GStrv of numeric IPs */
} EwKeystore;

/* An absent file is an empty keystore. EW_ERROR_FAILED: the file is broken or cannot be read. */
EwKeystore *ew_keystore_load (const gchar *state_dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
EwKeystore *ew_keystore_ref (EwKeystore *self);
void ew_keystore_unref (EwKeystore *self); /* the last one zeroes the secrets */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwKeystore, ew_keystore_unref)

gboolean ew_keystore_save (EwKeystore *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Makes a key pair and a credential for an enrollment with this secret, or finds those it was begun with; saved. */
gboolean ew_keystore_begin_enrollment (EwKeystore *self, const gchar *secret, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The edge refused permanently: nothing was begun. Best effort. */
void ew_keystore_drop_enrollment (EwKeystore *self);
/* The edge said yes: the pending keys become the identity; settings start afresh, the wish is to be connected. Saved;
   on failure nothing has changed and the same key can be tried again. */
gboolean ew_keystore_finish_enrollment (EwKeystore *self, const guint8 pin[EW_PIN_SIZE], const gchar *ca_pem,
                                        const gchar *const *api, const gchar *id, JsonObject *document,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Erases identity and settings, and the file. */
gboolean ew_keystore_erase (EwKeystore *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The public half of a WireGuard private key (X25519). */
void ew_key_public (const guint8 private_key[32], guint8 public_key[32]);

/* Addresses that a host name had last. Borrowed, NULL: none known. */
const gchar *const *ew_keystore_get_addresses (EwKeystore *self, const gchar *host);
/* Another keystore that contains only these addresses and is stored in no file. */
EwKeystore *ew_keystore_copy_addresses (EwKeystore *self) G_GNUC_WARN_UNUSED_RESULT;
/* TRUE when that was news; saving is the caller's. What went first goes first again, if it is still among them. */
gboolean ew_keystore_set_addresses (EwKeystore *self, const gchar *host, const gchar *const *addresses);
/* This address worked: it goes first where a name has it. TRUE when that was news. */
gboolean ew_keystore_prefer_address (EwKeystore *self, const EwIp *ip);

/* The edge with this public key answered from there. TRUE when that was news; saving is the caller's. */
gboolean ew_keystore_set_answered (EwKeystore *self, const guint8 public_key[32], const EwEndpoint *endpoint);
/* Where it answered last. FALSE: unknown. */
gboolean ew_keystore_get_answered (EwKeystore *self, const guint8 public_key[32], EwEndpoint *endpoint);

/* By which of several addresses the edge was reached in this network. FALSE: unknown. */
gboolean ew_keystore_get_best (EwKeystore *self, const gchar *network, EwEndpoint *endpoint);
/* TRUE when that was news; saving is the caller's. */
gboolean ew_keystore_set_best (EwKeystore *self, const gchar *network, const EwEndpoint *endpoint);

/* This network needs the https transport, or doesn't. TRUE when that was news; saving is the caller's. */
gboolean ew_keystore_needs_https (EwKeystore *self, const gchar *network);
gboolean ew_keystore_set_needs_https (EwKeystore *self, const gchar *network, gboolean needs);

gboolean ew_domains_contain (const gchar *const *domains, const gchar *domain);
/* Adds or takes out. FALSE: it was so already, or the list is full. */
gboolean ew_domains_set (GStrv *domains, const gchar *domain, gboolean present);

gboolean ew_prefixes_contain (GArray *prefixes, const EwPrefix *prefix);
/* Adds or takes out. FALSE: it was so already, or the list is full. */
gboolean ew_prefixes_set (GArray *prefixes, const EwPrefix *prefix, gboolean present);

G_END_DECLS
