/* SPDX-License-Identifier: MIT */
/* headgate-cloud's table of commands, what is around each, and serve. Those that read open the store of a running or
 * stopped cloud beside it (SQLite's WAL lets them). Main thread. */
#include "cloud/commands/commands.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cloud/serve/server.h"
#include "cloud/commands/run.h"

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

const struct arg_flag store_flags[STORE_FLAG_N] = {
	{"config", 'c', "FILE", "configuration file, section [cloud]"},
	{"data", 'd', "DIR", "folder of the store"},
	{"json", 0, NULL, "JSON lines on standard output"},
};

int cloud_run(const struct arg_spec *spec, int argc, char **argv, cloud_body *body) {
	AUTO(cloud_config_done) struct cloud_config config = {0};
	struct cloud_args a = {0};
	struct error err = ERROR_INIT;
	int operand_n, status = command_args(spec, argc, argv, on_flag, &a, &a.operands, &operand_n);
	if (status >= 0) return status;
	if (cloud_config_load(&config, a.config_file, a.pairs, &err) || body(&config, &a, &err))
		return command_fail(CLOUD_PROGRAM, &err);
	return 0;
}

int cloud_need_store(const struct cloud_config *c, struct error *err) {
	AUTO(xfree) char *file = xasprintf("%s/catalog.db", c->data);
	if (access(file, F_OK) == 0) return 0;
	return error_set(err, ERR_NOT_FOUND, "%s holds no store: name the --data folder of a cloud that was started once",
		TEXT_SAFE(c->data));
}

void print_table(const struct table *t) {
	AUTO(buf_done) struct buf out = BUF_INIT((size_t)1 << 30);
	if (!t) return;
	table_print(t, terminal_columns(STDOUT_FILENO), &out);
	command_print(&out);
}

/* --- serve --- */

static int serve(const struct cloud_config *c, const struct cloud_args *a, struct error *err) {
	(void)a;
	return cloud_serve(c, err);
}

static int run_serve(int argc, char **argv) {
	const struct arg_spec spec = {.program = CLOUD_PROGRAM,
		.command = "serve",
		.flags = cloud_flags,
		.flag_n = cloud_flag_n,
		.summary = "Serves the ingest API and the objects until SIGTERM or SIGINT.",
		.text =
			"Prints `ready URL` on standard output when it can serve. Every other flag also stands in [cloud] of the\n"
			"--config file (tls-cert as tls_cert) and in HEADGATE_CLOUD_* variables. SIGHUP opens the log anew and "
			"reads\n"
			"rules, allow-list and certificate again; what cannot be used is logged, and what was in force stays.\n\n"
			"Example:\n  headgate-cloud serve --data /srv/headgate --listen 0.0.0.0:8750 --schema rules.ini"};
	return cloud_run(&spec, argc, argv, serve);
}

static const struct command commands[] = {
	{"serve", "serve stations until SIGTERM", run_serve},
	{"key", "add, list or revoke API keys", run_key},
	{"sessions", "list the sessions in the catalog", run_sessions},
	{"objects", "list the stored objects", run_objects},
	{"logs", "print the log groups", run_logs},
};

const struct command_set cloud_commands = {
	.program = CLOUD_PROGRAM,
	.summary = "The cloud side of headgate: takes recording sessions, validates them, keeps them.",
	.text = "Example:\n  headgate-cloud serve --data /srv/headgate --listen 127.0.0.1:8750",
	.commands = commands,
	.n = ARRAY_LEN(commands),
	.version = true,
};
