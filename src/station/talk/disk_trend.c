/* SPDX-License-Identifier: MIT */
/* A line through the first and the last of the newest samples. Loop thread. */
#include "station/talk/disk_trend.h"

#define DISK_SPAN_MS 60000				  /* younger than this no rate is told */
#define DISK_HORIZON_MS (30LL * 86400000) /* further away it is no news */

void disk_note(struct disk_trend *d, int64_t free_bytes, int64_t at_ms) {
	if (d->n == DISK_SAMPLES) {
		for (size_t i = 1; i < d->n; i++) d->samples[i - 1] = d->samples[i];
		d->n--;
	}
	d->samples[d->n++] = (struct disk_sample){at_ms, free_bytes};
}

int64_t disk_full_in_ms(const struct disk_trend *d) {
	if (d->n < 2) return -1;
	const struct disk_sample *from = &d->samples[0], *to = &d->samples[d->n - 1];
	int64_t fell = from->free_bytes - to->free_bytes, span = to->at_ms - from->at_ms;
	if (fell <= 0 || span < DISK_SPAN_MS) return -1;
	double left = (double)to->free_bytes * (double)span / (double)fell;
	return left < (double)DISK_HORIZON_MS ? (int64_t)left : -1;
}
