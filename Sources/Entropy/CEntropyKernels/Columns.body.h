// SPDX-License-Identifier: Apache-2.0

#undef column
#undef COLUMN_WORDS
#undef READ
#undef WRITE
#undef TERNARY
#undef ROTATE
#undef CARRY_SAVE

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
// Any function of three bits is one instruction: 0x96 their sum, 0xe8 their majority.
#define TERNARY(a, b, c, function) \
    (column) _mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), function)
#define ROTATE(a, places) (column) _mm512_rolv_epi64((__m512i)(a), _mm512_set1_epi64(places))
#define CARRY_SAVE(a, b, c)                  \
    ({                                       \
        column a_ = (a), b_ = (b), c_ = (c); \
        (a) = TERNARY(a_, b_, c_, 0x96);     \
        TERNARY(a_, b_, c_, 0xe8);           \
    })
#else
#define ROTATE(a, places) ((a) << (places) | (a) >> (64 - (places)))
#define CARRY_SAVE(a, b, c)                          \
    ({                                               \
        column b_ = (b), c_ = (c), half_ = (a) ^ b_; \
        column carry_ = ((a)&b_) | (half_ & c_);     \
        (a) = half_ ^ c_;                            \
        carry_;                                      \
    })
#endif

// A loop whose indices are constants.
#undef UNROLLED
#define UNROLLED _Pragma("clang loop unroll(full)")
