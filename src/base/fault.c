/* fault.c - named fault points. Empty unless built with -Dfaults=true. */
#include "base/fault.h"

#ifdef POMBO_FAULTS
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULTS_MAX 32

struct fault {
	char name[64];
	int64_t at;  /* the call that fails, from 1 */
	bool onward; /* and all later ones */
	bool kills;
	int64_t calls; /* so far */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault faults[FAULTS_MAX];
static size_t fault_count;
static atomic_bool any;
static bool here; /* only calls of this thread count: */
static pthread_t owner;
static pthread_once_t from_environment = PTHREAD_ONCE_INIT;

/* A test that asks for a fault that never comes would pass for the wrong reason. */
static _Noreturn void bad_spec(const char *spec)
{
	fprintf(stderr, "error fault-spec spec=\"%s\"\n", spec);
	exit(64);
}

static void parse_one(struct str one, const char *spec)
{
	struct fault f = {0};
	const char *colon = one.n ? memchr(one.p, ':', one.n) : NULL;
	struct str name, when;

	if (!colon || fault_count == FAULTS_MAX)
		bad_spec(spec);
	name = (struct str){one.p, (size_t)(colon - one.p)};
	when = (struct str){colon + 1, one.n - name.n - 1};
	if (when.n > 4 && memcmp(when.p, "kill", 4) == 0) {
		f.kills = true;
		when.p += 4;
		when.n -= 4;
	}
	if (when.n && when.p[when.n - 1] == '+') {
		f.onward = true;
		when.n--;
	}
	if (!name.n || !str_copy(f.name, sizeof(f.name), name) || str_i64(when, 1, INT64_MAX, &f.at) < 0)
		bad_spec(spec);
	faults[fault_count++] = f;
}

static void parse(const char *spec)
{
	const char *p = spec ? spec : "";

	fault_count = 0;
	while (*p) {
		size_t n = strcspn(p, ",");

		parse_one((struct str){p, n}, spec);
		p += n;
		if (*p == ',' && !*++p)
			bad_spec(spec);
	}
	atomic_store(&any, fault_count > 0);
}

static void read_environment(void) { parse(getenv("POMBO_FAULTS")); }

static void set(const char *spec, bool mine)
{
	pthread_once(&from_environment, read_environment);
	pthread_mutex_lock(&lock);
	here = mine;
	owner = pthread_self();
	parse(spec);
	pthread_mutex_unlock(&lock);
}

void fault_set(const char *spec) { set(spec, false); }

void fault_set_here(const char *spec) { set(spec, true); }

bool fault_hit(const char *name)
{
	bool hit = false;

	pthread_once(&from_environment, read_environment);
	if (!atomic_load_explicit(&any, memory_order_relaxed))
		return false;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < fault_count && (!here || pthread_equal(owner, pthread_self())); i++) {
		struct fault *f = &faults[i];

		if (strcmp(f->name, name) != 0)
			continue;
		f->calls++;
		if (f->calls != f->at && !(f->onward && f->calls > f->at))
			continue;
		if (f->kills)
			kill(getpid(), SIGKILL);
		hit = true;
	}
	pthread_mutex_unlock(&lock);
	return hit;
}
#endif
