/* handset_print.c - the telephones' memory as JSON. */
#include <string.h>
#include "base/map.h"
#include "sandbox/handset_lists.h"

static void print_time(struct buf *out, const char *name, int64_t ms)
{
	if (ms)
		buf_fmt(out, ",\"%s\":%lld", name, (long long)ms);
}

static void print_text(struct buf *out, const char *name, const char *z)
{
	buf_fmt(out, ",\"%s\":", name);
	buf_json(out, str_of(z));
}

static void print_message(struct buf *out, const struct handset_message *m)
{
	buf_fmt(out, "{\"id\":%llu,\"change\":%llu,\"direction\":\"%s\"", (unsigned long long)m->id,
		(unsigned long long)m->change, m->mo ? "mo" : "mt");
	print_text(out, "number", m->number->text);
	print_text(out, "shortCode", m->short_code);
	print_text(out, "systemId", m->system_id);
	print_text(out, "text", m->text ? m->text : "");
	print_text(out, "encoding", handset_alphabet(m->alphabet));
	buf_fmt(out, ",\"parts\":%u,\"partsArrived\":%u,\"partsDelivered\":%u,\"repeats\":%u", m->parts,
		m->arrived, m->done, m->repeats);
	buf_fmt(out, ",\"flash\":%s,\"damaged\":%s", m->flash ? "true" : "false", m->damaged ? "true" : "false");
	print_text(out, "status", handset_state_word(m->state));
	if (*m->reason)
		print_text(out, "reason", m->reason);
	print_time(out, "receivedAt", m->at_ms);
	print_time(out, "endedAt", m->end_ms);
	if (m->end_us)
		buf_fmt(out, ",\"tookMs\":%.1f", (double)(m->end_us - m->at_us) / 1000);
	buf_putc(out, '}');
}

/* The message of a node in the list that is asked for: all, or one number's. */
static struct handset_message *at(struct node *n, bool all)
{
	return all ? OWNER(struct handset_message, by_change, n) : OWNER(struct handset_message, by_number, n);
}

static void print_list(struct list *l, bool all, int64_t since, size_t limit, uint64_t next, struct buf *out)
{
	struct node *n = &l->head;
	size_t count = 0;

	while (n->prev != &l->head && (since < 0 ? count < limit : at(n->prev, all)->change > (uint64_t)since)) {
		n = n->prev;
		count++;
	}
	buf_puts(out, "{\"messages\":[");
	for (size_t i = 0; n != &l->head && i < limit; n = n->next, i++) {
		if (i)
			buf_putc(out, ',');
		print_message(out, at(n, all));
		if (count > limit)
			next = at(n, all)->change;
	}
	buf_fmt(out, "],\"next\":%llu}", (unsigned long long)next);
}

void handset_print(struct handset *h, struct str number, int64_t since, size_t limit, struct buf *out)
{
	struct handset_number *n;

	if (number.n == 0) {
		print_list(handset_changes(h), true, since, limit, handset_last_change(h), out);
		return;
	}
	n = handset_find_number(h, number);
	if (n)
		print_list(&n->messages, false, since, limit, handset_last_change(h), out);
	else
		buf_fmt(out, "{\"messages\":[],\"next\":%llu}", (unsigned long long)handset_last_change(h));
}

void handset_print_numbers(struct handset *h, size_t limit, struct buf *out)
{
	const struct list *l = handset_numbers(h);
	size_t i = 0;

	buf_puts(out, "{\"numbers\":[");
	for (struct node *n = list_first(l); n && i < limit; n = list_next(l, n), i++) {
		struct handset_number *num = OWNER(struct handset_number, node, n);
		struct handset_message *m = at(num->messages.head.prev, false);

		buf_fmt(out, "%s{\"messages\":%zu,\"change\":%llu,\"at\":%lld", i ? "," : "",
			num->messages.count, (unsigned long long)m->change, (long long)m->at_ms);
		print_text(out, "number", num->text);
		print_text(out, "shortCode", m->short_code);
		print_text(out, "text", m->text ? m->text : "");
		buf_putc(out, '}');
	}
	buf_fmt(out, "],\"total\":%zu,\"next\":%llu}", l->count, (unsigned long long)handset_last_change(h));
}
