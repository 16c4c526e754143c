/* SPDX-License-Identifier: MIT */
/* What the last run learned that only a person mends, and how many sessions wait for their metadata: kept in the
 * journal for `status` where no engine runs, until a run finds it well. Being away is of the moment, and not kept. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "station/engine/engine_internal.h"

int found_read(struct journal_view *v, struct found *ret, struct error *err) {
	AUTO(xfree) char *kept = NULL;
	AUTO(json_free) cJSON *json = NULL;
	struct error none = ERROR_INIT;
	*ret = (struct found){0};
	if (journal_get(v, SETTING_FOUND, &kept, err)) return -1;
	if (!kept || json_parse(kept, strlen(kept), &json, &none)) return 0; /* a later run writes it anew */
	safe_look_take(&ret->look, json);
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "message"));
	text_copy(ret->message, sizeof ret->message, text ? text : "");
	return 0;
}

void found_load(struct engine *e, struct journal_view *v) {
	struct error err = ERROR_INIT;
	if (found_read(v, &e->found, &err)) log_event(LOG_WARN, "found", err.text, NULL);
}

static void found_write(struct engine *e) {
	const struct safe_look *l = &e->found.look;
	bool any = l->key || l->endpoint || l->conflict || l->metadata;
	AUTO(json_free) cJSON *json = safe_look_json(l);
	json_add_text(json, "message", e->found.message);
	AUTO(xfree) char *text = any ? json_text(json) : NULL;
	journal_set(e->journal, SETTING_FOUND, text, engine_journal_done, e);
}

/* Of key and endpoint: what an answer said; without one what was known stays. */
static void found_cloud(const struct engine *e, struct found *f) {
	const struct error *trouble = cloud_trouble(e);
	enum error_code code = trouble ? cloud_trouble_code(trouble) : ERR_NONE;
	if (code == ERR_KEY || code == ERR_CONFIG) {
		f->look.key = code == ERR_KEY;
		f->look.endpoint = code == ERR_CONFIG;
		text_copy(f->message, sizeof f->message, trouble->text);
	} else if ((f->look.key || f->look.endpoint) && cloud_ok(e)) {
		f->look.key = f->look.endpoint = false;
		f->message[0] = '\0';
	}
}

static void found_take(struct engine *e, int64_t metadata) {
	struct found now = e->found;
	struct safe_look *was = &e->found.look, *l = &now.look;
	found_cloud(e, &now);
	l->conflict = e->metadata_conflict;
	l->metadata = metadata;
	if (l->key == was->key && l->endpoint == was->endpoint && l->conflict == was->conflict &&
		l->metadata == was->metadata)
		return;
	l->at_ms = clock_wall_ms();
	e->found = now;
	found_write(e);
}

void found_pump(struct engine *e) {
	if (e->journal && !e->stopping) found_take(e, e->found.look.metadata);
}

void found_keep(struct engine *e, int64_t metadata) { found_take(e, metadata); }
