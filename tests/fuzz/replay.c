/*
 * Runs a target on every file of the folders that it is given, for compilers without a fuzzer. Says which
 * file is next, so that the last line names the one at fault.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static bool run_file(const char *folder, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	if (!file)
		return false;
	fseek(file, 0, SEEK_END);
	long size = ftell(file);
	rewind(file);
	uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
	bool ok = data && size >= 0 && fread(data, 1, (size_t)size, file) == (size_t)size;
	fclose(file);
	if (ok) {
		printf("%s\n", path);
		fflush(stdout);
		LLVMFuzzerTestOneInput(data, (size_t)size);
	}
	free(data);
	return ok;
}

static int run_folder(const char *folder)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	int count = 0;

	while (entries && (entry = readdir(entries))) {
		if (entry->d_name[0] == '.')
			continue;
		if (!run_file(folder, entry->d_name)) {
			fprintf(stderr, "%s/%s cannot be read\n", folder, entry->d_name);
			exit(1);
		}
		count++;
	}
	if (entries)
		closedir(entries);
	return count;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (run_folder(argv[i]) == 0) {
			fprintf(stderr, "%s has no files\n", argv[i]);
			return 1;
		}
	return argc > 1 ? 0 : 2;
}
