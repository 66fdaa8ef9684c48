/* ranges_file.h - the file's layout, for ranges.c and ranges_make.c. */
#pragma once
#include "base/util.h"

#define RANGES_MAGIC "RANGES1\n"
#define RANGES_STEP 256 /* 4 KiB of ranges an entry of the index */
struct ranges_head {
	char magic[8]; /* no terminator */
	uint64_t count;
};
struct range {
	uint64_t first;
	uint32_t more; /* numbers after the first */
	uint32_t value;
};
