/* replay_main.c - feeds a fuzz target its corpus without a fuzzer, so that what once broke stays mended. Every file is given
 * whole and cut at some of its prefixes, from a block of exactly its size, so that the sanitizers see a read past the end.
 * A file that ends the process is named by the last line on standard error. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define PREFIXES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_copy(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	size_t n, step;

	if (!f) {
		perror(path);
		return -1;
	}
	data = malloc(FILE_MAX_BYTES);
	if (!data)
		abort();
	n = fread(data, 1, FILE_MAX_BYTES, f);
	fclose(f);
	fprintf(stderr, "%s\n", path);
	run_copy(data, n);
	step = n / PREFIXES + 1;
	for (size_t cut = 0; cut < n; cut += step)
		run_copy(data, cut);
	free(data);
	return 0;
}

static int not_hidden(const struct dirent *d) { return d->d_name[0] != '.'; }

int main(int argc, char **argv)
{
	struct dirent **names = NULL;
	int failed = 0, n;

	if (argc != 3) {
		fprintf(stderr, "usage: %s NAME CORPUS-FOLDER\n", argv[0]);
		return 64;
	}
	printf("1..1\n");
	n = scandir(argv[2], &names, not_hidden, alphasort);
	if (n <= 0) {
		printf("not ok 1 - %s: no inputs in %s\n", argv[1], argv[2]);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", argv[2], names[i]->d_name);
		failed |= run_file(path);
		free(names[i]);
	}
	free(names);
	printf("%s 1 - %s: %d inputs\n", failed ? "not ok" : "ok", argv[1], n);
	return failed ? 1 : 0;
}
