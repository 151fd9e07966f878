/*
 * Names of processes, by what /proc says. A wrong "gone" would let two work at once, so every doubt (another
 * boot, another namespace, a /proc that is not ours or hides others) counts as alive.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"

#define START_FIELD 22 /* of /proc/PID/stat, see proc(5) */

/* The beginning of a file of /proc; "" where it cannot be read. */
static void read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);

	text[got > 0 ? got : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

static void add_link(struct buf *place, const char *path)
{
	char target[64];
	ssize_t size = readlink(path, target, sizeof(target));

	buf_add(place, target, size > 0 ? (size_t)size : 0);
	buf_add_char(place, '\n');
}

/* 0: not known. */
static uint64_t find_place(void)
{
	char boot[64], self[24] = "";
	struct buf place = { 0 };

	read_file("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	if (!*boot || readlink("/proc/self", self, sizeof(self) - 1) < 0 || atol(self) != getpid())
		return 0;
	buf_add_text(&place, boot);
	add_link(&place, "/proc/self/ns/pid");
	add_link(&place, "/proc/self/ns/time"); /* START is shown by its clock */
	uint64_t hash = hash_bytes(place.data, place.size, 0);
	buf_finish(&place);
	return hash;
}

/* When a process started, in ticks after the boot; 0: it cannot be told. */
static uint64_t find_start(long pid)
{
	char path[48], text[1024];

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	read_file(path, text, sizeof(text));
	char *at = strrchr(text, ')'); /* the second field may hold anything */
	for (int field = 2; at && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

void process_name(char name[PROCESS_NAME])
{
	char host[48] = "", random[9];

	gethostname(host, sizeof(host) - 1);
	hash_random_hex(random, 4);
	snprintf(name, PROCESS_NAME, "%s/%ld/%" PRIx64 "-%" PRIx64 "-%s", host, (long)getpid(),
		find_place(), find_start(getpid()), random);
}

bool process_is_gone(const char *name)
{
	const char *at = strchr(name, '/');
	uint64_t place, start, now;
	long pid;

	if (!at || sscanf(at, "/%ld/%" SCNx64 "-%" SCNx64 "-", &pid, &place, &start) != 3 ||
		pid <= 0 || place == 0 || start == 0 || place != find_place())
		return false;
	if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
		return true;
	now = find_start(pid);
	return now != 0 && now != start;
}

void process_user(char text[PROCESS_NAME])
{
	const struct passwd *user = getpwuid(geteuid());
	char host[64] = "", number[24];

	snprintf(number, sizeof(number), "%lu", (unsigned long)geteuid());
	gethostname(host, sizeof(host) - 1);
	snprintf(text, PROCESS_NAME, "%.60s@%s", user ? user->pw_name : number, host);
}
