/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How large a packet the path to a node with plain WireGuard takes. A node with Edgeway measures that itself and says so
 * (proto/link.h); the other one only answers ICMP echoes, so a few of them of different sizes are sent, in datagrams
 * that no router may fragment.
 *
 *   heard from a new address, or ten minutes since ──→ FIRST: the largest, 1280 and 576 bytes ──largest answered──→ done
 *                                                        └─→ BETWEEN: the sizes from what passed to what didn't ──→ done
 *
 * One that answers no echo at all gets packets of the size that it had until now.
 */
#pragma once

#include "edge/switch/switch-private.h"

#define EW_PLAIN_PATH_LOOK_MS 100
#define EW_PLAIN_PATH_WAIT_NS EW_SECOND_NS /* for an answer: a phone's radio may have to wake up */
#define EW_PLAIN_PATH_TRIES 3
#define EW_PLAIN_PATH_AGAIN_NS (600 * EW_SECOND_NS)
#define EW_PLAIN_PATH_FRESH_NS (10 * EW_SECOND_NS) /* heard so lately, it needn't be woken up for this */

/* Its state has just been read from the engine: begins if that is due. */
void ew_switch_plain_path_look (EwSwitch *self, SwitchNode *node, guint64 now);
/* The switch has removed the node. */
void ew_switch_plain_path_removed (EwSwitch *self, SwitchNode *node);
void ew_switch_plain_path_clear (EwSwitch *self);
