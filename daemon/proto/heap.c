/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/heap.h"

#include <stdlib.h>

void
ew_heap_clear (EwHeap *heap)
{
  free (heap->nodes);
  *heap = (EwHeap){ 0 };
}

static void
put (EwHeap *heap, size_t position, EwHeapNode *node)
{
  heap->nodes[position] = node;
  node->position = position;
}

static void
sift (EwHeap *heap, EwHeapNode *node)
{
  size_t i = node->position;
  for (; i > 0 && heap->nodes[(i - 1) / 2]->due_ns > node->due_ns; i = (i - 1) / 2)
    put (heap, i, heap->nodes[(i - 1) / 2]);
  for (size_t child; (child = 2 * i + 1) < heap->count; i = child)
    {
      if (child + 1 < heap->count && heap->nodes[child + 1]->due_ns < heap->nodes[child]->due_ns)
        child++;
      if (heap->nodes[child]->due_ns >= node->due_ns)
        break;
      put (heap, i, heap->nodes[child]);
    }
  put (heap, i, node);
}

bool
ew_heap_add (EwHeap *heap, EwHeapNode *node)
{
  if (heap->count == heap->room)
    {
      size_t room = heap->room == 0 ? 16 : 2 * heap->room;
      EwHeapNode **nodes = reallocarray (heap->nodes, room, sizeof *nodes);
      if (nodes == NULL)
        return false;
      heap->nodes = nodes;
      heap->room = room;
    }
  node->due_ns = UINT64_MAX;
  put (heap, heap->count++, node);
  return true;
}

void
ew_heap_remove (EwHeap *heap, EwHeapNode *node)
{
  EwHeapNode *last = heap->nodes[--heap->count];
  if (last == node)
    return;
  put (heap, node->position, last);
  sift (heap, last);
}

void
ew_heap_set (EwHeap *heap, EwHeapNode *node, uint64_t due_ns)
{
  node->due_ns = due_ns;
  sift (heap, node);
}
