/* control.h - commands beside a running server: a socket in the data folder, and its client.
 *
 * One request a connection, one line: {"argv":["user","list"],"cwd":"/home/me"}
 * Answered by lines until the last:    {"out":"..."} {"err":"..."} {"exit":0}
 * Only the server's own user and root are answered. */
#pragma once
#include "base/util.h"

struct control; /* opaque */
struct gateway;
#define CONTROL_CLIENTS_MAX 8
#define CONTROL_REQUEST_MAX ((size_t)256 << 10)
/* Begins to answer, on threads of its own. The data folder's lock is held by the caller. */
int control_open(struct control **ret, struct gateway *g, struct err *e) MUST;
/* No more requests; commands under way are told to stop and waited for. NULL ok. */
void control_close(struct control *c);

/* Client: has the server of that folder run the command; its output goes to this process's. Returns the exit code, or -ENOENT when no
 * server runs there, or -errno with words. */
int control_ask(const char *data, int argc, char *const *argv, struct err *e);
