/* SPDX-License-Identifier: MIT */
/* What the engine makes of the demo's sessions: states from the journal, bytes on their way from the control socket. */
#include <string.h>

#include "base/clock.h"
#include "cli/demo/demo.h"

static const enum session_state expected_states[] = {
#define X(id, what, state, cloud) [DEMO_##id] = state,
	DEMO_KINDS(X)
#undef X
};

static struct demo_session *demo_session_by_name(struct demo *d, const char *name) {
	for (int64_t i = 0; name && i < d->session_n; i++)
		if (strcmp(d->sessions[i].name, name) == 0) return &d->sessions[i];
	return NULL;
}

static int on_row(void *arg, const struct session_row *row) {
	struct demo *d = arg;
	struct demo_session *s = demo_session_by_name(d, row->name);
	if (!s) return 0;
	if (!s->known || s->state != row->state || s->stored_bytes != row->stored_bytes) d->changed_ms = clock_mono_ms();
	s->known = true;
	s->state = row->state;
	s->data_safe = row->data_safe;
	s->stored_bytes = row->stored_bytes;
	xfree(s->reason);
	s->reason = xstrdup(row->reason);
	return 0;
}

static int look_journal(struct demo *d, struct error *err) {
	const struct session_filter all = {.state = -1};
	struct error why = ERROR_INIT;
	if (!d->view && journal_view_open(&d->view, d->state, &why)) {
		d->view = NULL;
		if (why.code == ERR_NOT_FOUND) return 0; /* the engine has not made it yet */
		*err = why;
		return -1;
	}
	return journal_sessions(d->view, &all, on_row, d, err) ? -1 : 0;
}

/* Without an answer the journal's figures stand: a file counts when it is stored. */
static void look_engine(struct demo *d) {
	AUTO(json_free) cJSON *status = NULL;
	struct error none = ERROR_INIT;
	const cJSON *one;
	if (!d->client && control_connect(&d->client, d->state, 500, &none)) {
		d->client = NULL;
		return;
	}
	if (control_call(d->client, "status", NULL, &status, &none)) {
		control_close(TAKE(d->client));
		return;
	}
	json_each (one, json_get_array(status, "sessions")) {
		struct demo_session *s = demo_session_by_name(d, json_get_text(one, "session"));
		int64_t sent = json_get_i64(one, "sent_bytes", 0);
		if (!s || sent == s->sent_bytes) continue;
		s->sent_bytes = sent;
		d->changed_ms = clock_mono_ms();
	}
}

int demo_look(struct demo *d, struct error *err) {
	if (look_journal(d, err)) return -1;
	look_engine(d);
	d->done = 0;
	for (int64_t i = 0; i < d->session_n; i++)
		d->done += MIN(d->size, MAX(d->sessions[i].stored_bytes, d->sessions[i].sent_bytes));
	return 0;
}

/* Where it is expected to end, or in another state that it will not leave by itself. A held session is over once its
 * data are safe. */
static bool session_over(const struct demo_session *s) {
	if (!s->known) return false;
	if (s->state == STATE_HELD) return s->data_safe || expected_states[s->kind] != STATE_HELD;
	return state_is_final(s->state);
}

bool demo_over(const struct demo *d) {
	if (d->slow.fd >= 0) return false;
	for (int64_t i = 0; i < d->session_n; i++)
		if (!session_over(&d->sessions[i])) return false;
	return true;
}
