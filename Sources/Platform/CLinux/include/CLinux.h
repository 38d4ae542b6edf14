// SPDX-License-Identifier: Apache-2.0
//
// The Linux calls that Swift's Glibc module does not carry: epoll, accept4, SO_PEERCRED,
// SCM_RIGHTS, eventfd, Unix socket addresses and locked memory.
//
// Conventions, for every call below unless it says otherwise:
// - the result is >= 0 (or a non-NULL pointer) on success and -1 (or NULL) with errno set on
// failure;
// - any thread may call; nothing here keeps state of its own;
// - a descriptor that is returned is owned by the caller, is close-on-exec, and is non-blocking
//   where its comment says so.

#ifndef CLINUX_H
#define CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// One readiness report: the token given at registration and what the descriptor is ready for.
struct clinux_event {
    uint64_t token;
    bool readable;  // data, or an end of file, or a connection to accept
    bool writable;
    bool hung_up;  // the peer is gone in both directions, or the descriptor is in error
};

// An epoll descriptor.
int clinux_poll_create(void);

// Registers fd, or changes what an already registered fd is watched for. Watching for nothing still
// reports hung_up (the kernel always does).
int clinux_poll_add(int poll, int fd, bool readable, bool writable, uint64_t token);
int clinux_poll_change(int poll, int fd, bool readable, bool writable, uint64_t token);
int clinux_poll_remove(int poll, int fd);

// Waits for up to `capacity` (1 ... 256) reports, at most timeout_milliseconds (-1: for ever).
// Returns how many were written to `events`; 0 on a time-out or an interrupting signal.
int clinux_poll_wait(int poll, struct clinux_event *events, int capacity, int timeout_milliseconds);

// A non-blocking eventfd counter that starts at 0.
int clinux_eventfd(void);

// The next waiting connection of a listening socket, non-blocking. EAGAIN when there is none.
int clinux_accept(int listener);

// Changes the permission bits of a file. Follows no link, which a user that may write in the
// directory could have put in the place of the file: fails with EOPNOTSUPP for one.
int clinux_change_mode(const char *path, mode_t mode);

// A stream socket bound to `path` and listening, non-blocking. `mode` is applied to the socket file
// before anybody can connect. Fails with EADDRINUSE when the path exists.
int clinux_unix_listen(const char *path, mode_t mode, int backlog);

// Makes a descriptor that is a listening local stream socket non-blocking and close-on-exec, and
// writes where it is bound to `path`, of `capacity` bytes; an empty string for a socket without a
// path. The descriptor stays the caller's. Fails with ENOTSOCK or EINVAL when it is something else.
int clinux_unix_adopt(int fd, char *path, size_t capacity);

// A stream socket connected to `path`. With `waits` it blocks, and so does the call while as many
// connections wait to be accepted as the listener allows; without, it does not, and then fails with
// EAGAIN.
int clinux_unix_connect(const char *path, bool waits);

// A datagram socket without an address, non-blocking, with room for many datagrams.
int clinux_unix_datagram(void);

// Sends a datagram to the socket at `path`, without waiting; a path that begins with '@' is an
// abstract name. Returns how many bytes were taken: all or, with EAGAIN, none.
ssize_t clinux_unix_send_to(int fd, const char *path, const void *bytes, size_t count);

// The longest path, in bytes without the terminating NUL, that a Unix socket can have.
size_t clinux_unix_path_limit(void);

// The peer of a connected Unix socket, as the kernel recorded it at connect time.
int clinux_peer_credentials(int fd, pid_t *pid, uid_t *uid, gid_t *gid);

// The supplementary groups of the peer's process when it connected. Returns how many were
// written, at most `capacity`; -1 with errno ERANGE when there are more.
int clinux_peer_groups(int fd, gid_t *groups, size_t capacity);

// Sends two pieces of memory as one message, without waiting and without SIGPIPE. Either may be
// empty, not both. Returns how many bytes of the two together were taken.
ssize_t clinux_send_two(int fd, const void *first, size_t first_bytes, const void *second,
                        size_t second_bytes);

// Sends `count` bytes (at least 1) and, with the first of them, a copy of `descriptor`, without
// waiting and without SIGPIPE. Returns how many bytes were taken; the descriptor went if any did.
ssize_t clinux_send_with_descriptor(int fd, const void *bytes, size_t count, int descriptor);

enum {
    CLINUX_MAXIMUM_PASSED = 253,             // descriptors that one message can carry (SCM_MAX_FD)
    CLINUX_LINGER_NANOSECONDS = 5 * 1000000  // what clinux_close_without_lingering waits
};

// Receives up to `count` bytes without waiting, and the descriptors that came with them into
// `descriptors`, which has room for CLINUX_MAXIMUM_PASSED; `found` is how many. Returns 0 at the
// end of the stream.
ssize_t clinux_receive_with_descriptors(int fd, void *bytes, size_t count, int *descriptors,
                                        size_t *found);

// Has the kernel refuse descriptors to those who send them to a local socket, or to the connections
// of a listening one. Returns whether it does: Linux does from 6.16 on.
bool clinux_refuse_descriptors(int fd);

// Closes fd. A close that waits, as that of a TCP socket with unsent data may (SO_LINGER), is cut
// short. For one thread at a time, which is there for nothing else: it has SIGRTMIN delivered to
// the calling thread, with a handler that does nothing.
int clinux_close_without_lingering(int fd);

// Anonymous zeroed pages, left out of core dumps and wiped in forked children. With `lock`, also
// never written to swap; fails with ENOMEM or EPERM when RLIMIT_MEMLOCK does not allow it. The
// caller owns the pages and gives them back with clinux_memory_unmap, which wipes them first.
void *clinux_memory_map(size_t bytes, bool lock);
void clinux_memory_unmap(void *pages, size_t bytes);

// A non-blocking signalfd for the `count` signals in `signals`, which are blocked in the calling
// thread; threads made afterwards inherit that.
int clinux_signalfd(const int *signals, size_t count);

// The next signal that reached a signalfd; EAGAIN when there is none.
int clinux_read_signal(int fd);

// The size of the terminal at `fd`, in characters; 0 when the terminal does not know. ENOTTY when
// there is none.
int clinux_terminal_size(int fd, int *rows, int *columns);

// Names the calling thread, for `top -H` and debuggers; at most 15 bytes are kept.
void clinux_name_thread(const char *name);

// Keeps the stack of the calling thread out of core dumps: registers with bits are saved there. Not
// for the main thread, whose stack grows.
void clinux_keep_stack_from_dumps(void);

// Keeps the numbers of standard streams that are closed from being given to other files, and
// ignores SIGPIPE: writing to a pipe that nobody reads any more fails with EPIPE instead.
void clinux_prepare_standard_streams(void);

// How many bytes the head of a contribution to the kernel's generator takes.
enum { CLINUX_ENTROPY_HEAD = 2 * sizeof(int) };

// Mixes `count` bytes (0 ... 2^20) into the kernel's generator, of which `fd` is the device
// /dev/random, and credits it with `bits` of entropy. `message` belongs to the caller: room for a
// head of CLINUX_ENTROPY_HEAD bytes, aligned as an int, which is written here, and then the bytes,
// of which no copy is made in this process. EPERM without CAP_SYS_ADMIN; EINVAL for a count that is
// too large and for more bits than 8 a byte.
int clinux_entropy_add(int fd, void *message, size_t count, size_t bits);

// The arguments of the process, as it was started: the first is its name, a NULL follows the last.
// They do not depend on /proc.
char *const *clinux_arguments(void);

// Zeroes memory in a way the compiler may not leave out.
void clinux_wipe(void *memory, size_t bytes);

// Gives the signals by which a process dies of its own errors their default action. Swift's runtime
// may have set handlers that print registers and memory and delay the end.
void clinux_restore_fatal_signals(void);

#endif
