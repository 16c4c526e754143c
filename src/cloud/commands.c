/* SPDX-License-Identifier: MIT */
/* headgate-cloud's commands. Those that read open the store of a running or stopped cloud beside it (SQLite's WAL lets
 * them); what key add|revoke change is written to the audit log. Main thread. */
#include "cloud/commands.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/table.h"
#include "base/text.h"
#include "base/units.h"
#include "cloud/api/server.h"
#include "cloud/store/catalog.h"
#include "cloud/store/logs.h"
#include "session/name.h"

#define PROGRAM "headgate-cloud"
#define FLAG_PAIRS_MAX 64

/* --- the flags of a command line, sorted into configuration and the command's own --- */

struct cloud_args {
	const char *config_file;
	const char *pairs[2 * FLAG_PAIRS_MAX + 1]; /* configuration flags, NULL-terminated */
	size_t n;
	bool json;
	char **operands;
	const char *station, *scope, *state, *session, *group, *since, *limit;
};

static const struct {
	const char *flag;
	size_t offset;
} own_flags[] = {
	{"station", offsetof(struct cloud_args, station)},
	{"scope", offsetof(struct cloud_args, scope)},
	{"state", offsetof(struct cloud_args, state)},
	{"session", offsetof(struct cloud_args, session)},
	{"group", offsetof(struct cloud_args, group)},
	{"since", offsetof(struct cloud_args, since)},
	{"limit", offsetof(struct cloud_args, limit)},
	{"config", offsetof(struct cloud_args, config_file)},
};

static int on_flag(void *arg, const char *name, const char *value, struct error *err) {
	struct cloud_args *a = arg;
	if (strcmp(name, "json") == 0) {
		a->json = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(own_flags); i++)
		if (strcmp(own_flags[i].flag, name) == 0) {
			*(const char **)((char *)a + own_flags[i].offset) = value;
			return 0;
		}
	if (a->n + 2 >= ARRAY_LEN(a->pairs)) return error_set(err, ERR_USAGE, "there are too many flags");
	a->pairs[a->n++] = name;
	a->pairs[a->n++] = value;
	return 0;
}

static const struct arg_flag store_flags[] = {
	{"config", 'c', "FILE", "configuration file, section [cloud]"},
	{"data", 'd', "DIR", "folder of the store"},
	{"json", 0, NULL, "JSON lines on standard output"},
};

typedef int cloud_body(const struct cloud_config *c, const struct cloud_args *a, struct error *err);

/* What every command does around its own work. */
static int cloud_run(const struct arg_spec *spec, int argc, char **argv, cloud_body *body) {
	AUTO(cloud_config_done) struct cloud_config config = {0};
	struct cloud_args a = {0};
	struct error err = ERROR_INIT;
	int operand_n, status = command_args(spec, argc, argv, on_flag, &a, &a.operands, &operand_n);
	if (status >= 0) return status;
	if (cloud_config_load(&config, a.config_file, a.pairs, &err) || body(&config, &a, &err))
		return command_fail(PROGRAM, &err);
	return 0;
}

static int cloud_need_store(const struct cloud_config *c, struct error *err) {
	AUTO(xfree) char *file = xasprintf("%s/catalog.db", c->data);
	if (access(file, F_OK) == 0) return 0;
	return error_set(err, ERR_NOT_FOUND, "%s holds no store: name the --data folder of a cloud that was started once",
		TEXT_SAFE(c->data));
}

static int cloud_limit(const char *text, int64_t fallback, int64_t *ret, struct error *err) {
	*ret = fallback;
	if (!text || text_to_i64(text, 1, INT64_MAX, ret) == 0) return 0;
	return error_set(err, ERR_USAGE, "--limit \"%s\" is not a number from 1", TEXT_SAFE(text));
}

static const char *time_cell(char *to, int64_t ms) { return ms > 0 ? time_rfc3339(to, ms) : NULL; }

/* --- serve --- */

static int serve(const struct cloud_config *c, const struct cloud_args *a, struct error *err) {
	(void)a;
	return cloud_serve(c, err);
}

static int run_serve(int argc, char **argv) {
	const struct arg_spec spec = {.program = PROGRAM,
		.command = "serve",
		.common = cloud_flags,
		.common_n = cloud_flag_n,
		.summary = "Serves the ingest API and the objects until SIGTERM or SIGINT",
		.text = "Prints `ready URL` on standard output when it can serve. Every flag also stands in [cloud] of the\n"
				"configuration file (tls-cert as tls_cert) and in HEADGATE_CLOUD_* variables.\n\n"
				"Example:\n  headgate-cloud serve --data /srv/headgate --listen 0.0.0.0:8750 --schema rules.ini"};
	return cloud_run(&spec, argc, argv, serve);
}

/* --- key add | list | revoke --- */

static int audit(const struct cloud_config *c, const char *action, const struct api_key *key, struct error *err) {
	AUTO(logs_close) struct logs *logs = NULL;
	char scopes[64];
	if (logs_open(&logs, c->data, err)) return -1;
	cJSON *event = json_object();
	json_add_text(event, "level", "info");
	json_add_text(event, "code", action);
	json_add_text(event, "message", "an API key was changed from the command line");
	json_add_text(event, "key", key->id);
	json_add_text(event, "station", key->station);
	json_add_text(event, "scopes", scopes_text(key->scopes, scopes, sizeof scopes));
	json_add_i64(event, "uid", getuid());
	logs_add(logs, LOG_GROUP_AUDIT, "cli", event);
	return 0;
}

static cJSON *key_json(const struct api_key *k) {
	char scopes[64];
	cJSON *o = json_object();
	json_add_text(o, "id", k->id);
	json_add_text(o, "station", k->station);
	json_add_text(o, "scopes", scopes_text(k->scopes, scopes, sizeof scopes));
	json_add_time(o, "created_at", k->created_ms);
	json_add_time(o, "used_at", k->used_ms);
	json_add_time(o, "revoked_at", k->revoked_ms);
	return o;
}

static int key_add(const struct cloud_config *c, const struct cloud_args *a, struct error *err) {
	AUTO(catalog_close) struct catalog *catalog = NULL;
	AUTO(secret_done) struct secret text = {0};
	struct api_key key;
	int scopes = SCOPE_STATION;
	if (!a->station) return error_set(err, ERR_USAGE, "--station NAME is missing: a key belongs to a station");
	if (station_name_check(a->station, err) || (a->scope && scopes_parse(a->scope, &scopes, err))) {
		err->code = ERR_USAGE;
		return -1;
	}
	if (catalog_open(&catalog, c->data, err) || catalog_key_add(catalog, a->station, scopes, &text, &key, err))
		return -1;
	if (audit(c, "key_added", &key, err)) return -1;
	if (a->json) {
		cJSON *o = key_json(&key);
		json_add_text(o, "key", text.bytes);
		command_json(o);
		return 0;
	}
	puts(text.bytes);
	fprintf(
		stderr, "key %s for station %s: keep it in a file of mode 0600, it is not shown again\n", key.id, key.station);
	return 0;
}

static int run_key_add(int argc, char **argv) {
	static const struct arg_flag flags[] = {{"station", 's', "NAME", "station that the key belongs to"},
		{"scope", 0, "SCOPES", "station (default), admin, or both: \"station admin\""}};
	const struct arg_spec spec = {.program = PROGRAM,
		.command = "key add",
		.common = store_flags,
		.common_n = ARRAY_LEN(store_flags),
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Makes an API key and prints it, once, alone on standard output",
		.text = "Example:\n  (umask 077; headgate-cloud key add --data /srv/headgate --station eeg-lab-2 > api-key)"};
	return cloud_run(&spec, argc, argv, key_add);
}

static int on_key(void *arg, const struct api_key *k) {
	struct table *t = arg; /* NULL: JSON lines */
	char scopes[64], at[TIME_TEXT];
	if (!t) {
		command_json(key_json(k));
		return 0;
	}
	table_cell(t, k->id);
	table_cell(t, k->station);
	table_cell(t, scopes_text(k->scopes, scopes, sizeof scopes));
	table_cell(t, time_cell(at, k->created_ms));
	table_cell(t, time_cell(at, k->used_ms));
	table_cell(t, time_cell(at, k->revoked_ms));
	return 0;
}

static void print_table(const struct table *t) {
	AUTO(buf_done) struct buf out = BUF_INIT((size_t)1 << 30);
	if (!t) return;
	table_print(t, &out);
	command_print(&out);
}

static int key_list(const struct cloud_config *c, const struct cloud_args *a, struct error *err) {
	static const char *const titles[] = {"ID", "STATION", "SCOPES", "CREATED", "USED", "REVOKED"};
	AUTO(catalog_close) struct catalog *catalog = NULL;
	AUTO(table_free) struct table *t = a->json ? NULL : table_new(titles, ARRAY_LEN(titles));
	if (cloud_need_store(c, err) || catalog_open(&catalog, c->data, err) || catalog_keys(catalog, on_key, t, err))
		return -1;
	print_table(t);
	return 0;
}

static int run_key_list(int argc, char **argv) {
	const struct arg_spec spec = {.program = PROGRAM,
		.command = "key list",
		.common = store_flags,
		.common_n = ARRAY_LEN(store_flags),
		.summary = "Lists the API keys (never their text)",
		.text = "Example:\n  headgate-cloud key list --data /srv/headgate"};
	return cloud_run(&spec, argc, argv, key_list);
}

static int key_revoke(const struct cloud_config *c, const struct cloud_args *a, struct error *err) {
	const char *id = a->operands[0];
	AUTO(catalog_close) struct catalog *catalog = NULL;
	struct api_key key;
	if (cloud_need_store(c, err) || catalog_open(&catalog, c->data, err) || catalog_key_revoke(catalog, id, err) ||
		catalog_key_by_id(catalog, id, &key, err) || audit(c, "key_revoked", &key, err))
		return -1;
	if (a->json) command_json(key_json(&key));
	else
		fprintf(stderr, "key %s of station %s is revoked; URLs already signed stay good for their minutes\n", key.id,
			key.station);
	return 0;
}

static int run_key_revoke(int argc, char **argv) {
	const struct arg_spec spec = {.program = PROGRAM,
		.command = "key revoke",
		.operands = "ID",
		.operand_min = 1,
		.operand_max = 1,
		.common = store_flags,
		.common_n = ARRAY_LEN(store_flags),
		.summary = "Revokes an API key: the next request with it is refused",
		.text = "Example:\n  headgate-cloud key revoke --data /srv/headgate k3v9xq0c"};
	return cloud_run(&spec, argc, argv, key_revoke);
}

static int run_key(int argc, char **argv) {
	static const struct command verbs[] = {
		{"add", "make a key and print it, once", run_key_add},
		{"list", "list the keys", run_key_list},
		{"revoke", "revoke a key", run_key_revoke},
	};
	static const struct command_set set = {.program = PROGRAM " key",
		.summary = "API keys of stations and people.",
		.commands = verbs,
		.n = ARRAY_LEN(verbs)};
	return command_main(&set, argc, argv);
}

/* --- sessions --- */

/* The first check that did not pass: "metadata_ranges: fatigue_level 14 is above 10". */
static void session_reason(const cJSON *session, char *to, size_t size) {
	const cJSON *check;
	to[0] = '\0';
	cJSON_ArrayForEach (check, cJSON_GetObjectItem(session, "checks")) {
		const char *verdict = cJSON_GetStringValue(cJSON_GetObjectItem(check, "verdict"));
		const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(check, "name"));
		const char *found = cJSON_GetStringValue(cJSON_GetObjectItem(check, "found"));
		if (!verdict || strcmp(verdict, "pass") == 0) continue;
		snprintf(to, size, "%s: %s", name ? name : "?", found ? found : "");
		return;
	}
}

static void session_cells(struct table *t, const cJSON *s) {
	static const char *const texts[] = {"session", "station", "revision", "state", "files", "bytes", "decided_at"};
	char reason[600];
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const cJSON *member = cJSON_GetObjectItem(s, texts[i]);
		if (cJSON_IsNumber(member)) table_cellf(t, "%.0f", member->valuedouble);
		else table_cell(t, cJSON_GetStringValue(member));
	}
	session_reason(s, reason, sizeof reason);
	table_cell(t, reason);
}

static void sessions_page(struct table *t, cJSON *array) {
	while (cJSON_GetArraySize(array)) {
		cJSON *s = cJSON_DetachItemFromArray(array, 0);
		if (!t) {
			command_json(s);
			continue;
		}
		session_cells(t, s);
		json_free(s);
	}
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
	char next[96] = "", cursor[96];
	struct session_query q = {.station = a->station, .session = a->session, .limit = 1000, .cursor = cursor};
	if (session_state_parse(a->state, &q.state, err)) return -1;
	if (cloud_need_store(c, err) || catalog_open(&catalog, c->data, err)) return -1;
	AUTO(table_free) struct table *t = a->json ? NULL : table_new(titles, ARRAY_LEN(titles));
	do {
		AUTO(json_free) cJSON *array = NULL;
		text_copy(cursor, sizeof cursor, next);
		if (catalog_sessions(catalog, &q, &array, next, err)) return -1;
		sessions_page(t, array);
	} while (*next);
	print_table(t);
	return 0;
}

static int run_sessions(int argc, char **argv) {
	static const struct arg_flag flags[] = {{"station", 's', "NAME", "of this station only"},
		{"session", 0, "ID", "this session only"}, {"state", 0, "STATE", "uploading, accepted or rejected only"}};
	const struct arg_spec spec = {.program = PROGRAM,
		.command = "sessions",
		.common = store_flags,
		.common_n = ARRAY_LEN(store_flags),
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Lists the sessions in the catalog, the newest revision of each",
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
	table_cell(t, row->stored_ms ? time_rfc3339(at, row->stored_ms) : "promised");
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

static int run_objects(int argc, char **argv) {
	static const struct arg_flag flags[] = {
		{"station", 's', "NAME", "of this station only"}, {"session", 0, "ID", "of this session only"}};
	const struct arg_spec spec = {.program = PROGRAM,
		.command = "objects",
		.common = store_flags,
		.common_n = ARRAY_LEN(store_flags),
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Lists the objects, stored and promised",
		.text = "Example:\n  headgate-cloud objects --data /srv/headgate --session 20261120_134502 --json"};
	return cloud_run(&spec, argc, argv, list_objects);
}

/* --- logs --- */

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

static int list_logs(const struct cloud_config *c, const struct cloud_args *a, struct error *err) {
	AUTO(logs_close) struct logs *logs = NULL;
	struct log_walk walk = {.json = a->json};
	int64_t since_ms = 0, limit, left;
	if (a->since && unit_parse_duration(a->since, &since_ms, err)) {
		err->code = ERR_USAGE;
		return error_prefix(err, "--since");
	}
	if (since_ms) since_ms = clock_wall_ms() - since_ms;
	if (cloud_limit(a->limit, INT64_MAX, &limit, err) || cloud_need_store(c, err) || logs_open(&logs, c->data, err))
		return -1;
	for (left = limit; left > 0; left -= walk.n) {
		walk.n = 0;
		if (logs_read(logs, a->group, since_ms, walk.last_id, MIN(left, 1000), on_log, &walk, err)) return -1;
		if (!walk.n) break;
	}
	return 0;
}

static int run_logs(int argc, char **argv) {
	static const struct arg_flag flags[] = {{"group", 'g', "GROUP", "this log group only: /headgate/validate"},
		{"since", 0, "TIME", "not older than this: 1h"}, {"limit", 'n', "N", "at most so many"}};
	const struct arg_spec spec = {.program = PROGRAM,
		.command = "logs",
		.common = store_flags,
		.common_n = ARRAY_LEN(store_flags),
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Prints the log groups' events, oldest first",
		.text = "Example:\n  headgate-cloud logs --data /srv/headgate --group /headgate/validate --since 1h"};
	return cloud_run(&spec, argc, argv, list_logs);
}

static const struct command commands[] = {
	{"serve", "serve stations until SIGTERM", run_serve},
	{"key", "add, list or revoke API keys", run_key},
	{"sessions", "list the sessions in the catalog", run_sessions},
	{"objects", "list the stored objects", run_objects},
	{"logs", "print the log groups", run_logs},
};

const struct command_set cloud_commands = {
	.program = PROGRAM,
	.summary = "The cloud side of headgate: takes recording sessions, validates them, keeps them.",
	.text = "Example:\n  headgate-cloud serve --data /srv/headgate --listen 127.0.0.1:8750",
	.commands = commands,
	.n = ARRAY_LEN(commands),
	.version = true,
};
