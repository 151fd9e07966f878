/* The map, the bell, the arena, the buffer, base64, hexadecimal digits and the hash. */
#include "support/common.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/hex.h"
#include "base/bell.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"

/* --- map --- */

#define MODEL 5000

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Keys that look alike where it hurts: ids in a row, multiples, and such that differ in the high half only. */
static uint64_t awkward_key(size_t which)
{
	switch (which % 4) {
	case 0:
		return which;
	case 1:
		return (uint64_t)which << 32;
	case 2:
		return (uint64_t)which << 20;
	default:
		return UINT64_MAX - which;
	}
}

static void check_all(const struct map *map, const uint64_t *model, size_t expected)
{
	uint64_t value, sum = 0, wanted = 0;
	size_t seen = 0;

	assert_int_equal(map->count, expected);
	for (size_t at = 0; map_next(map, &at, &value); seen++)
		sum += value;
	assert_int_equal(seen, expected);
	for (size_t i = 0; i < MODEL; i++) {
		bool there = map_get(map, awkward_key(i), &value);
		assert_int_equal(there, model[i] != 0);
		if (there)
			assert_true(value == model[i]);
		wanted += model[i];
	}
	assert_true(sum == wanted);
}

static void test_map_against_a_model(void **state)
{
	static uint64_t model[MODEL];
	uint64_t seed = 88172645463325252u, count = 0;
	struct map map = { 0 };

	(void)state;
	for (int step = 0; step < 200000; step++) {
		size_t which = next_random(&seed) % MODEL;
		/* It grows for a while, then shrinks. */
		bool put = next_random(&seed) % 100 < (step / 20000 % 2 ? 25u : 75u);
		if (put) {
			uint64_t value = 1 + next_random(&seed) % 1000000;
			map_put(&map, awkward_key(which), value);
			count += model[which] == 0;
			model[which] = value;
		} else {
			assert_int_equal(map_remove(&map, awkward_key(which)), model[which] != 0);
			count -= model[which] != 0;
			model[which] = 0;
		}
		if (step % 5000 == 0)
			check_all(&map, model, count);
	}
	check_all(&map, model, count);
	map_finish(&map);
	assert_int_equal(map.count, 0);
}

static void test_map_empty_and_large(void **state)
{
	struct map map = { 0 };
	uint64_t value = 7;
	size_t at = 0;

	(void)state;
	assert_false(map_get(&map, 1, &value));
	assert_false(map_remove(&map, 1));
	assert_false(map_next(&map, &at, &value));
	assert_int_equal(value, 7);
	assert_null(map_get_pointer(&map, 1));
	for (uint64_t key = 0; key < 200000; key++)
		map_put(&map, key, key + 1);
	for (uint64_t key = 0; key < 200000; key++) {
		assert_true(map_get(&map, key, &value) && value == key + 1);
		assert_true(map_remove(&map, key));
	}
	assert_int_equal(map.count, 0);
	assert_int_equal(map.room, 0); /* a backlog's memory is given back */
	map_put(&map, 5, 6);
	map_put(&map, 5, 7);
	assert_int_equal(map.count, 1);
	assert_true(map_get(&map, 5, &value) && value == 7);
	map_finish(&map);
}

/* --- bell --- */

static void test_bell_remembers(void **state)
{
	struct bell bell;

	(void)state;
	assert_true(bell_init(&bell));
	bell_ring(&bell);
	bell_ring(&bell);
	int64_t began = now_ms();
	assert_true(bell_wait(&bell, -1, 5000));
	assert_true(now_ms() - began < patience(1000));
	/* Both rings are over: nothing is left to wake the next wait. */
	began = now_ms();
	assert_false(bell_wait(&bell, -1, 50));
	assert_true(now_ms() - began >= 45);
	assert_false(bell_wait(&bell, -1, 0));
	assert_false(bell_wait(&bell, -1, -5));
	bell_finish(&bell);
}

static void test_bell_other_descriptor(void **state)
{
	struct bell bell;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_true(bell_init(&bell));
	assert_int_equal(write(ends[1], "x", 1), 1);
	int64_t began = now_ms();
	assert_false(bell_wait(&bell, ends[0], 5000));
	assert_true(now_ms() - began < patience(1000));
	bell_ring(&bell);
	assert_true(bell_wait(&bell, ends[0], 5000));
	close(ends[0]);
	close(ends[1]);
	bell_finish(&bell);
}

#define ROUNDS 40000

struct table_tennis {
	struct bell here, there;
	_Atomic long ball;
};

/* A wait may end early for a ring that was heard already, but never late. */
static bool is_lost(struct bell *bell, const _Atomic long *ball, long wanted)
{
	int64_t began = now_ms();

	return !bell_wait(bell, -1, 10000) && *ball != wanted && now_ms() - began >= 9000;
}

static void *strike_back(void *context)
{
	struct table_tennis *game = context;

	for (long round = 0; round < ROUNDS; round++) {
		while (game->ball != 2 * round + 1)
			if (is_lost(&game->there, &game->ball, 2 * round + 1))
				return "a ring was lost there";
		game->ball++;
		bell_ring(&game->here);
	}
	return NULL;
}

/* No ring is lost, however the two meet. */
static void test_bell_between_threads(void **state)
{
	static struct table_tennis game;
	const char *lost = NULL;
	pthread_t other;

	(void)state;
	assert_true(bell_init(&game.here) && bell_init(&game.there));
	assert_int_equal(pthread_create(&other, NULL, strike_back, &game), 0);
	for (long round = 0; round < ROUNDS && !lost; round++) {
		game.ball++;
		bell_ring(&game.there);
		while (!lost && game.ball != 2 * round + 2)
			if (is_lost(&game.here, &game.ball, 2 * round + 2))
				lost = "a ring was lost here";
	}
	void *other_lost;
	pthread_join(other, &other_lost);
	if (lost || other_lost)
		give_up("%s", lost ? lost : (const char *)other_lost);
	bell_finish(&game.here);
	bell_finish(&game.there);
}

/* --- arena --- */

static void test_arena(void **state)
{
	struct arena arena;
	unsigned char *pieces[3000];
	size_t sizes[3000];

	(void)state;
	arena_init(&arena);
	srand(3);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 3000; i++) {
			sizes[i] = i % 500 == 0 ? 100000 + i : (size_t)(rand() % 200);
			pieces[i] = arena_new(&arena, sizes[i]);
			assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
			memset(pieces[i], (int)(i % 251), sizes[i]);
		}
		for (size_t i = 0; i < 3000; i++) /* nothing was overwritten or moved */
			for (size_t j = 0; j < sizes[i]; j++)
				assert_int_equal(pieces[i][j], i % 251);
		assert_true(arena.used > 600000);
		arena_reset(&arena);
		assert_int_equal(arena.used, 0);
	}
	char *copy = arena_copy(&arena, "a\0b", 3);
	assert_memory_equal(copy, "a\0b\0", 4);
	assert_string_equal(arena_copy(&arena, NULL, 0), "");
	arena_finish(&arena);
	arena_reset(&arena); /* of nothing */
	assert_string_equal(arena_copy(&arena, "again", 5), "again");
	arena_finish(&arena);
}

/* --- buf --- */

static void test_buf(void **state)
{
	struct buf buf = { 0 };
	char *expected = keep(calloc(1, 200001));

	(void)state;
	buf_clear(&buf); /* of nothing */
	buf_add(&buf, NULL, 0);
	assert_string_equal(buf.data, "");
	for (size_t i = 0; i < 200000; i++) {
		char c = (char)(i * 7 % 256);
		buf_add_char(&buf, c);
		expected[i] = c;
		assert_int_equal(buf.data[buf.size], 0);
	}
	assert_int_equal(buf.size, 200000);
	assert_memory_equal(buf.data, expected, 200001);
	buf_clear(&buf);
	assert_string_equal(buf.data, "");
	/* Each length around the first sizes it grows to. */
	for (int length = 0; length < 300; length++) {
		struct buf one = { 0 };
		buf_format(&one, "%0*d", length, 0);
		buf_format(&one, "%s", "end");
		assert_int_equal(one.size, (length ? length : 1) + 3);
		assert_int_equal(strlen(one.data), one.size);
		assert_string_equal(one.data + one.size - 3, "end");
		buf_finish(&one);
	}
	buf_add_u32(&buf, 0x01020304);
	buf_add_u64(&buf, 0x05060708090a0b0cULL);
	assert_int_equal(buf.size, 12);
	for (int i = 0; i < 12; i++)
		assert_int_equal(buf.data[i], i + 1);
	buf_add_slice(&buf, (struct slice){ 0 });
	buf_add_text(&buf, "");
	assert_int_equal(buf.size, 12);
	buf_finish(&buf);
	assert_null(buf.data);
}

/* --- base64 --- */

static void codes(const char *plain, const char *encoded)
{
	struct buf out = { 0 }, back = { 0 };

	buf_add_text(&out, "");
	base64_encode(slice_of(plain), &out);
	assert_string_equal(out.data, encoded);
	buf_add_text(&back, "");
	assert_true(base64_decode(encoded, &back));
	assert_string_equal(back.data, plain);
	buf_finish(&out);
	buf_finish(&back);
}

static void test_base64(void **state)
{
	static const char *const bad[] = { "A", "AA", "AAA", "A===", "====", "=AAA", "AA=A",
		"AAA=AAAA", "AAAAA", "AAA-", "AA_A", "AA A", "AAA\n", "\xff\xff\xff\xff",
		"Zg==Zg==" };
	struct buf out = { 0 }, back = { 0 };
	unsigned char bytes[300];

	(void)state;
	codes("", ""); /* RFC 4648, section 10 */
	codes("f", "Zg==");
	codes("fo", "Zm8=");
	codes("foo", "Zm9v");
	codes("foob", "Zm9vYg==");
	codes("fooba", "Zm9vYmE=");
	codes("foobar", "Zm9vYmFy");
	codes("\xfb\xff\xfe", "+//+");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_decode(bad[i], &out))
			give_up("'%s' was taken", bad[i]);
	for (size_t size = 0; size < sizeof(bytes); size++) {
		for (size_t i = 0; i < size; i++)
			bytes[i] = (unsigned char)(i * 31 + size * 7);
		buf_clear(&out);
		buf_clear(&back);
		base64_encode((struct slice){ (char *)bytes, size }, &out);
		assert_int_equal(out.size, (size + 2) / 3 * 4);
		assert_true(base64_decode(out.size ? out.data : "", &back));
		assert_int_equal(back.size, size);
		if (size)
			assert_memory_equal(back.data, bytes, size);
	}
	buf_finish(&out);
	buf_finish(&back);
}

/* --- hash --- */

static void test_hash(void **state)
{
	struct map seen = { 0 };
	size_t ones[64] = { 0 }, count = 200000;
	char key[40];
	uint64_t other;

	(void)state;
	assert_true(hash_bytes("", 0, 0) != hash_bytes("\0", 1, 0));
	assert_true(hash_bytes("\0", 1, 0) != hash_bytes("\0\0", 2, 0));
	assert_true(hash_bytes("abcdefgh", 8, 0) != hash_bytes("abcdefgh", 8, 1));
	assert_true(hash_bytes("abcdefgh12345678", 16, 0) != hash_bytes("12345678abcdefgh", 16, 0));
	/* Where the bytes lie does not matter. */
	assert_true(hash_bytes(&"xabcdefghij"[1], 10, 0) == hash_bytes("abcdefghij", 10, 0));
	for (size_t i = 0; i < count; i++) {
		int size = snprintf(key, sizeof(key), "customer-%zu", i);
		uint64_t hash = hash_bytes(key, (size_t)size, 0);
		if (map_get(&seen, hash, &other))
			give_up("customer-%zu and customer-%llu have one hash", i,
				(unsigned long long)other);
		map_put(&seen, hash, i);
		for (int bit = 0; bit < 64; bit++)
			ones[bit] += hash >> bit & 1;
	}
	for (int bit = 0; bit < 64; bit++)
		assert_in_range(ones[bit], count * 49 / 100, count * 51 / 100);
	map_finish(&seen);
}

static void test_hex(void **state)
{
	unsigned char bytes[256];
	struct buf out = { 0 };
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)i;
	const struct slice all = { (char *)bytes, sizeof(bytes) };
	hex_encode(all, &out);
	assert_int_equal(out.size, 512);
	assert_memory_equal(out.data, "000102030405060708090a0b", 24);
	assert_true(slice_equal(hex_decode(out.data, &arena), all));
	assert_true(slice_equal(hex_decode("00fFAb", &arena), SLICE("\0\xff\xab")));
	assert_int_equal(hex_decode("", &arena).size, 0);
	assert_int_equal(hex_decode(NULL, &arena).size, 0);
	buf_clear(&out);
	hex_encode(SLICE(""), &out);
	assert_string_equal(out.data, "");
	buf_finish(&out);
	arena_finish(&arena);
}

static void test_random_names(void **state)
{
	char a[33], b[33];

	(void)state;
	memset(a, 'z', sizeof(a));
	hash_random_hex(a, 16);
	hash_random_hex(b, 16);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_against_a_model),
		cmocka_unit_test(test_map_empty_and_large),
		cmocka_unit_test(test_bell_remembers),
		cmocka_unit_test(test_bell_other_descriptor),
		cmocka_unit_test(test_bell_between_threads),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_random_names),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
