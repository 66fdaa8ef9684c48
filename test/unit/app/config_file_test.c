/* config_file_test.c - configurations in files: names that count from their folder, files that cannot be used. */
#include "config_reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/folder.h"

static char folder[FOLDER_MAX];

static void write_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_folder(void **state)
{
	(void)state;
	test_folder(folder, "config");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

static void names_count_from_the_folder_of_the_file(void **state)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	char file[200], want[200];

	(void)state;
	snprintf(file, sizeof(file), "%s/c.yaml", folder);
	write_file("secret", "s3cret\r\nanything\n");
	write_file("tls.crt", "x");
	write_file("tls.key", "x");
	write_file("c.yaml", "data: ./var\nhttp: [{listen: 'h:1', certificate: tls.crt, key: "
			     "./tls.key}]\nsms:\n  connections:\n"
			     "   - {name: a, smpp: ['smpp://h:1'], system_id: u, password_file: secret, "
			     "tls_ca: tls.crt}\n");
	assert_int_equal(config_read(file, &s, &f), 0);
	snprintf(want, sizeof(want), "%s/var", folder);
	assert_string_equal(s->data, want);
	snprintf(want, sizeof(want), "%s/tls.key", folder);
	assert_string_equal(s->http[0].key, want);
	assert_string_equal(s->sms.connections[0].password, "s3cret");
	settings_free(s);
	/* Without a folder in its name, from where we are. */
	s = good("data: ./var\n");
	assert_string_equal(s->data, "./var");
	settings_free(s);
}

static void unusable_files_are_faults(void **state)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	char file[200];

	(void)state;
	snprintf(file, sizeof(file), "%s/c.yaml", folder);
	write_file("empty", "\nsecond line\n");
	write_file("long", "0123456789012345678901234567890123456789012345678901234567890123456789\n");
	write_file("tls.crt", "x");
	write_file(
		"c.yaml",
		"data: ./var\nhttp:\n - {listen: 'h:1', certificate: tls.crt}\n - {listen: 'h:2', key: "
		"none.key}\nsms:\n  connections:\n"
		"   - {name: a, smpp: ['smpp://h:1'], system_id: u, password_file: empty}\n"
		"   - {name: b, smpp: ['smpp://h:1'], system_id: u, password_file: long}\n"
		"   - {name: c, smpp: ['smpp://h:1'], system_id: u, password_file: missing}\n"
		"   - {name: d, smpp: ['smpp://h:1'], system_id: u, password_file: .}\n"
		"   - {name: e, smpp: ['smpp://h:1'], system_id: u, password: x, password_file: tls.crt}\n");
	assert_int_equal(config_read(file, &s, &f), -EINVAL);
	assert_null(s);
	assert_int_equal(f.count, 7);
	assert_non_null(strstr(f.list[0].text, ":3: http[0].certificate: needs key as well"));
	assert_int_equal(f.list[0].line, 3);
	assert_string_equal(f.list[0].key, "http[0].certificate");
	assert_non_null(strstr(f.list[1].text, ":4: http[1].key: "));
	assert_non_null(strstr(f.list[2].text, "/empty must hold 1 to 65 characters in its first line"));
	assert_non_null(strstr(f.list[3].text, "/long must hold 1 to 65 characters in its first line"));
	assert_non_null(strstr(f.list[4].text, "/missing cannot be read: No such file or directory"));
	assert_non_null(strstr(f.list[5].text, "cannot be read: it is not an ordinary file"));
	assert_non_null(strstr(f.list[6].text, "password and password_file exclude each other"));
	config_faults_done(&f);
	snprintf(file, sizeof(file), "%s/none.yaml", folder);
	assert_int_equal(config_read(file, &s, &f), -ENOENT);
	assert_int_equal(f.count, 1);
	assert_non_null(strstr(f.list[0].text, "none.yaml: cannot be read: No such file or directory"));
	config_faults_done(&f);
}

static void the_size_is_limited(void **state)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	char *text = xcalloc(1, CONFIG_FILE_MAX + 10), file[200];

	(void)state;
	memset(text, '#', CONFIG_FILE_MAX + 1);
	write_file("big", text);
	snprintf(file, sizeof(file), "%s/big", folder);
	assert_int_equal(config_read(file, &s, &f), -EINVAL);
	assert_non_null(strstr(f.list[0].text, "is larger than 1 MiB"));
	config_faults_done(&f);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_count_from_the_folder_of_the_file, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(unusable_files_are_faults, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(the_size_is_limited, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
