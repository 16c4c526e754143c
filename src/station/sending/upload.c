/* SPDX-License-Identifier: MIT */
/* Which session is sent now, and what follows when one is sent or cannot be. A connection budget is shared over
 * sessions; the oldest unfinished one takes what it can use, so that one is safe before two are half done. Loop thread.
 *
 * Invariants: no PUT leaves before the journal knows that one may (`cleared`); an upload lives in memory only while
 * its session is at it; a session's `transfers` may outlive its upload, and no new upload begins before they end. */
#include "station/sending/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "station/engine/engine_internal.h"

#define STORED_SAVE_MS 1000 /* counts are for the eye: written at most so often */

/* --- loading --- */

struct load {
	struct job job;
	struct ticket ticket;
	int64_t id;
	struct file_row *files;
	size_t n;
	struct error err;
};

static void load_run(struct job *j) {
	struct load *l = (struct load *)j;
	struct journal_view *v = NULL;
	if (view_take(j->engine, &v, &l->err)) return;
	if (journal_files(v, l->id, 0, &l->files, &l->n, &l->err)) l->files = NULL;
	view_give(j->engine, v);
}

static void upload_fill(struct session *s, struct load *l) {
	struct upload *u = s->upload;
	u->files = TAKE(l->files);
	u->n = l->n;
	u->slots = xcalloc(u->n, sizeof *u->slots);
	s->row.stored_files = s->row.stored_bytes = 0;
	const struct file_row *metadata = file_row_find(u->files, u->n, s->engine->rules->schema.file);
	u->metadata = metadata ? (size_t)(metadata - u->files) : u->n;
	u->revision = s->row.revision;
	for (size_t i = 0; i < u->n; i++) {
		if (u->files[i].state != FILE_STORED || s->recheck) continue;
		upload_stored(u, i);
		u->stored_kin = u->stored_kin || upload_is_kin(u, i);
		s->row.stored_files++;
		s->row.stored_bytes += u->files[i].size;
	}
	s->recheck = false;
	u->loading = false;
}

static void load_done(struct job *j) {
	struct load *l = (struct load *)j;
	struct session *s = ticket_session(&l->ticket);
	if (s && s->upload && !j->engine->stopping) {
		if (l->err.code == ERR_NONE) upload_fill(s, l);
		else if (is_short_of(&l->err)) session_trouble(s, STEP_PAUSE, &l->err, 0);
		else engine_fail(j->engine, &l->err);
		session_poke(s);
	}
	if (l->files) file_rows_free(l->files, l->n);
	free(l);
}

static void upload_open(struct session *s) {
	struct load *l = xcalloc(1, sizeof *l);
	*l = (struct load){.job = {.run = load_run, .done = load_done}, .ticket = ticket_of(s), .id = s->row.id};
	s->upload = xcalloc(1, sizeof *s->upload);
	s->upload->loading = true;
	s->upload->data_only = s->row.state == STATE_HELD;
	s->awaits_cloud = false;
	if (!s->rate) s->rate = xcalloc(1, sizeof *s->rate);
	job_start(s->engine, &l->job);
}

void upload_drop(struct session *s) {
	upload_free(s->upload);
	s->upload = NULL;
}

/* --- what a stored file means --- */

static void save_counts(struct session *s) {
	if (now_ms() - s->stored_save_ms < STORED_SAVE_MS) return;
	s->stored_save_ms = now_ms();
	session_save(s, SET_STORED, NULL);
}

void upload_done(struct session *s, size_t index) {
	struct upload *u = s->upload;
	struct file_row *f = upload_file(u, index);
	s->pauses = 0;
	f->state = FILE_STORED;
	f->stored_ms = clock_wall_ms();
	upload_stored(u, index);
	session_poke(s);
	if (index == SLOT_MANIFEST) return;
	s->row.stored_files++;
	s->row.stored_bytes += f->size;
	journal_file_stored(s->engine->journal, s->row.id, f, NULL, NULL);
	save_counts(s);
}

static void upload_whole(struct session *s) {
	char message[128];
	s->row.uploaded_ms = clock_wall_ms();
	session_reason(s, NULL);
	snprintf(message, sizeof message, "all %lld files are stored", (long long)s->row.files);
	s->ask_now = s->upload->adopted;
	upload_drop(s);
	session_go(s, EVENT_STORED, SET_STORED | SET_TIMES | SET_REASON, "info", message);
}

static void data_whole(struct session *s) {
	upload_drop(s);
	s->row.data_safe = true;
	session_save(s, SET_FLAGS | SET_STORED, "its data files are in the cloud; the metadata waits for a person");
}

/* --- trouble --- */

static int64_t pause_ms(const struct session *s) {
	const struct engine *e = s->engine;
	struct backoff b = {.base_ms = e->config->retry_base_ms, .cap_ms = e->config->retry_cap_ms};
	return MAX(backoff_steady_ms(&b, MAX(MAX(s->row.tries, s->pauses), 1)), s->trouble_wait_ms);
}

/* The cloud as a whole is away, or does not do what every session needs: none is at fault, and none waits longer than
 * the next probe, which is one session's call. */
static const struct health *away(const struct engine *e) {
	if (e->api.down) return &e->api;
	if (e->objects.down) return &e->objects;
	if (e->pace[ANSWER_PRESIGN].down) return &e->pace[ANSWER_PRESIGN];
	const struct health *stat = &e->pace[ANSWER_STAT]; /* not every session needs it: no probe of its own */
	return stat->down && !health_may(stat, now_ms()) ? stat : NULL;
}

/* Others came through since this one last failed: then it is this one that the cloud does not serve, and it waits by
 * itself, longer each time. */
static bool is_alone(struct session *s) {
	bool alone = s->pauses > 0 && s->recoveries != s->engine->recoveries;
	s->recoveries = s->engine->recoveries;
	return alone;
}

#define WAIT_MOST_MS 3600000 /* Retry-After is capped at the same */

void upload_wait(struct session *s, int64_t wait_ms) {
	int64_t most = MAX(s->engine->config->retry_cap_ms, WAIT_MOST_MS);
	s->attempt_ms = now_ms() + MAX(MIN(wait_ms, most), 0);
}

void upload_at_once(struct session *s) {
	s->row.next_attempt_ms = s->attempt_ms = 0;
	s->awaits_cloud = false;
}

void upload_pause(struct session *s, const struct error *why, bool at_once) {
	const struct health *h = away(s->engine);
	bool alone = !s->trouble_shared && is_alone(s);
	if (!s->trouble_shared) s->pauses++;
	s->trouble_shared = false;
	if (alone) h = NULL;
	s->awaits_cloud = h != NULL;
	int64_t wait = h ? MAX(h->next_ms - now_ms(), 0) : at_once ? 0 : pause_ms(s);
	s->row.next_attempt_ms = clock_wall_ms() + wait;
	upload_wait(s, wait);
	upload_drop(s);
	int mask = SET_NEXT_ATTEMPT | SET_REASON | SET_STORED;
	if (s->row.state == STATE_HELD) mask &= ~SET_REASON; /* why it is held matters more */
	else session_reason(s, why->text);
	if (s->row.state == STATE_UPLOADING) session_go(s, EVENT_INTERRUPTED, mask, "warn", why->text);
	else session_save(s, mask, NULL);
	session_due(s, s->attempt_ms);
}

static void upload_trouble(struct session *s) {
	struct error why = *s->trouble;
	free(s->trouble);
	s->trouble = NULL;
	switch (s->trouble_step) {
	case STEP_FATAL: session_fail(s, &why); break;
	case STEP_CHANGED:
		s->changed = true;
		s->looked = false;
		session_poke(s);
		break;
	case STEP_REVISE: revising_refused(s, &why); break;
	default: upload_pause(s, &why, false); break;
	}
}

/* --- driving one session --- */

static void on_cleared(void *arg, const struct error *err) {
	struct session *s = ticket_committed(arg, err);
	if (!s) return;
	if (s->upload) s->upload->cleared = true;
	session_poke(s); /* with nothing left to send, this is what ends the upload */
}

/* The first URLs are here: the journal learns that requests may go out. */
static void upload_begin(struct session *s) {
	struct upload *u = s->upload;
	if (s->row.state == STATE_UPLOADING) {
		u->cleared = true;
		return;
	}
	u->begun = true;
	s->row.tries++;
	s->row.next_attempt_ms = 0;
	if (s->row.state == STATE_QUEUED) {
		session_reason(s, NULL);
		session_go(s, EVENT_STARTED, SET_TRIES | SET_NEXT_ATTEMPT | SET_REASON, "info", "the upload begins");
		return;
	}
	journal_update(s->engine->journal, &s->row, SET_TRIES | SET_NEXT_ATTEMPT, "its data files are uploaded meanwhile",
		on_cleared, ticket_new(s));
}

static bool upload_over(struct session *s) {
	struct upload *u = s->upload;
	if (upload_goal(u) != GOAL_DONE || u->sending || !u->cleared) return false;
	if (s->row.state == STATE_UPLOADING) upload_whole(s);
	else data_whole(s);
	return true;
}

void upload_drive(struct session *s) {
	if (s->trouble) {
		upload_trouble(s);
		return;
	}
	if (s->verdict) {
		confirm_drive(s);
		if (s->committing) return;
	}
	struct upload *u = s->upload;
	if (!u) {
		if (s->row.state == STATE_UPLOADING) {
			upload_at_once(s);
			session_go(s, EVENT_INTERRUPTED, SET_NEXT_ATTEMPT, "info", "goes on where it was");
		} else if (s->attempt_ms > now_ms()) {
			session_due(s, s->attempt_ms);
		}
		engine_poke(s->engine);
		return;
	}
	if (u->loading) return;
	/* what was stored already needs no URL to go on */
	if (!u->begun && (u->answered || upload_goal(u) == GOAL_DONE)) upload_begin(s);
	else if (u->begun && s->row.state == STATE_UPLOADING) u->cleared = true;
	if (!s->committing && !upload_over(s)) engine_poke(s->engine);
}

/* --- the pump --- */

static bool is_candidate(const struct session *s) {
	if (root_hangs(s->engine, s->root)) return false;
	if (s->upload || s->transfers || s->committing || s->dead || s->changed || s->trouble) return false;
	if (!session_at_work(s) || !s->row.present) return false;
	if (s->row.state == STATE_HELD) {
		if (!s->metadata_held || s->row.data_safe) return false;
	} else if (s->row.state != STATE_QUEUED) {
		return false;
	}
	return s->attempt_ms <= now_ms() || (s->awaits_cloud && !away(s->engine));
}

static void build_manifest(struct session *s) {
	struct upload *u = s->upload;
	struct ingest_state state;
	ingest_state(s->engine->ingest, &state);
	upload_build_manifest(
		u, *state.station ? state.station : s->engine->config->name, s->engine->instance, s->row.name, s->row.revision);
}

/* Starts what it may of one session. */
static void upload_advance(struct session *s) {
	struct engine *e = s->engine;
	struct upload *u = s->upload;
	if (u->loading || s->committing || s->trouble || s->changed || !session_at_work(s)) return;
	if (upload_goal(u) == GOAL_MANIFEST && !u->manifest.name && (u->metadata == u->n || u->files[u->metadata].key)) {
		build_manifest(s);
	}
	presign_pump(s);
	while (u->cleared && transfers_count(e) < (size_t)e->config->connections && health_may(&e->objects, now_ms())) {
		int64_t wake = e->throttled_ms, now = now_ms();
		size_t next = wake > now ? SLOT_NONE : upload_next(u, now, &wake);
		if (wake) engine_wake_at(e, wake);
		if (next == SLOT_NONE) return;
		transfer_start(s, next);
	}
}

static void pause_away(struct session *s) {
	struct engine *e = s->engine;
	const struct upload *u = s->upload;
	const struct health *h = away(e);
	if (!h || s->transfers || u->loading || u->asking || u->comparing || health_may(h, now_ms()) || s->trouble) return;
	s->trouble_shared = true;
	session_trouble(s, STEP_PAUSE, &h->why, 0);
}

/* Who tries whether it works again: the oldest of those that met the trouble least often, so that one which the cloud
 * does not serve at all never keeps the others from finding out that it serves them. */
static struct session *probe_candidate(struct engine *e) {
	struct session *best = NULL;
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (is_candidate(s) && (!best || s->pauses < best->pauses)) best = s;
	}
	return best;
}

/* Those whose turn does not even come say why, too. */
static void explain_waiting(struct engine *e, const struct error *why) {
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->row.reason || s->row.state != STATE_QUEUED || s->upload || !is_candidate(s)) continue;
		session_reason(s, why->text);
		session_save(s, SET_REASON, NULL);
	}
}

#define CLOCK_JUMP_MS 5000

/* The wall clock was set: the times that people read are those of the monotonic one, which decides. */
static void times_again(struct engine *e) {
	int64_t offset_ms = clock_wall_ms() - now_ms(), moved_ms = offset_ms - e->wall_offset_ms;
	bool jumped = e->wall_offset_ms && (moved_ms > CLOCK_JUMP_MS || moved_ms < -CLOCK_JUMP_MS);
	e->wall_offset_ms = offset_ms;
	for (size_t i = 0; jumped && i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->dead || !s->row.next_attempt_ms || s->attempt_ms <= now_ms()) continue;
		s->row.next_attempt_ms = s->attempt_ms + offset_ms;
		session_save(s, SET_NEXT_ATTEMPT, NULL);
	}
}

void upload_pump(struct engine *e) {
	size_t open = 0;
	if (e->stopping) return;
	times_again(e);
	transfer_rates(e);
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (!s->upload || root_hangs(e, s->root)) continue;
		upload_advance(s);
		pause_away(s);
		open++;
	}
	const struct health *h = away(e);
	if (h && !health_may(h, now_ms())) {
		if (h->next_ms > now_ms()) engine_wake_at(e, h->next_ms);
		explain_waiting(e, &h->why);
		return;
	}
	if (h) {
		struct session *s = open || transfers_count(e) ? NULL : probe_candidate(e);
		if (s) upload_open(s);
		return;
	}
	size_t budget = (size_t)e->config->connections;
	for (size_t i = 0; i < e->sessions.n && open < budget && transfers_count(e) < budget; i++) {
		struct session *s = e->sessions.items[i];
		if (!is_candidate(s)) continue;
		upload_open(s);
		open++;
	}
}
