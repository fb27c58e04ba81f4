/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The control side: makes the wires and the worker, and carries the owner's wishes to the data thread. What is
 * remembered here (port, mark, private key) is what the device does not give back.
 */
#include "engine/engine-private.h"
#include "engine/uapi.h"

#include <string.h>

G_DEFINE_QUARK (ew - engine - error - quark, ew_engine_error)

struct EwEngine
{
  EwWorker *worker;
  EwEvents *events;
  EwUapi *uapi; /* NULL: not served */
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
  g_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
               "An MTU of %u is too small: IPv6 does not work below %u, choose one from %u to %u", mtu,
               EW_ENGINE_MIN_MTU, EW_ENGINE_MIN_MTU, EW_MTU_MAX);
  return FALSE;
}

EwEngine *
ew_engine_new (const EwEngineConfig *config, GError **error)
{
  guint16 mtu = config->mtu != 0 ? config->mtu : EW_ENGINE_DEFAULT_MTU;
  g_autoptr (EwTun) tun = NULL;

  if (!check_mtu (mtu, error))
    return NULL;
  g_autoptr (EwUdp) udp = ew_udp_open (config->listen_address, config->listen_port, config->fwmark, error);
  if (udp == NULL)
    return NULL;
  if (config->interface_name != NULL)
    {
      tun = ew_tun_open (config->interface_name, mtu, error);
      if (tun == NULL)
        return NULL;
    }
  EwEngine *engine = ew_engine_new_with_wires (config, g_steal_pointer (&tun), g_steal_pointer (&udp), error);
  if (engine != NULL)
    engine->listen_address = g_strdup (config->listen_address);
  return engine;
}

EwEngine *
ew_engine_new_with_wires (const EwEngineConfig *config, EwTun *tun, EwUdp *udp, GError **error)
{
  const EwEventsHandler handler = { config->on_event, config->on_tun_lost, config->event_user };
  g_autoptr (EwEngine) engine = g_new0 (EwEngine, 1);

  engine->interface = tun != NULL ? g_strdup (tun->name) : NULL;
  engine->ifindex = tun != NULL ? tun->ifindex : 0;
  engine->port = udp->port;
  engine->fwmark = config->fwmark;
  engine->events = ew_events_new (&handler, error);
  if (engine->events == NULL)
    {
      g_clear_pointer (&tun, ew_tun_free);
      ew_udp_free (udp);
      return NULL;
    }

  const EwWorkerConfig worker = { .tun = tun,
                                  .udp = udp,
                                  .mtu = config->mtu != 0 ? config->mtu : EW_ENGINE_DEFAULT_MTU,
                                  .router = config->router,
                                  .router_user = config->router_user,
                                  .events = engine->events };
  engine->worker = ew_worker_new (&worker, error);
  return engine->worker != NULL ? g_steal_pointer (&engine) : NULL;
}

void
ew_engine_free (EwEngine *engine)
{
  g_clear_pointer (&engine->uapi, ew_uapi_free);
  g_clear_pointer (&engine->worker, ew_worker_free);
  g_clear_pointer (&engine->events, ew_events_close);
  g_free (engine->listen_address);
  g_free (engine->interface);
  explicit_bzero (engine->private_key, sizeof engine->private_key);
  g_free (engine);
}

EwWorker *
ew_engine_get_worker (EwEngine *engine)
{
  return engine->worker;
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
  if (port != 0 && port == engine->port)
    return TRUE;
  g_autoptr (EwUdp) udp = ew_udp_open (engine->listen_address, port, engine->fwmark, error);
  if (udp == NULL)
    return FALSE;
  engine->port = udp->port;
  ew_worker_call (engine->worker, swap_udp, &udp); /* from here on udp is the old one */
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
  SetMark set = { fwmark, error, FALSE };

  ew_worker_call (engine->worker, set_mark, &set);
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
  if (set->done)
    ew_device_set_mtu (worker->device, set->mtu);
}

gboolean
ew_engine_set_mtu (EwEngine *engine, uint16_t mtu, GError **error)
{
  SetMtu set = { mtu, error, FALSE };

  if (!check_mtu (mtu, error))
    return FALSE;
  ew_worker_call (engine->worker, set_mtu, &set);
  return set.done;
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

  call->call (worker->device, &worker->time, call->data);
}

void
ew_engine_call (EwEngine *engine, EwEngineCall call, void *data)
{
  DeviceCall device_call = { call, data };

  ew_worker_call (engine->worker, call_device, &device_call);
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

static void
get_stats (EwWorker *worker, void *data)
{
  EwEngineStats *out = data;

  *out = worker->stats;
  out->udp_sent = worker->transmit.stats.sent;
  out->udp_failed = worker->transmit.stats.failed;
  out->udp_full = worker->transmit.stats.full;
  ew_device_get_stats (worker->device, &out->device);
}

void
ew_engine_get_stats (EwEngine *engine, EwEngineStats *out)
{
  ew_worker_call (engine->worker, get_stats, out);
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
      g_set_error_literal (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED,
                           "`wg` cannot be served: this tunnel has no network interface to be named by");
      return FALSE;
    }
  g_autofree char *path = g_strdup_printf (EW_UAPI_DIR "/%s.sock", engine->interface);
  return ew_engine_serve_uapi_at (engine, path, managed, error);
}
