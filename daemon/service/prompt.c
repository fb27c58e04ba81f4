/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/prompt.h"

#include <edgeway-config.h>
#include <glib/gi18n.h>
#include <string.h>

/* A caller chooses these words, and a person is to trust the prompt: only names and networks. */
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
#define NAME_MAX_CHARS 63
#define DOMAIN_CHARS NAME_CHARS "."
#define DOMAIN_MAX_CHARS 253
#define NETWORK_CHARS "0123456789abcdefABCDEF.:/"
#define NETWORK_MAX_CHARS 43

/* polkit replaces $(node), $(domain) and $(network), the call's first argument, in the sentence that it translates. */
static const struct
{
  const gchar *method, *argument, *message;
  const gchar *unnamed; /* where the node has but an ID; NULL: the action's own words */
} prompts[] = {
  { "Enroll", NULL, N_ ("Authentication is required to let Edgeway join this computer to a mesh") },
  { "Leave", NULL, N_ ("Authentication is required to let Edgeway take this computer out of its mesh") },
  { "Connect", NULL, N_ ("Authentication is required to let Edgeway connect this computer to its mesh") },
  { "Disconnect", NULL, N_ ("Authentication is required to let Edgeway disconnect this computer from its mesh") },
  { "SetLockdown", NULL, N_ ("Authentication is required to let Edgeway change what may leave this computer") },
  { "ChangeSplit", NULL, N_ ("Authentication is required to let Edgeway change where internet traffic leaves") },
  { "SetLan", NULL, N_ ("Authentication is required to let Edgeway change what may leave this computer") },
  { "OpenPortal", NULL, N_ ("Authentication is required to let Edgeway open this network's login page") },
  { "ClosePortal", NULL, N_ ("Authentication is required to let Edgeway change what may leave this computer") },
  { "SetProxy", NULL, N_ ("Authentication is required to let Edgeway change the proxy that leads to the mesh") },
  { "SetProxyPassword", NULL, N_ ("Authentication is required to let Edgeway store a proxy's password") },
  { "SetMode", NULL, N_ ("Authentication is required to let Edgeway change where internet traffic leaves") },
  { "ConfirmMode", NULL, N_ ("Authentication is required to let Edgeway keep VPN mode") },
  { "UndoMode", NULL, N_ ("Authentication is required to let Edgeway turn VPN mode off") },
  { "Fix", NULL, N_ ("Authentication is required to let Edgeway change what on this computer blocks the mesh") },
  { "RevertFixes", NULL, N_ ("Authentication is required to let Edgeway undo its fixes on this computer") },
  { "AddNode", "node", N_ ("Authentication is required to let Edgeway add $(node) to the mesh") },
  { "CreateConfig", "node", N_ ("Authentication is required to let Edgeway add $(node) to the mesh") },
  { "RenewNode", "node", N_ ("Authentication is required to let Edgeway create a new enrollment key for $(node)"),
    N_ ("Authentication is required to let Edgeway create a new enrollment key for a node") },
  { "RenameNode", "node", N_ ("Authentication is required to let Edgeway rename $(node)"),
    N_ ("Authentication is required to let Edgeway rename a node") },
  { "RemoveNode", "node", N_ ("Authentication is required to let Edgeway remove $(node) from the mesh"),
    N_ ("Authentication is required to let Edgeway remove a node from the mesh") },
  { "ListKeys", NULL, N_ ("Authentication is required to let Edgeway list the enrollment keys of the mesh") },
  { "RevokeKey", NULL, N_ ("Authentication is required to let Edgeway revoke an enrollment key") },
  { "AddRoute", "network", N_ ("Authentication is required to let Edgeway share $(network) with the mesh") },
  { "RemoveRoute", "network", N_ ("Authentication is required to let Edgeway stop sharing $(network) with the mesh") },
  { "AcceptRoute", "network", N_ ("Authentication is required to let this computer forward the mesh to $(network)") },
  { "RefuseRoute", "network",
    N_ ("Authentication is required to stop this computer forwarding the mesh to $(network)") },
  { "AddName", "domain", N_ ("Authentication is required to let Edgeway add the name $(domain) to the mesh") },
  { "RemoveName", "domain", N_ ("Authentication is required to let Edgeway remove the name $(domain) from the mesh") },
  { "AcceptDomain", "domain",
    N_ ("Authentication is required to let this computer ask the mesh for names below $(domain)") },
  { "RefuseDomain", "domain",
    N_ ("Authentication is required to stop this computer asking the mesh for names below $(domain)") },
  { "AddService", "domain", N_ ("Authentication is required to let Edgeway add the service $(domain) to the mesh") },
  { "EditService", "domain", N_ ("Authentication is required to let Edgeway change the service $(domain)") },
  { "RemoveService", "domain",
    N_ ("Authentication is required to let Edgeway remove the service $(domain) from the mesh") },
  { "Publish", "domain", N_ ("Authentication is required to let Edgeway publish the service $(domain)") },
  { "Unpublish", "domain", N_ ("Authentication is required to let Edgeway stop publishing $(domain)") },
};

static gboolean
is_plain (const gchar *value, const gchar *allowed, gsize most)
{
  gsize length = strlen (value);
  return length > 0 && length <= most && strspn (value, allowed) == length;
}

/* An ID tells a person nothing. */
static gboolean
is_id (const gchar *value)
{
  return strlen (value) == 17 && value[0] == 'n' && strspn (value + 1, "0123456789abcdef") == 16;
}

static gboolean
may_say (const gchar *argument, const gchar *value)
{
  if (g_str_equal (argument, "node"))
    return is_plain (value, NAME_CHARS, NAME_MAX_CHARS) && !is_id (value);
  if (g_str_equal (argument, "domain"))
    return is_plain (value, DOMAIN_CHARS, DOMAIN_MAX_CHARS);
  return is_plain (value, NETWORK_CHARS, NETWORK_MAX_CHARS);
}

/* NULL: nothing of its own to say. */
static const gchar *
choose_message (guint prompt, GVariant *parameters, const gchar **value)
{
  const gchar *argument = prompts[prompt].argument;
  *value = NULL;
  if (argument == NULL)
    return prompts[prompt].message;
  if (g_variant_n_children (parameters) == 0)
    return NULL;
  g_variant_get_child (parameters, 0, "&s", value);
  return may_say (argument, *value) ? prompts[prompt].message : prompts[prompt].unnamed;
}

GVariant *
ew_prompt_dup_details (const gchar *method, GVariant *parameters)
{
  GVariantBuilder details;
  g_variant_builder_init (&details, G_VARIANT_TYPE ("a{ss}"));
  for (guint i = 0; i < G_N_ELEMENTS (prompts); i++)
    if (g_str_equal (prompts[i].method, method))
      {
        const gchar *value, *message = choose_message (i, parameters, &value);
        if (message == NULL)
          break;
        g_variant_builder_add (&details, "{ss}", "polkit.message", message);
        g_variant_builder_add (&details, "{ss}", "polkit.gettext_domain", GETTEXT_PACKAGE);
        if (message != prompts[i].unnamed && value != NULL)
          g_variant_builder_add (&details, "{ss}", prompts[i].argument, value);
      }
  return g_variant_ref_sink (g_variant_builder_end (&details));
}
