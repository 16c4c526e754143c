/* SPDX-License-Identifier: MIT */
/* Token buckets in a set-associative table: a client hashes to one set of LIMIT_WAYS places. The hash is seeded, so
 * that nobody chooses whom to push out. One mutex, held for a few comparisons. */
#include "cloud/call/limit.h"

#include <math.h>
#include <pthread.h>

#include "base/digest.h"
#include "base/text.h"

#define LIMIT_SETS 1024
#define LIMIT_WAYS 8
#define LIMIT_CLIENT 64
#define ROUNDING 1e-6 /* of a token, lost in sums of fractions */

struct bucket {
	char client[LIMIT_CLIENT]; /* "": free */
	double tokens;
	int64_t seen_ms;
};
struct limiter {
	pthread_mutex_t lock;
	double rate_per_ms, burst;
	uint64_t seed;
	struct bucket sets[LIMIT_SETS][LIMIT_WAYS];
};

struct limiter *limiter_new(int64_t rate, int64_t burst) {
	struct limiter *l = xcalloc(1, sizeof *l);
	pthread_mutex_init(&l->lock, NULL);
	l->rate_per_ms = (double)rate / 1000;
	l->burst = (double)MAX(burst, 1);
	random_bytes(&l->seed, sizeof l->seed);
	return l;
}

void limiter_free(struct limiter *l) {
	if (!l) return;
	pthread_mutex_destroy(&l->lock);
	xfree(l);
}

/* FNV-1a from a secret start. */
static size_t limiter_set(const struct limiter *l, const char *client) {
	uint64_t h = 14695981039346656037ULL ^ l->seed;
	for (const char *p = client; *p; p++) h = (h ^ (uint8_t)*p) * 1099511628211ULL;
	return (size_t)((h ^ (h >> 32)) % LIMIT_SETS);
}

static struct bucket *limiter_bucket(struct limiter *l, const char *client, int64_t now_ms) {
	struct bucket *set = l->sets[limiter_set(l, client)], *oldest = &set[0];
	for (size_t i = 0; i < LIMIT_WAYS; i++) {
		if (strncmp(set[i].client, client, LIMIT_CLIENT - 1) == 0) return &set[i];
		if (!set[i].client[0] || set[i].seen_ms < oldest->seen_ms) oldest = &set[i];
	}
	text_copy(oldest->client, sizeof oldest->client, client);
	oldest->tokens = l->burst;
	oldest->seen_ms = now_ms;
	return oldest;
}

int64_t limiter_take(struct limiter *l, const char *client, int64_t now_mono_ms) {
	if (l->rate_per_ms <= 0) return 0;
	pthread_mutex_lock(&l->lock);
	struct bucket *b = limiter_bucket(l, client, now_mono_ms);
	b->tokens = MIN(l->burst, b->tokens + (double)(now_mono_ms - b->seen_ms) * l->rate_per_ms);
	b->seen_ms = now_mono_ms;
	int64_t wait_ms = b->tokens >= 1 - ROUNDING ? 0 : (int64_t)ceil((1 - b->tokens) / l->rate_per_ms);
	if (!wait_ms) b->tokens -= 1;
	pthread_mutex_unlock(&l->lock);
	return wait_ms;
}
