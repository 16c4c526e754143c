/* SPDX-License-Identifier: MIT */
/* Progress on standard error. Invariant: `shown` says whether an unfinished line stands on the terminal; every other
 * writer clears it first (progress_clear, log_overwrite). Rates are over the last WINDOW_MS, so that they follow. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/table.h"
#include "base/text.h"
#include "base/units.h"

#define WINDOW_MS 4000
#define SAMPLES 64
#define LINE_EVERY_MS 1000 /* without a terminal: this often at first, then */
#define LINE_LATER_MS 5000
#define LINES_AT_FIRST 15

struct progress {
	bool terminal, shown, ascii;
	int64_t last_line_ms;
	int lines;
	struct {
		int64_t at_ms, bytes;
	} samples[SAMPLES];
	size_t first, n;
};

static bool terminal_rewrites(void) {
	const char *term = getenv("TERM");
	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static bool locale_is_utf8(void) {
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value) return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
	}
	return false;
}

static struct progress *progress_new(bool terminal) {
	struct progress *p = xcalloc(1, sizeof *p);
	p->terminal = terminal;
	p->ascii = !locale_is_utf8();
	return p;
}

struct progress *progress_new_line(void) {
	return terminal_rewrites() ? progress_new(true) : NULL;
}

struct progress *progress_new_bar(void) {
	return progress_new(terminal_rewrites());
}

void progress_clear(struct progress *p) {
	if (!p) return;
	if (p->shown) fputs(PROGRESS_CLEAR, stderr);
	p->shown = false;
}

void progress_free(struct progress *p) {
	if (!p) return;
	progress_clear(p);
	xfree(p);
}

/* The line is cut to the terminal's width, else it would wrap and could not be rewritten. Its own glyphs are one column
 * each, and what comes from outside was escaped. */
static void progress_show(struct progress *p, const char *line) {
	int known = terminal_columns(STDERR_FILENO), columns = (known ? known : 80) - 1;
	size_t n = 0;
	for (; line[n] && columns > 0; columns--)
		for (n++; ((unsigned char)line[n] & 0xC0) == 0x80;) n++;
	fprintf(stderr, PROGRESS_CLEAR "%.*s", (int)n, line);
	fflush(stderr);
	p->shown = true;
}

static double number(const cJSON *o, const char *name) { return json_get_double(o, name, 0); }

/* "headgate  2 uploading, 3 queued  1.1 GB left  41.2 MB/s  0:34  20261120_134502 64 %" */
static void status_line(const cJSON *status, struct buf *line) {
	const cJSON *queue = json_get_object(status, "queue"), *cloud = json_get_object(status, "cloud"), *s;
	const char *error = json_get_text(json_get_object(cloud, "error"), "message");
	buf_fmt(line, "headgate  %.0f uploading, %.0f queued", number(queue, "active"), number(queue, "queued"));
	if (number(queue, "bytes_left") > 0) {
		buf_fmt(line, "  %s left  %s", UNIT_BYTES((int64_t)number(queue, "bytes_left")),
			UNIT_RATE(number(queue, "rate_bytes_per_s")));
		int64_t eta_s = json_get_i64(queue, "eta_s", -1);
		if (eta_s >= 0) buf_fmt(line, "  %s", UNIT_DURATION(eta_s * 1000));
	}
	if (error) {
		buf_str(line, "  cloud: ");
		text_escape(line, error, strlen(error));
	}
	json_each (s, json_get_array(status, "sessions")) {
		double bytes = number(s, "bytes");
		const char *name = json_get_text(s, "session");
		if (name && bytes > 0) buf_fmt(line, "  %s %.0f %%", TEXT_SAFE(name), 100 * number(s, "sent_bytes") / bytes);
	}
}

void progress_on_status(void *progress, const char *status_json) {
	AUTO(json_free) cJSON *status = NULL;
	AUTO(buf_done) struct buf line = BUF_INIT(4096);
	struct error err = ERROR_INIT;
	if (json_parse(status_json, strlen(status_json), &status, &err)) return;
	status_line(status, &line);
	progress_show(progress, buf_text(&line));
}

/* --- the bar --- */

static double progress_rate(struct progress *p, int64_t now_ms, int64_t bytes) {
	if (p->n == SAMPLES) {
		p->first = (p->first + 1) % SAMPLES;
		p->n--;
	}
	size_t at = (p->first + p->n++) % SAMPLES;
	p->samples[at].at_ms = now_ms;
	p->samples[at].bytes = bytes;
	while (p->n > 2 && p->samples[p->first].at_ms < now_ms - WINDOW_MS) {
		p->first = (p->first + 1) % SAMPLES;
		p->n--;
	}
	int64_t span_ms = now_ms - p->samples[p->first].at_ms;
	return span_ms > 0 ? (double)(bytes - p->samples[p->first].bytes) * 1000 / (double)span_ms : 0;
}

static void bar(const struct progress *p, double part, int width, struct buf *line) {
	int full = (int)(part * width + 0.5);
	buf_char(line, '[');
	for (int i = 0; i < width; i++) buf_str(line, i >= full ? (p->ascii ? "." : "░") : p->ascii ? "#" : "█");
	buf_char(line, ']');
}

void progress_bytes(struct progress *p, int64_t done, int64_t total, int64_t least_left_ms, const char *note) {
	if (!p) return;
	AUTO(buf_done) struct buf line = BUF_INIT(4096);
	int64_t now_ms = clock_mono_ms();
	double rate = progress_rate(p, now_ms, done), part = total > 0 ? MIN(1.0, (double)done / (double)total) : 0;
	int64_t every_ms = p->lines < LINES_AT_FIRST ? LINE_EVERY_MS : LINE_LATER_MS;
	if (!p->terminal && now_ms - p->last_line_ms < every_ms) return;
	p->last_line_ms = now_ms;
	p->lines++;
	if (p->terminal) bar(p, part, 24, &line);
	buf_fmt(&line, " %3.0f %%  %s of %s", 100 * part, UNIT_BYTES(done), UNIT_BYTES(total));
	if (rate > 0 && done < total) {
		int64_t left_ms = MAX(least_left_ms, (int64_t)((double)(total - done) * 1000 / rate));
		buf_fmt(&line, "  %s  %s left", UNIT_RATE(rate), UNIT_DURATION(left_ms));
	}
	buf_fmt(&line, "  %s", note);
	if (p->terminal) progress_show(p, buf_text(&line));
	else fprintf(stderr, "%s\n", buf_text(&line) + 1);
}
