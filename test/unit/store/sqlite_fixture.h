/* sqlite_fixture.h - a store in a folder of its own with a clock that the test moves, for the tests of the SQLite driver. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/time.h"
#include "store/sqlite.h"
#include "unit/folder.h"

#define NUMBER_TEXT_(n) #n
#define NUMBER_TEXT(n) NUMBER_TEXT_(n)
#define OUR_SCHEMA "PRAGMA user_version=" NUMBER_TEXT(SCHEMA_VERSION)

#define START (20000 * (int64_t)DAY_MS + 36000000) /* 2024-10-04 10:00 */
#define DAY_FILE "day-20241004.db"
#define NEXT_FILE "day-20241005.db"

struct fixture {
	char path[FOLDER_MAX];
	struct store_options options;
	int64_t now;
	struct store *s;
	const struct store_ops *o;
	int64_t seq;
};

void start(struct fixture *f);
void stop(struct fixture *f);
void restart(struct fixture *f);
int set_up(void **state);
int tear_down(void **state);
int64_t key_at(const struct fixture *f, int64_t i);
void accept_one(struct fixture *f, int64_t key, const char *correlation);
void event_one(struct fixture *f, int64_t key, int kind, uint64_t hash);
void merge_one(struct fixture *f, int64_t key, int state, int64_t seq);
void commit(struct fixture *f);
int state_of(struct fixture *f, int64_t key);
bool exists(const struct fixture *f, const char *name);
void sql(const struct fixture *f, const char *name, const char *text);
void set_mark(struct fixture *f, const char *key, int64_t v);
void idle(struct fixture *f, int times);
void assert_sound(struct fixture *f);
uint64_t id_hash(int64_t i);
void fill(struct fixture *f, int64_t from, int64_t to);
void copy_file(const struct fixture *f, const char *from, const char *to);
