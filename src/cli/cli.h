/* SPDX-License-Identifier: MIT */
/* headgate's command line: one file a command, one table of commands. A command is a spec (words and flags for --help),
 * its own flags, and a body that gets the loaded configuration; what ends it is an error whose code gives the exit
 * status (base/error's table, product.md "The command line"). Main thread. */
#pragma once

#include "base/command.h"
#include "session/check.h"
#include "station/told/lists.h"
#include "station/told/session.h"
#include "station/config.h"
#include "station/journal/view.h"

#define CLI_PROGRAM "headgate"
#define CLI_FLAG_PAIRS_MAX 64

struct cli {
	struct config config;
	bool json; /* --json */
	char **operands;
	int operand_n;
	const char *config_file;					   /* --config */
	const char *pairs[2 * CLI_FLAG_PAIRS_MAX + 1]; /* configuration flags as given, for config_load; NULL-terminated */
	size_t pair_n;
	const struct arg_spec *spec; /* the command's: a flag of its own goes before one of the configuration */
	args_on_flag *own;			 /* takes the command's own flags; NULL when it has none */
	void *arg;					 /* the command's own values */
};
/* Returns 0, or -1 with what ended it: ERR_ATTENTION and the like print as any error does. */
typedef int cli_body(struct cli *c, struct error *err);
/* Everything around a body: flags, --help, configuration, the sentence on standard error, the exit status. */
int cli_command(const struct arg_spec *spec, int argc, char **argv, args_on_flag *own, void *arg, cli_body *body);
/* The same without loading the configuration: setup begins where there is none. */
int cli_command_bare(const struct arg_spec *spec, int argc, char **argv, args_on_flag *own, void *arg, cli_body *body);
/* And without the flags of one: the demo has its own. */
int cli_command_apart(const struct arg_spec *spec, int argc, char **argv, args_on_flag *own, void *arg, cli_body *body);
int cli_main(int argc, char **argv);

/* --- one a command --- */
int cli_run(int argc, char **argv);
int cli_setup(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_sessions(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_retry(int argc, char **argv);
int cli_pause(int argc, char **argv);
int cli_resume(int argc, char **argv);
int cli_release(int argc, char **argv);
int cli_relocate(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_ignore(int argc, char **argv);
int cli_handover(int argc, char **argv);
int cli_stations(int argc, char **argv);
int cli_config(int argc, char **argv);
int cli_demo(int argc, char **argv);

/* --- what several commands begin with (show.c) --- */
/* The journal of the configured state folder; ERR_NOT_FOUND with the mend when there is none yet. */
MUST_USE int cli_view_open(const struct cli *c, struct journal_view **ret, struct error *err);
/* The rules that local checks use: the cloud's last known ones made stricter by the station's, or its own alone. */
MUST_USE int cli_schema(const struct config *c, struct schema *ret, struct error *err);
