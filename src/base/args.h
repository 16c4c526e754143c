/* SPDX-License-Identifier: MIT */
/* Command lines from tables: getopt_long behind rows, --help made of the same rows. */
#pragma once

#include "base/buf.h"

struct arg_flag {
	const char *name;  /* long name without "--" */
	char letter;	   /* or 0 */
	const char *value; /* name of its value in help ("DIR"), NULL for a switch */
	const char *help;
};
struct arg_spec {
	const char *program, *command; /* "headgate", "run" (or NULL) */
	const char *operands;		   /* "ID...", or NULL when there are none */
	const char *summary;		   /* one line */
	const char *text;			   /* further lines of --help, an example among them; or NULL */
	const struct arg_flag *flags;
	size_t flag_n;
	const struct arg_flag *common; /* flags every command shares, shown apart */
	size_t common_n;
	int operand_min, operand_max; /* max -1: any number */
};
/* Called for each flag in order (value NULL for a switch). Returns 0, or -1 with err set. */
typedef int args_on_flag(void *arg, const char *name, const char *value, struct error *err);
/* argv[0] is the command's own word. Operands are left in *ret_operands (pointing into argv, NULL-terminated). --help
 * sets *ret_help and stops. Errors are ERR_USAGE and name the nearest flag. */
MUST_USE int args_parse(const struct arg_spec *spec, int argc, char **argv, args_on_flag *on_flag, void *arg,
	char ***ret_operands, int *ret_n, bool *ret_help, struct error *err);
void args_help(const struct arg_spec *spec, struct buf *out);
void args_help_own(const struct arg_spec *spec, struct buf *out); /* the rows of its own flags alone */
