/* SPDX-License-Identifier: MIT */
/* URLs for a session's files, asked for just before use, and the comparison after a 412. What the cloud says of a file
 * is one of: here is a URL; it is there already, with this size and digest; or why not. Loop thread. */
#include "station/sending/presign.h"

#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/text.h"
#include "station/sending/revising.h"

struct ask {
	size_t n, pieces[ASK_FILES];
	bool held; /* comparing: the store itself said that it holds the object */
};

/* --- asking --- */

static cJSON *ask_body(struct session *s, const struct ask *a) {
	cJSON *body = json_object(), *files = json_array();
	json_add_text(body, "session", s->row.name);
	json_add_i64(body, "revision", upload_of(s)->revision);
	json_add_text(body, "instance", s->engine->instance);
	for (size_t i = 0; i < a->n; i++) {
		const struct file_row *f = upload_file(upload_of(s), a->pieces[i]);
		char checksum[SHA256_BASE64];
		cJSON *file = json_object();
		json_add_text(file, "name", f->name);
		json_add_i64(file, "size", f->size);
		json_add_text(file, "sha256", sha256_base64(checksum, &f->sha256));
		json_push(files, file);
	}
	json_add(body, "files", files);
	return body;
}

static char **put_headers(const struct answer_put *put) {
	char **list = xcalloc(put->header_n + 1, sizeof *list);
	size_t n = 0;
	for (size_t i = 0; i < put->header_n; i++) {
		const struct shape_pair *h = &put->headers[i];
		/* curl writes these itself, from the URL and the size */
		if (text_equal_nocase(h->name, "host") || text_equal_nocase(h->name, "content-length")) continue;
		list[n++] = xasprintf("%s: %s", h->name, h->value);
	}
	return list;
}

/* Its time runs since it was asked for, on our monotonic clock: no Date and no wall clock makes it old. */
static void take_put(struct piece *piece, const struct answer_put *put, int64_t asked_ms) {
	piece_clear(piece);
	piece->url = xstrdup(put->url);
	piece->headers = put_headers(put);
	piece->lasts_ms = sigv4_url_lasts_ms(put->url);
	piece->good_until_ms = asked_ms + piece->lasts_ms;
	piece->state = PIECE_READY;
}

static bool is_object(const struct file_row *f, int64_t size, const char *checksum) {
	struct sha256 theirs;
	return checksum && sha256_from_base64(checksum, &theirs) == 0 && size == f->size &&
		   sha256_equal(&theirs, &f->sha256);
}

static int same_object(const struct file_row *f, int64_t size, const char *checksum, struct error *err) {
	if (is_object(f, size, checksum)) return 0;
	return error_set(err, ERR_CONFLICT,
		"the cloud holds another content under the name %s of this session; look whether two stations share a name",
		f->name);
}

/* Codes of api.md by which there is no URL for a file under this revision, as other bytes or another's are there. */
static bool is_of_revision(const struct answer_refusal *r) {
	static const char *const codes[] = {"object_conflict", "revision_decided", "revision_taken"};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strcmp(r->code, codes[i]) == 0) return true;
	return false;
}

static int refused(const struct file_row *f, const struct answer_refusal *r, struct error *err) {
	error_set(err, is_of_revision(r) ? ERR_CONFLICT : ERR_REFUSED, "the cloud refuses %s: %s", f->name, r->message);
	text_copy(err->word, sizeof err->word, r->code);
	return -1;
}

static void take_place(struct file_row *f, const struct answer_file *entry) {
	free(f->bucket);
	free(f->key);
	f->bucket = xstrdup(entry->bucket);
	f->key = xstrdup(entry->key);
}

static int take_entry(
	struct session *s, size_t piece, const struct answer_file *entry, int64_t asked_ms, struct error *err) {
	struct file_row *f = upload_file(upload_of(s), piece);
	if (entry->refusal) return refused(f, entry->refusal, err);
	take_place(f, entry);
	if (entry->put) {
		take_put(upload_piece(upload_of(s), piece), entry->put, asked_ms);
		sending_of(s->engine)->url_lasts_ms = upload_piece(upload_of(s), piece)->lasts_ms;
		return 0;
	}
	upload_done(s, piece);
	return 0;
}

/* Is it about what was asked for? Before any of it is used. */
static int check_answer(
	struct session *s, const struct ask *a, const struct answer_presign *answer, struct error *err) {
	if (answer->file_n != a->n)
		return error_set(
			err, ERR_ANSWER, "the cloud's answer is about %zu files, %zu were asked for", answer->file_n, a->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct answer_file *entry = &answer->files[i];
		const struct file_row *f = upload_file(upload_of(s), a->pieces[i]);
		if (strcmp(entry->name, f->name) != 0)
			return error_set(err, ERR_ANSWER, "the cloud's answer is about other files than were asked for");
		if (entry->exists && !is_object(f, entry->exists->size, entry->exists->sha256))
			return error_set(
				err, ERR_ANSWER, "the cloud says that it has %s, and names other bytes than were asked for", f->name);
		if (entry->put && sigv4_url_lasts_ms(entry->put->url) < 0)
			return error_set(err, ERR_ANSWER, "the cloud gave a URL that is not presigned");
	}
	return 0;
}

/* Before the first of its files is sent, the session and the cloud agree on its revision. */
static enum revising agree(struct session *s, const struct ask *a, const struct answer_presign *answer) {
	bool refused = false, kin = false;
	if (upload_of(s)->agreed) return REVISING_ON;
	for (size_t i = 0; i < a->n; i++) {
		const struct answer_file *entry = &answer->files[i];
		refused = refused || (entry->refusal && is_of_revision(entry->refusal));
		kin = kin || (entry->exists && upload_is_kin(upload_of(s), a->pieces[i]));
	}
	return revising_take(s, answer, refused, kin);
}

static int take_answer(struct session *s, const struct ask *a, const struct ingest_result *r, struct error *err) {
	const struct answer_presign *answer = ingest_presign(r);
	const int64_t asked_ms = now_ms() - r->elapsed_ms;
	for (size_t i = 0; i < a->n; i++) {
		size_t piece = a->pieces[i];
		if (upload_piece(upload_of(s), piece)->state != PIECE_ASKED) continue;
		if (take_entry(s, piece, &answer->files[i], asked_ms, err)) return -1;
	}
	return 0;
}

static void ask_over(struct session *s, const struct ask *a) {
	for (size_t i = 0; i < a->n; i++) {
		struct piece *piece = upload_piece(upload_of(s), a->pieces[i]);
		if (piece->state == PIECE_ASKED) piece->state = PIECE_WAITING;
	}
}

static void ask_failed(struct session *s, const struct ask *a, const struct ingest_result *r, const struct error *err) {
	ask_over(s, a);
	struct retry_decision d = retry_decide(err, RETRY_ATTEMPTS, r->retry_after_ms, &s->engine->cloud.budget);
	session_trouble(s, d.step, err, r->retry_after_ms);
}

static void note_attempt(struct session *s, const char *name, const struct ingest_result *r, const struct error *err) {
	struct attempt_row a = {.name = (char *)(uintptr_t)name,
		.at_ms = clock_wall_ms() - r->elapsed_ms,
		.elapsed_ms = r->elapsed_ms,
		.http = err->http,
		.reason = (char *)(uintptr_t)err->text};
	text_copy(a.code, sizeof a.code, error_classes[err->code].name);
	text_copy(a.request_id, sizeof a.request_id, r->request_id);
	journal_add_attempt(s->engine->journal, s->row.id, &a);
}

static void on_presigned(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	AUTO(xfree) char *owner = arg;
	struct ask *a = (struct ask *)(void *)owner;
	if (!r || !s || !s->uploading) return;
	struct error err = r->err;
	upload_of(s)->asking = false;
	enum revising next = REVISING_ON;
	if (err.code == ERR_NONE && check_answer(s, a, ingest_presign(r), &err) == 0) next = agree(s, a, ingest_presign(r));
	if (next != REVISING_ON) {
		if (next == REVISING_AGAIN) ask_over(s, a);
	} else if (err.code == ERR_NONE && take_answer(s, a, r, &err) == 0) {
		upload_of(s)->answered = true;
		upload_of(s)->idle_asks++;
	} else {
		if (r->err.code == ERR_NONE && error_blame(&err) == BLAME_CALL) api_unmet(e, ANSWER_PRESIGN, &err);
		note_attempt(s, "", r, &err);
		ask_failed(s, a, r, &err);
	}
	session_poke(s);
}

/* URLs that end before one of them is used: asking for more of them at once leads nowhere. */
static void urls_useless(struct session *s) {
	struct error why;
	error_set(&why, ERR_URL_EXPIRED,
		"the cloud's URLs are good for %lld s and end before they are used; whoever runs the cloud raises --url-time",
		(long long)sending_of(s->engine)->url_lasts_ms / 1000);
	session_trouble(s, STEP_PAUSE, &why, 0);
}

void presign_pump(struct session *s) {
	struct engine *e = s->engine;
	struct upload *u = upload_of(s);
	if (u->asking || !api_may_ask(e, ANSWER_PRESIGN)) return;
	struct ask *a = xcalloc(1, sizeof *a);
	bool brief = sending_of(e)->url_lasts_ms && sending_of(e)->url_lasts_ms < URL_MARGIN_MS;
	a->n = upload_to_ask(u, a->pieces, brief ? ASK_FILES_SHORT : ASK_FILES);
	bool useless = a->n && u->idle_asks >= ASKS_IDLE_MAX && !s->transfers;
	if (useless) urls_useless(s);
	if (!a->n || useless) {
		free(a);
		return;
	}
	for (size_t i = 0; i < a->n; i++) upload_piece(u, a->pieces[i])->state = PIECE_ASKED;
	u->asking = true;
	api_call(e, s, "POST", "/v1/presign", ask_body(s, a), 0, on_presigned, a);
}

/* --- comparing --- */

static int take_stat(struct session *s, const struct ask *a, const struct answer_stat *answer, struct error *err) {
	const struct file_row *f = upload_file(upload_of(s), a->pieces[0]);
	if (answer->object_n != 1 || strcmp(answer->objects[0].name, f->name) != 0)
		return error_set(err, ERR_ANSWER, "the cloud's answer is not about the one object that was asked for");
	const struct answer_object *o = &answer->objects[0];
	if (!a->held && o->missing) {
		return error_set(err, ERR_MIDDLEBOX,
			"%s was answered with success by something that is not the store, which does not hold it; it is sent again",
			f->name);
	}
	if (o->damaged) {
		return error_set(err, ERR_MIDDLEBOX, "the store's bytes of %s are damaged; it is sent again", f->name);
	}
	/* A catalog that was restored, perhaps: under another revision it finds its place. Twice, it is something that
	 * refuses every write. */
	if (o->missing) {
		sent_of(s)->unknown_there = true;
		return error_set(err, sent_of(s)->refusals ? ERR_MIDDLEBOX : ERR_CONFLICT,
			"the store says that it holds %s already, and the cloud does not know it; it is tried again", f->name);
	}
	return same_object(f, o->size, o->checksum, err);
}

static void on_stat(struct engine *e, struct session *s, void *arg, const struct ingest_result *r) {
	AUTO(xfree) char *owner = arg;
	struct ask *a = (struct ask *)(void *)owner;
	if (!r || !s || !s->uploading) return;
	struct error err = r->err;
	size_t piece = a->pieces[0];
	upload_of(s)->comparing = false;
	if (err.code == ERR_NONE && take_stat(s, a, ingest_stat(r), &err) == 0) {
		upload_done(s, piece);
		return;
	}
	note_attempt(s, upload_file(upload_of(s), piece)->name, r, &err);
	upload_piece(upload_of(s), piece)->state = PIECE_WAITING;
	struct retry_decision d = retry_decide(&err, RETRY_ATTEMPTS, r->retry_after_ms, &e->cloud.budget);
	session_trouble(s, d.step, &err, r->retry_after_ms);
}

void stat_ask(struct session *s, size_t piece, bool held) {
	struct ask *a = xcalloc(1, sizeof *a);
	*a = (struct ask){.n = 1, .pieces = {piece}, .held = held};
	cJSON *body = json_object(), *names = json_array();
	json_add_text(body, "session", s->row.name);
	json_add_i64(body, "revision", s->row.revision);
	json_push_text(names, upload_file(upload_of(s), piece)->name);
	json_add(body, "names", names);
	upload_piece(upload_of(s), piece)->state = PIECE_COMPARING;
	upload_of(s)->comparing = true;
	api_call(s->engine, s, "POST", "/v1/objects/stat", body, 0, on_stat, a);
}
