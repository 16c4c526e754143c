/* SPDX-License-Identifier: MIT */
/* The state of each watched folder, the names that are nearly a session's, and what of the sessions in work the
 * journal's summary does not tell. Loop thread. */
#include "station/engine/facts.h"

#include "base/clock.h"
#include "station/engine/session.h"

/* Asked with every status: over the roots, not over 100,000 sessions. */
static int64_t compared_since_ms(const struct engine *e) {
	int64_t since = 0;
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		if (!r->audited) continue;
		if (!r->compared_ms) return 0;
		if (!since || r->compared_ms < since) since = r->compared_ms;
	}
	return since;
}

void folder_count(struct safe_look *l, enum folder_state s) {
	l->wrong += s == FOLDER_WRONG;
	l->lost += s == FOLDER_LOST;
	l->empty += s == FOLDER_EMPTY;
}

static int64_t looked_ms(const struct engine *e) {
	int64_t at = 0;
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		enum folder_state state = root_state(r);
		if (!r->configured || (state != FOLDER_OK && state != FOLDER_UNLISTED)) continue;
		if (!r->listed_ms) return 0;
		if (!at || r->listed_ms < at) at = r->listed_ms;
	}
	return at ? at : clock_wall_ms(); /* none is well: each is named */
}

/* Waits for its next attempt: its own time, or the cloud. */
static bool session_is_delayed(const struct session *s, int64_t now) {
	bool sends = s->row.state == STATE_QUEUED || s->row.state == STATE_UPLOADING ||
				 (s->row.state == STATE_HELD && s->metadata_held && !s->row.data_safe);
	return sends && !session_is_sent(s) && (s->attempt_ms > now || s->awaits_cloud);
}

void look_gather(const struct engine *e, struct safe_look *ret) {
	int64_t now = now_ms();
	const struct error *trouble = cloud_trouble(e);
	enum error_code code = trouble ? cloud_trouble_code(trouble) : ERR_NONE;
	*ret = (struct safe_look){.at_ms = looked_ms(e),
		.oldest_ms = compared_since_ms(e),
		.conflict = e->metadata_conflict,
		.key = code == ERR_KEY,
		.endpoint = code == ERR_CONFIG};
	for (size_t i = 0; i < e->root_n; i++) {
		if (!e->roots[i].configured) continue;
		folder_count(ret, root_state(&e->roots[i]));
		ret->names += (int64_t)e->roots[i].names_n;
	}
	for (size_t i = 0; i < e->root_n && e->accepted.n; i++) ret->unreadable += (int64_t)e->roots[i].unreadable_n;
	for (size_t i = 0; i < e->sessions.n; i++) {
		const struct session *s = e->sessions.items[i];
		if (s->dead || s->row.ignored || s->row.paused) continue;
		ret->metadata += s->row.state == STATE_SETTLING && s->awaits_metadata;
		ret->delayed += session_is_delayed(s, now);
	}
}

/* From memory: at the end of a run the journal holds the same. */
void summary_gather(const struct engine *e, struct journal_summary *ret) {
	*ret = (struct journal_summary){0};
	for (size_t i = 0; i < e->sessions.n; i++) {
		const struct session *s = e->sessions.items[i];
		if (s->dead) continue; /* accepted, and counted there */
		if (s->row.ignored) ret->ignored++;
		else ret->by_state[s->row.state]++;
		ret->paused += s->row.paused && !s->row.ignored;
	}
	ret->by_state[STATE_FOUND] += (int64_t)e->waiting.n;
	ret->by_state[STATE_ACCEPTED] += (int64_t)e->accepted.n;
}

void engine_facts(const struct engine *e, const struct journal_summary *summary, struct safe_facts *ret) {
	*ret = (struct safe_facts){
		.summary = summary, .engine = true, .cloud_ok = cloud_ok(e), .now_ms = clock_wall_ms(), .eta_ms = -1};
	look_gather(e, &ret->look);
}
