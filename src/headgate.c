/* SPDX-License-Identifier: MIT */
/* headgate: console, command line and station engine. */
#include "cli/cli.h"

int main(int argc, char **argv) { return cli_main(argc, argv); }
