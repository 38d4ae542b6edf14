// SPDX-License-Identifier: Apache-2.0
//
// Daemons that go and come, limits of time, and interrupts.

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "Check.h"

// MARK: Daemons that go and come

static void a_read_goes_on_after_a_restart(void) {
    struct daemon *daemon = make_daemon();
    daemon->misdeed = CLOSES_IN_BODY;
    daemon->misdeed_at = 2;
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    enum { COUNT = 131072 };
    uint64_t *words = calloc(COUNT, 8);
    CHECK_OK(metrng_words(session, words, COUNT));
    bool ascend = true;
    for (size_t i = 1; i < COUNT; i++) ascend &= number_of(words[i]) > number_of(words[i - 1]);
    CHECK(ascend);
    metrng_report report = report_of(session);
    CHECK(report.reconnections == 1 && report.bytes_discarded > 0);
    free(words);
    metrng_close(session);
    remove_daemon(daemon);
}

static void *restart(void *argument) {
    struct daemon *daemon = argument;
    while (__atomic_load_n(&daemon->served, __ATOMIC_SEQ_CST) < 50000) usleep(100);
    for (int i = 0; i < 3; i++) {
        kill_daemon(daemon);
        usleep(30000);
        start_daemon(daemon);
        usleep(30000);
    }
    return NULL;
}

static void a_killed_daemon_is_found_again(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, restart, daemon) == 0);
    enum { COUNT = 4096 };
    static uint64_t words[COUNT];
    uint64_t last = 0;
    bool ascend = true;
    do {
        CHECK_OK(metrng_words(session, words, COUNT));
        for (size_t i = 0; i < COUNT; i++) {
            ascend &= last == 0 || number_of(words[i]) > last;
            last = number_of(words[i]);
        }
    } while (report_of(session).reconnections < 3);
    CHECK(ascend);
    pthread_join(thread, NULL);
    metrng_close(session);
    remove_daemon(daemon);
}

static void a_daemon_that_stays_away_is_told(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session;
    metrng_options options = options_for(daemon);
    options.reconnect_seconds = 0.1;
    CHECK_OK(metrng_open(&session, &options));
    kill_daemon(daemon);
    uint64_t word = 1;
    CHECK_STATUS(METRNG_DISCONNECTED, metrng_words(session, &word, 1));
    CHECK(word == 0 && strstr(message(), daemon->path));
    start_daemon(daemon);
    CHECK_OK(metrng_words(session, &word, 1));
    // One that accepts connections and ends them.
    daemon->misdeed = CLOSES;
    daemon->misdeed_at = 0;
    daemon->always = true;
    uint32_t connections = daemon->connections;
    static uint64_t words[100000];
    CHECK_STATUS(METRNG_DISCONNECTED, metrng_words(session, words, 100000));
    CHECK(daemon->connections - connections < 20);
    metrng_close(session);
    remove_daemon(daemon);
}

// MARK: Waiting

static void a_call_waits_as_long_as_told(void) {
    struct daemon *daemon = make_daemon();
    daemon->answers = 0;
    start_daemon(daemon);
    metrng *session;
    metrng_options options = options_for(daemon);
    options.wait_seconds = 0.05;
    CHECK_OK(metrng_open(&session, &options));
    uint64_t words[3] = {1, 1, 1};
    CHECK_STATUS(METRNG_UNAVAILABLE, metrng_words(session, words, 3));
    CHECK(is_zero(words, sizeof words) && strstr(message(), "mectl status"));
    // The request stays, and its answer is used.
    daemon->answers = UINT32_MAX;
    metrng_status status;
    do status = metrng_words(session, words, 3);
    while (status == METRNG_UNAVAILABLE);
    CHECK(status == METRNG_OK && words[0] == word_of(0));
    CHECK(daemon->connections == 1 && daemon->reads == 1);
    metrng_close(session);
    remove_daemon(daemon);
}

static void a_call_that_does_not_wait_reads_nothing_ahead(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session;
    metrng_options options = options_for(daemon);
    options.wait_seconds = 0;
    CHECK_OK(metrng_open(&session, &options));
    uint64_t words[300];
    CHECK_OK(metrng_words(session, words, 3));
    CHECK_OK(metrng_words(session, words, 300));
    CHECK(daemon->largest == 2400 && daemon->nonblocking == 2 && daemon->served == 303);
    daemon->misdeed = UNAVAILABLE;
    daemon->misdeed_at = 2;
    CHECK_STATUS(METRNG_UNAVAILABLE, metrng_words(session, words, 3));
    CHECK_OK(metrng_words(session, words, 3));
    CHECK(daemon->connections == 1);
    metrng_close(session);
    remove_daemon(daemon);
}

static void the_last_bits_of_a_daemon_are_used(void) {
    struct daemon *daemon = make_daemon();
    daemon->misdeed = UNAVAILABLE;  // to a request for too much, as at the end of all boards
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    uint64_t words[3];
    CHECK_OK(metrng_words(session, words, 3));
    CHECK(words[0] == word_of(0) && daemon->served == 3);
    metrng_close(session);
    remove_daemon(daemon);
}

static volatile sig_atomic_t is_signalled;
static void on_alarm(int number) {
    (void)number;
    is_signalled = 1;
}
static int ask_signalled(void *context) {
    ++*(int *)context;
    return is_signalled;
}

static void a_signal_ends_a_call(void) {
    struct daemon *daemon = make_daemon();
    daemon->answers = 1;
    start_daemon(daemon);
    metrng *session;
    int asked = 0;
    metrng_options options = options_for(daemon);
    options.interrupted = ask_signalled;
    options.context = &asked;
    CHECK_OK(metrng_open(&session, &options));
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART}, before;
    sigaction(SIGALRM, &action, &before);
    struct itimerval timer = {.it_value = {0, 50000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    static uint64_t words[2000];
    CHECK_STATUS(METRNG_INTERRUPTED, metrng_words(session, words, 2000));
    CHECK(is_zero(words, sizeof words) && asked > 0);
    is_signalled = 0;
    daemon->answers = UINT32_MAX;
    CHECK_OK(metrng_words(session, words, 2000));
    CHECK(number_of(words[0]) > 0 && daemon->connections == 1);
    // While a daemon is away.
    kill_daemon(daemon);
    setitimer(ITIMER_REAL, &timer, NULL);
    metrng_status status;
    do status = metrng_words(session, words, 2000);
    while (status == METRNG_OK);
    CHECK(status == METRNG_INTERRUPTED);
    sigaction(SIGALRM, &before, NULL);
    is_signalled = 0;
    metrng_close(session);
    remove_daemon(daemon);
}

int main(int count, char **arguments) {
    static const struct test tests[] = {
#define TEST(name) {#name, name}
        TEST(a_read_goes_on_after_a_restart),
        TEST(a_killed_daemon_is_found_again),
        TEST(a_daemon_that_stays_away_is_told),
        TEST(a_call_waits_as_long_as_told),
        TEST(a_call_that_does_not_wait_reads_nothing_ahead),
        TEST(the_last_bits_of_a_daemon_are_used),
        TEST(a_signal_ends_a_call),
        {NULL, NULL},
    };
    run_daemon_if_asked(count, arguments);
    return run_tests(count, arguments, tests);
}
