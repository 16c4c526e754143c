/* SPDX-License-Identifier: MIT */
/* Columns over time: the newest at the right, the scale's top at the left, hours below. */
#include "ui/widgets/chart.h"

#include <math.h>

#include "base/clock.h"

#define LABEL 11 /* columns of the scale's labels */

/* The greatest value; NAN when none is known. */
static double chart_top(const struct chart *k) {
	double top = NAN;
	for (size_t i = 0; i < k->n; i++) top = fmax(top, k->values[i]);
	return top;
}

/* The part of the value's column that lies in row `row` counted from the bottom of `height` rows: 0 to 1. */
static double chart_share(double value, double top, int row, int height) {
	if (isnan(value) || isnan(top) || top <= 0) return 0;
	return MIN(MAX(value / top * height - row, 0.0), 1.0);
}

static void chart_times(const struct chart *k, const struct canvas *c, int y, int width) {
	char hms[TIME_TEXT];
	int shown = MIN((int)k->n, width);
	canvas_text(c, y, 0, c->w, ROLE_QUIET, ALIGN_LEFT, "");
	canvas_text(c, y, LABEL, MIN(8, width), ROLE_QUIET, ALIGN_LEFT,
		time_local_hms(hms, k->end_ms - (int64_t)(shown - 1) * k->step_ms));
	if (width > 20) canvas_text(c, y, LABEL + width - 8, 8, ROLE_QUIET, ALIGN_RIGHT, time_local_hms(hms, k->end_ms));
}

void chart_draw(const struct chart *k, const struct canvas *c) {
	int height = c->h - 1, width = c->w - LABEL;
	double top = chart_top(k);
	char label[32];
	if (height < 1 || width < 4) return;
	for (int y = 0; y < height; y++) {
		int row = height - 1 - y;
		const char *text = isnan(top) ? (y == 0 ? "-" : "")
						   : y == 0	  ? k->label(label, top)
						   : row == 0 ? k->label(label, 0)
									  : "";
		canvas_text(c, y, 0, LABEL - 1, ROLE_QUIET, ALIGN_RIGHT, text);
		double shares[1024];
		size_t n = MIN(k->n, ARRAY_LEN(shares));
		for (size_t i = 0; i < n; i++) {
			double value = k->values[k->n - n + i], share = chart_share(value, top, row, height);
			shares[i] = isnan(value) || (share <= 0 && row > 0) ? NAN : share;
		}
		canvas_spark(c, y, LABEL, width, shares, n, 1, ROLE_BAR);
	}
	chart_times(k, c, height, width);
}
