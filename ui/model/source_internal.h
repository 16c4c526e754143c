/* SPDX-License-Identifier: MIT */
/* The source's files among themselves: ui/model/source.c (what to keep fresh), source_engine.c (an engine of its own),
 * source_read.c (the journal) and source_folder.c (session folders), both in the thread pool. */
#pragma once

#include "base/json.h"
#include "ui/model/attach.h"
#include "ui/model/source.h"

#define METADATA_MOST (64 << 10)

struct part_wish {
	_Alignas(8) char bytes[PART_WISH_MOST];
};
struct wish { /* what a read is to bring */
	unsigned parts;
	bool if_moved;					/* only when the journal has changed since the last read */
	struct part_wish of[PARTS_MAX]; /* by row of parts[] */
};
struct reader { /* the view, used by one job at a time */
	const struct part *const *parts;
	char *state_dir;
	struct journal_view *view;
	int64_t version; /* of the last read; -1: none */
};
struct read_job {
	uv_work_t work;
	struct source *source;
	struct reader *reader;
	struct wish wish;
	bool over; /* under the source's mutex: the thread is through */
	bool taken;
	/* found */
	unsigned got;
	struct error err;
	void *data[PARTS_MAX]; /* by row of parts[] */
};
struct folder_job { /* apart from the journal's: a folder may be on a disk that hangs */
	uv_work_t work;
	struct source *source;
	char session[16], *path;
	char *text;
};

struct asking { /* a part that the engine is asked for while it is shown */
	struct source *source;
	const struct part *part; /* NULL: not of these */
	uv_timer_t again;
};

struct source {
	uv_loop_t *loop;
	struct source_options o;
	struct model *model;
	char *metadata_name;
	struct attach *attach;
	struct reader reader;
	uv_mutex_t mutex;
	uv_cond_t read_over;

	struct wish kept;	  /* what is kept fresh */
	unsigned wanted;	  /* asked for, not yet read */
	unsigned owed;		  /* to be read once, and shown since without it */
	bool moved;			  /* the journal may have */
	size_t looks_left;	  /* after inotify's last word, without an engine */
	struct read_job *job; /* in flight */
	struct folder_job *folder_job;
	bool folder_again;
	int64_t read_ms, failed_pause_ms;

	uv_fs_event_t watch;
	/* a read that waits its turn; what inotify told looked at again; the watch or a failed read once more */
	uv_timer_t wake, later, again, midnight;
	struct asking askings[PARTS_MAX]; /* by row of parts[]; the timer runs while it is shown */
	uv_timer_t silence;				  /* of an engine that runs */
	uv_process_t engine;
	bool engine_open;
	int64_t engine_ms, engine_pause_ms; /* its start (monotonic); before the next */
	uv_timer_t engine_again;
	bool watching, closing;
	int handles;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

/* --- source.c --- */
void source_changed(struct source *s, unsigned changed);
void source_link(struct source *s, enum link link, const struct error *err);
void source_released(struct source *s); /* a handle is closed */

/* --- source_engine.c --- */
void engine_start(struct source *s); /* none of ours runs */

/* --- source_read.c --- */
void read_job_run(struct read_job *job); /* thread pool */
void read_job_take(struct read_job *job, struct model *m);
void read_job_free(struct read_job *job);

/* --- source_folder.c --- */
void folder_read(struct source *s);			 /* of the model's session: now, or once more after the one that runs */
void folder_job_run(struct folder_job *job); /* thread pool */
void folder_job_free(struct folder_job *job);
