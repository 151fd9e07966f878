/*
 * Preloaded into a process, counts the SQL statements it runs on SQLite, in the file that COUNT_SQLITE
 * names.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sqlite3.h>

static _Atomic int64_t nowhere, *counter = &nowhere;
static _Thread_local int within; /* sqlite3_exec may call sqlite3_step */

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("COUNT_SQLITE");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	const size_t size = sizeof(*counter);

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		return;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED)
		counter = memory;
}

int sqlite3_step(sqlite3_stmt *statement)
{
	static int (*real)(sqlite3_stmt *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sqlite3_step");
	if (!within && !sqlite3_stmt_busy(statement))
		++*counter;
	return real(statement);
}

int sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
	void *context, char **error)
{
	static int (*real)(
		sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sqlite3_exec");
	++*counter;
	within++;
	int code = real(db, sql, row, context, error);
	within--;
	return code;
}
