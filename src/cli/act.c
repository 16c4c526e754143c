/* SPDX-License-Identifier: MIT */
/* headgate retry, pause, resume, release, ignore ID...: through the running engine, else under the station's lock
 * through the same gateway. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "session/name.h"
#include "station/client.h"
#include "station/engine.h"

#define ENGINE_MS 10000

struct act {
	const char *method; /* of the control socket */
	const char *done;	/* member in JSON */
	const char *told;	/* "2 sessions are …" */
	const char *later;	/* added when no engine runs */
};
static const struct act act_retry = {"retry", "retried", "looked at again", " at the engine's next start"},
						act_pause = {"pause", "paused", "paused: nothing of it is sent", ""},
						act_resume = {"resume", "resumed", "no longer paused", ""},
						act_release = {"release", "released", "released: they are sent as they are",
							" at the engine's next start"},
						act_ignore = {"ignore", "ignored", "ignored: it counts for nothing from now on", ""},
						act_unignore = {"unignore", "unignored", "no longer ignored", ""};

static int act_check_names(const struct cli *c, struct error *err) {
	for (int i = 0; i < c->operand_n; i++)
		if (!session_name_is(c->operands[i]))
			return error_set(
				err, ERR_USAGE, "\"%s\" is no session: they are named YYYYMMDD_HHMMSS", TEXT_SAFE(c->operands[i]));
	return 0;
}

static int act_online(struct control_client *client, const struct act *act, const struct cli *c, struct error *err) {
	AUTO(json_free) cJSON *result = NULL;
	cJSON *params = json_object(), *names = json_array();
	for (int i = 0; i < c->operand_n; i++) json_push(names, cJSON_CreateString(c->operands[i]));
	json_add(params, "sessions", names);
	return control_call(client, act->method, params, &result, err);
}

static int act_do(const struct act *act, const struct cli *c, bool *ret_online, struct error *err) {
	AUTO(control_close) struct control_client *client = NULL;
	struct error why = ERROR_INIT;
	*ret_online = control_connect(&client, c->config.state_dir, ENGINE_MS, &why) == 0;
	if (*ret_online) return act_online(client, act, c, err);
	if (why.code == ERR_NOT_FOUND)
		return engine_offline_act(&c->config, act->method, (const char *const *)c->operands, (size_t)c->operand_n, err);
	*err = why;
	return -1;
}

static int act_body(struct cli *c, struct error *err) {
	const struct act *act = *(const struct act **)c->arg;
	bool online = false;
	if (act_check_names(c, err) || act_do(act, c, &online, err)) return -1;
	for (int i = 0; c->json && i < c->operand_n; i++) {
		cJSON *o = json_object();
		json_add_text(o, "session", c->operands[i]);
		json_add_bool(o, act->done, true);
		json_add_bool(o, "engine_running", online);
		command_json(o);
	}
	if (!c->json)
		fprintf(stderr, "%d session%s %s%s\n", c->operand_n, c->operand_n == 1 ? " is" : "s are", act->told,
			online ? "" : act->later);
	return 0;
}

static int act_on_undo(void *arg, const char *name, const char *value, struct error *err) {
	(void)name, (void)value, (void)err;
	*(const struct act **)arg = &act_unignore;
	return 0;
}

#define ACT_OPERANDS .operands = "ID...", .operand_min = 1, .operand_max = -1

int cli_retry(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "retry",
		ACT_OPERANDS,
		.summary = "Takes held, rejected and failed sessions up again, now.",
		.text = "Example:\n  headgate retry 20261120_124033"};
	const struct act *act = &act_retry;
	return cli_command(&spec, argc, argv, NULL, &act, act_body);
}

int cli_pause(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "pause",
		ACT_OPERANDS,
		.summary = "Sends nothing more of these sessions until they are resumed; what is stored stays.",
		.text = "Example:\n  headgate pause 20261120_124033"};
	const struct act *act = &act_pause;
	return cli_command(&spec, argc, argv, NULL, &act, act_body);
}

int cli_resume(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "resume",
		ACT_OPERANDS,
		.summary = "Goes on with paused sessions, now.",
		.text = "Example:\n  headgate resume 20261120_124033"};
	const struct act *act = &act_resume;
	return cli_command(&spec, argc, argv, NULL, &act, act_body);
}

int cli_release(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "release",
		ACT_OPERANDS,
		.summary = "Held as a copy, as a second recording of its name, or as a name used again: send it all the same.",
		.text = "What the cloud has under that name stays; this becomes a revision of its own beside it.\n"
				"Example:\n  headgate release 20261120_124033"};
	const struct act *act = &act_release;
	return cli_command(&spec, argc, argv, NULL, &act, act_body);
}

int cli_ignore(int argc, char **argv) {
	static const struct arg_flag flags[] = {{"undo", 'u', NULL, "take it back: they count again"}};
	static const struct arg_spec spec = {.command = "ignore",
		ACT_OPERANDS,
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary = "These sessions count for nothing: not sent, not listed as needing a person, no exit status of 1.",
		.text = "Examples:\n  headgate ignore 20261120_124033\n  headgate ignore --undo 20261120_124033"};
	const struct act *act = &act_ignore;
	return cli_command(&spec, argc, argv, act_on_undo, &act, act_body);
}
