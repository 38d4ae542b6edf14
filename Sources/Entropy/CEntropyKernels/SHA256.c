// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4) of many short messages of one length. A hash library pays an allocation and
// several calls for each message; at one message of about 50 bytes for each 32 bytes of output that
// is most of the cost, and the hot path may not allocate. The tests and the self-test at the
// daemon's start hold this against libcrypto.

#include <string.h>

#include "CEntropyKernels.h"

static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t INITIAL[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

enum { BLOCK_BYTES = 64, PADDED_LIMIT = CK_MESSAGE_LIMIT + BLOCK_BYTES };

// Writes the padding of a message of `bytes`, which is the same for all of a batch, behind where
// the message goes; returns the number of 64-byte blocks.
static size_t pad(size_t bytes, uint8_t *padded) {
    size_t blocks = (bytes + 9 + BLOCK_BYTES - 1) / BLOCK_BYTES;
    memset(padded + bytes, 0, blocks * BLOCK_BYTES - bytes);
    padded[bytes] = 0x80;
    for (int i = 0; i < 8; i++)
        padded[blocks * BLOCK_BYTES - 1 - (size_t)i] = (uint8_t)((uint64_t)bytes * 8 >> (8 * i));
    return blocks;
}

static uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void expand(const uint8_t *block, uint32_t *w) {
    for (int i = 0; i < 16; i++, block += 4)
        w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 |
               block[3];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

static void compress_portable(uint32_t state[8], const uint8_t *block) {
    uint32_t w[64], s[8];
    expand(block, w);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t sum1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
        uint32_t choose = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t t1 = s[7] + sum1 + choose + ROUND[i] + w[i];
        uint32_t sum0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
        uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t1;
        s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = t1 + sum0 + majority;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

static void store_big_endian(const uint32_t *words, uint8_t *out) {
    for (int i = 0; i < 32; i++) out[i] = (uint8_t)(words[i / 4] >> (24 - 8 * (i % 4)));
}

static void hash_batch_portable(const uint8_t *in, size_t bytes, size_t count, uint8_t *out) {
    uint8_t padded[PADDED_LIMIT];
    size_t blocks = pad(bytes, padded);
    for (size_t i = 0; i < count; i++) {
        uint32_t state[8];
        memcpy(state, INITIAL, sizeof state);
        memcpy(padded, in + i * bytes, bytes);
        for (size_t b = 0; b < blocks; b++) compress_portable(state, padded + b * BLOCK_BYTES);
        store_big_endian(state, out + i * CK_DIGEST_BYTES);
    }
    explicit_bzero(padded, sizeof padded);
}

#if defined(__x86_64__)

#include <immintrin.h>

#define CK_SHA_TARGET __attribute__((target("sha,ssse3,sse4.1")))

// The instruction's latency is several times its cost, so messages go through in pairs; a pair is
// what the 16 registers hold.
enum { PAIR = 2 };

// The state as the instructions want it: words A B E F and C D G H.
struct sha_state {
    __m128i abef, cdgh;
};

CK_SHA_TARGET static inline __attribute__((always_inline)) void compress_pair(
    struct sha_state state[PAIR], const uint8_t *const block[PAIR]) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i w[PAIR][4];
    struct sha_state start[PAIR] = {state[0], state[1]};
    for (int p = 0; p < PAIR; p++)
        for (int i = 0; i < 4; i++)
            w[p][i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block[p] + 16 * i)), swap);
#pragma clang loop unroll(full)
    for (int group = 0; group < 16; group++) {
        const __m128i constants = _mm_loadu_si128((const __m128i *)(ROUND + 4 * group));
        for (int p = 0; p < PAIR; p++) {
            __m128i *now = &w[p][group & 3], *next = &w[p][(group + 1) & 3];
            const __m128i before = w[p][(group + 3) & 3];
            __m128i sum = _mm_add_epi32(*now, constants);
            state[p].cdgh = _mm_sha256rnds2_epu32(state[p].cdgh, state[p].abef, sum);
            if (group >= 3 && group < 15) {  // the words of group + 1, from those 4 groups back
                __m128i part = _mm_sha256msg1_epu32(*next, w[p][(group + 2) & 3]);
                part = _mm_add_epi32(part, _mm_alignr_epi8(*now, before, 4));
                *next = _mm_sha256msg2_epu32(part, *now);
            }
            state[p].abef =
                _mm_sha256rnds2_epu32(state[p].abef, state[p].cdgh, _mm_shuffle_epi32(sum, 0x0e));
        }
    }
    for (int p = 0; p < PAIR; p++) {
        state[p].abef = _mm_add_epi32(state[p].abef, start[p].abef);
        state[p].cdgh = _mm_add_epi32(state[p].cdgh, start[p].cdgh);
    }
}

CK_SHA_TARGET static inline void store_state(struct sha_state state, uint8_t *out) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i feba = _mm_shuffle_epi32(state.abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(state.cdgh, 0xb1);
    __m128i dcba = _mm_blend_epi16(feba, dchg, 0xf0);
    __m128i hgfe = _mm_alignr_epi8(dchg, feba, 8);
    _mm_storeu_si128((__m128i *)out, _mm_shuffle_epi8(dcba, swap));
    _mm_storeu_si128((__m128i *)(out + 16), _mm_shuffle_epi8(hgfe, swap));
}

CK_SHA_TARGET static void hash_pair(uint8_t padded[PAIR][PADDED_LIMIT], size_t blocks,
                                    uint8_t *const out[PAIR]) {
    struct sha_state state[PAIR];
    for (int p = 0; p < PAIR; p++) {
        state[p].abef =
            _mm_set_epi32((int)INITIAL[0], (int)INITIAL[1], (int)INITIAL[4], (int)INITIAL[5]);
        state[p].cdgh =
            _mm_set_epi32((int)INITIAL[2], (int)INITIAL[3], (int)INITIAL[6], (int)INITIAL[7]);
    }
    for (size_t i = 0; i < blocks; i++) {
        const uint8_t *const block[PAIR] = {padded[0] + i * BLOCK_BYTES,
                                            padded[1] + i * BLOCK_BYTES};
        compress_pair(state, block);
    }
    for (int p = 0; p < PAIR; p++) store_state(state[p], out[p]);
}

static void hash_batch_sha(const uint8_t *in, size_t bytes, size_t count, uint8_t *out) {
    uint8_t padded[PAIR][PADDED_LIMIT], spare[CK_DIGEST_BYTES];
    size_t blocks = 0;
    for (int p = 0; p < PAIR; p++) blocks = pad(bytes, padded[p]);
    for (size_t i = 0; i < count; i += PAIR) {
        // The last of an odd number is hashed twice, the second time for nobody.
        bool is_pair = i + 1 < count;
        memcpy(padded[0], in + i * bytes, bytes);
        memcpy(padded[1], in + (is_pair ? i + 1 : i) * bytes, bytes);
        uint8_t *const digest[PAIR] = {out + i * CK_DIGEST_BYTES,
                                       is_pair ? out + (i + 1) * CK_DIGEST_BYTES : spare};
        hash_pair(padded, blocks, digest);
    }
    // Input and output stay nowhere but in the caller's memory.
    explicit_bzero(padded, sizeof padded);
    explicit_bzero(spare, sizeof spare);
}

#endif

void ck_sha256_batch(ck_features features, const uint8_t *in, size_t message_bytes, size_t count,
                     uint8_t *out) {
#if defined(__x86_64__)
    if (features & CK_SHA) {
        hash_batch_sha(in, message_bytes, count, out);
        return;
    }
#else
    (void)features;
#endif
    hash_batch_portable(in, message_bytes, count, out);
}
