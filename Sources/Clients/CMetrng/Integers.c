// SPDX-License-Identifier: Apache-2.0

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "Internal.h"
#include "Transforms.h"

__extension__ typedef unsigned __int128 wide;

static inline uint64_t take(uint64_t **next) {
    uint64_t word = **next;
    *(*next)++ = 0;
    return word;
}

// MARK: Bounded integers
//
// D. Lemire, "Fast random integer generation in an interval", ACM TOMACS 29, 2019: the upper half
// of word * bound, unless the lower half is one of 2^64 mod bound values that would be drawn too
// often.

// Whether a product is one of those.
static inline bool is_rejected(uint64_t low, uint64_t bound) {
    return low < bound && low < -bound % bound;
}

size_t metrngi_integers(uint64_t bound, uint64_t **next, const uint64_t *end, uint64_t *out,
                        size_t count) {
    size_t done = 0;
    while (done < count && *next != end) {
        uint64_t word = take(next);
        wide product = (wide)word * bound;
        if (bound == 0)
            out[done++] = word;
        else if (!is_rejected((uint64_t)product, bound))
            out[done++] = (uint64_t)(product >> 64);
    }
    return done;
}

size_t metrngi_shuffle(uint64_t **next, const uint64_t *end, int64_t *elements, size_t left) {
    while (left > 1 && *next != end) {
        wide product = (wide)take(next) * left;
        if (is_rejected((uint64_t)product, left)) continue;
        size_t chosen = (size_t)(product >> 64);
        int64_t moved = elements[--left];
        elements[left] = elements[chosen];
        elements[chosen] = moved;
    }
    return left;
}

// MARK: Categories
//
// The alias method: a table with a column of the same width for each category, of which a part up
// to `threshold` / 2^64 belongs to the category itself and the rest to one other.

struct column {
    uint64_t threshold;
    uint32_t alias;
};

struct metrng_alias {
    uint64_t count;
    struct column columns[];
};

// `category` with the part `share` of its column, the rest to `other`. A whole column is the
// category's own twice over, which is exact.
static struct column column_of(double share, uint32_t category, uint32_t other) {
    if (share >= 1) return (struct column){0, category};
    if (!(share > 0)) return (struct column){0, other};
    return (struct column){(uint64_t)(share * 0x1p64), other};
}

// M. D. Vose, IEEE Trans. Softw. Eng. 17, 1991. `shares` are in units of a column; `lists` has room
// for as many numbers: those of columns with less than their share from the start, the others from
// the end. `likeliest` takes what rounding leaves of columns of weight 0.
static void fill_columns(struct metrng_alias *table, double *shares, uint32_t *lists,
                         const double *weights, uint32_t likeliest) {
    size_t count = table->count, small = 0, large = count;
    for (size_t i = 0; i < count; i++) lists[shares[i] < 1 ? small++ : --large] = (uint32_t)i;
    while (small > 0 && large < count) {
        uint32_t low = lists[--small], high = lists[large];
        table->columns[low] = column_of(shares[low], low, high);
        shares[high] -= 1 - shares[low];
        if (shares[high] < 1) {
            large++;
            lists[small++] = high;
        }
    }
    while (large < count) table->columns[lists[large]] = column_of(1, lists[large], 0), large++;
    while (small > 0) {
        uint32_t left = lists[--small];
        table->columns[left] = column_of(1, weights[left] > 0 ? left : likeliest, 0);
    }
}

static metrng_status check_weights(const double *weights, size_t count, size_t *likeliest) {
    if (count == 0 || count > UINT32_MAX)
        return metrngi_fail(METRNG_INVALID_ARGUMENT,
                            "a table has 1 ... 4294967295 weights, not %zu", count);
    for (size_t i = 0; i < count; i++) {
        if (!(weights[i] >= 0) || isinf(weights[i]))
            return metrngi_fail(METRNG_INVALID_ARGUMENT,
                                "weight %zu is %g; weights are finite and not negative", i,
                                weights[i]);
        if (weights[i] > weights[*likeliest]) *likeliest = i;
    }
    if (weights[*likeliest] > 0) return METRNG_OK;
    return metrngi_fail(METRNG_INVALID_ARGUMENT, "all weights are 0; one must be positive");
}

metrng_status metrng_alias_new(metrng_alias **table, const double *weights, size_t count) {
    size_t likeliest = 0;
    *table = NULL;
    metrng_status status = check_weights(weights, count, &likeliest);
    if (status != METRNG_OK) return status;
    metrng_alias *made = malloc(sizeof *made + count * sizeof made->columns[0]);
    double *shares = malloc(count * sizeof *shares), sum = 0;
    uint32_t *lists = malloc(count * sizeof *lists);
    if (made && shares && lists) {
        // Against the largest, so that the sum is finite.
        for (size_t i = 0; i < count; i++) sum += shares[i] = weights[i] / weights[likeliest];
        for (size_t i = 0; i < count; i++) shares[i] *= (double)count / sum;
        made->count = count;
        fill_columns(made, shares, lists, weights, (uint32_t)likeliest);
        *table = made;
    } else {
        free(made);
        status = metrngi_fail_plainly(METRNG_NO_MEMORY);
    }
    free(shares);
    free(lists);
    return status;
}

void metrng_alias_free(metrng_alias *table) { free(table); }

// The lower half of a * b; the upper half to *high.
static inline uint64_t multiply(uint64_t a, uint64_t b, uint64_t *high) {
#if defined(__x86_64__) && !defined(__clang__)
    // gcc keeps the halves of a wide product in memory.
    uint64_t low;
    __asm__("mulq %3" : "=a"(low), "=d"(*high) : "%0"(a), "rm"(b) : "cc");
    return low;
#else
    wide product = (wide)a * b;
    *high = (uint64_t)(product >> 64);
    return (uint64_t)product;
#endif
}

// Words are taken a few at a time, so that they are in the nearest cache when they are zeroed.
enum { CATEGORIES_AT_ONCE = 256 };

size_t metrngi_categorical(const struct metrng_alias *table, uint64_t **next, const uint64_t *end,
                           int64_t *out, size_t count) {
    const struct column *columns = table->columns;
    const uint64_t width = table->count;
    if (count > (size_t)(end - *next)) count = (size_t)(end - *next);
    for (size_t done = 0; done < count;) {
        size_t last = count - done < CATEGORIES_AT_ONCE ? count : done + CATEGORIES_AT_ONCE;
        uint64_t *words = *next;
        for (; done < last; done++, words++) {
            uint64_t index, place = multiply(*words, width, &index);
            const struct column *column = &columns[index];
            // Loaded before the choice, so that it needs no branch, which nothing could predict.
            uint64_t alias = column->alias, threshold = column->threshold;
            __asm__("" : "+r"(alias));
            out[done] = (int64_t)(place < threshold ? index : alias);
        }
        memset(*next, 0, (size_t)(words - *next) * 8);
        *next = words;
    }
    return count;
}
