/* Samples of /proc and of /metrics, their medians, and a table. */
#include "samples.h"

#include <dirent.h>
#include <unistd.h>

#include "support/common.h"
#include "support/http.h"

#define PAGE_CACHE_KIB	   2000 /* SQLite's own limit, which it may take an hour to reach */
#define GROWTH_KIB	   1024 /* an allocator's own */
#define GROWTH_PERCENT	   5
#define GROWTH_DESCRIPTORS 2 /* a request of HTTP that is just being answered */

typedef int64_t measure(const struct sample *sample);

static int64_t from_status(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	return line ? atoll(line + strlen(name)) : 0;
}

static int64_t descriptors(pid_t pid)
{
	DIR *folder = opendir(text("/proc/%d/fd", (int)pid));
	int64_t count = 0;

	if (!folder)
		return 0;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

static double cpu_seconds(pid_t pid)
{
	char *stat = file_read(text("/proc/%d/stat", (int)pid)), *rest = strrchr(stat, ')');
	long long user = 0, system = 0;

	if (!rest ||
		sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &user,
			&system) != 2)
		return 0;
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static int64_t stored(int http_port)
{
	const char *name = "\ndray_stored_total{";
	struct http_answer answer = http_request(http_port, "GET", "/metrics", NULL, NULL);
	int64_t sum = 0;

	if (answer.status != 200)
		return -1;
	for (char *line = answer.body; (line = strstr(line, name)); line++)
		sum += atoll(line + strcspn(line, "}") + 1);
	return sum;
}

static struct sample look(const struct samples *samples)
{
	pid_t pid = samples->proc->pid;
	const char *status = file_read(text("/proc/%d/status", (int)pid));
	struct sample sample = {
		.seconds = (now_ms() - samples->began_ms) / 1000,
		.rss_anon_kib = from_status(status, "RssAnon:"),
		.vm_rss_kib = from_status(status, "VmRSS:"),
		.descriptors = descriptors(pid),
		.threads = from_status(status, "Threads:"),
		.cpu_seconds = cpu_seconds(pid),
		.stored = stored(samples->http_port),
	};

	if (getloadavg(&sample.load, 1) != 1)
		sample.load = 0;
	return sample;
}

void samples_begin(
	struct samples *samples, const struct proc *proc, int http_port, const char *path)
{
	*samples = (struct samples){ .proc = proc, .http_port = http_port, .began_ms = now_ms() };
	samples->file = fopen(path, "we");
	if (!samples->file)
		give_up("cannot write %s", path);
	fprintf(samples->file,
		"seconds,rss_anon_kib,vm_rss_kib,descriptors,threads,cpu_seconds,"
		"events_stored,load\n");
}

void samples_take(struct samples *samples)
{
	struct sample now = look(samples);

	samples->items = realloc(samples->items, (samples->count + 1) * sizeof(now));
	samples->items[samples->count++] = now;
	fprintf(samples->file, "%lld,%lld,%lld,%lld,%lld,%.2f,%lld,%.2f\n", (long long)now.seconds,
		(long long)now.rss_anon_kib, (long long)now.vm_rss_kib, (long long)now.descriptors,
		(long long)now.threads, now.cpu_seconds, (long long)now.stored, now.load);
	fflush(samples->file);
}

void samples_end(struct samples *samples)
{
	fclose(samples->file);
	free(samples->items);
}

static int64_t rss_anon(const struct sample *sample)
{
	return sample->rss_anon_kib;
}

static int64_t vm_rss(const struct sample *sample)
{
	return sample->vm_rss_kib;
}

static int64_t open_descriptors(const struct sample *sample)
{
	return sample->descriptors;
}

static int64_t threads(const struct sample *sample)
{
	return sample->threads;
}

static int compare(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

	return (a > b) - (a < b);
}

static int64_t median(const struct samples *samples, size_t quarter, measure *of)
{
	size_t from = samples->count * quarter / 4, to = samples->count * (quarter + 1) / 4;
	int64_t *sorted = calloc(to - from + 1, sizeof(*sorted)), middle;

	for (size_t i = from; i < to; i++)
		sorted[i - from] = of(&samples->items[i]);
	qsort(sorted, to - from, sizeof(*sorted), compare);
	middle = sorted[(to - from) / 2];
	free(sorted);
	return middle;
}

/* One line of the table; false where the last quarter lies above the second by more than is allowed. */
static bool row(const struct samples *samples, const char *name, measure *of, int64_t allowed)
{
	int64_t quarters[4];

	for (size_t i = 0; i < 4; i++)
		quarters[i] = median(samples, i, of);
	bool flat = quarters[3] - quarters[1] <= allowed;
	say("%-12s %10lld %10lld %10lld %10lld  %s", name, (long long)quarters[0],
		(long long)quarters[1], (long long)quarters[2], (long long)quarters[3],
		flat ? "flat" : "GROWS");
	return flat;
}

static int64_t allowed_kib(const struct samples *samples, measure *of, int sqlite_files)
{
	int64_t part = median(samples, 1, of) * GROWTH_PERCENT / 100;

	return (part > GROWTH_KIB ? part : GROWTH_KIB) + (int64_t)sqlite_files * PAGE_CACHE_KIB;
}

bool samples_are_flat(const struct samples *samples, int sqlite_files)
{
	const struct sample *last = &samples->items[samples->count - 1];

	say("%zu samples in %lld s; %.1f s of processor time, %.1f %% of a core; load at the end %.1f",
		samples->count, (long long)last->seconds, last->cpu_seconds,
		100 * last->cpu_seconds / (double)(last->seconds ? last->seconds : 1), last->load);
	say("%-12s %10s %10s %10s %10s", "medians of", "quarter 1", "2", "3", "4");
	bool flat =
		row(samples, "RssAnon KiB", rss_anon, allowed_kib(samples, rss_anon, sqlite_files));
	flat &= row(samples, "VmRSS KiB", vm_rss, allowed_kib(samples, vm_rss, sqlite_files));
	flat &= row(samples, "descriptors", open_descriptors, GROWTH_DESCRIPTORS);
	return row(samples, "threads", threads, GROWTH_DESCRIPTORS) && flat;
}
