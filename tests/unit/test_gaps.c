/*
 * Gaps in the ids: when one is closed, and that no row in it is lost. At the end, simulated transactions
 * draw ids, commit late and roll back between the steps of a reader.
 */
#include "support/common.h"

#include "relay/gaps.h"

static bool is_open(const struct gaps *gaps, int64_t id)
{
	for (size_t i = 0; i < gaps->count; i++)
		if (gaps->ranges[i].low <= id && id <= gaps->ranges[i].high)
			return true;
	return false;
}

static void holders(struct gaps *gaps, size_t count, ...)
{
	uint64_t list[8];
	va_list arguments;

	va_start(arguments, count);
	for (size_t i = 0; i < count; i++)
		list[i] = (uint64_t)va_arg(arguments, int);
	va_end(arguments);
	gaps_holders(gaps, list, count);
}

static void test_nobody_holds_it(void **state)
{
	struct gaps gaps = { 0 };

	(void)state;
	gaps_add(&gaps, 5, 9);
	gaps_looked(&gaps); /* of a look that was made before anybody was asked */
	assert_true(is_open(&gaps, 5) && is_open(&gaps, 9));
	assert_false(is_open(&gaps, 4) || is_open(&gaps, 10));
	holders(&gaps, 0);
	assert_true(is_open(&gaps, 7)); /* one more look decides */
	gaps_looked(&gaps);
	assert_int_equal(gaps.count, 0);
	assert_null(gaps.groups);
	gaps_clear(&gaps);
}

static void test_a_holder_keeps_it_open(void **state)
{
	struct gaps gaps = { 0 };

	(void)state;
	gaps_add(&gaps, 5, 5);
	for (int i = 0; i < 5; i++) {
		holders(&gaps, 2, 7, 8);
		gaps_looked(&gaps);
		assert_true(is_open(&gaps, 5));
	}
	holders(&gaps, 1, 8);
	gaps_looked(&gaps);
	assert_true(is_open(&gaps, 5));
	/* Who came after the gap was seen cannot have drawn its ids. */
	holders(&gaps, 2, 9, 10);
	assert_true(is_open(&gaps, 5));
	gaps_looked(&gaps);
	assert_int_equal(gaps.count, 0);
	gaps_clear(&gaps);
}

/* A look that came before the question does not close it, however often. */
static void test_a_look_without_a_question(void **state)
{
	struct gaps gaps = { 0 };

	(void)state;
	gaps_add(&gaps, 1, 3);
	for (int i = 0; i < 3; i++)
		gaps_looked(&gaps);
	assert_true(is_open(&gaps, 2));
	holders(&gaps, 1, 1);
	gaps_looked(&gaps);
	gaps_looked(&gaps);
	assert_true(is_open(&gaps, 2));
	gaps_clear(&gaps);
}

/* A gap that was seen after the question belongs to the next one. */
static void test_a_gap_seen_after_the_question(void **state)
{
	struct gaps gaps = { 0 };

	(void)state;
	gaps_add(&gaps, 1, 3);
	holders(&gaps, 0);
	gaps_add(&gaps, 5, 6);
	gaps_looked(&gaps);
	assert_false(is_open(&gaps, 2));
	assert_true(is_open(&gaps, 5));
	holders(&gaps, 1, 4);
	gaps_looked(&gaps);
	assert_true(is_open(&gaps, 5));
	holders(&gaps, 0);
	gaps_looked(&gaps);
	assert_int_equal(gaps.count, 0);
	gaps_clear(&gaps);
}

static void test_what_comes_is_taken_out(void **state)
{
	struct gaps gaps = { 0 };

	(void)state;
	gaps_add(&gaps, 10, 20);
	gaps_add(&gaps, 30, 30);
	assert_false(gaps_fill(&gaps, 9));
	assert_false(gaps_fill(&gaps, 21));
	assert_true(gaps_fill(&gaps, 15));
	assert_false(gaps_fill(&gaps, 15));
	assert_true(is_open(&gaps, 14) && is_open(&gaps, 16));
	assert_int_equal(gaps.count, 3);
	assert_true(gaps_fill(&gaps, 10));
	assert_true(gaps_fill(&gaps, 20));
	assert_int_equal(gaps.count, 3);
	assert_true(gaps_fill(&gaps, 30));
	assert_int_equal(gaps.count, 2);
	for (int64_t id = 11; id < 20; id++)
		assert_int_equal(gaps_fill(&gaps, id), id != 15);
	assert_int_equal(gaps.count, 0);
	gaps_clear(&gaps);
}

/* Where a part of it came, the rest still waits for the same transactions. */
static void test_the_rest_keeps_its_holders(void **state)
{
	struct gaps gaps = { 0 };

	(void)state;
	gaps_add(&gaps, 10, 20);
	holders(&gaps, 1, 3);
	gaps_looked(&gaps);
	gaps_fill(&gaps, 15);
	holders(&gaps, 2, 3, 4);
	gaps_looked(&gaps);
	assert_true(is_open(&gaps, 10) && is_open(&gaps, 20));
	holders(&gaps, 1, 4);
	gaps_looked(&gaps);
	assert_int_equal(gaps.count, 0);
	gaps_clear(&gaps);
}

static void test_an_empty_range(void **state)
{
	struct gaps gaps = { 0 };

	(void)state;
	gaps_add(&gaps, 5, 4);
	assert_int_equal(gaps.count, 0);
	gaps_add(&gaps, INT64_MIN + 1, 0); /* before the first row ever read */
	assert_true(gaps_fill(&gaps, -5));
	assert_true(is_open(&gaps, INT64_MIN + 1) && is_open(&gaps, 0));
	gaps_clear(&gaps);
}

static void test_the_cap(void **state)
{
	struct gaps gaps = { 0 };

	(void)state;
	for (int64_t i = 0; i < GAPS_CAP; i++)
		gaps_add(&gaps, i * 10, i * 10 + 2);
	assert_int_equal(gaps.count, GAPS_CAP);
	assert_false(gaps.overflowed);
	gaps_add(&gaps, GAPS_CAP * 10, GAPS_CAP * 10);
	assert_int_equal(gaps.count, GAPS_CAP);
	assert_true(gaps.overflowed);
	assert_false(is_open(&gaps, 0)); /* the sweep's */
	assert_true(is_open(&gaps, 10) && is_open(&gaps, GAPS_CAP * 10));
	for (int64_t i = 1; i < GAPS_CAP; i++)
		assert_true(gaps_fill(&gaps, i * 10 + 1)); /* each becomes two */
	assert_in_range(gaps.count, GAPS_CAP, 2 * GAPS_CAP);
	holders(&gaps, 0);
	gaps_looked(&gaps);
	assert_int_equal(gaps.count, 0);
	assert_false(gaps.overflowed);
	gaps_clear(&gaps);
}

/*
 * --- The model: the reader of outbox_postgres.c over a simulated table. ---
 */
#define WRITERS 9
#define ROWS	4000
#define NOBODY	0

enum fate { UNDRAWN, DRAWN, THERE, GONE };

struct model {
	struct gaps gaps;
	uint32_t random;
	enum fate table[ROWS + 2];
	bool seen[ROWS + 2];
	int64_t drawn, cursor;
	struct {
		uint64_t transaction; /* 0: none open */
		int64_t ids[4];
		size_t count;
	} writers[WRITERS];
	uint64_t transactions;
	size_t late;
};

static uint32_t chance_of(struct model *m, uint32_t of)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 17;
	m->random ^= m->random << 5;
	return m->random % of;
}

static void writer_step(struct model *m, size_t which, bool drawing)
{
	uint64_t *transaction = &m->writers[which].transaction;
	size_t *count = &m->writers[which].count;

	if (*transaction && (!drawing || *count == 4 || chance_of(m, 4) == 0)) {
		enum fate fate = chance_of(m, 4) ? THERE : GONE;
		for (size_t i = 0; i < *count; i++)
			m->table[m->writers[which].ids[i]] = fate;
		*transaction = NOBODY;
		*count = 0;
		return;
	}
	if (!*transaction && drawing)
		*transaction = ++m->transactions; /* the lock comes before the id */
	else if (drawing && m->drawn < ROWS) {
		m->table[++m->drawn] = DRAWN;
		m->writers[which].ids[(*count)++] = m->drawn;
	}
}

/* Writers work on between any two steps of the reader. */
static void meanwhile(struct model *m, bool drawing)
{
	for (uint32_t steps = chance_of(m, 8); steps > 0; steps--)
		writer_step(m, chance_of(m, WRITERS), drawing);
}

static void see(struct model *m, int64_t id)
{
	assert_false(m->seen[id]);
	m->seen[id] = true;
}

static void ask_holders(struct model *m)
{
	uint64_t list[WRITERS];
	size_t count = 0;

	for (size_t i = 0; i < WRITERS; i++)
		if (m->writers[i].transaction)
			list[count++] = m->writers[i].transaction;
	gaps_holders(&m->gaps, list, count);
}

/* One snapshot: what is in the gaps, then new rows. */
static void read_once(struct model *m)
{
	bool cut = chance_of(m, 10) == 0;
	size_t limit = 1 + chance_of(m, 20);

	for (int64_t id = 1; id <= m->cursor; id++)
		if (m->table[id] == THERE && !m->seen[id] && is_open(&m->gaps, id)) {
			if (cut && limit-- == 0)
				return; /* did not fit: nothing above, and this was no look */
			see(m, id);
			m->late += gaps_fill(&m->gaps, id);
		}
	gaps_looked(&m->gaps);
	int64_t last = m->cursor;
	for (int64_t id = m->cursor + 1; id <= m->drawn && limit > 0; id++)
		if (m->table[id] == THERE) {
			gaps_add(&m->gaps, last + 1, id - 1);
			see(m, id);
			m->cursor = last = id;
			limit--;
		}
}

static void reader_step(struct model *m, bool drawing)
{
	meanwhile(m, drawing);
	if (m->gaps.count > 0)
		ask_holders(m);
	meanwhile(m, drawing);
	read_once(m);
}

static void test_the_model(void **state)
{
	static struct model m;

	(void)state;
	for (uint32_t run = 1; run <= 60; run++) {
		m = (struct model){ .random = 2654435761u * run };
		while (m.drawn < ROWS)
			reader_step(&m, true);
		for (int i = 0; i < 2000; i++)
			reader_step(&m, false);
		for (int64_t id = 1; id <= ROWS; id++)
			if (m.seen[id] != (m.table[id] == THERE))
				give_up("run %u: row %lld of %lld is %s", run, (long long)id,
					(long long)m.cursor, m.seen[id] ? "not there" : "lost");
		assert_int_equal(m.gaps.count, 0);
		assert_true(m.late > 100);
		gaps_clear(&m.gaps);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_holds_it),
		cmocka_unit_test(test_a_holder_keeps_it_open),
		cmocka_unit_test(test_a_look_without_a_question),
		cmocka_unit_test(test_a_gap_seen_after_the_question),
		cmocka_unit_test(test_what_comes_is_taken_out),
		cmocka_unit_test(test_the_rest_keeps_its_holders),
		cmocka_unit_test(test_an_empty_range),
		cmocka_unit_test(test_the_cap),
		cmocka_unit_test(test_the_model),
	};

	return cmocka_run_group_tests_name("gaps", tests, NULL, NULL);
}
