/* SPDX-License-Identifier: MIT */
/* What is the matter with a watched folder, and what else lies in it: folders that look like recordings and are not
 * named like one, which nobody would send. */
#pragma once

#include <stdatomic.h>

#include "station/config.h"
#include "station/journal/view.h"
#include "station/disk/scan.h"

/* --- the folder itself --- */

#define FOLDER_STATES(X)                                                                                               \
	X(UNLISTED, unlisted) /* not listed yet */                                                                         \
	X(OK, ok)                                                                                                          \
	X(WRONG, wrong) /* it never was a folder here: a mistake in the configuration */                                   \
	X(LOST, lost)	/* it was there and is gone, cannot be read, or does not answer */                                 \
	X(EMPTY, empty) /* no session is in it, and there were */
enum folder_state {
#define X(id, word) FOLDER_##id,
	FOLDER_STATES(X)
#undef X
		FOLDER_N
};
const char *folder_state_name(enum folder_state s); /* for JSON: its word */
struct folder_memory {								/* what the journal knows of a watched folder */
	bool known;										/* it was listed once */
	int64_t inode; /* of the folder, when it was last well: an empty mount point is another one than the disk's root */
	bool had;	   /* sessions that were in it when it was last well */
};
struct folder_listing;
/* why: of its last listing; l may be NULL when that failed. */
enum folder_state folder_judge(
	const struct error *why, const struct folder_listing *l, const struct folder_memory *m, bool may_be_empty);
/* From its setting; v may be NULL: nothing is known. */
MUST_USE int folder_remember(struct journal_view *v, const char *path, struct folder_memory *ret, struct error *err);
void folder_write(const struct folder_memory *m, char *to, size_t size); /* as the setting holds it */
/* The sentence of one that is FOLDER_EMPTY, with its mend. */
void folder_empty_words(const char *path, struct error *ret);
/* The name of its setting. The caller frees. */
char *folder_setting(const char *path);

/* --- what looks like a recording --- */

#define NEAR_KEPT 50		  /* a folder's, with their words; all are counted */
#define NEAR_FOLDERS_MAX 500  /* other folders that are looked into, two levels deep */
#define NEAR_ENTRIES_MAX 2000 /* entries of one of those */
struct near_name {
	char *path;	   /* relative to the watched folder; owned */
	char name[16]; /* what to rename it to; "": that name is taken, */
	bool claimed;  /* by no session, but another folder is to be called so */
	enum near {
		NEAR_NAMED,	 /* as it should not be */
		NEAR_DEEP,	 /* it lies a level or two too deep */
		NEAR_FILE,	 /* it is no folder, but one file */
		NEAR_WATCHED /* it is the watched folder itself */
	} kind;
};
struct folder_listing {
	struct listed *names; /* the sessions, in order; owned */
	size_t n;
	int64_t inode;			/* of the folder */
	struct near_name *near; /* in order of path; owned */
	size_t near_n, near_capacity, near_all;
	bool near_cut; /* there were more folders than are looked into */
};
void folder_listing_done(struct folder_listing *l);
DEFINE_AUTO_VAL(struct folder_listing, folder_listing_done)
/* root_list, and the names that are near. Blocking. */
MUST_USE int folder_list(const struct config *c, const char *root, const atomic_bool *cancel_or_null,
	struct folder_listing *ret, struct error *err);
/* "looks like a recording and is not sent: rename it to 20261120_124033" */
void near_words(const struct near_name *n, char *to, size_t size);
cJSON *near_json(const struct near_name *n); /* {path, rename_to, reason} */
