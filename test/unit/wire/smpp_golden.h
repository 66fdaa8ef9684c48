/* smpp_golden.h - each PDU as octets and as a struct. The octets were written from the book's tables by other means than the
 * codec and read back by tshark's dissector without complaint. */
#pragma once
#include "wire/smpp.h"

#define HAS(name) (1u << SMPP_TLV_##name)
#define OCTETS(lit)                                     \
	{                                               \
		(const uint8_t *)(lit), sizeof(lit) - 1 \
	}
#define BIND                                                                                         \
	.system_id = "pombo", .password = "secret", .system_type = "VMS", .interface_version = 0x34, \
	.range = {1, 1, "551*"}

static const struct golden {
	const char *name, *hex;
	struct smpp_pdu pdu;
} golden[] = {
	{"generic_nack", "00000010800000000000000300000000", {.id = SMPP_GENERIC_NACK, .status = 3}},
	{"bind_receiver",
	 "00000029000000010000000000000001706f6d626f0073656372657400564d53003401013535312a00",
	 {.id = SMPP_BIND_RECEIVER, .seq = 1, BIND}},
	{"bind_receiver_resp",
	 "0000001a800000010000000000000001534d5343000210000134",
	 {.id = SMPP_BIND_RECEIVER_RESP, .seq = 1, .system_id = "SMSC", .sc_interface_version = 0x34, .tlvs = HAS(SC_INTERFACE_VERSION)}},
	{"bind_transmitter",
	 "00000029000000020000000000000002706f6d626f0073656372657400564d53003401013535312a00",
	 {.id = SMPP_BIND_TRANSMITTER, .seq = 2, BIND}},
	{"bind_transmitter_resp",
	 "00000015800000020000000000000002534d534300",
	 {.id = SMPP_BIND_TRANSMITTER_RESP, .seq = 2, .system_id = "SMSC"}},
	{"query_sm",
	 "0000001d00000003000000000000000331613262000101323731383200",
	 {.id = SMPP_QUERY_SM, .seq = 3, .message_id = "1a2b", .source = {1, 1, "27182"}}},
	{"query_sm_resp",
	 "0000002880000003000000000000000331613262003236313132323133343530313030302b000200",
	 {.id = SMPP_QUERY_SM_RESP, .seq = 3, .message_id = "1a2b", .final_date = "261122134501000+", .query_state = 2}},
	{"submit_sm",
	 "0000005f00000004000000007fffffff434d54000500506f6d626f000101353531313939393939303030310040000100303"
	 "0"
	 "303030313030303030303030305200010000000e0500037f02014f6c0020766f63050204000212340426000101",
	 {.id = SMPP_SUBMIT_SM,
	  .seq = 0x7fffffff,
	  .service_type = "CMT",
	  .source = {5, 0, "Pombo"},
	  .dest = {1, 1, "5511999990001"},
	  .esm_class = 0x40,
	  .priority_flag = 1,
	  .validity = "000001000000000R",
	  .registered_delivery = 1,
	  .short_message = OCTETS("\5\0\3\x7f\2\1Ol\0 voc\5"),
	  .user_reference = 0x1234,
	  .more_messages = 1,
	  .tlvs = HAS(USER_MESSAGE_REFERENCE) | HAS(MORE_MESSAGES_TO_SEND)}},
	{"submit_sm_resp",
	 "0000001980000004000000007fffffff303030303130303400",
	 {.id = SMPP_SUBMIT_SM_RESP, .seq = 0x7fffffff, .message_id = "00001004"}},
	{"deliver_sm",
	 "000000640000000500000000000000070001013535313139393939393030303100030032373138320004000000000000000"
	 "0"
	 "1869643a303030303130303420737461743a44454c49565244001e000930303030313030340004230003030008042700010"
	 "2",
	 {.id = SMPP_DELIVER_SM,
	  .seq = 7,
	  .source = {1, 1, "5511999990001"},
	  .dest = {3, 0, "27182"},
	  .esm_class = 4,
	  .short_message = OCTETS("id:00001004 stat:DELIVRD"),
	  .receipted_id = "00001004",
	  .message_state = 2,
	  .network_error = OCTETS("\3\0\x8"),
	  .tlvs = HAS(RECEIPTED_MESSAGE_ID) | HAS(MESSAGE_STATE) | HAS(NETWORK_ERROR_CODE)}},
	{"deliver_sm_resp", "0000001180000005000000000000000700", {.id = SMPP_DELIVER_SM_RESP, .seq = 7}},
	{"unbind", "00000010000000060000000000000008", {.id = SMPP_UNBIND, .seq = 8}},
	{"unbind_resp", "00000010800000060000000000000008", {.id = SMPP_UNBIND_RESP, .seq = 8}},
	{"replace_sm",
	 "0000003600000007000000000000000931613262000101323731383200003236313132323133343530313030302b0001000"
	 "4"
	 "6e657521",
	 {.id = SMPP_REPLACE_SM,
	  .seq = 9,
	  .message_id = "1a2b",
	  .source = {1, 1, "27182"},
	  .validity = "261122134501000+",
	  .registered_delivery = 1,
	  .short_message = OCTETS("neu!")}},
	{"replace_sm_resp",
	 "00000010800000070000001300000009",
	 {.id = SMPP_REPLACE_SM_RESP, .status = SMPP_RREPLACEFAIL, .seq = 9}},
	{"cancel_sm",
	 "0000002e00000008000000000000000a003161326200010132373138320001013535313139393939393030303100",
	 {.id = SMPP_CANCEL_SM, .seq = 10, .message_id = "1a2b", .source = {1, 1, "27182"}, .dest = {1, 1, "5511999990001"}}},
	{"cancel_sm_resp", "0000001080000008000000000000000a", {.id = SMPP_CANCEL_SM_RESP, .seq = 10}},
	{"bind_transceiver",
	 "0000002900000009000000000000000b706f6d626f0073656372657400564d53003401013535312a00",
	 {.id = SMPP_BIND_TRANSCEIVER, .seq = 11, BIND}},
	{"bind_transceiver_resp",
	 "0000001a80000009000000000000000b534d5343000210000134",
	 {.id = SMPP_BIND_TRANSCEIVER_RESP, .seq = 11, .system_id = "SMSC", .sc_interface_version = 0x34, .tlvs = HAS(SC_INTERFACE_VERSION)}},
	{"outbind",
	 "000000180000000b000000000000000c534d534300707700",
	 {.id = SMPP_OUTBIND, .seq = 12, .system_id = "SMSC", .password = "pw"}},
	{"enquire_link", "0000001000000015000000000000000d", {.id = SMPP_ENQUIRE_LINK, .seq = 13}},
	{"enquire_link_resp", "0000001080000015000000000000000d", {.id = SMPP_ENQUIRE_LINK_RESP, .seq = 13}},
	{"alert_notification",
	 "0000002d00000102000000000000000e0101353531313939393939303030310003003237313832000422000100",
	 {.id = SMPP_ALERT_NOTIFICATION, .seq = 14, .source = {1, 1, "5511999990001"}, .dest = {3, 0, "27182"}, .tlvs = HAS(MS_AVAILABILITY_STATUS)}},
	{"data_sm",
	 "0000004c00000103000000000000000f434d540001013237313832000101353531313939393939303030310000010800050"
	 "0"
	 "0101020c00020102020e000103020f0001020424000404100000",
	 {.id = SMPP_DATA_SM,
	  .seq = 15,
	  .service_type = "CMT",
	  .source = {1, 1, "27182"},
	  .dest = {1, 1, "5511999990001"},
	  .registered_delivery = 1,
	  .data_coding = 8,
	  .dest_addr_subunit = 1,
	  .sar_ref = 0x102,
	  .sar_total = 3,
	  .sar_seq = 2,
	  .payload = OCTETS("\4\x10\0\0"),
	  .tlvs = HAS(DEST_ADDR_SUBUNIT) | HAS(SAR_MSG_REF_NUM) | HAS(SAR_TOTAL_SEGMENTS) |
		  HAS(SAR_SEGMENT_SEQNUM) | HAS(MESSAGE_PAYLOAD)}},
	{"data_sm_resp",
	 "0000002580000103000000fe0000000f373700001d00096e6f20726f757465000425000101",
	 {.id = SMPP_DATA_SM_RESP,
	  .status = 0xfe,
	  .seq = 15,
	  .message_id = "77",
	  .status_info = "no route",
	  .failure_reason = 1,
	  .tlvs = HAS(ADDITIONAL_STATUS_INFO_TEXT) | HAS(DELIVERY_FAILURE_REASON)}},
};
