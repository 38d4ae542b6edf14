// SPDX-License-Identifier: Apache-2.0

// Harley-Seal: counts in bit planes, of which plane k is worth 2^k, by trees of carry-save adders.

// Adds four rows to the planes 0 and 1; the value is the carry, of weight 4.
CK_INLINE column PATH(count_four)(column *plane, column a, column b, column c, column d) {
    column twos_a = CARRY_SAVE(plane[0], a, b);
    column twos_b = CARRY_SAVE(plane[0], c, d);
    return CARRY_SAVE(plane[1], twos_a, twos_b);
}

// Adds four carries of weight 2^k to the planes k and k + 1; the value is the carry of weight 4 *
// 2^k.
CK_INLINE column PATH(count_carries)(column *plane, int k, const column *carries) {
    column carry_a = CARRY_SAVE(plane[k], carries[0], carries[1]);
    column carry_b = CARRY_SAVE(plane[k], carries[2], carries[3]);
    return CARRY_SAVE(plane[k + 1], carry_a, carry_b);
}

// Adds a carry of weight 64 to the planes from 6 on.
CK_INLINE void PATH(ripple)(column *plane, column carry) {
    for (int k = 6; k < CK_COUNT_PLANES; k++) {
        column next = plane[k] & carry;
        plane[k] ^= carry;
        carry = next;
    }
}

CK_INLINE void PATH(read_planes)(column *plane, const uint64_t *planes, size_t stride) {
    for (int k = 0; k < CK_COUNT_PLANES; k++) plane[k] = READ(planes + (size_t)k * stride);
}

CK_INLINE void PATH(write_planes)(const column *plane, uint64_t *planes, size_t stride) {
    for (int k = 0; k < CK_COUNT_PLANES; k++) WRITE(planes + (size_t)k * stride, plane[k]);
}

// What is counted of a row.
struct PATH(counted) {
    enum counted_kind kind;
    // COUNT_DIFFERENCES, COUNT_ROTATED: the other bit is `rotation` places lower in the word `back`
    // words before.
    size_t back;
    unsigned rotation;
    // COUNT_DISSENT: for each row, all ones where its majority is one, and zeros where it is zero.
    const uint64_t *majority;
};

CK_INLINE column PATH(bits_of)(struct PATH(counted) what, const uint64_t *row, size_t shot) {
    column bits = READ(row);
    if (what.kind == COUNT_DISSENT) return bits ^ what.majority[shot];
    column other = READ(row - what.back);
    if (what.kind == COUNT_ROTATED) other = ROTATE(other, what.rotation);
    return bits ^ other;
}

// Adds the counts of a block of rows to the planes.
CK_INLINE void PATH(count_block)(struct PATH(counted) what, const uint64_t *rows, size_t stride,
                                 uint64_t *planes) {
    column plane[CK_COUNT_PLANES];
    PATH(read_planes)(plane, planes, stride);
#define ROW(i) PATH(bits_of)(what, rows + (i)*stride, shot + (i))
    for (size_t shot = 0; shot < BLOCK_SHOTS; shot += 64, rows += 64 * stride) {
        column sixteens[4];
        UNROLLED for (size_t k = 0; k < 4; k++) {
            column fours[4];
            UNROLLED for (size_t j = 0; j < 4; j++) {
                const size_t i = 16 * k + 4 * j;
                fours[j] = PATH(count_four)(plane, ROW(i), ROW(i + 1), ROW(i + 2), ROW(i + 3));
            }
            sixteens[k] = PATH(count_carries)(plane, 2, fours);
        }
        PATH(ripple)(plane, PATH(count_carries)(plane, 4, sixteens));
    }
#undef ROW
    PATH(write_planes)(plane, planes, stride);
}

// Rows of one strip, the usual ones, by themselves: their places are constants then.
#define COUNT(...)                                                  \
    do {                                                            \
        struct PATH(counted) what_ = {__VA_ARGS__};                 \
        if (stride == CK_STRIP_WORDS)                               \
            PATH(count_block)(what_, rows, CK_STRIP_WORDS, planes); \
        else                                                        \
            PATH(count_block)(what_, rows, stride, planes);         \
    } while (0)

CK_NOINLINE void PATH(count_differences)(const uint64_t *rows, size_t stride, size_t back,
                                         uint64_t *planes) {
    COUNT(.kind = COUNT_DIFFERENCES, .back = back);
}

CK_NOINLINE void PATH(count_rotated)(const uint64_t *rows, size_t stride, size_t back,
                                     unsigned rotation, uint64_t *planes) {
    COUNT(.kind = COUNT_ROTATED, .back = back, .rotation = rotation);
}

CK_NOINLINE void PATH(count_dissent)(const uint64_t *rows, size_t stride, const uint64_t *majority,
                                     uint64_t *planes) {
    COUNT(.kind = COUNT_DISSENT, .majority = majority);
}

#undef COUNT

// Block by block, so that the rows are fetched from the second-level cache once for all counts.
static void PATH(count_predictions)(const uint64_t *rows, size_t stride,
                                    const ck_prediction *counts, size_t count) {
    for (size_t k = 0; k < count; k++)
        memset(counts[k].planes, 0, CK_COUNT_PLANES * stride * sizeof *rows);
    for (size_t at = 0; at < stride; at += COLUMN_WORDS) {
        for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot += BLOCK_SHOTS) {
            const uint64_t *block = rows + shot * stride + at;
            for (size_t k = 0; k < count; k++) {
                ck_prediction what = counts[k];
                if (what.rotation != 0)
                    PATH(count_rotated)(block, stride, what.back, what.rotation, what.planes + at);
                else
                    PATH(count_differences)(block, stride, what.back, what.planes + at);
            }
        }
    }
}

// Takes four rows after `last`, which becomes the fourth, and says where they changed.
struct PATH(quad) {
    column ones, changes,
        moved;  // carries of weight 4 of the two counts; whether there were any changes
};

CK_INLINE struct PATH(quad) PATH(take_quad)(column *ones, column *changes, column *last,
                                            const uint64_t *rows, size_t stride) {
    column a = READ(rows), b = READ(rows + stride);
    column c = READ(rows + 2 * stride), d = READ(rows + 3 * stride);
    column a_changes = *last ^ a, b_changes = a ^ b, c_changes = b ^ c, d_changes = c ^ d;
    *last = d;
    return (struct PATH(quad)){
        .ones = PATH(count_four)(ones, a, b, c, d),
        .changes = PATH(count_four)(changes, a_changes, b_changes, c_changes, d_changes),
        .moved = a_changes | b_changes | c_changes | d_changes,
    };
}

// Counts the ones and changes of a column, and writes the lanes that were at rest: that, somewhere,
// did not change within `quads` quads of rows, one after another.
CK_INLINE void PATH(count_column)(const uint64_t *rows, size_t stride, size_t before, size_t quads,
                                  uint64_t *ones_planes, uint64_t *changes_planes,
                                  uint64_t *at_rest) {
    const column none = {0};
    column ones[CK_COUNT_PLANES], changes[CK_COUNT_PLANES];
    // What moved in the last quads before a step, the latest last, and in its own.
    column moved[QUADS_LIMIT + 16], always_moving;
    for (size_t k = 0; k < QUADS_LIMIT; k++) moved[k] = ~none;
    for (int k = 0; k < CK_COUNT_PLANES; k++) ones[k] = changes[k] = none;
    rows -= before * stride;
    column last = READ(rows - stride);
    for (; before > 0; before -= 4, rows += 4 * stride) {
        // The counts of what is before the window are dropped.
        struct PATH(quad) quad = PATH(take_quad)(ones, changes, &last, rows, stride);
        for (size_t k = 0; k + 1 < QUADS_LIMIT; k++) moved[k] = moved[k + 1];
        moved[QUADS_LIMIT - 1] = quad.moved;
    }
    for (int k = 0; k < 2; k++) ones[k] = changes[k] = none;
    // A run that ends in the first three rows has its whole quads before the window.
    always_moving = none;
    for (size_t k = quads < QUADS_LIMIT ? QUADS_LIMIT - quads : 0; k < QUADS_LIMIT; k++)
        always_moving |= moved[k];
    for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot += 64, rows += 64 * stride) {
        column ones_carries[4], changes_carries[4];
        UNROLLED for (size_t k = 0; k < 4; k++) {
            column ones_fours[4], changes_fours[4];
            UNROLLED for (size_t j = 0; j < 4; j++) {
                const size_t i = 4 * k + j, now = QUADS_LIMIT + i;
                struct PATH(quad) quad =
                    PATH(take_quad)(ones, changes, &last, rows + 4 * i * stride, stride);
                ones_fours[j] = quad.ones;
                changes_fours[j] = quad.changes;
                column any = moved[now] = quad.moved;
                for (size_t back = 1; back < quads; back++) any |= moved[now - back];
                always_moving &= any;
            }
            ones_carries[k] = PATH(count_carries)(ones, 2, ones_fours);
            changes_carries[k] = PATH(count_carries)(changes, 2, changes_fours);
        }
        PATH(ripple)(ones, PATH(count_carries)(ones, 4, ones_carries));
        PATH(ripple)(changes, PATH(count_carries)(changes, 4, changes_carries));
        for (size_t k = 0; k < QUADS_LIMIT; k++) moved[k] = moved[k + 16];
    }
    PATH(write_planes)(ones, ones_planes, stride);
    PATH(write_planes)(changes, changes_planes, stride);
    WRITE(at_rest, ~always_moving);
}

// A run of L equal samples is L - 1 rows that equal the row before them, and holds at least (L - 4)
// / 4 whole quads. The numbers of quads are constants, so that what moved stays in registers; with
// fewer, ideal lanes would be at rest too often.
static void PATH(count_lanes)(const uint64_t *rows, size_t stride, uint32_t warning, uint64_t *ones,
                              uint64_t *changes, uint64_t *at_rest) {
    // Where a run that ends in the window may have its first whole quad.
    const size_t before = (warning - 2) / 4 * 4;
#define COLUMN(stride, quads) \
    PATH(count_column)(rows + at, stride, before, quads, ones + at, changes + at, at_rest + at)
    for (size_t at = 0; at < stride; at += COLUMN_WORDS) {
        if (warning >= 28 && stride == CK_STRIP_WORDS)
            COLUMN(CK_STRIP_WORDS, 6);
        else if (warning >= 24 && stride == CK_STRIP_WORDS)
            COLUMN(CK_STRIP_WORDS, 5);
        else if (warning >= 24)
            COLUMN(stride, 5);
        else
            COLUMN(stride, 4);
    }
#undef COLUMN
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

static void PATH(compare_counts)(const uint64_t *planes, const uint64_t *first, size_t stride,
                                 uint32_t cutoff, uint64_t *lanes) {
    for (size_t at = 0; at < stride; at += COLUMN_WORDS) {
        // A first sample of 1 is matched by the ones; a first sample of 0 by the zeros, and zeros
        // >= cutoff is ones < 1,024 - cutoff + 1.
        column ones = PATH(at_least)(planes + at, CK_COUNT_PLANES, stride, cutoff);
        column zeros =
            ~PATH(at_least)(planes + at, CK_COUNT_PLANES, stride, CK_WINDOW_SHOTS - cutoff + 1);
        column samples = READ(first + at);
        WRITE(lanes + at, (samples & ones) | (~samples & zeros));
    }
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
