/* SPDX-License-Identifier: MIT */
/* The surfaces and their routes, walked whole, and how a call finds its own. */
#include "api_help.h"
#include "cloud/api/surface.h"
#include "cloud/s3/s3_error.h"
#include "cloud/s3/surface.h"

/* A path that the pattern matches: each parameter becomes "name". */
static void sample(const char *pattern, char *to, size_t size) {
	size_t n = 0;
	for (const char *p = pattern; *p && n + 8 < size;) {
		if (*p != '{') {
			to[n++] = *p++;
			continue;
		}
		const char *word = strstr(p, "+}") ? "some/key" : "name";
		n += (size_t)snprintf(to + n, size - n, "%s", word);
		p = strchr(p, '}') + 1;
	}
	to[n] = '\0';
}

static void params_free(char *params[ROUTE_PARAMS]) {
	for (size_t i = 0; i < ROUTE_PARAMS; i++) free(params[i]);
}

static const struct route *find(const struct surface *s, const char *method, const char *target,
	char *params[ROUTE_PARAMS], struct route_miss *miss) {
	char path[1024];
	AUTO(query_done) struct query q = {0};
	text_copy(path, sizeof path, target);
	char *mark = strchr(path, '?');
	if (mark) *mark = '\0';
	OK(query_parse(&q, mark ? mark + 1 : "", &err));
	const struct route_ask ask = {method, path, &q};
	return route_find(s, &ask, params, miss);
}

/* Whose a call to this target is. */
static const struct surface *surface_for(struct api *api, const char *method, const char *target) {
	struct call c;
	char path[256];
	call_init(&c, api);
	text_copy(path, sizeof path, target);
	char *mark = strchr(path, '?');
	if (mark) *mark = '\0';
	c.method = method;
	c.path = path;
	c.query = mark ? mark + 1 : "";
	for (size_t i = 0; surfaces[i]; i++)
		if (surfaces[i]->match(&c) != MATCH_NO) return surfaces[i];
	return NULL;
}

static void every_route_is_found_and_whole(void **state) {
	struct bench *b = *state;
	for (size_t k = 0; surfaces[k]; k++) {
		const struct surface *s = surfaces[k];
		assert_true(s->match && s->admit && s->render && s->log && s->route_n > 0);
		for (size_t i = 0; i < s->route_n; i++) {
			const struct route *route = &s->routes[i];
			char path[256], *params[ROUTE_PARAMS] = {0};
			struct route_miss miss;
			sample(route->pattern, path, sizeof path);
			assert_ptr_equal(find(s, route->method, path, params, &miss), route);
			assert_ptr_equal(surface_for(b->api, route->method, path), s);
			assert_non_null(route->handle);
			assert_int_equal(route->body == BODY_NONE, route->body_max == 0);
			assert_int_equal(route->body == BODY_STREAM, route->stream != NULL);
			if (route->body == BODY_JSON) assert_non_null(s->json_type);
			if (route->stream) assert_true(route->stream->begin && route->stream->take && route->stream->drop);
			params_free(params);
		}
	}
}

/* What is open is open on purpose, and no column is empty. */
static void every_route_says_who_may(void **state) {
	(void)state;
	for (size_t k = 0; surfaces[k]; k++)
		for (size_t i = 0; i < surfaces[k]->route_n; i++) {
			const struct route *route = &surfaces[k]->routes[i];
			bool open = strcmp(route->pattern, "/healthz") == 0 || strcmp(route->pattern, "/v1/info") == 0;
			bool key = strcmp(route->pattern, "/v1/authenticate") == 0;
			assert_int_not_equal(route->auth, AUTH_NOBODY);
			assert_int_equal(route->auth == AUTH_ANYONE, open);
			assert_int_equal(route->auth == AUTH_KEY, key);
		}
}

/* --- who reaches a handler --- */

static int reached; /* calls of a handler, or of anything of a streaming one */

static void count_handle(struct call *c, struct reply *r) {
	(void)c, (void)r;
	reached++;
}
static bool count_begin(struct call *c, struct reply *r) {
	(void)c, (void)r;
	reached++;
	return true;
}
static bool count_take(struct call *c, struct reply *r, const char *bytes, size_t n) {
	(void)c, (void)r, (void)bytes, (void)n;
	reached++;
	return true;
}
static void count_drop(struct call *c) { (void)c; }
static const struct stream count_stream = {count_begin, count_take, count_drop};

/* A surface whose handlers only count. Its routes are to be freed. */
static struct surface counting(const struct surface *s) {
	struct route *routes = xcalloc(s->route_n, sizeof *routes);
	struct surface copy = *s;
	memcpy(routes, s->routes, s->route_n * sizeof *routes);
	for (size_t i = 0; i < s->route_n; i++) {
		routes[i].handle = count_handle;
		if (routes[i].stream) routes[i].stream = &count_stream;
	}
	copy.routes = routes;
	copy.nobodys = true; /* it stands alone */
	return copy;
}

/* Calls each route of s; what each of them must come to is asked of `may`. */
static void each_route_reaches(
	struct api *api, const struct surface *s, const char *token, bool (*may)(const struct route *route)) {
	for (size_t i = 0; i < s->route_n; i++) {
		char path[256];
		const struct route *route = &s->routes[i];
		sample(route->pattern, path, sizeof path);
		reached = 0;
		AUTO(got_done)
		struct got g = ASK(api, .method = route->method, .target = path, .token = token,
			.body = route->body != BODY_NONE ? "{}" : NULL);
		if (reached != may(route)) fail_msg("%s %s reached its handler %d times", route->method, path, reached);
		if (!reached) assert_in_range(g.status, 400, 403);
	}
}

static bool may_stranger(const struct route *route) { return route->auth == AUTH_ANYONE || route->auth == AUTH_KEY; }

static bool may_station(const struct route *route) {
	return may_stranger(route) || route->auth == AUTH_TOKEN || route->auth == AUTH_STATION;
}

static bool may_admin(const struct route *route) { return may_stranger(route) || route->auth == AUTH_TOKEN; }

static bool may_nobody(const struct route *route) {
	(void)route;
	return false;
}

static void no_handler_is_reached_without_its_auth(void **state) {
	struct bench *b = *state;
	char station[TOKEN_MAX], admin[TOKEN_MAX];
	bench_token(b, 0, station);
	bench_token(b, 1, admin);
	for (size_t k = 0; surfaces[k]; k++) {
		struct surface counts = counting(surfaces[k]);
		const struct surface *const only[] = {&counts, NULL};
		b->api->surfaces = only;
		each_route_reaches(b->api, &counts, NULL, may_stranger);
		each_route_reaches(b->api, &counts, "a.b.c", may_stranger);
		each_route_reaches(b->api, &counts, station, may_station);
		each_route_reaches(b->api, &counts, admin, may_admin);
		for (size_t i = 0; i < counts.route_n; i++) ((struct route *)counts.routes)[i].auth = AUTH_NOBODY;
		each_route_reaches(b->api, &counts, station, may_nobody);
		free((void *)counts.routes);
	}
}

static void one_surface_has_what_is_nobodys(void **state) {
	(void)state;
	int n = 0;
	for (size_t k = 0; surfaces[k]; k++) n += surfaces[k]->nobodys;
	assert_int_equal(n, 1);
}

static void no_two_routes_are_alike(void **state) {
	(void)state;
	for (size_t s = 0; surfaces[s]; s++)
		for (size_t i = 0; i < surfaces[s]->route_n; i++)
			for (size_t k = 0; k < i; k++) {
				const struct route *one = &surfaces[s]->routes[i], *other = &surfaces[s]->routes[k];
				const char *query = one->query ? one->query : "", *of_other = other->query ? other->query : "";
				assert_false(!strcmp(one->method, other->method) && !strcmp(one->pattern, other->pattern) &&
							 !strcmp(query, of_other));
			}
}

static void what_is_not_served_is_told_why(void **state) {
	(void)state;
	static const struct {
		const struct surface *surface;
		const char *method, *target;
		struct route_miss miss;
	} cases[] = {
		{&api_surface, "DELETE", "/v1/info", {true, "GET, HEAD", false}},
		{&api_surface, "GET", "/v1/authenticate", {true, "POST", false}},
		{&api_surface, "BREW", "/v1/sessions/20261121_101010", {true, "GET, HEAD", false}},
		{&api_surface, "GET", "/v1/none", {0}},
		{&api_surface, "GET", "/", {0}},
		{&api_surface, "GET", "/v1", {0}},
		{&api_surface, "GET", "/v1/sessions/a/b/c", {0}},
		{&api_surface, "GET", "/v1/sessions/", {0}},
		{&api_surface, "GET", "/v1/sessions/%zz", {0}},
		{&api_surface, "GET", "/v1/sessions/%ff", {0}},
		{&api_surface, "GET", "/v1/sessions/%00", {0}},
		{&s3_surface, "DELETE", "/bucket/key", {true, "GET, HEAD, PUT", false}},
		{&s3_surface, "DELETE", "/bucket/key?uploadId=1", {true, "GET, HEAD, PUT", false}},
		{&s3_surface, "GET", "/bucket", {0}},
		{&s3_surface, "GET", "/bucket/", {0}},
		{&s3_surface, "GET", "/bucket/key?acl", {true, "GET, HEAD, PUT", true}},
		{&s3_surface, "HEAD", "/bucket/key?versionId=1", {true, "GET, HEAD, PUT", true}},
		{&s3_surface, "PUT", "/bucket/key?X-Amz-Date=x&partNumber=1&uploadId=2", {true, "GET, HEAD, PUT", true}},
		{&s3_surface, "PUT", "/bucket/key?x-id=PutObject&%61cl", {true, "GET, HEAD, PUT", true}},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *params[ROUTE_PARAMS] = {0};
		struct route_miss miss;
		assert_null(find(cases[i].surface, cases[i].method, cases[i].target, params, &miss));
		assert_int_equal(miss.path, cases[i].miss.path);
		assert_string_equal(miss.allow, cases[i].miss.allow);
		assert_int_equal(miss.query, cases[i].miss.query);
		assert_null(params[0]);
		assert_null(params[1]);
	}
}

static void handle(struct call *c, struct reply *r) { (void)c, (void)r; }

/* Rows as lists and multipart uploads will have them. */
static void a_query_chooses_its_route(void **state) {
	(void)state;
	static const struct route rows[] = {
		{"GET", "/{bucket}", AUTH_SIGNATURE, BODY_NONE, 0, handle, .query = "list-type",
			.query_may = "prefix delimiter"},
		{"GET", "/{bucket}/{key+}", AUTH_SIGNATURE, BODY_NONE, 0, handle},
		{"GET", "/{bucket}/{key+}", AUTH_SIGNATURE, BODY_NONE, 0, handle, .query = "uploadId",
			.query_may = "max-parts"},
		{"PUT", "/{bucket}/{key+}", AUTH_SIGNATURE, BODY_NONE, 0, handle, .query = "partNumber uploadId"},
	};
	struct surface s = s3_surface;
	s.routes = rows;
	s.route_n = ARRAY_LEN(rows);
	static const struct {
		const char *method, *target;
		int row; /* -1: none */
	} cases[] = {
		{"GET", "/b?list-type=2", 0},
		{"GET", "/b?prefix=a&list-type=2&X-Amz-Date=x", 0},
		{"GET", "/b?prefix=a", -1},
		{"GET", "/b?list-type=2&pre=a", -1},
		{"GET", "/b", -1},
		{"GET", "/b/k", 1},
		{"GET", "/b/k?x-id=GetObject", 1},
		{"GET", "/b/k?uploadId=1", 2},
		{"HEAD", "/b/k?max-parts=9&uploadId=1", 2},
		{"GET", "/b/k?max-parts=9", -1},
		{"PUT", "/b/k?uploadId=1&partNumber=2", 3},
		{"PUT", "/b/k?partNumber=2", -1},
		{"PUT", "/b/k?partNumber uploadId", -1},
		{"PUT", "/b/k", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *params[ROUTE_PARAMS] = {0};
		struct route_miss miss;
		const struct route *found = find(&s, cases[i].method, cases[i].target, params, &miss);
		const struct route *wanted = cases[i].row < 0 ? NULL : &rows[cases[i].row];
		if (found != wanted) fail_msg("%s %s", cases[i].method, cases[i].target);
		assert_int_equal(miss.query, found ? miss.query : miss.path);
		params_free(params);
	}
}

static void every_path_has_its_surface(void **state) {
	struct bench *b = *state;
	static const struct {
		const char *target;
		const struct surface *surface;
	} cases[] = {
		{"/", &api_surface},
		{"/v1", &api_surface},
		{"/v1/none", &api_surface},
		{"/healthz", &api_surface},
		{"/healthz/x", &s3_surface},
		{"/bucket/key", &s3_surface},
		{"/bucket", &s3_surface},
		{"/bucket?X-Amz-Algorithm=AWS4-HMAC-SHA256", &s3_surface},
		{"/v1/info?X-Amz-Algorithm=AWS4-HMAC-SHA256", &api_surface},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_ptr_equal(surface_for(b->api, "GET", cases[i].target), cases[i].surface);
}

/* --- a surface that is not there yet, as CloudWatch Logs' will be --- */

static enum surface_match lines_match(const struct call *c) {
	const char *target = call_header(c, "x-amz-target");
	return target && text_starts(target, "Lines_20260101.") ? MATCH_SURE : MATCH_NO;
}

static bool lines_admit(struct call *c, struct reply *r) {
	if (c->route && call_header(c, "x-lines-key")) return true;
	reply_fault(r, FAULT_KEY_REFUSED, "no key");
	return false;
}

static void lines_render(const struct call *c, struct reply *r) {
	const struct fault_class *class = reply_class(r);
	reply_header(r, "x-lines-id", "%s", c->request_id);
	if (!class) return;
	char *text = xasprintf("{\"__type\":\"%s\"}", class->word);
	reply_bytes(r, class->status, "application/x-amz-json-1.1", text, strlen(text));
}

static void lines_log(const struct call *c, cJSON *event) { (void)c, (void)event; }

static void lines_post(struct call *c, struct reply *r) {
	(void)c;
	static const char bytes[] = "a\0b";
	char *own = xcalloc(1, sizeof bytes);
	memcpy(own, bytes, sizeof bytes);
	reply_bytes(r, 203, "application/vnd.lines", own, sizeof bytes - 1);
}

static const struct route lines_routes[] = {
	{"POST", "/", AUTH_KEY, BODY_JSON, 100, lines_post},
	{.method = "POST", .pattern = "/forgotten", .handle = lines_post}, /* who may is not said */
};
static const struct surface lines = {.routes = lines_routes,
	.route_n = ARRAY_LEN(lines_routes),
	.match = lines_match,
	.admit = lines_admit,
	.render = lines_render,
	.log = lines_log,
	.json_type = "application/x-amz-json-1.1"};

static void a_new_surface_is_a_struct_and_a_row(void **state) {
	struct bench *b = *state;
	const struct surface *const with[] = {&lines, surfaces[0], surfaces[1], NULL};
	const struct sigv4_header headers[] = {{"X-Amz-Target", "Lines_20260101.Put"}, {"x-lines-key", "1"}};
	b->api->surfaces = with;
	struct ask q = {.method = "POST", .target = "/", .body = "{}", .type = lines.json_type, .headers = headers};
	q.header_n = 2;
	AUTO(got_done) struct got good = ask(b->api, &q);
	assert_int_equal(good.status, 203);
	assert_string_equal(good.type, "application/vnd.lines");
	assert_int_equal(good.n, 3);
	assert_memory_equal(good.text, "a\0b", 3);
	assert_non_null(strstr(good.headers, "x-lines-id: "));
	q.target = "/forgotten"; /* the surface itself lets everybody in who has a key */
	AUTO(got_done) struct got forgotten = ask(b->api, &q);
	assert_int_equal(forgotten.status, 403);
	q.target = "/";
	q.header_n = 1;
	AUTO(got_done) struct got stranger = ask(b->api, &q);
	assert_int_equal(stranger.status, 401);
	assert_string_equal(stranger.text, "{\"__type\":\"key_refused\"}");
	q.header_n = 2;
	q.type = "application/json";
	AUTO(got_done) struct got other = ask(b->api, &q);
	assert_int_equal(other.status, 415);
	REFUSES(404, "route_unknown", b->api, .method = "POST", .target = "/", .body = "{}");
	REFUSES(404, "route_unknown", b->api, .method = "GET", .target = "/bucket");
}

static void parameters_are_decoded_after_they_are_divided(void **state) {
	(void)state;
	char *params[ROUTE_PARAMS] = {0};
	struct route_miss miss;
	const struct route *route = find(&api_surface, "GET", "/v1/sessions/lab%2F1/2026%20x", params, &miss);
	assert_non_null(route);
	assert_string_equal(params[0], "lab/1");
	assert_string_equal(params[1], "2026 x");
	params_free(params);
	memset(params, 0, sizeof params);
	assert_non_null(find(&s3_surface, "PUT", "/raw/a/b%2e/%C3%A9//c/", params, &miss));
	assert_string_equal(params[0], "raw");
	assert_string_equal(params[1], "a/b./\xC3\xA9//c/");
	params_free(params);
	memset(params, 0, sizeof params);
	assert_non_null(find(&api_surface, "HEAD", "/v1/info", params, &miss)); /* where GET is, HEAD is */
}

static void every_fault_has_a_word_and_a_status(void **state) {
	(void)state;
	for (int i = FAULT_NONE + 1; i < FAULT_N; i++) {
		assert_true(fault_classes[i].status >= 400 && fault_classes[i].status < 600);
		assert_int_equal(strspn(fault_classes[i].word, "abcdefghijklmnopqrstuvwxyz_"), strlen(fault_classes[i].word));
		for (int k = FAULT_NONE + 1; k < i; k++) assert_string_not_equal(fault_classes[i].word, fault_classes[k].word);
		assert_true(s3_error_of((enum fault)i) != S3_NONE);
	}
	for (int i = S3_NONE + 1; i < S3_ERROR_N; i++) assert_true(s3_classes[i].status >= 400 && s3_classes[i].word[0]);
}

static void every_error_means_a_fault(void **state) {
	(void)state;
	for (int i = ERR_NONE + 1; i < ERR_N; i++) {
		struct error err = {.code = (enum error_code)i};
		enum fault f = fault_of(&err);
		int status = fault_classes[f].status;
		if (i == ERR_INPUT) assert_int_equal(f, FAULT_BAD_REQUEST);
		else if (i == ERR_THROTTLED) assert_int_equal(f, FAULT_RATE_LIMITED);
		else if (i == ERR_NOT_FOUND) assert_int_equal(f, FAULT_NOT_FOUND);
		else assert_true(status == 500 || status == 503);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_ON_BENCH(every_route_is_found_and_whole),
		cmocka_unit_test(every_route_says_who_may),
		TEST_ON_BENCH(no_handler_is_reached_without_its_auth),
		cmocka_unit_test(one_surface_has_what_is_nobodys),
		cmocka_unit_test(no_two_routes_are_alike),
		cmocka_unit_test(what_is_not_served_is_told_why),
		cmocka_unit_test(a_query_chooses_its_route),
		TEST_ON_BENCH(every_path_has_its_surface),
		TEST_ON_BENCH(a_new_surface_is_a_struct_and_a_row),
		cmocka_unit_test(parameters_are_decoded_after_they_are_divided),
		cmocka_unit_test(every_fault_has_a_word_and_a_status),
		cmocka_unit_test(every_error_means_a_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
