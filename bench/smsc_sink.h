/* smsc_sink.h - what the fast SMSC's connections (smsc_sink.c) and PDUs (smsc_sink_pdu.c) share. */
#pragma once
#include "bench.h"

#define SYSTEMS_MAX 64

struct receipt {
	int64_t due_us;
	uint32_t id;
	char dst[22], src[22];
	uint8_t dst_ton, dst_npi, src_ton, src_npi;
};
/* Ring of receipts: pushed at one end, taken from the other. */
struct ring {
	struct receipt *a;
	size_t head, n, cap;
};
struct conn {
	int fd;
	bool bound, receives, armed; /* armed: waits for room to write */
	int system;
	struct bytes in, out;
	uint32_t seq;           /* of the next deliver_sm */
	struct receipt *flying; /* window, by seq % window */
	bool *flies;
	size_t nflying;
	struct conn *next;
};
extern struct sink {
	char name[SYSTEMS_MAX][66];
	struct ring due[SYSTEMS_MAX], back[SYSTEMS_MAX]; /* back: given back by a lost link */
	int nsystems;
	struct conn *conns;
	size_t nconns, waiting;
	int epoll;
	uint32_t last_id;
	int64_t delay_us;
	size_t window;
	struct set set;
	struct hist latency;
	uint64_t submits, receipts, acked, other, first_us, last_us;
} g;

void conn_close(struct conn *c); /* what it has not acknowledged waits for the next bind of its system_id */
bool conn_flush(struct conn *c); /* false: it is over */
void ring_push(struct ring *r, const struct receipt *x);
uint32_t get32(const void *p);
/* One whole PDU of n octets, 16 at least. false: the connection is over. */
bool on_pdu(struct conn *c, const char *p, size_t n, int64_t now);
void send_receipts(int64_t now); /* what is due, to the binds that have room, in turns */
