// SPDX-License-Identifier: Apache-2.0

import CNetworkKernels
import Glibc
import TestMaterials
import Testing

@Suite("Kernels of networks against plain sums in double precision, on every code path")
struct KernelTests {
    private func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }

    @Test("SiLU is right to 1e-6 from −100 to 100, and keeps to its row's vector", arguments: KernelPath.strips)
    func silu(on path: KernelPath) {
        let width = 37
        let rows = (0..<40 * width).map { Float($0 - 740) / 7.4 }
        let vectors = mixed(stream: 1, count: 3 * width)
        let which = (0..<40).map { Int32($0 % 3) }
        var found = rows
        nk_add_silu(path.features, &found, 40, width, vectors, which)
        for index in rows.indices {
            let x = rows[index] + vectors[Int(which[index / width]) * width + index % width]
            let expected = silu(Double(x))
            #expect(abs(Double(found[index]) - expected) <= 1e-6 * max(1, abs(expected)))
        }
    }

    @Test("adding a vector adds the first to all rows where none is chosen", arguments: KernelPath.strips)
    func add(on path: KernelPath) {
        var rows = [Float](repeating: 1, count: 6)
        nk_add(path.features, &rows, 2, 3, [1, 2, 3], nil)
        #expect(rows == [2, 3, 4, 2, 3, 4])
        nk_add(path.features, &rows, 2, 3, [0, 0, 0, 1, 1, 1], [1, 0])
        #expect(rows == [3, 4, 5, 2, 3, 4])
    }

    @Test("a layer is normalised", arguments: KernelPath.strips)
    func layerNorm(on path: KernelPath) {
        let width = 67
        let rows = mixed(stream: 2, count: 3 * width).map { 5 + 3 * $0 }
        let (weight, bias) = (mixed(stream: 3, count: width), mixed(stream: 4, count: width))
        var found = rows
        nk_layer_norm(path.features, rows, &found, 3, width, weight, bias)
        for row in 0..<3 {
            let values = rows[row * width..<(row + 1) * width].map(Double.init)
            let (mean, deviation) = moments(values)
            for index in 0..<width {
                let expected = (values[index] - mean) / deviation * Double(weight[index]) + Double(bias[index])
                #expect(abs(Double(found[row * width + index]) - expected) < 1e-5)
            }
        }
    }

    @Test("groups of channels are normalised image by image", arguments: KernelPath.strips)
    func groupNorm(on path: KernelPath) {
        let (count, positions, channels, groups) = (2, 11, 24, 8)
        let images = mixed(stream: 5, count: count * positions * channels).map { 2 - 3 * $0 }
        let (weight, bias) = (mixed(stream: 6, count: channels), mixed(stream: 7, count: channels))
        var found = images
        nk_group_norm_silu(path.features, images, &found, count, positions, channels, groups, weight, bias)
        let members = channels / groups
        for image in 0..<count {
            for channel in 0..<channels {
                let first = channel / members * members
                let places = (0..<positions).map { (image * positions + $0) * channels }
                let group = places.flatMap { place in (0..<members).map { Double(images[place + first + $0]) } }
                let (mean, deviation) = moments(group)
                for place in places {
                    let normal = (Double(images[place + channel]) - mean) / deviation
                    let expected = silu(normal * Double(weight[channel]) + Double(bias[channel]))
                    #expect(abs(Double(found[place + channel]) - expected) < 1e-5)
                }
            }
        }
    }

    private func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        return (mean, (variance + 1e-5).squareRoot())
    }

    @Test("neighbourhoods have zeros beyond the border, and a stride leaves positions out", arguments: [1, 2])
    func neighbourhoods(stride: Int) {
        let (count, height, width, channels) = (2, 4, 6, 3)
        let images = mixed(stream: 8, count: count * height * width * channels)
        var found = [Float](repeating: .nan, count: count * height * width * channels * 9 / stride / stride)
        nk_neighbourhoods(images, &found, count, height, width, channels, stride)
        var place = 0
        for image in 0..<count {
            for row in Swift.stride(from: 0, to: height, by: stride) {
                for column in Swift.stride(from: 0, to: width, by: stride) {
                    for tap in 0..<9 {
                        let (y, x) = (row + tap / 3 - 1, column + tap % 3 - 1)
                        for channel in 0..<channels {
                            let inside = (0..<height).contains(y) && (0..<width).contains(x)
                            let source = ((image * height + y) * width + x) * channels + channel
                            #expect(found[place] == (inside ? images[source] : 0))
                            place += 1
                        }
                    }
                }
            }
        }
        #expect(place == found.count)
    }
}
