/* SPDX-License-Identifier: MIT */
/* Sessions as JSON, and those that need a person as JSON and as text made of it. Any thread. */
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

struct attention {
	struct journal_view *view;
	cJSON *list;
	int64_t most, n;
};

static int on_attention(void *arg, const struct session_row *row) {
	struct attention *a = arg;
	char mend[256];
	if (a->n++ >= a->most) return 0;
	session_mend(a->view, row, mend, sizeof mend);
	cJSON *o = session_json(row);
	json_add_text(o, "mend", mend);
	json_push(a->list, o);
	return 0;
}

int attention_list(struct journal_view *v, int64_t most, cJSON **ret, int64_t *ret_n, struct error *err) {
	AUTO(json_free) cJSON *list = json_array();
	struct attention a = {.view = v, .list = list, .most = most};
	const struct session_filter filter = {.state = -1, .attention_only = true};
	if (journal_sessions(v, &filter, on_attention, &a, err)) return -1;
	*ret = TAKE(list);
	*ret_n = a.n;
	return 0;
}

static void write_escaped(struct buf *out, const cJSON *o, const char *name) {
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(o, name));
	if (text) text_escape(out, text, strlen(text));
}

void attention_write(const cJSON *list, int64_t n, struct buf *out) {
	const cJSON *o;
	int64_t shown = cJSON_GetArraySize(list);
	cJSON_ArrayForEach (o, list) {
		buf_fmt(out, "%s  %-8s  ", cJSON_GetStringValue(cJSON_GetObjectItem(o, "session")),
			cJSON_GetStringValue(cJSON_GetObjectItem(o, "state")));
		write_escaped(out, o, "reason");
		buf_fmt(out, "\n%27s", "");
		write_escaped(out, o, "mend");
		bool safe = cJSON_IsTrue(cJSON_GetObjectItem(o, "data_safe"));
		buf_str(out, safe ? "; its data files are safe in the cloud\n" : "\n");
	}
	if (n > shown) buf_fmt(out, "and %lld more: headgate sessions --state attention\n", (long long)(n - shown));
}

/* --- sessions that are not in the cloud yet --- */

static int on_waiting(void *arg, const struct session_row *row) {
	struct attention *a = arg;
	if (row->ignored || state_needs_person(row->state)) return 0;
	json_push(a->list, session_json(row));
	return ++a->n >= a->most ? 1 : 0;
}

int waiting_list(struct journal_view *v, int64_t most, cJSON **ret, struct error *err) {
	AUTO(json_free) cJSON *list = json_array();
	struct attention a = {.view = v, .list = list, .most = most};
	const struct session_filter filter = {.state = -1, .unsafe_only = true};
	if (journal_sessions(v, &filter, on_waiting, &a, err) < 0) return -1;
	*ret = TAKE(list);
	return 0;
}

void waiting_write(const cJSON *list, int64_t n, struct buf *out) {
	const cJSON *o;
	int64_t shown = cJSON_GetArraySize(list);
	cJSON_ArrayForEach (o, list) {
		buf_fmt(out, "%s  %-9s", cJSON_GetStringValue(cJSON_GetObjectItem(o, "session")),
			cJSON_GetStringValue(cJSON_GetObjectItem(o, "state")));
		if (cJSON_IsTrue(cJSON_GetObjectItem(o, "paused"))) buf_str(out, " paused");
		if (cJSON_IsString(cJSON_GetObjectItem(o, "reason"))) buf_str(out, "  ");
		write_escaped(out, o, "reason");
		buf_char(out, '\n');
	}
	if (n > shown) buf_fmt(out, "and %lld more not in the cloud yet: headgate sessions\n", (long long)(n - shown));
}

/* --- folders that are to be renamed --- */

int names_list(struct journal_view *v, cJSON **ret, struct error *err) {
	AUTO(xfree) char *kept = NULL;
	struct error none = ERROR_INIT;
	cJSON *list = NULL;
	if (journal_get(v, SETTING_NAMES, &kept, err)) return -1;
	if (!kept || json_parse(kept, strlen(kept), &list, &none) || !cJSON_IsArray(list)) {
		json_free(list);
		list = json_array();
	}
	*ret = list;
	return 0;
}

void names_write(const cJSON *list, int64_t n, struct buf *out) {
	const cJSON *o;
	int64_t shown = cJSON_GetArraySize(list);
	cJSON_ArrayForEach (o, list) {
		write_escaped(out, o, "root");
		buf_char(out, '/');
		write_escaped(out, o, "path");
		buf_str(out, "\n    ");
		write_escaped(out, o, "reason");
		buf_char(out, '\n');
	}
	if (n > shown) buf_fmt(out, "and %lld more folders to be renamed\n", (long long)(n - shown));
}
