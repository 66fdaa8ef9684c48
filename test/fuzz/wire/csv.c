/* csv.c - any line: fields inside of it, or a fault; what csv_put writes of them reads back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/csv.h"

#define FIELDS 8

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str f[FIELDS], again[FIELDS];
	struct buf b = BUF_INIT;
	char *line = malloc(size + 1);
	ssize_t n;

	check(line != NULL);
	if (size)
		memcpy(line, data, size);
	n = csv_split(line, size, csv_separator((struct str){line, size}), f, FIELDS);
	for (ssize_t i = 0; i < n; i++) {
		check(!f[i].n || (f[i].p >= line && f[i].p + f[i].n <= line + size));
		if (i)
			buf_putc(&b, ',');
		csv_put(&b, f[i]);
	}
	if (n > 0) {
		char none[1];

		check(csv_split(b.p ? b.p : none, b.n, ',', again, FIELDS) == n);
		for (ssize_t i = 0; i < n; i++)
			check(again[i].n == f[i].n);
	}
	buf_done(&b);
	free(line);
	return 0;
}
