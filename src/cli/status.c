/* SPDX-License-Identifier: MIT */
/* headgate status: what the journal knows, and what the running engine adds. Constant time whatever the journal's size:
 * counters come from its summary. A figure that could not be had is a dash, one that is old has its age. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/cli.h"
#include "station/control/client.h"
#include "station/intake/unreadable.h"
#include "station/told/found.h"
#include "station/run/folders.h"

#define ENGINE_MS 2000	/* the engine answers within milliseconds, or something is wrong with it */
#define FOLDERS_MS 3000 /* without an engine: so long the folders may take to be listed */
#define LISTED_MAX 20
#define AGO_TEXT (UNIT_TEXT + 8)
#define NAMES_CUT "; of its other folders only %d were looked into"
#define AHEAD_MS 300000			   /* a clock that was set back by less is no matter */
#define CLOCK_SET_MS 1577836800000 /* 2020: a clock before it was never set */
#define NUMBER_MOST 9e15		   /* whole in a double, and a thousand of it in 64 bits */

struct status {
	struct journal_summary summary;
	int64_t now_ms, changed_ms; /* of the newest change in the journal; 0: none */
	cJSON *engine;				/* the engine's own status, NULL when none answers */
	struct error engine_error;	/* ERR_NOT_FOUND: none runs */
	cJSON *attention;			/* the newest of attention_n sessions that need a person */
	int64_t attention_n;
	cJSON *waiting;			/* the newest of those that are not in the cloud yet and need nobody */
	struct found found;		/* by the last run, when no engine answers */
	int64_t looked_ms;		/* the last look as its clock had it; facts.look.at_ms is 0 when that clock was wrong */
	struct folders folders; /* listed here when no engine did */
	struct safe_facts facts;
	char safe_text[SAFE_TEXT];
};

static double number(const cJSON *o, const char *name) {
	double n = json_get_double(o, name, -1);
	return n < NUMBER_MOST ? n : -1;
}

/* Errors are {code, message}. */
static const char *error_of(const cJSON *o) { return json_get_text(json_get(o, "error"), "message"); }

static bool cloud_error_is(const cJSON *cloud, enum error_code code) {
	const char *name = json_get_text(json_get(cloud, "error"), "code");
	return name && strcmp(name, error_classes[code].name) == 0;
}

static bool cloud_refuses_key(const cJSON *cloud) { return cloud_error_is(cloud, ERR_KEY); }

static int on_newest(void *arg, const struct session_row *row) {
	*(int64_t *)arg = row->updated_ms;
	return 0;
}

static void status_ask_engine(const struct cli *c, struct status *s) {
	AUTO(control_close) struct control_client *client = NULL;
	if (control_connect(&client, c->config.state_dir, ENGINE_MS, &s->engine_error)) return;
	if (control_call(client, "status", NULL, &s->engine, &s->engine_error)) s->engine = NULL;
}

/* When the last engine or run had seen every folder well; 0: never, or a clock was wrong: that one, or ours. */
static int status_looked(struct journal_view *v, struct status *s, int64_t *ret, struct error *err) {
	AUTO(xfree) char *kept = NULL;
	*ret = 0;
	if (journal_get(v, SETTING_LOOKED, &kept, err)) return -1;
	if (!kept || text_to_i64(kept, 1, INT64_MAX, &s->looked_ms)) s->looked_ms = 0;
	if (s->looked_ms >= CLOCK_SET_MS && s->looked_ms <= s->now_ms + AHEAD_MS) *ret = s->looked_ms;
	return 0;
}

static int status_found(struct journal_view *v, struct status *s, struct error *err) {
	if (found_read(v, &s->found, err)) return -1;
	s->facts.look.key = s->found.look.key;
	s->facts.look.endpoint = s->found.look.endpoint;
	s->facts.look.conflict = s->found.look.conflict;
	s->facts.look.metadata = s->found.look.metadata;
	return 0;
}

/* Of the running engine, or from the folders themselves. */
static int status_judge(const struct cli *c, struct journal_view *v, struct status *s, struct error *err) {
	const cJSON *cloud = json_get(s->engine, "cloud");
	double eta_s = number(json_get(s->engine, "queue"), "eta_s");
	struct safe_facts *f = &s->facts;
	*f = (struct safe_facts){.summary = &s->summary,
		.engine = s->engine != NULL,
		.silent = !s->engine && s->engine_error.code != ERR_NOT_FOUND,
		.cloud_ok = json_get_bool(cloud, "ok"),
		.now_ms = s->now_ms,
		.eta_ms = eta_s >= 0 ? (int64_t)(eta_s * 1000) : -1};
	if (s->engine) {
		safe_look_take(&f->look, json_get(s->engine, "look"));
	} else {
		if (folders_look(&c->config, v, FOLDERS_MS, &s->folders, err)) return -1;
		f->look = s->folders.look;
		if (status_looked(v, s, &f->look.at_ms, err) || status_found(v, s, err)) return -1;
		f->age_ms = f->look.at_ms ? MAX(0, s->now_ms - f->look.at_ms) : -1;
		f->listed = c->config.watch.n > 0;
	}
	safe_verdict(f, s->safe_text, sizeof s->safe_text);
	return 0;
}

static int status_read(const struct cli *c, struct journal_view *v, struct status *s, struct error *err) {
	const struct session_filter newest = {.state = -1, .limit = 1};
	s->now_ms = clock_wall_ms();
	if (journal_summary(v, time_local_midnight(s->now_ms), &s->summary, err)) return -1;
	if (journal_sessions(v, &newest, on_newest, &s->changed_ms, err)) return -1;
	status_ask_engine(c, s);
	return status_judge(c, v, s, err);
}

/* --- text --- */

/* "4 min ago", "just now". */
static const char *ago(char to[AGO_TEXT], int64_t ms) {
	char age[UNIT_TEXT];
	unit_age(age, MAX(0, ms));
	bool now = strcmp(age, "now") == 0;
	snprintf(to, AGO_TEXT, "%s%s", now ? "just now" : age, now ? "" : " ago");
	return to;
}

static const char *ago_of(char to[AGO_TEXT], int64_t now_ms, const char *rfc3339) {
	int64_t then_ms;
	return rfc3339 && time_parse_rfc3339(rfc3339, &then_ms) == 0 ? ago(to, now_ms - then_ms) : "-";
}

static void print_engine(const struct status *s) {
	const cJSON *engine = json_get(s->engine, "engine");
	char since[AGO_TEXT];
	if (engine) {
		printf("engine   running, started %s, process %.0f, version %s\n",
			ago_of(since, s->now_ms, json_get_text(engine, "since")), number(engine, "pid"),
			json_get_text(engine, "version") ? TEXT_SAFE(json_get_text(engine, "version")) : "-");
		return;
	}
	if (s->engine_error.code == ERR_NOT_FOUND) printf("engine   not running: start it with headgate run");
	else printf("engine   does not answer: %s", TEXT_SAFE(s->engine_error.text));
	if (s->changed_ms) printf(" (last change %s)", ago(since, s->now_ms - s->changed_ms));
	putchar('\n');
}

static void print_cloud(const struct status *s) {
	const cJSON *cloud = json_get(s->engine, "cloud");
	const char *how = json_get_bool(cloud, "ok") ? "ok" : cloud_refuses_key(cloud) ? "key refused" : "not reached";
	char seen[AGO_TEXT];
	if (!cloud) {
		if (*s->found.message)
			printf("cloud    as of the last run, %s: %s\n", ago(seen, s->now_ms - s->found.look.at_ms),
				TEXT_SAFE(s->found.message));
		else puts("cloud    - (only a running engine knows)");
		return;
	}
	printf(
		"cloud    %s, %s", how, json_get_text(cloud, "endpoint") ? TEXT_SAFE(json_get_text(cloud, "endpoint")) : "-");
	if (number(cloud, "latency_ms") >= 0) printf(", %.0f ms", number(cloud, "latency_ms"));
	if (json_get_text(cloud, "last_answer_at"))
		printf(", answered %s", ago_of(seen, s->now_ms, json_get_text(cloud, "last_answer_at")));
	if (json_get_text(cloud, "proxy")) printf(", through the proxy %s", TEXT_SAFE(json_get_text(cloud, "proxy")));
	if (error_of(cloud)) printf("\n         %s", TEXT_SAFE(error_of(cloud)));
	const cJSON *warning;
	json_each (warning, json_get_array(cloud, "warnings"))
		if (json_as_text(warning)) printf("\n         %s", TEXT_SAFE(json_as_text(warning)));
	putchar('\n');
}

static void print_queue(const struct status *s) {
	const cJSON *queue = json_get(s->engine, "queue");
	const int64_t *n = s->summary.by_state;
	printf("queue    %lld uploading, %lld queued, %lld settling or in check, %lld waiting for the verdict; %s left",
		(long long)n[STATE_UPLOADING], (long long)n[STATE_QUEUED],
		(long long)(n[STATE_FOUND] + n[STATE_SETTLING] + n[STATE_CHECKING]), (long long)n[STATE_UPLOADED],
		UNIT_BYTES(s->summary.bytes_left));
	if (number(queue, "rate_bytes_per_s") > 0) printf(", %s", UNIT_RATE(number(queue, "rate_bytes_per_s")));
	if (number(queue, "eta_s") >= 0) printf(", %s to go", UNIT_DURATION((int64_t)number(queue, "eta_s") * 1000));
	putchar('\n');
}

/* When the disk is full if it goes on filling as it does now. */
static void print_runway(const struct status *s, const char *full_at) {
	char when[TIME_TEXT];
	int64_t full_ms;
	if (!full_at || time_parse_rfc3339(full_at, &full_ms)) return;
	int64_t left_ms = MAX(0, full_ms - s->now_ms);
	time_local_hms(when, full_ms);
	if (left_ms < 86400000) printf(", full at %.5s", when);
	else printf(", full in %s", UNIT_DURATION(left_ms));
}

static void print_unreadable(double n, const char *why) {
	char words[640];
	if (n < 1 || !why) return;
	unreadable_words((int64_t)n, why, words, sizeof words);
	printf("         %s\n", TEXT_SAFE(words));
}

static void print_folders(const struct status *s) {
	const cJSON *folder, *disk = json_get(s->engine, "disk");
	json_each (folder, json_get_array(s->engine, "folders")) {
		const char *error = error_of(folder), *by = json_get_text(folder, "watching");
		printf("folder   %s, %s", json_get_text(folder, "path") ? TEXT_SAFE(json_get_text(folder, "path")) : "-",
			error ? TEXT_SAFE(error) : "watched");
		if (!error && by) printf(" by %s", TEXT_SAFE(by));
		if (json_get_bool(folder, "names_cut")) printf(NAMES_CUT, NEAR_FOLDERS_MAX);
		putchar('\n');
		print_unreadable(number(folder, "unreadable_n"), json_get_text(folder, "unreadable"));
	}
	for (size_t i = 0; i < s->folders.n; i++) {
		const struct folder_seen *seen = &s->folders.items[i];
		printf("folder   %s, ", TEXT_SAFE(seen->path));
		if (seen->why.code) printf("%s", TEXT_SAFE(seen->why.text));
		else if (!seen->strange) printf("read just now, nothing new among %zu", seen->listing.n);
		else
			printf("read just now: %lld of %zu not looked at yet, the first %s", (long long)seen->strange,
				seen->listing.n, seen->first_strange);
		if (seen->changed)
			printf("; %lld changed since accepted, the first %s", (long long)seen->changed, seen->first_changed);
		if (seen->compared < seen->accepted) printf("; %lld of its accepted ones compared", (long long)seen->compared);
		if (seen->listing.near_cut) printf(NAMES_CUT, NEAR_FOLDERS_MAX);
		putchar('\n');
		print_unreadable((double)seen->unreadable, seen->unreadable_why);
	}
	if (number(disk, "free_bytes") < 0) return;
	printf("disk     %s free of %s", UNIT_BYTES((int64_t)number(disk, "free_bytes")),
		UNIT_BYTES((int64_t)number(disk, "total_bytes")));
	print_runway(s, json_get_text(disk, "full_at"));
	putchar('\n');
}

static void print_sessions(const struct status *s) {
	const struct journal_summary *m = &s->summary;
	char oldest[AGO_TEXT];
	printf("today    %lld of %lld accepted\n", (long long)m->today_accepted, (long long)m->today_found);
	printf("in all   %lld sessions: %lld accepted", (long long)m->sessions, (long long)m->by_state[STATE_ACCEPTED]);
	for (int i = 0; i < STATE_N; i++)
		if (state_needs_person((enum session_state)i) && m->by_state[i])
			printf(", %lld %s", (long long)m->by_state[i], state_name((enum session_state)i));
	if (m->ignored) printf(", %lld ignored", (long long)m->ignored);
	if (m->oldest_unsafe_ms)
		printf("; the oldest that is not safe was found %s", ago(oldest, s->now_ms - m->oldest_unsafe_ms));
	putchar('\n');
	if (m->outbox) printf("reports  %lld not yet delivered to the cloud\n", (long long)m->outbox);
}

/* How old what is said is. */
static void print_look(const struct status *s) {
	const struct safe_look *l = &s->facts.look;
	char listed[AGO_TEXT], compared[AGO_TEXT];
	if (l->at_ms) printf("looked   at every folder %s", ago(listed, s->now_ms - l->at_ms));
	else if (s->looked_ms) printf("looked   not known when: the clock was wrong at the last look, or is wrong now");
	else printf("looked   -");
	if (l->oldest_ms) printf("; each accepted session compared since %s", ago(compared, s->now_ms - l->oldest_ms));
	putchar('\n');
}

static void print_text(const struct status *s) {
	static void (*const parts[])(const struct status *) = {
		print_engine, print_cloud, print_queue, print_folders, print_look, print_sessions};
	puts(s->safe_text);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) parts[i](s);
}

/* What looks like a recording: the engine's list, or that of our own look, as {root, path, rename_to, reason}. */
static cJSON *status_names(const struct status *s) {
	cJSON *list = json_array();
	const cJSON *folder, *name;
	json_each (folder, json_get_array(s->engine, "folders")) {
		json_each (name, json_get_array(folder, "names")) {
			cJSON *o = json_copy(name);
			json_add_text(o, "root", json_get_text(folder, "path"));
			json_push(list, o);
		}
	}
	for (size_t i = 0; i < s->folders.n; i++) {
		const struct folder_seen *seen = &s->folders.items[i];
		for (size_t k = 0; k < seen->listing.near_n; k++) {
			cJSON *o = near_json(&seen->listing.near[k]);
			json_add_text(o, "root", seen->path);
			json_push(list, o);
		}
	}
	return list;
}

/* --- JSON --- */

static cJSON *taken(cJSON *o, const char *name) {
	cJSON *m = json_take(o, name);
	return m ? m : json_null();
}

static cJSON *engine_json(struct status *s) {
	cJSON *engine = s->engine ? taken(s->engine, "engine") : json_object();
	if (!json_is_object(engine)) return engine;
	json_add_bool(engine, "running", s->engine != NULL);
	if (!s->engine && s->engine_error.code != ERR_NOT_FOUND) json_add_text(engine, "error", s->engine_error.text);
	return engine;
}

static cJSON *folders_json(const struct status *s) {
	cJSON *list = json_array();
	for (size_t i = 0; i < s->folders.n; i++) {
		const struct folder_seen *seen = &s->folders.items[i];
		cJSON *o = json_object();
		json_add_text(o, "path", seen->path);
		json_add_bool(o, "ok", seen->state == FOLDER_OK);
		json_add_text(o, "watching", NULL);
		json_add_text(o, "state", folder_state_name(seen->state));
		json_add_i64(o, "not_looked_at", seen->strange);
		json_add_bool(o, "names_cut", seen->listing.near_cut);
		json_add_i64(o, "accepted_compared", seen->compared);
		json_add_i64(o, "changed", seen->changed);
		json_add_i64(o, "unreadable_n", seen->unreadable);
		json_add_text(o, "unreadable", seen->unreadable_why);
		if (seen->why.code) {
			cJSON *why = json_object();
			json_add_text(why, "code", error_classes[seen->why.code].name);
			json_add_text(why, "message", seen->why.text);
			json_add(o, "error", why);
		}
		json_push(list, o);
	}
	return list;
}

static void print_json(struct status *s) {
	static const char *const parts[] = {"cloud", "queue", "folders", "disk"};
	const struct journal_summary *m = &s->summary;
	cJSON *o = json_object(), *today = json_object(), *by_state = json_object();
	json_add(o, "safe", safe_json(&s->facts));
	json_add(o, "names", status_names(s));
	json_add_i64(o, "names_n", s->facts.look.names);
	json_add_i64(o, "not_looked_at", s->facts.look.strange);
	json_add(o, "look", safe_look_json(&s->facts.look));
	if (!s->engine) json_add(o, "folders", folders_json(s));
	json_add_time(o, "found_at", s->found.look.at_ms);
	json_add_text(o, "found", *s->found.message ? s->found.message : NULL);
	json_add(o, "engine", engine_json(s));
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (s->engine || strcmp(parts[i], "folders") != 0) json_add(o, parts[i], taken(s->engine, parts[i]));
	}
	json_add_i64(today, "found", m->today_found);
	json_add_i64(today, "accepted", m->today_accepted);
	json_add(o, "today", today);
	for (int i = 0; i < STATE_N; i++) json_add_i64(by_state, state_name((enum session_state)i), m->by_state[i]);
	json_add(o, "by_state", by_state);
	json_add_i64(o, "sessions", m->sessions);
	json_add_i64(o, "ignored", m->ignored);
	json_add_i64(o, "paused", m->paused);
	json_add_i64(o, "bytes_left", m->bytes_left);
	json_add_i64(o, "attention", s->attention_n);
	json_add(o, "attention_list", TAKE(s->attention));
	json_add(o, "waiting_list", TAKE(s->waiting));
	json_add_i64(o, "reports_undelivered", m->outbox);
	json_add_time(o, "oldest_unsafe_at", m->oldest_unsafe_ms);
	json_add_time(o, "changed_at", s->changed_ms);
	json_add_time(o, "at", s->now_ms);
	command_json(o);
}

/* --- the command --- */

static const char *status_unreadable(const struct status *s) {
	const cJSON *folder;
	json_each (folder, json_get_array(s->engine, "folders"))
		if (number(folder, "unreadable_n") > 0) return json_get_text(folder, "unreadable");
	for (size_t i = 0; i < s->folders.n; i++)
		if (s->folders.items[i].unreadable) return s->folders.items[i].unreadable_why;
	return NULL;
}

/* What is known of the cause that decides the status; NULL: the general sentence. */
static const char *status_detail(const struct status *s, enum error_code code) {
	const char *state;
	const cJSON *folder;
	const struct safe_look *l = &s->facts.look;
	if (code == ERR_KEY || (code == ERR_CONFIG && l->endpoint && !l->wrong && !l->conflict))
		return s->engine ? error_of(json_get(s->engine, "cloud")) : s->found.message;
	if (code == ERR_TIMEOUT) return s->engine_error.text;
	if (code != ERR_CONFIG && code != ERR_DISK) return NULL;
	json_each (folder, json_get_array(s->engine, "folders")) {
		state = json_get_text(folder, "state");
		if (state && error_of(folder) && (strcmp(state, "wrong") == 0) == (code == ERR_CONFIG)) return error_of(folder);
	}
	for (size_t i = 0; i < s->folders.n; i++) {
		const struct folder_seen *seen = &s->folders.items[i];
		if (seen->state > FOLDER_OK && (seen->state == FOLDER_WRONG) == (code == ERR_CONFIG)) return seen->why.text;
	}
	return code == ERR_DISK ? status_unreadable(s) : NULL;
}

static int status_verdict(const struct status *s, struct error *err) {
	enum error_code code = safe_code(safe_causes(&s->facts));
	const char *detail = status_detail(s, code), *cloud = error_of(json_get(s->engine, "cloud"));
	if (code == ERR_UNREACHABLE && cloud) return error_set(err, code, "the cloud is not reached: %s", cloud);
	if (code == ERR_TIMEOUT && s->engine_error.code != ERR_NOT_FOUND) {
		*err = s->engine_error;
		return -1;
	}
	return safe_explain(&s->facts, detail ? detail : "", err);
}

static int status_show(struct cli *c, struct journal_view *v, struct status *s, struct error *err) {
	AUTO(buf_done) struct buf text = BUF_INIT(1 << 20);
	if (status_read(c, v, s, err) || attention_list(v, LISTED_MAX, &s->attention, &s->attention_n, err) ||
		waiting_list(v, LISTED_MAX, &s->waiting, err))
		return -1;
	int failed = status_verdict(s, err); /* before the JSON is made of its parts */
	if (c->json) print_json(s);
	else {
		print_text(s);
		AUTO(json_free) cJSON *names = status_names(s);
		attention_write(s->attention, s->attention_n, &text);
		waiting_write(s->waiting, safe_unsafe(&s->summary) - safe_person(&s->summary), &text);
		names_write(names, s->facts.look.names, &text);
		command_print(&text);
	}
	return failed;
}

static int status_body(struct cli *c, struct error *err) {
	AUTO(journal_view_close) struct journal_view *v = NULL;
	struct status s = {0};
	if (cli_view_open(c, &v, err)) return -1;
	int failed = status_show(c, v, &s, err);
	json_free(s.engine);
	json_free(s.attention);
	json_free(s.waiting);
	folders_done(&s.folders);
	return failed;
}

int cli_status(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "status",
		.summary = "Shows whether it is safe to leave, engine, cloud, queue, today, and every session that needs a "
				   "person with its mend.",
		.text =
			"Exit status 0 when all is well, as of a look that is lately enough: without a running engine the\n"
			"folders are listed here. 1 when a session needs a person or a folder looks like a recording and is\n"
			"named otherwise; 4 when something is not in the cloud yet; 69 when the engine does not answer, or does\n"
			"not reach the cloud; 2 or 74 when a watched folder never was there, or is lost; 77 when the key is\n"
			"refused.\n\n"
			"Examples:\n  headgate status\n  headgate status --json"};
	return cli_command(&spec, argc, argv, NULL, NULL, status_body);
}
