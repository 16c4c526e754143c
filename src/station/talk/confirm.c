/* SPDX-License-Identifier: MIT */
/* The cloud's verdicts: one change cursor for all sessions, held open (long poll) while any waits, kept in the journal.
 * A session that waits for long, or waited over a restart, is asked for by itself, so that no verdict is missed by a
 * crash between the cursor and the step. Loop thread. */
#include "station/talk/confirm.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "session/content.h"
#include "session/name.h"
#include "station/engine/root.h"
#include "station/engine/session.h"

#define CHANGES_WAIT_S 20
#define CHANGES_A_CALL 1000
#define CHANGES_GAP_MS 50  /* between an answer and the next question, whatever it brought */
#define ASK_FIRST_MS 30000 /* no verdict for so long: ask for the session itself */
#define ASK_MOST_MS 600000
#define ASK_LOST_MS INT64_C(1000) /* it lost bytes before its decision, and says so */
#define ASKS_MAX 4				  /* the cloud does not decide: look again at what is stored */
#define SETTING_CURSOR "cloud.cursor"
#define HISTORY_MS 600000 /* how often the cursor is shown to the cloud while no verdict is awaited */

struct confirming { /* of the engine */
	char *cursor;
	bool asking;			 /* for changes */
	int64_t changes_ms;		 /* monotonic: not before */
	int64_t changes_wait_ms; /* for so long the cloud was asked to hold its answer */
	bool behind;			 /* a decision was taken that the cursor has not passed */
	bool history_asked;		 /* the cloud's history was compared in this run */
	int64_t history_ms;		 /* monotonic: when it is compared next, if nothing is awaited */
};
struct asked {	 /* of a session */
	bool asking; /* GET /v1/sessions/{id} is on its way */
	int asks;
	int rechecks;	/* how often all its objects were compared again since it was last decided */
	int64_t ask_ms; /* monotonic: ask then */
};
static struct confirming *mine(const struct engine *e) { return engine_part(e, PART_CONFIRM); }

static struct asked *asked_of(const struct session *s) { return session_part(s, PART_CONFIRM); }

/* --- one session --- */

/* Longer with every time that it is asked for, and with every round of comparing all its objects again. */
static int64_t ask_pause_ms(const struct session *s, int asks) {
	return MIN(ASK_FIRST_MS * (int64_t)asks << MIN(asked_of(s)->rechecks, 6), ASK_MOST_MS);
}

static void confirm_enter(struct session *s) {
	if (s->row.state != STATE_UPLOADED) return;
	asked_of(s)->asks = 0;
	s->overdue = false;
	/* at start the change may have been read already */
	asked_of(s)->ask_ms = now_ms() + (s->looked && !s->ask_now ? ask_pause_ms(s, 1) : 0);
	s->ask_now = false;
	session_poke(s);
}

static void take_checks(struct session *s, const struct answer_session *verdict, char *reason, size_t size) {
	AUTO(check_list_done) struct check_list checks = {0};
	struct error err = ERROR_INIT;
	*reason = '\0';
	if (!verdict->checks) return;
	if (checks_from_json(&checks, verdict->checks, &err)) {
		log_event(LOG_WARN, "confirm", err.text, "session", s->row.name, NULL);
		return;
	}
	checks_reason(&checks, reason, size);
	journal_set_checks(s->engine->journal, s->row.id, s->row.revision, "cloud", &checks);
}

static void take_processing(struct session_row *row, const struct answer_session *change) {
	if (change->processing) text_copy(row->processing, sizeof row->processing, change->processing);
}

static void session_accepted(struct session *s, const struct answer_session *verdict) {
	char reason[512];
	take_checks(s, verdict, reason, sizeof reason);
	session_reason(s, reason);
	s->row.accepted_ms = clock_wall_ms();
	if (!s->row.uploaded_ms) s->row.uploaded_ms = s->row.accepted_ms;
	s->row.stored_files = s->row.files;
	s->row.stored_bytes = s->row.bytes;
	s->row.next_attempt_ms = 0;
	s->row.data_safe = true;
	session_renew(s);
	session_go(s, EVENT_CLOUD_ACCEPTED,
		SET_TIMES | SET_STORED | SET_NEXT_ATTEMPT | SET_FLAGS | SET_PROCESSING | SET_REASON, "info",
		"the cloud has it whole and verified");
}

static void session_rejected(struct session *s, const struct answer_session *verdict) {
	char reason[512], message[600];
	take_checks(s, verdict, reason, sizeof reason);
	snprintf(message, sizeof message, "the cloud rejects it: %s", *reason ? reason : "it says no reason");
	session_reason(s, *reason ? reason : message);
	session_renew(s);
	session_go(s, EVENT_CLOUD_REJECTED, SET_REASON | SET_STORED | SET_PROCESSING, "error", message);
}

static bool is_decided(const struct answer_session *o) {
	return strcmp(o->state, "accepted") == 0 || strcmp(o->state, "rejected") == 0;
}

/* Takes s->verdict, which is about the current revision. */
static void verdict_apply(struct session *s) {
	AUTO(answer_session_free) struct answer_session *verdict = TAKE(s->verdict);
	bool accepted = strcmp(verdict->state, "accepted") == 0;
	if (!is_decided(verdict)) return;
	if (state_next(s->row.state, accepted ? EVENT_CLOUD_ACCEPTED : EVENT_CLOUD_REJECTED) < 0) return;
	take_processing(&s->row, verdict);
	if (accepted) session_accepted(s, verdict);
	else session_rejected(s, verdict);
}

/* Of this very revision, and of this very content: a name and a number prove nothing. */
static bool is_of(const struct session_row *row, const struct answer_session *verdict) {
	struct sha256 content;
	return verdict->revision == row->revision && row->has_content && verdict->content &&
		   content_parse(verdict->content, &content) == 0 && sha256_equal(&content, &row->content);
}

/* No verdict: bytes were lost in the cloud before its decision, which waits for them. It is asked soon, and ever later
 * when that does not help. */
static void lost_soon(struct session *s, const struct answer_session *change) {
	if (change->revision != s->row.revision || s->row.state != STATE_UPLOADED) return;
	asked_of(s)->ask_ms = MIN(asked_of(s)->ask_ms, now_ms() + (ASK_LOST_MS << MIN(asked_of(s)->rechecks, 6)));
	session_poke(s);
}

static bool waits_for_lost(const struct answer_session *ours) {
	AUTO(check_list_done) struct check_list checks = {0};
	struct error ignored = ERROR_INIT;
	return !is_decided(ours) && ours->checks && !checks_from_json(&checks, ours->checks, &ignored) &&
		   checks_hold(&checks);
}

static void verdict_give(struct session *s, const struct answer_session *change) {
	if (!is_decided(change)) lost_soon(s, change);
	if (!is_of(&s->row, change)) return;
	answer_session_free(s->verdict);
	s->verdict = answer_session_copy(change);
	session_poke(s);
}

/* --- asking for one session --- */

/* Ours among the newest (top level) and the older revisions; NULL: not there. */
static const struct answer_session *revision_find(const struct answer_session *of, int64_t revision) {
	if (of->revision == revision) return of;
	for (size_t i = 0; i < of->revision_n; i++)
		if (of->revisions[i].revision == revision) return &of->revisions[i];
	return NULL;
}

/* The cloud does not know it, or cannot decide: everything is asked for and compared again. */
static void upload_again(struct session *s, const char *why) {
	session_at_once(s);
	session_reason(s, why);
	session_go(s, EVENT_INTERRUPTED, SET_NEXT_ATTEMPT | SET_REASON, "warn", why);
}

/* The cursor that is kept must have passed every decision that was taken: else a cloud that is put back to before it
 * takes the cursor for its own. */
static void history_again(struct engine *e) {
	mine(e)->history_asked = false;
	mine(e)->history_ms = 0;
	mine(e)->behind = mine(e)->asking; /* that answer may be of before */
}

static void on_asked(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)arg;
	if (!r || !s) return;
	asked_of(s)->asking = false;
	if (s->committing || s->row.state != STATE_UPLOADED) return;
	asked_of(s)->asks++;
	s->overdue = true;
	asked_of(s)->ask_ms = now_ms() + ask_pause_ms(s, asked_of(s)->asks);
	bool unknown = r->err.code == ERR_NOT_FOUND && strcmp(r->err.word, "not_found") == 0;
	const struct answer_session *ours =
		r->err.code == ERR_NONE ? revision_find(ingest_session(r), s->row.revision) : NULL;
	if (ours && is_decided(ours) && is_of(&s->row, ours)) {
		history_again(e);
		verdict_give(s, ours);
	} else if (ours && is_decided(ours) && ours->content) {
		s->refused_revision = s->row.revision;
		upload_again(s, "the cloud decided on other bytes under this revision: it goes on as another one");
	} else if (unknown ||
			   (r->err.code == ERR_NONE && (!ours || waits_for_lost(ours) || asked_of(s)->asks >= ASKS_MAX))) {
		s->recheck = true;
		asked_of(s)->rechecks++;
		upload_again(s, !ours				   ? "the cloud does not know it; every object is compared again"
						: waits_for_lost(ours) ? "the cloud lost some of it before its decision; that is sent again"
											   : "the cloud does not decide; every object is compared again");
	} else if (r->err.code != ERR_NONE && !s->row.reason) {
		session_reason(s, r->err.text);
		session_save(s, SET_REASON, NULL);
	}
	session_poke(s);
}

/* It overtakes the answer to the last PUT, or comes after all; but trouble ends the try first. */
static bool takes_verdict(const struct session *s) {
	enum session_state state = s->row.state;
	if (s->trouble && state_left(state) != LEFT_NONE) return false;
	return state_next(state, EVENT_CLOUD_ACCEPTED) >= 0 || state_next(state, EVENT_CLOUD_REJECTED) >= 0;
}

static void confirm_drive(struct session *s) {
	if (s->verdict && takes_verdict(s)) {
		verdict_apply(s);
		return;
	}
	if (s->row.state != STATE_UPLOADED || asked_of(s)->asking || !session_at_work(s)) return;
	if (asked_of(s)->ask_ms > now_ms()) {
		session_due(s, asked_of(s)->ask_ms);
		return;
	}
	if (!api_may_ask(s->engine, ANSWER_SESSION)) {
		session_due(s, now_ms() + 1000);
		return;
	}
	char path[64];
	snprintf(path, sizeof path, "/v1/sessions/%s", s->row.name);
	asked_of(s)->asking = true;
	api_call(s->engine, s, "GET", path, NULL, 0, on_asked, NULL);
}

/* --- the cursor --- */

static void processing_changed(struct engine *e, struct stub *a, const struct answer_session *change) {
	if (change->revision != a->revision) return;
	struct session_row row = {.id = a->id};
	session_unstamp(row.name, a->stamp);
	take_processing(&row, change);
	if (*row.processing) journal_update(e->journal, &row, SET_PROCESSING, NULL, engine_journal_done, e);
}

static void change_apply(struct engine *e, const struct answer_session *change) {
	for (size_t root = 0; root < e->root_n; root++) {
		struct session *s = sessions_find(&e->sessions, change->session, root);
		if (s && !s->dead) verdict_give(s, change);
		struct stub *a = stub_find(&e->accepted, session_stamp(change->session), root);
		if (a) processing_changed(e, a, change);
	}
}

/* The cloud does not take it: another cloud's, or of a catalog that was restored. It is begun without one. */
static void cursor_forget(struct engine *e) {
	if (!mine(e)->cursor) return;
	xfree(TAKE(mine(e)->cursor));
	journal_set(e->journal, SETTING_CURSOR, "", NULL, NULL);
	journal_add_event(e->journal, 0, "warn", "cursor_forgotten",
		"the cloud does not take the place from which its changes were read; they are read from the first one");
	cloud_history_lost(e);
}

/* Asked to wait, and answered at once that nothing is new. */
static void changes_idle(struct engine *e) {
	struct error nothing = ERROR_INIT;
	text_copy(nothing.text, sizeof nothing.text, "it answers GET /v1/changes at once, with nothing new");
	api_unmet(e, ANSWER_CHANGES, &nothing);
}

static void on_changes(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	(void)s, (void)arg;
	mine(e)->asking = false;
	if (!r || e->stopping) return;
	mine(e)->changes_ms = now_ms() + CHANGES_GAP_MS;
	if (r->err.code) {
		log_event(LOG_WARN, "confirm", r->err.text, NULL);
		bool rights = r->err.code == ERR_KEY || r->err.http == 401 || r->err.http == 403; /* says nothing of it */
		if (!rights && error_blame(&r->err) == BLAME_CALL && r->err.http >= 400 && r->err.http < 500) cursor_forget(e);
		return;
	}
	const struct answer_changes *answer = ingest_changes(r);
	bool whole = answer->change_n < CHANGES_A_CALL;
	if (whole && !mine(e)->behind) mine(e)->history_asked = true;
	mine(e)->behind = mine(e)->behind && !whole;
	mine(e)->history_ms = whole && mine(e)->history_asked ? now_ms() + HISTORY_MS : 0;
	if (answer->reset) cloud_history_lost(e);
	bool moved = !mine(e)->cursor || strcmp(mine(e)->cursor, answer->cursor) != 0;
	for (size_t i = 0; i < answer->change_n; i++) change_apply(e, &answer->changes[i]);
	if (!(moved && answer->change_n) && r->elapsed_ms < mine(e)->changes_wait_ms / 2) changes_idle(e);
	if (!moved) return;
	free(mine(e)->cursor);
	mine(e)->cursor = xstrdup(answer->cursor);
	journal_set(e->journal, SETTING_CURSOR, mine(e)->cursor, NULL, NULL);
}

static bool any_uploaded(const struct engine *e) {
	for (size_t i = 0; i < e->sessions.n; i++) {
		const struct session *s = e->sessions.items[i];
		/* one that is asked for by itself awaits no news */
		if (!s->dead && s->row.state == STATE_UPLOADED && !asked_of(s)->asking && asked_of(s)->ask_ms > now_ms())
			return true;
	}
	return false;
}

static void confirm_pump(struct engine *e) {
	if (mine(e)->asking) return;
	/* a cursor that the cloud does not know any more is the sign that it lost its memory, so it is shown it now and
	 * then */
	bool awaited = any_uploaded(e) && !mine(e)->behind;
	int64_t from_ms = awaited ? mine(e)->changes_ms : MAX(mine(e)->changes_ms, mine(e)->history_ms);
	if (now_ms() < from_ms) {
		engine_wake_at(e, from_ms);
		return;
	}
	if (!api_may_ask(e, ANSWER_CHANGES)) return;
	struct buf path =
		BUF_INIT(64 + (mine(e)->cursor ? 3 * strlen(mine(e)->cursor) : 0)); /* each byte may become "%XX" */
	buf_str(&path, "/v1/changes?after=");
	if (mine(e)->cursor) text_uri_encode(&path, mine(e)->cursor, strlen(mine(e)->cursor), false);
	/* a probe must not hold the others up for the length of a long poll */
	int wait_s = e->cloud.api.down || !awaited ? 0 : CHANGES_WAIT_S;
	buf_fmt(&path, "&limit=%d&wait=%d", CHANGES_A_CALL, wait_s);
	mine(e)->asking = true;
	mine(e)->changes_wait_ms = wait_s * 1000;
	api_call(e, NULL, "GET", buf_text(&path), NULL, mine(e)->changes_wait_ms, on_changes, NULL);
	buf_done(&path);
}

static void confirm_load(struct engine *e, struct journal_view *v) {
	struct error err = ERROR_INIT;
	if (journal_get(v, SETTING_CURSOR, &mine(e)->cursor, &err)) log_event(LOG_WARN, "confirm", err.text, NULL);
	/* none, or what a version before this one took from a cloud that was none */
	if (mine(e)->cursor && !answer_cursor_fits(mine(e)->cursor)) xfree(TAKE(mine(e)->cursor));
}

/* --- the part --- */

static bool awaits_verdict(const struct session *s) {
	return !s->dead && s->row.state == STATE_UPLOADED && session_at_work(s) && s->row.present &&
		   !root_hangs(s->engine, s->root);
}

static enum busy confirm_busy(const struct engine *e) {
	bool away = e->cloud.key_refused || cloud_trouble(e), awaited = false;
	if (mine(e)->cursor && !mine(e)->history_asked && !away) return BUSY_PASSING;
	for (size_t i = 0; i < e->sessions.n && !awaited; i++) awaited = awaits_verdict(e->sessions.items[i]);
	if (!awaited) return BUSY_NOT;
	if (e->cloud.key_refused) return BUSY_LEFT;
	return cloud_trouble(e) ? BUSY_LATER : BUSY_ASKED;
}

static void confirm_renew(struct session *s) {
	asked_of(s)->asking = false;
	asked_of(s)->asks = 0;
}

static void confirm_done(struct engine *e) { free(mine(e)->cursor); }

const struct part confirm_part = {
	.engine_size = sizeof(struct confirming),
	.session_size = sizeof(struct asked),
	.load = confirm_load,
	.enter = confirm_enter,
	.drive = confirm_drive,
	.renew = confirm_renew,
	.pump = confirm_pump,
	.busy = confirm_busy,
	.done = confirm_done,
};
