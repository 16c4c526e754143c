/* SPDX-License-Identifier: MIT */
/* `headgate retry` and the like without a running engine: takes the station's lock and goes through the journal's
 * gateway as the engine does. A loop of its own, for the journal's callbacks. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "station/run/run.h"
#include "station/journal/journal.h"
#include "station/intake/rivals.h"
#include "station/disk/scan.h"
#include "station/journal/state.h"

struct offline {
	const struct config *config;
	uv_loop_t loop;
	struct journal *journal;
	struct error failed; /* of a commit */
};

static void on_commit(void *arg, const struct error *err) {
	struct offline *o = arg;
	if (err->code != ERR_NONE && o->failed.code == ERR_NONE) o->failed = *err;
}

static void on_closed(void *arg) { ((struct offline *)arg)->journal = NULL; }

static int retry_row(struct offline *o, struct session_row *row, struct error *err) {
	int mask = SET_REASON | SET_NEXT_ATTEMPT;
	if (row->state == STATE_QUEUED) {
		row->next_attempt_ms = 0;
		journal_update(o->journal, row, SET_NEXT_ATTEMPT, "an operator asks for the next attempt now", on_commit, o);
		return 0;
	}
	if (row->state == STATE_REJECTED) { /* the same manifest would be rejected again */
		row->revision++;
		row->tries = 0;
		row->stored_files = row->stored_bytes = 0;
		row->data_safe = false;
		mask |= SET_REVISION | SET_TRIES | SET_STORED | SET_FLAGS;
	}
	row->next_attempt_ms = 0;
	free(row->reason);
	row->reason = NULL;
	return session_step(
		o->journal, row, EVENT_RETRIED, mask, "info", "an operator asks to try again", on_commit, o, err);
}

static int release_row(struct offline *o, struct session_row *row, struct error *err) {
	row->released = true;
	journal_decide(o->journal, row, SET_FLAGS, "released", getuid(), on_commit, o);
	return retry_row(o, row, err);
}

struct offline_act {
	const char *name;
	/* 0: a column beside the state. */
	int (*step)(struct offline *o, struct session_row *row, struct error *err);
	bool ignores /* else pauses */, value;
	const char *verb;
};
static const struct offline_act acts[] = {
	{"retry", .step = retry_row},
	{"release", .step = release_row},
	{"pause", .value = true, .verb = "paused"},
	{"resume", .verb = "resumed"},
	{"ignore", .ignores = true, .value = true, .verb = "ignored"},
	{"unignore", .ignores = true, .verb = "no longer ignored"},
};

static int act_fits(const struct offline_act *act, const struct session_row *row, struct error *err) {
	if (row->state == STATE_ACCEPTED)
		return error_set(err, ERR_INPUT, "session %s is accepted: there is nothing to %s%s", row->name,
			act->step == retry_row ? "try" : act->name, act->step == retry_row ? " again" : "");
	if (act->step == release_row && !rival_holds(row))
		return error_set(err, ERR_INPUT, "session %s is %s: " RELEASE_REFUSAL, row->name, state_name(row->state));
	bool waits = act->step == retry_row && row->state == STATE_QUEUED;
	if (act->step && !waits && state_next(row->state, EVENT_RETRIED) < 0)
		return error_set(err, ERR_INPUT,
			"session %s is %s: only held, rejected, failed and waiting ones are tried again", row->name,
			state_name(row->state));
	return 0;
}

static int act_row(struct offline *o, const struct offline_act *act, struct session_row *row, struct error *err) {
	if (act->step) return act->step(o, row, err);
	bool *column = act->ignores ? &row->ignored : &row->paused;
	if (*column == act->value) return 0;
	*column = act->value;
	if (act->ignores && !row->has_content) folder_id(row->root, row->name, row->folder); /* this folder, no other */
	journal_decide(o->journal, row, SET_FLAGS | SET_CONTENT, act->verb, getuid(), on_commit, o);
	return 0;
}

static int act_name(struct offline *o, struct journal_view *v, const struct offline_act *act, const char *name,
	bool only_look, struct error *err) {
	struct session_row row = {0};
	int found = journal_session(v, name, NULL, &row, err);
	if (found < 0) return -1;
	if (!found) return error_set(err, ERR_NOT_FOUND, "there is no session %s in the journal", name);
	int failed = only_look ? act_fits(act, &row, err) : act_row(o, act, &row, err);
	session_row_done(&row);
	return failed;
}

/* All of them, or none. */
static int act_names(
	struct offline *o, const struct offline_act *act, const char *const *names, size_t n, struct error *err) {
	AUTO(journal_view_close) struct journal_view *v = NULL;
	if (journal_view_open(&v, o->config->state_dir, err)) return -1;
	for (size_t i = 0; i < 2 * n; i++)
		if (act_name(o, v, act, names[i % n], i < n, err)) return -1;
	return 0;
}

/* Opens the journal under the station's lock, lets `work` write to it, and waits until all is committed. */
static int offline_run(const struct config *c, const char *what,
	int (*work)(struct offline *o, void *arg, struct error *err), void *arg, struct error *err) {
	AUTO(fd_close) int lock = -1;
	AUTO(xfree) char *path = path_join(c->state_dir, "lock");
	if (file_lock(path, &lock, err)) {
		if (err->code == ERR_NOT_FOUND)
			error_set(err, ERR_NOT_FOUND, "there is no journal in %s yet: headgate run makes it", c->state_dir);
		else if (err->os == EACCES)
			error_set(err, ERR_DISK, "no engine runs for %s, and without one only its user may %s: start it first",
				c->state_dir, what);
		return -1;
	}
	struct offline o = {.config = c};
	struct journal_options jo = {.allow_volatile = c->allow_volatile, .group = c->group};
	int failed = uv_loop_init(&o.loop);
	assert(!failed);
	int result = journal_open(&o.journal, &o.loop, c->state_dir, &jo, err);
	if (result == 0) {
		result = work(&o, arg, err);
		journal_close(o.journal, on_closed, &o);
	}
	uv_run(&o.loop, UV_RUN_DEFAULT);
	failed = uv_loop_close(&o.loop);
	assert(!failed);
	(void)failed;
	if (result == 0 && o.failed.code != ERR_NONE) {
		*err = o.failed;
		return -1;
	}
	return result;
}

struct offline_names {
	const struct offline_act *act;
	const char *const *names;
	size_t n;
};

static int work_names(struct offline *o, void *arg, struct error *err) {
	const struct offline_names *w = arg;
	return act_names(o, w->act, w->names, w->n, err);
}

int engine_offline_act(
	const struct config *c, const char *method, const char *const *names, size_t n, struct error *err) {
	struct offline_names w = {.act = acts, .names = names, .n = n};
	while (strcmp(w.act->name, method) != 0) w.act++;
	return offline_run(c, method, work_names, &w, err);
}

/* --- a folder that was moved --- */

struct relocation {
	const char *from, *to;
	struct relocated *count;
	struct offline *offline;
	struct journal_view *view;
	struct error *err;
};

/* Without the slashes at its end, as the journal has it. */
static bool root_is(const char *root, const char *path) {
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/') n--;
	return strlen(root) == n && memcmp(root, path, n) == 0;
}

static int on_relocate(void *arg, const struct session_row *row) {
	struct relocation *r = arg;
	struct session_row there = {0};
	if (!root_is(row->root, r->from)) return 0;
	int found = journal_session(r->view, row->name, r->to, &there, r->err);
	session_row_done(&there);
	if (found < 0) return -1;
	if (found) {
		r->count->stayed++;
		return 0;
	}
	AUTO(xfree) char *message = xasprintf("it was moved from %s to %s", row->root, r->to);
	journal_relocate(r->offline->journal, row->id, r->to, message, on_commit, r->offline);
	r->count->moved++;
	return 0;
}

static int work_relocate(struct offline *o, void *arg, struct error *err) {
	struct relocation *r = arg;
	AUTO(journal_view_close) struct journal_view *v = NULL, *inner = NULL;
	const struct session_filter all = {.state = -1};
	r->offline = o;
	r->err = err;
	if (journal_view_open(&v, o->config->state_dir, err) || journal_view_open(&inner, o->config->state_dir, err))
		return -1;
	r->view = inner;
	return journal_sessions(v, &all, on_relocate, r, err) ? -1 : 0;
}

int engine_relocate(
	const struct config *c, const char *from, const char *to, struct relocated *ret, struct error *err) {
	AUTO(xfree) char *target = xstrdup(to);
	for (size_t n = strlen(target); n > 1 && target[n - 1] == '/'; n--) target[n - 1] = '\0';
	*ret = (struct relocated){0};
	struct relocation r = {.from = from, .to = target, .count = ret};
	return offline_run(c, "relocate", work_relocate, &r, err);
}
