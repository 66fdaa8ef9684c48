/* What the tests of the SQLite driver have in common. */
#include "sqlite_fixture.h"

static int64_t clock_of(void *ctx) { return ((struct fixture *)ctx)->now; }

void start(struct fixture *f)
{
	struct err e = {""};

	if (store_sqlite_open(&f->s, &f->options, &e) < 0)
		fail_msg("%s", e.text);
	f->o = f->s->ops;
}

void stop(struct fixture *f)
{
	if (f->s)
		f->o->close(f->s);
	f->s = NULL;
}

void restart(struct fixture *f)
{
	stop(f);
	start(f);
}

int set_up(void **state)
{
	struct fixture *f = xnew(struct fixture);

	test_folder(f->path, "sqlite");
	f->now = START;
	f->options = (struct store_options){.data = f->path,
					    .status_retention_ms = 3 * DAY_MS,
					    .message_retention_ms = 5 * DAY_MS,
					    .now = clock_of,
					    .now_ctx = f};
	start(f);
	*state = f;
	return 0;
}

int tear_down(void **state)
{
	struct fixture *f = *state;

	stop(f);
	test_folder_remove(f->path);
	free(f);
	return 0;
}

int64_t key_at(const struct fixture *f, int64_t i) { return uid_key_at(f->now) + i; }

void accept_one(struct fixture *f, int64_t key, const char *correlation)
{
	struct delivery_text t = {.text = STR("hello"), .correlation = str_of(correlation)};
	struct delivery *d = delivery_new(&t);

	d->key = key;
	d->account = 3;
	d->part_count = 1;
	f->o->accept(f->s, d);
	delivery_free(d);
}

void event_one(struct fixture *f, int64_t key, int kind, uint64_t hash)
{
	f->o->event(f->s, &(struct event){.seq = ++f->seq, .key = key, .kind = (uint8_t)kind, .hash = hash, .sub_account = 4});
}

void merge_one(struct fixture *f, int64_t key, int state, int64_t seq)
{
	struct delivery *d = NULL;
	const struct delivery *one;
	const int64_t *seqs = &seq;
	size_t n = 1;

	assert_int_equal(f->o->load(f->s, key, &d), 0);
	d->state = (uint8_t)state;
	d->last_seq = seq;
	one = d;
	f->o->merge(f->s, &one, &seqs, &n, 1);
	delivery_free(d);
}

void commit(struct fixture *f)
{
	struct err e = {""};

	if (f->o->commit(f->s, &e) < 0)
		fail_msg("%s", e.text);
}

int state_of(struct fixture *f, int64_t key)
{
	struct delivery *d = NULL;
	int state = f->o->load(f->s, key, &d) == 0 ? d->state : -1;

	delivery_free(d);
	return state;
}

bool exists(const struct fixture *f, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	return access(path, F_OK) == 0;
}

void sql(const struct fixture *f, const char *name, const char *text)
{
	char path[512], *why = NULL;
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	sqlite3_close(db);
}

void set_mark(struct fixture *f, const char *key, int64_t v)
{
	f->o->mark(f->s, key, (struct str){(const char *)&v, sizeof(v)});
}

void idle(struct fixture *f, int times)
{
	while (times-- > 0)
		f->o->idle(f->s, f->now);
}

void assert_sound(struct fixture *f)
{
	struct buf report = BUF_INIT;
	struct err e = {""};

	if (f->o->check(f->s, &report, &e) != 0)
		fail_msg("%s: %s", e.text, buf_cstr(&report));
	buf_done(&report);
}

uint64_t id_hash(int64_t i) { return (uint64_t)i * 0x9E3779B97F4A7C15u + 1; }

void fill(struct fixture *f, int64_t from, int64_t to)
{
	char correlation[32];

	for (int64_t i = from; i < to;) {
		f->o->begin(f->s);
		for (int64_t end = MIN(i + 2000, to); i < end; i++) {
			snprintf(correlation, sizeof(correlation), "c-%lld", (long long)i);
			accept_one(f, uid_key_at(START) + i, correlation);
			event_one(f, uid_key_at(START) + i, EV_SENT, id_hash(i));
		}
		commit(f);
	}
}

void copy_file(const struct fixture *f, const char *from, const char *to)
{
	char command[512];

	snprintf(command, sizeof(command), "cp %s/%s %s/%s", f->path, from, f->path, to);
	assert_int_equal(system(command), 0);
}
