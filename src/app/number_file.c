/* number_file.c - see number_file.h. */
#include "app/number_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "wire/csv.h"
#include "wire/phone.h"

#define LINE_MAX_BYTES 4096
#define FIELDS 8

struct reading {
	FILE *f;
	char *line;
	size_t cap, n; /* of the line, without its end */
	uint32_t number;
	char separator;
	struct number_file_faults *faults;
};

static void fault(struct reading *r, const char *what)
{
	struct number_file_faults *f = r->faults;

	if (f->count++ < NUMBER_FILE_FAULTS)
		snprintf(f->text[f->count - 1], sizeof f->text[0], "line %u: %s", r->number, what);
}

static int open_file(struct reading *r, const char *path, struct number_file_faults *faults, struct err *e)
{
	*r = (struct reading){.f = fopen(path, "re"), .faults = faults};
	faults->count = 0;
	return r->f ? 0 : err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
}

static int close_file(struct reading *r, const char *path, struct err *e)
{
	int error = ferror(r->f) ? EIO : 0;

	fclose(r->f);
	free(r->line);
	if (error)
		return err_set(e, -error, "%s: %s", path, strerrordesc_np(error));
	return r->faults->count ? -EINVAL : 0;
}

/* The next line that holds something. false: there is none. */
static bool next_line(struct reading *r)
{
	ssize_t n;

	while ((n = getline(&r->line, &r->cap, r->f)) >= 0) {
		if (r->number++ == 0 && n >= 3 && !memcmp(r->line, "\xef\xbb\xbf", 3)) {
			n -= 3;
			memmove(r->line, r->line + 3, (size_t)n);
		}
		while (n && (r->line[n - 1] == '\n' || r->line[n - 1] == '\r' || r->line[n - 1] == ' '))
			n--;
		r->n = (size_t)n;
		if (!n || r->line[0] == '#')
			continue;
		if (!r->separator)
			r->separator = csv_separator((struct str){r->line, r->n});
		if (r->n <= LINE_MAX_BYTES && utf8_valid((struct str){r->line, r->n}, NULL))
			return true;
		fault(r, r->n > LINE_MAX_BYTES ? "too long" : "not valid UTF-8");
	}
	return false;
}

static ssize_t split(struct reading *r, struct str *fields)
{
	ssize_t n = csv_split(r->line, r->n, r->separator, fields, FIELDS);

	if (n < 0)
		fault(r, n == -E2BIG ? "too many fields" : "a quote is not closed, or something stands behind it");
	for (ssize_t i = n; i >= 0 && i < FIELDS; i++)
		fields[i] = (struct str){NULL, 0};
	return n;
}

static uint64_t read_number(struct str s)
{
	struct phone p;

	if (phone_read(s, &p) < 0 || p.n < 8 || p.digits[0] == '0')
		return 0;
	phone_canonical(&p, &p);
	return number_read((struct str){p.digits, p.n});
}

static bool has_digit(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9')
			return true;
	return false;
}

/* -- lists ---------------------------------------------------------------------------------------------------------- */

enum column { C_NUMBER, C_SINCE, C_SOURCE, C_WHY, COLUMNS };
static const struct {
	enum column column;
	const char *name;
} names[] = {{C_NUMBER, "number"}, {C_NUMBER, "destination"}, {C_NUMBER, "phone"}, {C_NUMBER, "numero"},
	     {C_SINCE, "since"},   {C_SINCE, "at"},           {C_SINCE, "date"},   {C_SOURCE, "source"},
	     {C_WHY, "why"},       {C_WHY, "reason"}};

/* Which field holds which column; -1: none. */
static void read_header(const struct str *fields, ssize_t n, int *place)
{
	for (int c = 0; c < COLUMNS; c++)
		place[c] = -1;
	for (ssize_t i = 0; i < n; i++)
		for (size_t k = 0; k < COUNT_OF(names); k++)
			if (str_ieq(fields[i], str_of(names[k].name)) && place[names[k].column] < 0)
				place[names[k].column] = (int)i;
}

static bool read_entry(struct reading *r, const struct str *fields, const int *place, int64_t now,
		       struct number_change *c, struct str *why)
{
	struct str column[COLUMNS] = {{NULL, 0}};
	int source;

	for (int k = 0; k < COLUMNS; k++)
		if (place[k] >= 0)
			column[k] = fields[place[k]];
	*c = (struct number_change){.on = true, .number = read_number(column[C_NUMBER]), .at = now, .source = FROM_IMPORT};
	if (!c->number) {
		fault(r, "no number with country code");
		return false;
	}
	if (column[C_SINCE].n && (iso_parse(column[C_SINCE], &c->at) < 0 || c->at < 0)) {
		fault(r, "since when: not a time of ISO 8601");
		return false;
	}
	source = number_source_parse(column[C_SOURCE]);
	if (source >= 0)
		c->source = (uint8_t)source;
	*why = column[C_WHY];
	if (why->n > NUMBER_WHY_MAX) {
		fault(r, "the reason is longer than 255 octets");
		return false;
	}
	return true;
}

static void read_list(struct reading *r, int64_t now, struct number_change **ret, size_t *n, struct buf *memory)
{
	int place[COLUMNS] = {0, 1, 2, 3};
	struct str fields[FIELDS], why;
	size_t cap = 0;
	bool first = true;

	while (next_line(r)) {
		ssize_t count = split(r, fields);
		struct number_change c;

		if (count < 0)
			continue;
		if (first && !has_digit(fields[0])) {
			first = false;
			read_header(fields, count, place);
			if (place[C_NUMBER] < 0)
				fault(r, "the first line names no column `number`");
			continue;
		}
		first = false;
		if (!read_entry(r, fields, place, now, &c, &why))
			continue;
		if (*n == cap) {
			cap = cap ? cap * 2 : 1024;
			*ret = xrealloc(*ret, cap, sizeof **ret);
		}
		/* The memory may move yet: for now its offset. */
		c.why = (struct str){(const char *)memory->n, why.n};
		buf_str(memory, why);
		(*ret)[(*n)++] = c;
	}
}

int number_file_list(const char *path, int64_t now, struct number_change **ret, size_t *n, struct buf *memory,
		     struct number_file_faults *faults, struct err *e)
{
	struct reading r;
	int code = open_file(&r, path, faults, e);

	*ret = NULL;
	*n = 0;
	memory->max = (size_t)4 << 30;
	if (code < 0)
		return code;
	read_list(&r, now, ret, n, memory);
	for (size_t i = 0; i < *n; i++)
		(*ret)[i].why.p = memory->p ? memory->p + (size_t)(*ret)[i].why.p : NULL;
	if (memory->failed)
		fault(&r, "too many reasons: more than 4 GiB");
	return close_file(&r, path, e);
}

/* -- ported numbers ------------------------------------------------------------------------------------------------- */

/* 0: the line is good or its fault is noted; -errno: end. */
static int read_range(struct reading *r, const struct str *fields, ssize_t n, number_range_fn *fn, void *ctx, struct err *e)
{
	uint64_t first = read_number(fields[0]), last = n == 3 ? read_number(fields[1]) : first;
	int64_t operator_id = 0;
	struct err why;
	int code;

	if (n != 2 && n != 3)
		fault(r, "not number,operator or first,last,operator");
	else if (!first || !last)
		fault(r, "no number with country code");
	else if (last < first || (n == 3 && fields[0].n && last - first > 10000000000))
		fault(r, "the range ends before it begins, or is longer than ten digits");
	else if (str_i64(fields[n - 1], 1, INT32_MAX, &operator_id) < 0)
		fault(r, "the operator is not an id");
	else {
		code = fn(ctx, first, last, operator_id, r->number, &why);
		if (code != -EINVAL)
			return code < 0 ? err_set(e, code, "%s", why.text) : 0;
		fault(r, why.text);
	}
	return 0;
}

int number_file_ported(const char *path, number_range_fn *fn, void *ctx, struct number_file_faults *faults, struct err *e)
{
	struct str fields[FIELDS];
	struct reading r;
	int code = open_file(&r, path, faults, e), closed;
	bool first = true;

	if (code < 0)
		return code;
	while (code == 0 && next_line(&r)) {
		ssize_t n = split(&r, fields);

		if (n >= 0 && !(first && !has_digit(fields[0])))
			code = read_range(&r, fields, n, fn, ctx, e);
		first = false;
	}
	closed = close_file(&r, path, e);
	return code < 0 ? code : closed;
}
