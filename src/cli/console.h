/* SPDX-License-Identifier: MIT */
/* The console as the command line sees it: one function, which the main hands over. */
#pragma once

#include "base/args.h"

struct app_options;
typedef int console_run(const struct app_options *o, struct error *err);
void cli_set_console(console_run *run); /* before cli_main; NULL: there is no console in this program */
int cli_console(int argc, char **argv);
extern const struct arg_spec console_spec;
