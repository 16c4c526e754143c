/* SPDX-License-Identifier: MIT */
/* Sessions that have settled: queued for their root's threads, CHECKS_MAX at a time in the order they settled, and what
 * follows from the verdict. Loop thread.
 *
 * The order of what is written: file rows, checks, content, then the step; the journal keeps it. */
#include "station/intake/checking.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "station/engine/lanes.h"
#include "station/engine/root.h"
#include "station/engine/rules.h"
#include "station/engine/session.h"
#include "station/intake/check_task.h"
#include "station/intake/unread.h"

#define RULES_WAIT_MS 10000
#define PENDING_MOST 512 /* what checks found weighs some KB a session until it is in the journal */

struct check_job {
	struct job job;
	struct ticket ticket;
	struct check_task task;
	struct rules *rules;
	atomic_bool cancel;
	char *root, **roots;
	char expected[65], folder[FOLDER_ID];
};

TAILQ_HEAD(check_queue, checking);
struct checking {		  /* of a session */
	struct unread unread; /* first (unread.c) */
	struct session *session;
	struct check_job *job;		/* it is read; NULL: it is not */
	struct check_queue *queued; /* it waits here; NULL: it does not */
	TAILQ_ENTRY(checking) link;
	bool twice; /* it was checked again, as another one was the same */
};
static_assert(offsetof(struct checking, unread) == 0, "unread.c finds it by the same pointer");
struct folder_checking { /* of a root */
	struct check_queue queue;
	size_t n; /* being read in its threads */
};
struct checked_content {
	int64_t session;
	struct sha256 content;
};
struct all_checking {
	size_t turn;								   /* the root whose sessions are read next */
	struct checked_content recent[CHECKS_MAX * 2]; /* the last contents that passed, in turn */
	size_t recent_at;
};
static struct checking *mine(const struct session *s) { return session_part(s, PART_CHECKING); }
static struct folder_checking *of_root(const struct engine *e, size_t root) {
	return root_part(e, root, PART_CHECKING);
}
static struct all_checking *of_all(const struct engine *e) { return engine_part(e, PART_CHECKING); }

/* The folders that answer, NULL-terminated, for the thread pool. */
static char **roots_copy(const struct engine *e) {
	char **list = xcalloc(e->root_n + 1, sizeof *list);
	size_t n = 0;
	for (size_t i = 0; i < e->root_n; i++)
		if (e->roots[i].ok) list[n++] = xstrdup(e->roots[i].path);
	return list;
}

static void roots_free(char **list) {
	for (size_t i = 0; list && list[i]; i++) free(list[i]);
	free(list);
}

/* --- the queue --- */

static void note(struct session *s) { s->checking = mine(s)->job || mine(s)->queued; }

static void check_queue(struct session *s) {
	struct checking *c = mine(s);
	if (c->job || c->queued) return;
	c->session = s;
	c->queued = &of_root(s->engine, s->root)->queue;
	TAILQ_INSERT_TAIL(c->queued, c, link);
	note(s);
	engine_poke(s->engine);
}

static void check_unqueue(struct checking *c) {
	if (c->queued) TAILQ_REMOVE(c->queued, c, link);
	c->queued = NULL;
}

static void check_cancel(struct session *s) {
	struct checking *c = mine(s);
	check_unqueue(c);
	if (c->job) atomic_store(&c->job->cancel, true);
	c->job = NULL;
	note(s);
}

/* --- verdicts --- */

/* Two copies checked at the same time do not see each other in the journal: the second is checked once more. */
static bool is_twin(struct session *s, const struct check_task *t) {
	struct all_checking *all = of_all(s->engine);
	if (!t->has_content || checks_hold(&t->checks)) return false;
	for (size_t i = 0; i < ARRAY_LEN(all->recent) && !mine(s)->twice; i++) {
		const struct checked_content *r = &all->recent[i];
		if (!r->session || r->session == s->row.id || !sha256_equal(&r->content, &t->content)) continue;
		return mine(s)->twice = true;
	}
	all->recent[all->recent_at++ % ARRAY_LEN(all->recent)] = (struct checked_content){s->row.id, t->content};
	return false;
}

static void on_written(void *arg, const struct error *err) {
	struct session *s = ticket_committed(arg, err);
	if (s && s->row.state == STATE_CHECKING) check_queue(s);
}

/* Once what the other one found is in the journal. */
static void check_again(struct session *s) {
	journal_update(s->engine->journal, &s->row, 0, NULL, on_written, ticket_new(s));
}

/* A folder that is held for its name stays the next one until a person has decided: a second check finds the same. */
static void take_folder(struct session *s, const struct check_task *t) {
	bool held_for_it = false, another = *s->row.folder && strcmp(s->row.folder, t->folder_now) != 0;
	for (size_t i = 0; i < t->checks.n; i++)
		held_for_it =
			held_for_it || (t->checks.items[i].id == CHECK_UNIQUE && t->checks.items[i].verdict == VERDICT_HOLD);
	if (another && held_for_it) return;
	memcpy(s->row.folder, t->folder_now, sizeof s->row.folder);
}

static void checked(struct session *s, struct check_task *t) {
	struct journal *j = s->engine->journal;
	char reason[512] = "";
	checks_reason(&t->checks, reason, sizeof reason);
	journal_set_files(j, s->row.id, s->row.revision, t->snapshot.files, t->snapshot.n, NULL, NULL);
	journal_set_checks(j, s->row.id, s->row.revision, "local", &t->checks);
	/* "send it" was said of those files */
	if (s->row.released && s->row.has_content && !sha256_equal(&s->row.content, &t->content)) s->row.released = false;
	s->row.has_content = t->has_content;
	s->row.content = t->content;
	take_folder(s, t);
	s->row.files = (int64_t)t->snapshot.n;
	s->row.bytes = t->snapshot.bytes;
	s->row.stored_files = s->row.stored_bytes = 0;
	for (size_t i = 0; i < t->snapshot.n; i++) {
		if (t->snapshot.files[i].state != FILE_STORED) continue;
		s->row.stored_files++;
		s->row.stored_bytes += t->snapshot.files[i].size;
	}
	int mask = SET_COUNTS | SET_STORED | SET_REASON | SET_CONTENT | SET_FLAGS;
	if (checks_hold(&t->checks)) {
		s->metadata_held = checks_hold_metadata_only(&t->checks) && t->snapshot.n > 0;
		session_hold(s, mask, reason);
	} else {
		char message[600];
		session_reason(s, reason);
		snprintf(message, sizeof message, "%lld files pass the checks%s%s", (long long)s->row.files,
			*reason ? "; " : "", reason);
		session_go(s, EVENT_PASSED, mask, *reason ? "warn" : "info", message);
	}
}

static void check_over(struct session *s, struct check_task *t) {
	if (s->committing || t->err.code == ERR_CANCELLED) return;
	if (s->row.state != (t->probe ? STATE_HELD : STATE_CHECKING)) return;
	if (unread_short(s, &t->err)) return;
	if (t->err.code != ERR_NONE) {
		engine_fail(s->engine, &t->err); /* the journal could not be read */
		return;
	}
	if (t->changed) {
		s->changed = true;
		s->looked = false;
		session_poke(s);
		return;
	}
	if (t->probe) {
		unread_probed(s, t);
		return;
	}
	if (unread_wait(s, t)) return;
	if (is_twin(s, t)) check_again(s);
	else checked(s, t);
	unread_noted(s, &t->unread);
}

static void check_job_run(struct job *j) {
	struct check_job *c = (struct check_job *)j;
	struct engine *e = j->engine;
	if (view_take(e, &c->task.view, &c->task.err)) return;
	check_task_run(&c->task);
	view_give(e, c->task.view);
}

static void check_job_done(struct job *j) {
	struct check_job *c = (struct check_job *)j;
	struct engine *e = j->engine;
	of_root(e, c->ticket.root)->n--;
	struct session *s = ticket_session(&c->ticket);
	if (s) mine(s)->job = NULL, note(s);
	if (s && !e->stopping) check_over(s, &c->task);
	check_task_done(&c->task);
	rules_drop(c->rules);
	free(c->root);
	roots_free(c->roots);
	free(c);
}

static void check_start(struct session *s) {
	struct engine *e = s->engine;
	struct check_job *c = xcalloc(1, sizeof *c);
	c->job = (struct job){.run = check_job_run, .done = check_job_done};
	c->ticket = ticket_of(s);
	c->rules = rules_hold(e);
	c->root = xstrdup(s->row.root);
	c->roots = roots_copy(e);
	memcpy(c->folder, s->row.folder, sizeof c->folder);
	memcpy(c->expected, s->row.fingerprint, sizeof c->expected);
	c->task.config = e->config;
	c->task.schema = &c->rules->schema;
	c->task.root = c->root;
	c->task.session = c->ticket.name;
	c->task.roots = (const char *const *)c->roots;
	c->task.expected = c->expected;
	c->task.folder = c->folder;
	c->task.released = s->row.released;
	c->task.probe = s->row.state == STATE_HELD;
	c->task.id = s->row.id;
	c->task.revision = s->row.revision;
	c->task.cancel = &c->cancel;
	c->task.err = ERROR_INIT;
	mine(s)->job = c;
	note(s);
	of_root(e, s->root)->n++;
	lane_start(e, s->root, LANE_HASH, &c->job);
}

static bool checking_waits(const struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++)
		if (!TAILQ_EMPTY(&of_root(e, i)->queue)) return true;
	return false;
}

/* The first answer about the cloud's rules is waited for, but not for as long as a dead network may take. */
static bool rules_are_coming(struct engine *e) {
	if (!checking_waits(e) || !e->rules_awaited) return false;
	int64_t until = e->started_ms + RULES_WAIT_MS;
	if (now_ms() >= until) return false;
	engine_wake_at(e, until);
	return true;
}

/* Those of roots that do not answer take no place of the others. */
static size_t checking_count(const struct engine *e) {
	size_t n = 0;
	for (size_t i = 0; i < e->root_n; i++) n += root_hangs(e, i) ? 0 : of_root(e, i)->n;
	return n;
}

/* Whose turn it is: the roots in turn, each in the order its sessions settled. */
static struct session *check_next(struct engine *e) {
	struct all_checking *all = of_all(e);
	for (size_t i = 0; i < e->root_n; i++) {
		size_t root = (all->turn + i) % e->root_n;
		const struct folder_checking *f = of_root(e, root);
		struct checking *c = TAILQ_FIRST(&f->queue);
		if (!c || root_hangs(e, root) || f->n >= CHECKS_MAX) continue;
		all->turn = (root + 1) % e->root_n;
		return c->session;
	}
	return NULL;
}

/* --- the part --- */

static void root(struct engine *e, size_t index) { TAILQ_INIT(&of_root(e, index)->queue); }

/* May the data of one that is held go up, and is it to be read again? */
static void held_load(struct session *s, struct journal_view *v) {
	AUTO(check_list_done) struct check_list checks = {0};
	struct error err = ERROR_INIT;
	if (journal_checks(v, s->row.id, s->row.revision, "local", &checks, &err)) return;
	s->metadata_held = checks_hold_metadata_only(&checks) && s->row.files > 0;
	unread_load(s, &checks);
}

static void load(struct engine *e, struct journal_view *v) {
	for (size_t i = 0; i < e->sessions.n; i++)
		if (e->sessions.items[i]->row.state == STATE_HELD) held_load(e->sessions.items[i], v);
}

static void enter(struct session *s) {
	if (s->row.state == STATE_CHECKING) check_queue(s);
}

static void drive(struct session *s) {
	unread_drive(s);
	if (s->check_wanted) check_queue(s);
	s->check_wanted = false;
}

static void renew(struct session *s) {
	check_cancel(s);
	mine(s)->twice = false;
}

static void pump(struct engine *e) {
	struct session *s;
	if (rules_are_coming(e)) return;
	if (journal_pending(e->journal) > PENDING_MOST) {
		if (checking_waits(e)) e->commit_awaited = true;
		return;
	}
	while (checking_count(e) < CHECKS_MAX && (s = check_next(e)) != NULL) {
		check_unqueue(mine(s));
		note(s);
		bool wanted = s->row.state == STATE_CHECKING || (s->row.state == STATE_HELD && s->unread);
		if (wanted && !s->committing && !s->dead) check_start(s);
	}
}

static bool session_busy(const struct session *s) {
	if (s->dead || s->row.ignored || root_hangs(s->engine, s->root)) return false;
	return unread_busy(s) || (s->row.state == STATE_CHECKING && s->row.present && !s->row.paused);
}

static enum busy busy(const struct engine *e) {
	for (size_t i = 0; i < e->sessions.n; i++)
		if (session_busy(e->sessions.items[i])) return e->cloud.key_refused ? BUSY_LEFT : BUSY_NOW;
	return BUSY_NOT;
}

/* Whoever shows it looks again after this. */
static void status(struct engine *e, cJSON *to) {
	(void)to;
	if (checking_count(e)) engine_changed(e);
}

static void status_session(const struct session *s, cJSON *session) {
	const struct check_job *c = mine(s)->job;
	json_add_i64(session, "checked_bytes", c ? atomic_load_explicit(&c->task.done_bytes, memory_order_relaxed) : 0);
}

static void stop(struct engine *e) {
	for (size_t i = 0; i < e->sessions.n; i++) check_cancel(e->sessions.items[i]);
}

const struct part checking_part = {
	.engine_size = sizeof(struct all_checking),
	.root_size = sizeof(struct folder_checking),
	.session_size = sizeof(struct checking),
	.root = root,
	.load = load,
	.enter = enter,
	.drive = drive,
	.renew = renew,
	.forget = check_cancel,
	.pump = pump,
	.busy = busy,
	.status = status,
	.status_session = status_session,
	.stop = stop,
};
