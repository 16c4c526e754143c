/* SPDX-License-Identifier: MIT */
/* Reading what the checks said, here and in the cloud. */
#include "station/journal/view.h"

#include <string.h>

#include "station/journal/view_core.h"

/* Unknown names and verdicts are of a newer cloud: left out, as checks_from_json does. */
static void check_read(struct db *db, struct check_list *into) {
	const char *name = db_text(db, R_VERDICTS, 0);
	enum verdict verdict;
	if (verdict_parse(db_text(db, R_VERDICTS, 1), &verdict)) return;
	for (int i = 0; i < CHECK_N; i++) {
		if (strcmp(check_names[i], name) != 0) continue;
		check_add(into, (enum check_id)i, verdict, db_text(db, R_VERDICTS, 2), db_text(db, R_VERDICTS, 3),
			db_text(db, R_VERDICTS, 4));
	}
}

int journal_checks(struct journal_view *v, int64_t session, int64_t revision, const char *side, struct check_list *ret,
	struct error *err) {
	AUTO(check_list_done) struct check_list list = {0};
	int more;
	if (db_query(v->db, R_VERDICTS, err, "iit", session, revision, side)) return -1;
	while ((more = db_step(v->db, R_VERDICTS, err)) > 0) check_read(v->db, &list);
	if (more) return -1;
	*ret = list;
	list = (struct check_list){0};
	return 0;
}
