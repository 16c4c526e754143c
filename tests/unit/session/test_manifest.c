/* SPDX-License-Identifier: MIT */
/* session/manifest: written, read again, and each way of being wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../manifest_text.h"
#include "base/clock.h"
#include "session/part.h"

static void add_file(struct manifest *m, const char *name, int64_t size) {
	struct manifest_file *f = manifest_add(m);
	f->name = xstrdup(name);
	f->bucket = xstrdup("headgate-raw");
	f->key = xasprintf("20261120_134502/lab/%s", name);
	f->size = size;
	f->mtime_ms = 1795182302042;
	sha256_of(name, strlen(name), &f->sha256);
	f->part_n = (size_t)part_count(size);
	if (f->part_n) f->parts = xcalloc(f->part_n, sizeof *f->parts);
	for (size_t i = 0; i < f->part_n; i++) sha256_of(&i, sizeof i, &f->parts[i]);
}

static struct manifest sample(void) {
	struct manifest m = {.station = xstrdup("lab"),
		.session = xstrdup("20261120_134502"),
		.software = xstrdup("headgate 0.1.0"),
		.metadata = xstrdup("metadata.txt"),
		.instance = xstrdup("k3v9q2"),
		.revision = 1};
	add_file(&m, "eeg ä.dat", 600000000);
	add_file(&m, "metadata.txt", 40);
	return m;
}

static void test_round(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(manifest_done) struct manifest m = sample(), back = {0};
	AUTO(xfree) char *text = manifest_write(&m);
	AUTO(xfree) char *same = manifest_write(&m);
	assert_string_equal(text, same);
	if (manifest_read(text, strlen(text), &back, &err)) fail_msg("%s", err.text);
	assert_string_equal(back.station, "lab");
	assert_string_equal(back.session, "20261120_134502");
	assert_string_equal(back.software, "headgate 0.1.0");
	assert_string_equal(back.metadata, "metadata.txt");
	assert_string_equal(back.instance, "k3v9q2");
	assert_int_equal(back.revision, 1);
	assert_int_equal(back.n, 2);
	struct sha256 content;
	manifest_content(&m, &content);
	assert_true(sha256_equal(&back.content, &content));
	assert_string_equal(back.files[0].name, "eeg ä.dat");
	assert_string_equal(back.files[0].bucket, "headgate-raw");
	assert_string_equal(back.files[0].key, "20261120_134502/lab/eeg ä.dat");
	assert_int_equal(back.files[0].size, 600000000);
	assert_int_equal(back.files[0].mtime_ms, 1795182302042);
	assert_true(sha256_equal(&back.files[0].sha256, &m.files[0].sha256));
	assert_int_equal(back.files[0].part_n, 36);
	assert_memory_equal(back.files[0].parts, m.files[0].parts, 36 * sizeof(struct sha256));
	assert_null(back.files[1].parts);
	AUTO(xfree) char *again = manifest_write(&back);
	assert_string_equal(text, again);
}

static void test_time_unknown(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(manifest_done) struct manifest m = sample(), back = {0};
	m.files[0].mtime_ms = MTIME_UNKNOWN;
	AUTO(xfree) char *text = manifest_write(&m);
	assert_non_null(strstr(text, "\"mtime\":null"));
	if (manifest_read(text, strlen(text), &back, &err)) fail_msg("%s", err.text);
	assert_true(back.files[0].mtime_ms == MTIME_UNKNOWN);
}

/* Any time that a file may have: before 1970, at its first moment, after 2262. */
static void test_any_time(void **state) {
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} times[] = {{0, "1970-01-01T00:00:00.000Z"}, {-1, "1969-12-31T23:59:59.999Z"}, {-5000, "1969-12-31T23:59:55.000Z"},
		{-86400000LL * 36525, "1869-12-31T00:00:00.000Z"}, {9300000000000LL, "2264-09-14T21:20:00.000Z"},
		{253402300799999LL, "9999-12-31T23:59:59.999Z"}, {-62135596800000LL, "0001-01-01T00:00:00.000Z"}};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct error err = ERROR_INIT;
		AUTO(manifest_done) struct manifest m = sample(), back = {0};
		m.files[0].mtime_ms = times[i].ms;
		AUTO(xfree) char *text = manifest_write(&m);
		if (!strstr(text, times[i].text)) fail_msg("%s is not in %s", times[i].text, text);
		if (manifest_read(text, strlen(text), &back, &err)) fail_msg("%s", err.text);
		assert_true(back.files[0].mtime_ms == times[i].ms);
	}
}

/* As stations wrote it before there were content ids: it has one all the same. */
static void test_of_before(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(manifest_done) struct manifest m = sample(), back = {0};
	AUTO(xfree) char *now = manifest_write(&m);
	AUTO(json_free) cJSON *j = cJSON_Parse(now);
	cJSON_DeleteItemFromObjectCaseSensitive(j, "content");
	cJSON_DeleteItemFromObjectCaseSensitive(j, "instance");
	AUTO(xfree) char *text = json_text(j);
	if (manifest_read(text, strlen(text), &back, &err)) fail_msg("%s", err.text);
	struct sha256 content;
	manifest_content(&m, &content);
	assert_true(sha256_equal(&back.content, &content));
	assert_null(back.instance);
}

static void test_ten_thousand_files(void **state) {
	(void)state;
	struct error err = ERROR_INIT;
	AUTO(manifest_done) struct manifest m = sample(), back = {0}, none = {0};
	for (int i = 0; i < MANIFEST_FILES_MAX - 2; i++) {
		char name[32];
		snprintf(name, sizeof name, "trial/%05d.dat", i);
		add_file(&m, name, i);
	}
	AUTO(xfree) char *text = manifest_write(&m);
	int64_t began = clock_mono_ms();
	if (manifest_read(text, strlen(text), &back, &err)) fail_msg("%s", err.text);
	assert_true(clock_mono_ms() - began < 20000); /* by sorting; the square would take minutes under a sanitizer */
	assert_int_equal(back.n, MANIFEST_FILES_MAX);
	free(m.files[9000].name);
	m.files[9000].name = xstrdup("trial/00001.dat");
	AUTO(xfree) char *twice = manifest_write(&m);
	assert_int_equal(manifest_read(twice, strlen(twice), &none, &err), -1);
	assert_non_null(strstr(err.text, "\"trial/00001.dat\" stands twice"));
	free(m.files[9000].name);
	m.files[9000].name = xstrdup("x");
	add_file(&m, "one more", 1);
	AUTO(xfree) char *many = manifest_write(&m);
	assert_int_equal(manifest_read(many, strlen(many), &none, &err), -1);
	assert_non_null(strstr(err.text, "files"));
	assert_null(none.files);
}

/* --- one member changed --- */

enum what { SET_TEXT, SET_NUMBER, SET_NULL, REMOVE };
struct change {
	bool in_file; /* else at the top */
	const char *member;
	enum what what;
	const char *text;
	double number;
	const char *words;
};
static const struct change changes[] = {
	{false, "version", SET_NUMBER, NULL, 2, "version"},
	{false, "version", REMOVE, NULL, 0, "version"},
	{false, "station", SET_TEXT, "../x", 0, "station"},
	{false, "station", SET_NULL, NULL, 0, "station"},
	{false, "session", SET_TEXT, "today", 0, "session"},
	{false, "revision", SET_NUMBER, NULL, 0, "revision"},
	{false, "revision", SET_NUMBER, NULL, 1.5, "revision"},
	{false, "revision", SET_NUMBER, NULL, 1e18, "revision"},
	{false, "software", REMOVE, NULL, 0, "software"},
	{false, "metadata", SET_TEXT, "other.txt", 0, "\"other.txt\" is not among the files"},
	{false, "metadata", SET_NUMBER, NULL, 1, "metadata"},
	{false, "instance", SET_TEXT, "a b", 0, "instance"},
	{false, "instance", SET_TEXT, "", 0, "instance"},
	{false, "instance", SET_NUMBER, NULL, 1, "instance"},
	{false, "content", SET_TEXT, "abc", 0, "content is not a SHA-256"},
	{false, "content", SET_TEXT, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0,
		"its files give"},
	{false, "content", SET_NUMBER, NULL, 1, "content"},
	{false, "files", SET_TEXT, "x", 0, "files"},
	{false, "files", REMOVE, NULL, 0, "files"},
	{true, "name", SET_TEXT, "../../etc/passwd", 0, "files[0].name"},
	{true, "name", SET_TEXT, "_headgate/1/manifest.json", 0, "files[0].name"},
	{true, "name", SET_TEXT, "metadata.txt", 0, "stands twice"},
	{true, "name", REMOVE, NULL, 0, "files[0].name"},
	{true, "bucket", SET_TEXT, "Raw_Data", 0, "files[0].bucket"},
	{true, "bucket", SET_NULL, NULL, 0, "files[0].bucket"},
	{true, "key", SET_TEXT, "", 0, "files[0].key"},
	{true, "size", SET_NUMBER, NULL, -1, "files[0].size"},
	{true, "size", SET_NUMBER, NULL, 0.5, "files[0].size"},
	{true, "size", SET_TEXT, "600000000", 0, "files[0].size"},
	{true, "name", SET_TEXT, "other.dat", 0, "its files give"},
	{true, "sha256", SET_TEXT, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", 0, "its files give"},
	{true, "size", SET_NUMBER, NULL, 10, "files[0].parts has 36 digests, a file of 10 bytes has 0 parts"},
	{true, "mtime", SET_TEXT, "yesterday", 0, "files[0].mtime"},
	{true, "mtime", SET_NUMBER, NULL, 1, "files[0].mtime"},
	{true, "sha256", SET_TEXT, "AAAA", 0, "files[0].sha256"},
	{true, "sha256", SET_NULL, NULL, 0, "files[0].sha256"},
	{true, "parts", REMOVE, NULL, 0, "files[0].parts"},
	{true, "parts", SET_TEXT, "x", 0, "files[0].parts"},
};

static void apply(cJSON *j, const struct change *c) {
	cJSON_DeleteItemFromObjectCaseSensitive(j, c->member);
	if (c->what == SET_TEXT) cJSON_AddStringToObject(j, c->member, c->text);
	if (c->what == SET_NUMBER) cJSON_AddNumberToObject(j, c->member, c->number);
	if (c->what == SET_NULL) cJSON_AddNullToObject(j, c->member);
}

static void test_each_member_wrong(void **state) {
	(void)state;
	AUTO(manifest_done) struct manifest m = sample();
	AUTO(xfree) char *good = manifest_write(&m);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct error err = ERROR_INIT;
		AUTO(json_free) cJSON *j = cJSON_Parse(good);
		cJSON *files = cJSON_GetObjectItem(j, "files");
		apply(changes[i].in_file ? cJSON_GetArrayItem(files, 0) : j, &changes[i]);
		AUTO(xfree) char *text = json_text(j);
		struct manifest none = {0};
		if (!manifest_read(text, strlen(text), &none, &err)) fail_msg("taken: change %zu", i);
		assert_int_equal(err.code, ERR_INPUT);
		assert_null(none.files);
		if (!strstr(err.text, changes[i].words)) fail_msg("change %zu: %s", i, err.text);
	}
}

static void test_not_a_manifest(void **state) {
	(void)state;
	static const char *const texts[] = {"", "[]", "null", "{", "<html></html>", "{\"version\":1,\"version\":1}",
		"{\"version\":1,\"station\":\"a\",\"session\":\"20261120_134502\",\"revision\":1,\"software\":\"s\","
		"\"metadata\":\"m\",\"files\":[1]}",
		"{\"version\":1,\"station\":\"a\",\"session\":\"20261120_134502\",\"revision\":1,\"software\":\"s\","
		"\"metadata\":\"m\",\"files\":[]}"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct error err = ERROR_INIT;
		struct manifest none = {0};
		assert_int_equal(manifest_read(texts[i], strlen(texts[i]), &none, &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
	}
}

/* --- from a source, in pieces --- */

struct pieces {
	const char *text;
	size_t n, piece;
};

static ssize_t piece_read(void *arg, char *to, size_t n, struct error *err) {
	struct pieces *s = arg;
	(void)err;
	n = MIN(MIN(n, s->piece), s->n);
	memcpy(to, s->text, n);
	s->text += n;
	s->n -= n;
	return (ssize_t)n;
}

static void test_wherever_it_is_cut(void **state) {
	(void)state;
	AUTO(manifest_done) struct manifest m = sample();
	AUTO(xfree) char *text = manifest_write(&m);
	for (size_t piece = 1; piece < 80; piece += 7) {
		struct error err = ERROR_INIT;
		AUTO(manifest_done) struct manifest back = {0};
		struct pieces s = {text, strlen(text), piece};
		if (manifest_pull(piece_read, &s, true, &back, &err)) fail_msg("%s", err.text);
		AUTO(xfree) char *again = manifest_write(&back);
		assert_string_equal(again, text);
	}
	struct error err = ERROR_INIT;
	AUTO(manifest_done) struct manifest back = {0};
	struct pieces s = {text, strlen(text), 1000};
	if (manifest_pull(piece_read, &s, false, &back, &err)) fail_msg("%s", err.text);
	assert_null(back.files[0].parts); /* checked, and not kept */
	assert_string_equal(back.files[0].name, m.files[0].name);
}

/* What is too long, deep or many is refused before it is taken into memory. */
static void test_bounded(void **state) {
	(void)state;
	enum { MANY = 2000000 };
	AUTO(buf_done) struct buf zeros = BUF_INIT(MANY * 2 + 10), text = BUF_INIT(2 * MANY * 2);
	for (int i = 0; i < MANY; i++) buf_str(&zeros, i ? ",0" : "0");
	static const char *const shapes[][3] = {
		{"{\"files\":[", "]}", "files[0] must be an object"},
		{"{\"files\":[{\"parts\":[", "]}]}", "files[0]: a value is longer than"},
		{"{\"x\":[", "]}", "x: a value is longer than"},
		{"{\"software\":\"", "\"}", "software: a value is longer than"},
	};
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct error err = ERROR_INIT;
		struct manifest none = {0};
		buf_clear(&text);
		buf_fmt(&text, "%s", shapes[i][0]);
		buf_add(&text, zeros.data, zeros.len);
		buf_fmt(&text, "%s", shapes[i][1]);
		assert_int_equal(manifest_read(buf_text(&text), text.len, &none, &err), -1);
		if (!strstr(err.text, shapes[i][2])) fail_msg("%s", err.text);
	}
	struct error err = ERROR_INIT;
	struct manifest none = {0};
	buf_clear(&text);
	for (int i = 0; i < 65; i++) buf_fmt(&text, "%s\"m%d\":0", i ? "," : "{", i);
	buf_str(&text, "}");
	assert_int_equal(manifest_read(buf_text(&text), text.len, &none, &err), -1);
	assert_non_null(strstr(err.text, "more than 64 members"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_time_unknown),
		cmocka_unit_test(test_any_time),
		cmocka_unit_test(test_of_before),
		cmocka_unit_test(test_ten_thousand_files),
		cmocka_unit_test(test_each_member_wrong),
		cmocka_unit_test(test_not_a_manifest),
		cmocka_unit_test(test_wherever_it_is_cut),
		cmocka_unit_test(test_bounded),
	};
	return cmocka_run_group_tests_name("session/manifest", tests, NULL, NULL);
}
