/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All streams of a process and the thread that owns them: capsules in, datagrams to the engine; datagrams from the
 * engine, capsules out. A stream is a connection that was upgraded (dial.h, edge/masque) and that nothing else uses any
 * more.
 *
 *   engine's worker → send() → the stream's queue ─┐   thread: pack 16 KB, one TLS record each → socket
 *   engine's worker ← ew_engine_hear() ← datagrams ┘   thread: read, open TLS, cut into datagrams
 *
 * One stream has head-of-line blocking: its queue is short in bytes and in age (queue.h), and little waits in the
 * kernel behind it (TCP_NOTSENT_LOWAT), so that what is dropped is dropped here and early.
 *
 * The thread starts with the first stream and sleeps while nothing happens.
 */
#pragma once

#include <gio/gio.h>
#include "engine/streams.h"

G_BEGIN_DECLS

typedef struct EwStreamThread EwStreamThread;

typedef struct
{
  /* Milliseconds that a worker waits for a full queue: where one stream is all there is, the pressure belongs on the
     TUN's queue. 0: nothing is waited for, others' packets are behind. */
  guint full_wait_ms;
  /* Seconds within which the engine must have had something to say to a peer through a new stream, and between two such
     occasions later: it speaks to authenticated peers only (cookie replies don't count). With proof_seconds, a stream
     that brings 256 KiB before has ended too. 0: no such bounds. */
  guint proof_seconds, silence_seconds;
  /* In the main context that is the thread default at ew_stream_thread_new(): the stream has ended, whoever ended it,
     except by ew_stream_thread_close(). reason: static, for logs. */
  void (*on_ended) (gpointer user_data, guint64 id, const gchar *reason);
  gpointer user_data;
} EwStreamThreadConfig;

EwStreamThread *ew_stream_thread_new (const EwStreamThreadConfig *config);
/* No engine is attached any more. Closes what is left; on_ended isn't called. */
void ew_stream_thread_free (EwStreamThread *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwStreamThread, ew_stream_thread_free)
EwStreams *ew_stream_thread_get_streams (EwStreamThread *self); /* for EwEngineConfig */

/* stream: of a TCP connection (TLS or not) whose socket is socket; taken over. early: bytes that came after the head
   that upgraded it. *endpoint: how the engine reaches it. FALSE: no thread could be started. */
gboolean ew_stream_thread_add (EwStreamThread *self, GIOStream *stream, GSocket *socket, GBytes *early,
                               EwEndpoint *endpoint);
/* At once; unknown ones are ignored. */
void ew_stream_thread_close (EwStreamThread *self, guint64 id);
/* Whether the engine has had something to say to a peer through it. */
gboolean ew_stream_thread_is_proved (EwStreamThread *self, guint64 id);

G_END_DECLS
