/* SPDX-License-Identifier: MIT */
/* Ownership, allocation and array helpers that every file uses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/param.h> /* its MIN and MAX are replaced below; others may include it later */

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
/* Each argument is evaluated once, unlike sys/param.h's: MAX(random(), least) must not give a second random number. Not
 * for constant expressions. */
#undef MIN
#undef MAX
#ifdef CPPCHECK /* which cannot read a statement in an expression (.ci/run) */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#else
#define MIN(a, b) PICK_(<, a, b, __COUNTER__)
#define MAX(a, b) PICK_(>, a, b, __COUNTER__)
#endif
#define PICK_(op, a, b, n) PICK_NAMED_(op, a, b, n)
#define PICK_NAMED_(op, a, b, n)                                                                                       \
	__extension__({                                                                                                    \
		__typeof__(1 ? (a) : (b)) a_##n = (a), b_##n = (b);                                                            \
		a_##n op b_##n ? a_##n : b_##n;                                                                                \
	})
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/* The rows of an X list, for static_assert(ROWS(LIST) == N): of an array with designators, ARRAY_LEN only tells the
 * last index, and a row that is missing before it goes unseen. */
#define ROWS(list) (0 list(ROW_ONE_))
#define ROW_ONE_(...) +1

/* AUTO(x_free) struct x *p = NULL;   frees p when it leaves scope; TAKE(p) hands it on and keeps it from that.
 * A header that declares x_free or x_done adds one DEFINE_AUTO_* line below it. */
#define AUTO(fn) __attribute__((cleanup(fn##_auto), unused)) /* clang: a guard nobody reads is used all the same */
#define TAKE(p)                                                                                                        \
	__extension__({                                                                                                    \
		__typeof__(p) take_ = (p);                                                                                     \
		(p) = NULL;                                                                                                    \
		take_;                                                                                                         \
	})
#define DEFINE_AUTO_PTR(type, fn)                                                                                      \
	static inline void fn##_auto(type **p) {                                                                           \
		if (*p) fn(*p);                                                                                                \
	}
#define DEFINE_AUTO_VAL(type, fn)                                                                                      \
	static inline void fn##_auto(type *p) { fn(p); }

/* Small fixed allocations: they abort when memory is out (the journal makes a crash harmless). Sizes that come from
 * files or the network are bounded by the caller before they get here. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *s); /* NULL stays NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
void xfree(void *p); /* free(3), usable with AUTO */
DEFINE_AUTO_PTR(char, xfree)

/* Grows ARRAY (a pointer lvalue) so that index COUNT fits; CAPACITY is its size in elements. New slots are zeroed. */
#define ARRAY_RESERVE(array, count, capacity)                                                                          \
	((array) = array_reserve((array), (count), &(capacity), sizeof((array)[0])))
void *array_reserve(void *array, size_t count, size_t *capacity, size_t size);

/* Closes *fd when it is open; usable as AUTO(fd_close) int fd = -1; */
void fd_close(int fd);
static inline void fd_close_auto(int *fd) {
	if (*fd >= 0) fd_close(*fd);
}
#define TAKE_FD(fd)                                                                                                    \
	__extension__({                                                                                                    \
		int take_ = (fd);                                                                                              \
		(fd) = -1;                                                                                                     \
		take_;                                                                                                         \
	})
