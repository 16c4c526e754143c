/* SPDX-License-Identifier: MIT */
/* Our presigned URLs and our HTTP client, by hand, for the conformance tests:
 *   presign_tool sign METHOD URL EXPIRES_S AGE_S [HEADER...]   prints the URL, presigned AGE_S seconds ago
 *   presign_tool send METHOD URL [FILE|-] [HEADER...]          sends it by base/http, prints the answer as JSON
 * A HEADER is "Name: value"; host is signed by itself. The path of URL is as on the wire. The keys are in the
 * environment: PRESIGN_ACCESS_KEY, PRESIGN_SECRET_KEY, PRESIGN_REGION. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/s3.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#define HEADERS_MAX 16

static const char *need_env(const char *name, const char *initial) {
	const char *value = getenv(name);
	if (value && *value) return value;
	if (initial) return initial;
	fprintf(stderr, "presign_tool: set %s\n", name);
	exit(2);
}

/* --- sign --- */

static int sign(int argc, char **argv, struct error *err) {
	int64_t expires_s, age_s;
	struct secret key = {0};
	struct sigv4_header headers[HEADERS_MAX];
	size_t header_n = 1;
	AUTO(buf_done) struct buf url = BUF_INIT(16384);
	if (argc < 6 || text_to_i64(argv[4], 1, 604800, &expires_s) < 0 || text_to_i64(argv[5], -86400, 604800, &age_s) < 0)
		return error_set(err, ERR_USAGE, "presign_tool sign METHOD URL EXPIRES_S AGE_S [HEADER...]");
	char *authority = strstr(argv[3], "://");
	if (!authority) return error_set(err, ERR_USAGE, "not a URL: %s", argv[3]);
	authority += 3;
	size_t host_n = strcspn(authority, "/?"), origin_n = (size_t)(authority - argv[3]) + host_n;
	AUTO(xfree) char *host = xstrndup(authority, host_n), *origin = xstrndup(argv[3], origin_n);
	AUTO(xfree) char *path = xstrndup(authority + host_n, strcspn(authority + host_n, "?"));
	const char *query = strchr(authority, '?');
	headers[0] = (struct sigv4_header){"host", host};
	for (int i = 6; i < argc && header_n < HEADERS_MAX; i++) {
		char *colon = strchr(argv[i], ':');
		if (!colon) return error_set(err, ERR_USAGE, "not a header: %s", argv[i]);
		*colon = '\0';
		headers[header_n++] = (struct sigv4_header){argv[i], colon + 1};
	}
	const char *secret = need_env("PRESIGN_SECRET_KEY", NULL);
	secret_set(&key, secret, strlen(secret));
	const struct sigv4_scope scope = {.access_key = need_env("PRESIGN_ACCESS_KEY", NULL),
		.region = need_env("PRESIGN_REGION", "us-east-1"),
		.service = "s3",
		.secret_key = &key,
		.time_ms = clock_wall_ms() - age_s * 1000};
	const struct sigv4_request request = {.method = argv[2],
		.path = *path ? path : "/",
		.query = query ? query + 1 : "",
		.headers = headers,
		.header_n = header_n};
	int status = sigv4_presign(origin, &request, &scope, expires_s, &url, err);
	if (status == 0) printf("%s\n", url.data);
	secret_done(&key);
	return status;
}

/* --- send --- */

static ssize_t read_file(void *arg, char *to, size_t n, int64_t offset, struct error *err) {
	const int *fd = arg;
	ssize_t got = pread(*fd, to, n, offset);
	return got < 0 ? error_set(err, ERR_DISK, "the file cannot be read") : got;
}

static const char *const retry_names[] = {
	[RETRY_NEVER] = "never",
	[RETRY_TRANSIENT] = "transient",
	[RETRY_THROTTLE] = "throttle",
	[RETRY_ONCE] = "once",
	[RETRY_PRESIGN] = "presign",
	[RETRY_AUTHENTICATE] = "authenticate",
	[RETRY_RESTART] = "restart",
	[RETRY_COMPARE] = "compare",
};
static_assert(ARRAY_LEN(retry_names) == RETRY_N, "every class has its name");

/* {"status", "code": ours, "word": the peer's, "checksum", "etag", "body"} */
static void on_done(void *arg, const struct http_answer *a) {
	static const char *const shown[] = {"x-amz-checksum-sha256", "etag", "x-amz-request-id", "content-length"};
	struct error err = ERROR_INIT;
	AUTO(json_free) cJSON *json = json_object();
	struct http **http = arg;
	(void)!answer_check(a, &s3_words, "send", &err);
	json_add_i64(json, "status", a->status);
	json_add_text(json, "code", error_classes[err.code].name);
	json_add_text(json, "retry", retry_names[error_classes[err.code].retry]);
	json_add_text(json, "word", err.word);
	json_add_text(json, "text", err.text);
	json_add_i64(json, "sent", a->sent_bytes);
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) json_add_text(json, shown[i], http_header(a, shown[i]));
	if (text_is_utf8(a->body, a->body_n, NULL)) json_add_text(json, "body", a->body);
	AUTO(xfree) char *text = json_text(json);
	printf("%s\n", text);
	http_close(*http, NULL, NULL);
}

static int send_request(int argc, char **argv, struct error *err) {
	uv_loop_t loop;
	struct http *http;
	struct stat st = {0};
	int fd = -1;
	if (argc < 4) return error_set(err, ERR_USAGE, "presign_tool send METHOD URL [FILE|-] [HEADER...]");
	if (argc > 4 && strcmp(argv[4], "-") != 0) {
		fd = open(argv[4], O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0) return error_set(err, ERR_DISK, "cannot open %s", argv[4]);
	}
	uv_loop_init(&loop);
	if (http_new(&http, &loop, &(struct http_options){0}, err) < 0) return -1;
	struct http_request request = {.method = argv[2],
		.url = argv[3],
		.headers = argc > 5 ? (const char *const *)&argv[5] : NULL,
		.on_done = on_done,
		.arg = &http};
	if (fd >= 0) request.source = (struct http_source){read_file, &fd, st.st_size};
	http_send(http, &request);
	uv_run(&loop, UV_RUN_DEFAULT);
	if (fd >= 0) close(fd);
	return uv_loop_close(&loop) == 0 ? 0 : error_set(err, ERR_INTERNAL, "handles are left in the loop");
}

static int run(int argc, char **argv, struct error *err) {
	if (argc > 1 && !strcmp(argv[1], "sign")) return sign(argc, argv, err);
	if (argc > 1 && !strcmp(argv[1], "send")) return send_request(argc, argv, err);
	return error_set(err, ERR_USAGE, "presign_tool sign|send ...");
}

int main(int argc, char **argv) {
	struct error err = ERROR_INIT;
	if (run(argc, argv, &err) == 0) return 0;
	fprintf(stderr, "presign_tool: %s\n", err.text);
	return error_classes[err.code].exit_status;
}
