/* SPDX-License-Identifier: MIT */
/* Driving and pumping uploads, and what is told of them. Loop thread. */
#include "station/sending/sending.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "station/engine/root.h"
#include "station/sending/presign.h"
#include "station/sending/revising.h"
#include "station/sending/transfer.h"

/* --- an upload's end --- */

static void upload_whole(struct session *s) {
	char message[128];
	s->row.uploaded_ms = clock_wall_ms();
	session_reason(s, NULL);
	snprintf(message, sizeof message, "all %lld files are stored", (long long)s->row.files);
	s->ask_now = upload_of(s)->adopted;
	upload_drop(s);
	session_go(s, EVENT_STORED, SET_STORED | SET_TIMES | SET_REASON, "info", message);
}

static void data_whole(struct session *s) {
	upload_drop(s);
	s->row.data_safe = true;
	session_save(s, SET_FLAGS | SET_STORED, "its data files are in the cloud; the metadata waits for a person");
}

static void trouble_ends(struct session *s) {
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
	if (s->uploading) upload_of(s)->cleared = true;
	session_poke(s); /* with nothing left to send, this is what ends the upload */
}

/* The first URLs are here: the journal learns that requests may go out. */
static void upload_begin(struct session *s) {
	struct upload *u = upload_of(s);
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
	struct upload *u = upload_of(s);
	if (upload_goal(u) != GOAL_DONE || u->sending || !u->cleared) return false;
	if (s->row.state == STATE_UPLOADING) upload_whole(s);
	else data_whole(s);
	return true;
}

/* Its data files go up all the same. */
static bool is_held_for_metadata(const struct session *s) {
	return s->row.state == STATE_HELD && s->metadata_held && !s->row.data_safe;
}

static void sending_drive(struct session *s) {
	if (s->row.state != STATE_HELD && s->row.state != STATE_QUEUED && s->row.state != STATE_UPLOADING) return;
	if (s->trouble) {
		trouble_ends(s);
		return;
	}
	struct upload *u = upload_of(s);
	if (!u) {
		if (s->row.state == STATE_UPLOADING) {
			session_at_once(s);
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
	if (session_is_sent(s) || s->committing || s->dead || s->changed || s->trouble) return false;
	if (!session_at_work(s) || !s->row.present) return false;
	if (s->row.state != STATE_QUEUED && !is_held_for_metadata(s)) return false;
	return s->attempt_ms <= now_ms() || (s->awaits_cloud && !cloud_away(s->engine));
}

static void build_manifest(struct session *s) {
	struct upload *u = upload_of(s);
	struct ingest_state state;
	ingest_state(s->engine->ingest, &state);
	upload_build_manifest(
		u, *state.station ? state.station : s->engine->config->name, s->engine->instance, s->row.name, s->row.revision);
}

/* Starts what it may of one session. */
static void upload_advance(struct session *s) {
	struct engine *e = s->engine;
	struct upload *u = upload_of(s);
	if (u->loading || s->committing || s->trouble || s->changed || !session_at_work(s)) return;
	if (upload_goal(u) == GOAL_MANIFEST && !u->manifest.name && (u->metadata == u->n || u->files[u->metadata].key)) {
		build_manifest(s);
	}
	presign_pump(s);
	while (
		u->cleared && transfers_count(e) < (size_t)e->config->connections && health_may(&e->cloud.objects, now_ms())) {
		int64_t wake = sending_of(e)->throttled_ms, now = now_ms();
		size_t next = wake > now ? PIECE_NONE : upload_next(u, now, &wake);
		if (wake) engine_wake_at(e, wake);
		if (next == PIECE_NONE) return;
		transfer_start(s, next);
	}
}

static void pause_away(struct session *s) {
	struct engine *e = s->engine;
	const struct upload *u = upload_of(s);
	const struct health *h = cloud_away(e);
	if (!h || s->transfers || u->loading || u->asking || u->comparing || health_may(h, now_ms()) || s->trouble) return;
	sent_of(s)->trouble_shared = true;
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
		if (s->row.reason || s->row.state != STATE_QUEUED || s->uploading || !is_candidate(s)) continue;
		session_reason(s, why->text);
		session_save(s, SET_REASON, NULL);
	}
}

#define CLOCK_JUMP_MS 5000

/* The wall clock was set: the times that people read are those of the monotonic one, which decides. */
static void times_again(struct engine *e) {
	int64_t offset_ms = clock_wall_ms() - now_ms(), moved_ms = offset_ms - sending_of(e)->wall_offset_ms;
	bool jumped = sending_of(e)->wall_offset_ms && (moved_ms > CLOCK_JUMP_MS || moved_ms < -CLOCK_JUMP_MS);
	sending_of(e)->wall_offset_ms = offset_ms;
	for (size_t i = 0; jumped && i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (s->dead || !s->row.next_attempt_ms || s->attempt_ms <= now_ms()) continue;
		s->row.next_attempt_ms = s->attempt_ms + offset_ms;
		session_save(s, SET_NEXT_ATTEMPT, NULL);
	}
}

static void sending_pump(struct engine *e) {
	size_t open = 0;
	if (e->stopping) return;
	times_again(e);
	transfers_hang(e);
	transfer_rates(e);
	for (size_t i = 0; i < e->sessions.n; i++) {
		struct session *s = e->sessions.items[i];
		if (!s->uploading || root_hangs(e, s->root)) continue;
		upload_advance(s);
		pause_away(s);
		open++;
	}
	const struct health *h = cloud_away(e);
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

/* --- what is told of it --- */

static enum busy session_busy(const struct session *s, bool down) {
	bool sends = s->row.state == STATE_QUEUED || s->row.state == STATE_UPLOADING || is_held_for_metadata(s);
	if (s->dead || !sends || !session_at_work(s) || !s->row.present || root_hangs(s->engine, s->root)) return BUSY_NOT;
	if (s->engine->cloud.key_refused) return BUSY_LEFT;
	bool waits = !session_is_sent(s) && !s->committing && (s->attempt_ms > now_ms() || s->awaits_cloud || down);
	return waits ? BUSY_LATER : BUSY_NOW;
}

static enum busy sending_busy(const struct engine *e) {
	enum busy busiest = BUSY_NOT;
	bool down = cloud_trouble(e) != NULL;
	for (size_t i = 0; i < e->sessions.n && busiest < BUSY_NOW; i++)
		busiest = MAX(busiest, session_busy(e->sessions.items[i], down));
	return busiest;
}

static int64_t session_left(const struct session *s) {
	enum state_left left = state_left(s->row.state);
	if (left == LEFT_NONE || (left == LEFT_DATA && !is_held_for_metadata(s))) return 0;
	return MAX(s->row.bytes - s->row.stored_bytes - s->sent_bytes, 0);
}

static cJSON *status_queue(struct engine *e) {
	int64_t left = 0, active = 0, queued = 0;
	for (size_t i = 0; i < e->sessions.n; i++) {
		const struct session *s = e->sessions.items[i];
		if (s->dead || !session_at_work(s) || !s->row.present) continue;
		left += session_left(s);
		active += s->row.state == STATE_CHECKING || s->transfers > 0;
		queued += s->row.state == STATE_QUEUED;
	}
	int64_t rate = rate_now(&sending_of(e)->rate, now_ms());
	cJSON *o = json_object();
	json_add_i64(o, "active", active);
	json_add_i64(o, "queued", queued);
	json_add_i64(o, "bytes_left", left);
	json_add_i64(o, "rate_bytes_per_s", rate);
	/* what cannot be known is no figure */
	if (left && rate > 0) json_add_i64(o, "eta_s", (left + rate - 1) / rate);
	else json_add_text(o, "eta_s", NULL);
	json_add(o, "rates", history_json(&sending_of(e)->history, e->started_ms, now_ms()));
	return o;
}

static void sending_status(struct engine *e, cJSON *status) {
	const struct sending *mine = sending_of(e);
	json_add(status, "queue", status_queue(e));
	/* while anything moves, it is told again after this time, so that rates fall to nothing when it ends */
	if (mine->sending || rate_now(&mine->rate, now_ms()) > 0) engine_changed(e);
}

static void sending_status_session(const struct session *s, cJSON *session) {
	json_add_i64(session, "rate_bytes_per_s", rate_now(&sent_of(s)->rate, now_ms()));
	if (s->transfers) json_add(session, "files_now", transfers_status(s));
}

/* --- the part --- */

static int sending_start(struct engine *e, struct error *err) {
	(void)err;
	TAILQ_INIT(&sending_of(e)->transfers);
	return 0;
}

static void sending_renew(struct session *s) {
	transfer_cancel(s);
	upload_drop(s);
	sent_of(s)->refusals = 0;
	sent_of(s)->unknown_there = false;
}

const struct part upload_part = {
	.engine_size = sizeof(struct sending),
	.root_size = sizeof(struct sent_root),
	.session_size = sizeof(struct sent),
	.start = sending_start,
	.drive = sending_drive,
	.renew = sending_renew,
	.forget = upload_drop,
	.pump = sending_pump,
	.busy = sending_busy,
	.status = sending_status,
	.status_session = sending_status_session,
};
