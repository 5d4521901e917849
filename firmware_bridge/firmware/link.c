#include "link.h"

#include "little_endian.h"

static void send_payload(link_t *link, const uint8_t *payload, size_t n) {
    link->board->send(link->frame, frame_encode(payload, n, link->frame));
}

static uint8_t hex_digit(char c) {
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void send_hello(link_t *link, uint32_t nonce) {
    const link_model_t *model = link->model;
    uint8_t payload[40];
    uint8_t *end = put_u8(payload, LINK_REPLY_HELLO);
    end = put_u8(end, LINK_VERSION);
    end = put_u32(end, nonce);
    for (const char *c = model->hash; c < model->hash + 16; c += 2)
        end = put_u8(end, (uint8_t)(hex_digit(c[0]) << 4 | hex_digit(c[1])));
    end = put_u16(end, model->hop);
    end = put_u16(end, model->n_chans);
    end = put_u16(end, model->n_outputs);
    end = put_f32(end, model->lsb_uv);
    end = put_u32(end, model->saved_bytes);
    end = put_u8(end, link->board->exception);
    send_payload(link, payload, (size_t)(end - payload));
}

/* Once for each lost command and round: the commands behind a lost one would all say the same. */
static void send_nak(link_t *link) {
    if (link->nonce == 0 || link->nak_sent)
        return;
    uint8_t payload[4];
    put_u8(put_u16(put_u8(payload, LINK_REPLY_NAK), link->expected), link->round);
    send_payload(link, payload, sizeof payload);
    link->nak_sent = true;
}

/* The functions below write the reply after its header and return the end; the header is filled in last. */

static uint8_t *ack(link_reply_t *reply) {
    reply->payload[0] = LINK_REPLY_ACK;
    return reply->payload + LINK_REPLY_HEADER_BYTES;
}

static uint8_t *refuse(link_reply_t *reply, uint8_t code, int detail) {
    reply->payload[0] = LINK_REPLY_ERROR;
    return put_u32(put_u8(reply->payload + LINK_REPLY_HEADER_BYTES, code), (uint32_t)detail);
}

static void reset_model(link_t *link) {
    link->model_status = link->model->init(link->model->self);
    link->pending = 0;
    link->pending_known = true;
}

/* Push `frames` frames and take every step they complete; returns the number of steps, or -1 with
   model_status set. */
static int run_model(link_t *link, size_t frames) {
    const link_model_t *model = link->model;
    const int16_t *samples = link->samples;
    int steps = 0;
    while (frames > 0) {
        /* A restored state does not say how many frames it holds: until the next step one at a time fits. */
        size_t some = link->pending_known ? (size_t)(model->hop - link->pending) : 1;
        if (some > frames)
            some = frames;
        int status = model->push(model->self, samples, some);
        if (status == 0)
            status = model->step(model->self, link->outputs + steps * model->n_outputs);
        link->pending = (uint16_t)(link->pending + some);
        if (status == 1) {
            steps++;
            link->pending = 0;
            link->pending_known = true;
        } else if (status == 2) {
            link->pending = 0;
            link->pending_known = true;
        } else if (status < 0 || link->pending >= model->hop) {
            /* A step that takes a whole hop without a result would leave no room for the next frame. */
            link->model_status = status < 0 ? status : 1;
            return -1;
        }
        samples += some * model->n_chans;
        frames -= some;
    }
    return steps;
}

/* The outputs of so many steps, as link->outputs holds them. */
static uint8_t *put_outputs(link_t *link, int steps, link_reply_t *reply) {
    link->steps += (uint32_t)steps;
    reply->payload[0] = LINK_REPLY_OUTPUTS;
    uint8_t *end = reply->payload + LINK_REPLY_HEADER_BYTES;
    for (int i = 0; i < steps * link->model->n_outputs; i++)
        end = put_f32(end, link->outputs[i]);
    return end;
}

static uint8_t *answer_samples(link_t *link, const uint8_t *body, size_t n, link_reply_t *reply) {
    const link_model_t *model = link->model;
    if (n == 0 || n % (2u * model->n_chans) != 0)
        return refuse(reply, LINK_ERROR_MALFORMED, (int)n);
    size_t frames = n / (2u * model->n_chans);
    size_t steps_at_most = (frames + model->hop - 1u) / model->hop;
    if (steps_at_most * model->n_outputs * 4u > LINK_MAX_PAYLOAD - LINK_REPLY_HEADER_BYTES)
        return refuse(reply, LINK_ERROR_TOO_MANY_FRAMES, (int)frames);
    for (size_t i = 0; i < n / 2; i++)
        link->samples[i] = (int16_t)get_u16(body + 2 * i);
    int steps = link->model_status == 0 ? run_model(link, frames) : -1;
    if (steps < 0)
        return refuse(reply, LINK_ERROR_MODEL, link->model_status);
    return put_outputs(link, steps, reply);
}

static uint8_t *answer_flush(link_t *link, size_t n, link_reply_t *reply) {
    if (n != 0)
        return refuse(reply, LINK_ERROR_MALFORMED, (int)n);
    if (link->model_status != 0)
        return refuse(reply, LINK_ERROR_MODEL, link->model_status);
    return put_outputs(link, link->model->flush(link->model->self, link->outputs), reply);
}

static uint8_t *answer_reset(link_t *link, size_t n, link_reply_t *reply) {
    if (n != 0)
        return refuse(reply, LINK_ERROR_MALFORMED, (int)n);
    reset_model(link);
    if (link->model_status < 0)
        return refuse(reply, LINK_ERROR_MODEL, link->model_status);
    return ack(reply);
}

static uint8_t *answer_stats(link_t *link, size_t n, link_reply_t *reply) {
    if (n != 0)
        return refuse(reply, LINK_ERROR_MALFORMED, (int)n);
    link_measures_t measures;
    link->board->measure(&measures);
    const uint32_t counters[] = {
        measures.stack_high_water, measures.stack_size, link->frames_received, link->rejected_frames,
        link->duplicates,          link->steps,         measures.uptime_ms,    measures.rx_overruns,
    };
    reply->payload[0] = LINK_REPLY_STATS;
    uint8_t *end = reply->payload + LINK_REPLY_HEADER_BYTES;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        end = put_u32(end, counters[i]);
    return end;
}

static uint8_t *answer_save(link_t *link, const uint8_t *body, size_t n, link_reply_t *reply) {
    const link_model_t *model = link->model;
    if (n != 4)
        return refuse(reply, LINK_ERROR_MALFORMED, (int)n);
    uint32_t offset = get_u32(body);
    if (offset == 0)
        link->state_bytes = (uint32_t)model->save(model->self, model->state, model->saved_bytes);
    if (offset >= link->state_bytes)
        return refuse(reply, LINK_ERROR_STATE, (int)link->state_bytes);
    reply->payload[0] = LINK_REPLY_STATE;
    uint8_t *end = put_u32(reply->payload + LINK_REPLY_HEADER_BYTES, offset);
    const uint8_t *full = reply->payload + LINK_STATE_PIECE_BYTES + LINK_REPLY_HEADER_BYTES + 4;
    while (offset < link->state_bytes && end < full)
        *end++ = model->state[offset++];
    return end;
}

static uint8_t *answer_restore(link_t *link, const uint8_t *body, size_t n, link_reply_t *reply) {
    const link_model_t *model = link->model;
    if (n <= 8)
        return refuse(reply, LINK_ERROR_MALFORMED, (int)n);
    uint32_t offset = get_u32(body);
    uint32_t total = get_u32(body + 4);
    uint32_t piece = (uint32_t)n - 8;
    if (offset == 0)
        link->state_bytes = 0;
    if (total > model->saved_bytes || offset != link->state_bytes || offset > total || piece > total - offset)
        return refuse(reply, LINK_ERROR_STATE, 0);
    for (uint32_t i = 0; i < piece; i++)
        model->state[offset + i] = body[8 + i];
    link->state_bytes += piece;
    if (link->state_bytes == total) {
        int status = model->restore(model->self, model->state, total);
        if (status < 0)
            return refuse(reply, LINK_ERROR_STATE, status);
        link->model_status = 0;
        link->pending = 0;
        link->pending_known = false;
    }
    return ack(reply);
}

static void carry_out(link_t *link, const uint8_t *command, size_t n, link_reply_t *reply) {
    const uint8_t *body = command + LINK_COMMAND_HEADER_BYTES;
    size_t body_bytes = n - LINK_COMMAND_HEADER_BYTES;
    uint8_t *end;
    switch (command[0]) {
    case LINK_COMMAND_SAMPLES:
        end = answer_samples(link, body, body_bytes, reply);
        break;
    case LINK_COMMAND_RESET:
        end = answer_reset(link, body_bytes, reply);
        break;
    case LINK_COMMAND_FLUSH:
        end = answer_flush(link, body_bytes, reply);
        break;
    case LINK_COMMAND_STATS_REQUEST:
        end = answer_stats(link, body_bytes, reply);
        break;
    case LINK_COMMAND_SAVE:
        end = answer_save(link, body, body_bytes, reply);
        break;
    case LINK_COMMAND_RESTORE:
        end = answer_restore(link, body, body_bytes, reply);
        break;
    default:
        end = refuse(reply, LINK_ERROR_MALFORMED, command[0]);
        break;
    }
    put_u16(reply->payload + 1, get_u16(command + 2));
    reply->bytes = (uint16_t)(end - reply->payload);
}

static void receive_command(link_t *link, const uint8_t *command, size_t n) {
    uint8_t round = command[1];
    uint16_t seq = get_u16(command + 2);
    link_reply_t *reply = &link->replies[seq % LINK_WINDOW];
    if (link->nonce == 0) {
        uint8_t *end = refuse(reply, LINK_ERROR_NO_SESSION, 0);
        put_u16(reply->payload + 1, seq);
        send_payload(link, reply->payload, (size_t)(end - reply->payload));
        return;
    }
    if (round != link->round) {
        link->round = round;
        link->nak_sent = false;
    }
    int16_t ahead = (int16_t)(seq - link->expected);
    if (ahead > 0) {
        send_nak(link);
        return;
    }
    if (ahead == 0) {
        carry_out(link, command, n, reply);
        link->expected++;
        link->nak_sent = false;
    } else {
        link->duplicates++;
        if (ahead < -(int)LINK_WINDOW)
            return; /* answered long ago: the host cannot be waiting for it */
    }
    send_payload(link, reply->payload, reply->bytes);
}

static void receive_hello_request(link_t *link, const uint8_t *payload, size_t n) {
    uint32_t nonce = n == 6 ? get_u32(payload + 2) : 0;
    if (payload[1] == LINK_VERSION && nonce != 0 && nonce != link->nonce) {
        link->nonce = nonce;
        link->expected = 0;
        link->round = 0;
        link->nak_sent = false;
    }
    send_hello(link, nonce); /* a host of another version learns of ours from it */
}

static void receive_payload(link_t *link, const uint8_t *payload, size_t n) {
    if (n < LINK_COMMAND_HEADER_BYTES) {
        link->rejected_frames++;
        return;
    }
    link->frames_received++;
    if (payload[0] == LINK_COMMAND_HELLO_REQUEST)
        receive_hello_request(link, payload, n);
    else
        receive_command(link, payload, n);
}

void link_init(link_t *link, const link_model_t *model, const link_board_t *board) {
    link->model = model;
    link->board = board;
    link->nonce = 0;
    link->state_bytes = 0;
    link->frames_received = link->rejected_frames = link->duplicates = link->steps = 0;
    link->expected = 0;
    link->round = 0;
    link->nak_sent = false;
    frame_decoder_init(&link->decoder);
    reset_model(link);
}

void link_announce(link_t *link) {
    send_hello(link, 0);
}

void link_receive(link_t *link, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        switch (frame_decoder_push(&link->decoder, bytes[i])) {
        case FRAME_COMPLETE:
            receive_payload(link, link->decoder.payload, link->decoder.payload_bytes);
            break;
        case FRAME_REJECTED:
            link->rejected_frames++;
            send_nak(link);
            break;
        case FRAME_PENDING:
            break;
        }
    }
}
