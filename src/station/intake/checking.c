/* SPDX-License-Identifier: MIT */
/* Sessions that have settled: queued for their root's threads, CHECKS_MAX at a time in the order they settled, and what
 * follows from the verdict. Loop thread.
 *
 * The order of what is written: file rows, checks, content, then the step; the journal keeps it. */
#include "station/intake/check_task.h"

#include <stdlib.h>
#include <string.h>

#include "station/engine/engine_internal.h"

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

/* --- verdicts --- */

void session_hold(struct session *s, int mask, const char *reason) {
	char message[600];
	session_reason(s, reason);
	snprintf(message, sizeof message, "held: %s", *reason ? reason : "a check says so");
	outbox_report(s, "warn", "held", message);
	session_go(s, EVENT_HELD_BACK, mask | SET_REASON, "warn", reason);
}

/* Two copies checked at the same time do not see each other in the journal: the second is checked once more. */
static bool is_twin(struct session *s, const struct check_task *t) {
	struct engine *e = s->engine;
	if (!t->has_content || checks_hold(&t->checks)) return false;
	for (size_t i = 0; i < ARRAY_LEN(e->recent) && !s->checked_twice; i++) {
		const struct checked_content *r = &e->recent[i];
		if (!r->session || r->session == s->row.id || !sha256_equal(&r->content, &t->content)) continue;
		return s->checked_twice = true;
	}
	e->recent[e->recent_at++ % ARRAY_LEN(e->recent)] = (struct checked_content){s->row.id, t->content};
	return false;
}

static void on_written(void *arg, const struct error *err) {
	struct session *s = ticket_committed(arg, err);
	if (s && s->row.state == STATE_CHECKING) checking_enter(s);
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
	e->roots[c->ticket.root].check_n--;
	struct session *s = ticket_session(&c->ticket);
	if (s) s->check = NULL;
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
	s->check = c;
	e->roots[s->root].check_n++;
	lane_start(e, s->root, LANE_HASH, &c->job);
}

void checking_enter(struct session *s) {
	if (s->check || s->check_queued) return;
	s->check_queued = true;
	TAILQ_INSERT_TAIL(&s->engine->roots[s->root].work->checks, s, check_link);
	engine_poke(s->engine);
}

bool checking_waits(const struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++)
		if (!TAILQ_EMPTY(&e->roots[i].work->checks)) return true;
	return false;
}

/* The first answer about the cloud's rules is waited for, but not for as long as a dead network may take. */
static bool rules_are_coming(struct engine *e) {
	if (!checking_waits(e) || !e->schema_asking || e->schema_asked) return false;
	int64_t until = e->started_ms + RULES_WAIT_MS;
	if (now_ms() >= until) return false;
	engine_wake_at(e, until);
	return true;
}

/* Those of roots that do not answer take no place of the others. */
size_t checking_count(const struct engine *e) {
	size_t n = 0;
	for (size_t i = 0; i < e->root_n; i++) n += root_hangs(e, i) ? 0 : e->roots[i].check_n;
	return n;
}

/* Whose turn it is: the roots in turn, each in the order its sessions settled. */
static struct session *check_next(struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[(e->check_turn + i) % e->root_n];
		struct session *s = TAILQ_FIRST(&r->work->checks);
		if (!s || r->hanging_ms || r->check_n >= CHECKS_MAX) continue;
		e->check_turn = (e->check_turn + i + 1) % e->root_n;
		return s;
	}
	return NULL;
}

void checking_pump(struct engine *e) {
	struct session *s;
	if (rules_are_coming(e)) return;
	if (journal_pending(e->journal) > PENDING_MOST) return; /* on_journal_moved comes */
	while (checking_count(e) < CHECKS_MAX && (s = check_next(e)) != NULL) {
		TAILQ_REMOVE(&e->roots[s->root].work->checks, s, check_link);
		s->check_queued = false;
		bool wanted = s->row.state == STATE_CHECKING || (s->row.state == STATE_HELD && s->unread);
		if (wanted && !s->committing && !s->dead) check_start(s);
	}
}

void checking_cancel(struct session *s) {
	if (s->check_queued) TAILQ_REMOVE(&s->engine->roots[s->root].work->checks, s, check_link);
	s->check_queued = false;
	if (s->check) atomic_store(&s->check->cancel, true);
	s->check = NULL;
}

int64_t checking_done_bytes(const struct session *s) {
	return s->check ? atomic_load_explicit(&s->check->task.done_bytes, memory_order_relaxed) : 0;
}

void held_load(struct session *s, struct journal_view *v) {
	AUTO(check_list_done) struct check_list checks = {0};
	struct error err = ERROR_INIT;
	if (journal_checks(v, s->row.id, s->row.revision, "local", &checks, &err)) return;
	s->metadata_held = checks_hold_metadata_only(&checks) && s->row.files > 0;
	unread_load(s, &checks);
}
