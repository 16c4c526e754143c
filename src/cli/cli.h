/* SPDX-License-Identifier: MIT */
/* headgate's command line: one file a command, one table of commands. */
#pragma once

#include "station/config.h"

struct command {
	const char *name, *summary;
	int (*run)(int argc, char **argv); /* argv[0] is the command's word; returns the exit status */
};
int cli_main(int argc, char **argv);
