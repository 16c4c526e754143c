/* SPDX-License-Identifier: MIT */
/* Loops of system headers, which cppcheck does not read, in the form that it follows. */
#define TAILQ_FOREACH(v, h, f) for ((v) = (h)->tqh_first; (v); (v) = (v)->f.tqe_next)
#define cJSON_ArrayForEach(e, a) for ((e) = (a)->child; (e); (e) = (e)->next)
#define LIST_FOREACH(v, h, f) for ((v) = (h)->lh_first; (v); (v) = (v)->f.le_next)
#define TAILQ_HEAD(name, type) struct name { struct type *tqh_first, **tqh_last; }
#define LIST_HEAD(name, type) struct name { struct type *lh_first; }
