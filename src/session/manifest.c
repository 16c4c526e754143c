/* SPDX-License-Identifier: MIT */
/* Writing and reading manifests. Pure functions, any thread. What manifest_read lets pass can be trusted in form:
 * names, sizes, digests and part counts; whether the objects are there is the validator's to find out. */
#include "session/manifest.h"

#include <assert.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "session/content.h"
#include "session/name.h"
#include "session/part.h"

#define OBJECT_BYTES_MAX (5LL << 40) /* S3's largest multipart object */
#define REVISION_MAX 1000000

static void manifest_file_done(struct manifest_file *f) {
	xfree(f->name);
	xfree(f->bucket);
	xfree(f->key);
	xfree(f->parts);
}

void manifest_done(struct manifest *m) {
	for (size_t i = 0; i < m->n; i++) manifest_file_done(&m->files[i]);
	xfree(m->files);
	xfree(m->station);
	xfree(m->session);
	xfree(m->software);
	xfree(m->instance);
	xfree(m->metadata);
	*m = (struct manifest){0};
}

struct manifest_file *manifest_add(struct manifest *m) {
	ARRAY_RESERVE(m->files, m->n, m->capacity);
	struct manifest_file *f = &m->files[m->n++];
	*f = (struct manifest_file){0};
	return f;
}

/* --- the content id --- */

void manifest_content(const struct manifest *m, struct sha256 *ret) {
	struct content_file *files = xcalloc(MAX(m->n, (size_t)1), sizeof *files);
	for (size_t i = 0; i < m->n; i++) {
		const struct manifest_file *f = &m->files[i];
		files[i] = (struct content_file){.name = f->name, .size = f->size, .sha256 = &f->sha256};
	}
	content_id(files, m->n, ret);
	free(files);
}

bool instance_is(const char *text) {
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
	return n >= 1 && n <= MANIFEST_INSTANCE_MAX && !text[n];
}

/* --- writing --- */

static void add_sha256(cJSON *o, const struct sha256 *sha256) {
	char text[SHA256_BASE64];
	json_add_text(o, "sha256", sha256_base64(text, sha256));
}

static cJSON *file_to_json(const struct manifest_file *f) {
	cJSON *j = json_object();
	json_add_text(j, "name", f->name);
	json_add_i64(j, "size", f->size);
	json_add_time(j, "mtime", MAX(f->mtime_ms, 0)); /* null: unknown, or before 1970 */
	add_sha256(j, &f->sha256);
	if (f->part_n) {
		cJSON *parts = json_array();
		char text[SHA256_BASE64];
		for (size_t i = 0; i < f->part_n; i++) json_push(parts, cJSON_CreateString(sha256_base64(text, &f->parts[i])));
		json_add(j, "parts", parts);
	}
	json_add_text(j, "bucket", f->bucket);
	json_add_text(j, "key", f->key);
	return j;
}

/* File by file: a tree of 10,000 files would need a multiple of the text's memory. */
char *manifest_write(const struct manifest *m) {
	AUTO(json_free) cJSON *j = json_object();
	struct sha256 content;
	char hex[SHA256_HEX];
	json_add_i64(j, "version", 1);
	json_add_text(j, "station", m->station);
	if (m->instance) json_add_text(j, "instance", m->instance);
	manifest_content(m, &content);
	json_add_text(j, "content", sha256_hex(hex, &content));
	json_add_text(j, "session", m->session);
	json_add_i64(j, "revision", m->revision);
	json_add_text(j, "software", m->software);
	json_add_text(j, "metadata", m->metadata);
	AUTO(xfree) char *head = json_text(j);
	AUTO(buf_done) struct buf out = BUF_INIT(MANIFEST_BYTES_MAX * 2);
	buf_add(&out, head, strlen(head) - 1); /* without its '}' */
	buf_str(&out, ",\"files\":[");
	for (size_t i = 0; i < m->n; i++) {
		AUTO(json_free) cJSON *file = file_to_json(&m->files[i]);
		AUTO(xfree) char *text = json_text(file);
		if (i) buf_char(&out, ',');
		buf_str(&out, text);
	}
	buf_str(&out, "]}");
	assert(buf_ok(&out)); /* names and keys are bounded: 10,001 files stay far below */
	return buf_take(&out);
}

/* --- reading --- */

/* "files[3]: " before the error that is there, which becomes ERR_INPUT. */
static int at_file(struct error *err, size_t index, const char *member) {
	err->code = ERR_INPUT;
	return error_prefix(err, "files[%zu].%s", index, member);
}

static int read_text(const cJSON *j, const char *name, const struct json_at *at, char **ret, struct error *err) {
	const char *text;
	if (json_want_text(j, name, at, &text, err)) return -1;
	*ret = xstrdup(text);
	return 0;
}

static int read_sha256(const char *text, const char *what, size_t index, struct sha256 *ret, struct error *err) {
	if (sha256_from_base64(text, ret) == 0) return 0;
	return error_set(err, ERR_INPUT, "files[%zu].%s is not a SHA-256 in base64", index, what);
}

static int read_parts(struct manifest_file *f, const cJSON *j, const struct json_at *at, struct error *err) {
	const cJSON *parts = NULL, *part;
	if (json_may_array(j, "parts", at, PART_COUNT_MAX, &parts, err)) return -1;
	size_t n = (size_t)cJSON_GetArraySize(parts), want = (size_t)part_count(f->size);
	if (n != want) {
		return error_set(err, ERR_INPUT, "files[%zu].parts has %zu digests, a file of %lld bytes has %zu parts",
			at->index, n, (long long)f->size, want);
	}
	if (!n) return 0;
	f->parts = xcalloc(n, sizeof *f->parts);
	cJSON_ArrayForEach (part, parts) {
		const char *text = cJSON_IsString(part) ? part->valuestring : "";
		if (read_sha256(text, "parts", at->index, &f->parts[f->part_n++], err)) return -1;
	}
	return 0;
}

static int read_mtime(struct manifest_file *f, const cJSON *j, const struct json_at *at, struct error *err) {
	const char *text = NULL;
	if (json_may_text(j, "mtime", at, &text, err)) return -1;
	if (!text || time_parse_rfc3339(text, &f->mtime_ms) == 0) return 0;
	return error_set(err, ERR_INPUT, "files[%zu].mtime \"%s\" is not a time such as 2026-11-21T14:02:11.042Z",
		at->index, TEXT_SAFE(text));
}

static int check_name(const struct manifest_file *f, size_t index, struct error *err) {
	if (file_name_check(f->name, err)) return at_file(err, index, "name");
	if (is_manifest_name(f->name, NULL)) return error_set(err, ERR_INPUT, "files[%zu].name is a manifest's own", index);
	if (bucket_name_check(f->bucket, err)) return at_file(err, index, "bucket");
	if (!*f->key || strlen(f->key) > KEY_MAX) {
		return error_set(err, ERR_INPUT, "files[%zu].key is empty or longer than %d bytes", index, KEY_MAX);
	}
	return 0;
}

static int read_file(struct manifest *m, const cJSON *j, size_t index, struct error *err) {
	struct json_at files = {NULL, "files", 0}, at = {&files, NULL, index};
	struct manifest_file *f = manifest_add(m);
	const char *sha256;
	if (json_want_object(j, &at, err)) return -1;
	if (read_text(j, "name", &at, &f->name, err) || read_text(j, "bucket", &at, &f->bucket, err) ||
		read_text(j, "key", &at, &f->key, err) || check_name(f, index, err)) {
		return -1;
	}
	if (json_want_i64(j, "size", &at, 0, OBJECT_BYTES_MAX, &f->size, err) || read_mtime(f, j, &at, err)) return -1;
	if (json_want_text(j, "sha256", &at, &sha256, err) || read_sha256(sha256, "sha256", index, &f->sha256, err)) {
		return -1;
	}
	return read_parts(f, j, &at, err);
}

static int read_files(struct manifest *m, const cJSON *j, struct error *err) {
	const cJSON *files, *file;
	size_t index = 0;
	if (json_want_array(j, "files", NULL, MANIFEST_FILES_MAX, &files, err)) return -1;
	cJSON_ArrayForEach (file, files) {
		if (read_file(m, file, index++, err)) return -1;
	}
	return 0;
}

/* No name twice, and the metadata file among them. */
static int check_names(const struct manifest *m, struct error *err) {
	const char **names = xcalloc(m->n, sizeof *names);
	bool metadata = false;
	for (size_t i = 0; i < m->n; i++) {
		names[i] = m->files[i].name;
		metadata |= strcmp(names[i], m->metadata) == 0;
	}
	const char *twice = text_twice(names, m->n);
	int status = 0;
	if (twice) status = error_set(err, ERR_INPUT, "files: the name \"%s\" stands twice", TEXT_SAFE(twice));
	else if (!metadata) {
		status = error_set(err, ERR_INPUT, "metadata: \"%s\" is not among the files", TEXT_SAFE(m->metadata));
	}
	free(names);
	return status;
}

static int read_head(struct manifest *m, const cJSON *j, struct error *err) {
	int64_t version;
	if (json_want_i64(j, "version", NULL, 1, 1, &version, err)) return -1;
	if (read_text(j, "station", NULL, &m->station, err) || read_text(j, "session", NULL, &m->session, err) ||
		json_want_i64(j, "revision", NULL, 1, REVISION_MAX, &m->revision, err) ||
		read_text(j, "software", NULL, &m->software, err) || read_text(j, "metadata", NULL, &m->metadata, err)) {
		return -1;
	}
	if (station_name_check(m->station, err)) {
		err->code = ERR_INPUT;
		return error_prefix(err, "station");
	}
	if (session_name_is(m->session)) return 0;
	return error_set(err, ERR_INPUT, "session: \"%s\" is not of the form YYYYMMDD_HHMMSS", TEXT_SAFE(m->session));
}

static int read_instance(struct manifest *m, const cJSON *j, struct error *err) {
	const char *text = NULL;
	if (json_may_text(j, "instance", NULL, &text, err)) return -1;
	if (text && !instance_is(text)) {
		return error_set(err, ERR_INPUT, "instance: \"%s\" is not 1 to %d of [A-Za-z0-9._-]", TEXT_SAFE(text),
			MANIFEST_INSTANCE_MAX);
	}
	m->instance = xstrdup(text);
	return 0;
}

/* What the files give, which what is stated must equal. */
static int check_content(struct manifest *m, const cJSON *j, struct error *err) {
	const char *text = NULL;
	struct sha256 stated;
	char hex[SHA256_HEX];
	manifest_content(m, &m->content);
	if (json_may_text(j, "content", NULL, &text, err)) return -1;
	if (!text) return 0;
	if (content_parse(text, &stated))
		return error_set(err, ERR_INPUT, "content is not a SHA-256 in 64 lower-case hexadecimal digits");
	if (sha256_equal(&stated, &m->content)) return 0;
	return error_set(err, ERR_INPUT, "content is %s, but its files give %s", text, sha256_hex(hex, &m->content));
}

int manifest_read(const char *text, size_t n, struct manifest *ret, struct error *err) {
	if (n > MANIFEST_BYTES_MAX) {
		return error_set(err, ERR_INPUT, "it has %zu bytes, a manifest has at most %d", n, MANIFEST_BYTES_MAX);
	}
	AUTO(json_free) cJSON *j = NULL;
	AUTO(manifest_done) struct manifest m = {0};
	if (json_parse(text, n, &j, err) || json_want_object(j, NULL, err)) return -1;
	if (read_head(&m, j, err) || read_instance(&m, j, err) || read_files(&m, j, err) || check_names(&m, err) ||
		check_content(&m, j, err)) {
		return -1;
	}
	*ret = m;
	m = (struct manifest){0};
	return 0;
}
