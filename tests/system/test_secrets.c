/*
 * A password in every place where one can stand, one word for all; then everything that Dray writes, whatever
 * goes wrong, is searched for it.
 */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>

#define SECRET "Tr0ub4dor-hush"

static char *collected = "";

static void collect(struct result result)
{
	collected = text("%s%s%s", collected, result.out, result.err);
}

/* All commands that take a config, in text and as JSON. */
static void every_command(const char *config)
{
	static const char *const commands[][4] = { { "check" }, { "check", "-v" }, { "migrate" },
		{ "status" }, { "dead", "list" }, { "emit", "shop.x", "{}" },
		{ "tail", "--count", "1" }, { "pause", "shop" }, { "resume", "shop" }, { "audit" },
		{ "prune" } };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		for (int json = 0; json < 2; json++) {
			const char *line[8];
			size_t count = 0;
			for (; count < 4 && commands[i][count]; count++)
				line[count] = commands[i][count];
			line[count++] = "-c";
			line[count++] = config;
			if (json)
				line[count++] = "--json";
			line[count] = NULL;
			collect(dray_run(line, NULL));
		}
}

static char *config_of(const char *name, const char *nats_part, const char *more)
{
	char *path = scratch_path("%s.yaml", name);
	int away = free_port();

	file_write(path,
		text("nats: %s\nlog: { level: debug }\n%s"
		     "relays:\n"
		     "  - { name: shop, database: \"sqlite:%s\", lease: 1s }\n"
		     "  - { name: away, database: \"postgresql://dray:" SECRET
		     "@127.0.0.1:%d/shop?sslpassword=" SECRET "&connect_timeout=2\" }\n"
		     "sinks:\n"
		     "  - { name: archive, stream: S, database: \"postgresql://u@127.0.0.1:%d/x?"
		     "password=" SECRET "&connect_timeout=2\" }\n",
			nats_part, more, scratch_path("%s.db", name), away, away));
	return path;
}

static void runs(const char *name, const char *config, const char *says)
{
	static const char *const formats[] = { "", "--json" };

	for (size_t i = 0; i < 2; i++) {
		struct proc *daemon = *formats[i]
			? dray_start(
				  text("%s_json", name), NULL, "run", "-v", "-c", config, "--json")
			: dray_start(name, NULL, "run", "-v", "-c", config);
		WAIT_UNTIL(20000, occurrences(proc_log(daemon), says) > 0);
		nap(1500);
		if (proc_running(daemon))
			dray_stop(daemon);
		collected = text("%s%s", collected, proc_log(daemon));
	}
}

static void test_every_place(void **state)
{
	char *url = text("nats://127.0.0.1:%d", nats.port), *at = url + strlen("nats://");
	char *parts[] = {
		text("{ url: \"%s\", user: dray, password: " SECRET " }", url),
		text("{ url: \"%s\", user: dray, password: \"" SECRET "-wrong\" }", url),
		text("{ url: \"%s\", token: " SECRET " }", url),
		text("{ url: \"nats://dray:" SECRET "@%s,nats://" SECRET "@%s\" }", at, at),
		text("{ url: \"tls://dray:" SECRET "@%s\" }", at),
		text("{ url: \"%s\", creds: %s }", url, scratch_path("creds")),
		text("{ url: \"%s\", nkey_seed_file: %s }", url, scratch_path("seed")),
		text("{ url: \"nats://dray:" SECRET "@127.0.0.1:1\" }"),
	};

	(void)state;
	file_write(scratch_path("creds"), SECRET "\n");
	file_write(scratch_path("seed"), "SU" SECRET "\n");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *config = config_of(text("place_%zu", i), parts[i], "");
		every_command(config);
		if (i < 2)
			runs(text("run_%zu", i), config, "still waiting");
	}
	assert_contains(collected, "iolation"); /* it was there to be told */
	assert_lacks(collected, SECRET);
}

/* Configs that are wrong just where the secret stands. */
static void test_wrong_configs(void **state)
{
	static const char *const wrong[] = {
		"nats: { password: " SECRET " }\n",
		"http: { token: " SECRET " }\n",
		"nats: { user: u, password: [" SECRET "] }\n",
		"nats: { token: { a: " SECRET " } }\n",
		"nats: { token: " SECRET ", user: u, password: " SECRET " }\n",
		"nats: { url: \"http://u:" SECRET "@h\" }\n",
		"nats: { url: \"nats://u:" SECRET "@h h\" }\n",
		"relays: [ { name: a, database: \"mysql://u:" SECRET "@h/d\" } ]\n",
		"relays: [ { name: a, database: \"postgresql://u:" SECRET "@h:port/d\" } ]\n",
		"relays: [ { name: a, database: \"postgresql://u:" SECRET "@h/d?sslmod=x\" } ]\n",
		"relays: [ { name: a, database: \"postgresql://u:%zz" SECRET "@h/d\" } ]\n",
	};

	(void)state;
	collected = "";
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *path = scratch_path("wrong_%zu.yaml", i);
		file_write(path, wrong[i]);
		collect(dray("check", "-c", path));
		collect(dray("run", "-c", path, "--json"));
	}
	collect(dray("emit", "a", "b", "--database", "postgresql://u:" SECRET "@127.0.0.1:1/d"));
	collect(dray("status", "--database", "postgresql://127.0.0.1:1/d?password=" SECRET));
	collect(dray("tail", "--nats", "nats://u:" SECRET "@127.0.0.1:1"));
	collect(dray("relay", "sqlite:x.db", "--set", "nats.passwort=" SECRET));
	assert_contains(collected, "wrong_0.yaml:1");
	assert_lacks(collected, SECRET);
}

/* Head and body of what answers a request with a token; one of the two databases is away. */
static char *asked_with(int port, const char *token)
{
	char *line = text("Authorization: Bearer %s\r\n", token), *all = "";
	static const char *const names[] = { "shop", "away" };

	for (size_t i = 0; i < 2; i++) {
		struct http_answer answer = http_request(port, "GET",
			text("/api/v1/dead/list?kind=relay&pipeline=%s", names[i]), line, NULL);
		all = text("%s%s%s", all, answer.head, answer.body);
	}
	return all;
}

/* What HTTP tells, and what stands in the database for dray status. */
static void test_http_and_the_database(void **state)
{
	int port = free_port();
	char *config = config_of("http",
		text("{ url: \"nats://dray:" SECRET "@127.0.0.1:%d\" }", nats.port),
		text("http: { listen: \"127.0.0.1:%d\", token: " SECRET "-token }\n", port));

	(void)state;
	dray("migrate", "-c", config);
	struct proc *daemon = dray_start("http", NULL, "run", "-c", config);
	WAIT_UNTIL(20000, http_request(port, "GET", "/healthz", NULL, NULL).status == 200);
	http_get(port, "/api/v1/status", 200);
	WAIT_UNTIL(20000, occurrences(http_get(port, "/api/v1/status", 200), "sqlite:") > 0);
	char *all = text("%s%s%s%s%s%s%s", http_get(port, "/api/v1/status", 200),
		http_request(port, "GET", "/readyz", NULL, NULL).body,
		http_get(port, "/metrics", 200), http_get(port, "/api/v1/history", 200),
		http_get(port, "/", 200), asked_with(port, SECRET "-token"),
		asked_with(port, SECRET "-wrong"));
	collected = "";
	every_command(config);
	dray_stop(daemon);
	assert_contains(all, "127.0.0.1");
	assert_contains(all, "\"items\":");
	assert_contains(all, "This is not the token");
	assert_contains(collected, "token: \"(set)\"");
	assert_lacks(all, SECRET);
	assert_lacks(collected, SECRET);
	assert_lacks(file_read(scratch_path("http.db")), SECRET);
	assert_lacks(proc_log(daemon), SECRET);
}

/*
 * From variables, with every character that means something in a URL, of several hosts, and beside a file of
 * libpq's; then SIGHUP with configs that are wrong just there.
 */
static void test_variables_and_reloads(void **state)
{
	static const char *const later[] = {
		"nats: { url: \"nats://u:" SECRET "@h h\" }\n",
		"nats: { user: u, password: [ \"${HUSH}\" ] }\n",
		"relays: [ { name: a, database: \"postgresql://u:${HUSH}@h:port/d\" } ]\n",
		"relays: [ { name: a, database: \"${HUSH}\", batch: \"${HUSH}\" } ]\n",
		"relays: [ { name: \"${HUSH}\", database: \"sqlite:x\", wakeup: \"${HUSH}\" } ]\n",
		"nats: { url: \"${HUSH_URL}\", tls: { ca: \"${HUSH}\" } }\nhttp: { listen: 1 }\n",
		"- " SECRET "\n",
	};
	char *config = scratch_path("variables.yaml");
	int away = free_port();

	(void)state;
	dray_environment("HUSH", "#" SECRET ":@/?&=% \"'\\");
	dray_environment("HUSH_ENCODED", "%23" SECRET "%3A%40%2F%3F%26%3D%25%20");
	dray_environment("HUSH_URL", text("nats://dray:" SECRET "@127.0.0.1:%d", nats.port));
	dray_environment("PGPASSWORD", SECRET);
	file_write(scratch_path("pgpass"), text("*:*:*:*:" SECRET "\n"));
	file_write(config,
		text("nats: { url: \"nats://127.0.0.1:%d\", user: dray, password: \"${HUSH}\" }\n"
		     "log: { level: debug }\n"
		     "relays:\n"
		     "  - { name: one, database: \"postgresql://dray:${HUSH_ENCODED}@127.0.0.1:%d,"
		     "127.0.0.1:%d/shop?connect_timeout=2\" }\n"
		     "  - { name: two, database: \"postgresql://dray@127.0.0.1:%d/shop?passfile=%s\" }\n"
		     "  - { name: three, database: \"sqlite:%s\" }\n",
			nats.port, away, away, away, scratch_path("pgpass"), scratch_path("v.db")));
	collected = "";
	every_command(config);
	struct proc *daemon = dray_start("variables", NULL, "run", "-v", "-c", config);
	WAIT_UNTIL(20000,
		occurrences(proc_log(daemon), " waiting: ") >= 2 &&
			occurrences(proc_log(daemon), " stopped: ") == 1);
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		file_write(config, later[i]);
		proc_signal(daemon, SIGHUP);
		WAIT_UNTIL(20000, occurrences(proc_log(daemon), "is not taken") == i + 1);
	}
	dray_stop(daemon);
	collected = text("%s%s", collected, proc_log(daemon));
	assert_contains(collected, "iolation");
	assert_contains(collected, "variables.yaml:1");
	assert_lacks(collected, SECRET);
}

static int start(void **state)
{
	(void)state;
	nats_server_start(&nats, "nats",
		"authorization { users: [ { user: dray, password: \"" SECRET "\" } ] }");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_place),
		cmocka_unit_test(test_wrong_configs),
		cmocka_unit_test(test_http_and_the_database),
		cmocka_unit_test(test_variables_and_reloads),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("secrets", tests, start, NULL);
}
