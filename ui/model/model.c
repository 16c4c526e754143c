/* SPDX-License-Identifier: MIT */
/* Conclusions from the model: is it safe to leave, and why is a session not uploading. Pure functions. */
#include "ui/model/model.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"

const struct work *model_work(const struct model *m, const char *session) {
	for (size_t i = 0; i < m->status.work_n; i++)
		if (strcmp(m->status.work[i].session, session) == 0) return &m->status.work[i];
	return NULL;
}

const struct file_now *model_file_now(const struct model *m, const char *session, const char *file) {
	for (size_t i = 0; i < m->status.files_now_n; i++) {
		const struct file_now *f = &m->status.files_now[i];
		if (strcmp(f->session, session) == 0 && strcmp(f->name, file) == 0) return f;
	}
	return NULL;
}

const char *span_text(char *to, int64_t ms) {
	if (ms >= 0 && ms < 2000) text_copy(to, UNIT_TEXT, "a moment");
	else unit_age(to, ms);
	return to;
}

/* --- safe to leave? --- */

enum safe model_safe(const struct model *m, char *text, size_t size) {
	bool up = m->link == LINK_UP;
	const struct safe_facts f = {.summary = m->summary.at_ms ? &m->summary.journal : NULL,
		.journal_broken = m->journal_err.code && m->journal_err.code != ERR_NOT_FOUND,
		.now_ms = m->now_ms,
		.age_ms = MAX(0, m->now_ms - (m->status.look.at_ms ? m->status.look.at_ms : m->summary.at_ms)),
		.engine = up,
		.silent = m->link == LINK_SILENT,
		.cloud_ok = m->status.cloud_ok,
		.eta_ms = m->status.eta_ms,
		.look = m->status.look};
	return safe_verdict(&f, text, size);
}

/* --- why is it not uploading? --- */

struct why {
	const struct model *m;
	const struct session_row *row;
	const struct check_list *checks;
	const struct attempt_row *last;
	struct buf *out;
};

static void why_found(const struct why *w) { buf_str(w->out, "It was just found; it is looked at next."); }

static void why_settling(const struct why *w) {
	buf_fmt(w->out, "It may still change%s%s. It is taken once nothing has changed for the settle time.",
		w->row->reason ? ": " : "", w->row->reason ? w->row->reason : "");
}

static void why_checking(const struct why *w) {
	buf_str(w->out, "Its files are being read and checked; the upload begins when that is done.");
}

static void why_held(const struct why *w) {
	for (size_t i = 0; i < w->checks->n; i++) {
		const struct check *c = &w->checks->items[i];
		if (c->verdict != VERDICT_HOLD) continue;
		buf_fmt(w->out, "The check %s holds it: %s (rule: %s).\nWhat to do: %s.\n", check_names[c->id], c->found,
			c->rule[0] ? c->rule : "-", c->mend[0] ? c->mend : "correct that, then r tries again");
	}
	if (!w->out->len) buf_fmt(w->out, "It is held: %s.\n", w->row->reason ? w->row->reason : "see its checks");
	if (w->row->data_safe) buf_str(w->out, "Its data files are in the cloud already.");
	else if (checks_hold_metadata_only(w->checks)) buf_str(w->out, "Its data files go up meanwhile.");
}

static void why_queued(const struct why *w) {
	int64_t wait_ms = w->row->next_attempt_ms - w->m->now_ms, skew_s = w->m->status.clock_offset_ms / 1000,
			off_s = CLOCK_OFF_MS / 1000;
	if (w->last && w->last->reason)
		buf_fmt(w->out, "The last try failed: %s%s%s.\n", w->last->reason, w->last->code[0] ? ", " : "", w->last->code);
	if (skew_s > off_s || skew_s < -off_s)
		buf_fmt(w->out, "This station's clock is off by %s: set it.\n",
			UNIT_DURATION((skew_s < 0 ? -skew_s : skew_s) * 1000));
	if (wait_ms > 0) buf_fmt(w->out, "The next attempt is in %s; r tries now.", UNIT_DURATION(wait_ms));
	else if (w->m->status.active) buf_str(w->out, "Older sessions go first: one is safe before two are half done.");
	else buf_str(w->out, "It begins as soon as a connection is free.");
}

static void why_uploading(const struct why *w) {
	const struct work *k = model_work(w->m, w->row->name);
	if (k) buf_fmt(w->out, "It is uploading, at %s.", UNIT_RATE(k->rate));
	else buf_str(w->out, "It is uploading.");
}

static void why_uploaded(const struct why *w) {
	buf_str(w->out, "Everything is in the cloud; its verdict is awaited.");
}

static void why_accepted(const struct why *w) { buf_str(w->out, "It is safe: the cloud has it whole and verified."); }

static void why_rejected(const struct why *w) {
	buf_fmt(w->out,
		"The cloud rejected it: %s.\nMend what it names: metadata corrected with e go up as a new revision; r tries "
		"again.",
		w->row->reason ? w->row->reason : "see its checks");
}

static void why_failed(const struct why *w) {
	buf_fmt(w->out, "It failed for good: %s.\nMend that, then r tries again.", w->row->reason ? w->row->reason : "-");
}

static void why_gone(const struct why *w) {
	buf_fmt(w->out, "Its folder is gone from %s before it was safe.\nBring it back, or press i to ignore it.",
		w->row->root);
}

static void (*const why_by_state[STATE_N])(const struct why *w) = {
#define X(id, word, ...) [STATE_##id] = why_##word,
	SESSION_STATES(X)
#undef X
};

/* What stands before the state's own answer: a person's decision, no engine, no cloud. */
static bool why_general(const struct why *w) {
	const struct model *m = w->m;
	char age[UNIT_TEXT];
	if (state_is_final(w->row->state)) return false;
	if (w->row->ignored) buf_str(w->out, "It is ignored; i takes that back.");
	else if (w->row->paused) buf_str(w->out, "It is paused; p resumes it.");
	else if (m->link >= LINK_SILENT) buf_fmt(w->out, "Nobody carries it: %s.", m->link_err.text);
	else if (m->link != LINK_UP) buf_str(w->out, "No engine runs on this station: start `headgate run`.");
	else if (m->status.key_refused) buf_fmt(w->out, "%s.", m->status.cloud_error);
	else if (!m->status.cloud_ok)
		buf_fmt(w->out, "The cloud has not answered%s%s%s%s. It is tried again by itself.",
			m->status.cloud_answer_ms ? " for " : " yet",
			m->status.cloud_answer_ms ? span_text(age, m->now_ms - m->status.cloud_answer_ms) : "",
			m->status.cloud_error[0] ? ": " : "", m->status.cloud_error);
	else return false;
	return true;
}

const struct attempt_row *detail_failure(const struct session_detail *d) {
	for (size_t i = 0; d && i < d->attempt_n; i++)
		if (d->attempts[i].reason) return &d->attempts[i];
	return NULL;
}

void model_why(const struct model *m, const struct session_row *row, const struct check_list *checks,
	const struct attempt_row *last, char *to, size_t size) {
	AUTO(buf_done) struct buf out = BUF_INIT(4096);
	const struct why w = {.m = m, .row = row, .checks = checks, .last = last, .out = &out};
	if (!why_general(&w)) why_by_state[row->state](&w);
	text_copy(to, size, buf_text(&out));
}
