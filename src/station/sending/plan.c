/* SPDX-License-Identifier: MIT */
/* What of a session is sent next: data files in order of name, then the manifest, the metadata file last, because its
 * arrival starts the cloud's work. Pure; loop thread. */
#include "station/sending/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "session/name.h"

struct slot *upload_slot(struct upload *u, size_t index) {
	return index == SLOT_MANIFEST ? &u->manifest_slot : &u->slots[index];
}

struct file_row *upload_file(struct upload *u, size_t index) {
	return index == SLOT_MANIFEST ? &u->manifest : &u->files[index];
}

void slot_clear(struct slot *s) {
	for (size_t i = 0; s->headers && s->headers[i]; i++) free(s->headers[i]);
	free(s->headers);
	free(s->url);
	s->headers = NULL;
	s->url = NULL;
	s->lasts_ms = s->good_until_ms = 0;
}

void upload_free(struct upload *u) {
	if (!u) return;
	for (size_t i = 0; u->slots && i < u->n; i++) slot_clear(&u->slots[i]);
	slot_clear(&u->manifest_slot);
	free(u->slots);
	file_rows_free(u->files, u->n);
	file_row_done(&u->manifest);
	free(u->body);
	free(u);
}

bool upload_is_kin(const struct upload *u, size_t index) {
	return index < u->n && index != u->metadata && u->files[index].size > 0;
}

void upload_stored(struct upload *u, size_t index) {
	struct slot *slot = upload_slot(u, index);
	slot->state = SLOT_STORED;
	slot_clear(slot);
	u->idle_asks = 0;
	if (index == SLOT_MANIFEST) return;
	if (index != u->metadata) u->stored_data++;
	while (u->first < u->n && (u->first == u->metadata || u->slots[u->first].state == SLOT_STORED)) u->first++;
}

enum upload_goal upload_goal(const struct upload *u) {
	size_t data = u->n - (u->metadata < u->n ? 1 : 0);
	if (u->stored_data < data) return GOAL_DATA;
	if (u->data_only) return GOAL_DONE;
	if (!u->adopted && u->manifest_slot.state != SLOT_STORED) return GOAL_MANIFEST;
	return u->metadata < u->n && u->slots[u->metadata].state != SLOT_STORED ? GOAL_METADATA : GOAL_DONE;
}

/* Ready, not too early, and its URL good for long enough; an old URL goes back to waiting for another one. */
static bool slot_may(struct slot *s, int64_t now_ms, int64_t *wake_ms) {
	if (s->state != SLOT_READY) return false;
	if (s->good_until_ms - now_ms < MIN(URL_MARGIN_MS, s->lasts_ms / URL_MARGIN_SHARE)) {
		slot_clear(s);
		s->state = SLOT_WAITING;
		return false;
	}
	if (s->not_before_ms <= now_ms) return true;
	if (!*wake_ms || s->not_before_ms < *wake_ms) *wake_ms = s->not_before_ms;
	return false;
}

size_t upload_next(struct upload *u, int64_t now_ms, int64_t *ret_wake_ms) {
	*ret_wake_ms = 0;
	size_t waiting = 0;
	switch (upload_goal(u)) {
	case GOAL_DATA:
		for (size_t i = u->first; i < u->n; i++) {
			if (i == u->metadata) continue;
			if (slot_may(&u->slots[i], now_ms, ret_wake_ms)) return i;
			waiting += u->slots[i].state == SLOT_WAITING;
			if (waiting > ASK_FILES) break; /* URLs are asked for in order: there are none beyond */
		}
		return SLOT_NONE;
	case GOAL_MANIFEST: return slot_may(&u->manifest_slot, now_ms, ret_wake_ms) ? SLOT_MANIFEST : SLOT_NONE;
	case GOAL_METADATA: return slot_may(&u->slots[u->metadata], now_ms, ret_wake_ms) ? u->metadata : SLOT_NONE;
	case GOAL_DONE: break;
	}
	return SLOT_NONE;
}

static bool wants_url(const struct slot *s) { return s->state == SLOT_WAITING; }

size_t upload_to_ask(const struct upload *u, size_t *ret, size_t max) {
	size_t n = 0, ready = 0;
	int64_t bytes = 0;
	switch (upload_goal(u)) {
	case GOAL_DATA:
		for (size_t i = u->first; i < u->n && n < max && (n == 0 || bytes < ASK_BYTES); i++) {
			if (i == u->metadata) continue;
			ready += u->slots[i].state == SLOT_READY;
			if (ready > ASK_FILES / 4) return 0; /* enough in hand */
			if (!wants_url(&u->slots[i])) continue;
			ret[n++] = i;
			bytes += u->files[i].size;
		}
		if (n < max && !u->data_only && u->metadata < u->n && bytes < ASK_BYTES && wants_url(&u->slots[u->metadata])) {
			ret[n++] = u->metadata;
		}
		return n;
	case GOAL_MANIFEST:
		/* the manifest names the metadata file's key, so that one comes first */
		if (u->metadata < u->n && !u->files[u->metadata].key) {
			if (wants_url(&u->slots[u->metadata])) ret[n++] = u->metadata;
		} else if (u->manifest.name && wants_url(&u->manifest_slot)) {
			ret[n++] = SLOT_MANIFEST;
		}
		return n;
	case GOAL_METADATA:
		if (wants_url(&u->slots[u->metadata])) ret[n++] = u->metadata;
		return n;
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
	sha256_of(u->body, (size_t)u->manifest.size, &u->manifest.sha256);
}
