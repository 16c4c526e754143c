/* SPDX-License-Identifier: MIT */
/* Room on the data folder's disk: what is kept free, so that catalog and log can still be written when recordings have
 * filled it. */
#pragma once

#include "base/error.h"

/* What is free for us, and what is kept of it: keep_free, but at most a twentieth of the disk. */
MUST_USE int disk_room(
	const char *dir, int64_t keep_free, int64_t *ret_free_bytes, int64_t *ret_floor, struct error *err);
/* Of the whole disk; INT64_MAX when it cannot be told. */
int64_t disk_total(const char *dir);
MUST_USE int disk_room_at(int fd, int64_t keep_free, int64_t *ret_free_bytes, int64_t *ret_floor);
