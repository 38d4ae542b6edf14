// SPDX-License-Identifier: Apache-2.0
//
// What the test programs of libmetrng share: checks that are counted, words without chance, and a
// daemon that does as it is told.

#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "metrng.h"

#ifdef __cplusplus
extern "C" {
#endif

// Counts a failure, and goes on.
#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition)
// The same for a call that returns a status, with its message.
#define CHECK_STATUS(wanted, call) check_status((wanted), (call), __FILE__, __LINE__, #call)
#define CHECK_OK(call) CHECK_STATUS(METRNG_OK, call)

void check_that(bool holds, const char *file, int line, const char *text);
void check_status(metrng_status wanted, metrng_status found, const char *file, int line,
                  const char *text);

// A test program: its tests, then NULL. `arguments` may choose tests by their names. The exit
// status.
struct test {
    const char *name;
    void (*run)(void);
};
int run_tests(int count, char **arguments, const struct test *tests);
bool is_slow(void);  // the argument --slow was given

// MARK: Words without chance

// The word of a number, another for each; and the number of a word.
uint64_t word_of(uint64_t number);
uint64_t number_of(uint64_t word);
bool is_zero(const void *memory, size_t bytes);

// MARK: A daemon

// What it does to one READ, or always.
enum misdeed {
    HONEST,
    // These are wrong in the header.
    WRONG_VERSION,
    WRONG_STATUS,
    WRONG_PROVENANCE,
    WRONG_GRADE,
    OTHER_GRADE,
    OTHER_TAG,
    LONGER,
    SHORTER,
    ENORMOUS,
    REFUSAL_WITH_BYTES,
    TWICE,
    GARBAGE,
    PASSES_DESCRIPTORS,
    // Statuses
    UNAVAILABLE,
    BAD_REQUEST,
    DENIED,
    OVER_QUOTA,
    SHUTTING_DOWN,
    // Ends
    CLOSES,
    CLOSES_IN_HEADER,
    CLOSES_IN_BODY,
    // At the connection
    REFUSES_CONNECTIONS,
    ENORMOUS_INFO,
    NAME_WITH_BYTES,
};

// Shared with the process of the daemon; survives it.
struct daemon {
    // Settings, to be changed at any time.
    enum misdeed misdeed;
    uint32_t misdeed_at;  // number of the READ, counted from 0 over all connections
    bool always;          // from then on
    uint8_t provenance;   // of the replies
    uint8_t alternating;  // nonzero: every other reply has this provenance
    uint32_t epoch;       // of the first reply; one more for each
    bool counts_epochs;
    uint32_t answers;  // READs that are answered; the others wait
    size_t piece;      // bytes sent at a time; 0: all
    char info[2048];

    // What it saw and did.
    bool is_ready;
    uint32_t connections, reads, nonblocking, genuine, largest, names;
    char name[80];
    uint64_t served;  // words; word_of(0), word_of(1) ...

    pid_t process;  // 0: none runs
    int memory;     // the descriptor of all this
    char path[100];
};

// Makes a daemon that is not running, with honest hardware bits.
struct daemon *make_daemon(void);
void start_daemon(struct daemon *daemon);
void kill_daemon(struct daemon *daemon);    // as kill -9 does; the socket stays
void remove_daemon(struct daemon *daemon);  // kills it where it runs, and frees `daemon`

// Options for a session with it, and a session with these. The program ends where there is none.
metrng_options options_for(struct daemon *daemon);
metrng *open_session(struct daemon *daemon);
metrng_report report_of(metrng *session);
const char *message(void);  // of the last call that failed

// The program of the daemon. Runs it when the arguments say so, and then does not return.
void run_daemon_if_asked(int count, char **arguments);

#ifdef __cplusplus
}
#endif

#endif
