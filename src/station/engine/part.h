/* SPDX-License-Identifier: MIT */
/* What the engine is made of: a core (this folder) and parts (intake/, sending/, talk/, run/), each a const struct of
 * functions in the one table of run/parts.c. The core knows the table only; parts know the core. A part reads no other
 * part: it sets a fact of the session (session.h) or of the engine (engine.h), or asks the core, and pokes.
 *
 * To add a part: a row of PARTS, its const struct, a row of the table. Everything runs on the loop's thread. */
#pragma once

#include "base/json.h"
#include "base/error.h"
#include "base/util.h"

struct engine;
struct session;
struct journal_view;

/* In the order in which they are started, driven and pumped; stopped in the same. */
#define PARTS(X)                                                                                                       \
	X(RULES, rules)			/* the metadata rules in force, the key file */                                            \
	X(FOLDERS, folders)		/* the watched folders: listing, what came and went */                                     \
	X(ADMISSION, admission) /* which of those found are in work */                                                     \
	X(MOVED, moved)			/* recordings that stand somewhere else now */                                             \
	X(AUDIT, audit)			/* did an accepted session change? */                                                      \
	X(SETTLE, settle)		/* looking at sessions until they are at rest, and for change afterwards */                \
	X(CHECKING, checking)	/* digests and named checks */                                                             \
	X(CONFIRM, confirm)		/* the cloud's verdicts */                                                                 \
	X(UPLOAD, upload)		/* sending */                                                                              \
	X(RECALL, recall)		/* does the cloud still have what it accepted? */                                          \
	X(OUTBOX, outbox)		/* reports to the cloud's log */                                                           \
	X(HEARTBEAT, heartbeat) /* a sign of life, with figures */                                                         \
	X(FLEET, fleet)			/* the other stations, for a console that asks */                                          \
	X(PRUNING, pruning)		/* old events go */                                                                        \
	X(GUARD, guard)			/* is the state folder still ours? */                                                      \
	X(FOUND, found)			/* what the next command without an engine has to know */                                  \
	X(METHODS, methods)		/* the control socket */                                                                   \
	X(PROGRESS, progress)	/* whoever runs the engine is told how it goes */                                          \
	X(ENDING, ending)		/* `run --once` and an engine that lingers end by themselves */
enum part_id {
#define X(id, name) PART_##id,
	PARTS(X)
#undef X
		PART_N
};

/* Is something left to do? What of it the end of `run --once` waits for; an engine that lingers waits for all of it. */
enum busy {
	BUSY_NOT,
	BUSY_LEFT,	  /* work that cannot go on in this run: the key is refused */
	BUSY_LATER,	  /* its time is not near, or it is not ready: waited for with --wait only */
	BUSY_ASKED,	  /* somebody else's answer is awaited, for a while */
	BUSY_PASSING, /* a look or a call that ends by itself: waited for, and that while does not begin anew */
	BUSY_NOW,
	BUSY_ENDING /* with what it tells at the end of a run (engine.ending), for a time that it bounds itself */
};

void status_add_error(cJSON *o, const struct error *why); /* member "error"; nothing for ERR_NONE */

/* Functions may be NULL: there is nothing to do. */
struct part {
	size_t engine_size, root_size, session_size; /* of its own structs, made zeroed by the core (engine_part …) */
	/* A watched folder was added; its struct is there. */
	void (*root)(struct engine *e, size_t root);
	/* At start, once the sessions are in memory: what the journal knows. */
	void (*load)(struct engine *e, struct journal_view *v);
	/* Afterwards: whatever else it needs. An error ends the engine. */
	MUST_USE int (*start)(struct engine *e, struct error *err);
	/* The session is in its state: after the commit, and at start. */
	void (*enter)(struct session *s);
	/* Something about the session is new or due: acts on its facts. Not called while a step awaits its commit. */
	void (*drive)(struct session *s);
	bool drives_ignored; /* also one that a person ignored: is it still that one? */
	/* Whatever is in flight for the session no longer counts; its ticket is void. */
	void (*renew)(struct session *s);
	/* The session leaves memory: what the part owns of it goes. */
	void (*forget)(struct session *s);
	/* Before the loop sleeps, whenever something was poked. */
	void (*pump)(struct engine *e);
	enum busy (*busy)(const struct engine *e);
	/* Every folder was listed, and some minutes passed or the engine stops: what is to survive goes to the journal. */
	void (*keep)(struct engine *e);
	/* SIGHUP: what a person may have changed is read anew. */
	void (*reload)(struct engine *e);
	/* Adds its members to the status, to a watched folder's or a session's object in it (station/control/client.h). */
	void (*status)(struct engine *e, cJSON *status);
	void (*status_root)(const struct engine *e, size_t root, cJSON *folder);
	void (*status_session)(const struct session *s, cJSON *session);
	/* The engine stops: closes handles, begins nothing more. */
	void (*stop)(struct engine *e);
	/* After the loop: frees what its structs own. Not called when a thread was left behind. */
	void (*done)(struct engine *e);
};
