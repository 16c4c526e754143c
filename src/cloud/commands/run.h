/* SPDX-License-Identifier: MIT */
/* What headgate-cloud's commands share. Private to this folder. */
#pragma once

#include "base/table.h"
#include "cloud/commands/commands.h"
#include "cloud/config.h"

#define CLOUD_PROGRAM "headgate-cloud"
#define FLAG_PAIRS_MAX 64
#define STORE_FLAG_N 3

/* The flags of a command line, sorted into configuration and the command's own. */
struct cloud_args {
	const char *config_file;
	const char *pairs[2 * FLAG_PAIRS_MAX + 1]; /* configuration flags, NULL-terminated */
	size_t n;
	bool json;
	char **operands;
	const char *station, *scope, *state, *session, *group, *since, *limit;
};
typedef int cloud_body(const struct cloud_config *c, const struct cloud_args *a, struct error *err);
/* What every command does around its own work. */
int cloud_run(const struct arg_spec *spec, int argc, char **argv, cloud_body *body);
MUST_USE int cloud_need_store(const struct cloud_config *c, struct error *err); /* ERR_NOT_FOUND */
extern const struct arg_flag store_flags[STORE_FLAG_N];							/* config, data, json */
void print_table(const struct table *t);										/* NULL: nothing */

/* --- one a command --- */
int run_key(int argc, char **argv);
int run_sessions(int argc, char **argv);
int run_objects(int argc, char **argv);
int run_logs(int argc, char **argv);
