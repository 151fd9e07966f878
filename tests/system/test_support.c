/* The support library itself: servers come, go and come back, and the oracle sees each kind of wrong. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/support.h"

static struct nats_server nats;
static struct pg_server pg;

static int start(void **state)
{
	(void)state;
	nats_server_start(&nats, "nats", NULL);
	pg_server_start(&pg, "pg", NULL);
	pg_server_make_database(&pg, "shop");
	return 0;
}

static void test_commands_give_status_and_output(void **state)
{
	const char *argv[] = { "sh", "-c", "cat; echo two >&2; exit 3", NULL };
	struct result result = command_run(&(struct launch){ .argv = argv, .input = "one" }, 5000);

	(void)state;
	assert_int_equal(result.status, 3);
	assert_string_equal(result.out, "one");
	assert_string_equal(result.err, "two\n");
}

static void test_processes_end_when_told(void **state)
{
	const char *argv[] = { "sleep", "100", NULL };
	struct proc *proc = proc_start(&(struct launch){ .argv = argv }, scratch_path("sleep.log"));

	(void)state;
	assert_true(proc_running(proc));
	proc_signal(proc, SIGSTOP);
	proc_signal(proc, SIGCONT);
	proc_signal(proc, SIGTERM);
	assert_int_equal(proc_wait(proc, 5000), 128 + SIGTERM);
}

static void test_nats_keeps_its_stream_over_a_kill(void **state)
{
	struct jetstream *js = jetstream_open(nats.url);

	(void)state;
	jetstream_make(js, "KEPT", "\"kept.>\"", NULL);
	jetstream_publish(js, "kept.a", "1", "one");
	jetstream_publish(js, "kept.b", "2", "two");
	jetstream_publish(js, "kept.b", "2", "two again");
	jetstream_close(js);
	nats_server_kill(&nats);
	assert_false(port_answers(nats.port));
	nats_server_again(&nats);
	js = jetstream_open(nats.url);
	struct jetstream_messages all = jetstream_read(js, "KEPT");
	assert_int_equal(all.count, 2);
	assert_int_equal(jetstream_count(js, "KEPT"), 2);
	assert_int_equal(jetstream_last(js, "KEPT"), 2);
	assert_int_equal(all.items[1].seq, 2);
	assert_string_equal(all.items[1].subject, "kept.b");
	assert_string_equal(all.items[1].id, "2");
	assert_string_equal(all.items[1].payload, "two");
	jetstream_free(&all);
	jetstream_delete(js, "KEPT");
	assert_int_equal(jetstream_count(js, "KEPT"), -1);
	jetstream_close(js);
}

static void test_postgres_comes_back(void **state)
{
	struct testdb *db = testdb_open(pg_server_url(&pg, "shop"));
	struct testdb *tcp = testdb_open(pg_server_tcp_url(&pg, "shop"));
	char *words;

	(void)state;
	testdb_exec(db, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1), (2)");
	assert_int_equal(testdb_int(tcp, "SELECT sum(n) FROM kept"), 3);
	pg_server_end(&pg);
	assert_false(testdb_try(db, &words, "SELECT 1"));
	pg_server_again(&pg);
	assert_int_equal(testdb_int(db, "SELECT sum(n) FROM kept"), 3);
	pg_server_kill(&pg);
	pg_server_again(&pg);
	testdb_try(db, &words, "SELECT 1");
	assert_int_equal(testdb_int(db, "SELECT sum(n) FROM kept"), 3);
	testdb_exec(db, "DROP TABLE kept");
	testdb_close(tcp);
	testdb_close(db);
}

/* A small outbox by hand, and a stream to hold against it. */
static struct testdb *small_outbox(const char *name)
{
	struct testdb *db = testdb_open(text("sqlite:%s", scratch_path("%s", name)));

	testdb_exec(db,
		"CREATE TABLE dray_outbox (id INTEGER PRIMARY KEY, event_id TEXT, subject "
		"TEXT, key TEXT, headers TEXT, payload BLOB);"
		"INSERT INTO dray_outbox VALUES (1, 'a', 's.1', 'k', NULL, x'00ff'), "
		"(2, 'b', 's.1', 'k', NULL, x'01'), (3, 'c', 's.1', NULL, NULL, x'')");
	return db;
}

static void archive(struct testdb *db, const char *order)
{
	testdb_exec(db,
		"DROP TABLE IF EXISTS dray_events;"
		"CREATE TABLE dray_events (stream TEXT, epoch INT, seq INTEGER PRIMARY KEY "
		"AUTOINCREMENT, subject TEXT, key TEXT, msg_id TEXT, payload BLOB);");
	for (; *order; order++)
		testdb_exec(db,
			"INSERT INTO dray_events (subject, key, msg_id, payload) SELECT "
			"subject, key, event_id, payload FROM dray_outbox WHERE event_id = "
			"'%c'",
			*order);
}

static void test_oracle_counts_each_wrong(void **state)
{
	struct testdb *db = small_outbox("oracle.db");
	struct oracle *oracle = oracle_from_outbox(db, "TRUE");
	struct oracle_counts counts;

	(void)state;
	archive(db, "cab");
	oracle_require(oracle_see_archive(oracle, db));
	archive(db, "ba");
	counts = oracle_see_archive(oracle, db);
	assert_int_equal(counts.lost, 1);
	assert_int_equal(counts.reordered, 1);
	archive(db, "aabc");
	testdb_exec(db,
		"UPDATE dray_events SET payload = x'02' WHERE msg_id = 'b';"
		"INSERT INTO dray_events (subject, msg_id, payload) VALUES ('s', 'x', x'')");
	counts = oracle_see_archive(oracle, db);
	assert_int_equal(counts.duplicated, 1);
	assert_int_equal(counts.altered, 1);
	assert_int_equal(counts.leaked, 1);
	assert_int_equal(counts.lost, 0);
	oracle_destroy(oracle);
	testdb_close(db);
}

static void test_emit_is_byte_for_byte(void **state)
{
	static const char bytes[] = { 'a', '\0', '\\', '\'', (char)0xff };
	struct testdb *db = testdb_open(pg_server_url(&pg, "shop"));

	(void)state;
	testdb_exec(db,
		"CREATE SCHEMA dray; CREATE TABLE dray.outbox (id int GENERATED ALWAYS AS IDENTITY, "
		"event_id uuid DEFAULT gen_random_uuid(), subject text, key text, headers jsonb, "
		"payload bytea)");
	assert_int_equal(strlen(testdb_emit_bytes(db, "s", NULL, NULL, bytes, sizeof(bytes))), 36);
	assert_string_equal(testdb_text(db, "SELECT encode(payload, 'hex') FROM dray.outbox"),
		text_hex(bytes, sizeof(bytes)));
	testdb_close(db);
}

/* A bare client of nats-server: it has read the server's greeting. */
static int plain_client(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = 5 };
	char greeting[4096];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		recv(fd, greeting, sizeof(greeting), 0) <= 0)
		give_up("nats-server does not greet on port %d", port);
	return fd;
}

static void ask(int fd)
{
	assert_int_equal(send(fd, "PING\r\n", 6, MSG_NOSIGNAL), 6);
}

/* Within ms; false: nothing came. */
static bool answered(int fd, int ms)
{
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	char answer[16] = "";

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return recv(fd, answer, 6, MSG_WAITALL) == 6 && strcmp(answer, "PONG\r\n") == 0;
}

static void test_proxy_holds_and_delays(void **state)
{
	struct proxy *proxy = proxy_start(nats.port);
	int fd = plain_client(proxy_port(proxy));

	(void)state;
	for (int direction = PROXY_TO_SERVER; direction <= PROXY_BOTH; direction++) {
		proxy_hold(proxy, direction);
		ask(fd);
		assert_false(answered(fd, 100));
		proxy_clear(proxy);
		assert_true(answered(fd, 5000));
	}
	proxy_delay(proxy, 100);
	int64_t asked = now_ms();
	ask(fd);
	assert_true(answered(fd, 5000));
	assert_in_range(now_ms() - asked, 200, 2000);
	proxy_clear(proxy);
	proxy_throttle(proxy, 20); /* a question and an answer of 6 bytes each */
	asked = now_ms();
	ask(fd);
	assert_true(answered(fd, 5000));
	assert_in_range(now_ms() - asked, 200, 3000);
	close(fd);
	WAIT_UNTIL(5000, proxy_connections(proxy) == 0);
}

static void test_proxy_cuts_and_refuses(void **state)
{
	struct proxy *proxy = proxy_start(nats.port);
	int fd = plain_client(proxy_port(proxy)), second;

	(void)state;
	proxy_cut(proxy);
	assert_false(answered(fd, 5000));
	WAIT_UNTIL(5000, proxy_connections(proxy) == 0);
	proxy_refuse(proxy);
	assert_false(port_answers(proxy_port(proxy)));
	proxy_accept(proxy);
	close(fd);
	fd = plain_client(proxy_port(proxy));
	proxy_forget(proxy);
	second = plain_client(proxy_port(proxy));
	ask(fd);
	ask(second);
	assert_true(answered(second, 5000));
	assert_false(answered(fd, 100));
	assert_int_equal(proxy_connections(proxy), 2);
	close(fd);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_give_status_and_output),
		cmocka_unit_test(test_processes_end_when_told),
		cmocka_unit_test(test_nats_keeps_its_stream_over_a_kill),
		cmocka_unit_test(test_postgres_comes_back),
		cmocka_unit_test(test_oracle_counts_each_wrong),
		cmocka_unit_test(test_emit_is_byte_for_byte),
		cmocka_unit_test(test_proxy_holds_and_delays),
		cmocka_unit_test(test_proxy_cuts_and_refuses),
	};

	return cmocka_run_group_tests_name("support", tests, start, NULL);
}
