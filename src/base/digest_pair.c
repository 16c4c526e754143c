/* SPDX-License-Identifier: MIT */
/* Two SHA-256 states over one stream (FIPS 180-4), by the SHA extensions (Intel SDM: SHA256RNDS2, SHA256MSG1, MSG2).
 *
 * Invariants: both states were last set at a multiple of 64 bytes of the stream, so that `tail`, the bytes after the
 * last whole block, is the same for both; part_bytes and whole_bytes count what each has taken, tail included. */
#include "base/digest_pair.h"

#include <endian.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#define BLOCK 64

struct digest_pair {
	struct digest *whole_evp, *part_evp; /* the portable form; NULL: the states below */
	uint32_t whole[8], part[8];
	uint64_t whole_bytes, part_bytes;
	uint8_t tail[BLOCK];
	size_t tail_n;
};

static const uint32_t initial[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

#if defined(__x86_64__)
static const uint32_t round_constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7,
	0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
	0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c,
	0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static bool has_sha(void) {
	unsigned a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3)) return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* The instructions keep a state as ABEF and CDGH. */
struct lanes {
	__m128i abef, cdgh;
};

__attribute__((target("sha,sse4.1,ssse3"))) static struct lanes lanes_load(const uint32_t s[8]) {
	__m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)s), 0xB1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(s + 4)), 0x1B);
	return (struct lanes){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xF0)};
}

__attribute__((target("sha,sse4.1,ssse3"))) static void lanes_store(uint32_t s[8], struct lanes l) {
	__m128i feba = _mm_shuffle_epi32(l.abef, 0x1B), dchg = _mm_shuffle_epi32(l.cdgh, 0xB1);
	_mm_storeu_si128((__m128i *)s, _mm_blend_epi16(feba, dchg, 0xF0));
	_mm_storeu_si128((__m128i *)(s + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Four rounds of both states with the schedule's words m[i], and the words for sixteen rounds later in their place. */
#define ROUNDS(i, schedule)                                                                                            \
	do {                                                                                                               \
		__m128i w = _mm_add_epi32(m[(i) % 4], _mm_loadu_si128((const __m128i *)(round_constants + 4 * (i))));          \
		a.cdgh = _mm_sha256rnds2_epu32(a.cdgh, a.abef, w);                                                             \
		b.cdgh = _mm_sha256rnds2_epu32(b.cdgh, b.abef, w);                                                             \
		w = _mm_shuffle_epi32(w, 0x0E);                                                                                \
		a.abef = _mm_sha256rnds2_epu32(a.abef, a.cdgh, w);                                                             \
		b.abef = _mm_sha256rnds2_epu32(b.abef, b.cdgh, w);                                                             \
		if (schedule) {                                                                                                \
			__m128i x = _mm_sha256msg1_epu32(m[(i) % 4], m[((i) + 1) % 4]);                                            \
			x = _mm_add_epi32(x, _mm_alignr_epi8(m[((i) + 3) % 4], m[((i) + 2) % 4], 4));                              \
			m[(i) % 4] = _mm_sha256msg2_epu32(x, m[((i) + 3) % 4]);                                                    \
		}                                                                                                              \
	} while (0)
#define SIXTEEN_ROUNDS(i, schedule)                                                                                    \
	do {                                                                                                               \
		ROUNDS(i, schedule);                                                                                           \
		ROUNDS((i) + 1, schedule);                                                                                     \
		ROUNDS((i) + 2, schedule);                                                                                     \
		ROUNDS((i) + 3, schedule);                                                                                     \
	} while (0)

__attribute__((target("sha,sse4.1,ssse3"))) static void take_blocks(
	uint32_t whole[8], uint32_t part[8], const uint8_t *bytes, size_t blocks) {
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	struct lanes a = lanes_load(whole), b = lanes_load(part);
	for (; blocks; blocks--, bytes += BLOCK) {
		const struct lanes a0 = a, b0 = b;
		__m128i m[4];
		for (int i = 0; i < 4; i++) {
			m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * i)), big_endian);
		}
		SIXTEEN_ROUNDS(0, true);
		SIXTEEN_ROUNDS(4, true);
		SIXTEEN_ROUNDS(8, true);
		SIXTEEN_ROUNDS(12, false);
		a = (struct lanes){_mm_add_epi32(a.abef, a0.abef), _mm_add_epi32(a.cdgh, a0.cdgh)};
		b = (struct lanes){_mm_add_epi32(b.abef, b0.abef), _mm_add_epi32(b.cdgh, b0.cdgh)};
	}
	lanes_store(whole, a);
	lanes_store(part, b);
}
#else
static bool has_sha(void) { return false; }
static void take_blocks(uint32_t whole[8], uint32_t part[8], const uint8_t *bytes, size_t blocks) {
	(void)whole, (void)part, (void)bytes, (void)blocks;
}
#endif

/* --- the stream --- */

struct digest_pair *digest_pair_new_portable(void) {
	struct digest_pair *p = xcalloc(1, sizeof *p);
	p->whole_evp = digest_new();
	p->part_evp = digest_new();
	return p;
}

struct digest_pair *digest_pair_new(void) {
	if (!has_sha()) return digest_pair_new_portable();
	struct digest_pair *p = xcalloc(1, sizeof *p);
	memcpy(p->whole, initial, sizeof initial);
	memcpy(p->part, initial, sizeof initial);
	return p;
}

void digest_pair_free(struct digest_pair *p) {
	if (!p) return;
	digest_free(p->whole_evp);
	digest_free(p->part_evp);
	xfree(p);
}

void digest_pair_add(struct digest_pair *p, const void *bytes, size_t n) {
	const uint8_t *at = bytes;
	p->whole_bytes += n;
	p->part_bytes += n;
	if (p->whole_evp) {
		digest_add(p->whole_evp, bytes, n);
		digest_add(p->part_evp, bytes, n);
		return;
	}
	if (p->tail_n) {
		size_t take = MIN(n, BLOCK - p->tail_n);
		memcpy(p->tail + p->tail_n, at, take);
		p->tail_n += take;
		at += take;
		n -= take;
		if (p->tail_n < BLOCK) return;
		take_blocks(p->whole, p->part, p->tail, 1);
		p->tail_n = 0;
	}
	take_blocks(p->whole, p->part, at, n / BLOCK);
	p->tail_n = n % BLOCK;
	if (p->tail_n) memcpy(p->tail, at + n - p->tail_n, p->tail_n);
}

/* Padding: a one, zeros, the length in bits (FIPS 180-4, 5.1.1). The state is a copy: the other one goes on. */
static void end_state(const struct digest_pair *p, const uint32_t state[8], uint64_t bytes, struct sha256 *ret) {
	uint32_t last[8], unused[8] = {0};
	uint8_t padded[2 * BLOCK] = {0};
	size_t blocks = p->tail_n + 9 <= BLOCK ? 1 : 2;
	uint64_t bits = htobe64(bytes * 8);
	memcpy(last, state, sizeof last);
	if (p->tail_n) memcpy(padded, p->tail, p->tail_n);
	padded[p->tail_n] = 0x80;
	memcpy(padded + blocks * BLOCK - sizeof bits, &bits, sizeof bits);
	take_blocks(last, unused, padded, blocks);
	for (int i = 0; i < 8; i++) {
		uint32_t word = htobe32(last[i]);
		memcpy(ret->bytes + 4 * i, &word, sizeof word);
	}
}

void digest_pair_end_part(struct digest_pair *p, struct sha256 *ret) {
	if (p->part_evp) digest_end(p->part_evp, ret);
	else end_state(p, p->part, p->part_bytes, ret);
	memcpy(p->part, initial, sizeof initial);
	p->part_bytes = 0;
}

void digest_pair_end(struct digest_pair *p, struct sha256 *ret) {
	if (p->whole_evp) digest_end(p->whole_evp, ret);
	else end_state(p, p->whole, p->whole_bytes, ret);
}
