/* lifecycle_life.c - facts put to a delivery as rows say (lifecycle_life.h). */
#include "lifecycle_life.h"

#include <string.h>

const struct policy policy = {
	.doubt_wait_ms = 60000, .receipt_wait_ms = 300000, .retry_delay_ms = 1000, .retry_delay_max_ms = 8000, .retry_tries = 3};

struct delivery *fresh(const struct life *l)
{
	struct delivery *d = delivery_new(&(struct delivery_text){.text = STR("x")});

	d->expires_at = T0 + VALIDITY;
	d->flags = (uint8_t)l->flags;
	delivery_set_parts(d, (unsigned)l->parts);
	return d;
}

void decide(const struct delivery *d, const struct row *row, const struct policy *p, int64_t now, struct decision *out)
{
	struct result r = {.attempt = d->attempts,
			   .verdict = (uint8_t)row->a,
			   .part = (uint16_t)row->b,
			   .parts = (uint16_t)row->c,
			   .status = 0x45,
			   .id_hash = row->a == V_ACCEPTED ? 1000u + (unsigned)row->b : 0,
			   .id = "id"};
	struct fact f = {.jitter = 0.5, .connection = 7, .connection_name = "main", .result = &r, .carrier_id = "id", .err = ""};

	switch (row->op) {
	case DISPATCH: f.kind = FACT_DISPATCH; break;
	case RESULT: f.kind = FACT_RESULT; break;
	case RECEIPT:
		f.kind = FACT_RECEIPT;
		f.part = row->a;
		f.receipt_state = (uint8_t)row->b;
		f.receipt_final = row->b != ENROUTE;
		break;
	case TIMER: f.kind = FACT_TIMER; break;
	case RESTART: f.kind = FACT_RESTART; break;
	case REFUSE:
		f.kind = FACT_REFUSE;
		f.code = row->a;
		f.reason = row->b;
		break;
	case CANCEL: f.kind = FACT_CANCEL; break;
	case PAUSE: f.kind = FACT_PAUSE; break;
	case RESUME: f.kind = FACT_RESUME; break;
	case OPS:
	case END: break;
	}
	lifecycle_step(d, &f, p, now, out);
}
