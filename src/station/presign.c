/* SPDX-License-Identifier: MIT */
/* URLs for a session's files, asked for just before use, and the comparison after a 412. What the cloud says of a file
 * is one of: here is a URL; it is there already, with this size and digest; or why not. Loop thread. */
#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/text.h"
#include "station/engine_internal.h"
#include "station/upload.h"

struct ask {
	size_t n, index[ASK_FILES];
	bool held; /* comparing: the store itself said that it holds the object */
};

/* --- asking --- */

static cJSON *ask_body(struct session *s, const struct ask *a) {
	cJSON *body = json_object(), *files = json_array();
	json_add_text(body, "session", s->row.name);
	json_add_i64(body, "revision", s->row.revision);
	for (size_t i = 0; i < a->n; i++) {
		const struct file_row *f = upload_file(s->upload, a->index[i]);
		char checksum[SHA256_BASE64];
		cJSON *file = json_object();
		json_add_text(file, "name", f->name);
		json_add_i64(file, "size", f->size);
		json_add_text(file, "sha256", sha256_base64(checksum, &f->sha256));
		json_push(files, file);
	}
	json_add(body, "files", files);
	return body;
}

static char **put_headers(const cJSON *headers) {
	char **list = xcalloc((size_t)cJSON_GetArraySize(headers) + 1, sizeof *list);
	size_t n = 0;
	const cJSON *h;
	cJSON_ArrayForEach (h, headers) {
		/* curl writes these itself, from the URL and the size */
		if (!cJSON_IsString(h) || text_equal_nocase(h->string, "host") ||
			text_equal_nocase(h->string, "content-length")) {
			continue;
		}
		list[n++] = xasprintf("%s: %s", h->string, h->valuestring);
	}
	return list;
}

static int take_put(struct slot *slot, const cJSON *put, const struct json_at *at, struct error *err) {
	const char *url;
	const cJSON *headers;
	if (json_want_text(put, "url", at, &url, err) || json_want_member(put, "headers", at, &headers, err)) return -1;
	int64_t expires = sigv4_url_expiry_ms(url);
	if (expires < 0) return error_set(err, ERR_MIDDLEBOX, "the cloud gave a URL that is not presigned");
	slot_clear(slot);
	slot->url = xstrdup(url);
	slot->headers = put_headers(headers);
	slot->expires_ms = expires;
	slot->state = SLOT_READY;
	return 0;
}

static int same_object(
	const struct file_row *f, int64_t size, const char *checksum, const char *where, struct error *err) {
	struct sha256 theirs;
	if (sha256_from_base64(checksum, &theirs)) {
		return error_set(err, ERR_MIDDLEBOX, "the cloud's checksum of %s is none", where);
	}
	if (size == f->size && sha256_equal(&theirs, &f->sha256)) return 0;
	return error_set(err, ERR_CONFLICT,
		"the cloud holds another content under the name %s of this session; look whether two stations share a name",
		where);
}

static int take_exists(
	struct session *s, size_t index, const cJSON *exists, const struct json_at *at, struct error *err) {
	const char *checksum;
	int64_t size;
	struct file_row *f = upload_file(s->upload, index);
	if (json_want_i64(exists, "size", at, 0, INT64_MAX, &size, err) ||
		json_want_text(exists, "sha256", at, &checksum, err) || same_object(f, size, checksum, f->name, err)) {
		return -1;
	}
	upload_done(s, index);
	return 0;
}

static int take_refusal(const struct file_row *f, const cJSON *error, const struct json_at *at, struct error *err) {
	const char *code, *message;
	if (json_want_text(error, "code", at, &code, err) || json_want_text(error, "message", at, &message, err)) return -1;
	bool conflict = strcmp(code, "object_conflict") == 0;
	error_set(err, conflict ? ERR_CONFLICT : ERR_REFUSED, "the cloud refuses %s: %s", f->name, message);
	text_copy(err->word, sizeof err->word, code);
	return -1;
}

static int take_place(struct file_row *f, const cJSON *entry, const struct json_at *at, struct error *err) {
	const char *bucket, *key;
	if (json_want_text(entry, "bucket", at, &bucket, err) || json_want_text(entry, "key", at, &key, err)) return -1;
	free(f->bucket);
	free(f->key);
	f->bucket = xstrdup(bucket);
	f->key = xstrdup(key);
	return 0;
}

static int take_entry(
	struct session *s, size_t index, const cJSON *entry, const struct json_at *at, struct error *err) {
	struct file_row *f = upload_file(s->upload, index);
	const cJSON *put = cJSON_GetObjectItemCaseSensitive(entry, "put");
	const cJSON *exists = cJSON_GetObjectItemCaseSensitive(entry, "exists");
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(entry, "error");
	const char *name;
	if (json_want_text(entry, "name", at, &name, err)) return -1;
	if (strcmp(name, f->name) != 0) return error_set(err, ERR_MIDDLEBOX, "the cloud's answer is about other files");
	if (error) return take_refusal(f, error, at, err);
	if (take_place(f, entry, at, err)) return -1;
	if (exists) return take_exists(s, index, exists, at, err);
	if (put) return take_put(upload_slot(s->upload, index), put, at, err);
	return error_set(err, ERR_MIDDLEBOX, "the cloud gave neither a URL nor an object for %s", f->name);
}

static int take_answer(struct session *s, const struct ask *a, const cJSON *json, struct error *err) {
	const cJSON *files, *entry;
	struct json_at at = {.name = "files"}, element = {.up = &at};
	if (json_want_array(json, "files", NULL, ASK_FILES, &files, err)) return -1;
	if ((size_t)cJSON_GetArraySize(files) != a->n) {
		return error_set(err, ERR_MIDDLEBOX, "the cloud's answer is about %d files, %zu were asked for",
			cJSON_GetArraySize(files), a->n);
	}
	cJSON_ArrayForEach (entry, files) {
		size_t index = a->index[element.index];
		if (upload_slot(s->upload, index)->state == SLOT_ASKED && take_entry(s, index, entry, &element, err)) return -1;
		element.index++;
	}
	return 0;
}

/* A manifest of ours that another version of this program wrote: the next revision says the same, under its own name.
 */
static bool is_own_manifest(const struct session *s, const struct error *err, const struct ask *a) {
	return err->code == ERR_CONFLICT && a->n == 1 && a->index[0] == SLOT_MANIFEST && s->row.tries > 1;
}

static void ask_failed(struct session *s, const struct ask *a, const struct ingest_result *r, const struct error *err) {
	for (size_t i = 0; i < a->n; i++) {
		struct slot *slot = upload_slot(s->upload, a->index[i]);
		if (slot->state == SLOT_ASKED) slot->state = SLOT_WAITING;
	}
	struct retry_decision d = retry_decide(err, RETRY_ATTEMPTS, r->retry_after_ms, &s->engine->budget);
	if (is_own_manifest(s, err, a)) d.step = STEP_CHANGED;
	if (d.step == STEP_CHANGED && err->code == ERR_NOT_FOUND) d.step = STEP_FATAL;
	session_trouble(s, d.step, err, r->retry_after_ms);
}

/* A well-formed answer that is not as agreed is no verdict upon the session: whatever sent it, it is asked again. */
static void answer_senseless(struct error *err, const char *what) {
	if (err->code != ERR_INPUT) return;
	err->code = ERR_MIDDLEBOX;
	error_prefix(err, "%s: the answer is not the ingest API's", what);
}

static void note_attempt(struct session *s, const char *name, const struct ingest_result *r, const struct error *err) {
	struct attempt_row a = {.name = (char *)(uintptr_t)name,
		.at_ms = clock_wall_ms() - r->elapsed_ms,
		.elapsed_ms = r->elapsed_ms,
		.http = err->http,
		.reason = (char *)(uintptr_t)err->text};
	text_copy(a.code, sizeof a.code, error_classes[err->code].name);
	text_copy(a.request_id, sizeof a.request_id, r->request_id);
	journal_add_attempt(s->engine->journal, s->row.id, &a);
}

static void on_presigned(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)e;
	AUTO(xfree) char *owner = arg;
	struct ask *a = (struct ask *)(void *)owner;
	if (!r || !s || !s->upload) return;
	struct error err = r->err;
	s->upload->asking = false;
	if (err.code == ERR_NONE && take_answer(s, a, r->json, &err) == 0) {
		s->upload->answered = true;
	} else {
		answer_senseless(&err, "POST /v1/presign");
		note_attempt(s, "", r, &err);
		ask_failed(s, a, r, &err);
	}
	session_poke(s);
}

void presign_pump(struct session *s) {
	struct upload *u = s->upload;
	if (u->asking || !api_may(s->engine)) return;
	struct ask *a = xcalloc(1, sizeof *a);
	a->n = upload_to_ask(u, a->index, ASK_FILES);
	if (!a->n) {
		free(a);
		return;
	}
	for (size_t i = 0; i < a->n; i++) upload_slot(u, a->index[i])->state = SLOT_ASKED;
	u->asking = true;
	api_call(s->engine, s, "POST", "/v1/presign", ask_body(s, a), 0, on_presigned, a);
}

/* --- comparing --- */

static int take_stat(struct session *s, const struct ask *a, const cJSON *json, struct error *err) {
	const struct file_row *f = upload_file(s->upload, a->index[0]);
	const cJSON *objects;
	const char *checksum;
	bool missing = false;
	int64_t size;
	struct json_at at = {.name = "objects"}, first = {.up = &at};
	if (json_want_array(json, "objects", NULL, 1, &objects, err)) return -1;
	const cJSON *o = cJSON_GetArrayItem(objects, 0);
	if (json_may_bool(o, "missing", &first, &missing, err)) return -1;
	if (!a->held && missing) {
		return error_set(err, ERR_MIDDLEBOX,
			"%s was answered with success by something that is not the store, which does not hold it; it is sent again",
			f->name);
	}
	if (!o || missing) {
		return error_set(err, ERR_CONFLICT, "the store holds %s already, and the cloud does not know it", f->name);
	}
	if (json_want_i64(o, "size", &first, 0, INT64_MAX, &size, err) ||
		json_want_text(o, "checksum", &first, &checksum, err)) {
		return -1;
	}
	return same_object(f, size, checksum, f->name, err);
}

static void on_stat(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	AUTO(xfree) char *owner = arg;
	struct ask *a = (struct ask *)(void *)owner;
	if (!r || !s || !s->upload) return;
	struct error err = r->err;
	size_t index = a->index[0];
	s->upload->comparing = false;
	if (err.code == ERR_NONE && take_stat(s, a, r->json, &err) == 0) {
		upload_done(s, index);
		return;
	}
	answer_senseless(&err, "POST /v1/objects/stat");
	note_attempt(s, upload_file(s->upload, index)->name, r, &err);
	upload_slot(s->upload, index)->state = SLOT_WAITING;
	struct retry_decision d = retry_decide(&err, RETRY_ATTEMPTS, r->retry_after_ms, &e->budget);
	if (is_own_manifest(s, &err, a)) d.step = STEP_CHANGED;
	else if (d.step == STEP_CHANGED) d.step = STEP_FATAL;
	session_trouble(s, d.step, &err, r->retry_after_ms);
}

void stat_ask(struct session *s, size_t index, bool held) {
	struct ask *a = xcalloc(1, sizeof *a);
	*a = (struct ask){.n = 1, .index = {index}, .held = held};
	cJSON *body = json_object(), *names = json_array();
	json_add_text(body, "session", s->row.name);
	json_add_i64(body, "revision", s->row.revision);
	json_push(names, cJSON_CreateString(upload_file(s->upload, index)->name));
	json_add(body, "names", names);
	upload_slot(s->upload, index)->state = SLOT_COMPARING;
	s->upload->comparing = true;
	api_call(s->engine, s, "POST", "/v1/objects/stat", body, 0, on_stat, a);
}
