/* SPDX-License-Identifier: MIT */
/* Sizes, rates and durations. Fractions are written by hand: printf's decimal point follows the locale. Any thread. */
#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct unit {
	const char *name;
	int64_t factor;
};
#define KI INT64_C(1024)
static const struct unit byte_units[] = {
	{"", 1},
	{"B", 1},
	{"k", 1000},
	{"kB", 1000},
	{"Ki", KI},
	{"KiB", KI},
	{"M", 1000000},
	{"MB", 1000000},
	{"Mi", KI *KI},
	{"MiB", KI *KI},
	{"G", 1000000000},
	{"GB", 1000000000},
	{"Gi", KI *KI *KI},
	{"GiB", KI *KI *KI},
	{"T", 1000000000000},
	{"TB", 1000000000000},
	{"Ti", KI *KI *KI *KI},
	{"TiB", KI *KI *KI *KI},
};
static const struct unit duration_units[] = {
	{"", 1000},
	{"ms", 1},
	{"s", 1000},
	{"m", 60000},
	{"min", 60000},
	{"h", 3600000},
	{"d", 86400000},
};

/* "1.5 GB": a number, maybe blanks, a unit of the table. -1 when it is not, or does not fit. */
static int parse(const char *s, const struct unit *units, size_t n, int64_t *ret) {
	char number[32];
	size_t digits = strspn(s, "0123456789.");
	if (!digits || digits >= sizeof number) return -1;
	memcpy(number, s, digits);
	number[digits] = '\0';
	const char *name = s + digits + strspn(s + digits, " ");
	const struct unit *unit = NULL;
	for (size_t i = 0; i < n && !unit; i++)
		if (text_equal_nocase(name, units[i].name)) unit = &units[i];
	if (!unit) return -1;
	int64_t whole = 0;
	if (text_to_i64(number, 0, INT64_MAX, &whole) == 0)
		return __builtin_mul_overflow(whole, unit->factor, ret) ? -1 : 0;
	double v = 0;
	if (text_to_double(number, &v) || v * (double)unit->factor >= 0x1p63) return -1;
	*ret = (int64_t)round(v * (double)unit->factor);
	return 0;
}

int unit_parse_bytes(const char *s, int64_t *ret, struct error *err) {
	int64_t bytes = 0;
	if (parse(s, byte_units, ARRAY_LEN(byte_units), &bytes))
		return error_set(err, ERR_INPUT, "\"%s\" is not a size: write 4096, 600MB, 1.5G or 64MiB", TEXT_SAFE(s));
	*ret = bytes;
	return 0;
}

int unit_parse_duration(const char *s, int64_t *ret_ms, struct error *err) {
	int64_t ms = 0;
	if (parse(s, duration_units, ARRAY_LEN(duration_units), &ms))
		return error_set(err, ERR_INPUT, "\"%s\" is not a duration: write 250ms, 10s, 1.5m, 2h or 30d", TEXT_SAFE(s));
	*ret_ms = ms;
	return 0;
}

/* The largest unit of which there is one or more, with one digit after the point: 999,950 is "1.0 MB", not "1000.0 kB".
 */
static void scaled(char *to, int64_t bytes, const char *after) {
	static const char *const names[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	if (bytes < 0) {
		text_copy(to, UNIT_TEXT, "-");
		return;
	}
	if (bytes < 1000) {
		snprintf(to, UNIT_TEXT, "%d B%s", (int)bytes, after);
		return;
	}
	int64_t tenth = 100;
	size_t i = 0;
	while (i + 1 < ARRAY_LEN(names) && bytes / tenth + (bytes % tenth >= tenth / 2) >= 10000) {
		tenth *= 1000;
		i++;
	}
	int64_t tenths = bytes / tenth + (bytes % tenth >= tenth / 2);
	snprintf(to, UNIT_TEXT, "%lld.%d %s%s", (long long)(tenths / 10), (int)(tenths % 10), names[i], after);
}

const char *unit_bytes(char *to, int64_t bytes) {
	scaled(to, bytes, "");
	return to;
}

const char *unit_rate(char *to, double bytes_per_s) {
	bool known = bytes_per_s >= 0 && bytes_per_s < 0x1p63;
	scaled(to, known ? (int64_t)bytes_per_s : -1, "/s");
	return to;
}

const char *unit_duration(char *to, int64_t ms) {
	long long s = ms / 1000, days = s / 86400, hours = s / 3600 % 24;
	if (ms < 0) text_copy(to, UNIT_TEXT, "-");
	else if (days) snprintf(to, UNIT_TEXT, "%lldd %lldh", days, hours);
	else if (hours) snprintf(to, UNIT_TEXT, "%lld:%02lld:%02lld", hours, s / 60 % 60, s % 60);
	else snprintf(to, UNIT_TEXT, "%lld:%02lld", s / 60, s % 60);
	return to;
}

const char *unit_age(char *to, int64_t ms) {
	long long s = ms / 1000;
	if (ms < 0) text_copy(to, UNIT_TEXT, "-");
	else if (s < 2) text_copy(to, UNIT_TEXT, "now");
	else if (s < 60) snprintf(to, UNIT_TEXT, "%lld s", s);
	else if (s < 3600) snprintf(to, UNIT_TEXT, "%lld min", s / 60);
	else if (s < 86400) snprintf(to, UNIT_TEXT, "%lld h", s / 3600);
	else snprintf(to, UNIT_TEXT, "%lld d", s / 86400);
	return to;
}
