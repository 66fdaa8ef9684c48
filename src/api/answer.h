/* answer.h - the bodies of answers. Everything is appended to out as one line of JSON; no body of a success ever holds the text
 * "errorCode", because clients test for it [api.md section 1]. */
#pragma once
#include "api/faults.h"
#include "base/buf.h"
#include "base/uuid.h"
#include "model/delivery.h"
#include "model/input.h"
#include "model/settings.h"

/* {"errorCode":404,"errorMessage":"..."}; text is valid UTF-8 */
void answer_error(struct buf *out, int status, const char *text);
/* The first fault as errorMessage ("field: rule"); several also as "errors". */
void answer_faults(struct buf *out, int status, const struct faults *f);
/* A JSON string that does not spell errorCode. s is valid UTF-8. */
void answer_text(struct buf *out, struct str s);
/* [{"id":"...","correlationId":"..."}], or the object alone. correlation empty: left out. */
void answer_single(struct buf *out, bool object, struct uid id, struct str correlation);
void answer_bulk(struct buf *out, struct uid batch, const struct uid *ids, const struct draft *drafts, size_t n);
/* Name of a configured operator, else UNKNOWN. Borrowed. */
struct str answer_operator_name(const struct settings *s, int64_t id);
/* {"dryRun":true,"messages":[...]}: what would become of each message of a dry run [api.md section 13]. */
void answer_forecasts(struct buf *out, const struct submission *m, const struct settings *s);
/* ,"carrierId":n,"carrierName":"..." */
void answer_operator(struct buf *out, const struct settings *s, int64_t id);
/* One status entry [api.md section 6]; operator names come from s. */
void answer_status(struct buf *out, const struct delivery *d, const struct settings *s);
/* {"total":n,"smsStatuses":[entries]}; entries: comma-separated */
void answer_statuses(struct buf *out, size_t n, struct str entries);
