/* SPDX-License-Identifier: MIT */
/* The first sentence that holds, from the worst to the best. Any thread. */
#include "station/safe.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

static const char *const safe_names[] = {
	[SAFE_UNKNOWN] = "unknown",
	[SAFE_YES] = "yes",
	[SAFE_SOON] = "soon",
	[SAFE_NO] = "no",
};
static_assert(ARRAY_LEN(safe_names) == SAFE_NO + 1, "a name for each verdict");

const char *safe_name(enum safe s) { return safe_names[s]; }

static void safe_count(const struct journal_summary *s, int64_t *ret_person, int64_t *ret_under_way) {
	for (int i = 0; i < STATE_N; i++) {
		enum session_state state = (enum session_state)i;
		if (state_needs_person(state)) *ret_person += s->by_state[i];
		else if (!state_is_settled(state)) *ret_under_way += s->by_state[i];
	}
}

static enum safe safe_under_way(const struct safe_facts *f, int64_t n, char *text, size_t size) {
	if (!f->engine) {
		snprintf(text, size, "NOT safe: %lld not in the cloud, no engine answers", (long long)n);
		return SAFE_NO;
	}
	if (!f->cloud_ok) {
		snprintf(text, size, "NOT safe: %lld wait for the cloud", (long long)n);
		return SAFE_NO;
	}
	if (f->eta_ms >= 0) snprintf(text, size, "not yet safe: %lld left, %s", (long long)n, UNIT_DURATION(f->eta_ms));
	else snprintf(text, size, "not yet safe: %lld left", (long long)n);
	return SAFE_SOON;
}

enum safe safe_verdict(const struct safe_facts *f, char *text, size_t size) {
	int64_t person = 0, under_way = 0;
	char age[UNIT_TEXT];
	if (!f->summary) {
		snprintf(text, size, "safe to leave? not known yet");
		return SAFE_UNKNOWN;
	}
	safe_count(f->summary, &person, &under_way);
	if (person) {
		snprintf(text, size, "NOT safe: %lld need%s you", (long long)person, person == 1 ? "s" : "");
		return SAFE_NO;
	}
	if (under_way) return safe_under_way(f, under_way, text, size);
	if (!f->engine) {
		unit_age(age, MAX(0, f->age_ms));
		bool now = strcmp(age, "now") == 0;
		snprintf(text, size, "safe as of %s%s, no engine watches", age, now ? "" : " ago");
		return SAFE_UNKNOWN;
	}
	int64_t today = f->summary->today_found;
	if (today) snprintf(text, size, "safe to leave: all %lld of today", (long long)today);
	else snprintf(text, size, "safe to leave: nothing recorded today");
	return SAFE_YES;
}
