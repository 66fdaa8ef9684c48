/* reply_command.c - the command `pombo sandbox reply`: a handset of a sandbox that runs sends a text. It asks the handset's HTTP address
 * for it, as the page does. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <curl/curl.h>
#include "base/buf.h"
#include "sandbox/sandbox.h"
#include "wire/json.h"

#define ANSWER_MAX 65536
#define TIMEOUT_MS 10000L

struct asked {
	struct sandbox_settings settings; /* of which the address is used */
	const char *alphabet, *join;
	const char *argument[3]; /* number, short code, text */
	int64_t skip;
	bool shuffle, help;
};

static const char help[] =
	"Usage: pombo sandbox reply NUMBER SHORT_CODE TEXT [--http ADDRESS] [--config FILE] [--alphabet A] "
	"[--join J]\n"
	"                           [--shuffle] [--skip PART]\n"
	"\n"
	"The handset NUMBER sends TEXT to SHORT_CODE; a long one goes out in parts. Prints the message's id "
	"on the handset.\n"
	"\n"
	"  --http ADDRESS   where the sandbox's handset is; default: the one of FILE, else 127.0.0.1:2780\n"
	"  --config FILE    the sandbox's settings\n"
	"  --alphabet A     auto, gsm7, latin1, ucs2 or ascii; default: the smallest that holds the text\n"
	"  --join J         how parts are joined: udh8, udh16, sar or payload; default: udh8\n"
	"  --shuffle        the parts go out in any order but the right one\n"
	"  --skip PART      that part gets lost, 1 being the first\n";

static int read_options(struct asked *o, int argc, char **argv, struct err *e)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},   {"http", required_argument, NULL, 'w'},
		{"alphabet", required_argument, NULL, 'a'}, {"join", required_argument, NULL, 'j'},
		{"shuffle", no_argument, NULL, 'u'},        {"skip", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},           {0}};
	int c, r = 0;

	sandbox_settings_default(&o->settings);
	optind = 0; /* the program may have read options before */
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no other threads yet */
	while (r == 0 && (c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c': r = sandbox_settings_load(&o->settings, optarg, e); break;
		case 'w': r = sandbox_settings_set(&o->settings, STR("http"), str_of(optarg), e); break;
		case 'a': o->alphabet = optarg; break;
		case 'j': o->join = optarg; break;
		case 'u': o->shuffle = true; break;
		case 's':
			if (str_i64(str_of(optarg), 1, 255, &o->skip) < 0)
				r = err_set(e, -EINVAL, "--skip: the number of a part, 1 to 255");
			break;
		case 'h': o->help = true; break;
		default: r = err_set(e, -EINVAL, "pombo sandbox reply --help tells the options");
		}
	}
	if (r == 0 && !o->help && argc - optind != (int)COUNT_OF(o->argument))
		r = err_set(e, -EINVAL, "NUMBER, SHORT_CODE and TEXT are needed");
	for (size_t i = 0; r == 0 && !o->help && i < COUNT_OF(o->argument); i++) {
		o->argument[i] = argv[optind + (int)i];
		if (!utf8_valid(str_of(o->argument[i]), NULL))
			r = err_set(e, -EINVAL, "argument %zu is no valid UTF-8", i + 1);
	}
	return r;
}

static void member(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	buf_fmt(b, "%s\"%s\":", b->n > 1 ? "," : "", name);
	buf_json(b, str_of(value));
}

static void write_body(const struct asked *o, struct buf *b)
{
	buf_putc(b, '{');
	member(b, "number", o->argument[0]);
	member(b, "shortCode", o->argument[1]);
	member(b, "text", o->argument[2]);
	member(b, "alphabet", o->alphabet);
	member(b, "join", o->join);
	if (o->shuffle)
		buf_puts(b, ",\"shuffle\":true");
	if (o->skip)
		buf_fmt(b, ",\"skip\":%lld", (long long)o->skip);
	buf_putc(b, '}');
}

static size_t on_data(char *p, size_t size, size_t n, void *ctx)
{
	struct buf *b = ctx;

	buf_put(b, p, size * n);
	return b->failed ? 0 : size * n;
}

/* The answer's status, or -ENOTCONN with e filled. */
static long post(const char *address, const struct buf *body, struct buf *answer, struct err *e)
{
	struct curl_slist *head = curl_slist_append(NULL, "Content-Type: application/json");
	struct buf url = BUF_INIT;
	CURL *c = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;

	buf_fmt(&url, "http://%s/reply", address);
	if (c && head) {
		curl_easy_setopt(c, CURLOPT_URL, buf_cstr(&url));
		curl_easy_setopt(c, CURLOPT_PROXY, ""); /* none from the environment */
		curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, head);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)body->n);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body->p);
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
		curl_easy_setopt(c, CURLOPT_WRITEDATA, answer);
		code = curl_easy_perform(c);
	}
	if (code == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	else
		status = err_set(e, -ENOTCONN, "http://%s: %s", address, curl_easy_strerror(code));
	curl_easy_cleanup(c);
	curl_slist_free_all(head);
	buf_done(&url);
	return status;
}

/* An exit code; the words of the answer are printed. */
static int say_answer(long status, const struct buf *answer)
{
	struct err e;
	struct json_doc *doc = json_read(answer->n ? answer->p : "", answer->n, &e);
	struct json *id = json_get(doc ? json_root(doc) : NULL, "id");
	struct str why = json_str(json_get(doc ? json_root(doc) : NULL, "errorMessage"));
	int code = EX_OK;

	if (status == 200 && json_kind(id) == JSON_KIND_INTEGER) {
		printf("%lld\n", (long long)json_int(id));
	} else {
		fprintf(stderr, "pombo sandbox reply: %.*s\n", why.n ? (int)why.n : 28,
			why.n ? why.p : "that is no sandbox's handset");
		code = status == 400 ? EX_DATAERR : EX_UNAVAILABLE;
	}
	json_free(doc);
	return code;
}

int sandbox_reply_main(int argc, char **argv)
{
	struct asked o = {0};
	struct buf body = BUF_INIT, answer = {.max = ANSWER_MAX};
	struct err e;
	long status;
	int code = EX_UNAVAILABLE;

	if (read_options(&o, argc, argv, &e) < 0) {
		fprintf(stderr, "pombo sandbox reply: %s\n", e.text);
		return EX_USAGE;
	}
	if (o.help)
		return fputs(help, stdout) < 0 ? EX_IOERR : EX_OK;
	write_body(&o, &body);
	status = post(o.settings.http, &body, &answer, &e);
	if (status < 0)
		fprintf(stderr, "pombo sandbox reply: %s\n", e.text);
	else
		code = say_answer(status, &answer);
	buf_done(&body);
	buf_done(&answer);
	return code;
}
