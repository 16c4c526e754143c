/* SPDX-License-Identifier: MIT */
/* headgate stations: every station that this key may see, as the cloud last heard of it; silent ones first. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/table.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/probe.h"
#include "station/control/client.h"

#define PAGES_MAX 100
#define URL_MOST(cursor_n) (64 + 3 * (cursor_n)) /* each byte may become "%XX" */

struct station {
	const cJSON *json; /* borrowed */
	const char *name;
	int64_t beat_ms; /* 0: never */
	bool silent;
};

static int64_t time_of(const cJSON *o, const char *name) {
	const char *text = json_get_text(o, name);
	int64_t ms;
	return text && time_parse_rfc3339(text, &ms) == 0 ? ms : 0;
}

/* All pages into one array. */
static int stations_ask(const struct config *c, cJSON **ret, struct error *err) {
	AUTO(json_free) cJSON *all = json_array();
	AUTO(xfree) char *path = xstrdup("/v1/stations?limit=1000");
	for (int page_n = 0; path && page_n < PAGES_MAX; page_n++) {
		AUTO(json_free) cJSON *page = NULL;
		const cJSON *list;
		if (cloud_ask(c, path, &page, NULL, err) || json_want_array(page, "stations", NULL, 1000, &list, err))
			return -1;
		const bool got = json_count(list) > 0;
		while (json_count(list)) json_push(all, json_take_first((cJSON *)list));
		xfree(TAKE(path));
		const char *cursor = json_get_text(page, "next");
		if (!cursor) break;
		if (!got) return error_set(err, ERR_ANSWER, "GET /v1/stations: the cloud's pages hold nothing and do not end");
		struct buf next = BUF_INIT(URL_MOST(strlen(cursor)));
		buf_str(&next, "/v1/stations?limit=1000&cursor=");
		text_uri_encode(&next, cursor, strlen(cursor), false);
		path = buf_take(&next);
	}
	*ret = TAKE(all);
	return 0;
}

/* Silent ones first, who is silent for longest before all; the others by name. */
static int station_order(const void *a, const void *b) {
	const struct station *x = a, *y = b;
	if (x->silent != y->silent) return y->silent - x->silent;
	if (x->silent && x->beat_ms != y->beat_ms) return x->beat_ms < y->beat_ms ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct station *stations_ordered(const cJSON *list, int64_t now_ms, size_t *ret_n) {
	struct station *stations = xcalloc(json_count(list) + 1, sizeof *stations);
	const cJSON *o;
	size_t n = 0;
	json_each (o, list) {
		struct station *s = &stations[n++];
		*s = (struct station){
			.json = o, .name = json_get_text(o, "station"), .beat_ms = time_of(o, "last_heartbeat_at")};
		if (!s->name) s->name = "";
		s->silent = now_ms - s->beat_ms > STATION_SILENT_MS;
	}
	qsort(stations, n, sizeof *stations, station_order);
	*ret_n = n;
	return stations;
}

static void cell_bytes(struct table *t, const cJSON *o, const char *name) {
	double bytes;
	table_cell(t, json_as_double(json_get(o, name), &bytes) ? UNIT_BYTES((int64_t)bytes) : NULL);
}

static void cell_age(struct table *t, int64_t then_ms, int64_t now_ms, const char *none) {
	char age[UNIT_TEXT];
	table_cell(t, then_ms ? unit_age(age, MAX(0, now_ms - then_ms)) : none);
}

static void station_row(struct table *t, const struct station *s, int64_t now_ms) {
	table_cell(t, s->name);
	table_cell(t, s->silent ? "silent" : "ok");
	table_cell_json(t, json_get(s->json, "verdict_text"));
	cell_age(t, s->beat_ms, now_ms, "never");
	table_cell_json(t, json_get(s->json, "queue"));
	cell_bytes(t, s->json, "bytes_left");
	table_cell_json(t, json_get(s->json, "held"));
	cell_age(t, time_of(s->json, "oldest_unsafe_at"), now_ms, NULL);
	cell_bytes(t, s->json, "disk_free");
	table_cell_json(t, json_get(s->json, "version"));
}

static int stations_body(struct cli *c, struct error *err) {
	static const char *const titles[] = {"STATION", "STATE", "VERDICT", ">HEARTBEAT", ">QUEUE", ">LEFT", ">HELD",
		">OLDEST UNSAFE", ">DISK FREE", "VERSION"};
	AUTO(table_free) struct table *t = table_new(titles, ARRAY_LEN(titles));
	AUTO(buf_done) struct buf out = BUF_INIT(1 << 26);
	AUTO(json_free) cJSON *list = NULL;
	int64_t now_ms = clock_wall_ms();
	size_t n;
	if (config_require(&c->config, NEED_CLOUD, err) || stations_ask(&c->config, &list, err)) return -1;
	struct station *stations = stations_ordered(list, now_ms, &n);
	for (size_t i = 0; i < n; i++) {
		if (!c->json) station_row(t, &stations[i], now_ms);
		else {
			cJSON *o = json_copy(stations[i].json);
			json_add_bool(o, "silent", stations[i].silent);
			command_json(o);
		}
	}
	free(stations);
	if (c->json) return 0;
	table_print(t, terminal_columns(STDOUT_FILENO), &out);
	command_print(&out);
	return 0;
}

int cli_stations(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "stations",
		.summary = "The fleet: every station that this key may see, as the cloud last heard of it; silent ones first.",
		.text = "A station is silent when the cloud has not heard of it for five minutes.\n\n"
				"Examples:\n  headgate stations\n  headgate stations --json"};
	return cli_command(&spec, argc, argv, NULL, NULL, stations_body);
}
