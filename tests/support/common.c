/* Texts, the scratch folder, waiting. */
#include "support/common.h"

#include <dirent.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/proc.h"

#define LOG_TAIL 6000 /* bytes of each log that a failing test shows */

static char scratch_folder[96];

void give_up_at(const char *file, int line, const char *format, ...)
{
	char message[16384];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	fprintf(stderr, "%s\n", message);
	_fail(file, line);
	abort();
}

void *keep(void *memory)
{
	static struct kept {
		struct kept *next;
		void *memory;
	} *all;
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct kept *one = malloc(sizeof(*one));

	if (!one || !memory)
		abort();
	one->memory = memory;
	pthread_mutex_lock(&lock);
	one->next = all;
	all = one;
	pthread_mutex_unlock(&lock);
	return memory;
}

__attribute__((format(printf, 1, 0))) static char *format_text(
	const char *format, va_list arguments)
{
	char *made;

	if (vasprintf(&made, format, arguments) < 0)
		abort();
	return keep(made);
}

char *text(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *made = format_text(format, arguments);
	va_end(arguments);
	return made;
}

char *text_bytes(const void *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return keep(copy);
}

char *text_hex(const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = data;
	char *made = malloc(2 * size + 1);

	if (!made)
		abort();
	for (size_t i = 0; i < size; i++) {
		made[2 * i] = digits[bytes[i] >> 4];
		made[2 * i + 1] = digits[bytes[i] & 15];
	}
	made[2 * size] = '\0';
	return keep(made);
}

/* Calls fn for each *.log of the scratch folder; gives how many of the calls were true. */
static int each_log(bool (*fn)(const char *path))
{
	DIR *folder = opendir(scratch_folder);
	struct dirent *entry;
	int count = 0;

	while (folder && (entry = readdir(folder))) {
		size_t size = strlen(entry->d_name);
		if (size > 4 && strcmp(entry->d_name + size - 4, ".log") == 0)
			count += fn(scratch_path("%s", entry->d_name));
	}
	if (folder)
		closedir(folder);
	return count;
}

static bool show_log(const char *path)
{
	char *content = file_read(path);
	size_t size = strlen(content);

	fprintf(stderr, "--- %s\n%s", path, size > LOG_TAIL ? content + size - LOG_TAIL : content);
	return true;
}

/* A process that a test killed cannot tell by its exit status what a sanitizer saw. */
static bool show_complaint(const char *path)
{
	char *content = file_read(path), *found = strstr(content, "Sanitizer");

	if (!found)
		found = strstr(content, "runtime error:");
	if (found)
		fprintf(stderr, "--- %s\n%.6000s\n", path,
			found > content + 200 ? found - 200 : content);
	return found != NULL;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	return remove(path), 0;
}

static void scratch_end(int status, void *unused)
{
	(void)unused;
	proc_end_all();
	if (status != 0)
		each_log(show_log);
	int complaints = status == 0 ? each_log(show_complaint) : 0;
	const char *kept = getenv("DRAY_KEEP");
	if (kept && (status != 0 || strcmp(kept, "failed") != 0))
		fprintf(stderr, "kept %s\n", scratch_folder);
	else
		nftw(scratch_folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (complaints) {
		fflush(NULL);
		_exit(1);
	}
}

const char *scratch(void)
{
	if (scratch_folder[0])
		return scratch_folder;
	const char *named = getenv("DRAY_SCRATCH"), *under = named && *named ? named : "/tmp";
	int size = snprintf(scratch_folder, sizeof(scratch_folder), "%s/dray-XXXXXX", under);
	if (size >= (int)sizeof(scratch_folder) || !mkdtemp(scratch_folder) ||
		chmod(scratch_folder, 0755) != 0)
		give_up("no scratch folder under %s", under);
	on_exit(scratch_end, NULL);
	return scratch_folder;
}

char *scratch_path(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *name = format_text(format, arguments);
	va_end(arguments);
	return text("%s/%s", scratch(), name);
}

void file_write(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(content, file) < 0 || fclose(file) != 0)
		give_up("cannot write %s", path);
}

char *project_path(const char *path)
{
	return text("%s/%s", SUPPORT_PROJECT, path);
}

char *file_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *content = NULL;
	size_t size = 0;

	if (!file)
		return text("%s", "");
	if (getdelim(&content, &size, '\0', file) < 0) {
		free(content);
		content = NULL;
	}
	fclose(file);
	return content ? keep(content) : text("%s", "");
}

bool long_run(void)
{
	return number_from("DRAY_LONG", 0) != 0;
}

int64_t number_from(const char *environment, int64_t otherwise)
{
	const char *value = getenv(environment);

	return value && *value ? strtoll(value, NULL, 10) : otherwise;
}

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void nap(int64_t ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

int64_t patience(int64_t ms)
{
	return ms * number_from("DRAY_PATIENCE", SUPPORT_PATIENCE);
}

size_t occurrences(const char *in, const char *piece)
{
	size_t count = 0;

	for (const char *at = in; (at = strstr(at, piece)); at += strlen(piece))
		count++;
	return count;
}

void assert_contains_at(const char *file, int line, const char *in, const char *piece)
{
	if (!strstr(in, piece))
		give_up_at(file, line, "expected \"%s\" in:\n%s", piece, in);
}

void assert_lacks_at(const char *file, int line, const char *in, const char *piece)
{
	if (strstr(in, piece))
		give_up_at(file, line, "did not expect \"%s\" in:\n%s", piece, in);
}

void only_named_tests(void)
{
	const char *pattern = getenv("DRAY_TEST");

	if (pattern && *pattern)
		cmocka_set_test_filter(pattern);
}

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}
