/* SPDX-License-Identifier: MIT */
/* `headgate --plain`: what changes, as lines for screen readers and recordings. No terminal is needed, and nothing is
 * ever drawn over. Runs until SIGINT, SIGTERM, SIGHUP or the end of its output. */
#pragma once

#include "ui/app.h"

MUST_USE int plain_run(const struct app_options *o, struct error *err);
