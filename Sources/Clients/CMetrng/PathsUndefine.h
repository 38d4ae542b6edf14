// SPDX-License-Identifier: Apache-2.0
//
// Takes away the operations of one path, for Paths.h to define those of the next. Included often.

#undef FMA_F
#undef FMA_D
#undef LEAVE
#undef SQRT_F
#undef SQRT_D
#undef EVEN_F
#undef ODD_F
#undef LOW_F
#undef HIGH_F
#undef EVEN_D
#undef ODD_D
#undef LOW_D
#undef HIGH_D
