/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What can be said of this computer, of a node, of the daemon: each with a GType, for properties.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef enum
{
  EW_AVAILABILITY_LOOKING, /* the first moments: nothing is shown yet */
  EW_AVAILABILITY_READY,
  EW_AVAILABILITY_NO_BUS,        /* no system bus */
  EW_AVAILABILITY_NOT_INSTALLED, /* the name has no owner, and edgewayd isn't installed in its usual place */
  EW_AVAILABILITY_NOT_STARTING,  /* it is installed and did not start, or ended again */
  EW_AVAILABILITY_NOT_ALLOWED,   /* the bus refuses this program */
} EwAvailability;

/* The words of `edgewayctl status --json` for "state" (app/ctl/README.md). */
typedef enum
{
  EW_STATE_UNKNOWN, /* no daemon, or a word of a newer one */
  EW_STATE_NOT_ENROLLED,
  EW_STATE_DISCONNECTED,
  EW_STATE_CONNECTING,
  EW_STATE_CONNECTED,
  EW_STATE_RECONNECTING,
  EW_STATE_AWAITING_APPROVAL,
  EW_STATE_REMOVED,
  EW_STATE_ERROR,
} EwState;

typedef enum
{
  EW_MODE_CONNECTOR,
  EW_MODE_VPN,
} EwMode;

typedef enum
{
  EW_KIND_DEVICE,
  EW_KIND_SERVER,
} EwKind;

/* A node on the map, as the edge sees it. */
typedef enum
{
  EW_NODE_NOT_JOINED,
  EW_NODE_AWAITING_APPROVAL,
  EW_NODE_OFFLINE,
  EW_NODE_ONLINE,
  EW_NODE_WAS_ONLINE, /* as last seen: the edge hasn't been heard since */
} EwNodeState;

typedef enum
{
  EW_STREAM_CLOSED,
  EW_STREAM_LOADING, /* opened, no whole snapshot yet */
  EW_STREAM_LIVE,
  EW_STREAM_FAILED, /* error says why; it is opened again by itself when that can help */
} EwStreamState;

GType ew_availability_get_type (void);
GType ew_state_get_type (void);
GType ew_mode_get_type (void);
GType ew_kind_get_type (void);
GType ew_node_state_get_type (void);
GType ew_stream_state_get_type (void);
#define EW_TYPE_AVAILABILITY (ew_availability_get_type ())
#define EW_TYPE_STATE (ew_state_get_type ())
#define EW_TYPE_MODE (ew_mode_get_type ())
#define EW_TYPE_KIND (ew_kind_get_type ())
#define EW_TYPE_NODE_STATE (ew_node_state_get_type ())
#define EW_TYPE_STREAM_STATE (ew_stream_state_get_type ())

G_END_DECLS
