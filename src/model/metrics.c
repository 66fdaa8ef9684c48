/* metrics.c - the table of what the gateway counts. */
#include "model/metrics.h"

#include <stddef.h>

#define METRIC_COUNTER(id, name, help) [id] = {METRIC_COUNTER, name, help},
#define METRIC_GAUGE(id, name, help) [id] = {METRIC_GAUGE, name, help},
#define METRIC_HISTOGRAM(id, name, help) [id] = {METRIC_HISTOGRAM, name, help},
static const struct metric_def defs[METRICS_COUNT] = {
#include "model/metrics.def"
};
#undef METRIC_COUNTER
#undef METRIC_GAUGE
#undef METRIC_HISTOGRAM

void metrics_setup(void) { metric_setup(defs, METRICS_COUNT); }
