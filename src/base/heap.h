/* SPDX-License-Identifier: MIT */
/* A binary heap of pointers: the least first, any of them taken out, each in O(log n) comparisons. Invariant: items[i]
 * is no greater than its two children items[2i + 1] and items[2i + 2], and its place says i. One thread at a time. */
#pragma once

#include "base/util.h"

struct heap {
	/* Set before the first use. */
	int (*compare)(const void *a, const void *b);
	size_t place; /* offsetof a size_t of each item, in which the heap keeps where it is */
	/* The heap's. */
	void **items;
	size_t n, capacity;
};
void heap_add(struct heap *h, void *item);
void *heap_first(const struct heap *h);				/* NULL: it is empty */
void heap_remove(struct heap *h, const void *item); /* which is in it */
void heap_done(struct heap *h);						/* the items are the caller's */
DEFINE_AUTO_VAL(struct heap, heap_done)
