// SPDX-License-Identifier: Apache-2.0

/// An error reply: a name with its interface in front, and what the interface says it carries.
package struct VarlinkError: Error, Sendable, Equatable {
    package let name: String
    package let parameters: JSONValue

    package init(name: String, parameters: JSONValue = [:]) {
        self.name = name
        self.parameters = parameters
    }
}

/// The errors every service may answer with.
extension VarlinkError {
    package static func interfaceNotFound(_ interface: String) -> VarlinkError {
        standard("InterfaceNotFound", ["interface": .string(interface)])
    }

    /// - Parameter method: with its interface in front.
    package static func methodNotFound(_ method: String) -> VarlinkError {
        standard("MethodNotFound", ["method": .string(method)])
    }

    /// The interface describes the method, but this service does not have it.
    package static func methodNotImplemented(_ method: String) -> VarlinkError {
        standard("MethodNotImplemented", ["method": .string(method)])
    }

    package static func invalidParameter(_ parameter: String) -> VarlinkError {
        standard("InvalidParameter", ["parameter": .string(parameter)])
    }

    package static var permissionDenied: VarlinkError { standard("PermissionDenied") }

    /// The method gives several replies and was called without `more`.
    package static var expectedMore: VarlinkError { standard("ExpectedMore") }

    private static func standard(_ name: String, _ parameters: JSONValue = [:]) -> VarlinkError {
        VarlinkError(name: "org.varlink.service.\(name)", parameters: parameters)
    }
}
