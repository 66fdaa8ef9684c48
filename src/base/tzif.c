/* tzif.c - TZif files (RFC 9636): decoded wholly or not at all, and asked for offsets. From version 2 on only the second block, with
 * its 64-bit times, is read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/tz_impl.h"

#define FILE_MAX (1 << 20)
#define HEADER 44

struct header {
	uint32_t utc_flags, wall_flags, leaps, times, types, chars;
	char version;
};
struct reader {
	const unsigned char *p, *end;
};

static size_t left(const struct reader *r) { return (size_t)(r->end - r->p); }

static uint64_t big_endian(struct reader *r, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | *r->p++;
	return v;
}

static bool header(struct reader *r, struct header *h)
{
	if (left(r) < HEADER || memcmp(r->p, "TZif", 4) != 0)
		return false;
	h->version = (char)r->p[4];
	r->p += 20;
	h->utc_flags = (uint32_t)big_endian(r, 4);
	h->wall_flags = (uint32_t)big_endian(r, 4);
	h->leaps = (uint32_t)big_endian(r, 4);
	h->times = (uint32_t)big_endian(r, 4);
	h->types = (uint32_t)big_endian(r, 4);
	h->chars = (uint32_t)big_endian(r, 4);
	return (h->version == 0 || h->version >= '2') && MAX(MAX(h->utc_flags, h->wall_flags), h->leaps) < FILE_MAX &&
	       MAX(MAX(h->times, h->types), h->chars) < FILE_MAX;
}

static size_t block_bytes(const struct header *h, size_t time_bytes)
{
	return h->times * (time_bytes + 1) + h->types * (size_t)6 + h->chars + h->leaps * (time_bytes + 4) +
	       h->wall_flags + h->utc_flags;
}

static bool block(struct reader *r, const struct header *h, size_t time_bytes, struct tz *z)
{
	const unsigned char *end = r->p + block_bytes(h, time_bytes);

	if (h->leaps || h->types < 1 || h->types > TZ_TYPES_MAX)
		return false; /* with leap seconds counted its instants are not ours */
	z->n = h->times;
	z->at = xcalloc(z->n + 1, sizeof(*z->at));
	z->type = xcalloc(z->n + 1, sizeof(*z->type));
	for (size_t i = 0; i < z->n; i++) {
		z->at[i] = time_bytes == 8 ? (int64_t)big_endian(r, 8) : (int32_t)big_endian(r, 4);
		if (i && z->at[i] <= z->at[i - 1])
			return false;
	}
	for (size_t i = 0; i < z->n; i++) {
		z->type[i] = *r->p++;
		if (z->type[i] >= h->types)
			return false;
	}
	for (size_t i = 0; i < h->types; i++) {
		z->offset[i] = (int32_t)big_endian(r, 4);
		if (z->offset[i] < TZ_OFFSET_MIN || z->offset[i] > TZ_OFFSET_MAX)
			return false;
		r->p += 2;
	}
	r->p = end;
	return true;
}

static bool footer(struct reader *r, struct tz_rule *rule)
{
	const unsigned char *end;

	if (!left(r) || *r->p++ != '\n')
		return false;
	end = left(r) ? memchr(r->p, '\n', left(r)) : NULL;
	if (!end)
		return false;
	return end == r->p || tz_rule_read((struct str){(const char *)r->p, (size_t)(end - r->p)}, rule) == 0;
}

static bool decode(struct reader *r, struct tz *z)
{
	struct header h;

	if (!header(r, &h) || left(r) < block_bytes(&h, 4))
		return false;
	if (!h.version)
		return block(r, &h, 4, z);
	r->p += block_bytes(&h, 4);
	return header(r, &h) && left(r) >= block_bytes(&h, 8) && block(r, &h, 8, z) && footer(r, &z->rule);
}

int tz_decode(struct str file, const char *name, struct tz **ret)
{
	struct reader r = {(const unsigned char *)file.p, (const unsigned char *)file.p + file.n};
	struct tz *z;

	if (file.n < HEADER || file.n > FILE_MAX)
		return -EPROTO;
	z = xnew(struct tz);
	atomic_init(&z->refs, 1);
	str_copy(z->name, sizeof(z->name), str_of(name));
	if (!decode(&r, z)) {
		tz_put(z);
		return -EPROTO;
	}
	*ret = z;
	return 0;
}

/* -- asking --------------------------------------------------------------------------------------------------------- */

/* How many changes there are up to that instant. */
static size_t changes_until(const struct tz *z, int64_t at)
{
	size_t low = 0, high = z->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (z->at[mid] <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int32_t tz_offset(const struct tz *z, int64_t at)
{
	size_t i = changes_until(z, at);

	if (i == z->n && z->rule.set)
		return tz_rule_offset(&z->rule, at);
	return z->offset[i ? z->type[i - 1] : 0];
}

int64_t tz_next_change(const struct tz *z, int64_t at)
{
	size_t i = changes_until(z, at);

	if (i < z->n)
		return z->at[i];
	return z->rule.set ? tz_rule_next(&z->rule, at) : INT64_MAX;
}

/* From the earliest instant that could show this civil time on, one stretch of equal offset after the other. */
int64_t tz_instant(const struct tz *z, int64_t civil, enum tz_fit *fit)
{
	int64_t from = civil - TZ_OFFSET_MAX, next = 0, at, again;
	int32_t offset, before = 0;

	for (;; from = next, before = offset) {
		offset = tz_offset(z, from);
		next = tz_next_change(z, from);
		at = civil - offset;
		if (at < from) { /* the stretch before ended too early, this one begins too late */
			if (fit)
				*fit = TZ_SKIPPED;
			return civil - before;
		}
		if (at < next)
			break;
	}
	if (!fit)
		return at;
	for (*fit = TZ_ONCE; next <= civil - TZ_OFFSET_MIN; next = tz_next_change(z, from)) {
		from = next;
		again = civil - tz_offset(z, from);
		if (again >= from && again < tz_next_change(z, from))
			*fit = TZ_TWICE;
	}
	return at;
}
