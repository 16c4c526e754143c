/* SPDX-License-Identifier: MIT */
/* POST /v1/presign: where each file goes and a URL that takes exactly it (api.md "Keys of objects", "Presigned PUT").
 * What is stored already under the name, in this revision or an earlier one, is referenced and not sent again. The
 * promises are durable in the catalog before a URL is given away: no object can come of which the catalog knows
 * nothing.
 */
#include "base/clock.h"
#include "base/text.h"
#include "cloud/api/handlers.h"
#include "cloud/api/member.h"
#include "cloud/api/presign.h"
#include "session/name.h"
#include "session/part.h"

#define URL_MAX 8192

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
		ret->kind = PRESIGN_EXISTS;
	} else if (there && there->revision == ask->revision) {
		ret->fault = FAULT_OBJECT_CONFLICT;
		snprintf(ret->message, sizeof ret->message,
			"other content is stored under this name in revision %lld; what changed goes into the next revision",
			(long long)ask->revision);
	} else {
		ret->kind = PRESIGN_PUT;
	}
}

/* --- one call --- */

struct presign_call {
	struct call *call;
	struct session_ref ref;
	const char *bucket;
	char origin[300], host[256];
	int64_t now_ms;
	struct presign_ask *asks;
	const char **names; /* of the asks */
	size_t n;
	struct object_row *promises; /* of the PUTs, in order */
	size_t promise_n;
	cJSON *answers;
};
static void presign_call_done(struct presign_call *p) {
	xfree(p->asks);
	xfree(p->names);
	xfree(p->promises);
	json_free(p->answers);
}
DEFINE_AUTO_VAL(struct presign_call, presign_call_done)

static int ask_read(const struct presign_call *p, const cJSON *file, const struct json_at *at, struct presign_ask *ret,
	struct error *err) {
	const char *sha256 = NULL;
	*ret =
		(struct presign_ask){.station = p->call->who.station, .session = p->ref.session, .revision = p->ref.revision};
	if (json_want_object(file, at, err) || json_want_text(file, "name", at, &ret->name, err) ||
		json_want_i64(file, "size", at, 0, INT64_MAX, &ret->size, err) ||
		json_want_text(file, "sha256", at, &sha256, err))
		return -1;
	if (sha256_from_base64(sha256, &ret->sha256) == 0) return 0;
	return error_set(err, ERR_INPUT, "files[%zu].sha256 must be the base64 of a SHA-256, 44 characters", at->index);
}

static int presign_read(struct presign_call *p, const cJSON *body, struct error *err) {
	const cJSON *files, *file;
	const struct json_at list = {.name = "files"};
	if (member_session(body, &p->ref, err) || json_want_array(body, "files", NULL, PRESIGN_FILES_MAX, &files, err))
		return -1;
	size_t n = (size_t)cJSON_GetArraySize(files);
	p->asks = xcalloc(n, sizeof *p->asks);
	p->names = xcalloc(n, sizeof *p->names);
	p->promises = xcalloc(n, sizeof *p->promises);
	cJSON_ArrayForEach (file, files) {
		const struct json_at at = {.up = &list, .index = p->n};
		if (ask_read(p, file, &at, &p->asks[p->n], err)) return -1;
		p->names[p->n] = p->asks[p->n].name;
		p->n++;
	}
	return 0;
}

static void promise_add(struct presign_call *p, const struct presign_ask *ask, const char *key) {
	struct object_row *row = &p->promises[p->promise_n++];
	text_copy(row->bucket, sizeof row->bucket, p->bucket);
	text_copy(row->key, sizeof row->key, key);
	text_copy(row->station, sizeof row->station, ask->station);
	text_copy(row->session, sizeof row->session, ask->session);
	text_copy(row->name, sizeof row->name, ask->name);
	row->revision = ask->revision;
	row->size = ask->size;
	row->sha256 = ask->sha256;
}

static cJSON *answer_exists(const struct object_row *row, cJSON *answer) {
	char checksum[SHA256_BASE64];
	cJSON *exists = json_object();
	json_add_text(answer, "bucket", row->bucket);
	json_add_text(answer, "key", row->key);
	json_add_i64(exists, "size", row->size);
	json_add_text(exists, "sha256", sha256_base64(checksum, &row->sha256));
	json_add(answer, "exists", exists);
	return answer;
}

static cJSON *answer_error(const struct presign_verdict *v, cJSON *answer) {
	cJSON *error = json_object();
	json_add_text(error, "code", fault_classes[v->fault].word);
	json_add_text(error, "message", v->message);
	json_add(answer, "error", error);
	return answer;
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

/* Decides on one file; a PUT becomes a promise, whose answer is written after the promises are durable. */
static int on_named(void *arg, size_t i, const struct object_row *there) {
	struct presign_call *p = arg;
	struct presign_verdict verdict;
	presign_decide(&p->asks[i], there, &verdict);
	cJSON *answer = json_object();
	json_add_text(answer, "name", p->names[i]);
	json_push(p->answers, answer);
	if (verdict.kind == PRESIGN_EXISTS) answer_exists(there, answer);
	else if (verdict.kind == PRESIGN_ERROR) answer_error(&verdict, answer);
	else promise_add(p, &p->asks[i], verdict.key);
	return 0;
}

static int presign_promise(struct presign_call *p, struct error *err) {
	size_t next = 0;
	cJSON *answer;
	if (catalog_objects_promise(p->call->api->catalog, p->promises, p->promise_n, err)) return -1;
	cJSON_ArrayForEach (answer, p->answers) {
		if (cJSON_GetObjectItemCaseSensitive(answer, "exists") || cJSON_GetObjectItemCaseSensitive(answer, "error"))
			continue;
		if (answer_put(p, &p->promises[next++], answer, err)) return -1;
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
	AUTO(presign_call_done)
	struct presign_call p = {
		.call = c, .bucket = c->api->config->raw_bucket, .now_ms = clock_wall_ms(), .answers = json_array()};
	if (!presign_origin(&p, r)) return;
	if (presign_read(&p, c->body, &err) ||
		catalog_objects_by_name(
			c->api->catalog, c->who.station, p.ref.session, p.ref.revision, p.names, p.n, on_named, &p, &err) ||
		presign_promise(&p, &err)) {
		reply_error(r, &err);
		return;
	}
	cJSON *answer = json_object();
	json_add(answer, "files", TAKE(p.answers));
	reply_json(r, 200, answer);
}
