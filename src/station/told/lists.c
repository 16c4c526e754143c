/* SPDX-License-Identifier: MIT */
/* The lists: gathered from the journal, or read back from what the engine kept there. */
#include "station/told/lists.h"

#include <string.h>

#include "base/text.h"
#include "station/told/session.h"

static const char *text_of(const cJSON *o, const char *name) {
	const char *text = json_get_text(o, name);
	return text ? text : "";
}

static void write_escaped(struct buf *out, const cJSON *o, const char *name) {
	const char *text = text_of(o, name);
	text_escape(out, text, strlen(text));
}

/* --- sessions that need a person --- */

struct gathered {
	struct journal_view *view;
	cJSON *list;
	int64_t most, n; /* n: of all there are, as far as they were walked */
};

static int on_attention(void *arg, const struct session_row *row) {
	struct gathered *a = arg;
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
	struct gathered a = {.view = v, .list = list, .most = most};
	const struct session_filter filter = {.state = -1, .attention_only = true};
	if (journal_sessions(v, &filter, on_attention, &a, err)) return -1;
	*ret = TAKE(list);
	*ret_n = a.n;
	return 0;
}

void attention_write(const cJSON *list, int64_t n, struct buf *out) {
	const cJSON *o;
	int64_t shown = (int64_t)json_count(list);
	json_each (o, list) {
		buf_fmt(out, "%s  %-8s  ", text_of(o, "session"), text_of(o, "state"));
		write_escaped(out, o, "reason");
		buf_fmt(out, "\n%27s", "");
		write_escaped(out, o, "mend");
		bool safe = json_get_bool(o, "data_safe");
		buf_str(out, safe ? "; its data files are safe in the cloud\n" : "\n");
	}
	if (n > shown) buf_fmt(out, "and %lld more: headgate sessions --state attention\n", (long long)(n - shown));
}

/* --- sessions that are not in the cloud yet --- */

static int on_waiting(void *arg, const struct session_row *row) {
	struct gathered *a = arg;
	if (row->ignored || state_needs_person(row->state)) return 0;
	json_push(a->list, session_json(row));
	return ++a->n >= a->most ? 1 : 0;
}

int waiting_list(struct journal_view *v, int64_t most, cJSON **ret, struct error *err) {
	AUTO(json_free) cJSON *list = json_array();
	struct gathered a = {.view = v, .list = list, .most = most};
	const struct session_filter filter = {.state = -1, .unsafe_only = true};
	if (journal_sessions(v, &filter, on_waiting, &a, err) < 0) return -1;
	*ret = TAKE(list);
	return 0;
}

void waiting_write(const cJSON *list, int64_t n, struct buf *out) {
	const cJSON *o;
	int64_t shown = (int64_t)json_count(list);
	json_each (o, list) {
		buf_fmt(out, "%s  %-9s", text_of(o, "session"), text_of(o, "state"));
		if (json_get_bool(o, "paused")) buf_str(out, " paused");
		if (json_get_text(o, "reason")) buf_str(out, "  ");
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
	if (!kept || json_parse(kept, strlen(kept), &list, &none) || !json_is_array(list)) {
		json_free(list);
		list = json_array();
	}
	*ret = list;
	return 0;
}

void names_write(const cJSON *list, int64_t n, struct buf *out) {
	const cJSON *o;
	int64_t shown = (int64_t)json_count(list);
	json_each (o, list) {
		write_escaped(out, o, "root");
		buf_char(out, '/');
		write_escaped(out, o, "path");
		buf_str(out, "\n    ");
		write_escaped(out, o, "reason");
		buf_char(out, '\n');
	}
	if (n > shown) buf_fmt(out, "and %lld more folders to be renamed\n", (long long)(n - shown));
}
