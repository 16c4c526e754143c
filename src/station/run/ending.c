/* SPDX-License-Identifier: MIT */
/* The end of a run. Loop thread. */
#include "station/run/ending.h"

#include "station/engine/facts.h"
#include "station/engine/session.h"
#include "station/intake/unreadable.h"

#define ONCE_EVERY_MS 250 /* the times that a part waits for pass without an event */
#define LINGER_MS 10000	  /* the console that starts it must find it there */

struct endings {			/* of the engine */
	int64_t asked_since_ms; /* monotonic: nothing but somebody else's answer is awaited; 0: not so */
};
static struct endings *mine(const struct engine *e) { return engine_part(e, PART_ENDING); }

bool once_over(const struct ending_facts *f) {
	if (f->busy == BUSY_ENDING) return false;
	if (f->wait_ms && f->elapsed_ms >= f->wait_ms) return true;
	switch (f->busy) {
	case BUSY_NOT:
	case BUSY_LEFT: return true;
	case BUSY_LATER: return !f->wait_ms;
	case BUSY_ASKED: return !f->wait_ms && f->asked_ms >= ONCE_VERDICT_MS;
	case BUSY_PASSING:
	case BUSY_NOW:
	case BUSY_ENDING: break;
	}
	return false;
}

int64_t ending_asked_since(enum busy busy, int64_t since_ms, int64_t at_ms) {
	if (busy == BUSY_PASSING || busy == BUSY_ENDING) return since_ms;
	if (busy != BUSY_ASKED) return 0;
	return since_ms ? since_ms : at_ms;
}

static void gather(struct engine *e, struct ending_facts *ret) {
	*ret =
		(struct ending_facts){.busy = engine_busy(e), .elapsed_ms = now_ms() - e->started_ms, .wait_ms = e->o->wait_ms};
	mine(e)->asked_since_ms = ending_asked_since(ret->busy, mine(e)->asked_since_ms, now_ms());
	if (mine(e)->asked_since_ms) ret->asked_ms = now_ms() - mine(e)->asked_since_ms;
}

/* --- run --once --- */

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

static void once_end(struct engine *e) {
	struct journal_summary summary;
	struct safe_facts facts;
	struct error err = ERROR_INIT;
	summary_gather(e, &summary);
	engine_facts(e, &summary, &facts);
	if (!safe_causes(&facts)) {
		engine_stop(e);
		return;
	}
	once_explain(e, &facts, &err);
	engine_fail(e, &err);
}

static void once_pump(struct engine *e) {
	struct ending_facts f;
	gather(e, &f);
	if (!once_over(&f)) {
		engine_wake_at(e, now_ms() + ONCE_EVERY_MS);
		return;
	}
	if (e->ending) {
		once_end(e);
		return;
	}
	e->ending = true; /* parts have their last word: they are busy with it */
	engine_poke(e);
}

/* --- an engine of a console's --- */

static void linger_pump(struct engine *e) {
	if (control_clients(e->control)) return;
	struct ending_facts f;
	gather(e, &f);
	if (f.elapsed_ms < LINGER_MS) engine_wake_at(e, e->started_ms + LINGER_MS);
	else if (f.busy == BUSY_NOT) engine_stop(e);
}

static void ending_pump(struct engine *e) {
	if (e->o->once) once_pump(e);
	if (e->o->linger && !e->stopping) linger_pump(e);
}

const struct part ending_part = {
	.engine_size = sizeof(struct endings),
	.pump = ending_pump,
};
