/* ranges.c - reading the table (ranges.h). */
#include "base/ranges.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ranges_file.h"

struct ranges {
	void *map;
	size_t bytes, count, steps;
	const struct range *at;
	const uint64_t *index; /* first of every RANGES_STEP-th */
};

static int accept_file(struct ranges *r, const char *path, struct err *e)
{
	const struct ranges_head *h = r->map;

	if (memcmp(h->magic, RANGES_MAGIC, sizeof h->magic) != 0 || h->count > r->bytes / sizeof(struct range))
		return err_set(e, -EPROTO, "%s: not a table of ranges", path);
	r->count = h->count;
	r->steps = (r->count + RANGES_STEP - 1) / RANGES_STEP;
	if (r->bytes != sizeof *h + r->count * sizeof *r->at + r->steps * sizeof *r->index)
		return err_set(e, -EPROTO, "%s: cut off", path);
	r->at = (const struct range *)(h + 1);
	r->index = (const uint64_t *)(r->at + r->count);
	(void)madvise(r->map, r->bytes, MADV_RANDOM);
	return 0;
}

int ranges_open(struct ranges **ret, const char *path, struct err *e)
{
	struct ranges *r;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), code = 0;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
	r = xnew(struct ranges);
	r->map = MAP_FAILED;
	if (fstat(fd, &st) < 0)
		code = err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
	else if (!S_ISREG(st.st_mode) || (size_t)st.st_size < sizeof(struct ranges_head))
		code = err_set(e, -EPROTO, "%s: not a table of ranges", path);
	if (code == 0) {
		r->bytes = (size_t)st.st_size;
		r->map = mmap(NULL, r->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		code = r->map == MAP_FAILED ? err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno))
					    : accept_file(r, path, e);
	}
	close(fd);
	if (code < 0)
		ranges_close(r);
	else
		*ret = r;
	return code;
}

void ranges_close(struct ranges *r)
{
	if (!r)
		return;
	if (r->map != MAP_FAILED)
		munmap(r->map, r->bytes);
	free(r);
}

size_t ranges_count(const struct ranges *r) { return r->count; }

bool ranges_find(const struct ranges *r, uint64_t x, uint32_t *value)
{
	size_t low = 0, high = r->steps; /* the last step that begins at or before x */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->index[mid] <= x)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return false;
	high = MIN(low * RANGES_STEP, r->count);
	low = (low - 1) * RANGES_STEP;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (r->at[mid].first <= x)
			low = mid;
		else
			high = mid;
	}
	if (x < r->at[low].first || x - r->at[low].first > r->at[low].more)
		return false;
	*value = r->at[low].value;
	return true;
}
