/* SPDX-License-Identifier: MIT */
/* SigV4: no request verifies whose signature was made with another key, and every URL that we presign verifies. Input:
 * "METHOD PATH?QUERY", then header lines "Name: value". */
#include "fuzz.h"

#include <string.h>

#include "aws/query.h"
#include "aws/sigv4.h"

#define HEADERS_MAX 32
#define SEED_TIME_MS 1369353600000 /* the seeds are signed on 24 May 2013 */

static bool lookup(void *arg, const char *access_key, struct secret *ret) {
	const char *secret = arg;
	if (!*access_key) return false;
	secret_set(ret, secret, strlen(secret));
	return true;
}

static struct sigv4_verify verify_with(char *secret) {
	return (struct sigv4_verify){.lookup = lookup,
		.arg = secret,
		.region = "us-east-1",
		.service = "s3",
		.now_ms = SEED_TIME_MS,
		.skew_ms = 900000};
}

/* Takes the request apart in place. */
static struct sigv4_request read_request(char *text, struct sigv4_header headers[HEADERS_MAX]) {
	struct sigv4_request r = {.method = "GET", .path = "/", .query = "", .headers = headers};
	char *line = text, *next;
	for (int i = 0; line && r.header_n < HEADERS_MAX; line = next, i++) {
		next = strchr(line, '\n');
		if (next) *next++ = '\0';
		char *mark = strchr(line, i == 0 ? ' ' : ':');
		if (!mark) continue;
		*mark++ = '\0';
		while (i > 0 && *mark == ' ') mark++; /* as an HTTP server gives it */
		if (i > 0) {
			headers[r.header_n++] = (struct sigv4_header){line, mark};
			continue;
		}
		r.method = line;
		r.path = mark;
		char *query = strchr(mark, '?');
		if (query) *query++ = '\0';
		r.query = query ? query : "";
	}
	return r;
}

/* Signed by us, and given back as it came over the wire. */
static void check_presign(const struct sigv4_request *r, const char *value) {
	struct error err = ERROR_INIT;
	char secret[] = "ours";
	struct secret key = {secret, strlen(secret)};
	const struct sigv4_header headers[] = {{"Host", "h:1"}, {"X-Amz-Fuzz", value}};
	AUTO(buf_done) struct buf url = BUF_INIT(1 << 17);
	struct sigv4_request mine = {
		.method = r->method, .path = r->path, .query = r->query, .headers = headers, .header_n = 2};
	const struct sigv4_scope scope = {.access_key = "AK/with slash",
		.region = "us-east-1",
		.service = "s3",
		.secret_key = &key,
		.time_ms = SEED_TIME_MS};
	if (r->path[0] != '/' || strcasestr(r->query, "amz")) return; /* "X%2dAmz-" too: anything that may be ours */
	if (strchr(r->query, '%')) return;
	if (sigv4_presign("", &mine, &scope, 60, &url, &err) < 0) return;
	FUZZ_CHECK(sigv4_url_lasts_ms(url.data) == 60000);
	char *mark = strchr(url.data, '?');
	*mark = '\0';
	mine.path = url.data;
	mine.query = mark + 1;
	struct sigv4_verify v = verify_with(secret);
	FUZZ_CHECK(sigv4_verify(&mine, &v, NULL) == SIGV4_OK);
	v.now_ms += 60001;
	FUZZ_CHECK(sigv4_verify(&mine, &v, NULL) == SIGV4_EXPIRED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
	struct sigv4_header headers[HEADERS_MAX];
	struct error err = ERROR_INIT;
	char other[] = "another key than that of the seeds";
	AUTO(xfree) char *text = xcalloc(n + 1, 1);
	memcpy(text, data, n);
	const struct sigv4_request r = read_request(text, headers);
	const struct sigv4_verify v = verify_with(other);
	enum sigv4_verdict verdict = sigv4_verify(&r, &v, NULL);
	FUZZ_CHECK(verdict != SIGV4_OK && verdict < SIGV4_VERDICT_N);
	fuzz_taken += verdict == SIGV4_MISMATCH; /* it was read whole, down to the signature */
	(void)sigv4_url_lasts_ms(r.path);
	AUTO(query_done) struct query q = {0};
	if (query_parse(&q, r.query, &err) == 0) FUZZ_CHECK(q.n <= QUERY_ITEMS_MAX);
	check_presign(&r, r.header_n > 0 ? headers[0].value : "");
	return 0;
}
