/* routes.h - the functions named in routes.def. Internal to the room. */
#pragma once
#include "api/request.h"

void send_single_run(struct request *q, const struct settings *s);
void send_bulk_run(struct request *q, const struct settings *s);
void send_finish(struct request *q, const struct settings *s);
void send_sent(struct request *q, bool whole);
void status_search_run(struct request *q, const struct settings *s);
void status_list_run(struct request *q, const struct settings *s);
void status_list_sent(struct request *q, bool whole);
void status_one_run(struct request *q, const struct settings *s);
void receive_list_run(struct request *q, const struct settings *s);
void receive_search_run(struct request *q, const struct settings *s);
void carrier_run(struct request *q, const struct settings *s);
/* On the look-up thread: reads and answers; negative: -errno, and nothing is answered. */
int64_t receive_answer(struct request *q, struct query *query, int64_t left_ms);
/* Epochs below this are seconds, others milliseconds [api.md section 3]. */
#define EPOCH_SECONDS_BELOW 100000000000
void page_health(struct request *q, const struct settings *s);
void page_ready(struct request *q, const struct settings *s);
void page_metrics(struct request *q, const struct settings *s);
void control_cancel_run(struct request *q, const struct settings *s); /* control.c */
void control_pause_run(struct request *q, const struct settings *s);
void control_resume_run(struct request *q, const struct settings *s);
void control_orders_run(struct request *q, const struct settings *s);
void page_openapi(struct request *q, const struct settings *s);
/* The sub-account a request works in: the user's, or the one an administrator chose (name: reference or id; n == 0: the default
 * one, or with all = true 0, every one). false: refused, q has the answer. */
bool choose_sub_account(struct request *q, bool given, struct str name, bool all, uint32_t *ret);

/* status.c, for the others that name messages: the body's root, or NULL, refused; its subAccount; its ids and correlationIds into
 * q->lookup (strict: what is no id is a fault); the hand-over to the look-up thread. */
struct json;
struct json *lookup_root(struct request *q);
bool lookup_sub_account(struct request *q, struct json *root, uint32_t *ret);
void lookup_begin(struct request *q, int kind, uint32_t sub_account);
void lookup_lists(struct request *q, struct json *root, bool strict, struct faults *f);
void lookup_hand_over(struct request *q);
bool lookup_list_begin(struct request *q, int kind); /* list_request.c: lookup_begin() with what the query asks. false: refused. */
/* control.c: from the body into q->lookup. false: refused. */
bool control_read(struct request *q, enum control_verb verb);
/* control.c, on the look-up thread: carries out and answers. found: room for n deliveries. */
void control_execute(struct request *q, struct query *query, struct delivery **found, size_t n, int64_t left_ms);
void control_tell(struct request *q, struct query *query, int64_t left_ms);
