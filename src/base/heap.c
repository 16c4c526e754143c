/* SPDX-License-Identifier: MIT */
/* An item that changes its place moves towards the root or away from it until the invariant holds again. */
#include "base/heap.h"

static size_t *place_of(const struct heap *h, const void *item) {
	return (size_t *)(void *)((char *)(uintptr_t)item + h->place);
}

static void put(struct heap *h, size_t i, void *item) {
	h->items[i] = item;
	*place_of(h, item) = i;
}

static bool is_before(const struct heap *h, const void *a, const void *b) { return h->compare(a, b) < 0; }

static void rise(struct heap *h, size_t i, void *item) {
	for (; i && is_before(h, item, h->items[(i - 1) / 2]); i = (i - 1) / 2) put(h, i, h->items[(i - 1) / 2]);
	put(h, i, item);
}

static void sink(struct heap *h, size_t i, void *item) {
	for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && is_before(h, h->items[child + 1], h->items[child])) child++;
		if (!is_before(h, h->items[child], item)) break;
		put(h, i, h->items[child]);
	}
	put(h, i, item);
}

void heap_add(struct heap *h, void *item) {
	ARRAY_RESERVE(h->items, h->n, h->capacity);
	rise(h, h->n++, item);
}

void *heap_first(const struct heap *h) { return h->n ? h->items[0] : NULL; }

void heap_remove(struct heap *h, const void *item) {
	size_t i = *place_of(h, item);
	void *last = h->items[--h->n];
	if (last == item) return;
	if (i && is_before(h, last, h->items[(i - 1) / 2])) rise(h, i, last);
	else sink(h, i, last);
}

void heap_done(struct heap *h) {
	xfree(h->items);
	h->items = NULL;
	h->n = h->capacity = 0;
}
