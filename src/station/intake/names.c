/* SPDX-License-Identifier: MIT */
/* Near names change seldom: what is as it was is neither said nor written again. Loop thread. */
#include "station/intake/names.h"

#include <stdlib.h>
#include <string.h>

void names_done(struct names *n) {
	for (size_t i = 0; i < n->n; i++) free(n->items[i].path);
	free(n->items);
	n->items = NULL;
	n->n = 0;
}

static bool names_same(const struct root *r, const struct names *n, const struct folder_listing *l) {
	bool same = n->n == l->near_n && r->names_n == l->near_all;
	for (size_t i = 0; same && i < l->near_n; i++)
		same = strcmp(n->items[i].path, l->near[i].path) == 0 && strcmp(n->items[i].name, l->near[i].name) == 0 &&
			   n->items[i].claimed == l->near[i].claimed;
	return same;
}

static void names_say(struct engine *e, const struct root *r, const struct names *n, size_t before) {
	char words[160], message[640];
	if (e->o->once || r->names_n <= before || !n->n) return;
	near_words(&n->items[0], words, sizeof words);
	snprintf(message, sizeof message, "%.200s/%.200s %s", r->path, n->items[0].path, words);
	if (r->names_n > 1)
		snprintf(message, sizeof message, "%zu folders in %.200s are to be renamed: %.100s %s", r->names_n, r->path,
			n->items[0].path, words);
	journal_add_event(e->journal, 0, "warn", "name_near", message);
}

void names_take(struct engine *e, size_t root, struct names *n, struct folder_listing *l) {
	struct root *r = &e->roots[root];
	n->cut = l->near_cut;
	if (names_same(r, n, l)) return;
	size_t before = r->names_n;
	names_done(n);
	n->items = l->near;
	n->n = l->near_n;
	r->names_n = l->near_all;
	l->near = NULL;
	l->near_n = 0;
	names_say(e, r, n, before);
	engine_changed(e);
}

cJSON *names_json(const struct names *n) {
	cJSON *list = json_array();
	for (size_t i = 0; i < n->n; i++) json_push(list, near_json(&n->items[i]));
	return list;
}

void names_add(const struct names *n, const char *root, cJSON *all) {
	for (size_t i = 0; i < n->n; i++) {
		cJSON *o = near_json(&n->items[i]);
		json_add_text(o, "root", root);
		json_push(all, o);
	}
}

void names_keep(struct engine *e, const cJSON *all, char **was) {
	AUTO(xfree) char *text = json_count(all) ? json_text(all) : NULL;
	if (!text ? !*was : *was && strcmp(text, *was) == 0) return;
	journal_set(e->journal, SETTING_NAMES, text, engine_journal_done, e);
	free(*was);
	*was = TAKE(text);
}
