/* SPDX-License-Identifier: MIT */
/* Opening and closing of everything that handlers work on, in an order that a half-opened one can be closed in too. */
#include "cloud/call/api.h"

#include "base/file.h"
#include "base/log.h"
#include "cloud/store/reconcile.h"
#include "cloud/store/room.h"

#define URL_RATE 1 /* a second */
#define URL_BURST 30

/* Before the first request: what a crash left between store and catalog. */
static int api_reconcile(struct api *a, struct error *err) {
	struct reconcile_report report;
	char stored[24];
	if (objects_reconcile(a->catalog, a->objects, &report, err)) return -1;
	snprintf(stored, sizeof stored, "%lld", (long long)report.stored);
	if (report.stored) log_event(LOG_INFO, "api", "objects that a crash left unnamed", "objects", stored, NULL);
	if (report.different)
		log_event(LOG_WARN, "api", "objects with other bytes than promised", "first", report.first_different, NULL);
	return 0;
}

#define PROMISE_SPARE_MS (60LL * 60 * 1000) /* what comes later still is taken all the same: catalog_object_arrived */

static int validator_open(struct api *a, struct error *err) {
	const struct validator_setup setup = {.stores = {a->catalog, a->objects, a->logs},
		.schema = &a->config->schema,
		.raw_bucket = a->config->raw_bucket,
		.data_dir = a->config->data,
		.promise_ms = a->config->url_ms + PROMISE_SPARE_MS};
	return validator_start(&a->validator, &setup, err) || validator_recover(a->validator, err) ? -1 : 0;
}

static int folders_own(const char *dir, const char *const *buckets, struct error *err) {
	if (file_folder_own(dir, false, err)) return -1;
	for (; *buckets; buckets++) {
		AUTO(xfree) char *path = path_join(dir, *buckets);
		if (file_folder_own(path, false, err)) return -1;
	}
	return 0;
}

static int api_open_stores(struct api *a, struct error *err) {
	const struct cloud_config *c = a->config;
	const char *const buckets[] = {c->raw_bucket, c->processed_bucket, c->lake_bucket, NULL};
	AUTO(xfree) char *dir = path_join(c->data, "objects");
	if (file_mkdirs(c->data, 0700, err) || file_folder_own(c->data, false, err)) return -1;
	const struct logs_bounds bounds = {
		.bytes = MIN(c->log_bytes, disk_total(c->data) / 10), .age_ms = c->log_age_ms, .keep_free = c->keep_free};
	if (catalog_lock(c->data, &a->lock_fd, err) || catalog_open(&a->catalog, c->data, err) ||
		logs_open(&a->logs, c->data, err) || objects_open(&a->objects, dir, buckets, err))
		return -1;
	if (folders_own(dir, buckets, err)) return -1;
	logs_bound(a->logs, &bounds);
	objects_keep_free(a->objects, c->keep_free);
	return api_reconcile(a, err) || validator_open(a, err) ? -1 : 0;
}

/* A name for the key that signs URLs: it says nothing of the key, and a new key has another. */
static void access_key_name(const struct secret *key, char to[ACCESS_KEY_TEXT]) {
	struct sha256 digest;
	char hex[SHA256_HEX];
	sha256_of(key->bytes, key->len, &digest);
	snprintf(to, ACCESS_KEY_TEXT, "HG%.16s", sha256_hex(hex, &digest));
}

static void rules_free(struct rules *r) {
	for (struct rules *before; r; r = before) {
		before = r->before;
		allow_done(&r->allow);
		if (r->own) {
			cloud_config_done(r->own);
			free(r->own);
		}
		free(r);
	}
}

/* own NULL: those of the configuration that the program started with. */
static int rules_set(struct api *a, struct cloud_config *own, struct error *err) {
	struct rules *r = xcalloc(1, sizeof *r);
	*r = (struct rules){.before = atomic_load(&a->rules), .config = own ? own : a->config, .own = own};
	if (allow_parse(&r->config->allow, &r->allow, err)) {
		free(r);
		return -1;
	}
	atomic_store(&a->rules, r);
	return 0;
}

int api_rules_again(struct api *a, struct error *err) {
	struct cloud_config *again = xcalloc(1, sizeof *again);
	if (cloud_config_load(again, a->config->from_file, a->config->from_flags, err) || rules_set(a, again, err)) {
		cloud_config_done(again);
		free(again);
		return -1;
	}
	validator_rules(a->validator, &again->schema);
	return 0;
}

int api_open(
	struct api **ret, const struct cloud_config *config, const struct surface *const *surfaces, struct error *err) {
	AUTO(api_close) struct api *a = xcalloc(1, sizeof *a);
	a->config = config;
	a->surfaces = surfaces;
	a->lock_fd = -1;
	pthread_mutex_init(&a->health.lock, NULL);
	a->by_address = limiter_new(config->rate, config->burst);
	a->by_key = limiter_new(config->rate, config->burst);
	a->by_wrong_key = limiter_new(config->rate, config->burst);
	a->by_url = limiter_new(config->rate ? URL_RATE : 0, URL_BURST);
	a->memory = budget_new(config->memory);
	if (rules_set(a, NULL, err) || api_open_stores(a, err) ||
		catalog_secret(a->catalog, "token_key", &a->token_key, err) ||
		catalog_secret(a->catalog, "url_key", &a->url_key, err))
		return -1;
	access_key_name(&a->url_key, a->access_key);
	*ret = TAKE(a);
	return 0;
}

int api_room(const struct api *a, int64_t bytes, struct error *err) {
	int64_t free_bytes, floor;
	if (disk_room(a->config->data, a->config->keep_free, &free_bytes, &floor, err)) return -1;
	if (free_bytes - bytes >= floor / 2) return 0;
	return error_set(err, ERR_DISK, "the cloud's disk is full: nothing new is promised until there is room");
}

void api_stop(struct api *a) {
	atomic_store(&a->stopping, true);
	catalog_wake(a->catalog);
}

void api_close(struct api *a) {
	if (!a) return;
	if (a->validator) validator_stop(a->validator);
	if (a->objects) objects_close(a->objects);
	if (a->logs) logs_close(a->logs);
	if (a->catalog) catalog_close(a->catalog);
	if (a->lock_fd >= 0) fd_close(a->lock_fd);
	secret_done(&a->token_key);
	secret_done(&a->url_key);
	rules_free(atomic_load(&a->rules));
	limiter_free(a->by_address);
	limiter_free(a->by_key);
	limiter_free(a->by_url);
	limiter_free(a->by_wrong_key);
	budget_free(a->memory);
	pthread_mutex_destroy(&a->health.lock);
	xfree(a);
}
