/* respond.c - answers on their way to the library: refusals, headers, deadlines for slow readers. */
#include <stdio.h>

#include "api/server.h"
#include "base/log.h"
#include "base/time.h"
#include "model/metrics.h"

static const char stopping_text[] =
	"{\"errorCode\":503,\"errorMessage\":\"stopping; send it again elsewhere or later\"}\n";

void request_deadline(struct request *q, int64_t in_ms)
{
	atomic_store_explicit(&q->deadline_ms, in_ms > 0 ? mono_us() / 1000 + in_ms : 0, memory_order_relaxed);
}

/* -- refusals ------------------------------------------------------------------------------------------------------ */

static void begin_refusal(struct request *q, int status)
{
	buf_clear(&q->out);
	q->fixed = (struct str){NULL, 0};
	q->type = NULL;
	q->retry_after_s = 0;
	q->status = status;
}

void request_refuse(struct request *q, int status, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	begin_refusal(q, status);
	answer_error(&q->out, status, text);
}

void request_refuse_later(struct request *q, int status, unsigned retry_after_s, const char *text)
{
	begin_refusal(q, status);
	answer_error(&q->out, status, text);
	q->retry_after_s = retry_after_s;
}

void request_refuse_faults(struct request *q, int status, const struct faults *f)
{
	begin_refusal(q, status);
	answer_faults(&q->out, status, f);
}

void request_refuse_field(struct request *q, const char *field, const char *rule)
{
	struct faults f = {.count = 0};

	fault_add(&f, field, "%s", rule);
	request_refuse_faults(q, MHD_HTTP_BAD_REQUEST, &f);
}

/* -- answers ------------------------------------------------------------------------------------------------------- */

/* All of an answer; the body stays as it is until http_completed(). */
struct outgoing {
	int status;
	struct str body;
	const char *type, *allow;
	unsigned retry_after_s;
	bool cacheable, close;
};

static enum MHD_Result queue(struct request *q, const struct outgoing *o)
{
	/* The library's interface lacks a const. */
	struct MHD_Response *r =
		MHD_create_response_from_buffer(o->body.n, (void *)(uintptr_t)o->body.p, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result done;
	char number[12];

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", o->type ? o->type : "application/json");
	if (!o->cacheable)
		MHD_add_response_header(r, "Cache-Control", "no-store");
	if (o->retry_after_s) {
		snprintf(number, sizeof(number), "%u", o->retry_after_s);
		MHD_add_response_header(r, "Retry-After", number);
	}
	if (o->allow)
		MHD_add_response_header(r, "Allow", o->allow);
	if (o->close)
		MHD_add_response_header(r, "Connection", "close");
	request_deadline(q, atomic_load(&q->api->request_deadline_ms));
	done = MHD_queue_response(q->mhd, (unsigned)o->status, r);
	MHD_destroy_response(r);
	return done;
}

enum MHD_Result respond(struct request *q)
{
	struct outgoing o;

	if (q->out.failed)
		request_refuse(q, MHD_HTTP_INTERNAL_SERVER_ERROR, "the answer would be too large");
	if (q->status >= 400) {
		metric_add(M_REFUSED, 1);
		log_debug("refused", "status=%d path=%s", q->status, q->route ? q->route->path.p : "?");
	}
	o = (struct outgoing){.status = q->status,
			      .body = q->fixed.n ? q->fixed : buf_view(&q->out),
			      .type = q->type,
			      .allow = q->allow,
			      .retry_after_s = q->retry_after_s,
			      .cacheable = q->fixed.n > 0,
			      .close = q->close || q->chunked};
	return queue(q, &o);
}

/* api_stop() took the request back: what the engine or the look-up may still write is not even looked at. */
enum MHD_Result respond_gone(struct request *q)
{
	const struct outgoing o = {.status = MHD_HTTP_SERVICE_UNAVAILABLE,
				   .body = {stopping_text, sizeof(stopping_text) - 1},
				   .retry_after_s = 1,
				   .close = true};

	metric_add(M_REFUSED, 1);
	return queue(q, &o);
}
