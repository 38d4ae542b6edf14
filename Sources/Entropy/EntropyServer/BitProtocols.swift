// SPDX-License-Identifier: Apache-2.0

import EntropyProtocol
import EntropyRing
import EntropyTerms
import LinuxPlatform
import Synchronization

/// MEP/1.
struct EntropyPlane: BitProtocol {
    let parts: EntropyServer.Parts
    let clientName: ClientName? = nil

    func adapted(_ request: BitRequest) -> BitRequest { request }

    func answer(
        _ question: EntropySession.Question, of session: inout EntropySession, for client: DispenserClient
    ) {
        switch question {
        case .information:
            let source = parts.sources.first
            session.answer(
                info: parts.info(), provenance: source?.provenance ?? .hardware,
                healthEpoch: source?.healthEpoch.load(ordering: .relaxed) ?? 0)
        case .name(let name):
            client.account.setName(name)
            session.acceptName()
        }
    }

    func refuse(_ newcomer: Descriptor) {
        withUnsafeTemporaryAllocation(byteCount: EntropyReply.byteCount, alignment: 8) { header in
            EntropyReply.refusal(.overQuota, grade: .raw, tag: 0).write(to: header)
            _ = parts.calls.send(
                UnsafeRawBufferPointer(header), UnsafeRawBufferPointer(start: nil, count: 0),
                to: newcomer)
        }
    }
}

/// EGD, which has no word for the provenance of bits: unless configured otherwise, only genuine ones are given.
struct EGDPlane: BitProtocol {
    let settings: EntropyServer.EGD
    let dispenser: Dispenser
    let clientName = ClientName("EGD")

    func adapted(_ request: BitRequest) -> BitRequest {
        BitRequest(
            grade: request.grade, length: request.length, waits: request.waits,
            isGenuine: !settings.allowsSimulated)
    }

    func answer(_ question: EGDSession.Question, of session: inout EGDSession, for client: DispenserClient) {
        switch question {
        case .available: session.answer(available: available)
        case .processID: session.answer(processID: settings.processID)
        case .atOnce(let limit):
            let length = min(Int(limit), available)
            guard length > 0 else { return session.answerNothing() }
            let request = adapted(BitRequest(grade: .full, length: length, waits: false))
            guard case .granted(let draw) = dispenser.grant(request) else { return session.answerNothing() }
            session.begin(draw, provenance: .hardware, healthEpoch: 0)
        }
    }

    /// How many bytes a client can have at once.
    private var available: Int { dispenser.mostAtOnce(.full, isGenuine: !settings.allowsSimulated) }

    func refuse(_ newcomer: Descriptor) {}
}
