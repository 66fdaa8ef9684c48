/* http_receiver.h - a webhook receiver with bad habits, for tests: one thread, loopback, a port of its own. The path says what it
 * does with a request:
 *   /status/NNN[?retry-after=TEXT]  answers so (a 3xx redirects to /status/200); /slow/MS answers 200 after that time
 *   /hang never answers · /close, /reset end the connection · /garbage · /drip-head, /drip-body · /huge-head, /huge-body */
#pragma once
#include "base/buf.h"

struct http_receiver;
struct http_receiver *http_receiver_new(void);
void http_receiver_free(struct http_receiver *r);
int http_receiver_port(const struct http_receiver *r);
/* Counts so far; any thread. */
struct http_receiver_counts {
	int connections, requests, answered;
	int at_once, most_at_once; /* requests that wait for their answer */
};
struct http_receiver_counts http_receiver_counts(struct http_receiver *r);
/* Head and body of the i-th request (from 0), appended. */
void http_receiver_request(struct http_receiver *r, int i, struct buf *head, struct buf *body);
