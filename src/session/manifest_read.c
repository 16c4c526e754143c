/* SPDX-License-Identifier: MIT */
/* Reading manifests, file by file: a tree of a long one would take forty times its bytes. What is let pass can be
 * trusted in form: names, sizes, digests and part counts; whether the objects are there is the validator's to find out.
 * Any thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_pull.h"
#include "base/text.h"
#include "session/content.h"
#include "session/manifest.h"
#include "session/name.h"
#include "session/part.h"

#define OBJECT_BYTES_MAX (5LL << 40) /* S3's largest multipart object */
#define FILE_BYTES_MAX (512 << 10)	 /* of one file's text: its parts' digests are the longest */
#define MEMBER_BYTES_MAX (64 << 10)
#define MEMBERS_MAX 64

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

/* keep: else they are checked alone. */
static int read_parts(struct manifest_file *f, const cJSON *j, bool keep, const struct json_at *at, struct error *err) {
	const cJSON *parts = NULL, *part;
	if (json_may_array(j, "parts", at, PART_COUNT_MAX, &parts, err)) return -1;
	size_t n = json_count(parts), want = (size_t)part_count(f->size);
	if (n != want) {
		return error_set(err, ERR_INPUT, "files[%zu].parts has %zu digests, a file of %lld bytes has %zu parts",
			at->index, n, (long long)f->size, want);
	}
	if (n && keep) f->parts = xcalloc(n, sizeof *f->parts);
	json_each (part, parts) {
		const char *text = json_as_text(part);
		struct sha256 digest;
		if (read_sha256(text ? text : "", "parts", at->index, &digest, err)) return -1;
		if (keep) f->parts[f->part_n++] = digest;
	}
	return 0;
}

static int read_mtime(struct manifest_file *f, const cJSON *j, const struct json_at *at, struct error *err) {
	const char *text = NULL;
	f->mtime_ms = MTIME_UNKNOWN;
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

static int read_file(struct manifest *m, const cJSON *j, bool parts, struct error *err) {
	size_t index = m->n;
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
	return read_parts(f, j, parts, &at, err);
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

/* --- the whole --- */

/* What is read of it but the files: what else it may say is skipped. */
static const char *const head_members[] = {
	"version", "station", "instance", "content", "session", "revision", "software", "metadata"};

struct reading {
	struct json_pull pull;
	struct manifest m;
	cJSON *head;
	bool parts;
	char *names[MEMBERS_MAX]; /* of the members so far: none twice */
	size_t name_n;
};
static void reading_done(struct reading *r) {
	json_pull_done(&r->pull);
	manifest_done(&r->m);
	json_free(r->head);
	for (size_t i = 0; i < r->name_n; i++) xfree(r->names[i]);
}
DEFINE_AUTO_VAL(struct reading, reading_done)

static int pull_files(struct reading *r, struct error *err) {
	int more;
	if (json_pull_open(&r->pull, '[', err)) return -1;
	while ((more = json_pull_next(&r->pull, ']', err)) > 0) {
		AUTO(json_free) cJSON *file = NULL;
		if (r->m.n == MANIFEST_FILES_MAX)
			return error_set(
				err, ERR_INPUT, "files has more than the %d elements that are allowed", MANIFEST_FILES_MAX);
		if (json_pull_value(&r->pull, FILE_BYTES_MAX, &file, err))
			return err->code == ERR_INPUT ? error_prefix(err, "files[%zu]", r->m.n) : -1;
		if (read_file(&r->m, file, r->parts, err)) return -1;
	}
	return more;
}

static int pull_member(struct reading *r, const char *name, struct error *err) {
	AUTO(json_free) cJSON *value = NULL;
	int first = json_pull_peek(&r->pull, err);
	if (first < 0) return -1;
	bool files = strcmp(name, "files") == 0;
	if (files && first == '[') {
		json_add(r->head, name, json_array());
		return pull_files(r, err);
	}
	if (json_pull_value(&r->pull, MEMBER_BYTES_MAX, &value, err))
		return err->code == ERR_INPUT ? error_prefix(err, "%s", TEXT_SAFE(name)) : -1;
	bool known = files;
	for (size_t i = 0; i < ARRAY_LEN(head_members); i++) known |= strcmp(name, head_members[i]) == 0;
	if (known) json_add(r->head, name, TAKE(value));
	return 0;
}

static int pull_all(struct reading *r, struct error *err) {
	int more;
	if (json_pull_open(&r->pull, '{', err)) return -1;
	while ((more = json_pull_next(&r->pull, '}', err)) > 0) {
		char *name = NULL;
		if (r->name_n == MEMBERS_MAX)
			return error_set(err, ERR_INPUT, "it has more than %d members; is it a manifest?", MEMBERS_MAX);
		if (json_pull_name(&r->pull, &name, err)) return -1;
		r->names[r->name_n++] = name;
		for (size_t i = 0; i + 1 < r->name_n; i++)
			if (strcmp(r->names[i], name) == 0)
				return error_set(err, ERR_INPUT, "the member \"%s\" stands twice: keep one", TEXT_SAFE(name));
		if (pull_member(r, name, err)) return -1;
	}
	return more ? -1 : json_pull_end(&r->pull, err);
}

int manifest_pull(json_source *source, void *arg, bool parts, struct manifest *ret, struct error *err) {
	AUTO(reading_done) struct reading r = {.head = json_object(), .parts = parts};
	const cJSON *files;
	json_pull_init(&r.pull, source, arg);
	if (pull_all(&r, err) || read_head(&r.m, r.head, err) || read_instance(&r.m, r.head, err) ||
		json_want_array(r.head, "files", NULL, 0, &files, err) || check_names(&r.m, err) ||
		check_content(&r.m, r.head, err))
		return -1;
	*ret = r.m;
	r.m = (struct manifest){0};
	return 0;
}
