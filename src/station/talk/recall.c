/* SPDX-License-Identifier: MIT */
/* One session at a time: its row and files are read in the thread pool, then the cloud is asked for the session (is
 * this content accepted?) and for its objects (is each there, with its size and checksum, and, when a person asks, byte
 * for byte?). A cloud that does not answer proves nothing: the question is asked again. Loop thread. */
#include "station/talk/recall.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "session/content.h"
#include "station/engine/job.h"
#include "station/engine/root.h"
#include "station/engine/session.h"

#define NAMES_A_CALL 250
#define READ_A_CALL 16		/* as the API has it */
#define READ_HOLD_MS 300000 /* while the cloud reads what one call asks for, about 1 GiB */
#define AGAIN_MS 5000

struct wanted {
	int64_t id; /* in the journal */
	bool named; /* alone: it is told also that all is well */
	bool read;	/* byte for byte: a person asks */
};
struct recall {
	struct engine *engine;
	struct wanted *items;
	size_t n, at, capacity;
	bool all, busy;
	int64_t pause_ms; /* monotonic: not before */
	size_t looked, lost;

	/* the one at hand */
	struct session_row row;
	struct file_row *files;
	size_t file_n, file_at; /* asked for up to */
	size_t unread;			/* of them; a cloud that reads none */
};

static struct recall *mine(const struct engine *e) { return engine_part(e, PART_RECALL); }

static void forget_one(struct recall *r) {
	session_row_done(&r->row);
	file_rows_free(r->files, r->file_n);
	r->row = (struct session_row){0};
	r->files = NULL;
	r->file_n = r->file_at = r->unread = 0;
}

/* --- what is to be looked for --- */

static void want(struct recall *r, const struct stub *a, bool named, bool read) {
	ARRAY_RESERVE(r->items, r->n, r->capacity);
	r->items[r->n++] = (struct wanted){.id = a->id, .named = named, .read = read};
	engine_poke(r->engine);
}

static void want_accepted(struct recall *r, bool read) {
	const struct stub_table *t = &r->engine->accepted;
	for (size_t i = 0; i < t->n; i++) want(r, &t->items[i], false, read);
}

void recall_whole(struct engine *e) { want_accepted(mine(e), true); }

static void want_all(struct recall *r) {
	r->all = true;
	want_accepted(r, false);
}

static void recall_load(struct engine *e, struct journal_view *v) {
	struct recall *r = mine(e);
	r->engine = e;
	AUTO(xfree) char *kept = NULL;
	struct error err = ERROR_INIT;
	if (journal_get(v, SETTING_RECALL, &kept, &err)) log_event(LOG_WARN, "recall", err.text, NULL);
	else if (kept) want_all(r);
}

int recall_one(struct engine *e, const char *name, struct error *err) {
	const struct session *other = NULL;
	bool found = false;
	for (size_t root = 0; root < e->root_n; root++) {
		const struct stub *a = stub_find(&e->accepted, session_stamp(name), root);
		if (a) want(mine(e), a, true, true);
		found = found || a;
		if (!other) other = sessions_find(&e->sessions, name, root);
	}
	if (found) return 0;
	if (!other) return error_set(err, ERR_NOT_FOUND, "there is no session %s in the journal", name);
	return error_set(err, ERR_INPUT, "session %s is %s: the cloud has accepted nothing of it that could be verified",
		name, state_name(other->row.state));
}

cJSON *recall_json(const struct engine *e) {
	const struct recall *r = mine(e);
	cJSON *o = json_object();
	json_add_i64(o, "left", (int64_t)(r->n - r->at) + r->busy);
	json_add_i64(o, "looked", (int64_t)r->looked);
	json_add_i64(o, "lost", (int64_t)r->lost);
	return o;
}

/* --- the end of one --- */

static void next_one(struct recall *r) {
	forget_one(r);
	r->busy = false;
	if (r->at == r->n) r->n = r->at = 0;
	if (!r->n && r->all) {
		r->all = false;
		journal_set(r->engine->journal, SETTING_RECALL, NULL, NULL, NULL);
	}
	engine_poke(r->engine);
}

static bool reads(const struct recall *r) { return r->items[r->at - 1].read; }

static void one_is_there(struct recall *r) {
	char message[160];
	r->looked++;
	snprintf(message, sizeof message, "verified: the cloud has all %zu files of it, %s", r->file_n,
		r->unread ? "with their sizes and checksums; it does not read them again" : "and has read every byte again");
	if (r->items[r->at - 1].named) journal_add_event(r->engine->journal, r->row.id, "info", "verified", message);
	next_one(r);
}

/* Its folder is taken for present until it is looked at: if it is not, that is what needs a person. */
static void send_again(struct recall *r, const char *why) {
	struct engine *e = r->engine;
	for (size_t i = 0; i < r->file_n; i++) r->files[i].state = FILE_PENDING;
	journal_set_files(e->journal, r->row.id, r->row.revision, r->files, r->file_n, NULL, NULL);
	struct session *s = session_load(e, &r->row);
	s->row.present = true;
	s->row.data_safe = false;
	s->row.stored_files = s->row.stored_bytes = s->row.accepted_ms = 0;
	session_reason(s, why);
	session_report(s, "error", "lost", why);
	session_go(s, EVENT_LOST, SET_REASON | SET_STORED | SET_FLAGS | SET_TIMES, "error", why);
}

/* Wherever it is by now. */
static struct stub *accepted_find(struct engine *e, const struct session_row *row) {
	for (size_t root = 0; root < e->root_n; root++) {
		struct stub *a = stub_find(&e->accepted, session_stamp(row->name), root);
		if (a && a->id == row->id) return a;
	}
	return NULL;
}

static void one_is_lost(struct recall *r, const char *why) {
	struct engine *e = r->engine;
	struct stub *a = accepted_find(e, &r->row);
	r->looked++;
	if (a) {
		free(r->row.root);
		r->row.root = xstrdup(e->roots[a->root].path);
		stub_remove(&e->accepted, a);
		r->lost++;
		send_again(r, why);
	}
	next_one(r);
}

/* The question was not answered: later, the same. */
static void one_again(struct recall *r) {
	forget_one(r);
	r->at--;
	r->busy = false;
	r->pause_ms = now_ms() + AGAIN_MS;
	engine_wake_at(r->engine, r->pause_ms);
}

/* --- its objects --- */

static void ask_objects(struct recall *r);

static bool object_is(const struct answer_object *o, const struct file_row *f) {
	struct sha256 theirs;
	return !o->missing && !o->damaged && o->size == f->size && o->checksum &&
		   sha256_from_base64(o->checksum, &theirs) == 0 && sha256_equal(&theirs, &f->sha256);
}

static size_t ask_n(const struct recall *r) {
	return MIN(r->file_n - r->file_at, (size_t)(reads(r) ? READ_A_CALL : NAMES_A_CALL));
}

static bool is_unread(const struct answer_object *o) { return !o->read && !o->missing && !o->damaged; }

static void on_objects(struct engine *e, struct session *s, void *arg, const struct ingest_result *result) {
	struct recall *r = arg;
	(void)e, (void)s;
	if (!result) return;
	const struct answer_stat *answer = ingest_stat(result);
	size_t asked = ask_n(r), told = 0;
	if (result->err.code || answer->object_n != asked) {
		one_again(r);
		return;
	}
	for (size_t i = 0; i < asked; i++, told++) {
		if (reads(r) && answer->objects[0].read && is_unread(&answer->objects[i])) break; /* the next call's */
		const struct file_row *f = &r->files[r->file_at + i];
		char why[400], name[200];
		r->unread += reads(r) && is_unread(&answer->objects[i]);
		if (object_is(&answer->objects[i], f)) continue;
		snprintf(why, sizeof why, "the cloud does not have %s of it any more, as it was sent: it is sent again",
			text_safe(name, sizeof name, f->name));
		one_is_lost(r, why);
		return;
	}
	r->file_at += told;
	if (r->file_at == r->file_n) one_is_there(r);
	else ask_objects(r);
}

static void ask_objects(struct recall *r) {
	cJSON *body = json_object(), *names = json_array();
	json_add_text(body, "session", r->row.name);
	json_add_i64(body, "revision", r->row.revision);
	for (size_t i = 0, n = ask_n(r); i < n; i++) json_push_text(names, r->files[r->file_at + i].name);
	json_add(body, "names", names);
	if (reads(r)) json_add_bool(body, "read", true);
	api_call(r->engine, NULL, "POST", "/v1/objects/stat", body, reads(r) ? READ_HOLD_MS : 0, on_objects, r);
}

/* --- the session --- */

static bool is_accepted_as(const struct answer_session *o, const struct session_row *row) {
	struct sha256 content;
	if (o->revision != row->revision || strcmp(o->state, "accepted") != 0) return false;
	/* one that the cloud has not computed yet proves nothing: its objects will */
	return !o->content || (content_parse(o->content, &content) == 0 && sha256_equal(&content, &row->content));
}

static bool has_revision(const struct answer_session *o, const struct session_row *row) {
	if (is_accepted_as(o, row)) return true;
	for (size_t i = 0; i < o->revision_n; i++)
		if (is_accepted_as(&o->revisions[i], row)) return true;
	return false;
}

static void on_session(struct engine *e, struct session *s, void *arg, const struct ingest_result *result) {
	struct recall *r = arg;
	(void)e, (void)s;
	if (!result) return;
	if (result->err.code == ERR_NOT_FOUND && strcmp(result->err.word, "not_found") == 0)
		one_is_lost(r, "the cloud does not know it any more: it is sent again");
	else if (result->err.code) one_again(r);
	else if (!has_revision(ingest_session(result), &r->row))
		one_is_lost(r, "the cloud has no such revision of it any more: it is sent again");
	else ask_objects(r);
}

static void ask_session(struct recall *r) {
	char path[64];
	snprintf(path, sizeof path, "/v1/sessions/%s", r->row.name);
	api_call(r->engine, NULL, "GET", path, NULL, 0, on_session, r);
}

/* --- its row and files --- */

struct load {
	struct job job;
	int64_t id;
	struct session_row row;
	struct file_row *files;
	size_t n;
	struct error err;
};

static void load_run(struct job *j) {
	struct load *l = (struct load *)j;
	struct journal_view *v = NULL;
	if (view_take(j->engine, &v, &l->err)) return;
	if (journal_session_by_id(v, l->id, &l->row, &l->err) == 1 &&
		journal_files(v, l->row.id, 0, &l->files, &l->n, &l->err)) {
		l->files = NULL;
		l->n = 0;
	}
	view_give(j->engine, v);
}

static void load_done(struct job *j) {
	struct load *l = (struct load *)j;
	struct engine *e = j->engine;
	struct recall *r = mine(e);
	r->row = l->row;
	r->files = l->files;
	r->file_n = l->n;
	if (e->stopping) {
		free(l);
		return;
	}
	if (!r->row.has_content) r->row.has_content = file_rows_content(r->files, r->file_n, &r->row.content);
	if (l->err.code) engine_fail(e, &l->err);
	else if (r->row.id && r->row.state == STATE_ACCEPTED && r->row.has_content) ask_session(r);
	else next_one(r); /* it went on meanwhile */
	free(l);
}

static void load_start(struct recall *r) {
	struct engine *e = r->engine;
	const struct wanted *w = &r->items[r->at++];
	struct load *l = xcalloc(1, sizeof *l);
	*l = (struct load){.job = {.run = load_run, .done = load_done}, .id = w->id, .err = ERROR_INIT};
	r->busy = true;
	job_start(e, &l->job);
}

static void recall_pump(struct engine *e) {
	struct recall *r = mine(e);
	if (e->history_lost) {
		e->history_lost = false;
		want_all(r);
	}
	if (r->busy || r->at == r->n) return;
	if (now_ms() < r->pause_ms) {
		engine_wake_at(e, r->pause_ms);
		return;
	}
	if (api_may(e)) load_start(r);
}

/* --- the part --- */

static int recall_start(struct engine *e, struct error *err) {
	const struct engine_options *o = e->o;
	if (o->verify_all) recall_whole(e);
	for (size_t i = 0; i < o->verify_n; i++)
		if (recall_one(e, o->verify[i], err)) return -1;
	return 0;
}

/* Nothing is awaited that a cloud would have to say which is away. */
static enum busy recall_busy(const struct engine *e) {
	const struct recall *r = mine(e);
	bool away = e->cloud.key_refused || cloud_trouble(e);
	return (r->busy || r->at < r->n) && !away ? BUSY_PASSING : BUSY_NOT;
}

static void recall_status(struct engine *e, cJSON *status) { json_add(status, "verify", recall_json(e)); }

static void recall_stop(struct engine *e) {
	const struct recall *r = mine(e);
	if (e->o->verify_count) *e->o->verify_count = (struct verify_count){(int64_t)r->looked, (int64_t)r->lost};
}

static void recall_done(struct engine *e) {
	forget_one(mine(e));
	free(mine(e)->items);
}

const struct part recall_part = {
	.engine_size = sizeof(struct recall),
	.load = recall_load,
	.start = recall_start,
	.pump = recall_pump,
	.busy = recall_busy,
	.status = recall_status,
	.stop = recall_stop,
	.done = recall_done,
};
