/* SPDX-License-Identifier: MIT */
/* Checks of a session's metadata against the rules. A check whose ground is missing (the types of what does not parse)
 * is left out, not passed. Pure functions, any thread. */
#include "session/check_run.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"

/* --- the file --- */

const char *check_metadata_kind(const struct check_input *in, const char *bad_kind) {
	size_t n = strlen(in->schema->file);
	bool its = strncmp(bad_kind, in->schema->file, n) == 0 && strncmp(bad_kind + n, ": ", 2) == 0;
	return its && !text_ends(bad_kind, CHECK_TEMPORARY) && !strstr(bad_kind, CHECK_UNREADABLE) ? bad_kind + n + 2
																							   : NULL;
}

static const char *kind_there(const struct check_input *in) {
	const char *kind = NULL;
	for (const char *const *p = in->bad_kinds; p && *p && !kind; p++) kind = check_metadata_kind(in, *p);
	return kind;
}

static bool folder_there(const struct check_input *in) {
	size_t n = strlen(in->schema->file);
	for (size_t i = 0; i < in->folder_n; i++)
		if (strncmp(in->folders[i], in->schema->file, n) == 0 && strcmp(in->folders[i] + n, "/") == 0) return true;
	return false;
}

bool check_metadata_misplaced(const struct check_input *in) {
	bool misplaced = kind_there(in) || folder_there(in);
	for (size_t i = 0; i < in->file_n; i++) {
		if (strcmp(in->files[i].name, in->schema->file) == 0) return false;
		misplaced = misplaced || text_equal_nocase(in->files[i].name, in->schema->file);
	}
	return misplaced;
}

/* A file whose name was probably meant, or NULL. */
static const char *misnamed(const struct check_input *in) {
	const char *file = in->schema->file, *near = NULL;
	for (size_t i = 0; i < in->file_n && !near; i++) {
		const char *name = in->files[i].name;
		if (text_equal_nocase(name, file) || text_nearest(file, &name, 1)) near = name;
	}
	return near;
}

/* What keeps the file from being there to be read, or NULL. */
static const char *absence(const struct check_input *in) {
	if (in->metadata_n && (in->metadata_text || in->metadata_n > METADATA_MAX)) return NULL;
	if (in->metadata_n) return "cannot be read";
	return in->metadata_text ? "is empty" : "is not there";
}

/* False when there is nothing to go on with. */
static bool check_present(const struct check_input *in, struct check_list *l) {
	const char *file = in->schema->file, *absent = absence(in);
	char found[256], rule[256], mend[256];
	if (!absent) {
		check_add(l, CHECK_METADATA_PRESENT, VERDICT_PASS, file, "", "");
		return true;
	}
	bool there = in->metadata_text || in->metadata_n;
	const char *near = there ? NULL : misnamed(in), *kind = there ? NULL : kind_there(in);
	snprintf(found, sizeof found, "%s %s", CLIP(file), absent);
	if (kind) snprintf(found, sizeof found, "%s is a %s", CLIP(file), CLIP(kind));
	else if (!there && folder_there(in)) snprintf(found, sizeof found, "%s is a folder", CLIP(file));
	else if (near) snprintf(found, sizeof found, "%s is not there, %s is", CLIP(file), CLIP(near));
	snprintf(rule, sizeof rule, "each session has a %s", CLIP(file));
	if (kind) snprintf(mend, sizeof mend, "put the file itself there, links are never followed");
	else if (!there && folder_there(in))
		snprintf(mend, sizeof mend, "move the folder away, and write the file %s", CLIP(file));
	else if (near) snprintf(mend, sizeof mend, "rename \"%s\" to %s", CLIP(near), CLIP(file));
	else if (in->metadata_n) snprintf(mend, sizeof mend, "let the user that runs headgate read %s", CLIP(file));
	else snprintf(mend, sizeof mend, "write %s into the session's folder", CLIP(file));
	check_add(l, CHECK_METADATA_PRESENT, VERDICT_HOLD, found, rule, mend);
	return false;
}

static bool check_utf8(const struct check_input *in, struct check_list *l) {
	size_t bad = 0;
	if (text_is_utf8(in->metadata_text, in->metadata_n, &bad)) {
		check_add(l, CHECK_METADATA_UTF8, VERDICT_PASS, "", "", "");
		return true;
	}
	char found[128], mend[128];
	snprintf(found, sizeof found, "byte 0x%02X at offset %zu is not UTF-8",
		(unsigned)(unsigned char)in->metadata_text[bad], bad);
	snprintf(mend, sizeof mend, "save %s as UTF-8", CLIP(in->schema->file));
	check_add(l, CHECK_METADATA_UTF8, VERDICT_HOLD, found, "the metadata are UTF-8", mend);
	return false;
}

static bool check_parses(const struct check_input *in, struct check_list *l, struct metadata *ret) {
	struct error err = ERROR_INIT;
	struct notes notes = {0};
	char passed[64], mend[128];
	snprintf(mend, sizeof mend, "correct %s", CLIP(in->schema->file));
	if (metadata_parse(in->metadata_text, in->metadata_n, ret, &err)) {
		notes_add_sentence(&notes, err.text, "\"key: value\" or \"key = value\" lines, or one JSON object", mend);
	}
	snprintf(passed, sizeof passed, ret->n == 1 ? "%zu key" : "%zu keys", ret->n);
	notes_close(&notes, l, CHECK_METADATA_PARSES, passed);
	return notes.n == 0;
}

static void hold_too_long(const struct check_input *in, struct check_list *l) {
	char found[128];
	snprintf(found, sizeof found, "%s has %s", CLIP(in->schema->file), UNIT_BYTES((int64_t)in->metadata_n));
	check_add(l, CHECK_METADATA_PARSES, VERDICT_HOLD, found, "the metadata have at most 256 KiB",
		"see whether data were written into it; put the metadata alone there");
}

/* --- the rules --- */

static void rule_words(const struct schema_rule *r, char *to, size_t size) {
	char text[192];
	schema_rule_text(r, text, sizeof text);
	snprintf(to, size, "%s = %s", CLIP(r->key), CLIP(text));
}

/* A key of the metadata that was probably meant for r, or NULL. */
static const char *miswritten(const struct schema *s, const struct metadata *m, const struct schema_rule *r) {
	for (size_t i = 0; i < m->n; i++) {
		const char *key = m->entries[i].key;
		if (!schema_rule_of(s, key) && (text_equal_nocase(key, r->key) || text_nearest(r->key, &key, 1))) return key;
	}
	return NULL;
}

static void check_required(const struct check_input *in, const struct metadata *m, struct check_list *l) {
	struct notes notes = {0};
	for (size_t i = 0; i < in->schema->n; i++) {
		const struct schema_rule *r = &in->schema->rules[i];
		const struct metadata_entry *e = metadata_get(m, r->key);
		if (!r->required || (e && *e->text)) continue;
		char found[128], rule[160], mend[224];
		rule_words(r, rule, sizeof rule);
		snprintf(found, sizeof found, e ? "%s has no value" : "%s is missing", CLIP(r->key));
		const char *near = e ? NULL : miswritten(in->schema, m, r);
		if (near) snprintf(mend, sizeof mend, "rename %s to %s", CLIP(near), CLIP(r->key));
		else snprintf(mend, sizeof mend, "write %s and its value into %s", CLIP(r->key), CLIP(in->schema->file));
		notes_add(&notes, found, rule, mend);
	}
	notes_close(&notes, l, CHECK_METADATA_REQUIRED, "");
}

/* Whether e has a value that the rule can judge. An empty one is check_required's. */
static bool judged(const struct schema_rule *r, const struct metadata_entry *e) {
	return r && *e->text && (r->type == SCHEMA_TEXT || e->is_number);
}

static void check_types(const struct check_input *in, const struct metadata *m, struct check_list *l) {
	struct notes notes = {0};
	for (size_t i = 0; i < m->n; i++) {
		const struct metadata_entry *e = &m->entries[i];
		const struct schema_rule *r = schema_rule_of(in->schema, e->key);
		if (!r || !*e->text || judged(r, e)) continue;
		char found[192], rule[160], mend[160];
		rule_words(r, rule, sizeof rule);
		snprintf(found, sizeof found, "%s \"%s\" is not a number", CLIP(e->key), CLIP(e->text));
		snprintf(mend, sizeof mend, "write a number for %s in %s", CLIP(e->key), CLIP(in->schema->file));
		notes_add(&notes, found, rule, mend);
	}
	notes_close(&notes, l, CHECK_METADATA_TYPES, "");
}

static bool is_one_of(const struct schema_rule *r, const struct metadata_entry *e) {
	for (size_t i = 0; i < r->one_of_n; i++) {
		double number;
		if (strcmp(r->one_of[i], e->text) == 0) return true;
		if (r->type == SCHEMA_NUMBER && text_to_double(r->one_of[i], &number) == 0 && !(number < e->number) &&
			!(number > e->number)) {
			return true;
		}
	}
	return r->one_of_n == 0;
}

/* What is wrong with the value, or false. */
static bool out_of_range(const struct schema_rule *r, const struct metadata_entry *e, char *found, size_t size) {
	if (r->has_max && e->number > r->max) {
		snprintf(found, size, "%s %s is above %.15g", CLIP(e->key), CLIP(e->text), r->max);
	} else if (r->has_min && e->number < r->min) {
		snprintf(found, size, "%s %s is below %.15g", CLIP(e->key), CLIP(e->text), r->min);
	} else if (!is_one_of(r, e)) {
		snprintf(found, size, "%s \"%s\" is none of those allowed", CLIP(e->key), CLIP(e->text));
	} else {
		return false;
	}
	return true;
}

static void check_ranges(const struct check_input *in, const struct metadata *m, struct check_list *l) {
	struct notes notes = {0};
	for (size_t i = 0; i < m->n; i++) {
		const struct metadata_entry *e = &m->entries[i];
		const struct schema_rule *r = schema_rule_of(in->schema, e->key);
		char found[192], rule[160], mend[192];
		if (!judged(r, e) || !out_of_range(r, e, found, sizeof found)) continue;
		rule_words(r, rule, sizeof rule);
		snprintf(mend, sizeof mend, "correct %s in %s", CLIP(e->key), CLIP(in->schema->file));
		notes_add(&notes, found, rule, mend);
	}
	notes_close(&notes, l, CHECK_METADATA_RANGES, "");
}

/* "hardware_model: 0042" is the text 0042, not the number 42, when its rule says so. */
static void types_by_rules(const struct schema *s, struct metadata *m) {
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; s->rules[i].type == SCHEMA_TEXT && k < m->n; k++) {
			if (strcmp(m->entries[k].key, s->rules[i].key) == 0) m->entries[k].is_number = false;
		}
	}
}

void check_metadata(const struct check_input *in, struct check_list *l, struct metadata *ret) {
	if (!check_present(in, l)) return;
	if (in->metadata_n > METADATA_MAX) {
		hold_too_long(in, l);
		return;
	}
	AUTO(metadata_done) struct metadata m = {0};
	if (!check_utf8(in, l) || !check_parses(in, l, &m)) return;
	types_by_rules(in->schema, &m);
	check_required(in, &m, l);
	check_types(in, &m, l);
	check_ranges(in, &m, l);
	if (!ret) return;
	*ret = m;
	m = (struct metadata){0};
}
