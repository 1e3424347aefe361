/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Alerts that the topic refuses for ever. Asking again cannot help, and holding everything behind them would
 * be worse: the alert is confirmed with its reason, which is the outbox's word to let it go. Before that, its
 * letter goes where the configuration says: into a file, then to a topic. Only when it is there is the alert
 * confirmed, so that a kill at any instant leaves either the alert in the outbox or its letter (or both).
 *
 * A letter goes through the stages of enum letter_stage, each at most once but for failures. A file that
 * cannot be written (its disk is full) or a topic that takes nothing now leaves the letter in the list
 * `letters`, which is tried with every retry; the alerts behind it go on. At LETTERS_MAX of them no more
 * alerts are taken: letters are rare, so many are a sign that nothing is right, and the outbox is the place
 * to wait.
 *
 * An alert that is too large for its topic is often too large for that of the letters: then its description
 * is sent without it. Where even that is refused, the alert goes with its reason alone: the outbox keeps it.
 */
#include "sink/kafka.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "util/parse.h"

/* chosen: at a megabyte each, the limit of librdkafka and the default of a broker, a GB would be the end of
 * most machines; 100 MB are not */
#define LETTERS_MAX 100U

bool kafka_is_about_message(rd_kafka_resp_err_t err)
{
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
        return true;
    default:
        return false;
    }
}

static int64_t wall_clock_usec(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

static struct dead_letter letter_of(const struct kafka_sink *k, const struct message *m)
{
    return (struct dead_letter){
        .sink = k->sink.name,
        .topic = k->topic,
        .error = rd_kafka_err2name(m->refusal),
        .reason = rd_kafka_err2str(m->refusal),
        .id = slice_new(m->bytes + m->len + m->key_len, m->id_len),
        .key = slice_new(m->bytes + m->len, m->key_len),
        .document = slice_new(m->bytes, m->len),
        .time_usec = wall_clock_usec(),
    };
}

static void settle(struct kafka_sink *k, struct message *m)
{
    sink_confirm(&k->sink, m->ticket,
                 m->refusal == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? -EMSGSIZE : -EBADMSG,
                 rd_kafka_err2str(m->refusal));
    kafka_message_free(m);
}

static void letter_waits(struct kafka_sink *k, struct message *m, const char *where, const char *why)
{
    if (!k->is_letter_stuck)
        sink_report(&k->sink, LOG_ERR, "cannot put a dead letter into %s: %s; it waits", where, why);
    k->is_letter_stuck = true;
    TAILQ_INSERT_TAIL(&k->letters, m, link);
    k->n_letters++;
}

/* Takes m. 0, or -EAGAIN: it waits in the list. */
static int send_letter(struct kafka_sink *k, struct message *m)
{
    const struct dead_letter letter = letter_of(k, m);
    rd_kafka_resp_err_t err;
    int r;

    buffer_clear(&m->letter);
    r = dead_letter_format(&letter, m->stage == LETTER_TOPIC, &m->letter);
    if (r < 0) {
        letter_waits(k, m, k->dead_letter_topic, strerror(-r));
        return -EAGAIN;
    }
    if (k->is_dead || !k->producer)
        err = RD_KAFKA_RESP_ERR__FATAL;
    else
        err = kafka_produce(k, m);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    if (kafka_is_about_message(err) && m->stage == LETTER_TOPIC) {
        m->stage = LETTER_SHORT;
        return send_letter(k, m);
    }
    if (kafka_is_about_message(err)) {
        settle(k, m);
        return 0;
    }
    letter_waits(k, m, k->dead_letter_topic, rd_kafka_err2str(err));
    return -EAGAIN;
}

/* Takes m. As far as it goes now. */
static int advance(struct kafka_sink *k, struct message *m)
{
    if (m->stage == LETTER_FILE) {
        if (k->letter_file.path) {
            const struct dead_letter letter = letter_of(k, m);
            int r = dead_letter_file_append(&k->letter_file, &letter);

            if (r < 0) {
                letter_waits(k, m, k->letter_file.path, strerror(-r));
                return -EAGAIN;
            }
            if (!k->dead_letter_topic)
                k->is_letter_stuck = false;
        }
        m->stage = LETTER_TOPIC;
    }
    if (k->dead_letter_topic)
        return send_letter(k, m);
    settle(k, m);
    return 0;
}

void kafka_refuse(struct kafka_sink *k, struct message *m, rd_kafka_resp_err_t err)
{
    m->refusal = err;
    m->stage = LETTER_FILE;
    m->goes_alone = false;
    (void)advance(k, m);
}

void kafka_letter_reported(struct kafka_sink *k, struct message *m, rd_kafka_resp_err_t err)
{
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        k->is_letter_stuck = false;
        settle(k, m);
    } else if (kafka_is_about_message(err) && m->stage == LETTER_TOPIC) {
        m->stage = LETTER_SHORT;
        (void)send_letter(k, m);
    } else if (kafka_is_about_message(err)) {
        settle(k, m);
    } else {
        letter_waits(k, m, k->dead_letter_topic, rd_kafka_err2str(err));
    }
}

void kafka_send_letters(struct kafka_sink *k)
{
    /* each once: what fails again goes to the end */
    for (size_t n = k->n_letters; n > 0; n--) {
        struct message *m = TAILQ_FIRST(&k->letters);

        TAILQ_REMOVE(&k->letters, m, link);
        k->n_letters--;
        /* what holds one holds all */
        if (advance(k, m) < 0)
            return;
    }
}

bool kafka_has_too_many_letters(const struct kafka_sink *k)
{
    return k->n_letters >= LETTERS_MAX;
}
