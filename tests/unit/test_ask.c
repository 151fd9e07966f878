/* What a request asks for. */
#include "support/common.h"

#include <jansson.h>

#include "http/ask.h"

static json_t *said;

static bool reads(enum ask_action action, const char *json, struct ask *ask, struct error *err)
{
	json_decref(said);
	said = json_loads(json, JSON_DECODE_ANY, NULL);
	assert_non_null(said);
	return ask_read(action, said, ask, err);
}

static void refused(enum ask_action action, const char *json, const char *why)
{
	struct error err = { 0 };
	struct ask ask;

	if (reads(action, json, &ask, &err))
		give_up("%s was read", json);
	assert_int_equal(err.kind, ERROR_USAGE);
	if (!strstr(err.text, why))
		give_up("%s: %s, not %s", json, err.text, why);
}

static void what_is_asked_for(void **state)
{
	struct error err = { 0 };
	struct ask ask;

	(void)state;
	assert_true(reads(ASK_LIST, "{\"kind\":\"relay\",\"pipeline\":\"p\"}", &ask, &err));
	assert_int_equal(ask.limit, ASK_LIMIT);
	assert_string_equal(ask.after, "");
	assert_false(ask.is_sink);
	assert_true(reads(ASK_LIST,
		"{\"kind\":\"sink\",\"pipeline\":\"p\",\"limit\":\"500\",\"after\":\"S/0/1\","
		"\"subject\":\"a.*\",\"error\":\"x\"}",
		&ask, &err));
	assert_int_equal(ask.limit, 500);
	assert_string_equal(ask.subject, "a.*");
	assert_true(ask.is_sink);
	assert_true(reads(ASK_DISCARD,
		"{\"kind\":\"relay\",\"pipeline\":\"p\",\"ids\":[\"1\",\"2\"],\"reason\":\"r\"}",
		&ask, &err));
	assert_int_equal(ask.id_count, 2);
	assert_string_equal(ask.ids[1], "2");
	assert_string_equal(ask.reason, "r");
}

#define RELAY "\"kind\":\"relay\",\"pipeline\":\"p\""
#define SINK  "\"kind\":\"sink\",\"pipeline\":\"p\""

static char *many_ids(size_t count)
{
	char *list = "";

	for (size_t i = 0; i < count; i++)
		list = text("%s%s\"%zu\"", list, i ? "," : "", i);
	return text("{" RELAY ",\"ids\":[%s]}", list);
}

static void what_means_nothing_is_refused(void **state)
{
	(void)state;
	refused(ASK_LIST, "[]", "an object is wanted");
	refused(ASK_LIST, "7", "an object is wanted");
	refused(ASK_LIST, "{}", "kind is missing");
	refused(ASK_LIST, "{\"kind\":\"relay\"}", "pipeline is missing");
	refused(ASK_LIST, "{\"kind\":\"relays\",\"pipeline\":\"p\"}", "relay or sink");
	refused(ASK_LIST, "{\"kind\":1,\"pipeline\":\"p\"}", "a text is wanted");
	refused(ASK_LIST, "{" RELAY ",\"ids\":[\"1\"]}", "\"ids\" means nothing here");
	refused(ASK_LIST, "{" RELAY ",\"all\":\"t\"}", "\"all\" means nothing here");
	refused(ASK_LIST, "{" RELAY ",\"limit\":\"0\"}", "limit");
	refused(ASK_LIST, "{" RELAY ",\"limit\":\"501\"}", "limit");
	refused(ASK_LIST, "{" RELAY ",\"limit\":\"-1\"}", "limit");
	refused(ASK_LIST, "{" RELAY ",\"limit\":\"99999999999999999999999\"}", "limit");
	refused(ASK_LIST, "{" RELAY ",\"subject\":\"a b\"}", "subject");
	refused(ASK_LIST, "{" RELAY ",\"after\":\"S/0/1\"}", "no id");
	refused(ASK_LIST, "{" SINK ",\"after\":\"1\"}", "no id");
	refused(ASK_SHOW, "{" RELAY "}", "id is missing");
	refused(ASK_SHOW, "{" RELAY ",\"id\":\"\"}", "no id");
	refused(ASK_SHOW, "{" RELAY ",\"id\":\"1 OR 1\"}", "no id");
	refused(ASK_RETRY, "{" RELAY "}", "ids is missing");
	refused(ASK_RETRY, "{" RELAY ",\"ids\":\"1\"}", "ids: a list");
	refused(ASK_RETRY, "{" RELAY ",\"ids\":[]}", "ids: a list");
	refused(ASK_RETRY, "{" RELAY ",\"ids\":[1]}", "no id");
	refused(ASK_RETRY, "{" RELAY ",\"ids\":[\"1\",\"1\"]}", "1 is there twice");
	refused(ASK_RETRY, many_ids(ASK_IDS + 1), "ids: a list");
	refused(ASK_RETRY, "{" RELAY ",\"ids\":[\"1\"],\"reason\":\"r\"}", "means nothing here");
	refused(ASK_DISCARD, "{" RELAY ",\"ids\":[\"1\"]}", "reason is missing");
	refused(ASK_DISCARD, "{" RELAY ",\"ids\":[\"1\"],\"reason\":\"\"}", "reason: 1 to");
	refused(ASK_DISCARD, text("{" RELAY ",\"ids\":[\"1\"],\"reason\":\"%01001d\"}", 0),
		"reason: 1 to");
	refused(ASK_PAUSE, "{" RELAY ",\"id\":\"1\"}", "means nothing here");
	json_decref(said);
	said = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for),
		cmocka_unit_test(what_means_nothing_is_refused),
	};

	return cmocka_run_group_tests_name("ask", tests, NULL, NULL);
}
