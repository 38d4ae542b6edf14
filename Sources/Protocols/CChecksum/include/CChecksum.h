// SPDX-License-Identifier: Apache-2.0
//
// The checksum of frames and recordings.
//
// Every kernel is a pure function of its arguments (any thread may call, nothing is allocated or
// kept), exists as portable C and as one or more paths for particular processors, and gives the
// same result, bit for bit, on every path; see CKernelSupport.h for `features`.

#ifndef CCHECKSUM_H
#define CCHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "CKernelSupport.h"

// CRC-32C (Castagnoli) of `bytes` following data whose CRC is `crc`; 0 to begin with.
uint32_t ck_crc32c(ck_features features, uint32_t crc, const uint8_t *data, size_t bytes);

#endif
