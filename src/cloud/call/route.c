/* SPDX-License-Identifier: MIT */
/* Matching of a surface's routes over the raw path and the names of the query. Constant. */
#include "cloud/call/route.h"

#include "base/text.h"
#include "cloud/call/surface.h"

#define PARAM_MAX (8 * 1024)

static void params_clear(char *params[ROUTE_PARAMS]) {
	for (size_t i = 0; i < ROUTE_PARAMS; i++) {
		xfree(params[i]);
		params[i] = NULL;
	}
}

static char *param_decode(const char *s, size_t n) {
	AUTO(buf_done) struct buf b = BUF_INIT(PARAM_MAX);
	if (n == 0 || text_uri_decode(&b, s, n) || !buf_ok(&b) || !text_is_utf8(buf_text(&b), b.len, NULL)) return NULL;
	return buf_take(&b);
}

static bool path_matches(const struct route *route, const char *path, char *params[ROUTE_PARAMS]) {
	size_t param_n = 0;
	const char *p = route->pattern;
	while (*p) {
		if (*p != '{') {
			if (*p++ != *path++) return false;
			continue;
		}
		const char *close = strchr(p, '}');
		size_t n = close[-1] == '+' ? strlen(path) : strcspn(path, "/");
		if (!(params[param_n++] = param_decode(path, n))) return false;
		path += n;
		p = close + 1;
	}
	return *path == '\0';
}

/* Whether a list of words divided by blanks has it; NULL: the empty list. */
static bool words_have(const char *words, const char *word) {
	size_t n = strlen(word);
	for (const char *w = words; w && *w; w += strcspn(w, " "), w += *w == ' ')
		if (strcspn(w, " ") == n && memcmp(w, word, n) == 0) return true;
	return false;
}

/* The names that must be there are counted, so that none may be missing. */
static bool query_matches(const struct surface *s, const struct route *route, const struct query *q) {
	size_t wanted = 0, had = 0;
	if (!s->query_passes) return true;
	for (const char *w = route->query; w && *w; w += strcspn(w, " "), w += *w == ' ') wanted++;
	for (size_t i = 0; i < q->n; i++) {
		const char *name = q->items[i].name;
		if (words_have(route->query, name)) had++;
		else if (!words_have(route->query_may, name) && !s->query_passes(name)) return false;
	}
	return had == wanted;
}

static void allow_add(struct route_miss *miss, const char *method) {
	size_t n = strlen(miss->allow);
	if (strstr(miss->allow, method)) return;
	snprintf(miss->allow + n, sizeof miss->allow - n, "%s%s", n ? ", " : "", method);
	if (strcmp(method, "GET") == 0) allow_add(miss, "HEAD");
}

static const struct route *method_find(
	const struct surface *s, const struct route_ask *ask, char *params[ROUTE_PARAMS], struct route_miss *miss) {
	for (size_t i = 0; i < s->route_n; i++) {
		const struct route *route = &s->routes[i];
		bool path = path_matches(route, ask->path, params), method = strcmp(route->method, ask->method) == 0;
		if (path && method && query_matches(s, route, ask->query)) return route;
		params_clear(params);
		if (!path) continue;
		miss->path = true;
		miss->query |= method;
		allow_add(miss, route->method);
	}
	return NULL;
}

const struct route *route_find(
	const struct surface *s, const struct route_ask *ask, char *params[ROUTE_PARAMS], struct route_miss *ret_miss) {
	*ret_miss = (struct route_miss){0};
	const struct route *route = method_find(s, ask, params, ret_miss);
	if (route || strcmp(ask->method, "HEAD") != 0) return route;
	const struct route_ask as_get = {"GET", ask->path, ask->query};
	return method_find(s, &as_get, params, ret_miss);
}
