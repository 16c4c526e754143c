/* SPDX-License-Identifier: MIT */
/* Looking at sessions: one walk in its root's threads at a time and session, at most LOOKS_MAX of a root. Before a
 * session has settled a look decides whether it has; afterwards it only notices change. Events and the rescan make
 * appointments (look_ms); the look alone is believed.
 *
 * A session is quiet since the beginning of the look that first saw its present fingerprint. The last look, at quiet +
 * settle, also asks for the read leases. */
#include "station/intake/settle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "station/engine/lanes.h"
#include "station/engine/root.h"
#include "station/engine/rules.h"
#include "station/engine/session.h"
#include "station/engine/watches.h"
#include "station/engine/when.h"
#include "station/intake/check_task.h"
#include "station/intake/same.h"
#include "station/intake/settle_rule.h"
#include "station/intake/unread.h"

#define AGAIN_BYTES ((int64_t)1 << 30) /* of files whose ctime or inode changed: read again a look */

TAILQ_HEAD(look_queue, settle);
struct settle { /* of a session */
	struct session *session;
	bool looking;
	struct look_queue *queued; /* it waits here for a look; NULL: it does not */
	TAILQ_ENTRY(settle) link;
};
struct folder_settle { /* of a root */
	struct look_queue queue;
	size_t n; /* looks in its threads */
};
static struct settle *mine(const struct session *s) { return session_part(s, PART_SETTLE); }
static struct folder_settle *of_root(const struct engine *e, size_t root) { return root_part(e, root, PART_SETTLE); }

struct look {
	struct job job;
	struct ticket ticket;
	char *root, *metadata, *marker;
	bool last; /* quiet for long enough: ask for the leases when nothing changed */
	char expected[65];
	int64_t compare; /* the session's id: hold its files against what was hashed; 0: nothing was, or it is being sent */
	/* found */
	enum same same;
	int64_t began_ms, ended_ms;
	struct error err;
	struct snapshot snapshot;
	struct watching watching;
	bool root_gone, has_metadata, has_marker, misplaced;
	enum lease lease;
	char writer[256];
	char folder[FOLDER_ID];
};

/* --- the thread's side --- */

/* What cannot be walked has a fingerprint too: that of the sentence which says so. It settles (after some patience,
 * when it is the disk's trouble: unread.c), and the check holds it with that sentence. */
static void look_failed(struct look *l) {
	if (l->err.code == ERR_NOT_FOUND) {
		l->root_gone = access(l->root, F_OK) != 0;
		return;
	}
	struct sha256 sum;
	sha256_of(l->err.text, strlen(l->err.text), &sum);
	sha256_hex(l->snapshot.fingerprint, &sum);
	l->has_metadata = true;
}

/* The session's own folder before it is read, those in it once they are known. */
static void look_watch(struct look *l, const char *folder) {
	AUTO(xfree) char *path = xasprintf("%s/%s/%s", l->root, l->ticket.name, folder);
	watching_add(&l->watching, path, folder, true);
}

static void look_run(struct job *j) {
	struct look *l = (struct look *)j;
	const struct scan_rules rules = scan_rules_of(j->engine->config);
	const struct schema named = {.file = l->metadata};
	l->began_ms = now_ms();
	look_watch(l, "");
	folder_id(l->root, l->ticket.name, l->folder);
	if (snapshot_take(l->root, l->ticket.name, &rules, &j->engine->cancel, &l->snapshot, &l->err)) {
		look_failed(l);
	} else {
		for (size_t i = 0; i < l->snapshot.folder_n; i++) look_watch(l, l->snapshot.folders[i]);
		l->has_metadata = file_row_find(l->snapshot.files, l->snapshot.n, l->metadata) != NULL;
		l->misplaced = !l->has_metadata && snapshot_metadata_misplaced(&l->snapshot, &named);
		l->has_marker = file_row_find(l->snapshot.files, l->snapshot.n, l->marker) != NULL;
		if (l->last && strcmp(l->expected, l->snapshot.fingerprint) == 0) {
			l->lease = snapshot_leases(l->root, l->ticket.name, &l->snapshot, l->writer, sizeof l->writer);
		} else {
			l->last = false;
		}
	}
	int64_t budget = AGAIN_BYTES;
	struct error why = ERROR_INIT; /* it is looked at again */
	bool alike = l->err.code == ERR_NONE && l->compare && strcmp(l->expected, l->snapshot.fingerprint) == 0;
	l->same =
		alike ? files_same(j->engine, l->root, l->compare, l->ticket.name, &l->snapshot, &budget, &why) : SAME_UNKNOWN;
	l->ended_ms = now_ms();
}

static void look_free(struct look *l) {
	snapshot_done(&l->snapshot);
	watching_done(&l->watching);
	free(l->root);
	free(l->metadata);
	free(l->marker);
	free(l);
}

/* --- what a look means --- */

static void settle_wait(struct session *s, const char *reason, bool awaits_metadata) {
	s->awaits_metadata = awaits_metadata;
	if (s->row.reason && strcmp(s->row.reason, reason) == 0) return;
	session_reason(s, reason);
	session_save(s, SET_REASON, reason);
}

static int64_t settle_again_ms(const struct session *s) {
	int64_t settle = s->engine->config->settle_ms, quiet = s->quiet_ms + settle;
	if (watch_has(s)) return quiet;
	return MIN(quiet, now_ms() + MAX(settle / 4, 100)); /* without events the change itself must be looked for */
}

static void settle_ready(struct session *s, bool marker) {
	s->row.settled_ms = clock_wall_ms();
	session_reason(s, NULL);
	session_go(s, EVENT_SETTLED, SET_TIMES | SET_REASON, "info",
		marker ? "its recorder says that it is complete" : "nothing in it changes any more");
}

/* Wall clock: since when its files are as they are, by their own times where these are older: a recording of last week
 * that is found today has waited for a week. */
static int64_t settle_since_ms(const struct session *s, const struct look *l) {
	int64_t quiet = clock_wall_ms() - (now_ms() - s->quiet_ms), kept = s->row.fingerprint_ms;
	int64_t since = kept > 0 && kept < quiet ? kept : quiet;
	return l->snapshot.newest_ms > 0 ? MIN(since, l->snapshot.newest_ms) : since;
}

/* "waits for its metadata file metadata.txt until 2 Dec 14:05, then a person is asked" */
static void metadata_words(const struct look *l, int64_t until_ms, char *to, size_t size) {
	time_t seconds = (time_t)(until_ms / 1000);
	struct tm day;
	char when[64] = "";
	if (localtime_r(&seconds, &day)) strftime(when, sizeof when, " until %Y-%m-%d %H:%M", &day);
	snprintf(to, size, "waits for its metadata file %s%s; then it is held for a person", l->metadata, when);
}

static void settle_judge(struct session *s, const struct look *l) {
	const struct config *c = s->engine->config;
	int64_t since_ms = settle_since_ms(s, l), until_ms = since_ms + c->metadata_wait_ms;
	bool overdue = clock_wall_ms() >= until_ms;
	struct settle_facts f = {
		.now_ms = now_ms(),
		.quiet_ms = s->quiet_ms,
		.settle_ms = s->engine->config->settle_ms,
		.has_metadata = l->has_metadata,
		.has_marker = l->has_marker,
		.marker_required = c->marker_required,
		.temporary = l->snapshot.temporary[0] != '\0',
		.metadata_overdue = overdue || l->misplaced,
		.overdue = overdue,
		.asked_leases = l->last || l->err.code != ERR_NONE,
		.lease = l->lease,
	};
	char reason[400];
	switch (settle_decide(&f)) {
	case SETTLE_READY: settle_ready(s, l->has_marker); break;
	case SETTLE_LEASES: session_look(s, now_ms()); break;
	case SETTLE_METADATA:
		metadata_words(l, until_ms, reason, sizeof reason);
		settle_wait(s, reason, true);
		session_look(s, now_ms() + until_ms - clock_wall_ms() + 1);
		break;
	case SETTLE_MARKER:
		snprintf(reason, sizeof reason, "waits for %s, by which its recorder says that it is complete", l->marker);
		settle_wait(s, reason, false);
		break;
	case SETTLE_TEMPORARY:
		snprintf(reason, sizeof reason, "%s is still being written: it has a temporary name", l->snapshot.temporary);
		settle_wait(s, reason, false);
		session_look(s, now_ms() + until_ms - clock_wall_ms() + 1);
		break;
	case SETTLE_WRITER:
		snprintf(reason, sizeof reason, "%s is still being written", l->writer);
		settle_wait(s, reason, false);
		session_look(s, now_ms() + WRITER_AGAIN_MS);
		break;
	case SETTLE_QUIET:
	case SETTLE_N:
		s->awaits_metadata = false;
		session_look(s, settle_again_ms(s));
		break;
	}
}

static void settle_take(struct session *s, const struct look *l) {
	memcpy(s->row.fingerprint, s->seen_fingerprint, sizeof s->row.fingerprint);
	s->quiet_ms = l->began_ms;
	s->row.fingerprint_ms = clock_wall_ms() - (now_ms() - l->began_ms);
	s->row.files = s->seen_files;
	s->row.bytes = s->seen_bytes;
}

/* What was ignored is what lay there then: a folder that was never checked may grow, one that was checked is those
 * files. */
static bool is_ignored_one(struct session *s, const struct look *l) {
	if (s->row.has_content || state_has_settled(s->row.state))
		return strcmp(s->seen_fingerprint, s->row.fingerprint) == 0 && l->same != SAME_NOT;
	if (*s->row.folder || !*l->folder) return !*l->folder || strcmp(s->row.folder, l->folder) == 0;
	text_copy(s->row.folder, sizeof s->row.folder, l->folder);
	session_save(s, SET_CONTENT, NULL);
	return true;
}

static void look_judge(struct session *s, const struct look *l) {
	if (s->row.ignored) {
		if (is_ignored_one(s, l)) return;
		session_count_again(s, SET_FLAGS, "not what was ignored lies there now: it counts again");
	}
	bool same = strcmp(s->seen_fingerprint, s->row.fingerprint) == 0;
	switch (s->row.state) {
	case STATE_FOUND:
		settle_take(s, l);
		session_go(s, EVENT_SCANNED, SET_FINGERPRINT | SET_COUNTS, "info", "looked at for the first time");
		break;
	case STATE_SETTLING:
		if (!same) {
			settle_take(s, l);
			session_save(s, SET_FINGERPRINT | SET_COUNTS, NULL);
		}
		settle_judge(s, l);
		break;
	default:
		if (l->same == SAME_MOVED) files_keep(s->engine, s->row.id, &l->snapshot);
		if (same && l->same != SAME_NOT) break;
		s->changed = true;
		session_poke(s);
	}
}

static void look_seen(struct session *s, const struct look *l) {
	if (l->err.code == ERR_CANCELLED) return;
	if (l->root_gone) { /* the rescan says so, once; when it is back it is looked at again */
		if (s->engine->roots[s->root].ok) engine_rescan(s->engine);
		return;
	}
	if (l->err.code == ERR_NOT_FOUND) {
		s->vanished = true;
		session_poke(s);
		return;
	}
	if (s->committing) { /* what is seen may belong to the state that is being left */
		session_look(s, now_ms() + TOUCH_LEAST_MS);
		return;
	}
	if (l->err.code == ERR_DISK && unread_look(s, &l->err)) return;
	unread_marked(s, l->snapshot.marks);
	memcpy(s->seen_fingerprint, l->snapshot.fingerprint, sizeof s->seen_fingerprint);
	s->seen_files = (int64_t)l->snapshot.n;
	s->seen_bytes = l->snapshot.bytes;
	s->looked = true;
	look_judge(s, l);
}

static void look_done(struct job *j) {
	struct look *l = (struct look *)j;
	struct engine *e = j->engine;
	of_root(e, l->ticket.root)->n--;
	struct session *s = sessions_find(&e->sessions, l->ticket.name, l->ticket.root);
	if (!s || s->dead) watch_nobody(e, &l->watching);
	else if (watch_session(s, &l->watching)) session_touch(s);
	s = ticket_session(&l->ticket);
	if (s && !e->stopping) {
		mine(s)->looking = false;
		s->look_cost_ms = l->ended_ms - l->began_ms;
		look_seen(s, l);
		session_poke(s); /* an appointment that fell due while it was looked at, or waited for that */
	}
	look_free(l);
}

static void look_start(struct session *s) {
	struct engine *e = s->engine;
	struct look *l = xcalloc(1, sizeof *l);
	*l = (struct look){
		.job = {.run = look_run, .done = look_done},
		.ticket = ticket_of(s),
		.root = xstrdup(s->row.root),
		.metadata = xstrdup(e->rules->schema.file),
		.marker = xstrdup(e->config->done_marker),
		.last = s->row.state == STATE_SETTLING && now_ms() - s->quiet_ms >= e->config->settle_ms,
		.err = ERROR_INIT,
		.watching = watching_init(e, !s->row.ignored),
	};
	memcpy(l->expected, s->row.fingerprint, sizeof l->expected);
	if (state_is_compared(s->row.state) && !s->committing && !session_is_sent(s)) l->compare = s->row.id;
	mine(s)->looking = true;
	of_root(e, s->root)->n++;
	lane_start(e, s->root, LANE_LOOK, &l->job);
}

/* --- the part --- */

static void root(struct engine *e, size_t index) { TAILQ_INIT(&of_root(e, index)->queue); }

static void look_unqueue(struct settle *m) {
	if (m->queued) TAILQ_REMOVE(m->queued, m, link);
	m->queued = NULL;
}

static void enter(struct session *s) {
	if (s->row.state != STATE_FOUND && s->row.state != STATE_SETTLING) return;
	if (!s->looked) session_look(s, now_ms());
	else if (s->engine->config->done_marker) session_touch(s);
	else session_look(s, settle_again_ms(s));
}

static void drive(struct session *s) {
	struct settle *m = mine(s);
	if (!s->look_ms || m->looking || m->queued || s->row.state == STATE_GONE) return;
	if (s->look_ms > now_ms()) {
		session_due(s, s->look_ms);
		return;
	}
	s->look_ms = 0;
	m->session = s;
	m->queued = &of_root(s->engine, s->root)->queue;
	TAILQ_INSERT_TAIL(m->queued, m, link);
}

/* A look that is under way says nothing any more; one that waits for its turn is as good as another. */
static void renew(struct session *s) { mine(s)->looking = false; }

static void forget(struct session *s) { look_unqueue(mine(s)); }

static void pump(struct engine *e) {
	for (size_t i = 0; i < e->root_n; i++) {
		struct folder_settle *f = of_root(e, i);
		struct settle *m;
		while (f->n < LOOKS_MAX && (m = TAILQ_FIRST(&f->queue)) != NULL) {
			look_unqueue(m);
			look_start(m->session);
		}
	}
}

/* What is said of it must hold for what lies there now. */
static enum busy session_busy(const struct session *s) {
	const struct engine *e = s->engine;
	if (s->dead || root_hangs(e, s->root)) return BUSY_NOT; /* nothing of it goes on, and nothing is known of it */
	if (s->row.present && !s->looked && e->roots[s->root].ok) return BUSY_PASSING;
	if (!session_at_work(s) || !s->row.present) return BUSY_NOT;
	if (s->row.state != STATE_FOUND && s->row.state != STATE_SETTLING) return BUSY_NOT;
	if (s->awaits_metadata && !mine(s)->looking && s->looked) return BUSY_NOT; /* not ready: the next run's */
	return now_ms() - s->seen_ms < SETTLE_PATIENCE_MS(e->config->settle_ms) ? BUSY_PASSING : BUSY_LATER;
}

static enum busy busy(const struct engine *e) {
	enum busy busiest = BUSY_NOT;
	for (size_t i = 0; i < e->sessions.n && busiest < BUSY_PASSING; i++)
		busiest = MAX(busiest, session_busy(e->sessions.items[i]));
	return busiest;
}

const struct part settle_part = {
	.root_size = sizeof(struct folder_settle),
	.session_size = sizeof(struct settle),
	.root = root,
	.enter = enter,
	.drive = drive,
	.drives_ignored = true,
	.renew = renew,
	.forget = forget,
	.pump = pump,
	.busy = busy,
};
