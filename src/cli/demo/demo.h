/* SPDX-License-Identifier: MIT */
/* headgate demo: what its files share. Private to cli/demo/. Everything happens in one scratch folder:
 * recordings/, state/, cloud/, headgate.ini, schema.ini, api-key, engine.log, cloud.log. Main thread. */
#pragma once

#include "cli/child.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "session/name.h"
#include "station/control/client.h"

/* kind, what is shown, expected state at the station, expected state in the cloud (NULL: undecided there) */
#define DEMO_KINDS(X)                                                                                                  \
	X(GOOD, "good", STATE_ACCEPTED, "accepted")                                                                        \
	X(IMPOSSIBLE_DATE, "named by a day that never was", STATE_ACCEPTED, "accepted")                                    \
	X(STILL_WRITTEN, "still being written at first", STATE_ACCEPTED, "accepted")                                       \
	X(OUT_OF_RANGE, "a metadata value out of range", STATE_HELD, NULL)                                                 \
	X(CLOUD_REJECTS, "refused by the cloud's schema alone", STATE_REJECTED, "rejected")
enum demo_kind {
#define X(id, what, state, cloud) DEMO_##id,
	DEMO_KINDS(X)
#undef X
		DEMO_KIND_N
};
#define DEMO_FILES 3 /* data files a session */
#define DEMO_SIZE_LEAST 4096
#define DEMO_SETTLE_MS 1000

struct demo_session {
	char name[SESSION_NAME];
	enum demo_kind kind;
	/* as found at the end */
	enum session_state state;
	bool known, data_safe, accepted_in_cloud, rejected_in_cloud;
	int64_t stored_bytes, sent_bytes; /* journal and engine, for the progress */
	int equal_n, different_n;		  /* objects against files */
	bool metadata_stored, manifest_stored;
	char *reason;
};

struct demo {
	/* asked */
	int64_t session_n, size;
	const char *keep;
	bool json, no_console;
	/* scratch */
	char *dir, *recordings, *state, *data, *ini, *engine_log, *cloud_log;
	char *headgate, *headgate_cloud; /* the programs */
	char **env, **console_env;		 /* the children's, and the console's */
	char url[256];
	struct child cloud, engine, console;
	bool left; /* the console was left by its user */
	/* running */
	struct demo_session *sessions;
	struct progress *progress;
	struct journal_view *view;
	struct control_client *client;
	int64_t total, done, changed_ms; /* bytes; when anything last moved */
	struct {						 /* the file that is still being written */
		int fd;
		int64_t size, written, began_ms;
	} slow;
};

bool demo_interrupted(void);
/* Called often while something is written or awaited: progress, the slow file, children that died, Ctrl-C. */
MUST_USE int demo_tick(struct demo *d, struct error *err);

/* make.c: the sessions on disk */
void demo_plan(struct demo *d);							   /* names and kinds */
MUST_USE int demo_make(struct demo *d, struct error *err); /* writes them, data first, metadata last */
MUST_USE int demo_slow_step(struct demo *d, struct error *err);
int64_t demo_slow_left_ms(const struct demo *d); /* at least so long until it can be decided; 0: it is closed */

/* watch.c: what the engine makes of them */
MUST_USE int demo_look(struct demo *d, struct error *err); /* reads journal and engine into d->sessions */
bool demo_over(const struct demo *d);					   /* every session is where it stays */

/* verify.c: the store against the files; the table */
MUST_USE int demo_verify(struct demo *d, struct error *err);
MUST_USE int demo_summary(const struct demo *d, struct error *err); /* ERR_ATTENTION when anything is not as expected */
