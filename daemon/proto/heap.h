/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is due next: a binary heap of nodes that live inside their owners. O(log n) to change one, O(1) to see the
 * first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct
{
  uint64_t due_ns; /* UINT64_MAX: never, but still in the heap */
  size_t position; /* the heap's */
} EwHeapNode;

typedef struct
{
  EwHeapNode **nodes;
  size_t count, room;
} EwHeap; /* zeroed: empty */

void ew_heap_clear (EwHeap *heap); /* frees the array, not the nodes */
/* Adds a node that is never due. False: out of memory. No other call allocates. */
bool ew_heap_add (EwHeap *heap, EwHeapNode *node);
void ew_heap_remove (EwHeap *heap, EwHeapNode *node);
void ew_heap_set (EwHeap *heap, EwHeapNode *node, uint64_t due_ns);

static inline EwHeapNode *
ew_heap_first (const EwHeap *heap)
{
  return heap->count > 0 ? heap->nodes[0] : NULL;
}
