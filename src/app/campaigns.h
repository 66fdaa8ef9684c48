/* campaigns.h - registers campaigns that messages name for the first time, and forgets those whose requests were refused: a thread that
 * takes what has piled up, writes it in one transaction and publishes one new snapshot, so that HTTP threads never wait for the disk. */
#pragma once
#include "api/api.h"

struct gateway;
struct campaigns;
int campaigns_open(struct campaigns **ret, struct gateway *g, struct err *e) MUST;
/* Any thread. false: as many wait as may, or it is closing; done() will not be called. */
bool campaigns_post(void *campaigns, struct campaign_ask *ask);
void campaigns_stop(struct campaigns *c);  /* answers what waits, then takes nothing any more; NULL ok */
void campaigns_close(struct campaigns *c); /* when nobody can post any more; NULL ok */
