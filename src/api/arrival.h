/* arrival.h - answers that must arrive: a lease is consumed once the client's machine has the last octet of its answer, and
 * given back when the connection ends before that. Internal to the room. */
#pragma once
#include <pthread.h>

#include "base/list.h"

struct api;
struct lease;
struct request;
struct arrivals {
	pthread_mutex_t lock;
	struct list waiting; /* struct arrival, oldest first */
};
void arrivals_init(struct arrivals *w);
/* The last octet of q's answer is with the operating system. Takes the lease. HTTP thread. */
void arrival_expect(struct request *q, struct lease *take);
/* The connection begins its next request: who asks again has read. HTTP thread. */
void arrival_look(struct request *q);
void arrival_forget(struct request *q); /* the connection object ends */
/* Settles what has arrived or cannot any more. Returns the ms until it wants to be called again, 0 = when there is something. */
int64_t arrivals_look(struct api *a);
/* Waits at most within_ms for what is under way, gives the rest back. The engine still runs. */
void arrivals_close(struct api *a, int64_t within_ms);
