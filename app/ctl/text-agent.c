/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text-agent.h"

#include <unistd.h>

#include "console/terminal.h"

#ifdef EW_HAVE_POLKIT_AGENT
#define POLKIT_AGENT_I_KNOW_API_IS_SUBJECT_TO_CHANGE
#include <polkitagent/polkitagent.h>
#endif

struct _EwTextAgent
{
  gpointer registration;
};

#ifdef EW_HAVE_POLKIT_AGENT
/* With a screen its own agent asks first. A fallback doesn't help elsewhere: polkit ignores it for callers outside
   every session, as in containers. */
static gboolean
has_screen (void)
{
  return g_getenv ("DISPLAY") != NULL || g_getenv ("WAYLAND_DISPLAY") != NULL;
}

/* In its own thread: the listener blocks while it reads the password. */
static gpointer
register_agent (GError **error)
{
  g_autoptr (PolkitAgentListener) listener = polkit_agent_text_listener_new (NULL, error);
  g_autoptr (PolkitSubject) subject = NULL;
  GVariantBuilder options;

  if (listener == NULL)
    return NULL;
  subject = polkit_unix_process_new_for_owner (getpid (), 0, (gint)getuid ());
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "fallback", g_variant_new_boolean (has_screen ()));
  return polkit_agent_listener_register_with_options (listener, POLKIT_AGENT_REGISTER_FLAGS_RUN_IN_THREAD, subject,
                                                      NULL, g_variant_builder_end (&options), NULL, error);
}
#endif

EwTextAgent *
ew_text_agent_new (void)
{
  EwTextAgent *self = g_new0 (EwTextAgent, 1);

#ifdef EW_HAVE_POLKIT_AGENT
  g_autoptr (GError) error = NULL;

  if (!isatty (STDIN_FILENO))
    return self;
  ew_terminal_restore_on_signals ();
  self->registration = register_agent (&error);
  if (self->registration == NULL)
    g_debug ("no password prompt on this terminal: %s", error->message);
#endif
  return self;
}

void
ew_text_agent_free (EwTextAgent *self)
{
#ifdef EW_HAVE_POLKIT_AGENT
  if (self->registration != NULL)
    polkit_agent_listener_unregister (self->registration);
#endif
  g_free (self);
}
