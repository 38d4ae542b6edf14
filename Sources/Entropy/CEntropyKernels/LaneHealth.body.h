// SPDX-License-Identifier: Apache-2.0

// As many lanes of a row as fit in a register of the path. What is done to lanes is done to one
// column of them after another, so that the counts stay in registers.
typedef uint64_t PATH(column) __attribute__((vector_size(CK_VECTOR_BYTES)));
#define column PATH(column)
#define COLUMN_WORDS (CK_VECTOR_BYTES / sizeof(uint64_t))

#define READ(p)                              \
    ({                                       \
        column value_;                       \
        memcpy(&value_, (p), sizeof value_); \
        value_;                              \
    })
#define WRITE(p, v)                          \
    do {                                     \
        column value_ = (v);                 \
        memcpy((p), &value_, sizeof value_); \
    } while (0)

// Adds a + b + c in every lane: the sum bit replaces `a`, the carry is the value.
#if CK_VECTOR_BYTES == 64
// Any function of three bits is one instruction.
#define CARRY_SAVE(a, b, c)                  \
    ({                                       \
        column a_ = (a), b_ = (b), c_ = (c); \
        (a) = a_ ^ b_ ^ c_;                  \
        (a_ & b_) | (c_ & (a_ | b_));        \
    })
#else
#define CARRY_SAVE(a, b, c)                          \
    ({                                               \
        column b_ = (b), c_ = (c), half_ = (a) ^ b_; \
        column carry_ = ((a)&b_) | (half_ & c_);     \
        (a) = half_ ^ c_;                            \
        carry_;                                      \
    })
#endif

// What is counted of a row.
struct PATH(counted) {
    enum counted_kind kind;
    // COUNT_DIFFERENCES, COUNT_ROTATED: the other bit is `rotation` places lower in the word `back`
    // words before.
    size_t back;
    unsigned rotation;
    // COUNT_DISSENT: a row's majority is one when more than `half` of it are.
    const uint16_t *row_ones;
    uint32_t half;
};

CK_INLINE column PATH(bits_of)(struct PATH(counted) what, const uint64_t *row, size_t shot) {
    column bits = READ(row);
    if (what.kind == COUNT_ONES) return bits;
    if (what.kind == COUNT_DISSENT)
        return bits ^ (what.row_ones[shot] > what.half ? ~UINT64_C(0) : UINT64_C(0));
    column other = READ(row - what.back);
    if (what.kind == COUNT_ROTATED) other = other << what.rotation | other >> (64 - what.rotation);
    return bits ^ other;
}

// Harley-Seal: 16 rows go through a tree of 15 carry-save adders into the planes 0 to 3, and one
// carry of weight 16, which is the value.
CK_INLINE column PATH(count_sixteen)(struct PATH(counted) what, const uint64_t *rows, size_t stride,
                                     size_t shot, column *plane) {
#define ROW(i) PATH(bits_of)(what, rows + (i)*stride, shot + (i))
    column twos_a = CARRY_SAVE(plane[0], ROW(0), ROW(1));
    column twos_b = CARRY_SAVE(plane[0], ROW(2), ROW(3));
    column fours_a = CARRY_SAVE(plane[1], twos_a, twos_b);
    twos_a = CARRY_SAVE(plane[0], ROW(4), ROW(5));
    twos_b = CARRY_SAVE(plane[0], ROW(6), ROW(7));
    column fours_b = CARRY_SAVE(plane[1], twos_a, twos_b);
    column eights_a = CARRY_SAVE(plane[2], fours_a, fours_b);
    twos_a = CARRY_SAVE(plane[0], ROW(8), ROW(9));
    twos_b = CARRY_SAVE(plane[0], ROW(10), ROW(11));
    fours_a = CARRY_SAVE(plane[1], twos_a, twos_b);
    twos_a = CARRY_SAVE(plane[0], ROW(12), ROW(13));
    twos_b = CARRY_SAVE(plane[0], ROW(14), ROW(15));
    fours_b = CARRY_SAVE(plane[1], twos_a, twos_b);
    column eights_b = CARRY_SAVE(plane[2], fours_a, fours_b);
    return CARRY_SAVE(plane[3], eights_a, eights_b);
#undef ROW
}

// The carries of 64 rows go through three more adders; what is left ripples through the planes
// above.
CK_INLINE void PATH(count_column)(struct PATH(counted) what, const uint64_t *rows, size_t stride,
                                  column *plane) {
    const column zero = {0};
    for (int k = 0; k < CK_COUNT_PLANES; k++) plane[k] = zero;
#define SIXTEEN(i) PATH(count_sixteen)(what, rows + (i)*stride, stride, shot + (i), plane)
    for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot += 64, rows += 64 * stride) {
        column carry_a = SIXTEEN(0), carry_b = SIXTEEN(16);
        column half = CARRY_SAVE(plane[4], carry_a, carry_b);
        carry_a = SIXTEEN(32), carry_b = SIXTEEN(48);
        carry_a = CARRY_SAVE(plane[4], carry_a, carry_b);
        column carry = CARRY_SAVE(plane[5], half, carry_a);
        for (int k = 6; k < CK_COUNT_PLANES; k++) {
            column next = plane[k] & carry;
            plane[k] ^= carry;
            carry = next;
        }
    }
#undef SIXTEEN
}

CK_INLINE void PATH(count)(struct PATH(counted) what, const uint64_t *rows, size_t stride,
                           uint64_t *planes) {
    for (size_t at = 0; at < stride; at += COLUMN_WORDS) {
        column plane[CK_COUNT_PLANES];
        PATH(count_column)(what, rows + at, stride, plane);
        for (int k = 0; k < CK_COUNT_PLANES; k++) WRITE(planes + (size_t)k * stride + at, plane[k]);
    }
}

static void PATH(count_ones)(const uint64_t *rows, size_t stride, uint64_t *planes) {
    PATH(count)((struct PATH(counted)){.kind = COUNT_ONES}, rows, stride, planes);
}

static void PATH(count_differences)(const uint64_t *rows, size_t stride, size_t back,
                                    unsigned rotation, uint64_t *planes) {
    struct PATH(counted) what = {.kind = COUNT_DIFFERENCES, .back = back};
    if (rotation != 0) {
        what.kind = COUNT_ROTATED;
        what.rotation = rotation;
        PATH(count)(what, rows, stride, planes);
    } else if (back == stride) {
        // A row is the row before the next one: loaded once, as the compiler sees here.
        what.back = stride;
        PATH(count)(what, rows, stride, planes);
    } else {
        PATH(count)(what, rows, stride, planes);
    }
}

static void PATH(count_dissent)(const uint64_t *rows, size_t stride, const uint16_t *row_ones,
                                uint32_t half, uint64_t *planes) {
    PATH(count)
    ((struct PATH(counted)){.kind = COUNT_DISSENT, .row_ones = row_ones, .half = half}, rows,
     stride, planes);
}

static void PATH(add_counts)(const uint64_t *planes, size_t stride, size_t count, uint64_t *sums) {
    for (size_t at = 0; at < stride; at += COLUMN_WORDS) {
        column carry = {0};
        for (size_t k = 0; k < count; k++) {
            column addend = {0};
            if (k < CK_COUNT_PLANES) addend = READ(planes + k * stride + at);
            column sum = READ(sums + k * stride + at);
            carry = CARRY_SAVE(sum, addend, carry);
            WRITE(sums + k * stride + at, sum);
        }
    }
}

// The lanes whose count is at least `bound`, from the highest plane down.
CK_INLINE column PATH(at_least)(const uint64_t *planes, size_t count, size_t stride,
                                uint32_t bound) {
    column greater = {0}, equal = ~greater;
    for (size_t k = count; k-- > 0;) {
        column bits = READ(planes + k * stride);
        if (bound >> k & 1) {
            equal &= bits;
        } else {
            greater |= equal & bits;
            equal &= ~bits;
        }
    }
    return greater | equal;
}

static void PATH(compare_predictions)(const uint64_t *planes, size_t count, size_t stride,
                                      uint32_t shots, const uint32_t *cutoffs,
                                      uint64_t *warning_lanes, uint64_t *failure_lanes) {
    for (size_t at = 0; at < stride; at += COLUMN_WORDS) {
        uint64_t *found[] = {warning_lanes + at, failure_lanes + at};
        for (int severity = 0; severity < 2; severity++) {
            column often = PATH(at_least)(planes + at, count, stride, cutoffs[severity]);
            column seldom =
                ~PATH(at_least)(planes + at, count, stride, shots - cutoffs[severity] + 1);
            WRITE(found[severity], READ(found[severity]) | often | seldom);
        }
    }
}

// How many of the lanes in `mask` are one in each word, over the strips of a row.
CK_INLINE strip PATH(word_ones)(const uint64_t *row, size_t stride, const strip *mask) {
    strip ones = {0};
    for (size_t at = 0; at < stride; at += CK_STRIP_WORDS)
        ones += __builtin_elementwise_popcount(LOAD(row + at) & *mask++);
    return ones;
}

CK_INLINE void PATH(row_ones)(const uint64_t *rows, size_t stride, const strip *mask,
                              uint16_t *row_ones) {
    for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot += 4, rows += 4 * stride) {
        // Four rows are summed up at once: no count takes more than 16 bits.
        strip ones = PATH(word_ones)(rows, stride, mask);
        ones |= PATH(word_ones)(rows + stride, stride, mask) << 16;
        ones |= PATH(word_ones)(rows + 2 * stride, stride, mask) << 32;
        ones |= PATH(word_ones)(rows + 3 * stride, stride, mask) << 48;
        uint64_t sums = __builtin_reduce_add(ones);
        for (int row = 0; row < 4; row++) row_ones[shot + row] = (uint16_t)(sums >> 16 * row);
    }
}

static void PATH(count_row_ones)(const uint64_t *rows, size_t stride, size_t words,
                                 const uint64_t *mask, uint16_t *row_ones) {
    strip masks[CK_LANES_LIMIT / 64 / CK_STRIP_WORDS] = {{0}};
    memcpy(masks, mask, words * sizeof *mask);
    // A row of one strip, the usual one, is summed up without a loop.
    if (stride == CK_STRIP_WORDS)
        PATH(row_ones)(rows, CK_STRIP_WORDS, masks, row_ones);
    else
        PATH(row_ones)(rows, stride, masks, row_ones);
}

static void PATH(choose_rows)(const uint16_t *row_ones, uint16_t middle, uint16_t *chosen,
                              size_t *count) {
    typedef uint16_t counts __attribute__((vector_size(64)));
    typedef bool flags __attribute__((ext_vector_type(32)));
    size_t found = 0;
    for (uint32_t shot = 0; shot < CK_WINDOW_SHOTS; shot += 32) {
        counts ones;
        memcpy(&ones, row_ones + shot, sizeof ones);
        flags are_chosen = __builtin_convertvector((counts)(((ones - middle) & 15) < 2), flags);
        uint32_t rest;
        memcpy(&rest, &are_chosen, sizeof rest);
        for (; rest != 0; rest &= rest - 1)
            chosen[found++] = (uint16_t)(shot + (uint32_t)__builtin_ctz(rest));
    }
    *count = found;
}

// Runs are found by the minimum over a sliding window of van Herk (1992) and Gil and Werman (1993):
// rows are taken in blocks of `same`, and `same` rows that all equal the row before them are the
// end of one block and the beginning of the next. Exact, with no branch on the data.
//
// What was found of a column so far.
struct PATH(runs) {
    column warned, failed;
};

// Takes a block of `count` rows. runs[k] becomes, for each lane, whether the `same` rows up to the
// block's k-th all equal the row before them; `last_runs` is what it was for the block before, and
// `ends` what ends_of_block made of that block.
CK_INLINE struct PATH(runs)
    PATH(runs_in_block)(struct PATH(runs) found, const uint64_t *block, size_t stride, size_t count,
                        size_t same, size_t more, const uint64_t *ends, const uint64_t *last_runs,
                        uint64_t *runs) {
    column before = READ(block - stride), begun = ~(before ^ before);
    for (size_t k = 0; k < count; k++) {
        column row = READ(block + k * stride);
        begun &= ~(row ^ before);
        before = row;
        column run = begun & READ(ends + (k + 1) * COLUMN_WORDS);
        WRITE(runs + k * COLUMN_WORDS, run);
        found.warned |= run;
        // A run of L + 1 equal samples is L rows, one after another, that equal the row before. One
        // of `failure` is two of `warning`, `more` rows apart, which overlap or touch.
        const uint64_t *earlier = k < more ? last_runs + (k + same - more) * COLUMN_WORDS
                                           : runs + (k - more) * COLUMN_WORDS;
        found.failed |= run & READ(earlier);
    }
    return found;
}

// ends[k] becomes whether all rows of the block from its k-th on equal the row before them.
CK_INLINE void PATH(ends_of_block)(const uint64_t *block, size_t stride, size_t count,
                                   uint64_t *ends) {
    column row = READ(block + (count - 1) * stride), rest = ~(row ^ row);
    for (size_t k = count; k-- > 0;) {
        column before = READ(block + k * stride - stride);
        rest &= ~(row ^ before);
        row = before;
        WRITE(ends + k * COLUMN_WORDS, rest);
    }
}

static void PATH(find_runs)(const uint64_t *rows, size_t stride, uint32_t warning, uint32_t failure,
                            uint64_t *scratch, uint64_t *warning_lanes, uint64_t *failure_lanes) {
    const size_t same = warning - 1, more = failure - warning;
    uint64_t *ends = scratch;
    uint64_t *runs = ends + warning * COLUMN_WORDS, *last_runs = runs + same * COLUMN_WORDS;
    const column none = {0};
    WRITE(ends + same * COLUMN_WORDS, ~none);
    for (size_t at = 0; at < stride; at += COLUMN_WORDS) {
        // What ends in the block before the window counts only as the beginning of what ends in it.
        struct PATH(runs) found = {none, none};
        const uint64_t *block = rows + at - 2 * same * stride;
        PATH(ends_of_block)(block, stride, same, ends);
        block += same * stride;
        PATH(runs_in_block)(found, block, stride, same, same, same, ends, runs, last_runs);
        PATH(ends_of_block)(block, stride, same, ends);
        for (size_t left = CK_WINDOW_SHOTS, count = same; left > 0; left -= count) {
            block += same * stride;
            if (left < count) count = left;
            found =
                PATH(runs_in_block)(found, block, stride, count, same, more, ends, last_runs, runs);
            PATH(ends_of_block)(block, stride, count, ends);
            uint64_t *done = last_runs;
            last_runs = runs;
            runs = done;
        }
        WRITE(warning_lanes + at, found.warned);
        WRITE(failure_lanes + at, found.failed);
    }
}

#undef CARRY_SAVE
#undef WRITE
#undef READ
#undef COLUMN_WORDS
#undef column
