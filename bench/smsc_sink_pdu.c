/* smsc_sink_pdu.c - the fast SMSC's PDUs: binds and submits are answered at once, receipts wait in rings until they are due and go to the
 * binds that have room. */
#include "smsc_sink.h"

#define BACKLOG_MAX (4 << 20) /* octets to a peer that does not read; receipts wait then */

void ring_push(struct ring *r, const struct receipt *x)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 1024;
		struct receipt *a = grow(NULL, cap * sizeof(*a));

		for (size_t i = 0; i < r->n; i++)
			a[i] = r->a[(r->head + i) % r->cap];
		free(r->a);
		*r = (struct ring){a, 0, r->n, cap};
	}
	r->a[(r->head + r->n++) % r->cap] = *x;
	g.waiting++;
}

static struct receipt ring_take(struct ring *r)
{
	struct receipt x = r->a[r->head];

	r->head = (r->head + 1) % r->cap;
	r->n--;
	g.waiting--;
	return x;
}

uint32_t get32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return ntohl(v);
}

static void put_head(char *p, uint32_t len, uint32_t id, uint32_t status, uint32_t seq)
{
	uint32_t h[4] = {htonl(len), htonl(id), htonl(status), htonl(seq)};

	memcpy(p, h, 16);
}

static void put_hex(char *p, uint32_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 4)
		p[i] = "0123456789ABCDEF"[v & 15];
}

static void put_resp(struct conn *c, uint32_t id, uint32_t status, uint32_t seq, const char *body, size_t n)
{
	char *p = bytes_space(&c->out, 16 + n);

	put_head(p, (uint32_t)(16 + n), id, status, seq);
	if (n)
		memcpy(p + 16, body, n);
	c->out.n += 16 + n;
}

static int system_of(const char *name)
{
	for (int i = 0; i < g.nsystems; i++)
		if (strcmp(g.name[i], name) == 0)
			return i;
	if (g.nsystems == SYSTEMS_MAX)
		die("more than %d system_ids", SYSTEMS_MAX);
	snprintf(g.name[g.nsystems], sizeof(g.name[0]), "%s", name);
	return g.nsystems++;
}

static void on_bind(struct conn *c, uint32_t id, uint32_t seq, const char *body, size_t n)
{
	char name[66] = "";

	if (n && memchr(body, 0, n < 66 ? n : 66))
		snprintf(name, sizeof(name), "%s", body);
	c->system = system_of(name);
	c->bound = true;
	c->receives = id != 2;
	put_resp(c, id | 0x80000000u, 0, seq, "sink", 5);
}

/* A C string of at most max octets with its NUL; copies it when to is set. NULL: there is none. */
static const char *skip_string(const char *p, const char *end, char *to, size_t max)
{
	const char *z = memchr(p, 0, (size_t)(end - p) < max ? (size_t)(end - p) : max);

	if (z && to)
		memcpy(to, p, (size_t)(z - p) + 1);
	return z ? z + 1 : NULL;
}

static void note_latency(const char *p, size_t n)
{
	const char *at = memchr(p, '@', n);
	int64_t sent = 0;

	if (!at)
		at = memchr(p, 0, n); /* '@' in GSM 03.38 */
	if (!at)
		return;
	for (at++; at < p + n && *at >= '0' && *at <= '9'; at++)
		sent = sent * 10 + (*at - '0');
	if (sent > 0)
		hist_add(&g.latency, now_us() - sent);
}

static bool on_submit(struct conn *c, uint32_t seq, const char *p, size_t n, int64_t now)
{
	const char *end = p + n;
	struct receipt r;
	uint32_t number;
	uint8_t wants;
	char body[9];

	if (!(p = skip_string(p, end, NULL, 6)) || end - p < 3)
		return false;
	r.src_ton = (uint8_t)p[0];
	r.src_npi = (uint8_t)p[1];
	if (!(p = skip_string(p + 2, end, r.src, 21)) || end - p < 3)
		return false;
	r.dst_ton = (uint8_t)p[0];
	r.dst_npi = (uint8_t)p[1];
	if (!(p = skip_string(p + 2, end, r.dst, 21)) || end - p < 4)
		return false;
	if (!(p = skip_string(p + 3, end, NULL, 17)) || !(p = skip_string(p, end, NULL, 17)) || end - p < 5)
		return false;
	wants = (uint8_t)p[0] & 3;
	if (end - p - 5 < (uint8_t)p[4])
		return false;
	note_latency(p + 5, (uint8_t)p[4]);
	if (number_read(r.dst, strlen(r.dst), &number))
		set_add(&g.set, number);
	else
		g.other++;
	g.submits++;
	if (!g.first_us)
		g.first_us = (uint64_t)now;
	g.last_us = (uint64_t)now;
	r.id = ++g.last_id;
	put_hex(body, r.id);
	body[8] = '\0';
	put_resp(c, 0x80000004u, 0, seq, body, 9);
	if (wants == 1 && g.delay_us >= 0) {
		r.due_us = now + g.delay_us;
		ring_push(&g.due[c->system], &r);
	}
	return true;
}

static void on_acked(struct conn *c, uint32_t seq)
{
	if (!c->flying || !c->flies[seq % g.window])
		return;
	c->flies[seq % g.window] = false;
	c->nflying--;
	g.acked++;
}

bool on_pdu(struct conn *c, const char *p, size_t n, int64_t now)
{
	uint32_t id = get32(p + 4), seq = get32(p + 12);

	switch (id) {
	case 1:
	case 2:
	case 9: on_bind(c, id, seq, p + 16, n - 16); return true;
	case 4:
		if (!c->bound || !on_submit(c, seq, p + 16, n - 16, now))
			put_resp(c, 0x80000004u, c->bound ? 2 : 4, seq, NULL, 0);
		return true;
	case 0x15: put_resp(c, 0x80000015u, 0, seq, NULL, 0); return true;
	case 6: put_resp(c, 0x80000006u, 0, seq, NULL, 0); return true;
	case 0x80000005u: on_acked(c, seq); return true;
	default:
		if (!(id & 0x80000000u))
			put_resp(c, 0x80000000u, 3, seq, NULL, 0);
		return true;
	}
}

/* deliver_sm with the customary text and the three TLVs. Dates are fixed: nobody reads them. */
static void put_receipt(struct conn *c, const struct receipt *r)
{
	static const char tail[] =
		" sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:";
	size_t dst = strlen(r->dst) + 1, src = strlen(r->src) + 1, text = 3 + 8 + sizeof(tail) - 1;
	size_t len = 16 + 1 + 2 + dst + 2 + src + 3 + 1 + 1 + 4 + 1 + text + 4 + 9 + 4 + 1 + 4 + 3;
	char *p = bytes_space(&c->out, len);

	c->flying[c->seq % g.window] = *r;
	c->flies[c->seq % g.window] = true;
	c->nflying++;
	put_head(p, (uint32_t)len, 5, 0, c->seq++);
	p += 16;
	*p++ = 0;
	*p++ = (char)r->dst_ton;
	*p++ = (char)r->dst_npi;
	memcpy(p, r->dst, dst);
	p += dst;
	*p++ = (char)r->src_ton;
	*p++ = (char)r->src_npi;
	memcpy(p, r->src, src);
	p += src;
	*p++ = 4; /* esm_class: receipt */
	memset(p, 0, 8); /* protocol_id, priority, two times, registered_delivery, replace, data_coding, default message */
	p += 8;
	*p++ = (char)text;
	memcpy(p, "id:", 3);
	put_hex(p + 3, r->id);
	memcpy(p + 11, tail, sizeof(tail) - 1);
	p += text;
	memcpy(p, "\0\x1e\0\x09", 4);
	put_hex(p + 4, r->id);
	p[12] = 0;
	memcpy(p + 13, "\x04\x27\0\x01\x02\x04\x23\0\x03\x03\0\0", 12);
	c->out.n += len;
	g.receipts++;
}

static bool has_room(const struct conn *c, int system)
{
	return c->bound && c->receives && c->system == system && c->nflying < g.window &&
	       c->out.n < BACKLOG_MAX && (!c->flies || !c->flies[c->seq % g.window]);
}

/* Sends what is due to the binds that have room, in turns. */
void send_receipts(int64_t now)
{
	struct conn *next;
	bool sent = false;

	for (int s = 0; g.waiting && s < g.nsystems; s++) {
		struct conn *c = g.conns;

		for (size_t full = 0; c && full < g.nconns; c = c->next ? c->next : g.conns) {
			struct ring *r = g.back[s].n ? &g.back[s] : &g.due[s];

			if (!r->n || r->a[r->head].due_us > now)
				break;
			if (!has_room(c, s)) {
				full++;
				continue;
			}
			full = 0;
			if (!c->flying) {
				c->flying = grow(NULL, g.window * sizeof(*c->flying));
				c->flies = grow(NULL, g.window * sizeof(*c->flies));
				memset(c->flies, 0, g.window * sizeof(*c->flies));
			}
			for (int i = 0; i < 64 && has_room(c, s) && r->n && r->a[r->head].due_us <= now; i++) {
				struct receipt x = ring_take(r);

				put_receipt(c, &x);
			}
			sent = true;
		}
	}
	for (struct conn *c = g.conns; sent && c; c = next) {
		next = c->next;
		if (c->out.n && !c->armed && !conn_flush(c))
			conn_close(c);
	}
}
