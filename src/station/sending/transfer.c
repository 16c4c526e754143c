/* SPDX-License-Identifier: MIT */
/* One PUT: the file's identity is compared before the first byte and after the last, and the checksum that the store
 * computed with ours; a 200 proves nothing by itself. Loop thread; its file is in transfer_file.c.
 *
 * A transfer lives from transfer_start, through the opening of its file in its root's own threads, to its on_done,
 * which always comes; its session may have moved on by then. */
#include "station/sending/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/s3.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "station/engine/root.h"
#include "station/disk/hash.h"
#include "station/sending/presign.h"
#include "station/sending/transfer_file.h"

static void transfer_count(struct transfer *t, int64_t sent) {
	int64_t more = sent - t->sent;
	if (more <= 0) return;
	t->sent = sent;
	struct sending *mine = sending_of(t->engine);
	rate_add(&mine->rate, more, now_ms());
	history_add(&mine->history, more, now_ms());
	engine_changed(t->engine);
	struct session *s = ticket_session(&t->ticket);
	if (!s) return;
	s->sent_bytes += more;
	rate_add(&sent_of(s)->rate, more, now_ms());
}

static void on_progress(void *arg, int64_t sent) { transfer_count(arg, sent); }

cJSON *transfers_status(const struct session *s) {
	const struct transfer *t;
	cJSON *list = json_array();
	int n = 0;
	TAILQ_FOREACH(t, &sending_of(s->engine)->transfers, link) {
		if (t->piece == PIECE_MANIFEST || ticket_session(&t->ticket) != s || n++ == CONTROL_FILES_NOW) continue;
		cJSON *o = json_object();
		json_add_text(o, "name", t->file.name);
		json_add_i64(o, "bytes", t->bytes);
		json_add_i64(o, "sent_bytes", t->sent);
		json_push(list, o);
	}
	return list;
}

/* --- the answer --- */

#define CURL_EARLY_MS 100 /* its clock is not ours */

/* 0: the store says that it holds what we hashed; 1: it does not say; -1: it says otherwise. */
static int checksum_compare(const struct http_answer *a, const struct transfer *t, struct error *err) {
	struct sha256 theirs;
	const char *said = http_header(a, "x-amz-checksum-sha256");
	if (!said || sha256_from_base64(said, &theirs)) return 1;
	if (sha256_equal(&theirs, &t->sha256)) return 0;
	return error_set(err, ERR_CHECKSUM, "the store computed another checksum of %s than we did", t->file.name);
}

static void note_attempt(const struct transfer *t, struct session *s) {
	struct attempt_row row = t->attempt;
	row.name = t->file.name;
	row.at_ms = t->began_wall_ms;
	row.reason = t->why.code ? (char *)(uintptr_t)t->why.text : NULL;
	text_copy(row.code, sizeof row.code, t->why.code ? error_classes[t->why.code].name : "stored");
	journal_add_attempt(s->engine->journal, s->row.id, &row);
}

/* It, or the way to it, would do the same to any other object. */
static bool blames_store(const struct error *err) {
	if (error_blame(err) == BLAME_ENDPOINT || err->code == ERR_SERVER) return true;
	return err->code == ERR_DENIED || err->code == ERR_NOT_FOUND; /* its policy; no such bucket */
}

#define THROTTLE_LONG_MS 10000 /* asked to wait longer: no pause between two requests, the store is away until then */

static void health_note(struct engine *e, const struct error *err, int64_t retry_after_ms) {
	bool is_long = err->code == ERR_THROTTLED && retry_after_ms > THROTTLE_LONG_MS;
	bool was_down = e->cloud.objects.down;
	switch (err->code) {
	case ERR_CANCELLED:
	case ERR_DISK: /* ours */
	case ERR_CHANGED: health_cancelled(&e->cloud.objects); return;
	default: break;
	}
	if (!blames_store(err)) {
		e->cloud.recoveries += e->cloud.objects.down;
		health_good(&e->cloud.objects);
		return;
	}
	const struct backoff pause = cloud_pause(e);
	health_bad(&e->cloud.objects, err, err->code == ERR_CONFIG || is_long ? HEALTH_FAILURES : 1, &pause, now_ms());
	if (is_long) e->cloud.objects.next_ms = MAX(e->cloud.objects.next_ms, now_ms() + retry_after_ms);
	if (e->cloud.objects.down) cloud_doubt(e, &e->cloud.objects);
	if (e->cloud.objects.down && !was_down) {
		char message[640];
		snprintf(message, sizeof message, "the object store does not answer: %s", err->text);
		journal_add_event(e->journal, 0, "warn", "store_down", message);
	}
}

static void put_failed(struct session *s, struct transfer *t, const struct error *err, int64_t retry_after_ms) {
	struct engine *e = s->engine;
	struct piece *piece = upload_piece(upload_of(s), t->piece);
	enum retry_class retry = error_classes[err->code].retry;
	int attempts = piece->attempts;
	if (retry == RETRY_ONCE) attempts = ++piece->checksums;
	if (retry == RETRY_PRESIGN || retry == RETRY_AUTHENTICATE) attempts = ++piece->presigns;
	struct retry_decision d = retry_decide(err, attempts, retry_after_ms, &e->cloud.budget);
	if (d.step == STEP_AGAIN && e->cloud.objects.down) d.step = STEP_PAUSE;
	if (retry == RETRY_THROTTLE && !e->cloud.objects.down)
		sending_of(e)->throttled_ms = MAX(sending_of(e)->throttled_ms, now_ms() + retry_after_ms);
	piece->state = PIECE_READY;
	switch (d.step) {
	case STEP_AGAIN: piece->not_before_ms = now_ms() + d.delay_ms; break;
	case STEP_PRESIGN:
		piece_clear(piece);
		piece->state = PIECE_WAITING;
		break;
	case STEP_COMPARE: stat_ask(s, t->piece, true); break;
	case STEP_NONE: break;
	default: session_trouble(s, d.step, err, d.delay_ms); break;
	}
}

/* A session whose upload was dropped meanwhile (a pause) still learns what is stored. */
static void put_stored(struct session *s, struct transfer *t) {
	if (s->uploading) {
		retry_budget_success(&s->engine->cloud.budget, upload_piece(upload_of(s), t->piece)->attempts > 1);
		upload_done(s, t->piece);
	} else if (t->piece != PIECE_MANIFEST && t->whole) {
		t->file.state = FILE_STORED;
		t->file.stored_ms = clock_wall_ms();
		journal_file_stored(s->engine->journal, s->row.id, &t->file, NULL, NULL);
	}
}

static void transfer_leave(struct transfer *t) {
	struct engine *e = t->engine;
	TAILQ_REMOVE(&sending_of(e)->transfers, t, link);
	sending_of(e)->sending--;
	sent_root_of(e, t->ticket.root)->sending--;
	sending_of(e)->rate_checked_ms = 0; /* the others may go faster */
}

/* The request has ended and so has the last call into its file. */
static void transfer_over(struct transfer *t) {
	struct engine *e = t->engine;
	struct session *s = ticket_session(&t->ticket);
	bool hangs = t->why.code == ERR_CANCELLED && root_hangs(e, t->ticket.root);
	transfer_leave(t);
	if (s && !e->stopping) {
		s->transfers--;
		s->sent_bytes -= t->sent;
		if (s->uploading) upload_of(s)->sending--;
		if (s->uploading && t->body) upload_of(s)->body = TAKE(t->body);
		note_attempt(t, s);
		if (t->result == 0) put_stored(s, t);
		else if (hangs) session_trouble(s, STEP_PAUSE, &e->roots[t->ticket.root].why, 0);
		else if (s->uploading && t->result > 0) stat_ask(s, t->piece, false);
		else if (s->uploading) put_failed(s, t, &t->why, t->retry_after_ms);
		session_poke(s);
	}
	engine_poke(e);
	transfer_free(t);
}

static void transfer_compared(struct transfer *t) {
	if (t->err.code) {
		t->why = t->err;
		t->result = -1;
	}
	transfer_over(t);
}

/* A 200 for a file that is not what was hashed any more proves nothing. What a local file system knows of an open file
 * is in memory; a file server is asked. */
static void transfer_answered(struct transfer *t) {
	if (t->result < 0 || t->fd < 0 || t->engine->stopping) {
		transfer_over(t);
	} else if (!t->engine->roots[t->ticket.root].local) {
		transfer_file_start(t, TRANSFER_COMPARES);
	} else {
		(void)!file_still_same(t->fd, &t->file, &t->err);
		transfer_compared(t);
	}
}

/* The deadline that a person set: a mend is theirs, since the next try begins at the first byte again. */
static void put_late(struct transfer *t, const struct http_answer *a, const char *what) {
	if (t->why.code != ERR_TIMEOUT || a->status || a->elapsed_ms + CURL_EARLY_MS < t->deadline_ms) return;
	error_set(&t->why, ERR_TIMEOUT, "%s: not over within %s, %s of %s were sent; raise [upload] deadline", what,
		UNIT_DURATION(t->deadline_ms), UNIT_BYTES(a->sent_bytes), UNIT_BYTES(t->bytes));
}

static void on_done(void *arg, const struct http_answer *a) {
	struct transfer *t = arg;
	char what[160];
	snprintf(what, sizeof what, "PUT of %s/%s", t->ticket.name, t->file.name);
	t->result = answer_check(a, &s3_words, what, &t->why);
	t->retry_after_ms = answer_retry_after_ms(a, &t->why, clock_wall_ms());
	put_late(t, a, what);
	health_note(t->engine, &t->why, t->retry_after_ms);
	if (t->result == 0) transfer_count(t, t->bytes);
	if (t->result == 0) t->result = checksum_compare(a, t, &t->why);
	t->attempt = (struct attempt_row){.elapsed_ms = a->elapsed_ms, .bytes = a->sent_bytes, .http = a->status};
	const char *id = http_header(a, "x-amz-request-id");
	if (!id) id = http_header(a, "x-request-id");
	text_copy(t->attempt.request_id, sizeof t->attempt.request_id, id ? id : "");
	t->answered = true;
	if (!t->busy) transfer_answered(t);
}

/* --- starting, cancelling --- */

/* Our own limit of the rate is no reason to give up: twice what the least share of it needs is left in any case. */
static int64_t deadline_ms(const struct engine *e, int64_t size) {
	int64_t share = e->config->bandwidth.bytes_per_s / e->config->connections;
	if (!e->config->bandwidth.bytes_per_s) return e->config->deadline_ms;
	return MAX(e->config->deadline_ms, e->config->low_rate_ms + size / MAX(share, 1) * 2000);
}

static void transfer_send(struct transfer *t, struct session *s) {
	struct engine *e = t->engine;
	struct piece *piece = upload_piece(upload_of(s), t->piece);
	t->deadline_ms = deadline_ms(e, t->bytes);
	struct http_request r = {
		.method = "PUT",
		.url = piece->url,
		.headers = (const char *const *)piece->headers,
		.deadline_ms = t->deadline_ms,
		.hold_ms = e->config->answer_ms,
		.send_rate_max =
			sending_of(e)->rate_limit ? MAX(sending_of(e)->rate_limit / (int64_t)sending_of(e)->sending, 1) : 0,
		.on_progress = on_progress,
		.on_done = on_done,
		.arg = t,
	};
	r.source = (struct http_source){.read = transfer_read, .arg = t, .size = t->bytes};
	t->began_wall_ms = clock_wall_ms();
	piece->attempts++;
	upload_of(s)->idle_asks = 0;
	t->id = http_send(e->http, &r);
	sending_of(e)->rate_checked_ms = 0;
}

/* Nothing of it left: it goes back to what may be sent. */
static void transfer_unsent(struct transfer *t, struct session *s) {
	transfer_leave(t);
	health_cancelled(&t->engine->cloud.objects);
	if (s) {
		s->transfers--;
		if (s->uploading) upload_of(s)->sending--;
		if (s->uploading) upload_piece(upload_of(s), t->piece)->state = PIECE_READY;
		/* an unplugged disk is no change, nor is one that fails */
		bool pause = t->root_gone || t->err.code == ERR_DISK;
		if (t->err.code) session_trouble(s, pause ? STEP_PAUSE : STEP_CHANGED, &t->err, 0);
		session_poke(s);
	}
	transfer_free(t);
}

static void transfer_opened(struct transfer *t) {
	struct session *s = ticket_session(&t->ticket);
	if (!s || !s->uploading || t->err.code || t->engine->stopping) transfer_unsent(t, s);
	else transfer_send(t, s);
}

static void transfer_stepped(struct transfer *t) {
	switch (t->step) {
	case TRANSFER_OPENS: transfer_opened(t); break;
	case TRANSFER_READS:
		if (t->answered) transfer_answered(t);
		else if (!t->engine->stopping) http_resume(t->engine->http, t->id);
		break;
	case TRANSFER_COMPARES: transfer_compared(t); break;
	}
}

void transfer_start(struct session *s, size_t piece) {
	struct engine *e = s->engine;
	struct upload *u = upload_of(s);
	struct piece *p = upload_piece(u, piece);
	struct transfer *t = xcalloc(1, sizeof *t);
	*t = (struct transfer){.engine = e,
		.ticket = ticket_of(s),
		.piece = piece,
		.offset = p->offset,
		.bytes = p->bytes,
		.whole = p->part == 0,
		.sha256 = *upload_digest(u, piece),
		.fd = -1,
		.stepped = transfer_stepped,
		.file = file_row_copy(upload_file(u, piece)),
		.root = xstrdup(s->row.root)};
	p->state = PIECE_SENDING;
	u->sending++;
	s->transfers++;
	sending_of(e)->sending++;
	sent_root_of(e, s->root)->sending++;
	TAILQ_INSERT_TAIL(&sending_of(e)->transfers, t, link);
	health_started(&e->cloud.objects);
	if (piece == PIECE_MANIFEST) {
		t->body = TAKE(u->body);
		transfer_send(t, s);
	} else {
		transfer_file_start(t, TRANSFER_OPENS);
	}
}

void transfer_cancel(struct session *s) {
	struct transfer *t;
	TAILQ_FOREACH(t, &sending_of(s->engine)->transfers, link) {
		if (t->ticket.root == s->root && strcmp(t->ticket.name, s->row.name) == 0) http_cancel(s->engine->http, t->id);
	}
	s->transfers = 0; /* their tickets are void */
	s->sent_bytes = 0;
}

void transfers_hang(struct engine *e) {
	struct transfer *t;
	TAILQ_FOREACH(t, &sending_of(e)->transfers, link) {
		if (t->fd >= 0 && root_hangs(e, t->ticket.root)) http_cancel(e->http, t->id);
	}
}

size_t transfers_count(const struct engine *e) {
	size_t n = sending_of(e)->sending;
	for (size_t i = 0; i < e->root_n; i++) n -= root_hangs(e, i) ? sent_root_of(e, i)->sending : 0;
	return n;
}

/* --- rates --- */

#define RATE_EVERY_MS 5000

void transfer_rates(struct engine *e) {
	if (!e->config->bandwidth.bytes_per_s) return;
	if (sending_of(e)->sending) engine_wake_at(e, now_ms() + RATE_EVERY_MS); /* the window's hours come and go */
	if (sending_of(e)->rate_checked_ms && now_ms() - sending_of(e)->rate_checked_ms < RATE_EVERY_MS) return;
	sending_of(e)->rate_checked_ms = now_ms();
	int64_t limit = bandwidth_now(&e->config->bandwidth, clock_wall_ms());
	sending_of(e)->rate_limit = limit;
	struct transfer *t;
	TAILQ_FOREACH(t, &sending_of(e)->transfers, link) {
		http_set_rate(e->http, t->id, limit ? MAX(limit / (int64_t)sending_of(e)->sending, 1) : 0);
	}
}
