/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/syscalls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#define OWN_PROCESS_MAX 12  /* instructions */
#define X32_BIT 0x40000000u /* __X32_SYSCALL_BIT */

#define LOAD(field) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, field))
/* The lower half of an argument, on a little-endian machine: all that are looked at are ints. */
#define LOAD_ARGUMENT(i) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args) + 8 * (i))
#define JUMP(test, value, yes, no) BPF_JUMP (BPF_JMP | (test) | BPF_K, (value), (yes), (no))
#define FAIL(code) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (code))
#define ALLOW BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

#define NAMESPACES                                                                                                     \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#ifdef OUR_ARCH
/* What a launcher is for. */
static const unsigned launching[] = {
#ifndef EW_WITH_ADDRESS_SANITIZER /* its reports start a program */
  SYS_execve,    SYS_execveat,
#endif
  SYS_setuid,    SYS_setgid,   SYS_setreuid, SYS_setregid,  SYS_setresuid,
  SYS_setresgid, SYS_setfsuid, SYS_setfsgid, SYS_setgroups,
};

static const unsigned refused[] = {
#ifndef EW_WITH_ADDRESS_SANITIZER /* its leak checker traces */
  SYS_ptrace,
#endif
  SYS_process_vm_readv,
  SYS_process_vm_writev,
  SYS_kcmp,
  SYS_pidfd_getfd,
  SYS_process_madvise,
  SYS_unshare,
  SYS_setns,
  SYS_mount,
  SYS_umount2,
  SYS_pivot_root,
  SYS_chroot,
  SYS_open_tree,
  SYS_move_mount,
  SYS_fsopen,
  SYS_fsconfig,
  SYS_fsmount,
  SYS_fspick,
  SYS_mount_setattr,
  SYS_open_by_handle_at,
  SYS_init_module,
  SYS_finit_module,
  SYS_delete_module,
  SYS_kexec_load,
#ifdef SYS_kexec_file_load
  SYS_kexec_file_load,
#endif
  SYS_reboot,
  SYS_bpf,
  SYS_perf_event_open,
  SYS_userfaultfd,
  SYS_io_uring_setup,
  SYS_io_uring_enter,
  SYS_io_uring_register,
  SYS_add_key,
  SYS_request_key,
  SYS_keyctl,
  SYS_syslog,
  SYS_acct,
  SYS_quotactl,
  SYS_swapon,
  SYS_swapoff,
  SYS_sethostname,
  SYS_setdomainname,
  SYS_settimeofday,
  SYS_clock_settime,
  SYS_clock_adjtime,
  SYS_adjtimex,
  SYS_vhangup,
  SYS_personality,
  SYS_fanotify_init,
  SYS_rt_sigqueueinfo,
  SYS_rt_tgsigqueueinfo,
  SYS_pidfd_send_signal,
#ifdef SYS_process_mrelease
  SYS_process_mrelease,
#endif
#ifdef __GLIBC__ /* musl's way to a thread of its own */
  SYS_tkill,
#endif
  SYS_ioprio_set,
  SYS_move_pages,
  SYS_migrate_pages,
#ifdef SYS_iopl
  SYS_iopl,
  SYS_ioperm,
  SYS_modify_ldt,
  SYS_uselib,
  SYS_ustat,
  SYS_sysfs,
#endif
};

/* Each piece leaves the call's number loaded for the next. */
static const struct sock_filter beginning[] = {
  LOAD (arch),
  JUMP (BPF_JEQ, OUR_ARCH, 1, 0),
  FAIL (ENOSYS),
  LOAD (nr),
#ifdef __x86_64__
  JUMP (BPF_JGE, X32_BIT, 0, 1),
  FAIL (ENOSYS),
#endif
  /* Its flags are in memory, out of a filter's sight; libraries fall back on clone(). */
  JUMP (BPF_JEQ, SYS_clone3, 0, 1),
  FAIL (ENOSYS),
  JUMP (BPF_JEQ, SYS_clone, 0, 4),
  LOAD_ARGUMENT (0),
  JUMP (BPF_JSET, NAMESPACES, 0, 1),
  FAIL (EPERM),
  ALLOW,
  /* What can type into the terminal that it was started from. */
  JUMP (BPF_JEQ, SYS_ioctl, 0, 5),
  LOAD_ARGUMENT (1),
  JUMP (BPF_JEQ, TIOCSTI, 1, 0),
  JUMP (BPF_JEQ, TIOCLINUX, 0, 1),
  FAIL (EPERM),
  ALLOW,
  /* Of the kernel's protocols: routes, the sockets' list and nftables. */
  JUMP (BPF_JEQ, SYS_socket, 0, 11),
  LOAD_ARGUMENT (0),
  JUMP (BPF_JEQ, AF_UNIX, 8, 0),
  JUMP (BPF_JEQ, AF_INET, 7, 0),
  JUMP (BPF_JEQ, AF_INET6, 6, 0),
  JUMP (BPF_JEQ, AF_NETLINK, 0, 4),
  LOAD_ARGUMENT (2),
  JUMP (BPF_JEQ, NETLINK_ROUTE, 3, 0),
  JUMP (BPF_JEQ, NETLINK_SOCK_DIAG, 2, 0),
  JUMP (BPF_JEQ, NETLINK_NETFILTER, 1, 0),
  FAIL (EAFNOSUPPORT),
  ALLOW,
};

/* Signals and limits for this process alone: uid 0 needs no capability to send them to others of root's. */
static gsize
add_own_process (struct sock_filter *filter)
{
  const unsigned own = (unsigned)getpid ();
  const struct sock_filter pieces[] = {
    JUMP (BPF_JEQ, SYS_kill, 1, 0),
    JUMP (BPF_JEQ, SYS_tgkill, 0, 4),
    LOAD_ARGUMENT (0),
    JUMP (BPF_JEQ, own, 1, 0),
    FAIL (EPERM),
    ALLOW,
    JUMP (BPF_JEQ, SYS_prlimit64, 0, 5),
    LOAD_ARGUMENT (0),
    JUMP (BPF_JEQ, 0, 2, 0), /* the caller */
    JUMP (BPF_JEQ, own, 1, 0),
    FAIL (EPERM),
    ALLOW,
  };

  G_STATIC_ASSERT (G_N_ELEMENTS (pieces) <= OWN_PROCESS_MAX);
  memcpy (filter, pieces, sizeof pieces);
  return G_N_ELEMENTS (pieces);
}

static void
add_refused (struct sock_fprog *program, const unsigned *calls, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      program->filter[program->len++] = (struct sock_filter)JUMP (BPF_JEQ, calls[i], 0, 1);
      program->filter[program->len++] = (struct sock_filter)FAIL (EPERM);
    }
}

static gboolean
narrow (gboolean launcher)
{
  struct sock_filter
    filter[G_N_ELEMENTS (beginning) + OWN_PROCESS_MAX + 2 * (G_N_ELEMENTS (launching) + G_N_ELEMENTS (refused)) + 1];
  struct sock_fprog program = { .filter = filter };
  gboolean done;

  for (gsize i = 0; i < G_N_ELEMENTS (beginning); i++)
    filter[program.len++] = beginning[i];
  if (!launcher)
    {
      program.len += (unsigned short)add_own_process (&filter[program.len]);
      add_refused (&program, launching, G_N_ELEMENTS (launching));
    }
  add_refused (&program, refused, G_N_ELEMENTS (refused));
  filter[program.len++] = (struct sock_filter)ALLOW;
  done = syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
  g_debug (done ? "system calls narrowed by seccomp" : "seccomp: %s", g_strerror (errno));
  return done;
}
#else
static gboolean
narrow (gboolean launcher)
{
  return FALSE;
}
#endif

gboolean
ew_syscalls_narrow (void)
{
  return narrow (FALSE);
}

gboolean
ew_syscalls_narrow_launcher (void)
{
  return narrow (TRUE);
}
