/* SPDX-License-Identifier: MIT */
/* The first cause that holds speaks; all of them decide the exit status. Any thread. */
#include "station/told/safe.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"

#define COUNT_MAX 1000000000000000 /* no folder holds so many: a number that is none */

static const char *const safe_names[ROWS(SAFE_VERDICTS)] = {
#define X(id, word) [SAFE_##id] = #word,
	SAFE_VERDICTS(X)
#undef X
};

const char *safe_name(enum safe s) { return safe_names[s]; }

static const struct {
	const char *name;
	enum error_code code;
	enum safe safe;
} causes[CAUSE_N] = {
#define X(id, name, code, safe) [CAUSE_##id] = {name, ERR_##code, SAFE_##safe},
	SAFE_CAUSES(X)
#undef X
};
static_assert(CAUSE_N <= 32, "a bit for each cause");

const char *safe_cause_name(enum safe_cause c) { return causes[c].name; }

enum error_code safe_cause_code(enum safe_cause c) { return causes[c].code; }

enum error_code safe_code(uint32_t bits) {
	static const int order[] = {2, 74, 75, 77, 69, 4, 1};
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		for (int c = 0; c < CAUSE_N; c++) {
			if (!(bits & CAUSE_BIT(c)) || error_classes[causes[c].code].exit_status != order[i]) continue;
			return causes[c].code;
		}
	}
	return ERR_NONE;
}

/* --- the look, as JSON --- */

static const struct {
	const char *name;
	size_t offset;
} look_counts[] = {
	{"wrong", offsetof(struct safe_look, wrong)},
	{"lost", offsetof(struct safe_look, lost)},
	{"empty", offsetof(struct safe_look, empty)},
	{"unreadable", offsetof(struct safe_look, unreadable)},
	{"names", offsetof(struct safe_look, names)},
	{"metadata", offsetof(struct safe_look, metadata)},
	{"delayed", offsetof(struct safe_look, delayed)},
};

cJSON *safe_look_json(const struct safe_look *l) {
	cJSON *o = json_object();
	json_add_time(o, "at", l->at_ms);
	json_add_time(o, "oldest_at", l->oldest_ms);
	for (size_t i = 0; i < ARRAY_LEN(look_counts); i++) {
		json_add_i64(o, look_counts[i].name, *(const int64_t *)((const char *)l + look_counts[i].offset));
	}
	json_add_bool(o, "key_refused", l->key);
	json_add_bool(o, "endpoint_wrong", l->endpoint);
	json_add_bool(o, "conflict", l->conflict);
	return o;
}

static int64_t look_time(const cJSON *o, const char *name) {
	const char *text = json_get_text(o, name);
	int64_t ms;
	return text && time_parse_rfc3339(text, &ms) == 0 ? MAX(ms, 0) : 0;
}

void safe_look_take(struct safe_look *l, const cJSON *json) {
	*l = (struct safe_look){0};
	l->at_ms = look_time(json, "at");
	l->oldest_ms = look_time(json, "oldest_at");
	for (size_t i = 0; i < ARRAY_LEN(look_counts); i++) {
		int64_t n = json_get_i64(json, look_counts[i].name, 0);
		*(int64_t *)((char *)l + look_counts[i].offset) = n > 0 && n < COUNT_MAX ? n : 0;
	}
	l->key = json_get_bool(json, "key_refused");
	l->endpoint = json_get_bool(json, "endpoint_wrong");
	l->conflict = json_get_bool(json, "conflict");
}

/* --- the causes --- */

struct counts {
	int64_t person, under_way; /* those that wait for metadata or are paused among them */
	int64_t paused, metadata, moving;
};

int64_t safe_person(const struct journal_summary *s) {
	int64_t n = 0;
	for (int i = 0; i < STATE_N; i++) n += state_needs_person((enum session_state)i) ? s->by_state[i] : 0;
	return n;
}

int64_t safe_unsafe(const struct journal_summary *s) {
	int64_t n = 0;
	for (int i = 0; i < STATE_N; i++) n += i == STATE_ACCEPTED ? 0 : s->by_state[i];
	return n;
}

static struct counts count(const struct safe_facts *f) {
	struct counts c = {0};
	if (!f->summary) return c;
	c.person = safe_person(f->summary);
	c.under_way = safe_unsafe(f->summary) - c.person;
	/* the summary counts a paused session whatever else it is */
	c.paused = MIN(f->summary->paused, c.under_way);
	c.metadata = MIN(f->look.metadata, c.under_way - c.paused);
	c.moving = c.under_way - c.paused - c.metadata;
	return c;
}

static uint32_t bit_if(bool holds, enum safe_cause cause) { return holds ? CAUSE_BIT(cause) : 0; }

static uint32_t look_causes(const struct safe_look *l) {
	return bit_if(l->wrong, CAUSE_WRONG) | bit_if(l->lost, CAUSE_LOST) | bit_if(l->empty, CAUSE_EMPTY) |
		   bit_if(l->unreadable, CAUSE_UNREADABLE) | bit_if(l->conflict, CAUSE_CONFLICT) |
		   bit_if(l->names, CAUSE_NAMES) | bit_if(l->strange, CAUSE_STRANGE) | bit_if(l->changed, CAUSE_CHANGED);
}

uint32_t safe_causes(const struct safe_facts *f) {
	const struct counts c = count(f);
	if (!f->summary && !f->journal_broken) return CAUSE_BIT(CAUSE_UNREAD);
	uint32_t bits = look_causes(&f->look) | bit_if(f->journal_broken, CAUSE_JOURNAL) | bit_if(c.person, CAUSE_PERSON) |
					bit_if(c.moving, CAUSE_UNDER_WAY) | bit_if(c.metadata, CAUSE_METADATA) |
					bit_if(c.paused, CAUSE_PAUSED);
	bits |= bit_if(f->look.key, CAUSE_KEY) | bit_if(f->look.endpoint, CAUSE_ENDPOINT);
	if (!f->engine) {
		bool lately = f->look.at_ms && f->listed && f->age_ms <= SAFE_LATELY_MS;
		return bits | bit_if(f->silent, CAUSE_SILENT) | bit_if(c.under_way, CAUSE_NO_ENGINE) |
			   bit_if(!lately, CAUSE_UNWATCHED);
	}
	bool away = !f->cloud_ok || f->look.delayed;
	return bits | bit_if(away && c.under_way, CAUSE_CLOUD_WAITED) | bit_if(away && !c.under_way, CAUSE_CLOUD) |
		   bit_if(!f->look.at_ms, CAUSE_UNLISTED);
}

/* --- the words --- */

static void say_under_way(const struct safe_facts *f, int64_t n, char *text, size_t size) {
	if (f->eta_ms >= 0) snprintf(text, size, "not yet safe: %lld left, %s", (long long)n, UNIT_DURATION(f->eta_ms));
	else snprintf(text, size, "not yet safe: %lld left", (long long)n);
}

static void say_unwatched(const struct safe_facts *f, char *text, size_t size) {
	if (f->age_ms < 0) {
		snprintf(text, size, "safe to leave? not known since when, no engine watches");
		return;
	}
	char age[UNIT_TEXT];
	unit_age(age, f->age_ms);
	bool now = strcmp(age, "now") == 0;
	snprintf(text, size, "safe as of %s%s, no engine watches", age, now ? "" : " ago");
}

static void say_well(const struct safe_facts *f, char *text, size_t size) {
	int64_t today = f->summary->today_found;
	if (!f->engine) say_unwatched(f, text, size);
	else if (today) snprintf(text, size, "safe to leave: all %lld of today", (long long)today);
	else snprintf(text, size, "safe to leave: nothing recorded today");
}

/* "1 watched folder", "2 watched folders". */
static void say_folders(int64_t n, const char *what, char *text, size_t size) {
	snprintf(text, size, "NOT safe: %lld watched folder%s %s", (long long)n, n == 1 ? "" : "s", what);
}

static void say(const struct safe_facts *f, enum safe_cause cause, char *text, size_t size) {
	const struct counts c = count(f);
	const struct safe_look *l = &f->look;
	switch (cause) {
	case CAUSE_UNREAD: snprintf(text, size, "safe to leave? not known yet"); break;
	case CAUSE_JOURNAL: snprintf(text, size, "NOT safe: the journal cannot be read"); break;
	case CAUSE_WRONG: say_folders(l->wrong, l->wrong == 1 ? "is no folder" : "are no folders", text, size); break;
	case CAUSE_LOST: say_folders(l->lost, "cannot be read", text, size); break;
	case CAUSE_EMPTY:
		say_folders(l->empty, l->empty == 1 ? "has become empty" : "have become empty", text, size);
		break;
	case CAUSE_UNREADABLE:
		snprintf(text, size, "NOT safe: %lld accepted cannot be read any more", (long long)l->unreadable);
		break;
	case CAUSE_CONFLICT: snprintf(text, size, "NOT safe: the cloud wants another metadata file"); break;
	case CAUSE_PERSON:
		snprintf(text, size, "NOT safe: %lld need%s you", (long long)c.person, c.person == 1 ? "s" : "");
		break;
	case CAUSE_NAMES: snprintf(text, size, "NOT safe: %lld to be renamed", (long long)l->names); break;
	case CAUSE_ENDPOINT: snprintf(text, size, "NOT safe: the endpoint is not the cloud's"); break;
	case CAUSE_KEY: snprintf(text, size, "NOT safe: the API key is refused"); break;
	case CAUSE_SILENT: snprintf(text, size, "NOT safe: the engine does not answer"); break;
	case CAUSE_NO_ENGINE:
		snprintf(text, size, "NOT safe: %lld not in the cloud, no engine answers", (long long)c.under_way);
		break;
	case CAUSE_CLOUD_WAITED:
		snprintf(
			text, size, "NOT safe: %lld wait%s for the cloud", (long long)c.under_way, c.under_way == 1 ? "s" : "");
		break;
	case CAUSE_STRANGE:
		snprintf(text, size, "NOT safe: %lld not looked at, no engine watches", (long long)l->strange);
		break;
	case CAUSE_CHANGED:
		snprintf(text, size, "NOT safe: %lld changed since accepted, no engine watches", (long long)l->changed);
		break;
	case CAUSE_UNDER_WAY: say_under_way(f, c.under_way, text, size); break;
	case CAUSE_METADATA: snprintf(text, size, "NOT safe: %lld without metadata", (long long)c.metadata); break;
	case CAUSE_PAUSED: snprintf(text, size, "NOT safe: %lld paused", (long long)c.paused); break;
	case CAUSE_UNLISTED: snprintf(text, size, "safe to leave? the folders are being read"); break;
	case CAUSE_CLOUD: snprintf(text, size, "all in the cloud, which does not answer now"); break;
	case CAUSE_UNWATCHED: say_unwatched(f, text, size); break;
	case CAUSE_N: break;
	}
}

enum safe safe_verdict(const struct safe_facts *f, char *text, size_t size) {
	uint32_t bits = safe_causes(f);
	if (!bits) {
		say_well(f, text, size);
		return SAFE_YES;
	}
	enum safe_cause first = (enum safe_cause)__builtin_ctz(bits);
	say(f, first, text, size);
	return causes[first].safe;
}

/* --- the sentence at a command's end --- */

/* The first of the causes with that code. */
static enum safe_cause cause_of(uint32_t bits, enum error_code code) {
	int c = 0;
	while (c < CAUSE_N - 1 && (!(bits & CAUSE_BIT(c)) || causes[c].code != code)) c++;
	return (enum safe_cause)c;
}

static void explain_left(const struct counts *c, char *text, size_t size) {
	snprintf(text, size, "%lld session%s not in the cloud yet", (long long)c->under_way,
		c->under_way == 1 ? " is" : "s are");
	size_t n = strlen(text);
	if (c->metadata) snprintf(text + n, size - n, ", %lld without metadata", (long long)c->metadata);
	n = strlen(text);
	if (c->paused) snprintf(text + n, size - n, ", %lld paused", (long long)c->paused);
	n = strlen(text);
	snprintf(text + n, size - n, "; the next run goes on");
}

static void explain(const struct safe_facts *f, enum safe_cause cause, char *text, size_t size) {
	const struct counts c = count(f);
	const struct safe_look *l = &f->look;
	switch (cause) {
	case CAUSE_PERSON:
		snprintf(text, size, "%lld session%s a person: `headgate sessions` names %s and why", (long long)c.person,
			c.person == 1 ? " needs" : "s need", c.person == 1 ? "it" : "them");
		break;
	case CAUSE_UNREADABLE:
		snprintf(text, size,
			"%lld accepted session%s cannot be read any more, and may have changed: `headgate status` says why",
			(long long)l->unreadable, l->unreadable == 1 ? "" : "s");
		break;
	case CAUSE_NAMES:
		snprintf(text, size,
			"%lld folder%s a recording and %s not sent: rename %s, or name %s in [station] ignore_folders",
			(long long)l->names, l->names == 1 ? " looks like" : "s look like", l->names == 1 ? "is" : "are",
			l->names == 1 ? "it" : "them", l->names == 1 ? "it" : "them");
		break;
	case CAUSE_STRANGE:
		snprintf(text, size, "%lld recording%s not been looked at: start headgate run", (long long)l->strange,
			l->strange == 1 ? " has" : "s have");
		break;
	case CAUSE_CHANGED:
		snprintf(text, size, "%lld session%s changed since %s accepted: start headgate run", (long long)l->changed,
			l->changed == 1 ? " has" : "s have", l->changed == 1 ? "it was" : "they were");
		break;
	case CAUSE_NO_ENGINE:
	case CAUSE_UNDER_WAY:
	case CAUSE_METADATA:
	case CAUSE_PAUSED: explain_left(&c, text, size); break;
	case CAUSE_CLOUD_WAITED:
		snprintf(text, size, "%s%lld session%s; the next run goes on",
			f->cloud_ok ? "" : "the cloud is not reached: ", (long long)c.under_way,
			c.under_way == 1 ? " waits for its next attempt" : "s wait for their next attempt");
		break;
	case CAUSE_CLOUD: snprintf(text, size, "the cloud is not reached"); break;
	case CAUSE_CONFLICT:
		snprintf(text, size, "[metadata] file names another file than the cloud's rules do: give both the same name");
		break;
	case CAUSE_UNWATCHED:
		snprintf(text, size, "nobody has looked at the watched folders lately%s: start headgate run",
			l->at_ms ? "" : ", as far as is known");
		break;
	case CAUSE_UNLISTED: snprintf(text, size, "the watched folders are being read"); break;
	default: say(f, cause, text, size);
	}
}

int safe_explain(const struct safe_facts *f, const char *detail, struct error *err) {
	uint32_t bits = safe_causes(f);
	enum error_code code = safe_code(bits);
	char text[SAFE_TEXT * 2];
	if (code == ERR_NONE) return 0;
	explain(f, cause_of(bits, code), text, sizeof text);
	return error_set(err, code, "%s", *detail ? detail : text);
}

cJSON *safe_json(const struct safe_facts *f) {
	char text[SAFE_TEXT];
	cJSON *o = json_object(), *list = json_array();
	uint32_t bits = safe_causes(f);
	json_add_text(o, "verdict", safe_name(safe_verdict(f, text, sizeof text)));
	json_add_text(o, "text", text);
	for (int c = 0; c < CAUSE_N; c++) {
		if (bits & CAUSE_BIT(c)) json_push_text(list, causes[c].name);
	}
	json_add(o, "causes", list);
	return o;
}
