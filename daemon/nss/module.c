/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libnss_edgeway.so.2: the mesh's names for every program that asks glibc (nss(5), nsswitch.conf(5)). It runs inside
 * other programs, so it's small and has no side effects: libc only, no memory except the stack and the caller's buffer,
 * no thread, no signal, no state between calls, no output, and no wait beyond names-socket.h's two bounds.
 *
 * Two words of nsswitch.conf lead here; libnss_edgeway_short.so.2 is a link to this file:
 *
 *   edgeway        before "dns": full names below the mesh's suffix and of its gateways' domains, and addresses of the
 *                  mesh, all of which are the mesh's alone. For everything else it says "unavailable" and changes nothing that
 *                  the caller will see
 *   edgeway_short  the last word: names of one label of which the word before it has said that there is no such name,
 *                  or that no name server answers. Where the mesh doesn't know it either, the outcome stays that of the
 *                  word before: glibc hands the last one to the program
 */
#include "nss/hosts-file.h"
#include "nss/names-socket.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <poll.h>
#include <stdalign.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__ ((visibility ("default")))

typedef enum nss_status Status;

/* What came of a question to edgewayd. */
typedef enum
{
  ABSENT, /* no daemon is running: as if this module weren't, either */
  SILENT, /* a process listens, and doesn't answer before the deadline */
  ANSWERED
} Asked;

/* Where the caller wants what went wrong. */
typedef struct
{
  int *error, *h_error;
  int saved; /* errno as it was before the call */
} Report;

/* What one call works with. */
typedef struct
{
  EwNamesConf conf;
  EwNamesQuestion question;
  EwNamesReply answer;
} Call;

/* The caller's buffer, handed out from its beginning. */
typedef struct
{
  char *at;
  size_t left;
} Room;

static void *
room_take (Room *room, size_t size, size_t align)
{
  size_t pad = (size_t)(-(uintptr_t)room->at & (align - 1));
  char *taken = room->at + pad;

  if (room->left < pad || room->left - pad < size)
    return NULL;
  room->at += pad + size;
  room->left -= pad + size;
  return taken;
}

static char *
room_copy (Room *room, const char *text)
{
  size_t size = strlen (text) + 1;
  char *copy = room_take (room, size, 1);

  return copy != NULL ? memcpy (copy, text, size) : NULL;
}

/* ---- edgewayd */

static long
now_ms (void)
{
  struct timespec now = { 0 };

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* At most size bytes of a file; -1: it doesn't exist. Never waits: it doesn't open a pipe or a device at that path. */
static ssize_t
read_file (const char *path, char *text, size_t size)
{
  struct stat info;
  ssize_t got = -1;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    return -1;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode))
    do
      got = read (fd, text, size);
    while (got < 0 && errno == EINTR);
  close (fd);
  return got;
}

static bool
read_conf (EwNamesConf *conf)
{
  char text[EW_NAMES_CONF_MAX];
  ssize_t got = read_file (EW_NAMES_FOLDER "/" EW_NAMES_CONF, text, sizeof text);

  return got > 0 && ew_names_conf_parse (text, (size_t)got, conf);
}

/* One packet, until the time begun + limit. */
static ssize_t
receive_by (int fd, uint8_t *data, size_t room, long begun, long limit)
{
  struct pollfd poller = { .fd = fd, .events = POLLIN };

  for (;;)
    {
      long left = begun + limit - now_ms ();
      if (left <= 0 || left > limit)
        return -1;
      int ready = poll (&poller, 1, (int)left);
      if (ready > 0)
        return recv (fd, data, room, MSG_DONTWAIT);
      if (ready == 0 || errno != EINTR)
        return -1;
    }
}

/* A connection is made at once or not at all: there is room in the queue of a socket that listens. A queue of other
   callers, or no free descriptor, isn't a reason to ask another name server for the mesh's names. */
static int
connect_names (Asked *outcome)
{
  struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = EW_NAMES_FOLDER "/" EW_NAMES_SOCKET };
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  *outcome = SILENT;
  if (fd >= 0 && connect (fd, (const struct sockaddr *)&to, sizeof to) == 0)
    return fd;
  if (errno != EAGAIN && errno != EINTR && errno != EMFILE && errno != ENFILE)
    *outcome = ABSENT;
  if (fd >= 0)
    close (fd);
  return -1;
}

/* Fills call->answer where there is one. */
static Asked
ask (Call *call)
{
  const long begun = now_ms ();
  uint8_t data[EW_NAMES_REPLY_MAX + 1];
  size_t length = ew_names_question_write (&call->question, data);
  bool answered = false;
  Asked outcome;
  int fd = connect_names (&outcome);

  if (fd < 0)
    return outcome;
  if (send (fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length)
    {
      ssize_t got = receive_by (fd, data, sizeof data, begun, EW_NAMES_DEADLINE_MS);
      answered = got > 0 && ew_names_reply_parse (data, (size_t)got, &call->answer);
      if (answered && call->answer.status == EW_NAMES_WORKING)
        {
          got = receive_by (fd, data, sizeof data, begun, EW_NAMES_PATIENCE_MS);
          answered = got > 0 && ew_names_reply_parse (data, (size_t)got, &call->answer)
                     && call->answer.status != EW_NAMES_WORKING;
        }
    }
  close (fd);
  return answered ? ANSWERED : SILENT;
}

/* ---- what the caller gets */

static Status
finish (const Report *report, Status status, int error, int h_error)
{
  errno = report->saved;
  *report->error = error;
  *report->h_error = h_error;
  return status;
}

static Status
too_small (const Report *report)
{
  return finish (report, NSS_STATUS_TRYAGAIN, ERANGE, NETDB_INTERNAL);
}

static Status
found (const Report *report)
{
  errno = report->saved;
  *report->h_error = NETDB_SUCCESS;
  return NSS_STATUS_SUCCESS;
}

/* Not the mesh's name, for the first word: the next word decides. */
static Status
pass_on (const Report *report)
{
  errno = report->saved;
  return NSS_STATUS_UNAVAIL;
}

/* Not the mesh's name, for the last word: repeats the result of the word before it. Only h_errno tells what that was,
   and each status is the one that nss_dns and nss_files give with it. */
static Status
repeat_outcome (const Report *report)
{
  errno = report->saved;
  switch (*report->h_error)
    {
    case HOST_NOT_FOUND:
    case NO_DATA:
      return NSS_STATUS_NOTFOUND;
    case TRY_AGAIN:
      return NSS_STATUS_TRYAGAIN;
    default:
      return NSS_STATUS_UNAVAIL;
    }
}

/* edgewayd gave no answer. If it hangs or is busy with many callers, a name of the mesh isn't left to the next word:
   otherwise, anyone who keeps it busy could have the LAN's name server decide which computer is meant. */
static Status
report_unanswered (const Report *report, Asked outcome)
{
  return outcome == SILENT ? finish (report, NSS_STATUS_TRYAGAIN, EAGAIN, TRY_AGAIN) : pass_on (report);
}

/* What an answer without an address means to a program. */
static Status
report_nothing (const Report *report, uint8_t status)
{
  switch (status)
    {
    case EW_NAMES_FOUND: /* and yet nothing of use in it */
    case EW_NAMES_NO_DATA:
      return finish (report, NSS_STATUS_NOTFOUND, ENOENT, NO_DATA);
    case EW_NAMES_NOT_FOUND:
      return finish (report, NSS_STATUS_NOTFOUND, ENOENT, HOST_NOT_FOUND);
    case EW_NAMES_TRY_AGAIN:
      return finish (report, NSS_STATUS_TRYAGAIN, EAGAIN, TRY_AGAIN);
    default:
      return pass_on (report);
    }
}

static uint8_t
family_of (int af)
{
  return af == AF_INET ? 4 : af == AF_INET6 ? 6 : 0;
}

/* Fills the question for name. False: it isn't the mesh's. */
static bool
make_question (Call *call, const char *name, int af, bool short_names)
{
  size_t length = strnlen (name, EW_NAMES_NAME_MAX + 2);
  const char *dot = memchr (name, '.', length);

  if (short_names ? dot != NULL : dot == NULL)
    return false;
  if (!short_names && name[length - 1] == '.')
    length--;
  if (!ew_names_is_name (name, length) || !read_conf (&call->conf))
    return false;
  memset (&call->question, 0, sizeof call->question);
  call->question.kind = EW_NAMES_ADDRESS_OF;
  call->question.address.family = family_of (af);
  memcpy (call->question.name, name, length);
  if (!short_names)
    return ew_names_conf_covers (&call->conf, call->question.name);
  const size_t suffix = strlen (call->conf.suffix);
  if (length + 1 + suffix > EW_NAMES_NAME_MAX)
    return false;
  call->question.name[length] = '.';
  memcpy (call->question.name + length + 1, call->conf.suffix, suffix + 1);
  return true;
}

/* The answer's addresses of the family (0: both). */
static unsigned
count_addresses (const Call *call, uint8_t family)
{
  unsigned n = 0;

  for (unsigned i = 0; i < call->answer.n_addresses; i++)
    n += family == 0 || call->answer.addresses[i].family == family;
  return n;
}

/* The word before has said that there is no such name, or that it can't tell. Not so where the name has no address of
   the family asked for: programs that ask for both, one after the other, must not get one from here and one from there.
   For nss_dns, name servers that are silent, that can't be reached and that refuse names of one label (systemd-resolved's
   stub) are all the same: TRY_AGAIN. */
static bool
is_unknown (int h_error)
{
  return h_error == HOST_NOT_FOUND || h_error == TRY_AGAIN;
}

/* nss-resolve says of a name that has addresses of the other family only what it says of one that isn't there (nss_dns
   says NO_DATA): a program that wants IPv6 first would be given the mesh's "printer" for the LAN's. So nss-resolve, which
   the C library has just asked, is asked for both families. TRUE: it has the name. */
static bool
resolved_has_other_family (const char *name, int af)
{
  typedef Status (*GetTuples) (const char *, struct gaih_addrtuple **, char *, size_t, int *, int *, int32_t *);
  void *module = af != AF_UNSPEC ? dlopen ("libnss_resolve.so.2", RTLD_LAZY | RTLD_NOLOAD) : NULL;
  GetTuples get_both = module != NULL ? (GetTuples)dlsym (module, "_nss_resolve_gethostbyname4_r") : NULL;
  alignas (max_align_t) char buffer[2048];
  struct gaih_addrtuple *tuples = NULL;
  int error = 0, h_error = 0;
  Status status
    = get_both != NULL ? get_both (name, &tuples, buffer, sizeof buffer, &error, &h_error, NULL) : NSS_STATUS_NOTFOUND;

  if (module != NULL)
    dlclose (module);
  return status == NSS_STATUS_SUCCESS || (status == NSS_STATUS_TRYAGAIN && error == ERANGE);
}

/* nss_files says of a name that has addresses of the other family only what it says of one that isn't there, and the
   word after it knows nothing of /etc/hosts. TRUE: the name has a meaning already. */
static bool
other_family_is_known (const char *name, int af)
{
  return af != AF_UNSPEC && (ew_names_hosts_has (EW_HOSTS_PATH, name) || resolved_has_other_family (name, af));
}

/* Asks for a name. TRUE: there is an answer with an address; else *status is the outcome. */
static bool
resolve (Call *call, const char *name, int af, bool short_names, const Report *report, Status *status)
{
  Asked outcome;

  if ((short_names && strchr (name, '.') == NULL && !is_unknown (*report->h_error))
      || !make_question (call, name, af, short_names))
    *status = short_names ? repeat_outcome (report) : pass_on (report);
  else if ((outcome = ask (call)) != ANSWERED)
    *status = short_names ? repeat_outcome (report) : report_unanswered (report, outcome);
  else if (call->answer.status == EW_NAMES_FOUND && count_addresses (call, family_of (af)) > 0
           && !(short_names && strchr (name, '.') == NULL && other_family_is_known (name, af)))
    return true;
  else
    *status = short_names ? repeat_outcome (report) : report_nothing (report, call->answer.status);
  return false;
}

static Status
get_tuples (const char *name, bool short_names, struct gaih_addrtuple **tuples, Room room, int32_t *ttl,
            const Report *report)
{
  Call call;
  Status status;

  if (!resolve (&call, name, AF_UNSPEC, short_names, report, &status))
    return status;
  char *canonical = room_copy (&room, call.answer.name[0] != '\0' ? call.answer.name : call.question.name);
  struct gaih_addrtuple *head = NULL, **link = &head;
  for (unsigned i = 0; i < call.answer.n_addresses; i++)
    {
      const EwNamesAddress *from = &call.answer.addresses[i];
      /* The first one may be the caller's own. */
      struct gaih_addrtuple *tuple
        = i == 0 && *tuples != NULL ? *tuples : room_take (&room, sizeof *tuple, alignof (struct gaih_addrtuple));
      if (tuple == NULL || canonical == NULL)
        return too_small (report); /* *tuples stays as it was: the caller frees this buffer and asks again */
      memset (tuple, 0, sizeof *tuple);
      tuple->name = i == 0 ? canonical : NULL;
      tuple->family = from->family == 4 ? AF_INET : AF_INET6;
      memcpy (tuple->addr, from->bytes, from->family == 4 ? 4 : 16);
      *link = tuple;
      link = &tuple->next;
    }
  *tuples = head;
  if (ttl != NULL)
    *ttl = call.answer.ttl > INT32_MAX ? INT32_MAX : (int32_t)call.answer.ttl;
  return found (report);
}

/* A hostent of n addresses (all of one family) of the answer. */
static bool
fill_hostent (struct hostent *host, Room room, const char *name, int af, const EwNamesAddress *addresses, unsigned n)
{
  const size_t size = af == AF_INET ? 4 : 16;
  unsigned used = 0;

  host->h_addrtype = af;
  host->h_length = (int)size;
  host->h_addr_list = room_take (&room, (EW_NAMES_ADDRESSES + 1) * sizeof (char *), alignof (char *));
  host->h_aliases = room_take (&room, sizeof (char *), alignof (char *));
  host->h_name = room_copy (&room, name);
  if (host->h_addr_list == NULL || host->h_aliases == NULL || host->h_name == NULL)
    return false;
  host->h_aliases[0] = NULL;
  for (unsigned i = 0; i < n; i++)
    {
      if (addresses[i].family != family_of (af))
        continue;
      host->h_addr_list[used] = room_take (&room, size, 4);
      if (host->h_addr_list[used] == NULL)
        return false;
      memcpy (host->h_addr_list[used++], addresses[i].bytes, size);
    }
  host->h_addr_list[used] = NULL;
  return true;
}

static Status
get_host (const char *name, int af, bool short_names, struct hostent *host, Room room, int32_t *ttl, char **canonical,
          const Report *report)
{
  Call call;
  Status status;

  if (family_of (af) == 0)
    return short_names ? repeat_outcome (report) : pass_on (report);
  if (!resolve (&call, name, af, short_names, report, &status))
    return status;
  if (!fill_hostent (host, room, call.answer.name[0] != '\0' ? call.answer.name : call.question.name, af,
                     call.answer.addresses, call.answer.n_addresses))
    return too_small (report);
  if (ttl != NULL)
    *ttl = call.answer.ttl > INT32_MAX ? INT32_MAX : (int32_t)call.answer.ttl;
  if (canonical != NULL)
    *canonical = host->h_name;
  return found (report);
}

static Status
get_by_address (const void *bytes, socklen_t length, int af, struct hostent *host, Room room, int32_t *ttl,
                const Report *report)
{
  Call call;
  const uint8_t family = family_of (af);
  EwNamesAddress *address = &call.question.address;

  memset (&call.question, 0, sizeof call.question);
  if (family == 0 || length != (family == 4 ? 4 : 16))
    return pass_on (report);
  call.question.kind = EW_NAMES_NAME_OF;
  address->family = family;
  memcpy (address->bytes, bytes, length);
  if (!read_conf (&call.conf) || !ew_names_conf_holds (&call.conf, address))
    return pass_on (report);
  Asked outcome = ask (&call);
  if (outcome != ANSWERED)
    return report_unanswered (report, outcome);
  if (call.answer.status != EW_NAMES_FOUND || call.answer.name[0] == '\0')
    return report_nothing (report, call.answer.status);
  if (!fill_hostent (host, room, call.answer.name, af, address, 1))
    return too_small (report);
  if (ttl != NULL)
    *ttl = call.answer.ttl > INT32_MAX ? INT32_MAX : (int32_t)call.answer.ttl;
  return found (report);
}

/* ---- their names (glibc's nss/nss_module.c: _nss_WORD_FUNCTION). No header of glibc's declares them. */

#define REPORT(errnop, h_errnop) (&(Report){ (errnop), (h_errnop), errno })
#define ROOM(buffer, length) ((Room){ (buffer), (length) })

#define NAMES_BY_WORD(word, short_names)                                                                               \
  PUBLIC Status _nss_##word##_gethostbyname4_r (const char *name, struct gaih_addrtuple **tuples, char *buffer,        \
                                                size_t length, int *errnop, int *h_errnop, int32_t *ttl);              \
  PUBLIC Status _nss_##word##_gethostbyname3_r (const char *name, int af, struct hostent *host, char *buffer,          \
                                                size_t length, int *errnop, int *h_errnop, int32_t *ttl,               \
                                                char **canonical);                                                     \
  PUBLIC Status _nss_##word##_gethostbyname2_r (const char *name, int af, struct hostent *host, char *buffer,          \
                                                size_t length, int *errnop, int *h_errnop);                            \
  PUBLIC Status _nss_##word##_gethostbyname_r (const char *name, struct hostent *host, char *buffer, size_t length,    \
                                               int *errnop, int *h_errnop);                                            \
  Status _nss_##word##_gethostbyname4_r (const char *name, struct gaih_addrtuple **tuples, char *buffer,               \
                                         size_t length, int *errnop, int *h_errnop, int32_t *ttl)                      \
  {                                                                                                                    \
    return get_tuples (name, short_names, tuples, ROOM (buffer, length), ttl, REPORT (errnop, h_errnop));              \
  }                                                                                                                    \
  Status _nss_##word##_gethostbyname3_r (const char *name, int af, struct hostent *host, char *buffer, size_t length,  \
                                         int *errnop, int *h_errnop, int32_t *ttl, char **canonical)                   \
  {                                                                                                                    \
    return get_host (name, af, short_names, host, ROOM (buffer, length), ttl, canonical, REPORT (errnop, h_errnop));   \
  }                                                                                                                    \
  Status _nss_##word##_gethostbyname2_r (const char *name, int af, struct hostent *host, char *buffer, size_t length,  \
                                         int *errnop, int *h_errnop)                                                   \
  {                                                                                                                    \
    return get_host (name, af, short_names, host, ROOM (buffer, length), NULL, NULL, REPORT (errnop, h_errnop));       \
  }                                                                                                                    \
  Status _nss_##word##_gethostbyname_r (const char *name, struct hostent *host, char *buffer, size_t length,           \
                                        int *errnop, int *h_errnop)                                                    \
  {                                                                                                                    \
    return get_host (name, AF_INET, short_names, host, ROOM (buffer, length), NULL, NULL, REPORT (errnop, h_errnop));  \
  }

NAMES_BY_WORD (edgeway, false)
NAMES_BY_WORD (edgeway_short, true)

PUBLIC Status _nss_edgeway_gethostbyaddr2_r (const void *address, socklen_t length, int af, struct hostent *host,
                                             char *buffer, size_t size, int *errnop, int *h_errnop, int32_t *ttl);
PUBLIC Status _nss_edgeway_gethostbyaddr_r (const void *address, socklen_t length, int af, struct hostent *host,
                                            char *buffer, size_t size, int *errnop, int *h_errnop);

Status
_nss_edgeway_gethostbyaddr2_r (const void *address, socklen_t length, int af, struct hostent *host, char *buffer,
                               size_t size, int *errnop, int *h_errnop, int32_t *ttl)
{
  return get_by_address (address, length, af, host, ROOM (buffer, size), ttl, REPORT (errnop, h_errnop));
}

Status
_nss_edgeway_gethostbyaddr_r (const void *address, socklen_t length, int af, struct hostent *host, char *buffer,
                              size_t size, int *errnop, int *h_errnop)
{
  return get_by_address (address, length, af, host, ROOM (buffer, size), NULL, REPORT (errnop, h_errnop));
}
