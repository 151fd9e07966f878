/* Numbers and times as they go into columns. What each column makes of a value: contract.conversions. */
#include "support/common.h"

#include <inttypes.h>

#include "sink/value.h"

static char *decimal(const char *number, int scale)
{
	int64_t result;
	bool exact;

	if (!value_decimal(slice_of(number), scale, &result, &exact))
		return text("no");
	return text("%" PRId64 "%s", result, exact ? "" : "+");
}

static void test_decimals(void **state)
{
	(void)state;
	assert_string_equal(decimal("0", 0), "0");
	assert_string_equal(decimal("12", 0), "12");
	assert_string_equal(decimal("-12.0", 0), "-12");
	assert_string_equal(decimal("12.5", 0), "12+");
	assert_string_equal(decimal("1.25e2", 0), "125");
	assert_string_equal(decimal("1250e-1", 0), "125");
	assert_string_equal(decimal("1255e-1", 0), "125+");
	assert_string_equal(decimal("0.000e5", 0), "0");
	assert_string_equal(decimal("1700000000.1234567", 6), "1700000000123456+");
	assert_string_equal(decimal("1234567", -3), "1234+");
	assert_string_equal(decimal("9223372036854775807", 0), "9223372036854775807");
	assert_string_equal(decimal("-9223372036854775808", 0), "-9223372036854775808");
	assert_string_equal(decimal("9223372036854775808", 0), "no");
	assert_string_equal(decimal("1e19", 0), "no");
	assert_string_equal(decimal("0e999999999", 0), "0");
	assert_string_equal(decimal("1e-999999999", 0), "0+");
	assert_string_equal(decimal("1e999999999999", 0), "no");
	assert_string_equal(decimal("", 0), "no");
	assert_string_equal(decimal("1x", 0), "no");
	assert_string_equal(decimal(" 1", 0), "no");
}

static char *again(const char *written)
{
	char out[VALUE_TIME_SIZE];
	int64_t us;

	if (!value_time(slice_of(written), &us) || !value_format_time(us, out))
		return text("no");
	return text("%s", out);
}

static void test_times(void **state)
{
	static const char *const none[] = { "", "now", "2026", "2026-02-30", "2025-02-29",
		"2026-13-01", "2026-00-01", "2026-01-00", "2026-01-32", "0000-01-01", "2026-01-01T",
		"2026-01-01T24:00", "2026-01-01T10:60", "2026-01-01T10:00:61",
		"2026-01-01T10:00:00.", "2026-01-01T10:00Zx", "2026-01-01T10:00+1",
		"2026-01-01T10:00+16:00", "2026-01-01T10:00+01:60", "2026-1-1", "2026-01-01x10:00",
		" 2026-01-01" };

	(void)state;
	assert_string_equal(again("2026-01-31"), "2026-01-31T00:00:00.000Z");
	assert_string_equal(again("2024-02-29T12:34"), "2024-02-29T12:34:00.000Z");
	assert_string_equal(again("2026-01-31 12:34:56Z"), "2026-01-31T12:34:56.000Z");
	assert_string_equal(
		again("2026-01-31T12:34:56.7891239+02:30"), "2026-01-31T10:04:56.789123Z");
	assert_string_equal(again("2026-01-31T23:00:00-0130"), "2026-02-01T00:30:00.000Z");
	assert_string_equal(again("1969-12-31T23:59:59.5z"), "1969-12-31T23:59:59.500Z");
	assert_string_equal(again("0001-01-01T00:00:00+00"), "0001-01-01T00:00:00.000Z");
	assert_string_equal(again("0001-01-01T00:00:00+01"), "no");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (strcmp(again(none[i]), "no") != 0)
			give_up("\"%s\" was taken for %s", none[i], again(none[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
