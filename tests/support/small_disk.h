#ifndef SUPPORT_SMALL_DISK_H
#define SUPPORT_SMALL_DISK_H

/*
 * Disks that are really full (ENOSPC), and have room again: small tmpfs mounts that only this process and
 * its children see. Root may mount anyway; everybody else does so in a user namespace of his own, with his
 * own uid in it.
 */

/* Before anything else in main, while there is one thread. NULL, or why there can be none here. */
const char *small_disk_prepare(void);

#define SMALL_DISK_SKIPPED 77 /* main's status where it is not allowed: ctest says "Skipped" */

/* Mounted on scratch/NAME; gives the path. Servers of that name will keep their data on it. */
char *small_disk_make(const char *name, int mebibytes);

void small_disk_fill(const char *path); /* to the last byte */
void small_disk_free(const char *path); /* takes back what fill wrote */

#endif
