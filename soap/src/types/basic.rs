//! Messages that only ask whether the server is there and what it is, and what several messages share.

use crate::message::messages;
use crate::value::Moment;

messages! {
    /// A further choice, by name: what a later version adds without a new schema.
    Setting {
        /// Its name. A name that the operation does not know is an error.
        name "name": one text[64];
        /// Its value.
        value "value": one text[4000];
    }

    /// Asks for an echo.
    EchoRequest {
        /// What is to be sent back.
        text "text": maybe text[4000];
    }

    /// The echo.
    EchoResponse {
        /// What was sent.
        text "Text": maybe text[4000];
    }

    /// Asks what answers.
    GetVersionRequest {}

    /// What answers.
    GetVersionResponse {
        /// Name of the product.
        product "Product": one text[100];
        /// Its version.
        version "Version": one text[100];
        /// Number of the interface: higher means more.
        interface "Interface": one int[1, 1_000_000];
        /// The server's time.
        time "Time": one time;
    }
}
