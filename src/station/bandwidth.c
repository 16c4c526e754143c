/* SPDX-License-Identifier: MIT */
/* Bandwidth as it is written, and as it is in force. Any thread. */
#include "station/bandwidth.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/option.h"
#include "base/text.h"
#include "base/units.h"

static int bandwidth_fail(const char *text, struct error *err) {
	return error_set(err, ERR_CONFIG,
		"\"%s\" is not a bandwidth: write 20MB/s, or 20MB/s 08:00-18:00 for a part of the day", TEXT_SAFE(text));
}

static int bandwidth_hours(const char *text, int *ret_from, int *ret_to) {
	unsigned h1, m1, h2, m2;
	int end = 0;
	if (sscanf(text, "%2u:%2u-%2u:%2u%n", &h1, &m1, &h2, &m2, &end) != 4 || text[end]) return -1;
	if (h1 > 24 || h2 > 24 || m1 > 59 || m2 > 59 || h1 * 60 + m1 > 1440 || h2 * 60 + m2 > 1440) return -1;
	*ret_from = (int)(h1 * 60 + m1) % 1440;
	*ret_to = (int)(h2 * 60 + m2) % 1440;
	return 0;
}

int bandwidth_parse(const char *text, struct bandwidth_window *ret, struct error *err) {
	struct bandwidth_window w = {0};
	char rate[64];
	struct error why = ERROR_INIT;
	text_copy(rate, sizeof rate, text);
	char *slash = strstr(rate, "/s");
	char *hours = NULL;
	if (!*text_trim(rate)) {
		*ret = w;
		return 0;
	}
	if (!slash || strlen(text) >= sizeof rate) return bandwidth_fail(text, err);
	hours = text_trim(slash + 2);
	*slash = '\0';
	if (unit_parse_bytes(text_trim(rate), &w.bytes_per_s, &why) || w.bytes_per_s < 1024) {
		if (why.code == ERR_NONE)
			return error_set(err, ERR_CONFIG, "\"%s\" is below the least bandwidth of 1 KiB/s", TEXT_SAFE(text));
		return bandwidth_fail(text, err);
	}
	if (*hours && bandwidth_hours(hours, &w.from_min, &w.to_min)) return bandwidth_fail(text, err);
	*ret = w;
	return 0;
}

void bandwidth_write(const struct bandwidth_window *w, char *to, size_t size) {
	char rate[UNIT_TEXT];
	to[0] = '\0';
	if (!w->bytes_per_s) return;
	option_write_number(OPTION_BYTES, w->bytes_per_s, rate, sizeof rate);
	if (w->from_min == w->to_min) snprintf(to, size, "%s/s", rate);
	else
		snprintf(to, size, "%s/s %02d:%02d-%02d:%02d", rate, w->from_min / 60, w->from_min % 60, w->to_min / 60,
			w->to_min % 60);
}

int64_t bandwidth_now(const struct bandwidth_window *w, int64_t wall_ms) {
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm day;
	if (w->from_min == w->to_min || !localtime_r(&seconds, &day)) return w->bytes_per_s;
	int minute = day.tm_hour * 60 + day.tm_min;
	bool inside = w->from_min < w->to_min ? minute >= w->from_min && minute < w->to_min
										  : minute >= w->from_min || minute < w->to_min;
	return inside ? w->bytes_per_s : 0;
}
