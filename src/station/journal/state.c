/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* The life of a session as one table. Constant data; any thread.
 *
 *            scanned       settled        passed      started        stored        cloud_accepted
 *      FOUND ------> SETTLING ----> CHECKING ---> QUEUED ----> UPLOADING ----> UPLOADED -----> ACCEPTED
 *                     ^ ^ ^            |            ^             |              |   |          ^ |
 *                     | | |  held_back |            `-------------+--interrupted-'   |          | |
 *                     | | |            v                                             |          | |
 *                     | | `-changed,  HELD         FAILED <- fatal (1)     REJECTED <' cloud_   | |
 *                     | |   retried                  |                         |       rejected | |
 *                     | |                            |                         +-cloud_accepted-' |
 *                     | `--------------changed, retried------------------------'       (2)        |
 *                     |                                                                           |
 *                     +------changed, from CHECKING, QUEUED, UPLOADING and UPLOADED too (3)-------'
 *                     |
 *                     `------returned-- GONE <- vanished (4)
 *
 *   (1) from FOUND to UPLOADED, HELD included
 *   (2) from QUEUED, UPLOADING, FAILED and GONE too; a verdict "rejected" from QUEUED and UPLOADING
 *   (3) once anything was stored, what settles now is the next revision; from ACCEPTED also when the cloud lost it
 *   (4) from every state but UPLOADED and ACCEPTED
 *
 * What holds in each state, and which step leads in:
 *   FOUND      the journal knows the name and the root, nothing more. Only journal_add_session makes it, no event
 *              leads back to it: a session found once is never forgotten.
 *   SETTLING   nothing is promised about the files; `revision` is the one that will be sent. Every way back to work
 *              goes through here, so that nothing is sent whose files were not looked at again.
 *   CHECKING   the snapshot did not change for the settle time, no file has a writer. A restart checks again.
 *   HELD       a local check says hold, or (from QUEUED and UPLOADING) the cloud has another recording under the name.
 *              If it concerns the metadata alone, the data files go up all the same, and data_safe says when they are
 *              there; manifest and metadata wait for the person.
 *   QUEUED     every file has a digest in the journal; next_attempt says not before when. Nothing is being sent.
 *   UPLOADING  at least one request may be on its way. A restart looks at what is stored and goes on.
 *   UPLOADED   each object of the revision was answered with the checksum that the journal holds. Not yet safe.
 *   ACCEPTED   the cloud said so of this very content. The only state that is shown as safe.
 *   REJECTED   the cloud said no, with its reasons; mended files make the next revision.
 *   FAILED     trying again by itself cannot help.
 *   GONE       the folder vanished before it was safe.
 *
 * A verdict is about a content id, and is taken by the session that has it alone. It may overtake us: the cloud decides
 * while the answer to the last PUT is still on its way, was lost, or turned out to be an error of something in between.
 * A verdict about the current content is therefore taken in QUEUED and UPLOADING, and, when it is an acceptance, in
 * FAILED and GONE as well; in REJECTED too, since a cloud that was restored from a copy decides the same content anew.
 * A folder that vanishes from UPLOADED or ACCEPTED changes nothing about what the cloud has: the event is kept, the
 * state stays, `present` is false. */
/* clang-format on */
#include "station/journal/state.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *name;
	enum state_turn turn;
	enum state_stage stage;
	enum state_left left;
	bool compared;
} classes[STATE_N] = {
#define X(id, word, turn, stage, left, compared)                                                                       \
	[STATE_##id] = {#word, TURN_##turn, STAGE_##stage, LEFT_##left, compared},
	SESSION_STATES(X)
#undef X
};

static const char *const event_names[EVENT_N] = {
#define X(id, name) [EVENT_##id] = name,
	SESSION_EVENTS(X)
#undef X
};

/* No event leads to STATE_FOUND, which is 0: in these rows 0 says that the event is impossible there. */
static_assert(STATE_FOUND == 0, "an empty cell means that there is no successor");
static const uint8_t from_found[EVENT_N] = {
	[EVENT_SCANNED] = STATE_SETTLING,
	[EVENT_FATAL] = STATE_FAILED,
	[EVENT_VANISHED] = STATE_GONE,
};
static const uint8_t from_settling[EVENT_N] = {
	[EVENT_SETTLED] = STATE_CHECKING,
	[EVENT_FATAL] = STATE_FAILED,
	[EVENT_VANISHED] = STATE_GONE,
};
static const uint8_t from_checking[EVENT_N] = {
	[EVENT_CHANGED] = STATE_SETTLING,
	[EVENT_PASSED] = STATE_QUEUED,
	[EVENT_HELD_BACK] = STATE_HELD,
	[EVENT_FATAL] = STATE_FAILED,
	[EVENT_VANISHED] = STATE_GONE,
};
static const uint8_t from_held[EVENT_N] = {
	[EVENT_CHANGED] = STATE_SETTLING,
	[EVENT_FATAL] = STATE_FAILED,
	[EVENT_RETRIED] = STATE_SETTLING,
	[EVENT_VANISHED] = STATE_GONE,
};
static const uint8_t from_queued[EVENT_N] = {
	[EVENT_CHANGED] = STATE_SETTLING,
	[EVENT_HELD_BACK] = STATE_HELD,
	[EVENT_STARTED] = STATE_UPLOADING,
	[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
	[EVENT_CLOUD_REJECTED] = STATE_REJECTED,
	[EVENT_FATAL] = STATE_FAILED,
	[EVENT_VANISHED] = STATE_GONE,
};
static const uint8_t from_uploading[EVENT_N] = {
	[EVENT_CHANGED] = STATE_SETTLING,
	[EVENT_HELD_BACK] = STATE_HELD,
	[EVENT_INTERRUPTED] = STATE_QUEUED,
	[EVENT_STORED] = STATE_UPLOADED,
	[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
	[EVENT_CLOUD_REJECTED] = STATE_REJECTED,
	[EVENT_FATAL] = STATE_FAILED,
	[EVENT_VANISHED] = STATE_GONE,
};
static const uint8_t from_uploaded[EVENT_N] = {
	[EVENT_CHANGED] = STATE_SETTLING,
	[EVENT_INTERRUPTED] = STATE_QUEUED,
	[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
	[EVENT_CLOUD_REJECTED] = STATE_REJECTED,
	[EVENT_FATAL] = STATE_FAILED,
	[EVENT_VANISHED] = STATE_UPLOADED,
	[EVENT_RETURNED] = STATE_UPLOADED,
};
static const uint8_t from_accepted[EVENT_N] = {
	[EVENT_CHANGED] = STATE_SETTLING,
	[EVENT_VANISHED] = STATE_ACCEPTED,
	[EVENT_RETURNED] = STATE_ACCEPTED,
	[EVENT_LOST] = STATE_SETTLING,
};
static const uint8_t from_rejected[EVENT_N] = {
	[EVENT_CHANGED] = STATE_SETTLING,
	[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
	[EVENT_RETRIED] = STATE_SETTLING,
	[EVENT_VANISHED] = STATE_GONE,
};
static const uint8_t from_failed[EVENT_N] = {
	[EVENT_CHANGED] = STATE_SETTLING,
	[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
	[EVENT_RETRIED] = STATE_SETTLING,
	[EVENT_VANISHED] = STATE_GONE,
};
static const uint8_t from_gone[EVENT_N] = {
	[EVENT_CLOUD_ACCEPTED] = STATE_ACCEPTED,
	[EVENT_RETURNED] = STATE_SETTLING,
};

static const uint8_t *const successors[STATE_N] = {
#define X(id, word, ...) [STATE_##id] = from_##word,
	SESSION_STATES(X)
#undef X
};

const char *state_name(enum session_state s) { return classes[s].name; }

int state_parse(const char *name, enum session_state *ret) {
	for (size_t i = 0; i < STATE_N; i++) {
		if (strcmp(classes[i].name, name) == 0) return *ret = (enum session_state)i, 0;
	}
	return -1;
}

const char *session_event_name(enum session_event e) { return event_names[e]; }

int state_next(enum session_state s, enum session_event e) {
	if ((unsigned)s >= STATE_N || (unsigned)e >= EVENT_N) return -1;
	return successors[s][e] ? successors[s][e] : -1;
}

bool state_is_final(enum session_state s) { return classes[s].turn != TURN_ENGINE; }

bool state_has_settled(enum session_state s) { return classes[s].stage != STAGE_OPEN; }

bool state_is_past_checks(enum session_state s) { return classes[s].stage == STAGE_PASSED; }

bool state_needs_person(enum session_state s) { return classes[s].turn == TURN_PERSON; }

bool state_is_compared(enum session_state s) { return classes[s].compared; }

enum state_left state_left(enum session_state s) { return classes[s].left; }
