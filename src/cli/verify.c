/* SPDX-License-Identifier: MIT */
/* headgate verify ID... | --all: does the cloud still have what it accepted? Through the running engine, else by a run
 * of the engine's own for it. What the cloud has not is sent again; that is told, and the exit status is 1. */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "session/name.h"
#include "station/control/client.h"
#include "station/run/run.h"

#define ENGINE_MS 10000
#define POLL_US 100000

struct verify {
	bool all;
	struct verify_count count; /* of this command */
	bool running;			   /* by an engine that runs anyway */
};

static int count_read(const cJSON *status, struct verify_count *ret, int64_t *ret_left, struct error *err) {
	const cJSON *verify = NULL;
	const struct json_at at = {.name = "verify"};
	return json_want_member(status, "verify", NULL, &verify, err) ||
				   json_want_i64(verify, "left", &at, 0, INT64_MAX, ret_left, err) ||
				   json_want_i64(verify, "looked", &at, 0, INT64_MAX, &ret->looked, err) ||
				   json_want_i64(verify, "lost", &at, 0, INT64_MAX, &ret->lost, err)
			   ? -1
			   : 0;
}

static int count_ask(struct control_client *client, struct verify_count *ret, int64_t *ret_left, struct error *err) {
	AUTO(json_free) cJSON *status = NULL;
	if (control_call(client, "status", NULL, &status, err)) return -1;
	return count_read(status, ret, ret_left, err);
}

static int verify_online(struct control_client *client, const struct cli *c, struct verify *v, struct error *err) {
	AUTO(json_free) cJSON *result = NULL;
	struct verify_count before, now;
	int64_t left = 0;
	cJSON *params = json_object(), *names = json_array();
	for (int i = 0; i < c->operand_n; i++) json_push_text(names, c->operands[i]);
	json_add_bool(params, "all", v->all);
	json_add(params, "sessions", names);
	if (count_ask(client, &before, &left, err)) {
		json_free(params);
		return -1;
	}
	if (control_call(client, "verify", params, &result, err)) return -1;
	for (;;) { /* a cloud that is away is waited for, as it proves nothing */
		if (count_ask(client, &now, &left, err)) return -1;
		if (!left) break;
		usleep(POLL_US);
	}
	v->count = (struct verify_count){now.looked - before.looked, now.lost - before.lost};
	return 0;
}

static int verify_by_a_run(struct cli *c, struct verify *v, struct error *err) {
	const struct engine_options o = {.config = &c->config,
		.once = true,
		.verify_all = v->all,
		.verify = (const char *const *)c->operands,
		.verify_n = (size_t)c->operand_n,
		.verify_count = &v->count};
	if (config_require(&c->config, NEED_WATCH | NEED_CLOUD | NEED_STATE, err) ||
		log_open(c->config.log_file, LOG_WARN, 0, 0, err))
		return -1;
	int failed = engine_run(&o, err);
	log_close();
	/* what else waits in the queue is not what was asked */
	if (failed && (err->code == ERR_ATTENTION || err->code == ERR_UNFINISHED) && v->count.looked) return 0;
	return failed;
}

static int verify_check(const struct cli *c, const struct verify *v, struct error *err) {
	if (v->all == (c->operand_n > 0))
		return error_set(err, ERR_USAGE, "name sessions, or give --all: headgate verify 20261120_124033");
	for (int i = 0; i < c->operand_n; i++)
		if (!session_name_is(c->operands[i]))
			return error_set(
				err, ERR_USAGE, "\"%s\" is no session: they are named YYYYMMDD_HHMMSS", TEXT_SAFE(c->operands[i]));
	return 0;
}

static int verify_body(struct cli *c, struct error *err) {
	struct verify *v = c->arg;
	AUTO(control_close) struct control_client *client = NULL;
	struct error why = ERROR_INIT;
	if (verify_check(c, v, err)) return -1;
	v->running = control_connect(&client, c->config.state_dir, ENGINE_MS, &why) == 0;
	if (!v->running && why.code != ERR_NOT_FOUND) {
		*err = why;
		return -1;
	}
	if (v->running ? verify_online(client, c, v, err) : verify_by_a_run(c, v, err)) return -1;
	if (c->json) {
		cJSON *o = json_object();
		json_add_i64(o, "verified", v->count.looked - v->count.lost);
		json_add_i64(o, "lost", v->count.lost);
		command_json(o);
	}
	if (v->count.lost)
		return error_set(err, ERR_ATTENTION,
			"the cloud does not have %lld of %lld sessions any more, as they were sent; they are sent again: `headgate "
			"sessions` names them",
			(long long)v->count.lost, (long long)v->count.looked);
	if (!c->json) fprintf(stderr, "%lld verified: the cloud has every file of them\n", (long long)v->count.looked);
	return 0;
}

static int verify_on_flag(void *arg, const char *name, const char *value, struct error *err) {
	(void)name, (void)value, (void)err;
	((struct verify *)arg)->all = true;
	return 0;
}

int cli_verify(int argc, char **argv) {
	static const struct arg_flag flags[] = {{"all", 'a', NULL, "all accepted sessions"}};
	static const struct arg_spec spec = {.command = "verify",
		.operands = "[ID...]",
		.operand_max = -1,
		.flags = flags,
		.flag_n = ARRAY_LEN(flags),
		.summary =
			"Asks the cloud whether it still has each file of accepted sessions: it reads every byte of them again.",
		.text = "What it has not is sent again, and the exit status is 1. About 1 GB is read a call: --all of a long "
				"time takes\n"
				"as long as the cloud's disk needs.\n"
				"Examples:\n  headgate verify 20261120_124033\n  headgate verify --all"};
	struct verify v = {0};
	return cli_command(&spec, argc, argv, verify_on_flag, &v, verify_body);
}
