// SPDX-License-Identifier: Apache-2.0
//
// Every status, hostile peers, and what a daemon says of itself.

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "Check.h"

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

int main(int count, char **arguments) {
    static const struct test tests[] = {
#define TEST(name) {#name, name}
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
        {NULL, NULL},
    };
    run_daemon_if_asked(count, arguments);
    return run_tests(count, arguments, tests);
}
