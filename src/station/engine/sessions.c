/* SPDX-License-Identifier: MIT */
/* Sorted arrays. Invariants: items are in order of (name, root); no (name, root) is in two tables, nor twice in one.
 * Loop thread. */
#include "station/engine/sessions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "station/engine/session.h"

static int session_compare(const struct session *s, const char *name, size_t root) {
	int order = strcmp(s->row.name, name);
	if (order) return order;
	return s->root < root ? -1 : s->root > root;
}

/* The first index whose session is not before (name, root). */
static size_t sessions_lower(const struct sessions *t, const char *name, size_t root) {
	size_t from = 0, to = t->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (session_compare(t->items[middle], name, root) < 0) from = middle + 1;
		else to = middle;
	}
	return from;
}

struct session *sessions_find(const struct sessions *t, const char *name, size_t root) {
	size_t i = sessions_lower(t, name, root);
	if (i == t->n || session_compare(t->items[i], name, root) != 0) return NULL;
	return t->items[i];
}

void sessions_insert(struct sessions *t, struct session *s) {
	size_t i = sessions_lower(t, s->row.name, s->root);
	ARRAY_RESERVE(t->items, t->n, t->capacity);
	memmove(t->items + i + 1, t->items + i, (t->n - i) * sizeof(struct session *));
	t->items[i] = s;
	t->n++;
}

void sessions_remove(struct sessions *t, struct session *s) {
	size_t i = sessions_lower(t, s->row.name, s->root);
	assert(i < t->n && t->items[i] == s);
	memmove(t->items + i, t->items + i + 1, (t->n - i - 1) * sizeof(struct session *));
	t->n--;
}

void sessions_sweep(struct sessions *t, void (*done)(struct session *s)) {
	size_t kept = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i]->dead) done(t->items[i]);
		else t->items[kept++] = t->items[i];
	}
	t->n = kept;
}

/* --- those outside --- */

int64_t session_stamp(const char *name) {
	int64_t stamp = 0;
	for (const char *c = name; *c; c++) {
		if (*c != '_') stamp = stamp * 10 + (*c - '0');
	}
	return stamp;
}

const char *session_unstamp(char to[16], int64_t stamp) {
	snprintf(to, 16, "%08lld_%06lld", (long long)(stamp / 1000000) % 100000000, (long long)(stamp % 1000000));
	return to;
}

uint64_t fingerprint_short(const char *hex) {
	char head[17] = "";
	memcpy(head, hex, strnlen(hex, 16));
	return strtoull(head, NULL, 16);
}

static int stub_order(const struct stub *a, int64_t stamp, size_t root) {
	if (a->stamp != stamp) return a->stamp < stamp ? -1 : 1;
	return a->root < root ? -1 : a->root > root;
}

static int by_stamp(const void *a, const void *b) {
	const struct stub *right = b;
	return stub_order(a, right->stamp, right->root);
}

static size_t stub_lower(const struct stub_table *t, int64_t stamp, size_t root) {
	size_t from = 0, to = t->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (stub_order(&t->items[middle], stamp, root) < 0) from = middle + 1;
		else to = middle;
	}
	return from;
}

struct stub *stub_find(const struct stub_table *t, int64_t stamp, size_t root) {
	size_t i = stub_lower(t, stamp, root);
	return i < t->n && stub_order(&t->items[i], stamp, root) == 0 ? &t->items[i] : NULL;
}

static struct stub stub_of(const struct session_row *row, size_t root) {
	return (struct stub){
		.stamp = session_stamp(row->name),
		.id = row->id,
		.fingerprint = fingerprint_short(row->fingerprint),
		.root = root & 0x7fff,
		.present = row->present,
		.revision = (uint16_t)MIN(row->revision, UINT16_MAX),
	};
}

void stub_append(struct stub_table *t, const struct session_row *row, size_t root) {
	ARRAY_RESERVE(t->items, t->n, t->capacity);
	t->items[t->n++] = stub_of(row, root);
}

void stub_sort(struct stub_table *t) {
	if (t->n) qsort(t->items, t->n, sizeof t->items[0], by_stamp);
}

void stub_insert(struct stub_table *t, const struct session_row *row, size_t root) {
	struct stub a = stub_of(row, root);
	size_t i = stub_lower(t, a.stamp, root);
	ARRAY_RESERVE(t->items, t->n, t->capacity);
	memmove(t->items + i + 1, t->items + i, (t->n - i) * sizeof t->items[0]);
	t->items[i] = a;
	t->n++;
}

void stub_remove(struct stub_table *t, struct stub *a) {
	size_t i = (size_t)(a - t->items);
	assert(i < t->n);
	memmove(t->items + i, t->items + i + 1, (t->n - i - 1) * sizeof t->items[0]);
	t->n--;
}
