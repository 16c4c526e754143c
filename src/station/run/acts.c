/* SPDX-License-Identifier: MIT */
/* What an operator may ask of sessions, by a running engine: try again, pause, resume, ignore, take back. All of the
 * named ones or none; each change is journalled with an event. Loop thread. */
#include <string.h>

#include "session/name.h"
#include "station/control/server.h"
#include "station/engine/engine_internal.h"
#include "station/intake/moved.h"
#include "station/intake/rivals.h"

struct act {
	const char *name;
	const char *refusal;				   /* "session X is STATE: REFUSAL" */
	bool (*fits)(const struct session *s); /* else it is refused */
	void (*act)(struct session *s);
};

/* --- what each does --- */

/* By the user at the other end of the socket. */
static void decide(struct session *s, int mask, const char *verb) {
	struct engine *e = s->engine;
	journal_decide(e->journal, &s->row, mask, verb, control_caller(e->control), engine_journal_done, e);
}

static bool fits_retry(const struct session *s) {
	return s->row.state == STATE_QUEUED || state_next(s->row.state, EVENT_RETRIED) >= 0;
}

static void act_retry(struct session *s) {
	s->retry_wanted = true;
	s->pauses = 0;
	session_poke(s);
}

/* Transfers end; what is stored stays known, and a step that awaits its commit goes on. */
static void act_pause(struct session *s) {
	if (s->row.paused) return;
	s->row.paused = true;
	if (s->upload || s->transfers) session_renew(s);
	decide(s, SET_FLAGS | SET_STORED, "paused");
	session_poke(s);
}

static void act_resume(struct session *s) {
	if (!s->row.paused) return;
	s->row.paused = false;
	upload_at_once(s);
	decide(s, SET_FLAGS | SET_NEXT_ATTEMPT, "resumed");
	session_poke(s);
}

static void act_ignore(struct session *s) {
	if (s->row.ignored) return;
	s->row.ignored = true;
	if (!s->row.has_content) *s->row.folder = '\0'; /* the look says which it is */
	session_renew(s);
	decide(s, SET_FLAGS | SET_STORED | SET_CONTENT, "ignored");
	settle_look(s, now_ms());
	moved_away(s->engine);
}

static void act_unignore(struct session *s) {
	if (!s->row.ignored) return;
	s->row.ignored = false;
	s->looked = false;
	decide(s, SET_FLAGS, "no longer ignored");
	if (!s->committing) session_enter(s);
}

/* "This is no copy, and nobody else's: send it." */
static bool fits_release(const struct session *s) { return rival_holds(&s->row); }

static void act_release(struct session *s) {
	if (!s->row.released) {
		s->row.released = true;
		decide(s, SET_FLAGS, "released");
	}
	act_retry(s);
}

static const struct act acts[] = {
	{"retry", "only held, rejected, failed and waiting ones are tried again", fits_retry, act_retry},
	{"pause", NULL, NULL, act_pause},
	{"resume", NULL, NULL, act_resume},
	{"release", RELEASE_REFUSAL, fits_release, act_release},
	{"ignore", NULL, NULL, act_ignore},
	{"unignore", NULL, NULL, act_unignore},
};

/* --- over names --- */

/* Where two roots have it: the newest of that name that the act fits, else the newest. */
static bool is_rather(const struct act *act, const struct session *s, const struct session *than) {
	if (!than) return true;
	bool fits = !act->fits || act->fits(s), than_fits = !act->fits || act->fits(than);
	return fits == than_fits ? s->row.id > than->row.id : fits;
}

static struct session *act_find(struct engine *e, const struct act *act, const char *name, struct error *err) {
	struct session *found = NULL;
	bool accepted = false;
	for (size_t root = 0; root < e->root_n; root++) {
		struct session *s = sessions_find(&e->sessions, name, root);
		if (!s) s = admission_find(e, name, root);
		if (s && !s->dead && is_rather(act, s, found)) found = s;
		accepted = accepted || (!s && stub_find(&e->accepted, session_stamp(name), root));
	}
	if (!found && accepted) {
		error_set(err, ERR_INPUT, "session %s is accepted: there is nothing to %s%s", name,
			strcmp(act->name, "retry") == 0 ? "try" : act->name, strcmp(act->name, "retry") == 0 ? " again" : "");
	} else if (!found) {
		error_set(err, ERR_NOT_FOUND, "there is no session %s in the journal", name);
	} else if (act->fits && !act->fits(found)) {
		error_set(err, ERR_INPUT, "session %s is %s: %s", name, state_name(found->row.state), act->refusal);
		found = NULL;
	}
	return found;
}

static void probe_now(struct health *h) {
	if (h->down) h->next_ms = now_ms();
}

/* All of them or none; or, of names that were found by what they had in common, those that it fits still. */
static int act_names(
	struct engine *e, const struct act *act, const cJSON *names, bool fitting, int64_t *ret_n, struct error *err) {
	const cJSON *name;
	struct error unfit;
	cJSON_ArrayForEach (name, names) {
		if (!cJSON_IsString(name) || !session_name_is(name->valuestring)) {
			return error_set(err, ERR_INPUT, "params.sessions must hold names of sessions");
		}
		if (!fitting && !act_find(e, act, name->valuestring, err)) return -1;
	}
	*ret_n = 0;
	cJSON_ArrayForEach (name, names) {
		struct session *s = act_find(e, act, name->valuestring, &unfit);
		if (!s) continue;
		act->act(s);
		++*ret_n;
	}
	return 0;
}

int engine_act(struct engine *e, const char *method, const cJSON *params, cJSON **ret_result, struct error *err) {
	const struct act *act = acts;
	const cJSON *names;
	struct json_at at = {.name = "params"};
	bool fitting = false;
	int64_t n;
	while (strcmp(act->name, method) != 0) act++;
	if (json_want_array(params, "sessions", &at, ACT_NAMES_MAX, &names, err) ||
		json_may_bool(params, "fitting", &at, &fitting, err) || act_names(e, act, names, fitting, &n, err))
		return -1;
	probe_now(&e->api);
	probe_now(&e->objects);
	for (size_t i = 0; i < ARRAY_LEN(e->pace); i++) probe_now(&e->pace[i]);
	engine_poke(e);
	*ret_result = json_object();
	json_add_i64(*ret_result, "sessions", n);
	return 0;
}
