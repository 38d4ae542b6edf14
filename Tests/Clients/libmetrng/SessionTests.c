// SPDX-License-Identifier: Apache-2.0
//
// Sessions with a daemon: bits, their order and their origin, and threads that share a session.

#include <pthread.h>
#include <stdlib.h>

#include "Check.h"
#include "Reserve.h"

static void bits_come_in_order(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    enum { COUNT = 200000 };
    uint64_t *words = calloc(COUNT, 8);
    size_t done = 0;
    // Sizes on both sides of what is read directly, and of blocks.
    for (size_t size = 1; done < COUNT; size = size * 3 + 1) {
        size_t part = size % 40000 < COUNT - done ? size % 40000 : COUNT - done;
        CHECK_OK(metrng_words(session, words + done, part));
        done += part;
    }
    bool are_in_order = true;
    for (size_t i = 0; i < COUNT; i++) are_in_order &= words[i] == word_of(i);
    CHECK(are_in_order);
    uint8_t bytes[13];
    uint64_t expected[2] = {word_of(COUNT), word_of(COUNT + 1)};
    CHECK_OK(metrng_read(session, bytes, sizeof bytes));
    CHECK(memcmp(bytes, expected, sizeof bytes) == 0);
    metrng_report report = report_of(session);
    CHECK(report.bytes_used == (COUNT + 2) * 8);
    CHECK(report.bytes_from[METRNG_HARDWARE] == report.bytes_used);
    CHECK(report.bytes_discarded == 0);
    CHECK(daemon->largest == 262144);
    free(words);
    metrng_close(session);
    remove_daemon(daemon);
}

static void pieces_of_any_size_make_words(void) {
    for (size_t piece = 1; piece <= 9; piece += 2) {
        struct daemon *daemon = make_daemon();
        daemon->piece = piece;
        start_daemon(daemon);
        metrng *session = open_session(daemon);
        uint64_t words[1500];
        CHECK_OK(metrng_words(session, words, 700));
        CHECK_OK(metrng_words(session, words + 700, 800));
        bool are_in_order = true;
        for (size_t i = 0; i < 1500; i++) are_in_order &= words[i] == word_of(i);
        CHECK(are_in_order);
        metrng_close(session);
        remove_daemon(daemon);
    }
}

static void little_is_wasted(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    for (size_t draws = 1; draws < 300000; draws = draws * 3 + 1) {
        metrng *session = open_session(daemon);
        uint64_t word;
        for (size_t i = 0; i < draws; i++) CHECK_OK(metrng_words(session, &word, 1));
        metrng_report report = report_of(session);
        CHECK(report.bytes_at_hand + report.bytes_in_flight <= report.bytes_used + 4096);
        CHECK(report.bytes_used == draws * 8);
        metrng_close(session);
    }
    remove_daemon(daemon);
}

static void origins_are_told(void) {
    struct daemon *daemon = make_daemon();
    daemon->alternating = METRNG_HOST;
    daemon->counts_epochs = true;
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    metrng_origin origin;
    uint64_t words[2048];
    CHECK_STATUS(METRNG_UNAVAILABLE, metrng_get_origin(session, &origin));
    CHECK_OK(metrng_words(session, words, 256));
    CHECK_OK(metrng_get_origin(session, &origin));
    CHECK(origin.provenance == METRNG_HARDWARE && origin.grade == METRNG_FULL);
    CHECK(origin.first_epoch == 7 && origin.last_epoch == 7);
    CHECK_OK(metrng_words(session, words, 257));
    CHECK_OK(metrng_get_origin(session, &origin));
    CHECK(origin.first_epoch == 7 && origin.last_epoch == 8 && origin.provenance == METRNG_HOST);
    metrng_report report = report_of(session);
    CHECK(report.bytes_from[METRNG_HARDWARE] == 512 * 8 && report.bytes_from[METRNG_HOST] == 8);
    CHECK(report.origin.first_epoch == 7 && report.origin.last_epoch == 8);
    // Words that are reserved keep their origins apart.
    CHECK_OK(metrng_reserve_words(session, 2048));
    CHECK(report_of(session).bytes_at_hand >= 2048 * 8);
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_reserve_words(session, 32769));
    uint32_t reads = daemon->reads;
    kill_daemon(daemon);
    CHECK_OK(metrng_words(session, words, 2048));
    CHECK_OK(metrng_get_origin(session, &origin));
    CHECK(origin.first_epoch == 8 && origin.last_epoch > 8 && origin.last_epoch <= 7 + reads);
    report = report_of(session);
    CHECK(report.bytes_from[METRNG_HARDWARE] + report.bytes_from[METRNG_HOST] == (513 + 2048) * 8);
    metrng_close(session);
    remove_daemon(daemon);
}

static void simulated_bits_are_the_worst(void) {
    struct daemon *daemon = make_daemon();
    daemon->alternating = METRNG_SIMULATED;
    start_daemon(daemon);
    metrng *session;
    metrng_options options = options_for(daemon);
    options.allow_simulated = 1;
    CHECK_OK(metrng_open(&session, &options));
    static uint64_t words[100000];
    metrng_origin origin;
    CHECK_OK(metrng_words(session, words, 100000));
    CHECK_OK(metrng_get_origin(session, &origin));
    CHECK(origin.provenance == METRNG_SIMULATED);
    CHECK(report_of(session).origin.provenance == METRNG_SIMULATED);
    metrng_close(session);
    remove_daemon(daemon);
}

static void the_fast_path_gives_the_same_words(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    metrng_reserve *reserve = metrng_get_reserve(session);
    uint64_t word;
    uint32_t half;
    double number;
    metrng_lock(session);
    metrng_lock(session);
    for (uint64_t i = 0; i < 3000; i++) {
        while (!metrng_take64(reserve, &word)) CHECK_OK(metrng_refill(session));
        CHECK(word == word_of(i));
    }
    metrng_unlock(session);
    while (!metrng_take32(reserve, &half)) CHECK_OK(metrng_refill(session));
    CHECK(half == (uint32_t)word_of(3000));
    CHECK(metrng_take32(reserve, &half) && half == word_of(3000) >> 32);
    while (!metrng_take_double(reserve, &number)) CHECK_OK(metrng_refill(session));
    CHECK(number == (double)(word_of(3001) >> 11) * 0x1p-53);
    metrng_unlock(session);
    CHECK(report_of(session).bytes_used == 3002 * 8);
    CHECK_OK(metrng_words(session, &word, 1));
    CHECK(word == word_of(3002));
    metrng_close(session);
    remove_daemon(daemon);
}

static void used_words_are_zeroed(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    metrng_reserve *reserve = metrng_get_reserve(session);
    uint64_t words[10];
    float floats[20];
    uint8_t bits[64];
    CHECK_OK(metrng_words(session, words, 10));
    CHECK_OK(metrng_normal_float(session, floats, 20, 0, 1));
    CHECK_OK(metrng_uniform_float(session, floats, 19));
    CHECK_OK(metrng_integers(session, words, 10, 1000));
    CHECK_OK(metrng_bernoulli_bytes(session, bits, 64, 0.5, METRNG_FAST));
    CHECK(metrng_take64(reserve, words));
    CHECK(is_zero(reserve->next - 42, 42 * 8) && *reserve->next != 0);
    CHECK(report_of(session).bytes_used == 42 * 8);
    metrng_close(session);
    remove_daemon(daemon);
}

// MARK: Threads

enum { THREADS = 8, DRAWS = 300, WORDS_OF_DRAW = 37 };

struct drawer {
    metrng *session;
    uint64_t words[DRAWS * WORDS_OF_DRAW];
};

static void *draw_words(void *argument) {
    struct drawer *drawer = argument;
    metrng_origin origin;
    for (int i = 0; i < DRAWS; i++) {
        CHECK_OK(metrng_words(drawer->session, drawer->words + i * WORDS_OF_DRAW, WORDS_OF_DRAW));
        CHECK_OK(metrng_get_origin(drawer->session, &origin));
    }
    return NULL;
}

static void threads_share_a_session(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    pthread_t threads[THREADS];
    static struct drawer drawers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        drawers[i].session = session;
        CHECK(pthread_create(&threads[i], NULL, draw_words, &drawers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    enum { ALL = THREADS * DRAWS * WORDS_OF_DRAW };
    uint8_t *seen = calloc(ALL, 1);
    size_t wrong = 0;
    for (int i = 0; i < THREADS; i++)
        for (int k = 0; k < DRAWS * WORDS_OF_DRAW; k++) {
            uint64_t number = number_of(drawers[i].words[k]);
            wrong += number >= ALL || seen[number]++;
        }
    CHECK(wrong == 0);
    CHECK(report_of(session).bytes_used == ALL * 8);
    free(seen);
    metrng_close(session);
    remove_daemon(daemon);
}

int main(int count, char **arguments) {
    static const struct test tests[] = {
#define TEST(name) {#name, name}
        TEST(bits_come_in_order),
        TEST(pieces_of_any_size_make_words),
        TEST(little_is_wasted),
        TEST(origins_are_told),
        TEST(simulated_bits_are_the_worst),
        TEST(the_fast_path_gives_the_same_words),
        TEST(used_words_are_zeroed),
        TEST(threads_share_a_session),
        {NULL, NULL},
    };
    run_daemon_if_asked(count, arguments);
    return run_tests(count, arguments, tests);
}
