/* SPDX-License-Identifier: MIT */
/* Answers of the ingest API: "METHOD PATH" on the first line, the document below it. The bytes are mutated by
 * fuzz_main.c, and what still parses is mutated again as a tree: a value becomes one of another kind, another value of
 * the same document, or goes; an element is repeated. Whatever is read must be such that nothing in it could steer a
 * request, a header, a path or a journal. */
#include "fuzz.h"

#include <string.h>

#include "ingest/answer.h"

#define TREE_MUTATIONS 24

static uint64_t generator;

static size_t draw(size_t below) {
	generator ^= generator >> 12;
	generator ^= generator << 25;
	generator ^= generator >> 27;
	return (size_t)(generator * 2685821657736338717ULL >> 11) % (below ? below : 1);
}

/* --- what must hold of all that is read --- */

static void check_line(const char *text, size_t most) {
	if (!text) return;
	FUZZ_CHECK(strlen(text) <= most);
	for (; *text; text++) FUZZ_CHECK((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_put(const struct answer_put *put, bool https) {
	FUZZ_CHECK(!strncmp(put->url, "https://", 8) || (!https && !strncmp(put->url, "http://", 7)));
	for (const char *c = put->url; *c; c++) FUZZ_CHECK(*c > ' ' && *c <= '~');
	const char *host = strstr(put->url, "://") + 3;
	FUZZ_CHECK(!memchr(host, '@', strcspn(host, "/?")));
	FUZZ_CHECK(put->header_n <= 32);
	for (size_t i = 0; i < put->header_n; i++) {
		check_line(put->headers[i].name, 128);
		check_line(put->headers[i].value, 2048);
		FUZZ_CHECK(*put->headers[i].name && !strpbrk(put->headers[i].name, ": \t"));
		FUZZ_CHECK(strcasecmp(put->headers[i].name, "authorization") &&
				   strcasecmp(put->headers[i].name, "connection") &&
				   strcasecmp(put->headers[i].name, "transfer-encoding"));
	}
}

static void check_presign(const struct answer_presign *p, bool https) {
	FUZZ_CHECK(p->file_n <= 1000 && p->revision_n <= 1000);
	for (size_t i = 0; i < p->file_n; i++) {
		const struct answer_file *f = &p->files[i];
		FUZZ_CHECK(f->name && !!f->put + !!f->exists + !!f->refusal == 1);
		FUZZ_CHECK(f->refusal || (f->bucket && f->key));
		check_line(f->bucket, 255);
		check_line(f->key, 1024);
		if (f->put) check_put(f->put, https);
		if (f->exists) FUZZ_CHECK(f->exists->size >= 0 && strlen(f->exists->sha256) == 44);
	}
	for (size_t i = 0; i < p->revision_n; i++)
		FUZZ_CHECK(
			p->revisions[i].revision >= 1 && (!p->revisions[i].content || strlen(p->revisions[i].content) == 64));
}

static void check_session(const struct answer_session *s) {
	FUZZ_CHECK(strlen(s->session) == 15 && !strchr(s->session, '/') && s->revision >= 1 && s->revision <= 1000000);
	FUZZ_CHECK(*s->state && (!s->content || strlen(s->content) == 64));
	check_line(s->state, 64);
	check_line(s->processing, 15);
	check_line(s->instance, 128);
	FUZZ_CHECK(!s->checks || cJSON_IsArray(s->checks));
	for (size_t i = 0; i < s->revision_n; i++) check_session(&s->revisions[i]);
	answer_session_free(answer_session_copy(s));
}

static void check_read(enum answer_id id, const void *read, bool https) {
	const struct answer_authenticate *a = read;
	const struct answer_changes *c = read;
	const struct answer_stat *t = read;
	switch (id) {
	case ANSWER_AUTHENTICATE:
		check_line(a->token, 8192);
		check_line(a->station, 64);
		FUZZ_CHECK(*a->token && *a->station && !strpbrk(a->token, " \t") && !strpbrk(a->station, "/ \t"));
		FUZZ_CHECK(a->expires_in_s >= 1 && a->expires_in_s <= 366 * 86400);
		break;
	case ANSWER_PRESIGN: check_presign(read, https); break;
	case ANSWER_SESSION: check_session(read); break;
	case ANSWER_CHANGES:
		check_line(c->cursor, 4096);
		FUZZ_CHECK(*c->cursor);
		for (size_t i = 0; i < c->change_n; i++) check_session(&c->changes[i]);
		break;
	case ANSWER_STAT:
		for (size_t i = 0; i < t->object_n; i++)
			FUZZ_CHECK(t->objects[i].missing || (t->objects[i].size >= 0 && strlen(t->objects[i].checksum) == 44));
		break;
	default: break;
	}
}

static bool read_one(enum answer_id id, const cJSON *json) {
	bool taken = false;
	for (int https = 0; https < 2; https++) {
		const struct shape_rules rules = {.https = https};
		struct error err = ERROR_INIT;
		void *read = NULL;
		if (answer_read(id, json, &rules, &read, &err)) {
			FUZZ_CHECK(!read && err.code == ERR_ANSWER && *err.text);
			continue;
		}
		FUZZ_CHECK(read && err.code == ERR_NONE);
		check_read(id, read, https);
		answer_free(id, read);
		taken = true;
	}
	return taken;
}

/* --- the tree --- */

static size_t count(const cJSON *j) {
	size_t n = 1;
	const cJSON *child;
	cJSON_ArrayForEach (child, j) n += count(child);
	return n;
}

/* The nth value in order of the document; the holder of it is set too. */
static cJSON *nth(cJSON *j, size_t *n, cJSON *holder, cJSON **ret_holder) {
	if (!(*n)--) {
		*ret_holder = holder;
		return j;
	}
	cJSON *child;
	cJSON_ArrayForEach (child, j) {
		cJSON *found = nth(child, n, j, ret_holder);
		if (found) return found;
	}
	return NULL;
}

static cJSON *pick(cJSON *json, cJSON **ret_holder) {
	size_t n = draw(count(json));
	return nth(json, &n, NULL, ret_holder);
}

static cJSON *other_value(cJSON *json) {
	static const char *const texts[] = {
		"", "a\r\nEvil: 1", "\x1b[2J", "../../etc", "http://u@h:99999/x?y", "null", "-1"};
	static const double numbers[] = {0, -1, 0.5, 1e300, 9007199254740993.0, 2147483648.0};
	cJSON *holder;
	switch (draw(7)) {
	case 0: return cJSON_CreateNull();
	case 1: return cJSON_CreateBool(draw(2) == 0);
	case 2: return cJSON_CreateNumber(numbers[draw(ARRAY_LEN(numbers))]);
	case 3: return cJSON_CreateString(texts[draw(ARRAY_LEN(texts))]);
	case 4: return cJSON_CreateArray();
	case 5: return cJSON_CreateObject();
	default: return cJSON_Duplicate(pick(json, &holder), true);
	}
}

static void mutate_tree(cJSON *json) {
	cJSON *holder, *value = pick(json, &holder);
	if (!holder) return;
	bool named = cJSON_IsObject(holder);
	AUTO(xfree) char *name = named ? xstrdup(value->string) : NULL;
	switch (draw(3)) {
	case 0:
		if (!named) cJSON_AddItemToArray(holder, cJSON_Duplicate(value, true));
		return;
	case 1: cJSON_Delete(cJSON_DetachItemViaPointer(holder, value)); return;
	default:
		value = cJSON_DetachItemViaPointer(holder, value);
		cJSON_Delete(value);
		value = other_value(json);
		if (named) cJSON_AddItemToObject(holder, name, value);
		else cJSON_AddItemToArray(holder, value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
	const char *text = (const char *)data, *end = memchr(data, '\n', n);
	char line[256];
	struct error err = ERROR_INIT;
	if (!end || (size_t)(end - text) >= sizeof line || memchr(text, 0, (size_t)(end - text))) return 0;
	snprintf(line, sizeof line, "%.*s", (int)(end - text), text);
	char *path = strchr(line, ' ');
	if (!path) return 0;
	*path++ = '\0';
	enum answer_id id = answer_of(line, path);
	AUTO(json_free) cJSON *json = NULL;
	if (id == ANSWER_UNKNOWN || json_parse(end + 1, n - (size_t)(end + 1 - text), &json, &err)) return 0;
	fuzz_taken += read_one(id, json);
	for (size_t i = 0; i < ANSWER_N; i++) (void)!read_one((enum answer_id)i, json); /* under another's path */
	generator = 88172645463325252ULL + n;
	for (size_t i = 0; i < n; i++) generator = generator * 31 + data[i];
	for (int i = 0; i < TREE_MUTATIONS; i++) {
		AUTO(json_free) cJSON *copy = cJSON_Duplicate(json, true);
		for (size_t times = 1 + draw(3); times > 0; times--) mutate_tree(copy);
		fuzz_taken += read_one(id, copy);
	}
	return 0;
}
