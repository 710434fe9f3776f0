//! The description of a service, from the table: one flat WSDL 1.1 document by the WS-I Basic Profile 1.1, and a second one
//! that differs in the version of SOAP.

use crate::fault::FAULT_ELEMENT;
use crate::read::Version;
use crate::table::{Operation, Service};
use crate::xsd::{element, operations, request_element, response_element};
use quick_xml::escape::escape;

/// Names of what a description declares.
struct Names {
    base: &'static str,
    exception: &'static str,
}

fn names(service: Service) -> Names {
    match service {
        Service::SecPki => Names { base: "SecPKI", exception: "SecPKIApiException" },
        Service::SecSigner => Names { base: "SecSigner", exception: "SecSignerException" },
    }
}

/// The action that belongs to an operation, for those who want to see one.
pub fn action(operation: &Operation) -> String {
    format!("{}#{}", operation.service.namespace(), operation.name)
}

/// The description of a service at an address, with a port of this version of SOAP.
pub fn description(service: Service, version: Version, address: &str) -> String {
    let Names { base, exception } = names(service);
    let namespace = service.namespace();
    let (soap, transport, suffix) = match version {
        Version::Soap11 => ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/soap/http", ""),
        Version::Soap12 => ("http://schemas.xmlsoap.org/wsdl/soap12/", "http://schemas.xmlsoap.org/soap/http", "12"),
    };
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <wsdl:definitions name=\"{base}Service\" targetNamespace=\"{namespace}\"\n\
         \x20   xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:soap=\"{soap}\"\n\
         \x20   xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:t=\"{namespace}\">\n"
    );
    // An answer has many elements, and wsimport would make each of them a parameter; some would even share a name.
    for jaxws in ["https://jakarta.ee/xml/ns/jaxws", "http://java.sun.com/xml/ns/jaxws"] {
        text.push_str(&format!(
            "  <jaxws:bindings xmlns:jaxws=\"{jaxws}\"><jaxws:enableWrapperStyle>false</jaxws:enableWrapperStyle></jaxws:bindings>\n"
        ));
    }
    text.push_str("  <wsdl:types>\n");
    text.push_str(&element(service, "    "));
    text.push_str("  </wsdl:types>\n");
    for operation in operations(service) {
        let (request, response) = (request_element(operation), response_element(operation));
        for (message, element) in
            [(request_message(operation), request.to_owned()), (response_message(operation), response)]
        {
            text.push_str(&format!(
                "  <wsdl:message name=\"{message}\">\n    <wsdl:part name=\"parameters\" element=\"t:{element}\"/>\n  \
                 </wsdl:message>\n"
            ));
        }
    }
    text.push_str(&format!(
        "  <wsdl:message name=\"{exception}\">\n    <wsdl:part name=\"fault\" element=\"t:{FAULT_ELEMENT}\"/>\n  \
         </wsdl:message>\n"
    ));
    text.push_str(&format!("  <wsdl:portType name=\"{base}SoapPortType\">\n"));
    for operation in operations(service) {
        let (name, summary) = (operation.name, escape(operation.summary));
        let (request, response) = (request_message(operation), response_message(operation));
        text.push_str(&format!(
            "    <wsdl:operation name=\"{name}\">\n      <wsdl:documentation>{summary}</wsdl:documentation>\n      \
             <wsdl:input message=\"t:{request}\"/>\n      <wsdl:output message=\"t:{response}\"/>\n      \
             <wsdl:fault name=\"{FAULT_ELEMENT}\" message=\"t:{exception}\"/>\n    </wsdl:operation>\n"
        ));
    }
    text.push_str(&format!(
        "  </wsdl:portType>\n  <wsdl:binding name=\"{base}Soap{suffix}Binding\" type=\"t:{base}SoapPortType\">\n    \
         <soap:binding style=\"document\" transport=\"{transport}\"/>\n"
    ));
    for operation in operations(service) {
        let (name, action) = (operation.name, action(operation));
        text.push_str(&format!(
            "    <wsdl:operation name=\"{name}\">\n      <soap:operation soapAction=\"{action}\"/>\n      \
             <wsdl:input>\n        <soap:body use=\"literal\"/>\n      </wsdl:input>\n      \
             <wsdl:output>\n        <soap:body use=\"literal\"/>\n      </wsdl:output>\n      \
             <wsdl:fault name=\"{FAULT_ELEMENT}\">\n        \
             <soap:fault name=\"{FAULT_ELEMENT}\" use=\"literal\"/>\n      </wsdl:fault>\n    </wsdl:operation>\n"
        ));
    }
    let address = escape(address);
    text.push_str(&format!(
        "  </wsdl:binding>\n  <wsdl:service name=\"{base}Service\">\n    \
         <wsdl:port name=\"{base}Soap{suffix}Port\" binding=\"t:{base}Soap{suffix}Binding\">\n      \
         <soap:address location=\"{address}\"/>\n    </wsdl:port>\n  </wsdl:service>\n</wsdl:definitions>\n"
    ));
    text
}

fn request_message(operation: &Operation) -> String {
    match operation.service {
        Service::SecPki => format!("{}Request", operation.name),
        Service::SecSigner => operation.request.name.to_owned(),
    }
}

fn response_message(operation: &Operation) -> String {
    match operation.service {
        Service::SecPki => operation.response_name(),
        Service::SecSigner => operation.response.name.to_owned(),
    }
}
