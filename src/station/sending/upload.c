/* SPDX-License-Identifier: MIT */
/* One session's upload: opened from the journal's rows, kept while the session is at it. Loop thread; the journal is
 * read in the thread pool. */
#include "station/sending/upload.h"

#include <stdlib.h>

#include "base/clock.h"
#include "session/part.h"
#include "station/engine/job.h"
#include "station/engine/rules.h"

#define STORED_SAVE_MS 1000 /* counts are for the eye: written at most so often */

struct sending *sending_of(const struct engine *e) {
	return engine_part(e, PART_UPLOAD);
}

struct sent_root *sent_root_of(const struct engine *e, size_t root) {
	return root_part(e, root, PART_UPLOAD);
}

struct sent *sent_of(const struct session *s) {
	return session_part(s, PART_UPLOAD);
}

struct upload *upload_of(const struct session *s) {
	return sent_of(s)->upload;
}

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
	struct upload *u = upload_of(s);
	upload_cut(u, TAKE(l->files), l->n, s->engine->rules->schema.file, PUT_MAX);
	u->revision = s->row.revision;
	s->row.stored_files = s->row.stored_bytes = 0;
	for (size_t i = 0; i < u->n; i++) {
		if (u->files[i].state != FILE_STORED || s->recheck) continue;
		upload_file_stored(u, i);
		u->stored_kin = u->stored_kin || (i != u->metadata && u->files[i].size > 0);
		s->row.stored_files++;
		s->row.stored_bytes += u->files[i].size;
	}
	s->recheck = false;
	u->loading = false;
}

static void load_done(struct job *j) {
	struct load *l = (struct load *)j;
	struct session *s = ticket_session(&l->ticket);
	if (s && s->uploading && !j->engine->stopping) {
		if (l->err.code == ERR_NONE) upload_fill(s, l);
		else if (error_is_short(&l->err)) session_trouble(s, STEP_PAUSE, &l->err, 0);
		else engine_fail(j->engine, &l->err);
		session_poke(s);
	}
	if (l->files) file_rows_free(l->files, l->n);
	free(l);
}

void upload_open(struct session *s) {
	struct load *l = xcalloc(1, sizeof *l);
	*l = (struct load){.job = {.run = load_run, .done = load_done}, .ticket = ticket_of(s), .id = s->row.id};
	struct upload *u = sent_of(s)->upload = xcalloc(1, sizeof *u);
	u->loading = true;
	u->data_only = s->row.state == STATE_HELD;
	s->uploading = true;
	s->awaits_cloud = false;
	job_start(s->engine, &l->job);
}

void upload_drop(struct session *s) {
	struct sent *mine = sent_of(s);
	upload_free(mine->upload);
	mine->upload = NULL;
	s->uploading = false;
}

/* --- what a stored file means --- */

static void save_counts(struct session *s) {
	if (now_ms() - sent_of(s)->stored_save_ms < STORED_SAVE_MS) return;
	sent_of(s)->stored_save_ms = now_ms();
	session_save(s, SET_STORED, NULL);
}

void upload_done(struct session *s, size_t piece) {
	struct upload *u = upload_of(s);
	struct file_row *f = upload_file(u, piece);
	s->pauses = 0;
	session_poke(s);
	if (!upload_stored(u, piece)) return; /* other parts of the file are not */
	f->state = FILE_STORED;
	f->stored_ms = clock_wall_ms();
	if (piece == PIECE_MANIFEST) return;
	s->row.stored_files++;
	s->row.stored_bytes += f->size;
	journal_file_stored(s->engine->journal, s->row.id, f, NULL, NULL);
	save_counts(s);
}

/* --- how a try ends --- */

static int64_t pause_ms(const struct session *s) {
	const struct engine *e = s->engine;
	struct backoff b = {.base_ms = e->config->retry_base_ms, .cap_ms = e->config->retry_cap_ms};
	return MAX(backoff_steady_ms(&b, MAX(MAX(s->row.tries, s->pauses), 1)), s->trouble_wait_ms);
}

/* The cloud as a whole is away, or does not do what every session needs: none is at fault, and none waits longer than
 * the next probe, which is one session's call. */
const struct health *cloud_away(const struct engine *e) {
	if (e->cloud.api.down) return &e->cloud.api;
	if (e->cloud.objects.down) return &e->cloud.objects;
	if (e->cloud.pace[ANSWER_PRESIGN].down) return &e->cloud.pace[ANSWER_PRESIGN];
	const struct health *stat = &e->cloud.pace[ANSWER_STAT]; /* not every session needs it: no probe of its own */
	return stat->down && !health_may(stat, now_ms()) ? stat : NULL;
}

/* Others came through since this one last failed: then it is this one that the cloud does not serve, and it waits by
 * itself, longer each time. */
static bool is_alone(struct session *s) {
	bool alone = s->pauses > 0 && sent_of(s)->recoveries != s->engine->cloud.recoveries;
	sent_of(s)->recoveries = s->engine->cloud.recoveries;
	return alone;
}

void upload_pause(struct session *s, const struct error *why, bool at_once) {
	const struct health *h = cloud_away(s->engine);
	bool alone = !sent_of(s)->trouble_shared && is_alone(s);
	if (!sent_of(s)->trouble_shared) s->pauses++;
	sent_of(s)->trouble_shared = false;
	if (alone) h = NULL;
	s->awaits_cloud = h != NULL;
	int64_t wait = h ? MAX(h->next_ms - now_ms(), 0) : at_once ? 0 : pause_ms(s);
	s->row.next_attempt_ms = clock_wall_ms() + wait;
	session_attempt_in(s, wait);
	upload_drop(s);
	int mask = SET_NEXT_ATTEMPT | SET_REASON | SET_STORED;
	if (s->row.state == STATE_HELD) mask &= ~SET_REASON; /* why it is held matters more */
	else session_reason(s, why->text);
	if (s->row.state == STATE_UPLOADING) session_go(s, EVENT_INTERRUPTED, mask, "warn", why->text);
	else session_save(s, mask, NULL);
	session_due(s, s->attempt_ms);
}
