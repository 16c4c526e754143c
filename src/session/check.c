/* SPDX-License-Identifier: MIT */
/* The list of checks: its table, its order, its words and its JSON. The checks themselves are in check_files.c and
 * check_metadata.c. Pure functions, any thread.
 * Invariants of a list: at most one item an id, in order of id; each text valid UTF-8. */
#include "session/check_run.h"

#include <string.h>

#include "base/text.h"

static const char *const verdict_names[VERDICT_N] = {
#define X(id, word) [VERDICT_##id] = #word,
	VERDICTS(X)
#undef X
};

const char *verdict_name(enum verdict v) { return verdict_names[v]; }

int verdict_parse(const char *s, enum verdict *ret) {
	for (int v = 0; v < VERDICT_N; v++) {
		if (strcmp(s, verdict_names[v]) != 0) continue;
		*ret = (enum verdict)v;
		return 0;
	}
	return -1;
}

#define X(id, name, metadata_only) [CHECK_##id] = name,
const char *const check_names[CHECK_N] = {CHECKS(X)};
#undef X
#define X(id, name, metadata_only) [CHECK_##id] = metadata_only,
const bool check_metadata_only[CHECK_N] = {CHECKS(X)};
#undef X

/* --- the list --- */

void check_list_done(struct check_list *l) {
	xfree(l->items);
	*l = (struct check_list){0};
}

const char *check_clip(char *to, size_t size, const char *text) {
	size_t n = strlen(text);
	if (!text_is_utf8(text, n, NULL)) return text_safe(to, size, text);
	if (n >= size) {
		n = size - sizeof "…";
		while (n && ((unsigned char)text[n] & 0xc0) == 0x80) n--; /* not within a character */
		memcpy(to, text, n);
		memcpy(to + n, "…", sizeof "…");
	} else {
		memcpy(to, text, n + 1);
	}
	return to;
}

void check_add(
	struct check_list *l, enum check_id id, enum verdict v, const char *found, const char *rule, const char *mend) {
	size_t at = 0;
	while (at < l->n && l->items[at].id < id) at++;
	if (at < l->n && l->items[at].id == id) {
		if (l->items[at].verdict >= v) return; /* the first of the worst stays */
	} else {
		ARRAY_RESERVE(l->items, l->n, l->capacity);
		memmove(&l->items[at + 1], &l->items[at], (l->n - at) * sizeof *l->items);
		l->n++;
	}
	struct check *c = &l->items[at];
	c->id = id;
	c->verdict = v;
	check_clip(c->found, sizeof c->found, found ? found : "");
	check_clip(c->rule, sizeof c->rule, rule ? rule : "");
	check_clip(c->mend, sizeof c->mend, mend ? mend : "");
}

static const struct check *first_of(const struct check_list *l, enum verdict v) {
	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].verdict == v) return &l->items[i];
	}
	return NULL;
}

bool checks_hold(const struct check_list *l) { return first_of(l, VERDICT_HOLD) != NULL; }

bool checks_hold_metadata_only(const struct check_list *l) {
	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].verdict == VERDICT_HOLD && !check_metadata_only[l->items[i].id]) return false;
	}
	return checks_hold(l);
}

void checks_reason(const struct check_list *l, char *to, size_t size) {
	char text[sizeof(struct check)];
	const struct check *c = first_of(l, VERDICT_HOLD);
	text[0] = '\0';
	if (c) snprintf(text, sizeof text, "%s: %s", check_names[c->id], c->found);
	else if ((c = first_of(l, VERDICT_WARN))) snprintf(text, sizeof text, "warning: %s", c->found);
	check_clip(to, size, text);
}

/* --- JSON (api.md: checks:[{name, verdict, found, rule, mend}]) --- */

cJSON *checks_to_json(const struct check_list *l) {
	cJSON *array = json_array();
	for (size_t i = 0; i < l->n; i++) {
		const struct check *c = &l->items[i];
		cJSON *j = json_object();
		json_add_text(j, "name", check_names[c->id]);
		json_add_text(j, "verdict", verdict_name(c->verdict));
		json_add_text(j, "found", c->found);
		json_add_text(j, "rule", c->rule);
		json_add_text(j, "mend", c->mend);
		json_push(array, j);
	}
	return array;
}

static int check_by_name(const char *name) {
	for (int id = 0; id < CHECK_N; id++) {
		if (strcmp(check_names[id], name) == 0) return id;
	}
	return -1;
}

static int one_from_json(struct check_list *l, const cJSON *j, const struct json_at *at, struct error *err) {
	const char *name, *word, *found = NULL, *rule = NULL, *mend = NULL;
	enum verdict v;
	if (json_want_object(j, at, err) || json_want_text(j, "name", at, &name, err) ||
		json_want_text(j, "verdict", at, &word, err) || json_may_text(j, "found", at, &found, err) ||
		json_may_text(j, "rule", at, &rule, err) || json_may_text(j, "mend", at, &mend, err)) {
		return -1;
	}
	if (verdict_parse(word, &v)) {
		return error_set(
			err, ERR_INPUT, "checks[%zu].verdict \"%s\" is none of pass, warn and hold", at->index, TEXT_SAFE(word));
	}
	int id = check_by_name(name);
	if (id >= 0) check_add(l, (enum check_id)id, v, found, rule, mend);
	return 0;
}

int checks_from_json(struct check_list *l, const cJSON *array, struct error *err) {
	AUTO(check_list_done) struct check_list read = {0};
	struct json_at checks = {NULL, "checks", 0}, at = {&checks, NULL, 0};
	if (!json_is_array(array)) return error_set(err, ERR_INPUT, "checks is not an array");
	const cJSON *j;
	json_each (j, array) {
		if (one_from_json(&read, j, &at, err)) return -1;
		at.index++;
	}
	check_list_done(l);
	*l = read;
	read = (struct check_list){0};
	return 0;
}

/* --- notes: several findings of one check --- */

void notes_add(struct notes *n, const char *found, const char *rule, const char *mend) {
	if (n->n++ == 0) {
		check_clip(n->found, sizeof n->found, found);
		check_clip(n->rule, sizeof n->rule, rule);
		check_clip(n->mend, sizeof n->mend, mend);
		return;
	}
	size_t length = strlen(n->found), more = strlen(found);
	if (n->unsaid || length + more + 2 >= sizeof n->found) {
		n->unsaid++;
		return;
	}
	memcpy(n->found + length, "; ", 2);
	memcpy(n->found + length + 2, found, more + 1);
}

void notes_close(const struct notes *n, struct check_list *l, enum check_id id, const char *passed) {
	if (!n->n) {
		check_add(l, id, VERDICT_PASS, passed, "", "");
		return;
	}
	char found[256];
	if (n->unsaid) snprintf(found, sizeof found, "%s; and %zu more", n->found, n->unsaid);
	else check_clip(found, sizeof found, n->found);
	check_add(l, id, VERDICT_HOLD, found, n->rule, n->mend);
}

void notes_add_sentence(struct notes *n, const char *sentence, const char *rule, const char *mend_default) {
	char found[512];
	text_copy(found, sizeof found, sentence);
	char *mend = NULL;
	for (char *p = found; (p = strstr(p, "; ")); p += 2) mend = p;
	if (mend) {
		*mend = '\0';
		mend += 2;
	}
	notes_add(n, found, rule, mend ? mend : mend_default);
}

void checks_run(const struct check_input *in, struct check_list *ret, struct metadata *ret_metadata) {
	check_list_done(ret);
	check_folder(in, ret);
	check_files(in, ret);
	check_metadata(in, ret, ret_metadata);
}
