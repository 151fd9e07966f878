/* Moves the wall clock of single programs. */
#include "support/fake_clock.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "support/common.h"
#include "support/proc.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

static char *find_library(void)
{
	glob_t found;

	if (glob("/usr/lib/*/faketime/libfaketimeMT.so.1", 0, NULL, &found) != 0)
		give_up("libfaketime is missing: install faketime");
	char *path = text("%s", found.gl_pathv[0]);
	globfree(&found);
	return path;
}

/* Programs that were killed leave something of libfaketime's behind, named by their pids. */
static void clean_up(void)
{
	static const char *const patterns[] = { "/dev/shm/faketime_shm_*",
		"/dev/shm/sem.faketime_sem_*" };
	glob_t found;

	proc_end_all();
	for (size_t i = 0; i < 2; i++) {
		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++) {
			const char *pid = strrchr(found.gl_pathv[k], '_') + 1;
			if (kill((pid_t)strtol(pid, NULL, 10), 0) != 0 && errno == ESRCH)
				unlink(found.gl_pathv[k]);
		}
		globfree(&found);
	}
}

void fake_clock_make(struct fake_clock *clock, const char *name)
{
	static bool registered;

	if (!registered)
		atexit(clean_up);
	registered = true;
	clock->file = scratch_path("%s.clock", name);
	fake_clock_move(clock, 0);
	clock->variables[0] = text("LD_PRELOAD=%s", find_library());
	clock->variables[1] = text("FAKETIME_TIMESTAMP_FILE=%s", clock->file);
	clock->variables[2] = "FAKETIME_NO_CACHE=1";
	clock->variables[3] = "FAKETIME_DONT_FAKE_MONOTONIC=1";
	clock->variables[4] = NULL;
}

/* By rename: a reader must not see half of it. */
void fake_clock_move(const struct fake_clock *clock, int seconds)
{
	char *fresh = text("%s.new", clock->file);

	file_write(fresh, text("%+d\n", seconds));
	if (rename(fresh, clock->file) != 0)
		give_up("cannot move the clock %s", clock->file);
}

bool fake_clock_moves_dray(void)
{
#ifdef SANITIZED
	return false;
#else
	return true;
#endif
}
