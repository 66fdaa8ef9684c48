/* status.c - classes of command_status. Only what is not final is listed: an SMSC that refuses for a reason we do not know would
 * refuse the same message again. */
#include "channel/sms/status.h"

#include <errno.h>

#include "wire/smpp.h"

static const struct status_rule book[] = {
	{SMPP_ROK, STATUS_OK},
	{SMPP_RTHROTTLED, STATUS_THROTTLED},
	{SMPP_RMSGQFUL, STATUS_THROTTLED},
	{SMPP_RSYSERR, STATUS_TEMPORARY},
	{SMPP_RX_T_APPN, STATUS_TEMPORARY},
	{SMPP_RDELIVERYFAILURE, STATUS_TEMPORARY},
	{SMPP_RUNKNOWNERR, STATUS_TEMPORARY},
	{SMPP_RSUBMITFAIL, STATUS_UNSURE},
	{SMPP_RINVDSTADR, STATUS_BAD_NUMBER},
	{SMPP_RINVBNDSTS, STATUS_SESSION},
	{SMPP_RALYBND, STATUS_SESSION},
	{SMPP_RBINDFAIL, STATUS_SESSION},
	{SMPP_RINVPASWD, STATUS_SESSION},
	{SMPP_RINVSYSID, STATUS_SESSION},
};

static const struct status_rule *find(const struct status_rule *rules, size_t n, uint32_t status)
{
	for (size_t i = 0; i < n; i++) {
		if (rules[i].status == status)
			return &rules[i];
	}
	return NULL;
}

enum status_class status_classify(const struct status_rule *rules, size_t n, uint32_t status)
{
	const struct status_rule *r;

	if (status == SMPP_ROK)
		return STATUS_OK;
	r = find(rules, n, status);
	if (!r)
		r = find(book, COUNT_OF(book), status);
	return r ? r->means : STATUS_FINAL;
}

int status_class_parse(const char *word, enum status_class *ret)
{
	static const struct {
		const char *word;
		enum status_class means;
	} words[] = {
		{"final", STATUS_FINAL},
		{"temporary", STATUS_TEMPORARY},
		{"throttled", STATUS_THROTTLED},
		{"bad_number", STATUS_BAD_NUMBER},
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (word && str_eqz(str_of(word), words[i].word)) {
			*ret = words[i].means;
			return 0;
		}
	}
	return -EINVAL;
}
