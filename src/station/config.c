/* SPDX-License-Identifier: MIT */
/* The station's configuration: the rows, and the order of its sources (product.md "Configuration"). A loaded struct
 * config must not be moved: its option_set points into it. Loaded once at the start of a program; read by any thread
 * afterwards. */
#include "station/config.h"

#include <stddef.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "session/name.h"
#include "station/config_check.h"

static int set_bandwidth(void *config, const char *value, struct error *err) {
	return bandwidth_parse(value, &((struct config *)config)->bandwidth, err);
}

static void show_bandwidth(const void *config, char *to, size_t size) {
	bandwidth_write(&((const struct config *)config)->bandwidth, to, size);
}

static int set_api_key(void *config, const char *value, struct error *err) {
	(void)err;
	struct config *c = config;
	secret_set(&c->api_key, value, strlen(value));
	return 0;
}

static int set_metadata_file(void *config, const char *value, struct error *err) {
	struct config *c = config;
	if (file_name_check(value, err)) return -1;
	xfree(c->schema.file);
	c->schema.file = xstrdup(value);
	c->metadata_file_sets++;
	return 0;
}

static void show_metadata_file(const void *config, char *to, size_t size) {
	text_copy(to, size, ((const struct config *)config)->schema.file);
}

/* Lists of patterns: one pair of functions each, as OPTION_CALL has no field of its own. */
#define PATTERNS(field)                                                                                                \
	static int set_##field(void *config, const char *value, struct error *err) {                                       \
		return patterns_set(&((struct config *)config)->field, value, err);                                            \
	}                                                                                                                  \
	static void show_##field(const void *config, char *to, size_t size) {                                              \
		patterns_show(&((const struct config *)config)->field, to, size);                                              \
	}
PATTERNS(ignore)
PATTERNS(temporary)
PATTERNS(ignore_folders)
PATTERNS(empty)

#define AT(field) offsetof(struct config, field)
#define MINUTE 60000
#define HOUR (60LL * MINUTE)
/* clang-format off */
static const struct option config_rows[] = {
	{.section = "station", .name = "name", .type = OPTION_TEXT, .offset = AT(name), .flag = "station",
		.help = "name of this station (default: the host's)"},
	{.section = "station", .name = "watch", .type = OPTION_LIST, .offset = AT(watch), .flag = "watch",
		.help = "folder in which recording sessions appear; may be given several times"},
	{.section = "station", .name = "state", .type = OPTION_TEXT, .offset = AT(state_dir), .flag = "state-dir",
		.help = "folder of the journal and the control socket"},
	{.section = "station", .name = "settle", .type = OPTION_DURATION, .offset = AT(settle_ms), .flag = "settle",
		.min = 0, .max = 24 * HOUR, .initial = "10s", .help = "how long a session must not change before it is taken"},
	{.section = "station", .name = "rescan", .type = OPTION_DURATION, .offset = AT(rescan_ms), .flag = "rescan",
		.min = 100, .max = 24 * HOUR, .initial = "1m", .help = "how often the folders are read again without an event"},
	{.section = "station", .name = "at_once", .type = OPTION_INT, .offset = AT(at_once), .min = 1, .max = 100000,
		.initial = "2000", .help = "sessions in work at the same time; of the others the oldest is next"},
	{.section = "station", .name = "keep_events", .type = OPTION_DURATION, .offset = AT(keep_events_ms), .initial = "365d",
		.max = 100 * 365 * 24 * HOUR, .help = "how long the journal keeps events of accepted sessions; 0: for ever"},
	{.section = "station", .name = "done_marker", .type = OPTION_TEXT, .offset = AT(done_marker), .flag = "done-marker",
		.help = "name of a file whose arrival says that a session is complete; sent unless it is empty"},
	{.section = "station", .name = "done_marker_required", .type = OPTION_BOOL, .offset = AT(marker_required),
		.initial = "no", .help = "a session is complete with its done_marker only, however quiet it is"},
	{.section = "station", .name = "ignore", .type = OPTION_CALL, .set = set_ignore, .show = show_ignore,
		.initial = ".DS_Store, Thumbs.db, desktop.ini, .directory, ._*, *~, *.swp, .~lock.*, .nfs*",
		.help = "files in a session that are no part of it and never sent: patterns; + adds to these"},
	{.section = "station", .name = "temporary", .type = OPTION_CALL, .set = set_temporary, .show = show_temporary,
		.initial = "*.part, *.partial, *.filepart, *.crdownload, *.tmp, .*.??????",
		.help = "names of files that are still being written: while one is there its session is not at rest; + adds"},
	{.section = "station", .name = "ignore_folders", .type = OPTION_CALL, .set = set_ignore_folders,
		.show = show_ignore_folders, .initial = ".*, lost+found, @*, $RECYCLE.BIN, System Volume Information",
		.help = "other folders in a watched one that are no recordings, whatever they are called; + adds to these"},
	{.section = "station", .name = "may_be_empty", .type = OPTION_BOOL, .offset = AT(may_be_empty), .initial = "no",
		.help = "a watched folder in which sessions were may be empty; no: its disk is not mounted"},
	{.section = "station", .name = "since", .type = OPTION_TEXT, .offset = AT(since), .flag = "since",
		.help = "leave sessions alone that are older than this day (YYYY-MM-DD)"},
	{.section = "station", .name = "total_min", .type = OPTION_BYTES, .offset = AT(total_min), .initial = "0",
		.help = "least plausible size of a session; 0: any"},
	{.section = "station", .name = "total_max", .type = OPTION_BYTES, .offset = AT(total_max), .initial = "0",
		.help = "greatest plausible size of a session; 0: any"},
	{.section = "station", .name = "group", .type = OPTION_TEXT, .offset = AT(group),
		.help = "group whose members may read the journal and use the control socket"},
	{.section = "station", .name = "allow_volatile", .type = OPTION_BOOL, .offset = AT(allow_volatile), .initial = "no",
		.help = "accept a journal on tmpfs or a network file system"},
	{.section = "cloud", .name = "endpoint", .type = OPTION_TEXT, .offset = AT(endpoint), .flag = "endpoint",
		.help = "address of the ingest API, https://HOST[:PORT]"},
	{.section = "cloud", .name = "api_key_file", .type = OPTION_TEXT, .offset = AT(api_key_file), .flag = "api-key-file",
		.help = "file that holds the API key, readable by its owner only"},
	{.section = "cloud", .name = "api_key", .type = OPTION_CALL, .set = set_api_key, .secret = true, .no_file = true,
		.help = "put the key alone into a file of mode 0600 and name that with api_key_file"},
	{.section = "cloud", .name = "ca_file", .type = OPTION_TEXT, .offset = AT(ca_file), .flag = "ca-file",
		.help = "certificates to trust instead of the system's"},
	{.section = "upload", .name = "connections", .type = OPTION_INT, .offset = AT(connections), .flag = "connections",
		.min = 1, .max = 64, .initial = "4", .help = "transfers at the same time"},
	{.section = "upload", .name = "bandwidth", .type = OPTION_CALL, .set = set_bandwidth, .show = show_bandwidth,
		.flag = "bandwidth", .help = "greatest rate, with hours of the day if wanted: 20MB/s 08:00-18:00"},
	{.section = "upload", .name = "low_rate", .type = OPTION_BYTES, .offset = AT(low_rate_bytes), .initial = "1KiB",
		.min = 1, .max = 1LL << 40, .help = "a transfer slower than this (a second) for low_rate_time is given up"},
	{.section = "upload", .name = "low_rate_time", .type = OPTION_DURATION, .offset = AT(low_rate_ms), .initial = "30s",
		.min = 1000, .max = HOUR, .help = "see low_rate"},
	{.section = "upload", .name = "answer_time", .type = OPTION_DURATION, .offset = AT(answer_ms), .initial = "2m",
		.max = HOUR, .help = "beyond low_rate_time: how long the store may think when it has every byte"},
	{.section = "upload", .name = "deadline", .type = OPTION_DURATION, .offset = AT(deadline_ms), .initial = "12h",
		.min = 1000, .max = 7 * 24 * HOUR, .help = "longest time that one transfer may take"},
	{.section = "upload", .name = "retry_base", .type = OPTION_DURATION, .offset = AT(retry_base_ms), .initial = "30s",
		.min = 10, .max = HOUR, .help = "pause before a session's first new try; it doubles up to retry_cap"},
	{.section = "upload", .name = "retry_cap", .type = OPTION_DURATION, .offset = AT(retry_cap_ms), .initial = "1h",
		.min = 10, .max = 24 * HOUR, .help = "longest pause between a session's tries"},
	{.section = "metadata", .name = "file", .type = OPTION_CALL, .set = set_metadata_file, .show = show_metadata_file,
		.initial = SCHEMA_FILE, .flag = "metadata-file", .help = "name of the metadata file in a session"},
	{.section = "metadata", .name = "wait", .type = OPTION_DURATION, .offset = AT(metadata_wait_ms), .initial = "1d",
		.max = 365 * 24 * HOUR, .help = "a session without its metadata file for so long is held for a person, its data sent"},
	{.section = "metadata", .name = "cloud_schema", .type = OPTION_BOOL, .offset = AT(cloud_schema), .initial = "yes",
		.help = "check with the cloud's metadata rules before upload too, not with the station's own alone"},
	{.section = "check", .name = "empty", .type = OPTION_CALL, .set = set_empty, .show = show_empty, .initial = "",
		.help = "files that may be empty: patterns; the cloud's rules must allow them too"},
	{.section = "log", .name = "file", .type = OPTION_TEXT, .offset = AT(log_file), .flag = "log-file",
		.help = "file of the engine's own log (default: standard error)"},
	{.section = "log", .name = "level", .type = OPTION_TEXT, .offset = AT(log_level), .flag = "log-level",
		.initial = "info", .help = "debug, info, warn or error"},
};

/* The flags of those rows; a test holds the two lists together. */
const struct arg_flag config_flags[] = {
	{"config", 'c', "FILE", "configuration file, read after the system's and the user's"},
	{"station", 0, "NAME", "name of this station (default: the host's)"},
	{"watch", 0, "DIR", "folder in which recording sessions appear; may be given several times"},
	{"state-dir", 0, "DIR", "folder of the journal and the control socket"},
	{"settle", 0, "TIME", "how long a session must not change before it is taken"},
	{"rescan", 0, "TIME", "how often the folders are read again without an event"},
	{"done-marker", 0, "NAME", "name of a file whose arrival says that a session is complete"},
	{"since", 0, "DAY", "leave sessions alone that are older than this day (YYYY-MM-DD)"},
	{"endpoint", 0, "URL", "address of the ingest API, https://HOST[:PORT]"},
	{"api-key-file", 0, "FILE", "file that holds the API key, readable by its owner only"},
	{"ca-file", 0, "FILE", "certificates to trust instead of the system's"},
	{"connections", 0, "N", "transfers at the same time"},
	{"bandwidth", 0, "RATE", "greatest rate, with hours of the day if wanted: 20MB/s 08:00-18:00"},
	{"metadata-file", 0, "NAME", "name of the metadata file in a session"},
	{"log-file", 0, "FILE", "file of the engine's own log (default: standard error)"},
	{"log-level", 0, "LEVEL", "debug, info, warn or error"},
};
/* clang-format on */
const size_t config_flag_n = ARRAY_LEN(config_flags);

/* --- [metadata.keys] --- */

static void config_keys_clear(struct config *c) {
	AUTO(xfree) char *file = xstrdup(c->schema.file);
	schema_done(&c->schema);
	schema_init(&c->schema);
	xfree(c->schema.file);
	c->schema.file = TAKE(file);
	option_list_clear(&c->metadata_keys);
	option_list_clear(&c->metadata_where);
}

/* As with lists, the first rule of a later file replaces those of an earlier one. */
static int set_metadata_key(void *config, const char *name, const char *value, struct error *err) {
	struct config *c = config;
	if (!c->metadata_keys_begun) config_keys_clear(c);
	c->metadata_keys_begun = true;
	if (schema_add(&c->schema, name, value, err)) return -1;
	AUTO(xfree) char *rule = xasprintf("%s = %s", name, value);
	option_list_add(&c->metadata_keys, rule);
	option_list_add(&c->metadata_where, c->set.where);
	return 0;
}

/* --- loading --- */

char *config_system_file(void) {
	const char *systemd = getenv("CONFIGURATION_DIRECTORY");
	if (!systemd || *systemd != '/') return xstrdup("/etc/headgate/headgate.ini");
	AUTO(xfree) char *first = xstrndup(systemd, strcspn(systemd, ":"));
	return path_join(first, "headgate.ini");
}

char *config_user_file(void) {
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	if (base && *base == '/') return path_join(base, "headgate/headgate.ini");
	return home && *home ? path_join(home, ".config/headgate/headgate.ini") : NULL;
}

static int config_read_file(struct config *c, const char *path, bool required, struct error *err) {
	c->metadata_keys_begun = false;
	return options_file(&c->set, path, required, err);
}

static void config_begin(struct config *c, const char *config_flag) {
	*c = (struct config){.file_flag = xstrdup(config_flag)};
	schema_init(&c->schema);
	c->set = (struct option_set){
		.rows = config_rows,
		.n = ARRAY_LEN(config_rows),
		.config = c,
		.origins = xcalloc(ARRAY_LEN(config_rows), sizeof(struct option_origin)),
		.env_prefix = "HEADGATE_",
		.env_shared = "cloud", /* headgate-cloud's variables begin with HEADGATE_CLOUD_ too */
		.free_section = "metadata.keys",
		.free_set = set_metadata_key,
	};
}

int config_load(struct config *c, const char *config_flag, const char *const *flags, struct error *err) {
	config_begin(c, config_flag);
	AUTO(xfree) char *machine = config_system_file(), *user = config_user_file();
	if (options_default(&c->set, err)) return -1;
	if (config_read_file(c, machine, false, err)) return -1;
	if (user && config_read_file(c, user, false, err)) return -1;
	if (config_flag && config_read_file(c, config_flag, true, err)) return -1;
	if (options_environment(&c->set, err)) return -1;
	for (; flags && *flags; flags += 2)
		if (options_flag(&c->set, flags[0], flags[1], err)) return -1;
	return config_finish(c, err);
}

void config_done(struct config *c) {
	if (c->set.rows) options_done(&c->set);
	xfree(TAKE(c->set.origins));
	config_keys_clear(c);
	option_list_clear(&c->ignore);
	option_list_clear(&c->temporary);
	option_list_clear(&c->ignore_folders);
	option_list_clear(&c->empty);
	schema_done(&c->schema);
	secret_done(&c->api_key);
	xfree(TAKE(c->file_flag));
	*c = (struct config){0};
}
