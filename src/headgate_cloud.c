/* SPDX-License-Identifier: MIT */
/* headgate-cloud: the cloud side. */
#include "cloud/commands/commands.h"

int main(int argc, char **argv) { return command_main(&cloud_commands, argc, argv); }
