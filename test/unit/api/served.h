/* served.h - a server for each test, and the requests that tests have in common. A program links served.c and has one fixture, f. */
#pragma once
#include "fixture.h"

extern struct fixture f;
int served_setup(void **state);    /* with the settings of fixture_init() */
int served_teardown(void **state); /* whoever set it up */
#define SERVED(name) cmocka_unit_test_setup_teardown(name, served_setup, served_teardown)

#define BODY "{\"destination\":\"5511900000000\",\"messageText\":\"x\"}"
#define SEND "/v1/send-sms?destination=5511900000000&messageText=x"
/* For requests written octet by octet: the lines of ana's credentials, a head without its empty line, a GET without its version. */
#define AUTH "username: ana\r\nauthenticationtoken: t-ana\r\n"
#define HEAD_OF(line) line " HTTP/1.1\r\nHost: x\r\n" AUTH
#define GET_ONE "GET " SEND

void contains(const char *text, const char *what);
size_t total(const char *answer); /* of a list or a search, told and counted */

/* -- requests to send; the answer's body, valid until the next call -- */
const char *send_body(int status, const char *user, const char *body);
const char *single(int status, const char *user, const char *fields); /* after its destination: ",\"messageText\":..." */
const char *get(int status, const char *user, const char *more); /* the same: "&messageText=..." */
const char *bulk(int status, const char *user, const char *body);
void message_is(const char *answer, const char *error);
void sent(const char *text, const char *invalid); /* the first message the core was given */

/* A message the query knows: sent so long ago with that code. */
struct uid know(uint32_t account, uint32_t sub_account, const char *correlation, int64_t age_ms, int sent);
