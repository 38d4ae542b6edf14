// SPDX-License-Identifier: Apache-2.0

package import LinuxPlatform

/// The description that a service gives of itself.
package struct VarlinkServiceInfo: Sendable, Equatable, Codable {
    package let vendor: String
    package let product: String
    package let version: String
    package let url: String

    package init(vendor: String, product: String, version: String, url: String) {
        self.vendor = vendor
        self.product = product
        self.version = version
        self.url = url
    }
}

/// The interfaces a server offers, `org.varlink.service` among them; finds who answers a call.
package struct VarlinkService: Sendable {
    private let interfaces: [String: any VarlinkInterface]

    package init(_ info: VarlinkServiceInfo, _ interfaces: [any VarlinkInterface]) {
        let introspection = Introspection(info: info, described: interfaces)
        self.interfaces = Dictionary(
            (interfaces + [introspection]).map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    /// The answer to a call, the errors of the protocol included.
    package func answer(
        _ message: CallMessage, from peer: PeerCredentials, with descriptor: Descriptor?
    ) throws(VarlinkError) -> VarlinkAnswer {
        guard !message.upgrade else { throw .invalidParameter("upgrade") }
        let (interface, method) = try find(message.method)
        guard message.parameterNames != nil else { throw .invalidParameter("parameters") }
        return try interface.call(
            VarlinkCall(method: method, message: message, peer: peer, descriptor: descriptor))
    }

    private func find(
        _ name: String
    ) throws(VarlinkError) -> (interface: any VarlinkInterface, method: String) {
        guard let dot = name.lastIndex(of: ".") else { throw .interfaceNotFound(name) }
        guard let interface = interfaces[String(name[..<dot])] else {
            throw .interfaceNotFound(String(name[..<dot]))
        }
        return (interface, String(name[name.index(after: dot)...]))
    }
}

/// `org.varlink.service`: the list of interfaces and their descriptions.
private struct Introspection: VarlinkInterface {
    let name = "org.varlink.service"
    let description = serviceInterfaceText
    let info: VarlinkServiceInfo
    let descriptions: [String: String]

    private struct Info: Encodable {
        let vendor, product, version, url: String
        let interfaces: [String]
    }

    private struct DescriptionParameters: Decodable {
        let interface: String
    }

    init(info: VarlinkServiceInfo, described interfaces: [any VarlinkInterface]) {
        self.info = info
        descriptions = Dictionary(
            interfaces.map { ($0.name, $0.description) } + [(name, description)],
            uniquingKeysWith: { $1 })
    }

    func call(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkAnswer {
        switch call.method {
        case "GetInfo": .reply(try getInfo(call))
        case "GetInterfaceDescription": .reply(try getDescription(call))
        default: throw .methodNotFound("\(name).\(call.method)")
        }
    }

    private func getInfo(_ call: VarlinkCall) throws(VarlinkError) -> Info {
        _ = try call.decodeParameters(as: JSONValue.self, names: [])
        return Info(
            vendor: info.vendor, product: info.product, version: info.version, url: info.url,
            interfaces: descriptions.keys.sorted())
    }

    private func getDescription(_ call: VarlinkCall) throws(VarlinkError) -> [String: String] {
        let asked = try call.decodeParameters(
            as: DescriptionParameters.self, names: ["interface"])
        guard let description = descriptions[asked.interface] else {
            throw .interfaceNotFound(asked.interface)
        }
        return ["description": description]
    }
}

private let serviceInterfaceText = """
    # The Varlink Service Interface is provided by every varlink service. It
    # describes the service and the interfaces it implements.
    interface org.varlink.service

    # Get a list of all the interfaces a service provides and information
    # about the implementation.
    method GetInfo() -> (
      vendor: string,
      product: string,
      version: string,
      url: string,
      interfaces: []string
    )

    # Get the description of an interface that is implemented by this service.
    method GetInterfaceDescription(interface: string) -> (description: string)

    # The requested interface was not found.
    error InterfaceNotFound (interface: string)

    # The requested method was not found
    error MethodNotFound (method: string)

    # The interface defines the requested method, but the service does not
    # implement it.
    error MethodNotImplemented (method: string)

    # One of the passed parameters is invalid.
    error InvalidParameter (parameter: string)

    # Client is denied access
    error PermissionDenied ()

    # Method is expected to be called with 'more' set to true, but wasn't
    error ExpectedMore ()

    """
