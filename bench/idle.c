/* What a dray that has nothing to do costs: CPU time, wake-ups (voluntary switches), SQL statements. */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALM_MS 5000 /* until everything is connected and asleep */

struct sample {
	double cpu_s;
	int64_t switches, statements;
};

/* The number that count_sqlite keeps in a file. */
static int64_t counted(const char *path)
{
	int64_t value = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &value, sizeof(value)) != (ssize_t)sizeof(value))
		die("%s: no counts; was count_sqlite preloaded?", path);
	close(fd);
	return value;
}

/* PostgreSQL's statements come each in a transaction of its own, which it counts. */
static int64_t transactions(const char *database)
{
	PGconn *db = pg_connect(database);
	PGresult *result = pg_checked(db,
		PQexec(db,
			"SELECT xact_commit + xact_rollback FROM pg_stat_database "
			"WHERE datname = current_database()"));
	long long value = 0;

	sscanf(PQgetvalue(result, 0, 0), "%lld", &value);
	PQclear(result);
	PQfinish(db);
	return value;
}

static struct sample look(const struct options *options, pid_t pid)
{
	return (struct sample){ process_cpu(pid), process_switches(pid),
		is_sqlite(options->database) ? counted(options->counts)
					     : transactions(options->database) };
}

int cmd_idle(const struct options *options)
{
	struct child dray;

	child_start(&dray, options->command);
	nap_ms(CALM_MS);
	struct sample before = look(options, dray.pid);
	nap_ms(options->seconds * 1000);
	struct sample after = look(options, dray.pid);
	child_end(&dray);
	figure("seconds", (double)options->seconds);
	figure("cpu_s", after.cpu_s - before.cpu_s);
	figure("wakeups", (double)(after.switches - before.switches));
	figure("statements",
		(double)(after.statements - before.statements - !is_sqlite(options->database)));
	figure("rss_anon_kib", (double)dray.rss_anon);
	return 0;
}
