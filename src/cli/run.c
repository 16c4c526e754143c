/* SPDX-License-Identifier: MIT */
/* headgate run: the engine in the foreground. On a terminal one line of progress stands at the bottom of standard
 * error; log lines are written over it (log_overwrite). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/table.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "station/run/dry_run.h"
#include "station/run/run.h"

#define LOG_BYTES (10 << 20)
#define LOG_KEEP 5
#define LISTED_MAX 100

struct run_flags {
	bool once, dry_run, quiet, linger;
	int64_t wait_ms;
};

static int run_on_flag(void *arg, const char *name, const char *value, struct error *err) {
	struct run_flags *f = arg;
	if (strcmp(name, "once") == 0) f->once = true;
	else if (strcmp(name, "dry-run") == 0) f->dry_run = true;
	else if (strcmp(name, "quiet") == 0) f->quiet = true;
	else if (strcmp(name, "linger") == 0) f->linger = true;
	else if (unit_parse_duration(value, &f->wait_ms, err)) {
		err->code = ERR_USAGE;
		return error_prefix(err, "--wait");
	}
	return 0;
}

/* --- --dry-run --- */

static void dry_run_line(void *arg, const cJSON *session) {
	(void)arg;
	AUTO(xfree) char *line = json_text(session);
	puts(line);
}

static void dry_run_row(void *arg, const cJSON *session) {
	static const char *const members[] = {"session", "root", "would", "files", "bytes", "reason"};
	struct table *t = arg;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		int64_t bytes = strcmp(members[i], "bytes") == 0 ? json_get_i64(session, "bytes", -1) : -1;
		if (bytes >= 0) table_cell(t, UNIT_BYTES(bytes));
		else table_cell_json(t, json_get(session, members[i]));
	}
}

static int dry_run(struct cli *c, struct error *err) {
	static const char *const titles[] = {"SESSION", "FOLDER", "WOULD", ">FILES", ">SIZE", "REASON"};
	AUTO(table_free) struct table *t = table_new(titles, ARRAY_LEN(titles));
	AUTO(buf_done) struct buf out = BUF_INIT((size_t)1 << 30);
	int failed = engine_dry_run(&c->config, c->json ? dry_run_line : dry_run_row, t, err);
	if (c->json) return failed; /* a folder that cannot be read hides nothing of the others */
	table_print(t, terminal_columns(STDOUT_FILENO), &out);
	command_print(&out);
	return failed;
}

/* --- the engine --- */

static int run_log_open(const struct config *c, bool quiet, struct error *err) {
	enum log_level level;
	if (log_level_parse(c->log_level, &level)) level = LOG_INFO;
	if (quiet && !c->log_file) level = MAX(level, LOG_WARN);
	return log_open(c->log_file, level, LOG_BYTES, LOG_KEEP, err);
}

/* What stays for a person after --once; the engine's own result decides the status. */
static void run_list(const struct cli *c) {
	AUTO(journal_view_close) struct journal_view *v = NULL;
	AUTO(json_free) cJSON *list = NULL;
	AUTO(json_free) cJSON *names = NULL, *waiting = NULL;
	AUTO(buf_done) struct buf text = BUF_INIT(1 << 22);
	struct error err = ERROR_INIT;
	int64_t n = 0;
	if (journal_view_open(&v, c->config.state_dir, &err) || attention_list(v, LISTED_MAX, &list, &n, &err) ||
		names_list(v, &names, &err) || waiting_list(v, LISTED_MAX, &waiting, &err)) {
		log_event(LOG_WARN, "cli", err.text, NULL);
		return;
	}
	attention_write(list, n, &text);
	waiting_write(waiting, 0, &text);
	names_write(names, 0, &text);
	if (!c->json) fputs(buf_text(&text), stderr);
	while (c->json && json_count(list)) command_json(json_take_first(list));
	while (c->json && json_count(waiting)) command_json(json_take_first(waiting));
	while (c->json && json_count(names)) command_json(json_take_first(names));
}

/* SIGHUP: the same files, environment and flags, read again. */
static int run_rules(void *arg, struct schema *ret, struct error *err) {
	const struct cli *c = arg;
	struct config fresh;
	int failed = config_load(&fresh, c->config_file, c->pairs, err);
	if (!failed) {
		schema_done(ret);
		*ret = fresh.schema;
		schema_init(&fresh.schema);
	}
	config_done(&fresh);
	return failed;
}

static int run_engine(struct cli *c, const struct run_flags *f, struct error *err) {
	AUTO(progress_free) struct progress *progress = f->quiet ? NULL : progress_new_line();
	const struct engine_options o = {.config = &c->config,
		.once = f->once,
		.wait_ms = f->wait_ms,
		.linger = f->linger,
		.on_progress = progress ? progress_on_status : NULL,
		.arg = progress,
		.on_rules = run_rules,
		.rules_arg = c};
	if (config_require(&c->config, NEED_WATCH | NEED_CLOUD | NEED_STATE, err) ||
		run_log_open(&c->config, f->quiet, err))
		return -1;
	if (progress && !c->config.log_file) log_overwrite(PROGRESS_CLEAR);
	int failed = engine_run(&o, err);
	if (progress) progress_clear(progress);
	log_overwrite("");
	if (f->once && (!failed || err->code != ERR_BUSY)) run_list(c);
	log_close();
	return failed;
}

static int run_body(struct cli *c, struct error *err) {
	const struct run_flags *f = c->arg;
	if (f->wait_ms && !f->once)
		return error_set(err, ERR_USAGE, "--wait belongs to --once: a plain run goes on for ever");
	if (f->linger && (f->once || f->dry_run))
		return error_set(err, ERR_USAGE, "--linger belongs to a plain run: --once ends by itself");
	if (!f->dry_run) return run_engine(c, f, err);
	if (config_require(&c->config, NEED_WATCH, err)) return -1;
	return dry_run(c, err);
}

int cli_run(int argc, char **argv) {
	static const struct arg_flag flags[] = {
		{"once", 'o', NULL, "ship all that is ready, wait until it is accepted, end"},
		{"wait", 'w', "TIME", "with --once: wait at most so long (exit status 4 with work left)"},
		{"dry-run", 'n', NULL, "say what would be sent, send nothing"},
		{"quiet", 'q', NULL, "no line of progress, and of the log on standard error warnings only"},
		{"linger", 0, NULL, "end once no console is attached and nothing is left to carry"},
	};
	static const struct arg_spec spec = {.command = "run",
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Watches the folders and carries what settles there into the cloud, until SIGTERM.",
		.text =
			"SIGHUP opens the log anew and reads the key file, the certificates and the metadata rules again.\n\n"
			"Examples:\n  headgate run\n  headgate run --once --wait 30m    (from cron; status 75: one runs already)"};
	struct run_flags f = {0};
	return cli_command(&spec, argc, argv, run_on_flag, &f, run_body);
}
