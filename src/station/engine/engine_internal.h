/* SPDX-License-Identifier: MIT */
/* The station engine's parts among themselves. Everything here runs on the loop's thread unless it says otherwise.
 *
 * Callbacks put facts into a session (sessions.h) and call session_poke; session_drive is the one place that acts on
 * them, and does nothing while a step of that session awaits its commit. Work in the thread pool and requests carry a
 * ticket, not a pointer: by the time they end the session may have moved on. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "ingest/client.h"
#include "station/control/server.h"
#include "station/run/run.h"
#include "station/disk/folder.h"
#include "station/talk/recall.h"
#include "station/engine/retrying.h"
#include "station/disk/scan.h"
#include "station/engine/sessions.h"

#define LOOKS_MAX 4	  /* walks over sessions of a root at a time */
#define CHECKS_MAX 2  /* sessions being hashed at a time; those of roots that do not answer do not count */
#define SLOW_MS 3000  /* a call into a root that takes longer is shown */
#define HANG_MS 10000 /* and here nobody waits for it any more: the root does not answer */

#define VIEWS_MAX 4 /* views of the journal kept open for the thread pool */
#define HEARTBEAT_MS 60000
#define SCHEMA_MS 600000 /* how often the cloud's schema is asked for again */
#define RATE_SLOTS 8

struct lanes;
struct root_work { /* sessions that wait for its threads; they keep their place when the array of roots grows */
	struct session_queue looks, checks;
};
struct root {
	char *path;
	bool configured; /* else only known from the journal: nothing new is looked for in it */
	bool ok, events;
	bool local; /* no file server: as of the last listing */
	struct error why;
	struct lanes *lanes; /* its threads (owned) */
	struct root_work *work;
	size_t look_n, check_n, audit_n, sending; /* of its sessions: in its threads; transfers */
	bool listing, again, listed;			  /* a listing is under way, another is wanted; one ended in this run */
	bool later;					/* a name in it waits until the others are listed: it may have been there (moved.h) */
	int64_t began_ms, later_ms; /* monotonic: its last listing; when the first such name was seen, 0: none waits */
	int64_t listed_ms;			/* wall clock: when it was last listed whole; 0: not in this run */
	struct error listed_why;	/* of the last listing */
	int64_t slow_ms;			/* wall clock: since when a call into it takes SLOW_MS and more; 0: none does */
	int64_t hanging_ms;			/* the same, for HANG_MS: it does not answer */
	int64_t audit_at;			/* the slow walk over its older accepted sessions goes on with this stamp */
	bool audited;				/* accepted sessions are in it */
	bool lap_missed;			/* some of this lap could not be read */
	size_t unreadable_n;		/* of its accepted sessions that are here: not comparable now */
	char *unreadable_why;		/* the first one's sentence (owned); NULL: none */
	char *unreadable_kept;		/* what the journal has of them (owned); NULL: nothing */
	int64_t lap_ms, lap_before_ms; /* wall clock: when this walk over all of them began, and the one before it; 0 */
	enum folder_state state;
	struct folder_memory memory;
	struct near_name *near; /* folders in it that look like recordings (owned); all of them are near_all */
	size_t near_n, near_all;
	bool near_cut; /* more other folders are in it than are looked into */
};
struct checked_content {
	int64_t session;
	struct sha256 content;
};
struct rules { /* the metadata rules in force; jobs hold a reference */
	int refs;
	struct schema schema;
};
struct rate { /* bytes sent, sampled */
	int64_t total, at_ms[RATE_SLOTS], bytes[RATE_SLOTS];
	size_t n;
};

#define RATE_HISTORY (CONTROL_RATES + 1) /* the running one too */
struct rate_history {					 /* bytes sent in each CONTROL_RATE_MS of the monotonic clock */
	int64_t bytes[RATE_HISTORY], newest;
};
#define DISK_SAMPLES 10 /* one a heartbeat */
struct disk_history {
	struct disk_sample {
		int64_t at_ms, free_bytes;
	} samples[DISK_SAMPLES];
	size_t n;
};

struct job;
TAILQ_HEAD(job_list, job);
struct api_call;
TAILQ_HEAD(api_call_list, api_call);
struct watch;
struct transfer;
TAILQ_HEAD(transfer_list, transfer);

struct engine {
	const struct engine_options *o;
	const struct config *config;
	uv_loop_t loop;
	int lock_fd, claim_fd;
	char instance[17];
	int64_t started_ms, started_wall_ms;
	struct journal *journal;
	pthread_mutex_t view_lock;
	struct journal_view *views[VIEWS_MAX]; /* idle ones */
	size_t view_n;
	struct http *http, *api_http; /* transfers; the API */
	struct ingest *ingest;
	struct control_server *control;

	struct root *roots;
	size_t root_n, root_capacity;
	struct sessions sessions;
	struct stub_table accepted, waiting; /* safe; found, and outside until their turn comes (admission.c) */
	size_t to_add, adding;				 /* of them not in the journal yet; on their way into it */
	int64_t admission_ms;				 /* monotonic: when all places were taken, not before */
	uint32_t generation;
	bool sweep; /* some session is dead */
	struct session_queue driven;
	size_t check_turn;							   /* the root whose sessions are hashed next */
	struct checked_content recent[CHECKS_MAX * 2]; /* the last contents that passed, in turn */
	size_t recent_at;

	uv_prepare_t prepare;
	uv_timer_t wake, progress;
	uv_signal_t signals[3];
	uv_async_t lanes_wake;
	uv_timer_t lanes_leave;
	int64_t lanes_ms; /* monotonic: when the threads are looked at; 0: none works */
	bool handles_open, lanes_opened, pump_wanted;
	int64_t wake_ms; /* monotonic: what the timer is set to; 0: not set */
	atomic_bool cancel;
	bool stopping, journal_closing;
	size_t closing; /* closes that are awaited before the journal goes */
	struct job_list jobs;
	struct api_call_list calls;
	struct error result;

	struct watch *watch;
	size_t presence_pending; /* of them not committed yet */
	size_t presence_left;	 /* sessions outside whose coming and going this round may still see */
	int64_t scan_ms;		 /* monotonic: the next periodic one */
	int64_t audit_since_ms;	 /* wall clock: each accepted session was compared since then; 0: not known */
	char *names_was;		 /* what the journal has of the folders' names (owned); NULL: nothing */
	int64_t look_keep_ms;	 /* monotonic: when the look is written down again */
	struct found found;		 /* what the journal has of it */

	struct rules *rules, *own_rules; /* own_rules: read anew since the start, or NULL */
	bool schema_asking, schema_asked;
	bool cloud_heard; /* the first call of this run has ended: the key is proved, or refused, or the cloud is away */
	int64_t schema_ms;
	bool metadata_conflict; /* the cloud's rules name another metadata file than the station's configuration */
	bool key_refused;
	int key_refusals; /* in a row */
	int64_t key_ms;	  /* monotonic: while it is refused, the key file is read again then */
	struct health api, objects;
	struct health pace[ANSWER_N + 1]; /* of each call of the API: what is refused, or brings nothing, is asked seldom */
	bool refusal_said[ANSWER_N + 1];
	bool unmet;		/* the answer at hand brought nothing (api_unmet) */
	int recoveries; /* how often a call was answered as it should again */
	bool name_said, clock_said;
	struct retry_budget budget;
	int64_t url_lasts_ms; /* of the last URL; 0: none was given yet */

	int64_t wall_offset_ms; /* of the wall clock to the monotonic one, when sessions were last driven */
	struct transfer_list transfers;
	size_t sending;
	int64_t throttled_ms; /* monotonic: the object store asked for a pause until then */
	struct rate rate;
	struct rate_history history;
	int64_t rate_limit, rate_checked_ms;

	struct recall *recall;
	bool rival_gone;	/* a session that others are held for has gone, perhaps (moved.h) */
	bool cursor_behind; /* a decision was taken that the cursor has not passed */
	bool history_asked; /* the cloud's history was compared in this run */
	int64_t history_ms; /* monotonic: when it is compared next, if nothing is awaited */

	bool changes_asking;
	char *cursor;
	int64_t changes_ms;		 /* monotonic: not before */
	int64_t changes_wait_ms; /* for so long the cloud was asked to hold its answer */

	bool outbox_full, outbox_busy, outbox_stuck; /* full: there may be more than the last batch that was read */
	size_t outbox_writes;						 /* of the journal, not committed yet: what is read must hold them */
	int64_t outbox_ms;
	struct outbox_refused *outbox_refused; /* NULL: every report of the last batch was taken */
	bool vitals_busy, disk_busy, beat_wanted, beating, key_shared;
	int64_t beat_ms;
	struct journal_summary summary;
	int64_t disk_free, disk_total;
	struct disk_history disk_history;
	bool guarding;
	int64_t guard_ms;			/* monotonic: the state folder is looked at then */
	int64_t undecided_since_ms; /* --once */
	bool last_beat;				/* --once: the heartbeat at its end is asked for */
	int64_t last_beat_ms;		/* monotonic: not waited for longer */

	cJSON *fleet; /* the last answer of GET /v1/stations (owned) */
	bool fleet_asking;
	int64_t fleet_ms, fleet_asked_ms; /* wall clock of that answer; monotonic */
	struct error fleet_why;
};

/* --- engine.c --- */
void engine_poke(struct engine *e);						/* the pump runs before the loop sleeps */
void engine_wake_at(struct engine *e, int64_t mono_ms); /* at the latest then */
void engine_stop(struct engine *e);
void engine_end(struct engine *e); /* somebody asks for the end: a run that goes on ends well, `run --once` did not */
void engine_fail(struct engine *e, const struct error *why);			 /* stops; the first reason is kept */
void engine_journal_done(void *arg, const struct error *err);			 /* journal_on_commit with the engine as arg */
size_t engine_root(struct engine *e, const char *path, bool configured); /* index; added when new */
int64_t now_ms(void);

/* --- engine_job.c: the thread pool, for the journal and whatever else is local --- */
struct job {
	uv_work_t work;
	struct engine *engine;
	void (*run)(struct job *j);	 /* a thread */
	void (*done)(struct job *j); /* loop; always called once; frees it. engine->stopping: act no more */
	TAILQ_ENTRY(job) link;
};
void job_start(struct engine *e, struct job *j);
void jobs_cancel(struct engine *e);

/* --- lanes.c: the threads of each root, for whatever touches recordings --- */
enum lane_kind {
	LANE_LIST, /* the root itself */
	LANE_LOOK, /* its sessions' folders */
	LANE_HASH,
	LANE_SEND, /* files that are being sent */
	LANE_N
};
int lanes_open(struct engine *e); /* libuv's error */
void lane_start(struct engine *e, size_t root, enum lane_kind kind, struct job *j);
void lanes_pump(struct engine *e);
void lanes_close(struct engine *e); /* at the stop: what has not begun ends, what hangs is left behind */
/* After the loop. True: a thread was left behind in a call; nothing that jobs point to may be freed. */
bool lanes_free(struct engine *e);

/* A view of the journal for the calling thread, from the idle ones. */
MUST_USE int view_take(struct engine *e, struct journal_view **ret, struct error *err);
void view_give(struct engine *e, struct journal_view *v);

/* --- engine_session.c: the life of one session --- */
struct ticket {
	struct engine *engine;
	char name[16];
	size_t root;
	uint32_t generation;
};
struct ticket ticket_of(const struct session *s);
struct session *ticket_session(const struct ticket *t); /* NULL: gone, or moved on */
/* The arg of a journal_on_commit; ticket_committed ends it, stops the engine when the journal failed, and gives the
 * session, or NULL. */
struct ticket *ticket_new(const struct session *s);
struct session *ticket_committed(void *ticket, const struct error *err);
struct session *session_new(struct engine *e, const char *name, size_t root);
struct session *session_load(struct engine *e, const struct session_row *row); /* copies; in the table afterwards */
void session_enter(struct session *s);				  /* what being in its state means: after a commit, and at start */
void session_poke(struct session *s);				  /* drive it before the loop sleeps */
void session_due(struct session *s, int64_t mono_ms); /* drive it then at the latest */
void session_drive(struct session *s);
void session_retry(struct session *s, const char *message); /* back to settling, as one asked for it */
/* What was ignored is not what lies there now. */
void session_count_again(struct session *s, int mask, const char *why);
void session_renew(struct session *s); /* whatever is in flight for it no longer counts; hashing and sending end */
/* session_step with its commit; `mask` and fields as there. */
void session_go(struct session *s, enum session_event event, int mask, const char *level, const char *message);
void session_committed(void *ticket, const struct error *err);		 /* the callback of a step */
void session_save(struct session *s, int mask, const char *message); /* journal_update */
void session_reason(struct session *s, const char *text);			 /* the row's, not yet written; NULL: none */
/* The present try ends: as a pause, a failure, or because the files changed. The first trouble counts. */
void session_trouble(struct session *s, enum retry_step step, const struct error *why, int64_t wait_ms);
void session_fail(struct session *s, const struct error *why); /* FATAL, and the report to the cloud's log */
void session_free(struct session *s);
const char *session_path(const struct session *s, char *to, size_t size);
bool session_at_work(const struct session *s); /* neither paused nor ignored */

/* --- watch.c, roots.c, rescan.c --- */
MUST_USE int watch_new(struct engine *e, struct error *err); /* sets e->watch, NULL where inotify is not to be had */
void watch_close(struct engine *e);
void watch_free(struct engine *e); /* after the loop */
/* Adding a watch may wait for the file system, so the thread that reads the folders does it, into a list. */
struct watching {
	int fd; /* -1: no events are wanted */
	struct watching_folder {
		int wd;
		char *folder; /* of the session, with a final '/'; "": itself, or the root */
	} * items;
	size_t n, capacity;
	int why; /* errno of the last that failed for want of room */
};
struct watching watching_init(const struct engine *e, bool wanted);
void watching_add(struct watching *w, const char *path, const char *folder, bool session); /* any thread */
void watching_done(struct watching *w);
void watch_root(struct engine *e, size_t root, const struct watching *w);
/* What its look asked for. True: something may have happened that no event told, and it is to be looked at again. */
bool watch_session(struct session *s, const struct watching *w);
void watch_nobody(struct engine *e, const struct watching *w); /* the session is gone: nothing more of it */
void watch_drop(struct session *s);
bool watch_has(const struct session *s); /* events come for it */
bool root_hangs(const struct engine *e, size_t root);
void root_waits(struct engine *e, size_t root, int64_t since_mono_ms); /* a call into it; 0: none for SLOW_MS */
/* What is known of it now: its last listing, or that it does not answer. ERR_NONE: it is as it should be. */
struct error root_trouble(const struct engine *e, size_t root);
void root_list_start(struct engine *e, size_t root);
bool roots_scanned(const struct engine *e); /* each was listed in this run, and no listing is awaited */
/* --- audit.c --- */
void audit_start(struct engine *e, size_t root);
bool roots_audited(const struct engine *e);
void audits_load(struct engine *e, struct journal_view *v);
void audits_keep(struct engine *e);				  /* where each walk is, into the journal */
int64_t audited_since_ms(const struct engine *e); /* every accepted session that is here was compared since; 0 */
/* --- audit_unreadable.c: accepted sessions that are there and cannot be compared --- */
void unreadable_load(struct engine *e, struct journal_view *v, size_t root);
void unreadable_mark(struct engine *e, size_t root, int64_t stamp, bool unreadable);
void unreadable_count(struct engine *e, size_t root, const char *why_or_null); /* after marks; into the journal too */
void unreadable_json(const struct root *r, cJSON *folder);
/* Are the files what the journal knows of the session's current revision? Those whose ctime or inode are others are
 * read again, at most *budget bytes in all (one file at least when it is not 0). Any thread. */
enum same { SAME_ALL, SAME_MOVED /* equal, with other identities */, SAME_NOT, SAME_UNKNOWN /* not now */ };
enum same files_same(struct engine *e, const char *root, int64_t session, const char *name, struct snapshot *s,
	int64_t *budget, struct error *ret_why); /* set with SAME_UNKNOWN, when it is not for want of budget */
/* Their identities as they are now, for those that were read again. */
void files_keep(struct engine *e, int64_t session, const struct snapshot *s);
/* What a listing found. */
void rescan_compare(struct engine *e, size_t root, const struct listed *names, size_t n);
void rescan_pump(struct engine *e);
void rescan_found(struct engine *e, size_t root, const char *name); /* a name that an event brought */
void rescan_soon(struct engine *e);
void rescan_suspect(struct engine *e, const char *name, size_t root); /* an accepted one: look at it now */

/* --- engine_found.c --- */
void found_load(struct engine *e, struct journal_view *v); /* at start */
void found_pump(struct engine *e);						   /* key, endpoint, metadata file: as soon as it is known */
void found_keep(struct engine *e, int64_t metadata);	   /* that, and the sessions that wait for their metadata */

/* --- engine_look.c --- */
void roots_remember(struct engine *e, struct journal_view *v); /* at start */
void root_done(struct root *r);
/* After a listing of it (why: its error): its state. *why becomes an error for a folder that is empty and was not. */
void root_listed(struct engine *e, size_t root, struct folder_listing *l, struct error *why);
enum folder_state root_state(const struct root *r); /* one that does not answer is lost */
cJSON *names_json(const struct root *r);
void look_pump(struct engine *e);
void look_keep(struct engine *e); /* into the journal: as of when all was seen, and what was not well then */
void look_gather(const struct engine *e, struct safe_look *ret);
void summary_gather(const struct engine *e, struct journal_summary *ret);
void engine_facts(const struct engine *e, const struct journal_summary *summary, struct safe_facts *ret);

/* --- admission.c --- */
void admission_found(struct engine *e, const char *name, size_t root); /* a name that is not in work, nor accepted */
bool admission_may_wait(const struct session_row *row);				   /* a row of the journal, at start */
/* Those whose folders are not in the listing go into work: what follows from it is decided there. */
void admission_compare(struct engine *e, size_t root, const struct listed *names, size_t n);
struct session *admission_find(struct engine *e, const char *name, size_t root); /* into work now; NULL: not there */
void admission_pump(struct engine *e);
bool admission_due(const struct engine *e); /* the next one is about to go into work */

/* --- settle.c --- */
void settle_enter(struct session *s);
void settle_drive(struct session *s); /* looks at a session when touched or due, whatever its state */
void settle_pump(struct engine *e);
void settle_touch(struct session *s);				  /* something happened in its folder */
void settle_look(struct session *s, int64_t mono_ms); /* look at it then at the latest */

/* --- checking.c --- */
void checking_enter(struct session *s);
void checking_pump(struct engine *e);
bool checking_waits(const struct engine *e);   /* some session is to be hashed */
size_t checking_count(const struct engine *e); /* being hashed, in roots that answer */
void checking_cancel(struct session *s);
/* HELD_BACK with this reason, and the report to the cloud's log. */
void session_hold(struct session *s, int mask, const char *reason);
int64_t checking_done_bytes(const struct session *s);
void held_load(
	struct session *s, struct journal_view *v); /* after a restart: may the data of this held session go up? */

/* --- unread.c: what cannot be read now may be later --- */
struct check_task;
/* A look met it. True: there is nothing else to conclude from that look. */
bool unread_look(struct session *s, const struct error *why);
void unread_marked(struct session *s, uint64_t marks);			 /* a look went well */
bool unread_wait(struct session *s, const struct check_task *t); /* a check met it, and it is tried again soon */
bool is_short_of(const struct error *why);						 /* descriptors or memory: it passes */
/* A check could not begin for that. True: it is tried again. */
bool unread_short(struct session *s, const struct error *why);
void unread_noted(struct session *s, const struct error *why);		  /* the check is over; ERR_NONE: all was read */
void unread_probed(struct session *s, const struct check_task *t);	  /* held, it was read again */
void unread_load(struct session *s, const struct check_list *checks); /* at start, of a held one */
void unread_drive(struct session *s);
bool unread_busy(const struct session *s); /* it is being read again, or is about to be */

/* --- upload.c, presign.c, transfer.c --- */
void upload_pump(struct engine *e);
void upload_drive(struct session *s);
void upload_drop(struct session *s);
void upload_wait(struct session *s, int64_t wait_ms); /* no attempt before; bounded, whatever a clock said */
void upload_at_once(struct session *s);
void upload_done(struct session *s, size_t index); /* stored: into upload and journal */
/* The try ends, the session waits: as long as its tries and the cloud's health say, or not at all. */
void upload_pause(struct session *s, const struct error *why, bool at_once);
void presign_pump(struct session *s);
/* 412 (the store holds it), or an answer without a checksum */
void stat_ask(struct session *s, size_t index, bool held);
void transfer_start(struct session *s, size_t index);
void transfer_cancel(struct session *s);								  /* those of this session */
void transfers_hang(struct engine *e, size_t root);						  /* those of it end; it does not answer */
size_t transfers_count(const struct engine *e);							  /* in flight, of roots that answer */
cJSON *transfers_status(const struct engine *e, const struct session *s); /* files_now of client.h */
void transfer_rates(struct engine *e);									  /* spreads the bandwidth limit */
void rate_add(struct rate *r, int64_t bytes, int64_t at_ms);
int64_t rate_now(const struct rate *r, int64_t at_ms); /* bytes a second over the last seconds */

/* --- revising.c: the revision that a session is sent as --- */
enum revising {
	REVISING_ON,	/* take the answer */
	REVISING_AGAIN, /* ask again, as upload.revision */
	REVISING_OVER	/* the upload has ended, or will: held, in trouble */
};
/* An answer while the upload has not agreed: `refused`, it has a file for which there can be no URL; `kin`, one of the
 * data files is there, byte for byte. */
enum revising revising_take(struct session *s, const struct answer_presign *answer, bool refused, bool kin);
void revising_refused(struct session *s, const struct error *why); /* in mid-send: other bytes are stored there */

/* --- cloud.c: calls of the API, its health, the schema --- */
typedef void api_on_done(struct engine *e, struct session *s, void *arg, const struct ingest_result *r);
/* s may be NULL. on_done is called with s NULL when the session moved on meanwhile; with r NULL when the engine stops
 * before an answer: then only arg is to be freed. */
void api_call(struct engine *e, struct session *s, const char *method, const char *path, cJSON *body, int64_t hold_ms,
	api_on_done *on_done, void *arg);
void api_calls_free(struct engine *e); /* after ingest_close */
bool api_may(struct engine *e);
bool api_may_ask(struct engine *e, enum answer_id id); /* and this call, which may have a pause of its own */
/* From an on_done: the answer has its shape, and is of no use (its error), or brought nothing (code ERR_NONE, and a
 * text). The next such call waits, longer each time in a row. */
void api_unmet(struct engine *e, enum answer_id id, const struct error *why);
/* What keeps sessions from the cloud now, as a sentence with its mend; NULL: nothing. It is never the sessions' own. */
const struct error *cloud_trouble(const struct engine *e);
void cloud_doubt(struct engine *e, const struct health *h); /* it is bad: look again when that may be over */
enum error_code cloud_trouble_code(const struct error *why); /* with which a command ends for its sake: CONFIG, KEY … */
cJSON *cloud_warnings(const struct engine *e);				 /* sentences: what works, and should be mended */
bool cloud_ok(const struct engine *e);						 /* it answered, and nothing of it is down */
void cloud_start(struct engine *e);
void cloud_reload(struct engine *e); /* key file, certificates and rules are read anew */
void cloud_pump(struct engine *e);
struct backoff cloud_pause(const struct engine *e); /* between probes of what does not work */
struct rules *rules_hold(struct engine *e);
void rules_drop(struct rules *r);

/* --- confirm.c --- */
void confirm_enter(struct session *s);
void confirm_drive(struct session *s);
void confirm_pump(struct engine *e);
void confirm_load(struct engine *e, struct journal_view *v); /* at start */

/* --- outbox.c, heartbeat.c --- */
void outbox_report(struct session *s, const char *level, const char *code, const char *message);
void outbox_kick(struct engine *e);
void outbox_pump(struct engine *e);
void outbox_forget(struct engine *e); /* what was refused */
void heartbeat_pump(struct engine *e);
const char *heartbeat_disk(const struct engine *e); /* the path whose disk is reported */

/* --- guard.c --- */
void guard_pump(struct engine *e);

/* --- engine_history.c --- */
void history_add(struct rate_history *h, int64_t bytes, int64_t at_ms);
cJSON *history_json(struct rate_history *h, int64_t since_ms, int64_t at_ms); /* as `rates` of the status */
void disk_note(struct disk_history *d, int64_t free_bytes, int64_t at_ms);
int64_t disk_full_in_ms(const struct disk_history *d); /* after the last sample; -1: not by these */

/* --- engine_status.c, engine_control.c, engine_act.c --- */
cJSON *engine_status(struct engine *e);
void status_add_error(cJSON *o, const struct error *why); /* nothing for ERR_NONE */
#define ACT_NAMES_MAX 10000								  /* a call */
/* One of retry, pause, resume, release, ignore, unignore over params.sessions. */
MUST_USE int engine_act(
	struct engine *e, const char *method, const cJSON *params, cJSON **ret_result, struct error *err);
MUST_USE int control_begin(struct engine *e, struct error *err);
void control_end(struct engine *e);
struct once_facts;
/* --- engine_once.c --- */
void once_gather(struct engine *e, struct once_facts *ret);
void once_pump(struct engine *e);
void linger_pump(struct engine *e);
