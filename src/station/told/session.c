/* SPDX-License-Identifier: MIT */
/* One session as JSON, and its way out. Any thread. */
#include "station/told/session.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

cJSON *session_json(const struct session_row *row) {
	cJSON *o = json_object();
	json_add_text(o, "session", row->name);
	json_add_text(o, "root", row->root);
	json_add_i64(o, "revision", row->revision);
	char content[SHA256_HEX];
	json_add_text(o, "content", row->has_content ? sha256_hex(content, &row->content) : NULL);
	json_add_text(o, "state", state_name(row->state));
	json_add_text(o, "reason", row->reason);
	json_add_text(o, "processing", *row->processing ? row->processing : NULL);
	json_add_bool(o, "data_safe", row->data_safe);
	json_add_bool(o, "present", row->present);
	json_add_bool(o, "paused", row->paused);
	json_add_bool(o, "ignored", row->ignored);
	json_add_bool(o, "released", row->released);
	json_add_i64(o, "files", row->files);
	json_add_i64(o, "bytes", row->bytes);
	json_add_i64(o, "stored_files", row->stored_files);
	json_add_i64(o, "stored_bytes", row->stored_bytes);
	json_add_i64(o, "tries", row->tries);
	json_add_time(o, "next_attempt_at", row->next_attempt_ms);
	json_add_time(o, "found_at", row->found_ms);
	json_add_time(o, "settled_at", row->settled_ms);
	json_add_time(o, "uploaded_at", row->uploaded_ms);
	json_add_time(o, "accepted_at", row->accepted_ms);
	json_add_time(o, "updated_at", row->updated_ms);
	return o;
}

cJSON *event_json(const struct event_row *e) {
	cJSON *o = json_object();
	json_add_time(o, "at", e->at_ms);
	json_add_text(o, "id", e->event_id);
	json_add_text(o, "level", e->level);
	json_add_text(o, "code", e->code);
	json_add_text(o, "message", e->message);
	return o;
}

static bool mend_of_checks(const struct check_list *l, char *to, size_t size) {
	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].verdict != VERDICT_HOLD || !l->items[i].mend[0]) continue;
		text_copy(to, size, l->items[i].mend);
		return true;
	}
	return false;
}

void session_mend(struct journal_view *v, const struct session_row *row, char *to, size_t size) {
	AUTO(check_list_done) struct check_list checks = {0};
	struct error err = ERROR_INIT;
	const char *side = row->state == STATE_REJECTED ? "cloud" : "local";
	to[0] = '\0';
	if (row->state == STATE_GONE) {
		text_copy(to, size, "bring the folder back, and it goes on by itself");
		return;
	}
	if ((row->state == STATE_HELD || row->state == STATE_REJECTED) &&
		journal_checks(v, row->id, row->revision, side, &checks, &err) == 0 && mend_of_checks(&checks, to, size))
		return;
	snprintf(to, size, "when the cause is mended: headgate retry %s", row->name);
}
