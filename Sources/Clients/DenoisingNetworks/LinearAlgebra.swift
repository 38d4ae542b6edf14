// SPDX-License-Identifier: Apache-2.0

import COpenBLAS

/// Products and eigenvalues, by OpenBLAS. Any thread; each call computes on its own thread.
enum LinearAlgebra {
    /// Keeps OpenBLAS from starting threads of its own, in the whole process: they would wait for each other and
    /// compete with the threads that networks are computed on.
    static let singleThreaded: Void = openblas_set_num_threads(1)

    /// Adds to `out`, or writes where `adds` is false, `rows` × `weights`: [count × inputs] × [inputs × outputs].
    static func multiply(
        _ rows: UnsafePointer<Float>, _ weights: [Float], count: Int, inputs: Int, outputs: Int, adds: Bool = false,
        into out: UnsafeMutablePointer<Float>
    ) {
        singleThreaded
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(count), blasint(outputs), blasint(inputs), 1, rows,
            blasint(inputs), weights, blasint(outputs), adds ? 1 : 0, out, blasint(outputs))
    }

    /// The product of two square matrices, row by row.
    static func product(_ first: [Double], _ second: [Double], order: Int) -> [Double] {
        singleThreaded
        var out = [Double](repeating: 0, count: order * order)
        let size = blasint(order)
        cblas_dgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, size, size, size, 1, first, size, second, size, 0, &out, size)
        return out
    }

    /// The eigenvalues of a symmetric matrix, rising, and the eigenvectors, one in each row; nil where the iteration
    /// does not converge, which finite matrices do not cause.
    static func eigenvectors(of matrix: [Double], order: Int) -> (values: [Double], vectors: [Double])? {
        singleThreaded
        var vectors = matrix
        var values = [Double](repeating: 0, count: order)
        var (size, status) = (blasint(order), blasint(0))
        var workCount = blasint(max(1, 34 * order))
        var work = [Double](repeating: 0, count: Int(workCount))
        dsyev_("V", "U", &size, &vectors, &size, &values, &work, &workCount, &status)
        return status == 0 ? (values, vectors) : nil
    }
}
