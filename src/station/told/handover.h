/* SPDX-License-Identifier: MIT */
/* Handover: what happened at this station since a user last looked, from the journal's events. The time of the last
 * look is kept per user and state folder in $XDG_STATE_HOME/headgate/handover.json; a broken file counts as never
 * looked. Any thread. */
#pragma once

#include "base/json.h"
#include "station/journal/view.h"

#define HANDOVER_FIRST_MS (24LL * 3600 * 1000) /* who never looked sees the last day */

/* How far a user has seen. A clock that is set, or a commit that comes late, hides nothing: what counts is the event,
 * as long as the journal has it; else, in another journal, the time. */
struct handover_look {
	int64_t at_ms;			 /* wall clock; 0: this user never looked */
	int64_t event, event_ms; /* the newest there was, and its time; 0: none, or not known */
};
void handover_seen(const char *state_dir, struct handover_look *ret);
MUST_USE int handover_set_seen(const char *state_dir, const struct handover_look *look, struct error *err);
/* {since, until, sessions:{found, under_way, and each state that nothing leaves by itself}, changed:[{session, state,
 * at}] newest first, changed_n, attention:[… as `status` lists them], attention_n, names:[{root, path, rename_to,
 * reason}] folders that look like recordings, station:[{at, level, code, message}] what befell the station itself
 * (engine, cloud, folders), newest first, station_n, decided:[the same and session] by people, decided_n}. A session
 * counts once, by the last state that it came to since. ret_look may be NULL. */
MUST_USE int handover_read(struct journal_view *v, const struct handover_look *since, int64_t now_ms, cJSON **ret,
	struct handover_look *ret_look, struct error *err);
void handover_write(const cJSON *handover, struct buf *out); /* lines, made safe for a terminal */
