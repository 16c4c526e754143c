/* SPDX-License-Identifier: MIT */
/* An engine of the console's own, when none runs: it outlives the console while work is left. One that ends otherwise
 * than it was asked to is followed by another, after pauses that grow while they end soon: neither a broken
 * configuration nor a lock that another process holds makes a storm of them. Loop thread. */
#include <stdio.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "ui/model/source_internal.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MOST_MS 60000
#define SOUND_MS 60000 /* one that ran so long was able to */
#define FLAGS_MOST 64

static void on_engine_closed(uv_handle_t *h) { source_released(h->data); }

/* Why no engine of ours runs, unless another one does. */
static void engine_gone(struct source *s, enum error_code code, const char *text) {
	struct error why = ERROR_INIT;
	error_set(&why, code, "%s", text);
	if (s->model->link == LINK_UP) return;
	source_link(s, s->model->link == LINK_CONNECTING ? LINK_NONE : s->model->link, &why);
	if (code != ERR_BUSY) s->o.on_say(s->o.arg, true, text);
}

/* Another process may hold the station meanwhile, and be attached to. */
static void on_engine_again(uv_timer_t *t) {
	struct source *s = t->data;
	if (s->model->link != LINK_UP) engine_start(s);
}

#define FULL_BYTES (1 << 20) /* with less than this left, a journal cannot be written */

/* What its status tells of why. */
static void engine_why(const struct source *s, int64_t status, char *to, size_t size) {
	struct file_system fs;
	struct error err = ERROR_INIT;
	bool disk = status == error_classes[ERR_DISK].exit_status;
	if (disk && file_system_of(s->reader.state_dir, &fs, &err) == 0 && fs.free_bytes < FULL_BYTES)
		snprintf(to, size, "the journal's disk is full, free some space (%.100s)", s->reader.state_dir);
	else if (disk) snprintf(to, size, "the local disk or the journal fails, headgate run tells why");
	else snprintf(to, size, "headgate run tells why");
}

static void engine_again(struct source *s, int64_t status, int signal_number) {
	char text[320], why[200];
	if (clock_mono_ms() - s->engine_ms >= SOUND_MS) s->engine_pause_ms = 0;
	s->engine_pause_ms = MIN(MAX(s->engine_pause_ms * 2, PAUSE_FIRST_MS), PAUSE_MOST_MS);
	uv_update_time(s->loop);
	uv_timer_start(&s->engine_again, on_engine_again, (uint64_t)s->engine_pause_ms, 0);
	const char *pause = UNIT_DURATION(s->engine_pause_ms);
	bool busy = status == error_classes[ERR_BUSY].exit_status;
	if (signal_number)
		snprintf(text, sizeof text, "the engine was ended by signal %d; another starts in %s", signal_number, pause);
	else if (busy) snprintf(text, sizeof text, "another process holds this station; it is tried again in %s", pause);
	else {
		engine_why(s, status, why, sizeof why);
		snprintf(text, sizeof text, "no engine could be started (status %d): %s; again in %s", (int)status, why, pause);
	}
	engine_gone(s, busy ? ERR_BUSY : ERR_CONFIG, text);
}

static void on_engine_exit(uv_process_t *p, int64_t status, int signal_number) {
	struct source *s = p->data;
	s->engine_open = false;
	uv_close((uv_handle_t *)p, on_engine_closed);
	if (s->closing) return;
	if ((!status && !signal_number) || status == error_classes[ERR_CANCELLED].exit_status)
		engine_gone(s, ERR_NOT_FOUND, "the engine was asked to end; start one with: headgate run");
	else engine_again(s, status, signal_number);
}

void engine_start(struct source *s) {
	const struct source_options *o = &s->o;
	const char *argv[FLAGS_MOST + 5] = {o->engine_path, "run", "--linger", "--quiet"};
	size_t n = 4;
	for (size_t i = 0; o->engine_flags && o->engine_flags[i] && i < FLAGS_MOST; i++) argv[n++] = o->engine_flags[i];
	uv_stdio_container_t nothing[3] = {{.flags = UV_IGNORE}, {.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
	const uv_process_options_t p = {
		.file = o->engine_path,
		.args = (char **)(uintptr_t)argv,
		.stdio = nothing,
		.stdio_count = ARRAY_LEN(nothing),
		.flags = UV_PROCESS_DETACHED, /* setsid: neither a hang-up nor Ctrl-C of this terminal reaches it */
		.exit_cb = on_engine_exit,
	};
	s->engine.data = s;
	s->handles++;
	s->engine_ms = clock_mono_ms();
	/* whatever this process was started with and opened: an engine that held a terminal would keep an ssh from ending
	 */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	int e = uv_spawn(s->loop, &s->engine, &p);
	s->engine_open = e == 0;
	if (e) {
		struct error why = ERROR_INIT;
		error_set(&why, ERR_INTERNAL, "no engine could be started: %s", uv_strerror(e));
		source_link(s, LINK_NONE, &why);
		uv_close((uv_handle_t *)&s->engine, on_engine_closed);
		return;
	}
	uv_unref((uv_handle_t *)&s->engine);
	if (s->model->link == LINK_NONE) source_link(s, LINK_CONNECTING, &(struct error){.code = ERR_NONE});
}
