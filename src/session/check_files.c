/* SPDX-License-Identifier: MIT */
/* Checks of a session's folder and files. Pure functions, any thread. */
#include "session/check_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "session/name.h"
#include "session/part.h"

/* Below this, and with no limit of the station's own, a recording is doubted, not held. */
#define PLAUSIBLE_MIN 1024

/* --- the folder's name --- */

static const char *const month_names[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* "29 Feb 2021 is not a date", "25:61:07 is not a time": name has the shape but cannot be. */
static void impossible_words(const char *name, char *to, size_t size) {
	int64_t date = strtoll(name, NULL, 10);
	int year = (int)(date / 10000), month = (int)(date / 100 % 100), day = (int)(date % 100);
	if (time_valid_date(year, month, day)) {
		snprintf(to, size, "%.2s:%.2s:%.2s is not a time", name + 9, name + 11, name + 13);
	} else if (month >= 1 && month <= 12) {
		snprintf(to, size, "%d %s %d is not a date", day, month_names[month - 1], year);
	} else {
		snprintf(to, size, "day %d of month %d of %d is not a date", day, month, year);
	}
}

static void check_name(const struct check_input *in, struct check_list *l) {
	char found[256];
	const char *rule = "YYYYMMDD_HHMMSS, a date and time that exist";
	if (!session_name_is(in->session)) {
		snprintf(found, sizeof found, "\"%s\" is not of the form YYYYMMDD_HHMMSS", CLIP(in->session));
		check_add(l, CHECK_NAME, VERDICT_HOLD, found, rule, "rename the folder, such as 20261120_134502");
	} else if (!session_name_possible(in->session)) {
		impossible_words(in->session, found, sizeof found);
		check_add(
			l, CHECK_NAME, VERDICT_WARN, found, rule, "the recording is kept as it is; set the clock of the recorder");
	} else {
		check_add(l, CHECK_NAME, VERDICT_PASS, in->session, "", "");
	}
}

static void check_unique(const struct check_input *in, struct check_list *l) {
	if (in->rival) check_add(l, CHECK_UNIQUE, VERDICT_HOLD, in->rival, UNIQUE_RULE, in->rival_mend);
	else check_add(l, CHECK_UNIQUE, VERDICT_PASS, "", "", "");
}

void check_folder(const struct check_input *in, struct check_list *l) {
	check_name(in, l);
	check_unique(in, l);
}

/* --- the files --- */

static bool is_metadata(const struct check_input *in, const struct check_file *f) {
	return strcmp(f->name, in->schema->file) == 0;
}

static void check_data_present(const struct check_input *in, struct check_list *l) {
	size_t n = 0;
	for (size_t i = 0; i < in->file_n; i++) n += !is_metadata(in, &in->files[i]);
	char found[64];
	snprintf(found, sizeof found, n == 1 ? "%zu data file" : "%zu data files", n);
	if (n) check_add(l, CHECK_DATA_PRESENT, VERDICT_PASS, found, "", "");
	else {
		char mend[160] = "look at the recorder: it wrote no data into this folder";
		if (in->ignored_n)
			snprintf(mend, sizeof mend,
				"the patterns of [station] ignore leave out %zu name%s of this folder: correct them, or look at the "
				"recorder: it wrote no data into it",
				in->ignored_n, in->ignored_n == 1 ? "" : "s");
		check_add(l, CHECK_DATA_PRESENT, VERDICT_HOLD, "there is no data file", "one data file or more", mend);
	}
}

static bool may_be_empty(const struct check_input *in, const char *name) {
	return patterns_match(&in->schema->empty, name) || (in->empty && patterns_match(in->empty, name));
}

static void check_no_empty_file(const struct check_input *in, struct check_list *l) {
	struct notes notes = {0};
	for (size_t i = 0; i < in->file_n; i++) {
		/* An empty metadata file is told by metadata_present, so that it does not hold the data back. */
		if (in->files[i].size > 0 || is_metadata(in, &in->files[i]) || may_be_empty(in, in->files[i].name)) continue;
		char found[128];
		snprintf(found, sizeof found, "%s is empty", CLIP(in->files[i].name));
		notes_add(&notes, found, "no data file has 0 bytes",
			"look at the recorder; put the right file there, remove the empty one, or allow it with [check] empty");
	}
	notes_close(&notes, l, CHECK_NO_EMPTY_FILE, "");
}

static void note_large_files(const struct check_input *in, struct notes *notes) {
	for (size_t i = 0; i < in->file_n; i++) {
		const struct check_file *f = &in->files[i];
		if (f->size <= PUT_MAX) continue;
		char found[160];
		snprintf(found, sizeof found, "%s has %s", CLIP(f->name), UNIT_BYTES(f->size));
		notes_add(notes, found, "a file has at most 5 GiB", "let the recorder begin a new file before 5 GiB");
	}
}

static void note_limits(const struct check_input *in, int64_t total, struct notes *notes) {
	char found[128], rule[128];
	bool low = in->total_min > 0 && total<in->total_min, high = in->total_max> 0 && total > in->total_max;
	if (!low && !high) return;
	int64_t limit = low ? in->total_min : in->total_max;
	const char *word = low ? "less" : "more";
	snprintf(found, sizeof found, "%s in all is %s than %s", UNIT_BYTES(total), word, UNIT_BYTES(limit));
	snprintf(rule, sizeof rule, "a session has at %s %s", low ? "least" : "most", UNIT_BYTES(limit));
	notes_add(notes, found, rule,
		low ? "see whether files are missing; else lower total_min in [station]"
			: "see whether files of another session got in; else raise total_max in [station]");
}

static void check_total_size(const struct check_input *in, struct check_list *l) {
	int64_t total = 0;
	for (size_t i = 0; i < in->file_n; i++) {
		/* Saturating: sizes in a manifest come from outside. */
		if (__builtin_add_overflow(total, MAX(in->files[i].size, 0), &total)) total = INT64_MAX;
	}
	struct notes notes = {0};
	note_large_files(in, &notes);
	note_limits(in, total, &notes);
	char found[128];
	snprintf(found, sizeof found, "%s in all", UNIT_BYTES(total));
	if (!notes.n && !in->total_min && total < PLAUSIBLE_MIN) {
		snprintf(found, sizeof found, "%s in all is little for a recording", UNIT_BYTES(total));
		check_add(l, CHECK_TOTAL_SIZE, VERDICT_WARN, found, "a recording has 1 KiB or more",
			"see whether files are missing; total_min in [station] sets a limit");
		return;
	}
	notes_close(&notes, l, CHECK_TOTAL_SIZE, found);
}

static void check_safe_names(const struct check_input *in, struct check_list *l) {
	struct notes notes = {0};
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < in->file_n; i++) {
		if (file_name_check(in->files[i].name, &err)) {
			notes_add_sentence(&notes, err.text, "names are UTF-8 and fit for object keys", "rename the file");
		} else if (is_manifest_name(in->files[i].name, NULL)) {
			notes_add(&notes, "there is a folder " RESERVED_DIR, "headgate keeps " RESERVED_DIR " for itself",
				"rename that folder");
		}
	}
	notes_close(&notes, l, CHECK_SAFE_NAMES, "");
}

static void check_kinds(const struct check_input *in, struct check_list *l) {
	struct notes notes = {0};
	for (const char *const *p = in->bad_kinds; p && *p; p++) {
		char found[160];
		check_clip(found, sizeof found, *p);
		if (check_metadata_kind(in, *p))
			continue; /* told by metadata_present, so that it does not hold the data back */
		if (text_ends(*p, CHECK_TEMPORARY)) {
			notes_add(&notes, found, "a recording is finished when it is sent",
				"finish, rename or remove it; if it belongs to the recording, change [station] temporary");
			continue;
		}
		if (strstr(*p, CHECK_UNREADABLE))
			notes_add(&notes, found, "every file is read whole",
				"let the user that runs headgate read it, or mend its disk: " UNREAD_MEND);
		else
			notes_add(&notes, found, "only files and folders can be uploaded",
				"remove it, or put the file itself in its place");
	}
	notes_close(&notes, l, CHECK_KINDS, "");
}

void check_files(const struct check_input *in, struct check_list *l) {
	check_data_present(in, l);
	check_no_empty_file(in, l);
	check_total_size(in, l);
	check_safe_names(in, l);
	check_kinds(in, l);
}
