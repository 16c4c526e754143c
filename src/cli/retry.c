/* SPDX-License-Identifier: MIT */
/* headgate retry ID...: through the running engine, else under the station's lock through the same gateway. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "session/name.h"
#include "station/client.h"
#include "station/engine.h"

#define ENGINE_MS 10000

static int retry_check_names(const struct cli *c, struct error *err) {
	for (int i = 0; i < c->operand_n; i++)
		if (!session_name_is(c->operands[i]))
			return error_set(
				err, ERR_USAGE, "\"%s\" is no session: they are named YYYYMMDD_HHMMSS", TEXT_SAFE(c->operands[i]));
	return 0;
}

static int retry_online(struct control_client *client, const struct cli *c, struct error *err) {
	AUTO(json_free) cJSON *result = NULL;
	cJSON *params = json_object(), *names = json_array();
	for (int i = 0; i < c->operand_n; i++) json_push(names, cJSON_CreateString(c->operands[i]));
	json_add(params, "sessions", names);
	return control_call(client, "retry", params, &result, err);
}

static int retry(const struct cli *c, bool *ret_online, struct error *err) {
	AUTO(control_close) struct control_client *client = NULL;
	struct error why = ERROR_INIT;
	*ret_online = control_connect(&client, c->config.state_dir, ENGINE_MS, &why) == 0;
	if (*ret_online) return retry_online(client, c, err);
	if (why.code == ERR_NOT_FOUND)
		return engine_offline_act(&c->config, "retry", (const char *const *)c->operands, (size_t)c->operand_n, err);
	*err = why;
	return -1;
}

static int retry_body(struct cli *c, struct error *err) {
	bool online = false;
	if (retry_check_names(c, err) || retry(c, &online, err)) return -1;
	for (int i = 0; i < c->operand_n; i++) {
		cJSON *o = json_object();
		json_add_text(o, "session", c->operands[i]);
		json_add_bool(o, "retried", true);
		json_add_bool(o, "engine_running", online);
		if (c->json) command_json(o);
		else json_free(o);
	}
	if (!c->json)
		fprintf(stderr, "%d session%s looked at again%s\n", c->operand_n, c->operand_n == 1 ? " is" : "s are",
			online ? "" : " at the engine's next start");
	return 0;
}

int cli_retry(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "retry",
		.operands = "ID...",
		.operand_min = 1,
		.operand_max = -1,
		.summary = "Takes held, rejected and failed sessions up again, now.",
		.text = "Example:\n  headgate retry 20261120_124033"};
	return cli_command(&spec, argc, argv, NULL, NULL, retry_body);
}
