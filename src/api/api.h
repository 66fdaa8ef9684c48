/* api.h - the HTTP(S) server and its endpoints (docs/api.md). Requests are parsed, checked and authenticated on the HTTP
 * threads; sends are handed to the engine and answered after its commit; look-ups run on a thread of their own.
 *
 * Life: api_open -> api_settings, api_reload_certificates as often as needed -> api_stop -> api_close. The engine must run
 * until api_stop() has returned. One thread at a time calls these, except where noted. */
#pragma once
#include "base/list.h"
#include "model/settings.h"

struct api; /* opaque */
struct buf;
struct engine;
/* Campaigns to be registered: the ids of aliases that are new. Posted twice: first asked for, which gives ids that outlast a crash but
 * names nobody sees yet; then, when that ended without an error, with what became of the request that brought them: they are kept, or
 * forgotten unless another request needs them too. Everything but the results is the asker's and stays as it is until done() was
 * called, exactly once each time, on another thread. */
enum campaign_phase { CAMPAIGNS_NONE, CAMPAIGNS_ASKED, CAMPAIGNS_ACCEPTED, CAMPAIGNS_REFUSED };
struct campaign_ask {
	struct node node; /* of whoever has it */
	enum campaign_phase phase;
	uint32_t account;
	size_t count;
	struct str *aliases; /* each once */
	uint32_t *ids;       /* result */
	int error;           /* result: 0; -ENOSPC: the account has too many; other -errno: the disk */
	void (*done)(struct campaign_ask *ask);
};
struct api_config {
	const struct settings *settings; /* borrowed until api_settings() replaced it or api_close() */
	struct engine *engine;           /* borrowed */
	/* For /readyz: true when sends are taken, else false with the reason appended in words (UTF-8). Called on any HTTP
	 * thread; NULL = always ready. */
	bool (*ready)(void *ctx, struct buf *why);
	void *ready_ctx;
	/* Registers durably; what is kept is published in a new snapshot. false: no room for more at the moment (for those that are
	 * asked for), or it has ended; done() will not be called. NULL: there never is room. */
	bool (*campaigns)(void *ctx, struct campaign_ask *ask);
	void *campaigns_ctx;
};
/* Opens every listener of settings->http. Errors: -EINVAL (address, certificate), -EADDRINUSE, -EACCES, ...; e names the
 * listener. Nothing stays open on failure. */
int api_open(struct api **ret, const struct api_config *c, struct err *e) MUST;
/* "http://127.0.0.1:8080 https://[::]:8443": what it listens on, ports resolved, one blank between. */
void api_addresses(const struct api *a, struct buf *out);
unsigned api_port(const struct api *a, size_t listener); /* in the order of settings->http; 0 when there is no such listener */
/* Swaps limits, proxies, operators, routes. Listen addresses, http_threads and certificate file names keep their first value.
 * When it returns the old settings are not used any more. Any thread. */
void api_settings(struct api *a, const struct settings *s);
/* Reads the certificate files again; new handshakes use them, established connections go on. On failure (-EINVAL, e says
 * which file) every listener keeps what it had. */
int api_reload_certificates(struct api *a, struct err *e) MUST;
/* Stops accepting, lets requests under way finish for at most grace_ms (those the engine still holds then are answered 503
 * and their memory waits for the engine), closes every connection. Idempotent. */
void api_stop(struct api *a, int64_t grace_ms);
void api_close(struct api *a); /* stops first when that was not done; NULL ok */
