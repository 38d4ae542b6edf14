// SPDX-License-Identifier: Apache-2.0
#include <cblas.h>

// LAPACK's eigenvalues and eigenvectors of a symmetric matrix, which OpenBLAS has; its header is
// another package.
void dsyev_(const char *job, const char *triangle, const int *order, double *matrix,
            const int *stride, double *values, double *work, const int *workCount, int *status);
