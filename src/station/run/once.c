/* SPDX-License-Identifier: MIT */
/* Gathers what once.c decides upon, and ends an engine that was started for a console (--linger). Loop thread. */
#include "station/engine/engine_internal.h"
#include "station/run/once_rule.h"

static void count_open(struct once_facts *f, const struct session *s) {
	if (s->awaits_metadata && !s->looking && s->looked) return; /* not ready: the next run's */
	f->open++;
	f->fresh += now_ms() - s->seen_ms < ONCE_OPEN_MS(s->engine->config->settle_ms);
}

static void count_sending(struct once_facts *f, const struct session *s) {
	bool waits = !s->upload && !s->transfers && !s->committing;
	waits = waits && (s->attempt_ms > now_ms() || s->awaits_cloud || f->down);
	f->waiting += waits;
	f->working += !waits;
}

static void count(struct once_facts *f, const struct session *s) {
	if (s->dead) return;
	f->working += s->committing || s->driven;
	if (root_hangs(s->engine, s->root)) return; /* nothing of it goes on, and nothing is known of it */
	/* what is said of it must hold for what lies there now */
	f->unlooked += s->row.present && !s->looked && s->engine->roots[s->root].ok;
	if (s->row.ignored) return;
	f->working += unread_busy(s);
	if (s->row.paused || !s->row.present) return;
	switch (s->row.state) {
	case STATE_FOUND:
	case STATE_SETTLING: count_open(f, s); break;
	case STATE_CHECKING: f->working++; break;
	case STATE_HELD:
		if (s->metadata_held && !s->row.data_safe) count_sending(f, s);
		break;
	case STATE_QUEUED:
	case STATE_UPLOADING: count_sending(f, s); break;
	case STATE_UPLOADED: f->undecided++; break;
	default: break;
	}
}

void once_gather(struct engine *e, struct once_facts *ret) {
	bool away = e->key_refused || cloud_trouble(e); /* then nothing is awaited that it would have to say */
	bool recalls = recall_busy(e->recall) || (e->cursor && !e->history_asked);
	*ret = (struct once_facts){
		.scanned = roots_scanned(e),
		.auditing = !roots_audited(e),
		.calling = (recalls && !away) || !e->cloud_heard || e->outbox_busy || e->outbox_writes ||
				   (e->outbox_full && !e->outbox_stuck && !e->api.down && !e->pace[ANSWER_EVENTS].down),
		.key_refused = e->key_refused,
		.down = cloud_trouble(e) != NULL,
		.elapsed_ms = now_ms() - e->started_ms,
		.wait_ms = e->o->wait_ms,
		.open = admission_due(e),
		.fresh = admission_due(e),
	};
	for (size_t i = 0; i < e->sessions.n; i++) count(ret, e->sessions.items[i]);
	if (!ret->undecided || ret->working) e->undecided_since_ms = 0;
	else if (!e->undecided_since_ms) e->undecided_since_ms = now_ms();
	if (e->undecided_since_ms) ret->undecided_ms = now_ms() - e->undecided_since_ms;
}

/* The sentence of what the verdict names, with what only the engine knows of it. */
static void once_explain(const struct engine *e, const struct safe_facts *f, struct error *err) {
	struct error detail = ERROR_INIT;
	enum error_code code = safe_code(safe_causes(f));
	const struct error *why = cloud_trouble(e);
	bool of_cloud = why && cloud_trouble_code(why) == code;
	if (of_cloud) detail = *why;
	for (size_t i = 0; i < e->root_n && code == ERR_DISK && !of_cloud; i++) {
		const struct root *r = &e->roots[i];
		if (!r->unreadable_n || !r->unreadable_why) continue;
		detail.code = code;
		unreadable_words(f->look.unreadable, r->unreadable_why, detail.text, sizeof detail.text);
		break;
	}
	for (size_t i = 0; i < e->root_n && (code == ERR_CONFIG || code == ERR_DISK) && !of_cloud; i++) {
		enum folder_state state = root_state(&e->roots[i]);
		if (!e->roots[i].configured || (state == FOLDER_WRONG) != (code == ERR_CONFIG) || state <= FOLDER_OK) continue;
		detail = root_trouble(e, i);
		break;
	}
	safe_explain(f, detail.text, err);
}

#define BEAT_MS 10000 /* the run's end does not wait longer for it */

/* The fleet shows how the run ended. True: the heartbeat with these figures was sent, or cannot be. */
static bool last_beat(struct engine *e) {
	if (!e->last_beat) {
		e->last_beat = true;
		e->last_beat_ms = now_ms() + BEAT_MS;
		e->beat_ms = 0;
		engine_poke(e);
		return false;
	}
	bool sent = !e->vitals_busy && !e->beat_wanted && !e->beating && e->beat_ms > now_ms();
	if (!sent) engine_wake_at(e, MAX(e->last_beat_ms, now_ms() + 100));
	return sent || now_ms() >= e->last_beat_ms;
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
	struct journal_summary summary;
	struct safe_facts facts;
	summary_gather(e, &summary);
	engine_facts(e, &summary, &facts);
	if (!last_beat(e)) return;
	if (!safe_causes(&facts)) {
		engine_stop(e);
		return;
	}
	struct error err = ERROR_INIT;
	once_explain(e, &facts, &err);
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
	bool busy = f.auditing || f.unlooked || f.calling || f.working || f.open || f.waiting || f.undecided;
	if (f.scanned && !busy) engine_stop(e);
}
