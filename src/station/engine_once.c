/* SPDX-License-Identifier: MIT */
/* Gathers what once.c decides upon, and ends an engine that was started for a console (--linger). Loop thread. */
#include "station/engine_internal.h"
#include "station/once.h"

static void count_open(struct once_facts *f, const struct session *s) {
	if (s->awaits_metadata && !s->looking) return; /* not ready: the next run's */
	f->open++;
	f->fresh += now_ms() - s->seen_ms < ONCE_OPEN_MS(s->engine->config->settle_ms);
}

static void count_sending(struct once_facts *f, const struct session *s) {
	bool waits = !s->upload && !s->transfers && !s->committing;
	waits = waits && (s->attempt_ms > now_ms() || s->awaits_cloud || f->down);
	f->waiting += waits;
	f->working += !waits;
	f->ready_left++;
}

static void count(struct once_facts *f, const struct session *s) {
	if (s->row.ignored || s->dead) return;
	f->attention += state_needs_person(s->row.state);
	f->working += s->committing;
	if (s->row.paused || !s->row.present) return;
	if (root_hangs(s->engine, s->root)) { /* nothing of it goes on, and nothing is known of it */
		f->ready_left += !state_is_settled(s->row.state);
		return;
	}
	/* what is said of it must hold for what lies there now */
	f->working += !s->looked && s->engine->roots[s->root].ok && s->row.state > STATE_SETTLING;
	switch (s->row.state) {
	case STATE_FOUND:
	case STATE_SETTLING: count_open(f, s); break;
	case STATE_CHECKING:
		f->working++;
		f->ready_left++;
		break;
	case STATE_HELD:
		if (s->metadata_held && !s->row.data_safe) count_sending(f, s);
		break;
	case STATE_QUEUED:
	case STATE_UPLOADING: count_sending(f, s); break;
	case STATE_UPLOADED:
		f->undecided++;
		f->ready_left++;
		break;
	default: break;
	}
}

void once_gather(struct engine *e, struct once_facts *ret) {
	const struct error *trouble = cloud_trouble(e);
	*ret = (struct once_facts){
		.scanned = roots_scanned(e),
		.auditing = !roots_audited(e),
		.calling = recall_busy(e->recall) || (e->cursor && !e->history_asked) ||
				   (e->schema_asking && !e->schema_asked) || e->outbox_busy || e->outbox_writes ||
				   (e->outbox_full && !e->outbox_stuck && !e->api.down && !e->pace[ANSWER_EVENTS].down),
		.key_refused = e->key_refused,
		.down = trouble != NULL,
		.trouble = trouble ? cloud_trouble_code(trouble) : ERR_NONE,
		.elapsed_ms = now_ms() - e->started_ms,
		.wait_ms = e->o->wait_ms,
		.open = admission_due(e),
		.fresh = admission_due(e),
		.ready_left = e->waiting.n,
	};
	for (size_t i = 0; i < e->sessions.n; i++) count(ret, e->sessions.items[i]);
	if (!ret->undecided || ret->working) e->undecided_since_ms = 0;
	else if (!e->undecided_since_ms) e->undecided_since_ms = now_ms();
	if (e->undecided_since_ms) ret->undecided_ms = now_ms() - e->undecided_since_ms;
}

/* What a command says of the cloud: the first of what stands between. */
static void once_trouble(const struct engine *e, const struct once_facts *f, enum error_code code, struct error *err) {
	const struct error *why = cloud_trouble(e);
	if (why) *err = *why;
	else error_set(err, code, "%zu sessions wait for their next attempt; the next run goes on", f->waiting);
}

static void once_explain(struct engine *e, const struct once_facts *f, enum error_code code, struct error *err) {
	switch (code) {
	case ERR_KEY:
	case ERR_CONFIG:
	case ERR_UNREACHABLE: once_trouble(e, f, code, err); break;
	case ERR_UNFINISHED:
		error_set(err, code, "%zu sessions are not decided yet; the next run goes on", f->ready_left + f->open);
		break;
	default:
		error_set(err, code, "%zu sessions need a person: `headgate sessions` names them and why", f->attention);
		break;
	}
	err->code = code;
}

void once_pump(struct engine *e) {
	if (!e->o->once || e->stopping) return;
	struct once_facts f;
	once_gather(e, &f);
	if (!once_over(&f)) {
		/* the times in once.c pass without an event */
		engine_wake_at(e, now_ms() + 250);
		return;
	}
	enum error_code code = once_result(&f);
	for (size_t i = 0; i < e->root_n && code == ERR_NONE; i++) {
		if (!root_hangs(e, i)) continue;
		struct error why = root_trouble(e, i);
		why.code = ERR_ATTENTION;
		engine_fail(e, &why);
		return;
	}
	if (code == ERR_NONE) {
		engine_stop(e);
		return;
	}
	struct error err = ERROR_INIT;
	once_explain(e, &f, code, &err);
	engine_fail(e, &err);
}

#define LINGER_MS 10000 /* the console that starts it must find it there */

void linger_pump(struct engine *e) {
	if (!e->o->linger || e->stopping || control_clients(e->control)) return;
	struct once_facts f;
	once_gather(e, &f);
	if (f.elapsed_ms < LINGER_MS) {
		engine_wake_at(e, e->started_ms + LINGER_MS);
		return;
	}
	if (f.scanned && !f.auditing && !f.calling && !f.working && !f.open && !f.waiting && !f.undecided) engine_stop(e);
}
