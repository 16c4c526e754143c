/* SPDX-License-Identifier: MIT */
/* Accepted sessions that are there and cannot be compared with what was accepted: a folder or a file that nobody may
 * read, a disk that fails, a link or a file in the folder's place. What is behind that may have changed, so all is not
 * well until it can be read again or is gone. Marks are in the table of accepted sessions, and in the journal for
 * whoever comes without an engine and for the next one, which looks at them first. Loop thread. */
#include "station/intake/unreadable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "session/name.h"

#define KEPT_MAX 4096 /* names written down; all are counted */

/* {"n", "why", "sessions": [name...]} */
static cJSON *unreadable_list(const struct engine *e, size_t root) {
	cJSON *o = json_object(), *names = json_array();
	char name[16];
	int64_t n = 0;
	for (size_t i = 0; i < e->accepted.n; i++) {
		const struct stub *x = &e->accepted.items[i];
		if (x->root != root || !x->present || !x->unreadable) continue;
		if (n++ < KEPT_MAX) json_push_text(names, session_unstamp(name, x->stamp));
	}
	json_add_i64(o, "n", n);
	json_add_text(o, "why", e->roots[root].unreadable_why);
	json_add(o, "sessions", names);
	return o;
}

static void unreadable_keep(struct engine *e, size_t root, char **kept) {
	const struct root *r = &e->roots[root];
	AUTO(xfree) char *text = NULL;
	if (r->unreadable_n) {
		AUTO(json_free) cJSON *list = unreadable_list(e, root);
		text = json_text(list);
	}
	if (!text ? !*kept : *kept && strcmp(text, *kept) == 0) return;
	AUTO(xfree) char *setting = xasprintf(SETTING_UNREADABLE "%s", r->path);
	journal_set(e->journal, setting, text, engine_journal_done, e);
	free(*kept);
	*kept = TAKE(text);
	engine_changed(e);
}

void unreadable_mark(struct engine *e, size_t root, int64_t stamp, bool unreadable) {
	struct stub *x = stub_find(&e->accepted, stamp, root);
	if (x) x->unreadable = unreadable;
}

void unreadable_count(struct engine *e, size_t root, const char *why, char **kept) {
	struct root *r = &e->roots[root];
	bool was = r->unreadable_n > 0;
	if (!was && !why) return; /* as nearly always */
	r->unreadable_n = 0;
	for (size_t i = 0; i < e->accepted.n; i++) {
		const struct stub *x = &e->accepted.items[i];
		r->unreadable_n += x->root == root && x->present && x->unreadable;
	}
	if (why || !r->unreadable_n) {
		free(r->unreadable_why);
		r->unreadable_why = why ? xstrdup(why) : NULL;
	}
	if (!was && r->unreadable_n && why) journal_add_event(e->journal, 0, "warn", "unreadable", why);
	unreadable_keep(e, root, kept);
}

void unreadable_load(struct engine *e, struct journal_view *v, size_t root, char **kept) {
	struct root *r = &e->roots[root];
	AUTO(json_free) cJSON *list = NULL;
	struct error err = ERROR_INIT;
	const cJSON *name;
	if (unreadable_get(v, r->path, &list, &err) || !list) return;
	*kept = json_text(list);
	const char *why = json_get_text(list, "why");
	json_each (name, json_get_array(list, "sessions")) {
		const char *text = json_as_text(name);
		if (!text || !session_name_is(text)) continue;
		struct stub *x = stub_find(&e->accepted, session_stamp(text), root);
		if (!x || !x->present) continue;
		x->unreadable = true;
		r->unreadable_n++;
	}
	if (why) r->unreadable_why = xstrdup(why);
}

int unreadable_get(struct journal_view *v, const char *root, cJSON **ret, struct error *err) {
	AUTO(xfree) char *setting = xasprintf(SETTING_UNREADABLE "%s", root), *kept = NULL;
	struct error none = ERROR_INIT;
	*ret = NULL;
	if (journal_get(v, setting, &kept, err)) return -1;
	if (!kept || json_parse(kept, strlen(kept), ret, &none) || json_is_object(*ret)) return 0;
	json_free(*ret);
	*ret = NULL;
	return 0;
}

void unreadable_words(int64_t n, const char *why, char *to, size_t size) {
	snprintf(to, size, "%lld accepted session%s cannot be read any more, and may have changed: %s", (long long)n,
		n == 1 ? "" : "s", why);
}

void unreadable_json(const struct root *r, cJSON *folder) {
	json_add_i64(folder, "unreadable_n", (int64_t)r->unreadable_n);
	json_add_text(folder, "unreadable", r->unreadable_why);
}
