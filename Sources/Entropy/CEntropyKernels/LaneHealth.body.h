// SPDX-License-Identifier: Apache-2.0

// Adds a + b + c in every lane: the sum bit replaces `a`, the carry is the value.
#define CARRY_SAVE(a, b, c)                         \
    ({                                              \
        strip b_ = (b), c_ = (c), half_ = (a) ^ b_; \
        strip carry_ = ((a)&b_) | (half_ & c_);     \
        (a) = half_ ^ c_;                           \
        carry_;                                     \
    })

// What is counted of a row: its bits; where they differ from the row before; or where they differ
// from the majority of their row.
CK_INLINE strip PATH(counted)(enum counted_kind kind, const uint64_t *row, size_t stride,
                              const uint16_t *row_ones, uint32_t half) {
    if (kind == COUNT_CHANGES) return LOAD(row) ^ LOAD(row - stride);
    if (kind == COUNT_DISSENT) return LOAD(row) ^ (*row_ones > half ? ~UINT64_C(0) : UINT64_C(0));
    return LOAD(row);
}

// Harley-Seal: 16 rows go through a tree of 15 carry-save adders into planes 0 to 3 and one
// carry of weight 16, which ripples through the planes above.
CK_INLINE void PATH(count_strip)(enum counted_kind kind, const uint64_t *rows, size_t stride,
                                 const uint16_t *row_ones, uint32_t half, strip *plane) {
    const strip zero = {0};
    for (int k = 0; k < CK_COUNT_PLANES; k++) plane[k] = zero;
    strip ones = zero, twos = zero, fours = zero, eights = zero;
#define ROW(i) PATH(counted)(kind, rows + (i)*stride, stride, row_ones + (i), half)
    for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot += 16, rows += 16 * stride) {
        strip twos_a = CARRY_SAVE(ones, ROW(0), ROW(1));
        strip twos_b = CARRY_SAVE(ones, ROW(2), ROW(3));
        strip fours_a = CARRY_SAVE(twos, twos_a, twos_b);
        twos_a = CARRY_SAVE(ones, ROW(4), ROW(5));
        twos_b = CARRY_SAVE(ones, ROW(6), ROW(7));
        strip fours_b = CARRY_SAVE(twos, twos_a, twos_b);
        strip eights_a = CARRY_SAVE(fours, fours_a, fours_b);
        twos_a = CARRY_SAVE(ones, ROW(8), ROW(9));
        twos_b = CARRY_SAVE(ones, ROW(10), ROW(11));
        fours_a = CARRY_SAVE(twos, twos_a, twos_b);
        twos_a = CARRY_SAVE(ones, ROW(12), ROW(13));
        twos_b = CARRY_SAVE(ones, ROW(14), ROW(15));
        fours_b = CARRY_SAVE(twos, twos_a, twos_b);
        strip eights_b = CARRY_SAVE(fours, fours_a, fours_b);
        strip carry = CARRY_SAVE(eights, eights_a, eights_b);
        for (int k = 4; k < CK_COUNT_PLANES; k++) {
            strip next = plane[k] & carry;
            plane[k] ^= carry;
            carry = next;
        }
        if (kind == COUNT_DISSENT) row_ones += 16;
    }
#undef ROW
    plane[0] = ones;
    plane[1] = twos;
    plane[2] = fours;
    plane[3] = eights;
}

#define COUNT_ROWS(kind, row_ones, half)                                   \
    for (size_t at = 0; at < stride; at += CK_STRIP_WORDS) {               \
        strip plane[CK_COUNT_PLANES];                                      \
        PATH(count_strip)(kind, rows + at, stride, row_ones, half, plane); \
        for (int k = 0; k < CK_COUNT_PLANES; k++)                          \
            STORE(planes + (size_t)k * stride + at, plane[k]);             \
    }

static void PATH(count_ones)(const uint64_t *rows, size_t stride, uint64_t *planes) {
    static const uint16_t unused[16];
    COUNT_ROWS(COUNT_ONES, unused, 0)
}

static void PATH(count_changes)(const uint64_t *rows, size_t stride, uint64_t *planes) {
    static const uint16_t unused[16];
    COUNT_ROWS(COUNT_CHANGES, unused, 0)
}

static void PATH(count_dissent)(const uint64_t *rows, size_t stride, const uint16_t *row_ones,
                                uint32_t half, uint64_t *planes) {
    COUNT_ROWS(COUNT_DISSENT, row_ones, half)
}
#undef COUNT_ROWS

static void PATH(count_row_ones)(const uint64_t *rows, size_t stride, size_t words,
                                 const uint64_t *mask, uint16_t *row_ones) {
    for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot++, rows += stride) {
        unsigned ones = 0;
        for (size_t word = 0; word < words; word++)
            ones += (unsigned)__builtin_popcountll(rows[word] & mask[word]);
        row_ones[shot] = (uint16_t)ones;
    }
}

// A run of L + 1 equal samples is L consecutive rows that equal the row before ("same"). Level 4
// holds, for each row, whether the last 4 are same; level 16 the last 16; a run of any L >= 16 is
// then the AND of level 16 at distances 0, 16, 32, ... and L - 16. Exact, with no branch on the
// data.
CK_INLINE strip PATH(run_ends)(const uint64_t *level16, size_t same) {
    strip run = LOAD(level16);
    size_t last = same - 16;
    for (size_t back = 16; back < last; back += 16) run &= LOAD(level16 - back * CK_STRIP_WORDS);
    return run & LOAD(level16 - last * CK_STRIP_WORDS);
}

#define SAME(i) (~(LOAD(rows + (i)*stride) ^ LOAD(rows + (i)*stride - stride)))

// scratch[i] belongs to row i - failure + 1, i.e. scratch begins `failure - 1` rows before the
// window: the row before that is the oldest that is read.
static void PATH(fill_level16)(const uint64_t *rows, size_t stride, size_t count,
                               uint64_t *scratch) {
    strip none = SAME(0) ^ SAME(0);
    strip same1 = none, same2 = none, same3 = none;
    for (size_t i = 0; i < count; i++) {
        strip same = SAME(i);
        STORE(scratch + i * CK_STRIP_WORDS, same & same1 & same2 & same3);
        same3 = same2;
        same2 = same1;
        same1 = same;
    }
    for (size_t i = count; i-- > 12;) {
        uint64_t *level4 = scratch + i * CK_STRIP_WORDS;
        STORE(level4, LOAD(level4) & LOAD(level4 - 4 * CK_STRIP_WORDS) &
                          LOAD(level4 - 8 * CK_STRIP_WORDS) & LOAD(level4 - 12 * CK_STRIP_WORDS));
    }
    for (size_t i = 0; i < 12; i++) STORE(scratch + i * CK_STRIP_WORDS, none);
}
#undef SAME

static void PATH(find_runs)(const uint64_t *rows, size_t stride, uint32_t warning, uint32_t failure,
                            uint64_t *scratch, uint64_t *warning_lanes, uint64_t *failure_lanes) {
    const size_t before = failure - 1;
    for (size_t at = 0; at < stride; at += CK_STRIP_WORDS) {
        PATH(fill_level16)(rows + at - before * stride, stride, before + CK_WINDOW_SHOTS, scratch);
        strip warned = LOAD(scratch) ^ LOAD(scratch), failed = warned;
        const uint64_t *level16 = scratch + before * CK_STRIP_WORDS;
        for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot++, level16 += CK_STRIP_WORDS) {
            warned |= PATH(run_ends)(level16, warning - 1);
            failed |= PATH(run_ends)(level16, failure - 1);
        }
        STORE(warning_lanes + at, warned);
        STORE(failure_lanes + at, failed);
    }
}

#undef CARRY_SAVE
