/* SPDX-License-Identifier: MIT */
/* A ring of samples for the rate of the moment, and slots of equal length for the past. Loop thread. */
#include "station/sending/rates.h"

/* --- now --- */

#define RATE_SAMPLE_MS 500

void rate_add(struct rate *r, int64_t bytes, int64_t at_ms) {
	size_t last = (r->n + RATE_SLOTS - 1) % RATE_SLOTS;
	r->total += bytes;
	if (r->n && at_ms - r->at_ms[last] < RATE_SAMPLE_MS) return;
	r->at_ms[r->n % RATE_SLOTS] = at_ms;
	r->bytes[r->n % RATE_SLOTS] = r->total;
	r->n++;
}

int64_t rate_now(const struct rate *r, int64_t at_ms) {
	if (!r->n) return 0;
	/* the oldest sample that is not older than the window */
	for (size_t i = r->n > RATE_SLOTS ? r->n - RATE_SLOTS : 0; i < r->n; i++) {
		int64_t since = at_ms - r->at_ms[i % RATE_SLOTS];
		if (since > RATE_SLOTS * RATE_SAMPLE_MS || since <= 0) continue;
		return (r->total - r->bytes[i % RATE_SLOTS]) * 1000 / since;
	}
	return 0;
}

/* --- the past --- */

#define SECONDS_A_SLOT (CONTROL_RATE_MS / 1000)

static int64_t *history_slot(struct rate_history *h, int64_t slot) { return &h->bytes[slot % RATE_HISTORY]; }

static void history_reach(struct rate_history *h, int64_t slot) {
	if (slot - h->newest > RATE_HISTORY) h->newest = slot - RATE_HISTORY;
	while (h->newest < slot) *history_slot(h, ++h->newest) = 0;
}

void history_add(struct rate_history *h, int64_t bytes, int64_t at_ms) {
	history_reach(h, at_ms / CONTROL_RATE_MS);
	*history_slot(h, at_ms / CONTROL_RATE_MS) += bytes;
}

cJSON *history_json(struct rate_history *h, int64_t since_ms, int64_t at_ms) {
	cJSON *list = json_array();
	int64_t now = at_ms / CONTROL_RATE_MS, first = since_ms / CONTROL_RATE_MS;
	history_reach(h, now);
	for (int64_t slot = now - CONTROL_RATES; slot < now; slot++) {
		bool known = slot > first; /* the first one was not whole */
		if (known) json_push_double(list, (double)(*history_slot(h, slot) / SECONDS_A_SLOT));
		else json_push(list, json_null());
	}
	return list;
}
