// SPDX-License-Identifier: Apache-2.0
//
// The header for C++: ownership, exceptions, and distributions of <random> over the generator.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <thread>
#include <type_traits>

#include "Check.h"
#include "metrng.hpp"

static_assert(!std::is_copy_constructible<metrngxx::session>::value, "bits have one owner");
static_assert(std::is_nothrow_move_constructible<metrngxx::session>::value, "");
static_assert(metrngxx::generator::min() == 0 && metrngxx::generator::max() == UINT64_MAX, "");

static struct daemon *daemon_of_tests;

static metrng_options options() {
    metrng_options options = metrngxx::default_options();
    options.path = daemon_of_tests->path;
    options.reconnect_seconds = 0;
    return options;
}

// The status of what `call` throws.
template <typename Call>
static metrng_status thrown(Call call) {
    try {
        call();
    } catch (const metrngxx::error &error) {
        CHECK(std::string(error.what()).size() > 10);
        return error.status();
    }
    return METRNG_OK;
}

static void sessions_move() {
    metrngxx::session first(options());
    metrngxx::session second = std::move(first);
    CHECK(first.get() == nullptr);
    CHECK(second.word() == word_of(0));
    CHECK(second.origin().provenance == METRNG_HARDWARE && second.report().bytes_used == 8);
    CHECK(second.info() == daemon_of_tests->info);
}

static void everything_can_be_drawn() {
    metrngxx::session session(options());
    std::array<float, 100> floats;
    std::array<double, 100> doubles;
    std::array<std::uint64_t, 100> integers;
    std::array<std::uint8_t, 100> bytes;
    std::array<std::int64_t, 100> numbers;
    floats.fill(0.5f);
    session.bernoulli(bytes.data(), floats.data(), 100);
    session.uniform(floats.data(), 100);
    session.uniform(doubles.data(), 100);
    session.normal(floats.data(), 100);
    session.normal(doubles.data(), 100, 5, 0);
    CHECK(doubles[50] == 5);
    session.integers(integers.data(), 100, 10);
    CHECK(*std::max_element(integers.begin(), integers.end()) < 10);
    session.bernoulli(integers.data(), 640, 0.25);
    session.bernoulli(bytes.data(), 100, 1, METRNG_FRUGAL);
    CHECK(std::accumulate(bytes.begin(), bytes.end(), 0) == 100);
    session.categorical(metrngxx::categories({0, 1}), numbers.data(), 100);
    CHECK(std::accumulate(numbers.begin(), numbers.end(), 0L) == 100);
    session.permutation(numbers.data(), 100);
    CHECK(std::accumulate(numbers.begin(), numbers.end(), 0L) == 4950);
    session.read(bytes.data(), 3);
    session.words(integers.data(), 3);
}

static void distributions_take_a_generator() {
    metrngxx::session session(options());
    metrngxx::generator generator(session);
    std::normal_distribution<double> normal;
    double sum = 0;
    for (int i = 0; i < 10000; i++) sum += normal(generator);
    CHECK(std::abs(sum) < 500);
    std::vector<int> cards(52);
    std::iota(cards.begin(), cards.end(), 0);
    std::shuffle(cards.begin(), cards.end(), generator);
    CHECK(!std::is_sorted(cards.begin(), cards.end()));
    metrngxx::generator copy = generator;
    CHECK(copy() != generator());
}

static void failures_are_thrown() {
    metrng_options nowhere = options();
    nowhere.path = "/nowhere/entropy.sock";
    CHECK(thrown([&] { metrngxx::session session(nowhere); }) == METRNG_UNREACHABLE);
    CHECK(thrown([] { metrngxx::categories none({0, 0}); }) == METRNG_INVALID_ARGUMENT);
    metrngxx::session session(options());
    std::uint64_t bits;
    CHECK(thrown([&] { session.bernoulli(&bits, 64, 1.5); }) == METRNG_INVALID_ARGUMENT);
    CHECK(thrown([&] { session.origin(); }) == METRNG_UNAVAILABLE);
    kill_daemon(daemon_of_tests);
    CHECK(thrown([&] { session.word(); }) == METRNG_DISCONNECTED);
    start_daemon(daemon_of_tests);
    CHECK(thrown([&] { session.word(); }) == METRNG_OK);
}

static void recordings_are_replayed() {
    int recording = memfd_create("recording", 0);
    metrngxx::session session(options());
    session.record(recording);
    std::uint64_t word = session.word();
    session.record(-1);
    CHECK(lseek(recording, 0, SEEK_SET) == 0);
    metrngxx::session again = metrngxx::session::replay(recording);
    CHECK(again.word() == word && again.origin().provenance == METRNG_REPLAY);
    CHECK(thrown([&] { again.word(); }) == METRNG_RECORDING_ENDED);
    close(recording);
}

int main(int count, char **arguments) {
    run_daemon_if_asked(count, arguments);
    daemon_of_tests = make_daemon();
    start_daemon(daemon_of_tests);
    static const struct test tests[] = {
        {"sessions_move", sessions_move},
        {"everything_can_be_drawn", everything_can_be_drawn},
        {"distributions_take_a_generator", distributions_take_a_generator},
        {"failures_are_thrown", failures_are_thrown},
        {"recordings_are_replayed", recordings_are_replayed},
        {nullptr, nullptr},
    };
    int status = run_tests(count, arguments, tests);
    remove_daemon(daemon_of_tests);
    return status;
}
