/* SPDX-License-Identifier: MIT */
/* headgate-cloud sessions | objects | logs: what the store holds, as tables or JSON lines. Main thread. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "cloud/api/rows.h"
#include "cloud/commands/run.h"
#include "cloud/store/catalog.h"
#include "cloud/store/logs.h"

/* --- sessions --- */

/* The first check that did not pass: "metadata_ranges: fatigue_level 14 is above 10". */
static void session_reason(const char *checks, char *to, size_t size) {
	struct error ignored = ERROR_INIT;
	AUTO(json_free) cJSON *array = NULL;
	const cJSON *check;
	to[0] = '\0';
	if (json_parse(checks, strlen(checks), &array, &ignored)) return;
	json_each (check, array) {
		const char *verdict = json_get_text(check, "verdict"), *name = json_get_text(check, "name");
		const char *found = json_get_text(check, "found");
		if (!verdict || strcmp(verdict, "pass") == 0) continue;
		snprintf(to, size, "%s: %s", name ? name : "?", found ? found : "");
		return;
	}
}

static void session_cells(struct table *t, const struct session_row *s) {
	char at[TIME_TEXT], reason[600];
	table_cell(t, s->session);
	table_cell(t, s->station);
	table_cellf(t, "%lld", (long long)s->revision);
	table_cell(t, cloud_state_names[s->state]);
	table_cellf(t, "%lld", (long long)s->files);
	table_cellf(t, "%lld", (long long)s->bytes);
	table_cell(t, s->decided_ms ? time_rfc3339(at, s->decided_ms) : NULL);
	session_reason(s->checks, reason, sizeof reason);
	table_cell(t, reason);
}

struct session_walk {
	struct table *table; /* NULL: JSON lines */
	struct error *err;
	bool failed;
};

static int on_session(void *arg, const struct session_row *row) {
	struct session_walk *w = arg;
	cJSON *o = NULL;
	size_t ignored = 0;
	if (w->table) {
		session_cells(w->table, row);
		return 0;
	}
	w->failed = rows_of_session(row, &o, &ignored, w->err);
	if (!w->failed) command_json(o);
	return w->failed;
}

static int session_state_parse(const char *text, int *ret, struct error *err) {
	*ret = -1;
	if (!text) return 0;
	for (int i = 0; i < CLOUD_STATE_N; i++)
		if (strcmp(cloud_state_names[i], text) == 0) *ret = i;
	if (*ret >= 0) return 0;
	return error_set(err, ERR_USAGE, "--state \"%s\" is none of uploading, accepted and rejected", TEXT_SAFE(text));
}

static int list_sessions(const struct cloud_config *c, const struct cloud_args *a, struct error *err) {
	static const char *const titles[] = {
		"SESSION", "STATION", ">REVISION", "STATE", ">FILES", ">BYTES", "DECIDED", "REASON"};
	AUTO(catalog_close) struct catalog *catalog = NULL;
	char next[CATALOG_NEXT] = "", cursor[CATALOG_NEXT];
	struct session_query q = {.station = a->station, .session = a->session, .limit = 1000, .cursor = cursor};
	if (session_state_parse(a->state, &q.state, err)) return -1;
	if (cloud_need_store(c, err) || catalog_open(&catalog, c->data, err)) return -1;
	AUTO(table_free) struct table *t = a->json ? NULL : table_new(titles, ARRAY_LEN(titles));
	struct session_walk walk = {.table = t, .err = err};
	do {
		text_copy(cursor, sizeof cursor, next);
		if (catalog_sessions(catalog, &q, on_session, &walk, next, err) || walk.failed) return -1;
	} while (*next);
	print_table(t);
	return 0;
}

int run_sessions(int argc, char **argv) {
	static const struct arg_flag flags[] = {{"station", 's', "NAME", "of this station only"},
		{"session", 0, "ID", "this session only"}, {"state", 0, "STATE", "uploading, accepted or rejected only"}};
	const struct arg_spec spec = {.program = CLOUD_PROGRAM,
		.command = "sessions",
		.common = store_flags,
		.common_n = STORE_FLAG_N,
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Lists the sessions in the catalog, the newest revision of each.",
		.text = "Example:\n  headgate-cloud sessions --data /srv/headgate --state rejected"};
	return cloud_run(&spec, argc, argv, list_sessions);
}

/* --- objects --- */

static cJSON *object_json(const struct object_row *row) {
	char sha[SHA256_BASE64];
	cJSON *o = json_object();
	json_add_text(o, "bucket", row->bucket);
	json_add_text(o, "key", row->key);
	json_add_text(o, "station", row->station);
	json_add_text(o, "session", row->session);
	json_add_i64(o, "revision", row->revision);
	json_add_text(o, "name", row->name);
	json_add_i64(o, "size", row->size);
	json_add_text(o, "sha256", sha256_base64(sha, &row->sha256));
	json_add_time(o, "stored_at", row->stored_ms);
	json_add_time(o, "lost_at", row->lost_ms);
	return o;
}

static int on_object(void *arg, const struct object_row *row) {
	struct table *t = arg;
	char at[TIME_TEXT], sha[SHA256_HEX];
	if (!t) {
		command_json(object_json(row));
		return 0;
	}
	table_cell(t, row->bucket);
	table_cell(t, row->key);
	table_cellf(t, "%lld", (long long)row->size);
	table_cell(t, sha256_hex(sha, &row->sha256));
	table_cell(t, row->stored_ms ? time_rfc3339(at, row->stored_ms) : row->lost_ms ? "lost" : "promised");
	return 0;
}

static int list_objects(const struct cloud_config *c, const struct cloud_args *a, struct error *err) {
	static const char *const titles[] = {"BUCKET", "KEY", ">BYTES", "SHA-256", "STORED"};
	AUTO(catalog_close) struct catalog *catalog = NULL;
	if (cloud_need_store(c, err) || catalog_open(&catalog, c->data, err)) return -1;
	AUTO(table_free) struct table *t = a->json ? NULL : table_new(titles, ARRAY_LEN(titles));
	if (catalog_objects(catalog, a->station, a->session, false, on_object, t, err)) return -1;
	print_table(t);
	return 0;
}

int run_objects(int argc, char **argv) {
	static const struct arg_flag flags[] = {
		{"station", 's', "NAME", "of this station only"}, {"session", 0, "ID", "of this session only"}};
	const struct arg_spec spec = {.program = CLOUD_PROGRAM,
		.command = "objects",
		.common = store_flags,
		.common_n = STORE_FLAG_N,
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Lists the objects: stored, promised by a URL, and those that were stored and are lost.",
		.text = "Example:\n  headgate-cloud objects --data /srv/headgate --session 20261120_134502 --json"};
	return cloud_run(&spec, argc, argv, list_objects);
}

/* --- logs --- */

static int cloud_limit(const char *text, int64_t fallback, int64_t *ret, struct error *err) {
	*ret = fallback;
	if (!text || text_to_i64(text, 1, INT64_MAX, ret) == 0) return 0;
	return error_set(err, ERR_USAGE, "--limit \"%s\" is not a number from 1", TEXT_SAFE(text));
}

struct log_walk {
	bool json;
	int64_t last_id, n;
};

static void log_line_json(int64_t id, const char *group, const char *stream, int64_t at_ms, const char *json) {
	struct error err = ERROR_INIT;
	cJSON *o = json_object(), *event = NULL;
	json_add_i64(o, "id", id);
	json_add_text(o, "group", group);
	json_add_text(o, "stream", stream);
	json_add_time(o, "at", at_ms);
	if (json_parse(json, strlen(json), &event, &err)) json_add_text(o, "text", json);
	else json_add(o, "event", event);
	command_json(o);
}

static int on_log(void *arg, int64_t id, const char *group, const char *stream, int64_t at_ms, const char *json) {
	struct log_walk *walk = arg;
	char at[TIME_TEXT];
	walk->last_id = id;
	walk->n++;
	if (walk->json) {
		log_line_json(id, group, stream, at_ms, json);
		return 0;
	}
	AUTO(buf_done) struct buf line = BUF_INIT(1 << 22);
	buf_fmt(&line, "%s %s ", time_rfc3339(at, at_ms), group);
	text_escape(&line, stream, strlen(stream));
	buf_char(&line, ' ');
	text_escape(&line, json, strlen(json));
	buf_char(&line, '\n');
	command_print(&line);
	return 0;
}

static int log_group_check(const char *group, struct error *err) {
	static const char *const groups[] = {LOG_GROUP_API, LOG_GROUP_VALIDATE, LOG_GROUP_STATIONS, LOG_GROUP_AUDIT};
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (!group || strcmp(group, groups[i]) == 0) return 0;
	return error_set(err, ERR_NOT_FOUND, "there is no log group \"%s\": %s, %s, %s and %s are there", TEXT_SAFE(group),
		groups[0], groups[1], groups[2], groups[3]);
}

static int list_logs(const struct cloud_config *c, const struct cloud_args *a, struct error *err) {
	AUTO(logs_close) struct logs *logs = NULL;
	struct log_walk walk = {.json = a->json};
	int64_t since_ms = 0, limit, left;
	if (a->since && unit_parse_duration(a->since, &since_ms, err)) {
		err->code = ERR_USAGE;
		return error_prefix(err, "--since");
	}
	if (since_ms) since_ms = clock_wall_ms() - since_ms;
	if (log_group_check(a->group, err) || cloud_limit(a->limit, INT64_MAX, &limit, err) || cloud_need_store(c, err) ||
		logs_open(&logs, c->data, err))
		return -1;
	for (left = limit; left > 0; left -= walk.n) {
		walk.n = 0;
		if (logs_read(logs, a->group, since_ms, walk.last_id, MIN(left, 1000), on_log, &walk, err)) return -1;
		if (!walk.n) break;
	}
	return 0;
}

int run_logs(int argc, char **argv) {
	static const struct arg_flag flags[] = {{"group", 'g', "GROUP", "this log group only: /headgate/validate"},
		{"since", 0, "TIME", "not older than this: 1h"}, {"limit", 'n', "N", "at most so many"}};
	const struct arg_spec spec = {.program = CLOUD_PROGRAM,
		.command = "logs",
		.common = store_flags,
		.common_n = STORE_FLAG_N,
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Prints the log groups' events, oldest first.",
		.text = "Example:\n  headgate-cloud logs --data /srv/headgate --group /headgate/validate --since 1h"};
	return cloud_run(&spec, argc, argv, list_logs);
}
