/* gateway.h - the running whole: settings, store, engine, channel, sender, API, wired together and taken apart in order. */
#pragma once
#include <pthread.h>

#include "app/config.h"
#include "core/engine.h"
#include "store/admin_texts.h"
#include "store/store.h"

struct api;
struct campaigns;
struct loop;
struct sender;
struct gateway {
	const char *file;          /* configuration */
	struct settings *settings; /* the current ones */
	struct settings **earlier; /* stay until the end: threads may hold them */
	size_t earlier_count;
	struct admin *admin;
	struct number_keeper *numbers;
	struct store *store;
	struct engine *engine;
	struct channel *sms;
	struct sender *sender;
	struct api *api;
	struct campaigns *campaigns;
	struct loop *carriers; /* loop of the carrier thread */
	struct control *control;
	pthread_t carrier_thread, engine_thread;
	bool carrier_running, engine_running;
	_Atomic bool ended;   /* the engine returned */
	pthread_mutex_t lock; /* reloads and administrative changes, one at a time */
};
/* Everything up to accepting requests; on failure what was opened is closed again. */
int gateway_open(struct gateway *g, struct err *e) MUST;
/* Reads the configuration again and applies it; on any fault nothing changes and e says why. Restart-only changes are named in
 * note. */
int gateway_reload(struct gateway *g, struct buf *note, struct err *e) MUST;
/* Accounts, users, webhooks changed: a new snapshot for everybody. */
int gateway_republish(struct gateway *g, struct err *e) MUST;
void gateway_close(struct gateway *g, int64_t grace_ms);

/* Shared with commands that work without a server. */
int gateway_numbers(struct settings *s, struct admin *a, struct err *e) MUST; /* numbers of the connections' names, and their holds */
int gateway_publish(struct admin *a, struct err *e) MUST;
