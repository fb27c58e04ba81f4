/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The other way that datagrams come and go: inside streams (the https transport), each an endpoint of kind
 * EW_ENDPOINT_STREAM. The engine knows this interface only; streams themselves, their thread and their queues are
 * daemon/stream's.
 */
#pragma once

#include "engine/udp.h"

G_BEGIN_DECLS

typedef struct
{
  /* From any worker: one burst, whose to.kind is EW_ENDPOINT_STREAM; copied. One whose stream has ended has failed. May
     wait for a few milliseconds, as EwUdpClass's. */
  void (*send) (EwStreams *streams, const EwBurst *burst, EwUdpSendStats *stats);
  /* What arrives is the engine's (ew_engine_hear()) from now on; NULL: nobody's. When this returns, the engine before
     is told nothing more. */
  void (*attach) (EwStreams *streams, EwEngine *engine);
} EwStreamsClass;

struct EwStreams
{
  const EwStreamsClass *class;
};

G_END_DECLS
