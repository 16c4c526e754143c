/* SPDX-License-Identifier: MIT */
/* headgate: console, command line and station engine. */
#include "cli/cli.h"
#include "cli/console.h"
#include "ui/app.h"

int main(int argc, char **argv) {
	cli_set_console(app_run);
	return cli_main(argc, argv);
}
