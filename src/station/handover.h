/* SPDX-License-Identifier: MIT */
/* Handover: what happened at this station since a user last looked, from the journal's events. The time of the last
 * look is kept per user and state folder in $XDG_STATE_HOME/headgate/handover.json; a broken file counts as never
 * looked. Any thread. */
#pragma once

#include "base/json.h"
#include "station/journal.h"

#define HANDOVER_FIRST_MS (24LL * 3600 * 1000) /* who never looked sees the last day */

/* Wall clock; 0: this user never looked. */
int64_t handover_seen(const char *state_dir);
MUST_USE int handover_set_seen(const char *state_dir, int64_t now_ms, struct error *err);
/* {since, until, sessions:{found, under_way, and each state that nothing leaves by itself}, changed:[{session, state,
 * at}] newest first, changed_n, attention:[… as `status` lists them], attention_n, station:[{at, level, code, message}]
 * warnings and errors of the station itself, newest first, station_n}. A session counts once, by the last state that it
 * came to since. */
MUST_USE int handover_read(struct journal_view *v, int64_t since_ms, int64_t now_ms, cJSON **ret, struct error *err);
void handover_write(const cJSON *handover, struct buf *out); /* lines, made safe for a terminal */
