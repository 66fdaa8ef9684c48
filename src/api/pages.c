/* pages.c - health, readiness, metrics and the description of the API. */
#include "api/routes.h"
#include "api/server.h"
#include "base/metric.h"

/* Made from docs/openapi.yaml at build time. */
extern const unsigned char openapi_yaml[];
extern const size_t openapi_yaml_n;

static void text(struct request *q, struct str s)
{
	q->status = MHD_HTTP_OK;
	q->type = "text/plain; charset=utf-8";
	q->fixed = s;
}

void page_health(struct request *q, const struct settings *s)
{
	(void)s;
	text(q, STR("ok\n"));
}

void page_ready(struct request *q, const struct settings *s)
{
	struct api *a = q->api;
	struct buf why = {.max = 256};

	(void)s;
	if (atomic_load(&a->stopping))
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "not ready: stopping");
	else if (a->ready && !a->ready(a->ready_ctx, &why))
		request_refuse(q, MHD_HTTP_SERVICE_UNAVAILABLE, "not ready: %s", buf_cstr(&why));
	else
		text(q, STR("ready\n"));
	buf_done(&why);
}

void page_metrics(struct request *q, const struct settings *s)
{
	(void)s;
	q->status = MHD_HTTP_OK;
	q->type = "text/plain; version=0.0.4; charset=utf-8";
	metric_print(&q->out);
}

void page_openapi(struct request *q, const struct settings *s)
{
	(void)s;
	q->status = MHD_HTTP_OK;
	q->type = "application/yaml";
	q->fixed = (struct str){(const char *)openapi_yaml, openapi_yaml_n};
}
