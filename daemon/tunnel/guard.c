/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/guard.h"

void
ew_guard_init (EwGuard *self, gboolean stored_vpn)
{
  *self = (EwGuard){ .state = EW_GUARD_SETTLED, .vpn = stored_vpn, .stored_vpn = stored_vpn };
}

static EwGuardAction
settle (EwGuard *self)
{
  ew_guard_init (self, self->vpn);
  return EW_GUARD_STORE;
}

EwGuardAction
ew_guard_set_mode (EwGuard *self, gboolean vpn, guint confirm_within, gboolean remote)
{
  if (vpn == self->vpn)
    return EW_GUARD_NOTHING;
  if (!vpn)
    {
      ew_guard_init (self, FALSE);
      return EW_GUARD_APPLY_AND_STORE;
    }
  self->state = EW_GUARD_ARMED;
  self->vpn = TRUE;
  self->needs_confirm = remote || confirm_within > 0;
  self->seconds = confirm_within ? confirm_within : EW_GUARD_SECONDS;
  return EW_GUARD_APPLY;
}

EwGuardAction
ew_guard_active (EwGuard *self, gint64 now)
{
  if (self->state != EW_GUARD_ARMED)
    return EW_GUARD_NOTHING;
  self->state = EW_GUARD_COUNTING;
  self->began = now;
  self->until = now + (gint64)self->seconds * G_USEC_PER_SEC;
  return EW_GUARD_NOTHING;
}

EwGuardAction
ew_guard_probe_returned (EwGuard *self, gint64 sent)
{
  /* One sent before the switch proves nothing about it. */
  if (self->state != EW_GUARD_COUNTING || self->needs_confirm || sent < self->began)
    return EW_GUARD_NOTHING;
  return settle (self);
}

EwGuardAction
ew_guard_confirm (EwGuard *self)
{
  return self->state == EW_GUARD_COUNTING ? settle (self) : EW_GUARD_NOTHING;
}

EwGuardAction
ew_guard_undo (EwGuard *self)
{
  if (self->state == EW_GUARD_SETTLED)
    return EW_GUARD_NOTHING;
  ew_guard_init (self, self->stored_vpn);
  return EW_GUARD_APPLY;
}

EwGuardAction
ew_guard_tick (EwGuard *self, gint64 now)
{
  return self->state == EW_GUARD_COUNTING && now >= self->until ? ew_guard_undo (self) : EW_GUARD_NOTHING;
}
