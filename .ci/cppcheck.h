/* SPDX-License-Identifier: MIT */
/* Loops of system headers, which cppcheck does not read, in the form that it follows. */
#define TAILQ_FOREACH(v, h, f) for ((v) = (h)->tqh_first; (v); (v) = (v)->f.tqe_next)
#define cJSON_ArrayForEach(e, a) for ((e) = (a)->child; (e); (e) = (e)->next)
