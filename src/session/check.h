/* SPDX-License-Identifier: MIT */
/* The named checks of a session, the same code at the station and in the cloud. Each gives pass, warn or hold with the
 * value found, the rule and the mend, in words an operator understands. */
#pragma once

#include "base/digest.h"
#include "base/pattern.h"
#include "session/schema.h"

#define VERDICTS(X) X(PASS, pass) X(WARN, warn) X(HOLD, hold)
enum verdict {
#define X(id, word) VERDICT_##id,
	VERDICTS(X)
#undef X
		VERDICT_N
};
const char *verdict_name(enum verdict v); /* "pass", "warn", "hold" */
MUST_USE int verdict_parse(const char *s, enum verdict *ret);

/* id, name, whether a hold for its sake concerns the metadata only (then the data files are uploaded all the same) */
#define CHECKS(X)                                                                                                      \
	X(NAME, "name", false)                                                                                             \
	X(METADATA_PRESENT, "metadata_present", true)                                                                      \
	X(METADATA_UTF8, "metadata_utf8", true)                                                                            \
	X(METADATA_PARSES, "metadata_parses", true)                                                                        \
	X(METADATA_REQUIRED, "metadata_required", true)                                                                    \
	X(METADATA_TYPES, "metadata_types", true)                                                                          \
	X(METADATA_RANGES, "metadata_ranges", true)                                                                        \
	X(DATA_PRESENT, "data_present", false)                                                                             \
	X(NO_EMPTY_FILE, "no_empty_file", false)                                                                           \
	X(TOTAL_SIZE, "total_size", false)                                                                                 \
	X(SAFE_NAMES, "safe_names", false)                                                                                 \
	X(KINDS, "file_kinds", false) /* only regular files and folders: links out, FIFOs, sockets, devices by name */     \
	X(UNIQUE, "unique_content", false) /* no copy of another session, no second recording of one name */               \
	X(MANIFEST, "manifest", false)	   /* cloud: present, parses, complete */                                          \
	X(OBJECTS, "objects", false)	   /* cloud: each object there with the manifest's size and checksum */
enum check_id {
#define X(id, name, metadata_only) CHECK_##id,
	CHECKS(X)
#undef X
		CHECK_N
};
extern const char *const check_names[CHECK_N];
extern const bool check_metadata_only[CHECK_N];

struct check {
	enum check_id id;
	enum verdict verdict;
	char found[256], rule[256], mend[256]; /* "" where there is nothing to say; UTF-8, not yet escaped for a terminal */
};
struct check_list {
	struct check *items; /* at most one an id, in order of id */
	size_t n, capacity;
};
void check_list_done(struct check_list *l);
DEFINE_AUTO_VAL(struct check_list, check_list_done)
void check_add(
	struct check_list *l, enum check_id id, enum verdict v, const char *found, const char *rule, const char *mend);
bool checks_hold(const struct check_list *l);				/* any hold */
bool checks_hold_metadata_only(const struct check_list *l); /* holds, and each concerns the metadata alone */
/* "metadata_ranges: fatigue_level 14 is above 10" of the first hold (else first warn), or "" . */
void checks_reason(const struct check_list *l, char *to, size_t size);
cJSON *checks_to_json(const struct check_list *l); /* [{name, verdict, found, rule, mend}] */
MUST_USE int checks_from_json(
	struct check_list *l, const cJSON *array, struct error *err); /* unknown names are skipped */

#define UNIQUE_RULE "a recording is uploaded once, and a name is of one recording"
#define CHECK_TEMPORARY ": a temporary name"
#define CHECK_UNREADABLE ": unreadable: "
#define UNREAD_MEND "it is read again by itself" /* part of the mend of what is no fault of the session */
struct check_file {
	const char *name; /* relative, '/' separated */
	int64_t size;
};
struct check_input {
	const char *session;			/* folder name */
	const struct check_file *files; /* regular files, metadata included */
	size_t file_n;
	/* "name: FIFO", "name: link to /etc/x", "name" CHECK_UNREADABLE "Permission denied"; NULL-terminated or NULL */
	const char *const *bad_kinds;
	const char *const *folders; /* below the session's, with a final '/'; folder_n of them; may be NULL */
	size_t folder_n;
	size_t ignored_n;				 /* names that the station's patterns leave out */
	const struct option_list *empty; /* patterns of files that may be empty, beside the schema's; NULL: none */
	const struct schema *schema;
	const char *metadata_text;		/* content of the metadata file, or NULL when it is not there */
	size_t metadata_n;				/* its true size, even when above METADATA_MAX (the text is not read then) */
	int64_t total_min, total_max;	/* bytes; 0: no limit */
	const char *rival, *rival_mend; /* what stands in its way at the station ("... is in session X too"), or NULL */
};
/* Runs every local check (all but MANIFEST and OBJECTS). `ret_metadata` gets the parsed metadata when it parses. */
/* Something stands plainly where the metadata file belongs, and is none: its name in another case, a link, a folder. */
bool check_metadata_misplaced(const struct check_input *in);
void checks_run(const struct check_input *in, struct check_list *ret, struct metadata *ret_metadata);
