/* gsm_compose.c - letters and their accents: canonical composition (NFC) and folding to bare letters, both from the one table
 * of pairs in gsm_compose.def. */
#include <string.h>
#include "wire/gsm_text.h"

#define STROKE 0x338 /* makes "not equal" of "equal": no accent to be dropped */
#define MARKS_MAX 32 /* on one letter; what comes beyond is passed as it is */

struct pair {
	uint16_t base, mark, composed;
};
static const struct pair pairs[] = {
#define COMPOSE(base, mark, composed) {base, mark, composed},
#include "wire/gsm_compose.def"
#undef COMPOSE
};
static const uint16_t by_composed[] = {
#define BY_COMPOSED(index) index,
#include "wire/gsm_compose.def"
#undef BY_COMPOSED
};
static const uint8_t mark_class[0x70] = {
#define MARK_CLASS(class) class,
#include "wire/gsm_compose.def"
#undef MARK_CLASS
};

/* U+0483..U+0487: the marks of Church Slavonic. */
static uint8_t class_of(uint32_t cp)
{
	if (cp >= 0x300 && cp < 0x370)
		return mark_class[cp - 0x300];
	return cp >= 0x483 && cp <= 0x487 ? 230 : 0;
}

/* 0 when there is no such letter. */
static uint32_t compose(uint32_t base, uint32_t mark)
{
	size_t lo = 0, hi = COUNT_OF(pairs);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct pair *p = &pairs[mid];

		if (p->base == base && p->mark == mark)
			return p->composed;
		if (p->base < base || (p->base == base && p->mark < mark))
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

static const struct pair *decompose(uint32_t cp)
{
	size_t lo = 0, hi = COUNT_OF(by_composed);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct pair *p = &pairs[by_composed[mid]];

		if (p->composed == cp)
			return p;
		if (p->composed < cp)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Singleton decompositions. */
static uint32_t singleton(uint32_t cp)
{
	switch (cp) {
#define SINGLETON(cp, other) \
	case cp:             \
		return other;
#include "wire/gsm_compose.def"
#undef SINGLETON
	default: return cp;
	}
}

/* Marks stand in U+0300..U+036F (CC 80..CD AF) and U+0483..U+0487; the rest are the leads of singletons. */
static bool suspicious(const unsigned char *p)
{
	switch (*p) {
	case 0xcc: return true;
	case 0xcd: return p[1] < 0xb0 || p[1] == 0xb4 || p[1] == 0xbe;
	case 0xce: return p[1] == 0x87;
	case 0xd2: return p[1] >= 0x83 && p[1] <= 0x87;
	case 0xe1: return p[1] >= 0xbd && p[1] <= 0xbf;
	case 0xe2: return (p[1] == 0x80 && p[2] < 0x82) || (p[1] == 0x84 && p[2] >= 0xa6 && p[2] <= 0xab);
	default: return false;
	}
}

bool text_is_nfc(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = s.n ? p + s.n : p;

	for (; p < end; p++) {
		if (*p >= 0xcc && suspicious(p))
			return false;
	}
	return true;
}

/* A letter and the marks after it. */
struct cluster {
	uint32_t starter; /* 0: marks without a letter */
	uint32_t mark[MARKS_MAX + 4];
	size_t n;
};

static void put_cp(struct buf *out, uint32_t cp)
{
	char u[4];

	buf_put(out, u, (size_t)utf8_put(u, cp));
}

/* UAX #15: take the letter apart, bring the marks into canonical order, put together again what is not blocked. */
static void cluster_end(struct cluster *c, struct buf *out)
{
	uint8_t last = 0;
	size_t kept = 0;

	if (c->n && c->starter) {
		const struct pair *p;

		while ((p = decompose(c->starter)) && c->n < COUNT_OF(c->mark)) {
			memmove(c->mark + 1, c->mark, c->n * sizeof(c->mark[0]));
			c->mark[0] = p->mark;
			c->starter = p->base;
			c->n++;
		}
	}
	for (size_t i = 1; i < c->n; i++) {
		uint32_t m = c->mark[i];
		size_t j = i;

		for (; j > 0 && class_of(c->mark[j - 1]) > class_of(m); j--)
			c->mark[j] = c->mark[j - 1];
		c->mark[j] = m;
	}
	for (size_t i = 0; i < c->n; i++) {
		uint32_t whole = c->starter && last < class_of(c->mark[i]) ? compose(c->starter, c->mark[i]) : 0;

		if (whole) {
			c->starter = whole;
		} else {
			last = class_of(c->mark[i]);
			c->mark[kept++] = c->mark[i];
		}
	}
	if (c->starter)
		put_cp(out, c->starter);
	for (size_t i = 0; i < kept; i++)
		put_cp(out, c->mark[i]);
	c->starter = 0;
	c->n = 0;
}

void text_nfc(struct buf *out, struct str s)
{
	const char *p = s.p, *end = s.n ? p + s.n : p;
	struct cluster c = {0};

	while (p < end) {
		uint32_t cp = singleton(utf8_next(&p, end));

		if (cp == 0x344) { /* a mark that is two */
			if (c.n + 2 > MARKS_MAX)
				cluster_end(&c, out);
			c.mark[c.n++] = 0x308;
			c.mark[c.n++] = 0x301;
		} else if (class_of(cp)) {
			if (c.n == MARKS_MAX)
				cluster_end(&c, out);
			c.mark[c.n++] = cp;
		} else {
			cluster_end(&c, out);
			c.starter = cp;
		}
	}
	cluster_end(&c, out);
}

/* What has no decomposition but a usual plain spelling. An empty one: leave it out. */
static const struct {
	uint16_t cp;
	char plain[4];
} spelling[] = {
	{0x09, " "},    {0x60, "'"},    {0xa0, " "},   {0xa1, "!"},   {0xaa, "a"},     {0xab, "\""},
	{0xad, ""},     {0xb0, "o"},    {0xb2, "2"},   {0xb3, "3"},   {0xb4, "'"},     {0xb7, "."},
	{0xb8, ","},    {0xb9, "1"},    {0xba, "o"},   {0xbb, "\""},  {0xbf, "?"},     {0xc6, "AE"},
	{0xd0, "D"},    {0xd7, "x"},    {0xd8, "O"},   {0xde, "Th"},  {0xdf, "ss"},    {0xe6, "ae"},
	{0xf0, "d"},    {0xf8, "o"},    {0xfe, "th"},  {0x110, "D"},  {0x111, "d"},    {0x126, "H"},
	{0x127, "h"},   {0x131, "i"},   {0x132, "IJ"}, {0x133, "ij"}, {0x138, "k"},    {0x13f, "L"},
	{0x140, "l"},   {0x141, "L"},   {0x142, "l"},  {0x149, "'n"}, {0x14a, "N"},    {0x14b, "n"},
	{0x152, "OE"},  {0x153, "oe"},  {0x166, "T"},  {0x167, "t"},  {0x17f, "s"},    {0x1e9e, "SS"},
	{0x2000, " "},  {0x2001, " "},  {0x2002, " "}, {0x2003, " "}, {0x2004, " "},   {0x2005, " "},
	{0x2006, " "},  {0x2007, " "},  {0x2008, " "}, {0x2009, " "}, {0x200a, " "},   {0x200b, ""},
	{0x2010, "-"},  {0x2011, "-"},  {0x2012, "-"}, {0x2013, "-"}, {0x2014, "-"},   {0x2015, "-"},
	{0x2018, "'"},  {0x2019, "'"},  {0x201a, "'"}, {0x201b, "'"}, {0x201c, "\""},  {0x201d, "\""},
	{0x201e, "\""}, {0x201f, "\""}, {0x2022, "-"}, {0x2024, "."}, {0x2026, "..."}, {0x202f, " "},
	{0x2032, "'"},  {0x2033, "\""}, {0x2039, "'"}, {0x203a, "'"}, {0x2044, "/"},   {0x2060, ""},
	{0x2116, "No"}, {0x2122, "TM"}, {0x2212, "-"}, {0x3000, " "}, {0xfeff, ""},
};

static bool wanted(uint32_t cp, enum text_fold into)
{
	return into == TEXT_FOLD_ASCII ? cp < 0x80 : gsm_septets(cp) != 0;
}

static const char *plain_spelling(uint32_t cp)
{
	for (size_t i = 0; i < COUNT_OF(spelling); i++) {
		if (spelling[i].cp == cp)
			return spelling[i].plain;
	}
	return NULL;
}

void text_fold(struct buf *out, struct str s, enum text_fold into)
{
	const char *p = s.p, *end = s.n ? p + s.n : p;

	while (p < end) {
		uint32_t cp = singleton(utf8_next(&p, end)), bare = cp;
		const struct pair *pair;
		const char *plain;

		while (!wanted(bare, into) && (pair = decompose(bare)) && pair->mark != STROKE)
			bare = pair->base;
		if (wanted(bare, into))
			put_cp(out, bare);
		else if ((plain = plain_spelling(bare)))
			buf_puts(out, plain);
		else if (!class_of(cp)) /* a mark that stands alone goes */
			put_cp(out, cp);
	}
}
