// SPDX-License-Identifier: Apache-2.0
//
// Forked children: none has a bit of its parent's, or of another child.

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "Check.h"
#include "Reserve.h"

enum { CHILDREN = 64, CHILD_WORDS = 131072 };

static struct daemon *daemon_of_tests;
static metrng *session;
static uint64_t *drawn;  // the parent's, then each child's; shared

static void begin(void) {
    daemon_of_tests = make_daemon();
    start_daemon(daemon_of_tests);
    metrng_options options = METRNG_OPTIONS_INIT;
    options.path = daemon_of_tests->path;
    CHECK_OK(metrng_open(&session, &options));
    drawn = mmap(NULL, (size_t)(CHILDREN + 1) * CHILD_WORDS * 8, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void end(void) {
    munmap(drawn, (size_t)(CHILDREN + 1) * CHILD_WORDS * 8);
    metrng_close(session);
    remove_daemon(daemon_of_tests);
}

static void wait_for_children(int count) {
    for (int i = 0; i < count; i++) {
        int status = -1;
        CHECK(wait(&status) > 0 && status == 0);
    }
}

// How many of the first `count` words that were drawn are no word of the daemon's, or were drawn
// twice.
static size_t count_wrong(size_t count) {
    uint64_t served = daemon_of_tests->served;
    uint8_t *seen = calloc(served, 1);
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t number = number_of(drawn[i]);
        wrong += number >= served || seen[number]++;
    }
    free(seen);
    return wrong;
}

// Children that draw, each with `first` words before what is kept, from the session as it is.
static void fork_children(bool is_connected) {
    begin();
    if (is_connected) CHECK_OK(metrng_words(session, drawn, 1000));
    fflush(NULL);
    for (int i = 0; i < CHILDREN; i++) {
        if (fork() > 0) continue;
        uint64_t *mine = drawn + (size_t)(i + 1) * CHILD_WORDS;
        metrng_status status = metrng_words(session, mine, 1);
        if (status == METRNG_OK) status = metrng_words(session, mine + 1, CHILD_WORDS - 1);
        metrng_report report;
        if (status == METRNG_OK) status = metrng_get_report(session, &report, sizeof report);
        _exit(status != METRNG_OK || report.bytes_used != CHILD_WORDS * 8);
    }
    size_t first = is_connected ? 1000 : 0;
    CHECK_OK(metrng_words(session, drawn + first, CHILD_WORDS - first));
    wait_for_children(CHILDREN);
    CHECK(count_wrong((size_t)(CHILDREN + 1) * CHILD_WORDS) == 0);
    end();
}

static void children_of_a_session_at_rest(void) { fork_children(false); }
static void children_of_a_session_with_words_at_hand(void) { fork_children(true); }

// A child's own child, and what is at hand in between, by the fast path.
static void grandchildren(void) {
    begin();
    metrng_reserve *reserve = metrng_get_reserve(session);
    uint32_t half;
    metrng_lock(session);
    CHECK_OK(metrng_refill(session));
    CHECK(metrng_take64(reserve, drawn) && metrng_take32(reserve, &half));
    drawn[1] = word_of(1);  // of which only half was seen
    pid_t child = fork();
    if (child == 0) {
        // The lock was held at the fork; the child's session is unlocked.
        bool has_half = reserve->has_half || metrng_take64(reserve, &drawn[2]);
        metrng_unlock(session);
        metrng_lock(session);
        bool is_good =
            !has_half && metrng_refill(session) == METRNG_OK && metrng_take64(reserve, &drawn[2]);
        metrng_unlock(session);
        fflush(NULL);
        if (fork() == 0) {
            is_good &= !metrng_take64(reserve, &drawn[3]);
            _exit(!is_good || metrng_words(session, drawn + 3, 100) != METRNG_OK);
        }
        is_good &= metrng_words(session, drawn + 103, 100) == METRNG_OK;
        int status = -1;
        is_good &= wait(&status) > 0 && status == 0;
        _exit(!is_good);
    }
    CHECK(metrng_take32(reserve, &half));
    metrng_unlock(session);
    wait_for_children(1);
    CHECK_OK(metrng_words(session, drawn + 203, 100));
    CHECK(count_wrong(303) == 0);
    end();
}

// The parent's connection survives what a child does with its copy.
static void closing_in_a_child_is_the_childs_own(void) {
    begin();
    CHECK_OK(metrng_words(session, drawn, 10));
    if (fork() == 0) {
        metrng_close(session);
        _exit(0);
    }
    wait_for_children(1);
    CHECK_OK(metrng_words(session, drawn + 10, 100000));
    CHECK(daemon_of_tests->connections == 1);
    CHECK(count_wrong(100010) == 0);
    end();
}

static bool goes_on;
static void *draw_on(void *argument) {
    uint64_t words[100];
    (void)argument;
    while (__atomic_load_n(&goes_on, __ATOMIC_RELAXED)) CHECK_OK(metrng_words(session, words, 100));
    return NULL;
}

// A fork at any moment of a call of another thread.
static void forks_while_threads_draw(void) {
    begin();
    pthread_t threads[2];
    __atomic_store_n(&goes_on, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, draw_on, NULL) == 0);
    for (int i = 0; i < 50; i++) {
        fflush(NULL);
        if (fork() == 0) _exit(metrng_words(session, drawn + i * 100, 100) != METRNG_OK);
        usleep(500);
    }
    wait_for_children(50);
    __atomic_store_n(&goes_on, false, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CHECK(count_wrong(5000) == 0);
    end();
}

int main(int count, char **arguments) {
    static const struct test tests[] = {
#define TEST(name) {#name, name}
        TEST(children_of_a_session_at_rest),
        TEST(children_of_a_session_with_words_at_hand),
        TEST(grandchildren),
        TEST(closing_in_a_child_is_the_childs_own),
        TEST(forks_while_threads_draw),
        {NULL, NULL},
    };
    run_daemon_if_asked(count, arguments);
    return run_tests(count, arguments, tests);
}
