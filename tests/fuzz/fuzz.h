/* SPDX-License-Identifier: MIT */
/* A fuzz target is one file with LLVMFuzzerTestOneInput: it gives the input to a parser and checks what must hold of
 * any answer. gcc links it with fuzz_main.c (seeds and a bounded number of mutations, in TAP, part of the tests); clang
 * with -fsanitize=fuzzer (tests/fuzz/soak). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Inputs that the parser took. A target that never takes one tests nothing but refusal: fuzz_main.c fails then. */
__attribute__((weak)) unsigned long fuzz_taken;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FUZZ_CHECK(holds)                                                                                              \
	do {                                                                                                               \
		if (!(holds)) {                                                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                                 \
			abort();                                                                                                   \
		}                                                                                                              \
	} while (0)
