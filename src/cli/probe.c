/* SPDX-License-Identifier: MIT */
/* A loop of its own for one call of the ingest API. Main thread; nothing is left when it returns. */
#include "cli/probe.h"

#include <uv.h>

#include "base/text.h"
#include "ingest/client.h"

struct probing {
	bool done;
	struct error err;
	cJSON *json;
};

static void on_done(void *arg, const struct ingest_result *r) {
	struct probing *p = arg;
	p->done = true;
	p->err = r->err;
	p->json = r->err.code == ERR_NONE && r->json ? json_copy(r->json) : NULL;
}

static void on_closed(void *arg) { *(bool *)arg = true; }

static int probe_call(
	uv_loop_t *loop, struct ingest *client, const char *path, cJSON **ret, struct probe *probe, struct error *err) {
	struct probing p = {0};
	struct ingest_state state;
	ingest_call(client, "GET", path, NULL, 0, on_done, &p);
	while (!p.done) uv_run(loop, UV_RUN_ONCE);
	ingest_state(client, &state);
	if (p.err.code != ERR_NONE) {
		*err = p.err;
		return -1;
	}
	if (probe) {
		text_copy(probe->station, sizeof probe->station, state.station);
		probe->latency_ms = state.latency_ms;
		probe->clock_offset_ms = state.clock_offset_ms;
	}
	if (ret) *ret = p.json;
	else json_free(p.json);
	return 0;
}

static int probe_client(uv_loop_t *loop, struct http *http, const struct config *c, const char *path, cJSON **ret,
	struct probe *probe, struct error *err) {
	struct ingest *client;
	const struct ingest_options o = {
		.endpoint = c->endpoint, .api_key = &c->api_key, .http = http, .loop = loop, .instance = "command"};
	if (ingest_new(&client, &o, err)) return -1;
	int failed = probe_call(loop, client, path, ret, probe, err);
	ingest_close(client);
	return failed;
}

int cloud_ask(const struct config *c, const char *path, cJSON **ret, struct probe *probe, struct error *err) {
	uv_loop_t loop;
	struct http *http;
	bool closed = false;
	const struct http_options o = {.user_agent = "headgate/" HEADGATE_VERSION, .ca_file = c->ca_file};
	int rc = uv_loop_init(&loop);
	if (rc) return error_set(err, ERR_INTERNAL, "start an event loop: %s", uv_strerror(rc));
	int failed = http_new(&http, &loop, &o, err);
	if (!failed) {
		failed = probe_client(&loop, http, c, path, ret, probe, err);
		http_close(http, on_closed, &closed);
		while (!closed) uv_run(&loop, UV_RUN_ONCE);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	return failed;
}

int cloud_probe(const struct config *c, struct probe *ret, struct error *err) {
	return cloud_ask(c, "/v1/schema", NULL, ret, err);
}
