/* Generated from edgeeeg_bridge/protocol.py by `python -m edgeeeg_bridge.protocol_header`. */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#define LINK_VERSION              2u
#define LINK_MAX_PAYLOAD          512u
#define LINK_CRC_BYTES            4u
#define LINK_MAX_CODED            519u
#define LINK_MAX_FRAME_BYTES      521u
#define LINK_COMMAND_HEADER_BYTES 4u
#define LINK_REPLY_HEADER_BYTES   3u
#define LINK_STATE_PIECE_BYTES    496u
#define LINK_WINDOW               16u
#define LINK_RX_BUFFER_BYTES      4096u

#define LINK_COMMAND_HELLO_REQUEST 0x01u
#define LINK_COMMAND_SAMPLES       0x02u
#define LINK_COMMAND_RESET         0x03u
#define LINK_COMMAND_STATS_REQUEST 0x04u
#define LINK_COMMAND_SAVE          0x05u
#define LINK_COMMAND_RESTORE       0x06u
#define LINK_COMMAND_FLUSH         0x07u

#define LINK_REPLY_HELLO   0x81u
#define LINK_REPLY_OUTPUTS 0x82u
#define LINK_REPLY_ACK     0x83u
#define LINK_REPLY_STATS   0x84u
#define LINK_REPLY_STATE   0x85u
#define LINK_REPLY_NAK     0x86u
#define LINK_REPLY_ERROR   0x87u

#define LINK_ERROR_NO_SESSION      0x01u
#define LINK_ERROR_MALFORMED       0x02u
#define LINK_ERROR_TOO_MANY_FRAMES 0x03u
#define LINK_ERROR_MODEL           0x04u
#define LINK_ERROR_STATE           0x05u

#endif
