/* SPDX-License-Identifier: MIT */
/* Clocks and the three ways in which our protocols write a time. Formats are written and read by hand: strftime and
 * strptime follow the locale. Any thread. */
#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

static int64_t clock_ms(clockid_t id) {
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void) { return clock_ms(CLOCK_REALTIME); }

int64_t clock_mono_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* The civil time of ms in UTC; false for what we have no spelling of. */
static bool utc_of(int64_t ms, struct tm *ret) {
	time_t s = (time_t)(ms / 1000);
	return ms > 0 && gmtime_r(&s, ret) && ret->tm_year + 1900 <= 9999;
}

/* Through an array that no year can overrun, so that the compiler sees it too. */
static void PRINTF_LIKE(2, 3) put(char *to, const char *fmt, ...) {
	char draft[96];
	va_list args;
	va_start(args, fmt);
	vsnprintf(draft, sizeof draft, fmt, args);
	va_end(args);
	text_copy(to, TIME_TEXT, draft);
}

const char *time_rfc3339(char *to, int64_t ms) {
	struct tm t;
	to[0] = '\0';
	if (utc_of(ms, &t))
		put(to, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
			t.tm_sec, (int)(ms % 1000));
	return to;
}

/* Rounded down, also below zero. */
static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

const char *time_any_rfc3339(char *to, int64_t ms) {
	struct tm t;
	int64_t s = floor_div(ms, 1000);
	time_t seconds = (time_t)s;
	to[0] = '\0';
	if (gmtime_r(&seconds, &t) && t.tm_year + 1900 >= 1 && t.tm_year + 1900 <= 9999)
		put(to, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
			t.tm_sec, (int)(ms - s * 1000));
	return to;
}

#define FIRST_S (-2208988800LL) /* 1900-01-01 */
#define END_S 7258118400LL		/* 2200-01-01 */
#define NS_A_S 1000000000LL
#define FAR_S (1LL << 50) /* what lies farther from 1970, in whichever direction, is taken as this */

int64_t file_time_ns(const struct timespec *t) {
	int64_t s = MAX(MIN((int64_t)t->tv_sec, FAR_S), -FAR_S);
	if (s >= END_S) return END_S * NS_A_S + (s - END_S) * 1000 + t->tv_nsec / 1000000;
	if (s < FIRST_S) return FIRST_S * NS_A_S + (s - FIRST_S) * 1000 + t->tv_nsec / 1000000;
	return s * NS_A_S + t->tv_nsec;
}

int64_t file_time_ms(int64_t ns) {
	if (ns >= END_S * NS_A_S) return END_S * 1000 + (ns - END_S * NS_A_S);
	if (ns < FIRST_S * NS_A_S) return FIRST_S * 1000 + (ns - FIRST_S * NS_A_S);
	return floor_div(ns, 1000000);
}

const char *time_iso_basic(char *to, int64_t ms) {
	struct tm t;
	to[0] = '\0';
	if (utc_of(ms, &t))
		put(to, "%04d%02d%02dT%02d%02d%02dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
	return to;
}

const char *time_http(char *to, int64_t ms) {
	struct tm t;
	to[0] = '\0';
	if (utc_of(ms, &t))
		put(to, "%s, %02d %s %04d %02d:%02d:%02d GMT", weekdays[t.tm_wday], t.tm_mday, months[t.tm_mon],
			t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
	return to;
}

bool time_valid_date(int year, int month, int day) {
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Takes exactly n digits from *s. */
static bool take_digits(const char **s, int n, int *ret) {
	int v = 0;
	for (int i = 0; i < n; i++) {
		char c = **s;
		if (c < '0' || c > '9') return false;
		v = v * 10 + (c - '0');
		(*s)++;
	}
	*ret = v;
	return true;
}

static bool take(const char **s, const char *literal) {
	size_t n = strlen(literal);
	if (strncmp(*s, literal, n) != 0) return false;
	*s += n;
	return true;
}

/* Takes one of three-letter words. */
static bool take_word(const char **s, const char *const *words, int n, int *ret) {
	for (int i = 0; i < n; i++)
		if (take(s, words[i])) {
			*ret = i;
			return true;
		}
	return false;
}

struct civil {
	int year, month, day, hour, minute, second;
};

/* Seconds may be 60 (a leap second), which timegm makes the next one. */
static int civil_ms(const struct civil *c, int64_t *ret_ms) {
	if (!time_valid_date(c->year, c->month, c->day) || c->hour > 23 || c->minute > 59 || c->second > 60) return -1;
	struct tm t = {.tm_year = c->year - 1900,
		.tm_mon = c->month - 1,
		.tm_mday = c->day,
		.tm_hour = c->hour,
		.tm_min = c->minute,
		.tm_sec = c->second};
	*ret_ms = (int64_t)timegm(&t) * 1000;
	return 0;
}

static bool take_hms(const char **s, struct civil *c) {
	return take_digits(s, 2, &c->hour) && take(s, ":") && take_digits(s, 2, &c->minute) && take(s, ":") &&
		   take_digits(s, 2, &c->second);
}

/* ".042" as milliseconds; further digits are dropped. */
static bool take_fraction(const char **s, int *ret_ms) {
	int ms = 0, scale = 100, n = 0;
	if (!take(s, ".")) return true;
	for (; **s >= '0' && **s <= '9'; (*s)++, n++) {
		ms += (**s - '0') * scale;
		scale /= 10;
	}
	*ret_ms = ms;
	return n > 0;
}

/* "Z", "+02:00" or "-07:30", in minutes. */
static bool take_offset(const char **s, int *ret_minutes) {
	if (take(s, "Z") || take(s, "z")) return true;
	int sign = **s == '-' ? -1 : 1, hours = 0, minutes = 0;
	if (!take(s, "+") && !take(s, "-")) return false;
	if (!take_digits(s, 2, &hours) || !take(s, ":") || !take_digits(s, 2, &minutes)) return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return hours < 24 && minutes < 60;
}

int time_parse_rfc3339(const char *s, int64_t *ret_ms) {
	struct civil c;
	int fraction = 0, offset = 0;
	int64_t ms = 0;
	bool ok = take_digits(&s, 4, &c.year) && take(&s, "-") && take_digits(&s, 2, &c.month) && take(&s, "-") &&
			  take_digits(&s, 2, &c.day) && (take(&s, "T") || take(&s, "t")) && take_hms(&s, &c) &&
			  take_fraction(&s, &fraction) && take_offset(&s, &offset) && !*s;
	if (!ok || civil_ms(&c, &ms)) return -1;
	*ret_ms = ms + fraction - (int64_t)offset * 60000;
	return 0;
}

int time_parse_iso_basic(const char *s, int64_t *ret_ms) {
	struct civil c;
	bool ok = take_digits(&s, 4, &c.year) && take_digits(&s, 2, &c.month) && take_digits(&s, 2, &c.day) &&
			  take(&s, "T") && take_digits(&s, 2, &c.hour) && take_digits(&s, 2, &c.minute) &&
			  take_digits(&s, 2, &c.second) && take(&s, "Z") && !*s;
	return ok ? civil_ms(&c, ret_ms) : -1;
}

int time_parse_http(const char *s, int64_t *ret_ms) {
	struct civil c;
	int weekday = 0;
	bool ok = take_word(&s, weekdays, 7, &weekday) && take(&s, ", ") && take_digits(&s, 2, &c.day) && take(&s, " ") &&
			  take_word(&s, months, 12, &c.month) && take(&s, " ") && take_digits(&s, 4, &c.year) && take(&s, " ") &&
			  take_hms(&s, &c) && take(&s, " GMT") && !*s;
	if (!ok) return -1;
	c.month++;
	return civil_ms(&c, ret_ms);
}

static void local_of(int64_t ms, struct tm *ret) {
	time_t s = (time_t)(ms / 1000);
	if (!localtime_r(&s, ret)) *ret = (struct tm){.tm_year = 70, .tm_mday = 1};
}

int64_t time_local_midnight(int64_t ms) {
	struct tm t;
	local_of(ms, &t);
	t.tm_hour = t.tm_min = t.tm_sec = 0;
	t.tm_isdst = -1;
	return (int64_t)mktime(&t) * 1000;
}

int64_t time_next_midnight(int64_t ms) { return time_local_midnight(time_local_midnight(ms) + 36LL * 3600 * 1000); }

const char *time_local_hms(char *to, int64_t ms) {
	struct tm t;
	local_of(ms, &t);
	put(to, "%02d:%02d:%02d", t.tm_hour, t.tm_min, t.tm_sec);
	return to;
}
