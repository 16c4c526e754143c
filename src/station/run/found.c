/* SPDX-License-Identifier: MIT */
/* What the last run learned that only a person mends, and how many sessions wait for their metadata: kept in the
 * journal for `status` where no engine runs, until a run finds it well. Being away is of the moment, and not kept. */
#include "station/run/found.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "station/engine/facts.h"
#include "station/told/found.h"

static struct found *mine(const struct engine *e) { return engine_part(e, PART_FOUND); }

static void found_load(struct engine *e, struct journal_view *v) {
	struct error err = ERROR_INIT;
	if (found_read(v, mine(e), &err)) log_event(LOG_WARN, "found", err.text, NULL);
}

static void found_write(struct engine *e) {
	const struct safe_look *l = &mine(e)->look;
	bool any = l->key || l->endpoint || l->conflict || l->metadata;
	AUTO(json_free) cJSON *json = safe_look_json(l);
	json_add_text(json, "message", mine(e)->message);
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
	struct found now = *mine(e);
	struct safe_look *was = &mine(e)->look, *l = &now.look;
	found_cloud(e, &now);
	l->conflict = e->metadata_conflict;
	l->metadata = metadata;
	if (l->key == was->key && l->endpoint == was->endpoint && l->conflict == was->conflict &&
		l->metadata == was->metadata)
		return;
	l->at_ms = clock_wall_ms();
	*mine(e) = now;
	found_write(e);
}

static void found_pump(struct engine *e) {
	if (e->journal && !e->stopping) found_take(e, mine(e)->look.metadata);
}

/* Also when all was last seen to be well. */
static void found_keep(struct engine *e) {
	struct safe_look look;
	bool well;
	look_gather(e, &look);
	found_take(e, look.metadata);
	if (!roots_listed(e, &well) || !well) return;
	AUTO(xfree) char *text = xasprintf("%lld", (long long)look.at_ms);
	journal_set(e->journal, SETTING_LOOKED, text, engine_journal_done, e);
}

const struct part found_part = {
	.engine_size = sizeof(struct found),
	.load = found_load,
	.pump = found_pump,
	.keep = found_keep,
};
