/* SPDX-License-Identifier: MIT */
/* One session checked: its files hashed, the named checks run. For the thread pool; checking.c drives it. */
#pragma once

#include <stdatomic.h>

#include "session/schema.h"
#include "station/config.h"
#include "station/disk/scan.h"
#include "station/intake/rivals.h"

struct check_task {
	/* asked */
	const struct config *config;
	const struct schema *schema;
	const char *root, *session;
	const char *const *roots; /* that could be listed lately, NULL-terminated */
	const char *expected;	  /* fingerprint that settled */
	const char *folder;		  /* folder_id of the folder that was checked before; "" none */
	int64_t id, revision;
	bool released;
	bool probe; /* only: can all of it be read now? */
	const atomic_bool *cancel;
	_Atomic int64_t done_bytes;
	struct journal_view *view;
	/* found */
	bool changed; /* it is not what settled any more */
	struct snapshot snapshot;
	struct file_row *known; /* as the journal has them (owned) */
	size_t known_n;
	int64_t known_revision;
	struct check_list checks;
	bool has_content;
	struct sha256 content; /* content id */
	char folder_now[FOLDER_ID];
	struct error unread; /* the first that could not be read, by no fault of its own */
	struct error err;	 /* it could not be checked at all: cancelled, the journal */
};
void check_task_run(struct check_task *t); /* a thread of its root */
void check_task_done(struct check_task *t);
/* Something stands where the metadata file belongs, and is none (session/check.h). */
bool snapshot_metadata_misplaced(const struct snapshot *s, const struct schema *schema);
/* The checks of a snapshot, the metadata file read from disk; *ret_unread why that could not be read. Any thread. */
void check_snapshot(const struct config *c, const struct schema *schema, const char *root, const char *session,
	const struct snapshot *s, const struct rival *rival, struct check_list *ret, struct error *ret_unread);
/* Keeps what is known of files that are the same (size, mtime, ctime, inode) in `known`, sorted by name. */
void snapshot_keep_known(struct snapshot *s, const struct file_row *known, size_t n, bool same_revision);
