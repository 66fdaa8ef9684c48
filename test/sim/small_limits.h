/* small_limits.h - core built with limits that a few hundred messages reach: queues spill to disk and come back, due rows and
 * webhook calls are read in pieces, the mailbox refuses. Given to the compiler before every file of core. */
#pragma once
#define QUEUE_WINDOW 8
#define DISPATCH_MAX 16
#define REFILL_SCAN 16
#define DUE_MAX 4
#define SWEEP_SCAN 8
#define REHOME_MAX 4
#define SCANS_MAX 2
#define CONTROL_SCAN 8
#define MAIL_LIMIT 64
#define BATCH_MAX 16
#define ENDPOINT_MEMORY 8
#define ENDPOINT_AWAY_FACTOR 2
#define TOTAL_AWAY_FACTOR 2
#define MERGE_ROUND 64
#define MERGE_SLICE 8
#define MERGE_AT 16
#define PARKED_MEMORY 20
