/* smpp_blast.c - submits as fast as a window allows, to learn what an SMSC (the sink, the sandbox) can take.
 *
 *   smpp_blast --port N [--count N] [--window N] [--step N] [--receipts]
 *
 * --step 10000 keeps the last four digits 0000, as the sandbox reads a meaning into some others. */
#include <getopt.h>
#include <poll.h>
#include "bench.h"

static uint32_t get32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return ntohl(v);
}

static void put_pdu(struct bytes *b, uint32_t id, uint32_t seq, const char *body, size_t n)
{
	uint32_t h[4] = {htonl((uint32_t)(16 + n)), htonl(id), 0, htonl(seq)};

	bytes_put(b, h, 16);
	bytes_put(b, body, n);
}

static void put_submit(struct bytes *b, uint32_t seq, uint32_t number, bool receipts)
{
	char body[128], *p = body;

	*p++ = 0;
	memcpy(p,
	       "\0\0"
	       "27182",
	       8);
	p += 8;
	*p++ = 1;
	*p++ = 1;
	p += sprintf(p, NUMBER_PREFIX "%09u", number) + 1;
	memset(p, 0, 10);
	p[5] = receipts;
	p += 9;
	*p++ = 11;
	memcpy(p, "hello world", 11);
	put_pdu(b, 4, seq, body, (size_t)(p + 11 - body));
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"port", 1, NULL, 'p'},   {"count", 1, NULL, 'c'},
					      {"window", 1, NULL, 'w'}, {"receipts", 0, NULL, 'r'},
					      {"step", 1, NULL, 's'},   {0}};
	uint32_t count = 1000000, window = 1000, step = 1, sent = 0, answered = 0, refused = 0, receipts = 0;
	struct bytes in = {0}, out = {0};
	bool want = false;
	uint16_t port = 0;
	int64_t start;
	int o, fd;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 'p': port = (uint16_t)atoi(optarg); break;
		case 'c': count = (uint32_t)atoi(optarg); break;
		case 'w': window = (uint32_t)atoi(optarg); break;
		case 's': step = (uint32_t)atoi(optarg); break;
		case 'r': want = true; break;
		default: die("smpp_blast --port N [--count N] [--window N] [--step N] [--receipts]");
		}
	}
	catch_signals();
	fd = connect_to(port);
	if (fd < 0)
		die("port %u: %s", port, strerror(errno));
	put_pdu(&out, 9, 1, "blast\0secret\0\0\x34\0\0", 18);
	start = now_us();
	while ((answered < count || (want && receipts < count - refused) || out.n) && !stopping) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		size_t done = 0;
		ssize_t r;

		for (; sent < count && sent - answered < window; sent++)
			put_submit(&out, sent + 2, NUMBER_FIRST + (uint32_t)((uint64_t)sent * step % 100000000), want);
		r = write(fd, out.p, out.n);
		if (r < 0 && errno != EAGAIN)
			die("write: %s", strerror(errno));
		if (r > 0)
			bytes_drop(&out, (size_t)r);
		if (out.n)
			p.events |= POLLOUT;
		if (answered >= count && !(want && receipts < count - refused))
			continue; /* the last acknowledgements leave */
		if (poll(&p, 1, 10000) <= 0)
			die("no answer in 10 s (%u of %u answered, %u receipts)", answered, count, receipts);
		bytes_space(&in, 256 << 10);
		r = read(fd, in.p + in.n, 256 << 10);
		if (r == 0)
			die("closed by the SMSC");
		if (r < 0)
			continue;
		in.n += (size_t)r;
		for (size_t len; in.n - done >= 16 && (len = get32(in.p + done)) <= in.n - done; done += len) {
			uint32_t id = get32(in.p + done + 4);

			if (id == 0x80000004u) {
				answered++;
				refused += get32(in.p + done + 8) != 0;
			} else if (id == 5) {
				receipts++;
				put_pdu(&out, 0x80000005u, get32(in.p + done + 12), "", 1);
			}
		}
		bytes_drop(&in, done);
	}
	printf("{\"submits\":%u,\"refused\":%u,\"receipts\":%u,\"rate\":%.0f}\n", answered, refused, receipts,
	       (double)answered * 1e6 / (double)(now_us() - start));
	close(fd);
	free(in.p);
	free(out.p);
	return 0;
}
