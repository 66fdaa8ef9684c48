/* telephone.c - the terminal as a telephone: one line for each message. */
#include <stdio.h>
#include <string.h>
#include "sandbox/handset.h"
#include "sandbox/sandbox.h"

#define TEXT_MAX 60 /* characters of a text in a line */

/* Controls, direction marks and what else moves or recolours a terminal (Unicode categories Cc and Cf, as far as they do). */
static bool harmful(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff ||
	       (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe0fff);
}

static void put_text(struct buf *out, struct str s)
{
	const char *p = s.p, *end = s.p + s.n;

	for (unsigned i = 0; p < end; i++) {
		const char *from = p;
		uint32_t cp = utf8_next(&p, end);

		if (i == TEXT_MAX) {
			buf_puts(out, "…");
			break;
		}
		if (harmful(cp))
			buf_putc(out, ' ');
		else
			buf_put(out, from, (size_t)(p - from));
	}
}

/* 55119…0001: enough to tell numbers apart on one's own screen, too little to be worth copying from a log. */
static void put_number(struct buf *out, struct str number)
{
	struct buf safe = BUF_INIT;

	if (number.n > 9) {
		put_text(&safe, (struct str){number.p, 5});
		buf_puts(&safe, "…");
		put_text(&safe, (struct str){number.p + number.n - 4, 4});
	} else {
		put_text(&safe, number);
	}
	buf_str(out, buf_view(&safe));
	buf_done(&safe);
}

void telephone_print(const struct handset_message *m, struct buf *out)
{
	struct str number = str_of(m->number->text);

	put_number(out, utf8_valid(number, NULL) ? number : STR("?"));
	buf_puts(out, m->mo ? "  -> " : "  <- ");
	put_text(out, str_of(m->text));
	buf_fmt(out, "  %u part%s %s%s", m->parts, m->parts == 1 ? "" : "s", handset_alphabet(m->alphabet),
		m->flash ? " flash" : "");
	if (m->mo) {
		buf_puts(out, "  to ");
		put_text(out, utf8_valid(str_of(m->short_code), NULL) ? str_of(m->short_code) : STR("?"));
		return;
	}
	buf_fmt(out, "  %s", handset_state_word(m->state));
	if (*m->reason)
		buf_fmt(out, " %s", m->reason);
	if (m->state == HANDSET_DELIVERED || m->state == HANDSET_FAILED)
		buf_fmt(out, " %lld ms", (long long)((m->end_us - m->at_us + 500) / 1000));
}
