/* SPDX-License-Identifier: MIT */
/* Reports to the cloud's log: each has an id of its own, by which a repeat is recognised, and is in the journal before
 * anything else follows from it. Loop thread. */
#include "base/clock.h"
#include "base/digest.h"
#include "station/engine/session.h"

static void on_written(void *arg, const struct error *err) {
	struct engine *e = arg;
	e->reports_writing--;
	engine_poke(e);
	engine_journal_done(e, err);
}

void session_report(struct session *s, const char *level, const char *code, const char *message) {
	char id[25];
	random_id(id, sizeof id);
	AUTO(json_free) cJSON *event = json_object();
	json_add_text(event, "id", id);
	json_add_time(event, "at", clock_wall_ms());
	json_add_text(event, "level", level);
	json_add_text(event, "code", code);
	json_add_text(event, "message", message);
	json_add_text(event, "session", s->row.name);
	cJSON *detail = json_object();
	json_add_i64(detail, "revision", s->row.revision);
	json_add_text(detail, "state", state_name(s->row.state));
	json_add(event, "detail", detail);
	AUTO(xfree) char *text = json_text(event);
	s->engine->reports_writing++;
	journal_outbox_add(s->engine->journal, id, text, on_written, s->engine);
	s->engine->reported = true;
	engine_poke(s->engine);
}
