/* SPDX-License-Identifier: MIT */
/* What the status tells about the past: the rates of the last quarter of an hour, and when the disk will be full by the
 * rate at which it fills now. Loop thread; nothing runs by itself. */
#include "station/engine/engine_internal.h"

#define SECONDS_A_SLOT (CONTROL_RATE_MS / 1000)
#define DISK_SPAN_MS 60000				  /* younger than this no rate is told */
#define DISK_HORIZON_MS (30LL * 86400000) /* further away it is no news */

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
		json_push(
			list, known ? cJSON_CreateNumber((double)(*history_slot(h, slot) / SECONDS_A_SLOT)) : cJSON_CreateNull());
	}
	return list;
}

void disk_note(struct disk_history *d, int64_t free_bytes, int64_t at_ms) {
	if (d->n == DISK_SAMPLES) {
		for (size_t i = 1; i < d->n; i++) d->samples[i - 1] = d->samples[i];
		d->n--;
	}
	d->samples[d->n++] = (struct disk_sample){at_ms, free_bytes};
}

int64_t disk_full_in_ms(const struct disk_history *d) {
	if (d->n < 2) return -1;
	const struct disk_sample *from = &d->samples[0], *to = &d->samples[d->n - 1];
	int64_t fell = from->free_bytes - to->free_bytes, span = to->at_ms - from->at_ms;
	if (fell <= 0 || span < DISK_SPAN_MS) return -1;
	double left = (double)to->free_bytes * (double)span / (double)fell;
	return left < (double)DISK_HORIZON_MS ? (int64_t)left : -1;
}
