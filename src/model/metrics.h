/* metrics.h - the ids of what the gateway counts; the table is metrics.def. */
#pragma once
#include "base/metric.h"

#define METRIC_COUNTER(id, name, help) id,
#define METRIC_GAUGE(id, name, help) id,
#define METRIC_HISTOGRAM(id, name, help) id,
enum metric_id {
#include "model/metrics.def"
	METRICS_COUNT
};
#undef METRIC_COUNTER
#undef METRIC_GAUGE
#undef METRIC_HISTOGRAM
void metrics_setup(void); /* registers the table; once, at start */
