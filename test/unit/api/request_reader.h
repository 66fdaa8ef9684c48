/* request_reader.h - requests to send, read without a server: from text to what the handlers go on with, and the faults found. Its
 * intake_number() and intake_refusal() stand in for core's, so it is not linked together with the fake core. */
#pragma once
#include "api_test.h"

#include "api/send_request.h"

/* What was read last. */
extern struct arena arena;
extern struct json_doc *doc;
extern struct send_request request;
extern struct faults faults;

extern const struct profile_setting *likely; /* of the connection that will carry it; NULL: unknown */

void read_body(bool bulk, const char *body);
void read_with(const char *more); /* a body with fields after the two that are required: ",\"flashSMS\":true" */
void read_get(const char *query);
void forget(void);

void good(void);                               /* no fault was found */
void bad(const char *field, const char *rule); /* this is the first one */
