/* smsc_mo.c - what handsets send: a text becomes deliver_sm, in the alphabet, in the parts and in the order that are asked for. */
#include <errno.h>
#include <string.h>

#include "base/rng.h"
#include "base/time.h"
#include "sandbox/smsc.h"
#include "wire/gsm_text.h"
#include "wire/json.h"

#define REPLY_MAX 10000 /* octets of a reply's text */

static bool read_alphabet(struct str word, unsigned *ret)
{
	static const struct {
		const char *word;
		unsigned alphabet;
	} all[] = {{"auto", 0},
		   {"gsm7", SPLIT_GSM7 | SPLIT_GSM7EXT},
		   {"latin1", SPLIT_LATIN1},
		   {"ucs2", SPLIT_UCS2},
		   {"ascii", SPLIT_ASCII}};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (str_eqz(word, all[i].word)) {
			*ret = all[i].alphabet;
			return true;
		}
	return false;
}

static bool read_join(struct str word, enum split_join *ret)
{
	static const struct {
		const char *word;
		enum split_join join;
	} all[] = {{"udh8", SPLIT_UDH8}, {"udh16", SPLIT_UDH16}, {"sar", SPLIT_SAR}, {"payload", SPLIT_PAYLOAD}};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (str_eqz(word, all[i].word)) {
			*ret = all[i].join;
			return true;
		}
	return false;
}

const char *smsc_mo_read(struct json *root, struct smsc_mo *r)
{
	struct json *alphabet = json_get(root, "alphabet"), *join = json_get(root, "join"),
		    *shuffle = json_get(root, "shuffle"), *skip = json_get(root, "skip");

	if (json_kind(alphabet) != JSON_KIND_NULL && !read_alphabet(json_str(alphabet), &r->alphabet))
		return "alphabet: auto, gsm7, latin1, ucs2 or ascii";
	if (json_kind(join) != JSON_KIND_NULL && !read_join(json_str(join), &r->join))
		return "join: udh8, udh16, sar or payload";
	if (json_kind(shuffle) != JSON_KIND_NULL && json_kind(shuffle) != JSON_KIND_BOOL)
		return "shuffle: true or false";
	if (json_kind(skip) != JSON_KIND_NULL &&
	    (json_kind(skip) != JSON_KIND_INTEGER || json_int(skip) < 1 || json_int(skip) > 255))
		return "skip: the number of a part, 1 to 255";
	r->shuffle = json_bool(shuffle);
	r->skip = (unsigned)json_int(skip);
	return NULL;
}

/* Who sent to that number from that code; else whoever can receive. */
static struct smsc_account *account_for(struct smsc *c, const struct handset_message *last)
{
	if (last)
		return smsc_account(c, str_of(last->system_id));
	for (struct node *n = list_first(&c->sessions); n; n = list_next(&c->sessions, n)) {
		struct smsc_session *s = OWNER(struct smsc_session, node, n);

		if (s->state == SMSC_BOUND && s->receives)
			return s->account;
	}
	return NULL;
}

/* Numbers 0..n-1, in order or in none. */
static void order_of(unsigned *order, unsigned n, bool shuffle)
{
	for (unsigned i = 0; i < n; i++)
		order[i] = i;
	for (unsigned i = n; shuffle && i > 1; i--) {
		unsigned k = (unsigned)(rng_u64() % i), other = order[i - 1];

		order[i - 1] = order[k];
		order[k] = other;
	}
	if (shuffle && n > 1 && order[0] == 0) { /* at least the first is not the first */
		order[0] = order[n - 1];
		order[n - 1] = 0;
	}
}

static void queue_parts(struct smsc *c, struct smsc_account *a, const struct split *parts, const struct smsc_mo *r,
			uint64_t handset, const struct smpp_addr *from, const struct smpp_addr *to)
{
	unsigned order[SPLIT_PARTS_MAX];

	order_of(order, parts->n, r->shuffle);
	for (unsigned i = 0; i < parts->n; i++) {
		struct smpp_pdu m = {0};
		struct smpp_octets text;
		struct smsc_deliver *d;

		if (order[i] + 1 == r->skip)
			continue;
		split_fill(parts, order[i], &m);
		text = smpp_text(&m);
		d = smsc_deliver_new(c, a, text.p, text.n);
		d->esm_class = m.esm_class;
		d->data_coding = m.data_coding;
		d->payload = smpp_has(&m, SMPP_TLV_MESSAGE_PAYLOAD);
		if (smpp_has(&m, SMPP_TLV_SAR_MSG_REF_NUM)) {
			d->sar_total = m.sar_total;
			d->sar_ref = m.sar_ref;
		}
		d->source = *from;
		d->dest = *to;
		d->handset = handset;
		d->part = (uint8_t)(order[i] + 1);
		c->counts.replies++;
	}
}

static int reply(struct smsc *c, const struct smsc_mo *r, struct str text, struct split *parts, uint64_t *id, struct err *e)
{
	const struct split_options how = {.alphabets = r->alphabet, .join = r->join, .ref = ++c->last_ref};
	const struct str number = r->number, short_code = r->short_code;
	const struct handset_message *last = handset_last(c->handset, number, short_code);
	struct smsc_account *a = account_for(c, last);
	struct smpp_addr from = {.ton = SMPP_TON_INTERNATIONAL, .npi = SMPP_NPI_E164}, to = {.npi = SMPP_NPI_E164};
	struct sms_part shape = {.seq = 1};
	struct handset_in in;

	if (!str_copy(from.text, 21, number) || !str_copy(to.text, 21, short_code) || !number.n || !short_code.n)
		return err_set(e, -EINVAL, "number and short code must have 1 to 20 characters");
	if (!a)
		return err_set(e, -ENOTCONN, "nobody is bound to receive it");
	if (c->delivers >= (size_t)c->settings->queue)
		return err_set(e, -ENOSPC, "too much is on its way already");
	if (text.n > REPLY_MAX || split_text(text, &how, parts) < 0)
		return err_set(e, -EINVAL, "text is too long");
	if (parts->lossy)
		return err_set(e, -EINVAL, "the alphabet has not every character of the text");
	if (r->skip > parts->n)
		return err_set(e, -EINVAL, "skip: the text has %u parts", parts->n);
	if (last) {
		to.ton = last->ton;
		to.npi = last->npi;
	}
	shape.total = (uint8_t)parts->n;
	shape.alphabet = parts->alphabet;
	in = (struct handset_in){.system_id = a->system_id,
				 .number = number,
				 .source = &to,
				 .text = text,
				 .part = &shape,
				 .wall_ms = wall_ms(),
				 .mono_us = mono_us()};
	*id = handset_mo(c->handset, &in);
	queue_parts(c, a, parts, r, *id, &from, &to);
	smsc_pump(c, a);
	return 0;
}

int smsc_mo_send(struct smsc *c, const struct smsc_mo *asked, uint64_t *id, struct err *e)
{
	struct str text = asked->text;
	struct split parts = {0};
	struct buf nfc = BUF_INIT;
	int r;

	if (!text_is_nfc(text)) {
		text_nfc(&nfc, text);
		text = buf_view(&nfc);
	}
	r = reply(c, asked, text, &parts, id, e);
	split_done(&parts);
	buf_done(&nfc);
	return r;
}
