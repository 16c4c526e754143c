/* SPDX-License-Identifier: MIT */
/* Part sizes: a pure function of a file's size, so that manifest, journal and cloud agree (api.md "Parts"). */
#pragma once

#include "base/error.h"

#define PART_SINGLE_MAX (64LL << 20)
#define PART_SIZE_LEAST (16LL << 20)
#define PART_COUNT_MAX 9000
#define PUT_MAX (5LL << 30)
int64_t part_size(int64_t file_bytes);	/* 0 when the file is one PUT without part digests */
int64_t part_count(int64_t file_bytes); /* 0 likewise */
