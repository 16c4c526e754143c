/* SPDX-License-Identifier: MIT */
/* The route table and its matching over the raw path. Constant. */
#include "cloud/call/route.h"

#include "base/text.h"
#include "cloud/api/handlers.h"
#include "session/part.h"

#define KIB 1024
#define MIB (1024 * 1024)
#define ANYONE 0
#define STATION SCOPE_STATION
#define KNOWN (SCOPE_STATION | SCOPE_ADMIN)

/* clang-format off */
const struct route routes[] = {
	{"GET",  "/healthz",                    SURFACE_API, ANYONE,  BODY_NONE, 0,          health_get},
	{"GET",  "/v1/info",                    SURFACE_API, ANYONE,  BODY_NONE, 0,          info_get},
	{"POST", "/v1/authenticate",            SURFACE_API, ANYONE,  BODY_JSON, 16 * KIB,   authenticate_post},
	{"GET",  "/v1/schema",                  SURFACE_API, KNOWN,   BODY_NONE, 0,          schema_get},
	{"POST", "/v1/presign",                 SURFACE_API, STATION, BODY_JSON, 4 * MIB,    presign_post},
	{"POST", "/v1/objects/stat",            SURFACE_API, STATION, BODY_JSON, 4 * MIB,    stat_post},
	{"GET",  "/v1/sessions",                SURFACE_API, KNOWN,   BODY_NONE, 0,          sessions_get},
	{"GET",  "/v1/sessions/{id}",           SURFACE_API, KNOWN,   BODY_NONE, 0,          session_get_own},
	{"GET",  "/v1/sessions/{station}/{id}", SURFACE_API, KNOWN,   BODY_NONE, 0,          session_get},
	{"GET",  "/v1/changes",                 SURFACE_API, KNOWN,   BODY_NONE, 0,          changes_get},
	{"POST", "/v1/events",                  SURFACE_API, STATION, BODY_JSON, 4 * MIB,    events_post},
	{"POST", "/v1/heartbeat",               SURFACE_API, STATION, BODY_JSON, 64 * KIB,   heartbeat_post},
	{"GET",  "/v1/stations",                SURFACE_API, KNOWN,   BODY_NONE, 0,          stations_get},
	{"GET",  "/{bucket}/{key+}",            SURFACE_S3,  ANYONE,  BODY_NONE, 0,          s3_get},
	{"HEAD", "/{bucket}/{key+}",            SURFACE_S3,  ANYONE,  BODY_NONE, 0,          s3_get},
	{"PUT",  "/{bucket}/{key+}",            SURFACE_S3,  ANYONE,  BODY_STREAM, PUT_MAX,  s3_put, &s3_put_stream},
};
/* clang-format on */
const size_t route_n = ARRAY_LEN(routes);

static void params_clear(char *params[ROUTE_PARAMS]) {
	for (size_t i = 0; i < ROUTE_PARAMS; i++) {
		xfree(params[i]);
		params[i] = NULL;
	}
}

static char *param_decode(const char *s, size_t n) {
	AUTO(buf_done) struct buf b = BUF_INIT(8 * KIB);
	if (n == 0 || text_uri_decode(&b, s, n) || !buf_ok(&b) || !text_is_utf8(buf_text(&b), b.len, NULL)) return NULL;
	return buf_take(&b);
}

static bool route_matches(const struct route *route, const char *path, char *params[ROUTE_PARAMS]) {
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

enum surface route_surface(const char *path) {
	bool api = strcmp(path, "/") == 0 || strcmp(path, "/v1") == 0 || text_starts(path, "/v1/") ||
			   strcmp(path, "/healthz") == 0;
	return api ? SURFACE_API : SURFACE_S3;
}

static void allow_add(struct buf *allow, const char *method) {
	if (allow->len) buf_str(allow, ", ");
	buf_str(allow, method);
	if (strcmp(method, "GET") == 0) buf_str(allow, ", HEAD");
}

const struct route *route_find(const char *method, const char *path, char *params[ROUTE_PARAMS], struct buf *allow) {
	bool head = strcmp(method, "HEAD") == 0;
	enum surface surface = route_surface(path);
	for (size_t i = 0; i < route_n; i++) {
		const struct route *route = &routes[i];
		if (route->surface != surface) continue;
		if (route_matches(route, path, params)) {
			if (strcmp(route->method, head && surface == SURFACE_API ? "GET" : method) == 0) return route;
			if (strcmp(route->method, "HEAD") != 0) allow_add(allow, route->method);
		}
		params_clear(params);
	}
	return NULL;
}
