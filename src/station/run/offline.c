/* SPDX-License-Identifier: MIT */
/* `headgate retry` and the like without a running engine: takes the station's lock and goes through the journal's
 * gateway as the engine does. A loop of its own, for the journal's callbacks. */
#include "station/run/offline.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "station/disk/scan.h"
#include "station/journal/journal.h"
#include "station/told/acts.h"

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

/* --- the acts --- */

struct offline_acts {
	enum act act;
	const char *const *names;
	size_t n;
	struct session_row *rows; /* owned: each of the named sessions once */
	size_t row_n, capacity;
};

static void acts_done(struct offline_acts *w) {
	for (size_t i = 0; i < w->row_n; i++) session_row_done(&w->rows[i]);
	free(w->rows);
}

struct meant {
	enum act act;
	struct session_row row;
	bool found;
};

static int on_of_name(void *arg, const struct session_row *row) {
	struct meant *m = arg;
	if (!act_means(m->act, row, m->found ? &m->row : NULL)) return 0;
	session_row_done(&m->row);
	m->row = session_row_copy(row);
	m->found = true;
	return 0;
}

static bool acts_have(const struct offline_acts *w, int64_t id) {
	for (size_t i = 0; i < w->row_n; i++)
		if (w->rows[i].id == id) return true;
	return false;
}

static int acts_find(struct offline_acts *w, struct journal_view *v, const char *name, struct error *err) {
	struct meant m = {.act = w->act};
	int failed = journal_of_name(v, name, on_of_name, &m, err);
	if (!failed && !m.found) failed = error_set(err, ERR_NOT_FOUND, "there is no session %s in the journal", name);
	if (!failed) failed = act_refuse(w->act, &m.row, err);
	if (failed || acts_have(w, m.row.id)) {
		session_row_done(&m.row);
		return failed ? -1 : 0;
	}
	ARRAY_RESERVE(w->rows, w->row_n, w->capacity);
	w->rows[w->row_n++] = m.row;
	return 0;
}

static int act_over(struct offline *o, enum act a, struct session_row *row, struct error *err) {
	const char *verb;
	int mask = act_decide(a, row, &verb);
	/* this folder, no other: what the engine's next look does */
	if ((mask & SET_CONTENT) && !*row->folder) folder_id(row->root, row->name, row->folder);
	if (mask) journal_decide(o->journal, row, mask, verb, getuid(), on_commit, o);
	if (!act_retries(a)) return 0;
	struct retry r = act_retry(row);
	if (r.event >= 0)
		return session_step(o->journal, row, (enum session_event)r.event, r.mask, "info", r.message, on_commit, o, err);
	if (r.mask) journal_update(o->journal, row, r.mask, r.message, on_commit, o);
	return 0;
}

/* All of them, or none. */
static int work_acts(struct offline *o, void *arg, struct error *err) {
	struct offline_acts *w = arg;
	AUTO(journal_view_close) struct journal_view *v = NULL;
	if (journal_view_open(&v, o->config->state_dir, err)) return -1;
	for (size_t i = 0; i < w->n; i++)
		if (acts_find(w, v, w->names[i], err)) return -1;
	for (size_t i = 0; i < w->row_n; i++)
		if (act_over(o, w->act, &w->rows[i], err)) return -1;
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
	/* the events that are logged are told by the command in its own words */
	if (log_open(c->log_file, c->log_file ? LOG_INFO : LOG_WARN, 0, 0, err)) return -1;
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

int engine_offline_act(const struct config *c, enum act a, const char *const *names, size_t n, struct error *err) {
	struct offline_acts w = {.act = a, .names = names, .n = n};
	int failed = offline_run(c, act_name(a), work_acts, &w, err);
	acts_done(&w);
	return failed;
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
