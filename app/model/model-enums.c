/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model-enums.h"

G_DEFINE_ENUM_TYPE (EwAvailability, ew_availability, G_DEFINE_ENUM_VALUE (EW_AVAILABILITY_LOOKING, "looking"),
                    G_DEFINE_ENUM_VALUE (EW_AVAILABILITY_READY, "ready"),
                    G_DEFINE_ENUM_VALUE (EW_AVAILABILITY_NO_BUS, "no-bus"),
                    G_DEFINE_ENUM_VALUE (EW_AVAILABILITY_NOT_INSTALLED, "not-installed"),
                    G_DEFINE_ENUM_VALUE (EW_AVAILABILITY_NOT_STARTING, "not-starting"),
                    G_DEFINE_ENUM_VALUE (EW_AVAILABILITY_NOT_ALLOWED, "not-allowed"))

/* The nicks of state, mode, kind and node state are the words of D-Bus and JSON: they are read with them. */
G_DEFINE_ENUM_TYPE (EwState, ew_state, G_DEFINE_ENUM_VALUE (EW_STATE_UNKNOWN, "unknown"),
                    G_DEFINE_ENUM_VALUE (EW_STATE_NOT_ENROLLED, "not-enrolled"),
                    G_DEFINE_ENUM_VALUE (EW_STATE_DISCONNECTED, "disconnected"),
                    G_DEFINE_ENUM_VALUE (EW_STATE_CONNECTING, "connecting"),
                    G_DEFINE_ENUM_VALUE (EW_STATE_CONNECTED, "connected"),
                    G_DEFINE_ENUM_VALUE (EW_STATE_RECONNECTING, "reconnecting"),
                    G_DEFINE_ENUM_VALUE (EW_STATE_AWAITING_APPROVAL, "awaiting-approval"),
                    G_DEFINE_ENUM_VALUE (EW_STATE_REMOVED, "removed"), G_DEFINE_ENUM_VALUE (EW_STATE_ERROR, "error"))

G_DEFINE_ENUM_TYPE (EwMode, ew_mode, G_DEFINE_ENUM_VALUE (EW_MODE_CONNECTOR, "connector"),
                    G_DEFINE_ENUM_VALUE (EW_MODE_VPN, "vpn"))

G_DEFINE_ENUM_TYPE (EwKind, ew_kind, G_DEFINE_ENUM_VALUE (EW_KIND_DEVICE, "device"),
                    G_DEFINE_ENUM_VALUE (EW_KIND_SERVER, "server"))

G_DEFINE_ENUM_TYPE (EwNodeState, ew_node_state, G_DEFINE_ENUM_VALUE (EW_NODE_NOT_JOINED, "not-joined"),
                    G_DEFINE_ENUM_VALUE (EW_NODE_AWAITING_APPROVAL, "awaiting-approval"),
                    G_DEFINE_ENUM_VALUE (EW_NODE_OFFLINE, "offline"), G_DEFINE_ENUM_VALUE (EW_NODE_ONLINE, "online"),
                    G_DEFINE_ENUM_VALUE (EW_NODE_WAS_ONLINE, "was-online"))

G_DEFINE_ENUM_TYPE (EwStreamState, ew_stream_state, G_DEFINE_ENUM_VALUE (EW_STREAM_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (EW_STREAM_LOADING, "loading"), G_DEFINE_ENUM_VALUE (EW_STREAM_LIVE, "live"),
                    G_DEFINE_ENUM_VALUE (EW_STREAM_FAILED, "failed"))
