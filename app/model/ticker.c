/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timer: `tick`, once a second while there are followers.
 */
#include "ticker.h"

typedef struct
{
  guint id; /* 0: it has left */
  EwTickerFunc function;
  gpointer user_data;
} Follower;

static GPtrArray *followers; /* Follower */
static guint last_id, tick;

static gpointer
copy_follower (gconstpointer follower, gpointer user_data)
{
  return g_rc_box_acquire ((gpointer)follower);
}

static gboolean
on_tick (gpointer user_data)
{
  g_autoptr (GPtrArray) now = g_ptr_array_copy (followers, copy_follower, NULL);

  for (guint i = 0; i < now->len; i++)
    {
      Follower *follower = now->pdata[i];

      if (follower->id != 0)
        follower->function (follower->user_data);
    }
  if (followers->len > 0)
    return G_SOURCE_CONTINUE;
  tick = 0;
  return G_SOURCE_REMOVE;
}

guint
ew_ticker_follow (EwTickerFunc function, gpointer user_data)
{
  Follower *follower = g_rc_box_new0 (Follower);

  *follower = (Follower){ ++last_id, function, user_data };
  if (followers == NULL)
    followers = g_ptr_array_new_with_free_func (g_rc_box_release);
  g_ptr_array_add (followers, follower);
  if (tick == 0)
    tick = g_timeout_add_seconds (1, on_tick, NULL);
  return follower->id;
}

void
ew_ticker_leave (guint *id)
{
  for (guint i = 0; *id != 0 && i < followers->len; i++)
    {
      Follower *follower = followers->pdata[i];

      if (follower->id != *id)
        continue;
      follower->id = 0; /* its turn in this tick is over, too */
      g_ptr_array_remove_index (followers, i);
      break;
    }
  *id = 0;
}

gboolean
ew_ticker_is_running (void)
{
  return followers != NULL && followers->len > 0;
}
