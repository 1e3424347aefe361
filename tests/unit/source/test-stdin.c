/* SPDX-License-Identifier: Apache-2.0 */

/* Standard input as a pipe and as a file, and the omprog protocol as rsyslog sees it. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "support-source.h"

struct ends {
    int in;    /* writes to the source's standard input */
    int reply; /* reads from its standard output */
};

static void make_pipes(struct ends *ends)
{
    int in[2], out[2];

    cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    cr_assert(dup2(in[0], STDIN_FILENO) == STDIN_FILENO && dup2(out[1], STDOUT_FILENO) == STDOUT_FILENO);
    close(in[0]);
    close(out[1]);
    *ends = (struct ends){.in = in[1], .reply = out[0]};
}

static void write_in(const struct ends *ends, const char *text)
{
    cr_assert(write(ends->in, text, strlen(text)) == (ssize_t)strlen(text));
}

/* What the peer has got by now must be this. */
static void assert_replies(const struct ends *ends, const char *expected)
{
    struct pollfd ready = {.fd = ends->reply, .events = POLLIN};
    char text[64];
    ssize_t n = 0;

    if (poll(&ready, 1, 0) > 0)
        n = read(ends->reply, text, sizeof(text));
    assert_slice(slice_new(text, n > 0 ? (size_t)n : 0), expected, "replies");
}

Test(stdin, reads_a_pipe_to_its_end)
{
    struct engine engine;
    struct ends ends;

    make_pipes(&ends);
    engine_init(&engine, &stdin_source);
    engine_set(&engine, "trust", "dedicated");
    engine_start(&engine, SLICE_NULL);
    cr_assert(source_capabilities(engine.source) == SOURCE_ENDS);
    run_ready(&engine);
    assert_records(&engine, "");
    write_in(&ends, "one\nhal");
    run_until_records(&engine, "one|");
    write_in(&ends, "f\nlast");
    run_until_records(&engine, "one|half|");
    cr_assert(close(ends.in) == 0);
    run_until(&engine, engine.is_ended);
    assert_records(&engine, "one|half|last|");
    cr_assert(engine.end_error == 0 && engine.trust == TRUST_INPUT && engine.cursor.len == 0);
    cr_assert(source_acknowledge(engine.source, 3) == 0);
    run_ready(&engine);
    engine_done(&engine);
}

Test(stdin, reads_a_regular_file_which_epoll_refuses)
{
    char folder[FOLDER_SIZE], path[TEST_PATH_SIZE];
    struct engine engine;
    int fd;

    make_temporary(folder);
    name_in(path, folder, "input");
    write_many_lines(path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    engine_init(&engine, &stdin_source);
    engine_start(&engine, SLICE_NULL);
    cr_assert(sd_event_run(engine.event, 0) > 0);
    cr_assert(engine.n_records > 0 && engine.n_records < 50000, "a turn is bounded: %u", engine.n_records);
    run_until(&engine, engine.is_ended);
    cr_assert(engine.n_records == 100000 && engine.n_bytes == 1000000 && engine.trust == TRUST_LOW);
    engine_done(&engine);
    close(fd);
    remove_temporary(folder);
}

Test(stdin, feels_pressure_within_a_chunk)
{
    struct engine engine;
    struct ends ends;

    make_pipes(&ends);
    engine_init(&engine, &stdin_source);
    engine.pause_after = 2;
    engine_start(&engine, SLICE_NULL);
    write_in(&ends, "1\n2\n3\n4\n");
    run_ready(&engine);
    assert_records(&engine, "1|2|");
    write_in(&ends, "5\n");
    run_ready(&engine);
    assert_records(&engine, "1|2|");
    cr_assert(source_pause(engine.source, false) == 0);
    run_until_records(&engine, "1|2|3|4|5|");
    close(ends.in);
    run_until(&engine, engine.is_ended);
    engine_done(&engine);
}

Test(stdin, stops_the_loop_where_the_engine_refuses)
{
    struct engine engine;
    struct ends ends;

    make_pipes(&ends);
    engine_init(&engine, &stdin_source);
    engine.refuse_with = -ENOSPC;
    engine_start(&engine, SLICE_NULL);
    write_in(&ends, "1\n2\n");
    cr_assert(sd_event_loop(engine.event) == -ENOSPC && engine.n_records == 1);
    engine_done(&engine);
}

Test(stdin, says_that_it_is_closed)
{
    struct diag_list diags = DIAG_LIST_INIT;
    struct engine engine;

    engine_init(&engine, &stdin_source);
    close(STDIN_FILENO);
    cr_assert(engine_try_start(&engine, SLICE_NULL, &diags) == -EINVAL && diags.n == 1);
    cr_assert_str_eq(diags.items[0].message,
                     "standard input is closed: expected a pipe, a file or a terminal");
    diag_list_done(&diags);
    engine_done(&engine);
}

Test(stdin, answers_rsyslog_once_for_each_acknowledged_line)
{
    struct engine engine;
    struct ends ends;

    make_pipes(&ends);
    engine_init(&engine, &stdin_source);
    engine_set(&engine, "protocol", "omprog");
    engine_start(&engine, SLICE_NULL);
    cr_assert(source_capabilities(engine.source) == (SOURCE_ENDS | SOURCE_LOCK_STEP));
    assert_replies(&ends, "OK\n");
    /* nothing else can speak to rsyslog */
    cr_assert(write(STDOUT_FILENO, "noise", 5) == 5);

    write_in(&ends, "one\n");
    run_until_records(&engine, "one|");
    assert_replies(&ends, ""); /* not durable yet */
    cr_assert(source_acknowledge(engine.source, 1) == 0);
    assert_replies(&ends, "OK\n");
    cr_assert(source_acknowledge(engine.source, 1) == 0);
    assert_replies(&ends, "");

    /* an empty message is one, too */
    write_in(&ends, "\n");
    run_until_records(&engine, "one||");
    cr_assert(source_acknowledge(engine.source, 2) == 0);
    assert_replies(&ends, "OK\n");

    /* a peer that does not wait gets as many answers */
    write_in(&ends, "a\nb\nc\n");
    run_until_records(&engine, "one||a|b|c|");
    cr_assert(source_acknowledge(engine.source, 5) == 0);
    assert_replies(&ends, "OK\nOK\nOK\n");

    /* the last answer goes out after the end of input was seen */
    write_in(&ends, "last\n");
    close(ends.in);
    run_until(&engine, engine.is_ended);
    cr_assert(source_acknowledge(engine.source, 6) == 0);
    assert_replies(&ends, "OK\n");
    engine_done(&engine);
}

/* chosen: at 100,000 a second, several of the source's strides of 5 ms */
#define N_QUICK 4000U
#define N_SLOW  20U

static struct engine *acknowledging;

static void acknowledge_at_once(struct buffer *out, const struct record *record)
{
    (void)out;
    cr_assert(source_acknowledge(acknowledging->source, record->seq) == 0);
}

/* As rsyslog does: a message, its answer, the next one. Then it idles. */
static void *be_quick(void *userdata)
{
    const struct ends *ends = userdata;
    char text[8];

    for (unsigned i = 0; i < N_QUICK; i++)
        if (write(ends->in, "m\n", 2) != 2 || read(ends->reply, text, sizeof(text)) != 3)
            return userdata;
    return NULL;
}

Test(stdin, keeps_in_step_with_a_quick_peer_and_leaves_an_idle_one)
{
    struct engine engine;
    struct ends ends;
    pthread_t peer;
    void *failed;

    make_pipes(&ends);
    engine_init(&engine, &stdin_source);
    engine_set(&engine, "protocol", "omprog");
    acknowledging = &engine;
    engine.describe = acknowledge_at_once;
    engine_start(&engine, SLICE_NULL);
    assert_replies(&ends, "OK\n");
    cr_assert(pthread_create(&peer, NULL, be_quick, &ends) == 0);
    /* which needs the loop to come back, though nothing ends the wait for the next message */
    run_until(&engine, engine.n_records == N_QUICK);
    cr_assert(pthread_join(peer, &failed) == 0 && !failed);
    for (unsigned i = 1; i <= N_SLOW; i++) {
        write_in(&ends, "slow\n");
        run_until(&engine, engine.n_records == N_QUICK + i);
        assert_replies(&ends, "OK\n");
    }
    cr_assert(close(ends.in) == 0);
    run_until(&engine, engine.is_ended);
    engine_done(&engine);
}

Test(stdin, answers_later_where_the_pipe_is_full)
{
    static char junk[4096];
    struct engine engine;
    struct ends ends;
    ssize_t n;

    make_pipes(&ends);
    engine_init(&engine, &stdin_source);
    engine_set(&engine, "protocol", "omprog");
    /* full before the first answer; the descriptor blocks again afterwards, as rsyslog hands it over */
    cr_assert(fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK) == 0);
    while (write(STDOUT_FILENO, junk, sizeof(junk)) > 0)
        ;
    cr_assert(errno == EAGAIN && fcntl(STDOUT_FILENO, F_SETFL, 0) == 0);
    engine_start(&engine, SLICE_NULL);
    write_in(&ends, "one\n");
    run_until_records(&engine, "one|");
    cr_assert(source_acknowledge(engine.source, 1) == 0);
    cr_assert(fcntl(ends.reply, F_SETFL, O_NONBLOCK) == 0);
    while ((n = read(ends.reply, junk, sizeof(junk))) == sizeof(junk))
        ;
    cr_assert(n < 0 && errno == EAGAIN);
    run_ready(&engine);
    assert_replies(&ends, "OK\nOK\n");
    close(ends.in);
    run_until(&engine, engine.is_ended);
    engine_done(&engine);
}

Test(stdin, ends_where_nobody_reads_the_answers)
{
    struct engine engine;
    struct ends ends;

    make_pipes(&ends);
    engine_init(&engine, &stdin_source);
    engine_set(&engine, "protocol", "omprog");
    engine_start(&engine, SLICE_NULL);
    write_in(&ends, "one\n");
    run_until_records(&engine, "one|");
    close(ends.reply);
    cr_assert(source_acknowledge(engine.source, 1) == 0);
    run_until(&engine, engine.is_ended);
    cr_assert(engine.end_error == -EPIPE);
    engine_done(&engine);
}

Test(stdin, defers_the_messages_of_a_transaction_to_its_end)
{
    struct engine engine;
    struct ends ends;

    make_pipes(&ends);
    engine_init(&engine, &stdin_source);
    engine_set(&engine, "protocol", "omprog");
    engine_set(&engine, "transactions", "true");
    engine_start(&engine, SLICE_NULL);
    assert_replies(&ends, "OK\n");
    write_in(&ends, "BEGIN TRANSACTION\n");
    run_ready(&engine);
    assert_replies(&ends, "OK\n");
    assert_records(&engine, "");
    cr_assert(source_capabilities(engine.source) == SOURCE_ENDS, "nobody waits for a commit within a batch");
    write_in(&ends, "one\n");
    run_until_records(&engine, "one|");
    assert_replies(&ends, "DEFER_COMMIT\n");
    write_in(&ends, "two\n");
    run_until_records(&engine, "one|two|");
    assert_replies(&ends, "DEFER_COMMIT\n");
    /* the mark of the end is an empty record that somebody waits for */
    write_in(&ends, "COMMIT TRANSACTION\n");
    run_until_records(&engine, "one|two||");
    cr_assert(source_capabilities(engine.source) == (SOURCE_ENDS | SOURCE_LOCK_STEP));
    assert_replies(&ends, "");
    cr_assert(source_acknowledge(engine.source, 2) == 0);
    assert_replies(&ends, "");
    cr_assert(source_acknowledge(engine.source, 3) == 0);
    assert_replies(&ends, "OK\n");

    /* what is durable early is not said early, and outside of a batch all is as without */
    write_in(&ends, "BEGIN TRANSACTION\nthree\n");
    run_until_records(&engine, "one|two||three|");
    cr_assert(source_acknowledge(engine.source, 4) == 0);
    assert_replies(&ends, "OK\nDEFER_COMMIT\n");
    write_in(&ends, "COMMIT TRANSACTION\nCOMMIT TRANSACTION\n");
    run_until_records(&engine, "one|two||three||COMMIT TRANSACTION|");
    cr_assert(source_acknowledge(engine.source, 6) == 0);
    assert_replies(&ends, "OK\nOK\n");
    close(ends.in);
    run_until(&engine, engine.is_ended);
    engine_done(&engine);
}

Test(stdin, takes_the_marks_of_transactions_for_text_unless_told)
{
    struct engine engine;
    struct ends ends;

    make_pipes(&ends);
    engine_init(&engine, &stdin_source);
    engine_set(&engine, "protocol", "omprog");
    engine_start(&engine, SLICE_NULL);
    write_in(&ends, "BEGIN TRANSACTION\n");
    run_until_records(&engine, "BEGIN TRANSACTION|");
    close(ends.in);
    run_until(&engine, engine.is_ended);
    engine_done(&engine);
}
