/* SPDX-License-Identifier: MIT */
/* One look at a session: is a revision whole, is it what its manifest says, do its metadata keep the rules?
 *
 *   manifest not stored yet, or an object of it           -> wait: the next object's event brings another look
 *   an object of it was stored and is gone, cut or rotten -> wait for its bytes: examine.h made it a promise again
 *   manifest broken, foreign, or an object not as it says -> rejected by `manifest` or `objects`
 *   metadata against the rules                            -> rejected by that check, mended by the next revision
 *   else                                                  -> accepted
 *
 * A look depends on what is stored alone, never on the event that brought it, and a decision is made once: the catalog
 * leaves a decided revision as it is. So events may come twice, late or out of order. Presence and size of every object
 * are looked at always, its bytes where this process did not hash them itself; a look reads so much and no more, and
 * the next one goes on from there. Any thread, one a session at a time. */
#include "cloud/jobs/validate.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "cloud/jobs/object_manifest.h"
#include "session/name.h"

#define REVISIONS_A_LOOK 256 /* then the others have their turn */
#define ATTEMPTS_MAX 5		 /* looks in a row that the program did not survive */

struct look {
	const struct stores *stores;
	const struct schema *schema;
	const char *station, *session;
	int64_t revision, attempts;
	struct validation *v;
	struct object_row manifest_row;
	struct manifest manifest;
	struct metadata metadata;
	struct check_list checks;
};

static void look_done(struct look *k) {
	manifest_done(&k->manifest);
	metadata_done(&k->metadata);
	check_list_done(&k->checks);
}
DEFINE_AUTO_VAL(struct look, look_done)

/* What a step found: go on, wait for more objects, wait for lost ones, go on in another look, or decide on the checks
 * as they are. */
enum step { STEP_ERROR = -1, STEP_ON, STEP_WAIT, STEP_LOST, STEP_LATER, STEP_DECIDE };

static enum step reject(struct look *k, enum check_id id, const char *found, const char *rule, const char *mend) {
	check_add(&k->checks, id, VERDICT_HOLD, found, rule, mend);
	return STEP_DECIDE;
}

/* --- reading small objects --- */

static int read_whole(int fd, struct buf *out, const char *key, struct error *err) {
	char chunk[65536];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return error_errno(err, ERR_DISK, errno, "the object %s cannot be read", TEXT_SAFE(key));
		if (n == 0) return buf_check(out, "the object", err);
		buf_add(out, chunk, (size_t)n);
	}
}

/* The bytes of a stored object, at most max, compared with the catalog's checksum. ERR_NOT_FOUND, ERR_INPUT (too long)
 * and ERR_CHECKSUM speak of the object; anything else of this machine, to be tried again. */
static int read_object(struct look *k, const struct object_row *row, size_t max, struct buf *out, struct error *err) {
	AUTO(fd_close) int fd = -1;
	int64_t size = 0;
	struct sha256 sha256;
	if (row->size > (int64_t)max) {
		return error_set(
			err, ERR_INPUT, "it has %s, at most %s are read", UNIT_BYTES(row->size), UNIT_BYTES((int64_t)max));
	}
	*out = BUF_INIT(max);
	if (object_open(k->stores->objects, row->bucket, row->key, &fd, &size, err) || read_whole(fd, out, row->key, err))
		return -1;
	sha256_of(buf_text(out), out->len, &sha256);
	if (sha256_equal(&sha256, &row->sha256)) return 0;
	return error_set(err, ERR_CHECKSUM, "its bytes are not those that were stored");
}

#define OBJECTS_RULE "each object is this station's own, with the manifest's size and checksum"
#define OBJECTS_MEND "the station sends what was lost again; if it does not: headgate retry"

/* The decision waits for bytes that were here: its checks say so, to whoever asks and to the station; in the same words
 * look after look, since a change is made of others. */
static enum step wait_for_lost(struct look *k, const char *found, struct error *err) {
	check_add(&k->checks, CHECK_OBJECTS, VERDICT_HOLD, found, OBJECTS_RULE, OBJECTS_MEND);
	bool failed = catalog_session_lost(k->stores->catalog, k->station, k->session, k->revision, &k->checks, err);
	return failed ? STEP_ERROR : STEP_LOST;
}

/* An object that has to be read whole for itself. */
static enum step look_at_one(struct look *k, const struct object_row *row, enum examining how, struct error *err) {
	struct examined e;
	char found[400];
	if (object_examine(k->stores, row, how, &e, err)) return STEP_ERROR;
	if (e.finding == FOUND_WHOLE) return STEP_ON;
	snprintf(found, sizeof found, "lost after it came, and the decision waits for it: %s", TEXT_SAFE(row->name));
	return wait_for_lost(k, found, err);
}

/* --- the manifest --- */

#define MANIFEST_RULE "a manifest of this station, session and revision, as api.md describes it"
#define MANIFEST_MEND "upload the session again: headgate retry; if it stays, update headgate on the station"

static bool manifest_is_of(const struct look *k) {
	const struct manifest *m = &k->manifest;
	return strcmp(m->station, k->station) == 0 && strcmp(m->session, k->session) == 0 && m->revision == k->revision;
}

static enum step look_at_manifest(struct look *k, struct error *err) {
	char name[64], found[256];
	manifest_name(name, sizeof name, k->revision);
	int there =
		catalog_object_by_name(k->stores->catalog, k->station, k->session, k->revision, name, &k->manifest_row, err);
	if (there < 0) return STEP_ERROR;
	if (!there) return STEP_WAIT;
	enum step step = look_at_one(k, &k->manifest_row, EXAMINE_BYTES, err);
	if (step != STEP_ON) return step;
	if (k->attempts >= ATTEMPTS_MAX) {
		snprintf(
			found, sizeof found, "the cloud's program ended %lld times while it looked at it", (long long)k->attempts);
		return reject(k, CHECK_MANIFEST, found, MANIFEST_RULE, MANIFEST_MEND);
	}
	if (object_manifest(k->stores->objects, &k->manifest_row, &k->manifest, err)) {
		if (err->code == ERR_INPUT) return reject(k, CHECK_MANIFEST, err->text, MANIFEST_RULE, MANIFEST_MEND);
		if (err->code != ERR_CHECKSUM) return STEP_ERROR;
		return look_at_one(k, &k->manifest_row, EXAMINE_READ, err);
	}
	if (!manifest_is_of(k)) {
		snprintf(found, sizeof found, "it says station %s, session %s, revision %lld", k->manifest.station,
			k->manifest.session, (long long)k->manifest.revision);
		return reject(k, CHECK_MANIFEST, found, MANIFEST_RULE, MANIFEST_MEND);
	}
	snprintf(found, sizeof found, "%zu files", k->manifest.n);
	check_add(&k->checks, CHECK_MANIFEST, VERDICT_PASS, found, "", "");
	return STEP_ON;
}

/* --- the objects --- */

/* api.md "Keys": the plain one of revision 1, or that of a later revision up to this (what was changed and is called
 * manifest.json had the manifest's own key before). What else a manifest names may be another station's, and is never
 * looked up. */
static bool key_is_own(const struct look *k, const struct manifest_file *f) {
	struct error err = ERROR_INIT;
	char key[KEY_MAX + 1];
	if (strcmp(f->bucket, k->manifest_row.bucket) != 0) return false;
	if (object_key(key, sizeof key, k->session, k->station, 1, false, f->name, &err)) return false;
	if (strcmp(key, f->key) == 0) return true;
	size_t prefix = strlen(key) - strlen(f->name), reserved = strlen(RESERVED_DIR "/");
	if (strncmp(key, f->key, prefix) != 0 || strncmp(f->key + prefix, RESERVED_DIR "/", reserved) != 0) return false;
	int64_t revision = strtoll(f->key + prefix + reserved, NULL, 10);
	if (revision < 2 || revision > k->revision ||
		object_key(key, sizeof key, k->session, k->station, revision, true, f->name, &err))
		return false;
	if (strcmp(key, f->key) == 0) return true;
	char manifest[64];
	manifest_name(manifest, sizeof manifest, revision);
	return strcmp(f->name, MANIFEST_NAME) == 0 && strcmp(f->key + prefix, manifest) == 0;
}

/* What the first walk over the objects found. */
struct walk {
	int64_t *stored_ms; /* of each, for the second one */
	size_t missing, lost;
	char first[128]; /* name of the first that is lost */
};
static void walk_done(struct walk *w) { xfree(w->stored_ms); }
DEFINE_AUTO_VAL(struct walk, walk_done)

/* Words for what is wrong with one object in found, "" when it is as it should be or is not here. */
static enum step look_at_object(struct look *k, struct walk *w, size_t i, char *found, size_t size, struct error *err) {
	const struct manifest_file *f = &k->manifest.files[i];
	struct object_row row;
	struct examined e;
	char name[64];
	text_safe(name, sizeof name, f->name);
	found[0] = '\0';
	if (!key_is_own(k, f)) {
		snprintf(found, size, "%s is named under a key that is not of this session", name);
		return STEP_ON;
	}
	int there = catalog_object(k->stores->catalog, f->bucket, f->key, &row, err);
	if (there < 0) return STEP_ERROR;
	if (!there || (!row.stored_ms && !row.lost_ms)) {
		w->missing++;
		return STEP_ON;
	}
	if (row.size != f->size) {
		snprintf(
			found, size, "%s has %lld bytes, the manifest says %lld", name, (long long)row.size, (long long)f->size);
	} else if (!sha256_equal(&row.sha256, &f->sha256)) {
		snprintf(found, size, "%s has another checksum than the manifest says", name);
	} else {
		if (object_examine(k->stores, &row, EXAMINE_SIZE, &e, err)) return STEP_ERROR;
		if (!row.stored_ms && e.finding == FOUND_WHOLE && /* it came back */
			catalog_object(k->stores->catalog, f->bucket, f->key, &row, err) < 0)
			return STEP_ERROR;
		w->stored_ms[i] = row.stored_ms;
		if (e.finding != FOUND_WHOLE && !w->lost++) text_safe(w->first, sizeof w->first, f->name);
	}
	return STEP_ON;
}

static enum step wait_for_objects(struct look *k, const struct walk *w, struct error *err) {
	char found[400];
	if (!w->lost) return STEP_WAIT;
	snprintf(found, sizeof found, "%zu of %zu lost after they came, and the decision waits for them: %s", w->lost,
		k->manifest.n, w->first);
	return wait_for_lost(k, found, err);
}

/* The bytes of each, from where an earlier look of this manifest ended. */
static enum step look_at_bytes(struct look *k, struct walk *w, struct error *err) {
	struct validation *v = k->v;
	struct object_row row = {.revision = k->revision};
	struct examined e;
	if (v->revision != k->revision || !sha256_equal(&v->manifest, &k->manifest_row.sha256)) {
		v->revision = k->revision;
		v->manifest = k->manifest_row.sha256;
		v->next = v->arrived = 0;
	}
	text_copy(row.station, sizeof row.station, k->station);
	text_copy(row.session, sizeof row.session, k->session);
	for (; v->next < k->manifest.n; v->next++) {
		const struct manifest_file *f = &k->manifest.files[v->next];
		if (v->read_bytes >= v->read_most) return STEP_LATER;
		text_copy(row.bucket, sizeof row.bucket, f->bucket);
		text_copy(row.key, sizeof row.key, f->key);
		text_copy(row.name, sizeof row.name, f->name);
		row.size = f->size;
		row.sha256 = f->sha256;
		row.stored_ms = w->stored_ms[v->next];
		if (object_examine(k->stores, &row, EXAMINE_BYTES, &e, err)) return STEP_ERROR;
		if (e.finding != FOUND_WHOLE && !w->lost++) text_safe(w->first, sizeof w->first, f->name);
		if (e.read) v->read_bytes += f->size;
		v->arrived += e.arrived;
	}
	return STEP_ON;
}

/* All of them, even when one is missing: a manifest that names a foreign object is refused at once. Bytes are read when
 * all are here. */
static enum step look_at_objects(struct look *k, struct error *err) {
	AUTO(walk_done) struct walk w = {.stored_ms = xcalloc(MAX(k->manifest.n, (size_t)1), sizeof *w.stored_ms)};
	char found[256];
	for (size_t i = 0; i < k->manifest.n; i++) {
		if (look_at_object(k, &w, i, found, sizeof found, err) == STEP_ERROR) return STEP_ERROR;
		if (*found) return reject(k, CHECK_OBJECTS, found, OBJECTS_RULE, MANIFEST_MEND);
	}
	if (w.missing || w.lost) return wait_for_objects(k, &w, err);
	enum step step = look_at_bytes(k, &w, err);
	if (step != STEP_ON) return step;
	size_t n = k->manifest.n, arrived = k->v->arrived;
	k->v->revision = 0;
	if (w.lost) return wait_for_objects(k, &w, err);
	if (arrived == n) snprintf(found, sizeof found, "%zu objects: %zu hashed on arrival", n, arrived);
	else snprintf(found, sizeof found, "%zu objects: %zu hashed on arrival, %zu read again", n, arrived, n - arrived);
	check_add(&k->checks, CHECK_OBJECTS, VERDICT_PASS, found, "", "");
	return STEP_ON;
}

/* --- the session's own checks --- */

static const struct manifest_file *metadata_file(const struct look *k) {
	bool open = schema_is_open(k->schema); /* no rules: the station names the file */
	if (!open && strcmp(k->manifest.metadata, k->schema->file) != 0) return NULL; /* another one: it is not there */
	for (size_t i = 0; i < k->manifest.n; i++) {
		if (strcmp(k->manifest.files[i].name, k->manifest.metadata) == 0) return &k->manifest.files[i];
	}
	return NULL;
}

/* The metadata's text, or nothing when it is too long to be read: its size says so. */
static enum step read_metadata(struct look *k, struct buf *out, size_t *ret_n, struct error *err) {
	const struct manifest_file *f = metadata_file(k);
	struct object_row row;
	*ret_n = 0;
	if (!f) return STEP_ON;
	*ret_n = (size_t)f->size;
	if (f->size > METADATA_MAX) return STEP_ON;
	int there = catalog_object(k->stores->catalog, f->bucket, f->key, &row, err);
	if (there < 0) return STEP_ERROR;
	if (there && read_object(k, &row, METADATA_MAX, out, err) == 0) return STEP_ON;
	/* A moment ago it was there and whole. */
	if (there && err->code != ERR_NOT_FOUND && err->code != ERR_CHECKSUM) return STEP_ERROR;
	return there ? look_at_one(k, &row, EXAMINE_READ, err) : STEP_WAIT;
}

/* Not the cloud's to tell: what kind of file it was, and whether the station has it twice. */
static bool judged_here(enum check_id id) { return id != CHECK_KINDS && id != CHECK_UNIQUE; }

static void run_checks(struct look *k, const struct buf *text, size_t metadata_n) {
	struct check_file *files = xcalloc(k->manifest.n, sizeof *files);
	for (size_t i = 0; i < k->manifest.n; i++) {
		files[i] = (struct check_file){.name = k->manifest.files[i].name, .size = k->manifest.files[i].size};
	}
	struct schema rules = *k->schema; /* its parts are borrowed */
	if (schema_is_open(k->schema)) rules.file = k->manifest.metadata;
	struct check_input in = {.session = k->session,
		.files = files,
		.file_n = k->manifest.n,
		.schema = &rules,
		.metadata_text = metadata_file(k) && metadata_n <= METADATA_MAX ? buf_text(text) : NULL,
		.metadata_n = metadata_n};
	AUTO(check_list_done) struct check_list own = {0};
	checks_run(&in, &own, &k->metadata);
	for (size_t i = 0; i < own.n; i++) {
		const struct check *c = &own.items[i];
		if (judged_here(c->id)) check_add(&k->checks, c->id, c->verdict, c->found, c->rule, c->mend);
	}
	free(files);
}

static enum step look_at_content(struct look *k, struct error *err) {
	AUTO(buf_done) struct buf text = {0};
	size_t n = 0;
	enum step step = read_metadata(k, &text, &n, err);
	if (step != STEP_ON) return step;
	run_checks(k, &text, n);
	return STEP_DECIDE;
}

/* --- deciding --- */

/* The same decision has the same id whoever makes it and however often: a repeat is known by it. */
static void decision_id(const struct look *k, enum cloud_state state, char to[SHA256_HEX]) {
	struct sha256 sha256;
	AUTO(xfree)
	char *text = xasprintf("%s/%s/%lld/%s", k->station, k->session, (long long)k->revision, cloud_state_names[state]);
	sha256_of(text, strlen(text), &sha256);
	sha256_hex(to, &sha256);
	to[24] = '\0';
}

static cJSON *decision_event(
	const struct look *k, enum cloud_state state, int64_t files, const char *id, int64_t at_ms) {
	char reason[300];
	checks_reason(&k->checks, reason, sizeof reason);
	cJSON *j = json_object();
	json_add_time(j, "at", at_ms);
	json_add_text(j, "id", id);
	json_add_text(j, "level", state == CLOUD_ACCEPTED ? "info" : "error");
	json_add_text(j, "code", state == CLOUD_ACCEPTED ? "session_accepted" : "session_rejected");
	json_add_text(j, "message", *reason ? reason : "whole and verified");
	json_add_text(j, "station", k->station);
	json_add_text(j, "session", k->session);
	json_add_i64(j, "revision", k->revision);
	json_add_i64(j, "files", files);
	json_add(j, "checks", checks_to_json(&k->checks));
	return j;
}

static void log_decision(const struct look *k, enum cloud_state state) {
	struct error err = ERROR_INIT;
	char id[SHA256_HEX];
	int64_t now = clock_wall_ms(), stored = 0;
	decision_id(k, state, id);
	AUTO(json_free) cJSON *j = decision_event(k, state, (int64_t)k->manifest.n, id, now);
	AUTO(xfree) char *text = json_text(j);
	struct log_known event = {.id = id, .stream = k->station, .at_ms = now, .json = text};
	/* The decision stands whether its line can be written or not. */
	if (logs_add_known(k->stores->logs, LOG_GROUP_VALIDATE, &event, 1, &stored, &err)) {
		log_event(LOG_ERROR, "validate", err.text, "station", k->station, "session", k->session, NULL);
	}
}

/* What is not under its name will not be found again: nothing is decided on it. */
static int in_place(const struct stores *s, struct error *err) {
	return catalog_in_place(s->catalog, err) || objects_in_place(s->objects, err) ? -1 : 0;
}

static int decide(struct look *k, struct error *err) {
	bool again = false;
	if (in_place(k->stores, err)) return -1;
	enum cloud_state state = checks_hold(&k->checks) ? CLOUD_REJECTED : CLOUD_ACCEPTED;
	const struct manifest *manifest = k->manifest.n ? &k->manifest : NULL;
	if (catalog_session_decide(k->stores->catalog, k->station, k->session, k->revision, state, &k->checks, &k->metadata,
			manifest, &again, err)) {
		return -1;
	}
	log_decision(k, state);
	return 0;
}

static int validate_revision(struct look *k, struct error *err) {
	enum step step = look_at_manifest(k, err);
	if (step == STEP_ON) step = look_at_objects(k, err);
	if (step == STEP_ON) step = look_at_content(k, err);
	if (step == STEP_ERROR) return -1;
	k->v->lost |= step == STEP_LOST;
	k->v->unfinished |= step == STEP_LATER;
	if (step == STEP_WAIT || step == STEP_LOST || step == STEP_LATER) return 0;
	if (decide(k, err)) return -1;
	k->v->decided = true;
	return 0;
}

int validate_session(const struct stores *s, const struct schema *schema, const char *station, const char *session,
	struct validation *v, struct error *err) {
	struct undecided revisions[REVISIONS_A_LOOK];
	size_t n = 0;
	int status = 0;
	v->decided = v->unfinished = false;
	v->lost = v->lost && v->after;
	v->read_bytes = 0;
	if (in_place(s, err)) return -1;
	if (catalog_undecided_of(s->catalog, station, session, v->after, revisions, REVISIONS_A_LOOK, &n, err)) return -1;
	for (size_t i = 0; i < n && !v->unfinished; i++) {
		AUTO(look_done)
		struct look k = {.stores = s,
			.schema = schema,
			.station = station,
			.session = session,
			.revision = revisions[i].revision,
			.attempts = revisions[i].attempts,
			.v = v};
		/* One that cannot be read now does not keep the others waiting. */
		if (validate_revision(&k, err)) {
			status = -1;
			v->lost = true;
		}
		if (!v->unfinished) v->after = revisions[i].revision;
	}
	if (!v->unfinished && n < REVISIONS_A_LOOK) v->after = 0;
	v->unfinished |= v->after > 0 && n == REVISIONS_A_LOOK;
	return status;
}

/* --- after a start --- */

#define RELOGGED 100

struct relog {
	struct log_known events[RELOGGED];
	size_t n;
};
static void relog_done(struct relog *r) {
	for (size_t i = 0; i < r->n; i++) {
		xfree((char *)(uintptr_t)r->events[i].id);
		xfree((char *)(uintptr_t)r->events[i].stream);
		xfree((char *)(uintptr_t)r->events[i].json);
	}
}
DEFINE_AUTO_VAL(struct relog, relog_done)

static int checks_read(const char *text, struct check_list *ret, struct error *err) {
	AUTO(json_free) cJSON *array = NULL;
	return json_parse(text, strlen(text), &array, err) || checks_from_json(ret, array, err) ? -1 : 0;
}

/* A decision as the catalog tells it; what is none is not logged. */
static int on_change(void *arg, const struct change_row *row) {
	struct relog *r = arg;
	struct error err = ERROR_INIT;
	char id[SHA256_HEX];
	AUTO(look_done)
	struct look k = {.station = row->station, .session = row->session, .revision = row->revision};
	if (row->state == CLOUD_UPLOADING || !row->decided_ms || checks_read(row->checks, &k.checks, &err)) return 0;
	decision_id(&k, row->state, id);
	AUTO(json_free) cJSON *j = decision_event(&k, row->state, row->files, id, row->decided_ms);
	r->events[r->n++] = (struct log_known){
		.id = xstrdup(id), .stream = xstrdup(row->station), .at_ms = row->decided_ms, .json = json_text(j)};
	return 0;
}

void validate_log_again(struct catalog *c, struct logs *l) {
	struct error err = ERROR_INIT;
	AUTO(relog_done) struct relog r = {0};
	int64_t stored = 0;
	int failed = catalog_changes_newest(c, RELOGGED, on_change, &r, &err);
	if (!failed && r.n) failed = logs_add_known(l, LOG_GROUP_VALIDATE, r.events, r.n, &stored, &err);
	if (failed) log_event(LOG_ERROR, "validate", err.text, NULL);
}
