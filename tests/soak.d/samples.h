#ifndef SAMPLES_H
#define SAMPLES_H

#include <stdio.h>

#include "support/proc.h"

/* What a process uses over time, in a file of comma-separated values. */
struct sample {
	int64_t seconds; /* since the first one */
	int64_t rss_anon_kib, vm_rss_kib, descriptors, threads;
	double cpu_seconds, load; /* the machine's, over a minute */
	int64_t stored; /* events, as /metrics of the process counts them; -1: no answer */
};

struct samples {
	const struct proc *proc;
	int http_port;
	int64_t began_ms;
	FILE *file;
	struct sample *items;
	size_t count;
};

void samples_begin(
	struct samples *samples, const struct proc *proc, int http_port, const char *path);
void samples_take(struct samples *samples); /* also prints one */
void samples_end(struct samples *samples);

/*
 * Prints the quarters of the run, and whether the last one is where the second was. Memory may grow by what the
 * page caches of SQLite still take.
 */
bool samples_are_flat(const struct samples *samples, int sqlite_files);

#endif
