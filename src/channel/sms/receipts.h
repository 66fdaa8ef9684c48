/* receipts.h - wire/receipt.h beside model/settings.h: both call an enumeration id_notation (there of the codec, here of the
 * configuration), so the codec's gets another tag. */
#pragma once
#define id_notation wire_id_notation
#include "wire/receipt.h"
#undef id_notation
