// SPDX-License-Identifier: Apache-2.0

#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MAXIMUM_EVENTS = 256 };

int clinux_poll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int poll_control(int poll, int operation, int fd, bool readable, bool writable,
                        uint64_t token) {
    struct epoll_event event = {
        .events = (readable ? EPOLLIN | EPOLLRDHUP : 0u) | (writable ? EPOLLOUT : 0u),
        .data.u64 = token,
    };
    return epoll_ctl(poll, operation, fd, &event);
}

int clinux_poll_add(int poll, int fd, bool readable, bool writable, uint64_t token) {
    return poll_control(poll, EPOLL_CTL_ADD, fd, readable, writable, token);
}

int clinux_poll_change(int poll, int fd, bool readable, bool writable, uint64_t token) {
    return poll_control(poll, EPOLL_CTL_MOD, fd, readable, writable, token);
}

int clinux_poll_remove(int poll, int fd) { return epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL); }

int clinux_poll_wait(int poll, struct clinux_event *events, int capacity,
                     int timeout_milliseconds) {
    struct epoll_event reports[MAXIMUM_EVENTS];
    if (capacity < 1 || capacity > MAXIMUM_EVENTS) {
        errno = EINVAL;
        return -1;
    }
    int count = epoll_wait(poll, reports, capacity, timeout_milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -1;
    for (int i = 0; i < count; i++) {
        uint32_t ready = reports[i].events;
        events[i] = (struct clinux_event){
            .token = reports[i].data.u64,
            .readable = (ready & (EPOLLIN | EPOLLRDHUP)) != 0,
            .writable = (ready & EPOLLOUT) != 0,
            .hung_up = (ready & (EPOLLHUP | EPOLLERR)) != 0,
        };
    }
    return count;
}

int clinux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int clinux_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static int make_address(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return 0;
}

static int close_keeping_errno(int fd) {
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

int clinux_change_mode(const char *path, mode_t mode) {
    return fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW);
}

int clinux_unix_listen(const char *path, mode_t mode, int backlog) {
    struct sockaddr_un address;
    if (make_address(path, &address) < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    // The mode of the socket file comes from the descriptor's mode and the umask, so that there is
    // no moment at which the file is there with wider permissions; chmod then undoes the umask.
    if (fchmod(fd, mode) < 0) return close_keeping_errno(fd);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return close_keeping_errno(fd);
    if (clinux_change_mode(path, mode) < 0 || listen(fd, backlog) < 0) {
        int reason = errno;
        unlink(path);
        errno = reason;
        return close_keeping_errno(fd);
    }
    return fd;
}

// Whether an option of a socket has this value.
static int expect_option(int fd, int option, int value) {
    int found = 0;
    socklen_t length = sizeof found;
    if (getsockopt(fd, SOL_SOCKET, option, &found, &length) < 0) return -1;
    if (found == value) return 0;
    errno = EINVAL;
    return -1;
}

int clinux_unix_adopt(int fd, char *path, size_t capacity) {
    if (expect_option(fd, SO_DOMAIN, AF_UNIX) < 0 || expect_option(fd, SO_TYPE, SOCK_STREAM) < 0 ||
        expect_option(fd, SO_ACCEPTCONN, 1) < 0)
        return -1;
    struct sockaddr_un address;
    // One byte less than there is, so that a path of the longest kind is terminated.
    memset(&address, 0, sizeof address);
    socklen_t length = sizeof address - 1;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return -1;
    snprintf(path, capacity, "%s", address.sun_path);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int clinux_unix_connect(const char *path, bool waits) {
    struct sockaddr_un address;
    if (make_address(path, &address) < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0);
    if (fd < 0) return -1;
    int result;
    do {
        result = connect(fd, (struct sockaddr *)&address, sizeof address);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? close_keeping_errno(fd) : fd;
}

int clinux_unix_datagram(void) {
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // As much room as the system allows.
    int room = 8 << 20;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    return fd;
}

ssize_t clinux_unix_send_to(int fd, const char *path, const void *bytes, size_t count) {
    struct sockaddr_un address;
    if (make_address(path, &address) < 0) return -1;
    socklen_t length = sizeof address;
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
        length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    }
    return sendto(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address,
                  length);
}

size_t clinux_unix_path_limit(void) { return sizeof(((struct sockaddr_un *)0)->sun_path) - 1; }

int clinux_peer_credentials(int fd, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -1;
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return 0;
}

int clinux_peer_groups(int fd, gid_t *groups, size_t capacity) {
    socklen_t length = (socklen_t)(capacity * sizeof *groups);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0) return -1;
    return (int)(length / sizeof *groups);
}

ssize_t clinux_send_two(int fd, const void *first, size_t first_bytes, const void *second,
                        size_t second_bytes) {
    // An iovec cannot say that its memory is only read.
    struct iovec pieces[2] = {{(void *)(uintptr_t)first, first_bytes},
                              {(void *)(uintptr_t)second, second_bytes}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// The room for the control data of one descriptor, aligned as its header has to be. Because of that
// alignment two descriptors fit; the kernel closes those that do not.
union descriptor_room {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

ssize_t clinux_send_with_descriptor(int fd, const void *bytes, size_t count, int descriptor) {
    union descriptor_room room = {0};
    struct iovec piece = {(void *)(uintptr_t)bytes, count};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = sizeof room.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Appends the descriptors of the control data of a message to those found before.
static void take_descriptors(const struct cmsghdr *header, int *descriptors, size_t *found) {
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(descriptors + *found, CMSG_DATA(header), count * sizeof(int));
    *found += count;
}

ssize_t clinux_receive_with_descriptors(int fd, void *bytes, size_t count, int *descriptors,
                                        size_t *found) {
    union {
        char bytes[CMSG_SPACE(CLINUX_MAXIMUM_PASSED * sizeof(int))];
        struct cmsghdr align;
    } room;
    struct iovec piece = {bytes, count};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = sizeof room.bytes};
    *found = 0;
    ssize_t received = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (received < 0) return -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            take_descriptors(header, descriptors, found);
    }
    return received;
}

bool clinux_refuse_descriptors(int fd) {
    // Newer than the headers of most systems: Linux 6.16.
    enum { PASS_RIGHTS = 83 };
    const int no = 0;
    return setsockopt(fd, SOL_SOCKET, PASS_RIGHTS, &no, sizeof no) == 0;
}

static void ignore(int signal) { (void)signal; }

int clinux_close_without_lingering(int fd) {
    // Ends a wait of close, which the kernel takes up no more then, every so often until it has
    // returned.
    const struct itimerspec often = {{0, CLINUX_LINGER_NANOSECONDS},
                                     {0, CLINUX_LINGER_NANOSECONDS}};
    const struct sigaction action = {.sa_handler = ignore};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
    event._sigev_un._tid = gettid();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    timer_t timer;
    bool is_timed = sigaction(SIGRTMIN, &action, NULL) == 0 &&
                    timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    if (is_timed) {
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        timer_settime(timer, 0, &often, NULL);
    }
    int result = close(fd);
    if (is_timed) {
        timer_delete(timer);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
    }
    return result;
}

void *clinux_memory_map(size_t bytes, bool lock) {
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return NULL;
    if (madvise(pages, bytes, MADV_DONTDUMP) < 0 || madvise(pages, bytes, MADV_WIPEONFORK) < 0 ||
        (lock && mlock(pages, bytes) < 0)) {
        int reason = errno;
        munmap(pages, bytes);
        errno = reason;
        return NULL;
    }
    return pages;
}

void clinux_memory_unmap(void *pages, size_t bytes) {
    clinux_wipe(pages, bytes);
    munmap(pages, bytes);
}

int clinux_signalfd(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int clinux_read_signal(int fd) {
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : -1;
}

int clinux_terminal_size(int fd, int *rows, int *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

void clinux_keep_stack_from_dumps(void) {
    pthread_attr_t attributes;
    void *stack;
    size_t bytes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
    if (pthread_attr_getstack(&attributes, &stack, &bytes) == 0)
        madvise(stack, bytes, MADV_DONTDUMP);
    pthread_attr_destroy(&attributes);
}

int clinux_entropy_add(int fd, void *message, size_t count, size_t bits) {
    enum { LIMIT = 1 << 20 };
    _Static_assert(CLINUX_ENTROPY_HEAD == sizeof(struct rand_pool_info), "as in linux/random.h");
    if (count > LIMIT || bits > 8 * count) {
        errno = EINVAL;
        return -1;
    }
    struct rand_pool_info *head = message;
    head->entropy_count = (int)bits;
    head->buf_size = (int)count;
    return ioctl(fd, RNDADDENTROPY, head);
}

void clinux_wipe(void *memory, size_t bytes) { explicit_bzero(memory, bytes); }

void clinux_prepare_standard_streams(void) {
    // Descriptors are given out from 0 up, so that each of the three is the next one when it is
    // free. Opened the wrong way round: using one gives EBADF, as for a closed stream.
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
    signal(SIGPIPE, SIG_IGN);
}

void clinux_restore_fatal_signals(void) {
    static const int signals[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_DFL);
}

// C libraries of Linux give constructors what they give to main; Swift's main does not pass it on.
static char *no_arguments[] = {NULL};
static char *const *arguments = no_arguments;

__attribute__((constructor)) static void keep_arguments(int count, char **values) {
    if (count > 0 && values != NULL) arguments = values;
}

char *const *clinux_arguments(void) { return arguments; }
