/* sandbox.h - the telephone network in a box: an SMPP 3.4 SMSC that answers, delivers and fails as the numbers tell it, and
 * the telephones behind it as a page and as JSON. For trying things out and for tests; keeps nothing on disk.
 *
 * Everything runs on the given loop's thread; the only other thread that may touch it calls loop_stop(). */
#pragma once
#include "sandbox/settings.h"

struct loop;
struct sandbox; /* opaque */
struct handset_message;

/* Opens the listening sockets; they are served as soon as the loop runs. 0, or -errno/-EINVAL with e filled (an address in
 * use, a bad certificate). Borrows the loop; copies the settings. */
int sandbox_open(struct sandbox **ret, struct loop *l, const struct sandbox_settings *s, struct err *e) MUST;
/* Closes everything at once. Loop stopped or on its thread. NULL ok. */
void sandbox_close(struct sandbox *s);
/* Addresses as bound, with real ports: "127.0.0.1:2775"; empty when not asked for. Valid until sandbox_close(). */
const char *sandbox_smpp(const struct sandbox *s);
const char *sandbox_smpps(const struct sandbox *s);
const char *sandbox_http(const struct sandbox *s);
/* fn runs on the loop for every message that reached its end and every reply; the message is borrowed. NULL: none. */
void sandbox_on_message(struct sandbox *s, void (*fn)(void *ctx, const struct handset_message *m), void *ctx);

/* One line for a terminal: 55119…0001  <- Ola!  1 part GSM  delivered 52 ms. Text of the sender is made harmless. No newline. */
void telephone_print(const struct handset_message *m, struct buf *out);

/* The command: pombo sandbox --config FILE. Prints one line that starts with "ready" once it serves; ends with 0 at SIGTERM or
 * SIGINT. Returns an exit code as in sysexits.h. */
int sandbox_main(int argc, char **argv);
/* The command: pombo sandbox reply NUMBER SHORT_CODE TEXT, a text from a handset of a sandbox that runs; argv[0] is its name. Returns an
 * exit code. */
int sandbox_reply_main(int argc, char **argv);
