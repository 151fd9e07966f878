/* Small disks in a mount namespace of our own. */
#include "support/small_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/common.h"

#define DISKS 8

static char *disks[DISKS];

static bool map_self(const char *file, long id)
{
	char line[64];
	int fd = open(file, O_WRONLY | O_CLOEXEC), size;

	size = snprintf(line, sizeof(line), "%ld %ld 1", id, id);
	bool good = fd >= 0 && write(fd, line, (size_t)size) == size;
	if (fd >= 0)
		close(fd);
	return good;
}

static bool own_namespace(void)
{
	long uid = geteuid(), gid = getegid();

	if (uid == 0)
		return unshare(CLONE_NEWNS) == 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	int fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, "deny", 4) == 4;
	if (fd >= 0)
		close(fd);
	return good && map_self("/proc/self/uid_map", uid) && map_self("/proc/self/gid_map", gid);
}

/* In a chroot the root is no mount point (EINVAL): what is mounted may then be seen from outside it. */
static bool keep_mounts_private(void)
{
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 || errno == EINVAL;
}

const char *small_disk_prepare(void)
{
	if (own_namespace() && keep_mounts_private())
		return NULL;
	return text(
		"a mount namespace is not allowed here (%s): run the tests as root, or allow user "
		"namespaces (kernel.unprivileged_userns_clone, user.max_user_namespaces, "
		"kernel.apparmor_restrict_unprivileged_userns)",
		strerror(errno));
}

/* Before the scratch folder is removed, which cannot remove what is mounted. */
static void unmount_all(int status, void *unused)
{
	(void)status;
	(void)unused;
	for (int i = 0; i < DISKS && disks[i]; i++)
		umount2(disks[i], MNT_DETACH);
}

static void remember(char *path)
{
	int i = 0;

	while (i < DISKS && disks[i])
		i++;
	if (i == DISKS)
		give_up("more than %d disks", DISKS);
	if (i == 0)
		on_exit(unmount_all, NULL);
	disks[i] = path;
}

char *small_disk_make(const char *name, int mebibytes)
{
	char *path = scratch_path("%s", name);

	if (mkdir(path, 0777) != 0 ||
		mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV,
			text("size=%dm,mode=0777", mebibytes)) != 0)
		give_up("cannot mount a small disk on %s: %s", path, strerror(errno));
	remember(path);
	return path;
}

/* In large pieces first, which are quick, then to the last byte. */
void small_disk_fill(const char *path)
{
	static const char block[1 << 20];
	int fd = open(text("%s/ballast", path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		give_up("cannot fill %s: %s", path, strerror(errno));
	for (size_t size = sizeof(block); size >= 4096; size /= 16)
		while (write(fd, block, size) > 0)
			continue;
	if (errno != ENOSPC)
		give_up("cannot fill %s: %s", path, strerror(errno));
	close(fd);
}

void small_disk_free(const char *path)
{
	if (unlink(text("%s/ballast", path)) != 0)
		give_up("%s was not filled", path);
}
