/* A real PostgreSQL for a test. */
#include "support/pg_server.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "support/common.h"
#include "support/nats_server.h"

#define OWNER "postgres"

static int version_in(const char *path)
{
	return (int)strtol(path + strlen("/usr/lib/postgresql/"), NULL, 10);
}

static char *newest_installed(void)
{
	glob_t found;
	char *best = NULL;

	if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) != 0)
		return NULL;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (!best || version_in(found.gl_pathv[i]) > version_in(best))
			best = text("%s", found.gl_pathv[i]);
	globfree(&found);
	*strrchr(best, '/') = '\0';
	return best;
}

static char *told_by_pg_config(void)
{
	const char *argv[] = { "pg_config", "--bindir", NULL };
	struct result result = command_run(&(struct launch){ .argv = argv }, 10000);

	result.out[strcspn(result.out, "\n")] = '\0';
	return result.out;
}

static char *find_programs(void)
{
	const char *named = getenv("DRAY_POSTGRES_BIN");
	char *bin = named ? text("%s", named) : newest_installed();

	if (!bin)
		bin = told_by_pg_config();
	if (access(text("%s/postgres", bin), X_OK) != 0)
		give_up("no PostgreSQL found: install postgresql, or set DRAY_POSTGRES_BIN");
	return bin;
}

static void run_initdb(struct pg_server *server)
{
	const char *argv[] = { text("%s/initdb", server->bin), "-D", server->data, "-U", OWNER,
		"-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", NULL };
	struct result result =
		command_run(&(struct launch){ .argv = argv, .folder = "/", .user = OWNER }, 60000);

	if (result.status != 0)
		give_up("initdb fails:\n%s%s", result.out, result.err);
}

/* Several tests at a time may make the template; one of them is kept, and they are the same. */
static void copy_folder(const char *from, const char *to)
{
	const char *argv[] = { "sh", "-c",
		"cp -a \"$1\" \"$2.$$\" && { mv -T \"$2.$$\" \"$2\" || rm -r \"$2.$$\"; }", "sh",
		from, to, NULL };
	struct result result = command_run(&(struct launch){ .argv = argv }, 60000);

	if (access(to, F_OK) != 0)
		give_up("%s cannot be copied to %s:\n%s", from, to, result.err);
}

/* A copy costs a tenth of what initdb does. */
static void make_data(struct pg_server *server)
{
	const char *template = getenv("DRAY_POSTGRES_TEMPLATE");

	if (template && access(template, F_OK) == 0) {
		copy_folder(template, server->data);
		return;
	}
	run_initdb(server);
	if (template)
		copy_folder(server->data, template);
}

static void launch(struct pg_server *server)
{
	const char *argv[64] = { text("%s/postgres", server->bin), "-D", server->data, "-k",
		server->folder, "-c", "listen_addresses=127.0.0.1", "-p", text("%d", server->port),
		"-c", "max_prepared_transactions=10", "-c", "shared_buffers=32MB", "-c",
		"log_line_prefix=%m [%p] " };
	size_t count = 15;

	for (size_t i = 0; server->options[i]; i++) {
		argv[count++] = "-c";
		argv[count++] = server->options[i];
	}
	server->proc = proc_start(
		&(struct launch){
			.argv = argv, .folder = "/", .user = OWNER, .end_signal = SIGQUIT },
		scratch_path("%s.log", server->name));
}

static bool answers(const struct pg_server *server)
{
	return PQping(pg_server_url(server, "postgres")) == PQPING_OK;
}

static bool comes_up(struct pg_server *server)
{
	int64_t end = now_ms() + patience(60000);

	while (proc_running(server->proc) && now_ms() < end) {
		if (answers(server))
			return true;
		nap(20);
	}
	proc_kill(server->proc);
	return false;
}

static void prepare_folder(struct pg_server *server)
{
	server->folder = scratch_path("%s", server->name);
	server->data = text("%s/data", server->folder);
	/* The server's user makes the data folder and the socket in it. */
	mkdir(server->folder, 0777);
	if (chmod(server->folder, 0777) != 0)
		give_up("cannot make %s", server->folder);
}

void pg_server_start(struct pg_server *server, const char *name, const char *const *options)
{
	size_t count = 0;

	*server = (struct pg_server){ .name = text("%s", name), .bin = find_programs() };
	server->options[count++] = text("fsync=off");
	for (; options && *options && count < 15; options++)
		server->options[count++] = text("%s", *options);
	prepare_folder(server);
	make_data(server);
	for (int tries = 0; tries < 5; tries++) {
		server->port = free_port();
		launch(server);
		if (comes_up(server))
			return;
	}
	give_up("PostgreSQL does not start:\n%s", proc_log(server->proc));
}

void pg_server_again(struct pg_server *server)
{
	/* After a crash, the children of the old one may still hold its shared memory for a moment. */
	for (int tries = 0; tries < 50; tries++) {
		launch(server);
		if (comes_up(server))
			return;
		nap(200);
	}
	give_up("PostgreSQL does not start again:\n%s", proc_log(server->proc));
}

void pg_server_end(struct pg_server *server)
{
	if (!server->proc || !proc_running(server->proc))
		return;
	proc_signal(server->proc, SIGINT);
	proc_wait(server->proc, 60000);
}

void pg_server_kill(struct pg_server *server)
{
	proc_kill(server->proc);
}

/* The postmaster first, so that it starts no more. */
void pg_server_pause(struct pg_server *server)
{
	proc_signal(server->proc, SIGSTOP);
	if (proc_signal_children(server->proc, SIGSTOP) == 0)
		give_up("PostgreSQL has no processes to pause");
}

void pg_server_resume(struct pg_server *server)
{
	proc_signal_children(server->proc, SIGCONT);
	proc_signal(server->proc, SIGCONT);
}

void pg_server_restart(struct pg_server *server)
{
	pg_server_end(server);
	pg_server_again(server);
}

void pg_server_make_database(struct pg_server *server, const char *database)
{
	PGconn *connection = PQconnectdb(pg_server_url(server, "postgres"));
	PGresult *result = PQexec(connection, text("CREATE DATABASE \"%s\"", database));

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		give_up("cannot make database %s: %s", database, PQerrorMessage(connection));
	PQclear(result);
	PQfinish(connection);
}

char *pg_server_url(const struct pg_server *server, const char *database)
{
	return text("postgresql:///%s?host=%s&port=%d&user=" OWNER, database, server->folder,
		server->port);
}

char *pg_server_tcp_url(const struct pg_server *server, const char *database)
{
	return text("postgresql://" OWNER "@127.0.0.1:%d/%s", server->port, database);
}
