/* SPDX-License-Identifier: MIT */
/* The states of a session at the station, as one table: state x event -> successor. Anything not in it is a bug that is
 * logged and refused.
 *
 *   found > settling > checking > queued > uploading > uploaded > accepted
 *                        |                    |           |
 *                       held                failed     rejected          gone (before upload)
 *
 * Waiting for the next try is `queued` with a time. paused, ignored, present, data_safe, next attempt and processing
 * are columns beside the state. Safe means accepted. */
#pragma once

#include "base/util.h"

enum state_turn { TURN_ENGINE, TURN_PERSON, TURN_NOBODY };
enum state_stage {
	STAGE_OPEN,	   /* what will be sent is not known yet */
	STAGE_SETTLED, /* its files stand still, or stood; this revision did not pass its checks */
	STAGE_PASSED,  /* they were hashed and passed the checks, whatever became of it since */
};
enum state_left { LEFT_ALL, LEFT_DATA, LEFT_NONE };

/* Whatever is asked of a state anywhere is a column here, so that a new state does not compile before it was answered:
 *   id, word    its name here and in the journal
 *   turn        whose move is next; all but the engine's are final: nothing is left for the engine to do
 *   stage       how far its files are
 *   left        what of it is still to be sent: everything, its data when the metadata alone holds it, nothing
 *   compared    a look holds its files against what was hashed; while they are being sent, the transfer does that
 * Tables by state are made from this list by its words, or counted by ROWS; tests/unit/states.py adds a state. */
/* clang-format off */
#define SESSION_STATES(X)                                                                                              \
	/* a folder of that name was seen */                                                                               \
	X(FOUND, found, ENGINE, OPEN, ALL, false)                                                                          \
	/* it changes, or may: its metadata is not there, a writer has a file open */                                      \
	X(SETTLING, settling, ENGINE, OPEN, ALL, false)                                                                    \
	/* digests and named checks run */                                                                                 \
	X(CHECKING, checking, ENGINE, SETTLED, ALL, false)                                                                 \
	/* a person decides; its data go up all the same when only the metadata is at fault */                             \
	X(HELD, held, PERSON, SETTLED, DATA, true)                                                                         \
	/* waits for a connection, or for its next attempt's time */                                                       \
	X(QUEUED, queued, ENGINE, PASSED, ALL, true)                                                                       \
	/* files, manifest, metadata, in that order */                                                                     \
	X(UPLOADING, uploading, ENGINE, PASSED, ALL, false)                                                                \
	/* every object is stored; the cloud's verdict is awaited */                                                       \
	X(UPLOADED, uploaded, ENGINE, PASSED, NONE, true)                                                                  \
	/* the cloud has it whole and verified */                                                                          \
	X(ACCEPTED, accepted, NOBODY, PASSED, NONE, true)                                                                  \
	/* the cloud refused it, with reasons */                                                                           \
	X(REJECTED, rejected, PERSON, PASSED, NONE, true)                                                                  \
	/* a fatal error; a person must act */                                                                             \
	X(FAILED, failed, PERSON, PASSED, NONE, true)                                                                      \
	/* the folder vanished before it was safe */                                                                       \
	X(GONE, gone, PERSON, SETTLED, NONE, false)
/* clang-format on */
enum session_state {
#define X(id, ...) STATE_##id,
	SESSION_STATES(X)
#undef X
		STATE_N
};

#define SESSION_EVENTS(X)                                                                                              \
	X(SCANNED, "scanned") /* found -> settling: its first snapshot was taken */                                        \
	X(SETTLED, "settled") /* settling -> checking */                                                                   \
	X(CHANGED,                                                                                                         \
		"changed") /* a file appeared or differs: back to settling (of a next revision once anything was stored) */    \
	X(PASSED, "passed")			  /* checking -> queued */                                                             \
	X(HELD_BACK, "held_back")	  /* checking, queued, uploading -> held: a check, or what the cloud has */            \
	X(STARTED, "started")		  /* queued -> uploading */                                                            \
	X(INTERRUPTED, "interrupted") /* uploading, uploaded -> queued: transient error, restart, budget; with a time */   \
	X(STORED, "stored")			  /* uploading -> uploaded: every object is there */                                   \
	X(CLOUD_ACCEPTED, "cloud_accepted")                                                                                \
	X(CLOUD_REJECTED, "cloud_rejected")                                                                                \
	X(FATAL, "fatal")		/* -> failed */                                                                            \
	X(RETRIED, "retried")	/* an operator's retry: failed, rejected, held -> settling */                              \
	X(VANISHED, "vanished") /* -> gone; from uploaded and accepted the state stays, present becomes false */           \
	X(RETURNED, "returned") /* gone -> settling; uploaded and accepted stay */                                         \
	X(LOST, "lost")			/* accepted -> settling: the cloud does not have it any more */
enum session_event {
#define X(id, name) EVENT_##id,
	SESSION_EVENTS(X)
#undef X
		EVENT_N
};

const char *state_name(enum session_state s);
MUST_USE int state_parse(const char *name, enum session_state *ret);
const char *session_event_name(enum session_event e);
/* The successor, or -1 when the table has none. */
int state_next(enum session_state s, enum session_event e);
bool state_is_final(enum session_state s);	  /* nothing is left for the engine to do */
bool state_has_settled(enum session_state s); /* settling is behind it, whatever became of it */
/* Its files were hashed and passed the checks, in this revision: from queued on, whatever became of it. */
bool state_is_past_checks(enum session_state s);
bool state_needs_person(enum session_state s); /* exit status 1 until ignored */
bool state_is_compared(enum session_state s);  /* a look holds its files against what was hashed */
enum state_left state_left(enum session_state s);
