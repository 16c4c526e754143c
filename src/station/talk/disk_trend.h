/* SPDX-License-Identifier: MIT */
/* When will the disk be full, by the rate at which it fills now? Loop thread; nothing runs by itself. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DISK_SAMPLES 10 /* one a heartbeat */
struct disk_trend {
	struct disk_sample {
		int64_t at_ms, free_bytes;
	} samples[DISK_SAMPLES];
	size_t n;
};
void disk_note(struct disk_trend *d, int64_t free_bytes, int64_t at_ms);
int64_t disk_full_in_ms(const struct disk_trend *d); /* after the last sample; -1: not by these */
