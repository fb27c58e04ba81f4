/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Loopback in a network namespace of this process's own, and bursts of datagrams over it: UDP_SEGMENT out, UDP_GRO in.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST_BYTES 65000
#define BURST_MAX 44 /* datagrams of one burst, as a node with offloads sends them */

/* Leaves the network of the machine, for the whole process: call it before there is a second thread. Needs root. */
bool loopback_enter (void);
/* A socket on 127.0.0.1 and that port (0: any) with UDP_GRO; -1: it failed. */
int loopback_socket (uint16_t port);
uint16_t loopback_port (int fd);
/* Sends len bytes to that port as datagrams of size bytes each, the last one maybe shorter. */
bool loopback_send (int fd, uint16_t port, const uint8_t *data, size_t len, size_t size);
/* Receives one burst, never waiting. Returns its bytes (0: none) and the size of its datagrams. */
size_t loopback_receive (int fd, uint8_t *data, size_t room, size_t *size);

/* CPU time in ns, of this thread and of all the others together. */
int64_t cpu_here (void);
int64_t cpu_elsewhere (void);
int64_t clock_ns (void);
