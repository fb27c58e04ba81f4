/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * org.edgeway.Daemon1 inside a test, on a private bus: the test sets properties, sees the calls, and answers them.
 */
#pragma once

#include "edgeway-daemon1.h"

G_BEGIN_DECLS

typedef struct
{
  GTestDBus *bus;
  GDBusConnection *connection;
  EwDaemon1 *object;
  guint owned;
  GString *calls; /* "Connect", "SetMode vpn", one a line */
  GQueue waiting; /* GDBusMethodInvocation of calls not answered yet */
} FakeService;

/* enrolled: connected in connector-only mode to Frankfurt; else in no mesh. The service is on the bus when it returns.
 */
FakeService *fake_service_new (gboolean enrolled);
void fake_service_free (FakeService *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeService, fake_service_free)

const gchar *fake_service_address (FakeService *self);
/* Answers the oldest call that waits: with success, or with org.edgeway.Error.NAME. */
void fake_service_answer (FakeService *self);
void fake_service_refuse (FakeService *self, const gchar *name, const gchar *message);

/* Runs the main loop until condition (data) is TRUE; ends the test as failed after 10 s. */
void wait_until (gboolean (*condition) (gpointer data), gpointer data, const gchar *what);
/* Runs the main loop for ms. */
void let_pass (guint ms);

G_END_DECLS
