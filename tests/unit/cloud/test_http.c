/* SPDX-License-Identifier: MIT */
/* The HTTP server's own doing: framing, trickles, the ceiling of connections, listening, and the end. */
#include "api_help.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "cloud/http/head.h"
#include "cloud/http/http.h"
#include "cloud/http/listen.h"

static struct http_server *serve(struct bench *b, const struct http_limits *limits, int *ret_port) {
	struct http_server *s;
	char at[LISTEN_TEXT];
	int fd;
	int64_t port;
	OK(listen_open("127.0.0.1:0", &fd, at, &err));
	assert_int_equal(text_to_i64(strrchr(at, ':') + 1, 1, 65535, &port), 0);
	OK(http_server_start(&s, b->api, fd, NULL, limits, &err));
	*ret_port = (int)port;
	return s;
}

static int connected(int port) {
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static int connected_from(int port, const char *address) {
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in from = {.sin_family = AF_INET};
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof from), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void say(int fd, const char *text) {
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes within 10 s: bytes, 0 for the end; -1 for a reset. */
static ssize_t hear(int fd, char *to, size_t size) {
	struct pollfd p = {.fd = fd, .events = POLLIN};
	if (poll(&p, 1, 10000) != 1) fail_msg("nothing came");
	ssize_t n = recv(fd, to, size - 1, 0);
	to[MAX(n, 0)] = '\0';
	return n;
}

/* Everything up to the end of the connection. */
static void hear_all(int fd, char *to, size_t size) {
	size_t n = 0;
	for (ssize_t got = 1; got > 0 && n + 1 < size; n += (size_t)MAX(got, 0)) got = hear(fd, to + n, size - n);
	to[n] = '\0';
}

static int answers_of(const char *text) {
	int n = 0;
	for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")); at++) n++;
	return n;
}

static void a_connection_that_never_asks_is_ended(void **state) {
	struct bench *b = *state;
	const struct http_limits short_ones = {.idle_ms = 300, .head_ms = 300, .stall_ms = 300, .drain_ms = 300};
	int port;
	char text[4096];
	struct http_server *s = serve(b, &short_ones, &port);
	int trickle = connected(port), silent = connected(port), used = connected(port), body = connected(port);
	say(used, "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n");
	say(trickle, "GET /v1/info HTTP/1.1\r\nHost: x\r\nx-slow: ");
	say(body,
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
	hear_all(used, text, sizeof text);
	assert_true(text_starts(text, "HTTP/1.1 200 "));
	hear_all(silent, text, sizeof text);
	assert_string_equal(text, "");
	hear_all(body, text, sizeof text);
	assert_string_equal(text, "");
	hear_all(trickle, text, sizeof text); /* it had begun to ask */
	assert_true(text_starts(text, "HTTP/1.1 408 ") && strstr(text, "\"too_slow\""));
	const int fds[] = {trickle, silent, used, body};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) close(fds[i]);
	assert_int_equal(http_server_stop(s, 5000), 0);
}

/* RFC 9112: what two readers may understand in two ways. Each is followed by a request that must not be answered. */
static void what_could_be_smuggled_is_refused(void **state) {
	struct bench *b = *state;
	static const char *const heads[] = {
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
		"chunked\r\n\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\nHost : x\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\nHost: x\r\nx-folded: a\r\n b\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\n x: a\r\nHost: x\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\nHost: x\r\n: no name\r\n\r\n",
		"GET /v1/info HTTP/1.1\nHost: x\n\n",
		"GET /v1/info HTTP/1.1\r\nHost: x\nContent-Length: 44\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\nHost: x\r\nx: a\rContent-Length: 44\r\n\r\n",
		"GET /v1/info HTTP/1.1\r\nHost: x\r\nx: \x01\r\n\r\n",
		"GET  /v1/info HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/info  HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/info HTTP/1.1 \r\nHost: x\r\n\r\n",
		"GET\t/v1/info HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/info\r\n\r\n",
		"GET /v1/info HTTP/2.0\r\nHost: x\r\n\r\n",
		"GET /v1/info HTTP/1.11\r\nHost: x\r\n\r\n",
		"GET v1/info HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://y/v1/info HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http:///v1/info HTTP/1.1\r\nHost:\r\n\r\n",
		"GET /v1/info#x HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		"chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		"chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		"chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		"chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		"chunked\r\n\r\n2\r\n{}x0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		"chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		"chunked\r\n\r\n2;x=\n\r\n{}\r\n0\r\n\r\n",
		"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		"chunked\r\n\r\n2\r\n{}\r\n0\r\nx: y\n\r\n",
	};
	int port;
	char text[8192];
	struct http_server *s = serve(b, &http_limits, &port);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		int fd = connected(port);
		AUTO(xfree) char *all = xasprintf("%sGET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n", heads[i]);
		say(fd, all);
		shutdown(fd, SHUT_WR);
		hear_all(fd, text, sizeof text);
		if (!text_starts(text, "HTTP/1.1 400 ") || answers_of(text) != 1 || !strstr(text, "\"bad_request\"") ||
			!strstr(text, "x-request-id: ") || !strstr(text, "Connection: close"))
			fail_msg("%zu: %s\ngot %s", i, heads[i], text);
		close(fd);
	}
	assert_int_equal(http_server_stop(s, 5000), 0);
}

static void what_is_lawful_is_taken(void **state) {
	struct bench *b = *state;
	static const struct {
		const char *text;
		int answers;
	} lawful[] = {
		{"GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n", 2},
		{"\r\nGET /v1/info HTTP/1.1\r\nHost:\r\nx-tab:\ta\tb \r\nx-empty:\r\nX-8bit: \xc3\xa9\r\n\r\n", 1},
		{"GET http://x:1/v1/info HTTP/1.1\r\nHost: X:1\r\n\r\n", 1},
		{"GET /v1/info HTTP/1.0\r\n\r\n", 1},
		{"GET /v1/info HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /v1/info HTTP/1.0\r\n\r\n", 2},
		{"GET /v1/info HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n", 2},
		{"GET /v1/info HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
		 "Chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0A\r\n0123456789\r\n000\r\nx: y\r\n\r\n"
		 "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n",
			2},
		{"GET /v1/info HTTP/1.1\r\nHost: x\r\nConnection: x, Close\r\n\r\nGET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n", 1},
	};
	int port;
	char text[8192];
	struct http_server *s = serve(b, &http_limits, &port);
	for (size_t i = 0; i < ARRAY_LEN(lawful); i++)
		for (int split = 0; split < 2; split++) {
			int fd = connected(port), right = 0;
			if (split)
				for (const char *c = lawful[i].text; *c; c++) (void)!send(fd, c, 1, MSG_NOSIGNAL);
			else say(fd, lawful[i].text);
			shutdown(fd, SHUT_WR);
			hear_all(fd, text, sizeof text);
			for (const char *at = text; (at = strstr(at, "HTTP/1.1 200 OK")); at++) right++;
			if (right != lawful[i].answers || answers_of(text) != right) fail_msg("%s\ngot %s", lawful[i].text, text);
			close(fd);
		}
	assert_int_equal(http_server_stop(s, 5000), 0);
}

static void a_refused_body_is_short(void **state) {
	struct bench *b = *state;
	const struct http_limits limits = {
		.idle_ms = 60000, .head_ms = 60000, .stall_ms = 60000, .drain_ms = 60000, .drain_bytes = 1 << 20};
	int port;
	char text[8192];
	AUTO(xfree) char *much = xcalloc(1, 1 << 20);
	struct http_server *s = serve(b, &limits, &port);
	int fd = connected(port);
	say(fd, "PUT /headgate-raw/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\n\r\n");
	assert_true(hear(fd, text, sizeof text) > 0); /* before a byte of it was sent */
	assert_true(text_starts(text, "HTTP/1.1 403 "));
	int sent = 0;
	while (sent < 100 && send(fd, much, 1 << 20, MSG_NOSIGNAL) > 0) sent++;
	assert_in_range(sent, 1, 40); /* what the kernel holds, and a megabyte */
	close(fd);
	assert_int_equal(http_server_stop(s, 5000), 0);
}

/* Eight places, six for one address: the seventh of it takes the place of its idlest; another address always gets in.
 */
static void no_address_keeps_another_out(void **state) {
	struct bench *b = *state;
	bench_close(b);
	bench_open(b, (const char *const[]){"connections", "8", "rate", "0", NULL});
	int port, fds[40];
	char text[4096];
	struct http_server *s = serve(b, &http_limits, &port);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connected_from(port, i % 2 ? "127.0.0.2" : "127.0.0.1");
		say(fds[i], "GET /v1/info HTTP/1.1\r\nHost: x\r\n");
		int honest = connected_from(port, "127.0.0.3");
		say(honest, "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_true(hear(honest, text, sizeof text) > 0);
		assert_true(text_starts(text, "HTTP/1.1 200 "));
		close(honest);
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) close(fds[i]);
	assert_int_equal(http_server_stop(s, 5000), 0);
}

/* Behind one address: slow bodies of callers without a key take every place that it may have, and make room. */
static void who_has_no_key_makes_room(void **state) {
	struct bench *b = *state;
	bench_close(b);
	bench_open(b, (const char *const[]){"connections", "8", "rate", "0", NULL});
	int port, slow[20];
	char text[4096];
	struct http_server *s = serve(b, &http_limits, &port);
	char token[TOKEN_MAX];
	bench_token(b, 0, token);
	AUTO(xfree) char *asks = xasprintf("GET /v1/schema HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", token);
	int rests = connected(port);
	say(rests, asks);
	assert_true(hear(rests, text, sizeof text) > 0);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = connected(port);
		say(slow[i],
			"POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000"
			"\r\nExpect: 100-continue\r\n\r\n");
		assert_true(hear(slow[i], text, sizeof text) > 0); /* its body is awaited */
		int honest = connected(port);
		say(honest, "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_true(hear(honest, text, sizeof text) > 0);
		assert_true(text_starts(text, "HTTP/1.1 200 "));
		close(honest);
		(void)!send(slow[i], "{", 1, MSG_NOSIGNAL); /* a byte now and then makes no right */
	}
	say(rests, asks); /* who showed a key kept its connection */
	assert_true(hear(rests, text, sizeof text) > 0);
	assert_true(text_starts(text, "HTTP/1.1 200 "));
	close(rests);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) close(slow[i]);
	assert_int_equal(http_server_stop(s, 5000), 0);
}

/* With few open files allowed there are as few connections as these serve. */
static void connections_need_open_files(void **state) {
	struct bench *b = *state;
	bench_close(b);
	bench_open(b, (const char *const[]){"connections", "100", "rate", "0", NULL});
	struct rlimit before, few;
	int port, fds[60], left = 0;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 120;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	struct http_server *s = serve(b, &http_limits, &port);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0); /* this test's own ends are files too */
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) fds[i] = connected_from(port, i % 2 ? "127.0.0.2" : "127.0.0.3");
	char text[4096];
	int honest = connected(port);
	say(honest, "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(hear(honest, text, sizeof text) > 0); /* accepted after all of the others */
	close(honest);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		struct pollfd p = {.fd = fds[i], .events = POLLIN};
		left += poll(&p, 1, 0) == 0;
		close(fds[i]);
	}
	assert_in_range(left, 1, 20);
	assert_int_equal(http_server_stop(s, 5000), 0);
}

/* In the words of the path, as far as the first line could be read. */
static void what_is_no_request_is_answered_in_its_words(void **state) {
	struct bench *b = *state;
	AUTO(xfree) char *filler = xcalloc(1, HEAD_BYTES_MAX + 1);
	memset(filler, 'x', HEAD_BYTES_MAX);
	AUTO(xfree) char *long_api = xasprintf("GET /v1/info HTTP/1.1\r\nHost: x\r\nx: %s\r\n\r\n", filler);
	AUTO(xfree) char *long_s3 = xasprintf("PUT /headgate-raw/x HTTP/1.1\r\nHost: x\r\nx: %s\r\n\r\n", filler);
	AUTO(xfree) char *long_path = xasprintf("GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", filler);
	const struct {
		const char *text, *status, *word;
	} cases[] = {
		{long_api, "431", "\"headers_too_large\""},
		{long_path, "431", "\"headers_too_large\""},
		{long_s3, "400", "<Code>InvalidRequest</Code>"},
		{"PUT /headgate-raw/x HTTP/1.1\r\nHost: x\nx: y\r\n\r\n", "400", "<Code>InvalidRequest</Code>"},
		{"PUT /headgate-raw/x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400", "<Code>InvalidRequest</Code>"},
		{"\x16\x03\x01\x02", "400", "\"bad_request\""},
	};
	int port;
	char text[8192], want[32];
	struct http_server *s = serve(b, &http_limits, &port);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = connected(port);
		(void)!send(fd, cases[i].text, strlen(cases[i].text), MSG_NOSIGNAL);
		hear_all(fd, text, sizeof text);
		snprintf(want, sizeof want, "HTTP/1.1 %s ", cases[i].status);
		if (!text_starts(text, want) || !strstr(text, cases[i].word) || !strstr(text, "x-request-id: "))
			fail_msg("%zu: %s", i, text);
		close(fd);
	}
	assert_int_equal(http_server_stop(s, 5000), 0);
}

static void what_is_held_when_the_time_is_up_is_counted(void **state) {
	struct bench *b = *state;
	int port;
	char text[64];
	struct http_server *s = serve(b, &http_limits, &port);
	int fd = connected(port);
	say(fd, "POST /v1/authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
			"Expect: 100-continue\r\n\r\n");
	assert_true(hear(fd, text, sizeof text) > 0);
	assert_true(text_starts(text, "HTTP/1.1 100 ")); /* so it is under way */
	int cut = http_server_stop(s, 100);
	assert_int_equal(cut, 1);
	assert_true(hear(fd, text, sizeof text) <= 0);
	close(fd);
}

static void where_to_listen(void **state) {
	(void)state;
	static const char *const bad[] = {"", "localhost", ":80", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
		"::1:80", "[::1]", "[::1:80", "[]:80", "no.such.host.invalid:80"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char at[LISTEN_TEXT];
		int fd;
		FAILS(ERR_CONFIG, listen_open(bad[i], &fd, at, &err));
	}
	char at[LISTEN_TEXT], again[LISTEN_TEXT];
	int fd, second;
	OK(listen_open("127.0.0.1:0", &fd, at, &err));
	assert_true(text_starts(at, "127.0.0.1:") && !text_ends(at, ":0"));
	FAILS(ERR_CONFIG, listen_open(at, &second, again, &err)); /* taken */
	close(fd);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_ON_BENCH(a_connection_that_never_asks_is_ended),
		TEST_ON_BENCH(what_could_be_smuggled_is_refused),
		TEST_ON_BENCH(what_is_lawful_is_taken),
		TEST_ON_BENCH(a_refused_body_is_short),
		TEST_ON_BENCH(no_address_keeps_another_out),
		TEST_ON_BENCH(who_has_no_key_makes_room),
		TEST_ON_BENCH(connections_need_open_files),
		TEST_ON_BENCH(what_is_no_request_is_answered_in_its_words),
		TEST_ON_BENCH(what_is_held_when_the_time_is_up_is_counted),
		cmocka_unit_test(where_to_listen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
