/* split.c - from a text to the parts that go on the air. The text is brought into one alphabet as a whole (septets one an
 * octet, octets, or UTF-16 units of two octets) and then cut greedily; the only places where no cut may be are between ESC and
 * its septet and between two surrogates. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "wire/split.h"

#define ESC 0x1b
#define CLASS_0_GSM 0x10
#define CLASS_0_UCS2 0x18
#define CLASS_0_OLD 0xf0
#define SUBUNIT_DISPLAY 1 /* SMPP 3.4 5.3.2.1: MS display */

static unsigned allowed(const struct split_options *o)
{
	unsigned a = o->alphabets ? o->alphabets : SPLIT_ALPHABETS;

	return a & SPLIT_GSM7EXT ? a | SPLIT_GSM7 : a;
}

/* The best of the allowed alphabets that holds the whole text, 0 when none does. */
static unsigned fitting(const struct text_measure *m, unsigned alphabets)
{
	if (m->gsm && !m->extended && alphabets & SPLIT_GSM7)
		return SPLIT_GSM7;
	if (m->gsm && alphabets & SPLIT_GSM7EXT)
		return SPLIT_GSM7EXT;
	if (m->ascii && alphabets & SPLIT_ASCII)
		return SPLIT_ASCII;
	if (m->latin1 && alphabets & SPLIT_LATIN1)
		return SPLIT_LATIN1;
	return alphabets & SPLIT_UCS2;
}

/* When nothing holds the text, what loses least of it. */
static unsigned last_resort(unsigned alphabets)
{
	static const unsigned order[] = {SPLIT_LATIN1, SPLIT_GSM7EXT, SPLIT_GSM7, SPLIT_ASCII};

	for (size_t i = 0; i < COUNT_OF(order); i++) {
		if (alphabets & order[i])
			return order[i];
	}
	return SPLIT_UCS2;
}

static unsigned digits(unsigned n) { return n > 99 ? 3 : n > 9 ? 2 : 1; }

/* Units that fit a message or part (3GPP TS 23.040 9.2.3.24; 140 octets in all). With SAR and message_payload it is the SMSC
 * that writes the header, which is then taken to be the short one. */
static unsigned cap(unsigned alphabet, enum gsm_shift shift, enum split_join join)
{
	unsigned place = join == SPLIT_NONE ? 0 : join == SPLIT_UDH16 ? 6 : 5, national = shift ? 3 : 0;
	unsigned header = place + national ? 1 + place + national : 0;

	switch (alphabet) {
	case SPLIT_UCS2: return (140 - header) / 2;
	case SPLIT_LATIN1: return 140 - header;
	default: return 160 - (header * 8 + 6) / 7;
	}
}

static unsigned cap_alone(unsigned alphabet, enum gsm_shift shift)
{
	return cap(alphabet, shift, SPLIT_NONE);
}

/* The same for part i (from 1) of a total whose number has that many digits. */
static unsigned cap_part(unsigned alphabet, enum gsm_shift shift, enum split_join join, unsigned i, unsigned total_digits)
{
	unsigned mark = join == SPLIT_NONE ? 4 + digits(i) + total_digits : 0;

	return cap(alphabet, shift, join) - mark;
}

/* A text and the alphabet chosen for it. */
struct choice {
	struct str text; /* the caller's, or folded */
	struct buf folded;
	struct text_measure m;
	unsigned alphabet;
	enum gsm_shift shift;
};

static bool try_shift(struct choice *c, const struct split_options *o, unsigned alphabets)
{
	bool ours = o->join != SPLIT_SAR && o->join != SPLIT_PAYLOAD;
	enum gsm_shift shift;
	size_t septets;

	if (!o->shift || !(alphabets & SPLIT_GSM7EXT))
		return false;
	shift = gsm_shift_for(c->text, &septets);
	if (!shift || (!ours && septets > cap_alone(SPLIT_GSM7EXT, shift)))
		return false;
	c->alphabet = SPLIT_GSM7EXT;
	c->shift = shift;
	c->m.gsm = true;
	c->m.septets = septets;
	return true;
}

static void try_fold(struct choice *c, unsigned alphabets)
{
	struct text_measure m;
	bool gsm = alphabets & SPLIT_GSM7;
	unsigned fit;

	text_fold(&c->folded, c->text, gsm ? TEXT_FOLD_GSM : TEXT_FOLD_ASCII);
	if (c->folded.failed)
		return;
	text_measure(buf_view(&c->folded), &m);
	fit = fitting(&m, alphabets & ~(unsigned)SPLIT_UCS2);
	if (!fit && c->alphabet) /* UCS-2 it is all the same, so the accents may stay */
		return;
	c->text = buf_view(&c->folded);
	c->m = m;
	c->alphabet = fit ? fit : last_resort(alphabets);
}

static void choose(struct choice *c, struct str text, const struct split_options *o)
{
	unsigned alphabets = allowed(o);

	c->text = text;
	text_measure(text, &c->m);
	c->alphabet = fitting(&c->m, alphabets);
	if ((!c->alphabet || c->alphabet == SPLIT_UCS2) && try_shift(c, o, alphabets))
		return;
	if (!c->alphabet || (c->alphabet == SPLIT_UCS2 && o->fold && alphabets != SPLIT_UCS2))
		try_fold(c, alphabets);
	if (!c->alphabet)
		c->alphabet = last_resort(alphabets);
}

static void choice_done(struct choice *c) { buf_done(&c->folded); }

static unsigned units_of(unsigned alphabet, enum gsm_shift shift, uint32_t cp)
{
	switch (alphabet) {
	case SPLIT_UCS2: return cp > 0xffff ? 2 : 1;
	case SPLIT_GSM7EXT:
		return MAX(gsm_shift_septets(cp, shift), 1u); /* what has no septet becomes one '?' */
	default: return 1;
	}
}

static size_t units_in(const struct choice *c)
{
	const char *p = c->text.p, *end = c->text.n ? p + c->text.n : p;
	size_t n = 0;

	if (c->alphabet == SPLIT_UCS2)
		return c->m.units;
	if (c->alphabet != SPLIT_GSM7EXT)
		return c->m.points;
	if (c->m.gsm)
		return c->m.septets;
	while (p < end)
		n += units_of(SPLIT_GSM7EXT, c->shift, utf8_next(&p, end));
	return n;
}

static unsigned walk(const struct choice *c, enum split_join join, unsigned total_digits)
{
	const char *p = c->text.p, *end = c->text.n ? p + c->text.n : p;
	unsigned parts = 1, used = 0, most = cap_part(c->alphabet, c->shift, join, 1, total_digits);

	while (p < end) {
		uint32_t cp = (unsigned char)*p < 0x80 ? (unsigned char)*p++ : utf8_next(&p, end);
		unsigned k = units_of(c->alphabet, c->shift, cp);

		if (used + k > most) {
			used = 0;
			most = cap_part(c->alphabet, c->shift, join, ++parts, total_digits);
		}
		used += k;
	}
	return parts;
}

/* Also gives the number of digits that SPLIT_NONE writes for the total. */
static unsigned count(const struct choice *c, enum split_join join, size_t *units, unsigned *total_digits)
{
	unsigned parts;

	*units = units_in(c);
	*total_digits = 1;
	if (*units <= cap_alone(c->alphabet, c->shift))
		return 1;
	if (join != SPLIT_NONE) {
		unsigned most = cap(c->alphabet, c->shift, join);

		/* where no character takes two units, all parts but the last are full */
		return *units == c->m.points ? (unsigned)((*units + most - 1) / most) : walk(c, join, 1);
	}
	for (;; ++*total_digits) {
		parts = walk(c, join, *total_digits);
		if (digits(parts) <= *total_digits || *total_digits == 3)
			return parts;
	}
}

int split_count(struct str text, const struct split_options *o, struct split_count *ret)
{
	struct choice c = {0};
	unsigned total_digits;

	choose(&c, text, o);
	ret->parts = count(&c, o->join, &ret->units, &total_digits);
	ret->pdus = o->join == SPLIT_PAYLOAD ? 1 : ret->parts;
	ret->alphabet = (enum split_alphabet)c.alphabet;
	ret->shift = c.shift;
	choice_done(&c);
	return ret->parts > SPLIT_PARTS_MAX ? -E2BIG : 0;
}

static bool encode(struct buf *out, const struct choice *c)
{
	switch (c->alphabet) {
	case SPLIT_ASCII: return ascii_put(out, c->text);
	case SPLIT_LATIN1: return latin1_put(out, c->text);
	case SPLIT_UCS2: return ucs2_put(out, c->text);
	case SPLIT_GSM7: return gsm_basic_put(out, c->text);
	default: return gsm_shift_put(out, c->text, c->shift);
	}
}

/* Sets data_coding and subunit. Message classes exist for GSM and UCS-2 only (3GPP TS 23.038 section 4). */
static void set_coding(struct split *s, enum split_flash flash)
{
	bool gsm = s->alphabet == SPLIT_GSM7 || s->alphabet == SPLIT_GSM7EXT;

	s->data_coding = gsm ? 0 : s->alphabet == SPLIT_ASCII ? 1 : s->alphabet == SPLIT_LATIN1 ? 3 : 8;
	s->subunit = 0;
	if (flash == SPLIT_FLASH_OFF)
		return;
	if (flash == SPLIT_FLASH_SUBUNIT || s->alphabet == SPLIT_ASCII || s->alphabet == SPLIT_LATIN1)
		s->subunit = SUBUNIT_DISPLAY;
	else if (s->alphabet == SPLIT_UCS2)
		s->data_coding = CLASS_0_UCS2;
	else
		s->data_coding = flash == SPLIT_FLASH_F0 ? CLASS_0_OLD : CLASS_0_GSM;
}

/* How many octets of p, of which there are n, go into a part with room for max. */
static size_t cut(unsigned alphabet, const uint8_t *p, size_t n, size_t max)
{
	if (n <= max)
		return n;
	if (alphabet == SPLIT_UCS2)
		return (p[max - 2] & 0xfc) == 0xd8 ? max - 2 : max;
	if (alphabet == SPLIT_GSM7EXT && p[max - 1] == ESC)
		return max - 1;
	return max;
}

/* 0 when no header is needed. */
static size_t put_header(uint8_t *o, const struct split *s, unsigned i)
{
	uint8_t head[10] = {0};
	size_t n = 1;

	if (s->join == SPLIT_UDH8) {
		const uint8_t place[] = {0x00, 0x03, (uint8_t)s->ref, (uint8_t)s->n, (uint8_t)i};

		memcpy(head + n, place, sizeof(place));
		n += sizeof(place);
	} else if (s->join == SPLIT_UDH16) {
		const uint8_t place[] = {0x08,          0x04,      (uint8_t)(s->ref >> 8), (uint8_t)s->ref,
					 (uint8_t)s->n, (uint8_t)i};

		memcpy(head + n, place, sizeof(place));
		n += sizeof(place);
	}
	if (s->shift) {
		const uint8_t national[] = {0x24, 0x01, (uint8_t)s->shift};

		memcpy(head + n, national, sizeof(national));
		n += sizeof(national);
	}
	if (n == 1)
		return 0;
	head[0] = (uint8_t)(n - 1);
	memcpy(o, head, n);
	return n;
}

static size_t put_mark(uint8_t *o, const struct split *s, unsigned i)
{
	struct buf text = BUF_INIT;
	size_t n = 0;

	buf_fmt(&text, "(%u/%u) ", i, s->n);
	for (size_t k = 0; k < text.n; k++) {
		if (s->alphabet == SPLIT_UCS2)
			o[n++] = 0;
		o[n++] = (uint8_t)text.p[k];
	}
	buf_done(&text);
	return n;
}

static int cut_all(struct split *s, unsigned total_digits)
{
	size_t width = s->alphabet == SPLIT_UCS2 ? 2 : 1;
	const uint8_t *p = (const uint8_t *)s->raw.p, *end = p + s->raw.n;
	/* pointers into the buffer must hold, so all is asked for at once; 22: "(255/255) " in UCS-2 */
	uint8_t *o = (uint8_t *)buf_space(&s->octets, s->raw.n + s->n * (size_t)22);

	if (!o)
		return -E2BIG;
	for (unsigned i = 1; i <= s->n; i++) {
		struct split_part *part = &s->part[i - 1];
		size_t max = cap_part(s->alphabet, s->shift, s->join, i, total_digits) * width;
		size_t n = s->n == 1 ? s->raw.n : cut(s->alphabet, p, (size_t)(end - p), max);

		part->p = o;
		part->udh = put_header(o, s, i);
		o += part->udh;
		if (s->join == SPLIT_NONE && s->n > 1)
			o += put_mark(o, s, i);
		memcpy(o, p, n);
		p += n;
		o += n;
		part->n = (size_t)(o - part->p);
		s->octets.n += part->n;
	}
	ASSERT(p == end);
	return 0;
}

static void reserve(struct split *s, unsigned n)
{
	if (n > s->cap) {
		s->part = xrealloc(s->part, n, sizeof(s->part[0]));
		s->cap = n;
	}
	memset(s->part, 0, n * sizeof(s->part[0]));
	s->n = n;
}

int split_text(struct str text, const struct split_options *o, struct split *ret)
{
	struct choice c = {0};
	unsigned parts, total_digits;
	size_t units;
	int r = 0;

	buf_clear(&ret->raw);
	buf_clear(&ret->octets);
	choose(&c, text, o);
	parts = count(&c, o->join, &units, &total_digits);
	ret->alphabet = (enum split_alphabet)c.alphabet;
	ret->shift = c.shift;
	ret->join = parts == 1 ? SPLIT_NONE : o->join;
	ret->ref = o->join == SPLIT_UDH16 ? o->ref : o->ref & 0xff;
	ret->lossy = !encode(&ret->raw, &c);
	ret->n = 0;
	set_coding(ret, o->flash);
	ret->esm_class = ret->shift || ret->join == SPLIT_UDH8 || ret->join == SPLIT_UDH16 ? SMPP_ESM_UDHI : 0;
	choice_done(&c);
	if (parts > SPLIT_PARTS_MAX || ret->raw.failed)
		return -E2BIG;
	if ((parts == 1 && !ret->shift) || ret->join == SPLIT_PAYLOAD) {
		reserve(ret, 1);
		ret->part[0].p = (const uint8_t *)ret->raw.p;
		ret->part[0].n = ret->raw.n;
	} else {
		reserve(ret, parts);
		r = cut_all(ret, total_digits);
	}
	return r;
}

void split_fill(const struct split *s, unsigned i, struct smpp_pdu *m)
{
	struct smpp_octets text = {s->part[i].p, s->part[i].n};

	m->data_coding = s->data_coding;
	m->esm_class = (uint8_t)((m->esm_class & ~SMPP_ESM_UDHI) | s->esm_class);
	m->short_message = m->payload = (struct smpp_octets){0};
	if (s->join == SPLIT_PAYLOAD) {
		m->payload = text;
		smpp_mark(m, SMPP_TLV_MESSAGE_PAYLOAD);
	} else {
		m->short_message = text;
	}
	if (s->join == SPLIT_SAR) {
		m->sar_ref = s->ref;
		m->sar_total = (uint8_t)s->n;
		m->sar_seq = (uint8_t)(i + 1);
		smpp_mark(m, SMPP_TLV_SAR_MSG_REF_NUM);
		smpp_mark(m, SMPP_TLV_SAR_TOTAL_SEGMENTS);
		smpp_mark(m, SMPP_TLV_SAR_SEGMENT_SEQNUM);
	}
	if (s->subunit) {
		m->dest_addr_subunit = s->subunit;
		smpp_mark(m, SMPP_TLV_DEST_ADDR_SUBUNIT);
	}
}

void split_done(struct split *s)
{
	free(s->part);
	buf_done(&s->raw);
	buf_done(&s->octets);
	*s = (struct split){0};
}
