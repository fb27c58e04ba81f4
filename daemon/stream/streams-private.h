/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the streams' thread share: streams.c (their life), thread.c (the loop, and how streams end), send.c
 * (from the engine to the socket), receive.c (from the socket to the engine).
 */
#pragma once

#include "stream/streams.h"
#include <pthread.h>
#include "capsule/capsule.h"
#include "stream/queue.h"

G_BEGIN_DECLS

#define EW_STREAM_READ_SIZE (64 * 1024)
#define EW_STREAM_SECOND_NS (G_GUINT64_CONSTANT (1000000000))

typedef struct
{
  guint64 id;
  EwEndpoint endpoint;
  GIOStream *stream;
  GSocket *socket;
  int fd;

  /* The thread's. */
  EwCapsuleReader reader;
  GBytes *early; /* NULL: read */
  guint8 *out;   /* packed, being written */
  gsize out_length, out_written;
  gboolean wants_out; /* EPOLLOUT is asked for */
  gboolean more;      /* TLS may hold bytes that epoll doesn't see */
  gsize unproved;     /* bytes that came before the first proof */

  /* Under the lock. */
  EwStreamQueue queue;
  gboolean ready;      /* in the list of those that have something to write */
  gboolean condemned;  /* to be closed by the thread */
  gboolean told;       /* on_ended isn't called */
  const gchar *reason; /* why it is condemned */
  guint64 written_ns;  /* when it last took something */
  guint64 proved_ns;   /* when the engine last spoke to a peer through it; 0: never */
  guint64 since_ns;
} EwStream;

/* Outlives the thread for as long as the main context has news of it. */
typedef struct
{
  EwStreamThread *self; /* the main context's; NULL: freed */
} EwStreamLife;

struct EwStreamThread
{
  EwStreams base;
  EwStreamThreadConfig config;
  GMainContext *context;
  EwStreamLife *life;
  pthread_t thread;
  gboolean started, stop;
  int epoll, wake;
  guint8 *buffer; /* EW_STREAM_READ_SIZE */

  /* pthread, not GMutex: thread sanitizers see through it. */
  pthread_mutex_t lock;
  pthread_cond_t drained;
  GHashTable *streams; /* guint64 → EwStream (owned) */
  GPtrArray *ready;    /* EwStream */
  gboolean asleep;
  guint64 next_id;
  guint64 look_ns; /* when a bound is to be looked at next */

  pthread_mutex_t engine_lock;
  EwEngine *engine;
};

/* streams.c */
void ew_stream_free (gpointer stream);
guint64 ew_stream_now_ns (void);
/* Under the lock: the thread is to serve it. */
void ew_stream_mark_ready (EwStreamThread *self, EwStream *stream);

/* thread.c */
void *ew_stream_run (void *data); /* the thread itself; data: EwStreamThread */
/* The stream is freed. reason: static; NULL where it has one. */
void ew_stream_end (EwStreamThread *self, EwStream *stream, const gchar *reason);
/* Under the lock: when one of its bounds is reached. */
guint64 ew_stream_next_look (const EwStreamThread *self, const EwStream *stream);

/* send.c */
void ew_stream_send (EwStreams *streams, const EwBurst *burst, EwUdpSendStats *stats);
/* The thread's, as are those of receive.c: writes what waits, as far as the kernel takes it. FALSE: it has ended. */
gboolean ew_stream_flush (EwStreamThread *self, EwStream *stream);

/* receive.c */
/* Reads for one turn; stream->more: there may be more. FALSE: it has ended. */
gboolean ew_stream_receive (EwStreamThread *self, EwStream *stream);
/* What came after the head that upgraded it. FALSE: it has ended. */
gboolean ew_stream_receive_early (EwStreamThread *self, EwStream *stream);

G_END_DECLS
