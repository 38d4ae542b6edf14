// SPDX-License-Identifier: Apache-2.0
//
// xoshiro256++ (Blackman and Vigna 2019, public domain), eight side by side; and the comparison of
// a 16-bit random number R with a threshold T in bit planes: going from the lowest plane up, "R < T
// so far" stays as it is where the planes agree and becomes T's bit where they differ.

static void PATH(sample_strip)(struct ck_generator *generator, struct ck_chain_strip *chain,
                               size_t row_words, size_t kept_words, size_t shots, bool toggles,
                               uint64_t *rows) {
    strip s0 = LOAD(generator->state[0]), s1 = LOAD(generator->state[1]);
    strip s2 = LOAD(generator->state[2]), s3 = LOAD(generator->state[3]);
    strip state = LOAD(chain->state);
    for (size_t shot = 0; shot < shots; shot++) {
        strip less = state ^ state;
        for (int plane = 0; plane < CK_THRESHOLD_BITS; plane++) {
            strip sum = s0 + s3;
            strip random = (sum << 23 | sum >> 41) + s0;
            strip shifted = s1 << 17;
            s2 ^= s0;
            s3 ^= s1;
            s1 ^= s2;
            s0 ^= s3;
            s2 ^= shifted;
            s3 = s3 << 45 | s3 >> 19;
            strip from0 = LOAD(chain->p01[plane]), from1 = LOAD(chain->p10[plane]);
            strip threshold = (state & from1) | (~state & from0);
            strip differ = random ^ threshold;
            less = (differ & threshold) | (~differ & less);
        }
        state ^= less;
        strip row = toggles ? less : state;
        memcpy(rows + shot * row_words, &row, kept_words * sizeof(uint64_t));
    }
    STORE(generator->state[0], s0);
    STORE(generator->state[1], s1);
    STORE(generator->state[2], s2);
    STORE(generator->state[3], s3);
    STORE(chain->state, state);
}

static void PATH(sample_lanes)(struct ck_generator *generator, struct ck_chain_strip *strips,
                               size_t words, size_t shots, bool toggles, uint64_t *rows) {
    for (size_t at = 0; at < words; at += CK_STRIP_WORDS) {
        struct ck_chain_strip *chain = &strips[at / CK_STRIP_WORDS];
        size_t left = words - at;
        // The whole strip has a call of its own, so that its copy is one store.
        if (left >= CK_STRIP_WORDS) PATH(sample_strip)
        (generator, chain, words, CK_STRIP_WORDS, shots, toggles, rows + at);
        else PATH(sample_strip)(generator, chain, words, left, shots, toggles, rows + at);
    }
}
