/* words.c - see words.h. Entries are kept in their normal form, chained by the hash of their first word; a text is brought into the same
 * form once, and each of its words costs one look-up. */
#include "base/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct entry {
	struct str normal;
	size_t next; /* index + 1 of the next entry with the same first word; the longer come first */
};
struct words {
	struct entry *entries;
	size_t count;
	struct map *first; /* hash of a first word -> index + 1 */
};

/* -- normal form ---------------------------------------------------------------------------------------------------- */

struct fold {
	uint32_t cp;
	char to[12];
};
static const struct fold folds[] = {
#define FOLD(cp, to) {cp, to},
#include "base/words.def"
#undef FOLD
};

struct span {
	uint32_t from, to;
};
static const struct span wordy[] = {
#define WORDY(from, to) {from, to},
#include "base/words.def"
#undef WORDY
};

static int by_point(const void *key, const void *at)
{
	uint32_t cp = *(const uint32_t *)key, other = ((const struct fold *)at)->cp;

	return (cp > other) - (cp < other);
}

static const char *fold(uint32_t cp)
{
	const struct fold *f = bsearch(&cp, folds, COUNT_OF(folds), sizeof folds[0], by_point);

	return f ? f->to : NULL;
}

static int by_span(const void *key, const void *at)
{
	uint32_t cp = *(const uint32_t *)key;
	const struct span *s = at;

	return (cp > s->to) - (cp < s->from);
}

static bool is_wordy(uint32_t cp) { return bsearch(&cp, wordy, COUNT_OF(wordy), sizeof wordy[0], by_span); }

/* Marks on the letter before, and characters that nobody sees: a word with them is the same word. */
static bool is_dropped(uint32_t cp)
{
	return (cp >= 0x300 && cp <= 0x36f) || (cp >= 0x483 && cp <= 0x487) || (cp >= 0x1ab0 && cp <= 0x1aff) ||
	       (cp >= 0x1dc0 && cp <= 0x1dff) || (cp >= 0x20d0 && cp <= 0x20ff) || (cp >= 0xfe00 && cp <= 0xfe0f) ||
	       (cp >= 0x200b && cp <= 0x200f) || cp == 0xad || cp == 0x2060 || cp == 0xfeff;
}

static bool ascii_wordy(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void words_normal(struct buf *out, struct str text)
{
	const char *p = text.p, *end = text.n ? p + text.n : p;
	bool gap = false, any = false; /* a blank is due before the next word; there was a word */

	while (p < end) {
		unsigned char c = (unsigned char)*p;
		const char *from = p, *folded;
		uint32_t cp;

		if (c < 0x80) {
			p++;
			if (!ascii_wordy(c)) {
				gap = any;
				continue;
			}
			if (gap)
				buf_putc(out, ' ');
			buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : (char)c);
		} else {
			cp = utf8_next(&p, end);
			if (is_dropped(cp))
				continue;
			folded = fold(cp);
			if (!folded && !is_wordy(cp)) {
				gap = any;
				continue;
			}
			if (gap)
				buf_putc(out, ' ');
			if (folded)
				buf_puts(out, folded);
			else
				buf_put(out, from, (size_t)(p - from));
		}
		gap = false;
		any = true;
	}
}

/* -- the set -------------------------------------------------------------------------------------------------------- */

static size_t first_word(struct str s)
{
	const char *blank = s.n ? memchr(s.p, ' ', s.n) : NULL;

	return blank ? (size_t)(blank - s.p) : s.n;
}

static void chain(struct words *w, size_t index)
{
	struct entry *e = &w->entries[index];
	uint64_t hash = hash_bytes(e->normal.p, first_word(e->normal)), head = 0;

	map_get(w->first, hash, &head);
	if (!head || w->entries[head - 1].normal.n < e->normal.n) {
		e->next = (size_t)head;
		map_set(w->first, hash, index + 1);
		return;
	}
	for (struct entry *at = &w->entries[head - 1];; at = &w->entries[at->next - 1]) {
		if (at->next && w->entries[at->next - 1].normal.n >= e->normal.n)
			continue;
		e->next = at->next;
		at->next = index + 1;
		return;
	}
}

struct words *words_new(const struct str *entries, size_t n)
{
	struct words *w = xnew(struct words);

	w->entries = xcalloc(n ? n : 1, sizeof(w->entries[0]));
	w->count = n;
	w->first = map_new();
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;

		words_normal(&b, entries[i]);
		if (b.n && !b.failed) {
			w->entries[i].normal = (struct str){xstrndup(b.p, b.n), b.n};
			chain(w, i);
		}
		buf_done(&b);
	}
	return w;
}

void words_free(struct words *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->count; i++)
		free((char *)(uintptr_t)w->entries[i].normal.p);
	free(w->entries);
	map_free(w->first);
	free(w);
}

size_t words_count(const struct words *w) { return w ? w->count : 0; }

/* The longest entry that the normal text begins with, index + 1 or 0. */
static size_t fitting(const struct words *w, struct str normal)
{
	uint64_t at = 0;

	map_get(w->first, hash_bytes(normal.p, first_word(normal)), &at);
	for (; at; at = w->entries[at - 1].next) {
		struct str e = w->entries[at - 1].normal;

		if (normal.n >= e.n && !memcmp(normal.p, e.p, e.n) && (normal.n == e.n || normal.p[e.n] == ' '))
			return (size_t)at;
	}
	return 0;
}

enum place { ANYWHERE, BEGINNING, WHOLE };

static ssize_t search(const struct words *w, struct str text, enum place where)
{
	struct buf b = BUF_INIT;
	struct str rest;
	size_t found = 0;

	if (!w || !w->count || !map_count(w->first))
		return -1;
	words_normal(&b, text);
	rest = buf_view(&b);
	while (rest.n && !found) {
		size_t step = MIN(first_word(rest) + 1, rest.n);

		found = fitting(w, rest);
		if (where != ANYWHERE)
			break;
		rest = (struct str){rest.p + step, rest.n - step};
	}
	if (where == WHOLE && found && w->entries[found - 1].normal.n != b.n)
		found = 0;
	buf_done(&b);
	return (ssize_t)found - 1;
}

ssize_t words_find(const struct words *w, struct str text) { return search(w, text, ANYWHERE); }

ssize_t words_begin(const struct words *w, struct str text) { return search(w, text, BEGINNING); }

ssize_t words_whole(const struct words *w, struct str text) { return search(w, text, WHOLE); }
