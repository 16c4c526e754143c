/* SPDX-License-Identifier: MIT */
/* The control socket, both ends over a real socket: the server on a loop of its own thread, clients here; and clients
 * and servers that are mad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "station/control/rpc.h"
#include "station/control/server.h"
#include "station/journal/journal.h"

#define WAIT_MS 20000
#define HELLO "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"hello\",\"params\":{\"protocol\":1}}\n"

struct fixture {
	char top[64], dir[256];
	uv_loop_t loop;
	uv_async_t stop;
	pthread_t thread;
	struct control_server *server;
	_Atomic int calls;
	bool running, stop_in_handler;
	_Atomic int statuses, clients; /* asked for; most at a time */
	_Atomic int figure;			   /* what the status tells */
};

/* --- the engine's side --- */

static int on_echo(void *arg, const cJSON *params, cJSON **ret, struct error *err) {
	(void)err;
	((struct fixture *)arg)->calls++;
	if (params) *ret = cJSON_Duplicate(params, true);
	return 0;
}
static int on_fail(void *arg, const cJSON *params, cJSON **ret, struct error *err) {
	(void)arg, (void)params, (void)ret;
	return error_set(err, ERR_NOT_FOUND, "session \"%s\" is not known", "x\x1b[2J");
}
static int on_big(void *arg, const cJSON *params, cJSON **ret, struct error *err) {
	(void)arg;
	int64_t bytes = 0;
	if (json_want_i64(params, "bytes", NULL, 0, 8 << 20, &bytes, err)) return -1;
	AUTO(xfree) char *text = xcalloc(1, (size_t)bytes + 1);
	memset(text, 'x', (size_t)bytes);
	*ret = json_object();
	json_add_text(*ret, "text", text);
	return 0;
}
static void on_server_closed(void *arg) { uv_close((uv_handle_t *)&((struct fixture *)arg)->stop, NULL); }
static int on_shutdown(void *arg, const cJSON *params, cJSON **ret, struct error *err) {
	(void)params, (void)ret, (void)err;
	struct fixture *f = arg;
	f->stop_in_handler = true;
	control_server_close(f->server, on_server_closed, f);
	return 0;
}
/* What the status tells moves by as much. */
static int on_move(void *arg, const cJSON *params, cJSON **ret, struct error *err) {
	struct fixture *f = arg;
	int64_t by = 0;
	(void)ret;
	if (json_want_i64(params, "by", NULL, 0, 1 << 20, &by, err)) return -1;
	f->figure += (int)by;
	control_changed(f->server);
	return 0;
}
static cJSON *status(void *arg) {
	struct fixture *f = arg;
	cJSON *o = json_object();
	f->statuses++;
	json_add_i64(o, "figure", f->figure);
	AUTO(xfree) char *text = xcalloc(1, 1 << 16);
	memset(text, 'x', (1 << 16) - 1);
	json_add_text(o, "text", text);
	json_add_i64(o, "at", f->statuses);
	return o;
}
static int on_fleet(void *arg, const cJSON *params, cJSON **ret, struct error *err) {
	(void)params, (void)ret, (void)err;
	control_notify(((struct fixture *)arg)->server, "stations", NULL);
	return 0;
}
static void on_client(void *arg) {
	struct fixture *f = arg;
	f->clients = MAX(f->clients, control_clients(f->server));
}
static const struct control_method methods[] = {{"echo", on_echo}, {"fail", on_fail}, {"big", on_big},
	{"shutdown", on_shutdown}, {"move", on_move}, {"fleet", on_fleet}};

static void on_stop(uv_async_t *a) {
	struct fixture *f = a->data;
	if (!f->stop_in_handler) control_server_close(f->server, on_server_closed, f);
}

static void *loop_main(void *arg) {
	uv_run(&((struct fixture *)arg)->loop, UV_RUN_DEFAULT);
	return NULL;
}

static int open_server(struct fixture *f, struct error *err) {
	const struct control_options o = {.state_dir = f->dir,
		.instance = "inst1",
		.methods = methods,
		.method_n = ARRAY_LEN(methods),
		.arg = f,
		.status = status,
		.on_client = on_client};
	return control_server_open(&f->server, &f->loop, &o, err);
}

static void start(struct fixture *f) {
	struct error err = ERROR_INIT;
	if (open_server(f, &err)) fail_msg("%s", err.text);
	uv_async_init(&f->loop, &f->stop, on_stop);
	f->stop.data = f;
	f->stop_in_handler = false;
	assert_int_equal(pthread_create(&f->thread, NULL, loop_main, f), 0);
	f->running = true;
}

static void stop(struct fixture *f) {
	if (!f->running) return;
	if (!f->stop_in_handler) uv_async_send(&f->stop);
	pthread_join(f->thread, NULL);
	f->running = false;
}

static int setup_only(void **state) {
	struct fixture *f = xcalloc(1, sizeof *f);
	snprintf(f->top, sizeof f->top, "/tmp/headgate-control-XXXXXX");
	if (!mkdtemp(f->top) || chmod(f->top, 0755)) return -1;
	snprintf(f->dir, sizeof f->dir, "%s", f->top);
	uv_loop_init(&f->loop);
	*state = f;
	return 0;
}

static int setup(void **state) {
	setup_only(state);
	start(*state);
	return 0;
}

static int teardown(void **state) {
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	stop(f);
	int busy = uv_loop_close(&f->loop), left = file_remove_tree(f->top, &err);
	free(f);
	return busy || left;
}

/* --- raw clients --- */

static int dial(const struct fixture *f) {
	struct sockaddr_un a;
	AUTO(fd_close) int dir = -1;
	struct error err = ERROR_INIT;
	assert_int_equal(control_address(f->dir, &a, &dir, &err), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void say(int fd, const char *text) {
	size_t n = strlen(text);
	assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

/* What comes until n lines are there or the other side ends; the caller frees. */
static char *hear(int fd, int lines, bool *ret_ended) {
	struct buf b = BUF_INIT(64 << 20);
	int64_t until = clock_mono_ms() + WAIT_MS;
	*ret_ended = false;
	while (lines > 0) {
		char chunk[65536];
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, (int)(until - clock_mono_ms())) <= 0) fail_msg("nothing came; so far: %s", buf_text(&b));
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		*ret_ended = n <= 0;
		if (n <= 0) break;
		for (ssize_t i = 0; i < n; i++) lines -= chunk[i] == '\n';
		buf_add(&b, chunk, (size_t)n);
	}
	return buf_ok(&b) && b.data ? buf_take(&b) : xstrdup("");
}

static void assert_answer(int fd, const char *request, const char *want) {
	bool ended;
	say(fd, request);
	AUTO(xfree) char *got = hear(fd, 1, &ended);
	if (!strstr(got, want)) fail_msg("%s was answered %s", request, got);
}

static void assert_ended(int fd) {
	bool ended;
	xfree(hear(fd, INT32_MAX, &ended));
	assert_true(ended);
}

static struct control_client *connect_to(const struct fixture *f) {
	struct control_client *c = NULL;
	struct error err = ERROR_INIT;
	int64_t until = clock_mono_ms() + WAIT_MS;
	/* whoever hung up just now may still be counted among the clients */
	while (control_connect(&c, f->dir, WAIT_MS, &err)) {
		if (clock_mono_ms() > until) fail_msg("%s", err.text);
		usleep(20000);
	}
	return c;
}

static void assert_alive(const struct fixture *f) {
	AUTO(control_close) struct control_client *c = connect_to(f);
	AUTO(json_free) cJSON *result = NULL;
	struct error err = ERROR_INIT;
	int64_t from = clock_mono_ms();
	assert_int_equal(control_call(c, "echo", NULL, &result, &err), 0);
	assert_in_range(clock_mono_ms() - from, 0, WAIT_MS / 2);
}

/* --- the two ends together --- */

static void calls_carry_params_results_and_errors(void **state) {
	struct fixture *f = *state;
	AUTO(control_close) struct control_client *c = connect_to(f);
	struct error err = ERROR_INIT;
	for (int i = 0; i < 3; i++) {
		AUTO(json_free) cJSON *result = NULL;
		cJSON *params = json_object();
		json_add_text(params, "name", "a\nb\xc3\xa9");
		assert_int_equal(control_call(c, "echo", params, &result, &err), 0);
		const char *name = NULL;
		assert_int_equal(json_want_text(result, "name", NULL, &name, &err), 0);
		assert_string_equal(name, "a\nb\xc3\xa9");
	}
	AUTO(json_free) cJSON *result = NULL;
	assert_int_equal(control_call(c, "fail", NULL, &result, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "is not known"));
	assert_null(strchr(err.text, '\x1b'));
	assert_int_equal(control_call(c, "fly", NULL, &result, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.text, "no method \"fly\""));
	assert_null(result);
	assert_int_equal(control_call(c, "echo", NULL, &result, &err), 0);
	assert_int_equal(cJSON_GetArraySize(result), 0);
}

static void a_large_answer_arrives_whole(void **state) {
	AUTO(control_close) struct control_client *c = connect_to(*state);
	AUTO(json_free) cJSON *result = NULL;
	struct error err = ERROR_INIT;
	cJSON *params = json_object();
	json_add_i64(params, "bytes", 3 << 20);
	assert_int_equal(control_call(c, "big", params, &result, &err), 0);
	assert_int_equal(strlen(cJSON_GetObjectItem(result, "text")->valuestring), 3 << 20);
}

static void a_request_that_is_too_long_is_not_sent(void **state) {
	AUTO(control_close) struct control_client *c = connect_to(*state);
	AUTO(xfree) char *text = xcalloc(1, CONTROL_LINE_MAX + 1);
	memset(text, 'x', CONTROL_LINE_MAX);
	AUTO(json_free) cJSON *result = NULL;
	struct error err = ERROR_INIT;
	cJSON *params = json_object();
	json_add_text(params, "text", text);
	assert_int_equal(control_call(c, "echo", params, &result, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(control_call(c, "echo", NULL, &result, &err), 0);
}

static void shutdown_in_a_handler_is_still_answered(void **state) {
	struct fixture *f = *state;
	AUTO(control_close) struct control_client *c = connect_to(f);
	AUTO(fd_close) int other = dial(f);
	AUTO(json_free) cJSON *result = NULL;
	struct error err = ERROR_INIT;
	assert_int_equal(control_call(c, "shutdown", NULL, &result, &err), 0);
	pthread_join(f->thread, NULL);
	f->running = false;
	assert_ended(other);
	AUTO(xfree) char *path = path_join(f->dir, CONTROL_SOCKET);
	assert_int_equal(access(path, F_OK), -1);
	cJSON *again = NULL;
	assert_int_equal(control_call(c, "echo", NULL, &again, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* --- the protocol --- */

static void hello_comes_first_and_tells_who_answers(void **state) {
	AUTO(fd_close) int fd = dial(*state);
	assert_answer(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n", "say hello before");
	assert_answer(
		fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"protocol\":2}}\n", "control protocol 1");
	assert_answer(
		fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"protocol\":2}}\n", "\"configuration\"");
	assert_answer(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n", "say hello before");
	assert_answer(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"}\n", "-32602");
	assert_answer(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{}}\n", "protocol");
	char want[128];
	snprintf(want, sizeof want,
		"{\"protocol\":1,\"version\":\"" HEADGATE_VERSION "\",\"instance\":\"inst1\",\"schema\":%d}", journal_schema());
	assert_answer(fd, HELLO, want);
}

static void bad_requests_are_answered_and_survived(void **state) {
	struct fixture *f = *state;
	AUTO(fd_close) int fd = dial(f);
	assert_answer(fd, HELLO, "\"result\"");
	const struct {
		const char *line, *want;
	} bad[] = {
		{"\n", "-32700"},
		{"GET / HTTP/1.1\r\n", "-32700"},
		{"{\"jsonrpc\":\"2.0\"\n", "-32700"},
		{"\xff\xfe\n", "-32700"},
		{"{} {}\n", "-32700"},
		{"[]\n", "-32600"},
		{"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}]\n", "-32600"},
		{"null\n", "-32600"},
		{"{}\n", "-32600"},
		{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}\n", "-32600"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}\n", "-32600"},
		{"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"echo\"}\n", "-32600"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fly\"}\n", "-32601"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[1]}\n", "-32602"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fail\"}\n", "{\"code\":\"not_found\"}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) assert_answer(fd, bad[i].line, bad[i].want);
	assert_int_equal(f->calls, 0);
	assert_answer(fd, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"echo\"}\n", "\"id\":\"a\",\"result\":{}");
	assert_answer(fd, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"echo\"}\n", "\"id\":null,\"result\":{}");
	/* A notification is done and not answered. */
	assert_answer(fd,
		"{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n{\"jsonrpc\":\"2.0\",\"method\":\"fail\"}\n{\"jsonrpc\":\"2.0\","
		"\"id\":9,\"method\":\"echo\"}\n",
		"{\"jsonrpc\":\"2.0\",\"id\":9");
	assert_int_equal(f->calls, 4);
}

static void a_line_may_come_in_pieces_and_a_half_closed_client_is_answered(void **state) {
	AUTO(fd_close) int fd = dial(*state);
	for (const char *c = HELLO; *c; c++) assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n{\"half");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	bool ended;
	AUTO(xfree) char *got = hear(fd, 3, &ended);
	assert_true(ended);
	assert_non_null(strstr(got, "\"id\":1,\"result\""));
}

static void random_bytes_harm_nobody(void **state) {
	struct fixture *f = *state;
	srand(5);
	for (int round = 0; round < 100; round++) {
		AUTO(fd_close) int fd = dial(f);
		char bytes[2048];
		size_t n = (size_t)(rand() % (int)sizeof bytes);
		for (size_t i = 0; i < n; i++) bytes[i] = (char)(rand() % 4 ? "{}[]\":,\n0aehlo\\"[rand() % 15] : rand());
		if (rand() % 2) say(fd, HELLO);
		(void)!send(fd, bytes, n, MSG_NOSIGNAL);
	}
	assert_alive(f);
}

/* --- ceilings --- */

static void an_over_long_line_ends_its_client_only(void **state) {
	struct fixture *f = *state;
	AUTO(control_close) struct control_client *bystander = connect_to(f);
	AUTO(fd_close) int fd = dial(f);
	AUTO(xfree) char *flood = xcalloc(1, 4 << 20);
	memset(flood, '[', 4 << 20);
	(void)!send(fd, flood, 4 << 20, MSG_NOSIGNAL);
	assert_ended(fd);
	AUTO(json_free) cJSON *result = NULL;
	struct error err = ERROR_INIT;
	assert_int_equal(control_call(bystander, "echo", NULL, &result, &err), 0);
}

/* It asks and asks and reads nothing: its requests stay in its own socket, others are answered at once. */
static void a_client_that_never_reads_slows_nobody(void **state) {
	struct fixture *f = *state;
	AUTO(fd_close) int fd = dial(f);
	say(fd, HELLO);
	const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"big\",\"params\":{\"bytes\":1000000}}\n";
	int sent = 0;
	for (int64_t until = clock_mono_ms() + 1000; clock_mono_ms() < until && sent < 100000; sent++) {
		if (send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) break;
	}
	assert_in_range(sent, 10, 99999); /* the server stopped reading */
	assert_alive(f);
}

static void an_answer_above_the_queue_ends_who_does_not_read(void **state) {
	struct fixture *f = *state;
	AUTO(fd_close) int fd = dial(f);
	say(fd, HELLO "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"big\",\"params\":{\"bytes\":6000000}}\n");
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_alive(f);
}

static void a_flood_is_answered_in_order_beside_others(void **state) {
	struct fixture *f = *state;
	enum { REQUESTS = 300 };
	AUTO(fd_close) int fd = dial(f);
	say(fd, HELLO);
	AUTO(buf_done) struct buf all = BUF_INIT(1 << 20);
	for (int i = 1; i <= REQUESTS; i++) buf_fmt(&all, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"echo\"}\n", i);
	say(fd, buf_text(&all));
	assert_alive(f);
	bool ended;
	AUTO(xfree) char *got = hear(fd, REQUESTS + 1, &ended);
	const char *at = got;
	for (int i = 1; i <= REQUESTS; i++) {
		char want[32];
		snprintf(want, sizeof want, "\"id\":%d,", i);
		at = strstr(at, want);
		assert_non_null(at);
	}
}

static void clients_above_the_ceiling_are_turned_away(void **state) {
	struct fixture *f = *state;
	int fds[CONTROL_CLIENTS_MAX + 3];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial(f);
		if (i < CONTROL_CLIENTS_MAX) assert_answer(fds[i], HELLO, "\"result\"");
		else assert_ended(fds[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) close(fds[i]);
	/* Places become free as the server notices. */
	for (int64_t until = clock_mono_ms() + WAIT_MS;;) {
		struct control_client *c = NULL;
		struct error err = ERROR_INIT;
		int failed = control_connect(&c, f->dir, WAIT_MS, &err);
		control_close(c);
		if (!failed) break;
		assert_true(clock_mono_ms() < until);
	}
}

/* --- the socket file --- */

static void the_socket_is_private_and_replaces_a_dead_one(void **state) {
	struct fixture *f = *state;
	AUTO(xfree) char *path = path_join(f->dir, CONTROL_SOCKET);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	int dead = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(dead, (struct sockaddr *)&a, sizeof a), 0);
	close(dead);
	struct control_client *c = NULL;
	struct error err = ERROR_INIT;
	assert_int_equal(control_connect(&c, f->dir, 1000, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	start(f);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_alive(f);
	stop(f);
	assert_int_equal(access(path, F_OK), -1);
}

static void what_is_no_socket_is_not_removed(void **state) {
	struct fixture *f = *state;
	AUTO(xfree) char *path = path_join(f->dir, CONTROL_SOCKET);
	struct error err = ERROR_INIT;
	assert_int_equal(file_write_atomic(path, "x", 1, 0600, &err), 0);
	assert_int_equal(open_server(f, &err), -1);
	assert_int_equal(err.code, ERR_DISK);
	assert_non_null(strstr(err.text, "is not a socket"));
	assert_int_equal(access(path, F_OK), 0);
}

static void a_path_longer_than_an_address_works(void **state) {
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	snprintf(f->dir, sizeof f->dir, "%s/%0120d", f->top, 1);
	struct control_client *c = NULL;
	assert_int_equal(control_connect(&c, f->dir, 1000, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	start(f);
	assert_alive(f);
}

static void no_engine_is_not_found_and_a_foreign_one_denied(void **state) {
	struct fixture *f = *state;
	struct control_client *c = NULL;
	struct error err = ERROR_INIT;
	assert_int_equal(control_connect(&c, f->dir, 1000, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "headgate run"));
	start(f);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() != 0) _exit(0); /* our own socket: nothing to be denied */
		if (setgid(65534) || setuid(65534)) _exit(10);
		if (control_connect(&c, f->dir, 1000, &err) != -1) _exit(11);
		_exit(err.code == ERR_DISK && strstr(err.text, "[station] group") ? 0 : 12);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- mad engines --- */

struct mad {
	int listener;
	const char *answer; /* NULL: none; then it closes unless it is to hang */
	bool hang;
};

static void *mad_main(void *arg) {
	const struct mad *m = arg;
	char line[4096];
	int fd = accept(m->listener, NULL, NULL);
	(void)!recv(fd, line, sizeof line, 0);
	if (m->answer) (void)!send(fd, m->answer, strlen(m->answer), MSG_NOSIGNAL);
	if (m->hang) (void)!recv(fd, line, sizeof line, 0); /* until the client leaves */
	close(fd);
	return NULL;
}

static void an_engine_that_is_mad_gives_an_error_in_time(void **state) {
	struct fixture *f = *state;
	const struct {
		const char *answer;
		bool hang;
		enum error_code want;
	} cases[] = {
		{NULL, true, ERR_TIMEOUT},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"resu", true, ERR_TIMEOUT},
		{NULL, false, ERR_NOT_FOUND},
		{"HTTP/1.1 400 Bad Request\r\n\r\n", false, ERR_INPUT},
		{"[]\n", false, ERR_INPUT},
		{"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n", false, ERR_INPUT},
		{"{\"jsonrpc\":\"2.0\",\"id\":1}\n", false, ERR_INPUT},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n", false, ERR_INPUT},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocol\":9}}\n", false, ERR_CONFIG},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"message\":\"no\",\"data\":{\"code\":\"busy\"}}}\n", false,
			ERR_BUSY},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"message\":7}}\n", false, ERR_INTERNAL},
	};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s/" CONTROL_SOCKET, f->dir);
	struct mad m = {.listener = socket(AF_UNIX, SOCK_STREAM, 0)};
	assert_int_equal(bind(m.listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(m.listener, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		pthread_t thread;
		m.answer = cases[i].answer;
		m.hang = cases[i].hang;
		assert_int_equal(pthread_create(&thread, NULL, mad_main, &m), 0);
		struct control_client *c = NULL;
		struct error err = ERROR_INIT;
		int64_t from = clock_mono_ms();
		assert_int_equal(control_connect(&c, f->dir, cases[i].hang ? 200 : WAIT_MS, &err), -1);
		if (err.code != cases[i].want) fail_msg("case %zu: %s", i, err.text);
		assert_in_range(clock_mono_ms() - from, 0, WAIT_MS / 2);
		pthread_join(thread, NULL);
	}
	close(m.listener);
}

/* --- subscribers --- */

#define CALL(method, params) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":" params "}\n"

/* Lines until one holds `want`; how many came before it. */
static int hear_until(int fd, const char *want) {
	for (int n = 0;; n++) {
		char one[2] = "", line[256] = "";
		size_t at = 0;
		while (*one != '\n') {
			struct pollfd p = {.fd = fd, .events = POLLIN};
			if (poll(&p, 1, WAIT_MS) <= 0 || recv(fd, one, 1, 0) != 1) fail_msg("%s did not come", want);
			if (at + 1 < sizeof line) line[at++] = *one;
		}
		if (strstr(line, want)) return n;
	}
}

static bool is_silent(int fd, int ms) {
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, ms) == 0;
}

static void subscribers_hear_of_changes_only(void **state) {
	struct fixture *f = *state;
	AUTO(fd_close) int fd = dial(f);
	AUTO(fd_close) int other = dial(f);
	assert_answer(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\"}\n", "say hello before");
	assert_answer(fd, HELLO, "result");
	assert_answer(other, HELLO, "result");
	assert_answer(fd, CALL("move", "{\"by\":1}"), "result"); /* nobody listens yet */
	assert_int_equal(f->statuses, 0);
	say(fd, CALL("subscribe", "{}"));
	hear_until(fd, "\"figure\":1,");
	assert_answer(other, CALL("move", "{\"by\":0}"), "result"); /* the same but for its time */
	assert_true(is_silent(fd, 3 * CONTROL_PUSH_MS));
	assert_int_equal(f->statuses, 2);
	assert_answer(other, CALL("move", "{\"by\":1}"), "result");
	hear_until(fd, "\"figure\":2,");
	assert_answer(other, CALL("fleet", "{}"), "result");
	hear_until(fd, "\"method\":\"stations\"");
	assert_true(is_silent(fd, 2 * CONTROL_PUSH_MS) && is_silent(other, 0));
	assert_true(f->clients >= 2);
}

static void changes_are_told_at_a_bounded_rate(void **state) {
	struct fixture *f = *state;
	AUTO(fd_close) int fd = dial(f);
	AUTO(control_close) struct control_client *c = connect_to(f);
	assert_answer(fd, HELLO, "result");
	say(fd, CALL("subscribe", "{}"));
	hear_until(fd, "\"method\":\"status\"");
	int64_t from = clock_mono_ms();
	int before = f->statuses;
	for (int i = 0; i < 200; i++) {
		AUTO(json_free) cJSON *result = NULL;
		cJSON *params = json_object();
		struct error err = ERROR_INIT;
		json_add_i64(params, "by", 1);
		assert_int_equal(control_call(c, "move", params, &result, &err), 0);
	}
	hear_until(fd, "\"figure\":200,");
	assert_true(f->statuses - before <= (clock_mono_ms() - from) / CONTROL_PUSH_MS + 2);
}

/* It gets the newest when it reads again; nothing is piled up for it, and nobody waits. */
static void a_subscriber_that_never_reads_misses_what_is_old(void **state) {
	struct fixture *f = *state;
	AUTO(fd_close) int fd = dial(f);
	AUTO(fd_close) int brisk = dial(f);
	assert_answer(fd, HELLO, "result");
	assert_answer(brisk, HELLO, "result");
	say(fd, CALL("subscribe", "{}"));
	say(brisk, CALL("subscribe", "{}"));
	enum { MOVES = 30 }; /* 64 KiB each: far more than a socket takes */
	for (int i = 1; i <= MOVES; i++) {
		char want[32];
		snprintf(want, sizeof want, "\"figure\":%d,", i);
		say(brisk, CALL("move", "{\"by\":1}"));
		hear_until(brisk, want);
	}
	assert_alive(f);
	assert_true(hear_until(fd, "\"figure\":30,") < MOVES / 2);
}

#define SERVED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define ALONE(f) cmocka_unit_test_setup_teardown(f, setup_only, teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		SERVED(calls_carry_params_results_and_errors),
		SERVED(a_large_answer_arrives_whole),
		SERVED(a_request_that_is_too_long_is_not_sent),
		SERVED(shutdown_in_a_handler_is_still_answered),
		SERVED(hello_comes_first_and_tells_who_answers),
		SERVED(bad_requests_are_answered_and_survived),
		SERVED(a_line_may_come_in_pieces_and_a_half_closed_client_is_answered),
		SERVED(random_bytes_harm_nobody),
		SERVED(an_over_long_line_ends_its_client_only),
		SERVED(a_client_that_never_reads_slows_nobody),
		SERVED(an_answer_above_the_queue_ends_who_does_not_read),
		SERVED(a_flood_is_answered_in_order_beside_others),
		SERVED(clients_above_the_ceiling_are_turned_away),
		SERVED(subscribers_hear_of_changes_only),
		SERVED(changes_are_told_at_a_bounded_rate),
		SERVED(a_subscriber_that_never_reads_misses_what_is_old),
		ALONE(the_socket_is_private_and_replaces_a_dead_one),
		ALONE(what_is_no_socket_is_not_removed),
		ALONE(a_path_longer_than_an_address_works),
		ALONE(no_engine_is_not_found_and_a_foreign_one_denied),
		ALONE(an_engine_that_is_mad_gives_an_error_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
