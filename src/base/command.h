/* SPDX-License-Identifier: MIT */
/* A program's commands as one table, and what every command does alike: help, usage errors with the nearest word, JSON
 * lines on standard output, a sentence on standard error and an exit status from the error's code. */
#pragma once

#include "base/args.h"
#include "base/json.h"

struct command {
	const char *name, *summary;
	int (*run)(int argc, char **argv); /* argv[0] is the command's word; returns the exit status */
};
struct command_set {
	const char *program; /* "headgate", or "headgate-cloud key" for a command with verbs of its own */
	const char *summary, *text;
	const struct command *commands;
	size_t n;
	bool version;						/* knows --version */
	int (*bare)(int argc, char **argv); /* without a command, flags alone: argv[0] is the program; NULL: the usage */
	const struct arg_spec *bare_spec;	/* what the help tells of that, or NULL */
};
/* Runs the command that argv[1] names. Standard output that could not be written is an error (ERR_DISK). */
int command_main(const struct command_set *set, int argc, char **argv);

/* The help on standard error, and the exit status of a usage error. */
int command_usage(const struct command_set *set);
/* What ends a command: prints "PROGRAM: TEXT" and returns the exit status of err->code. */
int command_fail(const char *program, const struct error *err);
/* args_parse, its help printed. Returns -1 when the command goes on, else the exit status with which it ends. */
int command_args(const struct arg_spec *spec, int argc, char **argv, args_on_flag *on_flag, void *arg,
	char ***ret_operands, int *ret_n);
/* One JSON line on standard output; takes o. */
void command_json(cJSON *o);
void command_print(const struct buf *out); /* standard output */
