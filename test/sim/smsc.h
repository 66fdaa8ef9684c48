/* smsc.h - between carrier.c (our end of the links) and smsc.c (theirs). */
#pragma once
#include "sim/sim.h"

struct flight { /* an attempt the channel has */
	struct node node;
	struct attempt *a;
	struct link *link;
	unsigned actual; /* parts that the channel makes of it */
	unsigned accepted;
	unsigned parts_here; /* struct out alive */
	int64_t unsettled;   /* credits it still holds */
	bool left;           /* octets of it left */
	bool closed;         /* its last result is posted */
	bool unencodable;
	enum verdict fate;
	unsigned fate_part; /* which part meets it */
};
struct out { /* one part of a flight, waiting or outstanding on its link */
	struct node node;
	struct flight *flight;
	unsigned part;
	struct task timer;
	bool left, late, silent;
	int throttled; /* so often it is sent back first */
	enum verdict answer;
	int32_t status;
	char id[24];
};
void smsc_fate(struct sim *s, struct flight *f);
void smsc_part_fate(struct sim *s, struct out *o);
/* The SMSC got the part; its answer arrives at answer_at, if at all. Gives o->id when it accepts. */
void smsc_take(struct sim *s, struct out *o, int64_t answer_at);
void smsc_die(struct sim *s);
void smsc_close(struct sim *s);
