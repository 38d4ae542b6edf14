// SPDX-License-Identifier: Apache-2.0
//
// Sessions with a daemon: bits and their origin, every status, hostile peers, daemons that go and
// come, time limits and interrupts.

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "Check.h"
#include "Reserve.h"

static metrng_options options_for(struct daemon *daemon) {
    metrng_options options = METRNG_OPTIONS_INIT;
    options.path = daemon->path;
    options.reconnect_seconds = 5;
    return options;
}

static metrng *open_session(struct daemon *daemon) {
    metrng *session;
    metrng_options options = options_for(daemon);
    CHECK_OK(metrng_open(&session, &options));
    if (!session) exit(1);
    return session;
}

static metrng_report report_of(metrng *session) {
    metrng_report report;
    CHECK_OK(metrng_get_report(session, &report, sizeof report));
    return report;
}

static const char *message(void) {
    static char text[512];
    metrng_error(text, sizeof text);
    return text;
}

// MARK: Bits

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

// MARK: Statuses

// What a call says to a misdeed of the daemon at its second READ.
static void each_misdeed_has_its_status(void) {
    static const struct {
        enum misdeed misdeed;
        metrng_status status;
    } cases[] = {
        {WRONG_VERSION, METRNG_PROTOCOL_VIOLATION},
        {WRONG_STATUS, METRNG_PROTOCOL_VIOLATION},
        {WRONG_PROVENANCE, METRNG_PROTOCOL_VIOLATION},
        {WRONG_GRADE, METRNG_PROTOCOL_VIOLATION},
        {OTHER_GRADE, METRNG_PROTOCOL_VIOLATION},
        {OTHER_TAG, METRNG_PROTOCOL_VIOLATION},
        {LONGER, METRNG_PROTOCOL_VIOLATION},
        {SHORTER, METRNG_PROTOCOL_VIOLATION},
        {ENORMOUS, METRNG_PROTOCOL_VIOLATION},
        {REFUSAL_WITH_BYTES, METRNG_PROTOCOL_VIOLATION},
        {GARBAGE, METRNG_PROTOCOL_VIOLATION},
        {UNAVAILABLE, METRNG_UNAVAILABLE},
        {BAD_REQUEST, METRNG_NOT_OFFERED},
        {DENIED, METRNG_DENIED},
        {OVER_QUOTA, METRNG_OVER_QUOTA},
        {SHUTTING_DOWN, METRNG_DISCONNECTED},
        {CLOSES, METRNG_DISCONNECTED},
        {CLOSES_IN_HEADER, METRNG_DISCONNECTED},
        {CLOSES_IN_BODY, METRNG_DISCONNECTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct daemon *daemon = make_daemon();
        daemon->misdeed = cases[i].misdeed;
        daemon->misdeed_at = 1;
        daemon->always = cases[i].misdeed == UNAVAILABLE;
        start_daemon(daemon);
        metrng *session;
        metrng_options options = options_for(daemon);
        options.reconnect_seconds = 0;
        CHECK_OK(metrng_open(&session, &options));
        static uint64_t words[4096];
        CHECK_OK(metrng_words(session, words, 512));
        uint64_t last = number_of(words[511]);
        metrng_status status = metrng_words(session, words, 4096);
        if (status != cases[i].status)
            fprintf(stderr, "misdeed %d: status %d: %s\n", cases[i].misdeed, status, message());
        CHECK(status == cases[i].status);
        CHECK(is_zero(words, sizeof words));
        CHECK(strlen(message()) > 20);
        // It may be called again, and gets words that nobody had.
        daemon->misdeed = HONEST;
        CHECK_OK(metrng_words(session, words, 4096));
        bool are_new = true;
        for (size_t k = 0; k < 4096; k++) are_new &= number_of(words[k]) > last;
        CHECK(are_new);
        metrng_close(session);
        remove_daemon(daemon);
    }
}

static void a_reply_without_a_request_is_refused(void) {
    struct daemon *daemon = make_daemon();
    daemon->misdeed = TWICE;
    daemon->misdeed_at = 1;
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    static uint64_t words[100000];
    CHECK_STATUS(METRNG_PROTOCOL_VIOLATION, metrng_words(session, words, 100000));
    CHECK(is_zero(words, sizeof words));
    metrng_close(session);
    remove_daemon(daemon);
}

static void descriptors_are_not_taken(void) {
    struct daemon *daemon = make_daemon();
    daemon->misdeed = PASSES_DESCRIPTORS;
    daemon->always = true;
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    int before = dup(0);
    static uint64_t words[100000];
    CHECK_OK(metrng_words(session, words, 100000));
    int after = dup(0);
    CHECK(after == before + 1);
    close(before);
    close(after);
    metrng_close(session);
    remove_daemon(daemon);
}

static void opening_says_why_not(void) {
    struct daemon *daemon = make_daemon();
    metrng *session = (metrng *)daemon;
    metrng_options options = options_for(daemon);
    CHECK_STATUS(METRNG_UNREACHABLE, metrng_open(&session, &options));
    CHECK(session == NULL);
    CHECK(strstr(message(), daemon->path) && strstr(message(), "is metrngd running?"));
    start_daemon(daemon);
    kill_daemon(daemon);
    CHECK_STATUS(METRNG_UNREACHABLE, metrng_open(&session, &options));
    daemon->misdeed = REFUSES_CONNECTIONS;
    start_daemon(daemon);
    CHECK_STATUS(METRNG_OVER_QUOTA, metrng_open(&session, &options));
    CHECK(strstr(message(), "entropy.maximumClients"));
    daemon->misdeed = ENORMOUS_INFO;
    CHECK_STATUS(METRNG_PROTOCOL_VIOLATION, metrng_open(&session, &options));
    daemon->misdeed = NAME_WITH_BYTES;
    strcpy(daemon->info, "{\"operations\":[\"read\",\"info\",\"name\"]}");
    CHECK_STATUS(METRNG_PROTOCOL_VIOLATION, metrng_open(&session, &options));
    daemon->misdeed = HONEST;
    strcpy(daemon->info, "{\"provenances\":[\"simulated\"]}");
    CHECK_STATUS(METRNG_NOT_GENUINE, metrng_open(&session, &options));
    CHECK(strstr(message(), "simulated"));
    strcpy(daemon->info, "{\"provenances\":[\"replay\"]}");
    CHECK_STATUS(METRNG_NOT_GENUINE, metrng_open(&session, &options));
    strcpy(daemon->info, "{\"provenances\":[\"simulated\",\"host\"]}");
    CHECK_OK(metrng_open(&session, &options));
    metrng_close(session);
    options.allow_simulated = 1;
    strcpy(daemon->info, "{\"provenances\":[\"simulated\"]}");
    CHECK_OK(metrng_open(&session, &options));
    metrng_close(session);
    remove_daemon(daemon);
}

static void no_permission_is_told(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    char folder[100];
    strcpy(folder, daemon->path);
    *strrchr(folder, '/') = 0;
    CHECK(chmod(folder, 0755) == 0 && chmod(daemon->path, 0) == 0);
    pid_t child = fork();
    if (child == 0) {
        metrng *session;
        metrng_options options = options_for(daemon);
        // Permissions do not bind root.
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(9);
        CHECK_STATUS(METRNG_NOT_PERMITTED, metrng_open(&session, &options));
        _exit(strstr(message(), "group") ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    remove_daemon(daemon);
}

static void simulated_replies_are_refused(void) {
    struct daemon *daemon = make_daemon();
    daemon->provenance = METRNG_SIMULATED;
    start_daemon(daemon);
    metrng *session = open_session(daemon);  // INFO did not say so
    uint64_t words[4] = {1, 2, 3, 4};
    CHECK_STATUS(METRNG_NOT_GENUINE, metrng_words(session, words, 4));
    CHECK(is_zero(words, sizeof words) && strstr(message(), "simulated"));
    daemon->provenance = METRNG_HARDWARE;
    CHECK_OK(metrng_words(session, words, 4));
    CHECK(report_of(session).bytes_from[METRNG_SIMULATED] == 0);
    metrng_close(session);
    // A daemon that is told so denies them itself.
    strcpy(daemon->info, "{\"flags\":[\"genuine\"]}");
    daemon->misdeed = DENIED;
    daemon->misdeed_at = daemon->reads;
    session = open_session(daemon);
    CHECK_STATUS(METRNG_NOT_GENUINE, metrng_words(session, words, 4));
    CHECK(is_zero(words, sizeof words) && daemon->genuine == 1);
    metrng_close(session);
    remove_daemon(daemon);
}

static void wrong_arguments_are_refused(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session;
    struct {
        metrng_options known;
        uint64_t later;
    } newer = {options_for(daemon), 0};
    newer.known.size = sizeof newer;
    CHECK_OK(metrng_open(&session, &newer.known));
    metrng_close(session);
    newer.later = 1;
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_open(&session, &newer.known));
    metrng_options options = options_for(daemon);
    options.size = 0;
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_open(&session, &options));
    options = options_for(daemon);
    options.grade = (metrng_grade)2;
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_open(&session, &options));
    options = options_for(daemon);
    options.reconnect_seconds = -1;
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_open(&session, &options));
    options = options_for(daemon);
    options.client = "tab\t";
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_open(&session, &options));
    char path[200];
    memset(path, 'x', sizeof path);
    path[199] = 0;
    options = options_for(daemon);
    options.path = path;
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_open(&session, &options));
    session = open_session(daemon);
    uint64_t word = 1;
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_words(session, &word, SIZE_MAX));
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_read(session, &word, SIZE_MAX));
    CHECK_OK(metrng_words(session, NULL, 0));
    CHECK_OK(metrng_read(session, NULL, 0));
    CHECK(word == 1 && report_of(session).bytes_used == 0);
    metrng_close(session);
    metrng_close(NULL);
    remove_daemon(daemon);
}

static void the_environment_names_the_socket(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session;
    setenv("METRNG_SOCKET", daemon->path, 1);
    CHECK_OK(metrng_open(&session, NULL));
    metrng_close(session);
    setenv("METRNG_SOCKET", "/nowhere/entropy.sock", 1);
    CHECK_STATUS(METRNG_UNREACHABLE, metrng_open(&session, NULL));
    CHECK(strstr(message(), "/nowhere/entropy.sock"));
    unsetenv("METRNG_SOCKET");
    remove_daemon(daemon);
}

static void every_status_has_a_text(void) {
    for (int status = METRNG_OK; status <= METRNG_RECORDING_FAILED; status++) {
        CHECK(strcmp(metrng_status_text((metrng_status)status), "unknown status") != 0);
        for (int other = METRNG_OK; other < status; other++)
            CHECK(strcmp(metrng_status_text((metrng_status)status),
                         metrng_status_text((metrng_status)other)) != 0);
    }
    CHECK(strcmp(metrng_status_text((metrng_status)99), "unknown status") == 0);
}

// MARK: INFO and NAME

static void the_daemon_learns_the_name(void) {
    struct daemon *daemon = make_daemon();
    start_daemon(daemon);
    metrng *session = open_session(daemon);
    uint64_t word;
    CHECK_OK(metrng_words(session, &word, 1));
    CHECK(daemon->names == 0 && daemon->genuine == 0);  // an older daemon
    metrng_close(session);
    strcpy(daemon->info,
           "{ \"flags\" : [\"nonblock\", \"genuine\"],\"operations\":[\"read\",\"name\"]}");
    metrng_options options = options_for(daemon);
    options.client = "Python 3.11";
    CHECK_OK(metrng_open(&session, &options));
    CHECK(strcmp(daemon->name, "Python 3.11, libmetrng 0.1.0") == 0);
    CHECK_OK(metrng_words(session, &word, 1));
    CHECK(daemon->genuine == 1);
    char json[200];
    size_t needed;
    CHECK_OK(metrng_info(session, json, sizeof json, &needed));
    CHECK(strcmp(json, daemon->info) == 0 && needed == strlen(json));
    CHECK_OK(metrng_info(session, json, needed, NULL));
    CHECK(json[0] == 0);
    metrng_close(session);
    options.allow_simulated = 1;
    CHECK_OK(metrng_open(&session, &options));
    CHECK_OK(metrng_words(session, &word, 1));
    CHECK(daemon->genuine == 1);
    metrng_close(session);
    remove_daemon(daemon);
}

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
        TEST(each_misdeed_has_its_status),
        TEST(a_reply_without_a_request_is_refused),
        TEST(descriptors_are_not_taken),
        TEST(opening_says_why_not),
        TEST(no_permission_is_told),
        TEST(simulated_replies_are_refused),
        TEST(wrong_arguments_are_refused),
        TEST(the_environment_names_the_socket),
        TEST(every_status_has_a_text),
        TEST(the_daemon_learns_the_name),
        TEST(a_read_goes_on_after_a_restart),
        TEST(a_killed_daemon_is_found_again),
        TEST(a_daemon_that_stays_away_is_told),
        TEST(a_call_waits_as_long_as_told),
        TEST(a_call_that_does_not_wait_reads_nothing_ahead),
        TEST(the_last_bits_of_a_daemon_are_used),
        TEST(a_signal_ends_a_call),
        TEST(threads_share_a_session),
        {NULL, NULL},
    };
    run_daemon_if_asked(count, arguments);
    return run_tests(count, arguments, tests);
}
