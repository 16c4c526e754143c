/* SPDX-License-Identifier: MIT */
/* headgate-cloud's command line: serve | key add|list|revoke | sessions | objects | logs (cloud.md "Command line"). */
#pragma once

#include "base/command.h"

extern const struct command_set cloud_commands;
