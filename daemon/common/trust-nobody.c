/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/pki.h"

/* A database without authorities. */
typedef struct
{
  GTlsDatabase parent;
} EwPkiNobody;

typedef struct
{
  GTlsDatabaseClass parent;
} EwPkiNobodyClass;

GType ew_pki_nobody_get_type (void);
G_DEFINE_TYPE (EwPkiNobody, ew_pki_nobody, G_TYPE_TLS_DATABASE)

static GTlsCertificateFlags
verify_chain (GTlsDatabase *self, GTlsCertificate *chain, const gchar *purpose, GSocketConnectable *identity,
              GTlsInteraction *interaction, GTlsDatabaseVerifyFlags flags, GCancellable *cancellable, GError **error)
{
  return G_TLS_CERTIFICATE_UNKNOWN_CA;
}

static void
ew_pki_nobody_class_init (EwPkiNobodyClass *class)
{
  G_TLS_DATABASE_CLASS (class)->verify_chain = verify_chain;
}

static void
ew_pki_nobody_init (EwPkiNobody *self)
{
}

void
ew_pki_trust_nobody (void)
{
  static gsize done;
  if (!g_once_init_enter (&done))
    return;
  g_autoptr (GTlsDatabase) nobody = g_object_new (ew_pki_nobody_get_type (), NULL);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), nobody);
  g_once_init_leave (&done, 1);
}
