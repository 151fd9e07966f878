/* Standbys of a PostgreSQL. */
#include "support/pg_standby.h"

#include <stdio.h>
#include <sys/stat.h>

#include "support/common.h"
#include "support/nats_server.h"
#include "support/testdb.h"

void pg_standby_start(struct pg_server *standby, const char *name, const struct pg_server *primary)
{
	*standby = (struct pg_server){ .name = text("%s", name),
		.bin = primary->bin,
		.folder = scratch_path("%s", name),
		.port = free_port() };
	standby->data = text("%s/data", standby->folder);
	standby->options[0] = text("fsync=off");
	const char *argv[] = { text("%s/pg_basebackup", primary->bin), "-D", standby->data, "-h",
		primary->folder, "-p", text("%d", primary->port), "-U", "postgres", "-X", "stream",
		"-c", "fast", "--no-sync", "-R", NULL };
	if (mkdir(standby->folder, 0777) != 0 || chmod(standby->folder, 0777) != 0)
		give_up("cannot make %s", standby->folder);
	struct result result = command_run(
		&(struct launch){ .argv = argv, .folder = "/", .user = "postgres" }, 60000);
	if (result.status != 0)
		give_up("pg_basebackup fails:\n%s%s", result.out, result.err);
	pg_server_again(standby);
}

void pg_standby_catch_up(const struct pg_server *standby, const struct pg_server *primary)
{
	struct testdb *from = testdb_open(pg_server_url(primary, "postgres"));
	struct testdb *to = testdb_open(pg_server_url(standby, "postgres"));
	/* Behind it comes the record of its commit, which everything before has to be replayed for. */
	char *place = testdb_text(from, "SELECT pg_logical_emit_message(true, 'mark', '')");

	WAIT_UNTIL(20000,
		testdb_int(to, "SELECT (pg_last_wal_replay_lsn() >= '%s')::int", place) == 1);
	testdb_close(from);
	testdb_close(to);
}

void pg_standby_promote(const struct pg_server *standby)
{
	struct testdb *db = testdb_open(pg_server_url(standby, "postgres"));

	testdb_int(db, "SELECT pg_promote(true, 60)::int");
	WAIT_UNTIL(20000, testdb_int(db, "SELECT pg_is_in_recovery()::int") == 0);
	testdb_close(db);
}
