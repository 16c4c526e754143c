/* SPDX-License-Identifier: MIT */
/* Names of sessions, stations, buckets, files and keys. Pure functions, any thread. */
#include "session/name.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

/* --- session folders --- */

bool session_name_is(const char *folder) {
	if (strlen(folder) != SESSION_NAME - 1) return false;
	for (int i = 0; i < SESSION_NAME - 1; i++) {
		if (i == 8 ? folder[i] != '_' : !isdigit((unsigned char)folder[i])) return false;
	}
	return true;
}

static int digits(const char *s, int n) {
	int value = 0;
	for (int i = 0; i < n; i++) value = value * 10 + (s[i] - '0');
	return value;
}

static bool session_name_tm(const char *folder, struct tm *ret) {
	if (!session_name_is(folder)) return false;
	int year = digits(folder, 4), month = digits(folder + 4, 2), day = digits(folder + 6, 2);
	int hour = digits(folder + 9, 2), minute = digits(folder + 11, 2), second = digits(folder + 13, 2);
	if (!time_valid_date(year, month, day) || hour > 23 || minute > 59 || second > 59) return false;
	*ret = (struct tm){.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second,
		.tm_isdst = -1};
	return true;
}

bool session_name_possible(const char *folder) {
	struct tm tm;
	return session_name_tm(folder, &tm);
}

int64_t session_name_time(const char *folder) {
	struct tm tm;
	if (!session_name_tm(folder, &tm)) return -1;
	time_t t = mktime(&tm);
	return t < 0 ? -1 : (int64_t)t * 1000;
}

/* --- names that are nearly a session's --- */

/* n digits at *at, whose number is in from..to; *at behind them. */
static bool near_number(const char **at, int n, int from, int to) {
	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)(*at)[i])) return false;
	}
	int value = digits(*at, n);
	*at += n;
	return value >= from && value <= to;
}

/* Behind the date: what people and recorders put before the time. */
static void near_gap(const char **at) {
	for (int i = 0; i < 3 && **at && strchr("_-. Tt@", **at); i++) ++*at;
}

static void near_separator(const char **at, const char *which) {
	if (**at && strchr(which, **at)) ++*at;
}

/* A date and a time from `start` on; the seconds may be missing. */
static bool near_at(const char *start, char to[SESSION_NAME]) {
	const char *at = start, *month, *day, *hour, *minute, *second = "00";
	if (!near_number(&at, 4, 1970, 2199)) return false;
	near_separator(&at, "-_./ ");
	month = at;
	if (!near_number(&at, 2, 1, 12)) return false;
	near_separator(&at, "-_./ ");
	day = at;
	if (!near_number(&at, 2, 1, 31)) return false;
	near_gap(&at);
	hour = at;
	if (!near_number(&at, 2, 0, 23)) return false;
	near_separator(&at, "-_.:hH ");
	minute = at;
	if (!near_number(&at, 2, 0, 59)) return false;
	const char *end = at;
	near_separator(&at, "-_.:mM ");
	const char *seconds = at;
	if (near_number(&at, 2, 0, 60)) {
		second = seconds;
		end = at;
	}
	while (isdigit((unsigned char)*end)) end++; /* milliseconds, as in 20261120124033123 */
	if (end - start > 32) return false;
	snprintf(to, SESSION_NAME, "%.4s%.2s%.2s_%.2s%.2s%.2s", start, month, day, hour, minute, second);
	return true;
}

bool session_name_near(const char *folder, char ret_name[SESSION_NAME]) {
	if (session_name_is(folder)) return false;
	for (const char *c = folder; *c; c++) {
		bool begins = isdigit((unsigned char)*c) && (c == folder || !isdigit((unsigned char)c[-1]));
		if (begins && near_at(c, ret_name)) return true;
	}
	return false;
}

/* --- stations and buckets --- */

int station_name_check(const char *name, struct error *err) {
	size_t n = strlen(name);
	bool good = n >= 1 && n <= STATION_NAME_MAX && isalnum((unsigned char)name[0]) && isascii(name[0]);
	for (size_t i = 0; good && i < n; i++)
		good = isascii(name[i]) && (isalnum((unsigned char)name[i]) || strchr("._-", name[i]));
	if (good) return 0;
	return error_set(err, ERR_CONFIG,
		"station name \"%s\" cannot be used: take 1 to %d letters, digits, '.', '_' or '-', beginning with a letter or "
		"digit, such as eeg-lab-2",
		TEXT_SAFE(name), STATION_NAME_MAX);
}

static bool bucket_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; }
static bool bucket_end(char c) { return bucket_char(c) && c != '.' && c != '-'; }

static bool looks_like_address(const char *name) {
	int parts = 1;
	for (const char *p = name; *p; p++) {
		if (*p == '.') parts++;
		else if (*p < '0' || *p > '9') return false;
	}
	return parts == 4;
}

/* Prefixes and suffixes that S3 keeps for itself
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html). */
static const char *const bucket_prefixes[] = {"xn--", "sthree-", "amzn-s3-demo-"};
static const char *const bucket_suffixes[] = {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"};

static const char *bucket_fault(const char *name) {
	size_t n = strlen(name);
	if (n < 3 || n > 63) return "has 3 to 63 characters";
	for (size_t i = 0; i < n; i++) {
		if (!bucket_char(name[i])) return "has only lower-case letters, digits, '.' and '-'";
	}
	if (!bucket_end(name[0]) || !bucket_end(name[n - 1])) return "begins and ends with a letter or digit";
	if (strstr(name, "..")) return "has no two dots in a row";
	if (looks_like_address(name)) return "is not formed like an IP address";
	for (size_t i = 0; i < ARRAY_LEN(bucket_prefixes); i++) {
		if (text_starts(name, bucket_prefixes[i])) return "begins with none of xn--, sthree-, amzn-s3-demo-";
	}
	for (size_t i = 0; i < ARRAY_LEN(bucket_suffixes); i++) {
		if (text_ends(name, bucket_suffixes[i]))
			return "ends with none of -s3alias, --ol-s3, .mrap, --x-s3, --table-s3";
	}
	return NULL;
}

/* A valid name near to `name`: upper case lowered, anything else a single '-'. */
static void bucket_suggest(char to[64], const char *name) {
	size_t n = 0;
	for (const char *p = name; *p && n < 63; p++) {
		char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
		if (bucket_end(c)) to[n++] = c;
		else if (n && bucket_end(to[n - 1])) to[n++] = c == '.' ? '.' : '-';
	}
	while (n && !bucket_end(to[n - 1])) n--;
	to[n] = '\0';
	if (bucket_fault(to)) text_copy(to, 64, "headgate-raw");
}

int bucket_name_check(const char *name, struct error *err) {
	const char *fault = bucket_fault(name);
	if (!fault) return 0;
	char suggestion[64];
	bucket_suggest(suggestion, name);
	return error_set(err, ERR_CONFIG, "bucket name \"%s\" would be refused by S3: a bucket's name %s; use \"%s\"",
		TEXT_SAFE(name), fault, suggestion);
}

/* --- files in a session --- */

static bool has_control(const char *name) {
	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		if (*p < 0x20 || *p == 0x7f) return true;
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) return true; /* C1 */
	}
	return false;
}

/* The fault of one segment, or NULL. */
static const char *segment_fault(const char *segment, size_t n) {
	if (n == 0) return "has an empty folder name; remove the doubled, leading or trailing '/'";
	if (n == 1 && segment[0] == '.') return "has the folder name \".\"; remove it";
	if (n == 2 && segment[0] == '.' && segment[1] == '.') return "has the folder name \"..\"; rename it";
	return NULL;
}

static bool is_reserved(const char *name) {
	size_t n = strlen(RESERVED_DIR);
	return strncmp(name, RESERVED_DIR, n) == 0 && (name[n] == '/' || name[n] == '\0');
}

static const char *file_name_fault(const char *name) {
	size_t n = strlen(name);
	if (n == 0) return "is empty; give the file a name";
	if (n > FILE_NAME_MAX) return "is longer than 768 bytes; shorten it or its folders' names";
	if (!text_is_utf8(name, n, NULL)) return "is not UTF-8; rename it";
	if (has_control(name)) return "holds a control character; rename it";
	if (strchr(name, '\\')) return "holds a backslash; rename it";
	for (const char *p = name;;) {
		size_t length = strcspn(p, "/");
		const char *fault = segment_fault(p, length);
		if (fault) return fault;
		if (!p[length]) break;
		p += length + 1;
	}
	if (is_reserved(name) && !is_manifest_name(name, NULL)) {
		return "is in " RESERVED_DIR ", which headgate keeps for itself; rename that folder";
	}
	return NULL;
}

int file_name_check(const char *name, struct error *err) {
	const char *fault = file_name_fault(name);
	if (!fault) return 0;
	return error_set(err, ERR_INPUT, "the file name \"%s\" %s", TEXT_SAFE(name), fault);
}

bool is_manifest_name(const char *name, int64_t *ret_revision) {
	size_t n = strlen(RESERVED_DIR);
	if (strncmp(name, RESERVED_DIR "/", n + 1) != 0) return false;
	const char *number = name + n + 1;
	size_t digits_n = strspn(number, "0123456789");
	if (digits_n == 0 || digits_n > 18 || number[0] == '0') return false;
	if (strcmp(number + digits_n, "/" MANIFEST_NAME) != 0) return false;
	if (ret_revision) *ret_revision = strtoll(number, NULL, 10);
	return true;
}

void manifest_name(char *to, size_t size, int64_t revision) {
	snprintf(to, size, "%s/%lld/%s", RESERVED_DIR, (long long)revision, MANIFEST_NAME);
}

int object_key(char *to, size_t size, const char *session, const char *station, int64_t revision, bool revised,
	const char *name, struct error *err) {
	char folder[64] = "";
	const char *own = strcmp(name, MANIFEST_NAME) == 0 ? RESERVED_DIR "/" : "";
	if (revised) snprintf(folder, sizeof folder, "%s/%lld/%s", RESERVED_DIR, (long long)revision, own);
	int n = snprintf(to, size, "%s/%s/%s%s", session, station, folder, name);
	if (n >= 0 && n <= KEY_MAX && (size_t)n < size) return 0;
	return error_set(err, ERR_INPUT,
		"the object key of \"%s\" is %d bytes, S3 takes at most %d: shorten the file's name", TEXT_SAFE(name), n,
		KEY_MAX);
}
