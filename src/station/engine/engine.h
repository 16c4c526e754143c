/* SPDX-License-Identifier: MIT */
/* The engine's core: one libuv loop, the tables of roots and sessions, and the facts that its parts (part.h) share.
 * Everything here runs on the loop's thread unless it says otherwise.
 *
 * Callbacks put facts into a session (session.h) or into the engine, and poke; session_drive and the parts' pumps are
 * the places that act on them, before the loop sleeps. Work in threads and requests carry a ticket, not a pointer: by
 * the time they end the session may have moved on. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "ingest/client.h"
#include "station/config.h"
#include "station/control/server.h"
#include "station/engine/calls.h"
#include "station/engine/part.h"
#include "station/engine/sessions.h"
#include "station/journal/journal.h"

#define VIEWS_MAX 4 /* views of the journal kept open for the thread pool */

struct verify_count {
	int64_t looked, lost; /* sessions */
};
struct engine_options {
	const struct config *config; /* borrowed */
	bool once;					 /* ship all that is ready, wait until decided, end */
	int64_t wait_ms;			 /* --once: how long at most; 0: no limit */
	bool verify_all;			 /* with once: is what the cloud accepted still there? */
	const char *const *verify;
	size_t verify_n;
	struct verify_count *verify_count; /* filled at the end; or NULL */
	bool linger;					   /* ends by itself once no console is attached and no work is left */
	/* Called on the loop about four times a second with the same JSON as the socket's `status`; NULL: none. */
	void (*on_progress)(void *arg, const char *status_json);
	void *arg;
	/* On SIGHUP: the station's own metadata rules, read anew into *ret (owned by the caller); NULL: they stay. */
	int (*on_rules)(void *rules_arg, struct schema *ret, struct error *err);
	void *rules_arg;
};

struct root;
struct rules;
struct watches;
struct job;
TAILQ_HEAD(job_list, job);
struct api_call;
TAILQ_HEAD(api_call_list, api_call);

struct engine {
	const struct engine_options *o;
	const struct config *config;
	const struct part *const *parts; /* PART_N of them */
	void *part[PART_N];				 /* their own structs (engine_part) */
	uv_loop_t loop;
	int lock_fd, claim_fd;
	char instance[17];
	int64_t started_ms, started_wall_ms;
	struct journal *journal;
	struct http *http; /* of transfers */
	struct http *api_http;
	struct ingest *ingest;
	struct control_server *control; /* of the part that serves it; NULL: none */
	struct error result;

	/* --- its tables --- */
	struct root *roots;
	size_t root_n, root_capacity;
	struct sessions sessions;
	struct stub_table accepted, waiting; /* safe; found, and outside until their turn comes */
	uint32_t generation;
	bool sweep; /* some session is dead */
	struct session_queue driven;

	/* --- facts that parts set and others act upon --- */
	int64_t rescan_ms;		/* monotonic: the folders are listed then */
	uint32_t rescans;		/* rounds of listing that were begun */
	size_t to_add;			/* of `waiting`, not in the journal yet */
	bool place_freed;		/* a session that others are held for has gone, perhaps */
	bool suspects;			/* an accepted session is to be compared at once (struct stub) */
	struct rules *rules;	/* the metadata rules in force (rules.h) */
	bool rules_awaited;		/* the cloud's are asked for, for the first time */
	bool metadata_conflict; /* the cloud's rules name another metadata file than the station's configuration */
	bool history_lost;		/* the cloud's history is another than it was: all that it accepted is in doubt */
	size_t reports_writing; /* to the cloud's log, on their way into the journal */
	bool reported;			/* one more of them */
	bool commit_awaited;	/* a part goes on once the journal has written some of what it has */
	bool ending;			/* a run is over but for what its end has to tell */
	struct cloud cloud;

	/* --- the loop's own --- */
	uv_prepare_t prepare;
	uv_timer_t wake;
	uv_signal_t signals[3];
	uv_async_t lanes_wake;
	uv_timer_t lanes_leave;
	int64_t lanes_ms; /* monotonic: when the threads are looked at; 0: none works */
	int64_t wake_ms;  /* monotonic: what the timer is set to; 0: not set */
	int64_t keep_ms;  /* monotonic: when parts write down what is to survive */
	bool handles_open, lanes_opened, pump_wanted, started;
	atomic_bool cancel; /* any thread: the engine stops */
	bool stopping, journal_closing;
	size_t closing; /* closes that are awaited before the journal goes */
	struct job_list jobs;
	struct api_call_list calls;
	pthread_mutex_t view_lock;
	struct journal_view *views[VIEWS_MAX]; /* idle ones */
	size_t view_n;
	struct watches *watches; /* file-system events; NULL: there are none (watches.h) */
};

/* Runs with these parts until done (once), SIGTERM, SIGINT or `shutdown`; a signal ends it within a second and loses
 * nothing. run.h has the parts. */
MUST_USE int engine_run_parts(
	const struct engine_options *o, const struct part *const parts[PART_N], struct error *err);

int64_t now_ms(void);									/* monotonic */
void engine_poke(struct engine *e);						/* the pump runs before the loop sleeps */
void engine_wake_at(struct engine *e, int64_t mono_ms); /* at the latest then */
void engine_rescan(struct engine *e);					/* the folders are listed soon */
void engine_changed(struct engine *e);					/* what `status` tells may differ */
void engine_stop(struct engine *e);
void engine_end(struct engine *e); /* somebody asks for the end: a run that goes on ends well, `run --once` did not */
void engine_fail(struct engine *e, const struct error *why);  /* stops; the first reason is kept */
void engine_journal_done(void *arg, const struct error *err); /* journal_on_commit with the engine as arg */
/* Index of the root; added when new. */
size_t engine_root(struct engine *e, const char *path, bool configured);
/* The busiest of what a part says, and of the sessions that are being driven or committed. */
enum busy engine_busy(const struct engine *e);
/* The part's own structs; NULL when it has none. */
void *engine_part(const struct engine *e, enum part_id id);
void *root_part(const struct engine *e, size_t root, enum part_id id);
/* A name that is neither in work nor accepted was found: it waits for its place. */
void engine_found(struct engine *e, const char *name, size_t root);
/* The accepted session may be another one now: it is compared at once. NULL: nothing. */
void engine_suspect(struct engine *e, struct stub *accepted);
/* A report to the cloud's log about the session: in the journal before anything else follows from it, delivered by the
 * outbox. */
void session_report(struct session *s, const char *level, const char *code, const char *message);
