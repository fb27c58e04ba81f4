/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table of services, replaced under the data threads.
 */
#include "edge/switch/switch-private.h"

#include "common/util.h"

/* The call itself does nothing: after it no data thread is using what it used before. */
static void
pass_by (EwDevice *device, const EwTime *time, void *data)
{
}

/* A service was removed, so that its number may become another one's. */
static gboolean
lacks_any (const EwNatTable *table, const EwNatTable *previous)
{
  for (gsize i = 0; i < previous->n; i++)
    {
      const EwNatEntry *entry = ew_nat_table_numbered (table, previous->entries[i].number);

      if (entry == NULL || !g_str_equal (entry->id, previous->entries[i].id))
        return TRUE;
    }
  return FALSE;
}

gboolean
ew_switch_set_services (EwSwitch *self, const EwNatService *services, gsize n, GError **error)
{
  EwRouterTranslation *old = self->translation, *translation;
  EwNatTable *table = ew_nat_table_new (services, n, self->router.service, old != NULL ? old->table : NULL, error);
  guint64 seed;

  if (table == NULL)
    return FALSE;
  if (self->nat == NULL)
    {
      ew_random (&seed, sizeof seed);
      self->nat = ew_nat_new (seed, (guint32)(ew_switch_now_ns () / EW_SECOND_NS));
    }
  translation = g_new (EwRouterTranslation, 1);
  *translation = (EwRouterTranslation){ .nat = self->nat, .table = table };
  self->translation = translation;
  atomic_store (&self->router.translation, n > 0 ? translation : NULL);
  ew_engine_call (self->engine, pass_by, NULL);
  if (old == NULL)
    return TRUE;
  if (self->flows != NULL && lacks_any (table, old->table))
    ew_switch_flow_table_invalidate (self->flows);
  ew_nat_table_free (old->table);
  g_free (old);
  return TRUE;
}

void
ew_switch_services_forget (EwSwitch *self, SwitchNode *node)
{
  if (self->nat != NULL)
    ew_nat_states_forget (ew_nat_get_states (self->nat), &node->router.translations);
}

void
ew_switch_services_clear (EwSwitch *self)
{
  if (self->translation != NULL)
    ew_nat_table_free (self->translation->table);
  g_clear_pointer (&self->translation, g_free);
  g_clear_pointer (&self->nat, ew_nat_free);
}
