/* SPDX-License-Identifier: MIT */
/* The route table, walked whole, and its matching. */
#include "api_help.h"

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

static void every_route_is_found_and_whole(void **state) {
	(void)state;
	for (size_t i = 0; i < route_n; i++) {
		const struct route *route = &routes[i];
		char path[256], *params[ROUTE_PARAMS] = {0};
		AUTO(buf_done) struct buf allow = BUF_INIT(256);
		sample(route->pattern, path, sizeof path);
		const struct route *found = route_find(route->method, path, params, &allow);
		assert_ptr_equal(found, route);
		assert_non_null(route->handle);
		assert_int_equal(route->surface, route_surface(path));
		assert_int_equal(route->body == BODY_NONE, route->body_max == 0);
		assert_int_equal(route->body == BODY_STREAM, route->stream != NULL);
		if (route->stream) assert_true(route->stream->begin && route->stream->take && route->stream->drop);
		if (route->surface == SURFACE_API && route->scope == 0) /* what is open is open on purpose */
			assert_true(!strcmp(path, "/healthz") || !strcmp(path, "/v1/info") || !strcmp(path, "/v1/authenticate"));
		params_free(params);
	}
}

static void no_two_routes_are_alike(void **state) {
	(void)state;
	for (size_t i = 0; i < route_n; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(!strcmp(routes[i].method, routes[k].method) && !strcmp(routes[i].pattern, routes[k].pattern));
}

static void an_unknown_method_is_told_what_there_is(void **state) {
	(void)state;
	static const struct {
		const char *method, *path, *allow;
	} cases[] = {
		{"DELETE", "/v1/info", "GET, HEAD"},
		{"GET", "/v1/authenticate", "POST"},
		{"DELETE", "/bucket/key", "GET, HEAD, PUT"},
		{"BREW", "/v1/sessions/20261121_101010", "GET, HEAD"},
		{"GET", "/v1/none", ""},
		{"GET", "/", ""},
		{"GET", "/v1", ""},
		{"GET", "/bucket", ""},
		{"GET", "/bucket/", ""},
		{"GET", "/v1/sessions/a/b/c", ""},
		{"GET", "/v1/sessions/", ""},
		{"GET", "/v1/sessions/%zz", ""},
		{"GET", "/v1/sessions/%ff", ""},
		{"GET", "/v1/sessions/%00", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *params[ROUTE_PARAMS] = {0};
		AUTO(buf_done) struct buf allow = BUF_INIT(256);
		assert_null(route_find(cases[i].method, cases[i].path, params, &allow));
		assert_string_equal(buf_text(&allow), cases[i].allow);
		assert_null(params[0]);
		assert_null(params[1]);
	}
}

static void parameters_are_decoded_after_they_are_divided(void **state) {
	(void)state;
	char *params[ROUTE_PARAMS] = {0};
	AUTO(buf_done) struct buf allow = BUF_INIT(256);
	const struct route *route = route_find("GET", "/v1/sessions/lab%2F1/2026%20x", params, &allow);
	assert_non_null(route);
	assert_string_equal(params[0], "lab/1");
	assert_string_equal(params[1], "2026 x");
	params_free(params);
	memset(params, 0, sizeof params);
	assert_non_null(route_find("PUT", "/raw/a/b%2e/%C3%A9//c/", params, &allow));
	assert_string_equal(params[0], "raw");
	assert_string_equal(params[1], "a/b./\xC3\xA9//c/");
	params_free(params);
	memset(params, 0, sizeof params);
	assert_non_null(route_find("HEAD", "/v1/info", params, &allow)); /* where GET is, HEAD is */
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
		cmocka_unit_test(every_route_is_found_and_whole),
		cmocka_unit_test(no_two_routes_are_alike),
		cmocka_unit_test(an_unknown_method_is_told_what_there_is),
		cmocka_unit_test(parameters_are_decoded_after_they_are_divided),
		cmocka_unit_test(every_fault_has_a_word_and_a_status),
		cmocka_unit_test(every_error_means_a_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
