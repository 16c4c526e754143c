/* SPDX-License-Identifier: MIT */
/* The console: one libuv loop; keys, resize, timers and data mark it dirty; at most 30 frames a second and none when
 * nothing changed. No I/O and no slow query on the drawing path. */
#pragma once

#include "ui/model/model.h"

struct app_options {
	const char *state_dir;			  /* of the station */
	const char *engine_path;		  /* this program, for `run`; NULL: start none */
	const char *const *engine_flags;  /* for that, beyond --linger: "--config", "FILE", …, NULL; may be NULL */
	const struct config_line *config; /* what `headgate config` prints */
	size_t config_n;
	bool read_only, plain, mouse, ascii, no_colour;
	const char *theme, *screen; /* NULL: the remembered */
};
/* Runs the console until the user quits or the terminal goes. 0, or -1 (ERR_USAGE: no terminal, …). */
MUST_USE int app_run(const struct app_options *o, struct error *err);
