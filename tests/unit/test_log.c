/* Log lines: whatever the text holds, each is one line, and in JSON one object; nothing gets lost on its way. */
#include "support/common.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/utf8.h"

static int former;

/* From now on what goes to stderr goes to a file. */
static char *catch (void)
{
	char *path = scratch_path("caught");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	former = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return path;
}

static char *caught(const char *path)
{
	dup2(former, STDERR_FILENO);
	close(former);
	return file_read(path);
}

static const char *const hostile[] = {
	"two\nlines, a \r return and \x1b[2J an escape",
	"quotes \" and \\ backslashes \\n, \x7f delete",
	"no UTF-8: \xff \xc3( \xe2\x82 \xed\xa0\x80 \xc0\xaf \xf5\x80\x80\x80 and its end \xe2\x82",
	"\xc2\x85 next line, \xe2\x80\xa8 line separator, \xe2\x80\xae turned around",
	"good: \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
	"",
};

static void log_all(bool json)
{
	log_setup(json, LOG_INFO);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		log_warning(i % 2 ? "shop" : NULL, "%s", hostile[i]);
	log_debug(NULL, "not this one");
}

static void test_json_lines(void **state)
{
	char *path = catch (), *rest, *line;
	size_t count = 0;

	(void)state;
	log_all(true);
	for (rest = caught(path); (line = strsep(&rest, "\n")) && *line; count++) {
		json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *pipeline = json_string_value(json_object_get(object, "pipeline"));
		assert_non_null(json_string_value(json_object_get(object, "message")));
		assert_string_equal(json_string_value(json_object_get(object, "level")), "warning");
		assert_int_equal(strlen(json_string_value(json_object_get(object, "time"))), 24);
		assert_string_equal(pipeline ? pipeline : "none", count % 2 ? "shop" : "none");
		json_decref(object);
	}
	assert_int_equal(count, sizeof(hostile) / sizeof(hostile[0]));
}

static bool is_printable(const char *text)
{
	unsigned character;

	for (size_t size; *text; text += size) {
		size = utf8_first(slice_of(text), &character);
		if (size == 0 || (character != '\n' && character < ' ') ||
			(character >= 0x7f && character < 0xa0) || character == 0x2028 ||
			character == 0x202e)
			return false;
	}
	return true;
}

static void test_text_lines(void **state)
{
	char *path = catch ();

	(void)state;
	log_all(false);
	char *text = caught(path);
	assert_true(is_printable(text));
	assert_int_equal(occurrences(text, "\n"), sizeof(hostile) / sizeof(hostile[0]));
	assert_contains(text, "warning two\\x0alines, a \\x0d return and \\x1b[2J an escape\n");
	assert_contains(text, "warning shop: quotes \" and \\ backslashes \\n, \\x7f delete\n");
	assert_contains(text, "\\xff \\xc3( \\xe2\\x82 \\xed\\xa0\\x80 \\xc0\\xaf");
	assert_contains(text, "\\u0085 next line, \\u2028 line separator, \\u202e turned around");
	assert_contains(text, "good: \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\n");
}

/* Cut in the middle of a character, too. */
static void test_long_texts(void **state)
{
	char *path = catch (), *rest, *line;
	char *longest = keep(malloc(5000));

	(void)state;
	for (size_t i = 0; i < 4998; i++)
		longest[i] = "\xc3\xa4"[i % 2];
	longest[4998] = '\0';
	log_setup(true, LOG_INFO);
	for (int i = 0; i < 4; i++)
		log_error(NULL, "%.*s%s", i, "aaaa", longest);
	size_t count = 0;
	for (rest = caught(path); (line = strsep(&rest, "\n")) && *line; count++) {
		json_t *object = json_loads(line, 0, NULL);
		const char *message = json_string_value(json_object_get(object, "message"));
		assert_non_null(message);
		assert_contains(message, "...");
		json_decref(object);
	}
	assert_int_equal(count, 4);
}

static void *chatter(void *context)
{
	for (int i = 0; i < 300; i++)
		log_info(context, "%s%0*d", "\"\"\"\"", 1400, i);
	return NULL;
}

/* Into a pipe, where large writes may be split. */
static void test_threads_do_not_mix(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	pthread_t threads[4];
	char *path = scratch_path("mixed");
	FILE *sink = popen(text("cat >%s", path), "we");
	char *rest, *line;
	size_t count = 0;

	(void)state;
	former = dup(STDERR_FILENO);
	dup2(fileno(sink), STDERR_FILENO);
	log_setup(true, LOG_INFO);
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, chatter, (void *)(uintptr_t)names[i]);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	caught(path);
	pclose(sink);
	for (rest = file_read(path); (line = strsep(&rest, "\n")) && *line; count++) {
		json_t *object = json_loads(line, 0, NULL);
		assert_non_null(object);
		json_decref(object);
	}
	assert_int_equal(count, 1200);
}

/* Of a flood the first is said, and then how many more there were, ever more rarely. */
static void test_repeats_are_counted(void **state)
{
	struct log_limit limit = { 0 };

	(void)state;
	log_setup(false, LOG_INFO);
	assert_true(log_may_say(&limit, 1));
	assert_false(log_may_say(&limit, 1));
	assert_false(log_may_say(&limit, 20));
	assert_int_equal(log_held_back(&limit, false), 0);
	limit.next_ms = 0; /* a second later */
	assert_false(log_may_say(&limit, 3)); /* what was held comes first */
	assert_int_equal(log_held_back(&limit, false), 24);
	assert_int_equal(limit.pause_ms, 2000);
	assert_int_equal(log_held_back(&limit, true), 0);
	assert_false(log_may_say(&limit, 1));
	assert_int_equal(log_held_back(&limit, true), 1);
	assert_int_equal(limit.pause_ms, 4000);
	limit.next_ms = 0;
	assert_true(log_may_say(&limit, 1)); /* it was quiet in between */
	assert_int_equal(limit.pause_ms, 1000);
	log_setup(false, LOG_DEBUG);
	assert_true(log_may_say(&limit, 1));
	log_setup(false, LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_lines),
		cmocka_unit_test(test_text_lines),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_threads_do_not_mix),
		cmocka_unit_test(test_repeats_are_counted),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
