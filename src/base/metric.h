/* metric.h - counters, gauges and histograms, written without locks (relaxed atomics), read by /metrics (Prometheus text format
 * 0.0.4). Which ones there are is a table of the caller's (model/metrics.def); ids are its indexes. */
#pragma once
#include "base/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
struct metric_def {
	enum metric_kind kind;
	const char *name, *help;
};
/* Once, at start (the same table again does nothing). defs live for ever. Before it all calls are no-ops. */
void metric_setup(const struct metric_def *defs, size_t n);
void metric_add(int id, int64_t n);         /* counters and gauges */
void metric_set(int id, int64_t v);         /* gauges */
void metric_observe_us(int id, int64_t us); /* histograms; printed in seconds, buckets 0.5 ms .. 60 s */
int64_t metric_get(int id);                 /* histograms: number of observations */

/* One value of a family with a label, e.g. pombo_queue_depth{connection="main"}. Same name and value give the same cell; it
 * lives for ever, so labels come from the configuration, never from a peer. */
struct metric_cell;
struct metric_cell *metric_cell(const char *name, const char *help, enum metric_kind kind, const char *label,
				const char *value);
void metric_cell_set(struct metric_cell *c, int64_t v);
void metric_cell_add(struct metric_cell *c, int64_t n);
int64_t metric_cell_get(const struct metric_cell *c);
void metric_print(struct buf *out);
