/* Durations, sizes and near misses. */
#include "support/common.h"

#include "base/units.h"

static void durations_have_units(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "0", 0 }, { "0s", 0 }, { "250ms", 250 }, { "5s", 5000 }, { "2m", 120000 },
		{ "1h", 3600000 }, { "7d", 604800000 } };
	static const char *const bad[] = { "", "5", "-5s", "5 s", "5sec", "s", "1.5s", "5S",
		"9223372036854775807d", "99999999999999999999ms", "5s ", " 5s" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(units_parse_duration(good[i].text, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (units_parse_duration(bad[i], &ms))
			fail_msg("\"%s\" was taken as a duration", bad[i]);
}

static void sizes_are_bytes(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} good[] = { { "0", 0 }, { "512", 512 }, { "512B", 512 }, { "8KiB", 8192 },
		{ "16MiB", 16777216 }, { "1GiB", 1073741824 }, { "8kB", 8000 },
		{ "2MB", 2000000 } };
	static const char *const bad[] = { "", "-1", "8kib", "8K", "1TB", "1.5MiB", "MiB" };
	int64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(units_parse_size(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (units_parse_size(bad[i], &bytes))
			fail_msg("\"%s\" was taken as a size", bad[i]);
}

static void what_is_written_can_be_read(void **state)
{
	static const int64_t values[] = { 0, 1, 999, 1000, 1500, 60000, 90000, 3600000, 86400000,
		604800000, 1024, 1000000, 16777216, INT64_MAX };
	char written[32];
	int64_t read;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		units_format_duration(values[i], written);
		assert_true(units_parse_duration(written, &read));
		assert_int_equal(read, values[i]);
		units_format_size(values[i], written);
		assert_true(units_parse_size(written, &read));
		assert_int_equal(read, values[i]);
	}
}

static void the_shortest_form_is_written(void **state)
{
	char written[32];

	(void)state;
	units_format_duration(604800000, written);
	assert_string_equal(written, "7d");
	units_format_duration(1500, written);
	assert_string_equal(written, "1500ms");
	units_format_size(16777216, written);
	assert_string_equal(written, "16MiB");
	units_format_size(1000, written);
	assert_string_equal(written, "1000");
}

static void near_misses_are_found(void **state)
{
	static const char *const names[] = { "batch", "lease", "poll_interval", "name", NULL };

	(void)state;
	assert_string_equal(units_near_miss("bacth", names), "batch");
	assert_string_equal(units_near_miss("pol_intervall", names), "poll_interval");
	assert_string_equal(units_near_miss("nam", names), "name");
	assert_null(units_near_miss("retention", names));
	assert_null(units_near_miss("", names));
	assert_null(units_near_miss(
		"a word that is far longer than any name that any table would ever have", names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(sizes_are_bytes),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(the_shortest_form_is_written),
		cmocka_unit_test(near_misses_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
