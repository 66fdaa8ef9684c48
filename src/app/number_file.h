/* number_file.h - files with numbers, a line each: block and opt-out lists, ported numbers. Comma, semicolon or tab between the fields;
 * a first line without a number names the columns. Every spelling of a number is taken and brought into its canonical form. */
#pragma once
#include "base/buf.h"
#include "model/number_list.h"

#define NUMBER_FILE_FAULTS 20
/* What is wrong with a file, the first few lines of it. */
struct number_file_faults {
	size_t count; /* all of them */
	char text[NUMBER_FILE_FAULTS][160];
};

/* Reads number[,since[,source[,why]]]; a first line may name these columns in another order and leave out all but number. Since is
 * ISO 8601 (UTC without a zone), `now` where it is missing; so is FROM_IMPORT. *ret is an array of *n, its `why`s are owned by
 * *memory: free both. List and owner are left to the caller. 0; -EINVAL: there are faults; other: e. */
int number_file_list(const char *path, int64_t now, struct number_change **ret, size_t *n, struct buf *memory,
		     struct number_file_faults *faults, struct err *e) MUST;

/* Reads number,operator or first,last,operator, calls fn for each line. fn returns 0, or -EINVAL with words for the line, or another
 * error, which ends the reading. */
typedef int number_range_fn(void *ctx, uint64_t first, uint64_t last, int64_t operator_id, uint32_t line, struct err *e);
int number_file_ported(const char *path, number_range_fn *fn, void *ctx, struct number_file_faults *faults,
		       struct err *e) MUST;
