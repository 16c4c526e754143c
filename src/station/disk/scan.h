/* SPDX-License-Identifier: MIT */
/* One session folder, read: which files, their identity, what is odd about them; the read lease; the digests. Blocking:
 * called in the thread pool. Nothing is ever written into the recordings; links are never followed. */
#pragma once

#include <stdatomic.h>

#include "base/pattern.h"
#include "station/config.h"
#include "session/check.h"
#include "station/journal/rows.h"

#define SCAN_DEPTH_MAX 16
#define SCAN_FILES_MAX 10001 /* 10,000 and the metadata file */
#define SCAN_READ_BYTES (256 * 1024)
#define SESSION_BYTES_MAX (1LL << 46)	 /* more than 10,000 files of 5 GiB: counts of many sessions add up */
struct scan_rules {						 /* which files of a session are none of its recording; NULL lists: none */
	const struct option_list *ignore;	 /* never sent, and never looked at */
	const struct option_list *temporary; /* somebody is still writing: the session is not at rest while one is there */
	const char *keep[2]; /* names that are neither, whatever the patterns say: marker, metadata; or NULL */
};
struct snapshot {
	struct file_row *files; /* sorted by name (bytewise); owned */
	size_t n, capacity;
	char **bad_kinds; /* NULL-terminated, owned: "tmp/pipe: FIFO", "data: link to ../x" */
	size_t bad_n, bad_capacity;
	char **folders; /* below the session's, with a final '/'; owned */
	size_t folder_n, folder_capacity;
	char **ignored; /* by the rules' patterns; owned; a folder's name ends with '/' */
	size_t ignored_n, ignored_capacity;
	bool marker_left;		  /* its done marker was empty and is not among the files any more */
	char temporary[256];	  /* the first one with a temporary name; it is among the bad kinds too */
	int64_t bytes, newest_ms; /* bytes: SESSION_BYTES_MAX at most, whatever sparse files claim */
	uint64_t marks;			  /* of ctimes and inodes: what changes with owner and mode too */
	char fingerprint[65];	  /* of names, sizes and mtimes, bad kinds included */
};
/* Every step of a walk, a listing or a digest of this thread moves the counter: who watches it sees that the file
 * system answers. NULL: none. */
void scan_beat_to(atomic_ulong *counter);
void scan_beat(void);
void snapshot_done(struct snapshot *s);
DEFINE_AUTO_VAL(struct snapshot, snapshot_done)
/* Links are among the bad kinds wherever they lead; a session folder that is itself a link is ERR_INPUT.
 * ERR_NOT_FOUND when the folder is gone, ERR_DISK for what cannot be read (naming it and the mend), ERR_CANCELLED. A
 * name that is not UTF-8 or holds a control character is among the files and left to the check. More than
 * SCAN_FILES_MAX files or SCAN_DEPTH_MAX levels: ERR_INPUT. rules may be NULL. */
MUST_USE int snapshot_take(const char *root, const char *session, const struct scan_rules *rules,
	const atomic_bool *cancel, struct snapshot *ret, struct error *err);
/* Tells the folder of a session from another one that was made under its name later: inode and time of birth, in the
 * form "inode:seconds.ns". "" when the file system does not tell both. */
void folder_id(const char *root, const char *session, char to[FOLDER_ID]);
/* The done marker leaves the files when it is empty: a message to us. One that holds something is a part of the
 * recording, and sent. */
void snapshot_drop(struct snapshot *s, const char *marker_or_null);
struct scan_rules scan_rules_of(const struct config *c); /* borrowed */
/* Root folders: names of sessions in it, whatever kind of file has such a name, in order; the caller frees the array.
 * ERR_NOT_FOUND when the root is gone. */
struct listed {
	char name[16]; /* SESSION_NAME: in one piece, as there may be 100,000 */
};
MUST_USE int root_list(const char *root, struct listed **ret, size_t *ret_n, struct error *err);
