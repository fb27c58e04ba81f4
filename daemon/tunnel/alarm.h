/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A timer that knows of sleep: CLOCK_BOOTTIME counts while the computer is suspended, so what fell due during sleep
 * is called at once on waking. One deadline each; it costs nothing while none is set.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct EwAlarm EwAlarm;

/* func runs in the default main context. */
EwAlarm *ew_alarm_new (void (*func) (gpointer user_data), gpointer user_data);
void ew_alarm_free (EwAlarm *alarm);
/* at: µs of ew_boottime(); G_MAXINT64: never. Replaces the deadline before. */
void ew_alarm_set (EwAlarm *alarm, gint64 at);

/* µs since boot, sleep included. */
gint64 ew_boottime (void);
/* µs that this computer has slept since boot: grows over a suspend. */
gint64 ew_slept (void);

G_END_DECLS
