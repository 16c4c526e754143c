/* SPDX-License-Identifier: MIT */
/* Invariant, under the lock: `used` is the sum of the callers' parts, a caller's that of its shares; a caller without a
 * share is not kept. */
#include "cloud/call/budget.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/queue.h>

#include "base/deadline.h"

#define WAITING_MAX 8 /* calls of one caller */
#define MUCH 4 /* a part of all: from so much in use on, it is given back to the system when the use falls below */
#define LITTLE 16

struct budget_caller {
	LIST_ENTRY(budget_caller) next;
	char name[BUDGET_CALLER];
	int64_t used;
	int shares, waiting;
};
struct budget {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	int64_t bytes, used;
	bool much; /* was in use since the library gave back what it had */
	LIST_HEAD(, budget_caller) callers;
};

struct budget *budget_new(int64_t bytes) {
	struct budget *b = xcalloc(1, sizeof *b);
	b->bytes = bytes;
	pthread_mutex_init(&b->lock, NULL);
	condition_init(&b->freed);
	LIST_INIT(&b->callers);
	return b;
}

void budget_free(struct budget *b) {
	if (!b) return;
	pthread_cond_destroy(&b->freed);
	pthread_mutex_destroy(&b->lock);
	xfree(b);
}

/* Called with the lock. */
static struct budget_caller *caller_of(struct budget *b, const char *name) {
	struct budget_caller *c;
	LIST_FOREACH(c, &b->callers, next)
	if (strncmp(c->name, name, BUDGET_CALLER - 1) == 0) return c;
	c = xcalloc(1, sizeof *c);
	strncat(c->name, name, BUDGET_CALLER - 1);
	LIST_INSERT_HEAD(&b->callers, c, next);
	return c;
}

/* Called with the lock. */
static void share_set(struct budget_share *s, int64_t bytes) {
	s->caller->used += bytes - s->bytes;
	s->of->used += bytes - s->bytes;
	s->bytes = bytes;
	s->of->much |= s->of->used > s->of->bytes / MUCH;
}

/* Called with the lock. */
static void share_drop(struct budget_share *s) {
	share_set(s, 0);
	if (--s->caller->shares == 0) {
		LIST_REMOVE(s->caller, next);
		xfree(s->caller);
	}
	*s = (struct budget_share){0};
}

bool budget_take(struct budget *b, struct budget_share *s, const char *caller, int64_t bytes, int64_t wait_ms) {
	if (s->bytes >= bytes) return true;
	const struct timespec until = deadline_after(wait_ms);
	pthread_mutex_lock(&b->lock);
	if (!s->of) {
		*s = (struct budget_share){.of = b, .caller = caller_of(b, caller)};
		s->caller->shares++;
	}
	int64_t more = bytes - s->bytes;
	bool fits;
	struct budget_caller *c = s->caller;
	bool may_wait = ++c->waiting <= WAITING_MAX; /* who asks for much at once does not tie up a thread for each */
	while (!(fits = c->used + more <= (b->bytes - (b->used - c->used)) / 2))
		if (!may_wait || pthread_cond_timedwait(&b->freed, &b->lock, &until)) break;
	c->waiting--;
	if (fits) share_set(s, bytes);
	else if (!s->bytes) share_drop(s);
	pthread_mutex_unlock(&b->lock);
	return fits;
}

void budget_shrink(struct budget_share *s, int64_t bytes) {
	struct budget *b = s->of;
	if (!b || s->bytes <= bytes) return;
	pthread_mutex_lock(&b->lock);
	share_set(s, bytes);
	if (!bytes) share_drop(s);
	bool trim = b->much && b->used < b->bytes / LITTLE;
	if (trim) b->much = false;
	pthread_cond_broadcast(&b->freed);
	pthread_mutex_unlock(&b->lock);
#ifdef __GLIBC__
	if (trim) malloc_trim(0); /* the library would keep it */
#endif
}
