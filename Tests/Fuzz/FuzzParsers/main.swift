// SPDX-License-Identifier: Apache-2.0
//
// Runs the fuzz targets. Linked with libFuzzer, as by scripts/fuzz:
//
//     fuzz-parsers TARGET [argument of libFuzzer]...
//
// Otherwise over the files it is given, and over mutations of each:
//
//     fuzz-parsers TARGET MUTATIONS SEED REPRODUCER FILE...
//
// with exit status 77 for an input that fails, which is then in the file REPRODUCER.
// `fuzz-parsers --list` prints the names of the targets, `--list-planted` those of the targets with
// bugs, which have to fail.

import CFuzzDriver
import FuzzTargets
import Glibc

let lists = ["--list": FuzzTarget.all, "--list-planted": FuzzTarget.planted]
guard let name = CommandLine.arguments.dropFirst().first else {
    fail("name a target; --list names them")
}
if let list = lists[name] {
    for target in list { print(target.name) }
    exit(0)
}
// The form in which libFuzzer passes the name on to the processes that it starts.
let target = name.hasPrefix(targetOption) ? String(name.dropFirst(targetOption.count)) : name
guard let chosen = (FuzzTarget.all + FuzzTarget.planted).first(where: { $0.name == target }) else {
    fail("there is no target \(target); --list names them")
}
select(chosen)
exit(cfuzz_has_engine() ? runEngine(chosen) : replay(chosen, CommandLine.arguments.dropFirst(2)))
