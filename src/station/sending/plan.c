/* SPDX-License-Identifier: MIT */
/* What of a session is sent next: data files in order of name, then the manifest, the metadata file last, because its
 * arrival starts the cloud's work. Pure; loop thread. */
#include "station/sending/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "session/name.h"
#include "session/part.h"

/* --- cutting --- */

static size_t pieces_of(const struct file_row *f, int64_t most) { return f->size > most && f->part_n ? f->part_n : 1; }

static void cut_file(struct upload *u, size_t file, int64_t most) {
	const struct file_row *f = &u->files[file];
	size_t n = pieces_of(f, most);
	u->cuts[file] = (struct cut){.from = u->piece_n, .left = n};
	int64_t part_bytes = part_size(f->size);
	for (size_t i = 0; i < n; i++) {
		struct piece *p = &u->pieces[u->piece_n++];
		*p = (struct piece){.file = file, .bytes = f->size};
		if (n == 1) continue;
		p->part = i + 1;
		p->offset = (int64_t)i * part_bytes;
		p->bytes = MIN(part_bytes, f->size - p->offset);
	}
}

void upload_cut(struct upload *u, struct file_row *files, size_t n, const char *metadata_file, int64_t most) {
	const struct file_row *metadata = file_row_find(files, n, metadata_file);
	size_t all = 0;
	u->files = files;
	u->n = n;
	u->metadata = metadata ? (size_t)(metadata - files) : n;
	for (size_t i = 0; i < n; i++) all += pieces_of(&files[i], most);
	u->pieces = xcalloc(all + 1, sizeof *u->pieces);
	u->cuts = xcalloc(n + 1, sizeof *u->cuts);
	for (size_t i = 0; i < n; i++) cut_file(u, i, most);
}

/* --- pieces --- */

struct piece *upload_piece(struct upload *u, size_t piece) {
	return piece == PIECE_MANIFEST ? &u->manifest_piece : &u->pieces[piece];
}

struct file_row *upload_file(struct upload *u, size_t piece) {
	return piece == PIECE_MANIFEST ? &u->manifest : &u->files[u->pieces[piece].file];
}

const struct sha256 *upload_digest(struct upload *u, size_t piece) {
	const struct file_row *f = upload_file(u, piece);
	size_t part = upload_piece(u, piece)->part;
	return part ? &f->parts[part - 1] : &f->sha256;
}

void piece_clear(struct piece *p) {
	for (size_t i = 0; p->headers && p->headers[i]; i++) free(p->headers[i]);
	free(p->headers);
	free(p->url);
	p->headers = NULL;
	p->url = NULL;
	p->lasts_ms = p->good_until_ms = 0;
}

void upload_free(struct upload *u) {
	if (!u) return;
	for (size_t i = 0; i < u->piece_n; i++) piece_clear(&u->pieces[i]);
	piece_clear(&u->manifest_piece);
	free(u->pieces);
	free(u->cuts);
	file_rows_free(u->files, u->n);
	file_row_done(&u->manifest);
	free(u->body);
	free(u);
}

static bool is_data(const struct upload *u, size_t piece) { return u->pieces[piece].file != u->metadata; }

/* The metadata file's; piece_n: it has none. It is small, and one piece. */
static size_t metadata_piece(const struct upload *u) {
	return u->metadata < u->n ? u->cuts[u->metadata].from : u->piece_n;
}

bool upload_is_kin(const struct upload *u, size_t piece) {
	return piece < u->piece_n && is_data(u, piece) && u->files[u->pieces[piece].file].size > 0;
}

bool upload_stored(struct upload *u, size_t piece) {
	struct piece *p = upload_piece(u, piece);
	p->state = PIECE_STORED;
	piece_clear(p);
	u->idle_asks = 0;
	if (piece == PIECE_MANIFEST) return true;
	u->data_stored += is_data(u, piece);
	while (u->first < u->piece_n && (!is_data(u, u->first) || u->pieces[u->first].state == PIECE_STORED)) u->first++;
	return --u->cuts[p->file].left == 0;
}

void upload_file_stored(struct upload *u, size_t file) {
	for (size_t i = u->cuts[file].from; u->cuts[file].left; i++) upload_stored(u, i);
}

enum upload_goal upload_goal(const struct upload *u) {
	size_t metadata = u->metadata < u->n ? 1 : 0;
	if (u->data_stored < u->piece_n - metadata) return GOAL_DATA;
	if (u->data_only) return GOAL_DONE;
	if (!u->adopted && u->manifest_piece.state != PIECE_STORED) return GOAL_MANIFEST;
	return metadata && u->cuts[u->metadata].left ? GOAL_METADATA : GOAL_DONE;
}

/* Ready, not too early, and its URL good for long enough; an old URL goes back to waiting for another one. */
static bool piece_may(struct piece *s, int64_t now_ms, int64_t *wake_ms) {
	if (s->state != PIECE_READY) return false;
	if (s->good_until_ms - now_ms < MIN(URL_MARGIN_MS, s->lasts_ms / URL_MARGIN_SHARE)) {
		piece_clear(s);
		s->state = PIECE_WAITING;
		return false;
	}
	if (s->not_before_ms <= now_ms) return true;
	if (!*wake_ms || s->not_before_ms < *wake_ms) *wake_ms = s->not_before_ms;
	return false;
}

size_t upload_next(struct upload *u, int64_t now_ms, int64_t *ret_wake_ms) {
	*ret_wake_ms = 0;
	size_t waiting = 0, metadata;
	switch (upload_goal(u)) {
	case GOAL_DATA:
		for (size_t i = u->first; i < u->piece_n; i++) {
			if (!is_data(u, i)) continue;
			if (piece_may(&u->pieces[i], now_ms, ret_wake_ms)) return i;
			waiting += u->pieces[i].state == PIECE_WAITING;
			if (waiting > ASK_FILES) break; /* URLs are asked for in order: there are none beyond */
		}
		return PIECE_NONE;
	case GOAL_MANIFEST: return piece_may(&u->manifest_piece, now_ms, ret_wake_ms) ? PIECE_MANIFEST : PIECE_NONE;
	case GOAL_METADATA:
		metadata = metadata_piece(u);
		return piece_may(&u->pieces[metadata], now_ms, ret_wake_ms) ? metadata : PIECE_NONE;
	case GOAL_DONE: break;
	}
	return PIECE_NONE;
}

static bool wants_url(const struct piece *p) { return p->state == PIECE_WAITING; }

static size_t data_to_ask(const struct upload *u, size_t *ret, size_t max) {
	size_t n = 0, ready = 0;
	int64_t bytes = 0;
	for (size_t i = u->first; i < u->piece_n && n < max && (n == 0 || bytes < ASK_BYTES); i++) {
		if (!is_data(u, i)) continue;
		ready += u->pieces[i].state == PIECE_READY;
		if (ready > ASK_FILES / 4) return 0; /* enough in hand */
		if (!wants_url(&u->pieces[i])) continue;
		ret[n++] = i;
		bytes += u->pieces[i].bytes;
	}
	size_t metadata = metadata_piece(u);
	bool too = !u->data_only && metadata < u->piece_n && bytes < ASK_BYTES && wants_url(&u->pieces[metadata]);
	if (n < max && too) ret[n++] = metadata;
	return n;
}

size_t upload_to_ask(const struct upload *u, size_t *ret, size_t max) {
	size_t metadata = metadata_piece(u);
	bool wants_metadata = metadata < u->piece_n && wants_url(&u->pieces[metadata]);
	switch (upload_goal(u)) {
	case GOAL_DATA: return data_to_ask(u, ret, max);
	case GOAL_MANIFEST:
		/* the manifest names the metadata file's key, so that one comes first */
		if (u->metadata < u->n && !u->files[u->metadata].key) {
			if (!wants_metadata) return 0;
			*ret = metadata;
			return 1;
		}
		if (!u->manifest.name || !wants_url(&u->manifest_piece)) return 0;
		*ret = PIECE_MANIFEST;
		return 1;
	case GOAL_METADATA:
		if (wants_metadata) *ret = metadata;
		return wants_metadata;
	case GOAL_DONE: break;
	}
	return 0;
}

void upload_build_manifest(
	struct upload *u, const char *station, const char *instance, const char *session, int64_t revision) {
	AUTO(manifest_done)
	struct manifest m = {
		.station = xstrdup(station),
		.instance = xstrdup(instance),
		.session = xstrdup(session),
		.software = xstrdup("headgate/" HEADGATE_VERSION),
		.metadata = xstrdup(u->metadata < u->n ? u->files[u->metadata].name : ""),
		.revision = revision,
	};
	for (size_t i = 0; i < u->n; i++) {
		const struct file_row *f = &u->files[i];
		struct manifest_file *to = manifest_add(&m);
		to->name = xstrdup(f->name);
		to->bucket = xstrdup(f->bucket);
		to->key = xstrdup(f->key);
		to->size = f->size;
		to->mtime_ms = file_time_ms(f->mtime_ns);
		to->sha256 = f->sha256;
		to->part_n = f->part_n;
		if (!f->part_n) continue;
		to->parts = xcalloc(f->part_n, sizeof *to->parts);
		memcpy(to->parts, f->parts, f->part_n * sizeof *to->parts);
	}
	char name[64];
	manifest_name(name, sizeof name, revision);
	file_row_done(&u->manifest);
	free(u->body);
	u->body = manifest_write(&m);
	u->manifest = (struct file_row){.name = xstrdup(name), .size = (int64_t)strlen(u->body), .hashed = true};
	u->manifest_piece.bytes = u->manifest.size;
	sha256_of(u->body, (size_t)u->manifest.size, &u->manifest.sha256);
}
