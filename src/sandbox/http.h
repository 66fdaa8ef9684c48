/* http.h - inside the sandbox: the handset's own HTTP address. libmicrohttpd without threads, run by the loop.
 *
 *   GET  /                        the page (and /handset.js, /handset.css)
 *   GET  /messages?number=&since=&limit=
 *   GET  /numbers?limit=
 *   POST /reply                   {"number", "shortCode", "text"}
 *   GET  /settings, PUT /settings
 *   GET  /status                  binds and counts
 *   GET  /healthz
 * Whoever can reach the address may use it: it is for loopback and test networks. Against pages of other origins it checks
 * Host, Origin and the content type. */
#pragma once
#include "sandbox/smsc.h"

struct sandbox_http;                                                                  /* opaque */
int sandbox_http_open(struct sandbox_http **ret, struct smsc *c, struct err *e) MUST; /* borrows c, its loop, settings, handset */
void sandbox_http_close(struct sandbox_http *h);                                      /* NULL ok */
const char *sandbox_http_address(const struct sandbox_http *h);

/* A file of the page, made from src/sandbox/page/ at build time. */
struct sandbox_page {
	const char *path, *type;
	const unsigned char *p;
	size_t n;
};
extern const struct sandbox_page sandbox_pages[];
extern const size_t sandbox_page_count;
