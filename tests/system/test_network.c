/*
 * The network between dray and its two servers is cut, refused, half open, a black hole, forgotten, slow
 * and narrow, under load. dray goes on by itself, nothing is lost, twice or turned around, and the log has
 * one line for the beginning and one for the end. DRAY_LONG=1 has all of it, for longer than any deadline.
 */
#include <signal.h>

#include "load.h"

enum fault { CUT, REFUSED, TO_SERVER, TO_CLIENT, BLACK_HOLE, FORGOTTEN, SLOW, NARROW };

static const char *const names[] = { "cut", "cut and refused", "half open, nothing to the server",
	"half open, nothing to dray", "black hole", "forgotten", "50 ms slower each way",
	"50 kB/s" };

static void begin(struct proxy *proxy, enum fault fault)
{
	switch (fault) {
	case CUT:
		proxy_cut(proxy);
		break;
	case REFUSED:
		proxy_refuse(proxy);
		proxy_cut(proxy);
		break;
	case TO_SERVER:
		proxy_hold(proxy, PROXY_TO_SERVER);
		break;
	case TO_CLIENT:
		proxy_hold(proxy, PROXY_TO_CLIENT);
		break;
	case BLACK_HOLE:
		proxy_hold(proxy, PROXY_BOTH);
		break;
	case FORGOTTEN:
		proxy_forget(proxy);
		break;
	case SLOW:
		proxy_delay(proxy, 50);
		break;
	case NARROW:
		proxy_throttle(proxy, 50000);
	}
}

static void strike(struct load *load, struct proxy *proxy, enum fault fault, int64_t ms)
{
	const char *what =
		text("%s, %s", proxy == load->nats_proxy ? "NATS" : "database", names[fault]);
	size_t from = load_log_size(load);

	load_fault_begin(load, what);
	begin(proxy, fault);
	if (fault != CUT && fault != FORGOTTEN)
		nap(ms);
	proxy_clear(proxy);
	load_fault_end(load);
	load_wait_moving(load, 40000);
	nap(1000);
	load_check_log(load, from, what, 1);
}

static int64_t only(void)
{
	return number_from("DRAY_FAULT", -1);
}

static void strike_all(struct load *load, struct proxy *proxy)
{
	for (enum fault fault = CUT; fault <= NARROW; fault++)
		if ((long_run() || fault == REFUSED) && (only() < 0 || only() == (int64_t)fault))
			strike(load, proxy, fault, long_run() ? 20000 : 1500);
}

static void test_nats_is_far(void **state)
{
	struct load load;

	load_start(
		&load, &(struct load_setup){ .kind = *state, .name = "far", .nats_proxy = true });
	strike_all(&load, load.nats_proxy);
	load_end(&load);
}

static void test_postgres_is_far(void **state)
{
	struct load load;

	(void)state;
	load_start(&load,
		&(struct load_setup){ .kind = "postgres", .name = "far_db", .db_proxy = true });
	strike_all(&load, load.db_proxy);
	load_end(&load);
}

/* Of several hosts the first takes connections and says nothing: one command asks the next one too. */
static void test_one_host_is_silent(void **state)
{
	struct proxy *hole = proxy_start(pg.port);
	char *url = fixture_database("postgres", "silent"), *name = database_of(url);
	char *several = text("postgresql://postgres@127.0.0.1:%d,127.0.0.1:%d/%s", proxy_port(hole),
		pg.port, name);

	(void)state;
	dray_expect(0, "migrate", url);
	proxy_hold(hole, PROXY_BOTH);
	dray_expect(0, "emit", "--database", several, "silent.a", "x");
	assert_true(proxy_connections(hole) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_nats_is_far),
		cmocka_unit_test(test_postgres_is_far),
		cmocka_unit_test(test_one_host_is_silent),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("the network", tests, fixture_start, NULL);
}
