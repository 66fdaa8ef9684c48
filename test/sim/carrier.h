/* carrier.h - what the channel (carrier.c) and its links (carrier_links.c) share. */
#pragma once
#include "sim/smsc.h"

/* Ends what is message-wide: nothing more of it is sent; what is away is not listened to any more. */
void end_flight(struct flight *f, enum verdict v, int32_t status);
void flight_put(struct flight *f); /* frees it once it is over and none of its parts is here */
void pump_soon(struct link *l, int64_t in_ms);
void on_bind(struct sim *s, struct task *t);
/* Resets that the engine has not seen yet. */
void markers_open(void);
void markers_die(void);
