/* dray pause NAME and dray resume NAME: by the lease, which nobody takes while it is paused. */
#include "cmd.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/process.h"
#include "cmd_common.h"
#include "db/lease.h"
#include "named.h"

#define LET_GO_MS 10000 /* how long to wait until nobody works any more */
#define LOOK_MS	  100

static bool wait_until_free(struct db *db, struct lease *lease, struct error *err)
{
	int64_t until = clock_now_ms() + LET_GO_MS;
	bool free;

	for (;;) {
		if (!lease_is_free(db, lease, &free, err) || free)
			return free;
		if (clock_now_ms() > until)
			return error_set(err, ERROR_CONFLICT,
				"paused, but %s still holds %s: it lets go once it reaches the "
				"database",
				lease->seen.holder, lease->resource);
		clock_sleep_ms(LOOK_MS);
	}
}

static void print(const struct cli *cli, const struct named *named, const struct lease *lease,
	bool paused, bool changed)
{
	const struct lease_pause *pause = &lease->pause;
	const char *kind = named->is_sink ? "sink" : "relay";

	if (cli->json) {
		cmd_print_json(json_pack("{ss ss sb sb}", "name", named->name, "kind", kind,
			"paused", paused, "changed", changed));
		return;
	}
	if (paused && changed)
		printf("%s: paused\n", named->name);
	else if (paused)
		printf("%s: was paused already, at %s by %s\n", named->name, pause->at, pause->by);
	else if (changed)
		printf("%s: resumed; it was paused at %s by %s\n", named->name, pause->at,
			pause->by);
	else
		printf("%s: is not paused\n", named->name);
}

static bool begin_pause(const struct cli *cli, const struct named *named, struct error *err)
{
	struct lease lease;
	char by[PROCESS_NAME];
	bool changed;

	process_user(by);
	lease_init(&lease, named->resource, 0);
	if (!lease_pause(named->db, named->resource, by, NULL, &changed, err) ||
		!wait_until_free(named->db, &lease, err))
		return false;
	print(cli, named, &lease, true, changed);
	return true;
}

static bool end_pause(const struct cli *cli, const struct named *named, struct error *err)
{
	struct lease lease;
	bool changed, free;

	lease_init(&lease, named->resource, 0);
	if (!lease_is_free(named->db, &lease, &free, err) || /* who paused it */
		!lease_resume(named->db, named->resource, &changed, err))
		return false;
	print(cli, named, &lease, false, changed);
	return true;
}

static int fail(const struct cli *cli, const struct named *named, struct error *err)
{
	error_prefix(err, "%s", named->name);
	return cli_fail(cli, err);
}

static int run(const struct cli *cli,
	bool (*work)(const struct cli *cli, const struct named *named, struct error *err))
{
	struct error err = { 0 };
	struct named named;
	int status = 0;

	if (cli->database && !cmd_check_database(cli->database, NULL, &err))
		return cli_fail(cli, &err);
	struct config *config = cli->database ? NULL : cli_config(cli, true, &status);
	if (!config && !cli->database)
		return status;
	if (!named_open(cli->arguments[0], cli->database, config, NULL, &named, &err))
		status = cli_fail(cli, &err);
	else if (!work(cli, &named, &err))
		status = fail(cli, &named, &err);
	named_close(&named);
	config_destroy(config);
	return status;
}

int cmd_pause(const struct cli *cli)
{
	return run(cli, begin_pause);
}

int cmd_resume(const struct cli *cli)
{
	return run(cli, end_pause);
}
