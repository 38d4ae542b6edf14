// SPDX-License-Identifier: Apache-2.0
//
// Recordings of consumed words, and their replay.

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "Check.h"
#include "Reserve.h"

static struct daemon *daemon_of_tests;

static metrng *open_recorded(int recording) {
    metrng *session;
    metrng_options options = METRNG_OPTIONS_INIT;
    options.path = daemon_of_tests->path;
    options.allow_simulated = 1;
    options.record_descriptor = recording;
    CHECK_OK(metrng_open(&session, &options));
    if (!session) exit(1);
    return session;
}

static metrng *open_replay(int recording) {
    metrng *session;
    CHECK(lseek(recording, 0, SEEK_SET) == 0);
    CHECK_OK(metrng_open_replay(&session, recording, NULL));
    if (!session) exit(1);
    return session;
}

static void begin(void) {
    daemon_of_tests = make_daemon();
    daemon_of_tests->counts_epochs = true;
    start_daemon(daemon_of_tests);
}

// Everything that a session can draw, in sizes that cross blocks.
struct samples {
    float uniform[30000], normal[20001];
    double wide[3001], real[100];
    uint64_t integers[5000], fast[300], frugal[300], word, fast64;
    uint8_t bytes[1000], each[1001], read[77];
    int64_t categories[3000], order[500];
    uint32_t half;
};

static metrng_status draw(metrng *session, struct samples *s) {
    static float p[1001];
    static const double weights[] = {1, 0, 3, 2.5};
    metrng_alias *table;
    metrng_status status = metrng_alias_new(&table, weights, 4);
    for (int i = 0; i < 1001; i++) p[i] = (float)i / 1000;
#define THEN(call) status = status == METRNG_OK ? (call) : status
    THEN(metrng_words(session, &s->word, 1));
    THEN(metrng_uniform_float(session, s->uniform, 30000));
    THEN(metrng_normal_float(session, s->normal, 20001, 1, 2));
    THEN(metrng_normal_double(session, s->wide, 3001, 0, 1));
    THEN(metrng_uniform_double(session, s->real, 100));
    THEN(metrng_integers(session, s->integers, 5000, UINT64_MAX / 3 * 2));
    THEN(metrng_bernoulli_packed(session, s->fast, 300 * 64 - 7, 0.3, METRNG_FAST));
    THEN(metrng_bernoulli_packed(session, s->frugal, 300 * 64, 0.3, METRNG_FRUGAL));
    THEN(metrng_bernoulli_bytes(session, s->bytes, 1000, 0.9, METRNG_FAST));
    THEN(metrng_bernoulli_each(session, s->each, p, 1001));
    THEN(metrng_read(session, s->read, 77));
    THEN(metrng_categorical(session, table, s->categories, 3000));
    THEN(metrng_permutation(session, s->order, 500));
    metrng_lock(session);
    for (int i = 0; i < 700; i++) {
        while (status == METRNG_OK && !metrng_take64(metrng_get_reserve(session), &s->fast64))
            status = metrng_refill(session);
        s->word ^= s->fast64;
    }
    while (status == METRNG_OK && !metrng_take32(metrng_get_reserve(session), &s->half))
        status = metrng_refill(session);
    metrng_unlock(session);
    metrng_alias_free(table);
    return status;
}

static void a_replay_gives_the_same_samples(void) {
    begin();
    int recording = memfd_create("recording", 0);
    metrng *session = open_recorded(recording);
    struct samples *live = calloc(1, sizeof *live), *again = calloc(1, sizeof *again);
    metrng_report lived, replayed;
    for (int i = 0; i < 3; i++) CHECK_OK(draw(session, live));
    CHECK_OK(metrng_record(session, -1));
    CHECK_OK(metrng_get_report(session, &lived, sizeof lived));
    metrng_close(session);
    CHECK(lived.origin.last_epoch > lived.origin.first_epoch);
    session = open_replay(recording);
    for (int i = 0; i < 3; i++) CHECK_OK(draw(session, again));
    CHECK(memcmp(live, again, sizeof *live) == 0);
    CHECK_OK(metrng_get_report(session, &replayed, sizeof replayed));
    CHECK(replayed.bytes_used == lived.bytes_used && replayed.bytes_at_hand == 0);
    CHECK(replayed.bytes_from[METRNG_REPLAY] == replayed.bytes_used);
    CHECK(replayed.origin.provenance == METRNG_REPLAY);
    CHECK(replayed.origin.first_epoch == lived.origin.first_epoch);
    CHECK(replayed.origin.last_epoch == lived.origin.last_epoch);
    // And no more.
    uint64_t words[3] = {1, 1, 1};
    CHECK_STATUS(METRNG_RECORDING_ENDED, metrng_words(session, words, 3));
    CHECK_STATUS(METRNG_RECORDING_ENDED, metrng_words(session, words, 1));
    CHECK(is_zero(words, sizeof words));
    char json[10];
    CHECK_STATUS(METRNG_NOT_OFFERED, metrng_info(session, json, sizeof json, NULL));
    metrng_close(session);
    free(live);
    free(again);
    close(recording);
    remove_daemon(daemon_of_tests);
}

static void only_consumed_words_are_recorded(void) {
    begin();
    int recording = memfd_create("recording", 0);
    metrng *session = open_recorded(-1);
    uint64_t words[10];
    CHECK_OK(metrng_words(session, words, 10));
    CHECK_OK(metrng_record(session, recording));
    CHECK_OK(metrng_words(session, words, 10));
    CHECK_OK(metrng_record(session, -1));
    CHECK_OK(metrng_words(session, words, 10));
    metrng_close(session);
    CHECK(lseek(recording, 0, SEEK_END) == 15 + 16 + 80);
    session = open_replay(recording);
    CHECK_OK(metrng_words(session, words, 10));
    for (uint64_t i = 0; i < 10; i++) CHECK(words[i] == word_of(10 + i));
    CHECK_STATUS(METRNG_RECORDING_ENDED, metrng_words(session, words, 1));
    metrng_close(session);
    close(recording);
    remove_daemon(daemon_of_tests);
}

static void damage_is_found(void) {
    begin();
    int recording = memfd_create("recording", 0);
    metrng *session = open_recorded(recording);
    uint64_t words[64];
    CHECK_OK(metrng_words(session, words, 64));
    metrng_close(session);
    remove_daemon(daemon_of_tests);
    off_t size = lseek(recording, 0, SEEK_END);
    CHECK(size == 15 + 16 + 512);
    uint8_t *bytes = malloc((size_t)size);
    CHECK(pread(recording, bytes, (size_t)size, 0) == size);
    for (off_t at = 0; at < size; at++) {
        int damaged = memfd_create("damaged", 0);
        bytes[at] ^= 0x10;
        CHECK(write(damaged, bytes, (size_t)size) == size && lseek(damaged, 0, SEEK_SET) == 0);
        bytes[at] ^= 0x10;
        metrng_status status = metrng_open_replay(&session, damaged, NULL);
        if (at >= 15) {
            CHECK(status == METRNG_OK);
            status = metrng_words(session, words, 64);
            CHECK(is_zero(words, sizeof words));
        }
        CHECK(status == METRNG_RECORDING_FAILED);
        metrng_close(session);
        close(damaged);
    }
    for (off_t cut = 0; cut < size; cut += cut < 40 ? 1 : 37) {
        int damaged = memfd_create("cut", 0);
        CHECK(write(damaged, bytes, (size_t)cut) == cut && lseek(damaged, 0, SEEK_SET) == 0);
        metrng_status status = metrng_open_replay(&session, damaged, NULL);
        if (cut >= 15) status = metrng_words(session, words, 1);
        CHECK(status == (cut == 15 ? METRNG_RECORDING_ENDED : METRNG_RECORDING_FAILED));
        metrng_close(session);
        close(damaged);
    }
    free(bytes);
    close(recording);
    CHECK_STATUS(METRNG_RECORDING_FAILED, metrng_open_replay(&session, -1, NULL));
}

static void a_disk_that_is_full_is_told(void) {
    begin();
    int full = open("/dev/full", O_WRONLY);
    metrng *session;
    metrng_options options = METRNG_OPTIONS_INIT;
    options.path = daemon_of_tests->path;
    options.record_descriptor = full;
    CHECK_STATUS(METRNG_RECORDING_FAILED, metrng_open(&session, &options));
    CHECK(session == NULL);
    int recording = memfd_create("recording", MFD_ALLOW_SEALING);
    session = open_recorded(recording);
    CHECK(fcntl(recording, F_ADD_SEALS, F_SEAL_GROW) == 0);
    static uint64_t words[20000];
    CHECK_STATUS(METRNG_RECORDING_FAILED, metrng_words(session, words, 20000));
    CHECK(is_zero(words, sizeof words));
    CHECK_STATUS(METRNG_RECORDING_FAILED, metrng_words(session, words, 1));
    CHECK_OK(metrng_record(session, -1));
    CHECK_OK(metrng_words(session, words, 1));
    metrng_close(session);
    close(full);
    close(recording);
    remove_daemon(daemon_of_tests);
}

static int wish_to_stop(void *wishes) { return --*(int *)wishes < 0; }

// A pipe whose other end does nothing.
static void pipes_can_be_left(void) {
    begin();
    int ends[2], wishes = 3;
    uint64_t words[2];
    metrng *session;
    metrng_options options = METRNG_OPTIONS_INIT;
    options.path = daemon_of_tests->path;
    options.allow_simulated = 1;
    options.interrupted = wish_to_stop;
    options.context = &wishes;
    CHECK(pipe(ends) == 0);
    CHECK_STATUS(METRNG_INTERRUPTED, metrng_open_replay(&session, ends[0], &options));
    int recording = memfd_create("recording", 0);
    session = open_recorded(recording);
    CHECK_OK(metrng_words(session, words, 2));
    metrng_close(session);
    uint8_t bytes[15 + 16 + 16];
    CHECK(pread(recording, bytes, sizeof bytes, 0) == sizeof bytes);
    close(recording);
    wishes = 100;
    CHECK(write(ends[1], bytes, 15) == 15);
    CHECK_OK(metrng_open_replay(&session, ends[0], &options));
    wishes = 3;
    CHECK_STATUS(METRNG_INTERRUPTED, metrng_words(session, words, 1));
    wishes = 100;
    CHECK(write(ends[1], bytes + 15, 32) == 32);
    CHECK_OK(metrng_words(session, words, 2));
    // The rest of a chunk that was left would be taken for a header.
    CHECK(write(ends[1], bytes + 15, 20) == 20);
    wishes = 3;
    CHECK_STATUS(METRNG_INTERRUPTED, metrng_words(session, words, 1));
    CHECK(words[0] == 0);
    wishes = 100;
    CHECK_STATUS(METRNG_RECORDING_FAILED, metrng_words(session, words, 1));
    metrng_close(session);

    CHECK_OK(metrng_open(&session, &options));
    CHECK_OK(metrng_record(session, ends[1]));
    static uint64_t many[40000];
    metrng_status status = METRNG_OK;
    for (int i = 0; i < 10 && status == METRNG_OK; i++) {
        wishes = 30;
        status = metrng_words(session, many, 40000);
    }
    CHECK(status == METRNG_INTERRUPTED && is_zero(many, sizeof many));
    metrng_close(session);
    close(ends[0]);
    close(ends[1]);
    remove_daemon(daemon_of_tests);
}

static void children_do_not_record_or_replay(void) {
    begin();
    int recording = memfd_create("recording", 0);
    metrng *session = open_recorded(recording);
    uint64_t words[100], word;
    CHECK_OK(metrng_words(session, words, 100));
    if (fork() == 0) {
        bool is_good = metrng_words(session, words, 100) == METRNG_RECORDING_FAILED;
        is_good &= metrng_words(session, &word, 1) == METRNG_RECORDING_FAILED;
        is_good &= metrng_record(session, -1) == METRNG_OK;
        is_good &= metrng_words(session, &word, 1) == METRNG_OK;
        metrng_close(session);
        _exit(!is_good);
    }
    int status = -1;
    CHECK(wait(&status) > 0 && status == 0);
    metrng_close(session);
    session = open_replay(recording);
    CHECK_OK(metrng_words(session, words, 50));
    if (fork() == 0) {
        bool is_good = metrng_words(session, &word, 1) == METRNG_RECORDING_FAILED;
        is_good &= metrng_record(session, -1) == METRNG_OK;
        is_good &= metrng_words(session, &word, 1) == METRNG_RECORDING_FAILED;
        _exit(!is_good);
    }
    CHECK(wait(&status) > 0 && status == 0);
    CHECK_OK(metrng_words(session, words, 50));
    CHECK_STATUS(METRNG_RECORDING_ENDED, metrng_words(session, words, 1));
    metrng_close(session);
    close(recording);
    remove_daemon(daemon_of_tests);
}

static void a_replay_can_be_recorded(void) {
    begin();
    int first = memfd_create("first", 0), second = memfd_create("second", 0);
    metrng *session = open_recorded(first);
    uint64_t words[1000], again[1000];
    CHECK_OK(metrng_words(session, words, 1000));
    metrng_close(session);
    session = open_replay(first);
    CHECK_OK(metrng_record(session, second));
    CHECK_OK(metrng_words(session, again, 1000));
    metrng_close(session);
    session = open_replay(second);
    CHECK_OK(metrng_words(session, again, 1000));
    CHECK(memcmp(words, again, sizeof words) == 0);
    metrng_close(session);
    close(first);
    close(second);
    remove_daemon(daemon_of_tests);
}

int main(int count, char **arguments) {
    static const struct test tests[] = {
#define TEST(name) {#name, name}
        TEST(a_replay_gives_the_same_samples),
        TEST(only_consumed_words_are_recorded),
        TEST(damage_is_found),
        TEST(a_disk_that_is_full_is_told),
        TEST(pipes_can_be_left),
        TEST(children_do_not_record_or_replay),
        TEST(a_replay_can_be_recorded),
        {NULL, NULL},
    };
    run_daemon_if_asked(count, arguments);
    return run_tests(count, arguments, tests);
}
