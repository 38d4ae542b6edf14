// SPDX-License-Identifier: Apache-2.0

import Testing

/// What `mectl stream` does before it has bits; that it gives them, a test of the whole daemon shows.
@Suite(
    "mectl stream: terminals and wrong command lines, and the socket that it uses")
struct StreamTests {
    @Test("Bits do not go to a terminal")
    func terminal() {
        let invocation = Invocation(["stream", "--bytes", "1"], isTerminal: true)
        #expect(invocation.exitCode == 1)
        #expect(
            invocation.messages == """
                mectl: error: bits are not written to a terminal
                mectl: hint: redirect them, as in: mectl stream | rngtest

                """)
    }

    @Test(
        "A command line that makes no sense has status 64",
        arguments: [
            ["--bytes", "0"], ["--bytes", "-1"], ["--bytes", "many"], ["--grade", "expand"],
            ["--grade", "perfect"], ["--json"], ["--format", "hex"], ["--dtype", "float32"],
            ["--format", "normals", "--dtype", "float16"], ["--format", "uniform", "--grade", "raw"],
            ["--format", "normals", "--bytes", "6"], ["--format", "normals", "--dtype", "float64", "--bytes", "12"],
        ])
    func usage(arguments: [String]) {
        #expect(Invocation(["stream"] + arguments).exitCode == 64)
    }

    @Test("The entropy socket is beside the control socket unless it is named")
    func socket() {
        let beside = Invocation(["stream", "--socket", "/tmp/metrng-none/c.sock"])
        #expect(beside.exitCode == 69)
        #expect(beside.messages.contains("/tmp/metrng-none/entropy.sock"))
        let before = Invocation(["--socket", "/tmp/metrng-none/c.sock", "stream"])
        #expect(before.messages.contains("/tmp/metrng-none/entropy.sock"))
        let environment = Invocation(
            ["stream"], environment: ["METRNG_CONTROL": "/tmp/metrng-none/control.sock"])
        #expect(environment.messages.contains("/tmp/metrng-none/entropy.sock"))
        let samples = Invocation(["stream", "--format", "normals", "--socket", "/tmp/metrng-none/c.sock"])
        #expect(samples.exitCode == 69)
        #expect(samples.messages.contains("/tmp/metrng-none/entropy.sock"))
        let named = Invocation(["stream", "--entropy-socket", "/tmp/metrng-none/e.sock"])
        #expect(named.messages.contains("/tmp/metrng-none/e.sock"))
    }
}
