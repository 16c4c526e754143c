/* SPDX-License-Identifier: MIT */
/* AWS's published SigV4 vectors (tests/conformance/sigv4/README): each case signed in the header and in the query, all
 * three stages and the signed URL compared byte for byte, then given to the verifier, whole and tampered with. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/query.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#define CASES 38
static char folder[4096];

struct vector {
	char name[128];
	struct buf file;
	char *section[16]; /* "name\0content" in file's own bytes */
	size_t section_n;
	/* request.txt taken apart */
	char *method, *path;
	const char *query, *body;
	struct sigv4_header headers[16];
	size_t header_n;
	/* context.json */
	cJSON *context;
	struct secret secret;
	struct sigv4_scope scope;
	bool sign_body, omit_token;
	int64_t expires_s;
	char payload_hash[SHA256_HEX];
};

static const char *section(struct vector *v, const char *name) {
	for (size_t i = 0; i < v->section_n; i++)
		if (!strcmp(v->section[i], name)) return v->section[i] + strlen(name) + 1;
	fail_msg("%s has no section %s", v->name, name);
	return NULL;
}

/* Cuts the file at each line "@@ NAME"; one newline before the next mark is not of the content. */
static void cut_sections(struct vector *v) {
	char *at = v->file.data;
	while (at && !strncmp(at, "@@ ", 3)) {
		assert_true(v->section_n < ARRAY_LEN(v->section));
		v->section[v->section_n++] = at + 3;
		char *line_end = strchr(at, '\n');
		*line_end = '\0';
		char *next = strncmp(line_end + 1, "@@ ", 3) ? strstr(line_end + 1, "\n@@ ") : NULL;
		if (next) *next++ = '\0';
		else line_end[1 + strlen(line_end + 1) - 1] = '\0';
		at = next;
	}
	assert_int_equal(v->section_n, 10);
}

/* "METHOD PATH?QUERY HTTP/1.1", header lines (a blank continues the one before), an empty line, the body. */
static void cut_request(struct vector *v, char *text) {
	char *line = text, *next;
	char *end = strchr(line, '\n');
	if (end) *end = '\0';
	next = end ? end + 1 : NULL;
	v->method = line;
	v->path = strchr(line, ' ');
	*v->path++ = '\0';
	*strrchr(v->path, ' ') = '\0';
	char *mark = strchr(v->path, '?');
	if (mark) *mark = '\0';
	v->query = mark ? mark + 1 : "";
	v->header_n = 0;
	v->body = "";
	while (next && *next) {
		line = next;
		if (*line == '\n') {
			v->body = line + 1;
			break;
		}
		end = strchr(line, '\n');
		while (end && end[1] == ' ') end = strchr(end + 1, '\n');
		if (end) *end = '\0';
		next = end ? end + 1 : NULL;
		char *colon = strchr(line, ':');
		*colon = '\0';
		v->headers[v->header_n++] = (struct sigv4_header){line, colon + 1};
	}
}

static void read_context(struct vector *v, const char *json) {
	struct error err = ERROR_INIT;
	const cJSON *credentials;
	const char *access, *secret, *token = NULL, *region, *service, *timestamp;
	bool normalize = false;
	assert_int_equal(json_parse(json, strlen(json), &v->context, &err), 0);
	assert_int_equal(json_want_member(v->context, "credentials", NULL, &credentials, &err), 0);
	assert_int_equal(json_want_text(credentials, "access_key_id", NULL, &access, &err), 0);
	assert_int_equal(json_want_text(credentials, "secret_access_key", NULL, &secret, &err), 0);
	assert_int_equal(json_may_text(credentials, "token", NULL, &token, &err), 0);
	assert_int_equal(json_want_text(v->context, "region", NULL, &region, &err), 0);
	assert_int_equal(json_want_text(v->context, "service", NULL, &service, &err), 0);
	assert_int_equal(json_want_text(v->context, "timestamp", NULL, &timestamp, &err), 0);
	assert_int_equal(json_want_i64(v->context, "expiration_in_seconds", NULL, 1, 604800, &v->expires_s, &err), 0);
	assert_int_equal(json_may_bool(v->context, "normalize", NULL, &normalize, &err), 0);
	assert_int_equal(json_may_bool(v->context, "sign_body", NULL, &v->sign_body, &err), 0);
	assert_int_equal(json_may_bool(v->context, "omit_session_token", NULL, &v->omit_token, &err), 0);
	secret_set(&v->secret, secret, strlen(secret));
	v->scope = (struct sigv4_scope){.access_key = access,
		.region = region,
		.service = service,
		.session_token = v->omit_token ? NULL : token,
		.secret_key = &v->secret,
		.normalize_path = normalize,
		.double_encode = true};
	assert_int_equal(time_parse_rfc3339(timestamp, &v->scope.time_ms), 0);
}

static void vector_read(struct vector *v, const char *name) {
	struct error err = ERROR_INIT;
	struct sha256 hash;
	AUTO(xfree) char *path = path_join(folder, name);
	*v = (struct vector){.file = BUF_INIT(1 << 20)};
	text_copy(v->name, sizeof v->name, name);
	assert_int_equal(file_read(path, 1 << 20, &v->file, &err), 0);
	cut_sections(v);
	read_context(v, section(v, "context.json"));
	cut_request(v, (char *)(uintptr_t)section(v, "request.txt"));
	sha256_of(v->body, strlen(v->body), &hash);
	sha256_hex(v->payload_hash, &hash);
}

static void vector_done(struct vector *v) {
	json_free(v->context);
	secret_done(&v->secret);
	buf_done(&v->file);
}

static void expect(const struct vector *v, const char *what, const char *got, const char *wanted) {
	if (strcmp(got, wanted) != 0) fail_msg("%s: %s is\n%s\nand not\n%s", v->name, what, got, wanted);
}

/* The three stages over the request as it stands, against the sections that begin with prefix. */
static void expect_stages(
	struct vector *v, const struct sigv4_request *r, const char *names, const char *prefix, char ret_hex[SHA256_HEX]) {
	struct error err = ERROR_INIT;
	char label[64];
	AUTO(buf_done) struct buf canonical = BUF_INIT(1 << 16);
	AUTO(buf_done) struct buf to_sign = BUF_INIT(1 << 12);
	if (sigv4_canonical(r, &v->scope, names, &canonical, &err) < 0) fail_msg("%s: %s", v->name, err.text);
	snprintf(label, sizeof label, "%s-canonical-request.txt", prefix);
	expect(v, label, canonical.data, section(v, label));
	sigv4_string_to_sign(&v->scope, canonical.data, canonical.len, &to_sign);
	snprintf(label, sizeof label, "%s-string-to-sign.txt", prefix);
	expect(v, label, to_sign.data, section(v, label));
	sigv4_signature(&v->scope, to_sign.data, to_sign.len, ret_hex);
	snprintf(label, sizeof label, "%s-signature.txt", prefix);
	expect(v, label, ret_hex, section(v, label));
}

static bool lookup(void *arg, const char *access_key, struct secret *ret) {
	const struct vector *v = arg;
	if (strcmp(access_key, v->scope.access_key) != 0) return false;
	secret_set(ret, v->secret.bytes, v->secret.len);
	return true;
}

/* Whole: OK. A byte of path, of query or of a signed header changed: a mismatch. */
static void expect_verified(struct vector *v, const struct sigv4_request *whole) {
	AUTO(buf_done) struct buf names = BUF_INIT(4096);
	const struct sigv4_verify how = {.lookup = lookup,
		.arg = v,
		.region = v->scope.region,
		.service = v->scope.service,
		.now_ms = v->scope.time_ms + 1000,
		.skew_ms = 900000,
		.normalize_path = v->scope.normalize_path,
		.double_encode = true};
	struct sigv4_request r = *whole;
	enum sigv4_verdict verdict = sigv4_verify(&r, &how, &names);
	if (verdict != SIGV4_OK) fail_msg("%s: verdict %d", v->name, (int)verdict);
	assert_non_null(strstr(buf_text(&names), "host"));

	AUTO(buf_done) struct buf path = BUF_INIT(4096);
	buf_fmt(&path, "%s-", whole->path);
	r.path = buf_text(&path);
	assert_int_equal(sigv4_verify(&r, &how, NULL), SIGV4_MISMATCH);
	r = *whole;
	AUTO(buf_done) struct buf query = BUF_INIT(1 << 16);
	buf_fmt(&query, "%s&more=1", whole->query);
	r.query = buf_text(&query);
	assert_int_equal(sigv4_verify(&r, &how, NULL), SIGV4_MISMATCH);
	r = *whole;
	struct sigv4_header headers[16];
	memcpy(headers, whole->headers, whole->header_n * sizeof headers[0]);
	for (size_t i = 0; i < whole->header_n; i++)
		if (text_equal_nocase(headers[i].name, "host")) headers[i].value = "evil.example.com";
	r.headers = headers;
	assert_int_equal(sigv4_verify(&r, &how, NULL), SIGV4_MISMATCH);
}

/* The headers that the suite's signer adds before it signs. */
static void add_signer_headers(struct vector *v, char when[TIME_TEXT]) {
	v->headers[v->header_n++] = (struct sigv4_header){"X-Amz-Date", time_iso_basic(when, v->scope.time_ms)};
	if (v->scope.session_token)
		v->headers[v->header_n++] = (struct sigv4_header){"X-Amz-Security-Token", v->scope.session_token};
	if (v->sign_body) v->headers[v->header_n++] = (struct sigv4_header){"x-amz-content-sha256", v->payload_hash};
}

static struct sigv4_request request_of(const struct vector *v) {
	return (struct sigv4_request){.method = v->method,
		.path = v->path,
		.query = v->query,
		.headers = v->headers,
		.header_n = v->header_n,
		.payload_hash = v->payload_hash};
}

static void check_header_form(struct vector *v) {
	char when[TIME_TEXT], hex[SHA256_HEX];
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf authorization = BUF_INIT(1 << 14);
	size_t plain_n = v->header_n;
	add_signer_headers(v, when);
	struct sigv4_request r = request_of(v);
	assert_int_equal(sigv4_authorization(&r, &v->scope, &authorization, &err), 0);
	const char *wanted = strstr(section(v, "header-signed-request.txt"), "Authorization:");
	assert_non_null(wanted);
	wanted += strlen("Authorization:");
	assert_int_equal(strcspn(wanted, "\n"), authorization.len);
	assert_memory_equal(wanted, authorization.data, authorization.len);

	const char *names = strstr(buf_text(&authorization), "SignedHeaders=") + strlen("SignedHeaders=");
	AUTO(xfree) char *signed_names = xstrndup(names, strcspn(names, ","));
	expect_stages(v, &r, signed_names, "header", hex);

	v->headers[v->header_n++] = (struct sigv4_header){"Authorization", buf_text(&authorization)};
	r.header_n = v->header_n;
	expect_verified(v, &r);
	v->header_n = plain_n;
}

static void check_query_form(struct vector *v) {
	char hex[SHA256_HEX];
	struct error err = ERROR_INIT;
	AUTO(buf_done) struct buf url = BUF_INIT(1 << 14);
	struct sigv4_request r = request_of(v);
	if (sigv4_presign("", &r, &v->scope, v->expires_s, &url, &err) < 0) fail_msg("%s: %s", v->name, err.text);

	const char *line = section(v, "query-signed-request.txt");
	line = strchr(line, ' ') + 1;
	AUTO(xfree) char *wanted = xstrndup(line, (size_t)(strstr(line, " HTTP/1.1") - line));
	if (!v->omit_token) expect(v, "the presigned URL", url.data, wanted); /* the omitted token stands in AWS's URL */

	AUTO(query_done) struct query q = {0};
	r.query = strchr(url.data, '?') + 1;
	assert_int_equal(query_parse(&q, r.query, &err), 0);
	expect_stages(v, &r, query_get(&q, "X-Amz-SignedHeaders"), "query", hex);
	assert_string_equal(hex, query_get(&q, "X-Amz-Signature"));
	assert_int_equal(sigv4_url_lasts_ms(url.data), v->expires_s * 1000);
	expect_verified(v, &r);
}

static void test_cases(void **state) {
	(void)state;
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort), cases = 0;
	if (n < 0) fail_msg("no folder %s", folder);
	for (int i = 0; i < n; i++) {
		if (text_ends(entries[i]->d_name, ".txt")) {
			struct vector v;
			vector_read(&v, entries[i]->d_name);
			check_header_form(&v);
			check_query_form(&v);
			vector_done(&v);
			cases++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(cases, CASES);
}

int main(int argc, char **argv) {
	if (argc < 2) return 2;
	snprintf(folder, sizeof folder, "%s/../../conformance/sigv4", argv[1]);
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
