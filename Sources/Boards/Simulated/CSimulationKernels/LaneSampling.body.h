// SPDX-License-Identifier: Apache-2.0
//
// Works on a column at a time, one register's width of lanes, so that generator and devices stay in
// registers while the planes go by.

typedef uint64_t PATH(lanes) __attribute__((vector_size(CK_VECTOR_BYTES)));

struct PATH(column) {
    PATH(lanes) s[4];
    PATH(lanes) state, hidden;
    // In the course of a shot: the lanes found to switch, and those of which it is not yet known.
    PATH(lanes) switched, open;
};

// xoshiro256+ (Blackman and Vigna 2019, public domain), side by side. Its lowest bits are linear
// over GF(2), which nothing that a model of devices is used for can tell.
CK_INLINE PATH(lanes) PATH(next)(PATH(lanes) s[4]) {
    PATH(lanes) random = s[0] + s[3], shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = s[3] << 45 | s[3] >> 19;
    return random;
}

// Lanes with probability sixteenths / 16: each random word halves it, after 1 was added where the
// binary fraction has a digit 1.
CK_INLINE PATH(lanes) PATH(chance)(PATH(lanes) s[4], unsigned sixteenths) {
    PATH(lanes) chosen = s[0] ^ s[0];
    for (int digit = 0; digit < 4; digit++) {
        PATH(lanes) random = PATH(next)(s);
        chosen = sixteenths >> digit & 1 ? chosen | random : chosen & random;
    }
    return chosen;
}

CK_INLINE PATH(lanes) PATH(get)(const uint64_t *words) {
    PATH(lanes) value;
    memcpy(&value, words, sizeof value);
    return value;
}

// Compares random numbers with thresholds in the planes from `high` down to `low`: the first plane
// in which the two differ decides which is less.
CK_INLINE void PATH(compare)(struct PATH(column) * column, int high, int low,
                             const struct ck_chain_strip *chain,
                             const struct ck_memory_strip *memory, size_t word) {
    struct PATH(column) at = *column;
    for (int plane = high; plane >= low; plane--) {
        PATH(lanes) from0 = PATH(get)(&chain->p01[plane][word]);
        PATH(lanes) from1 = PATH(get)(&chain->p10[plane][word]);
        if (memory) {
            from0 ^= at.hidden & (from0 ^ PATH(get)(&memory->p01[plane][word]));
            from1 ^= at.hidden & (from1 ^ PATH(get)(&memory->p10[plane][word]));
        }
        PATH(lanes) threshold = from0 ^ (at.state & (from0 ^ from1));
        PATH(lanes) decided = at.open & (threshold ^ PATH(next)(at.s));
        at.switched |= decided & threshold;
        at.open ^= decided;
    }
    *column = at;
}

enum { PATH(columns) = CK_STRIP_WORDS * 8 / CK_VECTOR_BYTES, PATH(words) = CK_VECTOR_BYTES / 8 };

// Compares the planes from `high` down to `low` in all columns. Whether a lane is not decided yet.
CK_INLINE bool PATH(compare_strip)(struct PATH(column) * columns, int high, int low,
                                   const struct ck_chain_strip *chain,
                                   const struct ck_memory_strip *memory) {
    uint64_t open = 0;
    for (int index = 0; index < PATH(columns); index++) {
        PATH(compare)
        (&columns[index], high, low, chain, memory, (size_t)index * PATH(words));
        for (int word = 0; word < PATH(words); word++) open |= columns[index].open[word];
    }
    return open;
}

CK_INLINE void PATH(pulse)(struct PATH(column) * columns, const struct ck_chain_strip *chain,
                           const struct ck_memory_strip *memory, unsigned flips) {
    enum { second = CK_THRESHOLD_BITS - CK_FIRST_PLANES, last = second - CK_SECOND_PLANES };
    for (int index = 0; index < PATH(columns); index++) {
        struct PATH(column) *column = &columns[index];
        column->switched = column->state ^ column->state;
        column->open = ~column->switched;
        if (memory) column->hidden ^= PATH(chance)(column->s, flips);
    }
    if (!PATH(compare_strip)(columns, CK_THRESHOLD_BITS - 1, second, chain, memory)) return;
    if (!PATH(compare_strip)(columns, second - 1, last, chain, memory)) return;
    PATH(compare_strip)(columns, last - 1, 0, chain, memory);
}

// Reads the columns from where they are kept between calls, or writes them back there.
#define CK_TRANSFER(columns, copy)                                 \
    for (int index = 0; index < PATH(columns); index++) {          \
        struct PATH(column) *column = &(columns)[index];           \
        size_t word = (size_t)index * PATH(words);                 \
        for (int part = 0; part < 4; part++)                       \
            copy(&column->s[part], &generator->state[part][word]); \
        copy(&column->state, &chain->state[word]);                 \
        if (memory) copy(&column->hidden, &memory->hidden[word]);  \
    }
#define CK_READ(value, kept) memcpy((value), (kept), CK_VECTOR_BYTES)
#define CK_WRITE(value, kept) memcpy((kept), (value), CK_VECTOR_BYTES)

CK_INLINE void PATH(sample_strip)(struct ck_generator *generator, struct ck_chain_strip *chain,
                                  struct ck_memory_strip *memory, unsigned flips, size_t row_words,
                                  size_t kept_words, size_t shots, bool toggles, uint64_t *rows) {
    struct PATH(column) columns[PATH(columns)];
    CK_TRANSFER(columns, CK_READ)
    for (size_t shot = 0; shot < shots; shot++) {
        uint64_t row[CK_STRIP_WORDS];
        PATH(pulse)(columns, chain, memory, flips);
        for (int index = 0; index < PATH(columns); index++) {
            struct PATH(column) *column = &columns[index];
            column->state ^= column->switched;
            memcpy(&row[index * PATH(words)], toggles ? &column->switched : &column->state,
                   CK_VECTOR_BYTES);
        }
        memcpy(rows + shot * row_words, row, kept_words * sizeof(uint64_t));
    }
    CK_TRANSFER(columns, CK_WRITE)
}

static void PATH(sample_lanes)(struct ck_generator *generator, struct ck_chain_strip *strips,
                               struct ck_memory_strip *memories, unsigned flips, size_t words,
                               size_t shots, bool toggles, uint64_t *rows) {
    for (size_t at = 0; at < words; at += CK_STRIP_WORDS) {
        struct ck_chain_strip *chain = &strips[at / CK_STRIP_WORDS];
        size_t kept = words - at < CK_STRIP_WORDS ? words - at : CK_STRIP_WORDS;
        // Without memory there is nothing of it in the loop.
        if (memories) PATH(sample_strip)
        (generator, chain, &memories[at / CK_STRIP_WORDS], flips, words, kept, shots, toggles,
         rows + at);
        else PATH(sample_strip)(generator, chain, NULL, 0, words, kept, shots, toggles, rows + at);
    }
}

#undef CK_TRANSFER
#undef CK_READ
#undef CK_WRITE
