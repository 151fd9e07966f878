#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/slice.h"

/*
 * A target is one fuzz_NAME.c with this function: it gives foreign bytes to one part of src/ and states
 * what must hold of the outcome. data has no byte more than size, so that reading on is noticed.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold. Ends the process otherwise, so that the fuzzer keeps the input. */
#define must(condition) \
	((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition, (struct slice){ 0 }))
/* The same, showing some text. */
#define must_of(text, condition) \
	((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition, text))
void fuzz_broken(const char *file, int line, const char *condition, struct slice text)
	__attribute__((noreturn));

/* A copy with a NUL behind, which the caller frees. */
char *fuzz_text(const uint8_t *data, size_t size);

/* Splits at the first such byte: what stands behind it, data NULL where it is missing. */
struct slice fuzz_cut(struct slice *head, char at);

/* Whether bytes are UTF-8, by the JSON library. */
bool fuzz_is_utf8(struct slice text);

/* Whether part lies within whole. */
bool fuzz_within(struct slice part, struct slice whole);

/* Digits and nothing else, as a number that fits; -1 otherwise. */
int64_t fuzz_number(struct slice text);

#endif
