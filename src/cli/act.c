/* SPDX-License-Identifier: MIT */
/* headgate retry, pause, resume, release, ignore ID...: through the running engine, else under the station's lock
 * through the same gateway. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "session/name.h"
#include "station/control/client.h"
#include "station/run/offline.h"
#include "station/told/acts.h"

#define ENGINE_MS 10000

#define CALL_NAMES 5000 /* a call; the engine takes twice as many */

struct act_words {
	enum act act;
	const char *done;  /* member in JSON */
	const char *told;  /* "2 sessions are …" */
	const char *later; /* added when no engine runs */
};
static const struct act_words words_retry = {ACT_RETRY, "retried", "looked at again", " at the engine's next start"},
							  words_pause = {ACT_PAUSE, "paused", "paused: nothing of it is sent", ""},
							  words_resume = {ACT_RESUME, "resumed", "no longer paused", ""},
							  words_release = {ACT_RELEASE, "released", "released: they are sent as they are",
								  " at the engine's next start"},
							  words_ignore = {ACT_IGNORE, "ignored", "ignored: it counts for nothing from now on", ""},
							  words_unignore = {ACT_UNIGNORE, "unignored", "no longer ignored", ""};

static int act_check_names(const struct cli *c, struct error *err) {
	for (int i = 0; i < c->operand_n; i++)
		if (!session_name_is(c->operands[i]))
			return error_set(
				err, ERR_USAGE, "\"%s\" is no session: they are named YYYYMMDD_HHMMSS", TEXT_SAFE(c->operands[i]));
	return 0;
}

/* Names, and whether they were given one by one (all of them or none) or found by what they have in common. */
struct act_names {
	const char *const *items;
	size_t n;
	bool fitting;
};

static int act_online(
	struct control_client *client, const struct act_words *act, const struct act_names *names, struct error *err) {
	for (size_t from = 0; from < names->n; from += CALL_NAMES) {
		AUTO(json_free) cJSON *result = NULL;
		cJSON *params = json_object(), *array = json_array();
		for (size_t i = from; i < names->n && i < from + CALL_NAMES; i++) json_push_text(array, names->items[i]);
		json_add(params, "sessions", array);
		if (names->fitting) json_add_bool(params, "fitting", true);
		if (control_call(client, act_name(act->act), params, &result, err)) return -1;
	}
	return 0;
}

static int act_do(const struct act_words *act, const struct cli *c, const struct act_names *names, bool *ret_online,
	struct error *err) {
	AUTO(control_close) struct control_client *client = NULL;
	struct error why = ERROR_INIT;
	*ret_online = control_connect(&client, c->config.state_dir, ENGINE_MS, &why) == 0;
	if (*ret_online) return act_online(client, act, names, err);
	if (why.code == ERR_NOT_FOUND) return engine_offline_act(&c->config, act->act, names->items, names->n, err);
	*err = why;
	return -1;
}

static int act_over(
	const struct act_words *act, const struct cli *c, const struct act_names *names, struct error *err) {
	bool online = false;
	if (act_do(act, c, names, &online, err)) return -1;
	for (size_t i = 0; c->json && i < names->n; i++) {
		cJSON *o = json_object();
		json_add_text(o, "session", names->items[i]);
		json_add_bool(o, act->done, true);
		json_add_bool(o, "engine_running", online);
		command_json(o);
	}
	if (!c->json)
		fprintf(stderr, "%zu session%s %s%s\n", names->n, names->n == 1 ? " is" : "s are", act->told,
			online ? "" : act->later);
	return 0;
}

static int act_operands(const struct act_words *act, const struct cli *c, struct error *err) {
	const struct act_names names = {.items = (const char *const *)c->operands, .n = (size_t)c->operand_n};
	return act_check_names(c, err) ? -1 : act_over(act, c, &names, err);
}

static int act_body(struct cli *c, struct error *err) {
	return act_operands(*(const struct act_words **)c->arg, c, err);
}

static int act_on_undo(void *arg, const char *name, const char *value, struct error *err) {
	(void)name, (void)value, (void)err;
	*(const struct act_words **)arg = &words_unignore;
	return 0;
}

#define ACT_OPERANDS .operands = "ID...", .operand_min = 1, .operand_max = -1

/* --- retry, by what sessions have in common --- */

struct retry_flags {
	bool all;
	const char *cause; /* a state, or a part of the reason; NULL: any */
	/* found */
	char **names;
	size_t n, capacity, gone;
};

static int retry_on_flag(void *arg, const char *name, const char *value, struct error *err) {
	struct retry_flags *f = arg;
	(void)err;
	if (strcmp(name, "all") == 0) f->all = true;
	else f->cause = value;
	return 0;
}

static bool retry_fits(const struct retry_flags *f, const struct session_row *row) {
	bool rests = row->ignored || !row->present || (row->state == STATE_QUEUED && row->paused);
	if (rests || !act_fits(ACT_RETRY, row)) return false;
	if (!f->cause) return true;
	return text_equal_nocase(f->cause, state_name(row->state)) || (row->reason && strcasestr(row->reason, f->cause));
}

static int retry_on_row(void *arg, const struct session_row *row) {
	struct retry_flags *f = arg;
	f->gone += row->state == STATE_GONE && !row->ignored;
	if (!retry_fits(f, row)) return 0;
	ARRAY_RESERVE(f->names, f->n, f->capacity);
	f->names[f->n++] = xstrdup(row->name);
	return 0;
}

static int retry_find(struct cli *c, struct retry_flags *f, struct error *err) {
	AUTO(journal_view_close) struct journal_view *v = NULL;
	const struct session_filter all = {.state = -1, .unsafe_only = true};
	if (cli_view_open(c, &v, err)) return -1;
	return journal_sessions(v, &all, retry_on_row, f, err) < 0 ? -1 : 0;
}

static int retry_common(struct cli *c, struct retry_flags *f, struct error *err) {
	const struct act_names names = {.items = (const char *const *)f->names, .n = f->n, .fitting = true};
	if (f->n) return act_over(&words_retry, c, &names, err);
	if (f->cause)
		return error_set(err, ERR_NOT_FOUND,
			"no session is held, rejected, failed or waiting for \"%s\": headgate sessions shows states and reasons",
			TEXT_SAFE(f->cause));
	fputs("no session is held, rejected, failed or waiting\n", stderr);
	if (f->gone)
		fprintf(stderr, "%zu %s gone, and nothing is there to be tried: put the folder back, or headgate ignore ID\n",
			f->gone, f->gone == 1 ? "is" : "are");
	return 0;
}

static int retry_body(struct cli *c, struct error *err) {
	struct retry_flags *f = c->arg;
	bool common = f->all || f->cause;
	if (!common && !c->operand_n)
		return error_set(err, ERR_USAGE, "ID... is missing: name sessions, or give --all, or --cause WORD");
	if (common && c->operand_n)
		return error_set(err, ERR_USAGE, "give either names of sessions, or %s", f->all ? "--all" : "--cause");
	if (!common) return act_operands(&words_retry, c, err);
	int failed = retry_find(c, f, err) || retry_common(c, f, err);
	for (size_t i = 0; i < f->n; i++) free(f->names[i]);
	free(f->names);
	return failed ? -1 : 0;
}

int cli_retry(int argc, char **argv) {
	static const struct arg_flag flags[] = {
		{"all", 'a', NULL, "all that are held, rejected, failed, or wait for their next attempt"},
		{"cause", 0, "WORD", "of these, those in that state, or with this in their reason"},
	};
	static const struct arg_spec spec = {.command = "retry",
		.operands = "ID...",
		.operand_max = -1,
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "Takes held, rejected, failed and waiting sessions up again, now.",
		.text = "Examples:\n  headgate retry 20261120_124033\n  headgate retry --all\n"
				"  headgate retry --cause held\n  headgate retry --cause certificate"};
	struct retry_flags f = {0};
	return cli_command(&spec, argc, argv, retry_on_flag, &f, retry_body);
}

int cli_pause(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "pause",
		ACT_OPERANDS,
		.summary = "Sends nothing more of these sessions until they are resumed; what is stored stays.",
		.text = "Example:\n  headgate pause 20261120_124033"};
	const struct act_words *act = &words_pause;
	return cli_command(&spec, argc, argv, NULL, &act, act_body);
}

int cli_resume(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "resume",
		ACT_OPERANDS,
		.summary = "Goes on with paused sessions, now.",
		.text = "Example:\n  headgate resume 20261120_124033"};
	const struct act_words *act = &words_resume;
	return cli_command(&spec, argc, argv, NULL, &act, act_body);
}

int cli_release(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "release",
		ACT_OPERANDS,
		.summary = "Held as a copy, as a second recording of its name, or as a name used again: send it all the same.",
		.text = "What the cloud has under that name stays; this becomes a revision of its own beside it.\n"
				"Example:\n  headgate release 20261120_124033"};
	const struct act_words *act = &words_release;
	return cli_command(&spec, argc, argv, NULL, &act, act_body);
}

int cli_ignore(int argc, char **argv) {
	static const struct arg_flag flags[] = {{"undo", 'u', NULL, "take it back: they count again"}};
	static const struct arg_spec spec = {.command = "ignore",
		ACT_OPERANDS,
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary =
			"These sessions count for nothing as they lie there now: not sent, needing nobody, no exit status of 1.",
		.text = "Examples:\n  headgate ignore 20261120_124033\n  headgate ignore --undo 20261120_124033"};
	const struct act_words *act = &words_ignore;
	return cli_command(&spec, argc, argv, act_on_undo, &act, act_body);
}
