/* SPDX-License-Identifier: MIT */
/* The acts (told/acts.h) by a running engine: all of the named sessions or none; each change is journalled with an
 * event, and what is under way for the session ends or begins with it. Loop thread. */
#include "station/run/acts.h"

#include "base/text.h"
#include "session/name.h"
#include "station/engine/session.h"
#include "station/intake/admission.h"
#include "station/told/acts.h"

/* --- what each means to the engine, beside what it sets in the row --- */

/* Transfers end, and a step that awaits its commit goes on. */
static void after_pause(struct session *s) {
	if (session_is_sent(s)) session_renew(s);
	session_poke(s);
}

static void after_resume(struct session *s) {
	session_at_once(s);
	session_poke(s);
}

static void after_ignore(struct session *s) {
	session_renew(s);
	session_look(s, now_ms()); /* which says whether it is still the one that is ignored */
	s->engine->place_freed = true;
	engine_poke(s->engine);
}

static void after_unignore(struct session *s) {
	s->looked = false;
	if (!s->committing) session_enter(s);
}

/* Called when the act changed something. NULL: the retry that follows is all. */
static void (*const afters[ACT_N])(struct session *s) = {
	[ACT_PAUSE] = after_pause,
	[ACT_RESUME] = after_resume,
	[ACT_IGNORE] = after_ignore,
	[ACT_UNIGNORE] = after_unignore,
};

/* By the user at the other end of the socket. */
static void act_over(enum act a, struct session *s) {
	struct engine *e = s->engine;
	const char *verb;
	int mask = act_decide(a, &s->row, &verb);
	if (mask) journal_decide(e->journal, &s->row, mask, verb, control_caller(e->control), engine_journal_done, e);
	if (mask && afters[a]) afters[a](s);
	if (!act_retries(a)) return;
	s->retry_wanted = true;
	s->pauses = 0;
	session_poke(s);
}

/* --- over names --- */

static struct session *act_find(struct engine *e, enum act a, const char *name, struct error *err) {
	struct session *found = NULL;
	bool accepted = false;
	for (size_t root = 0; root < e->root_n; root++) {
		struct session *s = sessions_find(&e->sessions, name, root);
		if (!s) s = admission_find(e, name, root);
		if (s && !s->dead && act_means(a, &s->row, found ? &found->row : NULL)) found = s;
		accepted = accepted || (!s && stub_find(&e->accepted, session_stamp(name), root));
	}
	if (found) return act_refuse(a, &found->row, err) ? NULL : found;
	struct session_row stub = {.state = STATE_ACCEPTED};
	text_copy(stub.name, sizeof stub.name, name);
	if (accepted) act_refuse(a, &stub, err);
	else error_set(err, ERR_NOT_FOUND, "there is no session %s in the journal", name);
	return NULL;
}

/* All of them or none; or, of names that were found by what they had in common, those that it fits still. */
static int act_names(
	struct engine *e, enum act a, const cJSON *names, bool fitting, int64_t *ret_n, struct error *err) {
	const cJSON *name;
	struct error unfit;
	json_each (name, names) {
		const char *text = json_as_text(name);
		if (!text || !session_name_is(text)) {
			return error_set(err, ERR_INPUT, "params.sessions must hold names of sessions");
		}
		if (!fitting && !act_find(e, a, text, err)) return -1;
	}
	*ret_n = 0;
	json_each (name, names) {
		struct session *s = act_find(e, a, json_as_text(name), &unfit);
		if (!s) continue;
		act_over(a, s);
		++*ret_n;
	}
	return 0;
}

int engine_act(struct engine *e, enum act a, const cJSON *params, cJSON **ret_result, struct error *err) {
	const cJSON *names;
	struct json_at at = {.name = "params"};
	bool fitting = false;
	int64_t n;
	if (json_want_array(params, "sessions", &at, ACT_NAMES_MAX, &names, err) ||
		json_may_bool(params, "fitting", &at, &fitting, err) || act_names(e, a, names, fitting, &n, err))
		return -1;
	cloud_probe_now(e);
	*ret_result = json_object();
	json_add_i64(*ret_result, "sessions", n);
	return 0;
}
