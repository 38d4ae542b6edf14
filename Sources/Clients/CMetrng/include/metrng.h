// SPDX-License-Identifier: Apache-2.0
//
// libmetrng draws random bits from metrngd, the daemon of arrays of magnetic tunnel junctions, and
// turns them into samples: uniform and normal numbers, Bernoulli bits, categories, permutations.
//
// The library holds one thing: the session, a connection to the daemon with a reserve of words that
// were read ahead. It never prints, never ends the process and installs no signal handler.
//
// Threads: any thread may use a session at any time, except while another closes it. Calls for one
// session wait for each other; a session for each thread is faster.
//
// Errors: a call returns METRNG_OK or the reason that it failed, and metrng_error says the reason
// in words. After a failed call its output is zeroed and is not random. The bits of a failed call
// are discarded: no bit is ever returned twice. A failed call may be repeated, and connects again
// where that is needed.
//
// Forks: a forked child inherits none of its parent's bits. In the child a session begins empty and
// connects by itself at its next use.
//
// Words: everything is made of whole 64-bit words, in the order in which the daemon sent them. The
// number of words that a call takes is the same on every processor; integer results are too, and
// floating-point results are except for their last bits.

#ifndef METRNG_H
#define METRNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define METRNG_API __attribute__((visibility("default")))
#define METRNG_CHECKED __attribute__((visibility("default"), warn_unused_result))
#else
#define METRNG_API
#define METRNG_CHECKED
#endif

#define METRNG_VERSION "0.1.0"

// A session. Opened by metrng_open or metrng_open_replay, closed by metrng_close.
typedef struct metrng metrng;

// The processing of bits. METRNG_FULL is conditioned and has full entropy; METRNG_RAW has passed
// the health tests and nothing else.
typedef enum metrng_grade { METRNG_RAW = 0, METRNG_FULL = 1 } metrng_grade;

// The source of bits. Only those of an array (hardware) and of another generator of the machine
// (host) are random; the names of the others say what they are.
typedef enum metrng_provenance {
    METRNG_HARDWARE = 0,
    METRNG_SIMULATED = 1,
    METRNG_REPLAY = 2,
    METRNG_HOST = 3
} metrng_provenance;

// The outcome of a call. metrng_status_text has cause and remedy of each.
typedef enum metrng_status {
    METRNG_OK = 0,
    METRNG_UNREACHABLE = 1,         // there is no daemon at the socket
    METRNG_NOT_PERMITTED = 2,       // this user may not open the socket
    METRNG_NOT_GENUINE = 3,         // the bits are simulated or replayed, and not allowed
    METRNG_UNAVAILABLE = 4,         // no bits came within wait_seconds, or none will come again
    METRNG_NOT_OFFERED = 5,         // the daemon does not offer this grade or request
    METRNG_DENIED = 6,              // the daemon refuses to serve this client
    METRNG_OVER_QUOTA = 7,          // the daemon has as many clients as it allows
    METRNG_DISCONNECTED = 8,        // the daemon went and did not return within reconnect_seconds
    METRNG_PROTOCOL_VIOLATION = 9,  // the peer sent what MEP/1 does not allow
    METRNG_INTERRUPTED = 10,        // `interrupted` of the options said so
    METRNG_INVALID_ARGUMENT = 11,   // the caller's mistake; nothing was drawn
    METRNG_NO_MEMORY = 12,          // also: the kernel cannot wipe memory on fork
    METRNG_RECORDING_ENDED = 13,    // the replayed recording has no more words
    METRNG_RECORDING_FAILED = 14    // a recording cannot be written, or is damaged
} metrng_status;

// The settings of a session. Initialise with METRNG_OPTIONS_INIT, then change members. Strings are
// copied by metrng_open.
typedef struct metrng_options {
    size_t size;               // sizeof(metrng_options); later versions append members
    const char *path;          // the entropy socket; NULL: METRNG_SOCKET of the environment when
                               // it is set and not empty, otherwise /run/metrng/entropy.sock
    metrng_grade grade;        // of all bits of the session
    int allow_simulated;       // nonzero accepts bits that are not random: simulated, replayed
    double reconnect_seconds;  // how long a call tries to reach a daemon that has gone, 0 ... 1e9;
                               // 0 fails at once. metrng_open does not retry
    double wait_seconds;       // how long a call waits for bits; negative: for ever. 0 takes only
                               // bits that the daemon has ready, and reads nothing ahead
    const char *client;        // printable ASCII, at most 40 bytes, such as "Python 3.11": what
                               // `mectl status` shows; NULL: "C"
    int record_descriptor;  // where consumed words are recorded, as by metrng_record; -1: nowhere
    int (*interrupted)(void *);  // see below; NULL: signals do not end calls
    void *context;               // the argument of `interrupted`
} metrng_options;

// `interrupted` is called by a call that waits: before it waits, at least ten times a second while
// it waits, and after a signal handler has run; and between the blocks of a long read. Nonzero ends
// the call with METRNG_INTERRUPTED. It runs on the thread of the call, while that holds the lock of
// the session: it must not use the session.

#define METRNG_OPTIONS_INIT \
    { sizeof(metrng_options), NULL, METRNG_FULL, 0, 10.0, -1.0, NULL, -1, NULL, NULL }

// MARK: Sessions

// Opens a session and connects to the daemon, once. `options` may be NULL for the defaults. Draws
// no bits. *session is NULL after an error. Fails with UNREACHABLE, NOT_PERMITTED, OVER_QUOTA,
// PROTOCOL_VIOLATION, INTERRUPTED, INVALID_ARGUMENT, NO_MEMORY, RECORDING_FAILED, UNAVAILABLE (the
// daemon does not answer), and with NOT_GENUINE where the daemon serves nothing that is allowed.
METRNG_CHECKED metrng_status metrng_open(metrng **session, const metrng_options *options);

// Opens a session that gives the words of a recording of metrng_record instead of the daemon's, in
// the same order; then METRNG_RECORDING_ENDED. Their provenance is always METRNG_REPLAY; their
// grade is that of the recording. allow_simulated is not needed: the recording was asked for.
// `path`, `grade` and `reconnect_seconds` are not used. `descriptor` stays the caller's, is read
// from its present offset, and must stay open until metrng_close. In a forked child the session
// fails with METRNG_RECORDING_FAILED.
METRNG_CHECKED metrng_status metrng_open_replay(metrng **session, int descriptor,
                                                const metrng_options *options);

// Closes a session and wipes its memory. The rest of a recording is written; an error of that is
// reported by metrng_record(session, -1) only. NULL is allowed. A forked child closes its own copy,
// and the parent's session goes on.
METRNG_API void metrng_close(metrng *session);

// The cause and the remedy of a status: a static text without a full stop at its end.
METRNG_API const char *metrng_status_text(metrng_status status);

// The message of the last call that failed on the calling thread, of any session: cause, path,
// errno, provenance and remedy, as far as they apply. Writes at most `size` bytes with a
// terminating NUL and returns the length of the whole message without it, as snprintf does; "" if
// no call failed.
METRNG_API size_t metrng_error(char *text, size_t size);

// "0.1.0": the version of the library that runs.
METRNG_API const char *metrng_version(void);

// "avx512", "avx2" or "portable": the instructions that the samplers use. The environment variable
// METRNG_ISA chooses a lesser one; it is read once.
METRNG_API const char *metrng_path(void);

// Starts to record the words that calls consume, appended to `descriptor`, which stays the
// caller's; -1 ends a recording and writes what is left of it. Format: "metrng-words 1" in
// docs/protocols.md. Words are written at the latest when 64 KiB are waiting, and at the end. A
// recording makes calls fail with METRNG_RECORDING_FAILED when it cannot be written, and in a
// forked child. The words of a failed call may be part of it.
// Writing to a pipe that nobody reads any more raises SIGPIPE, as write(2) does.
METRNG_CHECKED metrng_status metrng_record(metrng *session, int descriptor);

// MARK: Bits

// Fills `bytes`. The rest of the last word is discarded when count is no multiple of 8.
METRNG_CHECKED metrng_status metrng_read(metrng *session, void *bytes, size_t count);

// Fills `words`.
METRNG_CHECKED metrng_status metrng_words(metrng *session, uint64_t *words, size_t count);

// Waits until `count` words, at most 32,768, are at hand, so that calls that take no more than
// these can neither wait nor fail.
METRNG_CHECKED metrng_status metrng_reserve_words(metrng *session, size_t count);

// MARK: Truth

// The origin of the bits of a call.
typedef struct metrng_origin {
    metrng_provenance provenance;  // that of bits that are not genuine, if there were any
    metrng_grade grade;
    uint32_t first_epoch, last_epoch;  // the daemon's health epochs of the first and the last bit
} metrng_origin;

// The origin of the last call on this session, by any thread, that took bits and succeeded.
// METRNG_UNAVAILABLE when there was none yet.
METRNG_CHECKED metrng_status metrng_get_origin(metrng *session, metrng_origin *origin);

// What a session did since it was opened, or since the fork in a child.
typedef struct metrng_report {
    uint64_t bytes_used;       // consumed by calls, with the unused rests of last words
    uint64_t bytes_discarded;  // requested and lost: connections that broke, failed calls
    uint64_t bytes_at_hand;    // received and not used yet
    uint64_t bytes_in_flight;  // requested and not received yet
    uint64_t bytes_from[4];    // consumed, by metrng_provenance
    uint64_t requests;         // READ requests sent
    uint64_t reconnections;    // connections made after the first
    metrng_origin origin;      // of all consumed bits: worst provenance, first and last epoch
} metrng_report;

// Writes the first `size` bytes of the report; sizeof(metrng_report) for all of it.
METRNG_CHECKED metrng_status metrng_get_report(metrng *session, metrng_report *report, size_t size);

// The JSON object in which the daemon describes itself, fetched now by a connection of its own.
// Writes at most `size` bytes with a terminating NUL. *needed (may be NULL) is the length of the
// whole text without the NUL; nothing but "" is written when it does not fit. METRNG_NOT_OFFERED in
// a session of a recording.
METRNG_CHECKED metrng_status metrng_info(metrng *session, char *json, size_t size, size_t *needed);

// MARK: Samples
//
// Each fills `out` with `count` independent samples. count may be 0: nothing is drawn. One call for
// many samples is much faster than many calls.

// Multiples of 2^-24 in [0, 1); a word gives two.
METRNG_CHECKED metrng_status metrng_uniform_float(metrng *session, float *out, size_t count);

// Multiples of 2^-53 in [0, 1); a word gives one.
METRNG_CHECKED metrng_status metrng_uniform_double(metrng *session, double *out, size_t count);

// Integers in [0, bound), all equally likely; bound 0 means 2^64. A word gives one; a word is
// rejected with a probability below bound / 2^64. (D. Lemire, "Fast random integer generation in an
// interval", ACM TOMACS 29, 2019.)
METRNG_CHECKED metrng_status metrng_integers(metrng *session, uint64_t *out, size_t count,
                                             uint64_t bound);

// Normal numbers by the method of Box and Muller (Ann. Math. Stat. 29, 1958): a word gives two, by
// 40 bits of radius and 24 bits of angle, so that |x - mean| reaches 7.5 stdev. `mean` and `stdev`
// must be finite and stdev >= 0.
METRNG_CHECKED metrng_status metrng_normal_float(metrng *session, float *out, size_t count,
                                                 float mean, float stdev);

// The same with a word for each: 64 bits of radius, up to 9.4 stdev, and 54 bits of angle.
METRNG_CHECKED metrng_status metrng_normal_double(metrng *session, double *out, size_t count,
                                                  double mean, double stdev);

// How Bernoulli bits are made. Both are exact in p to 2^-64. METRNG_FAST compares 64 samples at a
// time, bit by bit, until all are decided: about 7.4 bits a sample, 1 for p = 0.5.
// METRNG_FRUGAL takes about 2 bits a sample and is ten times slower: the position of the next 1 in
// the stream picks a binary digit of p.
typedef enum metrng_method { METRNG_FAST = 0, METRNG_FRUGAL = 1 } metrng_method;

// Bits that are 1 with probability p in [0, 1], 64 in a word from the lowest bit up; the unused
// bits of the last word are 0. `samples` is the number of bits.
METRNG_CHECKED metrng_status metrng_bernoulli_packed(metrng *session, uint64_t *out, size_t samples,
                                                     double p, metrng_method method);

// The same as bytes 0 and 1.
METRNG_CHECKED metrng_status metrng_bernoulli_bytes(metrng *session, uint8_t *out, size_t count,
                                                    double p, metrng_method method);

// Bytes 0 and 1 of which the i-th is 1 with probability p[i]: 32 bits are compared, and 64 more
// where those are equal, so that small probabilities are exact too.
METRNG_CHECKED metrng_status metrng_bernoulli_each(metrng *session, uint8_t *out, const float *p,
                                                   size_t count);

// A table for drawing categories by the alias method (A. J. Walker, 1977; M. D. Vose, IEEE Trans.
// Softw. Eng. 17, 1991). Immutable: any thread may use it, with any session.
typedef struct metrng_alias metrng_alias;

// Makes a table for `count` (1 ... 2^32 - 1) weights, which need not add up to 1. A weight of 0 is
// never drawn. INVALID_ARGUMENT for a weight that is negative, infinite or not a number, for no
// weights, and when all are 0. *table is NULL after an error; free with metrng_alias_free.
METRNG_CHECKED metrng_status metrng_alias_new(metrng_alias **table, const double *weights,
                                              size_t count);
METRNG_API void metrng_alias_free(metrng_alias *table);

// Indices of weights, each with a probability proportional to its weight, to a relative error of
// about 2^-52. A word gives one.
METRNG_CHECKED metrng_status metrng_categorical(metrng *session, const metrng_alias *table,
                                                int64_t *out, size_t count);

// The numbers 0 ... count - 1 in random order, all orders equally likely (Fisher and Yates, in the
// form of R. Durstenfeld, 1964); a word for each but the first.
METRNG_CHECKED metrng_status metrng_permutation(metrng *session, int64_t *out, size_t count);

#ifdef __cplusplus
}
#endif

#endif
