/* Checkpoints: a thread with connections of its own copies the WAL into the database file (PASSIVE: it waits for nobody and nobody for
 * it) whenever a few megabytes have gathered.
 *
 * A WAL that is being written to never starts over by itself: that takes a moment in which all of it is copied. So, once it is large
 * and nearly drained, the thread asks for the hand-over, keeps away from the file, and the writer copies the last frames between two
 * commits (1-20 ms instead of the 150 ms of a checkpoint within a commit). The more it has grown, the more frames count as few.
 *
 *   thread: IDLE -> (copy) -> ASKED -> writer: copies -> IDLE       the thread takes ASKED back when no commit comes along */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "store/sqlite.h"

#define FRAMES_MB 256            /* 4 KiB pages */
#define WORTH_IT (4 * FRAMES_MB) /* frames since the last copy */
#define LARGE (80 * FRAMES_MB)
#define FEW 200
#define LAZY_MS 2000 /* what is less than WORTH_IT waits so long */
#define OFFER_MS 50

enum handover { HANDOVER_IDLE, HANDOVER_ASKED };
struct checkpointer {
	struct sq *s;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop, started, stuck; /* stuck: the last turn copied nothing, a reader is in the way */
	atomic_int handover;
	atomic_int copied; /* frames of today's WAL already in its database file */
	atomic_bool signalled;
	/* the thread's */
	struct day *day; /* whose connection is open */
	int done[2];     /* frames copied when last looked at: of older files, of today's */
	struct conn c;
};

static int copy(struct conn *c, int *log, int *done)
{
	return sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, log, done);
}

/* Frames of today's WAL that are not in its file. A count below what was copied says that the WAL has started over. */
static int waiting(struct checkpointer *k, const struct day *d)
{
	int frames = atomic_load_explicit(&d->frames, memory_order_relaxed);
	int copied = atomic_load_explicit(&k->copied, memory_order_relaxed);

	if (frames >= copied)
		return frames - copied;
	atomic_store(&k->copied, 0);
	return frames;
}

static void wake(struct checkpointer *k)
{
	pthread_mutex_lock(&k->lock);
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
}

static bool hand_over(struct checkpointer *k, struct day *d)
{
	int asked = HANDOVER_ASKED, log = 0, done = 0, rc;

	if (atomic_load_explicit(&k->handover, memory_order_relaxed) != HANDOVER_ASKED ||
	    !atomic_compare_exchange_strong(&k->handover, &asked, HANDOVER_IDLE))
		return false;
	rc = copy(&d->w, &log, &done);
	if (rc == SQLITE_OK)
		atomic_store(&k->copied, done);
	else if (rc != SQLITE_BUSY)
		sq_fail_conn(k->s, &d->w, "checkpoint");
	wake(k);
	return true;
}

void checkpointer_committed(struct checkpointer *k, struct day *d)
{
	if (!hand_over(k, d) && waiting(k, d) >= WORTH_IT && !atomic_exchange(&k->signalled, true))
		wake(k);
}

void checkpointer_idle(struct checkpointer *k) { (void)hand_over(k, k->s->today); }

/* -- the thread ----------------------------------------------------------------------------------------------------------- */

static void failed(struct checkpointer *k, struct conn *c, const char *path)
{
	struct err e;
	int error = conn_err(c, path, &e);

	sq_fail_elsewhere(k->s, error, e.text);
}

static int few_for(int frames)
{
	return frames > 8 * LARGE   ? frames
	       : frames > 4 * LARGE ? 20 * FEW
	       : frames > 2 * LARGE ? 5 * FEW
				    : FEW;
}

static void leave(struct checkpointer *k)
{
	conn_close(&k->c);
	if (k->day)
		day_put(k->day);
	k->day = NULL;
}

static int enter(struct checkpointer *k, struct day *take)
{
	struct err e;
	int r;

	if (k->day == take) {
		day_put(take);
		return 0;
	}
	leave(k);
	k->day = take;
	r = conn_open(&k->c, take->path, CONN_WRITE, 1024, &e);
	if (r < 0)
		sq_fail_elsewhere(k->s, r, e.text);
	return r;
}

/* Copies what is there. Returns how many frames are left, -1 when none of it matters any more. */
static int pass(struct checkpointer *k, bool today)
{
	int log = 0, done = 0, rc, left;

	rc = copy(&k->c, &log, &done);
	if (rc == SQLITE_BUSY) {
		k->stuck = true;
		return 0;
	}
	if (rc != SQLITE_OK) {
		failed(k, &k->c, k->day->path);
		return -1;
	}
	left = log - done;
	k->stuck = left > 0 && done == k->done[today];
	k->done[today] = done;
	if (!today) {
		if (left <= 0)
			atomic_store(&k->day->frames, 0);
		return left;
	}
	atomic_store(&k->copied, done);
	left = MAX(waiting(k, k->day), left);
	if (log > LARGE && left > 0 && left <= few_for(log) && !k->stuck)
		atomic_store(&k->handover, HANDOVER_ASKED);
	return left;
}

/* The next file with something to copy: today's, and in turn with it the older ones, which merges write to. */
static struct day *pick(struct sq *s, bool *today)
{
	struct day *d = NULL;

	pthread_mutex_lock(&s->c.lock);
	for (size_t i = 0; i < s->c.n && !d; i++)
		if (i + 1 == s->c.n || (*today && atomic_load(&s->c.days[i]->frames) > 0))
			d = s->c.days[i];
	*today = d == s->c.days[s->c.n - 1];
	atomic_fetch_add(&d->refs, 1);
	pthread_mutex_unlock(&s->c.lock);
	return d;
}

static void wait_ms(struct checkpointer *k, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	if (!k->stop)
		pthread_cond_timedwait(&k->wake, &k->lock, &until);
}

/* One turn outside the lock: how many frames of the file are left, -1 after a failure. */
static int turn(struct checkpointer *k, bool *today)
{
	struct day *d = pick(k->s, today);

	atomic_store(&k->signalled, false);
	if (*today && waiting(k, d) == 0) {
		day_put(d);
		return 0;
	}
	return enter(k, d) == 0 ? pass(k, *today) : -1;
}

static void *thread(void *arg)
{
	struct checkpointer *k = arg;
	bool today = true;

	pthread_mutex_lock(&k->lock);
	while (!k->stop) {
		int asked = HANDOVER_ASKED, left;

		pthread_mutex_unlock(&k->lock);
		left = turn(k, &today);
		pthread_mutex_lock(&k->lock);
		if (left < 0)
			break;
		if (atomic_load(&k->handover) == HANDOVER_ASKED) {
			wait_ms(k, OFFER_MS);
			/* nobody commits: then nobody minds a turn of the thread's */
			(void)atomic_compare_exchange_strong(&k->handover, &asked, HANDOVER_IDLE);
		} else if (today && left < WORTH_IT && !atomic_load(&k->signalled)) {
			wait_ms(k, LAZY_MS);
		} else if (k->stuck) {
			wait_ms(k, OFFER_MS);
		}
	}
	pthread_mutex_unlock(&k->lock);
	leave(k);
	return NULL;
}

int checkpointer_open(struct checkpointer **ret, struct sq *s, struct err *e)
{
	struct checkpointer *k = xnew(struct checkpointer);
	int r;

	k->s = s;
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->wake, NULL);
	r = -pthread_create(&k->thread, NULL, thread, k);
	k->started = r == 0;
	if (r < 0) {
		checkpointer_close(k);
		return err_set(e, r, "thread: %s", strerrordesc_np(-r));
	}
	*ret = k;
	return 0;
}

void checkpointer_close(struct checkpointer *k)
{
	if (!k)
		return;
	if (k->started) {
		pthread_mutex_lock(&k->lock);
		k->stop = true;
		pthread_cond_signal(&k->wake);
		pthread_mutex_unlock(&k->lock);
		pthread_join(k->thread, NULL);
	}
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
