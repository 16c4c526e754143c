/* SPDX-License-Identifier: MIT */
/* Read leniently: a later run writes it anew. Any thread. */
#include "station/told/found.h"

#include <string.h>

#include "base/text.h"

int found_read(struct journal_view *v, struct found *ret, struct error *err) {
	AUTO(xfree) char *kept = NULL;
	AUTO(json_free) cJSON *json = NULL;
	struct error none = ERROR_INIT;
	*ret = (struct found){0};
	if (journal_get(v, SETTING_FOUND, &kept, err)) return -1;
	if (!kept || json_parse(kept, strlen(kept), &json, &none)) return 0; /* a later run writes it anew */
	safe_look_take(&ret->look, json);
	const char *text = json_get_text(json, "message");
	text_copy(ret->message, sizeof ret->message, text ? text : "");
	return 0;
}
