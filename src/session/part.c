/* SPDX-License-Identifier: MIT */
/* The rule of part sizes. Pure functions, any thread. */
#include "session/part.h"

int64_t part_size(int64_t file_bytes) {
	if (file_bytes <= PART_SINGLE_MAX) return 0;
	int64_t size = PART_SIZE_LEAST;
	/* Compared by division: size * PART_COUNT_MAX may not fit once the file is near INT64_MAX. */
	while ((file_bytes - 1) / size + 1 > PART_COUNT_MAX) size *= 2;
	return size;
}

int64_t part_count(int64_t file_bytes) {
	int64_t size = part_size(file_bytes);
	return size ? (file_bytes - 1) / size + 1 : 0;
}
