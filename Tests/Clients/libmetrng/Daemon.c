// SPDX-License-Identifier: Apache-2.0
//
// The daemon of the tests: a process of its own, which is this program started again. It speaks
// MEP/1 from its description and uses nothing of the library.

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "Check.h"

static struct daemon *shared;  // in the process of the daemon

// MARK: Messages

static void put(uint8_t *bytes, uint64_t value, int count) {
    for (int i = 0; i < count; i++) bytes[i] = (uint8_t)(value >> 8 * i);
}

static bool send_all(int connection, const void *bytes, size_t count) {
    size_t piece = shared->piece ? shared->piece : count;
    for (size_t done = 0; done < count;) {
        size_t part = count - done < piece ? count - done : piece;
        ssize_t sent = send(connection, (const char *)bytes + done, part, MSG_NOSIGNAL);
        if (sent < 0) return false;
        done += (size_t)sent;
    }
    return true;
}

static bool receive_all(int connection, void *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t got = recv(connection, (char *)bytes + done, count - done, 0);
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

static void write_header(uint8_t *header, uint8_t status, uint8_t grade, uint32_t length,
                         uint64_t tag, uint32_t number) {
    memset(header, 0, 24);
    header[0] = 1;
    header[1] = status;
    header[2] = number % 2 && shared->alternating ? shared->alternating : shared->provenance;
    header[3] = grade;
    put(header + 4, length, 4);
    put(header + 8, tag, 8);
    put(header + 16, shared->epoch + (shared->counts_epochs ? number : 0), 4);
}

// Sends a header with as many descriptors as a message can carry.
static bool send_with_descriptors(int connection, const uint8_t *header) {
    enum { COUNT = 253 };
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(COUNT * sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)header, 24};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control.room};
    control.head.cmsg_len = CMSG_LEN(COUNT * sizeof(int));
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    for (int i = 0; i < COUNT; i++)
        memcpy(CMSG_DATA(&control.head) + (size_t)i * sizeof(int), &connection, sizeof connection);
    return sendmsg(connection, &message, MSG_NOSIGNAL) == 24;
}

// MARK: READ

// Changes a header. False when the connection is closed after it.
static bool spoil(enum misdeed misdeed, uint8_t *header, uint32_t *length) {
    switch (misdeed) {
        case WRONG_VERSION:
            header[0] = 2;
            break;
        case WRONG_STATUS:
            header[1] = 6;
            break;
        case WRONG_PROVENANCE:
            header[2] = 4;
            break;
        case WRONG_GRADE:
            header[3] = 3;
            break;
        case OTHER_GRADE:
            header[3] ^= 1;
            break;
        case OTHER_TAG:
            header[8] ^= 1;
            break;
        case LONGER:
            put(header + 4, *length += 8, 4);
            break;
        case SHORTER:
            put(header + 4, *length -= 8, 4);
            break;
        case ENORMOUS:
            put(header + 4, 0xffffffff, 4);
            break;
        case REFUSAL_WITH_BYTES:
            header[1] = 1;
            break;
        case GARBAGE:
            memset(header, 0xa5, 24);
            break;
        case UNAVAILABLE:
            header[1] = 1;
            break;
        case BAD_REQUEST:
            header[1] = 2;
            return false;
        case DENIED:
            header[1] = 3;
            break;
        case OVER_QUOTA:
            header[1] = 4;
            return false;
        case SHUTTING_DOWN:
            header[1] = 5;
            return false;
        default:
            break;
    }
    return true;
}

static bool send_words(int connection, uint32_t length) {
    size_t count = (length + 7) / 8;
    uint64_t *words = malloc(count * 8),
             first = __atomic_fetch_add(&shared->served, count, __ATOMIC_SEQ_CST);
    for (size_t i = 0; i < count; i++) words[i] = word_of(first + i);
    bool is_sent = send_all(connection, words, length);
    free(words);
    return is_sent;
}

static bool answer_read(int connection, const uint8_t *request) {
    uint32_t length, number = __atomic_fetch_add(&shared->reads, 1, __ATOMIC_SEQ_CST);
    uint64_t tag;
    memcpy(&length, request + 4, 4);
    memcpy(&tag, request + 8, 8);
    if (request[3] & 1) __atomic_add_fetch(&shared->nonblocking, 1, __ATOMIC_SEQ_CST);
    if (request[3] & 2) __atomic_add_fetch(&shared->genuine, 1, __ATOMIC_SEQ_CST);
    uint32_t largest = __atomic_load_n(&shared->largest, __ATOMIC_SEQ_CST);
    if (length > largest) __atomic_store_n(&shared->largest, length, __ATOMIC_SEQ_CST);
    while (number >= __atomic_load_n(&shared->answers, __ATOMIC_SEQ_CST)) {
        struct pollfd poll_of = {.fd = connection, .events = POLLRDHUP};
        if (poll(&poll_of, 1, 5) > 0) return false;
    }
    bool is_now = number == shared->misdeed_at || (shared->always && number > shared->misdeed_at);
    enum misdeed misdeed = is_now ? shared->misdeed : HONEST;
    uint8_t header[24];
    write_header(header, 0, request[2], length, tag, number);
    if (misdeed >= UNAVAILABLE && misdeed <= SHUTTING_DOWN) {
        write_header(header, 0, request[2], 0, tag, number);
        bool goes_on = spoil(misdeed, header, &length);
        return send_all(connection, header, 24) && goes_on;
    }
    if (misdeed == CLOSES) return false;
    if (misdeed == CLOSES_IN_HEADER) return send_all(connection, header, 11) && false;
    if (misdeed == PASSES_DESCRIPTORS)
        return send_with_descriptors(connection, header) && send_words(connection, length);
    spoil(misdeed, header, &length);
    if (misdeed == TWICE && !send_all(connection, header, 24)) return false;
    if (misdeed == TWICE && !send_words(connection, length)) return false;
    if (!send_all(connection, header, 24)) return false;
    if (misdeed == CLOSES_IN_BODY) return send_words(connection, length / 2 + 3) && false;
    return send_words(connection, length);
}

// MARK: Connections

static bool answer_info(int connection, const uint8_t *request) {
    uint8_t header[24];
    size_t length = shared->misdeed == ENORMOUS_INFO ? 1048576 : strlen(shared->info);
    uint64_t tag;
    memcpy(&tag, request + 8, 8);
    write_header(header, 0, 0, (uint32_t)length, tag, 0);
    if (!send_all(connection, header, 24)) return false;
    return send_all(connection, shared->info, strlen(shared->info));
}

static bool answer_name(int connection, const uint8_t *request) {
    uint8_t header[24];
    if (request[4] > 64 || !receive_all(connection, shared->name, request[4])) return false;
    shared->name[request[4]] = 0;
    __atomic_add_fetch(&shared->names, 1, __ATOMIC_SEQ_CST);
    uint64_t tag;
    memcpy(&tag, request + 8, 8);
    write_header(header, 0, 0, shared->misdeed == NAME_WITH_BYTES ? 8 : 0, tag, 0);
    return send_all(connection, header, 24) && send_all(connection, "", 0);
}

static void *serve(void *argument) {
    int connection = (int)(intptr_t)argument;
    uint8_t request[16];
    bool goes_on = true;
    if (shared->misdeed == REFUSES_CONNECTIONS) {
        uint8_t header[24];
        write_header(header, 4, 0, 0, 0, 0);
        goes_on = send_all(connection, header, 24) && false;
    }
    while (goes_on && receive_all(connection, request, sizeof request)) {
        if (request[1] == 1)
            goes_on = answer_read(connection, request);
        else if (request[1] == 3)
            goes_on = answer_info(connection, request);
        else
            goes_on = request[1] == 4 && answer_name(connection, request);
    }
    close(connection);
    return NULL;
}

static void run_daemon(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, shared->path, sizeof shared->path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(shared->path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 256))
        _exit(3);
    __atomic_store_n(&shared->is_ready, true, __ATOMIC_SEQ_CST);
    for (;;) {
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_t thread;
        if (connection < 0) continue;
        __atomic_add_fetch(&shared->connections, 1, __ATOMIC_SEQ_CST);
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)connection) == 0)
            pthread_detach(thread);
    }
}

// MARK: From outside

void run_daemon_if_asked(int count, char **arguments) {
    if (count != 3 || strcmp(arguments[1], "--daemon") != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(arguments[2]), 0);
    if (shared == MAP_FAILED) _exit(2);
    run_daemon();
}

struct daemon *make_daemon(void) {
    int memory = memfd_create("daemon", 0);
    if (memory < 0 || ftruncate(memory, sizeof(struct daemon)) != 0) abort();
    struct daemon *daemon =
        mmap(NULL, sizeof *daemon, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (daemon == MAP_FAILED) abort();
    daemon->memory = memory;
    daemon->answers = UINT32_MAX;
    daemon->epoch = 7;
    snprintf(daemon->info, sizeof daemon->info, "{\"server\":\"test\"}");
    char folder[] = "/tmp/libmetrng-XXXXXX";
    if (!mkdtemp(folder)) abort();
    snprintf(daemon->path, sizeof daemon->path, "%s/entropy.sock", folder);
    return daemon;
}

void start_daemon(struct daemon *daemon) {
    char number[16];
    daemon->is_ready = false;
    snprintf(number, sizeof number, "%d", daemon->memory);
    pid_t process = fork();
    if (process == 0) {
        execl("/proc/self/exe", "libmetrng-test", "--daemon", number, (char *)NULL);
        _exit(127);
    }
    while (!__atomic_load_n(&daemon->is_ready, __ATOMIC_SEQ_CST)) {
        if (waitpid(process, NULL, WNOHANG) == process) abort();
        usleep(1000);
    }
    daemon->process = process;
}

void kill_daemon(struct daemon *daemon) {
    if (daemon->process == 0) return;
    kill(daemon->process, SIGKILL);
    waitpid(daemon->process, NULL, 0);
    daemon->process = 0;
}

void remove_daemon(struct daemon *daemon) {
    kill_daemon(daemon);
    unlink(daemon->path);
    *strrchr(daemon->path, '/') = 0;
    rmdir(daemon->path);
    close(daemon->memory);
    munmap(daemon, sizeof *daemon);
}
