/* SPDX-License-Identifier: MIT */
/* What the engine has seen of its folders, as facts for the verdict (safe.h): the state of each watched folder, the
 * names that are nearly a session's, and what of the sessions in work the journal's summary does not tell. Loop thread.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/engine/engine_internal.h"

void roots_remember(struct engine *e, struct journal_view *v) {
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < e->root_n; i++) {
		struct root *r = &e->roots[i];
		if (r->configured && folder_remember(v, r->path, &r->memory, &err)) r->memory = (struct folder_memory){0};
	}
	if (journal_get(v, SETTING_NAMES, &e->names_was, &err)) e->names_was = NULL;
}

/* --- near names --- */

static void names_free(struct root *r) {
	for (size_t i = 0; i < r->near_n; i++) free(r->near[i].path);
	free(r->near);
	r->near = NULL;
	r->near_n = r->near_all = 0;
}

void root_done(struct root *r) {
	names_free(r);
	free(r->unreadable_why);
	free(r->unreadable_kept);
	free(r->path);
}

static bool names_same(const struct root *r, const struct folder_listing *l) {
	bool same = r->near_n == l->near_n && r->near_all == l->near_all;
	for (size_t i = 0; same && i < l->near_n; i++)
		same = strcmp(r->near[i].path, l->near[i].path) == 0 && strcmp(r->near[i].name, l->near[i].name) == 0 &&
			   r->near[i].claimed == l->near[i].claimed;
	return same;
}

cJSON *names_json(const struct root *r) {
	cJSON *list = json_array();
	for (size_t i = 0; i < r->near_n; i++) json_push(list, near_json(&r->near[i]));
	return list;
}

/* For whoever reads the journal alone: handover, and a list at the end of a run. */
static void names_keep(struct engine *e) {
	AUTO(json_free) cJSON *all = json_array();
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		for (size_t k = 0; r->configured && k < r->near_n; k++) {
			cJSON *o = near_json(&r->near[k]);
			json_add_text(o, "root", r->path);
			json_push(all, o);
		}
	}
	AUTO(xfree) char *text = cJSON_GetArraySize(all) ? json_text(all) : NULL;
	if (!text ? !e->names_was : e->names_was && strcmp(text, e->names_was) == 0) return;
	journal_set(e->journal, SETTING_NAMES, text, engine_journal_done, e);
	free(e->names_was);
	e->names_was = TAKE(text);
}

static void names_say(struct engine *e, const struct root *r, size_t before) {
	char words[160], message[640];
	if (e->o->once || r->near_all <= before || !r->near_n) return;
	near_words(&r->near[0], words, sizeof words);
	snprintf(message, sizeof message, "%.200s/%.200s %s", r->path, r->near[0].path, words);
	if (r->near_all > 1)
		snprintf(message, sizeof message, "%zu folders in %.200s are to be renamed: %.100s %s", r->near_all, r->path,
			r->near[0].path, words);
	journal_add_event(e->journal, 0, "warn", "name_near", message);
}

static void names_take(struct engine *e, struct root *r, struct folder_listing *l) {
	r->near_cut = l->near_cut;
	if (names_same(r, l)) return;
	size_t before = r->near_all;
	names_free(r);
	r->near = l->near;
	r->near_n = l->near_n;
	r->near_all = l->near_all;
	l->near = NULL;
	l->near_n = 0;
	names_say(e, r, before);
	control_changed(e->control);
}

/* --- what a listing says of the folder --- */

static void memory_keep(struct engine *e, struct root *r, const struct folder_listing *l) {
	struct folder_memory now = {.known = true, .inode = l->inode, .had = l->n > 0};
	if (r->memory.known && r->memory.inode == now.inode && r->memory.had == now.had) return;
	char text[64];
	AUTO(xfree) char *setting = folder_setting(r->path);
	r->memory = now;
	folder_write(&now, text, sizeof text);
	journal_set(e->journal, setting, text, engine_journal_done, e);
}

void root_listed(struct engine *e, size_t root, struct folder_listing *l, struct error *why) {
	struct root *r = &e->roots[root];
	if (!r->configured) return;
	r->state = folder_judge(why, l, &r->memory, e->config->may_be_empty);
	if (r->state == FOLDER_EMPTY) folder_empty_words(r->path, why);
	if (r->state != FOLDER_OK) return;
	r->listed_ms = clock_wall_ms();
	memory_keep(e, r, l);
	names_take(e, r, l);
}

enum folder_state root_state(const struct root *r) { return r->slow_ms ? FOLDER_LOST : r->state; }

/* --- kept for those who come without an engine --- */

#define KEEP_MS (10LL * 60 * 1000) /* seldom: whoever reads the journal wakes at each commit */

static bool all_listed(const struct engine *e, bool *ret_well) {
	*ret_well = true;
	for (size_t i = 0; i < e->root_n; i++) {
		const struct root *r = &e->roots[i];
		if (r->configured && root_state(r) == FOLDER_UNLISTED) return false;
		*ret_well = *ret_well && (!r->configured || root_state(r) == FOLDER_OK);
	}
	return true;
}

void look_keep(struct engine *e) {
	bool well;
	if (!e->journal || !all_listed(e, &well)) return;
	e->look_keep_ms = now_ms() + KEEP_MS;
	names_keep(e);
	audits_keep(e);
	struct safe_look look;
	look_gather(e, &look);
	found_keep(e, look.metadata);
	if (!well) return;
	AUTO(xfree) char *text = xasprintf("%lld", (long long)look.at_ms);
	journal_set(e->journal, SETTING_LOOKED, text, engine_journal_done, e);
}

void look_pump(struct engine *e) {
	if (now_ms() >= e->look_keep_ms) look_keep(e);
	if (e->look_keep_ms) engine_wake_at(e, e->look_keep_ms);
}

/* --- facts --- */

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

static bool is_delayed(const struct session *s, int64_t now) {
	bool sends = s->row.state == STATE_QUEUED || s->row.state == STATE_UPLOADING ||
				 (s->row.state == STATE_HELD && s->metadata_held && !s->row.data_safe);
	return sends && !s->upload && !s->transfers && (s->attempt_ms > now || s->awaits_cloud);
}

void look_gather(const struct engine *e, struct safe_look *ret) {
	int64_t now = now_ms();
	const struct error *trouble = cloud_trouble(e);
	enum error_code code = trouble ? cloud_trouble_code(trouble) : ERR_NONE;
	*ret = (struct safe_look){.at_ms = looked_ms(e),
		.oldest_ms = audited_since_ms(e),
		.conflict = e->metadata_conflict,
		.key = code == ERR_KEY,
		.endpoint = code == ERR_CONFIG};
	for (size_t i = 0; i < e->root_n; i++) {
		if (!e->roots[i].configured) continue;
		folder_count(ret, root_state(&e->roots[i]));
		ret->names += (int64_t)e->roots[i].near_all;
	}
	for (size_t i = 0; i < e->root_n && e->accepted.n; i++) ret->unreadable += (int64_t)e->roots[i].unreadable_n;
	for (size_t i = 0; i < e->sessions.n; i++) {
		const struct session *s = e->sessions.items[i];
		if (s->dead || s->row.ignored || s->row.paused) continue;
		ret->metadata += s->row.state == STATE_SETTLING && s->awaits_metadata;
		ret->delayed += is_delayed(s, now);
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
