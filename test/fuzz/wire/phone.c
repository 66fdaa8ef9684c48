/* phone.c - any octets as a telephone number; its canonical form reads back as itself and is in the plan when it is usable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "wire/phone.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct phone p, again;

	if (phone_read((struct str){(const char *)data, size}, &p) < 0)
		return 0;
	check(p.n >= 1 && p.n <= PHONE_MAX && strlen(p.digits) == p.n);
	phone_canonical(&p, &again);
	check(again.n <= PHONE_MAX && strlen(again.digits) == again.n);
	check(!phone_usable(&p) || phone_usable(&again));
	check(!phone_usable(&again) == !phone_zone(&again) && !phone_usable(&again) == !*phone_plan(&again).country);
	p = again;
	if (p.digits[0] == '0') /* nobody's: it might read as a prefix the second time */
		return 0;
	check(phone_destination(str_of(p.digits), &again) == phone_usable(&p));
	check(strcmp(again.digits, p.digits) == 0);
	return 0;
}
