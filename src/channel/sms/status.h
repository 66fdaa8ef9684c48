/* status.h - what an SMSC's command_status in a submit_sm_resp means for the message (SMPP 3.4 section 5.1.3, and practice). */
#pragma once
#include "base/util.h"

enum status_class {
	STATUS_OK,
	STATUS_THROTTLED, /* slow down, then the same part again */
	STATUS_TEMPORARY, /* again later */
	STATUS_UNSURE,    /* 0x45 submit failed: some mean later, some never. Once more, then final */
	STATUS_BAD_NUMBER,
	STATUS_FINAL,   /* never for this message */
	STATUS_SESSION, /* the link is not what we think it is: drop it */
};
struct status_rule {
	uint32_t status;
	enum status_class means;
};
/* Rules of the connection first (vendors' own statuses), then the book. Statuses nobody knows are final. */
enum status_class status_classify(const struct status_rule *rules, size_t n, uint32_t status);
/* "final", "temporary", "throttled", "bad_number". 0 or -EINVAL. */
int status_class_parse(const char *word, enum status_class *ret) MUST;
