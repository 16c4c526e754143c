/* SPDX-License-Identifier: MIT */
/* headgate-cloud key add | list | revoke. What is changed is written to the audit log. Main thread. */
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "cloud/commands/run.h"
#include "cloud/store/catalog.h"
#include "cloud/store/logs.h"
#include "session/name.h"

static const char *time_cell(char *to, int64_t ms) { return ms > 0 ? time_rfc3339(to, ms) : NULL; }

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
	const struct arg_spec spec = {.program = CLOUD_PROGRAM,
		.command = "key add",
		.common = store_flags,
		.common_n = STORE_FLAG_N,
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Makes an API key and prints it, once, alone on standard output.",
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
	const struct arg_spec spec = {.program = CLOUD_PROGRAM,
		.command = "key list",
		.common = store_flags,
		.common_n = STORE_FLAG_N,
		.summary = "Lists the API keys (never their text).",
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
	const struct arg_spec spec = {.program = CLOUD_PROGRAM,
		.command = "key revoke",
		.operands = "ID",
		.operand_min = 1,
		.operand_max = 1,
		.common = store_flags,
		.common_n = STORE_FLAG_N,
		.summary = "Revokes an API key: the next request with it is refused.",
		.text = "Example:\n  headgate-cloud key revoke --data /srv/headgate k3v9xq0c"};
	return cloud_run(&spec, argc, argv, key_revoke);
}

int run_key(int argc, char **argv) {
	static const struct command verbs[] = {
		{"add", "make a key and print it, once", run_key_add},
		{"list", "list the keys", run_key_list},
		{"revoke", "revoke a key", run_key_revoke},
	};
	static const struct command_set set = {.program = CLOUD_PROGRAM " key",
		.summary = "API keys of stations and people.",
		.commands = verbs,
		.n = ARRAY_LEN(verbs)};
	return command_main(&set, argc, argv);
}
