/* sqlite_days.h - one day's file, between sqlite_days.c and sqlite_days_make.c; sqlite.h has what the driver knows of days. */
#pragma once
#include "store/sqlite.h"

struct day *day_new(const char *data, int64_t number); /* one reference; nothing on disk is looked at */
int day_open(struct day *d, bool today, struct err *e) MUST; /* the writer's connection; today's has the large cache */
void day_unlink(const char *path);                           /* with what SQLite put beside it */
void catalog_add(struct sq *s, struct day *take);            /* as the newest: it is today's */
