/* SPDX-License-Identifier: MIT */
/* The catalog's statements: what is asked often finds its rows by an index, and what is optional has a type, as
 * PostgreSQL needs it. */
#include "store_help.h"

#include "cloud/store/catalog_sql.h"

static const char *const texts[] = {
#define X(id, sql) [SQL_##id] = sql,
	CATALOG_STATEMENTS(X)
#undef X
};

/* How SQLite finds the rows: a line a step. */
static void plan_of(sqlite3 *db, const char *text, struct buf *ret) {
	AUTO(xfree) char *explain = xasprintf("EXPLAIN QUERY PLAN %s", text);
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(db, explain, -1, &s, NULL) != SQLITE_OK) fail_msg("%s: %s", text, sqlite3_errmsg(db));
	while (sqlite3_step(s) == SQLITE_ROW) buf_fmt(ret, "%s\n", (const char *)sqlite3_column_text(s, 3));
	sqlite3_finalize(s);
}

static sqlite3 *catalog_open_raw(const char *dir) {
	sqlite3 *db = NULL;
	catalog_close(catalog_at(dir));
	AUTO(xfree) char *path = path_join(dir, "catalog.db");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void test_what_is_asked_often_has_an_index(void **state) {
	const struct scratch *s = *state;
	static const struct {
		int statement;
		const char *begins; /* the first step */
	} want[] = {
		{SQL_CHANGES, "SEARCH c USING INTEGER PRIMARY KEY (rowid>?)\n"},
		{SQL_CHANGES_OF, "SEARCH c USING INDEX change_station (station=? AND seq>?)\n"},
		{SQL_CHANGES_NEWEST, "SCAN c\n"}, /* from its end, in the order of its key */
		{SQL_SESSIONS, "SEARCH s USING INTEGER PRIMARY KEY (rowid>?)\n"},
		{SQL_SESSIONS_OF_STATION, "SEARCH s USING INDEX session_station (station=? AND id>?)\n"},
		{SQL_SESSIONS_OF_NAME, "SEARCH s USING INDEX session_session (session=? AND id>?)\n"},
		{SQL_SESSION_NEWEST, "SEARCH s USING INDEX sqlite_autoindex_session_1 (station=? AND session=?)\n"},
		{SQL_SESSION_GET, "SEARCH session USING INDEX sqlite_autoindex_session_1 (station=? AND session=?"},
		{SQL_CONTENT_UNKNOWN, "SEARCH session USING INDEX session_content (id>?)\n"},
		{SQL_OBJECT_BY_NAME, "SEARCH object USING INDEX object_name (station=? AND session=? AND name=?"},
		{SQL_OBJECTS_OF_STATION, "SEARCH object USING INDEX object_name (station=?)\n"},
		{SQL_OBJECTS_PROMISED, "SCAN object USING INDEX object_promised\n"},
	};
	sqlite3 *db = catalog_open_raw(s->dir);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		AUTO(buf_done) struct buf plan = BUF_INIT(10000);
		plan_of(db, texts[want[i].statement], &plan);
		if (strncmp(buf_text(&plan), want[i].begins, strlen(want[i].begins)) != 0 ||
			strstr(buf_text(&plan), "TEMP B-TREE"))
			fail_msg("%s\n%s", texts[want[i].statement], buf_text(&plan));
	}
	sqlite3_close(db);
}

/* One station is found without a walk over the fleet's heartbeats. */
static void test_one_station_is_no_walk(void **state) {
	const struct scratch *s = *state;
	sqlite3 *db = catalog_open_raw(s->dir);
	AUTO(buf_done) struct buf plan = BUF_INIT(10000);
	plan_of(db, texts[SQL_STATION], &plan);
	assert_non_null(strstr(buf_text(&plan), "SEARCH h USING PRIMARY KEY (station=?)"));
	assert_null(strstr(buf_text(&plan), "SCAN h"));
	plan.len = 0;
	plan_of(db, texts[SQL_CONTENT_UNKNOWN_OF], &plan);
	if (!strstr(buf_text(&plan), "(station=? AND session=?)")) fail_msg("%s", buf_text(&plan));
	sqlite3_close(db);
}

/* "?2 IS NULL" alone says no type. */
static void test_what_is_optional_has_a_type(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (const char *at = texts[i]; (at = strstr(at, " IS NULL")) != NULL; at++) {
			const char *before = at;
			while (before > texts[i] && before[-1] >= '0' && before[-1] <= '9') before--;
			if (before < at && before > texts[i] && before[-1] == '?') fail_msg("%s", texts[i]);
		}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_IN_SCRATCH(test_what_is_asked_often_has_an_index),
		TEST_IN_SCRATCH(test_one_station_is_no_walk),
		cmocka_unit_test(test_what_is_optional_has_a_type),
	};
	return cmocka_run_group_tests_name("cloud/statements", tests, NULL, NULL);
}
