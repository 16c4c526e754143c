/* SPDX-License-Identifier: MIT */
/* See situation.h. */
#include "situation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "console.h"

#define MINUTE 60000
#define MB 1000000

/* --- sessions --- */

static const struct sample {
	const char *name;
	enum session_state state;
	int64_t bytes, stored;
	int tries, wait_s;
	const char *reason;
	bool data_safe, paused, ignored;
} live[] =
	{
		{"20261120_134502", STATE_UPLOADING, 612400000, 391936000, 1, 0, NULL, false, false, false},
		{"20261120_131110", STATE_UPLOADING, 598000000, 137540000, 2, 0, "503 SlowDown", false, false, false},
		{"20261120_124033", STATE_HELD, 600100000, 600000000, 0, 0, "metadata_ranges: fatigue_level 14 is above 10",
			true, false, false},
		{"20261120_123001", STATE_QUEUED, 601000000, 0, 3, 40, "the cloud asked to slow down", false, false, false},
		{"20261120_122000", STATE_QUEUED, 600700000, 0, 0, 0, NULL, false, true, false},
		{"20261120_121500", STATE_SETTLING, 220000000, 0, 0, 0, "eeg.dat is still being written", false, false, false},
		{"20261120_120811", STATE_ACCEPTED, 601900000, 601900000, 1, 0, NULL, true, false, false},
		{"20261120_113000", STATE_ACCEPTED, 599000000, 599000000, 1, 0, NULL, true, false, false},
		{"20261120_110000", STATE_REJECTED, 600000000, 600000000, 1, 0, "objects: eeg.dat has another checksum", true,
			false, false},
		{"20261120_103000", STATE_FAILED, 600000000, 0, 5, 0, "403 AccessDenied: this key may not write here", false,
			false, false},
		{"20261120_100000", STATE_GONE, 600000000, 0, 0, 0, "its folder is gone", false, false, false},
		{"20261119_093000", STATE_HELD, 0, 0, 0, 0, "data_present: no data file", false, false, true},
		{"20210229_161221", STATE_ACCEPTED, 598700000, 598700000, 1, 0, "warning: 29 Feb 2021 is not a date", true,
			false, false},
},
  hostile[] = {
	  {"20261120_134502", STATE_HELD, 612400000, 0, 1, 0, "\033[2J\033]0;owned\a metadata: \xff\xfe 名前 is no number",
		  false, false, false},
	  {"20261120_131110", STATE_FAILED, 598000000, 0, 2, 0,
		  "e\xcc\x81t\xc3\xa9 of \xe2\x80\xae"
		  "gnp.exe and 脳波データ記録装置の",
		  false, false, false},
};

static void page_make(struct model *m, const struct sample *samples, size_t n) {
	struct journal_summary *s = &m->summary.journal;
	m->page.rows = xcalloc(n, sizeof *m->page.rows);
	m->page.n = n;
	m->page.total = (int64_t)n;
	m->page.at_ms = m->summary.at_ms = NOW_MS - 1000;
	for (size_t i = 0; i < n; i++) {
		const struct sample *k = &samples[i];
		struct session_row *r = &m->page.rows[i];
		*r = (struct session_row){.id = (int64_t)i + 1,
			.revision = 1,
			.state = k->state,
			.bytes = k->bytes,
			.stored_bytes = k->stored,
			.files = k->bytes ? 3 : 0,
			.stored_files = k->bytes ? 3 * k->stored / k->bytes : 0,
			.tries = k->tries,
			.paused = k->paused,
			.ignored = k->ignored,
			.data_safe = k->data_safe,
			.present = k->state != STATE_GONE,
			.found_ms = NOW_MS - 20 * MINUTE,
			.settled_ms = NOW_MS - 18 * MINUTE,
			.updated_ms = NOW_MS - (int64_t)i * MINUTE};
		text_copy(r->name, sizeof r->name, k->name);
		r->root = xstrdup("/data/recordings");
		if (k->reason) r->reason = xstrdup(k->reason);
		if (k->wait_s) r->next_attempt_ms = NOW_MS + k->wait_s * 1000;
		if (k->state == STATE_ACCEPTED) r->uploaded_ms = r->accepted_ms = NOW_MS - 30 * MINUTE;
		if (k->ignored) s->ignored++;
		else s->by_state[k->state]++;
		s->paused += k->paused;
		if (k->state != STATE_ACCEPTED && !k->ignored && r->present) s->bytes_left += k->bytes - k->stored;
		if (strncmp(k->name, "20261120", 8) == 0) {
			s->today_found++;
			s->today_accepted += k->state == STATE_ACCEPTED;
		}
	}
	s->sessions = (int64_t)n;
}

/* --- the engine --- */

static void status_make(struct model *m) {
	struct status *s = &m->status;
	m->link = LINK_UP;
	m->link_since_ms = NOW_MS - 3 * 60 * MINUTE;
	*s = (struct status){.at_ms = NOW_MS - 200,
		.pid = 4711,
		.since_ms = NOW_MS - 3 * 60 * MINUTE,
		.instance = "k3j9x0",
		.version = "0.1.0",
		.station = "eeg-lab-2",
		.endpoint = "https://lab-eu",
		.cloud_ok = true,
		.latency_ms = 38,
		.token_expires_ms = NOW_MS + 41 * MINUTE,
		.clock_offset_ms = 120,
		.cloud_answer_ms = NOW_MS - 1500,
		.active = 2,
		.queued = 1,
		.bytes_left = 1100000000,
		.eta_ms = 34000,
		.rate = 41.2 * MB,
		.disk_free = 412000000000,
		.disk_total = 1000000000000,
		.disk_path = "/data",
		.folder_n = 2,
		.look = {.at_ms = NOW_MS - 200}};
	for (int i = 0; i < CONTROL_RATES; i++)
		s->rates[i] = i < 12 ? NAN : i == 30 || i == 31 ? NAN : (20 + 20 * sin(i / 5.0)) * MB;
	text_copy(s->folders[0].path, sizeof s->folders[0].path, "/data/recordings");
	text_copy(s->folders[0].watching, sizeof s->folders[0].watching, "events");
	s->folders[0].ok = true;
	text_copy(s->folders[1].path, sizeof s->folders[1].path, "/mnt/old");
	text_copy(s->folders[1].error, sizeof s->folders[1].error, "No such file or directory");
	s->work[0] = (struct work){"20261120_134502", 391936000, 612400000, 1, 3, 1, 22.1 * MB};
	s->work[1] = (struct work){"20261120_131110", 137540000, 598000000, 0, 3, 2, 19.0 * MB};
	s->work_n = 2;
	s->files_now[0] = (struct file_now){"20261120_134502", "sub/video-long-name-of-a-camera.mp4", 400000000, 191936000};
	s->files_now_n = 1;
}

static void event_make(struct event_row *e, int64_t at_ms, const char *level, const char *code, const char *message) {
	size_t name = strspn(message, "0123456789_") == 15 ? 15 : 0; /* "20261120_134502: what": an event of that session */
	*e = (struct event_row){.at_ms = at_ms, .state = -1, .message = xstrdup(message + (name ? name + 2 : 0))};
	text_copy(e->session_name, name + 1, message);
	snprintf(e->event_id, sizeof e->event_id, "ev-%lld", (long long)(at_ms / 1000));
	text_copy(e->level, sizeof e->level, level);
	text_copy(e->code, sizeof e->code, code);
}

static void config_make(struct model *m) {
	static const char *const lines[][4] = {
		{"station", "name", "eeg-lab-2", "/etc/headgate/headgate.ini:2"},
		{"station", "watch", "/data/recordings, /mnt/old", "/etc/headgate/headgate.ini:3"},
		{"station", "settle", "10s", "default"},
		{"cloud", "endpoint", "https://lab-eu", "HEADGATE_CLOUD_ENDPOINT"},
		{"cloud", "api_key", "(set)", "/etc/headgate/api-key"},
		{"upload", "connections", "4", "--connections"},
		{"upload", "bandwidth", "", "default"},
	};
	m->config_n = ARRAY_LEN(lines);
	m->config = xcalloc(m->config_n, sizeof *m->config);
	for (size_t i = 0; i < m->config_n; i++) {
		m->config[i].section = xstrdup(lines[i][0]);
		m->config[i].name = xstrdup(lines[i][1]);
		m->config[i].value = xstrdup(lines[i][2]);
		m->config[i].source = xstrdup(lines[i][3]);
	}
}

static void fleet_make(struct model *m) {
	static const struct fleet_station fleet[] = {
		{"eeg-lab-4", "", 0, 0, 0, 0, 0, 0},
		{"eeg-lab-3", "0.1.0", NOW_MS - 190 * MINUTE, 7, 4200000000, 0, NOW_MS - 400 * MINUTE, 12000000000},
		{"eeg-lab-1", "0.1.0", NOW_MS - 4000, 0, 0, 0, 0, 800000000000},
		{"eeg-lab-2", "0.1.0", NOW_MS - 20000, 3, 1100000000, 1, NOW_MS - 81 * MINUTE, 412000000000},
	};
	m->fleet.n = ARRAY_LEN(fleet);
	m->fleet.stations = xcalloc(m->fleet.n, sizeof *m->fleet.stations);
	memcpy(m->fleet.stations, fleet, sizeof fleet);
	m->fleet.at_ms = NOW_MS - 3000;
}

static void events_make(struct model *m) {
	m->events.n = 5;
	m->events.rows = xcalloc(m->events.n, sizeof *m->events.rows);
	m->events.at_ms = NOW_MS - 1000;
	event_make(&m->events.rows[0], NOW_MS - 10000, "info", "started", "20261120_134502: upload began");
	event_make(&m->events.rows[1], NOW_MS - 90000, "warn", "throttled", "20261120_131110: 503 SlowDown, again in 40 s");
	event_make(&m->events.rows[2], NOW_MS - 5 * MINUTE, "error", "held_back",
		"20261120_124033: metadata_ranges: fatigue_level 14 is above 10");
	event_make(
		&m->events.rows[3], NOW_MS - 40 * MINUTE, "info", "cloud_accepted", "20261120_120811: whole and verified");
	event_make(&m->events.rows[4], NOW_MS - 26 * 60 * MINUTE, "info", "engine", "the engine started");
}

static void handover_make(struct model *m) {
	m->handover.text = xstrdup("8 sessions were found, 3 of them are safe.\n"
							   "20261120_124033 was held at 13:57: metadata_ranges: fatigue_level 14 is above 10\n"
							   "20261120_110000 was rejected at 11:20: objects: eeg.dat has another checksum\n"
							   "The cloud did not answer from 09:14 to 09:31.");
	m->handover.since_ms = NOW_MS - 6 * 60 * MINUTE;
}

/* --- one session --- */

void situation_detail(struct model *m, const char *name) {
	struct session_detail *d = &m->detail;
	text_copy(d->name, sizeof d->name, name);
	d->at_ms = NOW_MS - 500;
	for (size_t i = 0; i < m->page.n; i++) {
		if (strcmp(m->page.rows[i].name, name) != 0) continue;
		d->found = true;
		d->row = m->page.rows[i];
		d->row.root = xstrdup(d->row.root);
		d->row.reason = xstrdup(d->row.reason);
	}
	if (!d->found) return;
	bool hostile_one = strstr(d->row.reason ? d->row.reason : "", "\033") != NULL, held = d->row.state == STATE_HELD;
	static const char *const names[] = {"metadata.txt", "eeg.dat", "sub/video-long-name-of-a-camera.mp4"};
	static const char *const bad_names[] = {"metadata.txt", "\033[31mred\033[0m.dat", "脳波データ e\xcc\x81.dat"};
	d->file_n = 3;
	d->files = xcalloc(d->file_n, sizeof *d->files);
	for (size_t i = 0; i < d->file_n; i++) {
		struct file_row *f = &d->files[i];
		f->name = xstrdup(hostile_one ? bad_names[i] : names[i]);
		f->size = i == 0 ? 412 : (int64_t)i * 200000000;
		f->hashed = i < 2;
		memset(f->sha256.bytes, (int)(i + 1) * 17, sizeof f->sha256.bytes);
		if (i != 1) continue;
		f->state = FILE_STORED;
		f->stored_ms = NOW_MS - 3 * MINUTE;
		f->key = xasprintf("%s/eeg-lab-2/%s", name, f->name);
	}
	check_add(&d->local, CHECK_NAME, VERDICT_PASS, name, "", "");
	check_add(&d->local, CHECK_METADATA_PARSES, VERDICT_PASS, "14 lines", "", "");
	if (held)
		check_add(&d->local, CHECK_METADATA_RANGES, VERDICT_HOLD, "fatigue_level 14 is above 10", "number 0..10",
			"correct fatigue_level in metadata.txt");
	check_add(&d->local, CHECK_TOTAL_SIZE, VERDICT_WARN, "612.4 MB", "at most 600 MB is usual", "look at the recorder");
	if (d->row.state == STATE_REJECTED)
		check_add(&d->cloud, CHECK_OBJECTS, VERDICT_HOLD, "eeg.dat has another checksum than the manifest says",
			"each object has the manifest's size and checksum", "retry: it is sent again");
	d->attempt_n = (size_t)d->row.tries;
	d->attempts = xcalloc(d->attempt_n + 1, sizeof *d->attempts);
	for (size_t i = 0; i < d->attempt_n; i++) {
		struct attempt_row *t = &d->attempts[i];
		*t = (struct attempt_row){.at_ms = NOW_MS - (int64_t)(i + 1) * 90000,
			.elapsed_ms = 1234,
			.bytes = 131072000,
			.http = i							   ? 503
					: d->row.state == STATE_QUEUED ? 0
												   : 200};
		t->name = xstrdup(d->files[1].name);
		if (t->http == 200) continue;
		if (t->http) text_copy(t->code, sizeof t->code, "SlowDown");
		if (t->http) text_copy(t->request_id, sizeof t->request_id, "4442587FB7D0A2F9");
		t->reason = xstrdup(t->http ? "please reduce your request rate" : "the connection was reset");
	}
	d->event_n = 2;
	d->events = xcalloc(d->event_n, sizeof *d->events);
	event_make(&d->events[0], NOW_MS - MINUTE, held ? "error" : "info", held ? "held_back" : "started",
		d->row.reason ? d->row.reason : "upload began");
	event_make(&d->events[1], NOW_MS - 20 * MINUTE, "info", "found", "a folder of that name was seen");
	d->metadata = xstrdup(hostile_one ? "fatigue_level: \033[5m14\nname = 名前\tmit\x9b\r\nbad = \xff\xfe\n"
									  : "fatigue_level: 14\nhardware_model = HX-2\nsubject = 0042\n");
	d->metadata_path = xasprintf("/data/recordings/%s/metadata.txt", name);
	d->folder = xasprintf("/data/recordings/%s", name);
}

/* --- situations --- */

void situation_make(enum situation s, struct model *m) {
	struct status *st = &m->status;
	m->now_ms = NOW_MS;
	m->parts = parts;
	if (s == SITUATION_JOURNAL_BAD) {
		error_set(&m->journal_err, ERR_INTERNAL,
			"the journal /var/lib/headgate/state.db is locked by another program: end it");
		return;
	}
	if (s == SITUATION_EMPTY) page_make(m, live, 0);
	else if (s == SITUATION_HOSTILE) page_make(m, hostile, ARRAY_LEN(hostile));
	else if (s == SITUATION_ALL_SAFE) page_make(m, live + 6, 2);
	else page_make(m, live, ARRAY_LEN(live));
	status_make(m);
	config_make(m);
	fleet_make(m);
	events_make(m);
	handover_make(m);
	if (s == SITUATION_EMPTY || s == SITUATION_ALL_SAFE || s == SITUATION_HOSTILE) {
		st->work_n = 0;
		st->active = st->queued = st->bytes_left = 0;
		st->rate = 0;
		st->eta_ms = -1;
	}
	if (s == SITUATION_ENGINE_GONE) {
		m->link = LINK_LOST;
		m->link_since_ms = NOW_MS - 4 * MINUTE;
		st->at_ms = NOW_MS - 4 * MINUTE;
		error_set(&m->link_err, ERR_INTERNAL, "the engine closed the connection");
	}
	if (s == SITUATION_CLOUD_LOST) {
		st->cloud_ok = false;
		st->cloud_answer_ms = NOW_MS - 7 * MINUTE;
		st->rate = 0;
		st->eta_ms = -1;
		text_copy(st->cloud_error, sizeof st->cloud_error, "lab-eu: the connection was refused");
	}
	if (s == SITUATION_JOURNAL_LOST) {
		m->page.at_ms = m->summary.at_ms = NOW_MS - 5 * MINUTE;
		error_set(&m->journal_err, ERR_INTERNAL, "the journal is locked by another program");
	}
	if (s == SITUATION_DISK_FILLING) {
		st->disk_free = 12000000000;
		st->disk_full_ms = NOW_MS + 18 * MINUTE;
		st->clock_offset_ms = 7 * MINUTE;
	}
}

void situation_free(struct model *m) {
	parts_done(m);
	for (size_t i = 0; i < m->config_n; i++) {
		free(m->config[i].section);
		free(m->config[i].name);
		free(m->config[i].value);
		free(m->config[i].source);
	}
	free(m->config);
	*m = (struct model){0};
}
