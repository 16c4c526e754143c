/* SPDX-License-Identifier: MIT */
/* The console: one libuv loop; keys, resize, timers and data mark it dirty; at most 30 frames a second and none when
 * nothing changed. No I/O and no slow query on the drawing path. */
#pragma once

#include "ui/screen.h"

struct app_options {
	const char *state_dir, *config_file; /* of the station; config_file passed on to an engine it starts */
	const char *engine_path;			 /* this program, for `run`; NULL: start none */
	const char *const *engine_flags;	 /* for that, beyond --linger: "--config", "FILE", …, NULL; may be NULL */
	const struct config_line *config;	 /* what `headgate config` prints */
	size_t config_n;
	bool read_only, plain, mouse, ascii, no_colour;
	const char *theme, *screen; /* NULL: the remembered */
};
/* Runs the console until the user quits or the terminal goes. 0, or -1 (ERR_USAGE: no terminal, …). */
MUST_USE int app_run(const struct app_options *o, struct error *err);

/* --- for screens --- */
const struct model *app_model(const struct app *a);
void app_page(struct app *a, const struct page_query *q); /* MODEL_PAGE follows */
void app_detail(struct app *a, const char *session);	  /* MODEL_DETAIL follows, and again when it changes */
void app_events(struct app *a, int64_t limit);
void app_fleet(struct app *a, bool shown);
void app_handover(struct app *a);
/* A control method over sessions (`retry`, `pause`, `resume`, `release`, `ignore`, `unignore`), after the confirmation
 * `question` (NULL: none). */
void app_command(struct app *a, const char *method, const char *const *sessions, size_t n, const char *question);
/* The metadata file in $EDITOR, the terminal given back meanwhile; then retry. */
void app_edit(struct app *a, const char *root, const char *session);
void app_copy(struct app *a, const char *text);
void app_say(struct app *a, enum role role, const char *fmt, ...)
	PRINTF_LIKE(3, 4); /* the line above the footer, for some seconds */
void app_draw(struct app *a);
