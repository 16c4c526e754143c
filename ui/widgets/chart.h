/* SPDX-License-Identifier: MIT */
/* A line of columns over time with axes, gaps shown as gaps. */
#pragma once

#include "ui/term/canvas.h"

struct chart {
	const double *values; /* oldest first; NAN: a gap */
	size_t n;
	int64_t step_ms, end_ms;
	const char *(*label)(char to[32], double value);
};
void chart_draw(const struct chart *k, const struct canvas *c);
