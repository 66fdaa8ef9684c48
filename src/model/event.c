/* What the kinds of events are called, and the words an event carries. Details quote peers (carrier ids, receivers' answers), so
 * whatever they hold becomes valid UTF-8 here, once, and every reader may print it. */
#include "model/event.h"
#include <stdio.h>
#include <string.h>

#define EVENT(id, text, change) {text, change},
static const struct {
	const char *text;
	bool change;
} kinds[] = {
#include "model/event.def"
};
#undef EVENT
_Static_assert(COUNT_OF(kinds) == EVENT_KINDS, "one row a kind");

const char *event_kind_name(int kind)
{
	return kind >= 0 && kind < EVENT_KINDS ? kinds[kind].text : "unknown";
}

bool event_is_change(int kind) { return kind >= 0 && kind < EVENT_KINDS && kinds[kind].change; }

bool event_changes(const struct event *e)
{
	return event_is_change(e->kind) && (e->kind != EV_NO_RECEIPT || e->code);
}

bool event_is_hook(int kind)
{
	return kind == EV_HOOK_DONE || kind == EV_HOOK_FAILED || kind == EV_HOOK_DEAD;
}

/* Length of the valid character at p, 0 when there is none. */
static size_t character(const char *p, size_t n)
{
	for (size_t len = 1; len <= MIN(n, (size_t)4); len++)
		if (utf8_valid((struct str){p, len}, NULL))
			return len;
	return 0;
}

/* A text that was cut may end inside a character: how much of it is whole. */
static size_t whole(const char *p, size_t n)
{
	size_t tail = 0;

	while (tail < 3 && tail < n && ((unsigned char)p[n - tail - 1] & 0xC0) == 0x80)
		tail++;
	if (tail == n || (unsigned char)p[n - tail - 1] < 0xC0)
		return n; /* ends with ASCII, or is no UTF-8 at all */
	return character(p + n - tail - 1, tail + 1) == tail + 1 ? n : n - tail - 1;
}

void event_detail(struct event *e, const char *fmt, ...)
{
	char text[EVENT_DETAIL_MAX + 1];
	va_list ap;
	int want;
	size_t n;

	va_start(ap, fmt);
	want = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = want < 0 ? 0 : MIN((size_t)want, sizeof(text) - 1);
	if ((size_t)want > n)
		n = whole(text, n);
	if (n > 0 && !utf8_valid((struct str){text, n}, NULL))
		for (size_t i = 0, len; i < n; i += len) {
			len = character(text + i, n - i);
			if (len == 0) {
				text[i] = '?';
				len = 1;
			}
		}
	memcpy(e->detail, text, n);
	e->detail_len = (uint8_t)n;
}
