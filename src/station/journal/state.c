/* SPDX-License-Identifier: MIT */
/* The life of a session as one table. Constant data; any thread.
 *
 *            scanned       settled        passed      started        stored        cloud_accepted
 *      FOUND ------> SETTLING ----> CHECKING ---> QUEUED ----> UPLOADING ----> UPLOADED -----> ACCEPTED
 *                     ^ ^ ^            |            ^             |              |   |            |
 *                     | | |  held_back |            `-------------+--interrupted-'   |            |
 *                     | | |            v                                             |            |
 *                     | | `-changed,  HELD         FAILED <- fatal (1)     REJECTED <' cloud_     |
 *                     | |   retried                  |                         |       rejected   |
 *                     | `--------------changed, retried------------------------'                  |
 *                     |                                                                           |
 *                     +------changed, from CHECKING, QUEUED, UPLOADING and UPLOADED too (2)-------'
 *                     |
 *                     `------returned-- GONE <- vanished (3)
 *
 *   (1) from FOUND to UPLOADED, HELD included
 *   (2) once anything was stored, what settles now is the next revision; from ACCEPTED also when the cloud lost it
 *   (3) from every state but UPLOADED and ACCEPTED
 *
 * What holds in each state, and which step leads in:
 *   FOUND      the journal knows the name and the root, nothing more. Only journal_add_session makes it, no event
 *              leads back to it: a session found once is never forgotten.
 *   SETTLING   nothing is promised about the files; `revision` is the one that will be sent. Every way back to work
 *              goes through here, so that nothing is sent whose files were not looked at again.
 *   CHECKING   the snapshot did not change for the settle time, no file has a writer. A restart checks again.
 *   HELD       a local check says hold, or (from QUEUED and UPLOADING) the cloud has another recording under the name.
 * If it concerns the metadata alone, the data files go up all the same, and data_safe says when they are there;
 * manifest and metadata wait for the person. QUEUED     every file has a digest in the journal; next_attempt says not
 * before when. Nothing is being sent. UPLOADING  at least one request may be on its way. A restart looks at what is
 * stored and goes on. UPLOADED   each object of the revision was answered with the checksum that the journal holds. Not
 * yet safe. ACCEPTED   the cloud said so of this very content. The only state that is shown as safe. REJECTED   the
 * cloud said no, with its reasons; mended files make the next revision. FAILED     trying again by itself cannot help.
 *   GONE       the folder vanished before it was safe.
 *
 * A verdict is about a content id, and is taken by the session that has it alone. It may overtake us: the cloud decides
 * while the answer to the last PUT is still on its way, was lost, or turned out to be an error of something in between.
 * A verdict about the current content is therefore taken in QUEUED, UPLOADING, and, when it is an acceptance, in FAILED
 * and GONE as well. A folder that vanishes from UPLOADED or ACCEPTED changes nothing about what the cloud has: the
 * event is kept, the state stays, `present` is false. */
#include "station/journal/state.h"

#include <assert.h>
#include <string.h>

static const char *const state_names[] = {
#define X(id, name) [STATE_##id] = name,
	SESSION_STATES(X)
#undef X
};
static_assert(ARRAY_LEN(state_names) == STATE_N, "a name for each state");

static const char *const event_names[] = {
#define X(id, name) [EVENT_##id] = name,
	SESSION_EVENTS(X)
#undef X
};
static_assert(ARRAY_LEN(event_names) == EVENT_N, "a name for each event");

/* No event leads to STATE_FOUND, which is 0: in this table 0 says that the event is impossible there. */
static_assert(STATE_FOUND == 0, "an empty cell means that there is no successor");
static const uint8_t successors[][EVENT_N] = {
	[STATE_FOUND] =
		{
			[EVENT_SCANNED] = STATE_SETTLING,
			[EVENT_FATAL] = STATE_FAILED,
			[EVENT_VANISHED] = STATE_GONE,
		},
	[STATE_SETTLING] =
		{
			[EVENT_SETTLED] = STATE_CHECKING,
			[EVENT_FATAL] = STATE_FAILED,
			[EVENT_VANISHED] = STATE_GONE,
		},
	[STATE_CHECKING] =
		{
			[EVENT_CHANGED] = STATE_SETTLING,
			[EVENT_PASSED] = STATE_QUEUED,
			[EVENT_HELD_BACK] = STATE_HELD,
			[EVENT_FATAL] = STATE_FAILED,
			[EVENT_VANISHED] = STATE_GONE,
		},
	[STATE_HELD] =
		{
			[EVENT_CHANGED] = STATE_SETTLING,
			[EVENT_FATAL] = STATE_FAILED,
			[EVENT_RETRIED] = STATE_SETTLING,
			[EVENT_VANISHED] = STATE_GONE,
		},
	[STATE_QUEUED] =
		{
			[EVENT_CHANGED] = STATE_SETTLING,
			[EVENT_HELD_BACK] = STATE_HELD,
			[EVENT_STARTED] = STATE_UPLOADING,
			[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
			[EVENT_CLOUD_REJECTED] = STATE_REJECTED,
			[EVENT_FATAL] = STATE_FAILED,
			[EVENT_VANISHED] = STATE_GONE,
		},
	[STATE_UPLOADING] =
		{
			[EVENT_CHANGED] = STATE_SETTLING,
			[EVENT_HELD_BACK] = STATE_HELD,
			[EVENT_INTERRUPTED] = STATE_QUEUED,
			[EVENT_STORED] = STATE_UPLOADED,
			[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
			[EVENT_CLOUD_REJECTED] = STATE_REJECTED,
			[EVENT_FATAL] = STATE_FAILED,
			[EVENT_VANISHED] = STATE_GONE,
		},
	[STATE_UPLOADED] =
		{
			[EVENT_CHANGED] = STATE_SETTLING,
			[EVENT_INTERRUPTED] = STATE_QUEUED,
			[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
			[EVENT_CLOUD_REJECTED] = STATE_REJECTED,
			[EVENT_FATAL] = STATE_FAILED,
			[EVENT_VANISHED] = STATE_UPLOADED,
			[EVENT_RETURNED] = STATE_UPLOADED,
		},
	[STATE_ACCEPTED] =
		{
			[EVENT_CHANGED] = STATE_SETTLING,
			[EVENT_VANISHED] = STATE_ACCEPTED,
			[EVENT_RETURNED] = STATE_ACCEPTED,
			[EVENT_LOST] = STATE_SETTLING,
		},
	[STATE_REJECTED] =
		{
			[EVENT_CHANGED] = STATE_SETTLING,
			[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
			[EVENT_RETRIED] = STATE_SETTLING,
			[EVENT_VANISHED] = STATE_GONE,
		},
	[STATE_FAILED] =
		{
			[EVENT_CHANGED] = STATE_SETTLING,
			[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
			[EVENT_RETRIED] = STATE_SETTLING,
			[EVENT_VANISHED] = STATE_GONE,
		},
	[STATE_GONE] =
		{
			[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
			[EVENT_RETURNED] = STATE_SETTLING,
		},
};
static_assert(ARRAY_LEN(successors) == STATE_N, "a row for each state");

const char *state_name(enum session_state s) { return state_names[s]; }

int state_parse(const char *name, enum session_state *ret) {
	for (size_t i = 0; i < STATE_N; i++) {
		if (strcmp(state_names[i], name) == 0) return *ret = (enum session_state)i, 0;
	}
	return -1;
}

const char *session_event_name(enum session_event e) { return event_names[e]; }

int state_next(enum session_state s, enum session_event e) {
	if ((unsigned)s >= STATE_N || (unsigned)e >= EVENT_N) return -1;
	return successors[s][e] ? successors[s][e] : -1;
}

bool state_is_settled(enum session_state s) {
	switch (s) {
	case STATE_ACCEPTED:
	case STATE_REJECTED:
	case STATE_FAILED:
	case STATE_HELD:
	case STATE_GONE: return true;
	default: return false;
	}
}

bool state_is_past_checks(enum session_state s) {
	switch (s) {
	case STATE_QUEUED:
	case STATE_UPLOADING:
	case STATE_UPLOADED:
	case STATE_ACCEPTED:
	case STATE_REJECTED:
	case STATE_FAILED: return true;
	default: return false;
	}
}

bool state_needs_person(enum session_state s) { return state_is_settled(s) && s != STATE_ACCEPTED; }
