/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The control side: makes the wires and the workers, and carries the owner's wishes to their threads. What is
 * remembered here (port, mark, private key) is what the device does not give back.
 */
#include "engine/engine-private.h"
#include "engine/streams.h"
#include "engine/uapi.h"
#include "common/phrase.h"
#include "proto/messages.h"

#include <string.h>

G_DEFINE_QUARK (ew - engine - error - quark, ew_engine_error)

struct EwEngine
{
  EwCrew *crew;
  EwEvents *events;
  EwUapi *uapi;       /* NULL: not served */
  EwStreams *streams; /* borrowed; NULL: none */
  char *listen_address;
  char *interface; /* NULL without a TUN */
  int ifindex;
  guint16 port;
  guint32 fwmark;
  guint8 private_key[EW_KEY_SIZE]; /* `wg show` derives the public key from it */
};

static gboolean
check_mtu (guint16 mtu, GError **error)
{
  if (mtu >= EW_ENGINE_MIN_MTU)
    return TRUE;
  ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
                "An MTU of %u is too small: IPv6 doesn't work below %u. Choose one from %u to %u.", mtu,
                EW_ENGINE_MIN_MTU, EW_ENGINE_MIN_MTU, EW_MTU_MAX);
  return FALSE;
}

/* As many sockets and queues as there will be workers. */
static gboolean
open_wires (const EwEngineConfig *config, guint16 mtu, EwWires *wires, GError **error)
{
  const guint wanted = MIN (config->data_threads, EW_LANES_MAX);

  wires->n = ew_udp_open_many (config->listen_address, config->listen_port, config->fwmark, config->listen_later,
                               wanted, wires->udp, error);
  if (wires->n == 0 || config->interface_name == NULL)
    return wires->n > 0;
  if (wires->n == 1)
    return ew_tun_open_queues (config->interface_name, mtu, 1, wires->tun, error) == 1;
  guint queues = ew_tun_open_queues (config->interface_name, mtu, wires->n - 1, &wires->tun[1], error);
  if (queues == 0 || queues + 1 == wires->n)
    return queues > 0;
  /* One queue: for the only data thread that there will be. */
  ew_wires_clear_udp (wires);
  wires->n = ew_udp_open_many (config->listen_address, config->listen_port, config->fwmark, config->listen_later, 1,
                               wires->udp, error);
  if (wires->n == 1)
    wires->tun[0] = g_steal_pointer (&wires->tun[1]);
  return wires->n > 0;
}

EwEngine *
ew_engine_new (const EwEngineConfig *config, GError **error)
{
  guint16 mtu = config->mtu != 0 ? config->mtu : EW_ENGINE_DEFAULT_MTU;
  EwWires wires = { 0 };

  if (!check_mtu (mtu, error))
    return NULL;
  if (!open_wires (config, mtu, &wires, error))
    {
      ew_wires_clear (&wires);
      return NULL;
    }
  const EwTun *tun = wires.tun[wires.n == 1 ? 0 : 1];
  if (config->on_ports_bound != NULL)
    config->on_ports_bound (config->ports_user, tun != NULL ? tun->name : NULL);
  EwEngine *engine = ew_engine_new_with_all_wires (config, &wires, error);
  if (engine != NULL)
    engine->listen_address = g_strdup (config->listen_address);
  return engine;
}

EwEngine *
ew_engine_new_with_all_wires (const EwEngineConfig *config, EwWires *wires, GError **error)
{
  const EwEventsHandler handler = { config->on_event, config->on_tun_lost, config->event_user };
  const EwTun *tun = wires->tun[wires->n == 1 ? 0 : 1];
  g_autoptr (EwEngine) engine = g_new0 (EwEngine, 1);

  engine->interface = tun != NULL ? g_strdup (tun->name) : NULL;
  engine->ifindex = tun != NULL ? tun->ifindex : 0;
  engine->port = wires->udp[0]->port;
  engine->fwmark = config->fwmark;
  engine->events = ew_events_new (&handler, error);
  if (engine->events == NULL)
    {
      ew_wires_clear (wires);
      return NULL;
    }

  const EwCrewConfig crew = { .mtu = config->mtu != 0 ? config->mtu : EW_ENGINE_DEFAULT_MTU,
                              .router = config->router,
                              .router_user = config->router_user,
                              .ask = config->ask,
                              .streams = config->streams,
                              .events = engine->events };
  engine->crew = ew_crew_new (&crew, wires, error);
  if (engine->crew == NULL)
    return NULL;
  engine->streams = config->streams;
  if (engine->streams != NULL)
    engine->streams->class->attach (engine->streams, engine);
  return g_steal_pointer (&engine);
}

void
ew_engine_free (EwEngine *engine)
{
  g_clear_pointer (&engine->uapi, ew_uapi_free);
  if (engine->streams != NULL)
    engine->streams->class->attach (engine->streams, NULL);
  g_clear_pointer (&engine->crew, ew_crew_free);
  g_clear_pointer (&engine->events, ew_events_close);
  g_free (engine->listen_address);
  g_free (engine->interface);
  explicit_bzero (engine->private_key, sizeof engine->private_key);
  g_free (engine);
}

EwCrew *
ew_engine_get_crew (EwEngine *engine)
{
  return engine->crew;
}

const char *
ew_engine_get_interface (EwEngine *engine)
{
  return engine->interface;
}

int
ew_engine_get_ifindex (EwEngine *engine)
{
  return engine->ifindex;
}

/* The wires. */

uint16_t
ew_engine_get_listen_port (EwEngine *engine)
{
  return engine->port;
}

static void
swap_udp (EwWorker *worker, void *data)
{
  EwUdp **udp = data;

  *udp = ew_worker_swap_udp (worker, *udp);
}

gboolean
ew_engine_set_listen_port (EwEngine *engine, uint16_t port, GError **error)
{
  EwWires wires = { 0 };

  if (port != 0 && port == engine->port)
    return TRUE;
  wires.n = ew_udp_open_many (engine->listen_address, port, engine->fwmark, engine->listen_address != NULL,
                              engine->crew->n - 1, wires.udp, error);
  if (wires.n != engine->crew->n)
    {
      if (wires.n > 0)
        ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
                      "The port stays as it is: the kernel doesn't share the new one among the threads.");
      ew_wires_clear (&wires);
      return FALSE;
    }
  engine->port = wires.udp[0]->port;
  for (guint i = 0; i < engine->crew->n; i++)
    ew_worker_call (engine->crew->workers[i], swap_udp, &wires.udp[i]); /* from here on it is the old one */
  ew_wires_clear (&wires);
  return TRUE;
}

typedef struct
{
  guint32 mark;
  GError **error;
  gboolean done;
} SetMark;

static void
set_mark (EwWorker *worker, void *data)
{
  SetMark *set = data;

  set->done = worker->udp->class->set_mark (worker->udp, set->mark, set->error);
}

gboolean
ew_engine_set_fwmark (EwEngine *engine, uint32_t fwmark, GError **error)
{
  SetMark set = { fwmark, error, TRUE };

  for (guint i = 0; i < engine->crew->n && set.done; i++)
    ew_worker_call (engine->crew->workers[i], set_mark, &set);
  if (set.done)
    engine->fwmark = fwmark;
  return set.done;
}

uint32_t
ew_engine_get_fwmark (EwEngine *engine)
{
  return engine->fwmark;
}

typedef struct
{
  guint16 mtu;
  GError **error;
  gboolean done;
} SetMtu;

static void
set_mtu (EwWorker *worker, void *data)
{
  SetMtu *set = data;

  set->done = worker->tun == NULL || worker->tun->class->set_mtu (worker->tun, set->mtu, set->error);
  if (set->done) /* an atomic word */
    ew_device_set_mtu (worker->device, set->mtu);
}

gboolean
ew_engine_set_mtu (EwEngine *engine, uint16_t mtu, GError **error)
{
  SetMtu set = { mtu, error, TRUE };

  if (!check_mtu (mtu, error))
    return FALSE;
  for (guint i = 0; i < engine->crew->n && set.done; i++)
    ew_worker_call (engine->crew->workers[i], set_mtu, &set);
  return set.done;
}

/* A data message goes to the worker of its session (ew_device_lane_of()), the rest to the
   device's. */
static EwWorker *
choose_worker (EwCrew *crew, const EwPacket *datagram)
{
  const EwMessageData *message = (const EwMessageData *)datagram->data;
  const gboolean data = datagram->len >= sizeof *message && message->type[0] == EW_MESSAGE_DATA;

  return crew->workers[data ? ew_device_lane_of (crew->device, message->receiver_index[0]) : 0];
}

/* A data message without data is the shortest that there is. Many shorter ones fit into a stream, three bytes each, and
   are a lot of work for whoever has to look at them. */
static gboolean
is_message (const EwPacket *datagram)
{
  return datagram->len >= EW_DATA_OVERHEAD;
}

void
ew_engine_hear (EwEngine *engine, const EwPacket *datagrams, gsize n)
{
  EwCrew *crew = engine->crew;

  for (gsize i = 0; i < n;)
    {
      gsize run = 1;
      if (!is_message (&datagrams[i]))
        {
          i++;
          continue;
        }
      EwWorker *worker = choose_worker (crew, &datagrams[i]);
      while (i + run < n && is_message (&datagrams[i + run]) && choose_worker (crew, &datagrams[i + run]) == worker)
        run++;
      ew_worker_hear (worker, datagrams + i, run);
      i += run;
    }
}

/* The device. */

typedef struct
{
  EwEngineCall call;
  void *data;
} DeviceCall;

static void
call_device (EwWorker *worker, void *data)
{
  DeviceCall *call = data;

  ew_lane_lock (worker->lane);
  call->call (worker->device, &worker->time, call->data);
  ew_lane_unlock (worker->lane);
}

void
ew_engine_call (EwEngine *engine, EwEngineCall call, void *data)
{
  DeviceCall device_call = { call, data };

  ew_worker_call (engine->crew->workers[0], call_device, &device_call);
}

static void
set_private_key (EwDevice *device, const EwTime *time, void *data)
{
  ew_device_set_private_key (device, data);
}

void
ew_engine_set_private_key (EwEngine *engine, const uint8_t key[EW_KEY_SIZE])
{
  memcpy (engine->private_key, key, EW_KEY_SIZE);
  ew_engine_call (engine, set_private_key, engine->private_key);
}

void
ew_engine_get_private_key (EwEngine *engine, guint8 out[EW_KEY_SIZE])
{
  memcpy (out, engine->private_key, EW_KEY_SIZE);
}

static void
get_timestamp_floor (EwDevice *device, const EwTime *time, void *data)
{
  *(uint64_t *)data = ew_device_get_timestamp_floor (device);
}

uint64_t
ew_engine_get_timestamp_floor (EwEngine *engine)
{
  uint64_t floor;

  ew_engine_call (engine, get_timestamp_floor, &floor);
  return floor;
}

static void
set_timestamp_floor (EwDevice *device, const EwTime *time, void *data)
{
  ew_device_set_timestamp_floor (device, *(uint64_t *)data);
}

void
ew_engine_set_timestamp_floor (EwEngine *engine, uint64_t realtime_ns)
{
  ew_engine_call (engine, set_timestamp_floor, &realtime_ns);
}

gboolean
ew_engine_serve_uapi_at (EwEngine *engine, const char *path, gboolean managed, GError **error)
{
  g_clear_pointer (&engine->uapi, ew_uapi_free);
  engine->uapi = ew_uapi_new (engine, path, managed, error);
  return engine->uapi != NULL;
}

gboolean
ew_engine_serve_uapi (EwEngine *engine, gboolean managed, GError **error)
{
  if (engine->interface == NULL)
    {
      ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
                    "`wg` can't be served: this tunnel has no network interface, whose name it needs.");
      return FALSE;
    }
  g_autofree char *path = g_strdup_printf (EW_UAPI_DIR "/%s.sock", engine->interface);
  return ew_engine_serve_uapi_at (engine, path, managed, error);
}
