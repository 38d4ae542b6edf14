// SPDX-License-Identifier: Apache-2.0

// Adds a + b + c in every lane: the sum bit replaces `a`, the carry is the value.
#define CARRY_SAVE(a, b, c)                         \
    ({                                              \
        strip b_ = (b), c_ = (c), half_ = (a) ^ b_; \
        strip carry_ = ((a)&b_) | (half_ & c_);     \
        (a) = half_ ^ c_;                           \
        carry_;                                     \
    })

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

CK_INLINE strip PATH(bits_of)(struct PATH(counted) what, const uint64_t *row, size_t shot) {
    strip bits = LOAD(row);
    if (what.kind == COUNT_ONES) return bits;
    if (what.kind == COUNT_DISSENT)
        return bits ^ (what.row_ones[shot] > what.half ? ~UINT64_C(0) : UINT64_C(0));
    strip other = LOAD(row - what.back);
    if (what.kind == COUNT_ROTATED) other = other << what.rotation | other >> (64 - what.rotation);
    return bits ^ other;
}

// Harley-Seal: 16 rows go through a tree of 15 carry-save adders into planes 0 to 3 and one
// carry of weight 16, which ripples through the planes above.
CK_INLINE void PATH(count_strip)(struct PATH(counted) what, const uint64_t *rows, size_t stride,
                                 strip *plane) {
    const strip zero = {0};
    for (int k = 0; k < CK_COUNT_PLANES; k++) plane[k] = zero;
    strip ones = zero, twos = zero, fours = zero, eights = zero;
#define ROW(i) PATH(bits_of)(what, rows + (i)*stride, shot + (i))
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
    }
#undef ROW
    plane[0] = ones;
    plane[1] = twos;
    plane[2] = fours;
    plane[3] = eights;
}

CK_INLINE void PATH(count)(struct PATH(counted) what, const uint64_t *rows, size_t stride,
                           uint64_t *planes) {
    for (size_t at = 0; at < stride; at += CK_STRIP_WORDS) {
        strip plane[CK_COUNT_PLANES];
        PATH(count_strip)(what, rows + at, stride, plane);
        for (int k = 0; k < CK_COUNT_PLANES; k++) STORE(planes + (size_t)k * stride + at, plane[k]);
    }
}

static void PATH(count_ones)(const uint64_t *rows, size_t stride, uint64_t *planes) {
    PATH(count)((struct PATH(counted)){.kind = COUNT_ONES}, rows, stride, planes);
}

static void PATH(count_differences)(const uint64_t *rows, size_t stride, size_t back,
                                    unsigned rotation, uint64_t *planes) {
    if (rotation == 0) PATH(count)
    ((struct PATH(counted)){.kind = COUNT_DIFFERENCES, .back = back}, rows, stride, planes);
    else PATH(count)(
        (struct PATH(counted)){.kind = COUNT_ROTATED, .back = back, .rotation = rotation}, rows,
        stride, planes);
}

static void PATH(count_dissent)(const uint64_t *rows, size_t stride, const uint16_t *row_ones,
                                uint32_t half, uint64_t *planes) {
    PATH(count)
    ((struct PATH(counted)){.kind = COUNT_DISSENT, .row_ones = row_ones, .half = half}, rows,
     stride, planes);
}

static void PATH(add_counts)(const uint64_t *planes, size_t stride, size_t count, uint64_t *sums) {
    for (size_t at = 0; at < stride; at += CK_STRIP_WORDS) {
        strip carry = {0};
        for (size_t k = 0; k < count; k++) {
            strip addend = {0};
            if (k < CK_COUNT_PLANES) addend = LOAD(planes + k * stride + at);
            strip sum = LOAD(sums + k * stride + at);
            carry = CARRY_SAVE(sum, addend, carry);
            STORE(sums + k * stride + at, sum);
        }
    }
}

// The lanes whose count is at least `bound`, from the highest plane down.
CK_INLINE strip PATH(at_least)(const uint64_t *planes, size_t count, size_t stride,
                               uint32_t bound) {
    strip greater = {0}, equal = ~greater;
    for (size_t k = count; k-- > 0;) {
        strip bits = LOAD(planes + k * stride);
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
    for (size_t at = 0; at < stride; at += CK_STRIP_WORDS) {
        uint64_t *found[] = {warning_lanes + at, failure_lanes + at};
        for (int severity = 0; severity < 2; severity++) {
            strip often = PATH(at_least)(planes + at, count, stride, cutoffs[severity]);
            strip seldom =
                ~PATH(at_least)(planes + at, count, stride, shots - cutoffs[severity] + 1);
            STORE(found[severity], LOAD(found[severity]) | often | seldom);
        }
    }
}

static void PATH(count_row_ones)(const uint64_t *rows, size_t stride, size_t words,
                                 const uint64_t *mask, uint16_t *row_ones) {
    for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot++, rows += stride) {
        unsigned ones = 0;
        for (size_t word = 0; word < words; word++)
            ones += (unsigned)__builtin_popcountll(rows[word] & mask[word]);
        row_ones[shot] = (uint16_t)ones;
    }
}

static void PATH(digest_rows)(const uint64_t *rows, size_t stride, size_t words,
                              const uint64_t *mask, const uint64_t *key, uint64_t *digests) {
    for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot++, rows += stride) {
        uint64_t sum = 0;
        for (size_t word = 0; word < words; word++) sum += (rows[word] & mask[word]) * key[word];
        // The high bits of such a sum are the good ones.
        sum = (sum ^ sum >> 32) * UINT64_C(0x9e3779b97f4a7c15);
        digests[shot] = sum ^ sum >> 29;
    }
}

// Where a row equals the row before it.
#define SAME(row) (~(LOAD(row) ^ LOAD((row)-stride)))

// scratch[k] becomes, for each lane, whether the `same` rows from row k on all equal the row before
// them: the minimum over a sliding window of van Herk (1992) and Gil and Werman (1993). Rows are
// taken in blocks of `same`: the window that starts at row k is the end of one block and the
// beginning of the next. Exact, with no branch on the data.
static void PATH(fill_runs)(const uint64_t *rows, size_t stride, size_t count, size_t same,
                            uint64_t *scratch) {
    for (size_t block = 0; block < count; block += same) {
        size_t end = block + same < count ? block + same : count;
        strip rest = SAME(rows + (end - 1) * stride);
        STORE(scratch + (end - 1) * CK_STRIP_WORDS, rest);
        for (size_t k = end - 1; k-- > block;) {
            rest &= SAME(rows + k * stride);
            STORE(scratch + k * CK_STRIP_WORDS, rest);
        }
        if (block == 0) continue;
        strip begun = SAME(rows + block * stride);
        for (size_t k = block - same + 1; k < block; k++) {
            uint64_t *run = scratch + k * CK_STRIP_WORDS;
            STORE(run, LOAD(run) & begun);
            size_t next = k + same;
            if (next == end) break;
            begun &= SAME(rows + next * stride);
        }
    }
}
#undef SAME

// A run of L + 1 equal samples is L rows, one after another, that equal the row before. One of
// `failure` begins with one of `warning`, and is covered by several.
static void PATH(find_runs)(const uint64_t *rows, size_t stride, uint32_t warning, uint32_t failure,
                            uint64_t *scratch, uint64_t *warning_lanes, uint64_t *failure_lanes) {
    const size_t same = warning - 1, more = failure - warning, before = failure - 1;
    for (size_t at = 0; at < stride; at += CK_STRIP_WORDS) {
        // scratch[0] belongs to the oldest row that is compared: `before` rows before the window.
        PATH(fill_runs)
        (rows + at - before * stride, stride, before + CK_WINDOW_SHOTS, same, scratch);
        strip warned = {0}, failed = {0};
        // Runs that end in the window: of `failure` from scratch[1] on, of `warning` from `more`
        // later on.
        const uint64_t *start = scratch + CK_STRIP_WORDS;
        for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot++, start += CK_STRIP_WORDS) {
            strip last = LOAD(start + more * CK_STRIP_WORDS);
            strip run = last & LOAD(start);
            for (size_t skip = same; skip < more; skip += same)
                run &= LOAD(start + skip * CK_STRIP_WORDS);
            warned |= last;
            failed |= run;
        }
        STORE(warning_lanes + at, warned);
        STORE(failure_lanes + at, failed);
    }
}

#undef CARRY_SAVE
