/* SPDX-License-Identifier: MIT */
/* The HTTP server's own doing: trickles, the ceiling of connections, listening, and the end. */
#include "api_help.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "cloud/api/http.h"
#include "cloud/api/listen.h"

static struct http_server *serve(struct bench *b, int *ret_port) {
	struct http_server *s;
	char at[LISTEN_TEXT];
	int fd;
	int64_t port;
	OK(listen_open("127.0.0.1:0", &fd, at, &err));
	assert_int_equal(text_to_i64(strrchr(at, ':') + 1, 1, 65535, &port), 0);
	OK(http_server_start(&s, b->api, fd, NULL, NULL, &err));
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

static void a_connection_that_never_asks_is_ended(void **state) {
	struct bench *b = *state;
	int port;
	char text[4096], token[TOKEN_MAX];
	struct http_server *s = serve(b, &port);
	int trickle = connected(port), silent = connected(port), waits = connected(port), used = connected(port);
	say(used, "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(hear(used, text, sizeof text) > 0);
	assert_true(text_starts(text, "HTTP/1.1 200 "));
	say(trickle, "GET /v1/info HTTP/1.1\r\nHost: x\r\nx-slow: ");
	bench_token(b, 0, token);
	AUTO(xfree)
	char *poll_call =
		xasprintf("GET /v1/changes?wait=2 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", token);
	say(waits, poll_call);
	for (int64_t end_ms = clock_mono_ms() + 10000; atomic_load(&b->api->polls) == 0; sleep_us(5000))
		assert_true(clock_mono_ms() < end_ms);
	http_server_tick(s, clock_mono_ms() + 30000);
	say(trickle, "y");
	http_server_tick(s, clock_mono_ms() + 61000);
	assert_true(hear(trickle, text, sizeof text) <= 0);
	assert_true(hear(silent, text, sizeof text) <= 0);
	assert_true(hear(used, text, sizeof text) <= 0);
	assert_true(hear(waits, text, sizeof text) > 0); /* who waits for an answer gets it */
	assert_true(text_starts(text, "HTTP/1.1 200 "));
	const int fds[] = {trickle, silent, waits, used};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) close(fds[i]);
	assert_int_equal(http_server_stop(s, 5000), 0);
}

static void one_address_never_has_every_connection(void **state) {
	struct bench *b = *state;
	bench_close(b);
	bench_open(b, (const char *const[]){"connections", "8", NULL});
	int port, fds[10], answered = 0;
	char text[4096];
	struct http_server *s = serve(b, &port);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connected(port);
		(void)!send(fds[i], "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n", 34, MSG_NOSIGNAL);
		answered += hear(fds[i], text, sizeof text) > 0;
		if (answered < (int)i + 1) break; /* the others would wait in the kernel's queue */
	}
	assert_int_equal(answered, 6);
	for (int i = 0; i <= answered; i++) close(fds[i]);
	assert_int_equal(http_server_stop(s, 5000), 0);
}

static void what_is_held_when_the_time_is_up_is_counted(void **state) {
	struct bench *b = *state;
	int port;
	char text[64];
	struct http_server *s = serve(b, &port);
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
		TEST_ON_BENCH(one_address_never_has_every_connection),
		TEST_ON_BENCH(what_is_held_when_the_time_is_up_is_counted),
		cmocka_unit_test(where_to_listen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
