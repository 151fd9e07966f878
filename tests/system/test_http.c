/* Health, metrics and the API over HTTP, and what is refused there. */
#include "api.h"
#include "stage.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

/* --- a stage with HTTP --- */

static int port;

static struct stage begin(const char *kind, const char *name)
{
	struct stage s = stage_set(kind, name, NULL, true);

	port = stage_run_http(&s, "127.0.0.1", "");
	return s;
}

/* --- Prometheus' text format, read strictly --- */

struct family {
	char name[64], type[16];
	bool helped;
	size_t samples;
};

static struct family families[64];
static size_t family_count;

static struct family *family_named(const char *name, size_t size)
{
	for (size_t i = 0; i < family_count; i++)
		if (strlen(families[i].name) == size && strncmp(families[i].name, name, size) == 0)
			return &families[i];
	return NULL;
}

static bool ends_with(const char *name, size_t size, const char *end)
{
	size_t length = strlen(end);

	return size > length && strncmp(name + size - length, end, length) == 0;
}

/* The family of a sample: a histogram's has three suffixes. */
static struct family *family_of(const char *name, size_t size)
{
	static const char *const suffixes[] = { "_bucket", "_sum", "_count" };
	struct family *family = family_named(name, size);

	for (size_t i = 0; !family && i < 3; i++)
		if (ends_with(name, size, suffixes[i])) {
			family = family_named(name, size - strlen(suffixes[i]));
			if (family && strcmp(family->type, "histogram") != 0)
				family = NULL;
		}
	return family;
}

static void read_comment(const char *line)
{
	char what[8], name[64], rest[512];

	if (sscanf(line, "# %7s %63s %511[^\n]", what, name, rest) != 3)
		give_up("not a comment of the format: %s", line);
	if (strcmp(what, "HELP") == 0) {
		assert_null(family_named(name, strlen(name)));
		struct family *family = &families[family_count++];
		*family = (struct family){ .helped = true };
		snprintf(family->name, sizeof(family->name), "%s", name);
		return;
	}
	assert_string_equal(what, "TYPE");
	struct family *family = &families[family_count - 1];
	assert_string_equal(family->name, name); /* TYPE stands right behind HELP */
	snprintf(family->type, sizeof(family->type), "%.15s", rest);
	bool counter = strcmp(rest, "counter") == 0;
	if (!counter && strcmp(rest, "gauge") != 0 && strcmp(rest, "histogram") != 0)
		give_up("%s is of no type: %s", name, rest);
	assert_int_equal(counter, ends_with(name, strlen(name), "_total"));
}

static void check_labels(const char *labels)
{
	static const char *const known[] = { "kind", "pipeline", "state", "le", "version" };

	while (*labels && *labels != '}') {
		size_t size = strcspn(labels, "="), found = 0;
		for (size_t i = 0; i < 5; i++)
			found += strlen(known[i]) == size && strncmp(known[i], labels, size) == 0;
		if (found != 1)
			give_up("an unknown label: %s", labels);
		labels += size;
		assert_true(labels[0] == '=' && labels[1] == '"');
		labels += 2 + strcspn(labels + 2, "\"\\\n");
		assert_true(*labels == '"');
		labels += labels[1] == ',' ? 2 : 1;
	}
}

static void read_sample(const char *line)
{
	size_t size = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	struct family *family = family_of(line, size);
	char *end;

	if (!family || family != &families[family_count - 1])
		give_up("a sample outside of its family: %s", line);
	family->samples++;
	const char *value = line + size;
	if (*value == '{') {
		check_labels(value + 1);
		value = strchr(value, '}') + 1;
	}
	assert_true(*value == ' ');
	double number = strtod(value + 1, &end);
	if (*end || !isfinite(number))
		give_up("not a value: %s", line);
}

static char *metrics(void)
{
	char *all = http_get(port, "/metrics", 200), *copy = text("%s", all), *line;

	family_count = 0;
	assert_true(all[strlen(all) - 1] == '\n');
	while ((line = strsep(&copy, "\n")))
		if (*line == '#')
			read_comment(line);
		else if (*line)
			read_sample(line);
	return all;
}

/* The value of a series, by its name and labels; -1 where it is missing. */
static double value_of(const char *all, const char *series)
{
	const char *found = strstr(all, text("\n%s ", series));

	return found ? atof(found + 1 + strlen(series)) : -1;
}

#define RELAY "{kind=\"relay\",pipeline=\"out\"}"
#define SINK  "{kind=\"sink\",pipeline=\"in\"}"

static void check_histogram(const char *all, const char *name, const char *labels, double count)
{
	double before = 0, value;
	int buckets = 0;

	for (const char *at = all; (at = strstr(at, text("\n%s_bucket{%s,le=\"", name, labels)));
		at++) {
		value = atof(strchr(at + 1, ' '));
		assert_true(value >= before);
		before = value;
		buckets++;
	}
	assert_int_equal(buckets, 22);
	assert_true(before == value_of(all, text("%s_count{%s}", name, labels)));
	assert_true(value_of(all, text("%s_sum{%s}", name, labels)) >= 0);
	if (count >= 0 && before != count)
		give_up("%s counts %g, not %g", name, before, count);
}

/* Of SQLite's rows the first and the last of a read count. */
static void check_numbers(const char *all, bool every_row)
{
	static const struct {
		const char *series;
		double value;
	} cases[] = {
		{ "dray_acknowledged_total" RELAY, 200 },
		{ "dray_dead_total" RELAY, 0 },
		{ "dray_published_total" RELAY, 200 },
		{ "dray_stored_total" SINK, 200 },
		{ "dray_in_flight" RELAY, 0 },
		{ "dray_lease_held" RELAY, 1 },
		{ "dray_lease_held" SINK, 1 },
		{ "dray_backlog" RELAY, 0 },
		{ "dray_backlog" SINK, 0 },
		{ "dray_dead_rows" RELAY, 0 },
		{ "dray_oldest_pending_seconds" RELAY, 0 },
		{ "dray_reconnects_total" RELAY, 0 },
		{ "dray_pipeline_state{kind=\"relay\",pipeline=\"out\",state=\"running\"}", 1 },
		{ "dray_pipeline_state{kind=\"relay\",pipeline=\"out\",state=\"waiting\"}", 0 },
		{ "dray_status_problems", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (value_of(all, cases[i].series) != cases[i].value)
			give_up("%s is %g, not %g", cases[i].series, value_of(all, cases[i].series),
				cases[i].value);
	check_histogram(all, "dray_latency_seconds", "kind=\"relay\",pipeline=\"out\"",
		every_row ? 200 : -1);
	assert_true(value_of(all, "dray_latency_seconds_count" RELAY) > 0);
	check_histogram(all, "dray_latency_seconds", "kind=\"sink\",pipeline=\"in\"", 200);
	check_histogram(all, "dray_batch_events", "kind=\"relay\",pipeline=\"out\"", -1);
	assert_true(value_of(all, "process_open_fds") > 5);
	assert_true(value_of(all, "process_resident_memory_bytes") > 1e6);
}

/* What begins with this in a file is a family that is there, or a part of one; at least so many. */
static void check_names(const char *path, const char *with, size_t least)
{
	const char *at = file_read(project_path(path));
	size_t found = 0;

	for (; (at = strstr(at, with)); at++) {
		size_t size = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
		if (!family_of(at, size))
			give_up("%s asks for %.*s, which is not there", path, (int)size, at);
		found++;
	}
	if (found < least)
		give_up("%s asks for %zu of %s", path, found, with);
}

static void check_who_asks(void)
{
	check_names("docs/prometheus-alerts.yml", "dray_", 12);
	check_names("tests/alerts/rules.test.yml", "dray_", 12);
	check_names("docs/grafana-dashboard.json", "dray_", 25);
	check_names("docs/grafana-dashboard.json", "process_", 3);
}

static void test_metrics(void **state)
{
	struct stage s = begin(*state, "metrics");

	stage_emit(&s, 1, 200, 7);
	stage_exact(&s);
	/* the databases are read only from now on */
	WAIT_UNTIL(20000,
		value_of(metrics(), "dray_backlog" RELAY) == 0 &&
			value_of(metrics(), "dray_backlog" SINK) == 0);
	check_numbers(metrics(), strcmp(*state, "postgres") == 0);
	check_who_asks();
	testdb_emit(s.outbox, "nobody.listens", NULL, NULL, "x");
	WAIT_UNTIL(20000,
		value_of(metrics(), "dray_retried_total" RELAY) > 0 &&
			value_of(metrics(), "dray_backlog" RELAY) == 1 &&
			value_of(metrics(), "dray_oldest_pending_seconds" RELAY) > 0);
	stage_end(&s);
}

/* --- the API, by its own schema --- */

static const json_t *pipeline_of(const json_t *whole, size_t i, const char *part)
{
	return json_object_get(json_array_get(json_object_get(whole, "pipelines"), i), part);
}

/* What changes from one look to the next is left out. */
static bool is_same(const json_t *told, const json_t *shown)
{
	static const char *const same[] = { "name", "kind", "database", "resource", "state",
		"pending", "scheduled", "dead", "stuck", "oldest_ms", "events", "backlog", "epoch",
		"seq", "holder", "last_error" };

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (!json_equal(json_object_get(told, same[i]), json_object_get(shown, same[i])))
			return false;
	return true;
}

/* Both the API and the pipelines' own rows are up to date within some seconds. */
static bool tells_what_status_shows(const struct stage *s)
{
	json_t *told = api_get(port, "/api/v1/status", 200);
	json_t *shown =
		json_loads(dray_expect(0, "status", "-c", s->config, "--json").out, 0, NULL);
	const json_t *list = json_object_get(shown, "pipelines");
	bool same = json_array_size(list) == 2;

	for (size_t i = 0; i < 2; i++)
		same = same && is_same(pipeline_of(told, i, "status"), json_array_get(list, i));
	same = same && json_integer_value(json_object_get(json_array_get(list, 0), "events")) == 20;
	json_decref(told);
	json_decref(shown);
	return same;
}

static bool has_history(void)
{
	json_t *history = http_get_json(port, "/api/v1/history", 200);
	bool has = json_array_size(pipeline_of(history, 0, "points")) > 0;

	json_decref(history);
	return has;
}

static void test_the_api(void **state)
{
	struct stage s = begin(*state, "api");

	json_decref(api_get(port, "/api/v1/status", 200)); /* also before anything was read */
	stage_emit(&s, 1, 20, 7);
	stage_exact(&s);
	WAIT_UNTIL(30000, tells_what_status_shows(&s));
	json_t *told = api_get(port, "/api/v1/status", 200);
	assert_int_equal(
		json_integer_value(json_object_get(pipeline_of(told, 0, "live"), "done")), 20);
	WAIT_UNTIL(20000, has_history());
	json_t *history = api_get(port, "/api/v1/history", 200);
	dray_expect(0, "pause", "out", "-c", s.config);
	WAIT_UNTIL(20000, occurrences(http_get(port, "/readyz", 200), "\"paused\"") == 1);
	json_decref(api_get(port, "/readyz", 200));
	dray_expect(0, "resume", "out", "-c", s.config);
	assert_string_equal(http_get(port, "/healthz", 200), "ok\n");
	json_decref(told);
	json_decref(history);
	stage_end(&s);
}

/* Readiness names what is not ready, and why; the process itself stays healthy. */
static void test_an_outage(void **state)
{
	struct stage s = begin(*state, "unready");

	assert_string_equal(dray_expect(0, "health", "--ready", "-c", s.config).out,
		"relay out: running\nsink in: running\n");
	nats_server_kill(&nats);
	WAIT_UNTIL(30000, http_request(port, "GET", "/readyz", NULL, NULL).status == 503);
	WAIT_UNTIL(30000, occurrences(http_get(port, "/readyz", 503), "\"waiting\"") == 2);
	assert_contains(http_get(port, "/readyz", 503), "\"last_error\":\"nats://127.0.0.1");
	assert_string_equal(http_get(port, "/healthz", 200), "ok\n");
	assert_contains(dray_expect(0, "health", "-c", s.config).out, "sink in: waiting: nats://");
	assert_contains(dray_expect(1, "health", "--ready", "--json", "-c", s.config).out,
		"\"ready\":false");
	WAIT_UNTIL(10000,
		value_of(metrics(),
			"dray_pipeline_state{kind=\"relay\",pipeline=\"out\",state=\"waiting\"}") ==
			1);
	nats_server_again(&nats);
	WAIT_UNTIL(30000, http_request(port, "GET", "/readyz", NULL, NULL).status == 200);
	assert_true(value_of(metrics(), "dray_reconnects_total" RELAY) >= 1);
	stage_end(&s);
	assert_contains(
		dray_expect(3, "health", "-c", s.config).err, "nobody answers at 127.0.0.1:");
}

/* --- what is refused --- */

static int status_with(const char *method, const char *path, const char *lines, const char *body)
{
	return http_request(port, method, path, lines, body).status;
}

static char *long_text(size_t size)
{
	char *all = keep(malloc(size + 1));

	memset(all, 'a', size);
	all[size] = '\0';
	return all;
}

static void test_requests_that_are_refused(void **state)
{
	static const char *const strangers[] = { "evil.example", "localhost.evil.example",
		"127.0.0.1.evil.example:80", "", "0.0.0.0", "[::2]", "dray" };
	struct stage s = begin(*state, "refused");

	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		assert_int_equal(
			status_with("GET", "/", text("Host: %s\r\n", strangers[i]), NULL), 403);
	assert_int_equal(status_with("GET", "/", text("Host: localhost:%d\r\n", port), NULL), 200);
	assert_int_equal(status_with("GET", "/", "Host: [::1]\r\n", NULL), 200);
	assert_int_equal(status_with("HEAD", "/", NULL, NULL), 200);
	assert_int_equal(status_with("PUT", "/", NULL, NULL), 405);
	assert_int_equal(status_with("DELETE", "/api/v1/status", NULL, NULL), 405);
	assert_int_equal(status_with("GET", "/", NULL, "body"), 413);
	assert_int_equal(status_with("GET", "/../etc/passwd", NULL, NULL), 404);
	assert_int_equal(status_with("GET", "/page.js/", NULL, NULL), 404);
	assert_true(status_with("GET", text("/%s", long_text(100000)), NULL, NULL) != 200);
	assert_true(status_with("GET", "/", text("X: %s\r\n", long_text(100000)), NULL) != 200);
	struct http_answer page = http_request(port, "GET", "/", NULL, NULL);
	assert_contains(page.head, "default-src 'none'");
	assert_contains(page.head, "frame-ancestors 'none'");
	assert_contains(page.head, "nosniff");
	assert_lacks(page.head, "Access-Control");
	assert_lacks(page.body, "http://");
	assert_lacks(page.body, "https://");
	assert_string_equal(http_get(port, "/healthz", 200), "ok\n");
	stage_end(&s);
}

/* An address that is taken is no reason to leave events where they are. */
static void test_an_address_that_is_taken(void **state)
{
	struct stage first = begin(*state, "first"), s = stage_set(*state, "second", NULL, true);

	file_write(s.config,
		text("http: { listen: \"127.0.0.1:%d\" }\n%s", port, file_read(s.config)));
	stage_run(&s, NULL);
	stage_says(&s, "error", "cannot be had: Address already in use");
	stage_emit(&s, 1, 10, 3);
	stage_exact(&s);
	stage_end(&first);
	WAIT_UNTIL(20000, occurrences(proc_log(s.daemon), "/ is there") == 1);
	assert_int_equal(occurrences(proc_log(s.daemon), "cannot be had"), 1);
	assert_string_equal(http_get(port, "/healthz", 200), "ok\n");
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_metrics),
		FOR_ONE(test_the_api, "sqlite"),
		FOR_ONE(test_an_outage, "sqlite"),
		FOR_ONE(test_requests_that_are_refused, "sqlite"),
		FOR_ONE(test_an_address_that_is_taken, "sqlite"),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("http", tests, fixture_start, NULL);
}
