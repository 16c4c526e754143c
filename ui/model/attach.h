/* SPDX-License-Identifier: MIT */
/* The control socket as the console uses it: asynchronous, on the loop. It connects, says hello, subscribes, and
 * connects again when the engine goes, with growing pauses. Nothing here waits, whatever the other side does: lines
 * have a ceiling, lines a second too, every question has a deadline, and what is no JSON drops the link. An engine that
 * misses a deadline is LINK_SILENT until its next word. Loop thread. */
#pragma once

#include <uv.h>

#include "base/json.h"
#include "ui/model/model.h"

#define ATTACH_ASKS_MAX 16

struct attach;
/* The engine's answer, or err (never both); result is borrowed. */
typedef void attach_on_answer(void *arg, const cJSON *result, const struct error *err);
struct attach_options {
	const char *state_dir;
	int64_t answer_ms;													 /* deadline of an answer; 0: 10 s */
	void (*on_link)(void *arg, enum link link, const struct error *err); /* err: why, ERR_NONE when there is no why */
	void (*on_notice)(void *arg, const char *method, const cJSON *params);
	void *arg;
};
/* Tries at once; on_link is not called before it returns: see attach_link. */
MUST_USE int attach_open(struct attach **ret, uv_loop_t *loop, const struct attach_options *o, struct error *err);
void attach_close(struct attach *a, void (*on_closed)(void *arg), void *arg);
enum link attach_link(const struct attach *a);
/* Try now: the socket may have appeared. */
void attach_kick(struct attach *a);
/* Something calls attach_kick when the socket appears, so that pauses may grow. */
void attach_watched(struct attach *a, bool watched);
/* params is taken, may be NULL. on_answer is called exactly once, at the latest by attach_close (ERR_CANCELLED). */
void attach_ask(struct attach *a, const char *method, cJSON *params, attach_on_answer *on_answer, void *arg);
