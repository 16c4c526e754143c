/* SPDX-License-Identifier: MIT */
/* The console's parts among themselves: ui/app.c (loop, frames), ui/input.c (keys, prompt, dialog), ui/remember.c. */
#pragma once

#include <uv.h>

#include "ui/app.h"
#include "ui/screens/screen.h"
#include "ui/term/tty.h"
#include "ui/widgets/pager.h"
#include "ui/widgets/prompt.h"

#define SCREENS_MAX 16
#define FRAME_BURST 4 /* frames that may follow at once after a pause; 30 a second over any longer time */

enum app_mode { MODE_SCREEN, MODE_PROMPT, MODE_DIALOG, MODE_HELP };
struct question { /* a command that waits for `y` */
	char method[16], text[512];
	char **sessions;
	size_t n;
};
struct app {
	struct host host; /* what the screens see of it; first */
	const struct app_options *o;
	uv_loop_t loop;
	uv_poll_t keys;
	uv_signal_t signals[6];
	uv_timer_t frame, clock, say_end;
	uv_prepare_t prepare;
	struct tty *tty;
	struct model model;
	const struct theme *theme;
	void *states[SCREENS_MAX];				 /* by row of screens[] */
	const struct screen *stack[SCREENS_MAX]; /* [stack_n - 1] is shown; none stands twice */
	size_t stack_n;
	enum app_mode mode;
	struct prompt command, search;
	struct prompt *prompt; /* the open one */
	struct pager help;
	struct question question;
	char say[300];
	enum role say_role;
	bool dirty, mouse, closing, pasting;
	int64_t refused_ms;			   /* monotonic; of the last piece of a paste that no mark told of */
	int64_t drawn_ms[FRAME_BURST]; /* monotonic; of the last frames, the oldest at drawn_n % FRAME_BURST */
	size_t drawn_n;
};

void app_init(struct app *a, const struct app_options *o); /* a is zeroed */
/* What the source is to know of them; who hears of changes is for the caller to fill in. */
struct source_options app_source_options(const struct app_options *o);
void app_draw(struct app *a);
const struct screen *app_here(const struct app *a);
void *app_self(struct app *a, const struct screen *s);
void app_go(struct app *a, const struct screen *s,
	const char *arg); /* a digit's screen replaces the stack; others are pushed */
void app_back(struct app *a);
void app_quit(struct app *a);
void app_stop(struct app *a);
void app_paint(struct app *a); /* one frame, now */
void app_question_done(struct app *a);
void app_free(struct app *a); /* what it holds beside loop, terminal and source */

/* --- input.c --- */
void input_key(struct app *a, const struct key_event *key);
/* Keys that came in one burst (tty_burst): typed ahead, repeated, or pasted text, which is refused. */
void input_keys(struct app *a, const struct key_event *keys, size_t n);
bool input_refuses(struct app *a); /* what comes now is still of a refused paste */

/* --- remember.c: STATE or XDG_STATE_HOME/headgate/console.json, 0600; a broken one is ignored --- */
void remember_load(struct app *a, char *ret_screen, size_t size, char *ret_theme, size_t theme_size);
void remember_save(struct app *a);
