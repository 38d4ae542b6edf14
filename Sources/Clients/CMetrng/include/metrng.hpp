// SPDX-License-Identifier: Apache-2.0
//
// libmetrng for C++17: sessions that close themselves, exceptions, and a generator for the
// distributions of <random>. metrng.h says what the calls do.
//
//     metrngxx::session session;
//     metrngxx::generator generator(session);
//     std::shuffle(cards.begin(), cards.end(), generator);

#ifndef METRNG_HPP
#define METRNG_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "metrng.h"

namespace metrngxx {

// A call that failed: the message of metrng_error, and the status.
class error : public std::runtime_error {
   public:
    error(metrng_status status, const std::string &message)
        : std::runtime_error(message), status_(status) {}
    metrng_status status() const noexcept { return status_; }

   private:
    metrng_status status_;
};

// Throws the error of the call that has just failed on this thread.
inline void check(metrng_status status) {
    if (status == METRNG_OK) return;
    char message[512];
    metrng_error(message, sizeof message);
    throw error(status, message);
}

// The settings of a session, with the defaults of the library.
inline metrng_options default_options() noexcept { return METRNG_OPTIONS_INIT; }

// A table of categories for session::categorical. Immutable; may be shared by threads.
class categories {
   public:
    explicit categories(const std::vector<double> &weights) {
        metrng_alias *table = nullptr;
        check(metrng_alias_new(&table, weights.data(), weights.size()));
        table_.reset(table);
    }
    const metrng_alias *get() const noexcept { return table_.get(); }

   private:
    struct free_table {
        void operator()(metrng_alias *table) const noexcept { metrng_alias_free(table); }
    };
    std::unique_ptr<metrng_alias, free_table> table_;
};

// A session. It can be moved, and not copied: bits have one owner. Threads may share it.
class session {
   public:
    // Connects to the daemon.
    explicit session(const metrng_options &options = default_options()) {
        ::metrng *opened = nullptr;
        check(metrng_open(&opened, &options));
        handle_.reset(opened);
    }

    // Replays a recording; the descriptor stays the caller's.
    static session replay(int descriptor, const metrng_options &options = default_options()) {
        ::metrng *opened = nullptr;
        check(metrng_open_replay(&opened, descriptor, &options));
        return session(opened);
    }

    ::metrng *get() const noexcept { return handle_.get(); }

    void read(void *bytes, std::size_t count) { check(metrng_read(get(), bytes, count)); }
    std::uint64_t word() {
        std::uint64_t word;
        check(metrng_words(get(), &word, 1));
        return word;
    }
    void words(std::uint64_t *out, std::size_t count) { check(metrng_words(get(), out, count)); }

    void uniform(float *out, std::size_t count) { check(metrng_uniform_float(get(), out, count)); }
    void uniform(double *out, std::size_t count) {
        check(metrng_uniform_double(get(), out, count));
    }
    void normal(float *out, std::size_t count, float mean = 0, float stdev = 1) {
        check(metrng_normal_float(get(), out, count, mean, stdev));
    }
    void normal(double *out, std::size_t count, double mean = 0, double stdev = 1) {
        check(metrng_normal_double(get(), out, count, mean, stdev));
    }
    void integers(std::uint64_t *out, std::size_t count, std::uint64_t bound) {
        check(metrng_integers(get(), out, count, bound));
    }
    void bernoulli(std::uint64_t *out, std::size_t samples, double p,
                   metrng_method method = METRNG_FAST) {
        check(metrng_bernoulli_packed(get(), out, samples, p, method));
    }
    void bernoulli(std::uint8_t *out, std::size_t count, double p,
                   metrng_method method = METRNG_FAST) {
        check(metrng_bernoulli_bytes(get(), out, count, p, method));
    }
    void bernoulli(std::uint8_t *out, const float *p, std::size_t count) {
        check(metrng_bernoulli_each(get(), out, p, count));
    }
    void categorical(const categories &table, std::int64_t *out, std::size_t count) {
        check(metrng_categorical(get(), table.get(), out, count));
    }
    void permutation(std::int64_t *out, std::size_t count) {
        check(metrng_permutation(get(), out, count));
    }

    // Records consumed words from here on; -1 ends the recording.
    void record(int descriptor) { check(metrng_record(get(), descriptor)); }

    metrng_origin origin() const {
        metrng_origin origin;
        check(metrng_get_origin(get(), &origin));
        return origin;
    }
    metrng_report report() const {
        metrng_report report;
        check(metrng_get_report(get(), &report, sizeof report));
        return report;
    }

    // The JSON object in which the daemon describes itself.
    std::string info() {
        std::string json(4096, '\0');
        for (;;) {
            std::size_t needed = 0;
            check(metrng_info(get(), &json[0], json.size(), &needed));
            if (needed < json.size()) {
                json.resize(needed);
                return json;
            }
            json.resize(needed + 1);
        }
    }

   private:
    explicit session(::metrng *opened) noexcept : handle_(opened) {}

    struct close_session {
        void operator()(::metrng *handle) const noexcept { metrng_close(handle); }
    };
    std::unique_ptr<::metrng, close_session> handle_;
};

// A UniformRandomBitGenerator over a session, which must outlive it. Copies draw from the same
// session and never get the same bits. Throws error where the session fails.
class generator {
   public:
    using result_type = std::uint64_t;
    explicit generator(session &source) noexcept : session_(source.get()) {}
    static constexpr result_type min() noexcept { return 0; }
    static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }
    result_type operator()() {
        result_type word;
        check(metrng_words(session_, &word, 1));
        return word;
    }

   private:
    ::metrng *session_;
};

}  // namespace metrngxx

#endif
