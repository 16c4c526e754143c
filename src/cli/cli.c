/* SPDX-License-Identifier: MIT */
/* The table of commands, and what is around the body of each. */
#include "cli/cli.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "cli/console.h"

static const struct command commands[] = {
	{"run", "the engine in the foreground; --once for cron", cli_run},
	{"setup", "ask for folder, endpoint and key; write the configuration", cli_setup},
	{"status", "engine, queue, cloud, today", cli_status},
	{"sessions", "list the sessions, or show one in full", cli_sessions},
	{"retry", "try held, rejected, failed and waiting sessions again", cli_retry},
	{"pause", "send nothing more of sessions for now", cli_pause},
	{"resume", "go on with paused sessions", cli_resume},
	{"release", "held as a copy or for their name: send them as they are", cli_release},
	{"relocate", "recordings were moved: the journal follows", cli_relocate},
	{"verify", "does the cloud still have what it accepted?", cli_verify},
	{"ignore", "sessions that count for nothing; --undo takes it back", cli_ignore},
	{"handover", "what happened since you last looked", cli_handover},
	{"stations", "the fleet: every station as the cloud last heard of it", cli_stations},
	{"check", "local checks on folders, no upload", cli_check},
	{"config", "the configuration in force, with the source of each value", cli_config},
	{"demo", "a cloud, sessions and the engine in a scratch folder", cli_demo},
};

static int cli_bare(int argc, char **argv);

static const struct command_set cli_commands = {
	.program = CLI_PROGRAM,
	.summary = "Carries recording sessions into the cloud, whole and verified.",
	.text =
		"Exit status: 0 all is well, 1 a person is needed, 2 usage or configuration, 3 not found, 4 work is\n"
		"left, 69 the cloud is unreachable, 70 a mistake of headgate itself, 74 local disk, 75 another engine runs,\n"
		"77 the key was refused, 130 interrupted. Where several hold, the first of 2, 74, 75, 77, 69, 4, 1.\n\n"
		"Example:\n  headgate setup && headgate run",
	.commands = commands,
	.n = ARRAY_LEN(commands),
	.version = true,
	.bare = cli_bare,
	.bare_spec = &console_spec,
};

static const struct arg_flag json_flag = {"json", 0, NULL, "JSON lines on standard output"};

static bool flag_is_own(const struct arg_spec *spec, const char *name) {
	for (size_t i = 0; i < spec->flag_n; i++)
		if (strcmp(spec->flags[i].name, name) == 0) return true;
	return false;
}

static int cli_on_flag(void *arg, const char *name, const char *value, struct error *err) {
	struct cli *c = arg;
	if (strcmp(name, "json") == 0) {
		c->json = true;
		return 0;
	}
	if (strcmp(name, "config") == 0) {
		c->config_file = value;
		return 0;
	}
	if (flag_is_own(c->spec, name)) return c->own(c->arg, name, value, err);
	if (c->pair_n + 2 >= ARRAY_LEN(c->pairs)) return error_set(err, ERR_USAGE, "there are too many flags");
	c->pairs[c->pair_n++] = name;
	c->pairs[c->pair_n++] = value;
	return 0;
}

enum configuration { CONFIGURATION_NONE, CONFIGURATION_FLAGS, CONFIGURATION_LOADED };

static int cli_around(const struct arg_spec *own_spec, int argc, char **argv, struct cli *c, cli_body *body,
	enum configuration configuration) {
	struct arg_flag common[CLI_FLAG_PAIRS_MAX];
	struct arg_spec spec = *own_spec;
	struct error err = ERROR_INIT;
	assert(config_flag_n + 1 <= ARRAY_LEN(common));
	common[0] = json_flag;
	spec.program = CLI_PROGRAM;
	spec.common = common;
	spec.common_n = 1;
	for (size_t i = 0; configuration != CONFIGURATION_NONE && i < config_flag_n; i++)
		if (!flag_is_own(own_spec, config_flags[i].name)) common[spec.common_n++] = config_flags[i];
	c->spec = own_spec;
	int status = command_args(&spec, argc, argv, cli_on_flag, c, &c->operands, &c->operand_n);
	if (status >= 0) return status;
	bool load = configuration == CONFIGURATION_LOADED;
	if ((load && config_load(&c->config, c->config_file, c->pairs, &err)) || body(c, &err))
		return command_fail(CLI_PROGRAM, &err);
	return 0;
}

static int cli_body_run(const struct arg_spec *spec, int argc, char **argv, args_on_flag *own, void *arg,
	cli_body *body, enum configuration configuration) {
	struct cli c = {.own = own, .arg = arg};
	int status = cli_around(spec, argc, argv, &c, body, configuration);
	config_done(&c.config);
	return status;
}

int cli_command(const struct arg_spec *spec, int argc, char **argv, args_on_flag *own, void *arg, cli_body *body) {
	return cli_body_run(spec, argc, argv, own, arg, body, CONFIGURATION_LOADED);
}

int cli_command_bare(const struct arg_spec *spec, int argc, char **argv, args_on_flag *own, void *arg, cli_body *body) {
	return cli_body_run(spec, argc, argv, own, arg, body, CONFIGURATION_FLAGS);
}

int cli_command_apart(
	const struct arg_spec *spec, int argc, char **argv, args_on_flag *own, void *arg, cli_body *body) {
	return cli_body_run(spec, argc, argv, own, arg, body, CONFIGURATION_NONE);
}

/* A script that forgot its command gets the usage, a person the console. */
static int cli_bare(int argc, char **argv) {
	bool person = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	return argc < 2 && !person ? command_usage(&cli_commands) : cli_console(argc, argv);
}

int cli_main(int argc, char **argv) { return command_main(&cli_commands, argc, argv); }
