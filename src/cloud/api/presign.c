/* SPDX-License-Identifier: MIT */
/* POST /v1/presign: where each file goes and a URL that takes exactly it (api.md "Keys of objects", "Presigned PUT").
 * What is stored already under the name, in this revision or an earlier one, is referenced and not sent again, when it
 * lies in the store. A revision is its first instance's and ends with its decision; lost bytes may come again at any
 * time, as they were. The promises are durable in the catalog before a URL is given away: no object can come of which
 * the catalog knows nothing. */
#include "base/clock.h"
#include "base/text.h"
#include "cloud/api/handlers.h"
#include "cloud/api/member.h"
#include "cloud/api/presign.h"
#include "cloud/api/rows.h"
#include "cloud/jobs/content.h"
#include "session/manifest.h"
#include "session/name.h"
#include "session/part.h"

#define URL_MAX 8192
#define FILE_MEMORY (14 * 1024) /* of a file in hand: its rows, its place in the body, its URL as tree and as text */
#define FILE_ROOM 8192			/* of a promise in the catalog, twice: its log comes first */
#define PROMISE_WAIT_S 60
#define PARTS_MAX 10000

void presign_decide(const struct presign_ask *ask, const struct object_row *there, struct presign_verdict *ret) {
	struct error err = ERROR_INIT;
	int64_t manifest_revision = ask->revision;
	bool manifest = is_manifest_name(ask->name, &manifest_revision);
	*ret = (struct presign_verdict){.kind = PRESIGN_ERROR};
	if (manifest_revision != ask->revision) {
		ret->fault = FAULT_NAME_INVALID;
		snprintf(ret->message, sizeof ret->message, "this manifest is of revision %lld, the call of revision %lld",
			(long long)manifest_revision, (long long)ask->revision);
	} else if (file_name_check(ask->name, &err) ||
			   object_key(ret->key, sizeof ret->key, ask->session, ask->station, ask->revision,
				   ask->revision > 1 && !manifest, ask->name, &err)) {
		ret->fault = FAULT_NAME_INVALID;
		text_copy(ret->message, sizeof ret->message, err.text);
	} else if (ask->size > PUT_MAX) {
		ret->fault = FAULT_FILE_TOO_LARGE;
		snprintf(ret->message, sizeof ret->message, "a file of %lld bytes; at most %lld can be sent in one PUT",
			(long long)ask->size, (long long)PUT_MAX);
	} else if (there && there->size == ask->size && sha256_equal(&there->sha256, &ask->sha256)) {
		ret->kind = there->stored_ms ? PRESIGN_EXISTS : PRESIGN_AGAIN;
	} else if (there && there->stored_ms && there->revision == ask->revision) {
		ret->fault = FAULT_OBJECT_CONFLICT;
		snprintf(ret->message, sizeof ret->message,
			"other content is stored under this name in revision %lld; what changed goes into the next revision",
			(long long)ask->revision);
	} else {
		ret->kind = PRESIGN_PUT;
	}
}

void presign_refuse(const struct presign_ask *ask, enum standing standing, struct presign_verdict *v) {
	bool conflict = v->kind == PRESIGN_ERROR && v->fault == FAULT_OBJECT_CONFLICT;
	if (standing == STANDING_OPEN || (v->kind != PRESIGN_PUT && !conflict)) return;
	v->kind = PRESIGN_ERROR;
	if (standing == STANDING_DECIDED) {
		v->fault = FAULT_REVISION_DECIDED;
		snprintf(v->message, sizeof v->message,
			"revision %lld is decided, and this file is not in it; what is new goes into the next revision",
			(long long)ask->revision);
	} else {
		v->fault = FAULT_REVISION_TAKEN;
		snprintf(v->message, sizeof v->message,
			"revision %lld belongs to another instance of this station, which sends other files; take the next one",
			(long long)ask->revision);
	}
}

/* --- one call --- */

struct presign_file {
	struct presign_ask ask;
	struct presign_verdict verdict;
	struct object_row *there; /* or NULL */
	size_t promise;			  /* of a PUT: its index */
};
struct presign_call {
	struct call *call;
	struct session_ref ref;
	struct claim claim;
	const char *bucket;
	char origin[300], host[256];
	int64_t now_ms;
	struct presign_file *files;
	const char **names; /* of the files */
	size_t n;
	struct object_row *promises; /* of the PUTs, in order */
	size_t promise_n;
};
static void presign_call_done(struct presign_call *p) {
	for (size_t i = 0; i < p->n; i++) xfree(p->files[i].there);
	xfree(p->files);
	xfree(p->names);
	xfree(p->promises);
}
DEFINE_AUTO_VAL(struct presign_call, presign_call_done)

/* Not used before there is multipart, and good all the same. */
static int parts_check(const cJSON *file, const struct json_at *at, struct error *err) {
	const cJSON *parts = NULL, *part;
	struct sha256 digest;
	size_t n = 0;
	if (json_may_array(file, "parts", at, PARTS_MAX, &parts, err)) return -1;
	json_each (part, parts) {
		const char *text = json_as_text(part);
		if (!text || sha256_from_base64(text, &digest))
			return error_set(
				err, ERR_INPUT, "files[%zu].parts[%zu] must be the base64 of a SHA-256, 44 characters", at->index, n);
		n++;
	}
	return 0;
}

static int ask_read(const struct presign_call *p, const cJSON *file, const struct json_at *at, struct presign_ask *ret,
	struct error *err) {
	const char *sha256 = NULL;
	*ret =
		(struct presign_ask){.station = p->call->who.station, .session = p->ref.session, .revision = p->ref.revision};
	if (json_want_object(file, at, err) || json_want_text(file, "name", at, &ret->name, err) ||
		json_want_i64(file, "size", at, 0, INT64_MAX, &ret->size, err) ||
		json_want_text(file, "sha256", at, &sha256, err))
		return -1;
	if (sha256_from_base64(sha256, &ret->sha256) == 0) return parts_check(file, at, err);
	return error_set(err, ERR_INPUT, "files[%zu].sha256 must be the base64 of a SHA-256, 44 characters", at->index);
}

static int claim_read(struct presign_call *p, const cJSON *body, struct error *err) {
	p->claim = (struct claim){.station = p->call->who.station, .session = p->ref.session, .revision = p->ref.revision};
	if (json_may_text(body, "instance", NULL, &p->claim.instance, err)) return -1;
	if (!p->claim.instance || instance_is(p->claim.instance)) return 0;
	return error_set(err, ERR_INPUT, "instance must be 1 to %d of [A-Za-z0-9._-]", MANIFEST_INSTANCE_MAX);
}

static int presign_read(struct presign_call *p, const cJSON *body, struct error *err) {
	const cJSON *files, *file;
	const struct json_at list = {.name = "files"};
	if (member_session(body, &p->ref, err) || claim_read(p, body, err) ||
		json_want_array(body, "files", NULL, PRESIGN_FILES_MAX, &files, err))
		return -1;
	size_t n = json_count(files);
	p->files = xcalloc(n, sizeof *p->files);
	p->names = xcalloc(n, sizeof *p->names);
	p->promises = xcalloc(n, sizeof *p->promises);
	json_each (file, files) {
		const struct json_at at = {.up = &list, .index = p->n};
		struct presign_ask *ask = &p->files[p->n].ask;
		if (ask_read(p, file, &at, ask, err)) return -1;
		p->names[p->n++] = ask->name;
	}
	return 0;
}

static void promise_add(struct presign_call *p, struct presign_file *f) {
	const struct presign_ask *ask = &f->ask;
	f->promise = p->promise_n;
	struct object_row *row = &p->promises[p->promise_n++];
	if (f->verdict.kind == PRESIGN_AGAIN) {
		*row = *f->there;
		return;
	}
	text_copy(row->bucket, sizeof row->bucket, p->bucket);
	text_copy(row->key, sizeof row->key, f->verdict.key);
	text_copy(row->station, sizeof row->station, ask->station);
	text_copy(row->session, sizeof row->session, ask->session);
	text_copy(row->name, sizeof row->name, ask->name);
	row->revision = ask->revision;
	row->size = ask->size;
	row->sha256 = ask->sha256;
}

static void answer_exists(const struct object_row *row, cJSON *answer) {
	char checksum[SHA256_BASE64];
	cJSON *exists = json_object();
	json_add_text(answer, "bucket", row->bucket);
	json_add_text(answer, "key", row->key);
	json_add_i64(exists, "size", row->size);
	json_add_text(exists, "sha256", sha256_base64(checksum, &row->sha256));
	json_add(answer, "exists", exists);
}

static void answer_error(const struct presign_verdict *v, cJSON *answer) {
	cJSON *error = json_object();
	json_add_text(error, "code", fault_classes[v->fault].word);
	json_add_text(error, "message", v->message);
	json_add(answer, "error", error);
}

static int put_url(const struct presign_call *p, const struct object_row *row, const char *length, const char *checksum,
	struct buf *out, struct error *err) {
	const struct api *a = p->call->api;
	AUTO(buf_done) struct buf path = BUF_INIT(4096);
	buf_fmt(&path, "/%s/", row->bucket);
	text_uri_encode(&path, row->key, strlen(row->key), true);
	const struct sigv4_header headers[] = {
		{"content-length", length}, {"host", p->host}, {"if-none-match", "*"}, {"x-amz-checksum-sha256", checksum}};
	const struct sigv4_request request = {
		.method = "PUT", .path = buf_text(&path), .query = "", .headers = headers, .header_n = ARRAY_LEN(headers)};
	const struct sigv4_scope scope = {.access_key = a->access_key,
		.region = a->config->region,
		.service = "s3",
		.secret_key = &a->url_key,
		.time_ms = p->now_ms};
	if (buf_check(&path, "an object's path", err)) return -1;
	return sigv4_presign(p->origin, &request, &scope, MAX(a->config->url_ms / 1000, 1), out, err);
}

static int answer_put(const struct presign_call *p, const struct object_row *row, cJSON *answer, struct error *err) {
	AUTO(buf_done) struct buf url = BUF_INIT(URL_MAX);
	char length[24], checksum[SHA256_BASE64];
	snprintf(length, sizeof length, "%lld", (long long)row->size);
	sha256_base64(checksum, &row->sha256);
	if (put_url(p, row, length, checksum, &url, err)) return -1;
	cJSON *put = json_object(), *headers = json_object();
	json_add_text(headers, "content-length", length);
	json_add_text(headers, "if-none-match", "*");
	json_add_text(headers, "x-amz-checksum-sha256", checksum);
	json_add_text(put, "url", buf_text(&url));
	json_add(put, "headers", headers);
	json_add_time(put, "expires_at", p->now_ms / 1000 * 1000 + MAX(p->call->api->config->url_ms, 1000));
	json_add_text(answer, "bucket", row->bucket);
	json_add_text(answer, "key", row->key);
	json_add(answer, "put", put);
	return 0;
}

static int on_named(void *arg, size_t i, const struct object_row *there) {
	struct presign_call *p = arg;
	if (!there) return 0;
	p->files[i].there = xcalloc(1, sizeof *there);
	*p->files[i].there = *there;
	return 0;
}

/* A key that this revision was promised for the same bytes stays the file's: its manifest may name it already, when an
 * older revision (a twin's, say) gets such a file meanwhile. */
static int promised_check(const struct presign_call *p, struct presign_file *f, struct error *err) {
	struct presign_verdict own;
	struct object_row row;
	if (f->there->revision == f->ask.revision) return 0;
	presign_decide(&f->ask, NULL, &own);
	int there = own.kind == PRESIGN_PUT ? catalog_object(p->call->api->catalog, p->bucket, own.key, &row, err) : 0;
	if (there < 0) return -1;
	if (there && !row.stored_ms && row.size == f->ask.size && sha256_equal(&row.sha256, &f->ask.sha256))
		f->verdict = own;
	return 0;
}

/* What need not be sent is looked for in the store, never in the catalog alone. */
static int there_check(const struct presign_call *p, struct presign_file *f, struct error *err) {
	const struct stores stores = api_stores(p->call->api);
	struct examined found;
	if (f->verdict.kind != PRESIGN_EXISTS) return 0;
	if (object_examine(&stores, f->there, EXAMINE_SIZE, &found, err)) return -1;
	if (found.finding == FOUND_WHOLE) return promised_check(p, f, err);
	f->there->stored_ms = 0;
	f->there->lost_ms = p->now_ms;
	presign_decide(&f->ask, f->there, &f->verdict);
	return 0;
}

/* Decides on each file, and makes the promises durable that the answer is to name. */
static int presign_files(struct presign_call *p, struct error *err) {
	struct catalog *c = p->call->api->catalog;
	enum standing before, standing = STANDING_OPEN;
	if (catalog_objects_by_name(
			c, p->claim.station, p->ref.session, p->ref.revision, p->names, p->n, on_named, p, err) ||
		catalog_standing(c, &p->claim, &before, err))
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		struct presign_file *f = &p->files[i];
		presign_decide(&f->ask, f->there, &f->verdict);
		if (there_check(p, f, err)) return -1;
		presign_refuse(&f->ask, before, &f->verdict);
		if (f->verdict.kind == PRESIGN_PUT || f->verdict.kind == PRESIGN_AGAIN) promise_add(p, f);
	}
	if (catalog_objects_promise(c, &p->claim, p->promises, p->promise_n, &standing, err)) return -1;
	/* It may have been decided, or taken by a twin, in between. */
	for (size_t i = 0; i < p->n; i++) presign_refuse(&p->files[i].ask, standing, &p->files[i].verdict);
	return 0;
}

static int answer_file(const struct presign_call *p, const struct presign_file *f, cJSON *answer, struct error *err) {
	json_add_text(answer, "name", f->ask.name);
	switch (f->verdict.kind) {
	case PRESIGN_EXISTS: answer_exists(f->there, answer); return 0;
	case PRESIGN_ERROR: answer_error(&f->verdict, answer); return 0;
	default: return answer_put(p, &p->promises[f->promise], answer, err);
	}
}

static int presign_answer(const struct presign_call *p, cJSON *answer, struct error *err) {
	cJSON *revisions = NULL, *files = json_array();
	const struct stores stores = api_stores(p->call->api);
	if (content_complete(&stores, p->claim.station, p->ref.session, err) ||
		rows_revisions(stores.catalog, p->claim.station, p->ref.session, &revisions, err)) {
		json_free(files);
		return -1;
	}
	json_add(answer, "revisions", revisions);
	json_add(answer, "files", files);
	for (size_t i = 0; i < p->n; i++) {
		cJSON *file = json_object();
		json_push(files, file);
		if (answer_file(p, &p->files[i], file, err)) return -1;
	}
	return 0;
}

/* The origin that URLs name: --public-url, or what the client itself reached. */
static bool presign_origin(struct presign_call *p, struct reply *r) {
	const char *public_url = p->call->api->config->public_url, *host = call_header(p->call, "host");
	if (public_url) {
		const char *mark = strstr(public_url, "://");
		text_copy(p->origin, sizeof p->origin, public_url);
		text_copy(p->host, sizeof p->host, mark ? mark + 3 : public_url);
		p->host[strcspn(p->host, "/")] = '\0';
		p->origin[strcspn(p->origin, "/") + 2 + strlen(p->host)] = '\0';
		return true;
	}
	if (!host || !host[0] || strlen(host) >= sizeof p->host ||
		strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]") != strlen(host)) {
		reply_fault(r, FAULT_HOST_MISSING, "the request needs a Host header: its URLs are signed for that host");
		return false;
	}
	text_copy(p->host, sizeof p->host, host);
	snprintf(p->origin, sizeof p->origin, "%s://%s", p->call->tls ? "https" : "http", host);
	return true;
}

void presign_post(struct call *c, struct reply *r) {
	struct error err = ERROR_INIT;
	AUTO(json_free) cJSON *answer = json_object();
	AUTO(presign_call_done)
	struct presign_call p = {.call = c, .bucket = c->api->config->raw_bucket, .now_ms = clock_wall_ms()};
	if (!presign_origin(&p, r)) return;
	if (presign_read(&p, c->body, &err)) {
		reply_error(r, &err);
		return;
	}
	if (!call_memory(c, r, (int64_t)p.n * FILE_MEMORY) || !call_room(c, r, (int64_t)p.n * FILE_ROOM)) return;
	if (presign_files(&p, &err) == 0 && presign_answer(&p, answer, &err) == 0) {
		reply_json(r, 200, TAKE(answer));
		return;
	}
	if (err.code == ERR_THROTTLED) reply_header(r, "Retry-After", "%d", PROMISE_WAIT_S);
	reply_error(r, &err);
}
