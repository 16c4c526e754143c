/* SPDX-License-Identifier: MIT */
/* One session being sent: its files, their URLs, what is stored, and what comes next. Pure; loop thread. */
#pragma once

#include "session/manifest.h"
#include "station/journal/journal.h"

#define ASK_FILES 250		  /* files a presign call; 1,000 at most by api.md */
#define ASK_BYTES (8LL << 30) /* or so many bytes: URLs live 15 minutes */
#define URL_MARGIN_MS 60000	  /* a URL that ends sooner is not begun with, */
#define URL_MARGIN_SHARE 4	  /* or in the last quarter of a short life: then it is better than none */
#define ASK_FILES_SHORT 16	  /* of URLs that live for less than the margin */
#define ASKS_IDLE_MAX 3		  /* answers in a row of which no URL could be used */

enum piece_state {
	PIECE_WAITING, /* no URL */
	PIECE_ASKED,   /* one was asked for */
	PIECE_READY,   /* it may be sent */
	PIECE_SENDING,
	PIECE_COMPARING, /* 412: the cloud is asked what is there */
	PIECE_STORED,
};
/* What one PUT carries: a file whole, or a part of it. A file is stored when the last of its pieces is. */
struct piece {
	size_t file;		   /* index of the upload's files */
	size_t part;		   /* 0: the whole file; else its number, from 1 */
	int64_t offset, bytes; /* of the file */
	enum piece_state state;
	uint8_t attempts, checksums, presigns; /* requests tried; answers with another checksum; URLs in a row */
	int64_t not_before_ms;				   /* monotonic */
	int64_t lasts_ms;					   /* how long its URL is good in all */
	int64_t good_until_ms;				   /* monotonic: no wall clock, ours or theirs, has a say in it */
	char *url;
	char **headers; /* NULL-terminated */
};
struct upload {
	struct file_row *files; /* in order of name (owned) */
	size_t n;
	size_t metadata;	  /* index of the metadata file; n: none */
	struct piece *pieces; /* in the same order, by part (owned) */
	size_t piece_n;
	struct cut {
		size_t from, left;	  /* its first piece; how many of its pieces are not stored */
	} * cuts;				  /* of each file (owned) */
	bool data_only;			  /* held for its metadata: manifest and metadata wait for the person */
	int64_t revision;		  /* that the cloud is asked about: the row's once it is agreed */
	bool agreed;			  /* the revision, with the cloud: what is asked now may be sent */
	bool next;				  /* a free one, as the row's was taken */
	bool adopted;			  /* the cloud has decided on this very content: no manifest is sent */
	bool stored_kin;		  /* a data file was in the cloud before this upload */
	int rounds;				  /* of asking for another revision */
	struct file_row manifest; /* name NULL until it is built */
	struct piece manifest_piece;
	char *body;			/* of the manifest */
	size_t first;		/* no piece of data before this one is left to do */
	size_t data_stored; /* pieces of data files that are */
	bool loading, asking, comparing;
	bool answered, begun, cleared; /* the cloud gave URLs; the journal is told; it knows that requests may go out */
	size_t sending;
	int idle_asks; /* answers since the last PUT began or the last file was there already */
};
/* Takes the rows and cuts them: a file of more than `most` bytes has a piece for each of its parts (session/part.h),
 * any other is one piece. metadata_file: its name. */
void upload_cut(struct upload *u, struct file_row *files, size_t n, const char *metadata_file, int64_t most);
/* What the upload is at. */
enum upload_goal { GOAL_DATA, GOAL_MANIFEST, GOAL_METADATA, GOAL_DONE };
enum upload_goal upload_goal(const struct upload *u);
#define PIECE_NONE SIZE_MAX
#define PIECE_MANIFEST (SIZE_MAX - 1)
/* The piece to be sent now: an index, PIECE_MANIFEST, or PIECE_NONE with *ret_wake_ms (0: nothing waits for a time). */
size_t upload_next(struct upload *u, int64_t now_ms, int64_t *ret_wake_ms);
/* Pieces whose URLs are to be asked for now, at most max; the metadata file's is among the last. */
size_t upload_to_ask(const struct upload *u, size_t *ret, size_t max);
struct piece *upload_piece(struct upload *u, size_t piece);
struct file_row *upload_file(struct upload *u, size_t piece); /* that it is of */
const struct sha256 *upload_digest(struct upload *u, size_t piece);
void piece_clear(struct piece *p);						  /* forgets the URL */
bool upload_is_kin(const struct upload *u, size_t piece); /* of a data file with a content: two recordings share none */
bool upload_stored(struct upload *u, size_t piece);		  /* true: and its file is whole now */
void upload_file_stored(struct upload *u, size_t file);	  /* all pieces of it are, by what is known already */
void upload_free(struct upload *u);
/* The manifest of this revision, from rows that all have their bucket and key. The same rows give the same bytes. */
void upload_build_manifest(
	struct upload *u, const char *station, const char *instance, const char *session, int64_t revision);
