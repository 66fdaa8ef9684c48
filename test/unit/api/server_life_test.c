/* server_life_test.c - opening and stopping the server: faulty and busy listeners, certificates that change, what is under way at the end. */
#include "served.h"

#include <errno.h>
#include <pthread.h>

#include "model/metrics.h"
#include "unit/folder.h"

/* -- TLS ----------------------------------------------------------------------------------------------------------- */

TEST(tls_serves_and_certificates_change_under_it)
{
	char dir[FOLDER_MAX], crt[96], key[96], name[64];
	struct client first, second, c;
	struct answer a;
	struct err e;
	bool ok;

	test_folder(dir, "api");
	snprintf(crt, sizeof(crt), "%s/tls.crt", dir);
	snprintf(key, sizeof(key), "%s/tls.key", dir);
	write_certificate(crt, key, "first");
	fixture_init(&f);
	f.listen[1] = (struct listen_setting){.listen = (char[]){"127.0.0.1:0"}, .certificate = crt, .key = key};
	f.settings.http_count = 2;
	fixture_start(&f);
	first = client_open_tls(&f, 1, "NORMAL:-VERS-ALL:+VERS-TLS1.3", &ok);
	assert_true(ok);
	a = ask(&f, &first, "POST", "/v1/send-sms", "ana", "", "{\"destination\":\"5511900000000\",\"messageText\":\"x\"}");
	assert_int_equal(a.status, 200);
	client_peer_name(&first, name);
	assert_string_equal(name, "first");

	/* A key of another certificate is refused and changes nothing. */
	char other[96];
	snprintf(other, sizeof(other), "%s/other.crt", dir);
	write_certificate(other, key, "stranger");
	assert_true(api_reload_certificates(f.api, &e) < 0);
	assert_non_null(strstr(e.text, "tls.crt"));
	c = client_open_tls(&f, 1, "NORMAL", &ok);
	assert_true(ok);
	client_close(&c);

	write_certificate(crt, key, "second");
	assert_int_equal(api_reload_certificates(f.api, &e), 0);
	assert_int_equal(api_reload_certificates(f.api, &e), 0); /* nothing new */
	second = client_open_tls(&f, 1, "NORMAL:-VERS-ALL:+VERS-TLS1.2", &ok);
	assert_true(ok);
	client_peer_name(&second, name);
	assert_string_equal(name, "second");
	a = ask(&f, &second, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL);
	assert_int_equal(a.status, 200);
	/* The old connection goes on. */
	a = ask(&f, &first, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL);
	assert_int_equal(a.status, 200);
	c = client_open_tls(&f, 1, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", &ok);
	assert_false(ok);
	client_close(&c);
	/* The plain listener beside it works, and plain text to the TLS one does not hurt. */
	expect_answer(&f, 200, "GET", "/healthz", NULL, "", NULL);
	struct buf out = BUF_INIT;
	api_addresses(f.api, &out);
	assert_non_null(strstr(buf_cstr(&out), " https://127.0.0.1:"));
	buf_done(&out);
	client_close(&first);
	client_close(&second);
	fixture_stop(&f);
	test_folder_remove(dir);
}

/* -- opening and stopping ------------------------------------------------------------------------------------------ */

TEST(faulty_listeners_are_named)
{
	char *const bad[] = {
		(char[]){"nonsense"}, (char[]){"127.0.0.1:x"}, (char[]){"127.0.0.1:99999"}, (char[]){"1:2:3"},
		(char[]){""},         (char[]){"192.0.2.1:0"}};
	struct api_config c = {.settings = &f.settings};
	struct api *a = NULL;
	struct err e;

	fixture_init(&f);
	c.engine = fake_engine_new();
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		f.listen[0].listen = bad[i];
		assert_true(api_open(&a, &c, &e) < 0);
		assert_null(a);
		assert_non_null(strstr(e.text, bad[i]));
	}
	f.listen[0] = (struct listen_setting){.listen = (char[]){"127.0.0.1:0"},
					      .certificate = (char[]){"/nowhere.crt"},
					      .key = (char[]){"/nowhere.key"}};
	assert_true(api_open(&a, &c, &e) < 0);
	assert_non_null(strstr(e.text, "/nowhere.crt"));
	f.listen[0] = (struct listen_setting){.listen = (char[]){"127.0.0.1:0"}, .certificate = (char[]){"/nowhere.crt"}};
	assert_true(api_open(&a, &c, &e) < 0);
	fake_engine_free(c.engine);
	api_close(NULL);
}

TEST(a_busy_port_is_said)
{
	struct api_config c = {.settings = &f.settings};
	char address[32];
	struct api *a = NULL;
	struct err e;

	fixture_init(&f);
	fixture_start(&f);
	snprintf(address, sizeof(address), "127.0.0.1:%u", api_port(f.api, 0));
	struct settings again = f.settings;
	struct listen_setting listen = {.listen = address};
	again.http = &listen;
	c.settings = &again;
	c.engine = f.engine;
	assert_int_equal(api_open(&a, &c, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, address));
	fixture_stop(&f);
}

TEST(stopping_finishes_what_is_under_way)
{
	struct client c, idle;
	struct answer a;

	fixture_init(&f);
	fixture_start(&f);
	idle = client_open(&f);
	assert_int_equal(ask(&f, &idle, "GET", "/healthz", NULL, "", NULL).status, 200);
	fake_hold(f.engine, true);
	c = client_open(&f);
	client_puts(&c, HEAD_OF(GET_ONE) "\r\n");
	fake_await_waiting(f.engine, 1);
	fake_hold(f.engine, false);
	api_stop(f.api, 5000);
	api_stop(f.api, 5000);
	a = client_read(&c);
	assert_int_equal(a.status, 200);
	assert_true(client_eof(&c));
	assert_true(client_eof(&idle));
	client_close(&c);
	client_close(&idle);
	fixture_stop(&f);
}

/* How many of four clients were answered 503; then the query may go on. */
static void *read_then_release(void *ctx)
{
	struct client *c = ctx;
	intptr_t told = 0;

	for (int i = 0; i < 4; i++)
		told += client_read(&c[i]).status == 503;
	fake_query_hold(false);
	return (void *)told;
}

TEST(stopping_with_suspended_connections_answers_503_and_frees_later)
{
	struct client c[10], slow;
	struct answer a;
	pthread_t reader;
	void *told;
	int64_t before = metric_get(M_REQUESTS);

	fixture_init(&f);
	fixture_start(&f);
	fake_hold(f.engine, true);
	fake_query_hold(true);
	for (size_t i = 0; i < COUNT_OF(c); i++) {
		c[i] = client_open(&f);
		client_puts(
			&c[i], i < 6 ? HEAD_OF(GET_ONE) "\r\n"
				     : HEAD_OF("GET /v1/sms-status?id=0190163d-8694-739b-aea5-966c26f8ad91") "\r\n");
	}
	slow = client_open(&f);
	client_puts(&slow, HEAD_OF("POST /v1/send-sms") "Content-Length: 1000\r\n\r\n{");
	fake_await_waiting(f.engine, 6);
	fake_query_await(1);
	fixture_await_requests(before, COUNT_OF(c) + 1);
	/* The engine says nothing; the look-up thread sits in its query until its clients have been told off. */
	assert_int_equal(pthread_create(&reader, NULL, read_then_release, &c[6]), 0);
	api_stop(f.api, 100);
	pthread_join(reader, &told);
	assert_int_equal((intptr_t)told, 4);
	for (size_t i = 0; i < 6; i++) {
		a = client_read(&c[i]);
		assert_int_equal(a.status, 503);
		assert_true(answer_has(&a, "\"errorCode\":503"));
	}
	for (size_t i = 0; i < COUNT_OF(c); i++)
		client_close(&c[i]);
	client_close(&slow);
	assert_int_equal(fake_waiting(f.engine), 6);
	api_close(f.api);
	/* The engine answers after all: nobody waits, the memory goes. */
	fake_engine_free(f.engine);
	fake_forget();
	snapshot_publish(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(tls_serves_and_certificates_change_under_it),
		RUN(faulty_listeners_are_named),
		RUN(a_busy_port_is_said),
		RUN(stopping_finishes_what_is_under_way),
		RUN(stopping_with_suspended_connections_answers_503_and_frees_later),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("server_life", tests, NULL, NULL);
}
