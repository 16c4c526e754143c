/* SPDX-License-Identifier: MIT */
/* Bounded waits on conditions: pthread_cond_timedwait until deadline_after(ms), on a condition of condition_init. Both
 * go by the monotonic clock, which no one sets. */
#pragma once

#include <pthread.h>
#include <time.h>

#include "base/util.h"

static inline struct timespec deadline_after(int64_t ms) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t ns = t.tv_nsec + ms % 1000 * 1000000;
	t.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
	t.tv_nsec = (long)(ns % 1000000000);
	return t;
}

static inline void condition_init(pthread_cond_t *c) {
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(c, &monotonic);
	pthread_condattr_destroy(&monotonic);
}
