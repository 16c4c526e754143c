/* SPDX-License-Identifier: MIT */
/* A configuration made whole and held against itself: machine-dependent defaults, absolute paths, ranges that need two
 * values; and what a command asks for (config_require). Each error names where the value came from. One thread. */
#include "station/config_check.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "session/name.h"

const struct option_origin *config_origin(const struct config *c, const void *field) {
	static const struct option_origin unbound = {SOURCE_DEFAULT, "default"};
	size_t offset = (size_t)((const char *)field - (const char *)c);
	for (size_t i = 0; i < c->set.n; i++)
		if (c->set.rows[i].type != OPTION_CALL && c->set.rows[i].offset == offset) return &c->set.origins[i];
	return &unbound;
}

static const char *config_where(const struct config *c, const void *field) { return config_origin(c, field)->where; }

/* --- after loading --- */

/* The host's name with what a station's name may not hold replaced. */
static char *config_host_name(void) {
	char host[STATION_NAME_MAX + 1] = "";
	gethostname(host, sizeof host - 1);
	host[strcspn(host, ".")] = '\0';
	for (char *c = host; *c; c++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", *c)) *c = '-';
	const char *start = host + strspn(host, "._-");
	return xstrdup(*start ? start : "station");
}

static char *config_default_state(void) {
	const char *systemd = getenv("STATE_DIRECTORY");
	if (systemd && *systemd == '/') return xstrndup(systemd, strcspn(systemd, ":"));
	return path_state_home("headgate");
}

/* "~" expanded, made absolute, no slash at its end. */
static char *config_path(const char *path) {
	char cwd[4096];
	AUTO(xfree) char *whole = path_expand(path);
	if (*whole != '/' && getcwd(cwd, sizeof cwd)) {
		char *joined = path_join(cwd, text_starts(whole, "./") ? whole + 2 : whole);
		xfree(whole);
		whole = joined;
	}
	size_t n = strlen(whole);
	while (n > 1 && whole[n - 1] == '/') whole[--n] = '\0';
	return TAKE(whole);
}

static void config_path_set(char **path) {
	if (!*path) return;
	char *whole = config_path(*path);
	xfree(*path);
	*path = whole;
}

static void config_paths(struct config *c) {
	if (!c->name) c->name = config_host_name();
	if (!c->state_dir) c->state_dir = config_default_state();
	char **const paths[] = {&c->state_dir, &c->api_key_file, &c->ca_file, &c->log_file};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) config_path_set(paths[i]);
	for (size_t i = 0; i < c->watch.n; i++) config_path_set(&c->watch.items[i]);
}

static int config_check_name(struct config *c, struct error *err) {
	if (station_name_check(c->name, err)) return error_prefix(err, "%s: [station] name", config_where(c, &c->name));
	return 0;
}

/* One within the other would make every session appear twice. */
static int config_check_watch(struct config *c, struct error *err) {
	for (size_t i = 0; i < c->watch.n; i++)
		for (size_t k = 0; k < c->watch.n; k++) {
			const char *a = c->watch.items[i], *b = c->watch.items[k];
			if (i != k && text_starts(b, a) && (b[strlen(a)] == '/' || (b[strlen(a)] == '\0' && i < k)))
				return error_set(err, ERR_CONFIG, "%s: [station] watch names %s twice or within another: remove one",
					config_where(c, &c->watch), TEXT_SAFE(b));
		}
	return 0;
}

static int config_check_marker(struct config *c, struct error *err) {
	if (c->done_marker && c->schema.file && strcmp(c->done_marker, c->schema.file) == 0)
		return error_set(err, ERR_CONFIG,
			"%s: [station] done_marker is the metadata file %s: name another, or none, since a session waits for its "
			"metadata anyway",
			config_where(c, &c->done_marker), TEXT_SAFE(c->done_marker));
	if (!c->marker_required || (c->done_marker && *c->done_marker)) return 0;
	return error_set(err, ERR_CONFIG, "%s: [station] done_marker_required needs the marker's name: set done_marker",
		config_where(c, &c->marker_required));
}

static int config_check_since(struct config *c, struct error *err) {
	int y, m, d, end = 0;
	if (!c->since || session_name_is(c->since)) return 0;
	if (sscanf(c->since, "%4d-%2d-%2d%n", &y, &m, &d, &end) == 3 && end == 10 && !c->since[end] &&
		time_valid_date(y, m, d))
		return 0;
	return error_set(err, ERR_CONFIG, "%s: [station] since \"%s\" is not a day: write YYYY-MM-DD or YYYYMMDD_HHMMSS",
		config_where(c, &c->since), TEXT_SAFE(c->since));
}

static int config_check_sizes(struct config *c, struct error *err) {
	if (c->total_max && c->total_min > c->total_max)
		return error_set(err, ERR_CONFIG, "%s: [station] total_min is above total_max: no session could pass",
			config_where(c, &c->total_min));
	if (c->retry_base_ms > c->retry_cap_ms)
		return error_set(err, ERR_CONFIG, "%s: [upload] retry_base is above retry_cap: swap them",
			config_where(c, &c->retry_base_ms));
	return 0;
}

static int config_check_endpoint(struct config *c, struct error *err) {
	if (!c->endpoint || text_is_web_address(c->endpoint, true)) return 0;
	return error_set(err, ERR_CONFIG,
		"%s: [cloud] endpoint \"%s\" is not an address: write https://HOST or https://HOST:PORT",
		config_where(c, &c->endpoint), TEXT_SAFE(c->endpoint));
}

static int config_check_log(struct config *c, struct error *err) {
	enum log_level level;
	if (c->log_level && log_level_parse(c->log_level, &level) == 0) return 0;
	return error_set(err, ERR_CONFIG, "%s: [log] level \"%s\" is none of debug, info, warn and error",
		config_where(c, &c->log_level), c->log_level ? TEXT_SAFE(c->log_level) : "");
}

int config_finish(struct config *c, struct error *err) {
	static int (*const checks[])(struct config *, struct error *) = {config_check_name, config_check_watch,
		config_check_marker, config_check_since, config_check_sizes, config_check_endpoint, config_check_log};
	config_paths(c);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (checks[i](c, err)) return -1;
	return 0;
}

/* --- what a command needs --- */

static int config_need_key(struct config *c, struct error *err) {
	if (c->api_key.len) return 0;
	if (!c->api_key_file)
		return error_set(err, ERR_CONFIG,
			"there is no API key: name its file with [cloud] api_key_file, set "
			"HEADGATE_CLOUD_API_KEY, or run headgate setup");
	if (secret_read_file(&c->api_key, c->api_key_file, err))
		return error_prefix(err, "%s", config_where(c, &c->api_key_file));
	c->api_key_of_file = true;
	return 0;
}

static int config_need_cloud(struct config *c, struct error *err) {
	if (!c->endpoint)
		return error_set(err, ERR_CONFIG,
			"no cloud is named: set [cloud] endpoint, HEADGATE_CLOUD_ENDPOINT or --endpoint, or run headgate setup");
	return config_need_key(c, err);
}

static int config_need_watch(struct config *c, struct error *err) {
	if (c->watch.n) return 0;
	return error_set(err, ERR_CONFIG,
		"no folder is watched: set [station] watch, HEADGATE_STATION_WATCH or --watch, or run headgate setup");
}

static int config_need_state(struct config *c, struct error *err) {
	if (file_mkdirs(c->state_dir, 0700, err)) return -1;
	if (!c->group) return 0;
	if (!getgrnam(c->group))
		return error_set(err, ERR_CONFIG,
			"%s: [station] group \"%s\" does not exist on this machine: groupadd it, or "
			"name another",
			config_where(c, &c->group), TEXT_SAFE(c->group));
	return 0;
}

int config_require(struct config *c, int needs, struct error *err) {
	if ((needs & NEED_WATCH) && config_need_watch(c, err)) return -1;
	if ((needs & NEED_CLOUD) && config_need_cloud(c, err)) return -1;
	if ((needs & NEED_STATE) && config_need_state(c, err)) return -1;
	return 0;
}
