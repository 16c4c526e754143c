/* SPDX-License-Identifier: MIT */
/* Writing manifests, and what reading and writing share. Pure functions, any thread. */
#include "session/manifest.h"

#include <assert.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "session/content.h"

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
	char mtime[TIME_TEXT] = "";
	if (f->mtime_ms != MTIME_UNKNOWN) time_any_rfc3339(mtime, f->mtime_ms);
	json_add_text(j, "mtime", *mtime ? mtime : NULL);
	add_sha256(j, &f->sha256);
	if (f->part_n) {
		cJSON *parts = json_array();
		char text[SHA256_BASE64];
		for (size_t i = 0; i < f->part_n; i++) json_push_text(parts, sha256_base64(text, &f->parts[i]));
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
