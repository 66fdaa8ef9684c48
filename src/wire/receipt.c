/* receipt.c - the text of delivery receipts. Appendix B of SMPP 3.4 gives the form and says that it is the vendor's; so names
 * are taken in any order and letter case, anything may be missing, and the parameters of the PDU win over the text. */
#include <errno.h>
#include <string.h>
#include "wire/receipt.h"

struct field {
	const char *name;
	size_t offset, size;
};
static const struct field fields[] = {
	{"id:", offsetof(struct receipt, id), sizeof(((struct receipt *)0)->id)},
	{"submit date:", offsetof(struct receipt, submit_date), sizeof(((struct receipt *)0)->submit_date)},
	{"done date:", offsetof(struct receipt, done_date), sizeof(((struct receipt *)0)->done_date)},
	{"err:", offsetof(struct receipt, err), sizeof(((struct receipt *)0)->err)},
};
/* Names that end a value besides the above; what follows "text:" is the user's and may look like anything. */
static const char *const others[] = {"sub:", "dlvrd:", "stat:"};

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' || c == ','; }

static bool starts(struct str s, const char *name)
{
	size_t n = strlen(name);

	return s.n >= n && str_ieq((struct str){s.p, n}, (struct str){name, n});
}

static struct str skip(struct str s, size_t n) { return (struct str){s.p + n, s.n - n}; }

/* A value goes to the next blank. */
static struct str value_at(struct str s)
{
	size_t n = 0;

	while (s.n && blank(*s.p) && *s.p != ';' && *s.p != ',')
		s = skip(s, 1);
	while (n < s.n && !blank(s.p[n]) && s.p[n])
		n++;
	return (struct str){s.p, n};
}

/* "id: sub:001": the value was left out, and the next name must not be taken for it. Names may hold a blank. */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (starts(s, fields[i].name))
			return true;
	}
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (starts(s, others[i]))
			return true;
	}
	return starts(s, "text:");
}

static enum receipt_state state_of(struct str word)
{
	static const struct {
		const char *word;
		enum receipt_state state;
	} words[] = {
#define STATE_WORD(id, value, word) {word, RECEIPT_##id},
		RECEIPT_STATES(STATE_WORD)
#undef STATE_WORD
		/* spelt out by some */
		{"DELIVERED", RECEIPT_DELIVERED},
		{"UNDELIVERABLE", RECEIPT_UNDELIVERABLE},
		{"UNDELIVERED", RECEIPT_UNDELIVERABLE},
		{"UNDELIVRD", RECEIPT_UNDELIVERABLE},
		{"ACCEPTED", RECEIPT_ACCEPTED},
		{"REJECTED", RECEIPT_REJECTED},
		{"UNKNOWN", RECEIPT_UNKNOWN},
		{"EXPIRD", RECEIPT_EXPIRED},
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (str_ieq(word, str_of(words[i].word)))
			return words[i].state;
	}
	return RECEIPT_NONE;
}

static void set_field(struct receipt *ret, const struct field *f, struct str value)
{
	char *to = (char *)ret + f->offset;

	if (*to) /* the first one counts */
		return;
	if (value.n >= f->size && f == &fields[0]) /* half an id would be another message's */
		return;
	str_copy(to, f->size, value);
}

/* Takes the field that starts at s, and returns how far to go on. */
static size_t take(struct str s, struct receipt *ret)
{
	const struct field *f = NULL;
	size_t name = 0;
	struct str value;

	for (size_t i = 0; i < COUNT_OF(fields) && !f; i++) {
		if (starts(s, fields[i].name))
			f = &fields[i];
	}
	if (f)
		name = strlen(f->name);
	else if (starts(s, "stat:"))
		name = 5;
	else
		return 1;
	value = value_at(skip(s, name));
	if (is_name((struct str){value.p, (size_t)(s.p + s.n - value.p)}))
		return name;
	if (f)
		set_field(ret, f, value);
	else if (ret->state == RECEIPT_NONE)
		ret->state = state_of(value);
	return value.n ? (size_t)(value.p + value.n - s.p) : name;
}

static void scan(struct str s, struct receipt *ret)
{
	bool word = true; /* s starts a word */

	while (s.n) {
		size_t n = 1;

		if (word) {
			if (starts(s, "text:"))
				return;
			n = take(s, ret);
		}
		word = n > 1 || blank(*s.p);
		s = skip(s, n);
	}
}

int receipt_parse(struct str text, struct receipt *ret)
{
	*ret = (struct receipt){0};
	scan(text, ret);
	return *ret->id || ret->state ? 0 : -EINVAL;
}

int receipt_from_pdu(const struct smpp_pdu *m, struct receipt *ret)
{
	struct smpp_octets text = smpp_text(m);

	*ret = (struct receipt){0};
	scan((struct str){(const char *)text.p, text.n}, ret);
	if (smpp_has(m, SMPP_TLV_RECEIPTED_MESSAGE_ID) && *m->receipted_id)
		str_copy(ret->id, sizeof(ret->id), str_of(m->receipted_id));
	if (smpp_has(m, SMPP_TLV_MESSAGE_STATE) && m->message_state >= RECEIPT_ENROUTE && m->message_state <= RECEIPT_REJECTED)
		ret->state = (enum receipt_state)m->message_state;
	if (smpp_has(m, SMPP_TLV_NETWORK_ERROR_CODE) && m->network_error.n == 3) {
		const uint8_t *e = m->network_error.p;
		struct buf b = BUF_INIT;

		buf_fmt(&b, "%u:%u", e[0], (unsigned)(e[1] << 8 | e[2]));
		str_copy(ret->err, sizeof(ret->err), buf_view(&b));
		buf_done(&b);
	}
	return *ret->id && ret->state ? 0 : -EINVAL;
}

bool receipt_is(const struct smpp_pdu *m)
{
	unsigned type = m->esm_class & SMPP_ESM_TYPE;

	return type == SMPP_ESM_RECEIPT || type == SMPP_ESM_INTERMEDIATE;
}

const char *receipt_state_word(enum receipt_state s)
{
	switch (s) {
#define STATE_WORD(id, value, word) \
	case RECEIPT_##id: return word;
		RECEIPT_STATES(STATE_WORD)
#undef STATE_WORD
	case RECEIPT_NONE: break;
	}
	return "";
}

bool receipt_final(enum receipt_state s)
{
	return s != RECEIPT_NONE && s != RECEIPT_ENROUTE && s != RECEIPT_ACCEPTED;
}

void receipt_print(struct buf *out, const struct receipt *r, struct str text)
{
	const char *none = "0000000000";

	buf_fmt(out, "id:%s sub:001 dlvrd:%s submit date:%s done date:%s stat:%s err:%s text:", r->id,
		r->state == RECEIPT_DELIVERED ? "001" : "000", *r->submit_date ? r->submit_date : none,
		*r->done_date ? r->done_date : none, receipt_state_word(r->state), *r->err ? r->err : "000");
	buf_put(out, text.p, MIN(text.n, (size_t)20));
}
