/* A pooler between a program and PostgreSQL. */
#include "support/pgbouncer.h"

#include <libpq-fe.h>

#include "support/common.h"
#include "support/nats_server.h"

char *pgbouncer_start(const struct pg_server *server, const char *mode, const char *database)
{
	int port = free_port();
	char *name = text("pgbouncer_%s", mode), *config = scratch_path("%s.ini", name);
	char *users = scratch_path("%s.users", name);
	const char *argv[] = { "/usr/sbin/pgbouncer", "-q", config, NULL };

	file_write(users, "\"postgres\" \"\"\n");
	file_write(config,
		text("[databases]\n* = host=%s port=%d\n"
		     "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"
		     "auth_type = trust\nauth_file = %s\npool_mode = %s\n"
		     "ignore_startup_parameters = extra_float_digits\n",
			server->folder, server->port, port, users, mode));
	struct proc *proc =
		proc_start(&(struct launch){ .argv = argv, .folder = "/", .user = "postgres" },
			scratch_path("%s.log", name));
	char *url = text("postgresql://postgres@127.0.0.1:%d/%s", port, database);
	WAIT_UNTIL(20000, PQping(url) == PQPING_OK || !proc_running(proc));
	if (!proc_running(proc))
		give_up("pgbouncer does not start; is the package installed?\n%s", proc_log(proc));
	return url;
}
