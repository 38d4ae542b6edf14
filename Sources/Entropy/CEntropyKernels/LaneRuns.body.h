// SPDX-License-Identifier: Apache-2.0

// Runs are found by the minimum over a sliding window of van Herk (1992) and Gil and Werman (1993):
// rows are taken in blocks of `same`, and `same` rows that all equal the row before them are the
// end of one block and the beginning of the next. Exact, with no branch on the data of the column.
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

// The runs of a column, exactly: the two pointers receive its words.
CK_NOINLINE void PATH(find_column_runs)(const uint64_t *rows, size_t stride, size_t same,
                                        size_t more, uint64_t *scratch, uint64_t *warning_lanes,
                                        uint64_t *failure_lanes) {
    uint64_t *ends = scratch;
    uint64_t *runs = ends + (same + 1) * COLUMN_WORDS, *last_runs = runs + same * COLUMN_WORDS;
    const column none = {0};
    WRITE(ends + same * COLUMN_WORDS, ~none);
    // What ends in the block before the window counts only as the beginning of what ends in it.
    struct PATH(runs) found = {none, none};
    const uint64_t *block = rows - 2 * same * stride;
    PATH(ends_of_block)(block, stride, same, ends);
    block += same * stride;
    PATH(runs_in_block)(found, block, stride, same, same, same, ends, runs, last_runs);
    PATH(ends_of_block)(block, stride, same, ends);
    for (size_t left = CK_WINDOW_SHOTS, count = same; left > 0; left -= count) {
        block += same * stride;
        if (left < count) count = left;
        found = PATH(runs_in_block)(found, block, stride, count, same, more, ends, last_runs, runs);
        PATH(ends_of_block)(block, stride, count, ends);
        uint64_t *done = last_runs;
        last_runs = runs;
        runs = done;
    }
    WRITE(warning_lanes, found.warned);
    WRITE(failure_lanes, found.failed);
}

static void PATH(find_runs)(const uint64_t *rows, size_t stride, const uint64_t *at_rest,
                            uint32_t warning, uint32_t failure, uint64_t *scratch,
                            uint64_t *warning_lanes, uint64_t *failure_lanes) {
    for (size_t at = 0; at < stride; at += COLUMN_WORDS) {
        int lanes = 0;
        for (size_t word = at; word < at + COLUMN_WORDS; word++)
            lanes += __builtin_popcountll(at_rest[word]);
        if (lanes > LANES_BY_THEMSELVES) PATH(find_column_runs)
        (rows + at, stride, warning - 1, failure - warning, scratch, warning_lanes + at,
         failure_lanes + at);
        else find_lane_runs(rows + at, stride, at_rest + at, COLUMN_WORDS, warning, failure,
                            warning_lanes + at, failure_lanes + at);
    }
}
