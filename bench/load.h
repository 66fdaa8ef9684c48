/* load.h - what the load generator (load.c) and its connections (load_conn.c) share. */
#pragma once
#include "bench.h"

#define CONNS_MAX 4096
#define BULK_MAX 1000

enum state { CLOSED, CONNECTING, HANDSHAKE, IDLE, BUSY };
struct conn {
	int fd;
	enum state state;
	uint32_t events; /* as told to epoll */
	struct ssl_st *ssl;
	struct bytes in, out;
	size_t sent;               /* of out */
	int64_t began_us, wait_us; /* of the request; not before (after an error) */
	uint32_t first, count;     /* numbers in the request */
};
enum mode { GET, POST, BULK };
extern struct load {
	enum mode mode;
	const char *path, *query, *body;
	char headers[4096];
	uint16_t port;
	bool tls, persist;
	unsigned connections, bulk;
	double rate, seconds;
	uint64_t count;
	FILE *ledger;
	struct ssl_ctx_st *ctx;
	int epoll;
	struct conn conn[CONNS_MAX];
	uint32_t next;
	uint64_t sent, accepted, refused, unknown, requests, connects, status[600];
	uint64_t busy;
	struct hist latency;
	int64_t start_us, end_us, last_us;
	struct bytes scratch;
} g;

void conn_open(struct conn *c);
void begin(struct conn *c, uint32_t n, int64_t should_us); /* a request of n messages, which should have left then */
void on_event(struct conn *c, uint32_t what);              /* of epoll */
